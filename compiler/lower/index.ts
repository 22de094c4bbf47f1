// Group → kernel, by kind.

import type { Group } from '../group.ts';
import { lowerAlgorithm } from './algorithms/index.ts';
import { lowerArgReduce } from './arg-reduce.ts';
import { lowerColumns } from './columns.ts';
import { lowerContraction } from './contraction.ts';
import type { LowerContext, Lowered } from './kernel-builder.ts';
import { lowerPointwise, lowerUpdate } from './pointwise.ts';
import { lowerRows } from './rows.ts';
import { lowerScatter } from './scatter.ts';
import { lowerWindow } from './window.ts';

/** Control flow is planned (compiler/level.ts), not lowered. */
type Lowerable = Exclude<Group['kind'], 'control' | 'barrier'>;

const byKind: Readonly<Record<Lowerable, (ctx: LowerContext, g: Group) => Lowered>> = {
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

export const lowerGroup = (ctx: LowerContext, g: Group): Lowered => byKind[g.kind as Lowerable](ctx, g);
export type { LowerContext, Lowered };
