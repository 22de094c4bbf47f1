// Dense: every output depends on every feature.

import { emitter as b } from '../../trace/dispatch.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { type Activation, type ActivationIdentifier, getActivation, serializeActivation } from '../activations.ts';
import { InputSpec } from '../engine/input-spec.ts';
import { Layer, type LayerArgs } from '../engine/layer.ts';
import type { Config } from '../engine/serialize.ts';
import { exactlyOne, type OneOrMany, oneShape, type Shape } from '../engine/symbolic.ts';
import type { LayerVariable } from '../engine/weights.ts';
import { activate } from './activate.ts';
import { countOption, knownAxis } from './options.ts';
import { type WeightOptionArgs, WeightOptions, weightKeys } from './weight-options.ts';

export interface DenseArgs extends LayerArgs, WeightOptionArgs<'kernel' | 'bias'> {
  /** Size of the output's last axis. */
  units: number;
  activation?: ActivationIdentifier;
  /** true by default. */
  useBias?: boolean;
  /** Features of the input, where this is the first layer: short for inputShape: [inputDim]. */
  inputDim?: number;
}

/**
 * activation(x · kernel + bias) over the last axis: [..., features] to [..., units]. Weights: kernel
 * [features, units] (glorotUniform), bias [units] (zeros).
 * Throws ArgumentError for units that are no positive whole number.
 */
export class Dense extends Layer {
  static readonly className: string = 'Dense';
  readonly units: number;
  readonly activation: Activation;
  readonly useBias: boolean;
  readonly #kernel: WeightOptions;
  readonly #bias: WeightOptions;
  kernel: LayerVariable | undefined;
  bias: LayerVariable | null = null;

  constructor(args: DenseArgs) {
    const { inputDim, ...rest } = args;
    if (inputDim !== undefined && !rest.inputShape && !rest.batchInputShape) rest.inputShape = [inputDim];
    super(rest, ['units', 'activation', 'useBias', 'inputDim', ...weightKeys('kernel', 'bias')]);
    this.units = countOption(args.units, 'units', this.label);
    this.activation = getActivation(args.activation, this.label);
    this.useBias = args.useBias ?? true;
    this.#kernel = new WeightOptions(args, 'kernel', 'glorotUniform', this.label);
    this.#bias = new WeightOptions(args, 'bias', 'zeros', this.label);
    this.inputSpec = [new InputSpec({ minNDim: 2 })];
    this.supportsMasking = true;
  }

  override build(inputShape: Shape | Shape[]): void {
    const features = knownAxis(oneShape(inputShape, this.label), -1, this.label);
    this.kernel = this.#kernel.add(this, 'kernel', [features, this.units]);
    if (this.useBias) this.bias = this.#bias.add(this, 'bias', [this.units]);
    this.inputSpec = [new InputSpec({ minNDim: 2, axes: { [-1]: features } })];
    this.built = true;
  }

  override call(inputs: OneOrMany<Tensor>): Tensor {
    const x = exactlyOne(inputs, this.label).cast(this.dtype);
    const kernel = (this.kernel as LayerVariable).read();
    const y = b.dot(x, kernel, [[x.rank - 1], [0]]) as Tensor;
    return activate(this.activation, this.bias ? y.add(this.bias) : y);
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return [...oneShape(inputShape, this.label).slice(0, -1), this.units];
  }

  override getConfig(): Config {
    return {
      ...super.getConfig(),
      units: this.units,
      activation: serializeActivation(this.activation) as Config[string],
      useBias: this.useBias,
      ...this.#kernel.config(),
      ...this.#bias.config(),
    };
  }
}
