// Orthogonal factorizations: QR, eigenvalues of symmetric matrices, singular values. Gradients: QR by
// Walter, Lehmann and Lamour, "On evaluating higher-order derivatives of the QR decomposition of
// tall matrices with full column rank" (2012); eigenvalues by M. Giles, "An extended collection of matrix
// derivative results" (2008); singular values by J. Townsend, "Differentiating the singular value
// decomposition" (2016).

import type { Emitter } from '../emit.ts';
import { GradientError } from '../errors.ts';
import type { Val } from '../graph.ts';
import { boolAttr, defineOp, type GradCtx, sample } from '../op.ts';
import { tensorType } from '../types.ts';
import {
  checkMatrix,
  checkSquare,
  flipped,
  foldSymmetric,
  type Matrix,
  matrixRules,
  matrixwise,
  product,
  spread,
  squareRule,
  times,
  transposed,
  where,
  zeros,
} from './matrix.ts';

const rows = (v: Val): number => v.type.shape.at(-2) as number;
const columns = (v: Val): number => v.type.shape.at(-1) as number;
const unit = (n: number): Matrix => zeros(n, n).map((row, i) => row.map((_, j) => Number(i === j)));

/** Columns from `from` to `to`. */
function cut(b: Emitter, v: Val, from: number, to: number): Val {
  const shape = v.type.shape as number[];
  const begin = shape.map(() => 0).with(-1, from);
  return b.slice(v, begin, shape.with(-1, to - from));
}

/** Gradient of A = Q R for at least as many rows as columns, R square. */
function tallGrad(b: Emitter, q: Val, r: Val, gq: Val, gr: Val): Val {
  const upper = where(b, gr, 'le');
  const m = b.sub(product(b, r, upper, false, true), product(b, gq, q, true));
  const symmetric = where(b, m, 'ge', m, flipped(b, m));
  const left = b.add(gq, product(b, q, symmetric));
  // X R^T = left: R X^T = left^T.
  const x = b.call('triangular_solve', [r, flipped(b, left)], { lower: false, adjoint: false, unit: false });
  return flipped(b, x);
}

defineOp({
  name: 'qr',
  doc: 'A = Q R with orthonormal columns of Q and upper triangular R, by Householder reflections: Q is m x m and R m x n where `full`, else m x k and k x n with k = min(m, n). Each reflection takes a positive leading element to a negative one, any other to one that is not negative.',
  kind: 'algorithm',
  arity: 1,
  batching: 'leading',
  constraints: matrixRules('qr'),
  infer: (c) => {
    const { batch, m, n } = checkMatrix(c);
    const { dtype } = c.inputs[0];
    const k = boolAttr(c.attrs, 'full') ? m : Math.min(m, n);
    return [tensorType(dtype, [...batch, m, k]), tensorType(dtype, [...batch, k, n])];
  },
  grad: (b, n, [gq, gr]) => {
    const [a] = n.inputs;
    const [q, r] = n.outputs;
    const [m, cols] = [rows(a), columns(a)];
    if (m > cols && boolAttr(n.attrs, 'full'))
      throw new GradientError(`the full factorization of ${m} x ${cols} matrices has no gradient`, {
        op: 'qr',
        fix: 'use the thin one (fullMatrices false)',
      });
    if (m >= cols) return [tallGrad(b, q, r, gq, gr)];
    // A = [X Y] and R = [U V] with square X = Q U and V = Q^T Y.
    const v = where(b, gr, 'le');
    const [gu, gv] = [cut(b, v, 0, m), cut(b, v, m, cols)];
    const y = cut(b, a, m, cols);
    const gx = tallGrad(b, q, cut(b, r, 0, m), b.add(gq, product(b, y, gv, false, true)), gu);
    return [b.concat([gx, product(b, q, gv)], a.type.shape.length - 1)];
  },
  // Reflections as full matrices, I - 2 v v^T / v^T v, one product after the other.
  reference: (inputs, _, out) => {
    const [m, n] = inputs[0].shape.slice(-2);
    const k = out[0].shape.at(-1) as number;
    return matrixwise(inputs, out, (a) => {
      let r = a;
      let q = unit(m);
      for (let j = 0; j < Math.min(m, n); j++) {
        const x = r.map((row, i) => (i < j ? 0 : row[j]));
        const norm = Math.sqrt(x.reduce((s, v) => s + v * v, 0));
        if (norm === 0) continue;
        const v = x.with(j, x[j] + (x[j] > 0 ? norm : -norm));
        const square = v.reduce((s, u) => s + u * u, 0);
        const h = unit(m).map((row, i) => row.map((u, l) => u - (2 * v[i] * v[l]) / square));
        r = times(h, r, n);
        q = times(q, h, m);
      }
      return [q.map((row) => row.slice(0, k)), r.slice(0, k).map((row, i) => row.map((v, j) => (j < i ? 0 : v)))];
    });
  },
  samples: [
    sample(['f32[1,1]'], { full: false }),
    sample(['f32[3,3]'], { full: true }),
    sample(['f32[5,3]'], { full: false }),
    sample(['f32[2,3,5]'], { full: false }),
    sample(['f32[3,5]'], { full: true }),
    sample(['f32[5,3]'], { full: true }, false),
    sample(['f32[3,0]'], { full: true }, false),
    sample(['f32[0,3]'], { full: false }, false),
    sample([{ ...sample(['f32[3,2]']).inputs[0], values: [0, 1, 0, -2, 0, 2] }], { full: true }, false),
    sample(['f32[37,21]'], { full: false }, false),
    sample(['f32[40,9,9]'], { full: false }, false),
  ],
});

/** The sign that makes the element of largest absolute value (the first of equals) positive. */
function signOf(v: readonly number[]): number {
  return v.reduce((best, x) => (Math.abs(x) > Math.abs(best) ? x : best), 0) < 0 ? -1 : 1;
}

/** Eigenvalues in ascending order, and the eigenvectors as rows, by rotations that annihilate the largest elements. */
function eigen(a: Matrix): { values: number[]; vectors: Matrix } {
  const n = a.length;
  const m = a.map((row, i) => row.map((_, j) => (j <= i ? a[i][j] : a[j][i])));
  const v = unit(n);
  const scale = m.flat().reduce((s, x) => Math.max(s, Math.abs(x)), 0);
  for (let round = 0; round < 60 * n * n; round++) {
    let [p, q] = [0, 0];
    for (let i = 0; i < n; i++)
      for (let j = 0; j < i; j++) if (p === q || Math.abs(m[i][j]) > Math.abs(m[p][q])) [p, q] = [i, j];
    if (p === q || !(Math.abs(m[p][q]) > 1e-18 * scale)) break;
    const angle = Math.atan2(2 * m[p][q], m[q][q] - m[p][p]) / 2;
    const [c, s] = [Math.cos(angle), Math.sin(angle)];
    const turn = (x: number, y: number) => [c * x - s * y, s * x + c * y];
    for (let k = 0; k < n; k++) [m[p][k], m[q][k]] = turn(m[p][k], m[q][k]);
    for (let k = 0; k < n; k++) [m[k][p], m[k][q]] = turn(m[k][p], m[k][q]);
    m[p][q] = m[q][p] = 0;
    for (let k = 0; k < n; k++) [v[p][k], v[q][k]] = turn(v[p][k], v[q][k]);
  }
  const order = m.map((_, i) => i).sort((i, j) => m[i][i] - m[j][j]);
  return { values: order.map((i) => m[i][i]), vectors: order.map((i) => v[i].map((x) => x * signOf(v[i]))) };
}

/** 1 / (x_j - x_i) off the diagonal, 0 on it and between equal values. */
function reciprocalGaps(b: Emitter, x: Val): Val {
  const n = columns(x);
  const gap = b.sub(spread(b, x, n, 'columns'), spread(b, x, n, 'rows'));
  const equal = b.compare('eq', gap, 0);
  return b.select(equal, 0, b.div(b.onesLike(gap), b.select(equal, 1, gap)));
}

defineOp({
  name: 'eigh',
  doc: 'Eigenvalues in ascending order and eigenvectors (columns, of length 1) of symmetric matrices, of which the lower triangle is read. The element of largest absolute value of each vector is positive. A matrix with a NaN or an infinity gives NaN.',
  kind: 'algorithm',
  arity: 1,
  batching: 'leading',
  constraints: { ...matrixRules('eigh'), eigh_c3: squareRule },
  infer: (c) => {
    const { batch, n } = checkSquare(c, 'eigh_c3');
    return [tensorType(c.inputs[0].dtype, [...batch, n]), c.inputs[0]];
  },
  grad: (b, n, [gw, gv]) => {
    const [w, v] = n.outputs;
    const size = columns(v);
    const inner = b.mul(reciprocalGaps(b, w), product(b, v, gv, true));
    const all = where(b, inner, 'eq', spread(b, gw, size, 'columns'), inner);
    return [foldSymmetric(b, product(b, product(b, v, all), v, false, true))];
  },
  reference: (inputs, _, out) =>
    matrixwise(inputs, out, (a) => {
      const n = a.length;
      if (!a.flat().every((x) => Number.isFinite(x)))
        return [new Array<number>(n).fill(Number.NaN), zeros(n, n).map((row) => row.map(() => Number.NaN))];
      const { values, vectors } = eigen(a);
      return [values, transposed(vectors, n, n)];
    }),
  samples: [
    sample(['f32[1,1]']),
    sample([{ ...sample(['f32[3,3]']).inputs[0], values: [2, 9, 9, -1, 3, 9, 0.5, 1, -2] }]),
    sample([
      {
        ...sample(['f32[2,3,3]']).inputs[0],
        values: [4, 9, 9, 1, 3, 9, 0.5, 1, 1, -1, 0, 0, 2, 1, 0, 1, -1, 3],
      },
    ]),
    sample(['f32[0,0]'], {}, false),
    sample(['f32[0,2,2]'], {}, false),
    sample([{ ...sample(['f32[3,3]']).inputs[0], values: [3, 0, 0, 0, 1, 0, 0, 0, 2] }], {}, false),
    sample([{ ...sample(['f32[2,2]']).inputs[0], values: [1, 0, Number.NaN, 1] }], {}, false),
    sample([{ ...sample(['f32[2,2]']).inputs[0], values: [0, 0, 0, 0] }], {}, false),
    sample(['f32[9,9]'], {}, false),
    sample(['f32[30,4,4]'], {}, false),
  ],
});

const dotOf = (x: readonly number[], y: readonly number[]): number => x.reduce((s, v, i) => s + v * y[i], 0);

/** Orthonormal vectors with more of them, to make `k`: what is left of the unit vector that lies most outside. */
function completed(list: Matrix, k: number, size: number): Matrix {
  const out = list.slice();
  while (out.length < k) {
    const rest = (x: readonly number[]) =>
      out.reduce<readonly number[]>((r, u) => r.map((v, i) => v - dotOf(x, u) * u[i]), x);
    const left = unit(size).map(rest).map(rest);
    const best = left.reduce((x, y) => (dotOf(y, y) > dotOf(x, x) ? y : x));
    out.push(best.map((v) => v / Math.sqrt(dotOf(best, best))));
  }
  return out;
}

/**
 * Singular values in descending order, with left and right vectors as rows: the positive eigenvalues of
 * [0 A; A^T 0], whose eigenvectors are (u, v), and zeros.
 */
function singular(a: Matrix, m: number, n: number): { u: Matrix; s: number[]; v: Matrix } {
  const k = Math.min(m, n);
  const both = zeros(m + n, m + n).map((row, i) => row.map((_, j) => (i >= m && j < m ? a[j][i - m] : 0)));
  const { values, vectors } = eigen(both);
  const top = Math.max(0, ...values);
  const s = values.reverse().slice(0, k);
  const found = vectors.reverse().slice(0, s.filter((x) => x > 1e-14 * top).length);
  const half = (from: number, to: number) => found.map((x) => x.slice(from, to).map((y) => y * Math.SQRT2));
  return {
    u: completed(half(0, m), k, m),
    s: s.map((x, i) => (i < found.length ? x : 0)),
    v: completed(half(m, m + n), k, n),
  };
}

defineOp({
  name: 'svd',
  doc: 'A = U diag(S) V^T with k = min(m, n) singular values S in descending order, U (m x k) and V (n x k) with orthonormal columns. The element of largest absolute value of each column of V is positive. A matrix with a NaN or an infinity gives NaN.',
  kind: 'algorithm',
  arity: 1,
  batching: 'leading',
  constraints: matrixRules('svd'),
  infer: (c) => {
    const { batch, m, n } = checkMatrix(c);
    const { dtype } = c.inputs[0];
    const k = Math.min(m, n);
    const t = (...shape: number[]) => tensorType(dtype, [...batch, ...shape]);
    return [t(m, k), t(k), t(n, k)];
  },
  grad: (b, n, grads) => [svdGrad(b, n, grads)],
  reference: (inputs, _, out) => {
    const [m, n] = inputs[0].shape.slice(-2);
    const k = Math.min(m, n);
    return matrixwise(inputs, out, (a) => {
      if (!a.flat().every((x) => Number.isFinite(x))) {
        const nan = (p: number, q: number) => zeros(p, q).map((row) => row.map(() => Number.NaN));
        return [nan(m, k), nan(1, k)[0], nan(n, k)];
      }
      const { u, s, v } = singular(a, m, n);
      const signs = v.map(signOf);
      const signed = (list: Matrix) => list.map((x, i) => x.map((y) => y * signs[i]));
      return [transposed(signed(u), k, m), s, transposed(signed(v), k, n)];
    });
  },
  samples: [
    sample(['f32[1,1]']),
    sample(['f32[3,3]']),
    sample(['f32[5,3]']),
    sample(['f32[2,3,4]']),
    sample(['f32[0,3]'], {}, false),
    sample(['f32[3,0]'], {}, false),
    sample([{ ...sample(['f32[2,2]']).inputs[0], values: [1, 0, Infinity, 1] }], {}, false),
    sample(['f32[17,6]'], {}, false),
    sample(['f32[6,17]'], {}, false),
    sample(['f32[30,4,4]'], {}, false),
  ],
});

function svdGrad(b: Emitter, n: GradCtx, [gu, gs, gv]: readonly Val[]): Val {
  const [u, s, v] = n.outputs;
  const [m, k, cols] = [rows(u), columns(s), rows(v)];
  const gaps = reciprocalGaps(b, b.square(s));
  const turning = (x: Val, g: Val) => {
    const p = product(b, x, g, true);
    return b.mul(gaps, b.sub(p, flipped(b, p)));
  };
  const [byColumn, byRow] = [spread(b, s, k, 'columns'), spread(b, s, k, 'rows')];
  const inner = b.add(b.mul(turning(u, gu), byColumn), b.mul(turning(v, gv), byRow));
  const core = b.add(inner, where(b, inner, 'eq', spread(b, gs, k, 'columns')));
  let result = product(b, product(b, u, core), v, false, true);
  // What leaves the space of the vectors: (I - X X^T) G S^-1.
  const leaving = (x: Val, g: Val, size: number) =>
    b.div(b.sub(g, product(b, x, product(b, x, g, true))), spread(b, s, size, 'columns'));
  if (m > k) result = b.add(result, product(b, leaving(u, gu, m), v, false, true));
  if (cols > k) result = b.add(result, product(b, u, leaving(v, gv, cols), false, true));
  return result;
}
