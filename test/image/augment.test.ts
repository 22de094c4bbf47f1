// tf.image: cropping, padding, mirroring, colours, random versions of these, and resizing on every grid.

import * as tf from 'sinter';
import { describe, expect, it } from 'vitest';
import { close, equalTo } from '../frontend/helpers.ts';

/** An image [h, w, 1] whose pixels are numbered. */
const numbered = (h: number, w: number) => tf.range(0, h * w, 1, 'int32').reshape([h, w, 1]);
const rows = (t: tf.Tensor) => (t.rank === 4 ? t.squeeze([0, 3]) : t.squeeze([2])).arraySync();
const floats = (shape: number[], seed = 1) => tf.randomUniform(shape, 0, 1, 'float32', seed);

describe('parts of images', () => {
  const x = numbered(4, 5);
  it('crop and pad', () => {
    expect(rows(tf.image.cropToBoundingBox(x, 1, 2, 2, 3))).toEqual([
      [7, 8, 9],
      [12, 13, 14],
    ]);
    expect(rows(tf.image.padToBoundingBox(numbered(1, 2), 1, 0, 2, 3))).toEqual([
      [0, 0, 0],
      [0, 1, 0],
    ]);
    const batch = tf.image.cropToBoundingBox(x.expandDims(0), 0, 0, 1, 2);
    expect([batch.shape, rows(batch)]).toEqual([[1, 1, 2, 1], [[0, 1]]]);
    // 4 - 4 / 2 = 2, half of it is 1; (5 - 2.5) / 2 = 1.25 is cut to 1.
    expect(rows(tf.image.centralCrop(x, 0.5))).toEqual([
      [6, 7, 8],
      [11, 12, 13],
    ]);
    equalTo(tf.image.centralCrop(x, 1), x.arraySync());
    expect(rows(tf.image.resizeWithCropOrPad(x, 2, 7))).toEqual([
      [0, 5, 6, 7, 8, 9, 0],
      [0, 10, 11, 12, 13, 14, 0],
    ]);
    expect(rows(tf.image.resizeWithCropOrPad(x, 4, 2))).toEqual([
      [1, 2],
      [6, 7],
      [11, 12],
      [16, 17],
    ]);
    const padded = tf.image.resizeWithPad(tf.ones([2, 4, 1]), 4, 4);
    expect(rows(padded)).toEqual([
      [0, 0, 0, 0],
      [1, 1, 1, 1],
      [1, 1, 1, 1],
      [0, 0, 0, 0],
    ]);
    expect(tf.image.resizeWithPad(tf.ones([1, 4, 2, 3]), 2, 8, { method: 'nearest' }).shape).toEqual([1, 2, 8, 3]);
  });
  it('mirror and turn', () => {
    const y = numbered(2, 3);
    expect(rows(tf.image.flipUpDown(y))).toEqual([
      [3, 4, 5],
      [0, 1, 2],
    ]);
    expect(rows(tf.image.transpose(y))).toEqual([
      [0, 3],
      [1, 4],
      [2, 5],
    ]);
    const turns: Record<number, number[][]> = {
      0: [
        [0, 1, 2],
        [3, 4, 5],
      ],
      1: [
        [2, 5],
        [1, 4],
        [0, 3],
      ],
      2: [
        [5, 4, 3],
        [2, 1, 0],
      ],
      3: [
        [3, 0],
        [4, 1],
        [5, 2],
      ],
    };
    for (const k of [0, 1, 2, 3]) {
      expect(rows(tf.image.rot90(y, k))).toEqual(turns[k]);
      expect(rows(tf.image.rot90(y.expandDims(0), k - 4))).toEqual(turns[k]);
    }
  });
  it('refuse what does not fit', () => {
    const cases: [() => unknown, RegExp][] = [
      [() => tf.image.cropToBoundingBox(x, 3, 0, 2, 2), /rectangle of 2x2 at \(3, 0\) is not inside of 4x5/],
      [() => tf.image.cropToBoundingBox(x, -1, 0, 2, 2), /offsetHeight must be a whole number from 0 on, got -1/],
      [() => tf.image.padToBoundingBox(x, 1, 0, 4, 9), /image of 4x5 at \(1, 0\) is larger than 4x9/],
      [() => tf.image.centralCrop(x, 0), /centralFraction/],
      [() => tf.image.flipUpDown(tf.zeros([2, 2])), /rank 3 or 4/],
      [() => tf.image.rot90(x, 0.5), /k must be a whole number/],
      [() => tf.image.randomCrop(x, [5, 5, 1]), /size \[5,5,1\] does not fit into \[4,5,1\]/],
      [() => tf.image.adjustHue(tf.zeros([2, 2, 4]), 0.1), /must hold 3 channels, got \[2,2,4\]/],
      [
        () => tf.image.adjustBrightness(tf.zeros([2, 2, 3], 'bool'), 0.1),
        /must be float32, float64, int32 or uint8, got bool/,
      ],
      [() => tf.image.adjustBrightness(x, Number.NaN), /delta must be a number/],
      [() => tf.image.randomContrast(x, 2, 1), /below upper/],
      [() => tf.image.randomHue(x, 0.7), /0 to 0.5/],
      [
        () => tf.image.resize(x, [2, 2], { method: 'area', alignCorners: true }),
        /pixels lie at their centres for 'area'/,
      ],
    ];
    for (const [f, message] of cases) {
      expect(f).toThrow(message);
      expect(f).toThrow(tf.SinterError);
    }
  });
});

/** Hue, saturation and value by the definition of A. R. Smith (1978), in float64. */
function hsv([r, g, b]: number[]): number[] {
  const v = Math.max(r, g, b);
  const c = v - Math.min(r, g, b);
  const h = c === 0 ? 0 : v === r ? (g - b) / c : v === g ? 2 + (b - r) / c : 4 + (r - g) / c;
  return [(((h / 6) % 1) + 1) % 1, v === 0 ? 0 : c / v, v];
}
/** The way back, by sectors of the circle. */
function rgb([h, s, v]: number[]): number[] {
  const i = Math.floor(h * 6) % 6;
  const f = h * 6 - Math.floor(h * 6);
  const [p, q, t] = [v * (1 - s), v * (1 - s * f), v * (1 - s * (1 - f))];
  return [
    [v, t, p],
    [q, v, p],
    [p, v, t],
    [p, q, v],
    [t, p, v],
    [v, p, q],
  ][i];
}
const pixels = (t: tf.Tensor) => t.reshape([-1, 3]).arraySync() as number[][];

describe('colours', () => {
  const corners = [
    [0, 0, 0],
    [1, 1, 1],
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
    [1, 1, 0],
    [0.5, 0.5, 0.5],
    [0.2, 0.9, 0.2],
  ];
  const some = tf.concat([tf.tensor(corners), floats([92, 3])]).reshape([10, 10, 3]);
  it('hue, saturation and value, and back', () => {
    close(tf.image.rgbToHsv(some).reshape([-1, 3]), pixels(some).map(hsv));
    close(tf.image.hsvToRgb(some).reshape([-1, 3]), pixels(some).map(rgb));
    close(tf.image.hsvToRgb(tf.image.rgbToHsv(some)), some.arraySync());
    // 8-bit colours are taken for fractions of 255.
    close(tf.image.rgbToHsv(tf.tensor([[51, 102, 204]], [1, 3], 'int32')), [hsv([0.2, 0.4, 0.8])]);
  });
  it('saturation, hue, brightness, contrast, gamma', () => {
    const want = (f: (x: number[]) => number[]) => pixels(some).map((p) => rgb(f(hsv(p))));
    close(
      tf.image.adjustSaturation(some, 0.5).reshape([-1, 3]),
      want(([h, s, v]) => [h, s / 2, v]),
    );
    close(
      tf.image.adjustSaturation(some, 9).reshape([-1, 3]),
      want(([h, s, v]) => [h, Math.min(1, s * 9), v]),
      4,
    );
    close(
      tf.image.adjustHue(some, 0.3).reshape([-1, 3]),
      want(([h, s, v]) => [(h + 0.3) % 1, s, v]),
    );
    close(
      tf.image.adjustHue(some, -0.3).reshape([-1, 3]),
      want(([h, s, v]) => [(h + 0.7) % 1, s, v]),
    );
    close(tf.image.adjustBrightness([[[0.25, 1]]], 0.5), [[[0.75, 1.5]]]);
    // Means of the channels: 2 and 20.
    close(
      tf.image.adjustContrast(
        [
          [
            [1, 10],
            [3, 30],
          ],
        ],
        2,
      ),
      [
        [
          [0, 0],
          [4, 40],
        ],
      ],
    );
    close(tf.image.adjustGamma([[[0.25, 4]]], 0.5, 3), [[[1.5, 6]]]);
    const s = tf.image.perImageStandardization([
      [
        [1, 3],
        [5, 7],
      ],
    ]);
    close(
      s,
      [
        [
          [-3, -1],
          [1, 3],
        ],
      ].map((r) => r.map((p) => p.map((v) => v / Math.sqrt(5)))),
    );
    // A deviation of 0: 1 / sqrt(4) stands for it.
    close(tf.image.perImageStandardization(tf.fill([2, 2, 1], 9)), tf.zeros([2, 2, 1]).arraySync());
  });
  it('whole numbers stay whole numbers', () => {
    const x = tf.tensor([[[0, 100, 255]]], [1, 1, 3], 'int32');
    // (x / 255 + 0.2) * 255.5, clipped and cut: 51.1, 151.3, 255.
    const y = tf.image.adjustBrightness(x, 0.2);
    expect([y.dtype, y.arraySync()]).toEqual(['int32', [[[51, 151, 255]]]]);
    expect(tf.image.adjustBrightness(x, -0.5).arraySync()).toEqual([[[0, 0, 127]]]);
    const u = tf.image.adjustContrast(x.cast('uint8'), 1);
    expect([u.dtype, u.arraySync()]).toEqual(['uint8', [[[0, 100, 255]]]]);
    const f = tf.image.convertImageDtype(x, 'float32');
    close(f, [[[0, 100 / 255, 1]]]);
    expect(tf.image.convertImageDtype(f, 'uint8').arraySync()).toEqual([[[0, 100, 255]]]);
    expect(tf.image.convertImageDtype(tf.tensor([-1, 0.5, 2]), 'int32', true).arraySync()).toEqual([0, 127, 255]);
  });
  it('have gradients', () => {
    const x = floats([2, 3, 3], 5);
    const f = (v: tf.Tensor) => tf.image.adjustHue(tf.image.adjustSaturation(v, 0.7), 0.1).square().sum();
    const g = tf.grad(f)(x);
    const [h, at] = [1e-3, 4];
    const step = (d: number) => {
      const data = x.dataSync();
      data[at] += d;
      return f(tf.tensor(data, x.shape)).arraySync() as number;
    };
    expect(g.dataSync()[at]).toBeCloseTo((step(h) - step(-h)) / (2 * h), 2);
  });
});

describe('random versions', () => {
  it('flips each image by a coin of its own', () => {
    const batch = tf.tile(tf.tensor([0, 1]).reshape([1, 1, 2, 1]), [400, 1, 1, 1]);
    const left = tf.image.randomFlipLeftRight(batch, 3).reshape([400, 2]).arraySync() as number[][];
    const flips = left.filter(([a]) => a === 1).length;
    // 400 coins: 6 deviations are 60.
    expect(Math.abs(flips - 200)).toBeLessThan(60);
    for (const p of left) expect([...p].sort()).toEqual([0, 1]);
    equalTo(tf.image.randomFlipLeftRight(batch, 3).reshape([400, 2]), left);
    const tall = tf.image.randomFlipUpDown(tf.image.transpose(batch), 4).reshape([400, 2]).arraySync() as number[][];
    expect(new Set(tall.map(String))).toEqual(new Set(['0,1', '1,0']));
    // One image: one coin.
    const one = [1, 2, 3, 4, 5, 6, 7, 8].map((s) => String(tf.image.randomFlipUpDown(numbered(2, 1), s).dataSync()));
    expect(new Set(one)).toEqual(new Set(['0,1', '1,0']));
  });
  it('crops at all places, inside', () => {
    const x = numbered(3, 4);
    tf.setRandomSeed(1);
    const seen = new Set(Array.from({ length: 200 }, () => JSON.stringify(rows(tf.image.randomCrop(x, [2, 2, 1])))));
    const all = [0, 1].flatMap((y) =>
      [0, 1, 2].map((c) =>
        JSON.stringify([
          [4 * y + c, 4 * y + c + 1],
          [4 * y + c + 4, 4 * y + c + 5],
        ]),
      ),
    );
    expect([...seen].sort()).toEqual(all.sort());
    equalTo(tf.image.randomCrop(x, [3, 4, 1]), x.arraySync());
    equalTo(tf.image.randomCrop(x, [2, 2, 1], 9), tf.image.randomCrop(x, [2, 2, 1], 9).arraySync());
  });
  it('stay inside of their limits, and draw anew in a traced function', () => {
    const grey = tf.fill([1, 1, 3], 0.5);
    const step = tf.func((x: tf.Tensor) => tf.image.randomBrightness(x, 0.25));
    const drawn = Array.from({ length: 50 }, () => step(grey).dataSync()[0]);
    expect(new Set(drawn).size).toBeGreaterThan(40);
    expect(Math.min(...drawn)).toBeGreaterThanOrEqual(0.25);
    expect(Math.max(...drawn)).toBeLessThanOrEqual(0.75);
    const factors = (f: (s: number) => tf.Tensor) => Array.from({ length: 30 }, (_, s) => f(s).dataSync()[0]);
    const contrast = factors((s) => tf.image.randomContrast([[[1], [-1]]], 0.5, 2, s));
    expect(contrast.every((k) => k >= 0.5 && k <= 2)).toBe(true);
    const red = tf.tensor([[[1, 0.5, 0.5]]]);
    const saturation = factors((s) => tf.image.rgbToHsv(tf.image.randomSaturation(red, 0.5, 1.5, s)).slice([0, 0, 1]));
    expect(saturation.every((k) => k >= 0.2499 && k <= 0.7501)).toBe(true);
    const hue = factors((s) => tf.image.rgbToHsv(tf.image.randomHue(red, 0.1, s)));
    expect(hue.every((k) => k <= 0.1001 || k >= 0.8999)).toBe(true);
    for (const list of [contrast, saturation, hue]) expect(new Set(list).size).toBeGreaterThan(20);
  });
});

describe('resize by formulas in float64', () => {
  const cubic = (x: number) => {
    const d = Math.abs(x);
    return d < 1 ? 1.5 * d ** 3 - 2.5 * d * d + 1 : d < 2 ? -0.5 * d ** 3 + 2.5 * d * d - 4 * d + 2 : 0;
  };
  /** One line resized: pixels beyond the border have no weight. */
  const line = (x: number[], to: number, place: (o: number) => number): number[] =>
    Array.from({ length: to }, (_, o) => {
      const w = x.map((_v, i) => cubic(i - place(o)));
      const total = w.reduce((s, v) => s + v, 0);
      return x.reduce((s, v, i) => s + (v * w[i]) / total, 0);
    });
  const data = [3, 1, 4, 1, 5, 9, 2, 6];
  const image = tf.tensor(data).reshape([1, 8, 1]);
  const grids: [string, tf.image.ResizeOptions, (to: number) => (o: number) => number][] = [
    ['centres', {}, (to) => (o) => ((o + 0.5) * 8) / to - 0.5],
    ['corners', { alignCorners: true }, (to) => (o) => (o * 7) / (to - 1)],
    ['first on first', { halfPixelCenters: false }, (to) => (o) => (o * 8) / to],
  ];
  it.each(grids)('bicubic, %s', (_, options, place) => {
    for (const to of [5, 8, 13]) {
      const want = to === 8 ? data : line(data, to, place(to));
      close(tf.image.resize(image, [1, to], { method: 'bicubic', ...options }).reshape([to]), want, 4);
    }
  });
  it('area is the mean of what a pixel covers', () => {
    const got = tf.image.resize(image, [1, 3], { method: 'area' }).dataSync();
    // Pixels of 8 / 3: the first covers 3, 1 and two thirds of 4.
    expect(got[0]).toBeCloseTo((3 + 1 + (2 / 3) * 4) / (8 / 3), 5);
    const two = tf.image.resize(tf.range(0, 16).reshape([4, 4, 1]), [2, 2], { method: 'area' });
    equalTo(two.reshape([2, 2]), [
      [2.5, 4.5],
      [10.5, 12.5],
    ]);
  });
  it('linear on corners, in a traced function', () => {
    const f = tf.func((x: tf.Tensor) => tf.image.resize(x, [1, 15], { alignCorners: true }));
    const want = Array.from({ length: 15 }, (_, o) =>
      o % 2 ? (data[(o - 1) / 2] + data[(o + 1) / 2]) / 2 : data[o / 2],
    );
    close(f(image).reshape([15]), want);
  });
});
