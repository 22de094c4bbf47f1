// Linear algebra: `tf.linalg`. Matrices are the last two axes, all others are batch axes; float32 and
// float64. Throw DTypeError for other dtypes, ShapeError for shapes that do not fit.

import { ShapeError } from '../../../ir/errors.ts';
import { opByName } from '../../../ir/op.ts';
import { diagonal, flipped, identity, product } from '../../../ir/ops/matrix.ts';
import type { TensorLike } from '../convert.ts';
import { applyOp, emitter as b } from '../dispatch.ts';
import { upcast } from '../dtypes.ts';
import { Tensor } from '../tensor.ts';
import { apply, arg, commonShape, floatArg, need, to } from './common.ts';
import { slice } from './indexing.ts';
import { concat, stack, unstack } from './shape.ts';

export { bandPart } from './shape.ts';

/** A float argument of rank 2 or more. */
function matrixArg(x: TensorLike, name: string, op: string): Tensor {
  const t = floatArg(x, name, op);
  if (t.rank < 2)
    throw new ShapeError(`argument '${name}' must be matrices (rank 2 or more), got shape [${t.shape}]`, {
      op,
      fix: 'add an axis with tf.expandDims',
    });
  return t;
}
function squareArg(x: TensorLike, name: string, op: string): Tensor {
  const t = matrixArg(x, name, op);
  const [m, n] = t.shape.slice(-2);
  if (m !== n)
    throw new ShapeError(`argument '${name}' must be square matrices, got shape [${t.shape}]`, {
      op,
      fix: 'cut it to a square with tf.slice, or use tf.linalg.lstsq',
    });
  return t;
}

/** Two arguments of matrices with as many rows; their batch axes broadcast. */
function system(
  matrix: TensorLike,
  rhs: TensorLike,
  op: string,
  argument: typeof matrixArg,
): readonly [Tensor, Tensor] {
  const [p, q] = [argument(matrix, 'matrix', op), matrixArg(rhs, 'rhs', op)];
  const t = upcast(p.type.dtype, q.type.dtype);
  if (p.shape[p.rank - 2] !== q.shape[q.rank - 2])
    throw new ShapeError(`matrix [${p.shape}] and rhs [${q.shape}] must have as many rows`, {
      op,
      fix: 'a vector on the right is a matrix of one column: tf.expandDims(rhs, -1)',
    });
  const batch = commonShape(op, p.shape.slice(0, -2), q.shape.slice(0, -2));
  const wide = (x: Tensor) => b.broadcastTo(to(x, t), [...batch, ...x.shape.slice(-2)]) as Tensor;
  return [wide(p), wide(q)];
}

/** The lower triangular factor of positive definite matrices (lower triangle read); rows of NaN where one is not. */
export const cholesky = (x: TensorLike): Tensor => apply('cholesky', [squareArg(x, 'x', 'cholesky')]);

/**
 * X with matrix X = rhs for triangular matrices; the other triangle is not read.
 * @param lower the lower triangle counts, else the upper
 * @param adjoint solves with the transpose
 */
export function triangularSolve(matrix: TensorLike, rhs: TensorLike, lower = true, adjoint = false): Tensor {
  return apply('triangular_solve', [...system(matrix, rhs, 'triangularSolve', squareArg)], {
    lower,
    adjoint,
    unit: false,
  });
}

/** X with A X = rhs, from the Cholesky factor of A. */
export function choleskySolve(chol: TensorLike, rhs: TensorLike): Tensor {
  return triangularSolve(chol, triangularSolve(chol, rhs), true, true);
}

/** LU factorization with partial pivoting, as `[lu, p]`: L and U in one matrix, and the order of the rows (int32) in which it is the product of both. */
export function lu(x: TensorLike): [Tensor, Tensor] {
  const [factors, order] = applyOp(opByName('lu'), [squareArg(x, 'x', 'lu')]);
  return [factors, order];
}

/**
 * X with matrix X = rhs for square matrices; infinities and NaN where they are singular.
 * @param adjoint solves with the transpose
 */
export function solve(matrix: TensorLike, rhs: TensorLike, adjoint = false): Tensor {
  const [a, x] = system(matrix, rhs, 'solve', squareArg);
  return apply('solve', [adjoint ? (flipped(b, a) as Tensor) : a, x]);
}

/** The inverse of square matrices; infinities and NaN where they are singular. */
export function inv(x: TensorLike): Tensor {
  const a = squareArg(x, 'x', 'inv');
  return apply('solve', [a, identity(b, a.type.dtype, a.shape.slice(0, -2), a.shape[a.rank - 1]) as Tensor]);
}

/** The determinant of square matrices. */
export const det = (x: TensorLike): Tensor => apply('det', [squareArg(x, 'x', 'det')]);

/** Sign (-1, 0 or 1) and logarithm of the absolute value of the determinant, as `[sign, logabsdet]`. */
export function slogdet(x: TensorLike): [Tensor, Tensor] {
  const [sign, log] = applyOp(opByName('slogdet'), [squareArg(x, 'x', 'slogdet')]);
  return [sign, log];
}

/**
 * `[q, r]` with x = q r, orthonormal columns of q and upper triangular r.
 * @param fullMatrices q is square and r of x's shape; else they have min(rows, columns) columns and rows
 */
export function qr(x: TensorLike, fullMatrices = false): [Tensor, Tensor] {
  need(typeof fullMatrices === 'boolean', 'qr', 'fullMatrices must be true or false', fullMatrices);
  const [q, r] = applyOp(opByName('qr'), [matrixArg(x, 'x', 'qr')], { full: fullMatrices });
  return [q, r];
}

/** Eigenvalues, ascending, and eigenvectors (columns) of symmetric matrices (lower triangle read), as `[e, v]`. */
export function eigh(x: TensorLike): [Tensor, Tensor] {
  const [values, vectors] = applyOp(opByName('eigh'), [squareArg(x, 'x', 'eigh')]);
  return [values, vectors];
}
/** Eigenvalues, ascending, of symmetric matrices (lower triangle read). */
export const eigvalsh = (x: TensorLike): Tensor => eigh(x)[0];

/** Columns `from` and on of matrices. */
const columnsFrom = (x: Tensor, from: number): Tensor =>
  slice(
    x,
    x.shape.map((_, i) => (i === x.rank - 1 ? from : 0)),
    x.shape.map((d, i) => (i === x.rank - 1 ? d - from : d)),
  );

/**
 * `[s, u, v]` with x = u diag(s) v^T: singular values, descending, and orthonormal columns.
 * @param fullMatrices u and v are square: completed to bases (then without a gradient)
 */
export function svd(x: TensorLike, fullMatrices = false): [Tensor, Tensor, Tensor] {
  need(typeof fullMatrices === 'boolean', 'svd', 'fullMatrices must be true or false', fullMatrices);
  const [u, s, v] = applyOp(opByName('svd'), [matrixArg(x, 'x', 'svd')]);
  if (!fullMatrices) return [s, u, v];
  const k = s.shape[s.rank - 1];
  const completed = (t: Tensor) =>
    t.shape[t.rank - 2] === k ? t : concat([t, columnsFrom(qr(t, true)[0], k)], t.rank - 1);
  return [s, completed(u), completed(v)];
}

/**
 * The pseudo-inverse (Moore and Penrose).
 * @param rcond singular values up to this times the largest count as 0; by default 10 max(rows, columns)
 *   times the dtype's precision
 */
export function pinv(x: TensorLike, rcond?: number): Tensor {
  const t = matrixArg(x, 'x', 'pinv');
  const [s, u, v] = svd(t);
  const precision = t.type.dtype === 'f64' ? 2 ** -52 : 2 ** -23;
  const limit = rcond ?? 10 * Math.max(...t.shape.slice(-2)) * precision;
  need(limit >= 0, 'pinv', 'rcond must be a number of at least 0', rcond);
  const last = s.rank - 1;
  const small = b.compare('le', s, b.mul(b.reduceMax(s, [last], true), limit));
  const inverse = b.select(small, 0, b.div(b.onesLike(s), b.select(small, 1, s)));
  const scaled = b.mul(v, b.reshape(inverse, [...s.shape.slice(0, -1), 1, s.shape[last]]));
  return product(b, scaled, u, false, true) as Tensor;
}

/**
 * The X for which matrix X is nearest to rhs; of several (more columns than rows) the smallest. By QR:
 * the matrices must have full rank, else the result has infinities and NaN (use `pinv` for them).
 */
export function lstsq(matrix: TensorLike, rhs: TensorLike): Tensor {
  const [a, x] = system(matrix, rhs, 'lstsq', matrixArg);
  const [m, n] = a.shape.slice(-2);
  if (m >= n) {
    const [q, r] = qr(a);
    return triangularSolve(r, product(b, q, x, true) as Tensor, false);
  }
  const [q, r] = qr(flipped(b, a) as Tensor);
  return product(b, q, triangularSolve(r, x, false, true)) as Tensor;
}

/** The diagonals of square matrices. */
export const diagPart = (x: TensorLike): Tensor => {
  const t = arg(x, 'x', 'diagPart');
  const [m, n] = t.shape.slice(-2);
  if (t.rank < 2 || m !== n)
    throw new ShapeError(`x must be square matrices, got shape [${t.shape}]`, {
      op: 'diagPart',
      fix: 'cut it to a square with tf.slice',
    });
  return diagonal(b, t) as Tensor;
};
/** The sums of the diagonals of square matrices. */
export const trace = (x: TensorLike): Tensor => {
  const d = diagPart(x);
  return b.sum(d, [d.rank - 1]) as Tensor;
};

/** The cross product of vectors of three elements on the last axis; all other axes must be the same. */
export function cross(x: TensorLike, y: TensorLike): Tensor {
  const [p, q] = [arg(x, 'a', 'cross'), arg(y, 'b', 'cross')];
  if (p.shape.join() !== q.shape.join() || p.shape.at(-1) !== 3)
    throw new ShapeError(
      `takes two tensors of one shape with 3 elements on the last axis, got [${p.shape}] and [${q.shape}]`,
      { op: 'cross', fix: 'broadcast one of them, or move the axis of 3 elements to the end' },
    );
  const t = upcast(p.type.dtype, q.type.dtype);
  const turned = (v: Tensor, by: number) => {
    const at = b.call('rem', [b.add(b.iota([3, 1], 0), by), b.splat({ dtype: 'i32', shape: [3, 1] }, 3)]);
    const moved = [v.rank - 1, ...v.shape.map((_, i) => i).slice(0, -1)];
    const front = b.call('gather', [b.transpose(to(v, t), moved), at]);
    return b.transpose(
      front,
      moved.map((_, i) => moved.indexOf(i)),
    );
  };
  return b.sub(b.mul(turned(p, 1), turned(q, 2)), b.mul(turned(p, 2), turned(q, 1))) as Tensor;
}

/**
 * Orthonormal vectors that span the same spaces as the first, the first two, … of the given ones: a
 * matrix of rows, or a list of vectors, which must be independent; the result is of the same kind. Throws ShapeError for more vectors than they have elements, or of unequal lengths.
 */
export function gramSchmidt(xs: Tensor): Tensor;
export function gramSchmidt(xs: readonly Tensor[]): Tensor[];
export function gramSchmidt(xs: Tensor | readonly Tensor[]): Tensor | Tensor[] {
  const list = !(xs instanceof Tensor);
  if (list) {
    const tensors = Array.isArray(xs) && xs.length > 0 && xs.every((x) => x instanceof Tensor);
    need(tensors, 'gramSchmidt', 'xs must be a matrix or a list of at least one vector, all tensors', xs);
    const wrong = xs.findIndex((x) => x.rank !== 1 || x.size !== xs[0].size);
    if (wrong >= 0)
      throw new ShapeError(`takes vectors of one length, got shapes [${xs[0].shape}] and [${xs[wrong].shape}]`, {
        op: 'gramSchmidt',
        fix: 'give vectors of one length',
      });
  }
  const m = floatArg(list ? stack([...xs]) : xs, 'xs', 'gramSchmidt');
  if (m.rank !== 2)
    throw new ShapeError(`takes a matrix or vectors, got shape [${m.shape}]`, {
      op: 'gramSchmidt',
      fix: 'reshape it to a matrix of rows',
    });
  if (m.shape[0] > m.shape[1])
    throw new ShapeError(`${m.shape[0]} vectors of ${m.shape[1]} elements cannot be orthogonal`, {
      op: 'gramSchmidt',
      fix: 'give at most as many vectors as they have elements',
    });
  const [q, r] = qr(flipped(b, m) as Tensor);
  // Of QR's freedom of sign, the side that the given vectors point to.
  const signs = b.un('sign', diagPart(r));
  const rows = b.mul(flipped(b, q), b.reshape(signs, [m.shape[0], 1])) as Tensor;
  return list ? unstack(rows) : rows;
}
