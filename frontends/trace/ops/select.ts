// What depends on the elements for its shape: positions, masks, distinct values. A traced tensor has no
// elements yet, so inside of a traced function these throw TraceError.

import { ArgumentError, DTypeError, ShapeError } from '../../../ir/errors.ts';
import type { Val } from '../../../ir/graph.ts';
import { arrayFor } from '../../../ir/literal.ts';
import { tensorType } from '../../../ir/types.ts';
import { checkShape, type TensorLike } from '../convert.ts';
import { emitter as b } from '../dispatch.ts';
import { eagerTensor, fetched, type Tensor } from '../tensor.ts';
import { apply, arg, axisOf, boolArg, checkRank, need } from './common.ts';
import { gather } from './indexing.ts';
import { known, positions, whereFix } from './positions.ts';

const count = (s: readonly number[]) => s.reduce((n, d) => n * d, 1);

/** Indices of the true elements of `condition` (bool), in row-major order: int32 [number of them, rank]. */
export const whereAsync = async (condition: TensorLike): Promise<Tensor> =>
  positions(await fetched(boolArg(condition, 'condition', 'whereAsync')), 'whereAsync');

/**
 * The slices of `tensor` where `mask` (bool) holds. The mask has the shape of some axes of the tensor,
 * from `axis` on; in their place the result has one axis, as long as the mask has true elements.
 */
export function booleanMask(tensor: TensorLike, mask: TensorLike, axis = 0): Tensor {
  const op = 'booleanMask';
  const t = arg(tensor, 'tensor', op);
  const m = boolArg(mask, 'mask', op);
  if (m.rank === 0)
    throw new ShapeError('the mask is a scalar', { op, fix: 'give it the shape of axes of the tensor' });
  const at = axisOf(axis, t.rank, op);
  const masked = t.shape.slice(at, at + m.rank);
  if (masked.length !== m.rank || masked.some((d, i) => d !== m.shape[i]))
    throw new ShapeError(`the mask's shape [${m.shape}] is not that of the axes of [${t.shape}] from ${at} on`, {
      op,
      fix: 'give the mask the shape of the axes that it selects from',
    });
  const joined = b.reshape(t, [...t.shape.slice(0, at), m.size, ...t.shape.slice(at + m.rank)]) as Tensor;
  const rows = positions(b.reshape(m, [m.size]) as Tensor, op);
  return gather(joined, b.reshape(rows, [rows.size]) as Tensor, at);
}

/** `booleanMask` as a promise. */
export const booleanMaskAsync = async (tensor: TensorLike, mask: TensorLike, axis?: number): Promise<Tensor> =>
  booleanMask(tensor, await fetched(mask), axis ?? 0);

/**
 * Distinct slices along an axis, in the order of their first appearance: `{values, indices}`, where
 * `indices` (int32) names for each slice of `x` its place among the values. NaN equals NaN, -0 equals 0.
 */
export function unique(x: TensorLike, axis = 0): { values: Tensor; indices: Tensor } {
  const op = 'unique';
  const t = arg(x, 'x', op);
  if (t.rank === 0) throw new ShapeError('a scalar has no axis', { op, fix: 'reshape it to [1]' });
  const at = axisOf(axis ?? 0, t.rank, op);
  const data = known(t, op, 'call it outside of the traced function and pass the result in');
  const n = t.shape[at];
  const inner = count(t.shape.slice(at + 1));
  const outer = count(t.shape.slice(0, at));
  const slice = (i: number): string => {
    const parts: number[] = [];
    for (let o = 0; o < outer; o++) for (let k = 0; k < inner; k++) parts.push(data[(o * n + i) * inner + k] + 0);
    return parts.join();
  };
  const place = new Map<string, number>();
  const first: number[] = [];
  const indices = Int32Array.from({ length: n }, (_, i) => {
    const key = slice(i);
    let p = place.get(key);
    if (p === undefined) {
      p = place.size;
      place.set(key, p);
      first.push(i);
    }
    return p;
  });
  const rows = eagerTensor(tensorType('i32', [first.length]), Int32Array.from(first));
  return { values: gather(t, rows, at), indices: eagerTensor(tensorType('i32', [n]), indices) };
}

/** The elements of vector `x` that vector `y` does not have, and their places (int32): `[values, indices]`. */
export async function setdiff1dAsync(x: TensorLike, y: TensorLike): Promise<[Tensor, Tensor]> {
  const op = 'setdiff1dAsync';
  const [p, q] = [arg(x, 'x', op), arg(y, 'y', op)];
  checkRank(p, [1], 'x', op);
  checkRank(q, [1], 'y', op);
  if (p.type.dtype !== q.type.dtype)
    throw new DTypeError(`x is ${p.dtype}, y is ${q.dtype}`, { op, fix: 'cast one of them' });
  await Promise.all([p, q].map(fetched));
  const others = new Set<number>(known(q, op, whereFix));
  const left: number[] = [];
  const data = known(p, op, whereFix);
  data.forEach((v, i) => {
    if (!others.has(v)) left.push(i);
  });
  const values = arrayFor(p.type.dtype, left.length);
  left.forEach((i, k) => {
    values[k] = data[i];
  });
  return [
    eagerTensor(tensorType(p.type.dtype, [left.length]), values),
    eagerTensor(tensorType('i32', [left.length]), Int32Array.from(left)),
  ];
}

/**
 * Bool: is the target (int32, a class) among the `k` largest predictions of its row? Of equal ones the
 * earlier counts as larger, a NaN as smaller than all; a target that is no class is not. May be traced.
 */
export function inTopK(predictions: TensorLike, targets: TensorLike, k = 1): Tensor {
  const op = 'inTopK';
  const p = arg(predictions, 'predictions', op);
  const t = arg(targets, 'targets', op, Array.isArray(targets) ? 'i32' : undefined);
  if (p.rank < 2)
    throw new ShapeError(`predictions must have rank 2 or more, got [${p.shape}]`, {
      op,
      fix: 'add a batch axis with tf.expandDims',
    });
  const lead = p.shape.slice(0, -1);
  if (t.rank !== lead.length || lead.some((d, i) => d !== t.shape[i]))
    throw new ShapeError(`targets [${t.shape}] must have the shape of predictions [${p.shape}] without its last axis`, {
      op,
      fix: 'give one target a row of predictions',
    });
  const classes = p.shape[p.rank - 1];
  need(Number.isInteger(k) && k >= 1 && k <= classes, op, `k must be a whole number from 1 to ${classes}`, k);
  const target = b.convert(t, 'i32');
  const spread = (x: Val) =>
    b.broadcast(
      x,
      p.shape,
      lead.map((_, i) => i),
    );
  const own = spread(target);
  const index = b.iota(p.shape, p.rank - 1);
  const isTarget = b.compare('eq', index, own);
  const score = apply('gather', [
    b.reshape(p, [count(lead) * classes]) as Tensor,
    b.reshape(
      b.add(b.mul(b.iota([count(lead)], 0), classes), b.reshape(b.min(b.max(target, 0), classes - 1), [count(lead)])),
      [count(lead), 1],
    ) as Tensor,
  ]);
  const level = spread(b.reshape(score, lead));
  // Ahead of the target: what is larger, or equal and earlier. Where the target is NaN, everything else is.
  const earlier = b.and(b.compare('eq', p, level), b.compare('lt', index, own));
  const ahead = b.call('or', [b.compare('gt', p, level), earlier]);
  const rank = b.sum(b.convert(ahead, 'i32'), [p.rank - 1]);
  const exists = b.call('reduce_or', [b.and(isTarget, b.compare('eq', p, p))], { axes: [p.rank - 1] });
  return b.and(exists, b.compare('lt', rank, k)) as Tensor;
}

/** `inTopK` as a promise. */
export const inTopKAsync = async (predictions: TensorLike, targets: TensorLike, k?: number): Promise<Tensor> =>
  inTopK(predictions, targets, k ?? 1);

/** A tensor of `shape` whose elements `randFunction` returns, called once each in row-major order. */
export function rand(
  shape: readonly number[],
  randFunction: () => number,
  dtype: 'float32' | 'int32' | 'bool' = 'float32',
): Tensor {
  if (typeof randFunction !== 'function')
    throw new ArgumentError('the second argument must be a function that returns a number', {
      op: 'rand',
      fix: 'pass a function such as Math.random',
    });
  checkShape(shape, 'rand');
  const type = { float32: 'f32', int32: 'i32', bool: 'bool' } as const;
  need(Object.hasOwn(type, dtype), 'rand', "dtype must be 'float32', 'int32' or 'bool'", dtype);
  const data = arrayFor(type[dtype], count(shape), 'rand');
  for (let i = 0; i < data.length; i++) data[i] = randFunction();
  return eagerTensor(tensorType(type[dtype], shape), data);
}
