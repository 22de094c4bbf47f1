// Lines of WGSL under construction, and expressions as text. Sub-expressions that stand more than once are bound to
// names, and so are long ones: shader compilers bound how deep expressions nest.

import { affine, fromAffine } from '../../ir/kernel/affine.ts';
import { children, type Expr, exprEq, mapExpr } from '../../ir/kernel/expr.ts';
import { printExpr } from '../../ir/kernel/print.ts';
import { fromHalfBitsExpr } from '../../ir/kernel/storage.ts';
import type { DType } from '../../ir/types.ts';
import { binary, convert, literal, typeText, unary } from './values.ts';

/** Characters of an expression from which on it gets a name. */
const LONG = 160;

/** A buffer as the shader reaches it. */
export interface ShaderBuffer {
  readonly ty: DType;
  /** The name of a workgroup's array; else the buffer is memory of the heap. */
  readonly shared?: string;
  /** Its elements may be loaded four at a time: it starts at a multiple of four, and its array is one of vectors. */
  readonly four?: boolean;
  /** Its number among the kernel's buffers: the token `H3` stands for the heap page that it lies in. */
  readonly index: number;
}

export interface ShaderKind {
  readonly atomic: boolean;
  readonly vectors: boolean;
  readonly exact: boolean;
  readonly half: boolean;
}

/** What a whole shader shares: functions used, buffers touched. */
export class ShaderParts {
  /** Helpers, functions on doubles and kernel functions that texts use. */
  readonly used = new Set<string>();
  /** Kernel functions called. */
  readonly calls = new Set<string>();
  readonly touched = new Set<number>();
  readonly buffers: ReadonlyMap<string, ShaderBuffer>;
  /** The heap is declared as atomic words. */
  readonly atomic: boolean;
  /** The heap is declared as vectors of four words. */
  readonly vectors: boolean;
  /** Every operation rounds as it is written: the bits are the same on every machine. */
  readonly exact: boolean;
  #names = 0;

  /** Conversions of float16 by the GPU are there, and whether they were used. */
  readonly #half: boolean;
  halves = false;

  constructor(buffers: ReadonlyMap<string, ShaderBuffer>, how: ShaderKind) {
    this.#half = how.half;
    this.buffers = buffers;
    this.atomic = how.atomic;
    this.vectors = how.vectors;
    this.exact = how.exact;
  }
  /** Whether the GPU's own float16 is there; it then counts as used. */
  useHalf(): boolean {
    this.halves ||= this.#half;
    return this.#half;
  }
  readonly use = (name: string): string => {
    this.used.add(name);
    return name;
  };
  fresh(prefix: string): string {
    return `${prefix}${this.#names++}`;
  }
}

/** A kernel's name in WGSL, where it cannot meet a keyword. */
export const nameText = (name: string): string => `v_${name.replaceAll('$', '_S')}`;

/** A tile's name, which may be a variable's too. */
export const tileText = (name: string): string => `x_${name.replaceAll('$', '_S')}`;

export class Writer {
  readonly parts: ShaderParts;
  readonly lines: string[] = [];
  /** What names are bound to, to see sums through them. */
  readonly defined = new Map<string, Expr>();
  /** Names that stand for something else than themselves. */
  readonly renamed = new Map<string, string>();
  #indent = '  ';
  #uses = new Map<Expr, number>();
  #texts = new Map<Expr, string>();

  constructor(parts: ShaderParts) {
    this.parts = parts;
  }

  line(text: string): void {
    this.lines.push(this.#indent + text);
  }
  block(head: string, body: () => void): void {
    this.line(`${head} {`);
    const outer = this.#indent;
    this.#indent += '  ';
    body();
    this.#indent = outer;
    this.line('}');
  }

  /** The texts of the expressions of one statement: what they share is computed once. */
  values(...list: Expr[]): string[] {
    this.#uses = new Map();
    this.#texts = new Map();
    for (const e of list) this.#count(e);
    return list.map((e) => this.#text(e));
  }
  value(e: Expr): string {
    return this.values(e)[0];
  }
  /** As `value`, under a name or as a constant: to stand more than once. */
  named(e: Expr): string {
    const text = this.value(e);
    return e.k === 'const' || e.k === 'var' ? text : this.bind(text);
  }
  /**
   * What `body` writes reads four elements of memory at once where it can: the pieces of a loop that is written out
   * know which of the four they are. It must not store where it reads.
   */
  inFours(body: () => void): void {
    const outer = this.#fours;
    this.#fours ??= new Map();
    body();
    this.#fours = outer;
  }
  #fours: Map<string, string> | null = null;

  /** A name for a text. */
  bind(text: string): string {
    const name = this.parts.fresh('t');
    this.line(`let ${name} = ${text};`);
    return name;
  }

  #count(e: Expr): void {
    const n = this.#uses.get(e) ?? 0;
    this.#uses.set(e, n + 1);
    if (n === 0) for (const c of children(e)) this.#count(c);
  }

  #text(e: Expr): string {
    if (e.k === 'const') return literal(e.ty, e.value, this.parts.use);
    if (e.k === 'var') return this.renamed.get(e.name) ?? nameText(e.name);
    const known = this.#texts.get(e);
    if (known !== undefined) return known;
    let text = this.#compound(e);
    if ((this.#uses.get(e) ?? 1) > 1 || text.length > LONG) text = this.bind(text);
    this.#texts.set(e, text);
    return text;
  }

  /** An operand of an operator that must not be a constant expression as a whole: WGSL computes and checks those itself. */
  #operand(e: Expr): string {
    return e.k === 'const' ? this.bind(this.#text(e)) : this.#text(e);
  }

  #compound(e: Exclude<Expr, { k: 'const' | 'var' }>): string {
    const { use } = this.parts;
    switch (e.k) {
      case 'load':
        return this.load(e.buf, e.index, e.ty);
      case 'tile':
        return `${tileText(e.tile)}${this.tileIndex(e.tile, e.index)}`;
      case 'un':
        if (e.op === 'sqrt' && this.parts.exact) return `${use('exact_sqrt')}(${this.#text(e.a)})`;
        return unary(e.op, e.ty, this.#operand(e.a));
      case 'bin': {
        const zero = (e.op === 'div' || e.op === 'rem') && e.b.k === 'const' && e.b.value === 0;
        const a = e.b.k === 'const' ? this.#operand(e.a) : this.#text(e.a);
        const b = zero ? this.#operand(e.b) : this.#text(e.b);
        // By its bits: GPUs may take subnormal numbers for 0.
        if (e.a.ty === 'f32' && (e.op === 'ne' || e.op === 'eq') && e.b.k === 'const' && e.b.value === 0)
          return `${e.op === 'eq' ? '!' : ''}${use('f_to_bool')}(${a})`;
        const same = (e.op === 'ne' || e.op === 'eq') && exprEq(e.a, e.b);
        if (e.ty === 'f32' && e.op === 'div' && this.parts.exact) return `${use('exact_div')}(${a}, ${b})`;
        if (e.ty === 'f32' && (e.op === 'add' || e.op === 'sub' || e.op === 'mul')) return this.#sum(e, a, b);
        return this.#once(e, a, b, (x, y) => binary(e.op, e.a.ty, x, y, use, same));
      }
      case 'sel':
        return `select(${this.#text(e.b)}, ${this.#text(e.a)}, ${this.#text(e.c)})`;
      case 'cast':
        return convert(e.a.ty, e.ty, this.#operand(e.a), use);
      case 'bits': {
        if (e.ty === 'f32') return `bitcast<f32>(${this.#operand(e.a)})`;
        return `bitcast<${typeText(e.ty)}>(${this.#text(e.a)})`;
      }
      case 'fma':
        return this.#fma(e);
      case 'word':
      case 'double':
        throw new Error('a value of float64');
      case 'call':
        return this.#call(e);
      case 'rare':
        return this.#rare(e);
    }
  }

  /** The text of an operator that repeats its operands: long ones get names first. */
  #once(e: Expr & { k: 'bin' }, a: string, b: string, make: (a: string, b: string) => string): string {
    const repeats = e.a.ty === 'f32' && (e.op === 'pmin' || e.op === 'pmax' || e.op === 'rem');
    const short = (t: string) => (/^[\w.]+$/.test(t) ? t : this.bind(t));
    return repeats ? make(short(a), short(b)) : make(a, b);
  }

  /**
   * A float sum or product. Where it takes back what an operand was made of, as (x + y) - y does to round, that operand
   * is hidden from optimizers, which would cancel it.
   */
  #sum(e: Expr & { k: 'bin' }, a: string, b: string): string {
    const { use, exact } = this.parts;
    if (exact) return `${use('opaque')}${binary(e.op, 'f32', a, b, use)}`;
    if (e.op === 'mul') return binary(e.op, 'f32', a, b, use);
    const hide = (t: string, x: Expr, other: Expr) => (this.#madeOf(x, other) ? `${use('opaque')}(${t})` : t);
    return binary(e.op, 'f32', hide(a, e.a, e.b), hide(b, e.b, e.a), use);
  }
  /** What a value is, without its name and its sign. */
  #plain(e: Expr): Expr {
    if (e.k === 'un' && e.op === 'neg') return this.#plain(e.a);
    const known = e.k === 'var' ? this.defined.get(e.name) : undefined;
    return known ? this.#plain(known) : e;
  }
  #madeOf(x: Expr, part: Expr): boolean {
    const sum = this.#plain(x);
    if (sum.k !== 'bin' && sum.k !== 'fma') return false;
    const p = this.#plain(part);
    const has = (y: Expr) => exprEq(y, part) || exprEq(this.#plain(y), p);
    if (sum.k === 'fma') return has(sum.a) || has(sum.b) || has(sum.c);
    return (sum.op === 'add' || sum.op === 'sub') && (has(sum.a) || has(sum.b));
  }

  #fma(e: Expr & { k: 'fma' }): string {
    const [a, b, c] = [e.a, e.b, e.c].map((x) => this.#text(x));
    const { use } = this.parts;
    if (this.parts.exact) return `${use('opaque')}(${use('opaque')}(${a} * ${b}) + ${c})`;
    const product = this.#plain(e.c);
    const back = product.k === 'bin' && product.op === 'mul';
    return `fma(${a}, ${b}, ${back ? `${use('opaque')}(${c})` : c})`;
  }

  #call(e: Expr & { k: 'call' }): string {
    this.parts.calls.add(e.fn);
    return `k_${e.fn}(${e.args.map((x) => this.#text(x)).join(', ')})`;
  }

  /** What both sides share is computed before the branch, which is seldom taken. */
  #rare(e: Expr & { k: 'rare' }): string {
    const operands = e.call.k === 'call' ? e.call.args : [e.call];
    const texts = operands.map((x) => this.#text(x));
    const name = this.parts.fresh('r');
    this.line(`var ${name} = ${this.#text(e.other)};`);
    const call = e.call;
    if (call.k === 'call') this.parts.calls.add(call.fn);
    const taken = call.k === 'call' ? `k_${call.fn}(${texts.join(', ')})` : texts[0];
    this.line(`if (${this.#text(e.c)}) { ${name} = ${taken}; }`);
    return name;
  }

  tileIndex(tile: string, index: readonly Expr[]): string {
    const dims = this.tiles.get(tile);
    if (!dims) throw new Error(`there is no tile ${tile}`);
    let flat = '';
    index.forEach((e, i) => {
      const t = this.#text(e);
      flat = i === 0 ? t : `(${flat} * ${dims[i]}i + ${t})`;
    });
    return `[${flat}]`;
  }
  readonly tiles = new Map<string, readonly number[]>();

  // --- memory ----------------------------------------------------------------------------------------------
  #index(index: Expr): string {
    return index.k === 'const' ? `${index.value >>> 0}u` : `u32(${this.#text(index)})`;
  }
  buffer(name: string): ShaderBuffer {
    const b = this.parts.buffers.get(name);
    if (!b) throw new Error(`there is no buffer ${name}`);
    return b;
  }
  /** The place of an element, in elements from the start of the heap's page. */
  place(b: ShaderBuffer, index: Expr): string {
    this.parts.touched.add(b.index);
    return index.k === 'const' && index.value === 0 ? `b${b.index}` : `(b${b.index} + ${this.#index(index)})`;
  }
  /** An element of a workgroup's array, which may be one of vectors. */
  #shared(b: ShaderBuffer, index: Expr): string {
    const at = this.#index(index);
    if (!b.four) return `${b.shared}[${at}]`;
    const i = /^\w+$/.test(at) ? at : this.bind(at);
    return `${b.shared}[${i} >> 2u][${i} & 3u]`;
  }
  #word(b: ShaderBuffer, at: string): string {
    if (this.parts.vectors) {
      const i = /^\w+$/.test(at) ? at : this.bind(at);
      return `H${b.index}[${i} >> 2u][${i} & 3u]`;
    }
    return this.parts.atomic ? `atomicLoad(&H${b.index}[${at}])` : `H${b.index}[${at}]`;
  }

  /** A component of four elements that are loaded together; null where the index does not tell which. */
  #four(b: ShaderBuffer, index: Expr): string | null {
    if (!this.#fours || !b.four) return null;
    const a = affine(this.#expanded(index));
    if (a.c < 0 || a.terms.some((t) => t.coef % 4 !== 0)) return null;
    const first = fromAffine({ terms: a.terms, c: a.c - (a.c % 4) });
    const key = `${b.index}:${printExpr(first)}`;
    let name = this.#fours.get(key);
    if (!name) {
      const at = b.shared ? this.#index(first) : this.place(b, first);
      name = this.bind(`${b.shared ?? `H${b.index}`}[${at} >> 2u]`);
      this.#fours.set(key, name);
    }
    return `${name}.${'xyzw'[a.c % 4]}`;
  }

  /** An index in the variables that names are bound to: it may then be seen to be a multiple of four. */
  #expanded(e: Expr): Expr {
    return mapExpr(e, (x) => {
      const known = x.k === 'var' && x.ty === 'i32' ? this.defined.get(x.name) : undefined;
      return known && this.#expanded(known);
    });
  }

  load(buf: string, index: Expr, ty: DType): string {
    const b = this.buffer(buf);
    const four = this.#four(b, index);
    if (b.shared) {
      const element = four ?? this.#shared(b, index);
      return b.ty === 'f16' ? `f32(${element})` : element;
    }
    if (four) return valueOfWord(b.ty, four);
    const at = this.place(b, index);
    switch (b.ty) {
      case 'f32':
      case 'i32':
      case 'u32':
      case 'bool':
        return valueOfWord(b.ty, this.#word(b, at));
      case 'i8':
      case 'u8': {
        const p = this.bind(at);
        const w = this.#word(b, `${p} >> 2u`);
        const part = `(${p} & 3u) * 8u, 8u`;
        return b.ty === 'u8' ? `bitcast<i32>(extractBits(${w}, ${part}))` : `extractBits(bitcast<i32>(${w}), ${part})`;
      }
      case 'f16': {
        const p = this.bind(at);
        if (this.parts.useHalf()) return `f32(bitcast<vec2<f16>>(${this.#word(b, `${p} >> 1u`)})[${p} & 1u])`;
        const h = this.parts.fresh('h');
        this.line(
          `let ${nameText(h)} = bitcast<i32>(extractBits(${this.#word(b, `${p} >> 1u`)}, (${p} & 1u) * 16u, 16u));`,
        );
        return this.#inner(fromHalfBitsExpr({ k: 'var', ty: 'i32', name: h }));
      }
      default:
        throw new Error(`${ty} in memory`);
    }
  }

  /** An expression of its own in the middle of another one. */
  #inner(e: Expr): string {
    const [uses, texts] = [this.#uses, this.#texts];
    const text = this.bind(this.value(e));
    [this.#uses, this.#texts] = [uses, texts];
    return text;
  }

  /** Stores a value, which for float16 is its bits. */
  store(b: ShaderBuffer, index: Expr, value: Expr): void {
    const [at, v] = this.#storeTexts(b, index, value);
    if (b.shared) {
      if (b.ty === 'f16') this.parts.useHalf();
      this.line(`${this.#shared(b, index)} = ${b.ty === 'f16' ? `f16(${v})` : v};`);
      return;
    }
    const target = `H${b.index}`;
    const size = b.ty === 'f16' ? 2 : b.ty === 'i8' || b.ty === 'u8' ? 1 : 4;
    if (size === 4) {
      const word = wordText(b.ty, v);
      this.line(this.parts.atomic ? `atomicStore(&${target}[${at}], ${word});` : `${this.#word(b, at)} = ${word};`);
      return;
    }
    // Others may store the rest of the word at the same time: two operations on this part alone.
    const [p, mask, shift] = [this.bind(at), size === 2 ? '65535u' : '255u', size === 2 ? 1 : 2];
    const by = this.bind(`(${p} & ${size === 2 ? 1 : 3}u) * ${8 * size}u`);
    this.line(`atomicAnd(&${target}[${p} >> ${shift}u], ~(${mask} << ${by}));`);
    this.line(`atomicOr(&${target}[${p} >> ${shift}u], (bitcast<u32>(${v}) & ${mask}) << ${by});`);
  }
  /** Combines a value with an element of the heap while others do the same. */
  combine(b: ShaderBuffer, index: Expr, value: Expr, op: 'add' | 'max' | 'min'): void {
    const [at, v] = this.#storeTexts(b, index, value);
    const target = `H${b.index}[${this.bind(at)}]`;
    // The sum of words is that of integers of either kind.
    if (op === 'add' && b.ty !== 'f32') {
      this.line(`atomicAdd(&${target}, ${wordText(b.ty, v)});`);
      return;
    }
    const own = this.bind(v);
    const old = this.parts.fresh('old');
    this.line(`var ${old} = atomicLoad(&${target});`);
    this.block('loop', () => {
      const next = binary(op, b.ty, valueOfWord(b.ty, old), own, this.parts.use);
      this.line(`let tried = atomicCompareExchangeWeak(&${target}, ${old}, ${wordText(b.ty, next)});`);
      this.line('if (tried.exchanged) { break; }');
      this.line(`${old} = tried.old_value;`);
    });
  }
  #storeTexts(b: ShaderBuffer, index: Expr, value: Expr): [string, string] {
    this.#uses = new Map();
    this.#texts = new Map();
    this.#count(index);
    this.#count(value);
    const v = this.#text(value);
    return [b.shared ? '' : this.place(b, index), v];
  }
}

/** The value of a word of memory. */
const valueOfWord = (ty: DType, word: string): string =>
  ty === 'u32' ? word : ty === 'bool' ? `(${word} != 0u)` : `bitcast<${ty}>(${word})`;

/** A value as the word that memory holds. */
export const wordText = (ty: DType, v: string): string =>
  ty === 'u32' ? v : ty === 'bool' ? `u32(${v})` : `bitcast<u32>(${v})`;
