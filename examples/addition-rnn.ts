// Teaches a recurrent network to add: it reads "535+61" letter by letter and writes "596". An LSTM reads the
// question, its last state is what an LSTM that writes sees in each step. The question is given backwards, which
// brings the digits that belong together closer (Sutskever, Vinyals, Le 2014).

import * as tf from 'sinter';
import { main } from './shared/command-line.ts';

export const settings = { digits: 3, samples: 50_000, units: 128, batchSize: 128, epochs: 8, rate: 0.005, threads: 2 };

const letters = '0123456789+ ';
const places = new Map([...letters].map((c, i) => [c, i]));

/** Texts of equal length as one-hot vectors [n, length, letters]. */
const encode = (texts: readonly string[]): tf.Tensor =>
  tf.oneHot(
    texts.map((t) => Array.from(t, (c) => places.get(c) as number)),
    letters.length,
  );

/** The text of each row of probabilities [n, length, letters]. */
async function decode(probabilities: tf.Tensor): Promise<string[]> {
  const rows: number[][] = await tf.argMax(probabilities, -1).array();
  return rows.map((row) => row.map((i) => letters[i]).join(''));
}

/** Pairs of numbers with up to `digits` digits in random order; of a, b and b, a only one. */
export async function pairs(samples: number, digits: number, seed: number): Promise<[number, number][]> {
  const wanted = Math.min(samples, (10 ** digits * (10 ** digits + 1)) / 2);
  const found = new Map<string, [number, number]>();
  for (let round = 0; found.size < wanted; round++) {
    // As many numbers of one digit as of two and of three.
    const lengths: number[][] = await tf.randomUniform([2, 4096], 1, digits + 1, 'int32', seed + 2 * round).array();
    const parts: number[][] = await tf.randomUniform([2, 4096], 0, 1, 'float32', seed + 2 * round + 1).array();
    for (let i = 0; i < 4096 && found.size < wanted; i++) {
      const [a, b] = [0, 1].map((k) => Math.floor(parts[k][i] * 10 ** lengths[k][i]));
      const key = `${Math.min(a, b)}+${Math.max(a, b)}`;
      if (!found.has(key)) found.set(key, [a, b]);
    }
  }
  // The short ones, of which there are few, were found early.
  const order = await tf.random.permutation(wanted, [seed, 0]).data();
  const list = [...found.values()];
  return Array.from(order, (i) => list[i]);
}

/** Questions and answers as texts, filled up with blanks. */
const textsOf = (list: readonly (readonly [number, number])[], digits: number) => ({
  questions: list.map(([a, b]) => `${a}+${b}`.padEnd(2 * digits + 1)),
  answers: list.map(([a, b]) => String(a + b).padEnd(digits + 1)),
});
/** Questions backwards and answers as one-hot vectors. */
const encodeAll = ({ questions, answers }: ReturnType<typeof textsOf>) => ({
  x: encode(questions.map((q) => [...q].reverse().join(''))),
  y: encode(answers),
});

/** The network: from [length of the question, letters] to [length of the answer, letters]. */
export function network(digits: number, units: number): tf.Sequential {
  return tf.sequential({
    layers: [
      tf.layers.lstm({ units, inputShape: [2 * digits + 1, letters.length] }),
      tf.layers.repeatVector({ n: digits + 1 }),
      tf.layers.lstm({ units, returnSequences: true }),
      tf.layers.timeDistributed({ layer: tf.layers.dense({ units: letters.length, activation: 'softmax' }) }),
    ],
  });
}

/** Trains on nine tenths of the pairs, asked both ways; gives the share of the others whose whole answer is right. */
export async function run({ digits, samples, units, batchSize, epochs, rate, threads }: typeof settings) {
  tf.setRandomSeed(1);
  const all = await pairs(samples, digits, 1);
  const kept = Math.floor(all.length / 10);
  const training = all.slice(kept).flatMap(([a, b]) => [[a, b] as const, [b, a] as const]);
  const held = textsOf(all.slice(0, kept), digits);
  const [train, test] = [encodeAll(textsOf(training, digits)), encodeAll(held)];

  const model = network(digits, units);
  // From the full rate down to nothing along half a cosine.
  const steps = epochs * Math.ceil(training.length / batchSize);
  const learningRate = new tf.optimizers.schedules.CosineDecay({ initialLearningRate: rate, decaySteps: steps });
  model.compile({
    optimizer: tf.optimizers.adam({ learningRate, clipnorm: 1 }),
    loss: 'categoricalCrossentropy',
    metrics: ['accuracy'],
    threads,
  });
  const { history } = await model.fit(train.x, train.y, { epochs, batchSize, validationData: [test.x, test.y] });

  const { questions, answers } = held;
  const guesses = await decode(model.predict(test.x, { batchSize: 500 }));
  const marks = guesses.map((g, i) => g === answers[i]);
  const right = marks.filter((m) => m).length / kept;
  for (let i = 0; i < 5; i++) console.log(`${questions[i]} = ${answers[i]} ${guesses[i]} ${marks[i] ? '☑' : '☒'}`);
  console.log(`${kept} questions held out: ${(right * 100).toFixed(2)} % answered right`);
  return { right, history };
}

await main(import.meta.url, run, settings);
