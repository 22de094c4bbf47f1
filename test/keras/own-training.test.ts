// Losses, metrics and optimizers in `fit` and `evaluate`: what a model reports is what they give for its
// predictions. Classes of one's own.

import * as tf from 'sinter';
import { beforeAll, describe, expect, it } from 'vitest';
import { near } from './near.ts';

const { metrics: m, losses: l, optimizers: o } = tf;

beforeAll(() => tf.ready());

const x = tf.randomNormal([50, 4], 0, 1, 'float32', 1);
const classes = tf.argMax(x.slice([0, 0], [50, 3]), 1) as tf.Tensor;
const y = tf.oneHot(classes, 3).cast('float32') as tf.Tensor;

const classifier = () =>
  tf.sequential({
    layers: [
      tf.layers.dense({ units: 8, activation: 'tanh', inputShape: [4] }),
      tf.layers.dense({ units: 3, activation: 'softmax' }),
    ],
  });

describe('in a model', () => {
  const all = (): tf.Metric[] => [
    new m.CategoricalAccuracy(),
    new m.AUC(),
    new m.AUC({ name: 'pr', curve: 'PR', multiLabel: true }),
    new m.Precision(),
    new m.Recall({ topK: 2 }),
    new m.F1Score({ average: 'macro' }),
    new m.R2Score(),
    new m.OneHotMeanIoU({ numClasses: 3 }),
    new m.RootMeanSquaredError(),
    new m.TopKCategoricalAccuracy({ k: 2 }),
    new m.SensitivityAtSpecificity({ specificity: 0.8 }),
    new m.KLDivergence(),
  ];
  it('metrics are those of its predictions, the last partial batch too', async () => {
    const model = classifier();
    const metrics = all();
    model.compile({ optimizer: o.adam({ learningRate: 0.05 }), loss: 'categoricalCrossentropy', metrics });
    const { history } = await model.fit(x, y, { epochs: 4, batchSize: 16, verbose: 0, validationData: [x, y] });
    const reported = model.evaluate(x, y, { batchSize: 16 }) as tf.Tensor[];
    const predicted = model.predict(x) as tf.Tensor;
    near(reported[0], new l.CategoricalCrossentropy().apply(y, predicted).dataSync()[0], 1e-4);
    for (const [i, metric] of all().entries()) {
      metric.updateState(y, predicted);
      const want = metric.result().dataSync()[0];
      near(reported[i + 1], want, 1e-4);
      expect(Math.abs((history[`val_${metric.name}`].at(-1) as number) - want)).toBeLessThan(1e-4);
    }
    expect(history.loss.at(-1) as number).toBeLessThan((history.loss[0] as number) / 1.5);
  });
  it.each([
    ['sgd', { momentum: 0.9, nesterov: true, learningRate: 0.2 }],
    ['rmsprop', { learningRate: 0.02, centered: true, momentum: 0.5 }],
    ['adagrad', { learningRate: 0.3 }],
    ['adadelta', { learningRate: 10 }],
    ['adam', { learningRate: 0.05, clipnorm: 1, amsgrad: true }],
    ['adamw', { learningRate: 0.05, globalClipnorm: 1, useEma: true, emaOverwriteFrequency: 5 }],
    ['adamax', { learningRate: 0.1, clipvalue: 0.5 }],
    ['nadam', { learningRate: 0.05, gradientAccumulationSteps: 2 }],
    ['ftrl', { learningRate: 0.5 }],
  ] as const)('%s learns', async (name, options) => {
    const model = classifier();
    const optimizer = o.deserialize({ className: name, config: options });
    model.compile({ optimizer, loss: new l.CategoricalCrossentropy(), metrics: ['accuracy'] });
    const { history } = await model.fit(x, y, { epochs: 12, batchSize: 10, verbose: 0 });
    expect(history.loss.at(-1) as number).toBeLessThan((history.loss[0] as number) * 0.8);
    const steps = 'gradientAccumulationSteps' in options ? 30 : 60;
    expect(optimizer.iterations.dataSync()[0]).toBe(steps);
  });
  it.each<[string, tf.Tensor, string]>([
    ['mse', y, 'mse'],
    ['categoricalHinge', y, 'categoricalAccuracy'],
    ['sparseCategoricalCrossentropy', classes, 'accuracy'],
    ['binaryFocalCrossentropy', y, 'accuracy'],
    ['huber', y, 'cosineProximity'],
  ])('%s falls', async (loss, labels, metric) => {
    const model = classifier();
    model.compile({ optimizer: tf.train.adam(0.05), loss, metrics: [metric] });
    const { history } = await model.fit(x, labels, { epochs: 8, batchSize: 10, verbose: 0 });
    expect(history.loss.at(-1) as number).toBeLessThan(history.loss[0] as number);
    expect(history[metric].length).toBe(8);
  });
});

describe('classes of one’s own', () => {
  class HalfStep extends tf.Optimizer {
    static readonly className = 'HalfStep';
    protected readonly slotNames = ['count'];
    protected update(v: tf.Variable, g: tf.Tensor, [count]: readonly tf.Variable[], step: { rate: tf.Tensor }) {
      count.assignAdd(1);
      return v.sub(g.mul(step.rate).div(2)) as tf.Tensor;
    }
  }
  class Quartic extends l.Loss {
    static readonly className = 'Quartic';
    call(a: tf.Tensor, b: tf.Tensor): tf.Tensor {
      return a.sub(b).pow(4).mean(-1) as tf.Tensor;
    }
  }
  class Largest extends m.Metric {
    static readonly className = 'Largest';
    readonly seen = this.addVariable([], 'seen', -1);
    updateState(_yTrue: tf.TensorLike, yPred: tf.TensorLike): void {
      this.seen.assign(tf.maximum(this.seen, tf.max(yPred)));
    }
    result(): tf.Tensor {
      return this.seen.read();
    }
  }
  it('train a model and are found by name once they are registered', async () => {
    for (const cls of [HalfStep, Quartic, Largest]) tf.serialization.registerClass(cls as never);
    const model = classifier();
    model.compile({ optimizer: 'HalfStep', loss: 'Quartic', metrics: ['Largest'] });
    model.optimizer.learningRate = 1;
    const { history } = await model.fit(x, y, { epochs: 3, batchSize: 25, verbose: 0 });
    expect(history.loss[2] as number).toBeLessThan(history.loss[0] as number);
    const reported = model.evaluate(x, y, { batchSize: 25 }) as tf.Tensor[];
    near(reported[1], (model.predict(x) as tf.Tensor).max().dataSync()[0], 1e-5);
    // One count for each step, and every element.
    expect([...model.optimizer.variables[1].dataSync()].every((c) => c === 6)).toBe(true);
  });
});
