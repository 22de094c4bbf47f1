// Reductions. `axis` is a number, a list, or missing for all axes; negative axes count from the end;
// `keepDims` leaves size-1 axes behind. Throw ShapeError for an axis that does not exist.

import { opByName } from '../../../ir/op.ts';
import { isFloat } from '../../../ir/types.ts';
import type { TensorLike } from '../convert.ts';
import { applyOp, emitter as b } from '../dispatch.ts';
import type { Tensor } from '../tensor.ts';
import { apply, arg, axesOf, axisOf, boolArg, floatArg, need, to } from './common.ts';

export type Axis = number | readonly number[] | null;

function reduce(op: string, x: Tensor, axis: Axis | undefined, keepDims: boolean, name: string): Tensor {
  const axes = axesOf(axis, x.rank, name);
  const r = axes.length ? apply(op, [x], { axes }) : x;
  if (!keepDims) return r;
  return b.reshape(
    r,
    x.shape.map((d, i) => (axes.includes(i) ? 1 : d)),
  ) as Tensor;
}
/** Booleans are counted as integers. */
const counted = (x: Tensor): Tensor => (x.type.dtype === 'bool' ? to(x, 'i32') : x);
/** Averages of integers are floats. */
const averaged = (x: Tensor): Tensor => (isFloat(x.type.dtype) ? x : to(x, 'f32'));

/** Sum; bool counts as int32. */
export const sum = (x: TensorLike, axis?: Axis, keepDims = false): Tensor =>
  reduce('reduce_sum', counted(arg(x, 'x', 'sum')), axis, keepDims, 'sum');
/** Product; bool counts as int32. */
export const prod = (x: TensorLike, axis?: Axis, keepDims = false): Tensor =>
  reduce('reduce_prod', counted(arg(x, 'x', 'prod')), axis, keepDims, 'prod');
/** Largest element; NaN if any is. */
export const max = (x: TensorLike, axis?: Axis, keepDims = false): Tensor =>
  reduce('reduce_max', counted(arg(x, 'x', 'max')), axis, keepDims, 'max');
/** Smallest element; NaN if any is. */
export const min = (x: TensorLike, axis?: Axis, keepDims = false): Tensor =>
  reduce('reduce_min', counted(arg(x, 'x', 'min')), axis, keepDims, 'min');
/** Bool: all are true. Throws DTypeError unless x is bool. */
export const all = (x: TensorLike, axis?: Axis, keepDims = false): Tensor =>
  reduce('reduce_and', boolArg(x, 'x', 'all'), axis, keepDims, 'all');
/** Bool: any is true. Throws DTypeError unless x is bool. */
export const any = (x: TensorLike, axis?: Axis, keepDims = false): Tensor =>
  reduce('reduce_or', boolArg(x, 'x', 'any'), axis, keepDims, 'any');

/** Mean; integers and bool give float32. */
export function mean(x: TensorLike, axis?: Axis, keepDims = false): Tensor {
  const t = averaged(arg(x, 'x', 'mean'));
  return b.mean(t, axesOf(axis, t.rank, 'mean'), keepDims) as Tensor;
}

/** Mean and variance (of the population) over axes, as `{mean, variance}`. */
export function moments(x: TensorLike, axis?: Axis, keepDims = false): { mean: Tensor; variance: Tensor } {
  const t = averaged(arg(x, 'x', 'moments'));
  const axes = axesOf(axis, t.rank, 'moments');
  const [mean, variance] = applyOp(opByName('moments'), [t], { axes, keepDims });
  return { mean, variance };
}

/** log(sum(exp(x))), without overflow. Floats. */
export function logSumExp(x: TensorLike, axis?: Axis, keepDims = false): Tensor {
  const t = floatArg(x, 'x', 'logSumExp');
  const axes = axesOf(axis, t.rank, 'logSumExp');
  const top = b.call('stop_gradient', [b.reduceMax(t, axes, true)]);
  // A row of -Infinity has no finite top; 0 does as well there.
  const safe = b.select(b.un('is_finite', top), top, 0);
  const s = b.add(b.un('log', b.sum(b.un('exp', b.sub(t, safe)), axes, true)), safe) as Tensor;
  return keepDims
    ? s
    : (b.reshape(
        s,
        t.shape.filter((_, i) => !axes.includes(i)),
      ) as Tensor);
}

/**
 * Norm over axes, by default of all elements: 'euclidean' or 'fro' (root of the sum of squares); over
 * one axis or all of them 1, 2, Infinity, -Infinity (sum, root of squares, largest, smallest absolute
 * value); over two axes, as matrices, 1, Infinity, -Infinity (column and row sums) and 2 (the largest
 * singular value).
 */
export function norm(
  x: TensorLike,
  ord: number | 'euclidean' | 'fro' = 'euclidean',
  axis?: Axis,
  keepDims = false,
): Tensor {
  const t = averaged(arg(x, 'x', 'norm'));
  const over = axesOf(axis, t.rank, 'norm');
  const matrix = over.length === 2 && axis !== null && axis !== undefined;
  const a = () => b.un('abs', t) as Tensor;
  if (ord === 'euclidean' || ord === 'fro' || (ord === 2 && !matrix))
    return apply('sqrt', [b.sum(b.square(t), over, keepDims) as Tensor]);
  need(
    ord === 1 || ord === 2 || ord === Infinity || ord === -Infinity,
    'norm',
    "ord must be 1, 2, Infinity, -Infinity, 'euclidean' or 'fro'",
    ord,
  );
  const extreme = (y: Tensor, axes: Axis) => (ord === -Infinity ? min(y, axes, true) : max(y, axes, true));
  let r: Tensor;
  // Of a matrix: the largest column sum (1), the largest or smallest row sum (Infinity, -Infinity).
  if (ord === 2) r = largestSingularValue(t, over);
  else if (matrix) r = extreme(sum(a(), ord === 1 ? over[0] : over[1], true), ord === 1 ? over[1] : over[0]);
  else r = ord === 1 ? sum(a(), over, true) : extreme(a(), over);
  return keepDims
    ? r
    : (b.reshape(
        r,
        t.shape.filter((_, i) => !over.includes(i)),
      ) as Tensor);
}

/** Of the matrices on two axes, which stay with size 1. */
function largestSingularValue(x: Tensor, over: readonly number[]): Tensor {
  const rest = x.shape.map((_, i) => i).filter((i) => !over.includes(i));
  const [, s] = applyOp(opByName('svd'), [b.transpose(x, [...rest, ...over]) as Tensor]);
  return b.reshape(
    b.reduceMax(s, [s.rank - 1]),
    x.shape.map((d, i) => (over.includes(i) ? 1 : d)),
  ) as Tensor;
}

/** Root of the sum of squares over axes, by default of all elements. */
export const euclideanNorm = (x: TensorLike, axis?: Axis, keepDims = false): Tensor =>
  norm(x, 'euclidean', axis, keepDims);

const arg1 =
  (name: string, op: string) =>
  (x: TensorLike, axis = 0): Tensor => {
    const t = counted(arg(x, 'x', name));
    return apply(op, [t], { axis: axisOf(axis, t.rank, name) });
  };
/** int32: index of the first largest element along an axis (0 by default). */
export const argMax: (x: TensorLike, axis?: number) => Tensor = arg1('argMax', 'arg_max');
/** int32: index of the first smallest element along an axis (0 by default). */
export const argMin: (x: TensorLike, axis?: number) => Tensor = arg1('argMin', 'arg_min');
