// Bidirectional: a recurrent layer forwards and another one backwards in time (Schuster and Paliwal 1997).

import { ArgumentError, valueText } from '../../../../ir/errors.ts';
import { concat, reverse } from '../../../trace/ops/shape.ts';
import type { Tensor } from '../../../trace/tensor.ts';
import { type Kwargs, Layer, type LayerArgs } from '../../engine/layer.ts';
import { getLayer } from '../../engine/layer-registry.ts';
import { type Config, type Serialized, serialize } from '../../engine/serialize.ts';
import {
  type OneOrMany,
  type Output,
  type Shape,
  type SymbolicTensor,
  shapeList,
  toList,
} from '../../engine/symbolic.ts';
import { oneOf } from '../options.ts';
import { RNN, statesByName } from './rnn.ts';

const modes = ['concat', 'sum', 'mul', 'ave'] as const;
export type MergeMode = (typeof modes)[number];

export interface BidirectionalArgs extends LayerArgs {
  /** The recurrent layer; it goes forwards, a copy of it backwards. */
  layer: RNN | Serialized;
  /** The layer that goes backwards, where it is another one. */
  backwardLayer?: RNN | Serialized;
  /** What becomes of the two outputs; null gives both. 'concat' by default. */
  mergeMode?: MergeMode | null;
}

const rnnOf = (x: unknown, op: string): RNN => {
  const layer = x instanceof Layer ? x : typeof x === 'object' && x !== null ? getLayer(x, op) : x;
  if (layer instanceof RNN) return layer;
  throw new ArgumentError(`the layer is ${valueText(x)}`, {
    op,
    fix: 'give a recurrent layer, such as tf.layers.lstm({units: 8})',
  });
};

/** A copy of a recurrent layer, without its weights. */
function copyOf(layer: RNN, changes: Config): RNN {
  return getLayer({ className: layer.getClassName(), config: { ...layer.getConfig(), ...changes } }, layer.name) as RNN;
}

/** Two recurrent layers over the same inputs, in both directions. Weights: the forward layer's, then the backward one's. */
export class Bidirectional extends Layer {
  static readonly className = 'Bidirectional';
  readonly forwardLayer: RNN;
  readonly backwardLayer: RNN;
  readonly mergeMode: MergeMode | null;
  readonly #given: Serialized;
  readonly #own: Serialized | undefined;

  constructor(args: BidirectionalArgs) {
    super(args, ['layer', 'backwardLayer', 'mergeMode']);
    const op = this.label;
    const layer = rnnOf(args.layer, op);
    const { mergeMode = 'concat' } = args;
    this.mergeMode = mergeMode === null ? null : oneOf(mergeMode, modes, 'mergeMode', op);
    this.#given = serialize(layer);
    this.forwardLayer = copyOf(layer, { name: `forward_${layer.name}` });
    const back = args.backwardLayer && rnnOf(args.backwardLayer, op);
    this.#own = back ? serialize(back) : undefined;
    this.backwardLayer = copyOf(back ?? layer, {
      name: `backward_${(back ?? layer).name}`,
      goBackwards: back ? back.goBackwards : !layer.goBackwards,
    });
    if (this.backwardLayer.goBackwards === this.forwardLayer.goBackwards)
      throw new ArgumentError('both layers go in one direction', { op, fix: 'set goBackwards: true in one of them' });
    if (
      this.backwardLayer.returnSequences !== layer.returnSequences ||
      this.backwardLayer.returnState !== layer.returnState
    )
      throw new ArgumentError('the layers give different outputs', {
        op,
        fix: 'give both the same returnSequences and returnState',
      });
    this.stateful = layer.stateful;
    this.supportsMasking = true;
    this.batchInputShape ??= layer.batchInputShape;
  }

  override build(inputShape: Shape | Shape[]): void {
    const [shape] = shapeList(inputShape);
    for (const l of [this.forwardLayer, this.backwardLayer]) {
      l.batchInputShape ??= this.batchInputShape;
      if (!l.built) l.build(shape);
    }
    this.built = true;
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

  override call(inputs: OneOrMany<Tensor>, { mask, training, initialState }: Kwargs): OneOrMany<Tensor> {
    const [x] = toList(inputs);
    const states = initialState ? toList(initialState as OneOrMany<Tensor>) : undefined;
    if (states && states.length % 2)
      throw new ArgumentError(`initialState has ${states.length} tensors`, {
        op: this.label,
        fix: 'give the states of the forward layer, then those of the backward layer',
      });
    const half = states ? states.length / 2 : 0;
    const run = (layer: RNN, from: number) => {
      const own = states ? { initialState: states.slice(from, from + half) } : {};
      return toList(layer.apply(x, { mask: toList(mask ?? null)[0], training, ...own }) as OneOrMany<Tensor>);
    };
    const [y, ...ys] = run(this.forwardLayer, 0);
    const [back, ...zs] = run(this.backwardLayer, half);
    const turned = this.forwardLayer.returnSequences ? reverse(back, 1) : back;
    const merged = this.#merge(y, turned);
    const outputs = [...merged, ...ys, ...zs];
    return outputs.length === 1 ? outputs[0] : outputs;
  }

  #merge(y: Tensor, z: Tensor): Tensor[] {
    switch (this.mergeMode) {
      case 'concat':
        return [concat([y, z], y.rank - 1)];
      case 'sum':
        return [y.add(z)];
      case 'mul':
        return [y.mul(z)];
      case 'ave':
        return [y.add(z).mul(0.5)];
      default:
        return [y, z];
    }
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape | Shape[] {
    const [input] = shapeList(inputShape);
    const [one, ...states] = shapeList(this.forwardLayer.computeOutputShape(input));
    const last = one[one.length - 1] as number;
    const merged: Shape[] =
      this.mergeMode === null ? [one, one] : [this.mergeMode === 'concat' ? [...one.slice(0, -1), 2 * last] : one];
    const all = [...merged, ...states, ...states];
    return all.length === 1 ? all[0] : all;
  }

  override computeMask(_inputs: OneOrMany<Tensor>, mask?: OneOrMany<Tensor | null> | null): OneOrMany<Tensor | null> {
    const own = this.forwardLayer.returnSequences ? (toList(mask ?? null)[0] ?? null) : null;
    const n = this.forwardLayer.returnState ? 2 * this.forwardLayer.cell.stateShapes.length : 0;
    const masks = [...(this.mergeMode === null ? [own, own] : [own]), ...Array.from({ length: n }, () => null)];
    return masks.length === 1 ? masks[0] : masks;
  }

  override getConfig(): Config {
    return {
      ...super.getConfig(),
      layer: { ...this.#given },
      ...(this.#own ? { backwardLayer: { ...this.#own } } : {}),
      mergeMode: this.mergeMode,
    };
  }
}
