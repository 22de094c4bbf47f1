// Callbacks in `fit` of real models.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from 'sinter';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { messages, records, text, values } from './event-reader.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sinter-fit-'));
});
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => vi.restoreAllMocks());

const xs = tf.randomNormal([50, 4], 0, 1, 'float32', 1);
const ys = tf.sum(xs, 1, true);

/** Batch norm has weights that no gradient changes, dropout draws random numbers, Adam has slots. */
function network(): tf.Sequential {
  const model = tf.sequential({
    layers: [
      tf.layers.dense({ units: 8, inputShape: [4], activation: 'relu', name: 'hidden' }),
      tf.layers.dropout({ rate: 0.25 }),
      tf.layers.dense({ units: 1, name: 'out' }),
    ],
  });
  model.compile({ optimizer: 'adam', loss: 'meanSquaredError', metrics: ['mae'] });
  return model;
}
const numbers = (model: tf.LayersModel) => model.getWeights().map((t) => Array.from(t.dataSync()));

describe('backupAndRestore', () => {
  const options = { epochs: 4, batchSize: 16, validationSplit: 0.2, verbose: 0 as const };
  /** Stops as a kill would, in the middle of everything. */
  const killer = (after: number) => {
    let n = 0;
    return tf.callbacks.lambda({
      onTrainBatchEnd: () => {
        if (++n === after) throw new Error('killed');
      },
    });
  };
  it.each([
    ['after an epoch', 'epoch' as const, 8],
    ['within an epoch', 1, 8],
  ])('a killed fit ends as an unbroken one: %s', async (name, saveFreq, kill) => {
    tf.setRandomSeed(3);
    const whole = network();
    const want = await whole.fit(xs, ys, options);

    const backupDir = join(folder, name);
    tf.setRandomSeed(3);
    const backup = tf.callbacks.backupAndRestore({ backupDir, saveFreq });
    await expect(network().fit(xs, ys, { ...options, callbacks: [backup, killer(kill)] })).rejects.toThrow('killed');

    tf.setRandomSeed(77);
    const again = network();
    const restore = tf.callbacks.backupAndRestore({ backupDir, saveFreq });
    const got = await again.fit(xs, ys, { ...options, callbacks: restore });
    expect(restore.restored).toEqual(saveFreq === 'epoch' ? { epoch: 2, batch: 0 } : { epoch: 2, batch: 1 });
    expect(numbers(again)).toEqual(numbers(whole));
    expect(got.epoch).toEqual([0, 1, 2, 3]);
    expect(got.history.val_loss).toEqual(want.history.val_loss);
    expect(got.history).toEqual(want.history);
  });

  const lateKiller = tf.callbacks.lambda({
    onEpochEnd: (epoch: number) => {
      if (epoch === 1) throw new Error('killed');
    },
  });
  const measured = () => {
    const model = network();
    model.compile({ optimizer: tf.train.adam(0.01), loss: 'meanSquaredError', metrics: ['mae', 'mse'] });
    return model;
  };
  it.each([
    ['a batch of three', 2, killer(5), { epoch: 1, batch: 1 }],
    ['all batches, but not the end of the epoch', 3, lateKiller, { epoch: 1, batch: 3 }],
  ])('metrics go on in the middle of an epoch: %s', async (name, saveFreq, kill, position) => {
    const rows = (t: tf.Tensor) => tf.data.array(t.arraySync() as number[][]);
    const data = () =>
      tf.data
        .zip({ xs: rows(xs), ys: rows(ys) })
        .take(8)
        .batch(3);
    const args = { epochs: 3, verbose: 0 as const };
    tf.setRandomSeed(6);
    const want = await measured().fitDataset(data(), args);
    const backupDir = join(folder, name);
    const backup = tf.callbacks.backupAndRestore({ backupDir, saveFreq });
    tf.setRandomSeed(6);
    const broken = measured().fitDataset(data(), { ...args, callbacks: [backup, kill] });
    await expect(broken).rejects.toThrow('killed');
    const restore = tf.callbacks.backupAndRestore({ backupDir, saveFreq });
    const got = await measured().fitDataset(data(), { ...args, callbacks: restore });
    expect(restore.restored).toEqual(position);
    expect(got.history).toEqual(want.history);
    expect(Object.keys(got.history)).toEqual(['loss', 'mae', 'mse']);
  });
});

describe('backupAndRestore and AbortSignal', () => {
  it('an aborted fit goes on', async () => {
    const options = { epochs: 4, batchSize: 16, verbose: 0 as const };
    tf.setRandomSeed(4);
    const whole = network();
    const want = await whole.fit(xs, ys, options);
    const backupDir = join(folder, 'aborted');
    tf.setRandomSeed(4);
    const abort = new AbortController();
    let n = 0;
    const stop = { onBatchEnd: () => void (++n === 6 && abort.abort()) };
    const callbacks = [tf.callbacks.backupAndRestore({ backupDir }), stop];
    await network().fit(xs, ys, { ...options, signal: abort.signal, callbacks });
    const again = network();
    const restore = tf.callbacks.backupAndRestore({ backupDir });
    const got = await again.fit(xs, ys, { ...options, callbacks: restore });
    // Four batches an epoch: the second was not finished.
    expect(restore.restored).toEqual({ epoch: 1, batch: 0 });
    expect(numbers(again)).toEqual(numbers(whole));
    expect(got.history).toEqual(want.history);
    expect(readdirSync(folder)).not.toContain('aborted');
  });
});

describe('in fit', () => {
  it('earlyStopping puts the best weights back', async () => {
    const model = network();
    const kept: number[][][] = [];
    const losses = [3, 2, 4, 5];
    const stop = tf.callbacks.earlyStopping({ monitor: 'mine', patience: 2, restoreBestWeights: true });
    const watch = {
      onEpochEnd: (epoch: number, logs?: tf.Logs) => {
        kept.push(numbers(model));
        Object.assign(logs ?? {}, { mine: losses[epoch] });
      },
    };
    const h = await model.fit(xs, ys, { epochs: 9, verbose: 0, callbacks: [watch, stop] });
    expect(h.epoch).toEqual([0, 1, 2, 3]);
    expect(h.history.mine).toEqual(losses);
    expect(numbers(model)).toEqual(kept[1]);
    expect(kept[1]).not.toEqual(kept[3]);
  });
  it('the learning rate of a callback is the one of the compiled step', async () => {
    const model = network();
    const before: number[][][] = [];
    const still = tf.callbacks.learningRateScheduler((epoch) => (epoch === 1 ? 0 : 0.01));
    const watch = { onEpochEnd: () => void before.push(numbers(model)) };
    await model.fit(xs, ys, { epochs: 3, verbose: 0, callbacks: [still, watch] });
    expect(before[1]).toEqual(before[0]);
    expect(before[2]).not.toEqual(before[1]);
  });
  it('terminateOnNaN', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const bad = tf.tensor2d(
      Array.from({ length: 50 }, (_, i) => (i < 20 ? 1 : Number.NaN)),
      [50, 1],
    );
    let batches = 0;
    const count = { onBatchEnd: () => void batches++ };
    await network().fit(xs, bad, {
      epochs: 3,
      batchSize: 10,
      shuffle: false,
      verbose: 0,
      callbacks: [tf.callbacks.terminateOnNaN(), count],
    });
    expect(batches).toBe(3);
    expect(warn.mock.calls[0][0]).toMatch(/batch 2: the loss is NaN/);
  });
  it('modelCheckpoint and loadCheckpoint', async () => {
    const model = network();
    const dir = join(folder, 'models');
    const save = tf.callbacks.modelCheckpoint({ filepath: join(dir, '{epoch:02d}-{val_mae:.1f}.ckpt') });
    await model.fit(xs, ys, { epochs: 2, verbose: 0, validationData: [xs, ys], callbacks: save });
    const files = readdirSync(dir).sort();
    expect(files.map((f) => f.slice(0, 3))).toEqual(['01-', '02-']);
    const other = network();
    await tf.callbacks.loadCheckpoint(other, join(dir, files[1]));
    expect(numbers(other)).toEqual(numbers(model));
    expect(Number(other.optimizer.iterations.dataSync()[0])).toBe(4);
    const small = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [4] })] });
    small.compile({ optimizer: 'adam', loss: 'mse' });
    await expect(tf.callbacks.loadCheckpoint(small, join(dir, files[1]))).rejects.toThrow(
      /it has 4 weights, the model 2/,
    );
  });
  it('tensorBoard: metrics, weights and graph', async () => {
    const logDir = join(folder, 'board');
    const board = tf.callbacks.tensorBoard({ logDir, histogramFreq: 1, writeImages: true, updateFreq: 'batch' });
    const model = network();
    const h = await model.fit(xs, ys, { epochs: 2, batchSize: 25, verbose: 0, validationSplit: 0.5, callbacks: board });
    const read = (part: string) => {
      const [file] = readdirSync(join(logDir, part));
      return records(readFileSync(join(logDir, part, file)));
    };
    const train = read('train');
    const [graph] = train.flatMap((e) => messages(e, 4));
    const nodes = messages(graph, 1).map((n) => [text(n, 1), messages(n, 3).map(String)]);
    expect(nodes.map(([name]) => name)).toEqual(['hidden_input', ...model.layers.map((l) => l.name)]);
    expect(nodes.at(-1)?.[1]).toEqual([model.layers[1].name]);
    const tags = values(train).map((v) => `${v.step} ${v.tag}`);
    for (const tag of ['0 batch_loss', '1 batch_mae', '0 epoch_loss', '1 epoch_mae', '1 hidden/kernel/histogram'])
      expect(tags).toContain(tag);
    expect(tags).toContain('0 hidden/kernel/image');
    expect(tags.filter((t) => t.includes('batch_size') || t.includes('batch_batch'))).toEqual([]);
    const validation = values(read('validation')).map((v) => `${v.step} ${v.tag}`);
    for (const tag of ['0 epoch_loss', '1 epoch_mae', '1 evaluation_loss_vs_iterations'])
      expect(validation).toContain(tag);
    expect(h.history.loss).toHaveLength(2);
  });
  it('the progress bar', async () => {
    let out = '';
    vi.spyOn(process.stdout, 'write').mockImplementation((s) => {
      out += s;
      return true;
    });
    await network().fit(xs, ys, { epochs: 2, batchSize: 16, validationSplit: 0.2, verbose: 2 });
    vi.restoreAllMocks();
    const lines = out.trimEnd().split('\n');
    expect([lines[0], lines[2], lines.length]).toEqual(['Epoch 1/2', 'Epoch 2/2', 4]);
    const number = String.raw`\d+\.\d{4}`;
    expect(lines[1]).toMatch(
      new RegExp(
        `^3/3 - \\d+s - \\d+[mu]?s/step - loss: ${number} - mae: ${number} - val_loss: ${number} - val_mae: ${number}$`,
      ),
    );
  });
});
