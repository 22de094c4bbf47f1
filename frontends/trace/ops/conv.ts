// Convolutions. Activations are [batch, spatial..., channels] ('NHWC' and kin) or, transposed on the
// way in and out, [batch, channels, spatial...]; the batch axis may be missing. `pad` is 'same',
// 'valid', a number for all sides, or a pair [before, after] per axis of x.
// All throw ShapeError for ranks or channels that do not fit, ArgumentError for other settings.

import { ShapeError } from '../../../ir/errors.ts';
import { checkShape, type TensorLike } from '../convert.ts';
import { emitter as b } from '../dispatch.ts';
import type { Tensor } from '../tensor.ts';
import { apply, checkRank, floatArg, need, pair } from './common.ts';

export type Pad = 'same' | 'valid' | number | readonly (readonly number[])[];
export type DataFormat = 'NHWC' | 'NCHW';
/** What becomes of the last window where the strides do not reach the end; needs a `pad` in numbers. */
export type Rounding = 'floor' | 'round' | 'ceil';

/** One whole number per spatial axis. */
export function perAxis(x: number | readonly number[], n: number, name: string, op: string): number[] {
  const v = Array.isArray(x) ? (x as readonly number[]).slice() : new Array<number>(n).fill(x as number);
  const ok = v.length === n && v.every((k) => Number.isInteger(k) && k >= 1 && k < 2 ** 31);
  need(ok, op, `${name} must be a positive whole number, or ${n} of them`, x);
  return v;
}

function givenPadding(
  pad: Pad,
  size: readonly number[],
  window: readonly number[],
  strides: readonly number[],
  channelsFirst: boolean,
  op: string,
): number[][] {
  if (pad === 'valid') return size.map(() => [0, 0]);
  if (pad === 'same')
    return size.map((d, i) => {
      // As TensorFlow: ceil(d / stride) windows, the odd element of padding at the end.
      const total = Math.max(0, (Math.ceil(d / strides[i]) - 1) * strides[i] + window[i] - d);
      return [total >> 1, total - (total >> 1)];
    });
  if (typeof pad === 'number') {
    need(Number.isInteger(pad) && pad >= 0, op, 'pad must be a whole number from 0 on', pad);
    return size.map(() => [pad, pad]);
  }
  const n = size.length;
  const ok =
    Array.isArray(pad) &&
    (pad.length === n || pad.length === n + 2) &&
    pad.every((p) => Array.isArray(p) && p.length === 2 && p.every((k) => Number.isInteger(k) && k >= 0));
  need(ok, op, "pad must be 'same', 'valid', a number, or pairs [before, after] per axis", pad);
  const pairs = pad.length === n ? pad : channelsFirst ? pad.slice(2) : pad.slice(1, -1);
  return pairs.map((p) => [...p]);
}

/** Padding of each spatial axis for windows of these sizes. Rounding up is more padding behind. */
export function paddingOf(
  pad: Pad,
  size: readonly number[],
  window: readonly number[],
  strides: readonly number[],
  channelsFirst: boolean,
  op: string,
  rounding?: Rounding,
): number[][] {
  const pairs = givenPadding(pad, size, window, strides, channelsFirst, op);
  if (rounding === undefined || rounding === null) return pairs;
  need(
    ['floor', 'round', 'ceil'].includes(rounding),
    op,
    "dimRoundingMode must be 'floor', 'round' or 'ceil'",
    rounding,
  );
  need(typeof pad !== 'string', op, 'dimRoundingMode goes with a pad in numbers', pad);
  return pairs.map(([low, high], i) => {
    const steps = (size[i] + low + high - window[i]) / strides[i];
    const missing = Math[rounding](steps) * strides[i] + window[i] - (size[i] + low + high);
    return [low, high + (steps < 0 ? 0 : Math.max(0, missing))];
  });
}

/** Moves the channels to the end and adds a missing batch axis; `back` undoes both. */
export function channelsLast(x: Tensor, n: number, dataFormat: string, first: string, last: string, op: string) {
  need(dataFormat === first || dataFormat === last, op, `dataFormat must be '${last}' or '${first}'`, dataFormat);
  checkRank(x, [n + 1, n + 2], 'x', op);
  const alone = x.rank === n + 1;
  const isFirst = dataFormat === first;
  const batched = alone ? (b.reshape(x, [1, ...x.shape]) as Tensor) : x;
  const space = Array.from({ length: n }, (_, i) => i + 1);
  const input = isFirst ? (b.transpose(batched, [0, ...space.map((i) => i + 1), 1]) as Tensor) : batched;
  const back = (y: Tensor): Tensor => {
    const z = isFirst ? (b.transpose(y, [0, n + 1, ...space]) as Tensor) : y;
    return alone ? (b.reshape(z, z.shape.slice(1)) as Tensor) : z;
  };
  return { input, back, isFirst };
}

interface Conv {
  op: string;
  n: number;
  strides: number | readonly number[];
  pad: Pad;
  dilations: number | readonly number[];
  dataFormat: string;
  formats: readonly [string, string];
  rounding?: Rounding;
  depthwise?: boolean;
}

function conv(x: TensorLike, filter: TensorLike, c: Conv): Tensor {
  const { op, n } = c;
  const [t, w] = pair(floatArg(x, 'x', op), floatArg(filter, 'filter', op), op, ['x', 'filter']);
  checkRank(w, [n + 2], 'filter', op);
  const { input, back, isFirst } = channelsLast(t, n, c.dataFormat, c.formats[0], c.formats[1], op);
  const strides = perAxis(c.strides, n, 'strides', op);
  const dilations = perAxis(c.dilations, n, 'dilations', op);
  const channels = input.shape[n + 1];
  // A filter of fewer channels makes groups of channels that do not see each other, as in TensorFlow.
  const groups = c.depthwise ? channels : channels / w.shape[n];
  if (c.depthwise ? w.shape[n] !== channels : !Number.isInteger(groups) || w.shape[n + 1] % groups)
    throw new ShapeError(
      `the input has ${channels} channels (x [${t.shape}], ${c.dataFormat}), the filter [${w.shape}] takes ${w.shape[n]}`,
      {
        op,
        fix: 'check dataFormat and the filter: [spatial..., channels in, channels out]',
      },
    );
  const size = w.shape.slice(0, n);
  const reach = size.map((k, i) => (k - 1) * dilations[i] + 1);
  const pad = paddingOf(c.pad, input.shape.slice(1, n + 1), reach, strides, isFirst, op, c.rounding);
  // A depthwise filter [spatial..., C, m] is a convolution in C groups of one channel in, m out.
  const kernel = c.depthwise ? (b.reshape(w, [...size, 1, channels * w.shape[n + 1]]) as Tensor) : w;
  const attrs = {
    strides,
    pad,
    lhs_dilation: size.map(() => 1),
    rhs_dilation: dilations,
    groups,
  };
  return back(apply('conv', [input, kernel], attrs));
}

/** Convolution over one axis: x [N, W, C], filter [k, C, out]. */
export function conv1d(
  x: TensorLike,
  filter: TensorLike,
  stride: number,
  pad: Pad,
  dataFormat: 'NWC' | 'NCW' = 'NWC',
  dilation = 1,
  dimRoundingMode?: Rounding,
): Tensor {
  return conv(x, filter, {
    op: 'conv1d',
    n: 1,
    strides: stride,
    pad,
    dilations: dilation,
    dataFormat,
    formats: ['NCW', 'NWC'],
    rounding: dimRoundingMode,
  });
}

/** Convolution over two axes: x [N, H, W, C], filter [kh, kw, C, out]. */
export function conv2d(
  x: TensorLike,
  filter: TensorLike,
  strides: number | readonly number[],
  pad: Pad,
  dataFormat: DataFormat = 'NHWC',
  dilations: number | readonly number[] = 1,
  dimRoundingMode?: Rounding,
): Tensor {
  return conv(x, filter, {
    op: 'conv2d',
    n: 2,
    strides,
    pad,
    dilations,
    dataFormat,
    formats: ['NCHW', 'NHWC'],
    rounding: dimRoundingMode,
  });
}

/** Convolution over three axes: x [N, D, H, W, C], filter [kd, kh, kw, C, out]. */
export function conv3d(
  x: TensorLike,
  filter: TensorLike,
  strides: number | readonly number[],
  pad: Pad,
  dataFormat: 'NDHWC' | 'NCDHW' = 'NDHWC',
  dilations: number | readonly number[] = 1,
): Tensor {
  return conv(x, filter, { op: 'conv3d', n: 3, strides, pad, dilations, dataFormat, formats: ['NCDHW', 'NDHWC'] });
}

/** Each channel convolved by itself: filter [kh, kw, C, m], result channels C * m. */
export function depthwiseConv2d(
  x: TensorLike,
  filter: TensorLike,
  strides: number | readonly number[],
  pad: Pad,
  dataFormat: DataFormat = 'NHWC',
  dilations: number | readonly number[] = 1,
  dimRoundingMode?: Rounding,
): Tensor {
  return conv(x, filter, {
    op: 'depthwiseConv2d',
    n: 2,
    strides,
    pad,
    dilations,
    dataFormat,
    formats: ['NCHW', 'NHWC'],
    rounding: dimRoundingMode,
    depthwise: true,
  });
}

/** A depthwise convolution and then a 1 x 1 convolution: pointwiseFilter [1, 1, C * m, out]. */
export function separableConv2d(
  x: TensorLike,
  depthwiseFilter: TensorLike,
  pointwiseFilter: TensorLike,
  strides: number | readonly number[],
  pad: Pad,
  dilation: number | readonly number[] = 1,
  dataFormat: DataFormat = 'NHWC',
): Tensor {
  const p = floatArg(pointwiseFilter, 'pointwiseFilter', 'separableConv2d');
  checkRank(p, [4], 'pointwiseFilter', 'separableConv2d');
  if (p.shape[0] !== 1 || p.shape[1] !== 1)
    throw new ShapeError(`the pointwise filter must be [1, 1, in, out], got [${p.shape}]`, {
      op: 'separableConv2d',
      fix: 'give it two axes of size 1 in front',
    });
  return conv2d(depthwiseConv2d(x, depthwiseFilter, strides, pad, dataFormat, dilation), p, 1, 'valid', dataFormat);
}

/** What the transposed convolutions differ in. */
interface Transposed {
  op: string;
  n: number;
  outputShape: readonly number[];
  strides: number | readonly number[];
  pad: Pad;
  rounding?: Rounding;
}

function convTranspose(x: TensorLike, filter: TensorLike, c: Transposed): Tensor {
  const { op, n, outputShape } = c;
  const [t, w] = pair(floatArg(x, 'x', op), floatArg(filter, 'filter', op), op, ['x', 'filter']);
  checkRank(w, [n + 2], 'filter', op);
  const { input, back } = channelsLast(t, n, 'last', 'first', 'last', op);
  checkShape(outputShape, op);
  const want = outputShape.length === n + 1 ? [1, ...outputShape] : [...outputShape];
  need(want.length === n + 2 && outputShape.length === t.rank, op, 'outputShape must have the rank of x', outputShape);
  const s = perAxis(c.strides, n, 'strides', op);
  const size = w.shape.slice(0, n);
  const axes = size.map((_, i) => i);
  const forward = paddingOf(c.pad, want.slice(1, n + 1), size, s, false, op, c.rounding);
  const fits = axes.every(
    (i) => Math.floor((want[i + 1] + forward[i][0] + forward[i][1] - size[i]) / s[i]) + 1 === input.shape[i + 1],
  );
  if (!fits || want[0] !== input.shape[0] || want[n + 1] !== w.shape[n] || input.shape[n + 1] !== w.shape[n + 1])
    throw new ShapeError(
      `x [${t.shape}] and filter [${w.shape}] (spatial..., out, in) do not give [${outputShape}] with strides [${s}]`,
      {
        op,
        fix: 'a convolution of outputShape must give the shape of x',
      },
    );
  const kernel = b.transpose(b.reverse(w, axes), [...axes, n + 1, n]) as Tensor;
  // Strides become gaps in the input; padding is what is left to reach the wanted size.
  const pad = axes.map((i) => {
    const low = size[i] - 1 - forward[i][0];
    return [low, want[i + 1] + size[i] - 1 - low - ((input.shape[i + 1] - 1) * s[i] + 1)];
  });
  const ones = axes.map(() => 1);
  return back(apply('conv', [input, kernel], { strides: ones, pad, lhs_dilation: s, rhs_dilation: ones, groups: 1 }));
}

/**
 * Transposed convolution, the gradient of `conv2d` by its input: filter [kh, kw, out, in], and the
 * shape of the result, [N, H, W, out] (or without N, as x).
 */
export const conv2dTranspose = (
  x: TensorLike,
  filter: TensorLike,
  outputShape: readonly number[],
  strides: number | readonly number[],
  pad: Pad,
  dimRoundingMode?: Rounding,
): Tensor =>
  convTranspose(x, filter, { op: 'conv2dTranspose', n: 2, outputShape, strides, pad, rounding: dimRoundingMode });

/** `conv2dTranspose` over three axes: filter [kd, kh, kw, out, in], outputShape [N, D, H, W, out]. */
export const conv3dTranspose = (
  x: TensorLike,
  filter: TensorLike,
  outputShape: readonly number[],
  strides: number | readonly number[],
  pad: Pad,
): Tensor => convTranspose(x, filter, { op: 'conv3dTranspose', n: 3, outputShape, strides, pad });
