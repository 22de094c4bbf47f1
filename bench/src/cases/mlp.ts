// The perceptron 784-512-512-10.

import { type Case, OperandSet } from '../case.ts';
import type { Ops } from '../ops.ts';
import type { Values } from './values.ts';

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

export const mlpCases: readonly Case[] = [mlp(1), mlp(64), mlpTrain];
