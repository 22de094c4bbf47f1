// Operations that are algorithms: a table of their lowerings.

import type { Group } from '../../group.ts';
import type { LowerContext, Lowered } from '../kernel-builder.ts';
import { lowerCumulative } from './cumulative.ts';
import { lowerCholesky, lowerLu, lowerTriangularSolve } from './factorization.ts';
import { lowerFft } from './fft.ts';
import { lowerEigh, lowerQr, lowerSvd } from './orthogonal.ts';
import { lowerSearchSorted, lowerSort, lowerTopK } from './sort.ts';

const byName: Readonly<Record<string, (ctx: LowerContext, g: Group) => Lowered>> = {
  cumulative_sum: lowerCumulative,
  cumulative_prod: lowerCumulative,
  cumulative_max: lowerCumulative,
  cumulative_min: lowerCumulative,
  linear_recurrence: lowerCumulative,
  fft: lowerFft,
  cholesky: lowerCholesky,
  triangular_solve: lowerTriangularSolve,
  lu: lowerLu,
  qr: lowerQr,
  eigh: lowerEigh,
  svd: lowerSvd,
  sort: lowerSort,
  top_k: lowerTopK,
  search_sorted: lowerSearchSorted,
};

export const lowerAlgorithm = (ctx: LowerContext, g: Group): Lowered => byName[g.nodes[0].op.name](ctx, g);
