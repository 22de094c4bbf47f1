// The verifier of kernel IR: finds everything that is wrong with a kernel. Lowerings are trusted with
// loop structure, so this is where a slip shows as a sentence and not as a wrong number.

import { VerifyError } from '../errors.ts';
import { byteSize, type DType, isFloat, isInt, isStorage, valueType } from '../types.ts';
import { affine, type Ranges, rangeOf } from './affine.ts';
import { children, type Expr, isCmp, sub } from './expr.ts';
import { kernelFunction } from './functions.ts';
import type { Buffer, For, Kernel, ReduceOp, Stmt } from './kernel.ts';
import { printExpr, printKernel } from './print.ts';

/** Every error of a kernel, each with the statement that it is in. */
export function verifyKernel(k: Kernel): string[] {
  const v = new Verifier(k);
  return v.run();
}

/** Throws a VerifyError with every error and the kernel's text. */
export function checkKernel(k: Kernel): void {
  const errors = verifyKernel(k);
  if (errors.length) throw new VerifyError(`the kernel @${k.name}`, [...errors, printKernel(k)]);
}

interface Variable {
  readonly ty: DType;
  /** May be set and reduced into. */
  readonly mutable: boolean;
}
/** What surrounds a statement. */
interface Context {
  readonly vars: Map<string, Variable>;
  readonly tiles: Map<string, { ty: DType; dims: readonly number[] }>;
  /** Bounds of loop variables, where they are constant. */
  readonly ranges: Map<string, readonly [number, number]>;
  readonly parallel: boolean;
  readonly single: boolean;
  readonly vector: boolean;
  /** Inside of an `if`: an access need not be in bounds for every index of the loops around. */
  readonly guarded: boolean;
}

/**
 * Loads may reach this many elements past a buffer: the lanes of a last SIMD step that are thrown
 * away. Device memory ends with room for them.
 */
const SLACK = 16;

const arithmetic = new Set(['add', 'sub', 'mul', 'min', 'max']);
const bitwise = new Set(['and', 'or', 'xor']);

class Verifier {
  readonly kernel: Kernel;
  readonly buffers = new Map<string, Buffer>();
  readonly errors: string[] = [];
  /** The statement being looked at. */
  place = '';
  /** Expressions are shared: each is looked at once a statement. */
  seen = new Set<Expr>();

  constructor(k: Kernel) {
    this.kernel = k;
  }

  run(): string[] {
    for (const b of this.kernel.buffers) {
      this.place = `buffer ${b.name}`;
      if (this.buffers.has(b.name)) this.say('there are two buffers of that name');
      if (!Number.isInteger(b.size) || b.size < 0) this.say(`its size is ${b.size}`);
      this.buffers.set(b.name, b);
    }
    const i32: Variable = { ty: 'i32', mutable: false };
    this.list(this.kernel.body, {
      vars: new Map([
        ['tid', i32],
        ['nthreads', i32],
      ]),
      tiles: new Map(),
      ranges: new Map(),
      parallel: false,
      single: false,
      vector: false,
      guarded: false,
    });
    return this.errors;
  }

  say(message: string): void {
    this.errors.push(`${this.place}: ${message}`);
  }

  list(body: readonly Stmt[], outer: Context): void {
    // Names end with the block that defines them.
    const c: Context = {
      ...outer,
      vars: new Map(outer.vars),
      tiles: new Map(outer.tiles),
      ranges: new Map(outer.ranges),
    };
    for (const s of body) {
      this.place = headOf(s);
      this.seen = new Set();
      this.stmt(s, c);
    }
  }

  stmt(s: Stmt, c: Context): void {
    switch (s.s) {
      case 'let':
      case 'acc': {
        const value = s.s === 'let' ? s.value : s.init;
        this.expr(value, c);
        if (s.s === 'acc' && value.ty !== s.ty) this.say(`it is ${s.ty} and starts at a value of ${value.ty}`);
        this.define(s.name, { ty: s.s === 'acc' ? s.ty : value.ty, mutable: s.s === 'acc' }, c);
        return;
      }
      case 'set':
      case 'reduce':
        this.change(s, c);
        return;
      case 'store':
        this.store(s, c);
        return;
      case 'for':
        this.loop(s, c);
        return;
      case 'vec':
        this.index(s.at, c, 'the first lane');
        if (!Number.isInteger(s.lanes) || s.lanes < 1 || s.lanes > 4) this.say(`${s.lanes} lanes; there are 1 to 4`);
        if (c.vector) this.say('a SIMD step inside another');
        this.inner(s.v, s.body, { ...c, vector: true });
        return;
      case 'if':
        this.expr(s.cond, c);
        if (s.cond.ty !== 'bool') this.say(`the condition is ${s.cond.ty}, not bool`);
        this.list(s.then, { ...c, guarded: true });
        this.list(s.else, { ...c, guarded: true });
        return;
      case 'tile':
        if (s.dims.length === 0 || s.dims.some((d) => !Number.isInteger(d) || d < 1))
          this.say(`its dimensions are [${s.dims}]`);
        // A tile of a name in use starts anew: column blocks one after the other.
        c.tiles.set(s.name, { ty: s.ty, dims: s.dims });
        return;
      case 'tileset': {
        const t = this.tile(s.tile, s.index, c);
        this.expr(s.value, c);
        if (t && t.ty !== s.value.ty) this.say(`the tile holds ${t.ty}, the value is ${s.value.ty}`);
        return;
      }
      case 'barrier':
        if (c.parallel) this.say('a barrier inside a parallel loop: threads would wait different numbers of times');
        if (c.single) this.say('a barrier inside single: the other threads never arrive');
        if (c.vector) this.say('a barrier inside a SIMD step');
        return;
      case 'single':
        if (c.parallel) this.say('single inside a parallel loop: the chunks of other threads would be left out');
        this.list(s.body, { ...c, single: true });
        return;
    }
  }

  define(name: string, v: Variable, c: Context): void {
    if (c.vars.has(name)) this.say(`the name ${name} is in scope already`);
    if (this.buffers.has(name)) this.say(`${name} is also a buffer`);
    c.vars.set(name, v);
  }

  /** A block with one more variable, an i32. */
  inner(v: string, body: readonly Stmt[], c: Context, range?: readonly [number, number]): void {
    const next: Context = { ...c, vars: new Map(c.vars), ranges: new Map(c.ranges) };
    this.define(v, { ty: 'i32', mutable: false }, next);
    if (range) next.ranges.set(v, range);
    else next.ranges.delete(v);
    this.list(body, next);
  }

  change(s: Stmt & { s: 'set' | 'reduce' }, c: Context): void {
    const name = s.s === 'set' ? s.name : s.acc;
    this.expr(s.value, c);
    const v = c.vars.get(name);
    if (!v) {
      this.say(`there is no variable ${name}`);
      return;
    }
    if (!v.mutable) this.say(`${name} is not an accumulator`);
    if (v.ty !== s.value.ty) this.say(`${name} is ${v.ty}, the value is ${s.value.ty}`);
    if (s.s === 'reduce' && !combines(s.op, v.ty)) this.say(`${s.op} does not combine ${v.ty}`);
  }

  store(s: Stmt & { s: 'store' }, c: Context): void {
    this.index(s.index, c, 'the index');
    this.expr(s.value, c);
    const b = this.buffers.get(s.buf);
    if (!b) {
      this.say(`there is no buffer ${s.buf}`);
      return;
    }
    if (b.role === 'in') this.say(`${s.buf} is an input and is stored to`);
    if (valueType(b.ty) !== s.value.ty) this.say(`${s.buf} holds ${b.ty}, the value is ${s.value.ty}`);
    if (!c.guarded) this.bounds(b, s.index, c.ranges);
  }

  loop(s: For, c: Context): void {
    this.index(s.lo, c, 'the lower bound');
    this.index(s.hi, c, 'the upper bound');
    if (s.limit) this.expr(s.limit, c);
    if (s.limit && s.limit.ty !== 'i32') this.say(`the limit is ${s.limit.ty}, not i32`);
    if (s.limit && s.unroll) this.say('an unrolled loop with a limit');
    const whole = (n: number) => Number.isInteger(n) && n >= 1;
    if (!whole(s.step)) this.say(`the step is ${s.step}`);
    if (s.parallel !== undefined) {
      if (!whole(s.parallel) || s.parallel % s.step !== 0)
        this.say(`the grain is ${s.parallel}, with a step of ${s.step}`);
      if (c.parallel) this.say('a parallel loop inside another');
      if (c.single) this.say('a parallel loop inside single: only the chunk of thread 0 would run');
      if (c.vector) this.say('a parallel loop inside a SIMD step');
    }
    if (s.vector) {
      if (c.vector) this.say('a vector loop inside another');
      if (s.step !== 1) this.say(`a vector loop with a step of ${s.step}`);
      if (s.copies !== undefined && !whole(s.copies)) this.say(`${s.copies} copies`);
      if (hasBarrier(s.body)) this.say('a vector loop around a barrier');
    }
    const n = affine(sub(s.hi, s.lo));
    if (s.unroll && n.terms.length > 0)
      this.say(`an unrolled loop from ${printExpr(s.lo)} to ${printExpr(s.hi)}: the bounds must be constant`);
    const lo = rangeOf(s.lo, c.ranges);
    const hi = rangeOf(s.hi, c.ranges);
    // A loop that never runs has nothing to be checked for bounds: any range will do.
    const empty = lo !== null && hi !== null && hi[1] <= lo[0];
    const range = lo && hi ? ([lo[0], empty ? lo[0] : lastStep(lo, hi, s.step)] as const) : undefined;
    this.inner(
      s.v,
      s.body,
      {
        ...c,
        parallel: c.parallel || s.parallel !== undefined,
        vector: c.vector || !!s.vector,
        guarded: c.guarded || empty,
      },
      range,
    );
  }

  // --- expressions -----------------------------------------------------------------------------------------
  index(e: Expr, c: Context, what: string): void {
    this.expr(e, c);
    if (e.ty !== 'i32') this.say(`${what} is ${e.ty}, not i32`);
  }

  /** An access that lies outside of its buffer for some index of the loops around. */
  bounds(b: Buffer, index: Expr, ranges: Ranges, slack = 0): void {
    const r = rangeOf(index, ranges);
    if (r && (r[0] < 0 || r[1] >= b.size + slack))
      this.say(`${b.name}[${printExpr(index)}] reaches from ${r[0]} to ${r[1]}, and ${b.name} has ${b.size} elements`);
  }

  tile(name: string, index: readonly Expr[], c: Context): { ty: DType; dims: readonly number[] } | undefined {
    for (const e of index) this.index(e, c, 'a tile index');
    const t = c.tiles.get(name);
    if (!t) this.say(`there is no tile ${name}`);
    else if (t.dims.length !== index.length)
      this.say(`the tile ${name} has ${t.dims.length} axes and is indexed by ${index.length}`);
    else
      index.forEach((e, i) => {
        const r = rangeOf(e, c.ranges);
        if (r && (r[0] < 0 || r[1] >= t.dims[i]))
          this.say(
            `the index ${printExpr(e)} of the tile ${name} reaches from ${r[0]} to ${r[1]}, and axis ${i} has ${t.dims[i]}`,
          );
      });
    return t;
  }

  expr(e: Expr, c: Context): void {
    if (this.seen.has(e)) return;
    this.seen.add(e);
    // Tile indices are looked at with the tile.
    if (e.k !== 'tile') for (const x of children(e)) this.expr(x, c);
    const wrong = this.typeError(e, c);
    if (wrong) this.say(`${wrong} in ${printExpr(e)}`);
  }

  /** What is wrong with the expression itself, its operands being right. */
  typeError(e: Expr, c: Context): string | undefined {
    if (isStorage(e.ty)) return `${e.ty}, which only buffers hold,`;
    switch (e.k) {
      case 'const':
        return isInt(e.ty) && !Number.isInteger(e.value) ? `the constant ${e.value} is no ${e.ty}` : undefined;
      case 'var': {
        const v = c.vars.get(e.name);
        if (!v) return `there is no variable ${e.name}`;
        return v.ty === e.ty ? undefined : `${e.name} is ${v.ty}, and is read as ${e.ty}`;
      }
      case 'load': {
        const b = this.buffers.get(e.buf);
        if (!b) return `there is no buffer ${e.buf}`;
        if (e.index.ty !== 'i32') return `the index is ${e.index.ty}, not i32`;
        if (!c.guarded) this.bounds(b, e.index, c.ranges, SLACK);
        return valueType(b.ty) === e.ty ? undefined : `${e.buf} holds ${b.ty}, and is read as ${e.ty}`;
      }
      case 'tile': {
        const t = this.tile(e.tile, e.index, c);
        return !t || t.ty === e.ty ? undefined : `the tile holds ${t.ty}, and is read as ${e.ty}`;
      }
      case 'un':
        return unaryError(e);
      case 'bin':
        return binaryError(e);
      case 'sel':
        if (e.c.ty !== 'bool') return `the condition is ${e.c.ty}, not bool`;
        return e.a.ty === e.b.ty && e.ty === e.a.ty ? undefined : `${e.a.ty} or ${e.b.ty} as ${e.ty}`;
      case 'cast':
        return e.a.ty === e.ty ? `a conversion of ${e.ty} to itself` : undefined;
      case 'bits':
        return byteSize(e.ty) === byteSize(e.a.ty) && e.ty !== 'bool' && e.a.ty !== 'bool'
          ? undefined
          : `the bits of ${e.a.ty} as ${e.ty}`;
      case 'fma':
        return isFloat(e.ty) && [e.a, e.b, e.c].every((x) => x.ty === e.ty)
          ? undefined
          : `operands of ${e.a.ty}, ${e.b.ty} and ${e.c.ty}`;
      case 'word':
        return e.a.ty === 'f64' && e.ty === 'i32' ? undefined : `the ${e.half} word of ${e.a.ty} as ${e.ty}`;
      case 'double':
        return e.ty === 'f64' && e.hi.ty === 'i32' && e.lo.ty === 'i32'
          ? undefined
          : `words of ${e.hi.ty} and ${e.lo.ty} as ${e.ty}`;
      case 'call':
        return callError(e);
      case 'rare':
        if (e.c.ty !== 'bool') return `the condition is ${e.c.ty}, not bool`;
        return e.call.ty === e.ty && e.other.ty === e.ty ? undefined : `${e.call.ty} or ${e.other.ty} as ${e.ty}`;
    }
  }
}

function callError(e: Expr & { k: 'call' }): string | undefined {
  const f = kernelFunction(e.fn);
  if (!f) return `there is no kernel function ${e.fn}`;
  const [takes, given] = [f.params, e.args].map((list) => list.map((x) => x.ty).join(', '));
  if (takes !== given) return `${e.fn} takes (${takes}), got (${given})`;
  return f.body.ty === e.ty ? undefined : `${e.fn} gives ${f.body.ty}, not ${e.ty}`;
}

function unaryError(e: Expr & { k: 'un' }): string | undefined {
  if (e.a.ty !== e.ty) return `an operand of ${e.a.ty} gives ${e.ty}`;
  const fits = e.op === 'not' ? !isFloat(e.ty) : e.op === 'abs' ? e.ty === 'i32' || isFloat(e.ty) : isFloat(e.ty);
  return fits ? undefined : `${e.op} of ${e.ty}`;
}

function binaryError(e: Expr & { k: 'bin' }): string | undefined {
  const { op, a, b } = e;
  if (a.ty !== b.ty) return `operands of ${a.ty} and ${b.ty}`;
  const ty = isCmp(op) ? 'bool' : a.ty;
  if (e.ty !== ty) return `${op} of ${a.ty} gives ${ty}, not ${e.ty}`;
  const bool = a.ty === 'bool';
  let fits: boolean;
  if (isCmp(op)) fits = !bool || op === 'eq' || op === 'ne';
  else if (bitwise.has(op)) fits = bool || isInt(a.ty);
  else if (op === 'shl' || op === 'shr') fits = isInt(a.ty);
  else if (op === 'pmin' || op === 'pmax') fits = isFloat(a.ty);
  else fits = !bool && (arithmetic.has(op) || op === 'div' || op === 'rem');
  return fits ? undefined : `${op} of ${a.ty}`;
}

/** The largest value of a loop variable: the last whole step where both bounds are constant. */
function lastStep(lo: readonly [number, number], hi: readonly [number, number], step: number): number {
  const last = hi[1] - 1;
  return lo[0] === lo[1] ? lo[0] + Math.floor((last - lo[0]) / step) * step : last;
}

function combines(op: ReduceOp, ty: DType): boolean {
  if (op === 'and' || op === 'or') return !isFloat(ty);
  if (op === 'pmax' || op === 'pmin') return isFloat(ty);
  return ty !== 'bool';
}

function hasBarrier(body: readonly Stmt[]): boolean {
  return body.some(
    (s) =>
      s.s === 'barrier' ||
      ((s.s === 'for' || s.s === 'vec' || s.s === 'single') && hasBarrier(s.body)) ||
      (s.s === 'if' && (hasBarrier(s.then) || hasBarrier(s.else))),
  );
}

/** A statement's first line, shortened: where an error is. */
function headOf(s: Stmt): string {
  const text = printKernel({
    name: '',
    buffers: [],
    body: [
      s.s === 'for' || s.s === 'vec' || s.s === 'single'
        ? { ...s, body: [] }
        : s.s === 'if'
          ? { ...s, then: [], else: [] }
          : s,
    ],
  });
  const line = text.split('\n')[1].trim().replace(/ \{$/, '');
  return line.length > 80 ? `${line.slice(0, 77)}…` : line;
}
