// Parts of tensors: by position (slice, stridedSlice) and by index tensors (gather, scatter).
// Throw ShapeError for positions outside of the tensor, DTypeError for indices that are no int32.

import { DTypeError, ShapeError } from '../../../ir/errors.ts';
import { checkShape, type TensorLike, toTensor } from '../convert.ts';
import { emitter as b, operandOf } from '../dispatch.ts';
import type { Tensor } from '../tensor.ts';
import { apply, arg, axisOf, need, to, wholesArg } from './common.ts';

/**
 * Per axis `size` elements from `begin` on; -1 (and axes not named) means all the rest. A number
 * stands for the first axis.
 */
export function slice(x: TensorLike, begin: number | readonly number[], size?: number | readonly number[]): Tensor {
  const t = arg(x, 'x', 'slice');
  const at = typeof begin === 'number' ? [begin] : wholesArg(begin, 'begin', 'slice');
  const n =
    size === undefined || size === null ? [] : typeof size === 'number' ? [size] : wholesArg(size, 'size', 'slice');
  if (at.length > t.rank || n.length > t.rank || t.rank === 0)
    throw new ShapeError(`begin [${at}] and size [${n}] name more axes than [${t.shape}] has`, {
      op: 'slice',
      fix: 'give at most one number per axis',
    });
  const from = t.shape.map((_, i) => at[i] ?? 0);
  const count = t.shape.map((d, i) => ((n[i] ?? -1) === -1 ? d - from[i] : n[i]));
  const bad = t.shape.findIndex(
    (d, i) =>
      !(Number.isInteger(from[i]) && Number.isInteger(count[i])) ||
      from[i] < 0 ||
      count[i] < 0 ||
      from[i] + count[i] > d,
  );
  if (bad >= 0)
    throw new ShapeError(`${count[bad]} element(s) from ${from[bad]} on are not inside axis ${bad} of [${t.shape}]`, {
      op: 'slice',
      fix: 'begin + size must not exceed the dimension',
    });
  return whole(t, from, count) ? t : (b.slice(t, from, count) as Tensor);
}
const whole = (t: Tensor, from: readonly number[], count: readonly number[]) =>
  t.shape.every((d, i) => from[i] === 0 && count[i] === d);

/**
 * NumPy's `begin:end:stride` per axis. Bit i of a mask is about entry i: beginMask and endMask ignore
 * the bound, ellipsisMask stands for all axes in between, newAxisMask adds an axis of size 1,
 * shrinkAxisMask takes the one element at `begin` and drops the axis.
 */
export function stridedSlice(
  x: TensorLike,
  begin: readonly number[],
  end: readonly number[],
  strides?: readonly number[],
  beginMask = 0,
  endMask = 0,
  ellipsisMask = 0,
  newAxisMask = 0,
  shrinkAxisMask = 0,
): Tensor {
  const op = 'stridedSlice';
  const t = arg(x, 'x', op);
  wholesArg(begin, 'begin', op);
  wholesArg(end, 'end', op);
  const by = strides === undefined || strides === null ? begin.map(() => 1) : wholesArg(strides, 'strides', op);
  need(begin.length === end.length && by.length === begin.length, op, 'begin, end and strides must be equally long', [
    begin,
    end,
    by,
  ]);
  for (const [name, mask] of Object.entries({ beginMask, endMask, ellipsisMask, newAxisMask, shrinkAxisMask }))
    need(Number.isInteger(mask) && mask >= 0, op, `${name} must be a whole number whose bits stand for entries`, mask);
  const bit = (mask: number, i: number) => ((mask >> i) & 1) === 1;
  const named = begin.filter((_, i) => !bit(newAxisMask, i) && !bit(ellipsisMask, i)).length;
  if (named > t.rank)
    throw new ShapeError(`${named} entries for the ${t.rank} axes of [${t.shape}]`, {
      op,
      fix: 'leave entries away, or reshape it first',
    });
  const [from, count, step, backwards, shape]: [number[], number[], number[], number[], number[]] = [
    [],
    [],
    [],
    [],
    [],
  ];
  const keepAll = (axis: number) => {
    from.push(0);
    count.push(t.shape[axis]);
    step.push(1);
    shape.push(t.shape[axis]);
  };
  for (let i = 0; i < begin.length; i++) {
    const axis = from.length;
    if (bit(ellipsisMask, i)) for (let k = 0; k < t.rank - named; k++) keepAll(axis + k);
    else if (bit(newAxisMask, i)) shape.push(1);
    else {
      const shrink = bit(shrinkAxisMask, i);
      const r = rangeOf(
        t,
        axis,
        begin[i],
        end[i],
        shrink ? 1 : by[i],
        bit(beginMask, i) && !shrink,
        bit(endMask, i),
        shrink,
      );
      from.push(r.low);
      count.push(r.count);
      step.push(Math.abs(r.step));
      if (r.step < 0) backwards.push(axis);
      if (!shrink) shape.push(r.count);
    }
  }
  while (from.length < t.rank) keepAll(from.length);
  return b.reshape(b.reverse(b.slice(t, from, count, step), backwards), shape) as Tensor;
}

/** The elements that one entry of a strided slice means: from `low` up, read backwards if step < 0. */
export function rangeOf(
  t: Tensor,
  axis: number,
  begin: number,
  end: number,
  step: number,
  noBegin: boolean,
  noEnd: boolean,
  one: boolean,
) {
  const n = t.shape[axis];
  need(Number.isInteger(step) && step !== 0, 'stridedSlice', 'a stride must be a whole number, not 0', step);
  const wrap = (i: number) => (i < 0 ? i + n : i);
  if (one) {
    const low = wrap(begin);
    if (low < 0 || low >= n)
      throw new ShapeError(`index ${begin} is outside of axis ${axis} of [${t.shape}]`, {
        op: 'stridedSlice',
        fix: 'use a position inside of the axis',
      });
    return { low, count: 1, step: 1 };
  }
  const up = step > 0;
  const limit = (i: number) => Math.min(Math.max(wrap(i), up ? 0 : -1), up ? n : n - 1);
  const first = noBegin ? (up ? 0 : n - 1) : limit(begin);
  const stop = noEnd ? (up ? n : -1) : limit(end);
  const count = Math.max(0, Math.ceil((stop - first) / step));
  return { low: count === 0 ? 0 : up ? first : first + (count - 1) * step, count, step };
}

/** An index tensor: int32; plain numbers and bool become it. */
export function indexArg(x: TensorLike, op: string): Tensor {
  const t = operandOf(toTensor(x, 'indices', op, Array.isArray(x) || typeof x === 'number' ? 'i32' : undefined));
  if (t.type.dtype === 'i32') return t;
  if (t.type.dtype === 'bool') return to(t, 'i32');
  throw new DTypeError(`indices must be int32, got ${t.dtype}`, { op, fix: "cast them: indices.cast('int32')" });
}

/**
 * The slices of `x` along an axis that the indices (int32) name. An index out of range, negative ones too, gives
 * zeros (as TensorFlow and TensorFlow.js on a GPU; both raise an error on the CPU). The axes of the indices stand in place of that axis.
 * @param batchDims leading axes that `x` and the indices share
 */
export function gather(x: TensorLike, indices: TensorLike, axis = 0, batchDims = 0): Tensor {
  const op = 'gather';
  const t = arg(x, 'x', op);
  const idx = indexArg(indices, op);
  const at = axisOf(axis, t.rank, op);
  need(
    Number.isInteger(batchDims) && batchDims >= 0 && batchDims <= Math.min(at, idx.rank),
    op,
    'batchDims must be from 0 to the axis',
    batchDims,
  );
  const lead = t.shape.slice(0, batchDims);
  if (lead.some((d, i) => d !== idx.shape[i]))
    throw new ShapeError(`the first ${batchDims} dimensions of [${t.shape}] and [${idx.shape}] differ`, {
      op,
      fix: 'make these dimensions equal',
    });
  // Batch axes first, then the indexed one: they are what one row of the index names.
  const before = t.shape.map((_, i) => i).slice(batchDims, at);
  const perm = [...lead.map((_, i) => i), at, ...before, ...t.shape.map((_, i) => i).slice(at + 1)];
  const column = [...idx.shape, 1];
  const own = b.reshape(idx, column);
  const rows = lead.map((_, i) => b.iota(column, i));
  const g = apply('gather', [b.transpose(t, perm) as Tensor, b.concat([...rows, own], idx.rank) as Tensor]);
  // Result axes now: batch, indices, before, after; `before` belongs in front of the indices.
  const nIdx = idx.rank - batchDims;
  const order = [
    ...lead.map((_, i) => i),
    ...before.map((_, i) => batchDims + nIdx + i),
    ...Array.from({ length: nIdx }, (_, i) => batchDims + i),
  ];
  return b.transpose(g, [...order, ...g.shape.map((_, i) => i).slice(order.length)]) as Tensor;
}

/** Slices of `x` named by rows of indices (int32 [..., k], k leading axes); out of range gives zeros. */
export const gatherND = (x: TensorLike, indices: TensorLike): Tensor =>
  apply('gather', [arg(x, 'x', 'gatherND'), indexArg(indices, 'gatherND')]);

/** A tensor of `shape`, zero but for the updates at the rows of indices; what falls together adds up, what is out of range is left out. */
export function scatterND(indices: TensorLike, updates: TensorLike, shape: readonly number[]): Tensor {
  const u = arg(updates, 'updates', 'scatterND');
  return apply('scatter_add', [
    b.splat({ dtype: u.type.dtype, shape: checkShape(shape, 'scatterND') }, 0) as Tensor,
    indexArg(indices, 'scatterND'),
    u,
  ]);
}

/** `x` with the updates added at the rows of indices; rows out of range are left out. */
export const tensorScatterAdd = (x: TensorLike, indices: TensorLike, updates: TensorLike): Tensor =>
  apply('scatter_add', [
    arg(x, 'x', 'tensorScatterAdd'),
    indexArg(indices, 'tensorScatterAdd'),
    arg(updates, 'updates', 'tensorScatterAdd'),
  ]);
