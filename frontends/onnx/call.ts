// One use of an operator: its operands and attributes, checked as they are asked for; and the records of operators.

import { ArgumentError, FormatError } from '../../ir/errors.ts';
import type { DType } from '../../ir/types.ts';
import { isFloat } from '../../ir/types.ts';
import { b } from '../formats/functions.ts';
import { type GraphFunction, type GraphNode, known, nodeText, type Scope } from '../formats/graph-function.ts';
import { operandOf } from '../trace/dispatch.ts';
import { Tensor } from '../trace/tensor.ts';

/** An optional value: there or not. */
export class Optional {
  readonly value: OnnxValue | undefined;
  constructor(value: OnnxValue | undefined) {
    this.value = value;
  }
}
/** What values are: tensors, sequences, optional ones. */
export type OnnxValue = Tensor | readonly OnnxValue[] | Optional;

/** Attributes as they are in the file, brought to plain values. */
export type AttributeValue = number | string | readonly number[] | readonly string[] | Tensor | OnnxGraph;
export type OnnxGraph = GraphFunction<OnnxNode, OnnxValue>;

/** A node of a graph that was read. */
export interface OnnxNode extends GraphNode {
  readonly operator: Operator;
  readonly attributes: ReadonlyMap<string, AttributeValue>;
  /** The version of its operator set. */
  readonly version: number;
}

type Result = OnnxValue | readonly (OnnxValue | undefined)[] | undefined;

/** An operator from some version of its set on. */
export interface Operator {
  readonly op: string;
  /** '' is ai.onnx. */
  readonly domain: string;
  /** The first version of the set that it is for; of several records the newest that the model has counts. */
  readonly since: number;
  /** Gives its only result, or all of them. */
  readonly run: (c: Call) => Result;
  /** It gives something else each time. */
  readonly impure?: boolean;
  /** Shapes of its results depend on elements: outside of traces only, unless those are known. */
  readonly dynamic?: boolean;
  /** Operands that are numbers the program is made of, never trained: shapes, axes, amounts. */
  readonly fixed?: readonly number[];
  /** Operands that are statistics: Variables, but not trained. */
  readonly statistics?: readonly number[];
  /** It works element by element, and operands broadcast: the order of axes is no concern. */
  readonly pointwise?: boolean;
  /** Gives all results in a list, one of which may be a sequence. */
  readonly list?: boolean;
}

type Traits = Partial<Pick<Operator, 'impure' | 'dynamic' | 'fixed' | 'statistics' | 'pointwise' | 'list'>>;
/** A record of an operator of ai.onnx. */
export const define = (op: string, since: number, run: Operator['run'], traits: Traits = {}): Operator => ({
  op,
  domain: '',
  since,
  run,
  ...traits,
});
/** What a few bytes of a model may ask to be listed, one by one. */
const mostListed = 2 ** 24;

/** The same of another domain. */
export const inDomain = (domain: string, records: readonly Operator[]): Operator[] =>
  records.map((r) => ({ ...r, domain }));

export class Call {
  readonly node: OnnxNode;
  readonly operands: readonly (OnnxValue | undefined)[];
  readonly scope: Scope<OnnxValue>;

  constructor(node: OnnxNode, operands: readonly (OnnxValue | undefined)[], scope: Scope<OnnxValue>) {
    this.node = node;
    this.operands = operands;
    this.scope = scope;
  }

  get version(): number {
    return this.node.version;
  }
  /** How many results the graph names. */
  get outputs(): number {
    return this.node.outputs.length;
  }
  /** Whether somebody uses that result. */
  uses(i: number): boolean {
    return Boolean(this.node.outputs[i]);
  }

  /** The error for a node that is not as the specification says. */
  wrong(what: string): FormatError {
    return new FormatError(`${nodeText(this.node)}: ${what}`, { fix: 'export the model anew' });
  }
  /** The error for values that an operator does not take. */
  refuse(what: string, fix?: string): ArgumentError {
    return new ArgumentError(what, { op: this.node.op, fix });
  }

  /** How many there are of something that is listed while the model is read, from 0 on. Throws ArgumentError for more. */
  count(n: number, what: string): number {
    if (Number.isInteger(n) && n >= 0 && n <= mostListed) return n;
    throw this.refuse(`${n} ${what}`, `from 0 to ${mostListed} are possible`);
  }

  /** An operand that must be there: a tensor. */
  x(i: number): Tensor {
    const v = this.maybe(i);
    if (!v) throw this.wrong(`operand ${i} is missing`);
    return v;
  }
  /** An operand that may be left out. */
  maybe(i: number): Tensor | undefined {
    const v = this.operands[i];
    if (v === undefined) return undefined;
    if (v instanceof Tensor) return operandOf(v);
    throw this.wrong(`operand ${i} is no tensor`);
  }
  /** All operands, as tensors. */
  all(): Tensor[] {
    return this.operands.map((_, i) => this.x(i));
  }
  /** An operand as a sequence. */
  sequence(i: number): readonly OnnxValue[] {
    const v = this.operands[i];
    if (Array.isArray(v)) return v;
    throw this.wrong(`operand ${i} is no sequence`);
  }

  /** The elements of an operand that must be known. @param why what they are */
  known(i: number, why: string): number[] {
    return Array.from(known(this.x(i), this.node, i, why));
  }
  /** The only element of an operand that must be known. */
  knownScalar(i: number, why: string): number {
    const [x, ...more] = this.known(i, why);
    if (x === undefined || more.length) throw this.refuse(`operand ${i} (${why}) must have one element`);
    return x;
  }
  /** Numbers that are an attribute in old versions and an operand in new ones. */
  ints(name: string, operand?: number, why = name): number[] | undefined {
    if (operand !== undefined && this.operands[operand] !== undefined) return this.known(operand, why);
    const v = this.node.attributes.get(name);
    if (v === undefined) return undefined;
    if (!Array.isArray(v) || !v.every((n) => typeof n === 'number'))
      throw this.wrong(`attribute '${name}' is no list of numbers`);
    return [...v] as number[];
  }
  strings(name: string): string[] | undefined {
    const v = this.node.attributes.get(name);
    if (v === undefined) return undefined;
    if (!Array.isArray(v) || !v.every((n) => typeof n === 'string'))
      throw this.wrong(`attribute '${name}' is no list of texts`);
    return [...v] as string[];
  }
  /** A number: an int or a float. */
  number(name: string, otherwise?: number): number {
    const v = this.node.attributes.get(name) ?? otherwise;
    if (typeof v !== 'number')
      throw this.wrong(v === undefined ? `attribute '${name}' is missing` : `attribute '${name}' is no number`);
    return v;
  }
  flag(name: string, otherwise = false): boolean {
    return this.number(name, otherwise ? 1 : 0) !== 0;
  }
  /** A text; where `among` is given, one of these. */
  text<T extends string>(name: string, otherwise: T, among?: readonly T[]): T {
    const v = this.node.attributes.get(name) ?? otherwise;
    if (typeof v !== 'string') throw this.wrong(`attribute '${name}' is no text`);
    if (among && !among.includes(v as T)) throw this.refuse(`${name} '${v}' is none of ${among.join(', ')}`);
    return v as T;
  }
  tensor(name: string): Tensor | undefined {
    const v = this.node.attributes.get(name);
    if (v === undefined || v instanceof Tensor) return v;
    throw this.wrong(`attribute '${name}' is no tensor`);
  }
  graph(name: string): OnnxGraph {
    const v = this.node.attributes.get(name);
    if (typeof v === 'object' && 'body' in v) return v;
    throw this.wrong(`attribute '${name}' is no graph`);
  }
  /** Runs a graph of the node on values of its inputs. */
  runGraph(g: OnnxGraph, values: readonly OnnxValue[]): OnnxValue[] {
    const { name, inputs, outputs } = g.body;
    if (inputs.length !== values.length || values.includes(undefined as never))
      throw this.wrong(`its graph '${name}' takes ${inputs.length} value(s), given are ${values.length}`);
    return g.run(new Map(inputs.map((x, i) => [x, values[i]])), outputs, this.scope);
  }
  has(name: string): boolean {
    return this.node.attributes.has(name);
  }

  /** An axis from 0 on. */
  axis(axis: number, rank: number): number {
    if (!Number.isInteger(axis) || axis < -rank || axis >= rank)
      throw this.refuse(`axis ${axis} is out of range for rank ${rank}`);
    return axis < 0 ? axis + rank : axis;
  }
  axes(axes: readonly number[], rank: number): number[] {
    const found = axes.map((a) => this.axis(a, rank));
    if (new Set(found).size !== found.length) throw this.refuse(`axes [${axes}] name one axis twice`);
    return found;
  }
}

/** A tensor at a dtype that has arithmetic: 8-bit integers as int32. */
export const wide = (x: Tensor): Tensor => (x.type.dtype === 'i8' || x.type.dtype === 'u8' ? b.convert(x, 'i32') : x);
/** Back to what it was. */
export const narrow = (x: Tensor, dtype: DType): Tensor => b.convert(x, dtype);
/** A float tensor as it is, anything else as float32. */
export const floats = (x: Tensor): Tensor => (isFloat(x.type.dtype) ? x : b.convert(x, 'f32'));
