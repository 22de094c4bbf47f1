// Training on the GPU gives what training on the CPU gives, with all that belongs to it.

import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from 'sinter';
import { afterAll, afterEach, describe, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'sinter-gpu-'));
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(async () => {
  await tf.setBackend('wasm');
});

/** The first digits of MNIST, every second row and column. */
async function digits(n: number): Promise<{ x: tf.Tensor; y: tf.Tensor }> {
  const [[images, labels]] = await tf.datasets.mnist.loadData({ dtype: 'uint8' });
  const pixels = images.dataSync();
  const at = (i: number) => pixels[Math.floor(i / 196) * 784 + 56 * Math.floor((i % 196) / 14) + 2 * (i % 14)];
  const data = Float32Array.from({ length: n * 196 }, (_, i) => at(i) / 255);
  return { x: tf.tensor(data, [n, 14, 14, 1]), y: tf.tensor(labels.dataSync().slice(0, n), [n], 'int32') };
}

const networks = {
  mlp: () => [
    tf.layers.flatten({ inputShape: [14, 14, 1] }),
    tf.layers.dense({ units: 24, activation: 'relu' }),
    tf.layers.dropout({ rate: 0.2 }),
    tf.layers.dense({ units: 10, activation: 'softmax' }),
  ],
  cnn: () => [
    tf.layers.conv2d({ filters: 4, kernelSize: 3, activation: 'relu', inputShape: [14, 14, 1] }),
    tf.layers.batchNormalization(),
    tf.layers.maxPooling2d({ poolSize: 2 }),
    tf.layers.conv2d({ filters: 6, kernelSize: 3, activation: 'relu' }),
    tf.layers.flatten(),
    tf.layers.dense({ units: 10, activation: 'softmax' }),
  ],
};

const values = (ts: readonly tf.Tensor[]) => Promise.all(ts.map((t) => t.data()));

async function trainDigits(kind: keyof typeof networks, backend: string) {
  await tf.setBackend(backend);
  tf.setRandomSeed(3);
  const { x, y } = await digits(80);
  const model = tf.sequential({ layers: networks[kind]() });
  model.compile({ optimizer: tf.train.adam(0.01), loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
  const { history } = await model.fit(x, y, { epochs: 3, batchSize: 16, verbose: 0, validationSplit: 0.2 });
  expect(model.weights.map((w) => w.cell.remote)).toEqual(model.weights.map(() => backend === 'webgpu'));
  const evaluated = await values(model.evaluate(x, y) as tf.Tensor[]);
  const [predicted] = await values([model.predict(x, { batchSize: 30 }) as tf.Tensor]);
  return { history, evaluated, predicted, weights: await values(model.getWeights()) };
}

function close(a: ArrayLike<number>, b: ArrayLike<number>, to = 2e-3) {
  expect(a.length).toBe(b.length);
  for (let i = 0; i < a.length; i++) expect(Math.abs(a[i] - b[i])).toBeLessThan(to * (1 + Math.abs(b[i])));
}

/** A small regression: 12 numbers a row, the sum of some of them. */
function regression() {
  const x = tf.randomNormal([40, 12], 0, 1, 'float32', 5);
  const y = x.slice([0, 0], [40, 3]).sum(1, true);
  const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [12], useBias: false })] });
  return { x, y, model };
}

describe('fit on webgpu', () => {
  it.each(['mlp', 'cnn'] as const)('trains the %s as wasm does', async (kind) => {
    const gpu = await trainDigits(kind, 'webgpu');
    const cpu = await trainDigits(kind, 'wasm');
    expect(cpu.history.loss[2]).toBeLessThan(cpu.history.loss[0] as number);
    expect(Object.keys(gpu.history)).toEqual(Object.keys(cpu.history));
    for (const [k, v] of Object.entries(cpu.history)) close(gpu.history[k] as number[], v as number[]);
    cpu.evaluated.forEach((v, i) => close(gpu.evaluated[i], v));
    cpu.weights.forEach((w, i) => close(gpu.weights[i], w));
    close(gpu.predicted, cpu.predicted);
  });

  it('takes class weights, several steps a program, data on the GPU, and single batches', async () => {
    const run = async (backend: string) => {
      await tf.setBackend(backend);
      tf.setRandomSeed(8);
      const x = tf.randomNormal([24, 4], 0, 1, 'float32', 2);
      const y = tf.tensor1d(
        Array.from({ length: 24 }, (_, i) => i % 3),
        'int32',
      );
      const given = backend === 'webgpu' ? tf.variable(x).mul(1) : x;
      const model = tf.sequential({ layers: [tf.layers.dense({ units: 3, inputShape: [4], activation: 'softmax' })] });
      model.compile({ optimizer: 'sgd', loss: 'sparseCategoricalCrossentropy', stepsPerExecution: 2 });
      const classWeight = { 0: 1, 1: 2, 2: 0.5 };
      const { history } = await model.fit(given, y, { epochs: 2, batchSize: 8, verbose: 0, classWeight });
      const trained = await model.trainOnBatch(given, y, null, classWeight);
      const tested = await model.testOnBatch(given, y);
      const onBatch = (await (model.predictOnBatch(given) as tf.Tensor).data()).slice(0, 3);
      const rows = tf.data.zip({ xs: tf.data.array([[1, 2, 3, 4]]), ys: tf.data.array([2]) }).batch(1);
      const evaluated = await ((await model.evaluateDataset(rows)) as tf.Tensor).data();
      return [...(history.loss as number[]), trained as number, tested as number, ...onBatch, ...evaluated];
    };
    close(await run('webgpu'), await run('wasm'));
  });

  it('reads losses back only where a callback looks at them', async () => {
    await tf.setBackend('webgpu');
    const { x, y, model } = regression();
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const seen: number[] = [];
    const reads = async (callbacks: tf.CustomCallbackArgs) => {
      let n = 0;
      const old = tf.Tensor.prototype.fetch;
      tf.Tensor.prototype.fetch = function (this: tf.Tensor) {
        if (this.remote) n++;
        return old.call(this);
      };
      try {
        await model.fit(x, y, { epochs: 1, batchSize: 4, verbose: 0, callbacks });
      } finally {
        tf.Tensor.prototype.fetch = old;
      }
      return n;
    };
    const quiet = await reads({ onEpochEnd: () => undefined });
    const heard = await reads({ onBatchEnd: (_, logs) => void seen.push(logs?.loss as number) });
    expect(seen).toHaveLength(10);
    expect(seen.every((l) => l > 0)).toBe(true);
    expect(heard - quiet).toBeGreaterThanOrEqual(9);
  });

  it('has schedules, rates that callbacks change, early stopping and checkpoints', async () => {
    await tf.setBackend('webgpu');
    const { x, y, model } = regression();
    const schedule = tf.optimizers.schedules.exponentialDecay({
      initialLearningRate: 0.1,
      decaySteps: 10,
      decayRate: 0.5,
    });
    model.compile({ optimizer: tf.optimizers.sgd({ learningRate: schedule }), loss: 'meanSquaredError' });
    const rates: number[] = [];
    const onEpochEnd = () => void rates.push(model.optimizer.learningRate);
    await model.fit(x, y, { epochs: 2, batchSize: 4, verbose: 0, callbacks: { onEpochEnd } });
    close(rates, [0.05, 0.025]);

    const file = join(folder, 'best.ckpt');
    model.compile({ optimizer: tf.train.momentum(0.05, 0.9), loss: 'meanSquaredError' });
    const { history } = await model.fit(x, y, {
      epochs: 6,
      verbose: 0,
      callbacks: [
        tf.callbacks.learningRateScheduler((epoch, rate) => (epoch < 2 ? rate : 5)),
        tf.callbacks.earlyStopping({ monitor: 'loss', patience: 1, restoreBestWeights: true }),
        tf.callbacks.modelCheckpoint({ filepath: file, monitor: 'loss', saveBestOnly: true }),
        tf.callbacks.backupAndRestore({ backupDir: join(folder, 'backup'), saveFreq: 2, deleteCheckpoint: false }),
      ],
    });
    expect(history.learning_rate.slice(0, 3)).toEqual([0.05, 0.05, 5]);
    expect(history.loss.length).toBeLessThan(6);
    expect(existsSync(join(folder, 'backup', 'training.ckpt'))).toBe(true);
    const [restored] = await values(model.getWeights());
    await tf.callbacks.loadCheckpoint(model, file);
    close((await values(model.getWeights()))[0], restored, 1e-7);
  });

  it('makes orthogonal weights there, and runs layers one by one', async () => {
    await tf.setBackend('webgpu');
    tf.setRandomSeed(2);
    const draw = tf.func(() => tf.randomNormal([160, 110]));
    draw();
    const layer = tf.layers.simpleRNN({ units: 140, inputShape: [2, 3] });
    const model = tf.sequential({ layers: [layer, tf.layers.dense({ units: 1 })] });
    const q = layer.getWeights()[1];
    expect(q.remote).toBe(true);
    const [products] = await values([q.transpose().matMul(q)]);
    products.forEach((p, i) => expect(Math.abs(p - (i % 141 === 0 ? 1 : 0))).toBeLessThan(1e-4));

    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError', runEagerly: true });
    const { history } = await model.fit(tf.ones([4, 2, 3]), tf.ones([4, 1]), { epochs: 2, verbose: 0 });
    expect(history.loss[1]).toBeLessThan(history.loss[0] as number);
  });

  it('runs where the model says, whatever the backend', async () => {
    const { x, y, model } = regression();
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError', target: 'webgpu' });
    const { history } = await model.fit(x, y, { epochs: 2, verbose: 0 });
    expect(history.loss[1]).toBeLessThan(history.loss[0] as number);
    expect(model.weights[0].cell.remote).toBe(true);
    const [loss] = await values([model.evaluate(x, y) as tf.Tensor]);
    expect(loss[0]).toBeGreaterThan(0);
    expect(() => model.compile({ target: 'tpu' })).toThrow(/no target 'tpu'/);
  });
});
