// Image files that are broken on purpose.

import * as tf from 'sinter';
import { describe, expect, it } from 'vitest';
import { crc32 } from '../../frontends/image/crc.ts';
import { randomFrom } from '../helpers.ts';
import { bytesOf, chunk, drawn, files, png } from './files.ts';

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
