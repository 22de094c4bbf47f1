// Callbacks on a small training: what they see, when they act, what they write, and what they refuse.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from 'sinter';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { configureCallbacks, standardizeCallbacks } from '../../frontends/keras/callbacks/list.ts';
import { close, errorOf } from '../frontend/helpers.ts';
import { Line, train } from './training.ts';

const { callbacks: c } = tf;
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sinter-callbacks-'));
});
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => vi.restoreAllMocks());
const silence = () => vi.spyOn(console, 'warn').mockImplementation(() => {});

describe('hooks', () => {
  it('come in order, each awaited', async () => {
    const seen: string[] = [];
    class Slow extends tf.Callback {
      override async onEpochEnd(epoch: number) {
        await new Promise((r) => setTimeout(r, 5));
        seen.push(`slow ${epoch}`);
      }
    }
    const fast = c.lambda({
      onTrainBegin: () => void seen.push('train'),
      onEpochBegin: (e) => void seen.push(`epoch ${e}`),
      onBatchBegin: (b) => void seen.push(`batch ${b}`),
      onTrainBatchEnd: (b, logs) => void seen.push(`end ${b} ${logs?.loss}`),
      onEpochEnd: (e, logs) => void seen.push(`fast ${e} ${logs?.val_loss}`),
      onTrainEnd: () => void seen.push('over'),
    });
    await train(new Line(), [new Slow(), fast], {
      epochs: 1,
      steps: 2,
      loss: (_, b) => b + 1,
      logs: () => ({ val_loss: 9 }),
    });
    const batches = ['batch 0', 'end 0 1', 'batch 1', 'end 1 2'];
    expect(seen).toEqual(['train', 'epoch 0', ...batches, 'slow 0', 'fast 0 9', 'over']);
  });
  it('an error ends training and comes out', async () => {
    const bad = c.lambda({
      onEpochEnd: async () => {
        throw new RangeError('mine');
      },
    });
    await expect(train(new Line(), [bad], { epochs: 2 })).rejects.toThrow(new RangeError('mine'));
  });
  it('plain objects, objects of a class, arrays of both', () => {
    class Watch {
      n = 0;
      onEpochEnd() {
        this.n++;
      }
    }
    const watch = new Watch();
    const made = standardizeCallbacks([watch, { onBatchEnd: () => {} }, c.terminateOnNaN()]);
    made[0].onEpochEnd(0);
    expect([made.length, watch.n]).toEqual([3, 1]);
    expect(standardizeCallbacks(null)).toEqual([]);
    expect(standardizeCallbacks({ onTrainEnd: () => {} })).toHaveLength(1);
  });
  it('onYield and yieldEvery', async () => {
    const seen: string[] = [];
    const model = new Line();
    let time = 0;
    let frames = 0;
    const given = {
      onYield: (epoch: number, batch: number, logs: tf.Logs) => void seen.push(`${epoch} ${batch} ${logs.loss}`),
      nowFunc: () => time,
      nextFrameFunc: async () => void frames++,
    };
    const { callbackList, history } = configureCallbacks(given, model, { epochs: 1, steps: 4 }, { yieldEvery: 20 });
    await callbackList.onTrainBegin();
    await callbackList.onEpochBegin(0);
    for (let b = 0; b < 4; b++) {
      time += 11;
      await callbackList.onTrainBatchEnd(b, { loss: b });
    }
    await callbackList.onEpochEnd(0, { loss: 7 });
    // At 22 and 44 milliseconds.
    expect(seen).toEqual(['0 1 1', '0 3 3']);
    expect(frames).toBe(2);
    expect(history.history).toEqual({ loss: [7] });
    const never = () => configureCallbacks(given, model, {}, { yieldEvery: 'never' });
    expect(never).toThrow(/there is an onYield, but yieldEvery is 'never'/);
    expect(() => configureCallbacks(null, model, {}, { yieldEvery: 'often' as never })).toThrow(/yieldEvery must be/);
  });
  it('classes registered for every training', () => {
    class Mine extends tf.Callback {}
    tf.registerCallbackConstructor(1, Mine);
    const made = (verbose: number) =>
      configureCallbacks(null, new Line(), { verbose }).callbackList.callbacks.some((x) => x instanceof Mine);
    expect([made(0), made(1), made(2)]).toEqual([false, true, true]);
    expect(() => tf.registerCallbackConstructor(1, Mine)).toThrow(/registered already/);
    expect(() => tf.registerCallbackConstructor(-1, Mine)).toThrow(/whole number from 0 on, got -1/);
    expect(() => tf.registerCallbackConstructor(0, Date as never)).toThrow(/no class of callbacks/);
  });
});

describe('history and base logger', () => {
  it('metrics of each epoch, what callbacks add included', async () => {
    const add = c.lambda({ onEpochEnd: (epoch, logs) => void Object.assign(logs ?? {}, { mine: 10 * epoch }) });
    const h = await train(new Line(), [add], { epochs: 3, loss: (e) => e });
    expect(h.epoch).toEqual([0, 1, 2]);
    expect(h.history).toEqual({ loss: [0, 1, 2], mine: [0, 10, 20] });
  });
  it('means over samples', () => {
    const base = c.baseLogger();
    base.onEpochBegin();
    base.onBatchEnd(0, { size: 30, loss: 1 });
    base.onBatchEnd(1, { size: 10, loss: 3 });
    const logs: tf.Logs = {};
    base.onEpochEnd(0, logs);
    expect(logs).toEqual({ loss: 1.5 });
  });
});

describe('earlyStopping', () => {
  const losses = [5, 4, 4.5, 3.95, 4.2, 4.1, 1];
  const run = async (args: Parameters<typeof c.earlyStopping>[0], values = losses, name = 'val_loss') => {
    const stop = c.earlyStopping(args);
    const h = await train(new Line(), [stop], {
      epochs: values.length,
      steps: 1,
      logs: (e) => ({ [name]: values[e] }),
    });
    return { epochs: h.epoch.length, stop };
  };
  it('after `patience` epochs that are not better', async () => {
    expect((await run({})).epochs).toBe(3);
    expect((await run({ patience: 1 })).epochs).toBe(3);
    const { epochs, stop } = await run({ patience: 2 });
    expect([epochs, stop.bestEpoch, stop.best, stop.stoppedEpoch]).toEqual([6, 3, 3.95, 5]);
    expect((await run({ patience: 3 })).epochs).toBe(7);
  });
  it('by at least minDelta', async () => {
    // 3.95 is no better than 4 by 0.1.
    expect((await run({ patience: 2, minDelta: 0.1 })).epochs).toBe(4);
  });
  it('accuracies are to grow', async () => {
    expect((await run({ monitor: 'val_acc' }, [0.1, 0.2, 0.3, 0.25], 'val_acc')).epochs).toBe(4);
    expect((await run({ monitor: 'val_acc', mode: 'min' }, [0.1, 0.2, 0.3], 'val_acc')).epochs).toBe(2);
  });
  it('must be better than a baseline in time', async () => {
    expect((await run({ patience: 2, baseline: 3 }, [5, 4, 3.5, 3.2])).epochs).toBe(2);
    expect((await run({ patience: 2, baseline: 4.5 }, [5, 4, 3.5, 3.2])).epochs).toBe(4);
  });
  it('from an epoch on', async () => {
    expect((await run({ startFromEpoch: 4 })).epochs).toBe(7);
  });
  it('NaN is never better', async () => {
    const nan = Number.NaN;
    expect((await run({ patience: 2 }, [nan, nan, 5, 4])).epochs).toBe(2);
    expect((await run({ patience: 2 }, [nan, 5, nan, 4])).epochs).toBe(4);
  });
  it('puts the best weights back', async () => {
    const model = new Line();
    const kept: number[][] = [];
    const watch = c.lambda({ onEpochEnd: () => void kept.push(Array.from(model.w.dataSync())) });
    const log = vi.spyOn(console, 'log').mockImplementation(() => {});
    const stop = c.earlyStopping({ patience: 1, restoreBestWeights: true, verbose: 1 });
    await train(model, [watch, stop], { epochs: 9, logs: (e) => ({ val_loss: losses[e] }) });
    expect(kept).toHaveLength(3);
    expect(Array.from(model.w.dataSync())).toEqual(kept[1]);
    expect(kept[2]).not.toEqual(kept[1]);
    expect(log.mock.calls.flat()).toEqual([
      'Epoch 3: early stopping',
      'Restoring model weights from the end of the best epoch: 2.',
    ]);
  });
  it('warns once of a metric that is not there', async () => {
    const warn = silence();
    await run({ monitor: 'val_los' });
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn.mock.calls[0][0]).toMatch(/earlyStopping looks at 'val_los'.*did you mean 'val_loss'\?/);
  });
});

describe('learning rates', () => {
  it('learningRateScheduler', async () => {
    const model = new Line();
    const h = await train(model, [c.learningRateScheduler((epoch, rate) => (epoch ? rate / 2 : 0.4))], { epochs: 3 });
    close(tf.tensor1d(h.history.learning_rate), [0.4, 0.2, 0.1]);
    expect(model.optimizer.learningRate).toBeCloseTo(0.1, 6);
    const bad = c.learningRateScheduler(() => Number.NaN);
    await expect(train(model, [bad], { epochs: 1 })).rejects.toThrow(/the schedule gave NaN for epoch 0/);
  });
  it('reduceLROnPlateau', async () => {
    const run = async (args: Parameters<typeof c.reduceLROnPlateau>[0], values: number[]) => {
      const reduce = c.reduceLROnPlateau({ factor: 0.5, patience: 2, ...args });
      const h = await train(new Line(), [reduce], {
        epochs: values.length,
        steps: 1,
        logs: (e) => ({ val_loss: values[e] }),
      });
      return h.history.learning_rate.map((r) => Math.round(r * 1e6) / 1e6);
    };
    // The rate in the logs of an epoch is the one it was trained with.
    expect(await run({}, [1, 1, 1, 1, 1, 1])).toEqual([0.1, 0.1, 0.1, 0.05, 0.05, 0.025]);
    expect(await run({}, [1, 0.9, 0.8, 0.7, 0.6, 0.5])).toEqual([0.1, 0.1, 0.1, 0.1, 0.1, 0.1]);
    expect(await run({ minDelta: 0.2 }, [1, 0.9, 0.85, 0.81, 0.6])).toEqual([0.1, 0.1, 0.1, 0.05, 0.05]);
    // After a reduction, two epochs of cooldown do not count (the second one ends it).
    expect(await run({ cooldown: 2 }, [1, 1, 1, 1, 1, 1, 1])).toEqual([0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.025]);
    expect(await run({ minLr: 0.04 }, [1, 1, 1, 1, 1, 1])).toEqual([0.1, 0.1, 0.1, 0.05, 0.05, 0.04]);
  });
});

describe('terminateOnNaN', () => {
  it.each([Number.NaN, Number.POSITIVE_INFINITY])('%s', async (bad) => {
    const warn = silence();
    const seen: number[] = [];
    const watch = c.lambda({ onBatchEnd: (b) => void seen.push(b) });
    await train(new Line(), [watch, c.terminateOnNaN()], { epochs: 3, steps: 4, loss: (_, b) => (b === 1 ? bad : 1) });
    expect(seen).toEqual([0, 1]);
    expect(warn.mock.calls[0][0]).toMatch(/batch 1: the loss is (NaN|Infinity), so training ends/);
  });
});

describe('csvLogger', () => {
  it('writes, adds and quotes', async () => {
    const file = join(folder, 'deep', 'log.csv');
    const logs = (e: number): tf.Logs => (e % 2 ? { val_loss: 0.5, 'a,b': 1 } : { 'a,b': 2 });
    await train(new Line(), [c.csvLogger(file)], { epochs: 2, steps: 1, loss: (e) => e + 0.25, logs });
    const lines = 'epoch,"a,b",loss,val_loss\n0,2,0.25,NA\n1,1,1.25,0.5\n';
    expect(readFileSync(file, 'utf8')).toBe(lines);
    await train(new Line(), [c.csvLogger(file, { append: true })], {
      epochs: 1,
      steps: 1,
      loss: () => Number.NaN,
      logs,
    });
    expect(readFileSync(file, 'utf8')).toBe(`${lines}0,2,NaN,NA\n`);
    await train(new Line(), [c.csvLogger(file, { separator: ';' })], { epochs: 1, steps: 1, loss: () => 3, logs });
    expect(readFileSync(file, 'utf8')).toBe('epoch;a,b;loss;val_loss\n0;2;3;NA\n');
  });
  it('says which file cannot be written', async () => {
    const file = join(folder, 'plain');
    writeFileSync(file, '');
    const training = train(new Line(), [c.csvLogger(join(file, 'log.csv'))], { epochs: 1 });
    await expect(training).rejects.toThrow(/^csvLogger: writing '.*plain.log.csv' failed/);
    await expect(training).rejects.toBeInstanceOf(tf.ExecutionError);
  });
});

describe('modelCheckpoint', () => {
  const values = [5, 3, 4, 2];
  const logs = (e: number) => ({ val_loss: values[e] });
  it('every epoch, by template', async () => {
    const dir = join(folder, 'each');
    const model = new Line();
    await train(model, [c.modelCheckpoint({ filepath: join(dir, '{epoch:02d}-{val_loss:.2f}.ckpt') })], {
      epochs: 3,
      logs,
    });
    expect(readdirSync(dir).sort()).toEqual(['01-5.00.ckpt', '02-3.00.ckpt', '03-4.00.ckpt']);
    const again = new Line();
    await c.loadCheckpoint(again, join(dir, '03-4.00.ckpt'));
    expect(again.getWeights().map((t) => t.dataSync())).toEqual(model.getWeights().map((t) => t.dataSync()));
    const state = (m: Line) => m.optimizer.variables.map((v) => Array.from(v.dataSync()));
    expect(state(again)).toEqual(state(model));
    expect(state(again)[0]).toEqual([9]);
  });
  it('the best only; weights only', async () => {
    const dir = join(folder, 'best');
    const best = c.modelCheckpoint({ filepath: join(dir, 'e{epoch}'), saveBestOnly: true, saveWeightsOnly: true });
    await train(new Line(), [best], { epochs: 4, logs });
    expect(readdirSync(dir).sort()).toEqual(['e1', 'e2', 'e4']);
    expect(best.best).toBe(2);
    const again = new Line();
    await c.loadCheckpoint(again, join(dir, 'e4'));
    // The optimizer was left out.
    expect(again.optimizer.variables).toHaveLength(1);
    const none = c.modelCheckpoint({ filepath: join(dir, 'x{epoch}'), saveBestOnly: true, initialValueThreshold: 2 });
    await train(new Line(), [none], { epochs: 4, logs });
    expect(readdirSync(dir)).toHaveLength(3);
  });
  it('every few batches, by a function of the user', async () => {
    const saved: string[] = [];
    const save = async (path: string, info: { weightsOnly: boolean; batch?: number; epoch: number }) =>
      void saved.push(`${path} ${info.weightsOnly} ${info.epoch} ${info.batch}`);
    await train(new Line(), [c.modelCheckpoint({ filepath: 'm{epoch}-{batch:03d}', saveFreq: 2, save })], {
      epochs: 2,
      steps: 3,
    });
    // Batches count on over epochs: the 2nd, 4th and 6th of all.
    expect(saved).toEqual(['m1-002 false 0 1', 'm2-001 false 1 0', 'm2-003 false 1 2']);
  });
  it('refuses what it cannot save to or load', async () => {
    const unknown = c.modelCheckpoint({ filepath: join(folder, '{val_los}'), save: () => {} });
    await expect(train(new Line(), [unknown], { epochs: 1, logs })).rejects.toThrow(
      /no 'val_los' for the path.*\n.*did you mean 'val_loss'/s,
    );
    const file = join(folder, 'hurt.ckpt');
    await train(new Line(), [c.modelCheckpoint({ filepath: file })], { epochs: 1, logs });
    const bytes = readFileSync(file);
    const hurt = async (f: (b: Buffer) => Buffer, why: RegExp) => {
      writeFileSync(file, f(Buffer.from(bytes)));
      const model = new Line();
      await expect(c.loadCheckpoint(model, file)).rejects.toThrow(why);
      expect(model.w.dataSync()[0]).toBe(0.5);
    };
    const flip = (at: number) => (b: Buffer) => {
      b[at] ^= 1;
      return b;
    };
    await hurt(flip(0), /does not begin as one/);
    await hurt(flip(8), /its version is 0, not 1/);
    await hurt(flip(40), /checksum of its header/);
    await hurt(flip(bytes.length - 8), /checksum of the tensor/);
    await hurt((b) => b.subarray(0, b.length - 8), /cut off/);
    await hurt((b) => b.subarray(0, 50), /header of \d+ bytes is cut off/);
    await hurt((b) => Buffer.concat([b, Buffer.alloc(8)]), /8 bytes more than its tensors/);
    // Every single bit counts: none may be changed unseen.
    for (let at = 0; at < bytes.length; at += 7) {
      writeFileSync(file, flip(at)(Buffer.from(bytes)));
      const padding = await c.loadCheckpoint(new Line(), file).then(
        () => true,
        (e) => !(e instanceof tf.SinterError),
      );
      // Tensors are aligned to 8 bytes; what fills up is not read.
      if (padding) expect(bytes[at]).toBe(0);
    }
    await expect(c.loadCheckpoint(new Line(), join(folder, 'none'))).rejects.toThrow(/there is no file/);
    writeFileSync(file, bytes);
    const wide = Object.assign(new Line(), { layers: [] });
    Object.defineProperty(wide, 'weights', { get: () => [tf.variable(tf.zeros([2])), wide.b] });
    await expect(c.loadCheckpoint(wide, file)).rejects.toThrow(
      /of another model: 'dense.kernel' is float32\[1\], .* float32\[2\]/,
    );
  });
});

describe('backupAndRestore', () => {
  const values = [5, 4, 4.5, 4.4, 3, 3.5, 3.4, 3.3];
  const options = { epochs: 8, steps: 4, logs: (e: number) => ({ val_loss: values[e] }) };
  /** Everything that a training changes, with the callbacks that go on. */
  const others = () => [
    c.earlyStopping({ patience: 3, restoreBestWeights: true }),
    c.reduceLROnPlateau({ patience: 1, factor: 0.5 }),
  ];
  it.each([
    ['after whole epochs', 'epoch' as const, 14],
    ['in the middle of an epoch', 1, 14],
    ['every three batches', 3, 19],
  ])('a killed training ends as an unbroken one: %s', async (name, saveFreq, kill) => {
    const whole = new Line();
    tf.setRandomSeed(5);
    const want = await train(whole, others(), options);
    const numbers = whole.getWeights().map((t) => Array.from(t.dataSync()));
    const random = Array.from(tf.randomUniform([3]).dataSync());

    const backupDir = join(folder, name);
    tf.setRandomSeed(5);
    const first = [c.backupAndRestore({ backupDir, saveFreq }), ...others()];
    await expect(train(new Line(), first, { ...options, kill })).rejects.toThrow('killed');
    expect(readdirSync(backupDir)).toEqual(['training.ckpt']);

    tf.setRandomSeed(999);
    const model = new Line();
    const backup = c.backupAndRestore({ backupDir, saveFreq });
    const got = await train(model, [backup, ...others()], options);
    const left = saveFreq === 'epoch' ? 12 : kill - (kill % saveFreq);
    expect(backup.restored).toEqual({ epoch: Math.floor(left / 4), batch: left % 4 });
    expect(model.getWeights().map((t) => Array.from(t.dataSync()))).toEqual(numbers);
    expect(Array.from(tf.randomUniform([3]).dataSync())).toEqual(random);
    expect(got.history.val_loss).toEqual(want.history.val_loss);
    expect(got.history.loss).toEqual(want.history.loss);
    expect(got.history.learning_rate).toEqual(want.history.learning_rate);
    expect(got.epoch).toEqual(want.epoch);
    // The training has ended: there is nothing to go on from.
    expect(readdirSync(folder)).not.toContain(name);
  });
  it('begins anew where there is nothing; keeps the file if asked', async () => {
    const backupDir = join(folder, 'kept');
    const backup = c.backupAndRestore({ backupDir, deleteCheckpoint: false });
    await train(new Line(), [backup], { epochs: 2 });
    expect(backup.restored).toBeUndefined();
    expect(readdirSync(backupDir)).toEqual(['training.ckpt']);
    const h = await train(new Line(), [c.backupAndRestore({ backupDir })], { epochs: 3 });
    expect(h.epoch).toEqual([0, 1, 2]);
  });
});

describe('remoteMonitor', () => {
  let server: Server;
  const got: { url?: string; type?: string; header?: string; body: string }[] = [];
  let status = 200;
  beforeAll(async () => {
    server = createServer((request, response) => {
      let body = '';
      request.on('data', (d) => {
        body += d;
      });
      request.on('end', () => {
        got.push({
          url: request.url,
          type: request.headers['content-type'],
          header: request.headers['x-key'] as string,
          body,
        });
        response.writeHead(status).end();
      });
    });
    await new Promise<void>((r) => server.listen(0, '127.0.0.1', r));
  });
  afterAll(() => void server.close());
  const root = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  it('posts a form, or JSON', async () => {
    await train(new Line(), [c.remoteMonitor({ root: root(), headers: { 'x-key': 'k' }, sendAsJson: false })], {
      epochs: 1,
      loss: () => 0.5,
    });
    await train(new Line(), [c.remoteMonitor({ root: root(), path: '/x' })], {
      epochs: 1,
      loss: () => Number.NaN,
    });
    const [form, json] = got;
    expect([form.url, form.header]).toEqual(['/publish/epoch/end/', 'k']);
    expect(JSON.parse(new URLSearchParams(form.body).get('data') as string)).toEqual({ epoch: 0, loss: 0.5 });
    expect([json.url, json.type]).toEqual(['/x', 'application/json']);
    expect(JSON.parse(json.body)).toEqual({ epoch: 0, loss: null });
  });
  it('a server that fails is a warning', async () => {
    const warn = silence();
    status = 500;
    const h = await train(new Line(), [c.remoteMonitor({ root: root() })], { epochs: 1 });
    const h2 = await train(new Line(), [c.remoteMonitor({ root: 'http://127.0.0.1:1' })], { epochs: 1 });
    expect([h.epoch, h2.epoch]).toEqual([[0], [0]]);
    expect(warn.mock.calls[0][0]).toMatch(/answered 500. Training goes on/);
    expect(warn.mock.calls[1][0]).toMatch(/could not be reached/);
  });
});

describe('refused', () => {
  it.each([
    [
      'an unknown option',
      () => c.earlyStopping({ pateince: 2 } as never),
      /earlyStopping: there is no option 'pateince'/,
      /did you mean 'patience'\?/,
    ],
    [
      'a negative patience',
      () => c.earlyStopping({ patience: -1 }),
      /patience must be a whole number from 0 on, got -1/,
      /patience/,
    ],
    [
      'an unknown mode',
      () => c.earlyStopping({ mode: 'up' as never }),
      /mode must be 'auto', 'min' or 'max', got 'up'/,
      /auto/,
    ],
    ['a factor that raises', () => c.reduceLROnPlateau({ factor: 2 }), /factor must be less than 1, got 2/, /0.1/],
    ['no path', () => c.modelCheckpoint({} as never), /filepath must be a text, got undefined/, /text/],
    [
      'braces that do not match',
      () => c.modelCheckpoint({ filepath: 'a{epoch' }),
      /the braces of 'a\{epoch' do not match/,
      /name/,
    ],
    ['a format that is none', () => c.modelCheckpoint({ filepath: '{epoch:zz}' }), /'zz' is no number format/, /02d/],
    [
      'a frequency that is none',
      () => c.modelCheckpoint({ filepath: 'a', saveFreq: 0 }),
      /saveFreq must be 'epoch' or a number/,
      /epoch/,
    ],
    ['no schedule', () => c.learningRateScheduler(3 as never), /schedule must be a function, got 3/, /function/],
    [
      'an unknown hook',
      () => c.lambda({ onEpochDone: () => {} } as never),
      /no option 'onEpochDone'/,
      /did you mean 'onEpoch/,
    ],
    [
      'a hook that is no function',
      () => c.lambda({ onEpochEnd: 3 } as never),
      /onEpochEnd must be a function, got 3/,
      /=>/,
    ],
    [
      'a callback that is none',
      () => standardizeCallbacks(['a' as never]),
      /callbacks\[0\] is 'a', no callback/,
      /extends tf.Callback/,
    ],
    ['no folder', () => c.backupAndRestore({} as never), /backupDir must be a text/, /text/],
    [
      'a header that is none',
      () => c.remoteMonitor({ headers: { a: 1 } as never }),
      /the header a must be a text/,
      /text/,
    ],
  ])('%s', (_, f, message, fix) => {
    const e = errorOf(f) as tf.SinterError;
    expect(e).toBeInstanceOf(tf.ArgumentError);
    expect(e.message).toMatch(message);
    expect(e.fix).toMatch(fix);
  });
  it('files where there is no file system', async () => {
    const { versions } = process;
    Object.defineProperty(process, 'versions', { value: {}, configurable: true });
    try {
      await expect(train(new Line(), [c.csvLogger('x.csv')], { epochs: 1 })).rejects.toThrow(
        expect.objectContaining({
          name: 'DeviceError',
          message: expect.stringMatching(/^csvLogger: there is no file system/),
        }),
      );
    } finally {
      Object.defineProperty(process, 'versions', { value: versions, configurable: true });
    }
  });
});
