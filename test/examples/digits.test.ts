// The examples of the handwritten digits in their short forms: with few digits and small networks.

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from 'sinter';
import { expect, test } from 'vitest';
import * as cnn from '../../examples/mnist-cnn.ts';
import * as mlp from '../../examples/mnist-mlp.ts';
import { digitsBetween, loadDigits } from '../../examples/shared/digits.ts';
import * as transfer from '../../examples/transfer.ts';
import * as vae from '../../examples/vae.ts';
import { printed } from './quiet.ts';

test('the perceptron recognises most digits', async () => {
  const few = { ...mlp.settings, epochs: 4, samples: 3000, testSamples: 1000, batchSize: 50, units: 128, threads: 1 };
  const { accuracy, history } = await mlp.run(few);
  expect(accuracy).toBeGreaterThan(0.86);
  expect(history.val_loss.length).toBe(4);
  // The first ten test digits, as the data set's authors list them.
  expect(printed.at(-1)).toMatch(/^the first ten are 7 2 1 0 4 1 4 9 5 9, recognised as 7 2 1 0 4 1/);
});

test('the convolutional network recognises more of them', async () => {
  const few = { ...cnn.settings, epochs: 3, samples: 3000, testSamples: 1000, batchSize: 30, filters: 8, threads: 1 };
  const { accuracy, history } = await cnn.run(few);
  expect(accuracy).toBeGreaterThan(0.92);
  expect(history.loss[2] as number).toBeLessThan((history.loss[0] as number) / 2);
});

test('the autoencoder draws digits that look like digits', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sinter-vae-'));
  try {
    const few = { ...vae.settings, epochs: 8, samples: 2000, batchSize: 40, units: 128, latent: 4, threads: 1 };
    const { loss, reconstruction, divergence, file } = await vae.run(few, join(folder, 'deep', 'vae.png'));
    // The mean image alone, without any knowledge of the single digit, has about 206.
    expect(reconstruction).toBeLessThan(185);
    // It says something about the image, and not more than a few bits a number.
    expect(divergence).toBeGreaterThan(2);
    expect(divergence).toBeLessThan(25);
    expect(loss).toBeCloseTo(reconstruction + divergence, 3);
    const image = tf.node.decodeImage(readFileSync(file)) as tf.Tensor;
    expect(image.shape).toEqual([280, 280, 1]);
    const share = image.cast('float32').div(255).mean().dataSync()[0];
    // As bright as digits are: their mean is 0.13.
    expect(share).toBeGreaterThan(0.05);
    expect(share).toBeLessThan(0.25);
  } finally {
    rmSync(folder, { recursive: true });
  }
  expect(existsSync(folder)).toBe(false);
});

test('frozen layers stay as they are, and their features serve other digits', async () => {
  const few = {
    ...transfer.settings,
    epochs: 3,
    samples: 2500,
    testSamples: 1000,
    batchSize: 32,
    filters: 8,
    threads: 1,
  };
  const { all, transferred, before, after, model } = await transfer.run(few);
  expect(all.accuracy).toBeGreaterThan(0.9);
  expect(transferred.accuracy).toBeGreaterThan(0.75);
  expect(after.map((w) => w.arraySync())).toEqual(before.map((w) => w.arraySync()));
  expect(before.length).toBe(4);
  expect(model.trainableWeights.length).toBe(4);
});

test('digits of some classes, numbered anew', async () => {
  const { train } = await loadDigits(100, 1);
  const labels = [...train.y.dataSync()];
  const places = labels.flatMap((l, i) => (l >= 5 ? [i] : []));
  const part = await digitsBetween(train, 5, 9);
  expect([...part.y.dataSync()]).toEqual(places.map((i) => labels[i] - 5));
  expect(part.x.shape).toEqual([places.length, 28, 28, 1]);
  const second = part.x.slice([1, 0, 0, 0], [1, 28, 28, 1]).dataSync();
  expect([...second]).toEqual([...train.x.slice([places[1], 0, 0, 0], [1, 28, 28, 1]).dataSync()]);
  expect(train.x.max().dataSync()[0]).toBe(1);
});
