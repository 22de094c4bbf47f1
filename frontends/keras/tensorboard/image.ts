// Weights as grey images (PNG): what TensorBoard shows of kernels.

import { nodeModule } from '../../platform.ts';
import { crc32 } from '../checksum.ts';

/** A grey picture of numbers: the least black, the largest white. */
export interface GreyImage {
  readonly height: number;
  readonly width: number;
  readonly png: Uint8Array;
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const out = new Uint8Array(data.length + 12);
  const view = new DataView(out.buffer);
  view.setUint32(0, data.length);
  out.set(new TextEncoder().encode(type), 4);
  out.set(data, 8);
  view.setUint32(data.length + 8, crc32(out.subarray(4, data.length + 8)));
  return out;
}

/** Numbers of rows and columns as an image, scaled to 0..255. */
async function greyPng(data: ArrayLike<number>, height: number, width: number): Promise<Uint8Array> {
  const { deflateSync } = await nodeModule('zlib', 'tensorBoard');
  let [least, largest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < data.length; i++) {
    least = Math.min(least, data[i]);
    largest = Math.max(largest, data[i]);
  }
  const scale = largest > least ? 255 / (largest - least) : 0;
  // Each row begins with its filter: none.
  const rows = new Uint8Array(height * (width + 1));
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) rows[y * (width + 1) + 1 + x] = Math.round((data[y * width + x] - least) * scale);
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header[8] = 8;
  const parts = [
    Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
    chunk('IHDR', header),
    chunk('IDAT', new Uint8Array(deflateSync(rows))),
    chunk('IEND', new Uint8Array(0)),
  ];
  const png = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  parts.reduce((at, p) => {
    png.set(p, at);
    return at + p.length;
  }, 0);
  return png;
}

/**
 * The images of a weight, as Keras chooses them: a vector is one row, a matrix lies on its longer side, of three
 * axes each first index is an image (three at most); axes of size 1 do not count. Others have none.
 */
export async function weightImages(shape: readonly number[], data: ArrayLike<number>): Promise<GreyImage[]> {
  const s = shape.filter((d) => d !== 1);
  if (s.length === 0 || s.length > 3 || s.includes(0)) return [];
  if (s.length === 2 && s[0] > s[1]) {
    const [rows, columns] = s;
    const turned = Float64Array.from(
      { length: rows * columns },
      (_, i) => data[(i % rows) * columns + Math.floor(i / rows)],
    );
    return [{ height: columns, width: rows, png: await greyPng(turned, columns, rows) }];
  }
  const [count, height, width] = [...[1, 1].slice(0, 3 - s.length), ...s];
  const images: GreyImage[] = [];
  for (let i = 0; i < Math.min(3, count); i++) {
    const part = Array.prototype.slice.call(data, i * height * width, (i + 1) * height * width);
    images.push({ height, width, png: await greyPng(part, height, width) });
  }
  return images;
}
