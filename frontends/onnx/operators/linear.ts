// Products of matrices, convolutions and what is built of them. ONNX has the channels before space; convolutions here have
// them last, so they stand between two transpositions.

import { type DType, isFloat } from '../../../ir/types.ts';
import { b, product, range } from '../../formats/functions.ts';
import { matMul as matrices } from '../../trace/ops/linalg.ts';
import { det } from '../../trace/ops/matrices.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { type Call, define, type Operator, wide } from '../call.ts';
import { channelsFirst, channelsLast, knownLast } from '../layout.ts';
import { einstein } from './einsum.ts';

/** NumPy's product: vectors are rows or columns, leading axes broadcast. */
export function matMul(x: Tensor, y: Tensor, transposeX = false, transposeY = false): Tensor {
  const left = x.rank === 1 ? b.reshape(x, [1, x.size]) : x;
  const right = y.rank === 1 ? b.reshape(y, [y.size, 1]) : y;
  const z = matrices(left, right, transposeX && x.rank > 1, transposeY && y.rank > 1);
  const shape = z.shape.filter((_, i) => !(x.rank === 1 && i === z.rank - 2) && !(y.rank === 1 && i === z.rank - 1));
  return b.reshape(z, shape);
}
/** The same of integers, exactly: contracted elements are products of int32, which wrap. */
export function integerMatMul(x: Tensor, y: Tensor): Tensor {
  const left = x.rank === 1 ? b.reshape(x, [1, x.size]) : x;
  const right = y.rank === 1 ? b.reshape(y, [y.size, 1]) : y;
  const lead = Math.max(left.rank, right.rank) - 2;
  const [p, q] = [left, right].map((t) => b.reshape(t, [...new Array(lead + 2 - t.rank).fill(1), ...t.shape]));
  const [m, k, n] = [p.shape[lead], p.shape[lead + 1], q.shape[lead + 1]];
  const batch = range(lead).map((i) => Math.max(p.shape[i], q.shape[i]));
  const [s, t] = [b.broadcastTo(p, [...batch, m, k]), b.broadcastTo(q, [...batch, k, n])];
  const axes = range(lead);
  const z = b.dot(s, t, [[lead + 1], [lead]], [axes, axes]);
  const shape = z.shape.filter((_, i) => !(x.rank === 1 && i === lead) && !(y.rank === 1 && i === lead + 1));
  return b.reshape(z, shape);
}

const product2 = (x: Tensor, y: Tensor): Tensor =>
  isFloat(x.type.dtype) ? matMul(x, y) : integerMatMul(wide(x), wide(y));

/** alpha A B + beta C, both perhaps transposed. */
function gemm(c: Call): Tensor {
  const [x, y, z] = [c.x(0), c.x(1), c.maybe(2)];
  const [alpha, beta] = [c.number('alpha', 1), c.number('beta', 1)];
  const xy = b.matMul(x, y, c.flag('transA'), c.flag('transB'));
  const scaled = alpha === 1 ? xy : b.mul(xy, alpha);
  if (!z || beta === 0) return scaled;
  return b.add(scaled, beta === 1 ? z : b.mul(z, beta));
}

/** Per spatial axis: what windows are like. */
export interface Windows {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly pads: readonly (readonly [number, number])[];
}

/** Windows as attributes say, over axes of these sizes. */
export function windowsOf(c: Call, kernel: readonly number[], sizes: readonly number[]): Windows {
  const n = kernel.length;
  const perAxis = (name: string, least: number): number[] => {
    const v = c.ints(name) ?? new Array(n).fill(1);
    if (v.length !== n || v.some((k) => !(k >= least))) throw c.refuse(`${name} [${v}] for ${n} spatial axes`);
    return v;
  };
  if (sizes.length !== n || kernel.some((k) => !(k >= 1))) throw c.refuse(`a kernel of [${kernel}] over [${sizes}]`);
  const strides = perAxis('strides', 1);
  const dilations = perAxis('dilations', 1);
  const auto = c.text('auto_pad', 'NOTSET', ['NOTSET', 'SAME_UPPER', 'SAME_LOWER', 'VALID']);
  const given = c.ints('pads') ?? new Array(2 * n).fill(0);
  if (given.length !== 2 * n) throw c.refuse(`pads [${given}] for ${n} spatial axes`);
  const pads = range(n).map((i): [number, number] => {
    if (auto === 'NOTSET') return [given[i], given[n + i]];
    if (auto === 'VALID') return [0, 0];
    const reach = (kernel[i] - 1) * dilations[i] + 1;
    const total = Math.max(0, (Math.ceil(sizes[i] / strides[i]) - 1) * strides[i] + reach - sizes[i]);
    const less = Math.floor(total / 2);
    return auto === 'SAME_UPPER' ? [less, total - less] : [total - less, less];
  });
  return { kernel, strides, dilations, pads };
}

/** A bias or scale per channel, for values with the channels at axis 1. */
export const perChannel = (t: Tensor, rank: number): Tensor => b.reshape(t, [t.size, ...new Array(rank - 2).fill(1)]);

/** x [N, C, space] with a kernel [M, C / groups, space]; integers as floats that hold them exactly. */
export function convolve(x: Tensor, w: Tensor, at: Windows, groups: number): Tensor {
  const kernel = b.transpose(w, [...range(w.rank - 2).map((i) => i + 2), 1, 0]);
  return channelsFirst(
    b.call('conv', [channelsLast(x), kernel], {
      strides: at.strides,
      pad: at.pads,
      lhs_dilation: at.strides.map(() => 1),
      rhs_dilation: at.dilations,
      groups,
    }),
  );
}

/** The windows and groups of a node's convolution. */
export function convSetting(c: Call, x: Tensor, w: Tensor): { at: Windows; groups: number } {
  const n = w.rank - 2;
  if (n < 1 || n > 3 || x.rank !== w.rank)
    throw c.refuse(`x [${x.shape}] and a kernel [${w.shape}]: 1 to 3 spatial axes are possible`);
  const kernel = c.ints('kernel_shape') ?? w.shape.slice(2);
  if (kernel.some((k, i) => k !== w.shape[i + 2])) throw c.refuse(`kernel_shape [${kernel}] for a kernel [${w.shape}]`);
  return { at: windowsOf(c, kernel, x.shape.slice(2)), groups: c.number('group', 1) };
}

/** A bias per channel added. */
export function biased(x: Tensor, bias: Tensor | undefined): Tensor {
  if (!bias) return x;
  const y = knownLast(x);
  return y ? channelsFirst(b.add(y, b.reshape(bias, [bias.size]))) : b.add(x, perChannel(bias, x.rank));
}

function conv(c: Call): Tensor {
  const [x, w, bias] = [c.x(0), c.x(1), c.maybe(2)];
  const { at, groups } = convSetting(c, x, w);
  const y = convolve(x, w, at, groups);
  return biased(y, bias);
}

/** How much of a transposed convolution's full result is cut at both sides, given the sizes of the result or its pads. */
function transposedPads(c: Call, at: Windows, sizes: readonly number[]): { low: number; high: number }[] {
  const n = sizes.length;
  const extra = c.ints('output_padding') ?? new Array(n).fill(0);
  const want = c.ints('output_shape');
  const auto = c.text('auto_pad', 'NOTSET', ['NOTSET', 'SAME_UPPER', 'SAME_LOWER', 'VALID']);
  const same = auto === 'SAME_UPPER' || auto === 'SAME_LOWER';
  if (extra.length !== n || (want && want.length < n))
    throw c.refuse(`output_padding [${extra}] or output_shape [${want}]`);
  const given = c.ints('pads') ?? new Array(2 * n).fill(0);
  return sizes.map((d, i) => {
    const reach = (at.kernel[i] - 1) * at.dilations[i] + 1;
    const full = at.strides[i] * (d - 1) + extra[i] + reach;
    const size = want ? want[want.length - n + i] : same ? d * at.strides[i] : undefined;
    if (size === undefined)
      return auto === 'VALID' ? { low: 0, high: -extra[i] } : { low: given[i], high: given[n + i] - extra[i] };
    const total = full - size;
    const half = Math.floor(total / 2);
    const low = auto === 'SAME_UPPER' ? half : total - half;
    return { low, high: total - low - extra[i] };
  });
}

/** The gradient of a convolution: x [N, C, space], kernel [C, M / groups, space]. */
function convTranspose(c: Call): Tensor {
  const [x, w, bias] = [c.x(0), c.x(1), c.maybe(2)];
  const n = w.rank - 2;
  if (n < 1 || n > 3 || x.rank !== w.rank)
    throw c.refuse(`x [${x.shape}] and a kernel [${w.shape}]: 1 to 3 spatial axes are possible`);
  const groups = c.number('group', 1);
  const at = windowsOf(c, w.shape.slice(2), x.shape.slice(2));
  const cut = transposedPads(c, at, x.shape.slice(2));
  const [channels, each] = w.shape;
  if (!(groups >= 1) || channels % groups) throw c.refuse(`${groups} groups of ${channels} channels`);
  const space = w.shape.slice(2);
  // [groups, C / groups, M / groups, space], reversed in space, as [space, C / groups, M].
  const split = b.reshape(w, [groups, channels / groups, each, ...space]);
  const axes = range(n).map((i) => i + 3);
  const kernel = b.reshape(b.transpose(b.reverse(split, axes), [...axes, 1, 0, 2]), [
    ...space,
    channels / groups,
    groups * each,
  ]);
  const y = b.call('conv', [channelsLast(x), kernel], {
    strides: space.map(() => 1),
    pad: cut.map(({ low, high }, i) => [0, 0].map((_, side) => (space[i] - 1) * at.dilations[i] - (side ? high : low))),
    lhs_dilation: at.strides,
    rhs_dilation: at.dilations,
    groups,
  });
  return biased(channelsFirst(y), bias);
}

/** Blocks of an image that columns hold, added where they overlap: the inverse of im2col. */
function col2Im(c: Call): Tensor {
  const x = c.x(0);
  const image = c.known(1, "the image's size");
  const block = c.known(2, "the blocks' size");
  const n = image.length;
  const at = windowsOf(c, block, image);
  const channels = x.shape[1] / product(block);
  const steps = image.map(
    (d, i) =>
      Math.floor((d + at.pads[i][0] + at.pads[i][1] - (block[i] - 1) * at.dilations[i] - 1) / at.strides[i]) + 1,
  );
  if (x.rank !== 3 || !Number.isInteger(channels) || product(steps) !== x.shape[2])
    throw c.refuse(`columns [${x.shape}] for an image [${image}] of blocks [${block}]`);
  const batch = x.shape[0];
  const all = [batch, channels, ...block, ...steps, 1];
  const place = range(n).map((i) => {
    const tap = b.mul(b.iota(all, 2 + i), at.dilations[i]);
    return b.sub(b.add(b.mul(b.iota(all, 2 + n + i), at.strides[i]), tap), at.pads[i][0]);
  });
  const rows = b.concat([b.iota(all, 0), b.iota(all, 1), ...place], all.length - 1);
  const zeros = b.splat({ dtype: x.type.dtype, shape: [batch, channels, ...image] }, 0);
  return b.call('scatter_add', [zeros, rows, b.reshape(x, all.slice(0, -1))]);
}

function determinant(c: Call): Tensor {
  return det(c.x(0));
}

/** Ones on a diagonal of a matrix of some size. */
export function eyeLike(c: Call, dtype: DType): Tensor {
  const { shape } = c.x(0);
  if (shape.length !== 2) throw c.refuse(`[${shape}] is no matrix`);
  const on = b.compare('eq', b.sub(b.iota(shape, 1), b.iota(shape, 0)), c.number('k', 0));
  return b.convert(on, dtype);
}

export const linear: readonly Operator[] = [
  define('MatMul', 1, (c) => product2(c.x(0), c.x(1))),
  define('Gemm', 7, gemm),
  define('Conv', 1, conv),
  define('ConvTranspose', 1, convTranspose),
  define('Col2Im', 18, col2Im, { fixed: [1, 2] }),
  define('Einsum', 12, einstein),
  define('Det', 11, determinant),
];
