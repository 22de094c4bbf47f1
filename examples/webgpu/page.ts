// The page's script: trains a convolutional network, draws its losses while it learns, and shows what it reads.
//
// The address chooses: `?target=wasm` the CPU, `?how=step` a training step written by hand instead of `model.fit`, and
// `?samples=640&epochs=2&batch=32` how much.

import * as tf from 'sinter';

const asked = new URLSearchParams(location.search);
const numberOf = (name: string, otherwise: number): number => Number(asked.get(name) ?? otherwise);
const target = asked.get('target') ?? 'webgpu';
const how = asked.get('how') ?? 'fit';
const [samples, epochs, batch] = [numberOf('samples', 6000), numberOf('epochs', 3), numberOf('batch', 60)];
const filters = 8;
const rate = 0.003;

/** Images [n, 28, 28, 1] from 0 to 1, and what they show [n]. */
interface Digits {
  readonly x: tf.Tensor;
  readonly y: tf.Tensor;
}
/** What the page found out. */
export interface Outcome {
  readonly device: string;
  /** Of every batch. */
  readonly losses: readonly number[];
  /** Share of right answers on the digits to test. */
  readonly accuracy: number;
}
/** Loss of the batches so far. */
type Progress = (losses: readonly number[]) => Promise<void>;
/** Of images [n, 28, 28, 1] probabilities or scores [n, 10]. */
type Network = (x: tf.Tensor) => tf.Tensor;

const place = (id: string): HTMLElement => document.getElementById(id) as HTMLElement;

/** Where programs run: the GPU by its name, or the CPU. */
function deviceName(): string {
  const gpu = tf.listDevices().find((d) => d.target === target)?.gpu;
  if (!gpu) return `the CPU (${target})`;
  const { vendor, architecture, device, description } = gpu;
  return `WebGPU: ${description || device || [vendor, architecture].filter(Boolean).join(' ')}`;
}

async function loadDigits(): Promise<{ train: Digits; test: Digits }> {
  const [train, test] = await tf.datasets.mnist.loadData({
    url: new URL('/mnist', location.href).href,
    dtype: 'uint8',
  });
  const part = ([images, labels]: [tf.Tensor, tf.Tensor], most: number): Digits => {
    const n = Math.min(most, images.shape[0]);
    const x = images.slice([0, 0, 0], [n, 28, 28]).cast('float32').div(255).reshape([n, 28, 28, 1]);
    return { x, y: labels.slice([0], [n]) };
  };
  return { train: part(train, samples), test: part(test, Number.POSITIVE_INFINITY) };
}

async function draw(losses: readonly number[]): Promise<void> {
  place('progress').textContent = `batch ${losses.length} of ${Math.floor(samples / batch) * epochs}`;
  const history = { epoch: losses.map((_, i) => i), history: { loss: losses } };
  place('curve').innerHTML = await tf.plotHistory(history, null, { width: 720, height: 340, xLabel: 'batch' });
}

/** By layers and `fit`. */
async function byFit({ x, y }: Digits, progress: Progress): Promise<Network> {
  const model = tf.sequential({
    layers: [
      tf.layers.conv2d({ filters, kernelSize: 3, activation: 'relu', inputShape: [28, 28, 1] }),
      tf.layers.maxPooling2d({ poolSize: 2 }),
      tf.layers.conv2d({ filters: 2 * filters, kernelSize: 3, activation: 'relu' }),
      tf.layers.maxPooling2d({ poolSize: 2 }),
      tf.layers.flatten(),
      tf.layers.dense({ units: 10, activation: 'softmax' }),
    ],
  });
  model.compile({ optimizer: tf.train.adam(rate), loss: 'sparseCategoricalCrossentropy' });
  // The logs of a batch have the mean of its epoch so far.
  const losses: number[] = [];
  let sum = 0;
  const onBatchEnd = async (i: number, logs?: tf.Logs) => {
    const mean = Number(logs?.loss);
    losses.push(i === 0 ? mean : mean * (i + 1) - sum);
    sum = mean * (i + 1);
    if (losses.length % 10 === 0) await progress(losses);
  };
  await model.fit(x, y, { epochs, batchSize: batch, shuffle: false, verbose: 0, callbacks: { onBatchEnd } });
  await progress(losses);
  return (images) => model.predict(images) as tf.Tensor;
}

/** By a step of one's own, one program of forward pass, gradients and update. */
async function byStep({ x, y }: Digits, progress: Progress): Promise<Network> {
  const he = (shape: number[]) => {
    const inputs = shape.slice(0, -1).reduce((n, d) => n * d);
    return tf.variable(tf.randomNormal(shape, 0, Math.sqrt(2 / inputs)));
  };
  const [first, second, dense] = [he([3, 3, 1, filters]), he([3, 3, filters, 2 * filters]), he([50 * filters, 10])];
  const bias = tf.variable(tf.zeros([10]));
  const network: Network = (images) => {
    const half = tf.maxPool(tf.relu(tf.conv2d(images, first, 1, 'valid')), 2, 2, 'valid');
    const quarter = tf.maxPool(tf.relu(tf.conv2d(half, second, 1, 'valid')), 2, 2, 'valid');
    return tf.matMul(quarter.reshape([images.shape[0], -1]), dense).add(bias);
  };
  const optimizer = tf.train.adam(rate);
  const train = (images: tf.Tensor, labels: tf.Tensor) =>
    optimizer.minimize(() => tf.losses.sparseSoftmaxCrossEntropy(labels, network(images)), true) as tf.Tensor;
  const inputs = [tf.spec([batch, 28, 28, 1]), tf.spec([batch], 'int32')];
  const step = await tf.compile(train, { inputs, target });
  const losses: number[] = [];
  for (let epoch = 0; epoch < epochs; epoch++) {
    let waiting: tf.Tensor[] = [];
    for (let at = 0; at + batch <= samples; at += batch) {
      waiting.push(step.run(x.slice([at, 0, 0, 0], [batch, 28, 28, 1]), y.slice([at], [batch])));
      // Looking at every loss at once would make the GPU wait for the page, and the page for the GPU.
      if (waiting.length < 10 && at + 2 * batch <= samples) continue;
      for (const loss of waiting) losses.push((await loss.data())[0]);
      waiting = [];
      await progress(losses);
    }
  }
  const all = await tf.compile((images: tf.Tensor) => network(images), {
    inputs: [tf.spec([batch, 28, 28, 1])],
    target,
  });
  return (images) => {
    const n = images.shape[0];
    const whole = Math.ceil(n / batch) * batch;
    const filled = images.pad([
      [0, whole - n],
      [0, 0],
      [0, 0],
      [0, 0],
    ]);
    const parts = Array.from({ length: whole / batch }, (_, i) =>
      all.run(filled.slice([i * batch, 0, 0, 0], [batch, 28, 28, 1])),
    );
    return tf.concat(parts, 0).slice([0, 0], [n, 10]);
  };
}

/** Shows the first digits with what the network takes them for; the share of all that are right. */
async function judge({ x, y }: Digits, network: Network): Promise<number> {
  const answers = await tf.argMax(network(x), 1).data();
  const labels = await y.data();
  const pixels = await x.slice([0, 0, 0, 0], [20, 28, 28, 1]).data();
  for (let i = 0; i < 20; i++) {
    const canvas = document.createElement('canvas');
    await tf.browser.toPixels(tf.tensor(pixels.slice(784 * i, 784 * (i + 1)), [28, 28, 1]), canvas);
    const item = document.createElement('div');
    item.append(canvas, String(answers[i]));
    if (answers[i] !== labels[i]) item.className = 'wrong';
    place('digits').append(item);
  }
  return Array.from(answers).filter((a, i) => a === labels[i]).length / labels.length;
}

async function run(): Promise<Outcome> {
  await tf.setBackend(target);
  const device = deviceName();
  place('device').textContent = device;
  place('how').textContent = how === 'fit' ? 'model.fit' : 'a step written by hand, compiled by tf.compile';
  // The same weights on every target.
  tf.setRandomSeed(1);
  const { train, test } = await loadDigits();
  let losses: readonly number[] = [];
  const start = performance.now();
  const network = await (how === 'fit' ? byFit : byStep)(train, async (all) => {
    losses = all;
    await draw(all);
  });
  const seconds = (performance.now() - start) / 1000;
  const accuracy = await judge(test, network);
  const percent = (100 * accuracy).toFixed(1);
  place('progress').textContent =
    `${losses.length} batches of ${batch} in ${seconds.toFixed(1)} s; ${percent} % of ${test.y.size} other digits read right`;
  return { device, losses, accuracy };
}

/** Set for whoever drives the page. */
export const outcome = run().catch((e: Error) => {
  place('error').textContent = e.message;
  throw e;
});
Object.assign(globalThis, { outcome });
