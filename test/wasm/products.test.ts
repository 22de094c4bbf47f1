// Products at the sizes where their code differs: results larger than the cache, operands that stand column by
// column, panels packed side by side, each with rows, columns and steps that fill no tile.

import '../../tools/relaxed-simd.ts';
import { describe, expect, it } from 'vitest';
import { Builder } from '../../ir/builder.ts';
import type { Graph } from '../../ir/graph.ts';
import { runReference, runWasm } from './run.ts';

/** Uniform in [-1, 1]. */
function uniform(n: number, seed: number): Float32Array {
  let state = (seed * 0x9e3779b1) >>> 0 || 1;
  return Float32Array.from({ length: n }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 31 - 1;
  });
}

interface Product {
  readonly name: string;
  readonly a: readonly number[];
  readonly b: readonly number[];
  /** Contracted axes, and those of the batch. */
  readonly contract: readonly (readonly number[])[];
  readonly batch?: readonly (readonly number[])[];
  /** With a bias and a second result. */
  readonly epilogue?: boolean;
}
const products: readonly Product[] = [
  { name: 'a large result', a: [523, 37], b: [37, 519], contract: [[1], [0]] },
  { name: 'two large results', a: [391, 20], b: [20, 352], contract: [[1], [0]], epilogue: true },
  { name: 'a large result over several row blocks', a: [1201, 260], b: [260, 288], contract: [[1], [0]] },
  { name: 'the left operand column by column', a: [131, 203], b: [131, 67], contract: [[0], [0]] },
  {
    name: 'the same, long and with a second result',
    a: [1100, 205],
    b: [1100, 72],
    contract: [[0], [0]],
    epilogue: true,
  },
  {
    name: 'the same, in a batch',
    a: [2, 100, 224],
    b: [2, 100, 64],
    contract: [[1], [1]],
    batch: [[0], [0]],
  },
  { name: 'a right operand row by row', a: [50, 90], b: [96, 90], contract: [[1], [1]] },
  { name: 'panels side by side, few and many', a: [40, 65], b: [65, 64], contract: [[1], [0]] },
  { name: 'panels one by one', a: [40, 65], b: [65, 45], contract: [[1], [0]] },
];

function graphOf(p: Product): Graph {
  const b = new Builder('product');
  const [x, y] = [p.a, p.b].map((shape, i) => b.param({ dtype: 'f32', shape }, `p${i}`));
  const z = b.dot(x, y, p.contract, p.batch);
  if (!p.epilogue) return b.build([z]);
  const columns = (z.type.shape as number[]).at(-1) as number;
  const bias = b.param({ dtype: 'f32', shape: [columns] }, 'bias');
  const sum = b.add(z, bias);
  return b.build([sum, b.call('relu', [sum])]);
}

describe.each(products)('$name', (p) => {
  const g = graphOf(p);
  const inputs = g.params.map((v, i) =>
    uniform(
      (v.type.shape as number[]).reduce((n, d) => n * d, 1),
      i + 3,
    ),
  );
  const want = runReference(g, inputs);
  const largest = want[0].reduce((m, v) => Math.max(m, Math.abs(v)), 0);

  it.each([
    { how: 'one thread', relaxed: undefined, threads: 1 },
    { how: 'without fused multiply-add', relaxed: false, threads: 1 },
    { how: 'three threads', relaxed: undefined, threads: 3 },
  ])('$how', async ({ relaxed, threads }) => {
    const { outputs } = await runWasm(g, inputs, { relaxed, threads });
    want.forEach((w, k) => {
      let worst = 0;
      w.forEach((v, i) => {
        worst = Math.max(worst, Math.abs(outputs[k][i] - v));
      });
      expect(worst / largest).toBeLessThan(3e-6);
    });
  });

  it('has the same bits with any number of threads', async () => {
    const [one, two] = [await runWasm(g, inputs, { threads: 1 }), await runWasm(g, inputs, { threads: 2 })];
    expect(two.outputs).toEqual(one.outputs);
  });
});
