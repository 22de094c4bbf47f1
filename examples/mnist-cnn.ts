// A convolutional network on the MNIST digits: the one that comes with Keras.

import * as tf from 'sinter';
import { main } from './shared/command-line.ts';
import { loadDigits } from './shared/digits.ts';
import { numbers } from './shared/numbers.ts';

export const settings = { epochs: 5, samples: 60_000, testSamples: 10_000, batchSize: 128, filters: 32, threads: 2 };

/** Two convolutions, the maximum over 2x2, a dense layer, and the ten classes. */
function network(filters: number): tf.Sequential {
  return tf.sequential({
    layers: [
      tf.layers.conv2d({ filters, kernelSize: 3, activation: 'relu', inputShape: [28, 28, 1] }),
      tf.layers.conv2d({ filters: 2 * filters, kernelSize: 3, activation: 'relu' }),
      tf.layers.maxPooling2d({ poolSize: 2 }),
      tf.layers.dropout({ rate: 0.25 }),
      tf.layers.flatten(),
      tf.layers.dense({ units: 128, activation: 'relu' }),
      tf.layers.dropout({ rate: 0.5 }),
      tf.layers.dense({ units: 10, activation: 'softmax' }),
    ],
  });
}

/** Trains the network; gives its share of right answers on the test digits. */
export async function run({ epochs, samples, testSamples, batchSize, filters, threads }: typeof settings) {
  tf.setRandomSeed(1);
  const { train, test } = await loadDigits(samples, testSamples);
  const model = network(filters);
  model.summary();
  model.compile({ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'], threads });

  const { history } = await model.fit(train.x, train.y, { epochs, batchSize });
  const [loss, accuracy] = await numbers(model.evaluate(test.x, test.y, { batchSize: 500 }));
  console.log(`test: loss ${loss.toFixed(4)}, accuracy ${accuracy.toFixed(4)}`);
  return { accuracy, loss, history };
}

await main(import.meta.url, run, settings);
