// ConvLSTM2D: an LSTM of images, whose products are convolutions (Shi and others 2015).

import { conv2d } from '../../../trace/ops/conv.ts';
import type { Tensor } from '../../../trace/tensor.ts';
import { type Activation, type ActivationIdentifier, getActivation, serializeActivation } from '../../activations.ts';
import { InputSpec } from '../../engine/input-spec.ts';
import type { Kwargs, LayerArgs } from '../../engine/layer.ts';
import type { Config } from '../../engine/serialize.ts';
import { type OneOrMany, oneShape, type Shape, shapeList } from '../../engine/symbolic.ts';
import type { LayerVariable } from '../../engine/weights.ts';
import { convLength, type Padding } from '../conv.ts';
import { type DataFormat, dataFormatOption } from '../data-format.ts';
import { countOption, knownAxis, oneOf, rateOption, tuple } from '../options.ts';
import { type WeightOptionArgs, WeightOptions, weightKeys } from '../weight-options.ts';
import { RNNCell, StepDropout } from './cell.ts';
import { cellConfig } from './cell-config.ts';
import { forgettingBias, lstmStep } from './lstm-step.ts';
import { type BaseRNNArgs, RNN } from './rnn.ts';

export interface ConvLSTM2DCellArgs extends LayerArgs, WeightOptionArgs<'kernel' | 'recurrent' | 'bias'> {
  /** Channels of the output and of the states. */
  filters: number;
  kernelSize: number | number[];
  /** Of the convolution of the input; 1 by default. */
  strides?: number | number[];
  padding?: Padding;
  dataFormat?: DataFormat;
  dilationRate?: number | number[];
  /** tanh by default. */
  activation?: ActivationIdentifier;
  /** sigmoid by default. */
  recurrentActivation?: ActivationIdentifier;
  useBias?: boolean;
  unitForgetBias?: boolean;
  dropout?: number;
  recurrentDropout?: number;
  seed?: number;
}

const convLstmKeys = [
  'filters',
  'kernelSize',
  'strides',
  'padding',
  'dataFormat',
  'dilationRate',
  'activation',
  'recurrentActivation',
  'useBias',
  'unitForgetBias',
  'dropout',
  'recurrentDropout',
  'seed',
  ...weightKeys('kernel', 'recurrent', 'bias'),
];

const flat = (x: Tensor): Tensor => x.reshape([x.shape[0] * x.shape[1], ...x.shape.slice(2)]);

/** One step of a ConvLSTM on images: states h and c, gates input, forget, candidate, output. */
export class ConvLSTM2DCell extends RNNCell {
  static readonly className = 'ConvLSTM2DCell';
  readonly filters: number;
  readonly kernelSize: readonly number[];
  readonly strides: readonly number[];
  readonly padding: Padding;
  readonly dataFormat: DataFormat;
  readonly dilationRate: readonly number[];
  readonly activation: Activation;
  readonly recurrentActivation: Activation;
  readonly useBias: boolean;
  readonly unitForgetBias: boolean;
  readonly drops: StepDropout;
  readonly seed: number | null;
  readonly #kernel: WeightOptions;
  readonly #recurrent: WeightOptions;
  readonly #bias: WeightOptions;
  kernel: LayerVariable | undefined;
  recurrentKernel: LayerVariable | undefined;
  bias: LayerVariable | null = null;
  #image: readonly (number | null)[] = [];

  constructor(args: ConvLSTM2DCellArgs) {
    super(args, convLstmKeys);
    const op = this.label;
    this.filters = countOption(args.filters, 'filters', op);
    this.kernelSize = tuple(args.kernelSize, 2, 'kernelSize', op);
    this.strides = tuple(args.strides ?? 1, 2, 'strides', op);
    this.padding = oneOf(args.padding ?? 'valid', ['valid', 'same'], 'padding', op);
    this.dataFormat = dataFormatOption(args.dataFormat, op);
    this.dilationRate = tuple(args.dilationRate ?? 1, 2, 'dilationRate', op);
    this.activation = getActivation(args.activation === undefined ? 'tanh' : args.activation, op);
    this.recurrentActivation = getActivation(
      args.recurrentActivation === undefined ? 'sigmoid' : args.recurrentActivation,
      op,
    );
    this.useBias = args.useBias ?? true;
    this.unitForgetBias = args.unitForgetBias ?? true;
    this.drops = new StepDropout(
      rateOption(args.dropout ?? 0, 'dropout', op),
      rateOption(args.recurrentDropout ?? 0, 'recurrentDropout', op),
    );
    this.seed = args.seed ?? null;
    this.useSeed(args.seed);
    this.#kernel = new WeightOptions(args, 'kernel', 'glorotUniform', op);
    this.#recurrent = new WeightOptions(args, 'recurrent', 'orthogonal', op);
    this.#bias = new WeightOptions(args, 'bias', 'zeros', op);
  }

  get #last(): boolean {
    return this.dataFormat === 'channelsLast';
  }
  /** The shape of a state, without the batch, for images of that shape. */
  imageFor(shape: readonly (number | null)[]): Shape {
    const from = this.#last ? 0 : 1;
    const [h, w] = [0, 1].map((i) =>
      convLength(shape[from + i], this.kernelSize[i], this.strides[i], this.padding, this.dilationRate[i]),
    );
    return this.#last ? [h, w, this.filters] : [this.filters, h, w];
  }
  override get stateSize(): readonly (readonly number[])[] {
    return [this.#image as number[], this.#image as number[]];
  }

  override build(inputShape: Shape | Shape[]): void {
    const [, ...image] = oneShape(inputShape, this.label);
    const space = this.#last ? [0, 1] : [1, 2];
    for (const i of space) knownAxis(image, i, this.label);
    const channels = knownAxis(image, this.#last ? -1 : 0, this.label);
    this.#image = this.imageFor(image);
    const n = this.filters;
    this.kernel = this.#kernel.add(this, 'kernel', [...this.kernelSize, channels, 4 * n]);
    this.recurrentKernel = this.#recurrent.add(this, 'recurrent_kernel', [...this.kernelSize, n, 4 * n]);
    if (this.useBias)
      this.bias = this.unitForgetBias ? forgettingBias(this, this.#bias, n) : this.#bias.add(this, 'bias', [4 * n]);
    this.built = true;
  }

  #conv(
    x: Tensor,
    kernel: LayerVariable | undefined,
    strides: readonly number[],
    padding: Padding,
    dilation: readonly number[],
  ): Tensor {
    const format = this.#last ? 'NHWC' : 'NCHW';
    return conv2d(x, (kernel as LayerVariable).read(), strides, padding as 'same', format, dilation);
  }
  #project(x: Tensor): Tensor {
    const y = this.#conv(x, this.kernel, this.strides, this.padding, this.dilationRate);
    if (!this.bias) return y;
    return y.add(this.#last ? this.bias : this.bias.read().reshape([4 * this.filters, 1, 1]));
  }

  override steps(inputs: Tensor, { training }: Kwargs) {
    return this.randomly(() => {
      const x = inputs.cast(this.dtype);
      const dropped = this.drops.ofInputs(x, training);
      const z = this.#project(flat(dropped));
      const all = z.reshape([x.shape[0], x.shape[1], ...z.shape.slice(1)]);
      const mask = this.drops.ofState([x.shape[0], ...(this.#image as number[])], x, training);
      return { inputs: all, step: (zt: Tensor, states: Tensor[]) => this.#advance(zt, states, mask) };
    });
  }

  #advance(z: Tensor, [h, c]: Tensor[], mask: Tensor | undefined): Tensor[] {
    const r = this.#conv(mask ? h.mul(mask) : h, this.recurrentKernel, [1, 1], 'same', [1, 1]);
    return lstmStep(z.add(r), c, this.#last ? 3 : 1, this.activation, this.recurrentActivation);
  }

  override call(inputs: OneOrMany<Tensor>, _kwargs: Kwargs): Tensor[] {
    const [x, ...states] = inputs as Tensor[];
    return this.#advance(this.#project(x.cast(this.dtype)), states, undefined);
  }

  override getConfig(): Config {
    return {
      ...super.getConfig(),
      filters: this.filters,
      kernelSize: this.kernelSize,
      strides: this.strides,
      padding: this.padding,
      dataFormat: this.dataFormat,
      dilationRate: this.dilationRate,
      activation: serializeActivation(this.activation) as Config[string],
      recurrentActivation: serializeActivation(this.recurrentActivation) as Config[string],
      useBias: this.useBias,
      unitForgetBias: this.unitForgetBias,
      dropout: this.drops.rate,
      recurrentDropout: this.drops.recurrentRate,
      seed: this.seed,
      ...this.#kernel.config(),
      ...this.#recurrent.config(),
      ...this.#bias.config(),
    };
  }
}

export type ConvLSTM2DArgs = BaseRNNArgs & ConvLSTM2DCellArgs;

/** A recurrent layer of `ConvLSTM2DCell`: [batch, time, rows, columns, channels]. */
export class ConvLSTM2D extends RNN {
  static override readonly className = 'ConvLSTM2D';
  constructor(args: ConvLSTM2DArgs) {
    super({ ...args, cell: new ConvLSTM2DCell(cellConfig(args, convLstmKeys, 'conv_lstm2d_cell')) }, convLstmKeys);
    this.cell.name = `${this.name}/conv_lstm2d_cell`;
    this.inputSpec = [new InputSpec({ ndim: 5 })];
  }
  override computeOutputShape(inputShape: Shape | Shape[]): Shape | Shape[] {
    const [batch, time, ...image] = shapeList(inputShape)[0];
    const step = (this.cell as ConvLSTM2DCell).imageFor(image);
    const output: Shape = this.returnSequences ? [batch, time, ...step] : [batch, ...step];
    return this.returnState ? [output, [batch, ...step], [batch, ...step]] : output;
  }
  override getConfig(): Config {
    return { ...this.cell.getConfig(), ...this.ownConfig() };
  }
}
