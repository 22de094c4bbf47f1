// Functions that move elements without computing. All dtypes; throw ShapeError where ranks, axes or
// sizes do not fit.

import { ArgumentError, ShapeError, valueText } from '../../../ir/errors.ts';
import { checkShape, type TensorLike } from '../convert.ts';
import { emitter as b } from '../dispatch.ts';
import { type DataType, irDType, upcast } from '../dtypes.ts';
import type { Tensor } from '../tensor.ts';
import { arg, axesOf, axisOf, commonShape, need, numberArg, to, wholesArg } from './common.ts';

const count = (s: readonly number[]) => s.reduce((n, d) => n * d, 1);

/** The same elements under another shape; one -1 is what is left over. */
export function reshape(x: TensorLike, shape: readonly number[]): Tensor {
  const t = arg(x, 'x', 'reshape');
  need(
    Array.isArray(shape) && shape.every((d) => Number.isInteger(d) && d >= -1),
    'reshape',
    'shape must be an array of whole numbers',
    shape,
  );
  const known = count(shape.filter((d) => d !== -1));
  const open = shape.filter((d) => d === -1).length;
  if (open > 1 || (open === 1 && (known === 0 || t.size % known !== 0)) || (open === 0 && known !== t.size))
    throw new ShapeError(`${t.size} elements of shape [${t.shape}] do not make the shape [${shape}]`, {
      op: 'reshape',
      fix:
        open > 1
          ? 'leave one dimension open (-1) at most'
          : 'the product of the dimensions must be the number of elements',
    });
  return b.reshape(
    t,
    shape.map((d) => (d === -1 ? t.size / known : d)),
  ) as Tensor;
}
/** `x` in the shape of `y`. */
export const reshapeAs = (x: TensorLike, y: TensorLike): Tensor => reshape(x, arg(y, 'y', 'reshapeAs').shape);
/** All elements on one axis. */
export const flatten = (x: TensorLike): Tensor => reshape(x, [-1]);

/** Without its axes of size 1, or without the given ones, which must be of size 1. */
export function squeeze(x: TensorLike, axis?: number | readonly number[]): Tensor {
  const t = arg(x, 'x', 'squeeze');
  const axes = axis === undefined ? t.shape.flatMap((d, i) => (d === 1 ? [i] : [])) : axesOf(axis, t.rank, 'squeeze');
  const bad = axes.find((a) => t.shape[a] !== 1);
  if (bad !== undefined)
    throw new ShapeError(`axis ${bad} of [${t.shape}] has ${t.shape[bad]} elements, not 1`, {
      op: 'squeeze',
      fix: 'only axes of size 1 can go',
    });
  return b.reshape(
    t,
    t.shape.filter((_, i) => !axes.includes(i)),
  ) as Tensor;
}

/** With a new axis of size 1. */
export function expandDims(x: TensorLike, axis = 0): Tensor {
  const t = arg(x, 'x', 'expandDims');
  const at = axisOf(axis, t.rank + 1, 'expandDims');
  return b.reshape(t, [...t.shape.slice(0, at), 1, ...t.shape.slice(at)]) as Tensor;
}

/** Axes in another order, by default reversed. */
export function transpose(x: TensorLike, perm?: readonly number[]): Tensor {
  const t = arg(x, 'x', 'transpose');
  const p =
    perm === undefined || perm === null
      ? t.shape.map((_, i) => t.rank - 1 - i)
      : wholesArg(perm, 'perm', 'transpose').map((a) => axisOf(a, t.rank, 'transpose'));
  if (p.length !== t.rank || new Set(p).size !== t.rank)
    throw new ShapeError(`perm [${perm}] is not an order of the ${t.rank} axes of [${t.shape}]`, {
      op: 'transpose',
      fix: 'name every axis once',
    });
  return b.transpose(t, p) as Tensor;
}

/** `x` stretched to `shape` as in NumPy broadcasting. */
export function broadcastTo(x: TensorLike, shape: readonly number[]): Tensor {
  const t = arg(x, 'x', 'broadcastTo');
  const s = commonShape('broadcastTo', t.shape, checkShape(shape, 'broadcastTo'));
  if (s.length !== shape.length || s.some((d, i) => d !== shape[i]))
    throw new ShapeError(`[${t.shape}] does not broadcast to [${shape}]`, {
      op: 'broadcastTo',
      fix: 'from the last axis on, dimensions must be equal or 1',
    });
  return b.broadcastTo(t, shape) as Tensor;
}

/** The same values as another dtype. Floats to int32 lose their fraction; to bool, x != 0. */
export const cast = (x: TensorLike, dtype: DataType): Tensor => to(arg(x, 'x', 'cast'), irDType(dtype, 'cast'));

/** Backwards along the given axes, all by default. */
export function reverse(x: TensorLike, axis?: number | readonly number[]): Tensor {
  const t = arg(x, 'x', 'reverse');
  return b.reverse(t, axesOf(axis, t.rank, 'reverse')) as Tensor;
}

function list(xs: readonly TensorLike[], op: string): Tensor[] {
  if (!Array.isArray(xs) || xs.length === 0)
    throw new ArgumentError(`takes an array of at least one tensor, got ${valueText(xs)}`, {
      op,
      fix: 'pass the tensors as an array: [a, b]',
    });
  const ts = xs.map((x, i) => arg(x, `tensors[${i}]`, op));
  const dtype = ts.map((t) => t.type.dtype).reduce((p, q) => upcast(p, q, op));
  return ts.map((t) => to(t, dtype));
}

/** Tensors one after another along an axis. */
export function concat(tensors: readonly TensorLike[], axis = 0): Tensor {
  const ts = list(tensors, 'concat');
  const at = axisOf(axis, ts[0].rank, 'concat');
  const other = ts.find((t) => t.rank !== ts[0].rank || t.shape.some((d, i) => i !== at && d !== ts[0].shape[i]));
  if (other)
    throw new ShapeError(`shapes [${ts[0].shape}] and [${other.shape}] differ beside axis ${at}`, {
      op: 'concat',
      fix: 'all other dimensions must be equal',
    });
  return b.concat(ts, at) as Tensor;
}

/** Tensors of one shape, one after another along a new axis. */
export function stack(tensors: readonly TensorLike[], axis = 0): Tensor {
  const ts = list(tensors, 'stack');
  const other = ts.find((t) => t.rank !== ts[0].rank || t.shape.some((d, i) => d !== ts[0].shape[i]));
  if (other)
    throw new ShapeError(`shapes [${ts[0].shape}] and [${other.shape}] differ`, {
      op: 'stack',
      fix: 'all tensors must have one shape',
    });
  const at = axisOf(axis, ts[0].rank + 1, 'stack');
  return b.concat(
    ts.map((t) => expandDims(t, at)),
    at,
  ) as Tensor;
}

/** The slices along an axis, without that axis. */
export function unstack(x: TensorLike, axis = 0): Tensor[] {
  const t = arg(x, 'x', 'unstack');
  const at = axisOf(axis, t.rank, 'unstack');
  return Array.from({ length: t.shape[at] }, (_, i) => squeeze(part(t, at, i, 1), at));
}

/** Elements from `begin` on, `size` of them, along one axis. */
function part(t: Tensor, axis: number, begin: number, size: number): Tensor {
  return b.slice(
    t,
    t.shape.map((_, i) => (i === axis ? begin : 0)),
    t.shape.map((d, i) => (i === axis ? size : d)),
  ) as Tensor;
}

/** Cut along an axis into `n` equal parts, or into parts of the given sizes (one may be -1). */
export function split(x: TensorLike, numOrSizeSplits: number | readonly number[], axis = 0): Tensor[] {
  const t = arg(x, 'x', 'split');
  const at = axisOf(axis, t.rank, 'split');
  const n = t.shape[at];
  let sizes: number[];
  if (typeof numOrSizeSplits === 'number') {
    if (!Number.isInteger(numOrSizeSplits) || numOrSizeSplits < 1 || n % numOrSizeSplits !== 0)
      throw new ShapeError(`axis ${at} of [${t.shape}] cannot be cut into ${numOrSizeSplits} equal parts`, {
        op: 'split',
        fix: 'give the sizes of the parts',
      });
    sizes = new Array(numOrSizeSplits).fill(n / numOrSizeSplits);
  } else {
    wholesArg(numOrSizeSplits, 'numOrSizeSplits', 'split', -1);
    const rest = n - numOrSizeSplits.reduce((s, k) => s + Math.max(0, k), 0);
    const open = numOrSizeSplits.filter((k) => k === -1).length;
    if (rest < 0 || open > 1 || (open === 0 && rest !== 0))
      throw new ShapeError(`parts [${numOrSizeSplits}] do not add up to axis ${at} of [${t.shape}]`, {
        op: 'split',
        fix: 'the sizes must add up to the dimension; one may be -1',
      });
    sizes = numOrSizeSplits.map((k) => (k === -1 ? rest : k));
  }
  let from = 0;
  return sizes.map((size) => {
    from += size;
    return part(t, at, from - size, size);
  });
}

/** Repeated `reps[i]` times along axis i. */
export function tile(x: TensorLike, reps: readonly number[]): Tensor {
  const t = arg(x, 'x', 'tile');
  wholesArg(reps, 'reps', 'tile', 0);
  if (reps.length !== t.rank)
    throw new ShapeError(`reps [${reps}] must be one whole number per axis of [${t.shape}]`, {
      op: 'tile',
      fix: 'give one number per axis, 1 where nothing is repeated',
    });
  const apart = b.broadcast(
    t,
    t.shape.flatMap((d, i) => [reps[i], d]),
    t.shape.map((_, i) => 2 * i + 1),
  );
  return b.reshape(
    apart,
    t.shape.map((d, i) => d * reps[i]),
  ) as Tensor;
}

function checkPaddings(t: Tensor, paddings: readonly (readonly number[])[], op: string): void {
  const ok =
    Array.isArray(paddings) &&
    paddings.length === t.rank &&
    paddings.every((p) => Array.isArray(p) && p.length === 2 && p.every((k) => Number.isInteger(k) && k >= 0));
  if (!ok)
    throw new ShapeError(`paddings ${valueText(paddings)} must be one pair [before, after] per axis of [${t.shape}]`, {
      op,
      fix: 'give [0, 0] for axes that stay',
    });
}

/** Surrounded by `constantValue`: paddings are [before, after] per axis. */
export function pad(x: TensorLike, paddings: readonly (readonly number[])[], constantValue = 0): Tensor {
  const t = arg(x, 'x', 'pad');
  checkPaddings(t, paddings, 'pad');
  need(typeof constantValue === 'number', 'pad', 'constantValue must be a number', constantValue);
  return b.pad(
    t,
    paddings.map((p) => p[0]),
    paddings.map((p) => p[1]),
    undefined,
    constantValue,
  ) as Tensor;
}
/** `pad` for rank 1: paddings [before, after]. */
export const pad1d = (x: TensorLike, paddings: readonly number[], constantValue = 0): Tensor =>
  pad(x, [paddings], constantValue);
/** `pad` for rank 2. */
export const pad2d = (x: TensorLike, paddings: readonly (readonly number[])[], constantValue = 0): Tensor =>
  pad(x, paddings, constantValue);
/** `pad` for rank 3. */
export const pad3d = pad2d;
/** `pad` for rank 4. */
export const pad4d = pad2d;

/** Surrounded by its own reflection: 'reflect' leaves the edge out, 'symmetric' repeats it. */
export function mirrorPad(
  x: TensorLike,
  paddings: readonly (readonly number[])[],
  mode: 'reflect' | 'symmetric',
): Tensor {
  let t = arg(x, 'x', 'mirrorPad');
  checkPaddings(t, paddings, 'mirrorPad');
  need(mode === 'reflect' || mode === 'symmetric', 'mirrorPad', "mode must be 'reflect' or 'symmetric'", mode);
  const skip = mode === 'reflect' ? 1 : 0;
  paddings.forEach(([before, after], axis) => {
    const n = t.shape[axis];
    if (Math.max(before, after) > n - skip)
      throw new ShapeError(`padding [${before},${after}] is more than axis ${axis} of [${t.shape}] can mirror`, {
        op: 'mirrorPad',
        fix: 'pad less, or in several steps',
      });
    const parts: Tensor[] = [t];
    if (before) parts.unshift(b.reverse(part(t, axis, skip, before), [axis]) as Tensor);
    if (after) parts.push(b.reverse(part(t, axis, n - skip - after, after), [axis]) as Tensor);
    t = b.concat(parts, axis) as Tensor;
  });
  return t;
}

/** Elements outside a band of the last two axes set to zero; a negative number keeps that whole side. */
export function bandPart(x: TensorLike, numLower: number, numUpper: number): Tensor {
  const t = arg(x, 'x', 'bandPart');
  need(t.rank >= 2, 'bandPart', 'x must have rank 2 or more', t.shape);
  numberArg(numLower, 'numLower', 'bandPart');
  numberArg(numUpper, 'numUpper', 'bandPart');
  const shape = t.shape.slice(-2);
  const d = b.call('sub', [b.iota(shape, 0), b.iota(shape, 1)]);
  const low = b.compare('le', d, numLower < 0 ? shape[0] : numLower);
  const high = b.compare('ge', d, numUpper < 0 ? -shape[1] : -numUpper);
  return b.select(b.and(low, high), t, 0) as Tensor;
}

/** The matrix (or tensor) with the elements of `x` on its diagonal. */
export function diag(x: TensorLike): Tensor {
  const t = arg(x, 'x', 'diag');
  const n = t.size;
  const i = b.compare('eq', b.iota([n, n], 0), b.iota([n, n], 1));
  const m = b.select(i, b.broadcast(b.reshape(t, [n]), [n, n], [0]), 0);
  return b.reshape(m, [...t.shape, ...t.shape]) as Tensor;
}
