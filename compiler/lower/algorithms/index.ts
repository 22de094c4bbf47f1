// Operations that are algorithms: a table of their lowerings.

import type { Group } from '../../group.ts';
import type { LowerContext, Lowered } from '../kernel-builder.ts';
import { lowerCumulative } from './cumulative.ts';
import { lowerFft } from './fft.ts';
import { lowerSearchSorted, lowerSort, lowerTopK } from './sort.ts';

const byName: Readonly<Record<string, (ctx: LowerContext, g: Group) => Lowered>> = {
  cumulative_sum: lowerCumulative,
  cumulative_prod: lowerCumulative,
  cumulative_max: lowerCumulative,
  cumulative_min: lowerCumulative,
  linear_recurrence: lowerCumulative,
  fft: lowerFft,
  sort: lowerSort,
  top_k: lowerTopK,
  search_sorted: lowerSearchSorted,
};

export const lowerAlgorithm = (ctx: LowerContext, g: Group): Lowered => byName[g.nodes[0].op.name](ctx, g);
