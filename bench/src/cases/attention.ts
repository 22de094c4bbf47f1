// Self-attention by heads: what the transformer models share.

import type { OperandSet } from '../case.ts';
import type { Ops } from '../ops.ts';
import type { Values } from './values.ts';

/** Texts of `seq` positions with `dim` numbers each, all in one matrix of batch * seq rows. */
export interface Text {
  readonly batch: number;
  readonly seq: number;
  readonly dim: number;
  readonly heads: number;
}

/** Query, key, value and output projections; `gain` scales the last. */
export function attentionOperands(set: OperandSet, dim: number, prefix = '', gain = 1): OperandSet {
  for (const p of ['q', 'k', 'v', 'o'])
    set.weight(`${prefix}w${p}`, [dim, dim], 'plain', p === 'o' ? gain : 1).vector(`${prefix}b${p}`, dim);
  return set;
}

/** Attention of x's rows within each text; `mask` (seq x seq) is added to the scores. */
export function attention<T>(ops: Ops<T>, text: Text, x: T, w: Values<T>, prefix = '', mask?: T): T {
  const { batch, seq, dim, heads } = text;
  const part = dim / heads;
  const head = (p: string): T => {
    const y = ops.dense(x, w[`${prefix}w${p}`], w[`${prefix}b${p}`]);
    if (batch === 1) return ops.transpose(ops.reshape(y, [seq, heads, part]), [1, 0, 2]);
    const apart = ops.transpose(ops.reshape(y, [batch, seq, heads, part]), [0, 2, 1, 3]);
    return ops.reshape(apart, [batch * heads, seq, part]);
  };
  const scores = ops.scale(ops.matMulTransposed(head('q'), head('k')), 1 / Math.sqrt(part));
  const mixed = ops.matMul(ops.softmax(mask === undefined ? scores : ops.add(scores, mask)), head('v'));
  const joined =
    batch === 1
      ? ops.transpose(mixed, [1, 0, 2])
      : ops.transpose(ops.reshape(mixed, [batch, heads, seq, part]), [0, 2, 1, 3]);
  return ops.dense(ops.reshape(joined, [batch * seq, dim]), w[`${prefix}wo`], w[`${prefix}bo`]);
}

/** Products of a layer with attention and two dense layers, of one text. */
export const layerProducts = ({ seq, dim }: Text, wide: number): number =>
  seq * (4 * dim * dim + 2 * dim * wide) + 2 * seq * seq * dim;
/** Its weights, without the vectors. */
export const layerWeights = (dim: number, wide: number): number => 4 * dim * dim + 2 * dim * wide;
