// The convolutional network for digits, 28 x 28: 3x3x32, 3x3x64, max pool, 128, 10.

import { type Case, OperandSet } from '../case.ts';
import type { Ops } from '../ops.ts';
import type { Values } from './values.ts';

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
    const first = ops.conv2d(x.x, x.k0, { pad: 'valid' }, x.c0, 'relu');
    const second = ops.conv2d(first, x.k1, { pad: 'valid' }, x.c1, 'relu');
    const flat = ops.flatten(ops.maxPool(second, 2), [batch, 9216]);
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

export const cnnCases: readonly Case[] = [cnn(1), cnn(64), cnnTrain];
