// A training loop of one's own: layers, a GradientTape, an optimizer and metrics in one function, which `tf.func`
// compiles to one program. It separates the three arms of a spiral.

import * as tf from 'sinter';
import { main } from './shared/command-line.ts';
import { numbers } from './shared/numbers.ts';

export const settings = { steps: 1500, samples: 1500, batchSize: 128, units: 32, seed: 2 };

const arms = 3;

/** Points [n, 2] and the arm [n] that each of them belongs to. */
export function spiral(n: number, seed: number): { points: tf.Tensor; arm: tf.Tensor } {
  const arm = tf.randomUniform([n], 0, arms, 'int32', seed);
  const radius = tf.randomUniform([n], 0.05, 1, 'float32', seed + 1);
  const noise = tf.randomNormal([n], 0, 0.15, 'float32', seed + 2);
  const angle = radius
    .mul(5)
    .add(arm.cast('float32').mul((2 * Math.PI) / arms))
    .add(noise);
  return { points: tf.stack([radius.mul(angle.sin()), radius.mul(angle.cos())], 1), arm };
}

/** Trains; gives the share of other points whose arm is found, and the losses on the way. */
export async function run({ steps, samples, batchSize, units, seed }: typeof settings) {
  await tf.ready();
  tf.setRandomSeed(seed);
  const [train, test] = [spiral(samples, seed), spiral(1000, seed + 10)];
  const model = tf.sequential({
    layers: [
      tf.layers.dense({ units, activation: 'tanh', inputShape: [2] }),
      tf.layers.dense({ units, activation: 'tanh' }),
      tf.layers.dense({ units: arms }),
    ],
  });
  const learningRate = new tf.optimizers.schedules.CosineDecay({ initialLearningRate: 0.02, decaySteps: steps });
  const optimizer = tf.optimizers.adam({ learningRate });
  const lossOf = new tf.losses.SparseCategoricalCrossentropy({ fromLogits: true });
  const [meanLoss, accuracy] = [new tf.metrics.Mean(), new tf.metrics.SparseCategoricalAccuracy()];

  // The data stays in the program's memory; a step picks its batch by itself.
  const [points, arm] = [tf.variable(train.points, false), tf.variable(train.arm, false)];
  const step = tf.func(() => {
    const batch = tf.randomUniform([batchSize], 0, samples, 'int32');
    const [x, y] = [tf.gather(points, batch), tf.gather(arm, batch)];
    const tape = new tf.GradientTape();
    const logits = model.apply(x, { training: true });
    const loss = lossOf.apply(y, logits);
    const weights = model.trainableWeights;
    const gradients = tape.gradient(loss, weights);
    optimizer.applyGradients(weights.map((w, i) => [gradients[i], w] as const));
    meanLoss.updateState(loss);
    accuracy.updateState(y, logits);
  });

  const losses: number[] = [];
  for (let i = 1; i <= steps; i++) {
    step();
    if (i % 250 !== 0 && i !== steps) continue;
    const [loss, right] = await numbers([meanLoss, accuracy].map((m) => m.result()));
    console.log(`step ${i}: loss ${loss.toFixed(4)}, accuracy ${right.toFixed(4)}`);
    losses.push(loss);
    for (const m of [meanLoss, accuracy]) m.resetState();
  }
  accuracy.updateState(test.arm, model.predict(test.points));
  const [testAccuracy] = await numbers([accuracy.result()]);
  console.log(`1000 other points: accuracy ${testAccuracy.toFixed(4)}`);
  return { accuracy: testAccuracy, losses };
}

await main(import.meta.url, run, settings);
