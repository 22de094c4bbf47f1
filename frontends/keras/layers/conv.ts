// Convolutions over one, two and three axes.

import { ArgumentError, ShapeError } from '../../../ir/errors.ts';
import { conv1d, conv2d, conv3d } from '../../trace/ops/conv.ts';
import { pad } from '../../trace/ops/shape.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { type Activation, type ActivationIdentifier, getActivation, serializeActivation } from '../activations.ts';
import { InputSpec } from '../engine/input-spec.ts';
import { Layer, type LayerArgs } from '../engine/layer.ts';
import type { Config } from '../engine/serialize.ts';
import { exactlyOne, type OneOrMany, oneShape, type Shape } from '../engine/symbolic.ts';
import type { LayerVariable } from '../engine/weights.ts';
import { activate } from './activate.ts';
import { type DataFormat, dataFormatOption, tensorFormat } from './data-format.ts';
import { countOption, knownAxis, oneOf, tuple } from './options.ts';
import { type WeightOptionArgs, WeightOptions, weightKeys } from './weight-options.ts';

export type Padding = 'valid' | 'same' | 'causal';

/** What all convolutions but the number of filters take. */
export interface BaseConvArgs extends LayerArgs, WeightOptionArgs<'kernel' | 'bias'> {
  /** Size of the window: a number for all axes, or one for each. */
  kernelSize: number | number[];
  /** 1 by default. */
  strides?: number | number[];
  /** 'valid' (default), 'same'; over one axis also 'causal'. */
  padding?: Padding;
  dataFormat?: DataFormat;
  /** Distance of the window's elements; 1 by default. */
  dilationRate?: number | number[];
  activation?: ActivationIdentifier;
  /** true by default. */
  useBias?: boolean;
}

export interface ConvArgs extends BaseConvArgs {
  /** Channels of the output. */
  filters: number;
  /** Groups of channels that do not see each other; 1 by default. */
  groups?: number;
}

export const convKeys = (...weights: string[]): string[] => [
  'kernelSize',
  'strides',
  'padding',
  'dataFormat',
  'dilationRate',
  'activation',
  'useBias',
  ...weightKeys(...weights, 'bias'),
];

/** Length of an axis after a window has gone over it. Throws ShapeError where it does not fit in once. */
export function convLength(
  size: number | null,
  kernel: number,
  stride: number,
  padding: Padding,
  dilation = 1,
): number | null {
  if (size === null) return null;
  const reach = (kernel - 1) * dilation + 1;
  if (padding === 'valid' && size > 0 && reach > size)
    throw new ShapeError(`a window of ${reach} does not fit into an axis of ${size}`, {
      op: 'computeOutputShape',
      fix: "make the window smaller, use padding: 'same', or leave out some of the pooling before",
    });
  return Math.max(0, Math.floor(((padding === 'valid' ? size - reach : size - 1) + stride) / stride));
}

/** What all convolutions have: window, strides, padding, dilation, format, bias and activation. */
export abstract class BaseConv extends Layer {
  /** Axes that the window moves along. */
  readonly axes: number;
  readonly kernelSize: readonly number[];
  readonly strides: readonly number[];
  readonly padding: Padding;
  readonly dataFormat: DataFormat;
  readonly dilationRate: readonly number[];
  readonly activation: Activation;
  readonly useBias: boolean;
  protected readonly biasOptions: WeightOptions;
  bias: LayerVariable | null = null;

  constructor(axes: number, args: BaseConvArgs, known: readonly string[]) {
    super(args, known);
    const op = this.label;
    this.axes = axes;
    this.kernelSize = tuple(args.kernelSize, axes, 'kernelSize', op);
    this.strides = tuple(args.strides ?? 1, axes, 'strides', op);
    this.padding = oneOf(
      args.padding ?? 'valid',
      axes === 1 ? ['valid', 'same', 'causal'] : ['valid', 'same'],
      'padding',
      op,
    );
    this.dataFormat = dataFormatOption(args.dataFormat, op);
    this.dilationRate = tuple(args.dilationRate ?? 1, axes, 'dilationRate', op);
    if (this.strides.some((s) => s > 1) && this.dilationRate.some((d) => d > 1))
      throw new ArgumentError(
        `strides [${this.strides}] and dilationRate [${this.dilationRate}] cannot both be more than 1`,
        {
          op,
          fix: 'use one of the two',
        },
      );
    this.activation = getActivation(args.activation, op);
    this.useBias = args.useBias ?? true;
    this.biasOptions = new WeightOptions(args, 'bias', 'zeros', op);
    this.inputSpec = [new InputSpec({ ndim: axes + 2 })];
  }

  protected get channelAxis(): number {
    return this.dataFormat === 'channelsLast' ? this.axes + 1 : 1;
  }
  /** Channels of an input of that shape, which must be known. */
  protected channels(inputShape: Shape | Shape[]): number {
    return knownAxis(oneShape(inputShape, this.label), this.channelAxis, this.label);
  }
  /** Fixes the channels that inputs must have. */
  protected fixChannels(channels: number): void {
    this.inputSpec = [new InputSpec({ ndim: this.axes + 2, axes: { [this.channelAxis]: channels } })];
    this.built = true;
  }
  /** Adds the bias and applies the activation. */
  protected finish(y: Tensor): Tensor {
    if (!this.bias) return activate(this.activation, y);
    const bias = this.bias.read();
    const spread =
      this.dataFormat === 'channelsLast' ? bias : bias.reshape([bias.size, ...this.kernelSize.map(() => 1)]);
    return activate(this.activation, y.add(spread));
  }
  /** The shape of the output with these channels. */
  protected outputOf(inputShape: Shape | Shape[], filters: number): Shape {
    const shape = oneShape(inputShape, this.label);
    const from = this.dataFormat === 'channelsLast' ? 1 : 2;
    const space = this.kernelSize.map((k, i) =>
      convLength(shape[from + i], k, this.strides[i], this.padding, this.dilationRate[i]),
    );
    return this.dataFormat === 'channelsLast' ? [shape[0], ...space, filters] : [shape[0], filters, ...space];
  }

  override getConfig(): Config {
    return {
      ...super.getConfig(),
      kernelSize: this.kernelSize,
      strides: this.strides,
      padding: this.padding,
      dataFormat: this.dataFormat,
      dilationRate: this.dilationRate,
      activation: serializeActivation(this.activation) as Config[string],
      useBias: this.useBias,
      ...this.biasOptions.config(),
    };
  }
}

/** Convolution. Weights: kernel [...window, channels / groups, filters] (glorotUniform), bias [filters]. */
export abstract class Conv extends BaseConv {
  readonly filters: number;
  readonly groups: number;
  readonly #kernel: WeightOptions;
  kernel: LayerVariable | undefined;

  constructor(axes: number, args: ConvArgs, known: readonly string[] = []) {
    super(axes, args, ['filters', 'groups', ...convKeys('kernel'), ...known]);
    this.filters = countOption(args.filters, 'filters', this.label);
    this.groups = countOption(args.groups ?? 1, 'groups', this.label);
    if (this.filters % this.groups)
      throw new ArgumentError(`${this.filters} filters cannot be divided into ${this.groups} groups`, {
        op: this.label,
        fix: 'choose groups that divide filters and channels',
      });
    this.#kernel = new WeightOptions(args, 'kernel', 'glorotUniform', this.label);
  }

  override build(inputShape: Shape | Shape[]): void {
    const channels = this.channels(inputShape);
    if (channels % this.groups)
      throw new ArgumentError(`${channels} channels cannot be divided into ${this.groups} groups`, {
        op: this.label,
        fix: 'choose groups that divide the channels of the input',
      });
    this.kernel = this.#kernel.add(this, 'kernel', [...this.kernelSize, channels / this.groups, this.filters]);
    if (this.useBias) this.bias = this.biasOptions.add(this, 'bias', [this.filters]);
    this.fixChannels(channels);
  }

  override call(inputs: OneOrMany<Tensor>): Tensor {
    return this.finish(
      this.convolve(exactlyOne(inputs, this.label).cast(this.dtype), (this.kernel as LayerVariable).read()),
    );
  }

  /** The bare convolution. */
  protected convolve(x: Tensor, kernel: Tensor): Tensor {
    const { strides, dilationRate, axes } = this;
    const format = tensorFormat(this.dataFormat, axes);
    const padding = this.padding === 'same' ? 'same' : 'valid';
    if (axes === 1) {
      const reach = (this.kernelSize[0] - 1) * dilationRate[0];
      const last = this.dataFormat === 'channelsLast';
      const t =
        this.padding === 'causal'
          ? pad(
              x,
              last
                ? [
                    [0, 0],
                    [reach, 0],
                    [0, 0],
                  ]
                : [
                    [0, 0],
                    [0, 0],
                    [reach, 0],
                  ],
            )
          : x;
      return conv1d(t, kernel, strides[0], padding, format as 'NWC', dilationRate[0]);
    }
    return (axes === 2 ? conv2d : conv3d)(x, kernel, strides, padding, format as never, dilationRate);
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return this.outputOf(inputShape, this.filters);
  }
  override getConfig(): Config {
    return { ...super.getConfig(), filters: this.filters, groups: this.groups, ...this.#kernel.config() };
  }
}

/** Convolution over one axis: [batch, steps, channels] to [batch, new steps, filters]. */
export class Conv1D extends Conv {
  static readonly className = 'Conv1D';
  constructor(args: ConvArgs) {
    super(1, args);
  }
}
/** Convolution over two axes: [batch, height, width, channels] to [batch, new height, new width, filters]. */
export class Conv2D extends Conv {
  static readonly className = 'Conv2D';
  constructor(args: ConvArgs) {
    super(2, args);
  }
}
/** Convolution over three axes: [batch, depth, height, width, channels]. */
export class Conv3D extends Conv {
  static readonly className = 'Conv3D';
  constructor(args: ConvArgs) {
    super(3, args);
  }
}
