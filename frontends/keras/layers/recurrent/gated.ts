// What the three classical cells share: options, weights of several gates side by side, products with them.

import { ones } from '../../../trace/creation.ts';
import { emitter as b } from '../../../trace/dispatch.ts';
import type { Tensor } from '../../../trace/tensor.ts';
import { type Activation, type ActivationIdentifier, getActivation, serializeActivation } from '../../activations.ts';
import type { Kwargs, LayerArgs } from '../../engine/layer.ts';
import type { Config } from '../../engine/serialize.ts';
import { type OneOrMany, oneShape, type Shape } from '../../engine/symbolic.ts';
import type { LayerVariable } from '../../engine/weights.ts';
import { countOption, knownAxis, rateOption } from '../options.ts';
import { type WeightOptionArgs, WeightOptions, weightKeys } from '../weight-options.ts';
import { RNNCell, StepDropout } from './cell.ts';

export interface GatedCellArgs extends LayerArgs, WeightOptionArgs<'kernel' | 'recurrent' | 'bias'> {
  /** Size of the output and of the states. */
  units: number;
  /** tanh by default. */
  activation?: ActivationIdentifier;
  useBias?: boolean;
  /** Share of the inputs that is dropped while training, the same in all steps. */
  dropout?: number;
  /** Share of the state that is dropped while training, the same in all steps. */
  recurrentDropout?: number;
  /** Of the layer; cells with several gates: sigmoid by default. */
  recurrentActivation?: ActivationIdentifier;
  /** Accepted for old code; there is one way of computing. */
  implementation?: number;
  seed?: number;
}

/** Options of cells of `gates`; `recurrentActivation` where there are several. */
export const gatedKeys = [
  'units',
  'activation',
  'useBias',
  'dropout',
  'recurrentDropout',
  'implementation',
  'seed',
  ...weightKeys('kernel', 'recurrent', 'bias'),
];

/** A cell with a kernel [features, gates * units], a recurrent kernel [units, gates * units], and a bias. */
export abstract class GatedCell extends RNNCell {
  readonly units: number;
  readonly activation: Activation;
  readonly useBias: boolean;
  readonly dropout: number;
  readonly recurrentDropout: number;
  readonly seed: number | null;
  protected readonly gates: number;
  protected readonly drops: StepDropout;
  readonly #kernel: WeightOptions;
  readonly #recurrent: WeightOptions;
  protected readonly biasOptions: WeightOptions;
  kernel: LayerVariable | undefined;
  recurrentKernel: LayerVariable | undefined;
  bias: LayerVariable | null = null;

  constructor(gates: number, args: GatedCellArgs, known: readonly string[] = []) {
    super(args, [...gatedKeys, ...known]);
    const op = this.label;
    this.gates = gates;
    this.units = countOption(args.units, 'units', op);
    this.activation = getActivation(args.activation === undefined ? 'tanh' : args.activation, op);
    this.useBias = args.useBias ?? true;
    this.dropout = rateOption(args.dropout ?? 0, 'dropout', op);
    this.recurrentDropout = rateOption(args.recurrentDropout ?? 0, 'recurrentDropout', op);
    this.seed = args.seed ?? null;
    this.useSeed(args.seed);
    this.drops = new StepDropout(this.dropout, this.recurrentDropout);
    this.#kernel = new WeightOptions(args, 'kernel', 'glorotUniform', op);
    this.#recurrent = new WeightOptions(args, 'recurrent', 'orthogonal', op);
    this.biasOptions = new WeightOptions(args, 'bias', 'zeros', op);
  }

  override build(inputShape: Shape | Shape[]): void {
    const features = knownAxis(oneShape(inputShape, this.label), -1, this.label);
    const width = this.gates * this.units;
    this.kernel = this.#kernel.add(this, 'kernel', [features, width]);
    this.recurrentKernel = this.#recurrent.add(this, 'recurrent_kernel', [this.units, width]);
    if (this.useBias) this.bias = this.addBias(width);
    this.built = true;
  }
  protected addBias(width: number): LayerVariable {
    return this.biasOptions.add(this, 'bias', [width]);
  }

  /** The part of all gates that the inputs give, bias included. */
  protected project(x: Tensor): Tensor {
    const y = b.dot(x, (this.kernel as LayerVariable).read(), [[x.rank - 1], [0]]) as Tensor;
    const bias = this.inputBias();
    return bias ? y.add(bias) : y;
  }
  protected inputBias(): Tensor | undefined {
    return this.bias?.read();
  }
  /** The part of all gates that the last output gives. */
  protected recur(h: Tensor): Tensor {
    return b.matMul(h, (this.recurrentKernel as LayerVariable).read()) as Tensor;
  }

  /** New output and states from the inputs' part of the gates and the states. */
  protected abstract advance(z: Tensor, states: Tensor[], drop: (h: Tensor) => Tensor): Tensor[];

  /** The inputs' part is one product for all steps: only what depends on the state is left to the steps. */
  override steps(
    inputs: Tensor,
    { training }: Kwargs,
  ): { inputs: Tensor; step: (z: Tensor, states: Tensor[]) => Tensor[] } {
    return this.randomly(() => {
      const x = this.drops.ofInputs(inputs.cast(this.dtype), training);
      const mask = this.drops.ofState([x.shape[0], this.units], x, training);
      const drop = (h: Tensor) => (mask ? h.mul(mask) : h);
      return { inputs: this.project(x), step: (z, states) => this.advance(z, states, drop) };
    });
  }

  override forSteps(batch: number, { training }: Kwargs): (x: Tensor, states: Tensor[]) => Tensor[] {
    return this.randomly(() => {
      const features = (this.kernel as LayerVariable).shape[0];
      const kept = this.drops.ofInputs(ones([batch, features], this.dtype), training);
      const mask = this.drops.ofState([batch, this.units], kept, training);
      const isDropped = training && this.dropout > 0;
      const drop = (h: Tensor) => (mask ? h.mul(mask) : h);
      return (x, states) => this.advance(this.project(isDropped ? x.mul(kept) : x), states, drop);
    });
  }

  override call(inputs: OneOrMany<Tensor>, kwargs: Kwargs): Tensor[] {
    const [x, ...states] = inputs as Tensor[];
    const { inputs: z, step } = this.steps(x, kwargs);
    return step(z, states);
  }

  override getConfig(): Config {
    return {
      ...super.getConfig(),
      units: this.units,
      activation: serializeActivation(this.activation) as Config[string],
      useBias: this.useBias,
      dropout: this.dropout,
      recurrentDropout: this.recurrentDropout,
      seed: this.seed,
      ...this.#kernel.config(),
      ...this.#recurrent.config(),
      ...this.biasOptions.config(),
    };
  }
}
