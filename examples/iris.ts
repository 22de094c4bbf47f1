// Three kinds of iris told apart by the measures of their flowers (R. A. Fisher 1936): rows of a CSV file
// through tf.data, of which a third is held out for the test.

import * as tf from 'sinter';
import { main } from './shared/command-line.ts';
import { numbers } from './shared/numbers.ts';
import { repositoryFile } from './shared/repository.ts';

export const settings = { epochs: 100, batchSize: 10, seed: 7 };

export const species = ['setosa', 'versicolor', 'virginica'];
const measures = ['sepal_length', 'sepal_width', 'petal_length', 'petal_width'];

/** The flowers in random order: measures in centimetres, and the kind as one of three. */
function flowers(seed: number): tf.data.Dataset {
  return (
    tf.data
      .csv(`file://${repositoryFile('examples/data/iris.csv')}`, { columnConfigs: { species: { isLabel: true } } })
      .map(({ xs, ys }) => ({
        xs: measures.map((name) => xs[name]),
        ys: species.map((name) => (name === ys.species ? 1 : 0)),
      }))
      // Once for all: the same flowers are held out in every epoch.
      .shuffle(150, seed, false)
  );
}

/** Trains on 100 flowers; gives the share of the other 50 whose kind is found. */
export async function run({ epochs, batchSize, seed }: typeof settings) {
  tf.setRandomSeed(seed);
  const all = flowers(seed);
  const train = all.take(100).shuffle(100).batch(batchSize);
  const test = all.skip(100).batch(50);

  const model = tf.sequential({
    layers: [
      tf.layers.dense({ units: 16, activation: 'relu', inputShape: [4] }),
      tf.layers.dense({ units: 16, activation: 'relu' }),
      tf.layers.dense({ units: 3, activation: 'softmax' }),
    ],
  });
  model.compile({ optimizer: tf.train.adam(0.005), loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
  const { history } = await model.fitDataset(train, { epochs, verbose: 0 });
  const [loss, accuracy] = await numbers(await model.evaluateDataset(test));
  console.log(`50 flowers held out: loss ${loss.toFixed(4)}, accuracy ${accuracy.toFixed(2)}`);

  const p = await model.predict([tf.tensor([[5.9, 3.0, 4.2, 1.5]])]).data();
  console.log(`5.9 x 3.0, 4.2 x 1.5 cm: ${species.map((name, i) => `${name} ${p[i].toFixed(3)}`).join(', ')}`);
  return { accuracy, loss, history };
}

await main(import.meta.url, run, settings);
