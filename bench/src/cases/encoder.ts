// One transformer encoder layer, normalisation after each block.

import { type Case, OperandSet } from '../case.ts';
import type { Ops } from '../ops.ts';
import { attention, attentionOperands, layerProducts, layerWeights, type Text } from './attention.ts';
import type { Values } from './values.ts';

const text: Text = { batch: 1, seq: 128, dim: 256, heads: 4 };
const { seq, dim, heads } = text;
const wide = 1024;

function operands(labels: boolean): OperandSet {
  const set = attentionOperands(new OperandSet(40).input('x', [seq, dim]), dim);
  set.vector('g0', dim, 1).vector('n0', dim).vector('g1', dim, 1).vector('n1', dim);
  set.weight('w0', [dim, wide]).vector('b0', wide).weight('w1', [wide, dim]).vector('b1', dim);
  return labels ? set.label('y', [seq, dim]) : set;
}
function layer<T>(ops: Ops<T>, x: Values<T>): T {
  const middle = ops.layerNorm(ops.add(x.x, attention(ops, text, x.x, x)), x.g0, x.n0);
  const fed = ops.dense(ops.gelu(ops.dense(middle, x.w0, x.b0)), x.w1, x.b1);
  return ops.layerNorm(ops.add(middle, fed), x.g1, x.n1);
}
const products = layerProducts(text, wide);
const weights = layerWeights(dim, wide);

const encoder: Case = {
  name: 'encoder',
  about: `transformer encoder layer, d=${dim} h=${heads} s=${seq} ff=${wide}`,
  kind: 'inference',
  operands: () => operands(false).done(),
  build: layer,
  result: 'plain',
  flops: 2 * products,
  bytes: 4 * (weights + 2 * seq * dim),
  tolerance: 1e-5,
};
const encoderTrain: Case = {
  name: 'encoder-train',
  about: 'the same, training step with Adam on a squared error',
  kind: 'train',
  operands: () => operands(true).done(),
  build: (ops, x) => ops.meanSquare(layer(ops, x), x.y),
  result: 'plain',
  flops: 6 * products - 2 * 3 * seq * dim * dim,
  bytes: 4 * 7 * weights,
  tolerance: 1e-4,
};

export const encoderCases: readonly Case[] = [encoder, encoderTrain];
