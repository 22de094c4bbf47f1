// What models are drawn with: symbolic tensors stand for the tensors that will flow, nodes for the
// uses of layers. Both only record; nothing is computed.

import { ArgumentError } from '../../../ir/errors.ts';
import type { DataType } from '../../trace/dtypes.ts';
import type { Tensor } from '../../trace/tensor.ts';
import type { Layer } from './layer.ts';

/** A shape in which null is a dimension that is not known yet, such as that of the batch. */
export type Shape = (number | null)[];

/** One value, or several in an array. */
export type OneOrMany<T> = T | T[];
/**
 * What a layer gives: one value, or an array where it has several. It can be used as either; which one
 * it is follows from the layer.
 */
export type Output<T> = T & T[];

export const toList = <T>(x: T | readonly T[]): T[] => (Array.isArray(x) ? [...x] : [x as T]);
/** An array of one element as that element. */
export const fromList = <T>(list: T[]): Output<T> => (list.length === 1 ? list[0] : list) as Output<T>;

/** `[null, 28, 28]` as text. */
export const shapeText = (shape: readonly (number | null)[]): string =>
  `[${shape.map((d) => (d === null ? 'null' : d)).join(', ')}]`;

/** The only element of an array, or what is no array; throws ArgumentError for several. */
export function exactlyOne<T>(x: T | readonly T[], where: string): T {
  if (!Array.isArray(x)) return x as T;
  if (x.length === 1) return x[0];
  throw new ArgumentError(`takes one input, got ${x.length}`, {
    op: where,
    fix: 'give one tensor; layers.concatenate and the like join several',
  });
}

/** One shape where a layer takes one input. */
export function oneShape(x: Shape | Shape[], where: string): Shape {
  return isShapes(x) ? exactlyOne(x, where) : x;
}

export const isShapes = (x: Shape | Shape[]): x is Shape[] => Array.isArray(x[0]);
export const shapeList = (x: Shape | Shape[]): Shape[] => (isShapes(x) ? x : [x]);

let nextId = 0;

/** Stands for a tensor of a model: shape (null for the batch), dtype, and the layer that gives it. */
export class SymbolicTensor {
  readonly id = nextId++;
  readonly shape: Shape;
  readonly dtype: DataType;
  readonly name: string;
  /** The use of a layer that gives it. */
  readonly node: Node;
  /** Which of the layer's outputs it is. */
  readonly tensorIndex: number;

  constructor(shape: Shape, dtype: DataType, node: Node, tensorIndex: number, name: string) {
    this.shape = shape;
    this.dtype = dtype;
    this.node = node;
    this.tensorIndex = tensorIndex;
    this.name = name;
  }

  get rank(): number {
    return this.shape.length;
  }
  get sourceLayer(): Layer {
    return this.node.layer;
  }
  get nodeIndex(): number {
    return this.node.index;
  }
  /** The symbolic tensors that it is computed from. */
  get inputs(): readonly SymbolicTensor[] {
    return this.node.inputs;
  }
  toString(): string {
    return `SymbolicTensor ${this.name} ${this.dtype}${shapeText(this.shape)}`;
  }
  /** Operations compute with numbers, so they refuse it. */
  valueOf(): never {
    throw noValue(this);
  }
}

/** The error for a symbolic tensor where a tensor is needed. */
export const noValue = (x: SymbolicTensor, op?: string): ArgumentError =>
  new ArgumentError(`${x} stands for a tensor of a model and has no value`, {
    op,
    fix: 'apply layers to it (tf.layers.lambda for a function of your own), then make a tf.model and call predict',
  });

/** One use of a layer: what it was applied to, and what it gave. */
export class Node {
  readonly layer: Layer;
  /** Which use of the layer it is. */
  readonly index: number;
  /** As given to `apply`: one tensor or an array of them. */
  readonly given: OneOrMany<SymbolicTensor>;
  readonly kwargs: Readonly<Record<string, unknown>>;
  /** All symbolic tensors it depends on: the inputs, then those among the named arguments. */
  readonly inputs: readonly SymbolicTensor[];
  outputs: SymbolicTensor[] = [];
  /** Whether the layer gave an array. */
  many = false;

  constructor(layer: Layer, given: OneOrMany<SymbolicTensor>, kwargs: Readonly<Record<string, unknown>>) {
    this.layer = layer;
    this.index = layer.inboundNodes.length;
    this.given = given;
    this.kwargs = kwargs;
    this.inputs = [...toList(given), ...symbolicsIn(kwargs)];
    layer.inboundNodes.push(this);
    for (const from of new Set(this.inputs.map((t) => t.sourceLayer))) from.outboundNodes.push(this);
  }

  /** The layers that its inputs come from. */
  get inboundLayers(): Layer[] {
    return this.inputs.map((t) => t.sourceLayer);
  }
  get inputTensors(): readonly SymbolicTensor[] {
    return toList(this.given);
  }
  get outputTensors(): readonly SymbolicTensor[] {
    return this.outputs;
  }
  get inputShapes(): Shape[] {
    return toList(this.given).map((t) => t.shape);
  }
  get outputShapes(): Shape[] {
    return this.outputs.map((t) => t.shape);
  }
}

/** The symbolic tensors among named arguments, also in arrays. */
export function symbolicsIn(kwargs: Readonly<Record<string, unknown>>): SymbolicTensor[] {
  return Object.values(kwargs)
    .flat()
    .filter((x) => x instanceof SymbolicTensor);
}

/** Named arguments with every symbolic tensor replaced. */
export function replaceSymbolics(
  kwargs: Readonly<Record<string, unknown>>,
  value: (s: SymbolicTensor) => Tensor,
): Record<string, unknown> {
  const one = (x: unknown): unknown => (x instanceof SymbolicTensor ? value(x) : Array.isArray(x) ? x.map(one) : x);
  return Object.fromEntries(Object.entries(kwargs).map(([k, x]) => [k, one(x)]));
}
