// What an LSTM of vectors and one of images have in common: the bias that keeps at first, and the gates.

import { concat, split } from '../../../trace/ops/shape.ts';
import type { Tensor } from '../../../trace/tensor.ts';
import type { Activation } from '../../activations.ts';
import type { Layer } from '../../engine/layer.ts';
import type { LayerVariable } from '../../engine/weights.ts';
import { type InitializerIdentifier, initializers } from '../../initializers.ts';
import type { WeightOptions } from '../weight-options.ts';

/** A bias [4 * units] in which the forget gate's part begins with 1: what was learnt is kept at first. */
export function forgettingBias(layer: Layer, options: WeightOptions, units: number): LayerVariable {
  const { initializer, regularizer, constraint } = options;
  const forgetting: InitializerIdentifier = (_shape, dtype) =>
    concat([
      initializer.apply([units], dtype),
      initializers.ones().apply([units], dtype),
      initializer.apply([2 * units], dtype),
    ]);
  const shape = [4 * units];
  return layer.addWeight({ name: 'bias', shape, initializer: forgetting as never, regularizer, constraint });
}

/**
 * [output, output, memory] from what the four gates (input, forget, candidate, output, side by side along
 * `axis`) get, and the memory before.
 */
export function lstmStep(z: Tensor, c: Tensor, axis: number, activation: Activation, recurrent: Activation): Tensor[] {
  const [i, f, g, o] = split(z, 4, axis);
  const memory = recurrent
    .apply(f)
    .mul(c)
    .add(recurrent.apply(i).mul(activation.apply(g)));
  const out = recurrent.apply(o).mul(activation.apply(memory));
  return [out, out, memory];
}
