// Plain n-d arrays in float64 for the reference interpreter: the oracle that defines every op. Written
// to be obviously right, not fast, and shared with nothing in the compiler.

import { arrayFor, roundTo } from './literal.ts';
import { type DType, isFloat } from './types.ts';

/** Row-major data; integers and booleans are exact in float64. */
export interface NDArray {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

export const sizeOfShape = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);

export function ndarray(dtype: DType, shape: readonly number[], data?: ArrayLike<number>): NDArray {
  const n = sizeOfShape(shape);
  const a = arrayFor('f64', n) as Float64Array;
  if (data?.length === n) a.set(data);
  else if (data) for (let i = 0; i < n; i++) a[i] = data[i];
  return { dtype, shape, data: a };
}

/** Every index of a shape in row-major order; the array passed is reused. */
export function forEachIndex(shape: readonly number[], f: (idx: number[], flat: number) => void): void {
  const n = sizeOfShape(shape);
  const idx = new Array<number>(shape.length).fill(0);
  for (let flat = 0; flat < n; flat++) {
    f(idx, flat);
    for (let d = shape.length - 1; d >= 0; d--) {
      if (++idx[d] < shape[d]) break;
      idx[d] = 0;
    }
  }
}

export function flatIndex(shape: readonly number[], idx: readonly number[]): number {
  let k = 0;
  for (let d = 0; d < shape.length; d++) k = k * shape[d] + idx[d];
  return k;
}

/** Builds an array by its value at each index, exact integers wrapped to their dtype, float16 rounded. */
export function build(dtype: DType, shape: readonly number[], f: (idx: number[], flat: number) => number): NDArray {
  const out = ndarray(dtype, shape);
  const wrap = !isFloat(dtype);
  forEachIndex(shape, (idx, flat) => {
    const x = f(idx, flat);
    out.data[flat] = wrap ? roundTo(dtype, x) : x;
  });
  return out;
}

export const at = (a: NDArray, idx: readonly number[]): number => a.data[flatIndex(a.shape, idx)];

/** Element-wise application over operands of one shape. */
export function mapElements(dtype: DType, inputs: readonly NDArray[], f: (...xs: number[]) => number): NDArray {
  const [{ shape, data: first }, second] = inputs;
  // One and two operands are most of all, and a list of arguments for each element takes time.
  if (inputs.length === 1) return build(dtype, shape, (_, i) => f(first[i]));
  if (inputs.length === 2) return build(dtype, shape, (_, i) => f(first[i], second.data[i]));
  return build(dtype, shape, (_, i) => f(...inputs.map((a) => a.data[i])));
}
