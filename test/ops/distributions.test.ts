// Distributions of the random operations: Kolmogorov-Smirnov and chi-square statistics at fixed seeds, each
// against the distribution function written down here. The limits are those of one false alarm in 1,000.

import { describe, expect, it } from 'vitest';
import type { Attrs } from '../../ir/graph.ts';
import { type NDArray, ndarray } from '../../ir/ndarray.ts';
import { opByName } from '../../ir/op.ts';
import '../../ir/ops/index.ts';
import { erfReference } from '../../ir/ops/unary.ts';
import { tensorType } from '../../ir/types.ts';

const N = 20_000;
const key = (a: number, b: number): NDArray => ndarray('u32', [2], [a, b]);

/** Draws from an op's own definition, which compiled programs agree with to the bit. */
function draw(name: string, inputs: readonly NDArray[], attrs: Attrs, dtype: 'f32' | 'f64' | 'u32' = 'f32'): number[] {
  return Array.from(opByName(name).reference(inputs, attrs, [tensorType(dtype, [N])])[0].data);
}

/** Largest distance between the empirical distribution and a distribution function, times sqrt(n). */
function kolmogorov(xs: readonly number[], cdf: (x: number) => number): number {
  const sorted = xs.slice().sort((a, b) => a - b);
  const n = xs.length;
  return (
    Math.sqrt(n) * sorted.reduce((d, x, i) => Math.max(d, Math.abs(cdf(x) - i / n), Math.abs(cdf(x) - (i + 1) / n)), 0)
  );
}
const KS_LIMIT = 1.95;
const normalCdf = (x: number) => (1 + erfReference(x / Math.SQRT2)) / 2;

/** The regularized lower incomplete gamma function: series, or continued fraction (Numerical Recipes, 6.2). */
function gammaCdf(a: number, x: number, lnGamma: number): number {
  if (x <= 0) return 0;
  const front = Math.exp(a * Math.log(x) - x - lnGamma);
  if (x < a + 1) {
    let term = 1 / a;
    let sum = term;
    for (let n = 1; term > sum * 1e-14; n++) {
      term *= x / (a + n);
      sum += term;
    }
    return sum * front;
  }
  let b = x + 1 - a;
  let c = 1e300;
  let d = 1 / b;
  let h = d;
  for (let i = 1; i < 100_000; i++) {
    const an = -i * (i - a);
    b += 2;
    d = 1 / (an * d + b);
    c = b + an / c;
    h *= c * d;
    if (Math.abs(c * d - 1) < 1e-14) break;
  }
  return 1 - front * h;
}
/** Stirling's series after a shift by 20. */
function lnGamma(a: number): number {
  let [x, shift] = [a, 0];
  for (; x < 20; x++) shift += Math.log(x);
  return (x - 0.5) * Math.log(x) - x + Math.log(2 * Math.PI) / 2 + 1 / (12 * x) - 1 / (360 * x ** 3) - shift;
}

describe('Kolmogorov-Smirnov', () => {
  it.each([
    ['random_uniform', (x: number) => x],
    ['random_normal', normalCdf],
    ['random_truncated_normal', (x: number) => (normalCdf(x) - normalCdf(-2)) / (normalCdf(2) - normalCdf(-2))],
    ['random_exponential', (x: number) => 1 - Math.exp(-x)],
    ['random_gumbel', (x: number) => Math.exp(-Math.exp(-x))],
  ] as const)('%s', (name, cdf) => {
    for (const seed of [1, 2])
      expect(kolmogorov(draw(name, [key(seed, 9)], { shape: [N] }), cdf)).toBeLessThan(KS_LIMIT);
    // The test can fail: shifted by a fiftieth of a deviation it does.
    expect(
      kolmogorov(draw(name, [key(1, 9)], { shape: [N] }), (x) => cdf(x - 0.02 - 0.02 * Math.abs(x))),
    ).toBeGreaterThan(KS_LIMIT);
  });

  it.each([0.05, 0.3, 0.9, 1, 1.5, 4, 50, 1e4, 1e6])('random_gamma of shape %f', (alpha) => {
    const shapes = ndarray('f64', [N], new Array<number>(N).fill(alpha));
    const x = draw('random_gamma', [key(3, 4), shapes], {}, 'f64');
    const g = lnGamma(alpha);
    expect(kolmogorov(x, (v) => gammaCdf(alpha, v, g))).toBeLessThan(KS_LIMIT);
  });

  it('random_gamma of no shape is NaN', () => {
    const bad = [0, -1, Number.NaN, Number.POSITIVE_INFINITY];
    const out = opByName('random_gamma').reference([key(1, 1), ndarray('f32', [4], bad)], {}, [tensorType('f32', [4])]);
    expect(Array.from(out[0].data)).toEqual([Number.NaN, Number.NaN, Number.NaN, Number.NaN]);
  });
});

describe('chi-square', () => {
  /** Against equal probabilities of `bins`. */
  const chiSquare = (xs: readonly number[], bins: number): number => {
    const count = new Array<number>(bins).fill(0);
    for (const x of xs) count[x]++;
    const e = xs.length / bins;
    return count.reduce((s, c) => s + (c - e) ** 2 / e, 0);
  };
  it.each([
    [2, 10.83],
    [7, 22.46],
    [100, 148.23],
  ])('random_int below %i', (n, limit) => {
    const bound = ndarray('u32', [N], new Array<number>(N).fill(n));
    expect(chiSquare(draw('random_int', [key(5, 6), bound], {}, 'u32'), n)).toBeLessThan(limit);
  });
  it('random_int below 3 * 2^30: a plain remainder would hit the first third twice as often', () => {
    const bound = ndarray('u32', [N], new Array<number>(N).fill(3 * 2 ** 30));
    const x = draw('random_int', [key(5, 6), bound], {}, 'u32');
    expect(Math.max(...x)).toBeLessThan(3 * 2 ** 30);
    const thirds = x.map((v) => Math.floor(v / 2 ** 30));
    expect(chiSquare(thirds, 3)).toBeLessThan(13.82);
  });
});
