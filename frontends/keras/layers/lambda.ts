// Lambda: a function of one's own as a layer.

import { ArgumentError, valueText } from '../../../ir/errors.ts';
import { Tensor } from '../../trace/tensor.ts';
import { type Kwargs, Layer, type LayerArgs } from '../engine/layer.ts';
import type { Config, SerializableClass } from '../engine/serialize.ts';
import type { OneOrMany, Shape } from '../engine/symbolic.ts';

type LambdaFunction = (inputs: Tensor & Tensor[], kwargs: Kwargs) => OneOrMany<Tensor>;

export interface LambdaArgs extends LayerArgs {
  /** A function of the input (or of an array of inputs) made of tf operations. */
  function: LambdaFunction;
  /** Shape of the output with the batch, where it shall not be found by tracing. */
  outputShape?: Shape | ((inputShape: Shape | Shape[]) => Shape);
  /** Makes a mask; without it, masks pass. */
  mask?: Tensor | ((inputs: OneOrMany<Tensor>, mask: OneOrMany<Tensor | null> | null) => OneOrMany<Tensor | null>);
  /** Further named arguments of the function. */
  arguments?: Record<string, unknown>;
}

/** Calls a function; it must have no weights of its own. It cannot be saved, unless it is registered as a class. */
export class Lambda extends Layer {
  static readonly className = 'Lambda';
  readonly #fn: LambdaFunction;
  readonly #args: LambdaArgs;

  /** Throws ArgumentError for what is no function. */
  constructor(args: LambdaArgs) {
    super(args, ['function', 'outputShape', 'mask', 'arguments']);
    if (typeof args.function !== 'function')
      throw new ArgumentError(`the function is ${valueText(args.function)}`, {
        op: this.label,
        fix: 'such as {function: (x) => tf.square(x)}',
      });
    this.#fn = args.function;
    this.#args = args;
    this.supportsMasking = true;
  }
  override call(inputs: OneOrMany<Tensor>, kwargs: Kwargs): OneOrMany<Tensor> {
    const x = Array.isArray(inputs) && inputs.length === 1 ? inputs[0] : inputs;
    const result = this.#fn(x as Tensor & Tensor[], { ...this.#args.arguments, ...kwargs });
    if (result instanceof Tensor || (Array.isArray(result) && result.every((t) => t instanceof Tensor))) return result;
    throw new ArgumentError(`the function gave ${valueText(result)}`, {
      op: this.label,
      fix: 'return a tensor, or an array of tensors',
    });
  }
  override computeOutputShape(inputShape: Shape | Shape[]): Shape | Shape[] {
    const { outputShape } = this.#args;
    if (typeof outputShape === 'function') return outputShape(inputShape);
    return outputShape ?? super.computeOutputShape(inputShape);
  }
  override computeMask(inputs: OneOrMany<Tensor>, mask?: OneOrMany<Tensor | null> | null): OneOrMany<Tensor | null> {
    const own = this.#args.mask;
    if (own === undefined) return mask ?? null;
    return typeof own === 'function' ? own(inputs, mask ?? null) : own;
  }
  override getConfig(): Config {
    throw new ArgumentError('a function cannot be saved', {
      op: this.label,
      fix: 'make it a class that extends tf.layers.Layer, and register that with tf.serialization.registerClass',
    });
  }
  static override fromConfig(cls: SerializableClass): never {
    throw new ArgumentError('a function cannot be loaded', {
      op: cls.className,
      fix: 'use a class that extends tf.layers.Layer',
    });
  }
}
