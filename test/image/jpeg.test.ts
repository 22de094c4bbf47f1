// JPEG: files of libjpeg, and round trips; base64.

import * as tf from 'sinter';
import { describe, expect, it } from 'vitest';
import { bytesOf, difference, files } from './files.ts';

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
