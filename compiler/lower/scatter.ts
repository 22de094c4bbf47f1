// Scatters: they neither fuse nor tile.

import { linearize } from '../../ir/kernel/affine.ts';
import { bin, type Expr, i32, konst, load, variable } from '../../ir/kernel/expr.ts';
import { loop, type Stmt, store } from '../../ir/kernel/kernel.ts';
import { sizeOf } from '../../ir/types.ts';
import type { Group } from '../group.ts';
import { lowerGpuScatter } from './gpu/scatter.ts';
import { KernelBuilder, type LowerContext, type Lowered } from './kernel-builder.ts';
import { axisVars, mergeAxes, nest, rangesOf } from './loops.ts';
import { fixed } from './views.ts';

/** What is stored where an update falls on an element. */
const combine: Readonly<Record<string, (old: Expr, update: Expr) => Expr>> = {
  scatter_add: (old, update) => bin('add', old, update),
  scatter_set: (_, update) => update,
  scatter_max: (old, update) => bin('max', old, update),
  scatter_min: (old, update) => bin('min', old, update),
};

/**
 * Copies the operand, then puts the updates in, row by row. Every thread walks all rows in order over its
 * own part of the row, so duplicates meet in one order whatever the number of threads.
 */
export function lowerScatter(ctx: LowerContext, g: Group): Lowered {
  if (ctx.options.gpu) return lowerGpuScatter(ctx, g, ctx.options.gpu.deterministic === true);
  const n = g.nodes[0];
  const k = new KernelBuilder(ctx, g);
  const [x, indices, updates] = n.inputs;
  const xs = fixed(x.type.shape);
  const is = fixed(indices.type.shape);
  const ty = x.type.dtype;
  const depth = is[is.length - 1];
  const buf = k.output(n.outputs[0]);
  const all = xs.map((size, i) => ({ v: `i${i}`, n: size }));
  const copy: Stmt[] = [];
  copy.push(store(buf, linearize(axisVars(all), xs), k.reader(copy, rangesOf(all)).read(x, axisVars(all))));
  const merged = mergeAxes(all, copy);
  const rows = is.slice(0, -1).map((size, i) => ({ v: `u${i}`, n: size }));
  const inner = xs.slice(depth).map((size, i) => ({ v: `j${i}`, n: size }));
  const body: Stmt[] = [];
  const r = k.reader(body, rangesOf(rows, inner));
  const at: Expr[] = [];
  let ok: Expr | null = null;
  for (let d = 0; d < depth; d++) {
    const name = r.fresh('at');
    body.push({ s: 'let', name, value: r.read(indices, [...axisVars(rows), i32(d)]) });
    const e = variable(name);
    at.push(e);
    const inside = bin('and', bin('ge', e, i32(0)), bin('lt', e, i32(xs[d])));
    ok = ok ? bin('and', ok, inside) : inside;
  }
  const target = linearize([...at, ...axisVars(inner)], xs);
  const add: Stmt[] = [];
  const u = k.reader(add, rangesOf(rows, inner)).read(updates, [...axisVars(rows), ...axisVars(inner)]);
  add.push(store(buf, target, combine[n.op.name](load(ty, buf, target), u)));
  let row: readonly Stmt[] = add;
  for (let i = inner.length - 1; i >= 0; i--)
    row = [loop(inner[i].v, inner[i].n, row, i === inner.length - 1 ? { vector: true } : {})];
  let stmts: readonly Stmt[] = [...body, { s: 'if', cond: ok ?? konst('bool', 1), then: row, else: [] }];
  for (let i = rows.length - 1; i >= 0; i--) stmts = [loop(rows[i].v, rows[i].n, stmts)];
  return k.finish(
    [...nest(merged.axes, merged.body, { vector: true }), { s: 'barrier' }, { s: 'single', body: stmts }],
    { flops: sizeOf(updates.type.shape) },
  );
}
