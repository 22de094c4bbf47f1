// The index of an extreme along an axis.

import type { Node } from '../../ir/graph.ts';
import { linearize } from '../../ir/kernel/affine.ts';
import { add, bin, type Expr, i32, konst, load, mul, sel, variable } from '../../ir/kernel/expr.ts';
import { loop, type Stmt, store } from '../../ir/kernel/kernel.ts';
import { numAttr } from '../../ir/op.ts';
import { reduceInit } from '../../ir/ops/reduce.ts';
import { type DType, sizeOf } from '../../ir/types.ts';
import type { Group } from '../group.ts';
import { KernelBuilder, type LowerContext, type Lowered } from './kernel-builder.ts';
import { type Axis, axisVars, gridNest, mergeAxes, nest, rangesOf } from './loops.ts';
import { fixed } from './views.ts';

/** On a GPU: fewer rows than this leave it idle, if they are as long as that. */
const FEW_ROWS = 4096;
const LONG_ROW = 512;
const PIECE = 128;

/** The best element so far and its place, and whether element `e` at place `i` beats it. */
class Best {
  readonly ty: DType;
  readonly value: Expr;
  readonly at = variable('at');
  readonly #max: boolean;

  constructor(ty: DType, max: boolean) {
    this.ty = ty;
    this.value = variable('best', ty);
    this.#max = max;
  }

  start(): Stmt[] {
    const init = (this.#max ? reduceInit.reduce_max : reduceInit.reduce_min)(this.ty);
    return [
      { s: 'acc', name: 'best', ty: this.ty, init: konst(this.ty, init) },
      { s: 'acc', name: 'at', ty: 'i32', init: i32(0) },
    ];
  }

  /** The first element is taken whatever it is; a NaN beats everything but an earlier NaN. */
  take(e: Expr, i: Expr, first: Expr): Stmt[] {
    const { value, at } = this;
    const isNew = bin(
      'or',
      first,
      bin('or', bin(this.#max ? 'gt' : 'lt', e, value), bin('and', bin('ne', e, e), bin('eq', value, value))),
    );
    const b = variable('better', 'bool');
    return [
      { s: 'let', name: 'better', value: isNew },
      { s: 'set', name: 'at', value: sel(b, i, at) },
      { s: 'set', name: 'best', value: sel(b, e, value) },
    ];
  }
}

export function lowerArgReduce(ctx: LowerContext, g: Group): Lowered {
  const n: Node = g.nodes[0];
  const k = new KernelBuilder(ctx, g);
  const x = n.inputs[0];
  const xs = fixed(x.type.shape);
  const axis = numAttr(n.attrs, 'axis');
  const all = xs.map((size, i) => ({ v: `i${i}`, n: size }));
  const keep = all.filter((_, i) => i !== axis);
  const best = new Best(x.type.dtype, n.op.name === 'arg_max');
  const inner: Stmt[] = [];
  const e = k.reader(inner, rangesOf(all)).read(x, axisVars(all));
  const i = variable(all[axis].v);
  const flops = sizeOf(x.type.shape);
  const out = store(k.output(n.outputs[0]), linearize(axisVars(keep), fixed(n.outputs[0].type.shape)), best.at);
  const grid = ctx.options.gpu !== undefined;
  if (grid && sizeOf(keep.map((a) => a.n)) < FEW_ROWS && xs[axis] >= LONG_ROW)
    return k.finish(
      inPieces(k, best, all[axis], keep, (first) => [...inner, ...best.take(e, i, first)], out),
      { flops },
    );
  const body: Stmt[] = [
    ...best.start(),
    loop(all[axis].v, xs[axis], [...inner, ...best.take(e, i, bin('eq', i, i32(0)))]),
    out,
  ];
  const m = mergeAxes(keep, body);
  return k.finish(nest(m.axes, m.body, { vector: axis !== xs.length - 1, cost: 4 * xs[axis], grid }), { flops });
}

/** Few long rows on a GPU: the best of each piece, then the best of these, in order. */
function inPieces(
  k: KernelBuilder,
  best: Best,
  axis: Axis,
  keep: readonly Axis[],
  element: (first: Expr) => Stmt[],
  out: Stmt,
): Stmt[] {
  const pieces = Math.ceil(axis.n / PIECE);
  const rows = sizeOf(keep.map((a) => a.n));
  const [values, places] = [k.scratch(best.ty, rows * pieces), k.scratch('i32', rows * pieces)];
  const piece = variable('piece');
  const flat = linearize([...axisVars(keep), piece], [...keep.map((a) => a.n), pieces]);
  const lo = mul(piece, i32(PIECE));
  const over: Stmt = {
    ...loop(axis.v, bin('min', add(lo, i32(PIECE)), i32(axis.n)), element(bin('eq', variable(axis.v), lo))),
    lo,
  };
  const combine = best.take(load(best.ty, values, flat), load('i32', places, flat), bin('eq', piece, i32(0)));
  return [
    ...gridNest(
      [...keep, { v: 'piece', n: pieces }],
      [...best.start(), over, store(values, flat, best.value), store(places, flat, best.at)],
    ),
    { s: 'barrier' },
    ...gridNest(keep, [...best.start(), loop('piece', pieces, combine), out]),
  ];
}
