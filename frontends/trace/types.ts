// Shapes of values that pass between functions of the front end.

import type { Tensor } from './tensor.ts';

/** Tensors by name. */
export interface TensorMap {
  [name: string]: Tensor;
}
