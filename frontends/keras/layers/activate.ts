// Activations at the end of layers.

import type { Tensor } from '../../trace/tensor.ts';
import type { Activation } from '../activations.ts';
import { setLogits } from '../engine/call-context.ts';

/**
 * The activation of x. What a softmax or sigmoid made probabilities of is kept, so that a loss of these
 * probabilities can be computed from it: exactly, and without logarithms of rounded numbers.
 */
export function activate(activation: Activation, x: Tensor): Tensor {
  const y = activation.apply(x);
  const kind = activation.getClassName();
  if (kind === 'sigmoid') setLogits(y, kind, x);
  else if (kind === 'softmax' && [-1, x.rank - 1].includes((activation.getConfig().axis as number | undefined) ?? -1))
    setLogits(y, kind, x);
  return y;
}
