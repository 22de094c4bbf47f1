// Convolutions by Winograd's algorithm: that they are what is compiled, and how exact they are.

import '../../tools/relaxed-simd.ts';
import { describe, expect, it } from 'vitest';
import { winogradTile } from '../../compiler/lower/conv-algorithm.ts';
import { filterMatrix, multiply, winograd } from '../../compiler/lower/winograd-transforms.ts';
import { Builder } from '../../ir/builder.ts';
import type { Graph } from '../../ir/graph.ts';
import { f32 } from '../../ir/kernel/expr.ts';
import { runReference, runWasm } from './run.ts';

const geometry = {
  groups: 1,
  strides: [1, 1],
  pad: [
    [1, 1],
    [1, 1],
  ],
  lhs_dilation: [1, 1],
  rhs_dilation: [1, 1],
};
function graphOf(op: string, shapes: readonly (readonly number[])[], attrs = {}): Graph {
  const b = new Builder(op);
  const params = shapes.map((shape, i) => b.param({ dtype: 'f32', shape }, `p${i}`));
  return b.build([b.call(op, params, { ...geometry, ...attrs })]);
}
const forward = (x: readonly number[], w: readonly number[]) => graphOf('conv', [x, w]);
const filterGrad = (x: readonly number[], g: readonly number[]) =>
  graphOf('conv_filter_grad', [x, g], { kernel: [3, 3] });

/** Uniform in [-1, 1]. */
function uniform(n: number, seed: number): Float32Array {
  let state = seed >>> 0 || 1;
  return Float32Array.from({ length: n }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 31 - 1;
  });
}

describe('the transforms', () => {
  it.each([2, 4])('of F(%i, 3) convolve numbers exactly but for rounding', (m) => {
    const w = winograd(m);
    const x = Array.from(uniform(w.n, 3));
    const taps = Array.from(uniform(3, 4));
    const apply = (a: readonly (readonly number[])[], v: readonly number[]) =>
      a.map((row) => row.reduce((s, c, k) => s + c * v[k], 0));
    const [u, v] = [apply(w.filter, taps), apply(w.inputT, x)];
    const y = apply(
      w.outputT,
      u.map((e, i) => e * v[i]),
    );
    y.forEach((value, i) => {
      expect(value).toBeCloseTo(x[i] * taps[0] + x[i + 1] * taps[1] + x[i + 2] * taps[2], 12);
    });
  });
  it.each([2, 4])('of F(%i, 3) at run time have coefficients that float32 holds', (m) => {
    const { inputT, outputT } = winograd(m);
    for (const c of [...inputT, ...outputT].flat()) expect(Math.fround(c)).toBe(c);
  });
  it('as code are the matrices', () => {
    const w = winograd(4);
    for (const a of [w.inputT, w.outputT, w.filter]) {
      // Constants fold nowhere in float32, so the code is evaluated here, in doubles.
      const x = Array.from(uniform(a[0].length, 7), Math.fround);
      const value = (e: ReturnType<typeof f32>): number => {
        switch (e.k) {
          case 'const':
            return e.value;
          case 'bin':
            return e.op === 'add'
              ? value(e.a) + value(e.b)
              : e.op === 'sub'
                ? value(e.a) - value(e.b)
                : value(e.a) * value(e.b);
          case 'fma':
            return value(e.a) * value(e.b) + value(e.c);
          default:
            throw new Error(e.k);
        }
      };
      const code = multiply(a, x.map(f32), (e) => e).map(value);
      const numbers = a.map((row) => row.reduce((s, c, k) => s + c * x[k], 0));
      code.forEach((v, i) => {
        expect(v).toBeCloseTo(numbers[i], 6);
      });
    }
    const apart = filterMatrix(w.filter);
    const taps = Array.from(uniform(9, 8));
    // Position (1, 4) of a X a^T, by its definition.
    const by = w.filter.map((r) => [0, 1, 2].map((x) => r.reduce((s, c, y) => s + c * taps[y * 3 + x], 0)));
    const want = w.filter[4].reduce((s, c, x) => s + c * by[1][x], 0);
    expect(taps.reduce((s, v, t) => s + apart[(w.n + 4) * 9 + t] * v, 0)).toBeCloseTo(want, 12);
  });
});

describe('winogradTile', () => {
  const tile = (x: readonly number[], w: readonly number[]) => winogradTile(forward(x, w).nodes[0]);
  it('takes filters that are used often enough, in tiles of four', () => {
    expect(tile([1, 56, 56, 64], [3, 3, 64, 64])).toBe(4);
    expect(tile([64, 24, 24, 32], [3, 3, 32, 64])).toBe(4);
  });
  it('leaves few channels, other filters and tiny images to the direct convolution', () => {
    expect(tile([1, 56, 56, 3], [3, 3, 3, 64])).toBeNull();
    expect(tile([1, 56, 56, 64], [5, 5, 64, 64])).toBeNull();
    expect(tile([1, 2, 2, 64], [3, 3, 64, 64])).toBeNull();
  });
});

describe.each([
  { name: 'one thread', relaxed: undefined, threads: 1 },
  { name: 'without fused multiply-add', relaxed: false, threads: 1 },
  { name: 'two threads', relaxed: undefined, threads: 2 },
])('the error, $name', ({ relaxed, threads }) => {
  // Below 1e-5 of the largest element, the bound for convolutions (docs/accuracy.md).
  it.each([
    ['forward', forward([1, 12, 13, 64], [3, 3, 64, 24])],
    ['forward, many channels', forward([1, 7, 7, 256], [3, 3, 256, 20])],
    ['filter gradient', filterGrad([4, 14, 13, 24], [4, 14, 13, 32])],
  ])('%s', async (_, g) => {
    const inputs = g.params.map((p, i) =>
      uniform(
        (p.type.shape as number[]).reduce((a, d) => a * d, 1),
        11 + i,
      ),
    );
    const [want] = runReference(g, inputs);
    const [got] = (await runWasm(g, inputs, { relaxed, threads })).outputs;
    let [worst, largest] = [0, 0];
    Array.from(want).forEach((w, i) => {
      worst = Math.max(worst, Math.abs(got[i] - w));
      largest = Math.max(largest, Math.abs(w));
    });
    expect(worst / largest).toBeLessThan(5e-6);
  });
});
