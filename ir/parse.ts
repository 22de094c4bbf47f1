// Graph text back to graphs: the inverse of print.ts, so that print(parse(print(g))) is print(g). The
// types in the text are not believed but compared with what inference gives.

import { Builder } from './builder.ts';
import { ArgumentError, SinterError, valueText } from './errors.ts';
import type { Attrs, AttrValue, Graph, Value } from './graph.ts';
import { arrayFor, Literal } from './literal.ts';
import { attrNames, findOp, type OpDef } from './op.ts';
import { Cursor, type Token } from './tokens.ts';
import {
  type Dim,
  type DType,
  dtypes,
  openDim,
  type Shape,
  stateType,
  type TensorType,
  tensorType,
  typeEq,
  typeText,
} from './types.ts';

export interface ParseOptions {
  /** Data of the constants that the text names by hash; see `constantsOf`. */
  readonly constants?: ReadonlyMap<string, Literal>;
}

/** The one function of a text. */
export function parseGraph(text: string, opt: ParseOptions = {}): Graph {
  if (typeof text !== 'string')
    throw new ArgumentError(`takes a graph's text, got ${valueText(text)}`, { op: 'parseGraph', fix: 'String(graph)' });
  const p = new Parser(text, opt);
  const g = p.func('func');
  p.end();
  return g;
}

/** Every function of a text, in order. */
export function parseModule(text: string, opt: ParseOptions = {}): Graph[] {
  const p = new Parser(text, opt);
  const graphs: Graph[] = [];
  while (!p.atEnd) graphs.push(p.func('func'));
  return graphs;
}

/** The constants of a graph and its regions that its text may name by hash. */
export function constantsOf(g: Graph, into = new Map<string, Literal>()): Map<string, Literal> {
  for (const n of g.nodes) {
    for (const v of Object.values(n.attrs)) if (v instanceof Literal && v.data) into.set(v.hash, v);
    for (const r of n.regions) constantsOf(r, into);
  }
  return into;
}

/** An attribute before its op says what it is: lists stay nested. */
type RawAttr = number | string | boolean | Dim | readonly RawAttr[] | { readonly hash: Token };
/** A reference, or a number in place of an operand. */
interface Operand {
  readonly token: Token;
  readonly value?: Value;
}

const toNumber = (t: Token): number => {
  if (t.text.endsWith('inf')) return t.text.startsWith('-') ? -Infinity : Infinity;
  return t.text.endsWith('nan') ? Number.NaN : Number(t.text);
};

class Parser {
  #c: Cursor;
  #constants: ReadonlyMap<string, Literal>;

  constructor(text: string, opt: ParseOptions) {
    this.#c = new Cursor(text);
    this.#constants = opt.constants ?? new Map();
  }

  get atEnd(): boolean {
    return this.#c.token.kind === 'end';
  }
  end(): void {
    if (!this.atEnd) throw this.#c.expected('the end of the text');
  }

  /** `func @name(%p: type, …) -> types { … return … }`, or the same as a region. */
  func(head: 'func' | 'region'): Graph {
    const c = this.#c;
    if (!c.accept(head)) throw c.expected(`'${head}'`);
    const b = new Builder(c.take('name', 'the name of the function (@…)').text);
    const scope = new Map<string, Value>();
    c.list('(', ')', () => {
      const name = c.take('value', 'a parameter (%…)');
      c.mark(':');
      this.#define(scope, name, b.param(this.#type(), name.text));
    });
    c.mark('->');
    const at = c.token;
    const want = c.is('(') ? c.list('(', ')', () => this.#type()) : [this.#type()];
    c.mark('{');
    while (!c.is('return')) this.#statement(b, scope);
    c.next();
    const results: Value[] = [];
    if (!c.is('}')) {
      do results.push(this.#use(scope));
      while (c.accept(','));
    }
    c.mark('}');
    this.#sameTypes(
      at,
      results.map((r) => r.type),
      want,
      'the results are',
    );
    return b.build(results);
  }

  #define(scope: Map<string, Value>, name: Token, v: Value): void {
    if (scope.has(name.text)) throw this.#c.fail(`%${name.text} is defined twice`, name);
    scope.set(name.text, v);
  }
  #use(scope: Map<string, Value>): Value {
    const name = this.#c.take('value');
    const v = scope.get(name.text);
    if (!v) throw this.#c.fail(`%${name.text} is not defined here`, name);
    return v;
  }

  /** `%0, %1 : types = op operands {attributes} regions`. */
  #statement(b: Builder, scope: Map<string, Value>): void {
    const c = this.#c;
    const names: Token[] = [];
    do names.push(c.take('value', names.length ? undefined : "a value (%…) or 'return'"));
    while (c.accept(','));
    c.mark(':');
    const at = c.token;
    const want: TensorType[] = [];
    do want.push(this.#type());
    while (c.accept(','));
    c.mark('=');
    const word = c.take('word', 'the name of an op');
    const op = findOp(word.text);
    if (!op) throw c.fail(`there is no op named '${word.text}'`, word);
    const operands = this.#operands(scope);
    const raw = c.is('{') ? this.#attrs() : {};
    const regions: Graph[] = [];
    while (c.is('region')) regions.push(this.func('region'));
    const outputs = this.#emit(b, op, word, operands, this.#finish(op, raw, want[0]), regions);
    this.#sameTypes(
      at,
      outputs.map((o) => o.type),
      want,
      `${op.name} gives`,
    );
    if (outputs.length !== names.length)
      throw c.fail(`${op.name} has ${outputs.length} result(s), ${names.length} are named`, names[0]);
    names.forEach((n, i) => {
      this.#define(scope, n, outputs[i]);
    });
  }

  #operands(scope: Map<string, Value>): Operand[] {
    const c = this.#c;
    const list: Operand[] = [];
    if (c.token.kind !== 'value' && c.token.kind !== 'number') return list;
    do {
      const { token } = c;
      if (token.kind === 'number') list.push({ token: c.next() });
      else list.push({ token, value: this.#use(scope) });
    } while (c.accept(','));
    return list;
  }

  /** Appends the operation; whatever inference has against it is an error at the op's name. */
  #emit(b: Builder, op: OpDef, at: Token, operands: readonly Operand[], attrs: Attrs, regions: readonly Graph[]) {
    const group = op.sameType ?? [];
    const typed = group.map((i) => operands[i]?.value).find((v) => v !== undefined);
    const inputs = operands.map(({ token, value }, i) => {
      if (value) return value;
      if (!typed || !group.includes(i))
        throw this.#c.fail('a number may stand only for an operand that shares its type with a value beside it', token);
      return b.splat(typed.type, toNumber(token));
    });
    const names = attrNames(op);
    if (names) {
      const unknown = Object.keys(attrs).find((k) => !names.known.has(k));
      if (unknown)
        throw this.#c.fail(
          `${op.name} has no attribute '${unknown}'; it takes ${[...names.known].join(', ') || 'none'}`,
          at,
        );
      const missing = names.required.find((k) => !(k in attrs));
      if (missing) throw this.#c.fail(`${op.name} needs the attribute '${missing}'`, at);
    }
    try {
      return b.emit(op, inputs, attrs, regions);
    } catch (e) {
      if (e instanceof SinterError) throw this.#c.fail(e.message.replace(/\n {2}at your line: .*/, ''), at);
      // Inference reads attributes as it needs them and trips over those that are missing.
      if (e instanceof TypeError)
        throw this.#c.fail(`${op.name}: attributes are missing or malformed (${e.message})`, at);
      throw e;
    }
  }

  #sameTypes(at: Token, got: readonly TensorType[], written: readonly TensorType[], what: string): void {
    if (got.length === written.length && got.every((t, i) => typeEq(t, written[i]))) return;
    const text = (ts: readonly TensorType[]) => ts.map(typeText).join(', ') || 'nothing';
    throw this.#c.fail(`${what} ${text(got)}, but ${text(written)} is written`, at);
  }

  #type(): TensorType {
    const c = this.#c;
    const word = c.take('word', 'a type');
    if (word.text === 'state' && c.accept('<')) {
      const held = this.#type();
      c.mark('>');
      return stateType(held);
    }
    if (!dtypes.includes(word.text as DType)) throw c.fail(`expected a type, found '${word.text}'`, word);
    return tensorType(
      word.text as DType,
      c.list('[', ']', () => this.#dim()),
    );
  }

  /** `7`, `B:64` or `3*B:64`. */
  #dim(): Dim {
    const c = this.#c;
    const first = c.token;
    if (first.kind === 'word') return this.#openDim(1);
    const n = toNumber(c.take('number', 'a dimension'));
    if (c.accept('*')) return this.#openDim(n);
    if (!Number.isInteger(n) || n < 0)
      throw c.fail(`a dimension must be an integer of at least 0, not ${first.text}`, first);
    return n;
  }
  #openDim(scale: number): Dim {
    const c = this.#c;
    if (!c.accept('B')) throw c.expected("'B', the open batch size");
    c.mark(':');
    const bound = c.take('number', 'the bound of B');
    const value = toNumber(bound);
    if (!Number.isInteger(value) || value < 1 || !Number.isInteger(scale) || scale < 1)
      throw c.fail('the bound of B and its factor must be positive integers', bound);
    return openDim(value, scale);
  }

  #attrs(): Record<string, RawAttr> {
    const c = this.#c;
    const attrs: Record<string, RawAttr> = {};
    c.list('{', '}', () => {
      const key = c.take('word', 'the name of an attribute');
      if (Object.hasOwn(attrs, key.text)) throw c.fail(`the attribute ${key.text} stands twice`, key);
      c.mark('=');
      attrs[key.text] = this.#attr();
    });
    return attrs;
  }

  #attr(): RawAttr {
    const c = this.#c;
    const { token } = c;
    if (c.is('[')) return c.list('[', ']', () => this.#element());
    if (token.kind === 'hash') return { hash: c.next() };
    if (token.kind === 'string') return this.#string(c.next());
    if (token.kind === 'number') return toNumber(c.next());
    const word = c.take('word', "an attribute's value").text;
    return word === 'true' ? true : word === 'false' ? false : word;
  }
  #element(): RawAttr {
    const c = this.#c;
    if (c.is('[')) return c.list('[', ']', () => this.#element());
    if (c.token.kind === 'word') return this.#openDim(1);
    const n = toNumber(c.take('number', 'a number or a list'));
    return c.accept('*') ? this.#openDim(n) : n;
  }
  #string(t: Token): string {
    try {
      return JSON.parse(t.text) as string;
    } catch {
      throw this.#c.fail('malformed string', t);
    }
  }

  /** Attributes as the op has them: a constant's data takes its type from the result. */
  #finish(op: OpDef, raw: Record<string, RawAttr>, type: TensorType): Attrs {
    const attrs: Record<string, AttrValue> = {};
    for (const [k, v] of Object.entries(raw)) {
      if (op.name === 'constant' && k === 'value') attrs[k] = this.#literal(v, type);
      else if (typeof v === 'object' && 'hash' in v) throw this.#c.fail('only a constant takes data', v.hash);
      else attrs[k] = v as AttrValue;
    }
    if (op.name === 'constant') {
      attrs.dtype = type.dtype;
      attrs.shape = type.shape as Shape;
    }
    return attrs;
  }
  #literal(v: RawAttr, type: TensorType): Literal {
    if (typeof v === 'number') return Literal.splat(v);
    if (typeof v === 'object' && 'hash' in v) {
      const known = this.#constants.get(v.hash.text);
      if (!known) throw this.#c.fail(`the constant #${v.hash.text} is not among the constants given`, v.hash);
      return known;
    }
    if (!Array.isArray(v) || !v.every((x) => typeof x === 'number'))
      throw this.#c.fail("a constant's value is a number, a list of numbers or a #hash");
    const data = arrayFor(type.dtype, v.length);
    data.set(v as number[]);
    return Literal.of(data);
  }
}
