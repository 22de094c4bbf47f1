// PNG and JPEG: files made by hand, files of libjpeg, round trips, and files that are broken on purpose.

import { readFileSync } from 'node:fs';
import { deflateSync } from 'node:zlib';
import * as tf from 'sinter';
import { describe, expect, it } from 'vitest';
import { crc32 } from '../../frontends/image/crc.ts';
import { randomFrom } from '../helpers.ts';

const be32 = (x: number) => [x >>> 24, (x >>> 16) & 255, (x >>> 8) & 255, x & 255];
const chunk = (kind: string, data: ArrayLike<number>): number[] => {
  const body = [...Buffer.from(kind), ...Array.from(data)];
  return [...be32(data.length), ...body, ...be32(crc32(Uint8Array.from(body)))];
};
const magic = [0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10];

interface Made {
  width: number;
  height: number;
  depth: number;
  colour: number;
  /** Samples of all pixels in the file's own depth. */
  samples: number[];
  interlaced?: boolean;
  extra?: number[];
  /** Filter of each row; only 0 to 2 are made here. */
  filters?: number[];
}
const counts: Record<number, number> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

/** The bytes of rows of samples, each filtered. */
function packRows(rows: number[][], depth: number, step: number, filters: number[] = []): number[] {
  let above: number[] = [];
  return rows.flatMap((row, y) => {
    const bits = row.map((s) => s.toString(2).padStart(depth, '0')).join('');
    const bytes = (bits.match(/.{1,8}/g) ?? []).map((b) => Number.parseInt(b.padEnd(8, '0'), 2));
    const kind = filters[y] ?? 0;
    const out = bytes.map(
      (x, i) => (x - (kind === 1 ? (bytes[i - step] ?? 0) : kind === 2 ? (above[i] ?? 0) : 0)) & 255,
    );
    above = bytes;
    return [kind, ...out];
  });
}

/** A PNG file written out from the specification. */
function png(m: Made): Uint8Array {
  const n = counts[m.colour];
  const at = (x: number, y: number) => m.samples.slice((y * m.width + x) * n, (y * m.width + x + 1) * n);
  const step = Math.max(1, (n * m.depth) / 8);
  const pass = (x0: number, y0: number, dx: number, dy: number): number[] => {
    const rows: number[][] = [];
    for (let y = y0; y < m.height; y += dy) {
      const row: number[] = [];
      for (let x = x0; x < m.width; x += dx) row.push(...at(x, y));
      if (row.length) rows.push(row);
    }
    return packRows(rows, m.depth, step, m.filters);
  };
  const adam7 = [
    [0, 0, 8, 8],
    [4, 0, 8, 8],
    [0, 4, 4, 8],
    [2, 0, 4, 4],
    [0, 2, 2, 4],
    [1, 0, 2, 2],
    [0, 1, 1, 2],
  ] as const;
  const raw = m.interlaced ? adam7.flatMap(([x, y, dx, dy]) => pass(x, y, dx, dy)) : pass(0, 0, 1, 1);
  const header = [...be32(m.width), ...be32(m.height), m.depth, m.colour, 0, 0, m.interlaced ? 1 : 0];
  const data = deflateSync(Uint8Array.from(raw));
  // Two chunks of pixels, divided anywhere.
  return Uint8Array.from([
    ...magic,
    ...chunk('IHDR', header),
    ...(m.extra ?? []),
    ...chunk('tEXt', [65, 0, 66]),
    ...chunk('IDAT', data.subarray(0, 3)),
    ...chunk('IDAT', data.subarray(3)),
    ...chunk('IEND', []),
  ]);
}

/** Samples that look random, below 2^depth. */
const drawn = (n: number, depth: number, seed = 1): number[] => {
  const random = randomFrom(seed);
  return Array.from({ length: n }, () => Math.floor(random() * 2 ** depth));
};

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
      ...chunk('IDAT', deflateSync(new Uint8Array(2 ** 26))),
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
      [() => tf.func((x: tf.Tensor) => (tf.image.encodePng(x), x))(tf.zeros([1, 1, 1], 'int32')), /traced tensor/],
    ];
    for (const [f, message] of cases) {
      expect(f).toThrow(message);
      expect(f).toThrow(tf.SinterError);
    }
  });
});

// Files that libjpeg-turbo wrote (through Pillow 11), with the pixels that it reads from them.
const files = JSON.parse(readFileSync(new URL('./jpeg-files.json', import.meta.url), 'utf8')) as Record<
  string,
  { jpeg: string; pixels: string; channels: number }
>;
const bytesOf = (name: string) => new Uint8Array(Buffer.from(files[name].jpeg, 'base64'));
const difference = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  const d = Array.from(a, (x, i) => Math.abs(x - b[i]));
  return { most: Math.max(...d), mean: d.reduce((s, x) => s + x, 0) / d.length };
};

describe('decodeJpeg', () => {
  it.each(Object.keys(files))('%s, as libjpeg', (name) => {
    const t = tf.image.decodeJpeg(bytesOf(name));
    expect([t.shape, t.dtype]).toEqual([[17, 23, files[name].channels], 'int32']);
    const { most, mean } = difference(t.dataSync(), Buffer.from(files[name].pixels, 'base64'));
    // Its transform is of whole numbers, this one of floats.
    expect(most).toBeLessThanOrEqual(2);
    expect(mean).toBeLessThan(0.05);
  });
  it('the channels that are asked for', () => {
    const grey = tf.image.decodeJpeg(bytesOf('420'), { channels: 1 });
    const rgb = tf.image.decodeJpeg(bytesOf('420'), { channels: 3 });
    expect([grey.shape, rgb.shape]).toEqual([
      [17, 23, 1],
      [17, 23, 3],
    ]);
    const luma = (rgb.reshape([-1, 3]).arraySync() as number[][]).map(([r, g, b]) => 0.299 * r + 0.587 * g + 0.114 * b);
    expect(difference(grey.dataSync(), luma).mean).toBeLessThan(1);
    const four = tf.image.decodeImage(bytesOf('gray'), { channels: 4, dtype: 'uint8' });
    expect([four.shape, four.dtype]).toEqual([[17, 23, 4], 'uint8']);
    const [r, g, , a] = four.arraySync()[3][4];
    expect([g, a]).toEqual([r, 255]);
  });
  it('refuses what is broken', () => {
    const good = bytesOf('420');
    const frame = good.findIndex((x, i) => x === 255 && good[i + 1] === 0xc0);
    const changed = (at: number, x: number) => good.map((y, i) => (i === at ? x : y));
    const cases: [Uint8Array, RegExp, tf.image.DecodeOptions?][] = [
      [new Uint8Array(0), /no JPEG/],
      [good.subarray(0, 300), /cut off|ends early/],
      [good.subarray(0, good.length - 40), /end early|ends early/],
      [good.subarray(0, good.length - 2), /ends early/],
      [changed(frame + 1, 0xc3), /not supported/],
      [changed(frame + 4, 12), /12 bits/],
      [changed(frame + 11, 0x51), /frame header/],
      [changed(frame + 5, 200), /too few bytes for its pixels/],
      [good, /23x17 pixels, more than maxPixels \(100\)/, { maxPixels: 100 }],
    ];
    for (const [file, message, options] of cases) {
      expect(() => tf.image.decodeJpeg(file, options)).toThrow(message);
      expect(() => tf.image.decodeJpeg(file, options)).toThrow(tf.ArgumentError);
    }
    expect(() => tf.image.decodeImage(Uint8Array.of(0x47, 0x49, 0x46))).toThrow(/neither PNG nor JPEG/);
    expect(() => tf.image.decodeJpeg('x' as never)).toThrow(/takes the bytes of a file as Uint8Array, not 'x'/);
    expect(() => tf.image.decodeJpeg(good, { channels: 5 as never })).toThrow(/channels must be/);
    expect(() => tf.image.decodeJpeg(good, { channel: 3 } as never)).toThrow(/did you mean 'channels'/);
  });
});

describe('encodeJpeg', () => {
  const waves = (channels: number) => {
    const at = (x: number, y: number, c: number) => Math.round(128 + 90 * Math.sin(x / 4 + c) * Math.cos(y / (5 + c)));
    return tf.tensor(
      Array.from({ length: 19 * 21 * channels }, (_, i) =>
        at(Math.floor(i / channels) % 21, Math.floor(i / channels / 21), i % channels),
      ),
      [19, 21, channels],
      'int32',
    );
  };
  it.each([1, 3])('round trips of %i channel(s): the better the quality, the closer', (channels) => {
    const x = waves(channels);
    let last = Number.POSITIVE_INFINITY;
    for (const quality of [20, 60, 95, 100]) {
      const file = tf.image.encodeJpeg(x, { quality, chromaDownsampling: false });
      const { mean } = difference(tf.image.decodeJpeg(file).dataSync(), x.dataSync());
      expect(mean).toBeLessThan(last);
      last = mean;
    }
    expect(last).toBeLessThan(0.8);
  });
  it('keeps one colour, and needs fewer bytes with fewer colour samples', () => {
    const flat = tf.tile(tf.tensor([[[200, 30, 90]]], [1, 1, 3], 'int32'), [10, 12, 1]);
    const { most } = difference(tf.image.decodeJpeg(tf.image.encodeJpeg(flat)).dataSync(), flat.dataSync());
    expect(most).toBeLessThanOrEqual(2);
    const x = waves(3);
    expect(tf.image.encodeJpeg(x).length).toBeLessThan(tf.image.encodeJpeg(x, { chromaDownsampling: false }).length);
  });
});

describe('decodeBase64', () => {
  it('text of every kind', () => {
    const bytes = Uint8Array.of(0, 250, 255, 62, 63);
    const text = Buffer.from(bytes).toString('base64');
    for (const t of [
      text,
      text.replace(/=/g, ''),
      Buffer.from(bytes).toString('base64url'),
      `data:image/png;base64,${text}`,
      `${text.slice(0, 4)}\n${text.slice(4)}`,
    ])
      expect(tf.image.decodeBase64(t)).toEqual(bytes);
    expect(tf.image.decodeBase64('')).toEqual(new Uint8Array(0));
    for (const bad of ['a', 'ab!d', 'a=bc']) expect(() => tf.image.decodeBase64(bad)).toThrow(/no base64/);
    expect(() => tf.image.decodeBase64(3 as never)).toThrow(/must be text/);
  });
});

describe('broken files', () => {
  /** The file with bytes changed, cut, doubled or exchanged. */
  function mutate(file: Uint8Array, random: () => number): Uint8Array {
    const out = [...file];
    for (let k = Math.ceil(random() * 4); k > 0; k--) {
      const at = Math.floor(random() * out.length);
      const kind = Math.floor(random() * 5);
      if (kind === 0) out[at] ^= 1 << Math.floor(random() * 8);
      else if (kind === 1) out[at] = [0, 255, 127, 128, 1][Math.floor(random() * 5)];
      else if (kind === 2) out.splice(at, Math.ceil(random() * 8));
      else if (kind === 3) out.splice(at, 0, ...out.slice(at, at + Math.ceil(random() * 30)));
      else if (random() < 0.3) out.length = Math.max(1, at);
    }
    return Uint8Array.from(out);
  }
  /** Checksums made right again, so that what is behind them is reached. */
  function repaired(file: Uint8Array): Uint8Array {
    const view = new DataView(file.buffer, file.byteOffset, file.length);
    for (let at = 8; at + 12 <= file.length; ) {
      const length = view.getUint32(at);
      if (at + 12 + length > file.length) break;
      view.setUint32(at + 8 + length, crc32(file.subarray(at + 4, at + 8 + length)));
      at += 12 + length;
    }
    return file;
  }
  const samples = (n: number, depth: number) => drawn(n, depth, 3);
  const pngs = [
    png({ width: 9, height: 7, depth: 8, colour: 6, samples: samples(9 * 7 * 4, 8), filters: [0, 1, 2] }),
    png({
      width: 9,
      height: 7,
      depth: 2,
      colour: 3,
      samples: samples(9 * 7, 2),
      interlaced: true,
      extra: [...chunk('PLTE', samples(12, 8)), ...chunk('tRNS', [1, 2])],
    }),
    png({
      width: 5,
      height: 7,
      depth: 16,
      colour: 2,
      samples: samples(5 * 7 * 3, 16),
      extra: chunk('tRNS', [0, 1, 0, 2, 0, 3]),
    }),
  ];
  const sources: [string, Uint8Array[]][] = [
    ['PNG', pngs],
    ['JPEG', Object.keys(files).map(bytesOf)],
  ];
  it.each(sources)('%s: an image or a typed error, soon', (kind, list) => {
    const random = randomFrom(7);
    let [read, refused, slowest] = [0, 0, 0];
    for (let i = 0; i < 1500; i++) {
      const broken = mutate(list[i % list.length], random);
      const file = kind === 'PNG' && i % 4 ? repaired(broken) : broken;
      const begin = performance.now();
      try {
        const t = tf.image.decodeImage(file, { maxPixels: 2 ** 22 });
        expect(t.size).toBe(t.dataSync().length);
        read++;
      } catch (e) {
        if (!(e instanceof tf.ArgumentError)) throw e;
        refused++;
      }
      slowest = Math.max(slowest, performance.now() - begin);
    }
    expect(read).toBeGreaterThan(50);
    expect(refused).toBeGreaterThan(300);
    expect(slowest).toBeLessThan(2000);
  });
});
