// Cells on top of each other as one cell.

import { ArgumentError, valueText } from '../../../../ir/errors.ts';
import type { Tensor } from '../../../trace/tensor.ts';
import type { Kwargs, LayerArgs } from '../../engine/layer.ts';
import { getLayer } from '../../engine/layer-registry.ts';
import type { Config, Serialized } from '../../engine/serialize.ts';
import { type OneOrMany, oneShape, type Shape } from '../../engine/symbolic.ts';
import { RNNCell, type StateSize } from './cell.ts';

export interface StackedRNNCellsArgs extends LayerArgs {
  cells: readonly (RNNCell | Serialized)[];
}

/** Each cell's output is the next one's input; the states are those of all cells in order. */
export class StackedRNNCells extends RNNCell {
  static readonly className = 'StackedRNNCells';
  readonly cells: readonly RNNCell[];

  /** Throws ArgumentError without cells, and for what is none. */
  constructor(args: StackedRNNCellsArgs) {
    super(args, ['cells']);
    const op = this.label;
    if (!Array.isArray(args.cells) || args.cells.length === 0)
      throw new ArgumentError('there are no cells', { op, fix: 'cells: [tf.layers.lstmCell({units: 8}), …]' });
    this.cells = args.cells.map((c) => {
      const cell = c instanceof RNNCell ? c : typeof c === 'object' && c !== null ? getLayer(c, op) : c;
      if (cell instanceof RNNCell) return cell;
      throw new ArgumentError(`${valueText(c)} is no cell`, {
        op,
        fix: 'give cells such as tf.layers.lstmCell({units})',
      });
    });
  }

  override get stateSize(): readonly StateSize[] {
    return this.cells.flatMap((c) => c.stateShapes);
  }
  override get outputShapeOfStep(): number[] {
    return this.cells[this.cells.length - 1].outputShapeOfStep;
  }
  override getInitialState(batch: number): Tensor[] {
    return this.cells.flatMap((c) => c.getInitialState(batch));
  }

  override build(inputShape: Shape | Shape[]): void {
    let shape = oneShape(inputShape, this.label);
    for (const c of this.cells) {
      if (!c.built) c.build(shape);
      c.built = true;
      shape = [shape[0], ...c.outputShapeOfStep];
    }
    this.built = true;
  }

  override steps(inputs: Tensor, kwargs: Kwargs) {
    // The first cell sees all inputs beforehand; the others get theirs step by step.
    const [first, ...others] = this.cells;
    const { inputs: prepared, step } = first.steps(inputs, kwargs);
    const batch = inputs.shape[0];
    const later = others.map((c) => c.forSteps(batch, kwargs));
    return {
      inputs: prepared,
      step: (x: Tensor, states: Tensor[]): Tensor[] => {
        let at = first.stateShapes.length;
        let [out, ...next] = step(x, states.slice(0, at));
        others.forEach((c, i) => {
          const n = c.stateShapes.length;
          const [o, ...own] = later[i](out, states.slice(at, at + n));
          out = o;
          next = [...next, ...own];
          at += n;
        });
        return [out, ...next];
      },
    };
  }

  override call(inputs: OneOrMany<Tensor>, kwargs: Kwargs): Tensor[] {
    const [x, ...states] = inputs as Tensor[];
    const { inputs: z, step } = this.steps(x, kwargs);
    return step(z, states);
  }

  override getConfig(): Config {
    const cells = this.cells.map((c) => ({ className: c.getClassName(), config: c.getConfig() }));
    return { ...super.getConfig(), cells };
  }
}
