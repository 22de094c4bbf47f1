// Cells of recurrent layers: what happens in one step.

import { ones, zeros } from '../../../trace/creation.ts';
import { dropout } from '../../../trace/ops/nn.ts';
import type { Tensor } from '../../../trace/tensor.ts';
import { type Kwargs, Layer, type LayerArgs } from '../../engine/layer.ts';
import { type OneOrMany, toList } from '../../engine/symbolic.ts';

/** Shape of one state without the batch; a number is short for one axis. */
export type StateSize = number | readonly number[];

export const stateShape = (s: StateSize): number[] => (typeof s === 'number' ? [s] : [...s]);

/**
 * Base of cells. `call` gets [input of the step, …states] and gives [output, …new states]. Cells of one's
 * own define `stateSize`, `build` and `call`; with `prepare` they may do for all steps at once what depends
 * on the inputs alone.
 */
export abstract class RNNCell extends Layer {
  /** Size of the state, or of each of several: numbers, or shapes in an array of arrays. */
  abstract readonly stateSize: StateSize | readonly StateSize[];
  /** Size of the output; by default that of the first state. */
  readonly outputSize?: StateSize;

  constructor(args: LayerArgs = {}, known?: readonly string[]) {
    super(args, known);
  }

  /** Shapes of the states without the batch. */
  get stateShapes(): number[][] {
    const { stateSize } = this;
    return typeof stateSize === 'number' ? [[stateSize]] : stateSize.map(stateShape);
  }
  get outputShapeOfStep(): number[] {
    return this.outputSize === undefined ? this.stateShapes[0] : stateShape(this.outputSize);
  }

  /** What the states are before the first step. */
  getInitialState(batch: number): Tensor[] {
    return this.stateShapes.map((s) => zeros([batch, ...s], this.dtype));
  }

  /** As `steps`, where the inputs come one by one: [batch, features]. Dropout masks are the same in all steps. */
  forSteps(_batch: number, kwargs: Kwargs): (x: Tensor, states: Tensor[]) => Tensor[] {
    return (x, states) => toList(this.call([x, ...states], kwargs) as OneOrMany<Tensor>);
  }

  /** A function of one step's input and states for these inputs [batch, time, …] of all steps. */
  steps(inputs: Tensor, kwargs: Kwargs): { inputs: Tensor; step: (x: Tensor, states: Tensor[]) => Tensor[] } {
    return {
      inputs,
      step: (x, states) => toList(this.call([x, ...states], kwargs) as OneOrMany<Tensor>),
    };
  }
}

/** Dropout masks of one call: the same in all its steps (Gal and Ghahramani 2016). */
export class StepDropout {
  readonly rate: number;
  readonly recurrentRate: number;

  constructor(rate: number, recurrentRate: number) {
    this.rate = rate;
    this.recurrentRate = recurrentRate;
  }

  /** Which elements stay, scaled. */
  #mask(shape: readonly number[], like: Tensor, rate: number): Tensor {
    return dropout(ones(shape, like.dtype), rate);
  }
  /** Drops the same features of the inputs [batch, time, …features], or of one step [batch, features], in all steps. */
  ofInputs(x: Tensor, training: boolean | undefined): Tensor {
    if (!training || this.rate === 0) return x;
    const [batch, ...rest] = x.shape;
    const shape = x.rank === 2 ? x.shape : [batch, 1, ...rest.slice(1)];
    return x.mul(this.#mask(shape, x, this.rate));
  }
  /** What a state is multiplied with in all steps; undefined for nothing. */
  ofState(state: readonly number[], like: Tensor, training: boolean | undefined): Tensor | undefined {
    if (!training || this.recurrentRate === 0) return undefined;
    return this.#mask(state, like, this.recurrentRate);
  }
}
