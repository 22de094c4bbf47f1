// Transposed convolutions: the way back of a convolution, from small images to large ones.

import { ArgumentError } from '../../../ir/errors.ts';
import { emitter as b } from '../../trace/dispatch.ts';
import { conv2dTranspose, conv3dTranspose } from '../../trace/ops/conv.ts';
import { transpose } from '../../trace/ops/shape.ts';
import type { Tensor } from '../../trace/tensor.ts';
import type { Config } from '../engine/serialize.ts';
import { exactlyOne, type OneOrMany, oneShape, type Shape } from '../engine/symbolic.ts';
import type { LayerVariable } from '../engine/weights.ts';
import { BaseConv, type BaseConvArgs, convKeys } from './conv.ts';
import { countOption, tuple } from './options.ts';
import { WeightOptions } from './weight-options.ts';

export interface ConvTransposeArgs extends BaseConvArgs {
  /** Channels of the output. */
  filters: number;
  /** Elements added at the end, to choose among the sizes that a convolution makes the input's of. */
  outputPadding?: number | number[] | null;
}

/** Weights: kernel [...window, filters, channels] (glorotUniform), bias [filters]. */
abstract class ConvTranspose extends BaseConv {
  readonly filters: number;
  readonly outputPadding: readonly number[] | null;
  readonly #kernel: WeightOptions;
  kernel: LayerVariable | undefined;

  constructor(axes: number, args: ConvTransposeArgs) {
    super(axes, args, ['filters', 'outputPadding', ...convKeys('kernel')]);
    const op = this.label;
    this.filters = countOption(args.filters, 'filters', op);
    const extra = args.outputPadding;
    this.outputPadding = extra === undefined || extra === null ? null : tuple(extra, axes, 'outputPadding', op, 0);
    this.outputPadding?.forEach((p, i) => {
      if (p >= this.strides[i])
        throw new ArgumentError(`outputPadding [${this.outputPadding}] must be less than strides [${this.strides}]`, {
          op,
          fix: 'it chooses among the sizes between two strides; leave it out for the usual one',
        });
    });
    this.#kernel = new WeightOptions(args, 'kernel', 'glorotUniform', op);
  }

  override build(inputShape: Shape | Shape[]): void {
    const channels = this.channels(inputShape);
    this.kernel = this.#kernel.add(this, 'kernel', [...this.kernelSize, this.filters, channels]);
    if (this.useBias) this.bias = this.biasOptions.add(this, 'bias', [this.filters]);
    this.fixChannels(channels);
  }

  /** Length of an axis of the output. */
  #length(size: number | null, i: number): number | null {
    if (size === null) return null;
    const [stride, same] = [this.strides[i], this.padding === 'same'];
    const reach = (this.kernelSize[i] - 1) * this.dilationRate[i] + 1;
    if (!this.outputPadding) return same ? size * stride : size * stride + Math.max(reach - stride, 0);
    return (size - 1) * stride + reach - (same ? 2 * Math.floor(reach / 2) : 0) + this.outputPadding[i];
  }
  protected override outputOf(inputShape: Shape | Shape[], filters: number): Shape {
    const shape = oneShape(inputShape, this.label);
    const last = this.dataFormat === 'channelsLast';
    const space = this.kernelSize.map((_, i) => this.#length(shape[i + (last ? 1 : 2)], i));
    return last ? [shape[0], ...space, filters] : [shape[0], filters, ...space];
  }

  override call(inputs: OneOrMany<Tensor>): Tensor {
    const x = exactlyOne(inputs, this.label).cast(this.dtype);
    const n = this.axes;
    const space = this.kernelSize.map((_, i) => i);
    const first = this.dataFormat === 'channelsFirst';
    const input = first ? transpose(x, [0, ...space.map((i) => i + 2), 1]) : x;
    const want = this.outputOf([...x.shape], this.filters) as number[];
    const size = first ? want.slice(2) : want.slice(1, n + 1);
    // A dilated window is a larger one with zeros between.
    const gaps = [...this.dilationRate.map((d) => d - 1), 0, 0];
    const kernel = (this.kernel as LayerVariable).read();
    const none = gaps.map(() => 0);
    const wide = gaps.some((g) => g) ? (b.pad(kernel, none, none, gaps) as Tensor) : kernel;
    const y = this.#transposed(input, wide, [x.shape[0], ...size, this.filters]);
    return this.finish(first ? transpose(y, [0, n + 1, ...space.map((i) => i + 1)]) : y);
  }

  #transposed(x: Tensor, kernel: Tensor, shape: number[]): Tensor {
    const { axes: n, strides } = this;
    // Over one axis: images of one row.
    if (n === 1) {
      const [batch, size, filters] = shape;
      const row = conv2dTranspose(
        x.reshape([x.shape[0], 1, x.shape[1], x.shape[2]]),
        kernel.reshape([1, ...kernel.shape]),
        [batch, 1, size, filters],
        [1, ...strides],
        this.#pad([1, ...kernel.shape.slice(0, 1)], [1, size], [1, ...strides], [1, x.shape[1]]),
      );
      return row.reshape(shape);
    }
    const pad = this.#pad(kernel.shape.slice(0, n), shape.slice(1, n + 1), strides, x.shape.slice(1, n + 1));
    return (n === 2 ? conv2dTranspose : conv3dTranspose)(x, kernel, shape, [...strides], pad);
  }

  /** Padding of the convolution that this one is the way back of. */
  #pad(
    window: readonly number[],
    size: readonly number[],
    strides: readonly number[],
    from: readonly number[],
  ): 'valid' | 'same' | [number, number][] {
    if (!this.outputPadding || this.padding === 'valid')
      return this.outputPadding ? this.#pairs(window, size, strides, from, 0) : (this.padding as 'valid');
    return this.#pairs(window, size, strides, from, 1);
  }
  #pairs(
    window: readonly number[],
    size: readonly number[],
    strides: readonly number[],
    from: readonly number[],
    same: 0 | 1,
  ): [number, number][] {
    const pairs = window.map((k, i): [number, number] => {
      const low = same * Math.floor(k / 2);
      // As much at the end as the steps need.
      return [low, Math.max(0, (from[i] - 1) * strides[i] + k - size[i] - low)];
    });
    return [[0, 0], ...pairs, [0, 0]];
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return this.outputOf(inputShape, this.filters);
  }
  override getConfig(): Config {
    return { ...super.getConfig(), filters: this.filters, outputPadding: this.outputPadding, ...this.#kernel.config() };
  }
}

/** Transposed convolution over one axis: [batch, steps, channels] to [batch, more steps, filters]. */
export class Conv1DTranspose extends ConvTranspose {
  static readonly className = 'Conv1DTranspose';
  constructor(args: ConvTransposeArgs) {
    super(1, args);
  }
}
/** Transposed convolution over two axes. */
export class Conv2DTranspose extends ConvTranspose {
  static readonly className = 'Conv2DTranspose';
  constructor(args: ConvTransposeArgs) {
    super(2, args);
  }
}
/** Transposed convolution over three axes. */
export class Conv3DTranspose extends ConvTranspose {
  static readonly className = 'Conv3DTranspose';
  constructor(args: ConvTransposeArgs) {
    super(3, args);
  }
}
