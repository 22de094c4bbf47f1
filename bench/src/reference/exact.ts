// Arrays of float64 numbers, and what the reference operations share.

import { size } from '../case.ts';

export interface Exact {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

export const make = (shape: readonly number[]): Exact => ({ shape, data: new Float64Array(size(shape)) });

export function map(x: Exact, f: (v: number, i: number) => number): Exact {
  const out = make(x.shape);
  for (let i = 0; i < out.data.length; i++) out.data[i] = f(x.data[i], i);
  return out;
}

/** Equal shapes, or `b` repeated over the leading axes of `a`. */
export function zip(a: Exact, b: Exact, f: (x: number, y: number) => number): Exact {
  const n = b.data.length;
  return map(a, (v, i) => f(v, b.data[i % n]));
}

/** Rows of the last axis, each replaced by what `f` makes of it. */
export function rows(x: Exact, f: (row: Float64Array) => Float64Array): Exact {
  const n = x.shape[x.shape.length - 1];
  const out = make(x.shape);
  for (let i = 0; i < x.data.length; i += n) out.data.set(f(x.data.subarray(i, i + n)), i);
  return out;
}

/** erf by its series where that converges fast, else by the continued fraction of erfc. */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (a < 3) {
    let term = x;
    let total = x;
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(total); n++) {
      term *= (-x * x) / n;
      total += term / (2 * n + 1);
    }
    return (2 / Math.sqrt(Math.PI)) * total;
  }
  let fraction = 0;
  for (let n = 60; n > 0; n--) fraction = n / 2 / (a + fraction);
  return Math.sign(x) * (1 - Math.exp(-a * a) / (Math.sqrt(Math.PI) * (a + fraction)));
}
