// RNN: runs a cell over time. Compiled, it is one loop of the program, whatever the number of steps.

import { ArgumentError, ShapeError, valueText } from '../../../../ir/errors.ts';
import { scanLoop } from '../../../trace/control.ts';
import { zeros } from '../../../trace/creation.ts';
import { where } from '../../../trace/ops/binary.ts';
import { reverse, stack, transpose, unstack } from '../../../trace/ops/shape.ts';
import type { Tensor } from '../../../trace/tensor.ts';
import { Variable } from '../../../trace/variable.ts';
import { InputSpec } from '../../engine/input-spec.ts';
import { type Kwargs, Layer, type LayerArgs } from '../../engine/layer.ts';
import { getLayer } from '../../engine/layer-registry.ts';
import type { Config, SerializableClass, Serialized } from '../../engine/serialize.ts';
import {
  type OneOrMany,
  type Output,
  type Shape,
  type SymbolicTensor,
  shapeList,
  toList,
} from '../../engine/symbolic.ts';
import { outside } from '../../engine/weights.ts';
import { RNNCell } from './cell.ts';
import { StackedRNNCells } from './stacked.ts';

/** What all recurrent layers take. */
export interface BaseRNNArgs extends LayerArgs {
  /** Whether the outputs of all steps are given, or the last one (default). */
  returnSequences?: boolean;
  /** Whether the last states are given as further outputs. */
  returnState?: boolean;
  /** Whether time is gone through from its end; the outputs come in that order. */
  goBackwards?: boolean;
  /** Whether a batch begins with the states that the last one ended with; the batch size must be fixed. */
  stateful?: boolean;
  /** Whether each step is written out in the program instead of a loop. */
  unroll?: boolean;
  /** Whether what is masked gives zeros in sequences, instead of the output before it. */
  zeroOutputForMask?: boolean;
  /** Features of the input; with `inputLength`, short for inputShape. */
  inputDim?: number;
  inputLength?: number;
}

export const rnnKeys = [
  'returnSequences',
  'returnState',
  'goBackwards',
  'stateful',
  'unroll',
  'zeroOutputForMask',
  'inputDim',
  'inputLength',
] as const;

export interface RNNArgs extends BaseRNNArgs {
  /** A cell, or several that are put on top of each other. */
  cell: RNNCell | readonly RNNCell[] | Serialized;
}

/** [batch, time, …] to time first and back. */
const swapTime = (x: Tensor): Tensor => transpose(x, [1, 0, ...x.shape.slice(2).map((_, i) => i + 2)]);

/**
 * Runs a cell over the steps of [batch, time, …features]. Called with `{initialState: […]}`, it begins with
 * those states; masks [batch, time] leave out steps: state and output stay what they were.
 */
export class RNN extends Layer {
  static readonly className: string = 'RNN';
  readonly cell: RNNCell;
  readonly returnSequences: boolean;
  readonly returnState: boolean;
  readonly goBackwards: boolean;
  readonly unroll: boolean;
  readonly zeroOutputForMask: boolean;
  #states: Variable[] | undefined;

  constructor(args: RNNArgs, known: readonly string[] = []) {
    const { inputDim, inputLength, ...rest } = args;
    if ((inputDim !== undefined || inputLength !== undefined) && !rest.inputShape && !rest.batchInputShape)
      rest.inputShape = [inputLength ?? null, inputDim ?? null];
    super(rest, ['cell', ...rnnKeys, ...known]);
    this.cell = cellOf(args.cell, this.label);
    this.returnSequences = args.returnSequences ?? false;
    this.returnState = args.returnState ?? false;
    this.goBackwards = args.goBackwards ?? false;
    this.stateful = args.stateful ?? false;
    this.unroll = args.unroll ?? false;
    this.zeroOutputForMask = args.zeroOutputForMask ?? false;
    this.supportsMasking = true;
    this.inputSpec = [new InputSpec({ minNDim: 3 })];
  }

  /** The states between batches of a stateful layer. */
  get states(): Tensor[] {
    return this.#states?.map((v) => v.read()) ?? [];
  }

  override build(inputShape: Shape | Shape[]): void {
    const [batch, , ...features] = shapeList(inputShape)[0];
    if (!this.cell.built) {
      this.cell.build([batch, ...features]);
      this.cell.built = true;
    }
    this.inputSpec = [new InputSpec({ shape: [null, null, ...features] })];
    if (this.stateful) this.#makeStates(this.batchInputShape?.[0] ?? batch);
    this.built = true;
  }

  #makeStates(batch: number | null): Variable[] {
    if (this.#states) return this.#states;
    if (batch === null)
      throw new ArgumentError('a stateful layer must know the size of the batch', {
        op: this.label,
        fix: 'give batchInputShape: [batch, steps, features] to the first layer, or batchShape to tf.input',
      });
    this.#states = this.cell.getInitialState(batch).map((t, i) => new Variable(t, false, `${this.name}/state_${i}`));
    return this.#states;
  }

  /**
   * Sets the states of a stateful layer to zeros, or to these. Throws ArgumentError and ShapeError where
   * they do not fit.
   */
  override resetStates(states?: OneOrMany<Tensor> | null): void {
    const mine = this.#states;
    if (!mine) {
      if (states)
        throw new ArgumentError('there are no states to set', {
          op: `${this.name}.resetStates`,
          fix: 'only a layer with stateful: true that has been built keeps states',
        });
      return;
    }
    const given = states ? toList(states) : undefined;
    if (given && given.length !== mine.length)
      throw new ArgumentError(`has ${mine.length} state(s), got ${given.length}`, {
        op: `${this.name}.resetStates`,
        fix: 'give one tensor for each state, or nothing for zeros',
      });
    outside(() => mine.forEach((v, i) => void v.assign(given?.[i] ?? zeros(v.shape, v.dtype))));
  }

  override apply(inputs: OneOrMany<SymbolicTensor>, kwargs?: Kwargs): Output<SymbolicTensor>;
  override apply(inputs: OneOrMany<Tensor>, kwargs?: Kwargs): Output<Tensor>;
  override apply(
    inputs: OneOrMany<SymbolicTensor> | OneOrMany<Tensor>,
    kwargs: Kwargs = {},
  ): Output<SymbolicTensor> | Output<Tensor> {
    const [x, named] = statesByName(inputs, kwargs);
    return super.apply(x, named);
  }

  override call(inputs: OneOrMany<Tensor>, kwargs: Kwargs): OneOrMany<Tensor> {
    const [x] = toList(inputs);
    const mask = toList(kwargs.mask ?? null)[0] as Tensor | null;
    const initial = this.#initialStates(x, kwargs.initialState);
    const { inputs: z, step } = this.cell.steps(x, { training: kwargs.training });
    const zeroStart = kwargs.initialState === undefined && !this.stateful;
    const run = { step, initial, mask, zeroStart, unroll: this.unroll };
    const { sequence, last, states } = this.#overTime(z, run);
    if (this.stateful) this.#states?.forEach((v, i) => void v.assign(states[i]));
    const output = this.returnSequences ? (sequence as Tensor) : last;
    return this.returnState ? [output, ...states] : output;
  }

  #initialStates(x: Tensor, given: unknown): Tensor[] {
    if (given !== undefined && given !== null) {
      const states = toList(given as OneOrMany<Tensor>);
      const shapes = this.cell.stateShapes;
      if (states.length !== shapes.length)
        throw new ArgumentError(`the cell has ${shapes.length} state(s), initialState ${states.length}`, {
          op: this.label,
          fix: `give an array of ${shapes.length} tensor(s)`,
        });
      states.forEach((s, i) => {
        if (s.shape.slice(1).join() !== shapes[i].join())
          throw new ShapeError(`state ${i} must have the shape [batch, ${shapes[i]}], got [${s.shape}]`, {
            op: this.label,
            fix: 'states have one row for each sample of the batch',
          });
      });
      return states.map((s) => s.cast(this.cell.dtype));
    }
    if (!this.stateful) return this.cell.getInitialState(x.shape[0]);
    const states = this.#makeStates(x.shape[0]);
    if (states[0].shape[0] !== x.shape[0])
      throw new ShapeError(
        `the layer keeps the states of ${states[0].shape[0]} sequences, the batch has ${x.shape[0]}`,
        {
          op: this.label,
          fix: 'give batches of one size (batchSize that divides the samples), or leave stateful out',
        },
      );
    return states.map((v) => v.read());
  }

  #overTime(z: Tensor, run: Run): Result {
    const time = z.shape[1];
    const turned = (t: Tensor) => (this.goBackwards ? reverse(t, 0) : t);
    const xs = turned(swapTime(z));
    const mask = run.mask ? turned(swapTime(run.mask.cast('bool'))) : null;
    const wants = {
      sequence: this.returnSequences,
      zeros: this.zeroOutputForMask,
      output: this.cell.outputShapeOfStep,
    };
    if (time === 0) {
      const none = zeros([z.shape[0], ...wants.output], this.cell.dtype);
      return { sequence: zeros([z.shape[0], 0, ...wants.output], this.cell.dtype), last: none, states: run.initial };
    }
    return (run.unroll ? unrolled : looped)(xs, mask, run, wants);
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape | Shape[] {
    const [batch, time] = shapeList(inputShape)[0];
    const step = this.cell.outputShapeOfStep;
    const output: Shape = this.returnSequences ? [batch, time, ...step] : [batch, ...step];
    return this.returnState ? [output, ...this.cell.stateShapes.map((s): Shape => [batch, ...s])] : output;
  }

  override computeMask(_inputs: OneOrMany<Tensor>, mask?: OneOrMany<Tensor | null> | null): OneOrMany<Tensor | null> {
    const own = this.returnSequences ? (toList(mask ?? null)[0] ?? null) : null;
    return this.returnState ? [own, ...this.cell.stateShapes.map(() => null)] : own;
  }

  override getConfig(): Config {
    return {
      ...this.ownConfig(),
      cell: { className: this.cell.getClassName(), config: this.cell.getConfig() },
    };
  }
  /** The options of the layer without those of the cell. */
  protected ownConfig(): Config {
    return {
      ...super.getConfig(),
      returnSequences: this.returnSequences,
      returnState: this.returnState,
      goBackwards: this.goBackwards,
      stateful: this.stateful,
      unroll: this.unroll,
      zeroOutputForMask: this.zeroOutputForMask,
    };
  }
  static override fromConfig(cls: SerializableClass, config: Config): RNN {
    return new (cls as unknown as new (args: Config) => RNN)(config);
  }
}

/** The input alone; initial states, which may also stand behind it as in TensorFlow.js, by their name. */
export function statesByName(inputs: OneOrMany<SymbolicTensor> | OneOrMany<Tensor>, kwargs: Kwargs): [Tensor, Kwargs] {
  const [x, ...states] = toList(inputs as OneOrMany<Tensor>);
  const initial = states.length ? states : kwargs.initialState;
  return [x, initial === undefined || initial === null ? kwargs : { ...kwargs, initialState: toList(initial) }];
}

interface Run {
  readonly step: (x: Tensor, states: Tensor[]) => Tensor[];
  readonly initial: Tensor[];
  readonly mask: Tensor | null;
  /** Whether states begin as zeros: then what a masked step gives is the first state itself. */
  readonly zeroStart: boolean;
  readonly unroll: boolean;
}
interface Wants {
  readonly sequence: boolean;
  readonly zeros: boolean;
  readonly output: readonly number[];
}
interface Result {
  readonly sequence: Tensor | undefined;
  readonly last: Tensor;
  readonly states: Tensor[];
}

/** One step under a mask: [output, what the output counts as for the next masked step, …states]. */
function masked(
  run: Run,
  wants: Wants,
  x: Tensor,
  m: Tensor | null,
  before: Tensor | null,
  states: Tensor[],
): Tensor[] {
  const [out, ...next] = run.step(x, states);
  if (!m) return [out, out, ...next];
  const choose = (a: Tensor, b: Tensor) => where(reachOf(m, a), a, b);
  const kept = next.map((s, i) => choose(s, states[i]));
  // The output of the classical cells is their first state.
  const held = next[0] === out && before === null ? kept[0] : choose(out, before as Tensor);
  const given = wants.zeros ? choose(out, out.mul(0)) : held;
  return [given, held, ...kept];
}

/** [batch] with axes of length 1 as for that tensor. */
const reachOf = (m: Tensor, like: Tensor): Tensor =>
  m.reshape([m.shape[0], ...like.shape.slice(1).map(() => 1)]).broadcastTo(like.shape);

function looped(xs: Tensor, mask: Tensor | null, run: Run, wants: Wants): Result {
  const { initial } = run;
  const zero = () => zeros([xs.shape[1], ...wants.output], initial[0]?.dtype ?? xs.dtype);
  // An output that has to be carried along: where a mask holds it, or where it is no state.
  let carried: Tensor | null = mask && !run.zeroStart ? zero() : null;
  const trial = (before: Tensor | null) => {
    let same = false;
    const [end, ys] = scanLoop<{ states: Tensor[]; out: Tensor[] }, { x: Tensor; m: Tensor[] }, Tensor[]>(
      ({ states, out }, { x, m }) => {
        const [given, held, ...next] = masked(run, wants, x, m[0] ?? null, out[0] ?? null, states);
        same = next[0] === held;
        return [{ states: next, out: out.length ? [held] : [] }, wants.sequence ? [given] : []];
      },
      { states: initial, out: before ? [before] : [] },
      { x: xs, m: mask ? [mask] : [] },
    );
    return { end, ys, same };
  };
  const needsOutput = !wants.sequence || mask !== null;
  let r = trial(carried);
  if (needsOutput && !carried && !r.same) {
    carried = zero();
    r = trial(carried);
  }
  const sequence = wants.sequence ? swapTime(r.ys[0]) : undefined;
  const last = carried
    ? r.end.out[0]
    : r.same
      ? r.end.states[0]
      : (r.ys[0].slice([xs.shape[0] - 1], [1]).squeeze([0]) as Tensor);
  return { sequence, last, states: r.end.states };
}

function unrolled(xs: Tensor, mask: Tensor | null, run: Run, wants: Wants): Result {
  const rows = unstack(xs);
  const marks = mask ? unstack(mask) : null;
  let states = run.initial;
  let before: Tensor = zeros([xs.shape[1], ...wants.output], run.initial[0]?.dtype ?? xs.dtype);
  const outputs: Tensor[] = [];
  rows.forEach((x, i) => {
    const [given, held, ...next] = masked(run, wants, x, marks?.[i] ?? null, before, states);
    outputs.push(given);
    before = held;
    states = next;
  });
  return { sequence: wants.sequence ? stack(outputs, 1) : undefined, last: before, states };
}

/** The cell that was given: one, several, or a configuration. */
function cellOf(x: unknown, op: string): RNNCell {
  if (Array.isArray(x)) return new StackedRNNCells({ cells: x as RNNCell[] });
  const cell = x instanceof Layer ? x : typeof x === 'object' && x !== null ? getLayer(x, op) : x;
  if (cell instanceof RNNCell) return cell;
  throw new ArgumentError(`the cell is ${valueText(x)}`, {
    op,
    fix: 'give tf.layers.lstmCell({units}), an object of a class that extends tf.RNNCell, or an array of these',
  });
}
