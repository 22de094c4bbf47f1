// Details of models and training that programs written for Keras and TensorFlow.js rely on.

import * as tf from 'sinter';
import { beforeEach, describe, expect, test, vi } from 'vitest';

beforeEach(() => tf.setRandomSeed(1));
const quiet = { verbose: 0 as const };
const T = tf.tensor;
const numbers = (t: tf.Tensor) => Array.from(t.dataSync());
const [X, Y] = [T([1, 0, 0, 1, 1, 1, 2, 1], [4, 2]), T([1, 2, 3, 4], [4, 1])];

/** The sum of the two inputs. */
function sum(args: Partial<Parameters<tf.LayersModel['compile']>[0]> = {}): tf.Sequential {
  const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [2], kernelInitializer: 'ones' })] });
  model.compile({ optimizer: tf.train.sgd(0.1), loss: 'meanSquaredError', ...args });
  return model;
}

describe('classWeight', () => {
  test('weighs training, not the samples kept for validation', async () => {
    const model = tf.sequential({
      layers: [tf.layers.dense({ units: 2, inputShape: [2], kernelInitializer: 'zeros', activation: 'softmax' })],
    });
    model.compile({ optimizer: tf.train.sgd(0), loss: 'sparseCategoricalCrossentropy' });
    const args = { ...quiet, validationSplit: 0.5, classWeight: { 0: 10, 1: 10 } };
    const { history } = await model.fit(X, T([0, 1, 0, 1]), args);
    expect(history.loss[0]).toBeCloseTo(10 * Math.LN2, 5);
    expect(history.val_loss[0]).toBeCloseTo(Math.LN2, 5);
  });
});

describe('a function as loss or metric', () => {
  // Predictions 1, 1, 2, 3 for 1, 2, 3, 4: the mean of squares is 3/4. Broadcast to [4, 4] it would be 2.5.
  const squares = (y: tf.Tensor, p: tf.Tensor) => tf.mean(tf.square(tf.sub(y, p)), -1);
  test.each([
    ['[4]', T([1, 2, 3, 4])],
    ['[4, 1]', Y],
  ])('compares labels %s and outputs [4, 1] one by one', (_, labels) => {
    const model = sum({ loss: squares, metrics: [squares] });
    const [loss, metric] = model.evaluate(X, labels, quiet) as tf.Tensor[];
    expect(numbers(loss)[0]).toBeCloseTo(0.75, 6);
    expect(numbers(metric)[0]).toBeCloseTo(0.75, 6);
  });

  test('names of functions of the library are those that they are exported under', async () => {
    const model = sum({ metrics: [tf.metrics.meanAbsoluteError, tf.metrics.MSE] });
    const { history } = await model.fit(X, Y, quiet);
    expect(Object.keys(history)).toEqual(['loss', 'meanAbsoluteError', 'meanSquaredError']);
  });
});

describe('metricsNames', () => {
  test('are known before training', async () => {
    const model = sum({ metrics: ['acc', (y: tf.Tensor, p: tf.Tensor) => tf.abs(tf.sub(y, p)), 'mae', 'mae'] });
    const names = ['loss', 'acc', 'metric', 'mae', 'mae_1'];
    expect(model.metricsNames).toEqual(names);
    const { history } = await model.fit(X, Y, quiet);
    expect(Object.keys(history)).toEqual(names);
    expect(model.metricsNames).toEqual(names);
  });

  test('have the names of several outputs', () => {
    const x = tf.input({ shape: [2] });
    const outputs = ['a', 'b'].map((name) => tf.layers.dense({ units: 1, name }).apply(x) as tf.SymbolicTensor);
    const model = tf.model({ inputs: x, outputs });
    model.compile({ loss: { a: 'meanSquaredError' }, metrics: { b: ['mae'] } });
    expect(model.metricsNames).toEqual(['loss', 'a_loss', 'b_mae']);
  });
});

describe('history', () => {
  test('accuracy is read as acc, too', async () => {
    const { history } = await sum({ metrics: ['accuracy'] }).fit(X, Y, { ...quiet, validationData: [X, Y] });
    expect(history.acc).toEqual(history.accuracy);
    expect(history.val_acc).toHaveLength(1);
    expect(Object.keys(history)).toEqual(['loss', 'accuracy', 'val_loss', 'val_accuracy']);
  });
});

describe('inputs of a fixed size of the batch', () => {
  const model = () => {
    const m = tf.sequential({
      layers: [
        tf.layers.simpleRNN({
          units: 1,
          stateful: true,
          batchInputShape: [2, 3, 1],
          activation: 'linear',
          kernelInitializer: 'ones',
          recurrentInitializer: 'ones',
        }),
      ],
    });
    m.compile({ optimizer: tf.train.sgd(0), loss: 'meanAbsoluteError' });
    return m;
  };
  const x = T([1, 1, 1, 2, 2, 2, 1, 0, 0, 0, 0, 3], [4, 3, 1]);
  const y = tf.zeros([4, 1]);

  test('take more samples than a batch; states go from batch to batch', async () => {
    const m = model();
    // Sums over time; the second batch goes on with 3 and 6.
    expect(numbers(m.predict(x) as tf.Tensor)).toEqual([3, 6, 4, 9]);
    m.resetStates();
    expect(numbers(m.evaluate(x, y, { ...quiet, batchSize: 2 }) as tf.Tensor)).toEqual([5.5]);
    m.resetStates();
    const { history } = await m.fit(x, y, { ...quiet, batchSize: 2, shuffle: false, epochs: 2 });
    expect(history.loss).toEqual([5.5, (7 + 15 + 8 + 18) / 4]);
  });

  test('refuse other sizes, and samples that are left over', async () => {
    const m = model();
    await expect(m.fit(x, y, { ...quiet, batchSize: 4 })).rejects.toThrow(/batchSize is 4.*batches of 2/);
    await expect(m.fit(x.slice([0], [3]), y.slice([0], [3]), quiet)).rejects.toThrow(/does not divide 3 samples/);
    const share = { ...quiet, validationSplit: 0.25 };
    await expect(m.fit(x, y, share)).rejects.toThrow(/3 samples are no whole number of batches of 2/);
    await expect(m.trainOnBatch(x, y)).rejects.toThrow(/must have the shape \[2,3,1\], got \[4,3,1\]/);
  });
});

describe('a Sequential that changes after compile', () => {
  test('trains the layers that were added', async () => {
    const model = sum();
    await model.fit(X, Y, quiet);
    model.add(tf.layers.dense({ units: 3, activation: 'softmax' }));
    const before = numbers(model.getWeights()[2]);
    const labels = tf.oneHot(T([0, 1, 2, 0], [4], 'int32'), 3);
    await model.fit(X, labels, quiet);
    const after = numbers(model.getWeights()[2]);
    after.forEach((v, i) => void expect(v).not.toBe(before[i]));
  });

  test('trains what is left after pop', async () => {
    const model = tf.sequential({
      layers: [tf.layers.dense({ units: 2, inputShape: [2] }), tf.layers.dense({ units: 1 })],
    });
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    await model.fit(X, Y, quiet);
    model.pop();
    const before = numbers(model.getWeights()[0]);
    await model.fit(X, tf.ones([4, 2]), quiet);
    expect(numbers(model.getWeights()[0])).not.toEqual(before);
  });
});

describe('layers', () => {
  test('the penalty of a layer that is used in a nested model and beside it counts once', () => {
    const dense = tf.layers.dense({
      units: 2,
      useBias: false,
      kernelInitializer: 'ones',
      kernelRegularizer: tf.regularizers.l2({ l2: 1 }),
    });
    const a = tf.input({ shape: [2] });
    const inner = tf.model({ inputs: a, outputs: dense.apply(a) as tf.SymbolicTensor });
    const b = tf.input({ shape: [2] });
    const twice = dense.apply(inner.apply(b) as tf.SymbolicTensor) as tf.SymbolicTensor;
    const model = tf.model({ inputs: b, outputs: twice });
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const exact = model.predict(X) as tf.Tensor;
    expect(numbers(model.evaluate(X, exact, quiet) as tf.Tensor)).toEqual([4]);
  });

  test('one that gives its input back without the mask ends the mask', () => {
    // Adds 1 for each step that counts.
    const count = tf.layers.simpleRNN({
      units: 1,
      activation: 'linear',
      kernelInitializer: 'zeros',
      recurrentInitializer: 'ones',
      biasInitializer: 'ones',
    });
    const x = tf.input({ shape: [3, 1] });
    const masked = tf.layers.masking().apply(x) as tf.SymbolicTensor;
    const ended = tf.layers.reshape({ targetShape: [3, 1] }).apply(masked) as tf.SymbolicTensor;
    const outputs = [ended, masked].map((t) => count.apply(t) as tf.SymbolicTensor);
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const [all, some] = tf.model({ inputs: x, outputs }).predict(T([5, 0, 7], [1, 3, 1])) as tf.Tensor[];
    expect(warn.mock.calls.flat().join()).toMatch(/'reshape\w*'.*does not support masks/);
    warn.mockRestore();
    expect([numbers(all), numbers(some)]).toEqual([[3], [2]]);
  });

  test('weights are Variables, under val too: what optimizers and gradients take', () => {
    const model = sum();
    const list = model.trainableWeights.map((w) => (w as tf.Variable & { val: tf.Variable }).val);
    const { grads } = tf.variableGrads(() => tf.sum(model.apply(X) as tf.Tensor), list);
    expect(Object.values(grads).map(numbers)).toEqual([[4, 3], [4]]);
  });

  test('windows that do not fit are refused when the model is made', () => {
    const conv = () => tf.layers.conv2d({ filters: 1, kernelSize: 5, inputShape: [3, 8, 1] });
    expect(() => tf.sequential({ layers: [conv()] })).toThrow(
      /window of 5 does not fit into an axis of 3[\s\S]*padding: 'same'[\s\S]*'conv2d\w*' \(Conv2D\), inputs \[null, 3, 8, 1\]/,
    );
    const pool = tf.layers.maxPooling1d({ poolSize: 4, inputShape: [3, 1] });
    expect(() => tf.sequential({ layers: [pool] })).toThrow(/window of 4 does not fit into an axis of 3/);
    const flat = tf.layers.conv2d({ filters: 1, kernelSize: 3, inputShape: [28, 28] });
    expect(() => tf.sequential({ layers: [flat] })).toThrow(/expected 4 dimension.*\n.*axis of the channels missing/);
  });

  test('call hooks are told inputs and arguments', () => {
    class Watched extends tf.layers.Layer {
      static readonly className = 'Watched';
      override call(inputs: tf.Tensor | tf.Tensor[], kwargs: tf.Kwargs) {
        this.invokeCallHook(inputs, kwargs);
        return inputs;
      }
    }
    const layer = new Watched({});
    const seen: unknown[] = [];
    layer.apply(X);
    layer.setCallHook((inputs, kwargs) => void seen.push([inputs, kwargs.training]));
    layer.apply(X, { training: true });
    layer.clearCallHook();
    layer.apply(X);
    expect(seen).toEqual([[X, true]]);
  });
});
