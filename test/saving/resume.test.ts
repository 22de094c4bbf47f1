// Training that goes on from a file alone: the same numbers, to the bit, as without a break.

import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import * as tf from 'sinter';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sinter-resume-'));
afterAll(() => fs.rmSync(folder, { recursive: true }));
beforeAll(() => tf.ready());

const L = tf.layers;
/** Dropout with and without a seed of its own, a regularizer, statistics, and a schedule or a rate that was set. */
function network(optimizer: tf.Optimizer): tf.Sequential {
  const m = tf.sequential({
    layers: [
      L.dense({ units: 8, activation: 'relu', inputShape: [4], kernelRegularizer: 'l2' }),
      L.dropout({ rate: 0.3, seed: 5 }),
      L.batchNormalization(),
      L.dropout({ rate: 0.3 }),
      L.dense({ units: 3, activation: 'softmax' }),
    ],
  });
  m.compile({ optimizer, loss: new tf.losses.CategoricalCrossentropy({ labelSmoothing: 0.1 }), metrics: ['accuracy'] });
  return m;
}

const optimizers: Record<string, () => tf.Optimizer> = {
  adam: () => tf.optimizers.adam({ learningRate: 0.01 }),
  amsgrad: () => tf.optimizers.adam({ amsgrad: true, clipnorm: 1 }),
  'adam of TensorFlow.js': () => tf.train.adam(0.01),
  'momentum with averages': () => tf.optimizers.sgd({ learningRate: 0.1, momentum: 0.9, useEma: true }),
  'rmsprop, centered': () => tf.optimizers.rmsprop({ momentum: 0.5, centered: true }),
  nadam: () => tf.optimizers.nadam(),
  ftrl: () => tf.optimizers.ftrl(),
  'a schedule': () =>
    tf.optimizers.adamw({
      learningRate: new tf.optimizers.schedules.ExponentialDecay({
        initialLearningRate: 0.1,
        decaySteps: 3,
        decayRate: 0.9,
      }),
    }),
  'gradients added up': () => tf.optimizers.adam({ gradientAccumulationSteps: 2 }),
};

const x = tf.randomNormal([20, 4], 0, 1, 'float32', 1);
const y = tf.oneHot(tf.randomUniformInt([20], 0, 3, 2), 3);
const train = (m: tf.LayersModel) => m.fit(x, y, { epochs: 2, batchSize: 8, verbose: 0, shuffle: true });
const state = (m: tf.LayersModel) => m.getWeights().map((t) => [...t.dataSync()]);

describe.each(['m.sinterck', 'file://m'])('from %s', (target) => {
  it.each(Object.keys(optimizers))('%s', async (name) => {
    tf.setRandomSeed(7);
    const model = network(optimizers[name]());
    await train(model);
    if (name === 'adam') model.optimizer.learningRate = 0.003;
    const at = target.startsWith('file://') ? `file://${folder}/m` : path.join(folder, target);
    await model.save(at, { includeOptimizer: true });
    const straight = await train(model);
    tf.setRandomSeed(99);
    const loaded = await tf.loadLayersModel(at.startsWith('file://') ? `${at}/model.json` : at);
    const resumed = await train(loaded);
    expect(resumed.history).toEqual(straight.history);
    expect(state(loaded)).toEqual(state(model));
  });
});

it('needs the classes of a model to be registered, and says which', async () => {
  class Twice extends L.Layer {
    static readonly className = 'TwiceInResume';
    override call(inputs: tf.Tensor | tf.Tensor[]) {
      return (Array.isArray(inputs) ? inputs[0] : inputs).mul(2);
    }
  }
  const model = tf.sequential({ layers: [L.dense({ units: 2, inputShape: [2] }), new Twice()] });
  const bytes = await tf.models.encodeModel(model, 'native');
  await expect(tf.loadLayersModel(bytes)).rejects.toThrow(/TwiceInResume/);
  const loaded = await tf.loadLayersModel(bytes, { customObjects: { TwiceInResume: Twice } });
  const input = tf.tensor([[1, 2]]);
  expect([...loaded.predict(input).dataSync()]).toEqual([...model.predict(input).dataSync()]);
  tf.serialization.registerClass(Twice);
  for (const format of ['native', 'keras', 'h5']) {
    const again = await tf.loadLayersModel(await tf.models.encodeModel(model, format));
    expect([...again.predict(input).dataSync()]).toEqual([...model.predict(input).dataSync()]);
  }
});

it('a subclass with a call of its own says what it needs', async () => {
  class Own extends tf.LayersModel {
    override call(inputs: tf.Tensor | tf.Tensor[]) {
      return inputs;
    }
  }
  await expect(new Own().save(`${folder}/own.keras`)).rejects.toThrow(/override getConfig/);
  const lambda = tf.sequential({ layers: [L.lambda({ function: (t: tf.Tensor) => t, inputShape: [2] })] });
  await expect(lambda.save(`file://${folder}/lambda`)).rejects.toThrow(tf.ArgumentError);
  expect(fs.existsSync(`${folder}/lambda`)).toBe(false);
});
