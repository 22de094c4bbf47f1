// SimpleRNN: the output is the state (Elman 1990).

import type { Tensor } from '../../../trace/tensor.ts';
import type { Config } from '../../engine/serialize.ts';
import { cellConfig } from './cell-config.ts';
import { GatedCell, type GatedCellArgs, gatedKeys } from './gated.ts';
import { type BaseRNNArgs, RNN } from './rnn.ts';

/** h' = activation(x · kernel + h · recurrentKernel + bias). */
export class SimpleRNNCell extends GatedCell {
  static readonly className = 'SimpleRNNCell';
  constructor(args: GatedCellArgs) {
    super(1, args);
  }
  override get stateSize(): number {
    return this.units;
  }
  protected override advance(z: Tensor, [h]: Tensor[], drop: (h: Tensor) => Tensor): Tensor[] {
    const out = this.activation.apply(z.add(this.recur(drop(h))));
    return [out, out];
  }
}

export type SimpleRNNArgs = BaseRNNArgs & GatedCellArgs;

/** A recurrent layer of `SimpleRNNCell`. */
export class SimpleRNN extends RNN {
  static override readonly className = 'SimpleRNN';
  constructor(args: SimpleRNNArgs) {
    super({ ...args, cell: new SimpleRNNCell(cellConfig(args, gatedKeys, 'simple_rnn_cell')) }, gatedKeys);
    this.cell.name = `${this.name}/simple_rnn_cell`;
  }
  override getConfig(): Config {
    return { ...this.cell.getConfig(), ...this.ownConfig() };
  }
}
