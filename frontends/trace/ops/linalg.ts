// Products of vectors, matrices and tensors.

import { ShapeError } from '../../../ir/errors.ts';
import { broadcastShapes } from '../../../ir/types.ts';
import type { TensorLike } from '../convert.ts';
import { emitter as b } from '../dispatch.ts';
import type { Tensor } from '../tensor.ts';
import { checkRank, pair, to } from './common.ts';

function operands(
  x: TensorLike,
  y: TensorLike,
  op: string,
  names: readonly [string, string] = ['a', 'b'],
): [Tensor, Tensor] {
  const [p, q] = pair(x, y, op, names);
  return p.type.dtype === 'bool' ? [to(p, 'i32'), to(q, 'i32')] : [p, q];
}

/**
 * Product of matrices, the last two axes of `a` and `b`; leading axes broadcast.
 * @param transposeA swaps the last two axes of `a` first
 * Throws ShapeError for ranks below 2 or inner dimensions that differ.
 */
export function matMul(a: TensorLike, y: TensorLike, transposeA = false, transposeB = false): Tensor {
  const [p, q] = operands(a, y, 'matMul');
  if (p.rank < 2 || q.rank < 2)
    throw new ShapeError(`takes matrices (rank 2 or more), got shapes [${p.shape}] and [${q.shape}]`, {
      op: 'matMul',
      fix: 'use tf.dot for vectors, or tf.expandDims',
    });
  const [ra, rb] = [p.rank, q.rank];
  const ca = transposeA ? ra - 2 : ra - 1;
  const cb = transposeB ? rb - 1 : rb - 2;
  if (p.shape[ca] !== q.shape[cb])
    throw new ShapeError(
      `inner dimensions ${p.shape[ca]} and ${q.shape[cb]} differ: [${p.shape}]${transposeA ? ' transposed' : ''} times [${q.shape}]${transposeB ? ' transposed' : ''}`,
      { op: 'matMul', fix: 'transpose one of them (transposeA, transposeB)?' },
    );
  // One right-hand matrix for a whole batch is one larger product.
  if (rb === 2) return b.dot(p, q, [[ca], [cb]]) as Tensor;
  const batch = broadcastShapes(p.shape.slice(0, -2), q.shape.slice(0, -2)) as number[] | null;
  if (!batch)
    throw new ShapeError(
      `the leading axes [${p.shape.slice(0, -2)}] and [${q.shape.slice(0, -2)}] of [${p.shape}] and [${q.shape}] do not broadcast together`,
      { op: 'matMul', fix: 'make them equal, or 1 where one matrix stands for all' },
    );
  const n = batch.length;
  const wide = (t: Tensor) => b.broadcastTo(t, [...batch, ...t.shape.slice(-2)]);
  const axes = batch.map((_, i) => i);
  return b.dot(wide(p), wide(q), [[ca - ra + n + 2], [cb - rb + n + 2]], [axes, axes]) as Tensor;
}

/** Product of two vectors, a matrix and a vector, a vector and a matrix, or two matrices. */
export function dot(t1: TensorLike, t2: TensorLike): Tensor {
  const [p, q] = operands(t1, t2, 'dot', ['t1', 't2']);
  checkRank(p, [1, 2], 't1', 'dot');
  checkRank(q, [1, 2], 't2', 'dot');
  if (p.shape[p.rank - 1] !== q.shape[0])
    throw new ShapeError(
      `inner dimensions ${p.shape[p.rank - 1]} and ${q.shape[0]} differ: [${p.shape}] and [${q.shape}]`,
      { op: 'dot', fix: 'transpose one of them with tf.transpose' },
    );
  return b.dot(p, q, [[p.rank - 1], [0]]) as Tensor;
}

/** The matrix of all products of two vectors' elements. */
export function outerProduct(v1: TensorLike, v2: TensorLike): Tensor {
  const [p, q] = operands(v1, v2, 'outerProduct', ['v1', 'v2']);
  checkRank(p, [1], 'v1', 'outerProduct');
  checkRank(q, [1], 'v2', 'outerProduct');
  return b.dot(p, q, [[], []]) as Tensor;
}
