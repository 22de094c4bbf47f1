// Sorting, the largest elements, and positions in sorted rows. The order is that of the numbers, -0
// before +0, NaN last whichever way the rest is sorted; equal elements keep their order.

import { ShapeError } from '../../../ir/errors.ts';
import { opByName } from '../../../ir/op.ts';
import { gatherAlong } from '../../../ir/ops/along.ts';
import type { TensorLike } from '../convert.ts';
import { applyOp, emitter as b } from '../dispatch.ts';
import type { Tensor } from '../tensor.ts';
import { arg, axisOf, need, pair, to } from './common.ts';

/** Which way elements are sorted, as in TensorFlow. */
export type Direction = 'ASCENDING' | 'DESCENDING';

const numbers = (x: TensorLike, name: string, op: string): Tensor => {
  const t = arg(x, name, op);
  return t.type.dtype === 'bool' ? to(t, 'i32') : t;
};

/** Sorted elements and their positions along the axis. */
function sorted(x: Tensor, axis: number, direction: Direction, op: string): Tensor[] {
  need(
    direction === 'ASCENDING' || direction === 'DESCENDING',
    op,
    "direction must be 'ASCENDING' or 'DESCENDING'",
    direction,
  );
  const last = x.rank - 1;
  const at = axisOf(axis, x.rank, op);
  const swap = x.shape.map((_, i) => (i === at ? last : i === last ? at : i));
  const out = applyOp(opByName('sort'), [b.transpose(x, swap) as Tensor], { descending: direction === 'DESCENDING' });
  return out.map((t) => b.transpose(t, swap) as Tensor);
}

/**
 * The elements in order along an axis (the last by default). Stable; NaN last; bool counts as int32.
 * Throws ShapeError for a scalar or an axis that does not exist, ArgumentError for another direction.
 */
export function sort(x: TensorLike, axis = -1, direction: Direction = 'ASCENDING'): Tensor {
  return sorted(numbers(x, 'x', 'sort'), axis, direction, 'sort')[0];
}

/** int32: the positions of the elements in order along an axis (the last by default), as `sort` puts them. */
export function argsort(x: TensorLike, axis = -1, direction: Direction = 'ASCENDING'): Tensor {
  return sorted(numbers(x, 'x', 'argsort'), axis, direction, 'argsort')[1];
}

/**
 * Keys in order along an axis (the last by default), and `values`, of the keys' shape and any dtype, in
 * the order of their keys. Throws ShapeError where the shapes differ.
 */
export function sortByKey(
  keys: TensorLike,
  values: TensorLike,
  axis = -1,
  direction: Direction = 'ASCENDING',
): { keys: Tensor; values: Tensor } {
  const k = numbers(keys, 'keys', 'sortByKey');
  const v = arg(values, 'values', 'sortByKey');
  if (k.shape.join() !== v.shape.join())
    throw new ShapeError(`keys and values must have one shape, got [${k.shape}] and [${v.shape}]`, {
      op: 'sortByKey',
      fix: 'broadcast one of them first: tf.broadcastTo',
    });
  const [inOrder, order] = sorted(k, axis, direction, 'sortByKey');
  return { keys: inOrder, values: gatherAlong(b, v, order, axisOf(axis, k.rank, 'sortByKey')) as Tensor };
}

/**
 * The k largest elements of each row of the last axis and their positions (int32), as
 * `{values, indices}`: the largest first, of equal ones the first; NaN is below everything.
 * @param sorted accepted as in TensorFlow.js: the elements are in order in any case
 * Throws ShapeError for a scalar, ArgumentError for a k below 0 or beyond the row.
 */
export function topk(x: TensorLike, k = 1, sorted = true): { values: Tensor; indices: Tensor } {
  const t = numbers(x, 'x', 'topk');
  if (t.rank === 0)
    throw new ShapeError('takes rank 1 or more, got a scalar', { op: 'topk', fix: 'add an axis with tf.expandDims' });
  need(typeof sorted === 'boolean', 'topk', "'sorted' must be true or false", sorted);
  const last = t.shape[t.rank - 1];
  need(Number.isInteger(k) && k >= 0 && k <= last, 'topk', `k must be an integer from 0 to ${last}, the row's size`, k);
  const [values, indices] = applyOp(opByName('top_k'), [t], { k });
  return { values, indices };
}

/**
 * int32, in the shape of `values`: where each value would go in its row of `sortedSequence` (rows along
 * the last axis, ascending): before elements equal to it ('left') or behind them ('right').
 * Throws ShapeError for scalars or other axes that differ, ArgumentError for another side.
 */
export function searchSorted(sortedSequence: TensorLike, values: TensorLike, side: 'left' | 'right' = 'left'): Tensor {
  const op = 'searchSorted';
  const [rows, wanted] = pair(sortedSequence, values, op, ['sortedSequence', 'values']);
  for (const [t, name] of [
    [rows, 'sortedSequence'],
    [wanted, 'values'],
  ] as const)
    if (t.rank === 0)
      throw new ShapeError(`argument '${name}' must have rank 1 or more, got a scalar`, {
        op,
        fix: 'add an axis with tf.expandDims',
      });
  if (rows.shape.slice(0, -1).join() !== wanted.shape.slice(0, -1).join())
    throw new ShapeError(
      `all axes but the last must agree, got sortedSequence [${rows.shape}] and values [${wanted.shape}]`,
      { op, fix: 'broadcast one of them first' },
    );
  need(side === 'left' || side === 'right', op, "side must be 'left' or 'right'", side);
  const numeric = rows.type.dtype === 'bool' ? [to(rows, 'i32'), to(wanted, 'i32')] : [rows, wanted];
  return applyOp(opByName('search_sorted'), numeric, { side })[0];
}

/** `searchSorted` on the left: the number of elements below each value. */
export const lowerBound = (sortedSequence: TensorLike, values: TensorLike): Tensor =>
  searchSorted(sortedSequence, values, 'left');
/** `searchSorted` on the right: the number of elements not above each value. */
export const upperBound = (sortedSequence: TensorLike, values: TensorLike): Tensor =>
  searchSorted(sortedSequence, values, 'right');
