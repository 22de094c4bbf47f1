// Calls of functions that read and write models of other systems.

import * as tf from 'sinter';
import { f, fix, modelOfCase, one } from '../onnx/build.ts';
import type { Rows } from './calls.ts';

const onnx = modelOfCase(one('MatMul', 17, [f([2, 3]), fix(f([3, 2]))]));

/** A layers model in memory. */
const dense = tf.io.fromMemory({
  modelTopology: {
    class_name: 'Sequential',
    config: {
      name: 's',
      layers: [{ class_name: 'Dense', config: { name: 'd', units: 1, batch_input_shape: [null, 2] } }],
    },
  },
  weightSpecs: [
    { name: 'd/kernel', shape: [2, 1], dtype: 'float32' },
    { name: 'd/bias', shape: [1], dtype: 'float32' },
  ],
  weightData: new ArrayBuffer(12),
});

export const formatCalls = (): Rows => ({
  loadLayersModel: [[dense], [dense, { strict: true }]],
  buildArtifact: [
    [
      { f: { fn: (x: tf.Tensor) => tf.square(x), inputs: [tf.spec([null, 2])] } },
      { batch: [1, 2], runtime: 'x', name: 'n' },
    ],
  ],
  loadOnnx: [[onnx], [{ model: onnx }, { trainable: true }]],
  exportOnnx: [[(x: tf.Tensor) => tf.square(x), { inputs: [tf.spec([2])] }]],
});
