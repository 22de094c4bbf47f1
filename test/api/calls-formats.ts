// Calls of functions that read and write models of other systems.

import * as tf from 'sinter';
import { f, fix, modelOfCase, one } from '../onnx/build.ts';
import type { Rows } from './calls.ts';

const onnx = modelOfCase(one('MatMul', 17, [f([2, 3]), fix(f([3, 2]))]));

export const formatCalls = (): Rows => ({
  loadOnnx: [[onnx], [{ model: onnx }, { trainable: true }]],
  exportOnnx: [[(x: tf.Tensor) => tf.square(x), { inputs: [tf.spec([2])] }]],
});
