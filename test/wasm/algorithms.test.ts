// Algorithms beyond the samples: in float64, on many shapes and threads, at the edge of what they can do.

import { describe, expect, it } from 'vitest';
import { type OpDef, opByName, type Sample, sample } from '../../ir/op.ts';
import { compareElements } from '../../ir/ops/sort.ts';
import { isFloat } from '../../ir/types.ts';
import { closeness, opCases, opGraph, randomFrom, sampleInputs } from '../helpers.ts';
import { runReference, runWasm } from './run.ts';

const wide = (s: Sample): Sample => ({
  ...s,
  inputs: s.inputs.map((x) => (x.type.dtype === 'f32' ? { ...x, type: { ...x.type, dtype: 'f64' as const } } : x)),
});
const cases = opCases().filter((c) => c.op.kind === 'algorithm' && c.sample.inputs.some((i) => i.type.dtype === 'f32'));

describe('in float64', () => {
  it.each(cases)('$name', async ({ op, sample: s }) => {
    const g = opGraph(op, wide(s));
    const inputs = sampleInputs(wide(s)).map((x) => x.data);
    const want = runReference(g, inputs);
    const { outputs } = await runWasm(g, inputs);
    const tolerance = 1e-11;
    want.forEach((w, i) => {
      const exact = !isFloat(g.results[i].type.dtype);
      expect(closeness(outputs[i], w, exact ? 0 : tolerance, exact ? 0 : tolerance)).toBe('');
    });
  });
});

/** Runs one op on values; the first operand's type says their shape. */
async function run(op: OpDef, types: string[], values: ArrayLike<number>[], attrs: Sample['attrs'] = {}, threads = 1) {
  const g = opGraph(op, sample(types, attrs));
  return (await runWasm(g, values, { threads })).outputs;
}
const noise = (n: number, seed: number, scale = 1) => {
  const random = randomFrom(seed);
  return Float32Array.from({ length: n }, () => scale * (2 * random() - 1));
};

describe('sorting', () => {
  it.each([1, 2, 7, 16, 31, 32, 33, 63, 64, 65, 255, 1000, 16384, 40000])(
    'rows of %i agree with the definition of order',
    async (n) => {
      const values = noise(6 * n, n);
      // Zeros of both signs, infinities, NaN and equal elements among them.
      [0, -0, Number.NaN, Infinity, -Infinity, 1, 1, -0, 0].forEach((v, i) => {
        values[(i * 7919) % values.length] = v;
      });
      for (const descending of [false, true]) {
        const [sorted, order] = await run(opByName('sort'), [`f32[6,${n}]`], [values], { descending }, 2);
        for (const row of [0, 1, 5]) {
          const x = values.subarray(row * n, row * n + n);
          const want = Array.from(x, (_, i) => i).sort((i, j) => compareElements(x[i], x[j], descending) || i - j);
          expect(Array.from(order.subarray(row * n, row * n + n))).toEqual(want);
          const got = sorted.subarray(row * n, row * n + n);
          expect(want.every((i, k) => Object.is(got[k], x[i]))).toBe(true);
        }
      }
    },
  );

  it.each([10, 32, 33, 200, 400])('the %i largest of ascending, equal and all-NaN rows', async (k) => {
    const n = 1000;
    const rows = [(i: number) => i, () => 7, () => Number.NaN, (i: number) => -i];
    const values = Float32Array.from({ length: 4 * n }, (_, i) => rows[Math.floor(i / n)](i % n));
    const [, order] = await run(opByName('top_k'), [`f32[4,${n}]`], [values], { k });
    const first = Array.from({ length: k }, (_, i) => i);
    expect(Array.from(order)).toEqual([...first.map((i) => n - 1 - i), ...first, ...first, ...first]);
  });
});

describe('Fourier transforms', () => {
  it.each([1009, 4096, 6000, 65536])('of %i elements return', async (n) => {
    const [x, y] = [noise(n, 1), noise(n, 2)];
    const types = [`f32[${n}]`, `f32[${n}]`];
    const there = await run(opByName('fft'), types, [x, y], { inverse: false });
    // Parseval: the energy is the same but for the factor n.
    const energy = (p: ArrayLike<number>, q: ArrayLike<number>) =>
      Array.from(p).reduce((s, v, i) => s + v * v + q[i] * q[i], 0);
    expect(energy(there[0], there[1]) / n).toBeCloseTo(energy(x, y), 0);
    const [re, im] = await run(opByName('fft'), types, there, { inverse: true });
    expect(closeness(re, x, 0, 2e-6)).toBe('');
    expect(closeness(im, y, 0, 2e-6)).toBe('');
  });
});

describe('factorizations', () => {
  const n = 60;
  /** The largest |a x - b| over the elements of a product of square row-major matrices. */
  const residual = (a: ArrayLike<number>, x: ArrayLike<number>, b: (i: number, j: number) => number, m = n) => {
    let worst = 0;
    for (let i = 0; i < m; i++)
      for (let j = 0; j < m; j++) {
        let s = 0;
        for (let k = 0; k < m; k++) s += a[i * m + k] * x[k * m + j];
        worst = Math.max(worst, Math.abs(s - b(i, j)));
      }
    return worst;
  };
  const transposed = (a: ArrayLike<number>, m = n) => Array.from(a, (_, i) => a[(i % m) * m + Math.floor(i / m)]);
  const unit = (i: number, j: number) => Number(i === j);

  it('eigenvectors of a matrix with many equal eigenvalues are orthonormal', async () => {
    // 2 on the diagonal, 1 everywhere else: the eigenvalues are 1, n - 1 times, and n + 1.
    const a = Float32Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 2 : 1));
    const [w, v] = await run(opByName('eigh'), [`f32[${n},${n}]`], [a]);
    expect(closeness(w, [...new Array(n - 1).fill(1), n + 1], 1e-5, 1e-5)).toBe('');
    expect(residual(transposed(v), v, unit)).toBeLessThan(1e-5);
    expect(residual(a, v, (i, j) => v[i * n + j] * w[j])).toBeLessThan(1e-4);
  });
  it('singular values of large random matrices, and of one without rank', async () => {
    const a = noise(n * n, 5);
    const [u, s, v] = await run(opByName('svd'), [`f32[${n},${n}]`], [a]);
    expect(residual(transposed(u), u, unit)).toBeLessThan(1e-5);
    expect(residual(transposed(v), v, unit)).toBeLessThan(1e-5);
    expect(residual(a, v, (i, j) => u[i * n + j] * s[j])).toBeLessThan(2e-5);
    const flat = Float32Array.from({ length: 16 }, (_, i) => (i < 4 ? 1 : 0));
    const [p, sigma, q] = await run(opByName('svd'), ['f32[4,4]'], [flat]);
    expect(closeness(sigma, [2, 0, 0, 0], 1e-6, 1e-6)).toBe('');
    expect(residual(transposed(p, 4), p, unit, 4)).toBeLessThan(1e-6);
    expect(residual(transposed(q, 4), q, unit, 4)).toBeLessThan(1e-6);
  });
  it('numbers whose squares overflow', async () => {
    const big = Float32Array.of(3e30, 0, 4e30, 5e30);
    const [q, r] = await run(opByName('qr'), ['f32[2,2]'], [big], { full: false });
    expect(closeness(r, [-5e30, -4e30, 0, -3e30], 1e-6)).toBe('');
    expect(closeness(q, [-0.6, 0.8, -0.8, -0.6], 1e-6)).toBe('');
    const [w] = await run(opByName('eigh'), ['f32[2,2]'], [Float32Array.of(1e30, 0, 2e30, 1e30)]);
    expect(closeness(w, [-1e30, 3e30], 1e-5)).toBe('');
    const [, s] = await run(opByName('svd'), ['f32[2,2]'], [Float32Array.of(3e30, 0, 0, -4e30)]);
    expect(closeness(s, [4e30, 3e30], 1e-6)).toBe('');
  });
  it('threads do not change a bit', async () => {
    for (const [name, attrs] of [
      ['svd', {}],
      ['eigh', {}],
      ['lu', {}],
      ['qr', { full: true }],
    ] as const) {
      const a = noise(8 * 30 * 30, 9);
      const one = await run(opByName(name), ['f32[8,30,30]'], [a], attrs);
      const two = await run(opByName(name), ['f32[8,30,30]'], [a], attrs, 2);
      expect(two).toEqual(one);
    }
  });
});
