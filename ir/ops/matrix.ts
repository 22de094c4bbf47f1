// What the matrix factorizations share: constraints, masks, batched products, and their definitions
// matrix by matrix. Matrices are the last two axes; all others are batch axes.

import type { Arg, Emitter } from '../emit.ts';
import type { Val } from '../graph.ts';
import { type NDArray, ndarray } from '../ndarray.ts';
import type { InferCtx } from '../op.ts';
import { type DType, isFloat, isStatic, type Shape, shapeEq, shapeText, tensorType } from '../types.ts';

/** Rules of an op on matrices; `square` ones are numbered after them. */
export const matrixRules = (name: string) => ({
  [`${name}_c1`]: 'the operand must be matrices: rank 2 or more, of fixed shape',
  [`${name}_c2`]: "the operand's dtype must be a float",
});

/** Checks `matrixRules` for the first operand; gives batch shape, rows and columns. */
export function checkMatrix(c: InferCtx): { batch: Shape; m: number; n: number } {
  const [x] = c.inputs;
  c.check(x.shape.length >= 2 && isStatic(x.shape), `${c.op.name}_c1`, shapeText(x.shape));
  c.check(isFloat(x.dtype), `${c.op.name}_c2`, x.dtype, 'convert it to f32');
  const [m, n] = x.shape.slice(-2) as number[];
  return { batch: x.shape.slice(0, -2), m, n };
}

export const squareRule = 'the matrices must be square';
export function checkSquare(c: InferCtx, label: string): { batch: Shape; n: number } {
  const { batch, m, n } = checkMatrix(c);
  c.check(m === n, label, `${m} x ${n}`);
  return { batch, n };
}

/** Do two operands have one dtype and the same batch axes, and the second as many rows as the first? */
export function checkRightSide(c: InferCtx, label: string): void {
  const [a, x] = c.inputs;
  c.check(
    x.dtype === a.dtype &&
      x.shape.length === a.shape.length &&
      isStatic(x.shape) &&
      shapeEq(a.shape.slice(0, -1), x.shape.slice(0, -1)),
    label,
    `${a.dtype}${shapeText(a.shape)} and ${x.dtype}${shapeText(x.shape)}`,
  );
}

const rankOf = (v: Val): number => v.type.shape.length;
const batchAxes = (v: Val): number[] => v.type.shape.slice(0, -2).map((_, i) => i);

/** Matrices transposed. */
export function flipped(b: Emitter, v: Val): Val {
  const r = rankOf(v);
  return b.transpose(v, [...batchAxes(v), r - 1, r - 2]);
}

/** Products of matrices, either of them transposed. */
export function product(b: Emitter, x: Val, y: Val, tx = false, ty = false): Val {
  const r = rankOf(x);
  return b.dot(x, y, [[tx ? r - 2 : r - 1], [ty ? r - 1 : r - 2]], [batchAxes(x), batchAxes(y)]);
}

/** Where row - column compares so with 0: 'ge' is the lower triangle, 'eq' the diagonal. */
export function where(b: Emitter, v: Val, dir: 'ge' | 'gt' | 'eq' | 'lt' | 'le', x: Arg = v, y: Arg = 0): Val {
  const { shape } = v.type;
  const r = shape.length;
  const mask = b.compare(dir, b.iota(shape, r - 2), b.iota(shape, r - 1));
  return typeof x === 'number' && typeof y === 'number' ? b.select(mask, b.splat(v.type, x), y) : b.select(mask, x, y);
}
/** The lower triangle with half of the diagonal. */
export const lowerHalved = (b: Emitter, v: Val): Val => where(b, v, 'gt', v, where(b, v, 'eq', b.mul(v, 0.5), 0));
/** The gradient by a symmetric matrix as that by its lower triangle, the only part that is read. */
export const foldSymmetric = (b: Emitter, s: Val): Val => lowerHalved(b, b.add(s, flipped(b, s)));

/** A vector for each matrix, spread over its rows (each column has one of its elements) or over its columns. */
export function spread(b: Emitter, v: Val, rows: number, along: 'columns' | 'rows'): Val {
  const n = v.type.shape.at(-1) as number;
  const batch = v.type.shape.slice(0, -1);
  const axes = batch.map((_, i) => i);
  const k = batch.length;
  return along === 'columns'
    ? b.broadcast(v, [...batch, rows, n], [...axes, k + 1])
    : b.broadcast(v, [...batch, n, rows], [...axes, k]);
}

/** The diagonals of square matrices. */
export const diagonal = (b: Emitter, v: Val): Val => b.sum(where(b, v, 'eq'), [rankOf(v) - 1]);

/** Identity matrices, one a batch. */
export const identity = (b: Emitter, dtype: DType, batch: Shape, n: number): Val => {
  const zeros = b.splat(tensorType(dtype, [...batch, n, n]), 0);
  return where(b, zeros, 'eq', 1, 0);
};

/** Row by row, as plain arrays. */
export type Matrix = number[][];
export const zeros = (m: number, n: number): Matrix => Array.from({ length: m }, () => new Array<number>(n).fill(0));
export const transposed = (a: Matrix, m: number, n: number): Matrix =>
  Array.from({ length: n }, (_, j) => Array.from({ length: m }, (_, i) => a[i][j]));
export const times = (a: Matrix, x: Matrix, n: number): Matrix =>
  a.map((row) => Array.from({ length: n }, (_, j) => row.reduce((s, v, k) => s + v * x[k][j], 0)));

/** Applies `f` to the matrices of each batch; it gives one result an output, matrices or flat numbers. */
export function matrixwise(
  inputs: readonly NDArray[],
  outputs: readonly { dtype: DType; shape: Shape }[],
  f: (...xs: Matrix[]) => readonly (Matrix | readonly number[])[],
): NDArray[] {
  const results = outputs.map((t) => ndarray(t.dtype, t.shape as readonly number[]));
  const batch = inputs[0].shape.slice(0, -2).reduce((p, d) => p * d, 1);
  for (let k = 0; k < batch; k++) {
    const matrices = inputs.map((x) => {
      const [m, n] = x.shape.slice(-2);
      return Array.from({ length: m }, (_, i) => Array.from(x.data.subarray((k * m + i) * n, (k * m + i + 1) * n)));
    });
    f(...matrices).forEach((r, i) => {
      const flat = r.flat() as number[];
      results[i].data.set(flat, k * flat.length);
    });
  }
  return results;
}
