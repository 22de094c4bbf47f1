// What the progress bar writes: on a terminal, elsewhere, with known and unknown numbers of steps.

import * as tf from 'sinter';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { defaultWriter, ProgressBar } from '../../frontends/keras/progress.ts';

/** A writer that keeps what it is given, and a clock. */
function terminal(options: { dynamic: boolean; columns?: number; colours?: boolean }) {
  const t = {
    ...options,
    text: '',
    time: 0,
    write(s: string) {
      t.text += s;
    },
  };
  return t;
}
const logs = { acc: 0.91, loss: 0.2812345 };
const esc = String.fromCharCode(27);
/** Without the escape sequences that a terminal does not show. */
const plain = (s: string) => s.replaceAll(new RegExp(`${esc}\\[\\d*[mK]`, 'g'), '');

describe('on a terminal', () => {
  it('draws at most every 50 ms, then the last line', () => {
    const t = terminal({ dynamic: true });
    const bar = new ProgressBar({ target: 100, writer: t, now: () => t.time });
    for (let step = 1; step <= 100; step++) {
      t.time += 10;
      bar.update(step, logs);
    }
    const drawn = t.text.split('\r').slice(1).map(plain);
    // The first at once, then at 60, 110, 160 … milliseconds.
    expect(drawn).toHaveLength(20);
    expect(drawn[0]).toBe('  1/100 ──────────────────── 0s 10ms/step - acc: 0.9100 - loss: 0.2812');
    expect(drawn[10]).toBe(' 51/100 ━━━━━━━━━━────────── 0s 10ms/step - acc: 0.9100 - loss: 0.2812');
    t.text = '';
    bar.finish(100, { ...logs, val_acc: 0.9 });
    expect(plain(t.text)).toBe(
      '\r100/100 ━━━━━━━━━━━━━━━━━━━━ 1s 10ms/step - acc: 0.9100 - loss: 0.2812 - val_acc: 0.9000\n',
    );
    bar.finish(100, logs);
    bar.update(100, logs);
    expect(t.text.match(/\n/g)).toHaveLength(1);
  });
  it('estimates what is left, without the first step', () => {
    const t = terminal({ dynamic: true });
    const bar = new ProgressBar({ target: 1000, writer: t, now: () => t.time });
    const at = (time: number, step: number) => {
      t.time = time;
      t.text = '';
      bar.update(step, {});
      return plain(t.text).slice(1);
    };
    // The first step took 5 s (it compiles), the next ones 2 s each.
    expect(at(5000, 1)).toMatch(/ 1:23:15 5s\/step$/);
    expect(at(25_000, 11)).toMatch(/ 32:58 2s\/step$/);
    expect(at(1_925_000, 961)).toMatch(/ 961\/1000 ━{19}─ 1:18 2s\/step$/);
    expect(at(1_983_000, 990)).toMatch(/ 20s 2s\/step$/);
  });
  it('does not know how many', () => {
    const t = terminal({ dynamic: true });
    const bar = new ProgressBar({ target: null, writer: t, now: () => t.time });
    t.time = 2000;
    bar.update(3, { loss: 1 });
    expect(plain(t.text)).toBe('\r      3/Unknown 2s 667ms/step - loss: 1.0000');
    t.text = '';
    bar.finish(4, { loss: 1 });
    expect(plain(t.text)).toMatch(/^\r4\/4 ━{20} 2s /);
  });
  it('cuts a running line at the edge, not the last one', () => {
    const t = terminal({ dynamic: true, columns: 50, colours: true });
    const bar = new ProgressBar({ target: 10, writer: t, now: () => t.time });
    t.time = 100;
    bar.update(5, logs);
    expect(plain(t.text).slice(1)).toBe(' 5/10 ━━━━━━━━━━━━━━━━━━━━ 0s 20ms/step - acc: 0.');
    expect(plain(t.text).slice(1).length).toBeLessThan(50);
    expect(t.text).toContain(`\x1b[32m${'━'.repeat(10)}\x1b[0m`);
    t.text = '';
    bar.finish(10, logs);
    expect(plain(t.text).trim()).toMatch(/loss: 0.2812$/);
  });
});

describe('elsewhere', () => {
  it('one line at the end, and one every 30 seconds', () => {
    const t = terminal({ dynamic: false });
    const bar = new ProgressBar({ target: 70, writer: t, now: () => t.time });
    for (let step = 1; step <= 70; step++) {
      t.time += 1000;
      bar.update(step, { loss: step });
    }
    bar.finish(70, { loss: 70, val_loss: 71 });
    expect(t.text).toBe(
      '30/70 - 30s - 1s/step - loss: 30.0000\n' +
        '60/70 - 60s - 1s/step - loss: 60.0000\n' +
        '70/70 - 70s - 1s/step - loss: 70.0000 - val_loss: 71.0000\n',
    );
  });
  it('verbose 2 is one line, 0 none', () => {
    for (const verbose of [2, 0]) {
      const t = terminal({ dynamic: true });
      const bar = new ProgressBar({ target: 4, verbose, writer: t, now: () => t.time });
      for (let step = 1; step <= 4; step++) {
        t.time += 250;
        bar.update(step, logs);
      }
      bar.finish(4, logs);
      expect(t.text).toBe(verbose ? '4/4 - 1s - 250ms/step - acc: 0.9100 - loss: 0.2812\n' : '');
    }
  });
  it('numbers of every size', () => {
    const t = terminal({ dynamic: false });
    const bar = new ProgressBar({ target: 1, writer: t, now: () => t.time });
    t.time = 0.05;
    bar.update(1, {});
    bar.finish(1, { a: 0.0001234, b: 0, c: Number.NaN, d: -2, e: 123456.7, f: Number.NEGATIVE_INFINITY });
    expect(t.text).toBe(
      '1/1 - 0s - 50us/step - a: 1.2340e-04 - b: 0.0000e+00 - c: nan - d: -2.0000 - e: 123456.7000 - f: -inf\n',
    );
  });
});

describe('progbarLogger', () => {
  it('a training: epochs, and validation without a bar of its own', async () => {
    const t = terminal({ dynamic: false });
    const list = new tf.CallbackList([tf.callbacks.progbarLogger({ writer: t, now: () => t.time })]);
    list.setParams({ epochs: 2, steps: null, verbose: 1 });
    await list.onTrainBegin();
    for (let epoch = 0; epoch < 2; epoch++) {
      await list.onEpochBegin(epoch);
      for (let b = 0; b < 3; b++) {
        t.time += 500;
        await list.onTrainBatchEnd(b, { loss: b });
      }
      await list.onTestBegin();
      await list.onTestBatchEnd(0, { loss: 5 });
      await list.onTestEnd({ loss: 5 });
      await list.onEpochEnd(epoch, { loss: 2, val_loss: 5 });
    }
    await list.onTrainEnd();
    const line = '3/3 - 2s - 500ms/step - loss: 2.0000 - val_loss: 5.0000\n';
    expect(t.text).toBe(`Epoch 1/2\n${line}Epoch 2/2\n${line}`);
  });
  it('an evaluation and a prediction', async () => {
    const t = terminal({ dynamic: false });
    const list = new tf.CallbackList([tf.callbacks.progbarLogger({ writer: t, now: () => t.time })]);
    list.setParams({ steps: 2, verbose: 1 });
    await list.onTestBegin();
    await list.onTestBatchEnd(0, { loss: 1 });
    await list.onTestBatchEnd(1, { loss: 2 });
    await list.onTestEnd({ loss: 1.5 });
    await list.onPredictBegin();
    await list.onPredictBatchEnd(1);
    await list.onPredictEnd();
    expect(t.text).toBe('2/2 - 0s - 0s/step - loss: 1.5000\n2/2 - 0s - 0s/step\n');
  });
});

describe('where it is written', () => {
  afterEach(() => vi.restoreAllMocks());
  it('standard output in Node', () => {
    const write = vi.spyOn(process.stdout, 'write').mockImplementation(() => true);
    const w = defaultWriter();
    w.write('abc\n');
    expect(write).toHaveBeenCalledWith('abc\n');
    expect(w.dynamic).toBe(process.stdout.isTTY === true);
  });
  it('the console elsewhere', () => {
    vi.stubGlobal('process', undefined);
    const log = vi.spyOn(console, 'log').mockImplementation(() => {});
    try {
      const w = defaultWriter();
      w.write('abc\n');
      expect(w.dynamic).toBe(false);
    } finally {
      vi.unstubAllGlobals();
    }
    expect(log).toHaveBeenCalledWith('abc');
  });
});
