// LSTM (Hochreiter and Schmidhuber 1997; Gers and others 2000 for the forget gate).

import type { Tensor } from '../../../trace/tensor.ts';
import { type Activation, type ActivationIdentifier, getActivation, serializeActivation } from '../../activations.ts';
import type { Config } from '../../engine/serialize.ts';
import type { LayerVariable } from '../../engine/weights.ts';
import { cellConfig } from './cell-config.ts';
import { GatedCell, type GatedCellArgs, gatedKeys } from './gated.ts';
import { forgettingBias, lstmStep } from './lstm-step.ts';
import { type BaseRNNArgs, RNN } from './rnn.ts';

export interface LSTMCellArgs extends GatedCellArgs {
  /** Of the gates; sigmoid by default. */
  recurrentActivation?: ActivationIdentifier;
  /** Whether the bias of the forget gate begins with 1 (default): what was learnt is kept at first. */
  unitForgetBias?: boolean;
}

const lstmKeys = [...gatedKeys, 'recurrentActivation', 'unitForgetBias'];

/** States: output h and memory c. Gates in the order of Keras: input, forget, candidate, output. */
export class LSTMCell extends GatedCell {
  static readonly className = 'LSTMCell';
  readonly recurrentActivation: Activation;
  readonly unitForgetBias: boolean;

  constructor(args: LSTMCellArgs) {
    super(4, args, ['recurrentActivation', 'unitForgetBias']);
    this.recurrentActivation = getActivation(
      args.recurrentActivation === undefined ? 'sigmoid' : args.recurrentActivation,
      this.label,
    );
    this.unitForgetBias = args.unitForgetBias ?? true;
  }
  override get stateSize(): readonly number[] {
    return [this.units, this.units];
  }

  protected override addBias(width: number): LayerVariable {
    return this.unitForgetBias ? forgettingBias(this, this.biasOptions, this.units) : super.addBias(width);
  }

  protected override advance(z: Tensor, [h, c]: Tensor[], drop: (h: Tensor) => Tensor): Tensor[] {
    return lstmStep(z.add(this.recur(drop(h))), c, 1, this.activation, this.recurrentActivation);
  }

  override getConfig(): Config {
    return {
      ...super.getConfig(),
      recurrentActivation: serializeActivation(this.recurrentActivation) as Config[string],
      unitForgetBias: this.unitForgetBias,
    };
  }
}

export type LSTMArgs = BaseRNNArgs & LSTMCellArgs;

/** A recurrent layer of `LSTMCell`. Weights: kernel [features, 4 units], recurrent_kernel [units, 4 units], bias [4 units]. */
export class LSTM extends RNN {
  static override readonly className = 'LSTM';
  constructor(args: LSTMArgs) {
    super({ ...args, cell: new LSTMCell(cellConfig(args, lstmKeys, 'lstm_cell')) }, lstmKeys);
    this.cell.name = `${this.name}/lstm_cell`;
  }
  override getConfig(): Config {
    return { ...this.cell.getConfig(), ...this.ownConfig() };
  }
}
