// Scatters and the index of an extreme: the two lowerings that neither fuse nor tile.

import type { Node } from '../../ir/graph.ts';
import { linearize } from '../../ir/kernel/affine.ts';
import { bin, type Expr, i32, konst, load, sel, variable } from '../../ir/kernel/expr.ts';
import { loop, type Stmt, store } from '../../ir/kernel/kernel.ts';
import { numAttr } from '../../ir/op.ts';
import { reduceInit } from '../../ir/ops/reduce.ts';
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

export function lowerArgReduce(ctx: LowerContext, g: Group): Lowered {
  const n: Node = g.nodes[0];
  const k = new KernelBuilder(ctx, g);
  const x = n.inputs[0];
  const xs = fixed(x.type.shape);
  const ty = x.type.dtype;
  const axis = numAttr(n.attrs, 'axis');
  const max = n.op.name === 'arg_max';
  const all = xs.map((size, i) => ({ v: `i${i}`, n: size }));
  const keep = all.filter((_, i) => i !== axis);
  const init = (max ? reduceInit.reduce_max : reduceInit.reduce_min)(ty);
  const [best, at] = [variable('best', ty), variable('at')];
  const inner: Stmt[] = [];
  const e = k.reader(inner, rangesOf(all)).read(x, axisVars(all));
  const i = variable(all[axis].v);
  // The first element is taken whatever it is; a NaN beats everything but an earlier NaN.
  const isNew = bin(
    'or',
    bin('eq', i, i32(0)),
    bin('or', bin(max ? 'gt' : 'lt', e, best), bin('and', bin('ne', e, e), bin('eq', best, best))),
  );
  inner.push({ s: 'let', name: 'better', value: isNew });
  const b = variable('better', 'bool');
  inner.push({ s: 'set', name: 'at', value: sel(b, i, at) }, { s: 'set', name: 'best', value: sel(b, e, best) });
  const body: Stmt[] = [
    { s: 'acc', name: 'best', ty, init: konst(ty, init) },
    { s: 'acc', name: 'at', ty: 'i32', init: i32(0) },
    loop(all[axis].v, xs[axis], inner),
    store(k.output(n.outputs[0]), linearize(axisVars(keep), fixed(n.outputs[0].type.shape)), at),
  ];
  const m = mergeAxes(keep, body);
  const grid = ctx.options.gpu !== undefined;
  return k.finish(nest(m.axes, m.body, { vector: axis !== xs.length - 1, cost: 4 * xs[axis], grid }), {
    flops: sizeOf(x.type.shape),
  });
}
