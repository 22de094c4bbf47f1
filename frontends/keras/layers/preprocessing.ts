// Layers that prepare data: sizes and ranges of images, classes as vectors.

import { ArgumentError } from '../../../ir/errors.ts';
import { emitter as b } from '../../trace/dispatch.ts';
import { resize } from '../../trace/ops/resize.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { InputSpec } from '../engine/input-spec.ts';
import { type Kwargs, Layer, type LayerArgs } from '../engine/layer.ts';
import type { Config } from '../engine/serialize.ts';
import { exactlyOne, type OneOrMany, oneShape, type Shape } from '../engine/symbolic.ts';
import { numberOption } from '../resolve.ts';
import type { Interpolation } from './borders.ts';
import { countOption, oneOf } from './options.ts';
import { UnaryLayer } from './unary-layer.ts';

const methods = ['bilinear', 'nearest', 'bicubic', 'area'] as const;

export interface ResizingArgs extends LayerArgs {
  height: number;
  width: number;
  /** 'bilinear' (default), 'nearest', 'bicubic' or 'area'. */
  interpolation?: Interpolation;
  /** Whether the image is cut to the new ratio of its sides first, instead of being distorted. */
  cropToAspectRatio?: boolean;
}

/** Images [batch, h, w, channels] in another size, as float32. */
export class Resizing extends Layer {
  static readonly className = 'Resizing';
  readonly height: number;
  readonly width: number;
  readonly interpolation: Interpolation;
  readonly cropToAspectRatio: boolean;

  constructor(args: ResizingArgs) {
    super(args, ['height', 'width', 'interpolation', 'cropToAspectRatio']);
    this.height = countOption(args.height, 'height', this.label);
    this.width = countOption(args.width, 'width', this.label);
    this.interpolation = oneOf(args.interpolation ?? 'bilinear', methods, 'interpolation', this.label);
    this.cropToAspectRatio = args.cropToAspectRatio ?? false;
    this.inputSpec = [new InputSpec({ ndim: 4 })];
  }
  override call(inputs: OneOrMany<Tensor>): Tensor {
    const x = exactlyOne(inputs, this.label);
    return resized(x, this.height, this.width, this.cropToAspectRatio, this.interpolation).cast(this.dtype);
  }
  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const shape = oneShape(inputShape, this.label);
    return [shape[0], this.height, this.width, shape[3]];
  }
  override getConfig(): Config {
    const { height, width, interpolation, cropToAspectRatio } = this;
    return { ...super.getConfig(), height, width, interpolation, cropToAspectRatio };
  }
}

/** Images in another size, cut to its ratio of sides before where they are not to be distorted. */
export function resized(x: Tensor, height: number, width: number, cut: boolean, method: Interpolation): Tensor {
  return resize(cut ? toRatio(x, height / width) : x, [height, width], { method });
}

/** The largest part around the centre whose height is `ratio` times its width. */
function toRatio(x: Tensor, ratio: number): Tensor {
  const [, h, w] = x.shape;
  const [ch, cw] = [Math.min(h, Math.floor(w * ratio)), Math.min(w, Math.floor(h / ratio))];
  return centre(x, ch, cw);
}
function centre(x: Tensor, h: number, w: number): Tensor {
  const from = [0, Math.floor((x.shape[1] - h) / 2), Math.floor((x.shape[2] - w) / 2), 0];
  return x.slice(from, [x.shape[0], h, w, x.shape[3]]);
}

export interface RescalingArgs extends LayerArgs {
  scale: number;
  offset?: number;
}

/** x * scale + offset: bytes as 0 to 1 by `{scale: 1 / 255}`. */
export class Rescaling extends UnaryLayer {
  static readonly className = 'Rescaling';
  readonly scale: number;
  readonly offset: number;
  constructor(args: RescalingArgs) {
    super(args, ['scale', 'offset']);
    if (typeof args.scale !== 'number')
      throw new ArgumentError('the scale is missing', { op: this.label, fix: 'such as {scale: 1 / 255}' });
    this.scale = numberOption(args.scale, 'scale', this.label, 1);
    this.offset = numberOption(args.offset, 'offset', this.label, 0);
  }
  protected override map(x: Tensor): Tensor {
    return x.cast(this.dtype).mul(this.scale).add(this.offset);
  }
  override getConfig(): Config {
    return { ...super.getConfig(), scale: this.scale, offset: this.offset };
  }
}

export interface CenterCropArgs extends LayerArgs {
  height: number;
  width: number;
}

/** The middle of images; what is too small is enlarged first. */
export class CenterCrop extends Layer {
  static readonly className = 'CenterCrop';
  readonly height: number;
  readonly width: number;
  constructor(args: CenterCropArgs) {
    super(args, ['height', 'width']);
    this.height = countOption(args.height, 'height', this.label);
    this.width = countOption(args.width, 'width', this.label);
    this.inputSpec = [new InputSpec({ ndim: 4 })];
  }
  override call(inputs: OneOrMany<Tensor>): Tensor {
    const x = exactlyOne(inputs, this.label).cast(this.dtype);
    const { height, width } = this;
    if (x.shape[1] >= height && x.shape[2] >= width) return centre(x, height, width);
    return resized(x, height, width, true, 'bilinear').cast(this.dtype);
  }
  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const shape = oneShape(inputShape, this.label);
    return [shape[0], this.height, this.width, shape[3]];
  }
  override getConfig(): Config {
    return { ...super.getConfig(), height: this.height, width: this.width };
  }
}

const modes = ['multiHot', 'oneHot', 'count', 'int'] as const;
export interface CategoryEncodingArgs extends LayerArgs {
  /** Number of classes. */
  numTokens: number;
  /** 'multiHot' (default): 1 for each class of the sample; 'oneHot': a vector for each number; 'count': how often. */
  outputMode?: 'multiHot' | 'oneHot' | 'count' | 'int';
}

/** Class numbers as vectors of `numTokens` elements. Further argument with 'count': `countWeights`. */
export class CategoryEncoding extends Layer {
  static readonly className = 'CategoryEncoding';
  readonly numTokens: number;
  readonly outputMode: (typeof modes)[number];
  constructor(args: CategoryEncodingArgs) {
    super({ ...args, inputDType: args.inputDType ?? 'int32' }, ['numTokens', 'outputMode']);
    this.numTokens = countOption(args.numTokens, 'numTokens', this.label);
    const given = args.outputMode as string | undefined;
    const spelled = given === 'multi_hot' ? 'multiHot' : given === 'one_hot' ? 'oneHot' : (given ?? 'multiHot');
    this.outputMode = oneOf(spelled, modes, 'outputMode', this.label);
  }
  override call(inputs: OneOrMany<Tensor>, { countWeights }: Kwargs): Tensor {
    const x = exactlyOne(inputs, this.label).cast('int32');
    if (this.outputMode === 'int') return x.cast(this.dtype);
    const hot = (t: Tensor): Tensor =>
      b.convert(
        b.compare('eq', b.reshape(t, [...t.shape, 1]), b.iota([...t.shape.map(() => 1), this.numTokens], t.rank)),
        'f32',
      ) as Tensor;
    if (this.outputMode === 'oneHot') {
      const one = x.rank > 1 && x.shape[x.rank - 1] === 1 ? x.reshape(x.shape.slice(0, -1)) : x;
      return hot(one).cast(this.dtype);
    }
    const each = hot(x.rank === 1 ? x.reshape([x.size, 1]) : x);
    if (this.outputMode === 'multiHot') return each.max(each.rank - 2).cast(this.dtype);
    const weights = countWeights as Tensor | undefined;
    return (weights ? each.mul(weights.reshape([...weights.shape, 1])) : each).sum(each.rank - 2).cast(this.dtype);
  }
  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const shape = oneShape(inputShape, this.label);
    if (this.outputMode === 'int') return shape;
    if (this.outputMode === 'oneHot')
      return [...(shape.length > 1 && shape[shape.length - 1] === 1 ? shape.slice(0, -1) : shape), this.numTokens];
    return [...(shape.length === 1 ? shape : shape.slice(0, -1)), this.numTokens];
  }
  override getConfig(): Config {
    return { ...super.getConfig(), numTokens: this.numTokens, outputMode: this.outputMode };
  }
}
