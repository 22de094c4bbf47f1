// Prices of houses from two inputs: numbers about the house, and the district it stands in. A functional model
// with two branches that meet; its data is generated, so that the price of each district is known.

import * as tf from 'sinter';
import { main } from './shared/command-line.ts';
import { numbers } from './shared/numbers.ts';

export const settings = { epochs: 25, samples: 4000, batchSize: 64, seed: 3 };

/** What a square metre costs in each district, in thousands. */
export const pricePerMetre = [2, 3.5, 5, 8, 1.2, 6.5];

/** Houses: [area in 100 m², age in 100 years, rooms / 10], district, and the price in millions with some noise. */
export function houses(n: number, seed: number) {
  const [area, age] = [
    tf.randomUniform([n], 0.4, 2.5, 'float32', seed),
    tf.randomUniform([n], 0, 1, 'float32', seed + 1),
  ];
  const rooms = area.mul(0.4).add(tf.randomUniform([n], 0, 0.2, 'float32', seed + 2));
  const district = tf.randomUniform([n], 0, pricePerMetre.length, 'int32', seed + 3);
  const metre = tf.gather(tf.tensor(pricePerMetre), district).div(10);
  // New houses are dear, old ones become dear again; each room adds a little.
  const byAge = age.sub(0.6).square().mul(0.8).add(0.7);
  const noise = tf.randomNormal([n], 0, 0.01, 'float32', seed + 4);
  const price = area.mul(metre).mul(byAge).add(rooms.mul(0.1)).add(noise);
  return { house: tf.stack([area, age, rooms], 1), district: district.reshape([n, 1]), price: price.reshape([n, 1]) };
}

/** The model: the district's row of a table beside the numbers, then dense layers. */
export function network(): tf.LayersModel {
  const house = tf.input({ shape: [3], name: 'house' });
  const district = tf.input({ shape: [1], name: 'district', dtype: 'int32' });
  const place = tf.layers.embedding({ inputDim: pricePerMetre.length, outputDim: 3 }).apply(district);
  const both = tf.layers.concatenate().apply([house, tf.layers.flatten().apply(place)]);
  const hidden = tf.layers.dense({ units: 64, activation: 'relu' }).apply(both);
  const deeper = tf.layers.dense({ units: 32, activation: 'relu' }).apply(hidden);
  return tf.model({ inputs: [house, district], outputs: tf.layers.dense({ units: 1, name: 'price' }).apply(deeper) });
}

/** Trains the model; gives how much of the prices' variance it explains, and the mean error in millions. */
export async function run({ epochs, samples, batchSize, seed }: typeof settings) {
  tf.setRandomSeed(seed);
  const train = houses(samples, seed);
  const test = houses(1000, seed + 100);
  const model = network();
  model.summary();
  model.compile({
    optimizer: tf.train.adam(0.005),
    loss: 'meanSquaredError',
    metrics: ['mae', new tf.metrics.R2Score()],
  });
  const { history } = await model.fit({ house: train.house, district: train.district }, train.price, {
    epochs,
    batchSize,
    validationSplit: 0.1,
    callbacks: [
      tf.callbacks.reduceLROnPlateau({ patience: 4, factor: 0.5 }),
      tf.callbacks.earlyStopping({ patience: 12, restoreBestWeights: true }),
    ],
  });
  const [, mae, r2] = await numbers(model.evaluate([test.house, test.district], test.price));
  console.log(`1000 other houses: mean error ${(mae * 1000).toFixed(0)} thousand, R² ${r2.toFixed(4)}`);
  return { mae, r2, history };
}

await main(import.meta.url, run, settings);
