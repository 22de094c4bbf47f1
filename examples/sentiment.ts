// Does a review praise or not? An embedding and an LSTM over sequences of words of different lengths, filled up
// and masked. The reviews are generated: the last opinion counts, and "not" turns it round, so that the order of
// the words matters.

import * as tf from 'sinter';
import { main } from './shared/command-line.ts';
import { numbers } from './shared/numbers.ts';

export const settings = { epochs: 8, samples: 6000, batchSize: 64, units: 24, seed: 5, threads: 1 };

const good = ['good', 'great', 'fun', 'moving', 'clever', 'lovely'];
const bad = ['bad', 'boring', 'awful', 'weak', 'silly', 'dull'];
const filler = 'the film was a bit but and its cast story music scenes ending really seemed rather felt'.split(' ');
/** Numbers of words; 0 stands for no word. */
const vocabulary = new Map(['', 'not', ...good, ...bad, ...filler].map((w, i) => [w, i]));
const longest = 30;

/** Reviews, and 1 for each that praises. */
export async function reviews(n: number, seed: number): Promise<{ texts: string[][]; labels: number[] }> {
  const numbers: number[][] = await tf.randomUniform([n, 2 * longest], 0, 1, 'float32', seed).array();
  const texts: string[][] = [];
  const labels: number[] = [];
  for (const row of numbers) {
    let next = 0;
    const random = () => row[next++];
    const one = (list: readonly string[]) => list[Math.floor(random() * list.length)];
    const text: string[] = [];
    let praise = false;
    const opinions = 1 + Math.floor(random() * 3);
    for (let k = 0; k < opinions; k++) {
      for (let words = Math.floor(random() * 6); words > 0; words--) text.push(one(filler));
      const negated = random() < 0.4;
      const liked = random() < 0.5;
      if (negated) text.push('not');
      text.push(one(liked ? good : bad));
      praise = liked !== negated;
    }
    for (let words = Math.floor(random() * 5); words > 0; words--) text.push(one(filler));
    texts.push(text);
    labels.push(praise ? 1 : 0);
  }
  return { texts, labels };
}

/** Numbers of the words [n, longest], zeros before the first. */
const encode = (texts: readonly string[][]): tf.Tensor =>
  tf.utils.padSequences(
    texts.map((t) => t.map((w) => vocabulary.get(w) as number)),
    { maxlen: longest },
  );

/** Trains the model; gives its share of right answers on other reviews. */
export async function run({ epochs, samples, batchSize, units, seed, threads }: typeof settings) {
  tf.setRandomSeed(seed);
  const [train, test] = await Promise.all([reviews(samples, seed), reviews(1000, seed + 1)]);
  const model = tf.sequential({
    layers: [
      tf.layers.embedding({ inputDim: vocabulary.size, outputDim: 16, maskZero: true, inputLength: longest }),
      tf.layers.lstm({ units }),
      tf.layers.dense({ units: 1, activation: 'sigmoid' }),
    ],
  });
  model.compile({
    optimizer: tf.train.adam(0.01),
    loss: 'binaryCrossentropy',
    metrics: ['accuracy', new tf.metrics.AUC()],
    threads,
  });
  const { history } = await model.fit(encode(train.texts), tf.tensor(train.labels, [samples, 1]), {
    epochs,
    batchSize,
  });
  const answers = tf.tensor(test.labels, [test.labels.length, 1]);
  const [, accuracy, auc] = await numbers(model.evaluate(encode(test.texts), answers));
  console.log(`1000 other reviews: accuracy ${accuracy.toFixed(4)}, AUC ${auc.toFixed(4)}`);

  const examples = ['the film was good', 'the film was not good', 'the cast was dull but the story was not bad'];
  const praise = await model.predict(encode(examples.map((t) => t.split(' ')))).data();
  examples.forEach((t, i) => void console.log(`${praise[i].toFixed(3)}  ${t}`));
  return { accuracy, auc, praise, history };
}

await main(import.meta.url, run, settings);
