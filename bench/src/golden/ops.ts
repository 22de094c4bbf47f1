// The cases' operations with their gradients.

import { type Activation, type Ops, unwritten } from '../ops.ts';
import { erf } from '../reference/exact.ts';
import { reference } from '../reference/index.ts';
import type { Basics } from './basics.ts';
import { convolution, maxPool } from './images.ts';
import type { Node } from './tape.ts';

const relu = (t: Basics, x: Node): Node => t.unary(x, reference.relu(x.value), (v) => (v > 0 ? 1 : 0));

/** What follows a convolution. */
function finish(t: Basics, x: Node, bias?: Node, activation?: Activation): Node {
  const y = bias ? t.add(x, bias) : x;
  if (activation === undefined) return y;
  return activation === 'relu' ? relu(t, y) : unwritten();
}

const scale = (t: Basics, x: Node, factor: number): Node => t.unary(x, reference.scale(x.value, factor), () => factor);
const sigmoid = (t: Basics, x: Node): Node => {
  const value = { shape: x.value.shape, data: x.value.data.map((v) => 1 / (1 + Math.exp(-v))) };
  return t.unary(x, value, (_, y) => y * (1 - y));
};
const tanh = (t: Basics, x: Node): Node =>
  t.unary(x, { shape: x.value.shape, data: x.value.data.map(Math.tanh) }, (_, y) => 1 - y * y);

/** As the normalisation of the rows that one channel's elements make. */
function batchNorm(t: Basics, x: Node, gamma: Node, beta: Node): Node {
  const channels = gamma.value.data.length;
  const pixels = t.reshape(x, [x.value.data.length / channels, channels]);
  const normal = t.transpose(t.normalize(t.transpose(pixels, [1, 0])), [1, 0]);
  return t.add(t.mul(t.reshape(normal, x.value.shape), gamma), beta);
}

function lstm(t: Basics, x: Node, w: Node, u: Node, b: Node): Node {
  const [steps, batch, inputs] = x.value.shape;
  const units = u.value.shape[0];
  const all = t.add(t.matMul(t.reshape(x, [steps * batch, inputs]), w), b);
  const zero = (): Node => t.leaf({ shape: [batch, units], data: new Float64Array(batch * units) });
  let [h, c] = [zero(), zero()];
  const hidden: Node[] = [];
  for (let step = 0; step < steps; step++) {
    const z = t.add(t.rows(all, step * batch, batch), t.matMul(h, u));
    // Gates first: each is a block of rows.
    const gates = t.transpose(z, [1, 0]);
    const [i, o, f, g] = [0, 1, 2, 3].map((k) => t.transpose(t.rows(gates, k * units, units), [1, 0]));
    c = t.add(t.mul(sigmoid(t, f), c), t.mul(sigmoid(t, i), tanh(t, g)));
    h = t.mul(sigmoid(t, o), tanh(t, c));
    hidden.push(h);
  }
  return t.stack(hidden);
}

const geluSlope = (v: number): number =>
  0.5 * (1 + erf(v / Math.SQRT2)) + (v * Math.exp((-v * v) / 2)) / Math.sqrt(2 * Math.PI);

/** The cases' operations on values of a tape. */
export function tapeOps(t: Basics): Ops<Node> {
  return {
    add: (a, b) => t.add(a, b),
    sub: (a, b) => t.sub(a, b),
    mul: (a, b) => t.mul(a, b),
    scale: (x, factor) => scale(t, x, factor),
    relu: (x) => relu(t, x),
    gelu: (x) => t.unary(x, reference.gelu(x.value), geluSlope),
    softmax: (x) => t.softmax(x),
    layerNorm: (x, gamma, beta) => t.add(t.mul(t.normalize(x), gamma), beta),
    sum: (x, axis) => t.sum(x, axis),
    matMul: (a, b) => t.matMul(a, b),
    matMulTransposed: (a, b) => t.matMul(a, t.transpose(b, [0, 2, 1])),
    dense: (x, w, b, yes) => {
      const y = t.add(t.matMul(x, w), b);
      return yes ? relu(t, y) : y;
    },
    reshape: (x, shape) => t.reshape(x, shape),
    transpose: (x, perm) => t.transpose(x, perm),
    conv2d: (x, filter, window, bias, activation) => finish(t, convolution(t, x, filter, window), bias, activation),
    depthwise: unwritten,
    maxPool: (x, size) => maxPool(t, x, size),
    globalAveragePool: (x) => {
      const [n, h, w, c] = x.value.shape;
      return scale(t, t.sum(t.reshape(x, [n, h * w, c]), 1), 1 / (h * w));
    },
    batchNorm: (x, gamma, beta) => batchNorm(t, x, gamma, beta),
    flatten: (x, shape) => t.reshape(x, shape),
    crossEntropy: (labels, logits) => t.crossEntropy(labels, logits),
    meanSquare: (a, b) => t.meanSquare(a, b),
    lstm: (x, w, u, b) => lstm(t, x, w, u, b),
    gatherRows: (x, indices) => t.gatherRows(x, indices),
    // No training case has these.
    resizeBilinear: unwritten,
    resizeNearest: unwritten,
    scatterAdd: unwritten,
    cumsum: unwritten,
    sort: unwritten,
    topk: unwritten,
    fft: unwritten,
  };
}
