// Kernel expressions computed for one element at a time, with the rounding of every operation: what the evaluator
// of ir/kernel/evaluate.ts, which takes many elements at a time, is held against.

import { children, type Expr, isCmp } from '../../ir/kernel/expr.ts';
import { kernelFunction } from '../../ir/kernel/functions.ts';
import type { DType } from '../../ir/types.ts';

/** The value of a node, from those of the frame. */
type Step = (s: Float64Array) => number;
const { fround, imul } = Math;

const view = new DataView(new ArrayBuffer(8));
/** A number as the dtype holds it. */
const wrap = (ty: DType, x: number): number => {
  if (ty === 'f32') return fround(x);
  if (ty === 'i32') return x | 0;
  return ty === 'u32' ? x >>> 0 : x;
};
const isFloat = (ty: DType): boolean => ty === 'f32' || ty === 'f64';

function nearestEven(x: number): number {
  if (!Number.isFinite(x) || Math.abs(x) >= 2 ** 52) return x;
  const down = Math.floor(x);
  const rest = x - down;
  const n = rest > 0.5 || (rest === 0.5 && down % 2 !== 0) ? down + 1 : down;
  return n === 0 && (x < 0 || Object.is(x, -0)) ? -0 : n;
}

function unary(op: (Expr & { k: 'un' })['op'], ty: DType, x: number): number {
  switch (op) {
    case 'neg':
      return wrap(ty, -x);
    case 'abs':
      return wrap(ty, Math.abs(x));
    case 'not':
      return ty === 'bool' ? +!x : wrap(ty, ~x);
    case 'nearest':
      return nearestEven(x);
    case 'sqrt':
      return wrap(ty, Math.sqrt(x));
    default:
      return Math[op](x);
  }
}

/** Comparisons, bit operations and choices; arithmetic rounds. `ty` is the operands' type. */
function binary(op: (Expr & { k: 'bin' })['op'], ty: DType, a: number, b: number): number {
  switch (op) {
    case 'add':
      return wrap(ty, a + b);
    case 'sub':
      return wrap(ty, a - b);
    case 'mul':
      return isFloat(ty) ? wrap(ty, a * b) : wrap(ty, imul(a, b));
    case 'div':
      return isFloat(ty) ? wrap(ty, a / b) : wrap(ty, Math.trunc(a / b));
    case 'rem':
      return wrap(ty, isFloat(ty) ? a - wrap(ty, Math.trunc(wrap(ty, a / b)) * b) : a % b);
    case 'min':
      return Math.min(a, b);
    case 'max':
      return Math.max(a, b);
    case 'pmin':
      // biome-ignore lint/complexity/useMathMinMax: a NaN that stands second is not taken
      return b < a ? b : a;
    case 'pmax':
      // biome-ignore lint/complexity/useMathMinMax: a NaN that stands second is not taken
      return a < b ? b : a;
    case 'and':
      return wrap(ty, a & b);
    case 'or':
      return wrap(ty, a | b);
    case 'xor':
      return wrap(ty, a ^ b);
    case 'shl':
      return wrap(ty, a << b);
    case 'shr':
      return ty === 'u32' ? a >>> b : a >> b;
    default:
      return +compare(op, a, b);
  }
}
function compare(op: string, a: number, b: number): boolean {
  if (op === 'eq') return a === b;
  if (op === 'ne') return a !== b;
  if (op === 'lt') return a < b;
  if (op === 'le') return a <= b;
  return op === 'gt' ? a > b : a >= b;
}

function cast(from: DType, to: DType, x: number): number {
  if (!isFloat(from) || isFloat(to)) return wrap(to, x);
  if (Number.isNaN(x)) return 0;
  const [lo, hi] = to === 'u32' ? [0, 4294967295] : [-2147483648, 2147483647];
  return Math.min(Math.max(Math.trunc(x), lo), hi);
}
function reinterpret(from: DType, to: DType, x: number): number {
  if (from === 'f32') view.setFloat32(0, x);
  else view.setInt32(0, x | 0);
  return to === 'f32' ? view.getFloat32(0) : to === 'u32' ? view.getUint32(0) : view.getInt32(0);
}

/** What computes one node, given where the values of its operands are. */
function stepOf(e: Expr, slot: (x: Expr) => number): Step {
  switch (e.k) {
    case 'un': {
      const [a, { op, ty }] = [slot(e.a), e];
      return (s) => unary(op, ty, s[a]);
    }
    case 'bin': {
      const [a, b, { op }, ty] = [slot(e.a), slot(e.b), e, e.a.ty];
      // Comparisons are of the operands' type; their result is 0 or 1.
      if (isCmp(op)) return (s) => +compare(op, s[a], s[b]);
      return (s) => binary(op, ty, s[a], s[b]);
    }
    case 'sel': {
      const [c, a, b] = [slot(e.c), slot(e.a), slot(e.b)];
      return (s) => (s[c] ? s[a] : s[b]);
    }
    case 'cast': {
      const [a, from, to] = [slot(e.a), e.a.ty, e.ty];
      return (s) => cast(from, to, s[a]);
    }
    case 'bits': {
      const [a, from, to] = [slot(e.a), e.a.ty, e.ty];
      return (s) => reinterpret(from, to, s[a]);
    }
    case 'fma': {
      const [a, b, c, ty] = [slot(e.a), slot(e.b), slot(e.c), e.ty];
      return (s) => wrap(ty, wrap(ty, s[a] * s[b]) + s[c]);
    }
    case 'word': {
      const [a, offset] = [slot(e.a), e.half === 'hi' ? 0 : 4];
      return (s) => {
        view.setFloat64(0, s[a]);
        return view.getInt32(offset);
      };
    }
    case 'double': {
      const [hi, lo] = [slot(e.hi), slot(e.lo)];
      return (s) => {
        view.setInt32(0, s[hi]);
        view.setInt32(4, s[lo]);
        return view.getFloat64(0);
      };
    }
    case 'call': {
      const [args, { fn }] = [e.args.map(slot), e];
      return (s) => evaluator(fn)(...args.map((a) => s[a]));
    }
    case 'rare': {
      const call = e.call as Expr & { k: 'call' };
      const [c, other, args] = [slot(e.c), slot(e.other), call.args.map(slot)];
      return (s) => (s[c] ? evaluator(call.fn)(...args.map((a) => s[a])) : s[other]);
    }
    default:
      throw new Error(`${e.k} stands in an expression that is evaluated`);
  }
}

/** The function of an expression over variables of these names. */
export function compileScalar(e: Expr, params: readonly string[]): (...args: number[]) => number {
  const slots = new Map<Expr, number>();
  const steps: { at: number; value: Step }[] = [];
  const initial: number[] = params.map(() => 0);
  const slot = (x: Expr): number => slots.get(x) as number;
  const visit = (x: Expr): void => {
    if (slots.has(x)) return;
    if (x.k === 'var') {
      slots.set(x, params.indexOf(x.name));
      return;
    }
    // A rare call is not made unless it is needed, its operands are.
    for (const c of children(x)) for (const y of x.k === 'rare' && c === x.call ? children(c) : [c]) visit(y);
    slots.set(x, initial.length);
    initial.push(x.k === 'const' ? x.value : 0);
    if (x.k !== 'const') steps.push({ at: initial.length - 1, value: stepOf(x, slot) });
  };
  visit(e);
  const start = Float64Array.from(initial);
  const result = slot(e);
  return (...args) => {
    // A fresh frame: functions may call themselves.
    const s = start.slice();
    s.set(args);
    for (const { at, value } of steps) s[at] = value(s);
    return s[result];
  };
}

const functions = new Map<string, (...args: number[]) => number>();
/** A kernel function as a JavaScript function. */
function evaluator(fn: string): (...args: number[]) => number {
  let f = functions.get(fn);
  if (!f) {
    const { params, body } = kernelFunction(fn) as NonNullable<ReturnType<typeof kernelFunction>>;
    f = compileScalar(
      body,
      params.map((p) => p.name),
    );
    functions.set(fn, f);
  }
  return f;
}
