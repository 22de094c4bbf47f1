// Layers that only move elements: reshape, permute, repeat.

import { ArgumentError, ShapeError } from '../../../ir/errors.ts';
import type { DataType } from '../../trace/dtypes.ts';
import { expandDims, tile, transpose } from '../../trace/ops/shape.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { InputSpec } from '../engine/input-spec.ts';
import { Layer, type LayerArgs } from '../engine/layer.ts';
import type { Config } from '../engine/serialize.ts';
import { exactlyOne, type OneOrMany, oneShape, type Shape, shapeText } from '../engine/symbolic.ts';
import { countOption } from './options.ts';

export interface ReshapeArgs extends LayerArgs {
  /** Shape without the batch; one -1 stands for what is left. */
  targetShape: Shape;
}

/** The elements of each sample in another shape. */
export class Reshape extends Layer {
  static readonly className = 'Reshape';
  readonly targetShape: readonly number[];

  /** Throws ArgumentError for a shape that is none. */
  constructor(args: ReshapeArgs) {
    super(args, ['targetShape']);
    const given = args.targetShape;
    if (!Array.isArray(given))
      throw new ArgumentError('targetShape is missing', { op: this.label, fix: 'such as {targetShape: [28, 28, 1]}' });
    this.targetShape = given.map((d) => (d === null || (d as number) < 0 ? -1 : (d as number)));
    if (this.targetShape.filter((d) => d === -1).length > 1)
      throw new ArgumentError(`targetShape [${given.map(String)}] has more than one unknown`, {
        op: this.label,
        fix: 'at most one size may be -1',
      });
  }
  /** The target for samples of that shape. */
  #target(shape: readonly (number | null)[]): Shape {
    const known = this.targetShape.filter((d) => d !== -1).reduce((n, d) => n * d, 1);
    if (shape.includes(null)) return this.targetShape.map((d) => (d === -1 ? null : d));
    const size = (shape as number[]).reduce((n, d) => n * d, 1);
    const open = this.targetShape.includes(-1);
    if (open ? known === 0 || size % known : size !== known)
      throw new ShapeError(
        `${size} elements of ${shapeText([...shape])} do not fit into ${shapeText([...this.targetShape])}`,
        {
          op: this.label,
          fix: 'the product of targetShape must be that of the shape of a sample; -1 stands for what is left',
        },
      );
    return this.targetShape.map((d) => (d === -1 ? size / known : d));
  }
  override call(inputs: OneOrMany<Tensor>): Tensor {
    const x = exactlyOne(inputs, this.label);
    return x.reshape([x.shape[0], ...(this.#target(x.shape.slice(1)) as number[])]);
  }
  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const [batch, ...rest] = oneShape(inputShape, this.label);
    return [batch, ...this.#target(rest)];
  }
  override outputDType([dtype]: readonly DataType[]): DataType {
    return dtype;
  }
  override getConfig(): Config {
    return { ...super.getConfig(), targetShape: this.targetShape };
  }
}

export interface PermuteArgs extends LayerArgs {
  /** The axes of a sample in their new order, from 1. */
  dims: number[];
}

/** Other order of the axes of a sample. */
export class Permute extends Layer {
  static readonly className = 'Permute';
  readonly dims: readonly number[];

  /** Throws ArgumentError where `dims` is no order of 1, 2, …. */
  constructor(args: PermuteArgs) {
    super(args, ['dims']);
    const { dims } = args;
    if (!Array.isArray(dims) || [...dims].sort((a, b) => a - b).some((d, i) => d !== i + 1))
      throw new ArgumentError(`dims must be the numbers 1 to n in some order, not [${dims}]`, {
        op: this.label,
        fix: '1 is the first axis after the batch: dims: [2, 1]',
      });
    this.dims = [...dims];
    this.inputSpec = [new InputSpec({ ndim: dims.length + 1 })];
  }
  override call(inputs: OneOrMany<Tensor>): Tensor {
    return transpose(exactlyOne(inputs, this.label), [0, ...this.dims]);
  }
  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const shape = oneShape(inputShape, this.label);
    return [shape[0], ...this.dims.map((d) => shape[d])];
  }
  override outputDType([dtype]: readonly DataType[]): DataType {
    return dtype;
  }
  override getConfig(): Config {
    return { ...super.getConfig(), dims: this.dims };
  }
}

export interface RepeatVectorArgs extends LayerArgs {
  n: number;
}

/** [batch, features] n times: [batch, n, features]. */
export class RepeatVector extends Layer {
  static readonly className = 'RepeatVector';
  readonly n: number;
  constructor(args: RepeatVectorArgs) {
    super(args, ['n']);
    this.n = countOption(args.n, 'n', this.label);
    this.inputSpec = [new InputSpec({ ndim: 2 })];
  }
  override call(inputs: OneOrMany<Tensor>): Tensor {
    return tile(expandDims(exactlyOne(inputs, this.label), 1), [1, this.n, 1]);
  }
  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const [batch, features] = oneShape(inputShape, this.label);
    return [batch, this.n, features];
  }
  override outputDType([dtype]: readonly DataType[]): DataType {
    return dtype;
  }
  override getConfig(): Config {
    return { ...super.getConfig(), n: this.n };
  }
}
