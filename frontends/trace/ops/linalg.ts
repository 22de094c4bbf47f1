// Products of vectors, matrices and tensors.

import { ArgumentError, ShapeError } from '../../../ir/errors.ts';
import type { TensorLike } from '../convert.ts';
import { emitter as b } from '../dispatch.ts';
import type { Tensor } from '../tensor.ts';
import { arg, checkRank, commonShape, pair, to } from './common.ts';

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
  const batch = commonShape('matMul', p.shape.slice(0, -2), q.shape.slice(0, -2));
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
      { op: 'dot' },
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

/**
 * Einstein summation of one or two tensors: `tf.einsum('ij,jk->ik', a, b)`. Every letter is an axis;
 * what the right side does not name is summed.
 * Throws ArgumentError for an equation it does not understand, ShapeError for sizes that differ.
 */
export function einsum(equation: string, ...tensors: readonly TensorLike[]): Tensor {
  const op = 'einsum';
  const m = /^([a-zA-Z]*)(?:,([a-zA-Z]*))?->([a-zA-Z]*)$/.exec(equation.replace(/\s/g, ''));
  if (!m)
    throw new ArgumentError(`the equation '${equation}' is not of the form 'ij,jk->ik'`, {
      op,
      fix: 'name one or two operands, an arrow and the result',
    });
  const [, left, right, out] = m;
  const terms = right === undefined ? [left] : [left, right];
  if (tensors.length !== terms.length)
    throw new ArgumentError(`'${equation}' names ${terms.length} operand(s), ${tensors.length} given`, { op });
  for (const s of [...terms, out])
    if (new Set(s).size !== s.length)
      throw new ArgumentError(`'${s}' names one axis twice`, { op, fix: 'take the diagonal first' });
  const missing = [...out].find((c) => !terms.some((s) => s.includes(c)));
  if (missing) throw new ArgumentError(`'${missing}' of the result is in no operand`, { op });
  const ts = right === undefined ? [arg(tensors[0], 'x', op)] : operands(tensors[0], tensors[1], op);
  const size = new Map<string, number>();
  terms.forEach((s, i) => {
    if (ts[i].rank !== s.length)
      throw new ShapeError(`operand ${i} has shape [${ts[i].shape}], '${s}' names ${s.length} axes`, { op });
    [...s].forEach((c, k) => {
      const d = ts[i].shape[k];
      if ((size.get(c) ?? d) !== d) throw new ShapeError(`axis '${c}' has sizes ${size.get(c)} and ${d}`, { op });
      size.set(c, d);
    });
  });
  // Axes that stand in one operand only and not in the result are summed first.
  const parts = terms.map((s, i) => {
    const lone = [...s].flatMap((c, k) => (!out.includes(c) && !terms[1 - i]?.includes(c) ? [k] : []));
    return { s: [...s].filter((_, k) => !lone.includes(k)), t: lone.length ? (b.sum(ts[i], lone) as Tensor) : ts[i] };
  });
  if (parts.length === 1)
    return b.transpose(
      parts[0].t,
      [...out].map((c) => parts[0].s.indexOf(c)),
    ) as Tensor;
  const [x, y] = parts;
  const shared = x.s.filter((c) => y.s.includes(c));
  const batch = shared.filter((c) => out.includes(c));
  const summed = shared.filter((c) => !out.includes(c));
  const at = (p: { s: string[] }, cs: readonly string[]) => cs.map((c) => p.s.indexOf(c));
  const r = b.dot(x.t, y.t, [at(x, summed), at(y, summed)], [at(x, batch), at(y, batch)]);
  const order = [...batch, ...x.s.filter((c) => !shared.includes(c)), ...y.s.filter((c) => !shared.includes(c))];
  return b.transpose(
    r,
    [...out].map((c) => order.indexOf(c)),
  ) as Tensor;
}
