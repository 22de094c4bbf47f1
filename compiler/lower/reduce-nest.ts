// The general reduction loop nest: kept axes outside, reduced axes inside, accumulators in a register
// tile along the last kept axis. It serves column sums, pooling, depthwise convolution and every
// contraction too small or too odd for the packed kernel.
//
// Long reductions with few results are cut into chunks (by shape, never by thread count) whose partial
// results are combined afterwards: work for all threads, and a shorter rounding chain.

import { add, bin, type Expr, fma, i32, konst, load, mul, tileRead, variable } from '../../ir/kernel/expr.ts';
import { loop, type ReduceOp, type Stmt, store, substitute } from '../../ir/kernel/kernel.ts';
import type { DType } from '../../ir/types.ts';
import { gridReduceNest } from './gpu/reduce.ts';
import type { KernelBuilder } from './kernel-builder.ts';
import { type Axis, mergeAxes } from './loops.ts';

export interface Accumulator {
  readonly op: ReduceOp;
  readonly ty: DType;
  readonly init: number;
}

export interface ReduceNest {
  readonly keep: readonly Axis[];
  readonly red: readonly Axis[];
  readonly accs: readonly Accumulator[];
  /** Per element: statements, and the value that each accumulator takes in. */
  readonly element: (out: Stmt[]) => readonly Expr[];
  /** Per result: what to store, given the accumulated values. */
  readonly finish: (accs: readonly Expr[]) => Stmt[];
  /** True where `element` stores something itself. */
  readonly stores?: boolean;
  /** Arithmetic of an element, for deciding what is worth a thread. */
  readonly cost?: number;
}

/** Reductions of fewer elements than this stay in one piece. */
const CHUNK_MIN = 1 << 15;
const PARALLEL_WORK = 1 << 15;

export function lowerReduceNest(k: KernelBuilder, spec: ReduceNest): Stmt[] {
  if (k.ctx.options.gpu) return gridReduceNest(k, spec);
  const elementBody: Stmt[] = [];
  const values = spec.element(elementBody);
  const names = spec.accs.map((_, i) => `acc${i}`);
  // `reduce` statements first, so that the axes can be merged on the plain body.
  values.forEach((value, i) => {
    elementBody.push({ s: 'reduce', acc: names[i], op: spec.accs[i].op, value });
  });
  const merged = mergeAxes(spec.red, elementBody);
  const keepInner = spec.keep[spec.keep.length - 1] ?? { v: 'c', n: 1 };
  const keepOuter = spec.keep.slice(0, -1).filter((a) => a.n !== 1);
  const ones = new Map(
    spec.keep
      .slice(0, -1)
      .filter((a) => a.n === 1)
      .map((a) => [a.v, i32(0) as Expr]),
  );
  const body = substitute(merged.body, ones);
  const red = merged.axes;
  const work = [...spec.keep, ...red].reduce((n, a) => n * a.n, 1) * (spec.cost ?? 1);
  const results = spec.keep.reduce((n, a) => n * a.n, 1);
  const first = red[0]?.n ?? 1;
  const chunks = work >= CHUNK_MIN * 4 && results <= 4096 && first >= 64 ? Math.min(16, Math.floor(first / 32)) : 1;
  const parallel = work >= PARALLEL_WORK;

  const build = (finish: (accs: readonly Expr[]) => Stmt[], reduced: (inner: readonly Stmt[]) => Stmt[]): Stmt[] =>
    blocks(keepInner, spec.accs.length, (lo, width) =>
      accumulate(spec, names, keepInner.v, lo, width, body, finish, reduced, ones),
    );

  const plainReduce = (inner: readonly Stmt[]): Stmt[] => nestLoops(red, inner);
  if (chunks === 1) {
    const inner = build(spec.finish, plainReduce);
    return wrap(keepOuter, inner, parallel, `${keepInner.v}b`);
  }
  // Partial results by chunk, then their combination.
  const size = Math.ceil(first / chunks);
  const bufs = spec.accs.map((a) => k.scratch(a.ty, chunks * results));
  const flat = [...keepOuter, keepInner];
  const at = (chunk: Expr): Expr => {
    let e: Expr = chunk;
    for (const a of flat) e = add(mul(e, i32(a.n)), variable(a.v));
    return e;
  };
  const chunk = variable('chunk');
  const storePartial = (accs: readonly Expr[]) => accs.map((e, i) => store(bufs[i], at(chunk), e));
  const chunkReduce = (inner: readonly Stmt[]): Stmt[] => {
    const lo = mul(chunk, i32(size));
    const rest = nestLoops(red.slice(1), inner);
    return [{ s: 'for', v: red[0].v, lo, hi: bin('min', add(lo, i32(size)), i32(first)), step: 1, body: rest }];
  };
  const phase1 = wrap(keepOuter, build(storePartial, chunkReduce), false, '', true);
  const combine: Stmt[] = [];
  spec.accs.forEach((a, i) => {
    combine.push({ s: 'acc', name: `sum${i}`, ty: a.ty, init: konst(a.ty, a.init) });
    combine.push(
      loop('chunk', chunks, [{ s: 'reduce', acc: `sum${i}`, op: a.op, value: load(a.ty, bufs[i], at(chunk)) }], {
        unroll: true,
      }),
    );
  });
  combine.push(...substitute(spec.finish(spec.accs.map((a, i) => variable(`sum${i}`, a.ty))), ones));
  const phase2 = wrap(keepOuter, [loop(keepInner.v, keepInner.n, combine, { vector: true })], false, '', true);
  return [loop('chunk', chunks, phase1, { parallel: 1 }), { s: 'barrier' }, { s: 'single', body: phase2 }];
}

const nestLoops = (axes: readonly Axis[], inner: readonly Stmt[]): Stmt[] => {
  let body: readonly Stmt[] = inner;
  // Small inner loops (a pooling window) are written out.
  let budget = 16;
  for (let i = axes.length - 1; i >= 0; i--) {
    const unroll = axes[i].n <= budget && axes[i].n <= 4;
    if (unroll) budget = Math.floor(budget / Math.max(1, axes[i].n));
    else budget = 0;
    body = [loop(axes[i].v, axes[i].n, body, unroll ? { unroll } : {})];
  }
  return [...body];
};

/** Outer kept loops; the first one is split over threads where it pays. */
function wrap(
  outer: readonly Axis[],
  inner: readonly Stmt[],
  parallel: boolean,
  blockVar: string,
  bare = false,
): Stmt[] {
  let body: readonly Stmt[] = inner;
  const split = parallel ? outer.findIndex((a) => a.n >= 2) : -1;
  for (let i = outer.length - 1; i >= 0; i--)
    body = [loop(outer[i].v, outer[i].n, body, i === split ? { parallel: 1 } : {})];
  if (bare) return [...body];
  if (split >= 0) return [...body];
  if (parallel && outer.length === 0) {
    // The loop over blocks of the last axis is split; the remainder block is one thread's.
    const blocksLoop = body.filter((s) => s.s === 'for' && s.v === blockVar);
    const rest = body.filter((s) => !blocksLoop.includes(s));
    if (blocksLoop.length)
      return [...blocksLoop.map((s) => ({ ...s, parallel: 1 }) as Stmt), { s: 'single', body: rest }];
  }
  return [{ s: 'single', body }];
}

/** The last kept axis in blocks of a register tile: full blocks in a loop, then the remainder. */
function blocks(axis: Axis, accs: number, f: (lo: Expr, width: number) => Stmt[]): Stmt[] {
  const max = accs <= 1 ? 32 : accs === 2 ? 16 : 8;
  const width = Math.min(max, Math.ceil(axis.n / 4) * 4);
  const full = Math.floor(axis.n / width);
  const out: Stmt[] = [];
  const block = variable(`${axis.v}b`);
  if (full === 1) out.push(...f(i32(0), width));
  else if (full > 1) out.push(loop(`${axis.v}b`, full, f(mul(block, i32(width)), width)));
  const rest = axis.n - full * width;
  if (rest > 0) out.push(...f(i32(full * width), rest));
  return out;
}

function accumulate(
  spec: ReduceNest,
  names: readonly string[],
  v: string,
  lo: Expr,
  width: number,
  body: readonly Stmt[],
  finish: (accs: readonly Expr[]) => Stmt[],
  reduced: (inner: readonly Stmt[]) => Stmt[],
  ones: ReadonlyMap<string, Expr>,
): Stmt[] {
  const lane = `${v}l`;
  const here = new Map([[v, add(lo, variable(lane))]]);
  const padded = Math.ceil(width / 4) * 4;
  // Blocks of two widths may stand side by side: each has tiles of its own name.
  const tiles = names.map((n) => `${n}w${width}`);
  const out: Stmt[] = spec.accs.map((a, i) => ({ s: 'tile', name: tiles[i], ty: a.ty, dims: [padded], init: a.init }));
  const index = [variable(lane)];
  const read = (i: number) => tileRead(spec.accs[i].ty, tiles[i], index);
  const inner = substitute(body, here).map((s): Stmt => {
    if (s.s !== 'reduce') return s;
    const i = names.indexOf(s.acc);
    const a = spec.accs[i];
    const value = s.value;
    const next =
      a.op === 'add' && value.k === 'bin' && value.op === 'mul' && a.ty === 'f32'
        ? fma(value.a, value.b, read(i))
        : bin(a.op, read(i), value);
    return { s: 'tileset', tile: tiles[i], index, value: next };
  });
  out.push(...reduced([loop(lane, width, inner, { vector: true, unroll: true })]));
  const last = substitute(substitute(finish(spec.accs.map((_, i) => read(i))), ones), here);
  out.push(loop(lane, width, last, { vector: true, unroll: true }));
  return out;
}
