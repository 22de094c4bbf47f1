// The network of the page: trained here, then built ahead of time. `sinter build examples/embed/network.ts` does the same
// from the command line with the exports of a module.

import * as tf from 'sinter';
import { loadDigits } from '../shared/digits.ts';

/** How long the network is trained before it is built. */
export interface Training {
  readonly epochs: number;
  readonly samples: number;
  readonly testSamples: number;
}

/** A convolutional network that knows the digits. */
export async function trained({ epochs, samples, testSamples }: Training): Promise<tf.LayersModel> {
  tf.setRandomSeed(1);
  const { train, test } = await loadDigits(samples, testSamples);
  const model = tf.sequential({
    layers: [
      tf.layers.conv2d({ filters: 16, kernelSize: 3, activation: 'relu', inputShape: [28, 28, 1], name: 'image' }),
      tf.layers.maxPooling2d({ poolSize: 2 }),
      tf.layers.conv2d({ filters: 32, kernelSize: 3, activation: 'relu' }),
      tf.layers.maxPooling2d({ poolSize: 2 }),
      tf.layers.flatten(),
      tf.layers.dense({ units: 10, activation: 'softmax', name: 'digit' }),
    ],
  });
  model.compile({ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
  await model.fit(train.x, train.y, { epochs, batchSize: 64 });
  const [, accuracy] = model.evaluate(test.x, test.y, { batchSize: 500 }) as tf.Tensor[];
  console.log(`test: accuracy ${accuracy.dataSync()[0].toFixed(4)}`);
  // What the page learns from a visitor is a few pictures: smaller steps.
  model.compile({ optimizer: tf.train.sgd(0.02), loss: 'sparseCategoricalCrossentropy' });
  return model;
}

/**
 * Two functions that share their weights: what is on pictures, and one step of learning.
 * @param runtime where the loader finds the runtime: a copy of it is written, unless it is elsewhere
 */
export const build = (model: tf.LayersModel, runtime = 'copy'): Promise<tf.Built> =>
  tf.buildArtifact(
    {
      recognize: { model, inputs: [tf.spec([null, 28, 28, 1], 'float32', 'image')] },
      learn: {
        model,
        inputs: [tf.spec([null, 28, 28, 1], 'float32', 'image')],
        labels: [tf.spec([null, 1], 'float32', 'label')],
      },
    },
    { name: 'digits', batch: [1, 16], runtime, details: false },
  );
