// Row groups: for every row (the axes that are kept) one or more passes over the reduced axes, the
// later ones using what the earlier ones reduced: softmax, layerNorm, cross-entropy in one kernel.
// A value that a later pass needs again is recomputed where that is cheap, else kept in a row of
// scratch (per thread, so it stays in the cache).

import type { Node, Value } from '../../ir/graph.ts';
import { linearize } from '../../ir/kernel/affine.ts';
import { add, bin, type Expr, i32, konst, load, mul, sel, variable } from '../../ir/kernel/expr.ts';
import { loop, type ReduceOp, type Stmt, store, tid } from '../../ir/kernel/kernel.ts';
import { reduceInit } from '../../ir/ops/reduce.ts';
import { byteSize, type DType, sizeOf } from '../../ir/types.ts';
import type { Group } from '../group.ts';
import { KernelBuilder, type LowerContext, type Lowered } from './kernel-builder.ts';
import { type Axis, axisVars, mergeAxes, nest, rangesOf } from './loops.ts';
import type { Reader } from './reader.ts';
import { fixed } from './views.ts';

/** The index of a value that has one element per row: the kept axes, size-1 axes may stand between. */
export function keptIndex(v: Value, keep: readonly Axis[]): Expr[] {
  const vars = keep.filter((a) => a.n !== 1).map((a) => variable(a.v));
  let at = 0;
  return fixed(v.type.shape).map((d) => (d === 1 ? i32(0) : vars[at++]));
}

export const combiner: Readonly<Record<string, ReduceOp>> = {
  reduce_sum: 'add',
  reduce_prod: 'mul',
  reduce_max: 'max',
  reduce_min: 'min',
  reduce_and: 'and',
  reduce_or: 'or',
};

/** Recomputing an expression of at most this cost beats a trip through scratch. */
const CHEAP = 4;
/** Rows so long, and so few, are cut into pieces for the threads. */
const LONG_ROW = 1 << 15;
const FEW_ROWS = 4;
/** A row longer than this many bytes would not stay in the cache. */
const SCRATCH_LIMIT = 1 << 20;

export function lowerRows(ctx: LowerContext, g: Group): Lowered {
  return new RowLowering(ctx, g).lower();
}

class RowLowering {
  readonly k: KernelBuilder;
  readonly g: Group;
  readonly threads: number;
  readonly keep: Axis[];
  readonly red: Axis[];
  readonly idx: Expr[];
  readonly stageOf = new Map<Node, number>();
  /** Accumulators of the passes, the flags of NaN included. */
  readonly accs: { readonly name: string; readonly ty: DType; readonly op: ReduceOp }[] = [];

  constructor(ctx: LowerContext, g: Group) {
    this.k = new KernelBuilder(ctx, g);
    this.g = g;
    this.threads = ctx.options.threads;
    const all = g.domain.map((n, i) => ({ v: g.axes.includes(i) ? `r${i}` : `i${i}`, n }));
    this.keep = all.filter((_, i) => !g.axes.includes(i));
    this.red = all.filter((_, i) => g.axes.includes(i));
    this.idx = axisVars(all);
    this.stages();
  }

  isReduce(n: Node): boolean {
    return n.op.kind === 'reduce';
  }
  /** A node whose result has one element a row. */
  isRow(n: Node): boolean {
    const shape = fixed(n.outputs[0].type.shape);
    return this.isReduce(n) || shape.length !== this.g.domain.length || shape.some((d, i) => d !== this.g.domain[i]);
  }

  /** A node runs in the first pass after all reductions that it depends on. */
  stages(): void {
    const avail = new Map<Value, number>();
    const after = (v: Value): number => {
      const known = avail.get(v);
      if (known !== undefined) return known;
      const n = v.node;
      let s = 0;
      if (n && !this.k.ctx.inMemory(v)) for (const x of n.inputs) s = Math.max(s, after(x));
      avail.set(v, s);
      return s;
    };
    for (const n of this.g.nodes) {
      const s = n.inputs.reduce((m, v) => Math.max(m, after(v)), 0);
      this.stageOf.set(n, s);
      for (const o of n.outputs) avail.set(o, this.isReduce(n) ? s + 1 : s);
    }
  }

  lower(): Lowered {
    const { g, k } = this;
    const ranges = rangesOf(this.keep, this.red);
    const last = Math.max(
      0,
      ...[...this.stageOf].map(([n, s]) => (this.isReduce(n) ? s : 0)),
      ...g.outputs.map((o) => (this.fullValue(o) ? (this.stageOf.get(o.node as Node) as number) : 0)),
    );
    const rowBody: Stmt[] = [];
    const root = k.reader(rowBody, ranges);
    const kept = this.keptRows(last);
    let cost = 0;
    for (let s = 0; s <= last; s++) {
      this.bindRowValues(root, s, rowBody);
      const inner: Stmt[] = [];
      const r = root.scope(inner);
      const reduces = g.nodes.filter((n) => this.isReduce(n) && this.stageOf.get(n) === s);
      const stores = g.outputs.filter((o) => this.fullValue(o) && this.stageOf.get(o.node as Node) === s);
      for (const v of kept.get(s) ?? []) {
        const e = r.read(v, this.idx);
        const buf = k.scratch(v.type.dtype, this.rowSize() * this.threads);
        const at = add(
          mul(tid, i32(this.rowSize())),
          linearize(
            axisVars(this.red),
            this.red.map((a) => a.n),
          ),
        );
        inner.push(store(buf, at, e));
        root.given.set(v, (i) => (i === this.idx ? load(v.type.dtype, buf, at) : undefined));
      }
      const after: Stmt[] = [];
      for (const n of reduces) this.reduction(root, r, n, inner, rowBody, after);
      const values = stores.map((o) => r.read(o, this.idx));
      stores.forEach((o, i) => {
        const buf = k.output(o);
        const at = linearize(this.idx, fixed(o.type.shape));
        inner.push(store(buf, at, values[i]));
        // Later passes read it back rather than compute it again.
        root.given.set(o, (x) => (x === this.idx ? load(o.type.dtype, buf, at) : undefined));
      });
      if (inner.length) {
        const pass = this.pass(inner);
        this.firstPass ??= { before: rowBody.slice(), pass };
        rowBody.push(...pass, ...after);
        cost += inner.length * 4;
      }
    }
    // One element a row: reductions and what follows from them.
    this.bindRowValues(root, last + 1, rowBody);
    for (const o of g.outputs.filter((v) => !this.fullValue(v))) {
      const e = root.read(o, keptIndex(o, this.keep));
      rowBody.push(store(k.output(o), linearize(keptIndex(o, this.keep), fixed(o.type.shape)), e));
    }
    const m = mergeAxes(this.keep, rowBody);
    const body = this.split(last, rowBody) ?? nest(m.axes, m.body, { cost: cost * this.rowSize(), grid: this.gpu });
    const flops = g.nodes.reduce((n, x) => n + sizeOf(x.inputs[0]?.type.shape ?? []), 0);
    return k.finish(body, { flops });
  }

  firstPass: { before: readonly Stmt[]; pass: readonly Stmt[] } | undefined;

  /**
   * Few long rows in one pass: pieces of a row (cut by its length, never by the number of threads) are
   * reduced side by side, then their results. Null where the rows are not of that kind.
   */
  split(last: number, rowBody: readonly Stmt[]): Stmt[] | null {
    const rows = this.keep.reduce((n, a) => n * a.n, 1);
    const first = this.firstPass;
    if (last > 0 || rows > FEW_ROWS || rows === 0 || this.rowSize() < LONG_ROW || first?.pass.length !== 1) return null;
    const [whole] = first.pass;
    if (whole.s !== 'for' || !whole.vector) return null;
    // A multiple of all lanes of all copies, so that only the last piece has a remainder.
    const size = Math.ceil(this.rowSize() / Math.min(64, Math.ceil(this.rowSize() / 8192)) / 16) * 16;
    const pieces = Math.ceil(this.rowSize() / size);
    const piece = variable('piece');
    const lo = mul(piece, i32(size));
    const part = { ...whole, lo, hi: bin('min', add(lo, i32(size)), i32(this.rowSize())) };
    const at = add(
      mul(
        linearize(
          axisVars(this.keep),
          this.keep.map((a) => a.n),
        ),
        i32(pieces),
      ),
      piece,
    );
    const bufs = this.accs.map((a) => this.k.scratch(a.ty, rows * pieces));
    const saved = this.accs.map((a, i) => store(bufs[i], at, variable(a.name, a.ty)));
    const combined = this.accs.map(
      (a, i): Stmt => ({ s: 'reduce', acc: a.name, op: a.op, value: load(a.ty, bufs[i], at) }),
    );
    const grid = this.gpu ? { grid: true } : {};
    const over = (body: readonly Stmt[]) =>
      this.keep.reduceRight<readonly Stmt[]>((inner, a) => [loop(a.v, a.n, inner, grid)], body);
    const rest = rowBody.slice(first.before.length + first.pass.length);
    return [
      ...over([loop('piece', pieces, [...first.before, part, ...saved], { parallel: 1 })]),
      { s: 'barrier' },
      { s: 'single', body: over([...first.before, loop('piece', pieces, combined), ...rest]) },
    ];
  }

  /** Row values are computed once a row, outside of the passes. */
  bindRowValues(root: Reader, stage: number, rowBody: Stmt[]): void {
    for (const n of this.g.nodes) {
      if (this.isReduce(n) || !this.isRow(n) || this.stageOf.get(n) !== stage) continue;
      const v = n.outputs[0];
      const name = root.fresh('row');
      rowBody.push({ s: 'let', name, value: root.read(v, keptIndex(v, this.keep)) });
      root.given.set(v, () => variable(name, v.type.dtype));
    }
  }

  get gpu(): boolean {
    return this.k.ctx.options.gpu !== undefined;
  }
  rowSize(): number {
    return this.red.reduce((n, a) => n * a.n, 1);
  }
  fullValue(v: Value): boolean {
    return v.node !== null && !this.isRow(v.node);
  }
  /** Declares the accumulator, feeds it in the pass; `after` holds what must follow the pass. */
  reduction(root: Reader, r: Reader, n: Node, inner: Stmt[], rowBody: Stmt[], after: Stmt[]): void {
    const ty = n.outputs[0].type.dtype;
    const acc = root.fresh('acc');
    const op = combiner[n.op.name];
    const init = konst(ty, (reduceInit[n.op.name] as (t: typeof ty) => number)(ty));
    const value = r.read(n.inputs[0], this.idx);
    const declare = (name: string, t: DType, o: ReduceOp, start: Expr) => {
      rowBody.push({ s: 'acc', name, ty: t, init: start });
      this.accs.push({ name, ty: t, op: o });
    };
    const watch = ty === 'f32' && (op === 'max' || op === 'min');
    declare(acc, ty, watch ? (op === 'max' ? 'pmax' : 'pmin') : op, init);
    if (!watch) {
      inner.push({ s: 'reduce', acc, op, value });
      root.given.set(n.outputs[0], () => variable(acc, ty));
      return;
    }
    // SIMD max and min that keep a NaN take seven instructions on x86; one that may lose it and a flag
    // take three.
    const nan = root.fresh('nan');
    const out = root.fresh('row');
    const x = root.fresh('x');
    declare(nan, 'bool', 'or', konst('bool', 0));
    inner.push({ s: 'let', name: x, value });
    inner.push({ s: 'reduce', acc, op: op === 'max' ? 'pmax' : 'pmin', value: variable(x, ty) });
    inner.push({ s: 'reduce', acc: nan, op: 'or', value: bin('ne', variable(x, ty), variable(x, ty)) });
    after.push({ s: 'let', name: out, value: sel(variable(nan, 'bool'), konst(ty, Number.NaN), variable(acc, ty)) });
    root.given.set(n.outputs[0], () => variable(out, ty));
  }

  /** The loop over a row: SIMD with several accumulators in flight. */
  pass(inner: Stmt[]): Stmt[] {
    const m = mergeAxes(this.red, inner);
    const copies = inner.some((s) => s.s === 'reduce') && inner.length <= 3 ? 4 : 2;
    let body: readonly Stmt[] = m.body;
    for (let i = m.axes.length - 1; i >= 0; i--) {
      const lastAxis = i === m.axes.length - 1;
      body = [loop(m.axes[i].v, m.axes[i].n, body, lastAxis ? { vector: true, copies } : {})];
    }
    return [...body];
  }

  /** Full values of an early pass that a later pass needs and that are dear to compute: by pass. */
  keptRows(last: number): Map<number, Value[]> {
    const out = new Map<number, Value[]>();
    // A GPU computes again: its registers are many, and its scratch would be memory.
    if (last === 0 || this.gpu) return out;
    for (const n of this.g.nodes) {
      const v = n.outputs[0];
      if (this.isRow(n) || this.g.outputs.includes(v)) continue;
      const s = this.stageOf.get(n) as number;
      const again = this.g.nodes.some((m) => m.inputs.includes(v) && (this.stageOf.get(m) as number) > s);
      if (!again || this.chainCost(n) <= CHEAP || this.rowSize() * byteSize(v.type.dtype) > SCRATCH_LIMIT) continue;
      out.set(s, [...(out.get(s) ?? []), v]);
    }
    return out;
  }

  /** Arithmetic needed to compute a value again from memory. */
  chainCost(n: Node, seen = new Set<Node>()): number {
    if (seen.has(n) || this.k.ctx.inMemory(n.outputs[0]) || this.isRow(n) || seen.size > 16) return 0;
    seen.add(n);
    const own = n.op.kind === 'elementwise' ? opCost(n) : 0;
    return own + n.inputs.reduce((c, v) => c + (v.node ? this.chainCost(v.node, seen) : 0), 0);
  }
}

const dear = new Set([
  'exp',
  'exp_falling',
  'expm1',
  'log',
  'log1p',
  'tanh',
  'erf',
  'logistic',
  'softplus',
  'pow',
  'sin',
  'cos',
  'tan',
  'div',
  'sqrt',
  'rsqrt',
  'atan',
  'atan2',
  'sinh',
  'cosh',
  'asin',
  'acos',
  'asinh',
  'acosh',
  'atanh',
]);
/** Instructions of an element-wise op, roughly: elementary functions weigh like a dozen. */
export const opCost = (n: Node): number =>
  dear.has(n.op.name) ? (n.op.name === 'div' || n.op.name.endsWith('sqrt') ? 4 : 16) : 1;
