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

const page = { trainOn, eager, workers: () => workers, isolated: () => globalThis.crossOriginIsolated };
export type Page = typeof page;
(globalThis as unknown as { page: Page }).page = page;
