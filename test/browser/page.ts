// What runs in the page; the test calls it.

import * as tf from 'sinter';
import { trainOn } from './model.ts';

let workers = 0;
const PageWorker = globalThis.Worker;
globalThis.Worker = class extends PageWorker {
  constructor(url: string | URL, options?: WorkerOptions) {
    super(url, options);
    workers++;
  }
};

/** What a page can tell about how eager code and `tf.func` run before and after the compiler is loaded. */
async function eager(): Promise<{ before: number; after: number; sum: number; stringified: string }> {
  const probe = () =>
    tf
      .func((x: tf.Tensor) => x.add(1).sub(x))(tf.scalar(2 ** 24))
      .dataSync()[0];
  const before = probe();
  await tf.ready();
  const x = tf.ones([200, 200]);
  return { before, after: probe(), sum: tf.matMul(x, x).sum().dataSync()[0], stringified: String(tf.tensor([1, 2])) };
}

/** The largest difference of two lists of bytes. */
const apart = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((most, x, i) => Math.max(most, Math.abs(x - b[i])), a.length === b.length ? 0 : 256);

/** Canvases, the page's own image decoders, and files: how far they are from this package's pixels. */
async function pixels(): Promise<{ canvas: number; png: number; jpeg: number; rows: unknown[]; refused: string }> {
  const shown = document.createElement('canvas');
  const size = [24, 40, 1];
  const [y, x] = [tf.range(0, 24).reshape([24, 1, 1]), tf.range(0, 40).reshape([1, 40, 1])];
  const parts = [tf.add(tf.mul(y, 5), x), tf.add(tf.mul(x, 4), y), tf.add(tf.mul(y, 3), tf.mul(x, 2))];
  const image = tf
    .concat(
      parts.map((p) => tf.broadcastTo(p, size)),
      2,
    )
    .cast('int32');
  await tf.browser.toPixels(image, shown);
  const own = image.dataSync();
  // What the browser sees in a file: it decodes it by itself, and gives its pixels to `fromPixels`.
  const seen = async (file: Uint8Array, type: string) => {
    const blob = new Blob([file as Uint8Array<ArrayBuffer>], { type });
    return tf.browser.fromPixels(await createImageBitmap(blob)).dataSync();
  };
  const jpeg = tf.image.encodeJpeg(image, { quality: 90 });
  const rows = await tf.data.csv('data:text/csv,a,b%0A1,2%0A').toArray();
  const refused = await tf.utils.getFile('https://example.org/x').catch((e: Error) => e.name);
  return {
    canvas: apart(tf.browser.fromPixels(shown).dataSync(), own),
    png: apart(await seen(tf.image.encodePng(image), 'image/png'), own),
    jpeg: apart(await seen(jpeg, 'image/jpeg'), tf.image.decodeJpeg(jpeg).dataSync()),
    rows,
    refused,
  };
}

/** A model trained by `fit` on the page's main thread, as a user would; its frames go on meanwhile. */
async function model(): Promise<{ losses: number[]; frames: number; refused: string; lines: number }> {
  tf.setRandomSeed(1);
  const net = tf.sequential({
    layers: [
      tf.layers.dense({ units: 16, activation: 'relu', inputShape: [4] }),
      tf.layers.dropout({ rate: 0.1 }),
      tf.layers.dense({ units: 1 }),
    ],
  });
  net.compile({ optimizer: 'adam', loss: 'meanSquaredError', threads: 2 });
  const x = tf.randomNormal([256, 4]);
  let frames = 0;
  let running = true;
  const frame = () => {
    frames++;
    if (running) requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  const { history } = await net.fit(x, x.sum(1, true), { epochs: 30, batchSize: 16, verbose: 0, yieldEvery: 10 });
  running = false;
  let lines = 0;
  net.summary(undefined, undefined, () => {
    lines++;
  });
  const log = tf.callbacks.csvLogger('log.csv');
  const refused = await net.fit(x, x.sum(1, true), { verbose: 0, callbacks: log }).then(
    () => 'written',
    (e: Error) => e.name,
  );
  return { losses: history.loss as number[], frames, refused, lines };
}

const page = { trainOn, model, eager, pixels, workers: () => workers, isolated: () => globalThis.crossOriginIsolated };
export type Page = typeof page;
(globalThis as unknown as { page: Page }).page = page;
