// The table of memory speeds.

import { memoryStreams, routines } from '../limits/bandwidth.ts';
import type { Extra } from './extras.ts';
import { compareTimes, fullPlan, quickPlan } from './measure.ts';
import { textTable } from './table.ts';

const sizes: readonly (readonly [string, number])[] = [
  ['8 KB', 2 ** 11],
  ['256 KB', 2 ** 16],
  ['4 MB', 2 ** 20],
  ['64 MB', 2 ** 24],
];

export const bandwidth: Extra = {
  name: 'bandwidth',
  about: 'GB/s of hand-written WebAssembly, reads and writes, one thread',
  async run({ quick }) {
    const table = textTable(['array', ...routines]);
    const figures: Record<string, Record<string, number>> = {};
    for (const [label, floats] of sizes) {
      const streams = memoryStreams(floats);
      const entries = new Map(
        [...streams].map(([k, s]) => [k, { run: s.run, async: false, output: async () => new Float32Array() }]),
      );
      const times = await compareTimes(entries, quick ? quickPlan : fullPlan);
      const row: Record<string, number> = {};
      for (const [k, s] of streams) row[k] = s.bytes / (times.get(k)?.median ?? Number.NaN) / 1e6;
      figures[label] = row;
      table.push([label, ...routines.map((r) => row[r].toFixed(1))]);
    }
    console.log(table.toString());
    return figures;
  },
};
