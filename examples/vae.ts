// A variational autoencoder (Kingma, Welling 2013) on the MNIST digits: it finds a few numbers that say what an
// image looks like, and draws images that nobody wrote. A layer of its own draws the random numbers and adds the
// Kullback-Leibler divergence to the loss. Writes a picture of generated digits.

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import * as tf from 'sinter';
import { main } from './shared/command-line.ts';
import { loadDigits } from './shared/digits.ts';
import { numbers } from './shared/numbers.ts';
import { repositoryFile } from './shared/repository.ts';

export const settings = { epochs: 10, samples: 60_000, batchSize: 128, units: 400, latent: 8, threads: 2 };

type Tensors = tf.Tensor | tf.Tensor[];

/** From mean and logarithm of the variance to a random vector of that distribution. */
class Sampling extends tf.layers.Layer {
  static readonly className = 'Sampling';
  override call(inputs: Tensors): tf.Tensor {
    const [mean, logVar] = inputs as tf.Tensor[];
    // How far the distribution is from the standard normal one: sum over the numbers, mean over the images.
    const divergence = logVar.add(1).sub(mean.square()).sub(logVar.exp()).sum(-1).mul(-0.5);
    this.addLoss(divergence.mean() as tf.Tensor);
    return mean.add(logVar.mul(0.5).exp().mul(tf.randomNormal(mean.shape)));
  }
  override computeOutputShape(shapes: tf.Shape | tf.Shape[]): tf.Shape {
    return (shapes as tf.Shape[])[0];
  }
}

/** Sum over the pixels of an image of how badly they are predicted. */
function reconstruction(image: tf.Tensor, drawn: tf.Tensor): tf.Tensor {
  const p = drawn.clipByValue(1e-6, 1 - 1e-6);
  return image
    .mul(p.log())
    .add(image.neg().add(1).mul(p.neg().add(1).log()))
    .neg()
    .sum(-1);
}

/** Encoder and decoder, and both in a row. */
export function networks(units: number, latent: number) {
  const image = tf.input({ shape: [784] });
  const seen = tf.layers.dense({ units, activation: 'relu' }).apply(image);
  const mean = tf.layers.dense({ units: latent, name: 'mean' }).apply(seen);
  const logVar = tf.layers.dense({ units: latent, name: 'log_var' }).apply(seen);
  const z = new Sampling().apply([mean, logVar]);
  const decoder = tf.sequential({
    name: 'decoder',
    layers: [
      tf.layers.dense({ units, activation: 'relu', inputShape: [latent] }),
      tf.layers.dense({ units: 784, activation: 'sigmoid' }),
    ],
  });
  const encoder = tf.model({ inputs: image, outputs: mean, name: 'encoder' });
  return { encoder, decoder, vae: tf.model({ inputs: image, outputs: decoder.apply(z), name: 'vae' }) };
}

/** A picture of rows x columns images [n, 784] as a PNG file. */
function picture(images: tf.Tensor, rows: number, columns: number): Uint8Array {
  const grid = images
    .reshape([rows, columns, 28, 28])
    .transpose([0, 2, 1, 3])
    .reshape([rows * 28, columns * 28, 1]);
  return tf.image.encodePng(grid.mul(255).round().cast('int32'));
}

/** Trains; gives reconstruction and divergence of digits it has not seen, and the picture's file. */
export async function run(
  { epochs, samples, batchSize, units, latent, threads }: typeof settings,
  file = repositoryFile('.cache/vae.png'),
) {
  tf.setRandomSeed(1);
  const { train, test } = await loadDigits(samples, Math.min(samples, 10_000));
  const [x, xTest] = [train.x.reshape([-1, 784]), test.x.reshape([-1, 784])];
  const { decoder, vae } = networks(units, latent);
  vae.summary();
  vae.compile({ optimizer: 'adam', loss: reconstruction, metrics: [reconstruction], threads });
  const { history } = await vae.fit(x, x, { epochs, batchSize });
  const [loss, pixels] = await numbers(vae.evaluate(xTest, xTest, { batchSize: 500 }));
  console.log(
    `test: reconstruction ${pixels.toFixed(2)} + divergence ${(loss - pixels).toFixed(2)} = ${loss.toFixed(2)}`,
  );

  const drawn = decoder.predict(tf.randomNormal([100, latent]));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, picture(drawn, 10, 10));
  console.log(`a hundred new digits: ${file}`);
  return { loss, reconstruction: pixels, divergence: loss - pixels, history, file };
}

await main(import.meta.url, run, settings);
