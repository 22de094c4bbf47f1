// Activation as a layer of its own.

import type { Tensor } from '../../trace/tensor.ts';
import {
  type ActivationIdentifier,
  type Activation as Fn,
  getActivation,
  serializeActivation,
} from '../activations.ts';
import { Layer, type LayerArgs } from '../engine/layer.ts';
import type { Config } from '../engine/serialize.ts';
import { exactlyOne, type OneOrMany, oneShape, type Shape } from '../engine/symbolic.ts';
import { activate } from './activate.ts';

export interface ActivationArgs extends LayerArgs {
  /** A name such as 'relu', or a function. */
  activation: ActivationIdentifier;
}

/** An activation of every element; the shape stays. */
export class Activation extends Layer {
  static readonly className = 'Activation';
  readonly activation: Fn;

  constructor(args: ActivationArgs) {
    super(args, ['activation']);
    this.activation = getActivation(args.activation, this.label);
    this.supportsMasking = true;
  }
  override call(inputs: OneOrMany<Tensor>): Tensor {
    return activate(this.activation, exactlyOne(inputs, this.label));
  }
  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return oneShape(inputShape, this.label);
  }
  override getConfig(): Config {
    return { ...super.getConfig(), activation: serializeActivation(this.activation) as Config[string] };
  }
}
