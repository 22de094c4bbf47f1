// Pointwise groups: one loop nest over the domain, every output stored at its index.

import { linearize } from '../../ir/kernel/affine.ts';
import { variable } from '../../ir/kernel/expr.ts';
import { letS, type Stmt, store } from '../../ir/kernel/kernel.ts';
import type { Group } from '../group.ts';
import { bodyCost, KernelBuilder, type LowerContext, type Lowered, nodeFlops } from './kernel-builder.ts';
import { axisVars, mergeAxes, nest, rangesOf } from './loops.ts';
import { fixed } from './views.ts';

/** Nodes of a group above which the order of reading matters to the call stack. */
const LONG = 32;

/** The loops of one pointwise group on a kernel under construction. */
function pointwiseLoops(k: KernelBuilder, g: Group, prefix: string): Stmt[] {
  const axes = g.domain.map((n, i) => ({ v: `${prefix}${i}`, n }));
  const idx = axisVars(axes);
  const body: Stmt[] = [];
  const r = k.reader(body, rangesOf(axes));
  // Long chains are read from their beginning: from the end, every node would be a call deeper.
  if (g.nodes.length > LONG) for (const n of g.nodes) for (const o of n.outputs) r.read(o, idx);
  // All values first, then the stores: an output may lie where an input was.
  const values = g.outputs.map((o) => {
    const e = r.read(o, idx);
    if (g.outputs.length === 1 || e.k === 'var') return e;
    const name = r.fresh('v');
    body.push(letS(name, e));
    return variable(name, e.ty);
  });
  g.outputs.forEach((o, i) => {
    body.push(store(k.output(o), linearize(idx, fixed(o.type.shape)), values[i]));
  });
  const m = mergeAxes(axes, body);
  const cost = bodyCost(m.body);
  return nest(m.axes, m.body, { vector: true, cost: Math.max(1, cost), copies: cost <= 4 ? 2 : 1 });
}

export function lowerPointwise(ctx: LowerContext, g: Group): Lowered {
  const k = new KernelBuilder(ctx, g);
  const body = pointwiseLoops(k, g, 'i');
  return k.finish(body, { flops: g.nodes.reduce((n, x) => n + nodeFlops(x), 0) });
}

/** Several pointwise groups in one kernel, loop after loop (optimizer updates of all variables). */
export function lowerUpdate(ctx: LowerContext, g: Group): Lowered {
  const k = new KernelBuilder(ctx, g);
  const body = g.parts.flatMap((p, i) => pointwiseLoops(k, p, `u${i}_`));
  return k.finish(body, { flops: g.nodes.reduce((n, x) => n + nodeFlops(x), 0) });
}
