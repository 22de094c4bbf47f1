// What a second thread gains: the same programs with one and with more threads, side by side.

import { loadEngine, type Prepared } from './adapter.ts';
import { cases } from './cases/index.ts';
import type { Extra } from './extras.ts';
import { compareTimes, fullPlan, quickPlan, ratio } from './measure.ts';
import { timeText } from './report.ts';
import { textTable } from './table.ts';

const scaled = [
  ...['matmul-1024', 'mlp-train', 'cnn-64', 'cnn-train', 'encoder', 'encoder-train'],
  ...['resnet-50', 'mobilenet-v2', 'resnet20-train', 'gpt', 'gpt-train', 'lstm-train'],
];

export const scaling: Extra = {
  name: 'scaling',
  about: 'one thread against two (or --threads), this project alone',
  async run({ engines, threads, quick }) {
    if (!engines.includes('sinter')) return undefined;
    const many = Math.max(2, threads);
    const table = textTable(['scaling', '1 thread', `${many} threads`, 'gain']);
    const figures: Record<string, unknown> = {};
    try {
      for (const c of cases.filter((x) => scaled.includes(x.name))) {
        const operands = c.operands();
        const entries = new Map<string, Prepared>();
        for (const n of [1, many])
          entries.set(`${n}`, await (await loadEngine('sinter', { threads: n })).prepare(c, operands));
        const times = await compareTimes(entries, { ...(quick ? quickPlan : fullPlan), restMs: 100 });
        const [one, more] = [...times.values()];
        const gain = ratio(one, more);
        figures[c.name] = { one, more, gain };
        table.push([c.name, timeText(one.median), timeText(more.median), gain.toFixed(2)]);
      }
    } catch (e) {
      console.log(`  sinter: ${String(e instanceof Error ? e.message : e).split('\n')[0]}`);
    }
    if (table.length) console.log(table.toString());
    return figures;
  },
};
