// Base of layers without weights that take one input and keep its shape.

import type { Tensor } from '../../trace/tensor.ts';
import { type Kwargs, Layer, type LayerArgs } from '../engine/layer.ts';
import { exactlyOne, type OneOrMany, oneShape, type Shape } from '../engine/symbolic.ts';

/** A function of each element, or of each row: the shape stays, and so does a mask. */
export abstract class UnaryLayer extends Layer {
  constructor(args: LayerArgs | undefined, known: readonly string[]) {
    super(args, known);
    this.supportsMasking = true;
  }
  /** What becomes of the input. */
  protected abstract map(x: Tensor, kwargs: Kwargs): Tensor;

  override call(inputs: OneOrMany<Tensor>, kwargs: Kwargs): Tensor {
    return this.map(exactlyOne(inputs, this.label), kwargs);
  }
  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return oneShape(inputShape, this.label);
  }
}
