// Image files for the tests: PNGs made by hand, and JPEGs of libjpeg.

import { readFileSync } from 'node:fs';
import { deflateSync } from 'node:zlib';
import { crc32 } from '../../frontends/image/crc.ts';
import { randomFrom } from '../helpers.ts';

export const be32 = (x: number) => [x >>> 24, (x >>> 16) & 255, (x >>> 8) & 255, x & 255];
export const chunk = (kind: string, data: ArrayLike<number>): number[] => {
  const body = [...Buffer.from(kind), ...Array.from(data)];
  return [...be32(data.length), ...body, ...be32(crc32(Uint8Array.from(body)))];
};
export const magic = [0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10];

export interface Made {
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
export const counts: Record<number, number> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

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
export function png(m: Made): Uint8Array {
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
export const drawn = (n: number, depth: number, seed = 1): number[] => {
  const random = randomFrom(seed);
  return Array.from({ length: n }, () => Math.floor(random() * 2 ** depth));
};

// Files that libjpeg-turbo wrote (through Pillow 11), with the pixels that it reads from them.
export const files = JSON.parse(readFileSync(new URL('./jpeg-files.json', import.meta.url), 'utf8')) as Record<
  string,
  { jpeg: string; pixels: string; channels: number }
>;
export const bytesOf = (name: string) => new Uint8Array(Buffer.from(files[name].jpeg, 'base64'));
export const difference = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  const d = Array.from(a, (x, i) => Math.abs(x - b[i]));
  return { most: Math.max(...d), mean: d.reduce((s, x) => s + x, 0) / d.length };
};
