// Comparisons that the front-end tests share.

import type { Tensor } from 'sinter';
import { expect } from 'vitest';

const flat = (x: unknown): number[] => (Array.isArray(x) ? x.flatMap(flat) : [Number(x)]);
const shapeOf = (x: unknown): number[] => (Array.isArray(x) ? [x.length, ...(x.length ? shapeOf(x[0]) : [])] : []);

const asData = (t: Tensor | number): unknown => (typeof t === 'number' ? t : t.arraySync());

/** The tensor has exactly these elements, nested as its shape. */
export function equalTo(t: Tensor | number, want: unknown): void {
  expect(asData(t)).toEqual(want);
}

/** The tensor has these elements, to float32 accuracy, and their shape. */
export function close(t: Tensor, want: unknown, digits = 5): void {
  expect(t.shape).toEqual(shapeOf(want));
  const got = flat(t.arraySync());
  flat(want).forEach((w, i) => void expect(got[i]).toBeCloseTo(w, digits));
}

/** The error that `f` throws; fails where it throws none. */
export function errorOf(f: () => unknown): Error {
  try {
    f();
  } catch (e) {
    return e as Error;
  }
  throw new Error('it did not throw');
}
