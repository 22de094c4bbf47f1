// The MNIST digits as the examples use them.

import * as tf from 'sinter';

/** Images [n, 28, 28, 1] from 0 to 1 and labels [n] from 0 to 9. */
export interface Digits {
  readonly x: tf.Tensor;
  readonly y: tf.Tensor;
}

/** Digits to train on and digits to test: the first ones of each set, or those of some classes among them. */
export async function loadDigits(samples: number, testSamples: number): Promise<{ train: Digits; test: Digits }> {
  const [train, test] = await tf.datasets.mnist.loadData({ dtype: 'uint8' });
  const part = ([x, y]: [tf.Tensor, tf.Tensor], n: number): Digits => {
    const count = Math.min(n, x.shape[0]);
    const images = x.slice([0, 0, 0], [count, 28, 28]).cast('float32').div(255);
    return { x: images.reshape([count, 28, 28, 1]), y: y.slice([0], [count]) };
  };
  return { train: part(train, samples), test: part(test, testSamples) };
}

/** The digits of the classes from..to, with the first of them as class 0. */
export async function digitsBetween({ x, y }: Digits, from: number, to: number): Promise<Digits> {
  const labels = await y.data();
  const places = Int32Array.from(labels.keys()).filter((i) => labels[i] >= from && labels[i] <= to);
  return { x: tf.gather(x, places), y: tf.gather(y, places).sub(from) };
}
