// The perceptron of the case `fit`, trained by TensorFlow.js's own fit on its WASM backend.

import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import type { PeerData } from '../fit.ts';

/** Makes the model; each call trains it for one epoch. */
export async function tfjsFit({ images, labels, features, classes, batch }: PeerData): Promise<() => Promise<void>> {
  const require = createRequire(import.meta.url);
  const wasm = require('@tensorflow/tfjs-backend-wasm') as typeof import('@tensorflow/tfjs-backend-wasm');
  wasm.setWasmPaths(`${dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json'))}/dist/`);
  await tf.setBackend('wasm');
  const model = tf.sequential({
    layers: [
      tf.layers.dense({ units: 512, activation: 'relu', inputShape: [features] }),
      tf.layers.dense({ units: 512, activation: 'relu' }),
      tf.layers.dense({ units: classes, activation: 'softmax' }),
    ],
  });
  model.compile({ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
  const x = tf.tensor2d(images, [labels.length, features]);
  const y = tf.tensor1d(Float32Array.from(labels));
  return async () => void (await model.fit(x, y, { epochs: 1, batchSize: batch, verbose: 0 }));
}
