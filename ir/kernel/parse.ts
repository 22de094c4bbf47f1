// Kernel text back to kernels: parse(print(k)) prints as k again. Types are written at declarations
// only; those of expressions follow. Nothing is folded: what is written is what is built.

import { ParseError } from '../errors.ts';
import { type DType, dtypes, valueType } from '../types.ts';
import { type BinOp, type Expr, isCmp, type UnOp } from './expr.ts';
import { kernelFunction } from './functions.ts';
import type { Buffer, BufferRole, For, Kernel, ReduceOp, Stmt } from './kernel.ts';
import { infix } from './print.ts';

interface Token {
  readonly kind: 'word' | 'number' | 'mark' | 'end';
  readonly text: string;
  readonly at: number;
}

const space = /(?:\s|;[^\n]*)+/y;
// A minus that touches a digit belongs to the number: printed operators stand between spaces.
const rules: readonly (readonly [Token['kind'], RegExp])[] = [
  ['number', /-?(?:\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|inf\b|nan\b)/y],
  ['word', /[A-Za-z_][\w$]*/y],
  ['mark', /<<|>>|==|!=|<=|>=|[-+*/%&|^<>=(){}[\],:@]/y],
];

const unary: readonly UnOp[] = ['neg', 'abs', 'sqrt', 'floor', 'ceil', 'trunc', 'nearest', 'not'];
const binary: readonly BinOp[] = ['min', 'max', 'pmin', 'pmax'];
const operators = new Map(Object.entries(infix).map(([op, sign]) => [sign, op as BinOp]));
const roles: readonly BufferRole[] = ['in', 'out', 'inout', 'scratch', 'shared'];
const reductions: readonly ReduceOp[] = ['add', 'mul', 'max', 'min', 'pmax', 'pmin', 'and', 'or'];

const atomics = ['add', 'max', 'min'] as const;

/** The one kernel of a text. */
export function parseKernel(text: string): Kernel {
  const p = new KernelParser(text);
  const k = p.kernel();
  p.end();
  return k;
}

/** Every kernel of a text, in order. */
export function parseKernels(text: string): Kernel[] {
  const p = new KernelParser(text);
  const out: Kernel[] = [];
  while (!p.atEnd) out.push(p.kernel());
  return out;
}

/** What names mean: types of variables, buffers and tiles, inner scopes over outer ones. */
class Scope {
  readonly #outer: Scope | undefined;
  readonly #names = new Map<string, DType>();

  constructor(outer?: Scope) {
    this.#outer = outer;
  }
  define(kind: 'var' | 'buffer' | 'tile', name: string, ty: DType): void {
    this.#names.set(`${kind}:${name}`, ty);
  }
  type(kind: 'var' | 'buffer' | 'tile', name: string): DType | undefined {
    return this.#names.get(`${kind}:${name}`) ?? this.#outer?.type(kind, name);
  }
}

class KernelParser {
  readonly #text: string;
  #token: Token = { kind: 'end', text: '', at: 0 };
  #at = 0;
  #scope = new Scope();

  constructor(text: string) {
    this.#text = text;
    this.#next();
  }

  // --- tokens ------------------------------------------------------------------------------------------
  get atEnd(): boolean {
    return this.#token.kind === 'end';
  }
  end(): void {
    if (!this.atEnd) throw this.#expected('the end of the text');
  }
  #next(): Token {
    const last = this.#token;
    space.lastIndex = this.#at;
    this.#at += space.exec(this.#text)?.[0].length ?? 0;
    for (const [kind, re] of rules) {
      re.lastIndex = this.#at;
      const m = re.exec(this.#text);
      if (!m) continue;
      this.#token = { kind, text: m[0], at: this.#at };
      this.#at += m[0].length;
      return last;
    }
    this.#token = { kind: 'end', text: '', at: this.#at };
    if (this.#at < this.#text.length) throw this.#fail(`unexpected character '${this.#text[this.#at]}'`);
    return last;
  }
  #fail(message: string, at = this.#token.at): ParseError {
    const before = this.#text.slice(0, at).split('\n');
    const [line, column] = [before.length, (before.at(-1) as string).length + 1];
    const shown = this.#text.split('\n')[line - 1];
    return new ParseError(`${line}:${column}: ${message}\n  ${shown}\n  ${' '.repeat(column - 1)}^`, line, column);
  }
  #expected(what: string): ParseError {
    return this.#fail(`expected ${what}, found ${this.atEnd ? 'the end of the text' : `'${this.#token.text}'`}`);
  }
  #is(text: string): boolean {
    return this.#token.kind !== 'number' && this.#token.kind !== 'end' && this.#token.text === text;
  }
  #accept(text: string): boolean {
    if (!this.#is(text)) return false;
    this.#next();
    return true;
  }
  #mark(text: string): void {
    if (!this.#accept(text)) throw this.#expected(`'${text}'`);
  }
  #word(what: string): string {
    if (this.#token.kind !== 'word') throw this.#expected(what);
    return this.#next().text;
  }
  #oneOf<T extends string>(list: readonly T[], what: string): T {
    if (!list.includes(this.#token.text as T)) throw this.#expected(`${what} (${list.join(', ')})`);
    return this.#next().text as T;
  }
  #number(what: string): number {
    if (this.#token.kind !== 'number') throw this.#expected(what);
    const { text } = this.#next();
    if (text.endsWith('inf')) return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
    return text.endsWith('nan') ? Number.NaN : Number(text);
  }
  #integer(what: string): number {
    const { at } = this.#token;
    const n = this.#number(what);
    if (!Number.isInteger(n) || n < 0) throw this.#fail(`${what} must be an integer of at least 0, not ${n}`, at);
    return n;
  }
  #list<T>(close: string, item: () => T): T[] {
    const items: T[] = [];
    if (this.#accept(close)) return items;
    do items.push(item());
    while (this.#accept(','));
    this.#mark(close);
    return items;
  }
  #type(): DType {
    return this.#oneOf(dtypes, 'a type');
  }

  // --- kernels -----------------------------------------------------------------------------------------
  /** `kernel @name(role name: type[size], …) { … }`. */
  kernel(): Kernel {
    this.#scope = new Scope();
    this.#scope.define('var', 'tid', 'i32');
    this.#scope.define('var', 'nthreads', 'i32');
    this.#mark('kernel');
    this.#mark('@');
    const name = this.#word("the kernel's name");
    this.#mark('(');
    const buffers = this.#list(')', (): Buffer => {
      const role = this.#oneOf(roles, "a buffer's role");
      const buf = this.#word("a buffer's name");
      this.#mark(':');
      const ty = this.#type();
      this.#mark('[');
      const size = this.#integer("a buffer's size");
      this.#mark(']');
      this.#scope.define('buffer', buf, ty);
      return { name: buf, ty, size, role };
    });
    return { name, buffers, body: this.#block() };
  }

  #block(define?: () => void): Stmt[] {
    const outer = this.#scope;
    this.#scope = new Scope(outer);
    this.#mark('{');
    define?.();
    const body: Stmt[] = [];
    while (!this.#is('}')) body.push(this.#stmt());
    this.#mark('}');
    this.#scope = outer;
    return body;
  }

  #stmt(): Stmt {
    const at = this.#token.at;
    const word = this.#word('a statement');
    switch (word) {
      case 'let':
      case 'acc': {
        const name = this.#word('a name');
        this.#mark(':');
        const ty = this.#type();
        this.#mark('=');
        const value = this.#expr();
        this.#scope.define('var', name, ty);
        if (word === 'acc') return { s: 'acc', name, ty, init: value };
        if (value.ty !== ty) throw this.#fail(`${name} is written as ${ty}, and its value is ${value.ty}`, at);
        return { s: 'let', name, value };
      }
      case 'set': {
        const name = this.#word('a name');
        if (this.#accept('{')) {
          const index = this.#list('}', () => this.#expr());
          this.#mark('=');
          return { s: 'tileset', tile: name, index, value: this.#expr() };
        }
        this.#mark('=');
        return { s: 'set', name, value: this.#expr() };
      }
      case 'reduce': {
        const op = this.#oneOf(reductions, 'a reduction');
        const acc = this.#word('an accumulator');
        this.#mark(',');
        return { s: 'reduce', acc, op, value: this.#expr() };
      }
      case 'for':
        return this.#for();
      case 'vec': {
        const v = this.#word('a variable');
        this.#mark('at');
        const start = this.#expr();
        this.#mark('lanes');
        const lanes = this.#integer('the number of lanes');
        return { s: 'vec', v, at: start, lanes, body: this.#block(() => this.#scope.define('var', v, 'i32')) };
      }
      case 'if': {
        const cond = this.#expr();
        const then = this.#block();
        return { s: 'if', cond, then, else: this.#accept('else') ? this.#block() : [] };
      }
      case 'tile': {
        const name = this.#word('a name');
        this.#mark(':');
        const ty = this.#type();
        this.#mark('[');
        const dims = this.#list(']', () => this.#integer('a dimension'));
        this.#mark('=');
        this.#scope.define('tile', name, ty);
        const init = this.#number('the initial value');
        if (!this.#accept('per')) return { s: 'tile', name, ty, dims, init };
        this.#mark('lane');
        return { s: 'tile', name, ty, dims, init, perLane: true };
      }
      case 'barrier':
        return { s: 'barrier' };
      case 'single':
        return { s: 'single', body: this.#block() };
      default: {
        if (!this.#accept('[')) throw this.#fail(`there is no statement '${word}'`, at);
        const index = this.#expr();
        this.#mark(']');
        this.#mark('=');
        const atomic = this.#accept('atomic') ? { atomic: this.#oneOf(atomics, 'what is done') } : {};
        return { s: 'store', buf: word, index, value: this.#expr(), ...atomic };
      }
    }
  }

  /** `for v = lo to hi step 4 parallel 16 vector unroll copies 2 { … }`. */
  #for(): For {
    const v = this.#word('a variable');
    this.#mark('=');
    const lo = this.#expr();
    this.#mark('to');
    const hi = this.#expr();
    const limit = this.#accept('limit') ? { limit: this.#expr() } : {};
    const step = this.#accept('step') ? this.#integer('the step') : 1;
    const flags: { grid?: boolean; parallel?: number; vector?: boolean; unroll?: boolean; copies?: number } = {};
    if (this.#accept('grid')) flags.grid = true;
    if (this.#accept('parallel')) flags.parallel = this.#integer('the grain');
    if (this.#accept('vector')) flags.vector = true;
    if (this.#accept('unroll')) flags.unroll = true;
    if (this.#accept('copies')) flags.copies = this.#integer('the number of copies');
    return {
      s: 'for',
      v,
      lo,
      hi,
      ...limit,
      step,
      ...flags,
      body: this.#block(() => this.#scope.define('var', v, 'i32')),
    };
  }

  // --- expressions ---------------------------------------------------------------------------------------
  #expr(): Expr {
    if (this.#token.kind === 'number') return { k: 'const', ty: 'i32', value: this.#number('a number') };
    if (this.#accept('(')) {
      const a = this.#expr();
      const op = operators.get(this.#token.text);
      if (!op || this.#token.kind !== 'mark') throw this.#expected('an operator');
      this.#next();
      const b = this.#expr();
      this.#mark(')');
      return this.#binary(op, a, b);
    }
    const at = this.#token.at;
    if (this.#accept('@')) return this.#functionCall(at);
    const name = this.#word('an expression');
    if (this.#accept('(')) return this.#call(name, at);
    if (this.#is('[')) {
      const ty = this.#scope.type('buffer', name);
      if (!ty) throw this.#fail(`there is no buffer ${name}`, at);
      this.#next();
      const index = this.#expr();
      this.#mark(']');
      return { k: 'load', ty: valueType(ty), buf: name, index };
    }
    // Only after the name of a tile does a brace open an index; else it opens a block.
    const tile = this.#scope.type('tile', name);
    if (tile && this.#accept('{'))
      return { k: 'tile', ty: tile, tile: name, index: this.#list('}', () => this.#expr()) };
    const ty = this.#scope.type('var', name);
    if (!ty) throw this.#fail(`there is no variable ${name}`, at);
    return { k: 'var', ty, name };
  }

  #binary(op: BinOp, a: Expr, b: Expr): Expr {
    return { k: 'bin', ty: isCmp(op) ? 'bool' : a.ty, op, a, b };
  }

  /** `@name(…)`: a function of functions.ts. */
  #functionCall(at: number): Expr {
    const fn = this.#word("a function's name");
    const f = kernelFunction(fn);
    if (!f) throw this.#fail(`there is no kernel function ${fn}`, at);
    this.#mark('(');
    return { k: 'call', ty: f.body.ty, fn, args: this.#list(')', () => this.#expr()) };
  }

  /** Behind `name(`: a constant of that type, a conversion, a function. */
  #call(name: string, at: number): Expr {
    if (dtypes.includes(name as DType)) {
      const value = this.#number('a number');
      this.#mark(')');
      return { k: 'const', ty: name as DType, value };
    }
    const args = this.#list(')', () => this.#expr());
    const [a, b, c] = args;
    const need = (n: number): void => {
      if (args.length !== n) throw this.#fail(`${name} takes ${n} operand(s), got ${args.length}`, at);
    };
    const made = /^(to|bits)_(\w+)$/.exec(name);
    if (made && dtypes.includes(made[2] as DType)) {
      need(1);
      return { k: made[1] === 'to' ? 'cast' : 'bits', ty: made[2] as DType, a };
    }
    if (name === 'select') {
      need(3);
      return { k: 'sel', ty: b.ty, c: a, a: b, b: c };
    }
    if (name === 'fma') {
      need(3);
      return { k: 'fma', ty: a.ty, a, b, c };
    }
    if (name === 'rare') {
      need(3);
      return { k: 'rare', ty: c.ty, c: a, call: b, other: c };
    }
    if (name === 'hi_word' || name === 'lo_word') {
      need(1);
      return { k: 'word', ty: 'i32', half: name === 'hi_word' ? 'hi' : 'lo', a };
    }
    if (name === 'double') {
      need(2);
      return { k: 'double', ty: 'f64', hi: a, lo: b };
    }
    if (unary.includes(name as UnOp)) {
      need(1);
      return { k: 'un', ty: a.ty, op: name as UnOp, a };
    }
    if (!binary.includes(name as BinOp)) throw this.#fail(`there is no function ${name}`, at);
    need(2);
    return this.#binary(name as BinOp, a, b);
  }
}
