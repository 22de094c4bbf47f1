// Operators of ONNX Runtime (com.microsoft) that its optimizer and exporters write.
// Source: docs/ContribOperators.md of ONNX Runtime.

import { b, fixed, range } from '../../formats/functions.ts';
import { inv } from '../../trace/ops/matrices.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { type Call, define, inDomain, type Operator, wide } from '../call.ts';
import { channelsFirst, channelsLast } from '../layout.ts';
import { attend, causal, fromHeads, maskOf, rotary, toHeads } from './attention.ts';
import { activations } from './elementwise.ts';
import { biased, convolve, convSetting, integerMatMul, matMul, perChannel } from './linear.ts';
import { layerNorm, rmsNorm } from './normalization.ts';
import { dequantize, matMulNBits, quantize, quantized } from './quantized.ts';
import { gatherAxis, parts } from './shapes.ts';

const gelu = (x: Tensor, approximate = false): Tensor => b.call('gelu', [x], { approximate });
const plus = (x: Tensor, y: Tensor | undefined): Tensor => (y ? b.add(x, y) : x);

/** alpha A B, each perhaps transposed in its last axes or, with `transBatch`, in its batch axes. */
function fusedMatMul(c: Call): Tensor {
  if (c.flag('transBatchA') || c.flag('transBatchB'))
    throw c.refuse('transBatchA or transBatchB', 'export it without fusing');
  return b.mul(matMul(c.x(0), c.x(1), c.flag('transA'), c.flag('transB')), c.number('alpha', 1));
}

function activated(c: Call, y: Tensor): Tensor {
  const name = c.text('activation', '');
  if (!name) return y;
  if (name === 'Clip') {
    const [low, high] = c.ints('activation_params') ?? [];
    return b.max(b.min(y, high), low);
  }
  if (!Object.hasOwn(activations, name)) throw c.refuse(`there is no activation '${name}'`);
  const { f, alpha = 0, beta = 0 } = activations[name];
  const given = c.ints('activation_params') ?? [];
  return f(y, c.number('activation_alpha', given[0] ?? alpha), c.number('activation_beta', given[1] ?? beta));
}

function fusedConv(c: Call): Tensor {
  const [x, w, bias] = [c.x(0), c.x(1), c.maybe(2)];
  const { at, groups } = convSetting(c, x, w);
  const y = convolve(x, w, at, groups);
  return activated(c, plus(biased(y, bias), c.maybe(3)));
}
function fusedGemm(c: Call): Tensor {
  const xy = b.mul(b.matMul(c.x(0), c.x(1), c.flag('transA'), c.flag('transB')), c.number('alpha', 1));
  const z = c.maybe(2);
  return activated(c, z ? b.add(xy, b.mul(z, c.number('beta', 1))) : xy);
}

/** x + skip + bias, normalized; the sum is the last result. */
function skipNorm(c: Call): (Tensor | undefined)[] {
  const [x, skip, gamma, beta, bias] = [c.x(0), c.x(1), c.x(2), c.maybe(3), c.maybe(4)];
  const sum = plus(b.add(x, skip), bias);
  const [y, mean, inverse] = layerNorm(sum, gamma, beta, sum.rank - 1, c.number('epsilon', 1e-12));
  return [y, mean, inverse, sum];
}
function skipRms(c: Call): (Tensor | undefined)[] {
  const sum = plus(b.add(c.x(0), c.x(1)), c.maybe(3));
  return [rmsNorm(sum, c.x(2), sum.rank - 1, c.number('epsilon', 1e-12)), undefined, undefined, sum];
}

/** Sums of word, position and segment embeddings, normalized; and how many words each text has. */
function embedNorm(c: Call): (Tensor | undefined)[] {
  const [ids, segments, words, positions, kinds, gamma, beta, mask, given] = range(9).map((i) => c.maybe(i));
  if (!ids || !words || !positions || !gamma || !beta) throw c.wrong('an operand is missing');
  const row = (table: Tensor, at: Tensor) => gatherAxis(table, at, 0);
  const place = given ?? b.iota(ids.shape, 1);
  const both = b.add(row(words, ids), row(positions, b.broadcastTo(place, ids.shape)));
  const sum = segments && kinds ? b.add(both, row(kinds, segments)) : both;
  const [y] = layerNorm(sum, gamma, beta, 2, c.number('epsilon', 1e-12));
  const count = mask ? b.sum(mask, [1]) : b.splat({ dtype: 'i32', shape: [ids.shape[0]] }, 0);
  return [y, count, sum];
}

/** What is added to scores: masks of several shapes, and a bias. */
function scoreBias(
  c: Call,
  q: Tensor,
  keys: number,
  mask: Tensor | undefined,
  bias: Tensor | undefined,
  isCausal: boolean,
): Tensor | undefined {
  const [n, , queries] = q.shape;
  const low = c.number('mask_filter_value', -10000);
  const all: Tensor[] = [];
  if (mask) {
    const shape = [n, 1, 1, keys];
    if (mask.rank === 1 && mask.size === n)
      all.push(maskOf(b.compare('lt', b.iota(shape, 3), b.broadcast(mask, shape, [0])), q, low));
    else if (mask.rank === 2 || mask.rank === 3) {
      const [own, at] =
        mask.rank === 2
          ? [shape, [0, 3]]
          : [
              [n, 1, queries, keys],
              [0, 2, 3],
            ];
      all.push(maskOf(b.compare('ne', b.broadcast(mask, own, at), 0), q, low));
    } else
      throw c.refuse(
        `a mask of shape [${mask.shape}]`,
        'masks of lengths, [batch, keys] and [batch, queries, keys] are possible',
      );
  }
  if (isCausal) all.push(maskOf(causal(queries, keys, keys - queries), q));
  if (bias) all.push(bias);
  return all.length ? all.reduce((p, m) => b.add(p, m)) : undefined;
}

/** Self-attention with one matrix for queries, keys and values. */
function attention(c: Call): (Tensor | undefined)[] {
  const [x, w, bias, mask, past, added] = [c.x(0), c.x(1), c.maybe(2), c.maybe(3), c.maybe(4), c.maybe(5)];
  const heads = c.number('num_heads');
  if (c.flag('do_rotary')) throw c.refuse('do_rotary', 'export it without fusing');
  const all = plus(matMul(x, w), bias);
  const sizes = c.ints('qkv_hidden_sizes') ?? range(3).map(() => w.shape[1] / 3);
  const [q, newK, newV] = parts(all, 2, sizes).map((t) => toHeads(t, heads));
  const old = past && parts(past, 0, [1, 1]).map((t) => b.reshape(t, t.shape.slice(1)));
  const [k, v] = [newK, newV].map((t, i) => (old ? b.concat([old[i], t], 2) : t));
  const scale = c.number('scale', 0) || 1 / Math.sqrt(q.shape[3]);
  const { y } = attend(q, k, v, { scale, bias: scoreBias(c, q, k.shape[2], mask, added, c.flag('unidirectional')) });
  const present = c.uses(1)
    ? b.concat(
        [k, v].map((t) => b.reshape(t, [1, ...t.shape])),
        0,
      )
    : undefined;
  return [fromHeads(y), present];
}

function multiHead(c: Call): (Tensor | undefined)[] {
  const [query, key, value, bias, mask, added] = range(6).map((i) => c.maybe(i));
  const heads = c.number('num_heads');
  if (query?.rank !== 3 || !key || !value || key.rank < 3)
    throw c.refuse('packed queries, keys and values', 'export it without packing');
  const width = query.shape[2];
  const sizes = [width, width, bias ? bias.size - 2 * width : width];
  const [qb, kb, vb] = bias ? parts(bias, 0, sizes) : [];
  const split = (x: Tensor, own: Tensor | undefined) => (x.rank === 4 ? x : toHeads(plus(x, own), heads));
  const q = split(query, qb);
  const past = (i: number, t: Tensor) => (c.maybe(i) ? b.concat([c.x(i), t], 2) : t);
  const [k, v] = [past(6, split(key, kb)), past(7, split(value, vb))];
  const scale = c.number('scale', 0) || 1 / Math.sqrt(q.shape[3]);
  const { y } = attend(q, k, v, { scale, bias: scoreBias(c, q, k.shape[2], mask, added, c.flag('unidirectional')) });
  return [fromHeads(y), k, v];
}

/** Operands of an operator on quantized values: numbers, then scale and zero point. */
const real = (c: Call, i: number): Tensor =>
  dequantize(c.x(i), b.reshape(c.x(i + 1), []), c.maybe(i + 2) && b.reshape(c.x(i + 2), []));
/** A result quantized by the scale and zero point at these operands. */
function requantized(c: Call, y: Tensor, scale: number, like: Tensor): Tensor {
  const signed = like.type.dtype === 'i8';
  const zero = c.maybe(scale + 1);
  return quantize(
    y,
    b.reshape(c.x(scale), []),
    zero && b.reshape(zero, []),
    signed ? -128 : 0,
    signed ? 127 : 255,
    signed ? 'i8' : 'u8',
  );
}
const quantizedBinary = (op: string, f: (x: Tensor, y: Tensor) => Tensor): Operator =>
  define(op, 1, (c) => requantized(c, f(real(c, 0), real(c, 3)), 6, c.x(0)));
const quantizedUnary = (op: string, f: (x: Tensor, c: Call) => Tensor): Operator =>
  define(op, 1, (c) => requantized(c, f(real(c, 0), c), 3, c.x(0)));

function quantizedConcat(c: Call): Tensor {
  const count = Math.floor((c.operands.length - 2) / 3);
  const xs = range(count).map((i) => real(c, 2 + 3 * i));
  return requantized(c, b.concat(xs, c.axis(c.number('axis'), xs[0].rank)), 0, c.x(2));
}

/** An integer product as floats. */
function integerToFloat(
  c: Call,
  x: Tensor,
  y: Tensor,
  scale: Tensor,
  zeros: readonly (Tensor | undefined)[],
  bias: Tensor | undefined,
): Tensor {
  const less = (t: Tensor, z: Tensor | undefined) =>
    z ? b.sub(wide(t), z.size === 1 ? b.reshape(wide(z), []) : wide(z)) : wide(t);
  const sums = integerMatMul(less(x, zeros[0]), less(y, zeros[1]));
  if (c.outputs !== 1) throw c.wrong('it has one result');
  return plus(b.mul(b.convert(sums, scale.type.dtype), scale), bias);
}
function dynamicQuantizeMatMul(c: Call): Tensor {
  const x = c.x(0);
  const [high, low] = [b.max(b.reduceMax(x), 0), b.min(b.reduceMin(x), 0)];
  const scale = b.div(b.sub(high, low), 255);
  const zero = b.convert(b.un('round', b.neg(b.div(low, scale))), 'i32');
  const q = quantize(x, scale, zero, 0, 255, 'u8');
  return integerToFloat(c, q, c.x(1), b.mul(scale, c.x(2)), [zero, c.maybe(3)], c.maybe(4));
}

/** Groups of channels that stand last, normalized; with Swish behind where `activation` is 1. */
function groupNorm(c: Call): Tensor {
  const last = c.flag('channels_last', true);
  const x = last ? channelsFirst(c.x(0)) : c.x(0);
  const groups = c.number('groups');
  const [n, channels] = x.shape;
  const rows = b.reshape(x, [n, groups, x.size / (n * groups)]);
  const [y] = layerNorm(rows, undefined, undefined, 2, c.number('epsilon', 1e-5));
  const scaled = b.add(
    b.mul(b.reshape(y, x.shape), perChannel(b.reshape(c.x(1), [channels]), x.rank)),
    perChannel(c.x(2), x.rank),
  );
  const out = last ? channelsLast(scaled) : scaled;
  return c.flag('activation') ? b.call('silu', [out]) : out;
}

function biasSplitGelu(c: Call): Tensor {
  const x = b.add(c.x(0), c.x(1));
  const half = x.shape[x.rank - 1] / 2;
  const [left, right] = parts(x, x.rank - 1, [half, half]);
  return b.mul(left, gelu(right));
}

export const microsoft: readonly Operator[] = inDomain('com.microsoft', [
  define('Gelu', 1, (c) => gelu(c.x(0))),
  define('FastGelu', 1, (c) => gelu(plus(c.x(0), c.maybe(1)), true)),
  define('BiasGelu', 1, (c) => gelu(b.add(c.x(0), c.x(1)))),
  define('QuickGelu', 1, (c) => b.mul(c.x(0), b.un('logistic', b.mul(c.x(0), c.number('alpha', 1.702))))),
  define('BiasSplitGelu', 1, biasSplitGelu),
  define('BiasAdd', 1, (c) => b.add(b.add(c.x(0), c.x(1)), c.x(2))),
  define('BiasSoftmax', 1, (c) => {
    const x = b.add(c.x(0), c.x(1));
    const axis = c.axis(c.number('axis', 1), x.rank);
    const rows = b.reshape(x, [
      x.shape.slice(0, axis).reduce((n, d) => n * d, 1),
      x.shape.slice(axis).reduce((n, d) => n * d, 1),
    ]);
    return b.reshape(b.call('softmax', [rows], { axis: 1 }), x.shape);
  }),
  define('FusedMatMul', 1, fusedMatMul),
  define('TransposeMatMul', 1, fusedMatMul),
  define('FusedGemm', 1, fusedGemm),
  define('FusedConv', 1, fusedConv),
  define('MatMulNBits', 1, matMulNBits),
  define('SkipLayerNormalization', 1, skipNorm),
  define('SkipSimplifiedLayerNormalization', 1, skipRms),
  define('EmbedLayerNormalization', 1, embedNorm),
  define('GroupNorm', 1, groupNorm),
  define('Attention', 1, attention),
  define('MultiHeadAttention', 1, multiHead),
  define('RotaryEmbedding', 1, (c) => rotary(c, c.x(0), c.x(2), c.x(3), positionsOf(c))),
  define('Inverse', 1, (c) => inv(c.x(0))),
  quantizedBinary('QLinearAdd', (x, y) => b.add(x, y)),
  quantizedBinary('QLinearMul', (x, y) => b.mul(x, y)),
  quantizedUnary('QLinearSigmoid', (x) => b.un('logistic', x)),
  quantizedUnary('QLinearLeakyRelu', (x, c) => b.call('leaky_relu', [x], { alpha: c.number('alpha', 0.01) })),
  quantizedUnary('QLinearGlobalAveragePool', (x, c) => {
    const space = range(x.rank - 2).map((i) => i + (c.flag('channels_last') ? 1 : 2));
    return b.mean(x, space, true);
  }),
  define('QLinearConcat', 1, quantizedConcat),
  define('DynamicQuantizeMatMul', 1, dynamicQuantizeMatMul),
  define('MatMulIntegerToFloat', 1, (c) =>
    integerToFloat(c, c.x(0), c.x(1), b.mul(c.x(2), c.x(3)), [c.maybe(4), c.maybe(5)], c.maybe(6)),
  ),
  ...quantized.filter((o) => o.op === 'QuantizeLinear' || o.op === 'DequantizeLinear').map((o) => ({ ...o, since: 1 })),
]);

/** Positions of steps: given for each, or the first one's. */
function positionsOf(c: Call): Tensor {
  const [x, given] = [c.x(0), c.x(1)];
  const steps = x.shape[x.rank - 2];
  if (given.rank === 2) return given;
  const first = given.size === 1 ? b.reshape(given, []) : fixed([0], [], 'i32');
  return b.add(b.iota([x.shape[0], steps], 1), first);
}

/** Operators that ONNX Runtime writes into ai.onnx. */
export const fusedNorms: readonly Operator[] = [
  define('SimplifiedLayerNormalization', 1, (c) => {
    const x = c.x(0);
    return rmsNorm(x, c.x(1), c.axis(c.number('axis', -1), x.rank), c.number('epsilon', 1e-5));
  }),
];
