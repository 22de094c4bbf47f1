// Morphological dilation and normalization over neighbouring channels; x [N, H, W, C] or [H, W, C].
// Throw ShapeError for ranks and channels, ArgumentError for settings that do not fit.

import { ShapeError } from '../../../ir/errors.ts';
import { isFloat } from '../../../ir/types.ts';
import type { TensorLike } from '../convert.ts';
import { emitter as b } from '../dispatch.ts';
import type { Tensor } from '../tensor.ts';
import { apply, checkRank, floatArg, need, numberArg, pair } from './common.ts';
import { channelsLast, type Pad, paddingOf, perAxis } from './conv.ts';

/**
 * Greyscale dilation: for each channel the largest of x + filter over the window (Serra 1982), padding
 * left out. filter [kh, kw, C]. The gradient goes to the first largest sum of each window.
 */
export function dilation2d(
  x: TensorLike,
  filter: TensorLike,
  strides: number | readonly number[],
  pad: Pad,
  dilations: number | readonly number[] = 1,
  dataFormat: 'NHWC' = 'NHWC',
): Tensor {
  const op = 'dilation2d';
  const [t, f] = pair(x, filter, op, ['x', 'filter']);
  checkRank(f, [3], 'filter', op);
  need(dataFormat === 'NHWC', op, "dataFormat must be 'NHWC'", dataFormat);
  const { input, back } = channelsLast(t, 2, 'NHWC', 'NCHW', 'NHWC', op);
  const [kh, kw, channels] = f.shape;
  if (channels !== input.shape[3])
    throw new ShapeError(`x [${t.shape}] has ${input.shape[3]} channels, the filter [${f.shape}] ${channels}`, {
      op,
      fix: 'give the filter the channels of x',
    });
  const step = perAxis(strides, 2, 'strides', op);
  const rate = perAxis(dilations, 2, 'dilations', op);
  const reach = [kh, kw].map((k, i) => (k - 1) * rate[i] + 1);
  const space = paddingOf(pad, input.shape.slice(1, 3), reach, step, false, op);
  const lowest = isFloat(t.type.dtype) ? -Infinity : -2147483648;
  const side = (k: 0 | 1) => [0, space[0][k], space[1][k], 0];
  const padded = b.pad(input, side(0), side(1), undefined, lowest);
  const size = [0, 1].map((i) => Math.floor(((padded.type.shape[i + 1] as number) - reach[i]) / step[i]) + 1);
  need(
    size.every((n) => n >= 1) && kh * kw > 0,
    op,
    'the window must fit into the padded image',
    [t.shape, f.shape],
    "dilate less, or pad with 'same'",
  );
  const shape = [input.shape[0], ...size, channels];
  const sum = (dy: number, dx: number) => {
    const part = b.slice(padded, [0, dy * rate[0], dx * rate[1], 0], shape, [1, ...step, 1]);
    const weight = b.reshape(b.slice(f, [dy, dx, 0], [1, 1, channels]), [channels]);
    const shifted = b.add(part, b.broadcast(weight, shape, [3]));
    // Integers have no -Infinity: what is added to padding must not count.
    return isFloat(t.type.dtype) ? shifted : b.select(b.compare('eq', part, lowest), lowest, shifted);
  };
  let best = sum(0, 0);
  for (let k = 1; k < kh * kw; k++) {
    const next = sum(Math.floor(k / kw), k % kw);
    best = b.select(b.compare('gt', next, best), next, best);
  }
  return back(best as Tensor);
}

/**
 * x / (bias + alpha * sum)^beta, the sum being that of the squares of the up to 2 * depthRadius + 1
 * channels around each (Krizhevsky, Sutskever, Hinton 2012).
 */
export function localResponseNormalization(x: TensorLike, depthRadius = 5, bias = 1, alpha = 1, beta = 0.5): Tensor {
  const op = 'localResponseNormalization';
  const t = floatArg(x, 'x', op);
  checkRank(t, [3, 4], 'x', op);
  need(
    Number.isInteger(depthRadius) && depthRadius >= 0 && depthRadius < 2 ** 15,
    op,
    'depthRadius must be a whole number from 0 to 32767',
    depthRadius,
  );
  for (const [name, v] of Object.entries({ bias, alpha, beta })) numberArg(v, name, op);
  const last = t.rank - 1;
  const each = (own: number, other: number) => t.shape.map((_, i) => (i === last ? own : other));
  const sum = apply('reduce_window_sum', [b.square(t) as Tensor], {
    window: each(2 * depthRadius + 1, 1),
    strides: each(1, 1),
    pad: each(depthRadius, 0).map((n) => [n, n]),
  });
  return b.mul(t, b.pow(b.add(b.mul(sum, alpha), bias), -beta)) as Tensor;
}
