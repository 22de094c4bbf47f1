// Pointwise groups: one loop nest over the domain, every output stored at its index.

import { linearize } from '../../ir/kernel/affine.ts';
import { children, type Expr, mapExpr, variable } from '../../ir/kernel/expr.ts';
import { forEachExpr, letS, loop, mapStmts, type Stmt, store } from '../../ir/kernel/kernel.ts';
import { printExpr } from '../../ir/kernel/print.ts';
import type { Group } from '../group.ts';
import { bodyCost, KernelBuilder, type LowerContext, type Lowered, nodeFlops } from './kernel-builder.ts';
import { type Axis, axisVars, mergeAxes, nest, rangesOf } from './loops.ts';
import { fixed } from './views.ts';

/** Nodes of a group above which the order of reading matters to the call stack. */
const LONG = 32;

/** Rows that are gathered and this short are one SIMD step each: their index is found once, not once an element. */
const SHORT = 4;

/** Is an element read at an index that is itself read? */
function gathers(body: readonly Stmt[]): boolean {
  const read = new Set<string>();
  const isRead = (e: Expr): boolean =>
    e.k === 'load' || (e.k === 'var' && read.has(e.name)) || children(e).some(isRead);
  let found = false;
  const visit = (e: Expr): void => {
    if (e.k === 'load' && isRead(e.index)) found = true;
    for (const c of children(e)) visit(c);
  };
  for (const s of body) if (s.s === 'let' && s.value.ty === 'i32' && isRead(s.value)) read.add(s.name);
  forEachExpr(body, visit);
  return found;
}

/**
 * A loop nest over rows of a few elements: one SIMD step a row, and every element that is read at the
 * same place for several rows or elements read in the outermost loop that knows where.
 */
function pixelNest(
  axes: readonly Axis[],
  body: readonly Stmt[],
  fresh: (prefix: string) => string,
  cost: number,
): Stmt[] {
  const levels: Stmt[][] = axes.map(() => []);
  const depthOf = new Map<string, number>(axes.map((a, i) => [a.v, i]));
  /** The innermost axis that an expression depends on. */
  const depth = (e: Expr): number =>
    e.k === 'var' ? (depthOf.get(e.name) ?? 0) : children(e).reduce((d, c) => Math.max(d, depth(c)), 0);
  const last = axes.length - 1;
  const named = new Map<string, Expr>();
  const outside = (e: Expr): Expr | undefined => {
    if (e.k !== 'load' || depth(e) === last) return undefined;
    const key = printExpr(e);
    let v = named.get(key);
    if (!v) {
      const name = fresh('y');
      v = variable(name, e.ty);
      named.set(key, v);
      levels[depth(e)].push(letS(name, e));
      depthOf.set(name, depth(e));
    }
    return v;
  };
  for (const given of body) {
    const [s] = mapStmts([given], (e) => mapExpr(e, outside));
    const at = s.s === 'let' ? depth(s.value) : last;
    if (s.s === 'let') depthOf.set(s.name, at);
    levels[at].push(s);
  }
  let stmts: Stmt[] = [loop(axes[last].v, axes[last].n, levels[last], { vector: true })];
  for (let i = last - 1; i > 0; i--) stmts = [loop(axes[i].v, axes[i].n, [...levels[i], ...stmts])];
  return nest(axes.slice(0, 1), [...levels[0], ...stmts], {
    cost: cost * axes.slice(1).reduce((n, a) => n * a.n, 1),
    grain: 1,
  });
}

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
  const grid = k.ctx.options.gpu !== undefined;
  const pixels = !grid && m.axes.length > 1 && m.axes[m.axes.length - 1].n <= SHORT && gathers(m.body);
  if (pixels) return pixelNest(m.axes, m.body, (prefix) => r.fresh(prefix), cost);
  return nest(m.axes, m.body, { vector: true, cost: Math.max(1, cost), copies: cost <= 4 ? 2 : 1, grid });
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
