// A language model: six decoder layers, normalisation before each block (GPT-2: Radford et al., 2019),
// tokens and learnt positions in, logits of the next token out. Its own: a vocabulary of 1024 tokens and
// an output matrix that is not the embedding's transpose.

import { type Case, OperandSet } from '../case.ts';
import type { Ops } from '../ops.ts';
import { attention, attentionOperands, layerProducts, layerWeights, type Text } from './attention.ts';
import type { Values } from './values.ts';

const layers = 6;
const [seq, dim, heads, wide, vocabulary] = [128, 256, 4, 1024, 1024];
const textOf = (batch: number): Text => ({ batch, seq, dim, heads });

/** Added to the scores: every position sees itself and those before it. */
function causalMask(): Float32Array {
  return Float32Array.from({ length: seq * seq }, (_, i) => (i % seq > Math.floor(i / seq) ? -1e9 : 0));
}

function operands(batch: number, train: boolean): OperandSet {
  const set = new OperandSet(50);
  if (train) set.tokens('tokens', 'next', [batch, seq], vocabulary);
  else set.indices('tokens', batch * seq, vocabulary);
  // A table is looked up, not summed over: its numbers are as large as those of one token.
  set.table('embedding', [vocabulary, dim], 1).table('positions', [seq, dim], 0.3);
  set.constant('mask', [seq, seq], causalMask());
  // Each block adds to the same sum; so scaled, that keeps its size.
  const gain = 1 / Math.sqrt(2 * layers);
  for (let i = 0; i < layers; i++) {
    const p = `l${i}_`;
    set.vector(`${p}g0`, dim, 1).vector(`${p}n0`, dim);
    attentionOperands(set, dim, p, gain);
    set.vector(`${p}g1`, dim, 1).vector(`${p}n1`, dim);
    set.weight(`${p}w0`, [dim, wide]).vector(`${p}b0`, wide);
    set.weight(`${p}w1`, [wide, dim], 'plain', 2 * gain).vector(`${p}b1`, dim);
  }
  return set.vector('g', dim, 1).vector('n', dim).weight('logits', [dim, vocabulary]);
}

/** Rows of logits, one a position. */
function logits<T>(ops: Ops<T>, batch: number, x: Values<T>): T {
  const looked = ops.reshape(ops.gatherRows(x.embedding, x.tokens), [batch, seq, dim]);
  let h = ops.reshape(ops.add(looked, x.positions), [batch * seq, dim]);
  for (let i = 0; i < layers; i++) {
    const p = `l${i}_`;
    const normal = ops.layerNorm(h, x[`${p}g0`], x[`${p}n0`]);
    h = ops.add(h, attention(ops, textOf(batch), normal, x, p, x.mask));
    const wider = ops.dense(ops.layerNorm(h, x[`${p}g1`], x[`${p}n1`]), x[`${p}w0`], x[`${p}b0`]);
    h = ops.add(h, ops.dense(ops.gelu(wider), x[`${p}w1`], x[`${p}b1`]));
  }
  return ops.matMul(ops.layerNorm(h, x.g, x.n), x.logits);
}
/** Of one text; what the mask hides counts, as every engine computes it. */
const products = layers * layerProducts(textOf(1), wide) + seq * dim * vocabulary;
const matrices = layers * layerWeights(dim, wide) + dim * vocabulary;
const tables = (vocabulary + seq) * dim;

const about = `language model of ${layers} decoder layers, d=${dim} h=${heads} context ${seq} ff=${wide}, ${vocabulary} tokens`;
const gpt: Case = {
  name: 'gpt',
  about: `${about}, batch 1`,
  kind: 'inference',
  operands: () => operands(1, false).done(),
  build: (ops, x) => logits(ops, 1, x),
  result: 'plain',
  flops: 2 * products,
  bytes: 4 * (matrices + 2 * seq * dim + seq * vocabulary),
  tolerance: 1e-5,
};
const gptTrain: Case = {
  name: 'gpt-train',
  about: `${about}, training step with Adam on the next token, batch 4`,
  kind: 'train',
  operands: () => operands(4, true).done(),
  build: (ops, x) => ops.crossEntropy(x.next, logits(ops, 4, x)),
  result: 'plain',
  flops: 4 * 6 * products,
  bytes: 4 * (7 * (matrices + tables) + 4 * seq * vocabulary),
  tolerance: 1e-4,
};

export const gptCases: readonly Case[] = [gpt, gptTrain];
