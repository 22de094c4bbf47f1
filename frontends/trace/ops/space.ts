// Space moved into the batch or the channels and back, coordinate grids, and shapes that are checked.
// All dtypes; throw ShapeError where sizes do not divide or fit.

import { ShapeError, valueText } from '../../../ir/errors.ts';
import type { TensorLike } from '../convert.ts';
import { emitter as b } from '../dispatch.ts';
import type { Tensor } from '../tensor.ts';
import { arg, axisOf, checkRank, commonShape, listArg, need, wholesArg } from './common.ts';
import type { DataFormat } from './conv.ts';

const count = (s: readonly number[]) => s.reduce((n, d) => n * d, 1);
const pairsOf = (x: unknown, n: number): boolean =>
  Array.isArray(x) &&
  x.length === n &&
  x.every((p) => Array.isArray(p) && p.length === 2 && p.every((k) => Number.isInteger(k) && k >= 0));

function checkBlocks(t: Tensor, blockShape: readonly number[], pairs: unknown, name: string, op: string): void {
  need(
    Array.isArray(blockShape) && blockShape.length >= 1 && blockShape.every((k) => Number.isInteger(k) && k >= 1),
    op,
    'blockShape must be positive whole numbers, one per spatial axis',
    blockShape,
  );
  if (t.rank < blockShape.length + 1)
    throw new ShapeError(`[${t.shape}] has no ${blockShape.length} spatial axes behind the batch`, {
      op,
      fix: 'give fewer block sizes, or reshape x',
    });
  need(pairsOf(pairs, blockShape.length), op, `${name} must be one pair [before, after] per spatial axis`, pairs);
}

/**
 * Each spatial axis (those behind the batch) padded with zeros and cut into steps of its block: every
 * place of the block becomes a batch of its own, [batch * product(blockShape), spatial / block ..., rest].
 */
export function spaceToBatchND(
  x: TensorLike,
  blockShape: readonly number[],
  paddings: readonly (readonly number[])[],
): Tensor {
  const op = 'spaceToBatchND';
  const t = arg(x, 'x', op);
  checkBlocks(t, blockShape, paddings, 'paddings', op);
  const n = blockShape.length;
  const side = (k: 0 | 1) => t.shape.map((_, i) => paddings[i - 1]?.[k] ?? 0);
  const padded = b.pad(t, side(0), side(1)) as Tensor;
  const bad = blockShape.findIndex((k, i) => padded.shape[i + 1] % k !== 0);
  if (bad >= 0)
    throw new ShapeError(
      `axis ${bad + 1} of [${t.shape}] with padding [${paddings[bad]}] has ${padded.shape[bad + 1]} elements, no multiple of ${blockShape[bad]}`,
      { op, fix: 'pad it up to a multiple of the block' },
    );
  const rest = padded.shape.slice(n + 1);
  const small = blockShape.map((k, i) => padded.shape[i + 1] / k);
  const apart = b.reshape(padded, [t.shape[0], ...blockShape.flatMap((k, i) => [small[i], k]), ...rest]);
  const inner = blockShape.map((_, i) => 2 + 2 * i);
  const perm = [...inner, 0, ...inner.map((i) => i - 1), ...rest.map((_, i) => 1 + 2 * n + i)];
  return b.reshape(b.transpose(apart, perm), [t.shape[0] * count(blockShape), ...small, ...rest]) as Tensor;
}

/** The inverse of `spaceToBatchND`: batches become places of blocks, then `crops` are cut off. */
export function batchToSpaceND(
  x: TensorLike,
  blockShape: readonly number[],
  crops: readonly (readonly number[])[],
): Tensor {
  const op = 'batchToSpaceND';
  const t = arg(x, 'x', op);
  checkBlocks(t, blockShape, crops, 'crops', op);
  const n = blockShape.length;
  const batch = t.shape[0] / count(blockShape);
  if (!Number.isInteger(batch))
    throw new ShapeError(`the batch of [${t.shape}] is no multiple of ${count(blockShape)}, the block's elements`, {
      op,
      fix: 'use a batch that the block divides',
    });
  const space = t.shape.slice(1, n + 1);
  const rest = t.shape.slice(n + 1);
  const apart = b.reshape(t, [...blockShape, batch, ...space, ...rest]);
  const perm = [n, ...blockShape.flatMap((_, i) => [n + 1 + i, i]), ...rest.map((_, i) => 2 * n + 1 + i)];
  const full = [batch, ...space.map((d, i) => d * blockShape[i]), ...rest];
  const size = full.map((d, i) => d - (crops[i - 1]?.[0] ?? 0) - (crops[i - 1]?.[1] ?? 0));
  if (size.some((d) => d < 0))
    throw new ShapeError(`crops ${valueText(crops)} are more than [${full}] has`, { op, fix: 'cut off less' });
  return b.slice(
    b.reshape(b.transpose(apart, perm), full),
    full.map((_, i) => crops[i - 1]?.[0] ?? 0),
    size,
  ) as Tensor;
}

/** Moves channels into blocks of space, `blockSize` square: [N, H, W, C] to [N, H * k, W * k, C / k^2]. */
export function depthToSpace(x: TensorLike, blockSize: number, dataFormat: DataFormat = 'NHWC'): Tensor {
  const op = 'depthToSpace';
  const t = arg(x, 'x', op);
  checkRank(t, [4], 'x', op);
  need(Number.isInteger(blockSize) && blockSize >= 1, op, 'blockSize must be a positive whole number', blockSize);
  need(dataFormat === 'NHWC' || dataFormat === 'NCHW', op, "dataFormat must be 'NHWC' or 'NCHW'", dataFormat);
  const first = dataFormat === 'NCHW';
  const last = (first ? b.transpose(t, [0, 2, 3, 1]) : t) as Tensor;
  const [n, h, w, c] = last.shape;
  const k = c / (blockSize * blockSize);
  need(Number.isInteger(k), op, 'the channels must be a multiple of blockSize squared', [c, blockSize]);
  const apart = b.reshape(last, [n, h, w, blockSize, blockSize, k]);
  const y = b.reshape(b.transpose(apart, [0, 1, 3, 2, 4, 5]), [n, h * blockSize, w * blockSize, k]);
  return (first ? b.transpose(y, [0, 3, 1, 2]) : y) as Tensor;
}

/**
 * Coordinates of a grid: for vectors x and y two matrices, [y, x] in shape for indexing 'xy' and [x, y]
 * for 'ij'. Without arguments nothing, with one that one.
 */
export function meshgrid(x?: TensorLike, y?: TensorLike, options: { indexing?: 'xy' | 'ij' } = {}): Tensor[] {
  const op = 'meshgrid';
  const { indexing = 'xy' } = options ?? {};
  need(indexing === 'xy' || indexing === 'ij', op, "indexing must be 'xy' or 'ij'", indexing);
  if (x === undefined) return [];
  const p = arg(x, 'x', op);
  if (y === undefined) return [p];
  const q = arg(y, 'y', op);
  const shape = indexing === 'xy' ? [q.size, p.size] : [p.size, q.size];
  const [dx, dy] = indexing === 'xy' ? [1, 0] : [0, 1];
  const spread = (t: Tensor, axis: number) => b.broadcast(b.reshape(t, [t.size]), shape, [axis]) as Tensor;
  return [spread(p, dx), spread(q, dy)];
}

/** The shape (int32 [rank]) that two shapes, int32 vectors of known elements, broadcast to. */
export function broadcastArgs(s0: TensorLike, s1: TensorLike): Tensor {
  const op = 'broadcastArgs';
  const shapes = [s0, s1].map((s, i) => {
    const t = arg(s, `s${i}`, op, Array.isArray(s) ? 'i32' : undefined);
    checkRank(t, [1], `s${i}`, op);
    return [...t.elements('a shape')];
  });
  const shape = commonShape(op, ...shapes);
  return arg(Int32Array.from(shape), 'shape', op);
}

/** `x` itself; throws ShapeError unless it has that shape, in which null fits any dimension. */
export function ensureShape(x: TensorLike, shape: readonly (number | null)[]): Tensor {
  const t = arg(x, 'x', 'ensureShape');
  listArg(shape, 'shape', 'ensureShape');
  if (t.rank !== shape.length || shape.some((d, i) => d !== null && d !== t.shape[i]))
    throw new ShapeError(
      `x has shape [${t.shape}], not ${valueText(shape.map((d) => d ?? 'any')).replaceAll("'any'", 'any')}`,
      { op: 'ensureShape', fix: 'reshape x, or correct the shape' },
    );
  return t;
}

/** Elements moved on by `shift` places along an axis, or by several along several; what leaves enters in front. */
export function roll(x: TensorLike, shift: number | readonly number[], axis: number | readonly number[]): Tensor {
  const op = 'roll';
  const t = arg(x, 'x', op);
  const by = typeof shift === 'number' ? [shift] : wholesArg(shift, 'shift', op);
  const axes = (typeof axis === 'number' ? [axis] : wholesArg(axis, 'axis', op)).map((a) => axisOf(a, t.rank, op));
  need(by.length === axes.length && by.every(Number.isInteger), op, 'shift must be whole numbers, one per axis', shift);
  return axes.reduce((y, a, i) => {
    const n = y.shape[a];
    const cut = n === 0 ? 0 : ((-by[i] % n) + n) % n;
    if (cut === 0) return y;
    const piece = (from: number, size: number) =>
      b.slice(
        y,
        y.shape.map((_, k) => (k === a ? from : 0)),
        y.shape.map((d, k) => (k === a ? size : d)),
      );
    return b.concat([piece(cut, n - cut), piece(0, cut)], a) as Tensor;
  }, t);
}
