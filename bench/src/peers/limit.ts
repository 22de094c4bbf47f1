// The hand-written limit: what WebAssembly can reach on this machine. It knows the matrix products.

import { handWrittenGemm, tileName, tiles } from '../../limits/gemm.ts';
import type { Engine, EngineName } from '../adapter.ts';
import { compareTimes, quickPlan } from '../measure.ts';

export async function load(name: EngineName): Promise<Engine> {
  return {
    name,
    cannot: (c) => (/^matmul-\d+$/.test(c.name) ? undefined : 'no hand-written kernel'),
    async prepare(_, { a, b }) {
      // Which tile is best depends on the engine and the size: take the fastest here.
      const variants = new Map(
        tiles.map((t) => {
          const { run, result } = handWrittenGemm(t, a.shape[0], a.data, b.data);
          return [tileName(t), { run, async: false, output: async () => result }];
        }),
      );
      const times = await compareTimes(variants, quickPlan);
      const [best] = [...times].sort((x, y) => x[1].median - y[1].median)[0];
      const flops = 2 * a.shape[0] ** 3;
      const notes = Object.fromEntries([...times].map(([k, t]) => [`${k} GFLOP/s`, flops / t.median / 1e6]));
      return { ...(variants.get(best) as NonNullable<ReturnType<typeof variants.get>>), notes };
    },
  };
}
