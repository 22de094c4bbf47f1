// Products of square matrices for GPUs: too large for a float64 evaluation, so their results are checked by
// Freivalds' method ("Probabilistic machines can use less running time", 1977): C r = A (B r) for a random r.

import { type Case, OperandSet, type Operands, uniform } from '../case.ts';

/** Numbers that float16 holds. */
const coarse = (x: number): number => Math.round(x * 1024) / 1024;

function gemmOperands(n: number): Operands {
  const { a, b } = new OperandSet(60).input('a', [n, n]).input('b', [n, n]).done();
  for (const { data } of [a, b]) for (let i = 0; i < data.length; i++) data[i] = coarse(data[i]);
  return { a, b };
}

/** A matrix [n, n] times a vector, in float64. */
function times(m: ArrayLike<number>, x: Float64Array): Float64Array {
  const n = x.length;
  return Float64Array.from({ length: n }, (_, i) => {
    let sum = 0;
    for (let j = 0, at = i * n; j < n; j++, at++) sum += m[at] * x[j];
    return sum;
  });
}

/** The largest error of the rows' random sums, relative to the largest sum. */
export function gemmError({ a, b }: Operands, c: ArrayLike<number>): number {
  const [n] = a.shape;
  if (c.length !== n * n) return Number.POSITIVE_INFINITY;
  const next = uniform(61);
  const signs = Float64Array.from({ length: n }, () => (next() < 0 ? -1 : 1));
  const want = times(a.data, times(b.data, signs));
  const got = times(c, signs);
  let [worst, scale] = [0, 0];
  for (let i = 0; i < n; i++) {
    const d = Math.abs(got[i] - want[i]);
    if (!(d <= worst)) worst = Number.isNaN(d) ? Number.POSITIVE_INFINITY : d;
    scale = Math.max(scale, Math.abs(want[i]));
  }
  return worst / (scale || 1);
}

function gemm(n: number, half: boolean): Case {
  return {
    name: `gemm${half ? '16' : ''}-${n}`,
    about: `product of ${half ? 'float16' : 'float32'} matrices, ${n} x ${n}`,
    kind: 'inference',
    operands: () => gemmOperands(n),
    build: (ops, x) => ops.matMul(x.a, x.b),
    result: 'plain',
    flops: 2 * n ** 3,
    bytes: n * n * (half ? 8 : 12),
    // An element that is off by its own size counts 0.002 at 8192: a hundred times the tolerance is less.
    tolerance: half ? 1e-5 : 1e-6,
    check: gemmError,
    half,
  };
}

const sizes = [128, 256, 512, 1024, 2048, 4096, 8192];
export const gemmCases: readonly Case[] = [false, true].flatMap((half) => sizes.map((n) => gemm(n, half)));
