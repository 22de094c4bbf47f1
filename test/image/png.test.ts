// PNG: files made by hand, and round trips.

import { deflateSync } from 'node:zlib';
import * as tf from 'sinter';
import { describe, expect, it } from 'vitest';
import { be32, chunk, counts, drawn, magic, png } from './files.ts';

describe('decodePng', () => {
  const [width, height] = [11, 9];
  const kinds = [
    [0, 1],
    [0, 2],
    [0, 4],
    [0, 8],
    [0, 16],
    [2, 8],
    [2, 16],
    [4, 8],
    [4, 16],
    [6, 8],
    [6, 16],
  ];
  it.each(kinds)('colour type %i of %i bits, interlaced and not', (colour, depth) => {
    const samples = drawn(width * height * counts[colour], depth, colour * 17 + depth);
    const eight = samples.map((s) => (depth === 16 ? s >> 8 : (s * 255) / (2 ** depth - 1)));
    const sixteen = samples.map((s) => (depth === 16 ? s : ((s * 255) / (2 ** depth - 1)) * 257));
    for (const interlaced of [false, true]) {
      const file = png({ width, height, depth, colour, samples, interlaced, filters: [0, 1, 2, 2, 1, 0, 1, 2, 0] });
      const t = tf.image.decodePng(file);
      expect([t.shape, t.dtype]).toEqual([[height, width, counts[colour]], 'int32']);
      expect([...t.dataSync()]).toEqual(eight);
      expect([...tf.image.decodePng(file, { bitDepth: 16 }).dataSync()]).toEqual(sixteen);
      const bytes = tf.image.decodeImage(file, { dtype: 'uint8' });
      expect([bytes.dtype, [...bytes.dataSync()]]).toEqual(['uint8', eight]);
    }
  });
  it.each([1, 2, 4, 8])('palettes of %i bits, with and without alpha', (depth) => {
    const samples = drawn(width * height, Math.min(depth, 3), depth);
    const palette = drawn(3 * 2 ** Math.min(depth, 3), 8, 5);
    const alpha = [0, 128];
    const colours = samples.flatMap((k) => palette.slice(3 * k, 3 * k + 3));
    const file = (extra: number[], interlaced = false) =>
      png({ width, height, depth, colour: 3, samples, extra, interlaced });
    const plain = chunk('PLTE', palette);
    expect([...tf.image.decodePng(file(plain)).dataSync()]).toEqual(colours);
    expect([...tf.image.decodePng(file(plain, true)).dataSync()]).toEqual(colours);
    const clear = tf.image.decodePng(file([...plain, ...chunk('tRNS', alpha)]));
    expect([...clear.dataSync()]).toEqual(
      samples.flatMap((k) => [...palette.slice(3 * k, 3 * k + 3), alpha[k] ?? 255]),
    );
  });
  it('a transparent colour', () => {
    const grey = png({ width: 3, height: 1, depth: 4, colour: 0, samples: [3, 15, 0], extra: chunk('tRNS', [0, 3]) });
    expect(tf.image.decodePng(grey).arraySync()).toEqual([
      [
        [51, 0],
        [255, 255],
        [0, 255],
      ],
    ]);
    const deep = png({
      width: 2,
      height: 1,
      depth: 16,
      colour: 2,
      samples: [1, 2, 3, 1, 2, 4],
      extra: chunk('tRNS', [0, 1, 0, 2, 0, 3]),
    });
    expect(tf.image.decodePng(deep, { bitDepth: 16 }).arraySync()).toEqual([
      [
        [1, 2, 3, 0],
        [1, 2, 4, 65535],
      ],
    ]);
  });
  it('every filter', () => {
    // One row each of the filters 0 to 4, made by hand after the specification: 3 grey pixels a row.
    const rows = [0, 10, 20, 30, 1, 5, 5, 5, 2, 1, 1, 1, 3, 4, 4, 4, 4, 7, 7, 7];
    const file = Uint8Array.from([
      ...magic,
      ...chunk('IHDR', [...be32(3), ...be32(5), 8, 0, 0, 0, 0]),
      ...chunk('IDAT', deflateSync(Uint8Array.from(rows))),
      ...chunk('IEND', []),
    ]);
    expect(tf.image.decodePng(file).reshape([5, 3]).arraySync()).toEqual([
      [10, 20, 30],
      [5, 10, 15],
      [6, 11, 16],
      // 4 + floor((left + up) / 2): 4 + 3, 4 + floor((7 + 11) / 2), 4 + floor((13 + 16) / 2).
      [7, 13, 18],
      // Paeth: up 7; then of 14, 13, 7 the nearest to 14 + 13 - 7 = 20 is 14; of 21, 18, 13 to 26 it is 21.
      [14, 21, 28],
    ]);
  });
  it('the channels that are asked for', () => {
    const file = png({ width: 2, height: 1, depth: 8, colour: 6, samples: [10, 20, 30, 40, 255, 0, 0, 0] });
    const as = (channels: 0 | 1 | 2 | 3 | 4) => tf.image.decodePng(file, { channels }).arraySync();
    // 0.299 * 10 + 0.587 * 20 + 0.114 * 30 = 18.15; 0.299 * 255 = 76.2.
    expect(as(1)).toEqual([[[18], [76]]]);
    expect(as(2)).toEqual([
      [
        [18, 40],
        [76, 0],
      ],
    ]);
    expect(as(3)).toEqual([
      [
        [10, 20, 30],
        [255, 0, 0],
      ],
    ]);
    expect(as(4)).toEqual([
      [
        [10, 20, 30, 40],
        [255, 0, 0, 0],
      ],
    ]);
    const grey = png({ width: 1, height: 1, depth: 8, colour: 0, samples: [9] });
    expect(tf.image.decodePng(grey, { channels: 4 }).arraySync()).toEqual([[[9, 9, 9, 255]]]);
    expect(tf.image.decodeImage(grey, { channels: 3 }).arraySync()).toEqual([[[9, 9, 9]]]);
  });
  it('refuses what is broken', () => {
    const good = png({ width: 2, height: 2, depth: 8, colour: 0, samples: [1, 2, 3, 4] });
    const header = (fields: number[]) =>
      Uint8Array.from([
        ...magic,
        ...chunk('IHDR', fields),
        ...chunk('IDAT', deflateSync(Uint8Array.of(0, 1))),
        ...chunk('IEND', []),
      ]);
    const spoilt = (at: number) => good.map((x, i) => (i === at ? x ^ 1 : x));
    const cases: [Uint8Array, RegExp, tf.image.DecodePngOptions?][] = [
      [new Uint8Array(0), /the file is no PNG/],
      [good.subarray(0, 20), /cut off/],
      [good.subarray(0, good.length - 12), /ends before its last chunk/],
      [spoilt(20), /chunk IHDR has a wrong checksum/],
      [spoilt(good.length - 20), /wrong checksum/],
      [header([...be32(0), ...be32(1), 8, 0, 0, 0, 0]), /0x1 pixels/],
      [header([...be32(1), ...be32(1), 3, 0, 0, 0, 0]), /colour type 0 with 3 bits/],
      [header([...be32(1), ...be32(1), 8, 5, 0, 0, 0]), /colour type 5/],
      [header([...be32(1), ...be32(1), 8, 0, 1, 0, 0]), /method/],
      [header([...be32(2 ** 31), ...be32(2 ** 31), 16, 6, 0, 0, 0]), /more than maxPixels/],
      [header([...be32(8000), ...be32(8000), 16, 6, 0, 0, 0]), /too few bytes for its pixels/],
      [header([...be32(2), ...be32(2), 8, 0, 0, 0, 0]), /bytes of pixels where there must be 6|cannot be unpacked/],
      [good, /2x2 pixels, more than maxPixels \(3\)/, { maxPixels: 3 }],
      [png({ width: 1, height: 1, depth: 8, colour: 3, samples: [1] }), /lacks a valid palette/],
      [
        png({ width: 1, height: 1, depth: 8, colour: 3, samples: [5], extra: chunk('PLTE', [1, 2, 3]) }),
        /has colour 5, the palette 1/,
      ],
      [png({ width: 1, height: 1, depth: 8, colour: 0, samples: [5], extra: chunk('QQQQ', []) }), /chunk of kind QQQQ/],
      [png({ width: 1, height: 1, depth: 8, colour: 0, samples: [5], filters: [9] }), /filter 9/],
    ];
    for (const [file, message, options] of cases) {
      expect(() => tf.image.decodePng(file, options)).toThrow(message);
      expect(() => tf.image.decodePng(file, options)).toThrow(tf.ArgumentError);
    }
    // Much more packed data than pixels: what is too much is not looked at.
    const bomb = [
      ...magic,
      ...chunk('IHDR', [...be32(2), ...be32(1), 8, 0, 0, 0, 0]),
      ...chunk('IDAT', deflateSync(new Uint8Array(2 ** 23))),
      ...chunk('IEND', []),
    ];
    expect(tf.image.decodePng(Uint8Array.from(bomb)).shape).toEqual([1, 2, 1]);
  });
});

describe('encodePng', () => {
  it('round trips, of all channels and both depths', () => {
    for (const channels of [1, 2, 3, 4])
      for (const bitDepth of [8, 16] as const) {
        const x = tf.tensor(drawn(6 * 5 * channels, bitDepth, channels), [6, 5, channels], 'int32');
        const file = tf.image.encodePng(x, { bitDepth, compression: bitDepth === 8 ? 9 : 0 });
        const back = tf.image.decodePng(file, { bitDepth });
        expect([back.shape, [...back.dataSync()]]).toEqual([[6, 5, channels], [...x.dataSync()]]);
      }
  });
  it('packs smooth images', () => {
    const ramp = tf.add(
      tf.range(0, 64, 1, 'int32').reshape([64, 1, 1]),
      tf.range(0, 64, 1, 'int32').reshape([1, 64, 1]),
    );
    expect(tf.image.encodePng(ramp).length).toBeLessThan(300);
  });
  it('refuses what is no image', () => {
    const cases: [() => unknown, RegExp][] = [
      [() => tf.image.encodePng(tf.zeros([2, 2], 'int32')), /shape \[height, width, 1 or 2 or 3 or 4\], got \[2,2\]/],
      [() => tf.image.encodePng(tf.zeros([0, 2, 3], 'int32')), /got \[0,2,3\]/],
      [
        () => tf.image.encodePng(tf.fill([1, 1, 1], 256, 'int32')),
        /element 0 of the image is 256, not a whole number from 0 to 255/,
      ],
      [() => tf.image.encodePng(tf.fill([1, 1, 1], 0.5)), /is 0.5/],
      [() => tf.image.encodePng(tf.zeros([1, 1, 1], 'int32'), { quality: 3 } as never), /no option 'quality'/],
      [() => tf.image.encodeJpeg(tf.zeros([1, 1, 4], 'int32')), /1 or 3\], got \[1,1,4\]/],
      [
        () => tf.image.encodeJpeg(tf.zeros([1, 1, 3], 'int32'), { quality: 0 }),
        /quality must be a number from 1 to 100, got 0/,
      ],
      [
        () =>
          tf.func((x: tf.Tensor) => {
            tf.image.encodePng(x);
            return x;
          })(tf.zeros([1, 1, 1], 'int32')),
        /traced tensor/,
      ],
    ];
    for (const [f, message] of cases) {
      expect(f).toThrow(message);
      expect(f).toThrow(tf.SinterError);
    }
  });
});
