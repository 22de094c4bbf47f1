// Pictures: training curves and models. The SVG is read back, the PNG is decoded.

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import * as tf from 'sinter';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ticksOf, tickText } from '../../frontends/keras/plot/ticks.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sinter-plot-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Texts of an SVG in order, without escapes. */
const texts = (svg: string) =>
  [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, t]) =>
    t
      .replaceAll('&lt;', '<')
      .replaceAll('&gt;', '>')
      .replaceAll('&#160;', ' ')
      .replaceAll('&#45;', '-')
      .replaceAll('&amp;', '&'),
  );
/** Every tag that is opened is closed, in order. */
function wellFormed(svg: string): void {
  const open: string[] = [];
  for (const [, close, name, own] of svg.matchAll(/<(\/?)([a-z]+)(?:\s[^<>]*?)?(\/?)>/g)) {
    if (close) expect(open.pop()).toBe(name);
    else if (!own) open.push(name);
  }
  expect(open).toEqual([]);
}

describe('ticks', () => {
  it.each([
    [0, 1, 5, [0, 0.2, 0.4, 0.6, 0.8, 1], 0.2],
    [0.13, 2.31, 5, [0.5, 1, 1.5, 2], 0.5],
    [-3, 7, 6, [-2, 0, 2, 4, 6], 2],
    [1200, 5100, 4, [2000, 3000, 4000, 5000], 1000],
  ])('from %s to %s', (from, to, most, want, step) => {
    const t = ticksOf(from, to, most + 1);
    expect(t.values.map((v) => Number(v.toPrecision(12)))).toEqual(want);
    expect(t.step).toBeCloseTo(step, 12);
  });
  it('are round, inside, and few, whatever the range', () => {
    let seed = 1;
    const random = () => {
      seed = (seed * 16807) % 2147483647;
      return seed / 2147483647;
    };
    for (let i = 0; i < 500; i++) {
      const from = (random() - 0.5) * 10 ** (12 * random() - 6);
      const to = from + 10 ** (12 * random() - 6);
      const { values, step } = ticksOf(from, to, 6);
      expect(values.length).toBeGreaterThan(0);
      expect(values.length).toBeLessThanOrEqual(7);
      const mantissa = step / 10 ** Math.floor(Math.log10(step) + 1e-9);
      expect([1, 2, 5].some((m) => Math.abs(m - mantissa) < 1e-6)).toBe(true);
      for (const v of values) expect(v >= from - step * 1e-6 && v <= to + step * 1e-6).toBe(true);
    }
  });
  it('whole numbers for what is counted', () => {
    expect(ticksOf(1, 3, 10, 1).values).toEqual([1, 2, 3]);
    expect(ticksOf(1, 1, 10, 1).values).toEqual([1]);
  });
  it('as text', () => {
    expect([0, 0.5, 2].map((x) => tickText(x, 0.5))).toEqual(['0', '0.5', '2.0']);
    expect(tickText(-1250, 50)).toBe('-1250');
    expect(tickText(0.00002, 0.00001)).toBe('2e-5');
    expect(tickText(3.5e7, 5e6)).toBe('3.5e+7');
  });
});

describe('plotHistory', () => {
  const history = { loss: [2, 1, 0.5], val_loss: [2.5, 1.5, 1], acc: [0.2, 0.6, 0.9] };
  it('a diagram a metric, with legend and axes', async () => {
    const svg = await tf.plotHistory(history, undefined, { title: 'a < b & "c"' });
    wellFormed(svg);
    const t = texts(svg);
    expect(t[0]).toBe('a < b & "c"'.replaceAll('"', '&quot;'));
    expect(t.filter((x) => ['loss', 'acc'].includes(x))).toEqual(['loss', 'acc']);
    expect(t.filter((x) => x === 'training')).toHaveLength(2);
    expect(t.filter((x) => x === 'validation')).toHaveLength(1);
    expect(t.filter((x) => x === 'epoch')).toHaveLength(2);
    expect(svg).toMatch(/^<svg [^>]*width="960" height="350" viewBox="0 0 960 350"/);
  });
  it('lines go through the numbers', async () => {
    const svg = await tf.plotHistory({ loss: [4, 2, 0] }, null, { width: 480, height: 320, xLabel: 'batch' });
    expect(texts(svg)).toContain('batch');
    expect(texts(svg)).not.toContain('epoch');
    const points = (/<path d="([^"]*)"/.exec(svg) as RegExpExecArray)[1]
      .slice(1)
      .split('L')
      .map((p) => p.split(' ').map(Number));
    // The diagram is 400 wide from 64 on and 244 high from 34 on; a twentieth of the range is left above and below.
    const y = (v: number) => 34 + 244 * (1 - (v + 0.2) / 4.4);
    expect(points).toHaveLength(3);
    points.forEach(([px, py], i) => {
      expect(px).toBeCloseTo(64 + 200 * i, 1);
      expect(py).toBeCloseTo(y(4 - 2 * i), 1);
    });
    // Ticks stand where their numbers are.
    for (const [, at, label] of svg.matchAll(/<text x="56" y="([\d.]+)" text-anchor="end">([\d.]+)</g))
      expect(Number(at) - 4).toBeCloseTo(y(Number(label)), 1);
  });
  it('chooses metrics, leaves gaps, marks single points', async () => {
    const svg = await tf.plotHistory({ loss: [1, Number.NaN, 2, 3], acc: [1, 1, 1, 1] }, null, { metrics: ['loss'] });
    expect(texts(svg)).not.toContain('acc');
    expect(svg.match(/<circle/g)).toHaveLength(1);
    expect((/<path d="([^"]*)"/.exec(svg) as RegExpExecArray)[1].match(/M/g)).toHaveLength(2);
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    for (const odd of [[Number.NaN], [0, 0], [-1e30, 1e30], [Number.POSITIVE_INFINITY, 1]])
      expect(await tf.plotHistory({ loss: odd })).not.toMatch(/NaN|Infinity|undefined/);
  });
  it('of a fit, to a file', async () => {
    const h = new tf.History();
    h.onTrainBegin();
    h.onEpochEnd(4, { loss: 1 });
    h.onEpochEnd(5, { loss: 0.5, val_loss: 0.7 });
    const file = join(folder, 'new', 'history.svg');
    const svg = await tf.plotHistory(h, file);
    expect(readFileSync(file, 'utf8')).toBe(svg);
    // Epochs 4 and 5 from 0 are 5 and 6 from 1; the one number of validation belongs to the last.
    expect(texts(svg)).toContain('6');
    expect(texts(svg)).not.toContain('1');
    const circle = /<circle cx="([\d.]+)"/.exec(svg) as RegExpExecArray;
    expect(Number(circle[1])).toBeCloseTo(464, 1);
  });
  it.each([
    ['what is no history', () => tf.plotHistory(3 as never), /3 is no history/],
    ['no epochs', () => tf.plotHistory({ loss: [] }), /the history has no epochs/],
    [
      'an unknown metric',
      () => tf.plotHistory(history, null, { metrics: ['los'] }),
      /no metric 'los'[\s\S]*did you mean 'loss'/,
    ],
    [
      'a size that is none',
      () => tf.plotHistory(history, null, { width: -3 }),
      /width must be a number from 320 on, got -3/,
    ],
    ['an unknown option', () => tf.plotHistory(history, null, { widht: 3 } as never), /did you mean 'width'/],
  ])('refuses %s', async (_, f, message) => {
    await expect(f()).rejects.toThrow(message);
    await expect(f()).rejects.toBeInstanceOf(tf.ArgumentError);
  });
});

/** Two inputs, a layer used twice, a model inside, two outputs. */
function branching(): tf.LayersModel {
  const [a, b] = ['left', 'right'].map((name) => tf.input({ shape: [8], name }));
  const shared = tf.layers.dense({ units: 4, activation: 'relu', name: 'shared' });
  const tower = tf.sequential({
    layers: [
      tf.layers.dense({ units: 6, inputShape: [4], name: 'first' }),
      tf.layers.dense({ units: 2, name: 'second' }),
    ],
    name: 'tower<1>',
  });
  const x = tower.apply(shared.apply(a)) as tf.SymbolicTensor;
  const y = tf.layers.dense({ units: 3, name: 'y' }).apply(shared.apply(b)) as tf.SymbolicTensor;
  return tf.model({ inputs: [a, b], outputs: [x, y] });
}
/** Arrows of Graphviz's SVG. */
const arrows = (svg: string) =>
  [...svg.matchAll(/<title>([^<]*)<\/title>/g)]
    .map(([, t]) => t.replaceAll('&#45;', '-').replaceAll('&gt;', '>').replaceAll('&lt;', '<'))
    .filter((t) => t.includes('->'));

describe('plotModel', () => {
  it('classes only, by default', async () => {
    const svg = await tf.plotModel(branching());
    wellFormed(svg);
    expect(texts(svg).sort()).toEqual(['Dense', 'Dense', 'Dense', 'InputLayer', 'InputLayer', 'Sequential']);
    expect(arrows(svg).sort()).toEqual(['left->shared', 'right->shared_1', 'shared->tower<1>', 'shared_1->y']);
  });
  it('names, shapes, dtypes, activations', async () => {
    const svg = await tf.plotModel(branching(), null, {
      showLayerNames: true,
      showShapes: true,
      showDtype: true,
      showLayerActivations: true,
      showTrainable: true,
      rankdir: 'LR',
    });
    const t = texts(svg);
    for (const want of ['shared (Dense)', 'shared_1 (Dense)', 'tower<1> (Sequential)', 'Activation: relu', 'Trainable'])
      expect(t).toContain(want);
    expect(t.filter((x) => x === 'Input: (None, 8)')).toHaveLength(2);
    expect(t).toContain('Output: (None, 3)');
    expect(t).toContain('Output dtype: float32');
  });
  it('models inside, laid open', async () => {
    const svg = await tf.plotModel(branching(), null, { expandNested: true, showLayerNames: true });
    expect(texts(svg)).toContain('tower<1>');
    expect(texts(svg)).not.toContain('tower<1> (Sequential)');
    const inner = arrows(svg).filter((a) => a.includes('tower'));
    expect(inner).toHaveLength(3);
    expect(inner.filter((a) => a.startsWith('shared->tower<1>/'))).toHaveLength(1);
    expect(inner).toContain('tower<1>/first->tower<1>/second');
  });
  it('a Sequential without shapes', async () => {
    const layers = [tf.layers.dense({ units: 2, name: 'one' }), tf.layers.dropout({ rate: 0.5, name: 'two' })];
    const svg = await tf.plotModel(tf.sequential({ layers }), null, { showShapes: true });
    expect(arrows(svg)).toEqual(['one->two']);
  });
  it('a subclass: boxes, as nobody knows the arrows', async () => {
    class Two extends tf.LayersModel {
      readonly a = tf.layers.dense({ units: 2, name: 'a' });
      readonly b = tf.layers.dense({ units: 2, name: 'b' });
      override call(x: tf.Tensor | tf.Tensor[]): tf.Tensor | tf.Tensor[] {
        return x;
      }
    }
    const svg = await tf.plotModel(new Two(), null, { showLayerNames: true });
    expect(texts(svg).sort()).toEqual(['a (Dense)', 'b (Dense)']);
    expect(arrows(svg)).toEqual([]);
  });
  it('to SVG and PNG files', async () => {
    const file = join(folder, 'deep', 'model.svg');
    expect(await tf.plotModel(branching(), file)).toBe(readFileSync(file, 'utf8'));
    const png = join(folder, 'model.PNG');
    const svg = await tf.plotModel(branching(), png, { dpi: 96 });
    const b = readFileSync(png);
    expect([...b.subarray(0, 8)]).toEqual([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]);
    const [width, height] = [b.readUInt32BE(16), b.readUInt32BE(20)];
    // Graphviz gives points, 72 to the inch.
    const [, w, h] = (/width="(\d+)pt" height="(\d+)pt"/.exec(svg) as RegExpExecArray).map(Number);
    expect(Math.abs(width - (w * 96) / 72)).toBeLessThan(2);
    expect(Math.abs(height - (h * 96) / 72)).toBeLessThan(2);
    const data: Buffer[] = [];
    for (let at = 8; at < b.length; at += 12 + b.readUInt32BE(at))
      if (b.toString('latin1', at + 4, at + 8) === 'IDAT') data.push(b.subarray(at + 8, at + 8 + b.readUInt32BE(at)));
    expect(b.subarray(24, 26).equals(Buffer.of(8, 6))).toBe(true);
    expect(inflateSync(Buffer.concat(data)).length).toBe(height * (1 + 4 * width));
    // Text is drawn: the same picture without it is smaller.
    const { pngOf } = await import('../../frontends/keras/plot/render.ts');
    const bare = await pngOf(svg.replaceAll(/<text[\s\S]*?<\/text>/g, ''), 96, undefined, 'test');
    expect(b.length).toBeGreaterThan(bare.length * 1.3);
  });
  it.each([
    ['what is no model', () => tf.plotModel({} as never), /an object \{\} is no model/, tf.ArgumentError],
    [
      'another kind of file',
      () => tf.plotModel(branching(), 'm.gif'),
      /'m.gif' is neither an SVG nor a PNG/,
      tf.ArgumentError,
    ],
    [
      'a direction that is none',
      () => tf.plotModel(branching(), null, { rankdir: 'UP' as never }),
      /one of TB, LR, BT, RL, got 'UP'/,
      tf.ArgumentError,
    ],
    [
      'an unknown option',
      () => tf.plotModel(branching(), null, { showShape: true } as never),
      /did you mean 'showShapes'/,
      tf.ArgumentError,
    ],
    [
      'a font that is not there',
      () => tf.plotModel(branching(), join(folder, 'x.png'), { fontFile: '/none.ttf' }),
      /the font '\/none.ttf' cannot be read/,
      tf.ExecutionError,
    ],
  ])('refuses %s', async (_, f, message, kind) => {
    await expect(f()).rejects.toThrow(message);
    await expect(f()).rejects.toBeInstanceOf(kind);
    expect(existsSync(join(folder, 'x.png'))).toBe(false);
  });
});
