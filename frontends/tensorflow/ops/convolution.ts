// Convolutions and pooling. Attributes are per axis of the operand, in the order of `data_format`.

import { FormatError, ShapeError, valueText } from '../../../ir/errors.ts';
import { emitter as b } from '../../trace/dispatch.ts';
import { apply } from '../../trace/ops/common.ts';
import { conv1d, conv2d, conv3d, depthwiseConv2d, paddingOf } from '../../trace/ops/conv.ts';
import { dilation2d } from '../../trace/ops/filters.ts';
import * as pools from '../../trace/ops/pool.ts';
import { reshape, transpose } from '../../trace/ops/shape.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { type Call, type Operators, op } from '../call.ts';
import { finished } from './fused.ts';

/** Padding as the functions of `tf` take it. */
export type PadOf = 'same' | 'valid' | readonly (readonly number[])[];

/** What convolutions and pools have in common. */
interface Window {
  readonly strides: number[];
  readonly dilations: number[];
  /** Pairs are per spatial axis. */
  readonly pad: PadOf;
  /** Whether channels stand behind the batch. */
  readonly first: boolean;
}

/** The numbers of the spatial axes; those of batch and channels must be 1. */
function spatial(list: readonly number[], n: number, first: boolean, name: string): number[] {
  if (list.length !== n + 2)
    throw new FormatError(`the attribute '${name}' must have ${n + 2} numbers, got ${valueText(list)}`, {
      fix: 'the graph is damaged',
    });
  const [outer, inner] = first ? [list.slice(0, 2), list.slice(2)] : [[list[0], list[n + 1]], list.slice(1, n + 1)];
  if (outer.some((k) => k !== 1))
    throw new FormatError(`${name} of ${valueText(list)} over batch or channels is not supported`, {
      fix: 'move that axis first',
    });
  return inner;
}

/** The padding of the attributes; pairs per spatial axis where it is explicit. */
export function padOf(c: Call, n: number, first: boolean): PadOf {
  const padding = c.attrs.text('padding', 'VALID').toUpperCase();
  if (padding === 'SAME') return 'same';
  if (padding === 'VALID') return 'valid';
  const list = c.attrs.ints('explicit_paddings', c.attrs.ints('explicitPaddings', []));
  if (padding !== 'EXPLICIT' || list.length !== 2 * (n + 2))
    throw new FormatError(`padding ${valueText(padding)} with explicit_paddings ${valueText(list)}`, {
      fix: 'the graph is damaged',
    });
  const pairs = Array.from({ length: n + 2 }, (_, i) => [list[2 * i], list[2 * i + 1]]);
  return first ? pairs.slice(2) : pairs.slice(1, n + 1);
}

function windowOf(c: Call, n: number): Window {
  const first = c.attrs.text('data_format', '').toUpperCase().startsWith('NC');
  const ones = new Array<number>(n + 2).fill(1);
  const per = (name: string, list: readonly number[]) => spatial(list, n, first, name);
  return {
    first,
    strides: per('strides', c.attrs.ints('strides', ones)),
    dilations: per('dilations', c.attrs.has('dilations') ? c.attrs.ints('dilations') : c.attrs.ints('rates', ones)),
    pad: padOf(c, n, first),
  };
}

/** Calls `f` with channels last, whatever the operand's order is. */
export function channelsLast(x: Tensor, first: boolean, f: (x: Tensor) => Tensor): Tensor {
  if (!first) return f(x);
  const space = Array.from({ length: x.rank - 2 }, (_, i) => i + 1);
  const y = f(transpose(x, [0, ...space.map((i) => i + 1), 1]));
  return transpose(y, [0, x.rank - 1, ...space]);
}

/** A convolution over two axes, depthwise or not. */
export function convolved(c: Call, depthwise: boolean): Tensor {
  const w = windowOf(c, 2);
  return (depthwise ? depthwiseConv2d : conv2d)(
    c.x(0),
    c.x(1),
    w.strides,
    w.pad,
    w.first ? 'NCHW' : 'NHWC',
    w.dilations,
  );
}

/** The gradient of a convolution by its input, which has the shape `size`: its kernel turned over, on spread elements. */
function inputGradient(c: Call, n: number, depthwise: boolean): Tensor {
  const w = windowOf(c, n);
  const given = c.shape(0);
  const dy = c.x(2);
  // Only the spatial sizes, in newer graphs.
  const full = given.length === n ? (w.first ? [dy.shape[0], 0, ...given] : [dy.shape[0], ...given, 0]) : given;
  const size = w.first ? full.slice(2) : full.slice(1, n + 1);
  return channelsLast(dy, w.first, (y) => gradientByInput(y, c.x(1), size, full[w.first ? 1 : n + 1], w, n, depthwise));
}

function gradientByInput(
  y: Tensor,
  filter: Tensor,
  size: readonly number[],
  channels: number,
  w: Window,
  n: number,
  depthwise: boolean,
): Tensor {
  const window = filter.shape.slice(0, n);
  const [own, out] = depthwise ? [1, filter.shape[n] * filter.shape[n + 1]] : filter.shape.slice(n);
  const groups = depthwise ? filter.shape[n] : (channels || own) / own;
  const reach = window.map((k, i) => (k - 1) * w.dilations[i] + 1);
  const forward = paddingOf(w.pad, size, reach, w.strides, false, c2);
  const fits = size.every(
    (d, i) => Math.floor((d + forward[i][0] + forward[i][1] - reach[i]) / w.strides[i]) + 1 === y.shape[i + 1],
  );
  if (!fits || y.shape[n + 1] !== out || !Number.isInteger(groups))
    throw new ShapeError(`a convolution of [${size}] by the filter [${filter.shape}] does not give [${y.shape}]`, {
      fix: 'the graph is damaged',
    });
  const axes = window.map((_, i) => i);
  const apart = b.reshape(b.reverse(filter, axes), [...window, own, groups, out / groups]);
  const turned = b.transpose(apart, [...axes, n + 2, n + 1, n]);
  const kernel = b.reshape(turned, [...window, out / groups, groups * own]) as Tensor;
  const pad = axes.map((i) => {
    const low = reach[i] - 1 - forward[i][0];
    return [low, size[i] + reach[i] - 1 - low - ((y.shape[i + 1] - 1) * w.strides[i] + 1)];
  });
  const ones = axes.map(() => 1);
  return apply('conv', [y, kernel], { strides: ones, pad, lhs_dilation: w.strides, rhs_dilation: w.dilations, groups });
}
const c2 = 'ConvBackpropInput';

type Pool = (x: Tensor, size: number[], strides: number[], pad: PadOf) => Tensor;

/** A pool over `n` axes; sizes are attributes, or operands in the second version. */
function pooled(c: Call, n: number, f: Pool, operands = false): Tensor {
  const first = c.attrs.text('data_format', '').toUpperCase().startsWith('NC');
  const size = spatial(operands ? c.numbers(1, 'the window') : c.attrs.ints('ksize'), n, first, 'ksize');
  const strides = spatial(operands ? c.numbers(2, 'the strides') : c.attrs.ints('strides'), n, first, 'strides');
  return channelsLast(c.x(0), first, (x) => f(x, size, strides, padOf(c, n, first)));
}

function conv1(c: Call): Tensor {
  const { attrs } = c;
  const format = attrs.text('data_format', 'NWC').toUpperCase() === 'NCW' ? 'NCW' : 'NWC';
  return conv1d(c.x(0), c.x(1), attrs.int('stride', 1), padOf(c, 1, false), format, attrs.int('dilation', 1));
}
function conv3(c: Call): Tensor {
  const w = windowOf(c, 3);
  return conv3d(c.x(0), c.x(1), w.strides, w.pad, w.first ? 'NCDHW' : 'NDHWC', w.dilations);
}

function maxWithPlaces(c: Call): Tensor[] {
  const [size, strides] = [
    spatial(c.attrs.ints('ksize'), 2, false, 'ksize'),
    spatial(c.attrs.ints('strides'), 2, false, 'strides'),
  ];
  const all = c.attrs.bool('include_batch_in_index');
  const { result, indexes } = pools.maxPoolWithArgmax(c.x(0), size, strides, padOf(c, 2, false), all);
  return [result, indexes];
}

function dilated(c: Call): Tensor {
  const w = windowOf(c, 2);
  return dilation2d(c.x(0), c.x(1), w.strides, w.pad, w.dilations);
}
/** The smallest of x - filter: the dilation of -x by the filter turned over, with the sign changed. */
function eroded(c: Call): Tensor {
  const w = windowOf(c, 2);
  return b.neg(
    dilation2d(b.neg(c.x(0)) as Tensor, b.reverse(c.x(1), [0, 1]) as Tensor, w.strides, w.pad, w.dilations),
  ) as Tensor;
}

/** Rows of patches side by side in the channels. */
function patches(c: Call): Tensor {
  const per = (name: string) => spatial(c.attrs.ints(name), 2, false, name);
  const [size, strides, rates] = [per('ksizes'), per('strides'), per('rates')];
  const x = c.x(0);
  const reach = size.map((k, i) => (k - 1) * rates[i] + 1);
  const pad = paddingOf(padOf(c, 2, false), x.shape.slice(1, 3), reach, strides, false, 'ExtractImagePatches');
  const padded = b.pad(x, [0, pad[0][0], pad[1][0], 0], [0, pad[0][1], pad[1][1], 0]) as Tensor;
  const count = reach.map((r, i) => Math.floor((padded.shape[i + 1] - r) / strides[i]) + 1);
  const [n, channels] = [x.shape[0], x.shape[3]];
  const parts = Array.from({ length: size[0] * size[1] }, (_, k) => {
    const [dy, dx] = [Math.floor(k / size[1]) * rates[0], (k % size[1]) * rates[1]];
    return b.slice(padded, [0, dy, dx, 0], [n, ...count, channels], [1, ...strides, 1]);
  });
  return reshape(b.concat(parts, 3) as Tensor, [n, ...count, size[0] * size[1] * channels]);
}

/** Convolutions and pools by name. */
export const convolution: Operators = {
  Conv1D: op(conv1),
  Conv2D: op((c) => convolved(c, false)),
  Conv3D: op(conv3),
  DepthwiseConv2d: op((c) => convolved(c, true)),
  DepthwiseConv2dNative: op((c) => convolved(c, true)),
  _FusedConv2D: op((c) => finished(c, convolved(c, false))),
  FusedDepthwiseConv2dNative: op((c) => finished(c, convolved(c, true))),
  _FusedDepthwiseConv2dNative: op((c) => finished(c, convolved(c, true))),
  Conv2DBackpropInput: op((c) => inputGradient(c, 2, false)),
  Conv3DBackpropInput: op((c) => inputGradient(c, 3, false)),
  Conv3DBackpropInputV2: op((c) => inputGradient(c, 3, false)),
  DepthwiseConv2dNativeBackpropInput: op((c) => inputGradient(c, 2, true)),
  AvgPool: op((c) => pooled(c, 2, pools.avgPool)),
  MaxPool: op((c) => pooled(c, 2, pools.maxPool)),
  MaxPoolV2: op((c) => pooled(c, 2, pools.maxPool, true)),
  AvgPool3D: op((c) => pooled(c, 3, pools.avgPool3d)),
  MaxPool3D: op((c) => pooled(c, 3, pools.maxPool3d)),
  MaxPoolWithArgmax: op(maxWithPlaces, { results: ['output', 'argmax'] }),
  Dilation2D: op(dilated),
  Erosion2D: op(eroded),
  ExtractImagePatches: op(patches),
};
