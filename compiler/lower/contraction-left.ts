// The left operand of a contraction: read in place at constant strides, or put into scratch first, because it is
// computed on the way, or because the reduction would jump through memory.

import { dependsOn, linearize, strideIn } from '../../ir/kernel/affine.ts';
import { add, type Expr, i32, load, mul, variable } from '../../ir/kernel/expr.ts';
import { loop, type Stmt, store, substitute } from '../../ir/kernel/kernel.ts';
import { DirectContraction } from './contraction-direct.ts';
import { bodyCost } from './kernel-builder.ts';
import { type Axis, axisVars, mergeAxes, nest, rowApart } from './loops.ts';

/** Elements from one step of the reduction to the next, and steps, from which on a left operand is turned. */
const FAR_STEP = 192;
const FAR_STEPS = 96;
/** Columns of the result that make up for turning it. */
const TURN_COLUMNS = 64;
/** Rows that are turned at a time: two cache lines. */
const TURN_ROWS = 32;

export class LeftOperand extends DirectContraction {
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
    const row = rowApart(this.reduction);
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
}
