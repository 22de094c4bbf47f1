// Column groups: reductions that keep the innermost axis (bias gradients, batchNorm statistics), with
// pointwise producers and outputs on the way, and pointwise work on the results.

import { linearize } from '../../ir/kernel/affine.ts';
import type { Expr } from '../../ir/kernel/expr.ts';
import { type Stmt, store } from '../../ir/kernel/kernel.ts';
import { reduceInit } from '../../ir/ops/reduce.ts';
import { sizeOf } from '../../ir/types.ts';
import type { Group } from '../group.ts';
import { lateNodes } from '../passes/fusion-groups.ts';
import { KernelBuilder, type LowerContext, type Lowered } from './kernel-builder.ts';
import { axisVars, rangesOf } from './loops.ts';
import { lowerReduceNest } from './reduce-nest.ts';
import { combiner, keptIndex } from './rows.ts';
import { fixed } from './views.ts';

export function lowerColumns(ctx: LowerContext, g: Group): Lowered {
  const k = new KernelBuilder(ctx, g);
  const all = g.domain.map((n, i) => ({ v: g.axes.includes(i) ? `r${i}` : `i${i}`, n }));
  const keep = all.filter((_, i) => !g.axes.includes(i));
  const red = all.filter((_, i) => g.axes.includes(i));
  const idx = axisVars(all);
  const ranges = rangesOf(all);
  const reduces = g.nodes.filter((n) => n.op.kind === 'reduce');
  // A node that depends on a reduction works on its results, all others on the elements.
  const late = lateNodes(g);
  const full = g.outputs.filter((o) => o.node && !late.has(o.node));
  const kept = g.outputs.filter((o) => o.node && late.has(o.node));
  const fullBufs = full.map((o) => k.output(o));
  const keptBufs = kept.map((o) => k.output(o));
  const body = lowerReduceNest(k, {
    keep,
    red,
    accs: reduces.map((n) => {
      const ty = n.outputs[0].type.dtype;
      return { op: combiner[n.op.name], ty, init: reduceInit[n.op.name](ty) };
    }),
    element: (out: Stmt[]) => {
      const r = k.reader(out, ranges);
      const values = reduces.map((n) => r.read(n.inputs[0], idx));
      const stored = full.map((o) => r.read(o, idx));
      full.forEach((o, i) => {
        out.push(store(fullBufs[i], linearize(idx, fixed(o.type.shape)), stored[i]));
      });
      return values;
    },
    finish: (accs: readonly Expr[]) => {
      const out: Stmt[] = [];
      const r = k.reader(out, ranges);
      reduces.forEach((n, i) => {
        r.given.set(n.outputs[0], () => accs[i]);
      });
      kept.forEach((o, i) => {
        const at = keptIndex(o, keep);
        out.push(store(keptBufs[i], linearize(at, fixed(o.type.shape)), r.read(o, at)));
      });
      return out;
    },
  });
  const flops = g.nodes.reduce((n, x) => n + sizeOf(x.inputs[0]?.type.shape ?? []), 0);
  return k.finish(body, { flops });
}
