// Attributes of nodes.

import { FormatError, valueText } from '../../ir/errors.ts';
import type { DType } from '../../ir/types.ts';
import { dtypeOf, tfType } from './dtypes.ts';
import type { Message } from './messages.ts';
import { type PartialShape, partialShape } from './shapes.ts';

type Attr = Message<'AttrValue'>;
type Attrs = ReadonlyMap<string, Attr>;

/** A function's name and the attributes that it is called with. */
export interface FunctionRef {
  readonly name: string;
  readonly attrs: Attrs;
}

/** The attributes of one node by name and type. All throw FormatError for a value of another type. */
export class Attributes {
  readonly #attrs: Attrs;
  readonly #node: string;

  /** @param node its name, for errors */
  constructor(attrs: Attrs, node: string) {
    this.#attrs = attrs;
    this.#node = node;
  }

  has(name: string): boolean {
    return this.#attrs.has(name);
  }
  isInt(name: string): boolean {
    return typeof this.#attrs.get(name)?.i === 'number';
  }
  isList(name: string): boolean {
    return this.#attrs.get(name)?.list !== undefined;
  }

  #bad(name: string, want: string): FormatError {
    const a = this.#attrs.get(name);
    return new FormatError(
      `node '${this.#node}': the attribute '${name}' must be ${want}, ${a ? `got ${valueText(a)}` : 'and is not there'}`,
      { fix: 'the graph is damaged, or of another version of TensorFlow: export it anew' },
    );
  }
  #get<T>(name: string, want: string, fallback: T | undefined, of: (a: Attr) => T | undefined): T {
    const a = this.#attrs.get(name);
    const x = a ? of(a) : fallback;
    if (x === undefined) throw this.#bad(name, want);
    return x;
  }

  /** Proto3 leaves zeros out: an attribute without any value is 0, false or ''. */
  int(name: string, fallback?: number): number {
    return this.#get(name, 'a whole number', fallback, (a) => (a.i === undefined ? (a.f ?? 0) : Number(a.i)));
  }
  float(name: string, fallback?: number): number {
    return this.#get(name, 'a number', fallback, (a) => a.f ?? Number(a.i ?? 0));
  }
  bool(name: string, fallback = false): boolean {
    return this.#get(name, 'true or false', fallback, (a) => a.b ?? Boolean(a.i ?? 0));
  }
  text(name: string, fallback?: string): string {
    return this.#get(name, 'text', fallback, (a) => new TextDecoder().decode(a.s ?? new Uint8Array()));
  }
  ints(name: string, fallback?: readonly number[]): readonly number[] {
    return this.#get(name, 'a list of whole numbers', fallback, (a) => a.list?.i.map(Number) ?? []);
  }
  floats(name: string, fallback?: readonly number[]): readonly number[] {
    return this.#get(name, 'a list of numbers', fallback, (a) => a.list?.f ?? []);
  }
  texts(name: string, fallback?: readonly string[]): readonly string[] {
    const decoder = new TextDecoder();
    return this.#get(name, 'a list of texts', fallback, (a) => a.list?.s.map((s) => decoder.decode(s)) ?? []);
  }
  /** An element type, as here. Throws DTypeError for one that tensors do not have. */
  dtype(name: string, fallback?: DType): DType {
    return this.#get(name, 'an element type', fallback, (a) =>
      a.type ? dtypeOf(tfType(a.type, this.#node), this.#node) : fallback,
    );
  }
  /** TensorFlow's name of an element type, as 'DT_STRING'. */
  typeName(name: string, fallback?: string): string {
    return this.#get(name, 'an element type', fallback, (a) => (a.type ? tfType(a.type, this.#node).name : fallback));
  }
  types(name: string): readonly string[] {
    return this.#get(
      name,
      'a list of element types',
      undefined,
      (a) => a.list?.type.map((t) => tfType(t, this.#node).name) ?? [],
    );
  }
  shape(name: string): PartialShape {
    const a = this.#attrs.get(name);
    return a?.shape ? partialShape(a.shape, this.#node) : null;
  }
  tensor(name: string): Message<'TensorProto'> {
    return this.#get(name, 'a tensor', undefined, (a) => a.tensor);
  }
  func(name: string): FunctionRef {
    return this.#get(name, 'a function', undefined, (a) => a.func && refOf(a.func));
  }
  funcs(name: string): readonly FunctionRef[] {
    return this.#get(name, 'a list of functions', undefined, (a) => a.list?.func.map(refOf));
  }
  /** All functions that it refers to. */
  allFunctions(): FunctionRef[] {
    return [...this.#attrs.values()].flatMap((a) =>
      [a.func, ...(a.list?.func ?? [])].flatMap((f) => (f ? [refOf(f)] : [])),
    );
  }
}

const refOf = (f: Message<'NameAttrList'>): FunctionRef => ({ name: f.name ?? '', attrs: f.attr });
