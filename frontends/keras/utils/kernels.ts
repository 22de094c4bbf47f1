// Kernels of convolutions between two conventions.

import { ArgumentError, valueText } from '../../../ir/errors.ts';
import { emitter as b } from '../../trace/dispatch.ts';
import type { Tensor } from '../../trace/tensor.ts';
import type { Layer } from '../engine/layer.ts';
import { LayersModel } from '../engine/model.ts';
import { BaseConv } from '../layers/conv.ts';

/** Convolution layers among these layers and those inside of them, each once. */
function convolutions(layers: readonly Layer[], found = new Set<BaseConv>()): Set<BaseConv> {
  for (const l of layers) {
    if (l instanceof BaseConv) found.add(l);
    convolutions(l.sublayers() as Layer[], found);
  }
  return found;
}

/**
 * Turns the kernels of all convolution layers of a model by 180 degrees, in place: libraries that compute a true
 * convolution (Theano) keep them the other way round than those that compute a correlation, as this one does. Twice,
 * it changes nothing. Layers inside other layers are turned too, depthwise and transposed convolutions as well;
 * recurrent ones (ConvLSTM2D) are not. Throws ArgumentError for what is no model, or has no weights yet.
 */
export function convertAllKernelsInModel(model: LayersModel): void {
  const op = 'utils.convertAllKernelsInModel';
  if (!(model instanceof LayersModel))
    throw new ArgumentError(`${valueText(model)} is no model`, { op, fix: 'give a model, such as tf.sequential(…)' });
  for (const layer of convolutions([model])) {
    if (!layer.built)
      throw new ArgumentError(`the layer '${layer.name}' has no weights yet`, {
        op,
        fix: 'give inputShape to the first layer, or build the model first',
      });
    const window = layer.kernelSize.map((_, i) => i);
    // A bias has one axis; the 1x1 kernels of separable convolutions stay as they are.
    for (const w of layer.weights)
      if (w.shape.length === layer.axes + 2) w.assign(b.reverse(w.read(), window) as Tensor);
  }
}
