// GRU (Cho and others 2014).

import { split } from '../../../trace/ops/shape.ts';
import type { Tensor } from '../../../trace/tensor.ts';
import { type Activation, type ActivationIdentifier, getActivation, serializeActivation } from '../../activations.ts';
import type { Config } from '../../engine/serialize.ts';
import type { LayerVariable } from '../../engine/weights.ts';
import { cellConfig } from './cell-config.ts';
import { GatedCell, type GatedCellArgs, gatedKeys } from './gated.ts';
import { type BaseRNNArgs, RNN } from './rnn.ts';

export interface GRUCellArgs extends GatedCellArgs {
  /** Of the gates; sigmoid by default. */
  recurrentActivation?: ActivationIdentifier;
  /** Whether the reset gate comes after the product with the state (default), or before it. */
  resetAfter?: boolean;
}

const gruKeys = [...gatedKeys, 'recurrentActivation', 'resetAfter'];

/**
 * Gates in the order of Keras: update, reset, candidate. With `resetAfter` there are two biases, [2, 3 units]:
 * of the inputs and of the state.
 */
export class GRUCell extends GatedCell {
  static readonly className = 'GRUCell';
  readonly recurrentActivation: Activation;
  readonly resetAfter: boolean;

  constructor(args: GRUCellArgs) {
    super(3, args, ['recurrentActivation', 'resetAfter']);
    this.recurrentActivation = getActivation(
      args.recurrentActivation === undefined ? 'sigmoid' : args.recurrentActivation,
      this.label,
    );
    this.resetAfter = args.resetAfter ?? true;
  }
  override get stateSize(): number {
    return this.units;
  }

  protected override addBias(width: number): LayerVariable {
    return this.biasOptions.add(this, 'bias', this.resetAfter ? [2, width] : [width]);
  }
  protected override inputBias(): Tensor | undefined {
    const bias = this.bias?.read();
    return this.resetAfter ? bias?.slice([0], [1]).reshape([3 * this.units]) : bias;
  }
  /** The bias of the state's part, with `resetAfter`. */
  #stateBias(): Tensor | undefined {
    return this.bias
      ?.read()
      .slice([1], [1])
      .reshape([3 * this.units]);
  }

  protected override advance(x: Tensor, [h]: Tensor[], drop: (h: Tensor) => Tensor): Tensor[] {
    const gate = (t: Tensor) => this.recurrentActivation.apply(t);
    const held = drop(h);
    const n = this.units;
    const mix = (z: Tensor, candidate: Tensor) => {
      const out = z.mul(h).add(z.neg().add(1).mul(candidate));
      return [out, out];
    };
    const [xz, xr, xh] = split(x, 3, 1);
    if (this.resetAfter) {
      const bias = this.#stateBias();
      const product = this.recur(held);
      const [hz, hr, hh] = split(bias ? product.add(bias) : product, 3, 1);
      return mix(gate(xz.add(hz)), this.activation.apply(xh.add(gate(xr.add(hr)).mul(hh))));
    }
    const kernel = (this.recurrentKernel as LayerVariable).read();
    const [hz, hr] = split(held.matMul(kernel.slice([0, 0], [n, 2 * n])), 2, 1);
    const candidate = gate(xr.add(hr))
      .mul(held)
      .matMul(kernel.slice([0, 2 * n], [n, n]));
    return mix(gate(xz.add(hz)), this.activation.apply(xh.add(candidate)));
  }

  override getConfig(): Config {
    return {
      ...super.getConfig(),
      recurrentActivation: serializeActivation(this.recurrentActivation) as Config[string],
      resetAfter: this.resetAfter,
    };
  }
}

export type GRUArgs = BaseRNNArgs & GRUCellArgs;

/** A recurrent layer of `GRUCell`. Weights: kernel [features, 3 units], recurrent_kernel [units, 3 units], bias [2, 3 units]. */
export class GRU extends RNN {
  static override readonly className = 'GRU';
  constructor(args: GRUArgs) {
    super({ ...args, cell: new GRUCell(cellConfig(args, gruKeys, 'gru_cell')) }, gruKeys);
    this.cell.name = `${this.name}/gru_cell`;
  }
  override getConfig(): Config {
    return { ...this.cell.getConfig(), ...this.ownConfig() };
  }
}
