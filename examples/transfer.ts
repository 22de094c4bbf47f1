// Transfer learning: what a network learnt about the shapes of the digits 0 to 4 is frozen and used to tell 5 to
// 9 apart, for which only a new head is trained.

import * as tf from 'sinter';
import { main } from './shared/command-line.ts';
import { digitsBetween, loadDigits } from './shared/digits.ts';
import { numbers } from './shared/numbers.ts';

export const settings = { epochs: 5, samples: 60_000, testSamples: 10_000, batchSize: 128, filters: 32, threads: 2 };

/** Layers that find shapes in an image. */
const shapeLayers = (filters: number): tf.Layer[] => [
  tf.layers.conv2d({ filters, kernelSize: 3, activation: 'relu', inputShape: [28, 28, 1] }),
  tf.layers.conv2d({ filters, kernelSize: 3, strides: 2, activation: 'relu' }),
  tf.layers.maxPooling2d({ poolSize: 2 }),
  tf.layers.dropout({ rate: 0.25 }),
  tf.layers.flatten(),
];
/** Layers that tell five classes apart by the shapes. */
const head = (): tf.Layer[] => [
  tf.layers.dense({ units: 128, activation: 'relu' }),
  tf.layers.dropout({ rate: 0.5 }),
  tf.layers.dense({ units: 5, activation: 'softmax' }),
];

/** Trains on the first five digits, then a new head on the others; gives both shares of right answers. */
export async function run({ epochs, samples, testSamples, batchSize, filters, threads }: typeof settings) {
  tf.setRandomSeed(1);
  const { train, test } = await loadDigits(samples, testSamples);
  const settings = { optimizer: 'adam', loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'], threads };
  const learn = async (model: tf.LayersModel, from: number, to: number) => {
    model.compile(settings);
    const [part, held] = await Promise.all([train, test].map((d) => digitsBetween(d, from, to)));
    const start = performance.now();
    await model.fit(part.x, part.y, { epochs, batchSize });
    const seconds = (performance.now() - start) / 1000;
    const [, accuracy] = await numbers(model.evaluate(held.x, held.y, { batchSize: 500 }));
    console.log(`digits ${from} to ${to}: test accuracy ${accuracy.toFixed(4)} after ${seconds.toFixed(1)} s`);
    return { accuracy, seconds };
  };

  const features = shapeLayers(filters);
  const first = tf.sequential({ layers: [...features, ...head()] });
  const all = await learn(first, 0, 4);

  // Frozen before the new model is compiled: its training step has no gradients of these layers.
  for (const layer of features) layer.trainable = false;
  const second = tf.sequential({ layers: [...features, ...head()] });
  second.summary();
  const frozen = () => features.flatMap((layer) => layer.getWeights());
  const before = frozen();
  const transferred = await learn(second, 5, 9);
  return { all, transferred, before, after: frozen(), model: second };
}

await main(import.meta.url, run, settings);
