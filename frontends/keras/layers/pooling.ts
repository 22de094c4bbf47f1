// Pooling: the largest or the mean of windows, or of everything.

import { avgPool, avgPool3d, maxPool, maxPool3d } from '../../trace/ops/pool.ts';
import { transpose } from '../../trace/ops/shape.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { InputSpec } from '../engine/input-spec.ts';
import { type Kwargs, Layer, type LayerArgs } from '../engine/layer.ts';
import type { Config } from '../engine/serialize.ts';
import { exactlyOne, type OneOrMany, oneShape, type Shape } from '../engine/symbolic.ts';
import { convLength, type Padding } from './conv.ts';
import { type DataFormat, dataFormatOption } from './data-format.ts';
import { oneOf, tuple } from './options.ts';

export interface PoolingArgs extends LayerArgs {
  /** Size of the window; 2 by default. */
  poolSize?: number | number[];
  /** poolSize by default. */
  strides?: number | number[] | null;
  padding?: Padding;
  dataFormat?: DataFormat;
}

type Kind = 'max' | 'average';

abstract class Pooling extends Layer {
  readonly #kind: Kind;
  readonly poolSize: readonly number[];
  readonly strides: readonly number[];
  readonly padding: Padding;
  readonly dataFormat: DataFormat;

  constructor(kind: Kind, axes: number, args: PoolingArgs = {}) {
    super(args, ['poolSize', 'strides', 'padding', 'dataFormat']);
    const op = this.label;
    this.#kind = kind;
    this.poolSize = tuple(args.poolSize ?? 2, axes, 'poolSize', op);
    this.strides = tuple(args.strides ?? this.poolSize, axes, 'strides', op);
    this.padding = oneOf(args.padding ?? 'valid', ['valid', 'same'], 'padding', op);
    this.dataFormat = dataFormatOption(args.dataFormat, op);
    this.inputSpec = [new InputSpec({ ndim: axes + 2 })];
  }

  override call(inputs: OneOrMany<Tensor>): Tensor {
    const x = exactlyOne(inputs, this.label);
    if (this.dataFormat === 'channelsLast') return this.#pool(x);
    const n = this.poolSize.length;
    const space = this.poolSize.map((_, i) => i + 1);
    return transpose(this.#pool(transpose(x, [0, ...space.map((i) => i + 1), 1])), [0, n + 1, ...space]);
  }
  #pool(x: Tensor): Tensor {
    const { poolSize: size, strides } = this;
    const pad = this.padding as 'same';
    const max = this.#kind === 'max';
    if (size.length === 3) return (max ? maxPool3d : avgPool3d)(x, size, strides, pad);
    if (size.length === 2) return (max ? maxPool : avgPool)(x, size, strides, pad);
    // Over one axis: images of one column.
    const [batch, steps, channels] = x.shape;
    const y = (max ? maxPool : avgPool)(x.reshape([batch, steps, 1, channels]), [size[0], 1], [strides[0], 1], pad);
    return y.reshape([batch, y.shape[1], channels]);
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const shape = oneShape(inputShape, this.label);
    const from = this.dataFormat === 'channelsLast' ? 1 : 2;
    return shape.map((d, i) => {
      const k = i - from;
      return k < 0 || k >= this.poolSize.length ? d : convLength(d, this.poolSize[k], this.strides[k], this.padding);
    });
  }
  override getConfig(): Config {
    return {
      ...super.getConfig(),
      poolSize: this.poolSize,
      strides: this.strides,
      padding: this.padding,
      dataFormat: this.dataFormat,
    };
  }
}

/** The largest of each window of steps. */
export class MaxPooling1D extends Pooling {
  static readonly className = 'MaxPooling1D';
  constructor(args?: PoolingArgs) {
    super('max', 1, args);
  }
}
/** The largest of each window of an image. */
export class MaxPooling2D extends Pooling {
  static readonly className = 'MaxPooling2D';
  constructor(args?: PoolingArgs) {
    super('max', 2, args);
  }
}
/** The largest of each window of a volume. */
export class MaxPooling3D extends Pooling {
  static readonly className = 'MaxPooling3D';
  constructor(args?: PoolingArgs) {
    super('max', 3, args);
  }
}
/** The mean of each window of steps; padding does not count. */
export class AveragePooling1D extends Pooling {
  static readonly className = 'AveragePooling1D';
  constructor(args?: PoolingArgs) {
    super('average', 1, args);
  }
}
/** The mean of each window of an image; padding does not count. */
export class AveragePooling2D extends Pooling {
  static readonly className = 'AveragePooling2D';
  constructor(args?: PoolingArgs) {
    super('average', 2, args);
  }
}
/** The mean of each window of a volume; padding does not count. */
export class AveragePooling3D extends Pooling {
  static readonly className = 'AveragePooling3D';
  constructor(args?: PoolingArgs) {
    super('average', 3, args);
  }
}

export interface GlobalPoolingArgs extends LayerArgs {
  dataFormat?: DataFormat;
  /** Whether the axes that are pooled stay, with length 1. */
  keepDims?: boolean;
}

abstract class GlobalPooling extends Layer {
  readonly #kind: Kind;
  readonly #axes: number;
  readonly dataFormat: DataFormat;
  readonly keepDims: boolean;

  constructor(kind: Kind, axes: number, args: GlobalPoolingArgs = {}) {
    super(args, ['dataFormat', 'keepDims']);
    this.#kind = kind;
    this.#axes = axes;
    this.dataFormat = dataFormatOption(args.dataFormat, this.label);
    this.keepDims = args.keepDims ?? false;
    this.inputSpec = [new InputSpec({ ndim: axes + 2 })];
    // Means of sequences leave out the steps that do not count.
    this.supportsMasking = kind === 'average' && axes === 1;
  }
  get #pooled(): number[] {
    const from = this.dataFormat === 'channelsLast' ? 1 : 2;
    return Array.from({ length: this.#axes }, (_, i) => from + i);
  }
  override call(inputs: OneOrMany<Tensor>, { mask }: Kwargs): Tensor {
    const x = exactlyOne(inputs, this.label);
    const [axes, keep] = [this.#pooled, this.keepDims];
    if (this.#kind === 'max') return x.max(axes, keep);
    if (!this.supportsMasking || !mask) return x.mean(axes, keep);
    const m = (mask as Tensor).cast(x.dtype);
    const weight =
      this.dataFormat === 'channelsLast' ? m.reshape([...m.shape, 1]) : m.reshape([m.shape[0], 1, m.shape[1]]);
    return x.mul(weight).sum(axes, keep).div(weight.sum(axes, keep));
  }
  override computeMask(): null {
    return null;
  }
  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const shape = oneShape(inputShape, this.label);
    const axes = this.#pooled;
    return this.keepDims ? shape.map((d, i) => (axes.includes(i) ? 1 : d)) : shape.filter((_, i) => !axes.includes(i));
  }
  override getConfig(): Config {
    return { ...super.getConfig(), dataFormat: this.dataFormat, keepDims: this.keepDims };
  }
}

/** The largest of all steps. */
export class GlobalMaxPooling1D extends GlobalPooling {
  static readonly className = 'GlobalMaxPooling1D';
  constructor(args?: GlobalPoolingArgs) {
    super('max', 1, args);
  }
}
/** The largest of an image, channel by channel. */
export class GlobalMaxPooling2D extends GlobalPooling {
  static readonly className = 'GlobalMaxPooling2D';
  constructor(args?: GlobalPoolingArgs) {
    super('max', 2, args);
  }
}
/** The largest of a volume, channel by channel. */
export class GlobalMaxPooling3D extends GlobalPooling {
  static readonly className = 'GlobalMaxPooling3D';
  constructor(args?: GlobalPoolingArgs) {
    super('max', 3, args);
  }
}
/** The mean of all steps that count. */
export class GlobalAveragePooling1D extends GlobalPooling {
  static readonly className = 'GlobalAveragePooling1D';
  constructor(args?: GlobalPoolingArgs) {
    super('average', 1, args);
  }
}
/** The mean of an image, channel by channel. */
export class GlobalAveragePooling2D extends GlobalPooling {
  static readonly className = 'GlobalAveragePooling2D';
  constructor(args?: GlobalPoolingArgs) {
    super('average', 2, args);
  }
}
/** The mean of a volume, channel by channel. */
export class GlobalAveragePooling3D extends GlobalPooling {
  static readonly className = 'GlobalAveragePooling3D';
  constructor(args?: GlobalPoolingArgs) {
    super('average', 3, args);
  }
}
