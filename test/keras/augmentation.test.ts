// Layers that change images at random while a model trains, against images changed by hand.

import * as tf from 'sinter';
import { describe, expect, test } from 'vitest';
import { runLayerTest } from './layer-test.ts';

const on = { training: true };
const size = (shape: number[]) => shape.reduce((n, d) => n * d, 1);
/** Pixels 1, 2, 3 … */
const counting = (...shape: number[]) =>
  tf.tensor(
    Array.from({ length: size(shape) }, (_, i) => i + 1),
    shape,
  );
const list = (x: tf.Tensor) => Array.from(x.dataSync());
/** Each image of a batch as text, so that equal ones are found. */
const each = (x: tf.Tensor) => (x.arraySync() as unknown[]).map((image) => JSON.stringify(image));
const same = (x: tf.Tensor, y: tf.Tensor, tolerance = 1e-3) => {
  expect(x.shape).toEqual(y.shape);
  const [a, b] = [list(x), list(y)];
  for (const [i, v] of a.entries())
    if (!(Math.abs(v - b[i]) <= tolerance)) expect.fail(`element ${i}: ${v} is not ${b[i]}`);
};
const apply = (layer: tf.Layer, x: tf.Tensor) => layer.apply(x, on) as tf.Tensor;
/** A batch of one image, many times. */
const many = (image: tf.Tensor, n: number) => tf.tile(image, [n, 1, 1, 1]);

const image = { inputShape: [2, 4, 6, 3], outputShape: [2, 4, 6, 3], random: true };
// biome-ignore lint/suspicious/noExplicitAny: options of any of these layers
const kept: [string, (args: any) => tf.Layer, object][] = [
  ['randomFlip', tf.layers.randomFlip, { mode: 'horizontal', seed: 1 }],
  ['randomBrightness', tf.layers.randomBrightness, { factor: 0.2, valueRange: [-1, 1] }],
  ['randomContrast', tf.layers.randomContrast, { factor: [0.3, 0.5], seed: 2 }],
  ['randomRotation', tf.layers.randomRotation, { factor: 0.2, seed: 1 }],
  ['randomZoom', tf.layers.randomZoom, { heightFactor: 0.2, widthFactor: [-0.1, 0.3], fillMode: 'wrap' }],
  ['randomTranslation', tf.layers.randomTranslation, { heightFactor: 0.2, widthFactor: 0.3, fillMode: 'nearest' }],
  ['randomWidth', tf.layers.randomWidth, { factor: 0.7, interpolation: 'nearest' }],
  ['randomHeight', tf.layers.randomHeight, { factor: [-0.2, 0.1], fillMode: 'constant', fillValue: 3 }],
];

describe('what every layer does', () => {
  test.each(kept)('%s', async (_, make, args) => {
    await runLayerTest({ ...image, make, args });
    const x = counting(2, 4, 6, 3);
    expect(list(make(args as never).apply(x) as tf.Tensor)).toEqual(list(x));
    expect((make(args as never).apply(x.cast('int32')) as tf.Tensor).dtype).toBe('float32');
    expect(apply(make(args as never), tf.zeros([0, 4, 6, 3])).shape).toEqual([0, 4, 6, 3]);
  });
  test('randomCrop', () =>
    runLayerTest({ ...image, make: tf.layers.randomCrop, args: { height: 2, width: 3 }, outputShape: [2, 2, 3, 3] }));

  test.each(kept)('%s: a compiled step draws what eager calls draw, and anew each time', (_, make, args) => {
    const x = tf.randomUniform([8, 6, 6, 2], 0, 1, 'float32', 3);
    const seeded = { ...args, seed: 5 } as never;
    const [eager, traced] = [make(seeded), make(seeded)];
    const step = tf.func((t: tf.Tensor) => apply(traced, t));
    const firsts: string[][] = [];
    for (let i = 0; i < 3; i++) {
      const [a, b] = [apply(eager, x), step(x)];
      same(a, b, 1e-4);
      firsts.push(each(b));
    }
    expect(firsts[0]).not.toEqual(firsts[1]);
    // Each image is changed in its own way.
    expect(new Set(each(apply(make(seeded), many(x.slice([0], [1]), 8)))).size).toBeGreaterThan(1);
  });
});

describe('randomFlip', () => {
  const x = many(counting(1, 2, 3, 1), 64);
  const count = (mode: string) => {
    const counts = new Map<string, number>();
    for (const e of each(apply(tf.layers.randomFlip({ mode: mode as never, seed: 7 }), x)))
      counts.set(e, (counts.get(e) ?? 0) + 1);
    return counts;
  };
  const text = (rows: number[][]) => JSON.stringify(rows.map((r) => r.map((v) => [v])));
  const plain = text([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  const across = text([
    [3, 2, 1],
    [6, 5, 4],
  ]);
  const upside = text([
    [4, 5, 6],
    [1, 2, 3],
  ]);
  const both = text([
    [6, 5, 4],
    [3, 2, 1],
  ]);
  test.each([
    ['horizontal', [plain, across]],
    ['vertical', [plain, upside]],
    ['horizontalAndVertical', [plain, across, upside, both]],
  ])('%s', (mode, images) => {
    const counts = count(mode);
    expect([...counts.keys()].sort()).toEqual([...images].sort());
    // 64 images: none is as rare as four deviations from its share.
    for (const n of counts.values()) expect(n).toBeGreaterThan(images.length === 2 ? 16 : 2);
  });
  test('reads how Keras writes the mode', () =>
    expect(tf.layers.randomFlip({ mode: 'horizontal_and_vertical' as never }).getConfig().mode).toBe(
      'horizontalAndVertical',
    ));
});

describe('randomRotation', () => {
  const x = counting(2, 5, 5, 2);
  test.each([1, 2, 3, -1])('%i quarters counter-clockwise', (k) => {
    for (const interpolation of ['bilinear', 'nearest'] as const)
      for (const fillMode of ['constant', 'reflect'] as const) {
        const layer = tf.layers.randomRotation({ factor: [k / 4, k / 4], interpolation, fillMode });
        same(apply(layer, x), tf.image.rot90(x, k));
      }
  });
  test('half a turn of an oblong image', () =>
    same(
      apply(tf.layers.randomRotation({ factor: [0.5, 0.5] }), counting(1, 2, 4, 1)),
      counting(1, 2, 4, 1).reverse(),
    ));
});

describe('randomTranslation', () => {
  test('down by one row and left by one column', () => {
    const args = { heightFactor: [0.5, 0.5], widthFactor: [-0.25, -0.25] } as never;
    const x = counting(1, 2, 4, 1);
    const at = (fillMode: string) =>
      list(apply(tf.layers.randomTranslation({ ...(args as object), fillMode, fillValue: 9 } as never), x));
    expect(at('constant')).toEqual([9, 9, 9, 9, 2, 3, 4, 9]);
    expect(at('nearest')).toEqual([2, 3, 4, 4, 2, 3, 4, 4]);
    expect(at('wrap')).toEqual([6, 7, 8, 5, 2, 3, 4, 1]);
    expect(at('reflect')).toEqual([2, 3, 4, 4, 2, 3, 4, 4]);
  });
});

describe('zoom and stretch', () => {
  const row = tf.tensor([10, 20, 30, 40, 50], [1, 1, 5, 1]);
  const constant = { fillMode: 'constant', fillValue: 0 } as const;
  test('randomZoom out by 2, and in by 2', () => {
    // The centre stays: output x is from 2 + scale (x - 2).
    const zoom = (f: number) =>
      list(apply(tf.layers.randomZoom({ heightFactor: [0, 0], widthFactor: [f, f], ...constant }), row));
    expect(zoom(1)).toEqual([0, 10, 30, 50, 0]);
    expect(zoom(-0.5)).toEqual([20, 25, 30, 35, 40]);
  });
  test('randomZoom keeps the ratio of sides without a widthFactor', () => {
    const x = counting(1, 5, 5, 1);
    const layer = (widthFactor?: [number, number]) =>
      tf.layers.randomZoom({ heightFactor: [-0.5, -0.5], widthFactor, ...constant });
    same(apply(layer(), x), apply(layer([-0.5, -0.5]), x), 0);
  });
  test('randomWidth and randomHeight', () => {
    const wider = (f: number) => list(apply(tf.layers.randomWidth({ factor: [f, f], ...constant }), row));
    expect(wider(1)).toEqual([20, 25, 30, 35, 40]);
    expect(wider(-0.5)).toEqual([0, 10, 30, 50, 0]);
    const column = row.reshape([1, 5, 1, 1]);
    expect(list(apply(tf.layers.randomHeight({ factor: [1, 1], ...constant }), column))).toEqual([20, 25, 30, 35, 40]);
    expect(list(apply(tf.layers.randomWidth({ factor: [1, 1] }), column))).toEqual(list(column));
  });
});

describe('randomCrop', () => {
  test('parts of the image, each place equally likely', () => {
    const y = apply(tf.layers.randomCrop({ height: 2, width: 2, seed: 3 }), many(counting(1, 3, 4, 1), 120));
    const at = new Map<number, number>();
    for (const [[[a], [b]], [[c], [d]]] of y.arraySync() as number[][][][]) {
      expect([b, c, d]).toEqual([a + 1, a + 4, a + 5]);
      at.set(a, (at.get(a) ?? 0) + 1);
    }
    // Two places down, three across: about 20 each.
    expect([...at.keys()].sort((p, q) => p - q)).toEqual([1, 2, 3, 5, 6, 7]);
    for (const n of at.values()) expect(n).toBeGreaterThan(5);
  });
  test('not training, the part around the centre in that size', () => {
    const layer = tf.layers.randomCrop({ height: 2, width: 2 });
    expect(list(layer.apply(counting(1, 2, 4, 1)) as tf.Tensor)).toEqual([2, 3, 6, 7]);
    // Training, where the image is too small for a part.
    expect(list(apply(layer, tf.ones([1, 1, 4, 1])))).toEqual([1, 1, 1, 1]);
  });
});

describe('brightness and contrast', () => {
  test('randomBrightness adds a share of the range, and stays within', () => {
    const x = tf.tensor([0, 0.25, 0.5, 1], [1, 2, 2, 1]);
    const at = (f: number, valueRange: [number, number]) =>
      apply(tf.layers.randomBrightness({ factor: [f, f], valueRange }), x);
    same(at(0.5, [0, 1]), tf.tensor([0.5, 0.75, 1, 1], x.shape), 1e-6);
    same(at(-0.1, [-1, 1]), tf.tensor([-0.2, 0.05, 0.3, 0.8], x.shape), 1e-6);
    const bytes = apply(tf.layers.randomBrightness({ factor: [1, 1] }), x);
    expect(list(bytes)).toEqual([255, 255, 255, 255]);
  });
  test('randomContrast moves from the mean of each channel', () => {
    // Channels 10, 30 and 100, 200, of means 20 and 150, at contrast 1.5.
    const x = tf.tensor([10, 100, 30, 200], [1, 1, 2, 2]);
    const high = tf.layers.randomContrast({ factor: [0, 0.5], seed: 1 });
    const y = list(apply(high, x));
    const f = (y[2] - 20) / 10;
    expect(f).toBeGreaterThanOrEqual(1);
    expect(f).toBeLessThan(1.5);
    same(tf.tensor(y), tf.tensor([20 - 10 * f, 150 - 50 * f, 20 + 10 * f, 150 + 50 * f]));
    const none = apply(tf.layers.randomContrast({ factor: [0, 0] }), x);
    same(none, x, 1e-4);
    // The mean is not of both channels, and values stay in their range.
    expect(
      list(apply(tf.layers.randomContrast({ factor: 1, valueRange: [140, 160] }), x)).every(
        (v) => v >= 140 && v <= 160,
      ),
    ).toBe(true);
  });
  test('factors fill their range', () => {
    const y = list(
      apply(
        tf.layers.randomBrightness({ factor: [-0.5, 1], valueRange: [-10, 10], seed: 1 }),
        tf.zeros([200, 1, 1, 1]),
      ),
    );
    expect(Math.min(...y)).toBeLessThan(-9);
    expect(Math.min(...y)).toBeGreaterThanOrEqual(-10);
    expect(Math.max(...y)).toBe(10);
  });
});

describe('in a model', () => {
  test('changes what fit sees, and not what predict gives', async () => {
    const model = tf.sequential({
      layers: [
        tf.layers.randomBrightness({ factor: [0.5, 0.5], valueRange: [0, 1], inputShape: [2, 2, 1] }),
        tf.layers.flatten(),
        tf.layers.dense({ units: 1, kernelInitializer: 'ones', useBias: false, trainable: false }),
      ],
    });
    model.compile({ optimizer: 'sgd', loss: 'meanAbsoluteError' });
    const x = tf.zeros([4, 2, 2, 1]);
    expect(list(model.predict(x) as tf.Tensor)).toEqual([0, 0, 0, 0]);
    // Each of four pixels is 0.5 brighter.
    const { history } = await model.fit(x, tf.zeros([4, 1]), { epochs: 1, verbose: 0 });
    expect(history.loss).toEqual([2]);
  });
});

describe('bad options', () => {
  const cases: [string, () => unknown, RegExp][] = [
    ['no factor', () => tf.layers.randomRotation({} as never), /factor must be a number.*not undefined/],
    ['a negative number', () => tf.layers.randomRotation({ factor: -0.2 }), /\[lower, upper\].*-0.2/],
    ['a range that is upside down', () => tf.layers.randomZoom({ heightFactor: [0.3, 0.1] }), /heightFactor.*0.3/],
    ['a zoom below -1', () => tf.layers.randomZoom({ heightFactor: [-2, 0] }), /from -1 to/],
    ['too far', () => tf.layers.randomTranslation({ heightFactor: 0, widthFactor: 1.5 }), /widthFactor.*1.5/],
    ['too bright', () => tf.layers.randomBrightness({ factor: 2 }), /factor.*2/],
    ['contrast', () => tf.layers.randomContrast({ factor: [1.5, 2] }), /factor.*1.5/],
    ['nothing left of the width', () => tf.layers.randomWidth({ factor: [-1, 0] }), /factor/],
    ['a mode', () => tf.layers.randomFlip({ mode: 'sideways' as never }), /mode must be one of 'horizontal'/],
    ['a fill mode', () => tf.layers.randomRotation({ factor: 1, fillMode: 'mirror' as never }), /fillMode/],
    ['a height', () => tf.layers.randomCrop({ height: 0, width: 1 }), /height must be a whole number/],
    ['a misspelt option', () => tf.layers.randomFlip({ sead: 1 } as never), /did you mean 'seed'/],
    ['no image', () => tf.layers.randomFlip().apply(tf.zeros([2, 3])), /4/],
  ];
  test.each(cases)('%s', (_, f, message) => expect(f).toThrow(message));
});
