// Column groups: reductions that keep the innermost axis (bias gradients, batchNorm statistics), with
// pointwise producers and outputs on the way, and pointwise work on the results.

import type { Node } from '../../ir/graph.ts';
import { divisorOf, linearize } from '../../ir/kernel/affine.ts';
import { add, children, type Expr, i32, mul, variable } from '../../ir/kernel/expr.ts';
import { forEachExpr, type Stmt, store } from '../../ir/kernel/kernel.ts';
import { reduceInit } from '../../ir/ops/reduce.ts';
import { sizeOf } from '../../ir/types.ts';
import type { Group } from '../group.ts';
import { lateNodes } from '../passes/fusion-groups.ts';
import { KernelBuilder, type LowerContext, type Lowered } from './kernel-builder.ts';
import { type Axis, axisVars, rangesOf } from './loops.ts';
import { lowerReduceNest } from './reduce-nest.ts';
import { combiner, keptIndex } from './rows.ts';
import { fixed } from './views.ts';

export function lowerColumns(ctx: LowerContext, g: Group): Lowered {
  const k = new KernelBuilder(ctx, g);
  const all = g.domain.map((n, i) => ({ v: g.axes.includes(i) ? `r${i}` : `i${i}`, n }));
  const reduces = g.nodes.filter((n) => n.op.kind === 'reduce');
  const { idx, axes, whole } = splitColumns(ctx, g, all, reduces);
  const ranges = rangesOf(axes);
  const red = all.filter((_, i) => g.axes.includes(i));
  const keep = axes.filter((a) => !red.includes(a));
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
        const at = keptIndex(
          o,
          all.filter((a) => !red.includes(a)),
        ).map(whole);
        out.push(store(keptBufs[i], linearize(at, fixed(o.type.shape)), r.read(o, at)));
      });
      return out;
    },
  });
  const flops = g.nodes.reduce((n, x) => n + sizeOf(x.inputs[0]?.type.shape ?? []), 0);
  return k.finish(body, { flops });
}

/**
 * The loops over the domain: its axes, but the innermost in two where the elements lie in pieces of its
 * length (a transposed and reshaped operand), so that each piece is read as SIMD.
 */
function splitColumns(ctx: LowerContext, g: Group, all: readonly Axis[], reduces: readonly Node[]) {
  const last = all[all.length - 1];
  const statements: Stmt[] = [];
  const r = new KernelBuilder(ctx, g).reader(statements, rangesOf(all));
  for (const n of reduces) statements.push({ s: 'set', name: '', value: r.read(n.inputs[0], axisVars(all)) });
  const by = Math.min(...loadIndices(statements).map((e) => divisorOf(e, last.v) ?? last.n));
  if (!(by >= MIN_PIECE && by < last.n && last.n % by === 0))
    return { idx: axisVars(all), axes: all, whole: (e: Expr) => e };
  const piece: Axis = { v: `${last.v}h`, n: last.n / by };
  const joined = add(mul(variable(piece.v), i32(by)), variable(last.v));
  const whole = (e: Expr) => (e.k === 'var' && e.name === last.v ? joined : e);
  return { idx: axisVars(all).map(whole), axes: [...all.slice(0, -1), piece, { ...last, n: by }], whole };
}
/** Pieces shorter than two vectors are not worth a loop. */
const MIN_PIECE = 8;

function loadIndices(body: readonly Stmt[]): Expr[] {
  const out: Expr[] = [];
  const visit = (e: Expr): void => {
    if (e.k === 'load') out.push(e.index);
    for (const c of children(e)) visit(c);
  };
  forEachExpr(body, visit);
  return out;
}
