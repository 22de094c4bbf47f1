// Convolutions that treat channels by themselves: depthwise, and separable into depthwise and pointwise.

import { conv2d, depthwiseConv2d } from '../../trace/ops/conv.ts';
import type { Tensor } from '../../trace/tensor.ts';
import type { Config } from '../engine/serialize.ts';
import { exactlyOne, type OneOrMany, type Shape } from '../engine/symbolic.ts';
import type { LayerVariable } from '../engine/weights.ts';
import { BaseConv, type BaseConvArgs, convKeys } from './conv.ts';
import { countOption } from './options.ts';
import { type WeightOptionArgs, WeightOptions } from './weight-options.ts';

export interface DepthwiseConv2DArgs
  extends Omit<BaseConvArgs, 'kernelInitializer' | 'kernelRegularizer' | 'kernelConstraint'>,
    WeightOptionArgs<'depthwise'> {
  /** Output channels for each input channel; 1 by default. */
  depthMultiplier?: number;
}

type Op = (
  x: Tensor,
  kernel: Tensor,
  strides: readonly number[],
  format: 'NHWC' | 'NCHW',
  dilation: readonly number[],
) => Tensor;

/** A convolution of each channel by itself, over one axis or two. */
abstract class Depthwise extends BaseConv {
  readonly depthMultiplier: number;
  protected readonly depthwise: WeightOptions;
  depthwiseKernel: LayerVariable | undefined;

  constructor(axes: number, args: DepthwiseConv2DArgs, known: readonly string[] = []) {
    super(axes, args, ['depthMultiplier', ...convKeys('depthwise'), ...known]);
    this.depthMultiplier = countOption(args.depthMultiplier ?? 1, 'depthMultiplier', this.label);
    this.depthwise = new WeightOptions(args, 'depthwise', 'glorotUniform', this.label);
  }
  protected addDepthwise(channels: number, name: string): void {
    this.depthwiseKernel = this.depthwise.add(this, name, [...this.kernelSize, channels, this.depthMultiplier]);
  }
  /** Over one axis, images of one row. */
  protected asImage(x: Tensor, f: (image: Tensor) => Tensor): Tensor {
    if (this.axes === 2) return f(x);
    const last = this.dataFormat === 'channelsLast';
    const [n, p, q] = x.shape;
    const y = f(x.reshape(last ? [n, 1, p, q] : [n, p, 1, q]));
    return y.reshape(last ? [n, y.shape[2], y.shape[3]] : [n, y.shape[1], y.shape[3]]);
  }
  protected kernelOf(w: LayerVariable | undefined): Tensor {
    const kernel = (w as LayerVariable).read();
    return this.axes === 2 ? kernel : kernel.reshape([1, ...kernel.shape]);
  }
  protected get format(): 'NHWC' | 'NCHW' {
    return this.dataFormat === 'channelsLast' ? 'NHWC' : 'NCHW';
  }
  protected deep(image: Tensor): Tensor {
    const both = (v: readonly number[]) => (this.axes === 2 ? v : [1, ...v]);
    const op: Op = (x, k, s, format, d) => depthwiseConv2d(x, k, s, this.padding as 'same', format, d);
    return op(image, this.kernelOf(this.depthwiseKernel), both(this.strides), this.format, both(this.dilationRate));
  }
  override getConfig(): Config {
    return { ...super.getConfig(), depthMultiplier: this.depthMultiplier, ...this.depthwise.config() };
  }
}

/** Weights: depthwise_kernel [h, w, channels, depthMultiplier], bias [channels * depthMultiplier]. */
export class DepthwiseConv2D extends Depthwise {
  static readonly className = 'DepthwiseConv2D';
  constructor(args: DepthwiseConv2DArgs) {
    super(2, args);
  }
  override build(inputShape: Shape | Shape[]): void {
    const channels = this.channels(inputShape);
    this.addDepthwise(channels, 'kernel');
    if (this.useBias) this.bias = this.biasOptions.add(this, 'bias', [channels * this.depthMultiplier]);
    this.fixChannels(channels);
  }
  override call(inputs: OneOrMany<Tensor>): Tensor {
    return this.finish(this.deep(exactlyOne(inputs, this.label).cast(this.dtype)));
  }
  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return this.outputOf(inputShape, this.channels(inputShape) * this.depthMultiplier);
  }
}

export interface SeparableConvArgs extends DepthwiseConv2DArgs, WeightOptionArgs<'pointwise'> {
  /** Channels of the output. */
  filters: number;
}

/** Weights: depthwise_kernel [...window, channels, depthMultiplier], pointwise_kernel [1…, channels * depthMultiplier, filters], bias [filters]. */
abstract class SeparableConv extends Depthwise {
  readonly filters: number;
  readonly #pointwise: WeightOptions;
  pointwiseKernel: LayerVariable | undefined;

  constructor(axes: number, args: SeparableConvArgs) {
    super(axes, args, ['filters', 'pointwiseInitializer', 'pointwiseRegularizer', 'pointwiseConstraint']);
    this.filters = countOption(args.filters, 'filters', this.label);
    this.#pointwise = new WeightOptions(args, 'pointwise', 'glorotUniform', this.label);
  }
  override build(inputShape: Shape | Shape[]): void {
    const channels = this.channels(inputShape);
    this.addDepthwise(channels, 'depthwise_kernel');
    const shape = [...this.kernelSize.map(() => 1), channels * this.depthMultiplier, this.filters];
    this.pointwiseKernel = this.#pointwise.add(this, 'pointwise_kernel', shape);
    if (this.useBias) this.bias = this.biasOptions.add(this, 'bias', [this.filters]);
    this.fixChannels(channels);
  }
  override call(inputs: OneOrMany<Tensor>): Tensor {
    const x = exactlyOne(inputs, this.label).cast(this.dtype);
    const point = this.kernelOf(this.pointwiseKernel);
    return this.finish(this.asImage(x, (image) => conv2d(this.deep(image), point, 1, 'valid', this.format)));
  }
  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return this.outputOf(inputShape, this.filters);
  }
  override getConfig(): Config {
    return { ...super.getConfig(), filters: this.filters, ...this.#pointwise.config() };
  }
}

/** A separable convolution over one axis. */
export class SeparableConv1D extends SeparableConv {
  static readonly className = 'SeparableConv1D';
  constructor(args: SeparableConvArgs) {
    super(1, args);
  }
}
/** A separable convolution over two axes. */
export class SeparableConv2D extends SeparableConv {
  static readonly className = 'SeparableConv2D';
  constructor(args: SeparableConvArgs) {
    super(2, args);
  }
}
