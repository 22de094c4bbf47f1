// Kernel functions to tapes of emulated float64: calls are written out, as a table costs little.

import { CompileError, valueText } from '../../ir/errors.ts';
import { type Expr, isCmp } from '../../ir/kernel/expr.ts';
import { kernelFunction } from '../../ir/kernel/functions.ts';
import type { DType } from '../../ir/types.ts';
import { allocate, type Instruction, operations, type Tape } from './tape64.ts';

const orders: Readonly<Record<string, number>> = { lt: 1, eq: 2, le: 3, gt: 4, ge: 6, ne: 13 };
const isFloat = (ty: DType): boolean => ty === 'f32' || ty === 'f64';
const bitsOf = (x: number): [number, number] => {
  const [low, high] = new Uint32Array(Float64Array.of(x).buffer);
  return [low, high];
};

/** Functions whose result is exact, so that any algorithm gives its bits. */
const natives: Readonly<Record<string, string>> = { rem: 'fmod.f64' };

/** The registers of variables, and of what is computed where they are. */
interface Scope {
  readonly vars: ReadonlyMap<string, number>;
  readonly known: Map<Expr, number>;
}

type Operands = Partial<Omit<Instruction, 'op' | 'out'>>;

/** Writes the tape of one function; registers are not shared yet. */
class Writer {
  readonly code: Instruction[] = [];
  registers = 0;

  private readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  put(op: string, operands: Operands, out = this.registers++): number {
    if (!Object.hasOwn(operations, op)) this.refuse(`the operation ${op}`);
    this.code.push({ op, out, a: 0, b: [0, 0], ...operands });
    return out;
  }

  refuse(what: string): never {
    throw new CompileError(`the function ${this.name} has ${what}, which no tape of emulated float64 can hold`, {
      op: 'tapeProgram',
      fix: 'write that part as WGSL and pass its value as a parameter',
    });
  }

  /** Runs `body` where the register's value is not 0. */
  where(condition: number, body: () => void): void {
    const at = this.code.length;
    this.put('jump', { a: condition });
    body();
    this.code[at] = { ...this.code[at], b: [this.code.length, 0] };
  }

  /** The value's register; shared sub-expressions are computed once. */
  value(e: Expr, scope: Scope): number {
    const known = e.k === 'var' ? scope.vars.get(e.name) : scope.known.get(e);
    if (known !== undefined) return known;
    const out = this.node(e, scope);
    scope.known.set(e, out);
    return out;
  }

  /** A second operand: constants stand in the instruction. */
  private second(e: Expr, scope: Scope): Instruction['b'] {
    if (e.k !== 'const') return this.value(e, scope);
    return isFloat(e.ty) ? bitsOf(e.value) : [Number(e.value) >>> 0, 0];
  }

  private node(e: Expr, scope: Scope): number {
    const round = e.ty === 'f32';
    switch (e.k) {
      case 'const':
        return this.put('move', { b: this.second(e, scope) });
      case 'un':
        return this.unary(e, scope);
      case 'bin':
        return this.binary(e, scope);
      case 'sel': {
        const [condition, a] = [this.value(e.c, scope), this.value(e.a, scope)];
        return this.put('select', { condition, a, b: this.second(e.b, scope) });
      }
      case 'cast':
        return this.cast(e.a, e.ty, this.value(e.a, scope));
      case 'bits':
        return this.put(round ? 'from.f32' : e.a.ty === 'f32' ? 'to.f32' : 'move', { b: this.value(e.a, scope) });
      case 'word':
        return this.put(e.half === 'hi' ? 'high' : 'low', { b: this.value(e.a, scope) });
      case 'double':
        return this.put('pair', { a: this.value(e.hi, scope), b: this.second(e.lo, scope) });
      case 'call':
        return this.call(e, scope);
      case 'rare': {
        const c = this.value(e.c, scope);
        const out = this.put('move', { b: this.second(e.other, scope) });
        // What is computed where the call is made is not there elsewhere.
        const inside = { vars: scope.vars, known: new Map(scope.known) };
        this.where(c, () => this.put('move', { b: this.value(e.call, inside) }, out));
        return out;
      }
      default:
        return this.refuse(`a node '${e.k}'`);
    }
  }

  private unary(e: Expr & { k: 'un' }, scope: Scope): number {
    const b = this.value(e.a, scope);
    if (isFloat(e.ty)) {
      return e.op === 'neg'
        ? this.put('move', { b, negate: true })
        : this.put(`${e.op}.f64`, { b, round: e.ty === 'f32' });
    }
    if (e.op === 'not') return this.put('xor', { a: b, b: [e.ty === 'bool' ? 1 : 0xffffffff, 0] });
    if (e.op === 'neg') return this.put('sub', { a: this.put('move', {}), b });
    return this.put(`${e.op}.${e.ty}`, { b });
  }

  private binary(e: Expr & { k: 'bin' }, scope: Scope): number {
    const a = this.value(e.a, scope);
    const b = this.second(e.b, scope);
    const float = isFloat(e.a.ty);
    const ty = float ? 'f64' : e.a.ty === 'bool' ? 'u32' : e.a.ty;
    if (isCmp(e.op)) return this.put(`order.${ty}`, { a, b, mask: orders[e.op] });
    // Minima and maxima give an operand, which needs no rounding; rounding it would change nothing.
    const round = e.ty === 'f32';
    if (float) return this.put(e.op === 'sub' ? 'add.f64' : `${e.op}.f64`, { a, b, negate: e.op === 'sub', round });
    return this.put(Object.hasOwn(operations, e.op) ? e.op : `${e.op}.${ty}`, { a, b });
  }

  private cast(from: Expr, to: DType, b: number): number {
    const source = from.ty === 'bool' ? 'u32' : from.ty;
    if (isFloat(to)) {
      if (!isFloat(source)) return this.put(`from.${source}`, { b, round: to === 'f32' });
      return this.put('move', { b, round: to === 'f32' });
    }
    if (isFloat(source)) return this.put(`to.${to}`, { b });
    return this.put('move', { b });
  }

  private call(e: Expr & { k: 'call' }, scope: Scope): number {
    return this.body(
      e.fn,
      e.args.map((x) => this.value(x, scope)),
    );
  }

  /** The function's result for arguments in registers. A call of itself as the whole result starts it again. */
  body(fn: string, args: readonly number[]): number {
    if (Object.hasOwn(natives, fn)) return this.put(natives[fn], { a: args[0], b: args[1] });
    if (this.callers.includes(fn)) this.refuse(`a call of ${fn} in itself that is not its whole result`);
    const f = kernelFunction(fn) ?? this.refuse(`a call of the unknown function ${fn}`);
    const e = f.body;
    const again = e.k === 'rare' && e.call.k === 'call' && e.call.fn === fn ? { c: e.c, args: e.call.args } : undefined;
    const registers = again ? args.map((b) => this.put('move', { b })) : args;
    const scope: Scope = { vars: new Map(f.params.map((p, i) => [p.name, registers[i]])), known: new Map() };
    const start = this.code.length;
    this.callers.push(fn);
    if (again) {
      this.where(this.value(again.c, scope), () => {
        const inside = { vars: scope.vars, known: new Map(scope.known) };
        const next = again.args.map((x) => this.value(x, inside));
        for (const [i, b] of next.entries()) if (b !== registers[i]) this.put('move', { b }, registers[i]);
        this.put('jump', { a: this.put('move', {}), b: [start, 0] });
      });
    }
    const out = this.value(again && e.k === 'rare' ? e.other : e, scope);
    this.callers.pop();
    return out;
  }
  private readonly callers: string[] = [];
}

/** The tape of a function of ir/kernel/functions.ts. @throws CompileError for what emulated float64 cannot hold. */
export function tapeOf(name: string): Tape {
  const f = kernelFunction(name);
  if (!f) throw new CompileError(`there is no kernel function ${valueText(name)}`, { op: 'tapeProgram' });
  const writer = new Writer(name);
  const params = f.params.map((p) => p.ty);
  writer.registers = params.length;
  const args = params.map((ty, b) => (ty === 'f32' ? writer.put('from.f32', { b }) : b));
  const own = writer.body(name, args);
  const last = writer.code.length - 1;
  // The conversion to bits rounds, so what comes before it need not.
  if (f.body.k === 'cast') writer.code[last] = { ...writer.code[last], round: false };
  const result = f.body.ty === 'f32' ? writer.put('to.f32', { b: own }) : own;
  return allocate({ code: writer.code, params, type: f.body.ty, result }, writer.registers);
}
