// Attention and what stands around it.

import { b, range } from '../../formats/functions.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { type Call, define, type Operator } from '../call.ts';
import { matMul } from './linear.ts';
import { taken } from './shapes.ts';

/** [batch, steps, heads * size] as [batch, heads, steps, size]. */
export function toHeads(x: Tensor, heads: number): Tensor {
  const [n, steps, width] = x.shape;
  return b.transpose(b.reshape(x, [n, steps, heads, width / heads]), [0, 2, 1, 3]);
}
/** The other way. */
export function fromHeads(x: Tensor): Tensor {
  const [n, heads, steps, size] = x.shape;
  return b.reshape(b.transpose(x, [0, 2, 1, 3]), [n, steps, heads * size]);
}
/** Each head so often, one after the other. */
function repeated(x: Tensor, times: number): Tensor {
  if (times === 1) return x;
  const [n, heads, ...rest] = x.shape;
  const many = b.broadcast(x, [n, heads, times, ...rest], [0, 1, 3, 4]);
  return b.reshape(many, [n, heads * times, ...rest]);
}

/** What a query may see: keys up to its own place, `past` places further on. */
export function causal(queries: number, keys: number, past: number): Tensor {
  const [q, k] = [b.iota([queries, keys], 0), b.iota([queries, keys], 1)];
  return b.compare('le', k, b.add(q, past));
}
/** -Infinity where a mask is false. */
export const maskOf = (keep: Tensor, like: Tensor, low = Number.NEGATIVE_INFINITY): Tensor => {
  const type = { dtype: like.type.dtype, shape: keep.shape };
  return b.select(keep, b.splat(type, 0), b.splat(type, low));
};

/** How scores become weights. */
export interface Scores {
  readonly scale: number;
  /** Added to scores: [..., queries, keys]. */
  readonly bias?: Tensor;
  /** Bounds scores by c tanh(x / c), where it is not 0. */
  readonly softcap?: number;
}
/** Values weighted by the softmax of scores, and the scores on the way; all [batch, heads, steps, size]. */
export function attend(q: Tensor, k: Tensor, v: Tensor, s: Scores): { y: Tensor; stages: Tensor[] } {
  // Half of the scale on both sides, as the definition has it.
  const root = Math.sqrt(s.scale);
  const raw = matMul(b.mul(q, root), b.mul(k, root), false, true);
  // Bounded before masks are added: they would be no masks afterwards.
  const capped = s.softcap ? b.mul(b.un('tanh', b.div(raw, s.softcap)), s.softcap) : raw;
  const biased = s.bias ? b.add(capped, s.bias) : capped;
  const weights = b.call('softmax', [biased], { axis: 3 });
  return { y: matMul(weights, v), stages: [raw, biased, capped, weights] };
}

function attention(c: Call): (Tensor | undefined)[] {
  const flat = c.x(0).rank === 3;
  const heads = (x: Tensor, name: string) => (flat ? toHeads(x, c.number(name)) : x);
  const q = heads(c.x(0), 'q_num_heads');
  const past = (i: number, t: Tensor) => (c.maybe(i) ? b.concat([c.x(i), t], 2) : t);
  const k = past(4, heads(c.x(1), 'kv_num_heads'));
  const v = past(5, heads(c.x(2), 'kv_num_heads'));
  const [queries, keys] = [q.shape[2], k.shape[2]];
  const masks: Tensor[] = [];
  if (c.flag('is_causal')) masks.push(maskOf(causal(queries, keys, c.maybe(4)?.shape[2] ?? 0), q));
  const given = c.maybe(3);
  if (given) {
    const mask = given.type.dtype === 'bool' ? maskOf(given, q) : given;
    const missing = keys - mask.shape[mask.rank - 1];
    const low = mask.shape.map(() => 0);
    masks.push(
      b.pad(
        mask,
        low,
        mask.shape.map((_, i) => (i === mask.rank - 1 ? missing : 0)),
        undefined,
        Number.NEGATIVE_INFINITY,
      ),
    );
  }
  const lengths = c.maybe(6);
  if (lengths) {
    const shape = [q.shape[0], 1, 1, keys];
    masks.push(maskOf(b.compare('lt', b.iota(shape, 3), b.broadcast(lengths, shape, [0])), q));
  }
  const times = q.shape[1] / k.shape[1];
  const { y, stages } = attend(q, repeated(k, times), repeated(v, times), {
    scale: c.number('scale', 1 / Math.sqrt(q.shape[3])),
    bias: masks.length ? masks.reduce((p, m) => b.add(p, m)) : undefined,
    softcap: c.number('softcap', 0),
  });
  const mode = c.number('qk_matmul_output_mode', 0);
  return [flat ? fromHeads(y) : y, k, v, stages[mode]];
}

/** Pairs of elements turned by angles whose cosines and sines are [batch, steps, size / 2]. */
function rotated(x: Tensor, cos: Tensor, sin: Tensor, size: number, interleaved: boolean): Tensor {
  const last = x.rank - 1;
  const part = (from: number, n: number, step = 1) =>
    taken(
      x,
      last,
      range(n).map((i) => from + i * step),
    );
  const half = size / 2;
  const [p, q] = interleaved ? [part(0, half, 2), part(1, half, 2)] : [part(0, half), part(half, half)];
  const [re, im] = [b.sub(b.mul(p, cos), b.mul(q, sin)), b.add(b.mul(p, sin), b.mul(q, cos))];
  const pair = (t: Tensor) => b.reshape(t, [...t.shape, 1]);
  const turned = interleaved
    ? b.reshape(b.concat([pair(re), pair(im)], x.rank), [...x.shape.slice(0, -1), size])
    : b.concat([re, im], last);
  const rest = x.shape[last] - size;
  return rest ? b.concat([turned, part(size, rest)], last) : turned;
}

/** Rotary positions on [batch, heads, steps, size], or on [batch, steps, heads * size]. */
export function rotary(c: Call, x: Tensor, cos: Tensor, sin: Tensor, positions: Tensor | undefined): Tensor {
  const flat = x.rank === 3;
  const given = c.number('num_heads', 0);
  const dim = c.number('rotary_embedding_dim', 0);
  const heads = given || (flat ? x.shape[2] / (dim || 2 * cos.shape[cos.rank - 1]) : 0);
  const split = flat ? toHeads(x, heads) : x;
  const size = dim || split.shape[3];
  const row = (t: Tensor) => {
    const own = positions ? b.call('gather', [t, b.reshape(positions, [...positions.shape, 1])]) : t;
    const cut = taken(own, 2, range(size / 2));
    return b.reshape(cut, [cut.shape[0], 1, cut.shape[1], cut.shape[2]]);
  };
  const y = rotated(split, row(cos), row(sin), size, c.flag('interleaved'));
  return flat ? fromHeads(y) : y;
}

export const attentions: readonly Operator[] = [
  define('Attention', 23, attention),
  define('RotaryEmbedding', 23, (c) => rotary(c, c.x(0), c.x(1), c.x(2), c.maybe(3))),
];
