// Window groups: pooling and its gradients. The innermost axis (channels) is the SIMD axis where it is
// not pooled itself.

import type { Node, Value } from '../../ir/graph.ts';
import { linearize } from '../../ir/kernel/affine.ts';
import { add, bin, type Expr, i32, konst, load, mul, sel, sub, variable } from '../../ir/kernel/expr.ts';
import { loop, type Stmt, store } from '../../ir/kernel/kernel.ts';
import { intsAttr, pairsAttr } from '../../ir/op.ts';
import { reduceInit } from '../../ir/ops/reduce.ts';
import { sizeOf } from '../../ir/types.ts';
import type { Group } from '../group.ts';
import { KernelBuilder, type LowerContext, type Lowered } from './kernel-builder.ts';
import { type Axis, axisVars, gridNest, mergeAxes, nest, rangesOf } from './loops.ts';
import type { Reader } from './reader.ts';
import { lowerReduceNest } from './reduce-nest.ts';
import { fixed } from './views.ts';

interface Windows {
  readonly window: readonly number[];
  readonly strides: readonly number[];
  readonly pad: readonly (readonly number[])[];
}

export function lowerWindow(ctx: LowerContext, g: Group): Lowered {
  const n = g.nodes.find((x) => x.op.kind === 'window') as Node;
  const k = new KernelBuilder(ctx, g);
  const w: Windows = {
    window: intsAttr(n.attrs, 'window'),
    strides: intsAttr(n.attrs, 'strides'),
    pad: pairsAttr(n.attrs, 'pad'),
  };
  const body =
    n.op.name === 'window_max_grad'
      ? maxGrad(k, n, w)
      : n.op.name === 'window_max_pick'
        ? maxPick(k, g, n, w)
        : reduceWindow(k, g, n, w);
  const size = w.window.reduce((a, b) => a * b, 1);
  return k.finish(body, { flops: sizeOf(n.outputs[0].type.shape) * size });
}

/** Where window element (o, t) reads the operand, and whether that lies inside it. */
function position(
  w: Windows,
  o: readonly Expr[],
  t: readonly Expr[],
  shape: readonly number[],
): { idx: Expr[]; inside: Expr | null } {
  let inside: Expr | null = null;
  const idx = o.map((e, d) => {
    const at = sub(add(mul(e, i32(w.strides[d])), t[d]), i32(w.pad[d][0]));
    const padded = w.pad[d][0] > 0 || w.pad[d][1] > 0;
    if (!padded) return at;
    const ok = bin('and', bin('ge', at, i32(0)), bin('lt', at, i32(shape[d])));
    inside = inside ? bin('and', inside, ok) : ok;
    return bin('min', bin('max', at, i32(0)), i32(shape[d] - 1));
  });
  return { idx, inside };
}

const onGpu = (k: KernelBuilder): boolean => k.ctx.options.gpu !== undefined;

const outAxes = (v: Value): Axis[] => fixed(v.type.shape).map((n, i) => ({ v: `i${i}`, n }));
const windowAxes = (w: Windows): Axis[] => w.window.map((n, i) => ({ v: `w${i}`, n }));

function reduceWindow(k: KernelBuilder, g: Group, n: Node, w: Windows): Stmt[] {
  const x = n.inputs[0];
  const result = n.outputs[0];
  const ty = result.type.dtype;
  const max = n.op.name === 'reduce_window_max';
  const init = max ? reduceInit.reduce_max(ty) : 0;
  const keep = outAxes(result);
  const red = windowAxes(w);
  const idx = axisVars(keep);
  const ranges = rangesOf(keep, red);
  const bufs = new Map(g.outputs.map((o) => [o, k.output(o)]));
  return lowerReduceNest(k, {
    keep,
    red,
    accs: [{ op: max ? 'max' : 'add', ty, init }],
    element: (out) => {
      const { idx: at, inside } = position(w, idx, axisVars(red), fixed(x.type.shape));
      const e = k.reader(out, ranges).read(x, at);
      return [inside ? sel(inside, e, konst(ty, init)) : e];
    },
    finish: ([acc]) => epilogue(k, result, () => acc, idx, bufs, ranges),
  });
}

function epilogue(
  k: KernelBuilder,
  result: Value,
  value: () => Expr,
  idx: readonly Expr[],
  bufs: ReadonlyMap<Value, string>,
  ranges: Map<string, readonly [number, number]>,
): Stmt[] {
  const out: Stmt[] = [];
  const r = k.reader(out, ranges);
  r.given.set(result, value);
  const values = [...bufs.keys()].map((o) => r.read(o, idx));
  [...bufs].forEach(([o, buf], i) => {
    out.push(store(buf, linearize(idx, fixed(o.type.shape)), values[i]));
  });
  return out;
}

/** Runs `f` for every window element in row-major order, written out where the window is small. */
function overWindow(red: readonly Axis[], f: (t: readonly Expr[]) => Stmt[]): Stmt[] {
  let body: readonly Stmt[] = f(axisVars(red));
  const small = red.reduce((n, a) => n * a.n, 1) <= 16;
  for (let i = red.length - 1; i >= 0; i--) body = [loop(red[i].v, red[i].n, body, small ? { unroll: true } : {})];
  return [...body];
}

/** v at the place of each window's first maximum. */
function maxPick(k: KernelBuilder, g: Group, n: Node, w: Windows): Stmt[] {
  const [x, v] = n.inputs;
  const result = n.outputs[0];
  const keep = outAxes(result);
  const red = windowAxes(w);
  const idx = axisVars(keep);
  const ranges = rangesOf(keep, red);
  const ty = x.type.dtype;
  const body: Stmt[] = [
    { s: 'acc', name: 'best', ty, init: konst(ty, reduceInit.reduce_max(ty)) },
    { s: 'acc', name: 'pick', ty: v.type.dtype, init: konst(v.type.dtype, 0) },
    { s: 'acc', name: 'any', ty: 'i32', init: i32(0) },
  ];
  const [best, pick, any] = [variable('best', ty), variable('pick', v.type.dtype), variable('any')];
  body.push(
    ...overWindow(red, (t) => {
      const out: Stmt[] = [];
      const r = k.reader(out, ranges);
      const { idx: at, inside } = position(w, idx, t, fixed(x.type.shape));
      const e = r.read(x, at);
      const first = bin('eq', any, i32(0));
      let better = bin('or', first, bin('or', bin('gt', e, best), bin('and', bin('ne', e, e), bin('eq', best, best))));
      if (inside) better = bin('and', inside, better);
      const name = r.fresh('better');
      out.push({ s: 'let', name, value: better });
      const b = variable(name, 'bool');
      out.push({ s: 'set', name: 'pick', value: sel(b, r.read(v, at), pick) });
      out.push({ s: 'set', name: 'best', value: sel(b, e, best) });
      out.push({ s: 'set', name: 'any', value: sel(b, i32(1), any) });
      return out;
    }),
  );
  const bufs = new Map(g.outputs.map((o) => [o, k.output(o)]));
  body.push(...epilogue(k, result, () => pick, idx, bufs, ranges));
  const m = mergeAxes(keep, body);
  return nest(m.axes, m.body, { vector: true, cost: 4 * red.reduce((p, a) => p * a.n, 1), grid: onGpu(k) });
}

/**
 * Each window's gradient to the place of its first maximum. Windows of one image are walked in order,
 * so overlapping ones add up deterministically; images run in parallel.
 */
function maxGrad(k: KernelBuilder, n: Node, w: Windows): Stmt[] {
  const [x, gr] = n.inputs;
  const result = n.outputs[0];
  const xs = fixed(x.type.shape);
  const ty = x.type.dtype;
  const red = windowAxes(w);
  const win = fixed(gr.type.shape).map((size, i) => ({ v: `i${i}`, n: size }));
  const idx = axisVars(win);
  const ranges = rangesOf(win, red);
  const buf = k.output(result);
  const exact = w.window.every(
    (s, d) => s === w.strides[d] && w.pad[d].every((p) => p === 0) && s * win[d].n === xs[d],
  );
  const body: Stmt[] = [{ s: 'acc', name: 'best', ty, init: konst(ty, reduceInit.reduce_max(ty)) }];
  const best = variable('best', ty);
  const element = (r: Reader, t: readonly Expr[]) => {
    const { idx: at, inside } = position(w, idx, t, xs);
    return { at, inside, e: r.read(x, at) };
  };
  body.push(
    ...overWindow(red, (t) => {
      const out: Stmt[] = [];
      const { e, inside } = element(k.reader(out, ranges), t);
      out.push({
        s: 'set',
        name: 'best',
        value: bin('max', best, inside ? sel(inside, e, konst(ty, reduceInit.reduce_max(ty))) : e),
      });
      return out;
    }),
    { s: 'acc', name: 'left', ty: 'i32', init: i32(1) },
  );
  const grad: Stmt[] = [];
  const gv = k.reader(grad, ranges).read(gr, idx);
  body.push(...grad, { s: 'let', name: 'gv', value: gv });
  const left = variable('left');
  body.push(
    ...overWindow(red, (t) => {
      const out: Stmt[] = [];
      const r = k.reader(out, ranges);
      const { e, at, inside } = element(r, t);
      let hit = bin('and', bin('ne', left, i32(0)), bin('or', bin('eq', e, best), bin('ne', e, e)));
      if (inside) hit = bin('and', inside, hit);
      const name = r.fresh('hit');
      out.push({ s: 'let', name, value: hit });
      const h = variable(name, 'bool');
      const target = linearize(at, xs);
      const here = sel(h, variable('gv', ty), konst(ty, 0));
      out.push(store(buf, target, exact ? here : bin('add', load(ty, buf, target), here)));
      out.push({ s: 'set', name: 'left', value: sel(h, i32(0), left) });
      return out;
    }),
  );
  const lastPooled = w.window[win.length - 1] > 1 || w.strides[win.length - 1] > 1;
  if (exact) {
    const m = mergeAxes(win, body);
    return nest(m.axes, m.body, { vector: !lastPooled, cost: 8 * red.reduce((p, a) => p * a.n, 1), grid: onGpu(k) });
  }
  const zero = nest([{ v: 'z', n: xs.reduce((a, b) => a * b, 1) }], [store(buf, variable('z'), konst(ty, 0))], {
    vector: true,
    grid: onGpu(k),
  });
  // Only axes that are not pooled may run in parallel or as lanes.
  let stmts: readonly Stmt[] = body;
  const total = xs.reduce((a, b) => a * b, 1);
  const free = (d: number) => w.window[d] === 1 && w.strides[d] === 1;
  if (onGpu(k)) {
    const walked = win.filter((_, d) => !free(d)).reduceRight((inner, a) => [loop(a.v, a.n, inner)], stmts);
    const apart = win.filter((_, d) => free(d));
    return [...zero, { s: 'barrier' }, ...gridNest(apart, walked)];
  }
  const par = total >= 1 << 13 ? win.findIndex((a, d) => free(d) && a.n > 1 && d < win.length - 1) : -1;
  for (let d = win.length - 1; d >= 0; d--)
    stmts = [
      loop(
        win[d].v,
        win[d].n,
        stmts,
        d === par ? { parallel: 1 } : d === win.length - 1 && free(d) ? { vector: true } : {},
      ),
    ];
  return [...zero, { s: 'barrier' }, ...(par >= 0 ? stmts : [{ s: 'single', body: stmts } as Stmt])];
}
