// dotGeneral, convolution and its filter gradient as one thing: a sum of products over reduced loops,
// tiled along one row axis `m` and one column axis `n`, inside outer loops.

import type { Node, Value } from '../../ir/graph.ts';
import { delinearize, divisorOf, type Ranges } from '../../ir/kernel/affine.ts';
import { add, type Expr, i32, mapExpr, mul, variable } from '../../ir/kernel/expr.ts';
import { intsAttr, numAttr, pairsAttr } from '../../ir/op.ts';
import type { Axis } from './loops.ts';
import { axisVars, rangesOf } from './loops.ts';
import { fixed } from './views.ts';

export interface ContractionSpec {
  /** Loops outside of the tile. */
  readonly outer: readonly Axis[];
  readonly m: Axis;
  readonly n: Axis;
  /** Reduced loops, outermost first. */
  readonly k: readonly Axis[];
  readonly a: Value;
  readonly b: Value;
  /** Index into each operand, in the variables of the loops. */
  readonly aIndex: readonly Expr[];
  readonly bIndex: readonly Expr[];
  /** Index of the result. */
  readonly out: readonly Expr[];
}

const range = (n: number) => Array.from({ length: n }, (_, i) => i);

/** True where an operand's element is a load that is affine in the given loop variables. */
export type AffineCheck = (v: Value, idx: readonly Expr[], vars: readonly string[], ranges: Ranges) => boolean;

export function contractionSpec(n: Node, affineIn: AffineCheck): ContractionSpec {
  switch (n.op.name) {
    case 'dot_general':
      return dotSpec(n, affineIn);
    case 'conv':
      return convSpec(n);
    case 'conv_filter_grad':
      return filterGradSpec(n);
    default:
      throw new Error(`${n.op.name} is not a contraction`);
  }
}

function dotSpec(n: Node, affineIn: AffineCheck): ContractionSpec {
  const [x, y] = n.inputs;
  const xs = fixed(x.type.shape);
  const ys = fixed(y.type.shape);
  const [bx, by] = pairsAttr(n.attrs, 'batch');
  const [cx, cy] = pairsAttr(n.attrs, 'contract');
  const fx = range(xs.length).filter((i) => !bx.includes(i) && !cx.includes(i));
  const fy = range(ys.length).filter((i) => !by.includes(i) && !cy.includes(i));
  const outer: Axis[] = bx.map((a, i) => ({ v: `g${i}`, n: xs[a] }));
  const xi = new Array<Expr>(xs.length);
  const yi = new Array<Expr>(ys.length);
  bx.forEach((a, i) => {
    xi[a] = variable(`g${i}`);
    yi[by[i]] = variable(`g${i}`);
  });
  const size = (axes: readonly number[], s: readonly number[]) => axes.reduce((p, a) => p * s[a], 1);
  const [M, N, K] = [size(fx, xs), size(fy, ys), size(cx, xs)];
  const m = { v: 'm', n: M };
  const nn = { v: 'n', n: N };
  // Each run of axes is one flat axis where the operand's index stays affine in it.
  const ranges = rangesOf([m, nn, { v: 'k', n: K }], outer);
  const fill = (idx: Expr[], axes: readonly number[], s: readonly number[], v: string) => {
    delinearize(
      variable(v),
      axes.map((a) => s[a]),
      ranges,
    ).forEach((e, i) => {
      idx[axes[i]] = e;
    });
  };
  fill(xi, fx, xs, 'm');
  fill(xi, cx, xs, 'k');
  fill(yi, fy, ys, 'n');
  delinearize(
    variable('k'),
    cx.map((a) => xs[a]),
    ranges,
  ).forEach((e, i) => {
    yi[cy[i]] = e;
  });
  let k: Axis[] = [{ v: 'k', n: K }];
  if (cx.length > 1 && !affineIn(x, xi, ['m', 'k'], ranges)) {
    k = cx.map((a, i) => ({ v: `k${i}`, n: xs[a] }));
    cx.forEach((a, i) => {
      xi[a] = variable(`k${i}`);
      yi[cy[i]] = variable(`k${i}`);
    });
  }
  let mAxis = m;
  let out: Expr[] = [...outer.map((o) => variable(o.v)), ...fx.map((a) => xi[a]), ...fy.map((a) => yi[a])];
  if (fx.length > 1 && !affineIn(x, xi, ['m'], ranges)) {
    // Keep the last row axis as the tile's, loop over the others.
    const last = fx[fx.length - 1];
    fx.slice(0, -1).forEach((a, i) => {
      outer.push({ v: `o${i}`, n: xs[a] });
      xi[a] = variable(`o${i}`);
    });
    xi[last] = variable('m');
    mAxis = { v: 'm', n: xs[last] };
    out = [...bx.map((_, i) => variable(`g${i}`)), ...fx.map((a) => xi[a]), ...fy.map((a) => yi[a])];
  }
  return { outer, m: mAxis, n: nn, k, a: x, b: y, aIndex: xi, bIndex: yi, out };
}

/** What both convolution ops are made of. Padding and input dilation are gone (see passes/conv-padding.ts). */
function convLoops(node: Node, kernel: Value, result: Value) {
  const ws = fixed(kernel.type.shape);
  const os = fixed(result.type.shape);
  const d = ws.length - 2;
  const strides = intsAttr(node.attrs, 'strides');
  const rhs = intsAttr(node.attrs, 'rhs_dilation');
  const groups = numAttr(node.attrs, 'groups');
  const taps = range(d).map((i) => ({ v: `t${i}`, n: ws[i] }));
  const tap = axisVars(taps);
  /** Where the input is read for the result position `pos`. */
  const source = (pos: readonly Expr[]) => pos.map((p, i) => add(mul(p, i32(strides[i])), mul(tap[i], i32(rhs[i]))));
  const g = variable('g');
  const cin = ws[d];
  const cout = ws[d + 1] / groups;
  const inChannel = (c: Expr) => add(mul(g, i32(cin)), c);
  const outChannel = add(mul(g, i32(cout)), variable('n'));
  return { os, d, groups, taps, tap, source, cin, cout, inChannel, outChannel };
}

function convSpec(node: Node): ContractionSpec {
  const [x, w] = node.inputs;
  const { os, d, groups, taps, tap, source, cin, cout, inChannel, outChannel } = convLoops(node, w, node.outputs[0]);
  const rows = range(d - 1).map((i) => ({ v: `o${i}`, n: os[i + 1] }));
  const pos = [...axisVars(rows), variable('m')];
  const ci = variable('ci');
  return {
    outer: [{ v: 'g', n: groups }, { v: 'b', n: os[0] }, ...rows],
    m: { v: 'm', n: os[d] },
    n: { v: 'n', n: cout },
    k: [...taps, { v: 'ci', n: cin }],
    a: x,
    b: w,
    aIndex: [variable('b'), ...source(pos), inChannel(ci)],
    bIndex: [...tap, ci, outChannel],
    out: [variable('b'), ...pos, outChannel],
  };
}

function filterGradSpec(node: Node): ContractionSpec {
  const [x, gr] = node.inputs;
  const { os, d, groups, taps, tap, source, cin, cout, inChannel, outChannel } = convLoops(node, node.outputs[0], gr);
  const positions = range(d).map((i) => ({ v: `o${i}`, n: os[i + 1] }));
  const pos = axisVars(positions);
  const m = variable('m');
  return {
    outer: [{ v: 'g', n: groups }, ...taps],
    m: { v: 'm', n: cin },
    n: { v: 'n', n: cout },
    k: [{ v: 'b', n: os[0] }, ...positions],
    a: x,
    b: gr,
    aIndex: [variable('b'), ...source(pos), inChannel(m)],
    bIndex: [variable('b'), ...pos, outChannel],
    out: [...tap, m, outChannel],
  };
}

/**
 * Splits an axis at a constant by which an operand's index divides it (a reshape across the axis), so
 * that the index becomes affine in the two halves; null where there is none.
 */
export function splitAxis(spec: ContractionSpec, index: Expr, axis: Axis): ContractionSpec | null {
  const by = divisorOf(index, axis.v);
  if (by === null || axis.n % by !== 0 || by <= 1 || by >= axis.n) return null;
  const [hi, lo] = [
    { v: `${axis.v}h`, n: axis.n / by },
    { v: `${axis.v}l`, n: by },
  ];
  const whole = add(mul(variable(hi.v), i32(by)), variable(lo.v));
  const rename = (e: Expr) => mapExpr(e, (x) => (x.k === 'var' && x.name === axis.v ? whole : undefined));
  const both = { ...spec, aIndex: spec.aIndex.map(rename), bIndex: spec.bIndex.map(rename), out: spec.out.map(rename) };
  if (axis === spec.m) return { ...both, outer: [...spec.outer, hi], m: lo };
  return { ...both, k: spec.k.flatMap((a) => (a === axis ? [hi, lo] : [a])) };
}
