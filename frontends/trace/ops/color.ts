// Colours and edges of images.

import { DTypeError, ShapeError } from '../../../ir/errors.ts';
import { isFloat } from '../../../ir/types.ts';
import type { TensorLike } from '../convert.ts';
import { emitter as b } from '../dispatch.ts';
import type { Tensor } from '../tensor.ts';
import { arg, checkRank, floatArg, need, numberArg, to } from './common.ts';
import { cumsum } from './running.ts';
import { bincount } from './segments.ts';
import { mirrorPad } from './shape.ts';

/** Shares of red, green and blue in the brightness (ITU-R BT.601). */
const luma = [0.2989, 0.587, 0.114];

function lastAxis(t: Tensor, size: number, name: string, op: string): void {
  if (t.rank < 2 || t.shape[t.rank - 1] !== size)
    throw new ShapeError(`the last axis of ${name} must hold ${size} channel(s), got [${t.shape}]`, {
      op,
      fix: 'move the channels to the last axis with tf.transpose',
    });
}

/** Brightness of colours: the last axis (red, green, blue) becomes one channel. Keeps the dtype. */
export function rgbToGrayscale(image: TensorLike): Tensor {
  const op = 'rgbToGrayscale';
  const t = arg(image, 'image', op);
  lastAxis(t, 3, 'image', op);
  const x = isFloat(t.type.dtype) ? t : to(t, 'f32');
  const weights = to(arg(luma, 'weights', op), x.type.dtype);
  return to(b.sum(b.mul(x, b.broadcastTo(weights, x.shape)), [x.rank - 1], true) as Tensor, t.type.dtype);
}

/** The one channel of the last axis three times. */
export function grayscaleToRGB(image: TensorLike): Tensor {
  const op = 'grayscaleToRGB';
  const t = arg(image, 'image', op);
  lastAxis(t, 1, 'image', op);
  return b.broadcastTo(t, [...t.shape.slice(0, -1), 3]) as Tensor;
}

/** Otsu's threshold (1979): the level that separates the grey values 0..255 best; -1 where none does. */
function otsu(histogram: Tensor, total: number): Tensor {
  const levels = b.iota([256], 0, 'f32') as Tensor;
  const weighted = b.mul(histogram, levels) as Tensor;
  const [count, moment] = [cumsum(histogram), cumsum(weighted)];
  const [all, sum] = [b.sum(histogram), b.sum(weighted)];
  const rest = b.sub(all, count);
  const distance = b.sub(b.div(moment, count), b.div(b.sub(sum, moment), rest));
  const between = b.mul(b.mul(b.div(count, total), b.div(rest, total)), b.square(distance));
  // With nothing on one side there is no mean and no separation.
  const both = b.and(b.compare('gt', count, 0), b.compare('gt', rest, 0));
  const score = b.select(both, between, 0);
  const best = b.convert(b.call('arg_max', [score], { axis: 0 }), 'f32');
  return b.select(b.compare('gt', b.reduceMax(score), 0), best, -1) as Tensor;
}

/**
 * An image [height, width, 1 or 3] of values 0..255 in two levels: 255 where it is brighter than the
 * threshold, else 0; int32 [height, width, 1].
 * @param method 'binary' takes `threshValue` * 255, 'otsu' finds the threshold
 * @param inverted 255 for what is not brighter
 */
export function threshold(
  image: TensorLike,
  method: 'binary' | 'otsu' = 'binary',
  inverted = false,
  threshValue = 0.5,
): Tensor {
  const op = 'threshold';
  const t = arg(image, 'image', op);
  checkRank(t, [3], 'image', op);
  if (t.shape[2] !== 1) lastAxis(t, 3, 'image', op);
  if (t.type.dtype !== 'i32' && !isFloat(t.type.dtype))
    throw new DTypeError(`the image must be int32 or float32, got ${t.dtype}`, {
      op,
      fix: "cast it: image.cast('float32')",
    });
  need(method === 'binary' || method === 'otsu', op, "method must be 'binary' or 'otsu'", method);
  numberArg(threshValue, 'threshValue', op);
  const x = isFloat(t.type.dtype) ? t : to(t, 'f32');
  const grey = t.shape[2] === 3 ? rgbToGrayscale(x) : x;
  const level = () => bincount(to(b.un('round', grey) as Tensor, 'i32'), null, 256);
  const limit = method === 'otsu' ? to(otsu(level(), t.shape[0] * t.shape[1]), grey.type.dtype) : threshValue * 255;
  const bright = b.compare(inverted ? 'le' : 'gt', grey, limit);
  return b.mul(b.convert(bright, 'i32'), 255) as Tensor;
}

/**
 * Sobel's gradients of images [N, H, W, C], the border mirrored: [N, H, W, C, 2], along y and along x.
 * Floats. Throws ShapeError for images of less than two rows or columns.
 */
export function sobelEdges(image: TensorLike): Tensor {
  const op = 'sobelEdges';
  const t = floatArg(image, 'image', op);
  checkRank(t, [4], 'image', op);
  const padded = mirrorPad(
    t,
    [
      [0, 0],
      [1, 1],
      [1, 1],
      [0, 0],
    ],
    'reflect',
  ); // rows and columns
  const at = (dy: number, dx: number) => b.slice(padded, [0, dy, dx, 0], t.shape);
  const smooth = (p: (k: number) => ReturnType<typeof at>) => b.add(b.add(p(0), b.mul(p(1), 2)), p(2));
  const dy = b.sub(
    smooth((k) => at(2, k)),
    smooth((k) => at(0, k)),
  );
  const dx = b.sub(
    smooth((k) => at(k, 2)),
    smooth((k) => at(k, 0)),
  );
  const column = (v: typeof dy) => b.reshape(v, [...t.shape, 1]);
  return b.concat([column(dy), column(dx)], 4) as Tensor;
}
