// Products and factorizations of matrices.

import { FormatError, valueText } from '../../../ir/errors.ts';
import type { ComplexTensor } from '../../trace/complex-tensor.ts';
import { emitter as b } from '../../trace/dispatch.ts';
import * as complex from '../../trace/ops/complex.ts';
import { einsum } from '../../trace/ops/einsum.ts';
import * as linalg from '../../trace/ops/matrices.ts';
import { diag } from '../../trace/ops/shape.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { type Call, type Operator, type Operators, op } from '../call.ts';
import { finished } from './fused.ts';

type Matrix = Tensor | ComplexTensor;

const product = (a: string, y: string, adjoint = false): Operator =>
  op((c) => {
    const [p, q] = [c.z(0), c.z(1)];
    const [ta, tb] = [c.attrs.bool(a), c.attrs.bool(y)];
    const turned = (m: Matrix, t: boolean): Matrix => (adjoint && t && !('type' in m) ? complex.conj(m) : m);
    return complex.matMul(turned(p, ta) as Tensor, turned(q, tb) as Tensor, ta, tb);
  });

function banded(c: Call): Tensor {
  return linalg.bandPart(c.x(0), c.number(1, 'the number of diagonals'), c.number(2, 'the number of diagonals'));
}

/** Diagonals of matrices, and matrices of diagonals: vectors along the last axis. */
function matrixOfDiagonal(x: Tensor): Tensor {
  const n = x.shape[x.rank - 1];
  const shape = [...x.shape, n];
  const on = b.compare('eq', b.iota(shape, x.rank - 1), b.iota(shape, x.rank)) as Tensor;
  const column = b.reshape(x, [...x.shape, 1]);
  return b.select(
    on,
    b.broadcastTo(column, shape),
    x.type.dtype === 'bool' ? b.splat({ dtype: 'bool', shape }, 0) : 0,
  ) as Tensor;
}
/** Matrices with another main diagonal. */
function withDiagonal(x: Tensor, diagonal: Tensor): Tensor {
  const n = x.rank;
  const least = Math.min(x.shape[n - 2], x.shape[n - 1]);
  const on = b.compare('eq', b.iota(x.shape, n - 2), b.iota(x.shape, n - 1)) as Tensor;
  const far = x.shape[n - 2] - least;
  const padded = b.pad(
    diagonal,
    diagonal.shape.map(() => 0),
    diagonal.shape.map((_, i) => (i === n - 2 ? far : 0)),
  );
  return b.select(on, b.broadcastTo(b.reshape(padded, [...x.shape.slice(0, -1), 1]), x.shape), x) as Tensor;
}

const solved = (c: Call): Tensor => linalg.solve(c.x(0), c.x(1), c.attrs.bool('adjoint'));
function triangular(c: Call): Tensor {
  return linalg.triangularSolve(c.x(0), c.x(1), c.attrs.bool('lower', true), c.attrs.bool('adjoint'));
}
/** The newer versions have the number of the diagonal as an operand: the main one is what is supported. */
function mainOnly(c: Call, i: number): void {
  const k = c.numbers(i, 'which diagonals');
  if (k.some((d) => d !== 0))
    throw new FormatError(`diagonals ${valueText(k)} are not supported`, { fix: 'use the main diagonal (0)' });
}
/** Square matrices of diagonals; sizes of -1 follow from the diagonal. */
function squareOfDiagonal(c: Call): Tensor {
  mainOnly(c, 1);
  const x = c.x(0);
  const n = x.shape[x.rank - 1];
  const sizes = [c.number(2, 'the number of rows'), c.number(3, 'the number of columns')];
  if (sizes.some((d) => d !== -1 && d !== n))
    throw new FormatError(`a diagonal of ${n} in matrices [${sizes}] is not supported`, { fix: 'use square matrices' });
  return matrixOfDiagonal(x);
}
const main = { limit: 'of the main diagonal' } as const;
const diagonalPart = op((c) => {
  mainOnly(c, 1);
  return linalg.diagPart(c.x(0));
}, main);
const diagonalSet = op((c) => {
  mainOnly(c, 2);
  return withDiagonal(c.x(0), c.x(1));
}, main);

/** By name. */
export const matrices: Operators = {
  MatMul: product('transpose_a', 'transpose_b'),
  _FusedMatMul: op((c) =>
    finished(c, complex.matMul(c.x(0), c.x(1), c.attrs.bool('transpose_a'), c.attrs.bool('transpose_b')) as Tensor),
  ),
  BatchMatMul: product('adj_x', 'adj_y', true),
  BatchMatMulV2: product('adj_x', 'adj_y', true),
  BatchMatMulV3: product('adj_x', 'adj_y', true),
  SparseMatMul: product('transpose_a', 'transpose_b'),
  Einsum: op((c) => einsum(c.attrs.text('equation'), ...c.xs())),
  XlaEinsum: op((c) => einsum(c.attrs.text('equation'), ...c.xs())),
  MatrixBandPart: op(banded),
  BatchMatrixBandPart: op(banded),
  Cholesky: op((c) => linalg.cholesky(c.x(0))),
  Cross: op((c) => linalg.cross(c.x(0), c.x(1))),
  Diag: op((c) => diag(c.x(0))),
  MatrixDeterminant: op((c) => linalg.det(c.x(0))),
  MatrixDiag: op((c) => matrixOfDiagonal(c.x(0))),
  MatrixDiagV2: op(squareOfDiagonal, main),
  MatrixDiagV3: op(squareOfDiagonal, main),
  MatrixDiagPartV2: diagonalPart,
  MatrixDiagPartV3: diagonalPart,
  MatrixSetDiagV2: diagonalSet,
  MatrixSetDiagV3: diagonalSet,
  MatrixDiagPart: op((c) => linalg.diagPart(c.x(0))),
  MatrixInverse: op((c) => linalg.inv(c.attrs.bool('adjoint') ? swapped(c.x(0)) : c.x(0))),
  MatrixSetDiag: op((c) => withDiagonal(c.x(0), c.x(1))),
  MatrixSolve: op(solved),
  MatrixTriangularSolve: op(triangular),
  LogMatrixDeterminant: op((c) => linalg.slogdet(c.x(0)), { results: ['sign', 'log_abs_determinant'] }),
  Qr: op((c) => linalg.qr(c.x(0), c.attrs.bool('full_matrices')), { results: ['q', 'r'] }),
  SelfAdjointEigV2: op((c) => linalg.eigh(c.x(0)), { results: ['e', 'v'] }),
  Svd: op((c) => linalg.svd(c.x(0), c.attrs.bool('full_matrices')), { results: ['s', 'u', 'v'] }),
};

function swapped(x: Tensor): Tensor {
  const perm = x.shape.map((_, i) => i);
  [perm[x.rank - 2], perm[x.rank - 1]] = [x.rank - 1, x.rank - 2];
  return b.transpose(x, perm) as Tensor;
}
