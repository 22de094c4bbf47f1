// Triangular factorizations and what is solved with them. Gradients: I. Murray, "Differentiation of the
// Cholesky decomposition" (2016); M. Giles, "An extended collection of matrix derivative results" (2008).

import type { Emitter } from '../emit.ts';
import type { Val } from '../graph.ts';
import { boolAttr, defineComposite, defineOp, opByName, type Sample, sample, t } from '../op.ts';
import { tensorType } from '../types.ts';
import { gatherAlong, scatterAlong } from './along.ts';
import {
  checkRightSide,
  checkSquare,
  diagonal,
  flipped,
  foldSymmetric,
  identity,
  lowerHalved,
  type Matrix,
  matrixRules,
  matrixwise,
  product,
  squareRule,
  where,
  zeros,
} from './matrix.ts';

const solveTriangular = (b: Emitter, a: Val, x: Val, lower: boolean, adjoint: boolean, unit = false): Val =>
  b.call('triangular_solve', [a, x], { lower, adjoint, unit });

/** Well-conditioned matrices: a dominant diagonal, numbers that look random. */
const dominant =
  (n: number, batch = 1) =>
  (): number[] =>
    Array.from({ length: batch * n * n }, (_, k) => {
      const [i, j] = [Math.floor(k / n) % n, k % n];
      return Math.sin(7 * k + 1) + (i === j ? n / 2 + 2 : 0);
    });
/** A sample's operand with these values; a function is asked when they are wanted, for it takes time at every start. */
const given = (type: string, values: readonly number[] | (() => number[])): Sample['inputs'][number] => ({
  get type() {
    return t(type);
  },
  get values() {
    return typeof values === 'function' ? values() : values;
  },
});

defineOp({
  name: 'cholesky',
  doc: 'The lower triangular L with L L^T the symmetric matrix whose lower triangle is given; the upper one is not read. From the first leading minor that is not positive on, rows are NaN.',
  kind: 'algorithm',
  arity: 1,
  batching: 'leading',
  constraints: { ...matrixRules('cholesky'), cholesky_c3: squareRule },
  infer: (c) => {
    checkSquare(c, 'cholesky_c3');
    return [c.inputs[0]];
  },
  grad: (b, n, [g]) => {
    const [l] = n.outputs;
    const p = lowerHalved(b, product(b, l, where(b, g, 'ge'), true));
    const left = solveTriangular(b, l, p, true, true);
    return [foldSymmetric(b, flipped(b, solveTriangular(b, l, flipped(b, left), true, true)))];
  },
  reference: (inputs, _, out) =>
    matrixwise(inputs, out, (a) => {
      const l = zeros(a.length, a.length);
      for (let i = 0; i < a.length; i++)
        for (let j = 0; j <= i; j++) {
          const rest = a[i][j] - l[i].slice(0, j).reduce((s, v, k) => s + v * l[j][k], 0);
          l[i][j] = i === j ? Math.sqrt(rest) : rest / l[j][j];
        }
      return [l];
    }),
  samples: [
    sample([given('f32[1,1]', [4])]),
    sample([given('f32[3,3]', [4, 9, 9, 2, 5, 9, -1, 0.5, 3])]),
    sample([given('f32[2,4,4]', dominant(4, 2))]),
    sample(['f32[0,0]'], {}, false),
    sample(['f32[0,3,3]'], {}, false),
    sample([given('f32[2,2]', [-1, 0, 2, 3])], {}, false),
    sample([given('f32[3,3]', [1, 0, 0, 2, 1, 0, 3, 1, 1])], {}, false),
    sample([given('f32[33,33]', dominant(33))], {}, false),
    sample([given('f32[40,9,9]', dominant(9, 40))], {}, false),
  ],
});

defineOp({
  name: 'triangular_solve',
  doc: 'X with A X = B, or A^T X = B where `adjoint`, for triangular A (`lower` or upper; the other triangle is not read, nor is the diagonal where `unit`, which takes it for ones). A zero on the diagonal gives infinities and NaN.',
  kind: 'algorithm',
  arity: 2,
  batching: 'leading',
  constraints: {
    ...matrixRules('triangular_solve'),
    triangular_solve_c3: squareRule,
    triangular_solve_c4: 'both operands must have one dtype, one batch shape, and as many rows',
  },
  infer: (c) => {
    checkSquare(c, 'triangular_solve_c3');
    checkRightSide(c, 'triangular_solve_c4');
    return [c.inputs[1]];
  },
  grad: (b, n, [g]) => {
    const [lower, adjoint, unit] = ['lower', 'adjoint', 'unit'].map((k) => boolAttr(n.attrs, k));
    const right = solveTriangular(b, n.inputs[0], g, lower, !adjoint, unit);
    const [x] = n.outputs;
    const full = adjoint ? product(b, x, right, false, true) : product(b, right, x, false, true);
    const dir = lower ? (unit ? 'gt' : 'ge') : unit ? 'lt' : 'le';
    return [n.needs[0] ? where(b, full, dir, b.neg(full)) : null, right];
  },
  reference: (inputs, attrs, out) =>
    matrixwise(inputs, out, (given, right) => {
      const n = given.length;
      const [lower, adjoint, unit] = ['lower', 'adjoint', 'unit'].map((k) => boolAttr(attrs, k));
      const a = (i: number, j: number) => (i === j && unit ? 1 : adjoint ? given[j][i] : given[i][j]);
      const forward = lower !== adjoint;
      const x = right.map((row) => row.slice());
      for (let step = 0; step < n; step++) {
        const i = forward ? step : n - 1 - step;
        for (let c = 0; c < x[i].length; c++) {
          for (let j = 0; j < n; j++) if (forward ? j < i : j > i) x[i][c] -= a(i, j) * x[j][c];
          x[i][c] /= a(i, i);
        }
      }
      return [x];
    }),
  samples: [
    ...[0, 1, 2, 3, 4, 5, 6, 7].map((k) =>
      sample([given('f32[3,3]', dominant(3)), 'f32[3,2]'], { lower: k % 2 === 1, adjoint: (k & 2) > 0, unit: k > 3 }),
    ),
    sample([given('f32[2,4,4]', dominant(4, 2)), 'f32[2,4,1]'], { lower: true, adjoint: false, unit: false }),
    sample([given('f32[2,4,4]', dominant(4, 2)), 'f32[2,4,1]'], { lower: false, adjoint: true, unit: false }),
    sample(['f32[0,0]', 'f32[0,3]'], { lower: true, adjoint: false, unit: false }, false),
    sample(['f32[3,3]', 'f32[3,0]'], { lower: true, adjoint: false, unit: false }, false),
    sample([given('f32[33,33]', dominant(33)), 'f32[33,1]'], { lower: true, adjoint: false, unit: false }, false),
    sample([given('f32[33,33]', dominant(33)), 'f32[33,1]'], { lower: false, adjoint: false, unit: false }, false),
    sample([given('f32[33,33]', dominant(33)), 'f32[33,21]'], { lower: false, adjoint: true, unit: false }, false),
  ],
});

/** Gaussian elimination with row exchanges, on a copy. */
function eliminate(a: Matrix): { lu: Matrix; order: number[]; sign: number } {
  const n = a.length;
  const lu = a.map((row) => row.slice());
  const order = lu.map((_, i) => i);
  let sign = 1;
  for (let k = 0; k < n; k++) {
    let p = k;
    for (let i = k + 1; i < n; i++) if (Math.abs(lu[i][k]) > Math.abs(lu[p][k])) p = i;
    if (p !== k) {
      [lu[k], lu[p]] = [lu[p], lu[k]];
      [order[k], order[p]] = [order[p], order[k]];
      sign = -sign;
    }
    for (let i = k + 1; i < n; i++) {
      lu[i][k] = lu[k][k] === 0 ? 0 : lu[i][k] / lu[k][k];
      for (let j = k + 1; j < n; j++) lu[i][j] -= lu[i][k] * lu[k][j];
    }
  }
  return { lu, order, sign };
}

defineOp({
  name: 'lu',
  doc: 'LU factorization with partial pivoting: L (unit lower) and U (upper triangle) in one matrix, the order of the rows (i32) in which A[order] = L U, and the sign of that permutation.',
  kind: 'algorithm',
  arity: 1,
  batching: 'leading',
  constraints: { ...matrixRules('lu'), lu_c3: squareRule },
  infer: (c) => {
    const { batch, n } = checkSquare(c, 'lu_c3');
    const { dtype } = c.inputs[0];
    return [c.inputs[0], tensorType('i32', [...batch, n]), tensorType(dtype, batch)];
  },
  // Of A[order] = L U: L^-T (strict lower part of L^T L' + upper part of U' U^T) U^-T.
  grad: (b, n, [g]) => {
    const [lu, order] = n.outputs;
    const l = where(b, lu, 'gt', lu, where(b, lu, 'eq', 1, 0));
    const u = where(b, lu, 'le');
    const lower = product(b, l, where(b, g, 'gt'), true);
    const upper = product(b, where(b, g, 'le'), u, false, true);
    const inner = where(b, lu, 'gt', lower, upper);
    const left = solveTriangular(b, lu, inner, true, true, true);
    const rows = flipped(b, solveTriangular(b, lu, flipped(b, left), false, false));
    return [scatterAlong(b, rows, rowIndex(b, order, rows), rows.type.shape.length - 2, rows.type.shape)];
  },
  reference: (inputs, _, out) =>
    matrixwise(inputs, out, (a) => {
      const { lu, order, sign } = eliminate(a);
      return [lu, order, [sign]];
    }),
  samples: [
    sample([given('f32[1,1]', [3])]),
    sample([given('f32[3,3]', [1, 2, 4, 3, 8, 14, 2, 9, 13])]),
    sample(['f32[2,4,4]']),
    sample([given('f32[2,2]', [0, 1, 1, 0])], {}, false),
    sample([given('f32[3,3]', [1, 2, 3, 2, 4, 6, 1, 0, 1])], {}, false),
    sample(['f32[0,0]'], {}, false),
    sample(['f32[2,0,0]'], {}, false),
    sample(['f32[33,33]'], {}, false),
    sample([given('f32[40,9,9]', dominant(9, 40))], {}, false),
  ],
});

/** A row's index for each of its elements: the index operand of `gatherAlong` over rows. */
function rowIndex(b: Emitter, order: Val, like: Val): Val {
  const r = like.type.shape.length;
  return b.broadcast(
    order,
    like.type.shape,
    order.type.shape.map((_, i) => Math.min(i, r - 2)),
  );
}

/** X with A X = B, from the factorization of A. */
export function solveFactored(b: Emitter, lu: Val, order: Val, x: Val): Val {
  const rows = gatherAlong(b, x, rowIndex(b, order, x), x.type.shape.length - 2);
  return solveTriangular(b, lu, solveTriangular(b, lu, rows, true, false, true), false, false);
}

defineComposite({
  name: 'solve',
  doc: 'X with A X = B for square A, by LU factorization with partial pivoting. Where A is singular, infinities and NaN.',
  arity: 2,
  batching: 'leading',
  constraints: {
    ...matrixRules('solve'),
    solve_c3: squareRule,
    solve_c4: 'both operands must have one dtype, one batch shape, and as many rows',
  },
  infer: (c) => {
    checkSquare(c, 'solve_c3');
    checkRightSide(c, 'solve_c4');
    return [c.inputs[1]];
  },
  expand: (b, [a, x]) => {
    const [lu, order] = b.emit(opByName('lu'), [a]);
    return [solveFactored(b, lu, order, x)];
  },
  grad: (b, n, [g]) => {
    const right = b.call('solve', [flipped(b, n.inputs[0]), g]);
    return [n.needs[0] ? b.neg(product(b, right, n.outputs[0], false, true)) : null, right];
  },
  reference: (inputs, _, out) =>
    matrixwise(inputs, out, (a, right) => {
      const { lu, order } = eliminate(a);
      const n = a.length;
      const x = order.map((i) => right[i].slice());
      for (let c = 0; c < (out[0].shape.at(-1) as number); c++) {
        for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) x[i][c] -= lu[i][j] * x[j][c];
        for (let i = n - 1; i >= 0; i--) {
          for (let j = i + 1; j < n; j++) x[i][c] -= lu[i][j] * x[j][c];
          x[i][c] /= lu[i][i];
        }
      }
      return [x];
    }),
  samples: [
    sample([given('f32[3,3]', dominant(3)), 'f32[3,2]']),
    sample([given('f32[2,4,4]', dominant(4, 2)), 'f32[2,4,1]']),
    sample([given('f32[2,2]', [0, 1, 2, 0]), 'f32[2,1]']),
    sample(['f32[0,0]', 'f32[0,2]'], {}, false),
    sample([given('f32[33,33]', dominant(33)), 'f32[33,33]'], {}, false),
  ],
});

/** The inverse transposed, times a number for each matrix. */
function scaledInverse(b: Emitter, a: Val, g: Val): Val {
  const n = a.type.shape.at(-1) as number;
  const batch = a.type.shape.slice(0, -2);
  const inverse = b.call('solve', [flipped(b, a), identity(b, a.type.dtype, batch, n)]);
  return b.mul(
    inverse,
    b.broadcast(
      g,
      a.type.shape,
      batch.map((_, i) => i),
    ),
  );
}

defineComposite({
  name: 'slogdet',
  doc: 'The sign (-1, 0 or 1) of the determinant of square matrices, and the logarithm of its absolute value.',
  arity: 1,
  batching: 'leading',
  constraints: { ...matrixRules('slogdet'), slogdet_c3: squareRule },
  infer: (c) => {
    const { batch } = checkSquare(c, 'slogdet_c3');
    const t = tensorType(c.inputs[0].dtype, batch);
    return [t, t];
  },
  expand: (b, [a]) => {
    const [lu, , sign] = b.emit(opByName('lu'), [a]);
    const d = diagonal(b, lu);
    const last = d.type.shape.length - 1;
    const signs = b.call('reduce_prod', [b.un('sign', d)], { axes: [last] });
    return [b.mul(sign, signs), b.sum(b.un('log', b.un('abs', d)), [last])];
  },
  grad: (b, n, [, g]) => [scaledInverse(b, n.inputs[0], g)],
  reference: (inputs, _, out) =>
    matrixwise(inputs, out, (a) => {
      const { lu, sign } = eliminate(a);
      const d = lu.map((row, i) => row[i]);
      return [[d.reduce((s, v) => s * Math.sign(v), sign)], [d.reduce((s, v) => s + Math.log(Math.abs(v)), 0)]];
    }),
  samples: [
    sample([given('f32[3,3]', [1, 2, 4, 3, 8, 14, 2, 6, 13])]),
    sample([given('f32[2,4,4]', dominant(4, 2))]),
    sample([given('f32[2,2]', [1, 2, 2, 4])], {}, false),
    sample(['f32[2,0,0]'], {}, false),
    sample([given('f32[33,33]', dominant(33))], {}, false),
  ],
});

defineComposite({
  name: 'det',
  doc: 'The determinant of square matrices. Its gradient goes through the inverse: NaN where the matrix is singular.',
  arity: 1,
  batching: 'leading',
  constraints: { ...matrixRules('det'), det_c3: squareRule },
  infer: (c) => {
    const { batch } = checkSquare(c, 'det_c3');
    return [tensorType(c.inputs[0].dtype, batch)];
  },
  expand: (b, [a]) => {
    const [lu, , sign] = b.emit(opByName('lu'), [a]);
    const d = diagonal(b, lu);
    return [b.mul(sign, b.call('reduce_prod', [d], { axes: [d.type.shape.length - 1] }))];
  },
  grad: (b, n, [g]) => [scaledInverse(b, n.inputs[0], b.mul(g, n.outputs[0]))],
  // By cofactors of the first row where that is quick: the definition. Else by elimination.
  reference: (inputs, _, out) =>
    matrixwise(inputs, out, (a) => {
      const cofactors = (m: Matrix): number =>
        m.length === 0
          ? 1
          : m[0].reduce((s, v, j) => {
              const minor = m.slice(1).map((row) => row.filter((_, k) => k !== j));
              return s + (j % 2 ? -v : v) * cofactors(minor);
            }, 0);
      if (a.length <= 6) return [[cofactors(a)]];
      const { lu, sign } = eliminate(a);
      return [[lu.reduce((s, row, i) => s * row[i], sign)]];
    }),
  samples: [
    sample([given('f32[3,3]', [1, 2, 4, 3, 8, 14, 2, 6, 13])]),
    sample([given('f32[2,4,4]', dominant(4, 2))]),
    sample([given('f32[2,2]', [1, 2, 2, 4])], {}, false),
    sample(['f32[2,0,0]'], {}, false),
    sample([given('f32[9,9]', () => dominant(9)().map((v) => v / 6))], {}, false),
  ],
});
