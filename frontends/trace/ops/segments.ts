// Sums and counts over groups of elements, and tensors written at positions that index tensors name.
// Throw ShapeError for shapes and DTypeError for dtypes that do not fit.

import { DTypeError, ShapeError } from '../../../ir/errors.ts';
import { checkShape, type TensorLike } from '../convert.ts';
import { emitter as b } from '../dispatch.ts';
import type { Tensor } from '../tensor.ts';
import { apply, arg, checkRank, need, to } from './common.ts';
import { indexArg } from './indexing.ts';

/** A tensor argument that must be int32; plain numbers become it. */
function intArg(x: TensorLike, name: string, op: string): Tensor {
  const t = arg(x, name, op, Array.isArray(x) || typeof x === 'number' ? 'i32' : undefined);
  if (t.type.dtype === 'i32') return t;
  throw new DTypeError(`argument '${name}' must be int32, got ${t.dtype}`, {
    op,
    fix: `cast it: ${name}.cast('int32')`,
  });
}

/**
 * Sums of the slices of `x` (along its first axes) that have the same segment id: `numSegments` slices.
 * The ids (int32) have the shape of the leading axes of `x`; slices of an id outside are left out.
 */
export function unsortedSegmentSum(x: TensorLike, segmentIds: TensorLike, numSegments: number): Tensor {
  const op = 'unsortedSegmentSum';
  const t = arg(x, 'x', op);
  const ids = intArg(segmentIds, 'segmentIds', op);
  need(Number.isInteger(numSegments) && numSegments >= 0, op, 'numSegments must be a whole number', numSegments);
  if (ids.rank > t.rank || ids.shape.some((d, i) => d !== t.shape[i]))
    throw new ShapeError(`segmentIds [${ids.shape}] must have the shape of the first axes of x [${t.shape}]`, {
      op,
      fix: 'give one id a slice of x',
    });
  const values = t.type.dtype === 'bool' ? to(t, 'i32') : t;
  const zeros = b.splat({ dtype: values.type.dtype, shape: [numSegments, ...t.shape.slice(ids.rank)] }, 0) as Tensor;
  return apply('scatter_add', [zeros, b.reshape(ids, [...ids.shape, 1]) as Tensor, values]);
}

/** Weights of elements, or null where none are given (missing, null, or empty as in TensorFlow.js). */
function weightsOf(weights: TensorLike | null | undefined, x: Tensor, op: string): Tensor | null {
  if (weights === undefined || weights === null) return null;
  const w = arg(weights, 'weights', op);
  if (w.size === 0 && x.size !== 0) return null;
  if (w.size !== x.size)
    throw new ShapeError(`weights [${w.shape}] must have as many elements as x [${x.shape}], or none`, {
      op,
      fix: 'give one weight an element, or leave them out',
    });
  return b.reshape(w, x.shape) as Tensor;
}

/** Counts (or sums of weights) of the values of each row: [rows, size]. */
function counts(x: Tensor, weights: Tensor | null, size: number, binary: boolean): Tensor {
  const [rows, n] = x.shape;
  const value = b.reshape(x, [rows, n, 1]);
  const at = b.concat([b.iota([rows, n, 1], 0), value], 2) as Tensor;
  const dtype = weights && !binary ? weights.type.dtype : 'f32';
  const each = (weights && !binary ? weights : b.splat({ dtype, shape: [rows, n] }, 1)) as Tensor;
  const zeros = b.splat({ dtype, shape: [rows, size] }, 0) as Tensor;
  return apply(binary ? 'scatter_max' : 'scatter_add', [zeros, at, each]);
}

/**
 * How often each of 0 .. size - 1 stands in `x` (int32), or the sum of the weights where it does.
 * Float32 (or the weights' dtype) of shape [size]; other values are left out.
 */
export function bincount(x: TensorLike, weights: TensorLike | null | undefined, size: number): Tensor {
  const op = 'bincount';
  const t = intArg(x, 'x', op);
  need(Number.isInteger(size) && size >= 0, op, 'size must be a whole number', size);
  const w = weightsOf(weights, t, op);
  const flat = (y: Tensor) => b.reshape(y, [1, y.size]) as Tensor;
  return b.reshape(counts(flat(t), w && flat(w), size, false), [size]) as Tensor;
}

/**
 * `bincount` of a vector, or of each row of a matrix: [rows, size].
 * @param binaryOutput 1 for what is there at all; weights do not count then
 */
export function denseBincount(
  x: TensorLike,
  weights: TensorLike | null | undefined,
  size: number,
  binaryOutput = false,
): Tensor {
  const op = 'denseBincount';
  const t = intArg(x, 'x', op);
  checkRank(t, [1, 2], 'x', op);
  need(Number.isInteger(size) && size >= 0, op, 'size must be a whole number', size);
  const w = weightsOf(weights, t, op);
  const rows = (y: Tensor) => (t.rank === 1 ? (b.reshape(y, [1, y.size]) as Tensor) : y);
  const y = counts(rows(t), w && rows(w), size, binaryOutput);
  return t.rank === 1 ? (b.reshape(y, [size]) as Tensor) : y;
}

/** How often each label (row) was predicted as each class (column), what is no class left out: int32 [numClasses, numClasses]. */
export function confusionMatrix(labels: TensorLike, predictions: TensorLike, numClasses: number): Tensor {
  const op = 'confusionMatrix';
  const [l, p] = [arg(labels, 'labels', op), arg(predictions, 'predictions', op)];
  need(Number.isInteger(numClasses) && numClasses >= 1, op, 'numClasses must be a positive whole number', numClasses);
  checkRank(l, [1], 'labels', op);
  checkRank(p, [1], 'predictions', op);
  if (l.size !== p.size)
    throw new ShapeError(`${l.size} labels and ${p.size} predictions`, { op, fix: 'give one prediction a label' });
  const column = (t: Tensor) => b.reshape(b.convert(t, 'i32'), [t.size, 1]);
  const zeros = b.splat({ dtype: 'i32', shape: [numClasses, numClasses] }, 0) as Tensor;
  const ones = b.splat({ dtype: 'i32', shape: [l.size] }, 1) as Tensor;
  return apply('scatter_add', [zeros, b.concat([column(l), column(p)], 1) as Tensor, ones]);
}

/** Throws DTypeError where the dtypes differ. */
function sameDType(t: Tensor, u: Tensor, op: string): void {
  if (t.type.dtype !== u.type.dtype)
    throw new DTypeError(`the tensor is ${t.dtype}, the updates are ${u.dtype}`, {
      op,
      fix: `cast the updates: updates.cast('${t.dtype}')`,
    });
}

const written =
  (op: string, mode: string) =>
  (tensor: TensorLike, indices: TensorLike, updates: TensorLike): Tensor => {
    const t = arg(tensor, 'tensor', op);
    const u = arg(updates, 'updates', op, typeof updates === 'number' ? t.type.dtype : undefined);
    sameDType(t, u, op);
    return apply(mode, [t, indexArg(indices, op), u]);
  };
type Scatter = (tensor: TensorLike, indices: TensorLike, updates: TensorLike) => Tensor;
/** `tensor` with the updates in place of the slices that the rows of indices name; a later row wins, rows out of range are left out. */
export const tensorScatterUpdate: Scatter = written('tensorScatterUpdate', 'scatter_set');
/** `tensor` with the larger one of its slices and the updates at the rows of indices; rows out of range are left out. */
export const tensorScatterMax: Scatter = written('tensorScatterMax', 'scatter_max');
/** `tensor` with the smaller one of its slices and the updates at the rows of indices; rows out of range are left out. */
export const tensorScatterMin: Scatter = written('tensorScatterMin', 'scatter_min');

/**
 * A dense tensor of `outputShape`, `defaultValue` but for the values at the indices: int32 [n, rank], or
 * [n] for a vector; one value may stand for all. Of equal indices the last wins, those outside are left out.
 */
export function sparseToDense(
  sparseIndices: TensorLike,
  sparseValues: TensorLike,
  outputShape: readonly number[],
  defaultValue: TensorLike = 0,
): Tensor {
  const op = 'sparseToDense';
  const shape = checkShape(outputShape, op);
  const idx = intArg(sparseIndices, 'sparseIndices', op);
  checkRank(idx, [0, 1, 2], 'sparseIndices', op);
  const values = arg(sparseValues, 'sparseValues', op);
  const { dtype } = values.type;
  const otherwise = to(arg(defaultValue, 'defaultValue', op), dtype);
  checkRank(otherwise, [0], 'defaultValue', op);
  const rows = idx.rank === 0 ? 1 : idx.shape[0];
  const depth = idx.rank === 2 ? idx.shape[1] : 1;
  if (depth !== shape.length)
    throw new ShapeError(`indices [${idx.shape}] name ${depth} axes, the result [${shape}] has ${shape.length}`, {
      op,
      fix: 'give the indices one column per axis of the result',
    });
  if (values.rank > 1 || (values.rank === 1 && values.size !== rows))
    throw new ShapeError(`${rows} indices and values of shape [${values.shape}]`, {
      op,
      fix: 'give one value, or one an index',
    });
  const all = b.broadcastTo(values, [rows]) as Tensor;
  const base = b.broadcastTo(otherwise, shape) as Tensor;
  return apply('scatter_set', [base, b.reshape(idx, [rows, depth]) as Tensor, all]);
}
