// Lines of WGSL under construction, and expressions as text. Sub-expressions that stand more than once are bound to
// names, and so are long ones: shader compilers bound how deep expressions nest.

import { children, type Expr, exprEq } from '../../ir/kernel/expr.ts';
import type { DType } from '../../ir/types.ts';
import { nameText, type ShaderParts, tileText } from './parts.ts';
import { binary, convert, literal, typeText, unary } from './values.ts';

/** Characters of an expression from which on it gets a name. */
const LONG = 160;

export abstract class ExpressionWriter {
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

  /** Begins a statement with these expressions: what they share is computed once. */
  protected begin(...list: Expr[]): void {
    this.#uses = new Map();
    this.#texts = new Map();
    for (const e of list) this.count(e);
  }
  /** The text of an expression of its own in the middle of a statement. */
  protected aside(e: Expr): string {
    const [uses, texts] = [this.#uses, this.#texts];
    const text = this.bind(this.value(e));
    [this.#uses, this.#texts] = [uses, texts];
    return text;
  }

  /** The texts of the expressions of one statement: what they share is computed once. */
  values(...list: Expr[]): string[] {
    this.begin(...list);
    return list.map((e) => this.text(e));
  }
  value(e: Expr): string {
    return this.values(e)[0];
  }
  /** As `value`, under a name or as a constant: to stand more than once. */
  named(e: Expr): string {
    const text = this.value(e);
    return e.k === 'const' || e.k === 'var' ? text : this.bind(text);
  }
  /** A name for a text. */
  bind(text: string): string {
    const name = this.parts.fresh('t');
    this.line(`let ${name} = ${text};`);
    return name;
  }

  private count(e: Expr): void {
    const n = this.#uses.get(e) ?? 0;
    this.#uses.set(e, n + 1);
    if (n === 0) for (const c of children(e)) this.count(c);
  }

  protected text(e: Expr): string {
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
    return e.k === 'const' ? this.bind(this.text(e)) : this.text(e);
  }

  #compound(e: Exclude<Expr, { k: 'const' | 'var' }>): string {
    const { use } = this.parts;
    switch (e.k) {
      case 'load':
        return this.load(e.buf, e.index, e.ty);
      case 'tile':
        return `${tileText(e.tile)}${this.tileIndex(e.tile, e.index)}`;
      case 'un':
        if (e.op === 'sqrt' && this.parts.exact) return `${use('exact_sqrt')}(${this.text(e.a)})`;
        return unary(e.op, e.ty, this.#operand(e.a));
      case 'bin': {
        const zero = (e.op === 'div' || e.op === 'rem') && e.b.k === 'const' && e.b.value === 0;
        const a = e.b.k === 'const' ? this.#operand(e.a) : this.text(e.a);
        const b = zero ? this.#operand(e.b) : this.text(e.b);
        // By its bits: GPUs may take subnormal numbers for 0.
        if (e.a.ty === 'f32' && (e.op === 'ne' || e.op === 'eq') && e.b.k === 'const' && e.b.value === 0)
          return `${e.op === 'eq' ? '!' : ''}${use('f_to_bool')}(${a})`;
        const same = (e.op === 'ne' || e.op === 'eq') && exprEq(e.a, e.b);
        if (e.ty === 'f32' && e.op === 'div' && this.parts.exact) return `${use('exact_div')}(${a}, ${b})`;
        if (e.ty === 'f32' && (e.op === 'add' || e.op === 'sub' || e.op === 'mul')) return this.#sum(e, a, b);
        return this.#once(e, a, b, (x, y) => binary(e.op, e.a.ty, x, y, use, same));
      }
      case 'sel':
        return `select(${this.text(e.b)}, ${this.text(e.a)}, ${this.text(e.c)})`;
      case 'cast':
        return convert(e.a.ty, e.ty, this.#operand(e.a), use);
      case 'bits': {
        if (e.ty === 'f32') return `bitcast<f32>(${this.#operand(e.a)})`;
        return `bitcast<${typeText(e.ty)}>(${this.text(e.a)})`;
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
    const [a, b, c] = [e.a, e.b, e.c].map((x) => this.text(x));
    const { use } = this.parts;
    if (this.parts.exact) return `${use('opaque')}(${use('opaque')}(${a} * ${b}) + ${c})`;
    const product = this.#plain(e.c);
    const back = product.k === 'bin' && product.op === 'mul';
    return `fma(${a}, ${b}, ${back ? `${use('opaque')}(${c})` : c})`;
  }

  #call(e: Expr & { k: 'call' }): string {
    this.parts.calls.add(e.fn);
    return `k_${e.fn}(${e.args.map((x) => this.text(x)).join(', ')})`;
  }

  /** What both sides share is computed before the branch, which is seldom taken. */
  #rare(e: Expr & { k: 'rare' }): string {
    const operands = e.call.k === 'call' ? e.call.args : [e.call];
    const texts = operands.map((x) => this.text(x));
    const name = this.parts.fresh('r');
    this.line(`var ${name} = ${this.text(e.other)};`);
    const call = e.call;
    if (call.k === 'call') this.parts.calls.add(call.fn);
    const taken = call.k === 'call' ? `k_${call.fn}(${texts.join(', ')})` : texts[0];
    this.line(`if (${this.text(e.c)}) { ${name} = ${taken}; }`);
    return name;
  }

  tileIndex(tile: string, index: readonly Expr[]): string {
    const dims = this.tiles.get(tile);
    if (!dims) throw new Error(`there is no tile ${tile}`);
    let flat = '';
    index.forEach((e, i) => {
      const t = this.text(e);
      flat = i === 0 ? t : `(${flat} * ${dims[i]}i + ${t})`;
    });
    return `[${flat}]`;
  }
  readonly tiles = new Map<string, readonly number[]>();

  /** The text of an element of a buffer. */
  protected abstract load(buf: string, index: Expr, ty: DType): string;
}
