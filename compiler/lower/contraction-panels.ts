// The right operand of a contraction in panels: its layout, the code that packs it (or its packing at
// compile time), and how a long reduction is cut into blocks.

import { affine, dependsOn, fromAffine, linearize, strideIn } from '../../ir/kernel/affine.ts';
import { add, type Expr, exprEq, i32, load, mul, substituteExpr, variable } from '../../ir/kernel/expr.ts';
import { loop, type Stmt, store, substitute } from '../../ir/kernel/kernel.ts';
import type { Literal } from '../../ir/literal.ts';
import { DirectContraction } from './contraction-direct.ts';
import { bodyCost } from './kernel-builder.ts';
import { type Axis, axisVars, mergeAxes, nest } from './loops.ts';
import { fixed } from './views.ts';

/** Elements from one step of the reduction to the next, and steps, from which on a left operand is turned. */
const FAR_STEP = 192;
const FAR_STEPS = 96;
/** Columns of the result that make up for turning it. */
const TURN_COLUMNS = 64;
/** Elements of a cache line. */
const LINE = 16;
/** Rows that are turned at a time: two cache lines. */
const TURN_ROWS = 32;
export interface Panels {
  readonly buf: string;
  readonly code: readonly Stmt[];
  readonly at: (n0: Expr, k: Expr, width: number) => Expr;
  readonly full: number;
  readonly rest: number;
  readonly restWidth: number;
}
export interface KBlocks {
  /** Reduced loops outside of the tile loops, or null where the reduction is in one piece. */
  readonly outer: readonly Axis[] | null;
  readonly inner: readonly Axis[];
  readonly cut?: { readonly size: number; readonly count: number };
}
export class PanelContraction extends DirectContraction {
  /** Where the left operand was put by `stageLeft`: its element in the variables of the loops. */
  staged: (Expr & { k: 'load' }) | null = null;

  /**
   * Computes a left operand that is more than a load (a pointwise prologue, a pad, a gather) once into
   * scratch, in the order in which the tiles read it.
   */
  stageLeft(): Stmt[] {
    const s = this.spec;
    const outer = s.outer.filter((a) => s.aIndex.some((e) => dependsOn(e, a.v)));
    const axes = [...outer, s.m, ...s.k];
    const at = linearize(
      axes.map((a) => variable(a.v)),
      axes.map((a) => a.n),
    );
    const buf = this.k.scratch(
      'f32',
      axes.reduce((n, a) => n * a.n, 1),
    );
    const body: Stmt[] = [];
    const e = this.k.reader(body, this.ranges).read(s.a, s.aIndex);
    body.push(store(buf, at, e));
    this.staged = load('f32', buf, at) as Expr & { k: 'load' };
    const merged = mergeAxes(axes, body);
    return [...nest(merged.axes, merged.body, { vector: true, cost: Math.max(1, bodyCost(body)) }), { s: 'barrier' }];
  }

  /**
   * Is it worth while to turn a left operand that stands column by column? A step of the reduction then reads
   * a distant line, and at large powers of two all of these lines share a few places of the cache.
   */
  worthTurning(columns: number): boolean {
    const s = this.spec;
    const e = this.left();
    const last = s.k[s.k.length - 1];
    const distance = strideIn(e.index, last.v);
    return (
      distance !== null &&
      distance >= FAR_STEP &&
      last.n >= FAR_STEPS &&
      strideIn(e.index, s.m.v) === 1 &&
      columns >= TURN_COLUMNS
    );
  }

  /** Puts such an operand into scratch row by row, so that the reduction reads on. */
  turnLeft(): Stmt[] {
    const s = this.spec;
    const outer = s.outer.filter((a) => s.aIndex.some((e) => dependsOn(e, a.v)));
    // Rows an odd number of cache lines apart do not meet in the same places of the cache.
    const row = LINE * (Math.ceil(this.reduction / LINE) | 1);
    const rows = [...outer, s.m];
    const size = row * rows.reduce((n, a) => n * a.n, 1);
    const flat = (axes: readonly Axis[]) =>
      linearize(
        axisVars(axes),
        axes.map((a) => a.n),
      );
    const at = add(mul(flat(rows), i32(row)), flat(s.k));
    const buf = this.k.scratch('f32', size);
    const from = this.left();
    const copy = [store(buf, at, from)];
    const turn = (rows: readonly Stmt[]): readonly Stmt[] => s.k.reduceRight((body, a) => [loop(a.v, a.n, body)], rows);
    const block = (m0: Expr, count: number): readonly Stmt[] =>
      turn([loop('mi', count, substitute(copy, new Map([[s.m.v, add(m0, variable('mi'))]])), { vector: true })]);
    const blocks = Math.floor(s.m.n / TURN_ROWS);
    const rest = s.m.n % TURN_ROWS;
    const over = (body: readonly Stmt[]) => outer.reduceRight((b: readonly Stmt[], a) => [loop(a.v, a.n, b)], body);
    const out: Stmt[] = [];
    const split = size >= 1 << 14;
    if (blocks > 0) {
      const all = loop(
        'mo',
        blocks,
        over(block(mul(variable('mo'), i32(TURN_ROWS)), TURN_ROWS)),
        split ? { parallel: 1 } : {},
      );
      out.push(split ? all : { s: 'single', body: [all] });
    }
    if (rest > 0) out.push({ s: 'single', body: over(block(i32(blocks * TURN_ROWS), rest)) });
    this.staged = load('f32', buf, at) as Expr & { k: 'load' };
    return [...out, { s: 'barrier' }];
  }

  /** The load that gives an element of the left operand. */
  left(): Expr & { k: 'load' } {
    return this.staged ?? (this.k.reader([], this.ranges).read(this.spec.a, this.spec.aIndex) as Expr & { k: 'load' });
  }

  columnsContiguous(): boolean {
    return this.unitStride(this.spec.b, this.spec.bIndex, 'n');
  }

  /** Reduced axes, neighbours joined where both operands walk them as one. */
  mergedK(packed: boolean): readonly Axis[] {
    // A panel's order is row-major in the reduced axes, so a packed operand has no say.
    const reads: Stmt[] = [{ s: 'set', name: 'left', value: this.left() }];
    const right = packed ? null : this.probe(this.spec.b, this.spec.bIndex, this.ranges);
    if (right) reads.push({ s: 'set', name: 'right', value: right });
    return mergeAxes(this.spec.k, reads).axes;
  }

  /** Position in the reduction, row-major over the merged axes. */
  kFlat(kAxes: readonly Axis[]): Expr {
    return linearize(
      kAxes.map((a) => variable(a.v)),
      kAxes.map((a) => a.n),
    );
  }

  /** The variables of the original reduced axes in terms of the merged ones. */
  kSubstitution(kAxes: readonly Axis[]): Map<string, Expr> {
    const kept = new Set(kAxes.map((a) => a.v));
    const map = new Map<string, Expr>();
    // An axis merged into its inner neighbour stands at 0 there; size-1 axes are 0.
    for (const a of this.spec.k) if (!kept.has(a.v)) map.set(a.v, i32(0));
    return map;
  }

  /** Lays the right operand out in panels [outer][panel][k][nr]; the last panel is narrower. */
  pack(nr: number, bOuter: readonly Axis[]): Panels {
    const s = this.spec;
    const K = this.reduction;
    const N = s.n.n;
    const full = Math.floor(N / nr);
    const rest = N - full * nr;
    const restWidth = Math.ceil(rest / 4) * 4;
    const stride = K * (full * nr + restWidth);
    const size = bOuter.reduce((n, a) => n * a.n, 1) * stride;
    const outerFlat = linearize(
      bOuter.map((a) => variable(a.v)),
      bOuter.map((a) => a.n),
    );
    const base = mul(outerFlat, i32(stride));
    const panels: Panels = {
      buf: '',
      code: [],
      // The panel starting at column n0 begins K * n0 elements into its outer block.
      at: (n0, k, width) => add(add(base, mul(n0, i32(K))), mul(k, i32(width))),
      full,
      rest,
      restWidth,
    };
    const ready = rest === 0 && bOuter.length === 0 ? this.readyPanels(nr) : null;
    if (ready) return { ...panels, buf: ready };
    const constant = this.constantOperand(bOuter, panels, nr, size);
    if (constant) return { ...panels, buf: constant };
    const buf = this.k.scratch('f32', size);
    const code: Stmt[] = [];
    // The original reduced axes: the packed order is row-major in them, merged or not.
    const flatK = linearize(
      s.k.map((a) => variable(a.v)),
      s.k.map((a) => a.n),
    );
    const panel = (n0: Expr, width: number, valid: number): Stmt[] => {
      const col: Stmt[] = [];
      const r = this.k.reader(col, new Map([...this.ranges, ['j', [0, width - 1] as const]]));
      const e = r.read(s.b, s.bIndex);
      col.push(store(buf, add(panels.at(n0, flatK, width), variable('j')), e));
      const body = substitute(col, new Map([[s.n.v, add(n0, variable('j'))]]));
      let stmts: readonly Stmt[] = [loop('j', valid, body, { vector: true, unroll: true })];
      for (let i = s.k.length - 1; i >= 0; i--) stmts = [loop(s.k[i].v, s.k[i].n, stmts)];
      return [...stmts];
    };
    const p = variable('p');
    const outerLoops = (inner: readonly Stmt[], par: boolean): Stmt[] => {
      let stmts = inner;
      for (let i = bOuter.length - 1; i >= 0; i--)
        stmts = [loop(bOuter[i].v, bOuter[i].n, stmts, par && i === 0 ? { parallel: 1 } : {})];
      return [...stmts];
    };
    const parallel = K * N >= 1 << 14;
    const overOuter = bOuter.length > 0 && bOuter[0].n >= 4;
    const bodies: Stmt[] = [];
    if (full > 0)
      bodies.push(loop('p', full, panel(mul(p, i32(nr)), nr, nr), parallel && !overOuter ? { parallel: 1 } : {}));
    if (rest > 0) {
      const last = panel(i32(full * nr), restWidth, rest);
      bodies.push(...(parallel && !overOuter ? [{ s: 'single', body: last } as Stmt] : last));
    }
    const wrapped = outerLoops(bodies, parallel && overOuter);
    code.push(...(parallel ? wrapped : [{ s: 'single', body: wrapped } as Stmt]));
    code.push({ s: 'barrier' });
    return { ...panels, buf, code };
  }

  /** The buffer of a right operand that lies in panels of `nr` columns already (passes/loop-panels.ts), or null. */
  readyPanels(nr: number): string | null {
    const s = this.spec;
    const [p, j] = [variable('p'), variable('j')];
    const at = new Map([[s.n.v, add(mul(p, i32(nr)), j)]]);
    const ranges = new Map(this.ranges);
    ranges.set('p', [0, s.n.n / nr - 1]).set('j', [0, nr - 1]);
    const e = this.probe(
      s.b,
      s.bIndex.map((x) => substituteExpr(x, at)),
      ranges,
    );
    if (!e) return null;
    const flatK = linearize(
      s.k.map((a) => variable(a.v)),
      s.k.map((a) => a.n),
    );
    const wanted = affine(add(add(mul(p, i32(this.reduction * nr)), mul(flatK, i32(nr))), j));
    const same = exprEq(fromAffine(affine(e.index)), fromAffine(wanted));
    return same
      ? (
          this.k.reader([], ranges).read(
            s.b,
            s.bIndex.map((x) => substituteExpr(x, at)),
          ) as typeof e
        ).buf
      : null;
  }

  /** A constant right operand, packed when the program is built. */
  constantOperand(bOuter: readonly Axis[], panels: Panels, nr: number, size: number): string | null {
    const s = this.spec;
    const n = s.b.node;
    if (n?.op.name !== 'constant') return null;
    const lit = n.attrs.value as Literal;
    const type = n.outputs[0].type;
    const shape = fixed(type.shape);
    const index = linearize(s.bIndex, shape);
    const outerAxes = [...bOuter, ...s.k];
    const strides = outerAxes.map((a) => strideIn(index, a.v));
    const column = strideIn(index, s.n.v);
    const start = affine(index).c;
    // A view that is not affine (a reshape across these axes) is packed when the program runs.
    if (column === null || strides.some((x) => x === null)) return null;
    const K = this.reduction;
    const split = panels.full * nr;
    const stride = K * (split + panels.restWidth);
    const make = () => {
      const data = lit.expand(type);
      const out = new Float32Array(size);
      const at = outerAxes.map(() => 0);
      const rows = outerAxes.reduce((p, x) => p * x.n, 1);
      for (let row = 0; row < rows; row++) {
        // Row-major over the outer axes, then over the reduction.
        const base = Math.floor(row / K) * stride;
        const k = row % K;
        const from = at.reduce((p, x, d) => p + x * (strides[d] as number), start);
        for (let n = 0; n < s.n.n; n++) {
          const n0 = n < split ? n - (n % nr) : split;
          const width = n < split ? nr : panels.restWidth;
          out[base + n0 * K + k * width + n - n0] = data[from + n * column];
        }
        for (let d = at.length - 1; d >= 0 && ++at[d] === outerAxes[d].n; d--) at[d] = 0;
      }
      return out;
    };
    return this.k.packed({
      key: `${lit.hash}:${nr}:${shape}:${JSON.stringify(n.attrs.shape)}:${this.node.op.name}:${JSON.stringify(this.node.attrs)}`,
      size,
      make,
    });
  }

  /** Splits reductions longer than two blocks of `most`: whole outer reduced axes, or one long axis in pieces. */
  kBlocks(kAxes: readonly Axis[], most: number): KBlocks {
    const K = this.reduction;
    if (K <= most * 2) return { outer: null, inner: kAxes };
    let inner = K;
    for (let i = 0; i < kAxes.length; i++) {
      if (inner <= most * 2) return { outer: kAxes.slice(0, i), inner: kAxes.slice(i) };
      inner /= kAxes[i].n;
    }
    const last = kAxes[kAxes.length - 1];
    const pieces = Math.ceil(last.n / most);
    const size = Math.ceil(last.n / pieces / 4) * 4;
    return { outer: kAxes.slice(0, -1), inner: [last], cut: { size, count: Math.ceil(last.n / size) } };
  }
}
