// Maxout and Highway: dense layers with a choice and with a bypass.

import { emitter as b } from '../../trace/dispatch.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { type Activation, type ActivationIdentifier, getActivation, serializeActivation } from '../activations.ts';
import { InputSpec } from '../engine/input-spec.ts';
import { Layer, type LayerArgs } from '../engine/layer.ts';
import type { Config } from '../engine/serialize.ts';
import { exactlyOne, type OneOrMany, oneShape, type Shape } from '../engine/symbolic.ts';
import type { LayerVariable } from '../engine/weights.ts';
import { numberOption } from '../resolve.ts';
import { activate } from './activate.ts';
import { countOption, knownAxis } from './options.ts';
import { type WeightOptionArgs, WeightOptions, weightKeys } from './weight-options.ts';

export interface MaxoutArgs extends LayerArgs, WeightOptionArgs<'kernel' | 'bias'> {
  units: number;
  /** Dense layers among which the largest counts; 4 by default. */
  nbFeature?: number;
  useBias?: boolean;
}

/** The largest of several dense layers, element by element (Goodfellow and others 2013). Weights: kernel [n, features, units], bias [n, units]. */
export class Maxout extends Layer {
  static readonly className = 'Maxout';
  readonly units: number;
  readonly nbFeature: number;
  readonly useBias: boolean;
  readonly #kernel: WeightOptions;
  readonly #bias: WeightOptions;
  kernel: LayerVariable | undefined;
  bias: LayerVariable | null = null;

  constructor(args: MaxoutArgs) {
    super(args, ['units', 'nbFeature', 'useBias', ...weightKeys('kernel', 'bias')]);
    this.units = countOption(args.units, 'units', this.label);
    this.nbFeature = countOption(args.nbFeature ?? 4, 'nbFeature', this.label);
    this.useBias = args.useBias ?? true;
    this.#kernel = new WeightOptions(args, 'kernel', 'glorotUniform', this.label);
    this.#bias = new WeightOptions(args, 'bias', 'zeros', this.label);
    this.inputSpec = [new InputSpec({ ndim: 2 })];
  }
  override build(inputShape: Shape | Shape[]): void {
    const features = knownAxis(oneShape(inputShape, this.label), -1, this.label);
    this.kernel = this.#kernel.add(this, 'kernel', [this.nbFeature, features, this.units]);
    if (this.useBias) this.bias = this.#bias.add(this, 'bias', [this.nbFeature, this.units]);
    this.inputSpec = [new InputSpec({ ndim: 2, axes: { [-1]: features } })];
    this.built = true;
  }
  override call(inputs: OneOrMany<Tensor>): Tensor {
    const x = exactlyOne(inputs, this.label).cast(this.dtype);
    const y = b.dot(x, (this.kernel as LayerVariable).read(), [[1], [1]]) as Tensor;
    return b.reduceMax(this.bias ? y.add(this.bias) : y, [1]) as Tensor;
  }
  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return [oneShape(inputShape, this.label)[0], this.units];
  }
  override getConfig(): Config {
    return {
      ...super.getConfig(),
      units: this.units,
      nbFeature: this.nbFeature,
      useBias: this.useBias,
      ...this.#kernel.config(),
      ...this.#bias.config(),
    };
  }
}

export interface HighwayArgs extends LayerArgs, WeightOptionArgs<'kernel' | 'bias'> {
  activation?: ActivationIdentifier;
  /** First value of the gate's bias: negative, so that at first most of the input passes. -2 by default. */
  transformBias?: number;
  useBias?: boolean;
}

/**
 * t * activation(x · kernel + bias) + (1 - t) * x with the gate t = sigmoid(x · gate_kernel + gate_bias)
 * (Srivastava and others 2015).
 */
export class Highway extends Layer {
  static readonly className = 'Highway';
  readonly activation: Activation;
  readonly transformBias: number;
  readonly useBias: boolean;
  readonly #kernel: WeightOptions;
  readonly #bias: WeightOptions;
  readonly #made: { [name: string]: LayerVariable } = {};

  constructor(args: HighwayArgs = {}) {
    super(args, ['activation', 'transformBias', 'useBias', ...weightKeys('kernel', 'bias')]);
    this.activation = getActivation(args.activation, this.label);
    this.transformBias = numberOption(args.transformBias, 'transformBias', this.label, -2);
    this.useBias = args.useBias ?? true;
    this.#kernel = new WeightOptions(args, 'kernel', 'glorotUniform', this.label);
    this.#bias = new WeightOptions(args, 'bias', 'zeros', this.label);
    this.inputSpec = [new InputSpec({ ndim: 2 })];
  }
  override build(inputShape: Shape | Shape[]): void {
    const n = knownAxis(oneShape(inputShape, this.label), -1, this.label);
    this.#made.kernel = this.#kernel.add(this, 'kernel', [n, n]);
    this.#made.gateKernel = this.#kernel.add(this, 'gate_kernel', [n, n]);
    if (this.useBias) {
      this.#made.bias = this.#bias.add(this, 'bias', [n]);
      const initializer = { className: 'Constant', config: { value: this.transformBias } };
      this.#made.gateBias = this.addWeight({ name: 'gate_bias', shape: [n], initializer });
    }
    this.inputSpec = [new InputSpec({ ndim: 2, axes: { [-1]: n } })];
    this.built = true;
  }
  override call(inputs: OneOrMany<Tensor>): Tensor {
    const x = exactlyOne(inputs, this.label).cast(this.dtype);
    const { kernel, bias, gateKernel, gateBias } = this.#made;
    const dense = (k: LayerVariable, c: LayerVariable | undefined) => (c ? x.matMul(k).add(c) : x.matMul(k));
    const gate = dense(gateKernel, gateBias).sigmoid();
    const y = activate(this.activation, dense(kernel, bias));
    return x.add(gate.mul(y.sub(x)));
  }
  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return oneShape(inputShape, this.label);
  }
  override getConfig(): Config {
    return {
      ...super.getConfig(),
      activation: serializeActivation(this.activation) as Config[string],
      transformBias: this.transformBias,
      useBias: this.useBias,
      ...this.#kernel.config(),
      ...this.#bias.config(),
    };
  }
}
