// How near each case comes to what the machine can do: the larger of its arithmetic at the speed of multiply-adds
// in registers and its traffic at the speed of memory (the roofline model), over the measured time.

import { cases } from './cases/index.ts';
import type { Extra } from './extras.ts';
import { compareTimes, fullPlan, quickPlan } from './measure.ts';
import { compileCase, loadSinter } from './peers/sinter.ts';
import { timeText } from './report.ts';
import { textTable } from './table.ts';

/** Cases whose operands take a call, and no time to speak of: the machine's limits say nothing about them. */
const tooSmall = 1e4;

export const roofline: Extra = {
  name: 'roofline',
  about: 'the time of every case against the least that arithmetic and memory allow, one thread',
  async run({ quick }) {
    const tf = await loadSinter();
    const table = textTable(['roofline', 'MFLOP', 'MB', 'FLOP/byte', 'bound by', 'least', 'median', 'share']);
    const figures: Record<string, { readonly least: number; readonly median: number }> = {};
    let limits: { readonly gflops: number; readonly gbs: number } | undefined;
    for (const c of cases.filter((x) => x.flops + x.bytes >= tooSmall)) {
      const { exe, feeds } = await compileCase(tf, c, c.operands(), 1);
      limits ??= exe.profile(...feeds, { repeats: 1 }).limits;
      const run = () => {
        const out = exe.run(...feeds);
        for (const t of Array.isArray(out) ? out : [out]) (t as { dispose?(): void }).dispose?.();
      };
      const prepared = { run, async: false, output: async () => new Float32Array() };
      const times = await compareTimes(new Map([['sinter', prepared]]), quick ? quickPlan : fullPlan);
      const median = times.get('sinter')?.median ?? Number.NaN;
      const [compute, memory] = [c.flops / limits.gflops / 1e6, c.bytes / limits.gbs / 1e6];
      const least = Math.max(compute, memory);
      figures[c.name] = { least, median };
      table.push([
        c.name,
        (c.flops / 1e6).toFixed(1),
        (c.bytes / 1e6).toFixed(1),
        (c.flops / c.bytes).toFixed(1),
        compute > memory ? 'arithmetic' : 'memory',
        timeText(least),
        timeText(median),
        `${((100 * least) / median).toFixed(0)} %`,
      ]);
    }
    console.log(table.toString());
    if (limits) console.log(`limits: ${limits.gflops.toFixed(1)} GFLOP/s, ${limits.gbs.toFixed(1)} GB/s`);
    return { limits, figures };
  },
};
