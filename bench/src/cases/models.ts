// Whole models: a perceptron, a convolutional network for digits, and one transformer encoder
// layer; each as inference and as a training step with Adam.

import { type Case, OperandSet } from '../case.ts';
import type { Ops } from '../ops.ts';

type Values<T> = Readonly<Record<string, T>>;

// --- perceptron 784-512-512-10

const mlpWidths = [784, 512, 512, 10];

function mlpOperands(batch: number, labels: boolean): OperandSet {
  const set = new OperandSet(20).input('x', [batch, 784]);
  for (let i = 0; i < 3; i++) set.weight(`w${i}`, [mlpWidths[i], mlpWidths[i + 1]]).vector(`b${i}`, mlpWidths[i + 1]);
  return labels ? set.oneHot('y', batch, 10) : set;
}
function mlpLogits<T>(ops: Ops<T>, x: Values<T>): T {
  const h = ops.dense(ops.dense(x.x, x.w0, x.b0, true), x.w1, x.b1, true);
  return ops.dense(h, x.w2, x.b2);
}
const mlpWeights = 784 * 512 + 512 * 512 + 512 * 10;

function mlp(batch: number): Case {
  return {
    name: `mlp-${batch}`,
    about: `perceptron 784-512-512-10, batch ${batch}`,
    kind: 'inference',
    operands: () => mlpOperands(batch, false).done(),
    build: mlpLogits,
    result: 'plain',
    flops: 2 * batch * mlpWeights,
    bytes: 4 * (mlpWeights + batch * 794),
    tolerance: 1e-5,
  };
}
const mlpTrain: Case = {
  name: 'mlp-train',
  about: 'perceptron 784-512-512-10, training step with Adam, batch 64',
  kind: 'train',
  operands: () => mlpOperands(64, true).done(),
  build: (ops, x) => ops.crossEntropy(x.y, mlpLogits(ops, x)),
  result: 'plain',
  // The input needs no gradient, so the first layer costs two products and the others three.
  flops: 2 * 64 * (3 * mlpWeights - 784 * 512),
  bytes: 4 * 7 * mlpWeights,
  tolerance: 1e-4,
};

// --- convolutional network 28x28: 3x3x32, 3x3x64, max pool, 128, 10

function cnnOperands(batch: number, labels: boolean): OperandSet {
  const set = new OperandSet(30)
    .input('x', [batch, 28, 28, 1], 'nhwc')
    .weight('k0', [3, 3, 1, 32], 'hwio')
    .vector('c0', 32)
    .weight('k1', [3, 3, 32, 64], 'hwio')
    .vector('c1', 64)
    .weight('w0', [9216, 128], { rows: [12, 12, 64] })
    .vector('b0', 128)
    .weight('w1', [128, 10])
    .vector('b1', 10);
  return labels ? set.oneHot('y', batch, 10) : set;
}
const cnnLogits =
  (batch: number) =>
  <T>(ops: Ops<T>, x: Values<T>): T => {
    const first = ops.conv2d(x.x, x.k0, 'valid', x.c0, true);
    const second = ops.conv2d(first, x.k1, 'valid', x.c1, true);
    const flat = ops.flatten(ops.maxPool(second), [batch, 9216]);
    return ops.dense(ops.dense(flat, x.w0, x.b0, true), x.w1, x.b1);
  };
const cnnFirst = 26 * 26 * 9 * 32;
const cnnProducts = cnnFirst + 24 * 24 * 288 * 64 + 9216 * 128 + 1280;
const cnnWeights = 288 + 288 * 64 + 9216 * 128 + 1280;

function cnn(batch: number): Case {
  return {
    name: `cnn-${batch}`,
    about: `CNN for 28 x 28 digits, batch ${batch}`,
    kind: 'inference',
    operands: () => cnnOperands(batch, false).done(),
    build: cnnLogits(batch),
    result: 'plain',
    flops: 2 * batch * cnnProducts,
    bytes: 4 * (cnnWeights + batch * 794),
    tolerance: 1e-5,
  };
}
const cnnTrain: Case = {
  name: 'cnn-train',
  about: 'CNN for 28 x 28 digits, training step with Adam, batch 64',
  kind: 'train',
  operands: () => cnnOperands(64, true).done(),
  build: (ops, x) => ops.crossEntropy(x.y, cnnLogits(64)(ops, x)),
  result: 'plain',
  flops: 2 * 64 * (3 * cnnProducts - cnnFirst),
  bytes: 4 * 7 * cnnWeights,
  tolerance: 1e-3,
};

// --- transformer encoder layer, normalisation after each block

const seq = 128;
const dim = 256;
const heads = 4;
const wide = 1024;

function encoderOperands(labels: boolean): OperandSet {
  const set = new OperandSet(40).input('x', [seq, dim]);
  for (const p of ['q', 'k', 'v', 'o']) set.weight(`w${p}`, [dim, dim]).vector(`b${p}`, dim);
  set.vector('g0', dim, 1).vector('n0', dim).vector('g1', dim, 1).vector('n1', dim);
  set.weight('w0', [dim, wide]).vector('b0', wide).weight('w1', [wide, dim]).vector('b1', dim);
  return labels ? set.label('y', [seq, dim]) : set;
}
function encoderLayer<T>(ops: Ops<T>, x: Values<T>): T {
  const head = (w: T, b: T) => ops.transpose(ops.reshape(ops.dense(x.x, w, b), [seq, heads, dim / heads]), [1, 0, 2]);
  const scores = ops.scale(ops.matMulTransposed(head(x.wq, x.bq), head(x.wk, x.bk)), 1 / Math.sqrt(dim / heads));
  const mixed = ops.matMul(ops.softmax(scores), head(x.wv, x.bv));
  const attended = ops.dense(ops.reshape(ops.transpose(mixed, [1, 0, 2]), [seq, dim]), x.wo, x.bo);
  const middle = ops.layerNorm(ops.add(x.x, attended), x.g0, x.n0);
  const fed = ops.dense(ops.gelu(ops.dense(middle, x.w0, x.b0)), x.w1, x.b1);
  return ops.layerNorm(ops.add(middle, fed), x.g1, x.n1);
}
const encoderProducts = seq * (4 * dim * dim + 2 * dim * wide) + 2 * seq * seq * dim;
const encoderWeights = 4 * dim * dim + 2 * dim * wide;

const encoder: Case = {
  name: 'encoder',
  about: `transformer encoder layer, d=${dim} h=${heads} s=${seq} ff=${wide}`,
  kind: 'inference',
  operands: () => encoderOperands(false).done(),
  build: encoderLayer,
  result: 'plain',
  flops: 2 * encoderProducts,
  bytes: 4 * (encoderWeights + 2 * seq * dim),
  tolerance: 1e-5,
};
const encoderTrain: Case = {
  name: 'encoder-train',
  about: 'the same, training step with Adam on a squared error',
  kind: 'train',
  operands: () => encoderOperands(true).done(),
  build: (ops, x) => ops.meanSquare(encoderLayer(ops, x), x.y),
  result: 'plain',
  flops: 6 * encoderProducts - 2 * 3 * seq * dim * dim,
  bytes: 4 * 7 * encoderWeights,
  tolerance: 1e-4,
};

const lstm: Case = {
  name: 'lstm',
  about: 'LSTM of 128 units over 64 steps of 128 inputs, batch 32: a loop',
  kind: 'inference',
  operands: () =>
    new OperandSet(21)
      .input('x', [64, 32, 128])
      .weight('w', [128, 512])
      .weight('u', [128, 512])
      .vector('b', 512)
      .done(),
  build: (ops, x) => ops.lstm(x.x, x.w, x.u, x.b),
  result: 'plain',
  flops: 64 * 32 * (2 * 256 * 512 + 10 * 512),
  bytes: 4 * (64 * 32 * 256 + 256 * 512),
  tolerance: 1e-5,
};

export const modelCases: readonly Case[] = [
  mlp(1),
  mlp(64),
  mlpTrain,
  cnn(1),
  cnn(64),
  cnnTrain,
  encoder,
  encoderTrain,
  lstm,
];
