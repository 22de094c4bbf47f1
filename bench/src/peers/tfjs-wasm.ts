// TensorFlow.js on its WASM backend: the backend it recommends where there is no GPU.

import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import type { Engine, EngineName, Options, Prepared } from '../adapter.ts';
import { adam, type Case, type Operands } from '../case.ts';
import type { Activation, AlgorithmOps, ImageOps, Ops } from '../ops.ts';

type T = tf.Tensor;

function layerNorm(x: T, gamma: T, beta: T): T {
  const { mean, variance } = tf.moments(x, -1, true);
  return x.sub(mean).mul(variance.add(1e-5).rsqrt()).mul(gamma).add(beta);
}

/** What follows a convolution. */
function finish(x: T, bias?: T, activation?: Activation): T {
  const y = bias ? tf.add(x, bias) : x;
  return activation ? tf[activation](y) : y;
}

/** `trains` avoids the fused operations that have no gradient of their own. */
const imageOps = (trains: boolean): ImageOps<T> => ({
  conv2d: (x, filter, { pad, stride = 1 }, bias, activation) => {
    const [image, weights] = [x as tf.Tensor4D, filter as tf.Tensor4D];
    if (trains) return finish(tf.conv2d(image, weights, stride, pad), bias, activation);
    return tf.fused.conv2d({ x: image, filter: weights, strides: stride, pad, bias, activation });
  },
  depthwise: (x, filter, { pad, stride = 1 }, bias, activation) => {
    const [image, weights] = [x as tf.Tensor4D, filter as tf.Tensor4D];
    if (trains) return finish(tf.depthwiseConv2d(image, weights, stride, pad), bias, activation);
    return tf.fused.depthwiseConv2d({ x: image, filter: weights, strides: stride, pad, bias, activation });
  },
  maxPool: (x, size) => tf.maxPool(x as tf.Tensor4D, size, 2, 'same'),
  globalAveragePool: (x) => tf.mean(x, [1, 2]),
  batchNorm: (x, gamma, beta) => {
    const { mean, variance } = tf.moments(x, [0, 1, 2]);
    return tf.batchNorm(
      x,
      mean as tf.Tensor1D,
      variance as tf.Tensor1D,
      beta as tf.Tensor1D,
      gamma as tf.Tensor1D,
      1e-5,
    );
  },
  resizeBilinear: (x, size) => tf.image.resizeBilinear(x as tf.Tensor4D, [...size]),
  resizeNearest: (x, size) => tf.image.resizeNearestNeighbor(x as tf.Tensor4D, [...size]),
});

/** `trains` avoids what has a gradient that this backend cannot compute. */
const algorithmOps = (trains: boolean): AlgorithmOps<T> => ({
  lstm: (x, w, u, b) => {
    const [steps, batch, inputs] = x.shape as [number, number, number];
    const units = u.shape[0] as number;
    const z = tf.add(tf.matMul(tf.reshape(x, [steps * batch, inputs]), w as tf.Tensor2D), b);
    let [h, c] = [tf.zeros([batch, units]), tf.zeros([batch, units])] as T[];
    const hs: T[] = [];
    for (const zx of tf.unstack(tf.reshape(z, [steps, batch, 4 * units]))) {
      const [i, o, f, g] = tf.split(tf.add(zx, tf.matMul(h, u)), 4, 1);
      c = tf.add(tf.mul(tf.sigmoid(f), c), tf.mul(tf.sigmoid(i), tf.tanh(g)));
      h = tf.mul(tf.sigmoid(o), tf.tanh(c));
      hs.push(h);
    }
    return tf.stack(hs);
  },
  gatherRows: (x, i) => {
    const rows = tf.cast(i, 'int32');
    // The gradient of `gather` needs a kernel that this backend has not (UnsortedSegmentSum).
    return trains ? tf.matMul(tf.cast(tf.oneHot(rows, x.shape[0]), 'float32'), x) : tf.gather(x, rows);
  },
  scatterAdd: (i, updates, rows) =>
    tf.scatterND(tf.cast(i, 'int32').reshape([-1, 1]), updates, [rows, updates.shape[1] as number]),
  cumsum: (x, axis) => tf.cumsum(x, axis),
  // TensorFlow.js has no sort: the largest of all elements are all of them, in descending order.
  sort: (x, n) => tf.neg(tf.topk(tf.neg(x), n).values),
  topk: (x, k) => tf.topk(x, k).values,
  fft: (re, im) => {
    const y = tf.fft(tf.complex(re, im));
    return tf.add(tf.real(y), tf.imag(y));
  },
});

const ops = (trains: boolean): Ops<T> => ({
  ...imageOps(trains),
  ...algorithmOps(trains),
  add: tf.add,
  sub: tf.sub,
  mul: tf.mul,
  scale: (a, factor) => tf.mul(a, factor),
  relu: (x) => tf.relu(x),
  // TensorFlow.js has no gelu: this is how its users write it.
  gelu: (x) => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1)),
  softmax: (x) => tf.softmax(x),
  layerNorm,
  sum: (x, axis) => tf.sum(x, axis),
  matMul: (a, b) => tf.matMul(a, b),
  matMulTransposed: (a, b) => tf.matMul(a, b, false, true),
  dense: (x, w, b, relu) =>
    tf.fused.matMul({ a: x as tf.Tensor2D, b: w as tf.Tensor2D, bias: b, activation: relu ? 'relu' : 'linear' }),
  reshape: (x, shape) => tf.reshape(x, shape as number[]),
  transpose: (x, perm) => tf.transpose(x, perm as number[]),
  flatten: (x, shape) => tf.reshape(x, shape as [number, number]),
  crossEntropy: (labels, logits) => tf.losses.softmaxCrossEntropy(labels, logits),
  meanSquare: (a, b) => tf.losses.meanSquaredError(a, b),
});

function prepareInference(c: Case, values: Record<string, T>): Prepared {
  const set = ops(false);
  let latest: T | undefined;
  const run = () => {
    latest?.dispose();
    latest = tf.tidy(() => c.build(set, values));
  };
  return { run, async: false, output: async () => (latest as T).dataSync() as Float32Array };
}

function prepareTraining(c: Case, values: Record<string, T>): Prepared {
  const set = ops(true);
  const optimizer = tf.train.adam(adam.rate, adam.beta1, adam.beta2, adam.epsilon);
  let latest: T | null = null;
  const run = () => {
    latest?.dispose();
    latest = tf.tidy(() => optimizer.minimize(() => c.build(set, values) as tf.Scalar, true) as T);
  };
  return { run, async: false, output: async () => (latest as T).dataSync() as Float32Array };
}

/** Starts the backend from the files in the package, without a server. */
async function start(threads: number): Promise<void> {
  const require = createRequire(import.meta.url);
  const wasm = require('@tensorflow/tfjs-backend-wasm') as typeof import('@tensorflow/tfjs-backend-wasm');
  wasm.setWasmPaths(`${dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json'))}/dist/`);
  wasm.setThreadsCount(threads);
  await tf.setBackend('wasm');
  await tf.ready();
}

export async function load(name: EngineName, options: Options): Promise<Engine> {
  await start(options.threads);
  return {
    name,
    cannot: (c) => {
      if (c.name.startsWith('fft')) return 'no Fourier transform on this backend';
      const trainsFilters = ['cnn-train', 'resnet20-train'].includes(c.name);
      return trainsFilters ? 'no gradient of conv2d on this backend (Conv2DBackpropFilter)' : undefined;
    },
    async prepare(c, operands: Operands) {
      const values: Record<string, T> = {};
      for (const [k, v] of Object.entries(operands)) {
        const t = tf.tensor(v.data, v.shape as number[]);
        values[k] = c.kind === 'train' && v.role === 'weight' ? tf.variable(t) : t;
      }
      return c.kind === 'train' ? prepareTraining(c, values) : prepareInference(c, values);
    },
  };
}
