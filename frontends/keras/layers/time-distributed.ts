// TimeDistributed: a layer on every step of a sequence.

import { ArgumentError, valueText } from '../../../ir/errors.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { InputSpec } from '../engine/input-spec.ts';
import { type Kwargs, Layer, type LayerArgs } from '../engine/layer.ts';
import { getLayer } from '../engine/layer-registry.ts';
import { type Config, type Serialized, serialize } from '../engine/serialize.ts';
import { exactlyOne, type OneOrMany, oneShape, type Shape } from '../engine/symbolic.ts';

export interface TimeDistributedArgs extends LayerArgs {
  layer: Layer | Serialized;
}

/** Applies a layer to each step of [batch, time, …], with the same weights. */
export class TimeDistributed extends Layer {
  static readonly className = 'TimeDistributed';
  readonly layer: Layer;

  /** Throws ArgumentError for what is no layer. */
  constructor(args: TimeDistributedArgs) {
    super(args, ['layer']);
    const { layer } = args;
    if (!(layer instanceof Layer) && (typeof layer !== 'object' || layer === null))
      throw new ArgumentError(`the layer is ${valueText(layer)}`, {
        op: this.label,
        fix: 'give a layer: {layer: tf.layers.dense({units: 8})}',
      });
    this.layer = getLayer(layer, this.label);
    this.supportsMasking = true;
    this.inputSpec = [new InputSpec({ minNDim: 3 })];
  }

  override build(inputShape: Shape | Shape[]): void {
    const [batch, , ...rest] = oneShape(inputShape, this.label);
    if (!this.layer.built) this.layer.build([batch, ...rest]);
    this.layer.built = true;
    this.built = true;
  }
  override call(inputs: OneOrMany<Tensor>, { training }: Kwargs): Tensor {
    const x = exactlyOne(inputs, this.label);
    const [batch, time, ...rest] = x.shape;
    const y = exactlyOne(
      this.layer.apply(x.reshape([batch * time, ...rest]), { training, mask: null }) as OneOrMany<Tensor>,
      this.label,
    );
    return y.reshape([batch, time, ...y.shape.slice(1)]);
  }
  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const [batch, time, ...rest] = oneShape(inputShape, this.label);
    const [, ...out] = oneShape(this.layer.computeOutputShape([batch, ...rest]), this.label);
    return [batch, time, ...out];
  }
  override getConfig(): Config {
    return { ...super.getConfig(), layer: { ...serialize(this.layer) } };
  }
}
