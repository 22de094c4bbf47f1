// fit, evaluate and predict: every number against a loop written out by hand in float64.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as tf from 'sinter';
import { beforeEach, describe, expect, test, vi } from 'vitest';

const T = tf.tensor;
// The same weights in each run.
beforeEach(() => tf.setRandomSeed(1));
const quiet = { verbose: 0 as const };

/** y = w x + b, trained by plain gradient descent on the weighted mean of squares. */
class Line {
  w = 0;
  b = 0;
  readonly rate = 0.05;
  loss(xs: number[], ys: number[], weights?: number[]): number {
    return xs.reduce((s, x, i) => s + (weights?.[i] ?? 1) * (this.w * x + this.b - ys[i]) ** 2, 0) / xs.length;
  }
  step(xs: number[], ys: number[], weights?: number[]): number {
    const loss = this.loss(xs, ys, weights);
    const error = xs.map((x, i) => ((weights?.[i] ?? 1) * 2 * (this.w * x + this.b - ys[i])) / xs.length);
    this.w -= this.rate * error.reduce((s, e, i) => s + e * xs[i], 0);
    this.b -= this.rate * error.reduce((s, e) => s + e, 0);
    return loss;
  }
  /** An epoch without shuffling: the mean loss over the samples. */
  epoch(xs: number[], ys: number[], batch: number, weights?: number[]): number {
    let sum = 0;
    for (let i = 0; i < xs.length; i += batch) {
      const [x, y] = [xs.slice(i, i + batch), ys.slice(i, i + batch)];
      sum += this.step(x, y, weights?.slice(i, i + batch)) * x.length;
    }
    return sum / xs.length;
  }
}

const xs = Array.from({ length: 10 }, (_, i) => i / 5 - 1);
const ys = xs.map((x, i) => 3 * x - 1 + (i % 3) / 10);
const [X, Y] = [T(xs, [10, 1]), T(ys, [10, 1])];

function line(args: Partial<Parameters<tf.LayersModel['compile']>[0]> = {}): tf.Sequential {
  const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [1], kernelInitializer: 'zeros' })] });
  model.compile({ optimizer: tf.train.sgd(0.05), loss: 'meanSquaredError', ...args });
  return model;
}
const weightsOf = (m: tf.LayersModel) => m.getWeights().map((w) => w.dataSync()[0]);
const near = (a: ArrayLike<number>, b: ArrayLike<number>, digits = 5) => {
  expect(a.length).toBe(b.length);
  for (let i = 0; i < a.length; i++) expect(a[i]).toBeCloseTo(b[i], digits);
};

describe('numbers', () => {
  test.each([
    ['plain', {}],
    ['eagerly', { runEagerly: true }],
    ['two batches a call', { stepsPerExecution: 2 }],
    ['more batches a call than there are', { stepsPerExecution: 50 }],
    ['on two threads', { threads: 2 }],
  ])('epochs, with a smaller last batch: %s', async (_, args) => {
    const model = line(args);
    const want = new Line();
    const losses = [0, 1, 2].map(() => want.epoch(xs, ys, 4));
    const history = await model.fit(X, Y, { epochs: 3, batchSize: 4, shuffle: false, ...quiet });
    near(history.history.loss, losses);
    near(weightsOf(model), [want.w, want.b]);
    expect(history.epoch).toEqual([0, 1, 2]);
  });

  test('sample weights', async () => {
    const weights = xs.map((_, i) => 1 + (i % 4));
    const model = line({ metrics: ['mse'], weightedMetrics: ['mae'] });
    const want = new Line();
    const before = xs.map((x) => want.w * x + want.b);
    const h = await model.fit(X, Y, { batchSize: 10, shuffle: false, sampleWeight: T(weights), ...quiet });
    const loss = want.epoch(xs, ys, 10, weights);
    near(h.history.loss, [loss]);
    near(weightsOf(model), [want.w, want.b]);
    near(h.history.mse, [xs.reduce((s, _x, i) => s + (before[i] - ys[i]) ** 2, 0) / 10]);
    const total = weights.reduce((s, w) => s + w);
    near(h.history.mae, [xs.reduce((s, _x, i) => s + weights[i] * Math.abs(before[i] - ys[i]), 0) / total]);
  });

  test('class weights are sample weights, for numbers and one-hot labels', async () => {
    const labels = [0, 2, 1, 2, 0, 1];
    const x = tf.randomNormal([6, 4], 0, 1, 'float32', 3);
    const run = async (loss: string, y: tf.Tensor, more: object) => {
      const model = tf.sequential({
        layers: [
          tf.layers.dense({
            units: 3,
            inputShape: [4],
            activation: 'softmax',
            kernelInitializer: tf.initializers.glorotUniform({ seed: 1 }),
          }),
        ],
      });
      model.compile({ optimizer: tf.train.sgd(0.1), loss });
      const h = await model.fit(x, y, { epochs: 2, ...quiet, shuffle: false, ...more });
      return h.history.loss;
    };
    const sparse = T(labels, [6], 'int32');
    const hot = tf.oneHot(sparse, 3);
    const classWeight = { 0: 1, 1: 5, 2: 0.5 };
    const sampleWeight = T(labels.map((c) => classWeight[c as 0 | 1 | 2]));
    const want = await run('sparseCategoricalCrossentropy', sparse, { sampleWeight });
    near(await run('sparseCategoricalCrossentropy', sparse, { classWeight }), want);
    near(await run('categoricalCrossentropy', hot, { classWeight }), want);
    await expect(run('sparseCategoricalCrossentropy', sparse, { classWeight: { 0: 1 } })).rejects.toThrow(
      /no weight for class 2/,
    );
  });

  test('validation of a share from the end, every second epoch', async () => {
    const model = line();
    const want = new Line();
    const val: number[] = [];
    const losses = [0, 1, 2, 3].map((e) => {
      const loss = want.epoch(xs.slice(0, 7), ys.slice(0, 7), 3);
      if (e % 2) val.push(want.loss(xs.slice(7), ys.slice(7)));
      return loss;
    });
    const h = await model.fit(X, Y, {
      epochs: 4,
      batchSize: 3,
      shuffle: false,
      validationSplit: 0.3,
      validationFreq: 2,
      ...quiet,
    });
    near(h.history.loss, losses);
    near(h.history.val_loss, val);
  });

  test('validation data, with weights', async () => {
    const model = line();
    const weights = [1, 2, 3];
    const h = await model.fit(X, Y, {
      batchSize: 5,
      shuffle: false,
      validationData: [X.slice([0, 0], [3, 1]), Y.slice([0, 0], [3, 1]), T(weights)],
      ...quiet,
    });
    const want = new Line();
    want.epoch(xs, ys, 5);
    near(h.history.val_loss, [want.loss(xs.slice(0, 3), ys.slice(0, 3), weights)]);
  });

  test('evaluate and predict, in batches', () => {
    const model = line({ metrics: ['mae', 'mse'] });
    model.setWeights([T([[2]]), T([0.5])]);
    const error = xs.map((x, i) => 2 * x + 0.5 - ys[i]);
    const want = [error.reduce((s, e) => s + e * e, 0) / 10, error.reduce((s, e) => s + Math.abs(e), 0) / 10];
    const out = model.evaluate(X, Y, { batchSize: 4 });
    near(
      out.map((t) => t.dataSync()[0]),
      [want[0], want[1], want[0]],
    );
    expect(model.metricsNames).toEqual(['loss', 'mae', 'mse']);
    const y = model.predict(X, { batchSize: 3 });
    expect(y.shape).toEqual([10, 1]);
    near(
      y.dataSync(),
      xs.map((x) => 2 * x + 0.5),
    );
    expect(model.predict(tf.zeros([0, 1])).shape).toEqual([0, 1]);
  });

  test('single batches', async () => {
    const model = line({ metrics: ['mae'] });
    const want = new Line();
    const [a, b] = [xs.slice(0, 4), ys.slice(0, 4)];
    const mae = b.reduce((s, y) => s + Math.abs(y), 0) / 4;
    near((await model.trainOnBatch(T(a, [4, 1]), T(b, [4, 1]))) as number[], [want.step(a, b), mae]);
    near(weightsOf(model), [want.w, want.b]);
    near([((await model.testOnBatch(T(a, [4, 1]), T(b, [4, 1]))) as number[])[0]], [want.loss(a, b)]);
    near(weightsOf(model), [want.w, want.b]);
    near(model.predictOnBatch(T([[2]])).dataSync(), [2 * want.w + want.b]);
    expect(typeof (await line().trainOnBatch(X, Y))).toBe('number');
  });

  test('several inputs and outputs', async () => {
    const [a, b] = [tf.input({ shape: [2], name: 'a' }), tf.input({ shape: [3], name: 'b' })];
    const sum = tf.layers.dense({ units: 1, name: 'p', kernelInitializer: 'ones' }).apply(a);
    const other = tf.layers.dense({ units: 2, name: 'q', kernelInitializer: 'ones' }).apply(b);
    const model = tf.model({ inputs: [a, b], outputs: [sum, other] });
    model.compile({ optimizer: 'sgd', loss: { p: 'mse', q: 'mae' }, lossWeights: { q: 10 }, metrics: { p: ['mae'] } });
    const data = { a: T([[1, 2]]), b: T([[1, 1, 1]]) };
    const labels = { p: T([[1]]), q: T([[1, 0]]) };
    const out = model.evaluate(data, labels).map((t) => t.dataSync()[0]);
    expect(model.metricsNames).toEqual(['loss', 'p_loss', 'q_loss', 'p_mae']);
    near(out, [4 + 10 * 2.5, 4, 2.5, 2]);
    const h = await model.fit([data.a, data.b], [labels.p, labels.q], { ...quiet, validationData: [data, labels] });
    expect(Object.keys(h.history)).toEqual([
      'loss',
      'p_loss',
      'q_loss',
      'p_mae',
      'val_loss',
      'val_p_loss',
      'val_q_loss',
      'val_p_mae',
    ]);
    near(h.history.loss, [29]);
  });

  test('what layers add to the loss', async () => {
    class Extra extends tf.layers.Layer {
      static readonly className = 'Extra';
      override call(inputs: tf.Tensor | tf.Tensor[]) {
        const x = (inputs as tf.Tensor[])[0];
        this.addLoss(x.square().mean());
        return x;
      }
    }
    const dense = tf.layers.dense({
      units: 1,
      inputShape: [1],
      kernelInitializer: 'ones',
      kernelRegularizer: tf.regularizers.l2({ l2: 0.5 }),
      activityRegularizer: tf.regularizers.l1({ l1: 2 }),
    });
    const model = tf.sequential({ layers: [dense, new Extra()] });
    model.compile({ optimizer: 'sgd', loss: 'mse' });
    model.layers[0].addLoss(() => tf.scalar(7));
    // mse 4, weight 0.5, activity (2 * (1 + 3)) / 2, square (1 + 9) / 2, constant 7.
    const want = 4 + 0.5 + 4 + 5 + 7;
    near([model.evaluate(T([[1], [3]]), T([[-1], [1]])).dataSync()[0]], [want]);
    expect((await model.trainOnBatch(T([[1], [3]]), T([[-1], [1]]))) as number).toBeCloseTo(want, 5);
  });

  test('masked steps do not count in loss and metrics', () => {
    const model = tf.sequential({
      layers: [
        tf.layers.masking({ inputShape: [3, 1] }),
        tf.layers.timeDistributed({ layer: tf.layers.dense({ units: 1, kernelInitializer: 'ones' }) }),
      ],
    });
    model.compile({ optimizer: 'sgd', loss: 'mse', metrics: ['mae'] });
    const out = model.evaluate(T([1, 2, 0], [1, 3, 1]), T([0, 0, 50], [1, 3, 1]));
    near(
      out.map((t) => t.dataSync()[0]),
      [2.5, 1.5],
    );
  });
});

describe('order and batches', () => {
  const seen = async (seed: number, options: object) => {
    tf.setRandomSeed(seed);
    const order: number[] = [];
    const model = tf.sequential({
      layers: [tf.layers.lambda({ function: (x) => x, inputShape: [1] }), tf.layers.dense({ units: 1 })],
    });
    model.compile({ optimizer: 'sgd', loss: 'mse', runEagerly: true });
    const inner = model.layers[0].call.bind(model.layers[0]);
    model.layers[0].call = (x, kwargs) => {
      if (kwargs.training) order.push(...((x as tf.Tensor[])[0].dataSync() as Float32Array));
      return inner(x, kwargs);
    };
    await model.fit(tf.range(0, 12).reshape([12, 1]), tf.zeros([12, 1]), {
      batchSize: 5,
      epochs: 2,
      ...quiet,
      ...options,
    });
    return order;
  };
  const all = Array.from({ length: 12 }, (_, i) => i);
  test('shuffled anew in each epoch, by the seed', async () => {
    const a = await seen(1, {});
    expect(a.slice(0, 12).sort((p, q) => p - q)).toEqual(all);
    expect(a.slice(12).sort((p, q) => p - q)).toEqual(all);
    expect(a.slice(0, 12)).not.toEqual(a.slice(12));
    expect(await seen(1, {})).toEqual(a);
    expect(await seen(2, {})).not.toEqual(a);
  });
  test('not shuffled, or by batches only', async () => {
    expect(await seen(1, { shuffle: false })).toEqual([...all, ...all]);
    const groups = ['0,1,2,3,4', '5,6,7,8,9', '10,11'];
    const order = await seen(4, { shuffle: 'batch', epochs: 1 });
    const text = order.join();
    for (const g of groups) expect(text).toContain(g);
  });
  test('several batches a call are those of one a call', async () => {
    const run = async (stepsPerExecution: number) => {
      tf.setRandomSeed(3);
      const model = line({ stepsPerExecution });
      const h = await model.fit(X, Y, { batchSize: 2, epochs: 3, ...quiet });
      return [...h.history.loss, ...weightsOf(model)];
    };
    near(await run(4), await run(1));
  });
  test('one fit after the other goes on with other orders', async () => {
    tf.setRandomSeed(5);
    const model = line();
    await model.fit(X, Y, { batchSize: 1, ...quiet });
    expect(model.optimizer.iterations.dataSync()[0]).toBe(10);
    const again = await model.fit(X, Y, { batchSize: 1, epochs: 5, initialEpoch: 3, ...quiet });
    expect(again.epoch).toEqual([3, 4]);
  });
  test('stepsPerEpoch', async () => {
    const model = line();
    const steps: number[] = [];
    await model.fit(X, Y, {
      batchSize: 4,
      stepsPerEpoch: 5,
      epochs: 2,
      ...quiet,
      callbacks: { onBatchEnd: (b) => void steps.push(b) },
    });
    expect(steps).toEqual([0, 1, 2, 3, 4, 0, 1, 2, 3, 4]);
  });
});

describe('datasets and generators', () => {
  const whole = () => tf.data.zip({ xs: tf.data.array(xs.map((x) => [x])), ys: tf.data.array(ys.map((y) => [y])) });
  const want = () => {
    const l = new Line();
    return [[0, 1].map(() => l.epoch(xs, ys, 4)), [l.w, l.b]];
  };
  test('a dataset is its arrays', async () => {
    const model = line();
    const h = await model.fitDataset(whole().batch(4), { epochs: 2, ...quiet, validationData: whole().batch(3) });
    const [losses, weights] = want();
    near(h.history.loss, losses);
    near(weightsOf(model), weights);
    const l = new Line();
    l.epoch(xs, ys, 4);
    near([h.history.val_loss[0]], [l.loss(xs, ys)]);
    near([(await model.evaluateDataset(whole().batch(3))).dataSync()[0]], [h.history.val_loss[1]]);
  });
  test.each(['sync', 'async'])('a generator function, %s, given to fit', async (kind) => {
    const parts = () =>
      [0, 4, 8].map((i) => [
        T(xs.slice(i, i + 4), [Math.min(4, 10 - i), 1]),
        T(ys.slice(i, i + 4), [Math.min(4, 10 - i), 1]),
      ]);
    const f =
      kind === 'sync'
        ? function* () {
            yield* parts();
          }
        : async function* () {
            yield* parts();
          };
    const model = line();
    const h = await model.fit(f as never, undefined, { epochs: 2, ...quiet });
    near(h.history.loss, want()[0]);
  });
  test('an endless one goes on through epochs', async () => {
    let n = 0;
    const endless = function* () {
      for (;;) yield { xs: T([[n++]]), ys: T([[0]]) };
    };
    await line().fitDataset(endless(), { epochs: 3, batchesPerEpoch: 4, ...quiet });
    expect(n).toBe(12);
  });
  test('one that ends early', async () => {
    const model = line();
    await expect(model.fitDataset(whole().batch(4), { epochs: 3, batchesPerEpoch: 2, ...quiet })).rejects.toThrow(
      /the data ended after 1 of 2 batches of epoch 2[\s\S]*repeat/,
    );
    // What was learnt and recorded stays.
    expect(model.history?.epoch).toEqual([0]);
    const once = [0].map(() => ({ xs: X, ys: Y }))[Symbol.iterator]();
    await expect(line().fitDataset({ [Symbol.iterator]: () => once }, { epochs: 2, ...quiet })).rejects.toThrow(
      /gave no batch in epoch 2/,
    );
  });
  test('a source is closed when training stops', async () => {
    const closed = vi.fn();
    const source = {
      async *[Symbol.asyncIterator]() {
        try {
          for (;;) yield [X, Y];
        } finally {
          closed();
        }
      },
    };
    await line().fitDataset(source, { batchesPerEpoch: 2, ...quiet });
    expect(closed).toHaveBeenCalledTimes(1);
    const bad = {
      onBatchEnd: () => {
        throw new Error('mine');
      },
    };
    await expect(line().fitDataset(source, { batchesPerEpoch: 2, ...quiet, callbacks: bad })).rejects.toThrow('mine');
    expect(closed).toHaveBeenCalledTimes(2);
  });
  test('elements that are no batches', async () => {
    await expect(line().fitDataset([3], { ...quiet })).rejects.toThrow(/the data gave 3[\s\S]*\{xs, ys\}/);
    await expect(line().fitDataset([{ xs: X }], { ...quiet })).rejects.toThrow(/the data gave an object \{xs\}/);
    await expect(line().fitDataset(5 as never, { ...quiet })).rejects.toThrow(/must be a Dataset, a generator/);
  });
});

describe('stopping', () => {
  test('stopTraining ends the epoch after the batch', async () => {
    const model = line();
    const batches: number[] = [];
    const h = await model.fit(X, Y, {
      epochs: 5,
      batchSize: 2,
      ...quiet,
      callbacks: {
        onBatchEnd: (b) => {
          batches.push(b);
          if (b === 2) model.stopTraining = true;
        },
      },
    });
    expect(batches).toEqual([0, 1, 2]);
    expect(h.epoch).toEqual([0]);
  });
  test('a signal, between batches', async () => {
    const model = line();
    const abort = new AbortController();
    const events: string[] = [];
    const h = await model.fit(X, Y, {
      epochs: 1000,
      batchSize: 2,
      ...quiet,
      signal: abort.signal,
      callbacks: {
        onBatchEnd: (b) => {
          events.push(`batch ${b}`);
          if (events.length === 7) abort.abort();
        },
        onTrainEnd: () => void events.push('end'),
      },
    });
    expect(events.slice(-2)).toEqual(['batch 1', 'end']);
    expect(h.epoch).toEqual([0, 1]);
    const never = await model.fit(X, Y, { ...quiet, signal: abort.signal });
    expect(never.epoch).toEqual([]);
  });
  test('timers fire while a model trains', async () => {
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 30);
    await line().fit(X, Y, { epochs: 1e9, ...quiet, signal: abort.signal, yieldEvery: 5 });
    expect(abort.signal.aborted).toBe(true);
  });
  test('one fit at a time', async () => {
    const model = line();
    const first = model.fit(X, Y, { epochs: 2, ...quiet });
    await expect(model.fit(X, Y, quiet)).rejects.toThrow(/being trained already[\s\S]*await the first fit/);
    await first;
    await model.fit(X, Y, quiet);
  });
});

describe('what is trained', () => {
  test('what was trainable when the model was compiled', async () => {
    // As the two halves of a GAN: the discriminator learns alone, and is frozen in the whole.
    const d = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [2], name: 'd' })] });
    d.compile({ optimizer: 'sgd', loss: 'mse' });
    d.trainable = false;
    const g = tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [3], name: 'g' })] });
    const z = tf.input({ shape: [3] });
    const whole = tf.model({ inputs: z, outputs: d.apply(g.apply(z)) });
    whole.compile({ optimizer: 'sgd', loss: 'mse' });
    const values = () => [d, g].map((m) => m.getWeights().flatMap((w) => Array.from(w.dataSync())));
    const before = values();
    await whole.trainOnBatch(tf.ones([4, 3]), tf.ones([4, 1]));
    const after = values();
    expect(after[0]).toEqual(before[0]);
    expect(after[1]).not.toEqual(before[1]);
    await d.trainOnBatch(tf.ones([4, 2]), tf.zeros([4, 1]));
    expect(values()[0]).not.toEqual(after[0]);
    expect(values()[1]).toEqual(after[1]);
  });
  test('a constraint holds after each step', async () => {
    const model = tf.sequential({
      layers: [
        tf.layers.dense({
          units: 1,
          inputShape: [1],
          kernelConstraint: tf.constraints.nonNeg(),
          kernelInitializer: 'ones',
        }),
      ],
    });
    model.compile({ optimizer: tf.train.sgd(1), loss: 'mse' });
    await model.fit(X, X.mul(-5), { epochs: 2, ...quiet });
    expect(model.getWeights()[0].dataSync()[0]).toBe(0);
  });
  test('a changed learning rate works without compiling anew', async () => {
    const model = line();
    await model.trainOnBatch(X, Y);
    const before = weightsOf(model);
    model.optimizer.learningRate = 0;
    await model.trainOnBatch(X, Y);
    expect(weightsOf(model)).toEqual(before);
  });
});

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

test('ten thousand steps leave nothing behind', async () => {
  const model = tf.sequential({
    layers: [
      tf.layers.dense({ units: 16, inputShape: [8], activation: 'relu' }),
      tf.layers.dropout({ rate: 0.1 }),
      tf.layers.dense({ units: 1 }),
    ],
  });
  model.compile({ optimizer: 'adam', loss: 'mse', metrics: ['mae'] });
  const [x, y] = [tf.randomNormal([256, 8]), tf.randomNormal([256, 1])];
  const heap = async (epochs: number) => {
    await model.fit(x, y, { epochs, batchSize: 4, ...quiet });
    collect();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  await heap(10);
  const before = await heap(1);
  const after = await heap(157);
  expect(model.optimizer.iterations.dataSync()[0]).toBeGreaterThan(10_000);
  // 157 epochs of history are some kilobytes; 10,048 steps of a leak of 100 bytes each would be a megabyte.
  expect(after - before).toBeLessThan(400_000);
});
