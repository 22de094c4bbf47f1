// A perceptron on the MNIST digits: a stack of layers, `compile`, `fit`, `evaluate`, `predict`.

import * as tf from 'sinter';
import { main } from './shared/command-line.ts';
import { loadDigits } from './shared/digits.ts';
import { numbers } from './shared/numbers.ts';

export const settings = { epochs: 10, samples: 60_000, testSamples: 10_000, batchSize: 128, units: 512, threads: 2 };

/** Trains the network; gives its share of right answers on the test digits. */
export async function run({ epochs, samples, testSamples, batchSize, units, threads }: typeof settings) {
  tf.setRandomSeed(1);
  const { train, test } = await loadDigits(samples, testSamples);

  const model = tf.sequential({
    layers: [
      tf.layers.flatten({ inputShape: [28, 28, 1] }),
      tf.layers.dense({ units, activation: 'relu' }),
      tf.layers.dropout({ rate: 0.2 }),
      tf.layers.dense({ units, activation: 'relu' }),
      tf.layers.dropout({ rate: 0.2 }),
      tf.layers.dense({ units: 10, activation: 'softmax' }),
    ],
  });
  model.summary();
  model.compile({ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'], threads });
  const { history } = await model.fit(train.x, train.y, {
    epochs,
    batchSize,
    validationSplit: 0.1,
    // Smaller steps once the kept digits are not recognised any better.
    callbacks: tf.callbacks.reduceLROnPlateau({ monitor: 'val_loss', factor: 0.3, patience: 1 }),
  });

  const [loss, accuracy] = await numbers(model.evaluate(test.x, test.y, { batchSize: 500 }));
  console.log(`test: loss ${loss.toFixed(4)}, accuracy ${accuracy.toFixed(4)}`);

  const [first, labels] = [test.x.slice([0, 0, 0, 0], [10, 28, 28, 1]), test.y.slice([0], [10])];
  const seen = tf.argMax(model.predict(first), 1);
  console.log(`the first ten are ${(await labels.data()).join(' ')}, recognised as ${(await seen.data()).join(' ')}`);
  return { accuracy, loss, history };
}

await main(import.meta.url, run, settings);
