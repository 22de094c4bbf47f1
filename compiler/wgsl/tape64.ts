// Kernel functions in emulated float64 as tapes: tables of instructions that one loop in WGSL runs. Drivers inline
// every function, and some take quadratic time for what comes out, so the code of a polynomial with an addition and a
// multiplication for each term (lgamma has over 400) would compile for minutes. Here each operation stands once.
//
// A register holds one value as vec2<u32>: f64 and f32 as the double, i32, u32 and bool in the low word. Arithmetic of
// float32 is that of float64, rounded: for + - * / and square roots the same bits as rounding once (Figueroa, "When is
// double rounding innocuous?", 1995). So a GPU that divides inexactly or drops subnormals has no say in the result.

import { CompileError, valueText } from '../../ir/errors.ts';
import { type Expr, isCmp } from '../../ir/kernel/expr.ts';
import { kernelFunction } from '../../ir/kernel/functions.ts';
import type { DType } from '../../ir/types.ts';
import { soft64Text } from './soft64.ts';

/** One step: `out = op(a, b)`. Registers are numbers from 0; `b` may be a pair of words instead. */
export interface Instruction {
  readonly op: string;
  readonly out: number;
  readonly a: number;
  readonly b: number | readonly [number, number];
  /** The third operand of `select`. */
  readonly condition?: number;
  /** The sign of b is flipped first. */
  readonly negate?: boolean;
  /** The result is rounded to float32. */
  readonly round?: boolean;
  /** What of less (1), equal (2), greater (4) holds for true: `order.*` only. */
  readonly mask?: number;
}

/** A function as a list of instructions: parameters stand in the first registers, as bits where they are f32. */
export interface Tape {
  readonly code: readonly Instruction[];
  readonly params: readonly DType[];
  readonly type: DType;
  /** The register of the result, as bits where it is f32. */
  readonly result: number;
}

/** The operations in WGSL over registers a, b and the word y; `jump` sets the counter. */
export const operations: Readonly<Record<string, string>> = {
  move: 'b',
  'add.f64': 'd_add(a, b)',
  'mul.f64': 'd_mul(a, b)',
  'div.f64': 'd_div(a, b)',
  'rem.f64': 'd_rem(a, b)',
  'fmod.f64': 'd_fmod(a, b)',
  'min.f64': 'd_min(a, b)',
  'max.f64': 'd_max(a, b)',
  'pmin.f64': 'd_pmin(a, b)',
  'pmax.f64': 'd_pmax(a, b)',
  'sqrt.f64': 'd_sqrt(b)',
  'abs.f64': 'd_abs(b)',
  'floor.f64': 'd_floor(b)',
  'ceil.f64': 'd_ceil(b)',
  'trunc.f64': 'd_trunc(b)',
  'nearest.f64': 'd_nearest(b)',
  'order.f64': 'vec2<u32>(u32((d_order(a, b) & y) != 0u), 0u)',
  'from.i32': 'd_from_i32(bitcast<i32>(b.x))',
  'from.u32': 'd_from_u32(b.x)',
  'from.f32': 'd_from_f32(bitcast<f32>(b.x))',
  'to.i32': 'vec2<u32>(bitcast<u32>(d_to_i32(b)), 0u)',
  'to.u32': 'vec2<u32>(d_to_u32(b), 0u)',
  'to.f32': 'vec2<u32>(bitcast<u32>(d_to_f32(b)), 0u)',
  high: 'vec2<u32>(b.y, 0u)',
  low: 'vec2<u32>(b.x, 0u)',
  pair: 'vec2<u32>(b.x, a.x)',
  select: 'select(b, a, d_register[(y >> 8u) & 0xffu].x != 0u)',
  and: 'a & b',
  or: 'a | b',
  xor: 'a ^ b',
  add: 'vec2<u32>(a.x + b.x, 0u)',
  sub: 'vec2<u32>(a.x - b.x, 0u)',
  mul: 'vec2<u32>(a.x * b.x, 0u)',
  shl: 'vec2<u32>(a.x << (b.x & 31u), 0u)',
  'shr.i32': 'vec2<u32>(bitcast<u32>(bitcast<i32>(a.x) >> (b.x & 31u)), 0u)',
  'shr.u32': 'vec2<u32>(a.x >> (b.x & 31u), 0u)',
  'div.i32': 'vec2<u32>(bitcast<u32>(bitcast<i32>(a.x) / bitcast<i32>(b.x)), 0u)',
  'div.u32': 'vec2<u32>(a.x / b.x, 0u)',
  'rem.i32': 'vec2<u32>(bitcast<u32>(bitcast<i32>(a.x) % bitcast<i32>(b.x)), 0u)',
  'rem.u32': 'vec2<u32>(a.x % b.x, 0u)',
  'order.i32':
    'vec2<u32>(u32(((select(4u, 1u, bitcast<i32>(a.x) < bitcast<i32>(b.x)) >> u32(a.x == b.x)) & y) != 0u), 0u)',
  'order.u32': 'vec2<u32>(u32(((select(4u, 1u, a.x < b.x) >> u32(a.x == b.x)) & y) != 0u), 0u)',
  /** To instruction b where a is 0. */
  jump: '',
};

const orders: Readonly<Record<string, number>> = { lt: 1, eq: 2, le: 3, gt: 4, ne: 5, ge: 6 };
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
      op: 'tape64',
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
    const args = e.args.map((x) => this.value(x, scope));
    const exact = natives[e.fn];
    if (exact) return this.put(exact, { a: args[0], b: args[1] });
    return this.body(e.fn, args);
  }

  /** The function's result for arguments in registers. A call of itself as the whole result starts it again. */
  body(fn: string, args: readonly number[]): number {
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

/** Registers that an instruction reads. */
function reads({ op, a, b, condition }: Instruction): number[] {
  const second = typeof b === 'number' ? [b] : [];
  if (op === 'select') return [a, ...second, condition as number];
  return unaries.has(op) ? second : [a, ...second];
}
const unaries = new Set(Object.keys(operations).filter((op) => op !== 'jump' && !/\ba\b/.test(operations[op])));

/** Where registers are written first and needed last. What is older than a loop and read in it lives to its end. */
function lifetimes(tape: Tape, registers: number): { first: number[]; last: number[] } {
  const first = new Array<number>(registers).fill(-1);
  const last = new Array<number>(registers).fill(-1);
  for (const [at, i] of tape.code.entries()) {
    if (i.op !== 'jump' && first[i.out] < 0) first[i.out] = at;
    for (const r of [...reads(i), ...(i.op === 'jump' ? [] : [i.out])]) last[r] = at;
  }
  last[tape.result] = tape.code.length;
  tape.params.forEach((_, r) => {
    first[r] = -1;
  });
  for (const [at, i] of tape.code.entries()) {
    if (i.op !== 'jump' || typeof i.b === 'number' || i.b[0] > at) continue;
    for (let r = 0; r < registers; r++) if (first[r] < i.b[0] && last[r] >= i.b[0]) last[r] = Math.max(last[r], at);
  }
  return { first, last };
}

/** The same tape in few registers: one is free again after the last instruction that reads it. */
function allocate(tape: Tape, registers: number): Tape {
  const { first, last } = lifetimes(tape, registers);
  const place = tape.params.map((_, i) => i);
  const free: number[] = [];
  let count = place.length;
  const code = tape.code.map((i, at): Instruction => {
    const used = reads(i);
    for (const r of new Set(used)) if (last[r] === at) free.push(place[r]);
    const { a, b, condition, out } = i;
    const operands = {
      a: used.includes(a) ? place[a] : 0,
      b: typeof b === 'number' ? place[b] : b,
      ...(condition === undefined ? {} : { condition: place[condition] }),
    };
    if (i.op === 'jump') return { ...i, ...operands, out: -1 };
    if (first[out] === at) place[out] = free.pop() ?? count++;
    return { ...i, ...operands, out: place[out] };
  });
  return { ...tape, code, result: place[tape.result] };
}

/** The tape of a function of ir/kernel/functions.ts. @throws CompileError for what emulated float64 cannot hold. */
function tapeOf(name: string): Tape {
  const f = kernelFunction(name);
  if (!f) throw new CompileError(`there is no kernel function ${valueText(name)}`, { op: 'tapeText' });
  const writer = new Writer(name);
  const params = f.params.map((p) => p.ty);
  writer.registers = params.length;
  const args = params.map((ty, b) => (ty === 'f32' ? writer.put('from.f32', { b }) : b));
  const own = writer.body(name, args);
  const result = f.body.ty === 'f32' ? writer.put('to.f32', { b: own }) : own;
  return allocate({ code: writer.code, params, type: f.body.ty, result }, writer.registers);
}

/** The instruction in four words; operation numbers are those of the text, targets of jumps count from `base`. */
function words(i: Instruction, op: number, scratch: number, base: number): string {
  const immediate = typeof i.b !== 'number';
  const [low, high] = immediate ? [i.op === 'jump' ? i.b[0] + base : i.b[0], i.b[1]] : [0, 0];
  const out = i.op === 'jump' ? scratch : i.out;
  const x = op | (out << 8) | (i.a << 16) | ((immediate ? IMMEDIATE : (i.b as number)) << 24);
  const y = (i.mask ?? 0) | (i.round ? 8 : 0) | ((i.condition ?? 0) << 8) | (i.negate ? 0x80000000 : 0);
  return `vec4<u32>(${[x, y, low, high].map((w) => `${w >>> 0}u`).join(',')})`;
}
const IMMEDIATE = 255;

/** Functions that run part of the table: arguments and result as the function's own types, f64 as vec2<u32>. */
function entry(name: string, tape: Tape, base: number): string {
  const wgslType = (ty: DType) => (ty === 'f64' ? 'vec2<u32>' : ty);
  const params = tape.params.map((ty, i) => `x${i}: ${wgslType(ty)}`).join(', ');
  const load = (ty: DType, i: number) => {
    const value = ty === 'f64' ? `x${i}` : `vec2<u32>(${ty === 'bool' ? `u32(x${i})` : `bitcast<u32>(x${i})`}, 0u)`;
    return `  d_register[${i}] = ${value};\n`;
  };
  const result = `d_register[${tape.result}]`;
  const narrow: Partial<Record<DType, string>> = { f64: result, bool: `${result}.x != 0u` };
  return `fn k_${name}(${params}) -> ${wgslType(tape.type)} {
${tape.params.map(load).join('')}  d_run(${base}u, ${base + tape.code.length}u);
  return ${narrow[tape.type] ?? `bitcast<${tape.type}>(${result}.x)`};
}`;
}

/**
 * WGSL functions `k_<name>` of the kernel functions named (ir/kernel/functions.ts), computed in emulated float64, with
 * everything that they need: a table of instructions, and the loop that runs it. A parameter or result of type f64 is
 * a `vec2<u32>` (low word, high word), others are of their own type. The bits are those of every engine without fused
 * multiply-add; NaN may be any NaN. Once a module: names would be declared twice.
 *
 * @throws CompileError for an unknown function, and for one with a loop, a load, a fused multiply-add, or a call of
 *   itself that is not its whole result.
 */
export function tapeText(names: Iterable<string>): string {
  const tapes = new Map([...new Set(names)].map((name) => [name, tapeOf(name)]));
  const code = [...tapes.values()].flatMap((t) => t.code);
  const used = [...new Set(code.map((i) => i.op))];
  const registers = Math.max(0, ...code.flatMap((i) => [i.out, ...reads(i)])) + 1;
  if (registers >= IMMEDIATE) throw new CompileError(`${registers + 1} registers needed, ${IMMEDIATE} are there`);
  const table: string[] = [];
  const entries: string[] = [];
  for (const [name, tape] of tapes) {
    entries.push(entry(name, tape, table.length));
    const base = table.length;
    for (const i of tape.code) table.push(words(i, used.indexOf(i.op), registers, base));
  }
  const cases = used.map((op, i) => {
    const act = op === 'jump' ? 'pc = select(pc, b.x, a.x == 0u);' : `r = ${operations[op]};`;
    return `      case ${i}u: { ${act} }`;
  });
  const round = code.some((i) => i.round) ? '    if ((y & 8u) != 0u) { r = d_from_f32(d_to_f32(r)); }\n' : '';
  const run = `const d_code = array<vec4<u32>, ${table.length}>(
${table.join(',\n')});
var<private> d_register: array<vec2<u32>, ${registers + 1}>;
fn d_run(begin: u32, end: u32) {
  var pc = begin;
  while (pc < end) {
    let code = d_code[pc];
    pc++;
    let y = code.y;
    let a = d_register[(code.x >> 16u) & 0xffu];
    let second = code.x >> 24u;
    var b = code.zw;
    if (second != ${IMMEDIATE}u) { b = d_register[second]; }
    b.y ^= y & 0x80000000u;
    var r = b;
    switch (code.x & 0xffu) {
${cases.join('\n')}
      default: {}
    }
${round}    d_register[(code.x >> 8u) & 0xffu] = r;
  }
}`;
  const needed = new Set(`${run}\n${entries.join('\n')}`.match(/\bd_\w+(?=\()/g));
  needed.delete('d_run');
  return [soft64Text(needed), run, ...entries].join('\n\n');
}
