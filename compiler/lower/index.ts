// Group → kernel, by kind.

import type { Group } from '../group.ts';
import { lowerAlgorithm } from './algorithms/index.ts';
import { lowerColumns } from './columns.ts';
import { lowerContraction } from './contraction.ts';
import type { LowerContext, Lowered } from './kernel-builder.ts';
import { lowerPointwise, lowerUpdate } from './pointwise.ts';
import { lowerRows } from './rows.ts';
import { lowerArgReduce, lowerScatter } from './scatter.ts';
import { lowerWindow } from './window.ts';

const byKind: Readonly<Record<Group['kind'], (ctx: LowerContext, g: Group) => Lowered>> = {
  pointwise: lowerPointwise,
  rows: lowerRows,
  columns: lowerColumns,
  contraction: lowerContraction,
  window: lowerWindow,
  scatter: lowerScatter,
  argreduce: lowerArgReduce,
  algorithm: lowerAlgorithm,
  update: lowerUpdate,
};

export const lowerGroup = (ctx: LowerContext, g: Group): Lowered => byKind[g.kind](ctx, g);
export type { LowerContext, Lowered };
