// Images cropped, padded, mirrored and turned: [height, width, channels] or [batch, height, width, channels], any
// dtype. Random ones draw anew in each call of a traced function, unless a seed says what.
// Throw ShapeError for another rank, ArgumentError for sizes that do not fit.

import { ShapeError } from '../../ir/errors.ts';
import type { TensorLike } from '../trace/convert.ts';
import { range } from '../trace/creation.ts';
import { emitter as b } from '../trace/dispatch.ts';
import { add, less, mul, where } from '../trace/ops/binary.ts';
import { arg, checkRank, need, to, wholesArg } from '../trace/ops/common.ts';
import { gather } from '../trace/ops/indexing.ts';
import { type ResizeOptions, resize } from '../trace/ops/resize.ts';
import { floor } from '../trace/ops/unary.ts';
import { randomUniform } from '../trace/random.ts';
import type { Tensor } from '../trace/tensor.ts';

type Seed = number | string;

/** An image or a batch of them. */
export function imageArg(x: TensorLike, op: string): Tensor {
  const t = arg(x, 'image', op);
  checkRank(t, [3, 4], 'image', op);
  return t;
}

/** Height and width. */
const sides = (t: Tensor): [number, number] => t.shape.slice(-3, -1) as [number, number];
/** The number of the axis of rows. */
const rowAxis = (t: Tensor): number => t.rank - 3;

function wholes(args: Readonly<Record<string, unknown>>, least: number, op: string): void {
  for (const [name, x] of Object.entries(args))
    need(Number.isInteger(x) && (x as number) >= least, op, `${name} must be a whole number from ${least} on`, x);
}

/** The part of an image that begins `top` rows down and `left` columns in. */
function cut(t: Tensor, top: number, left: number, height: number, width: number): Tensor {
  const first = t.rank === 4 ? [0] : [];
  const size = t.rank === 4 ? [t.shape[0]] : [];
  return b.slice(t, [...first, top, left, 0], [...size, height, width, t.shape[t.rank - 1]]) as Tensor;
}

/** The rectangle of `targetHeight` by `targetWidth` pixels at (offsetHeight, offsetWidth). */
export function cropToBoundingBox(
  image: TensorLike,
  offsetHeight: number,
  offsetWidth: number,
  targetHeight: number,
  targetWidth: number,
): Tensor {
  const op = 'image.cropToBoundingBox';
  const t = imageArg(image, op);
  const [h, w] = sides(t);
  wholes({ offsetHeight, offsetWidth }, 0, op);
  wholes({ targetHeight, targetWidth }, 1, op);
  if (offsetHeight + targetHeight > h || offsetWidth + targetWidth > w)
    throw new ShapeError(
      `the rectangle of ${targetHeight}x${targetWidth} at (${offsetHeight}, ${offsetWidth}) is not inside of ${h}x${w} pixels`,
      { op, fix: 'use a smaller rectangle, or pad the image first' },
    );
  return cut(t, offsetHeight, offsetWidth, targetHeight, targetWidth);
}

/** Zeros around the image, which begins at (offsetHeight, offsetWidth) of `targetHeight` by `targetWidth` pixels. */
export function padToBoundingBox(
  image: TensorLike,
  offsetHeight: number,
  offsetWidth: number,
  targetHeight: number,
  targetWidth: number,
): Tensor {
  const op = 'image.padToBoundingBox';
  const t = imageArg(image, op);
  const [h, w] = sides(t);
  wholes({ offsetHeight, offsetWidth }, 0, op);
  wholes({ targetHeight, targetWidth }, 1, op);
  const [below, right] = [targetHeight - offsetHeight - h, targetWidth - offsetWidth - w];
  if (below < 0 || right < 0)
    throw new ShapeError(
      `an image of ${h}x${w} at (${offsetHeight}, ${offsetWidth}) is larger than ${targetHeight}x${targetWidth} pixels`,
      { op, fix: 'use a larger target, or crop the image first' },
    );
  const none = t.rank === 4 ? [0] : [];
  return b.pad(t, [...none, offsetHeight, offsetWidth, 0], [...none, below, right, 0]) as Tensor;
}

/** The middle part of an image: that share of its height and width. */
export function centralCrop(image: TensorLike, centralFraction: number): Tensor {
  const op = 'image.centralCrop';
  const t = imageArg(image, op);
  need(
    typeof centralFraction === 'number' && centralFraction > 0 && centralFraction <= 1,
    op,
    'centralFraction must be a number above 0 and up to 1',
    centralFraction,
  );
  const [h, w] = sides(t);
  const [top, left] = [h, w].map((n) => Math.trunc((n - n * centralFraction) / 2));
  return cut(t, top, left, h - 2 * top, w - 2 * left);
}

/** The middle of an image cropped, or zeros put around it, up to a size. */
export function resizeWithCropOrPad(image: TensorLike, targetHeight: number, targetWidth: number): Tensor {
  const op = 'image.resizeWithCropOrPad';
  const t = imageArg(image, op);
  wholes({ targetHeight, targetWidth }, 1, op);
  const [h, w] = sides(t);
  const [less, more] = [
    (n: number, to: number) => Math.max(0, (n - to) >> 1),
    (n: number, to: number) => Math.max(0, (to - n) >> 1),
  ];
  const inside = cut(
    t,
    less(h, targetHeight),
    less(w, targetWidth),
    Math.min(h, targetHeight),
    Math.min(w, targetWidth),
  );
  return padToBoundingBox(inside, more(h, targetHeight), more(w, targetWidth), targetHeight, targetWidth);
}

/** The whole image resized into a size, its ratio kept, with zeros around it. Options as `tf.image.resize`. */
export function resizeWithPad(
  image: TensorLike,
  targetHeight: number,
  targetWidth: number,
  options: Omit<ResizeOptions, 'preserveAspectRatio'> = {},
): Tensor {
  const op = 'image.resizeWithPad';
  const t = imageArg(image, op);
  wholes({ targetHeight, targetWidth }, 1, op);
  const [h, w] = sides(t);
  const scale = Math.max(h / targetHeight, w / targetWidth);
  const [height, width] = [Math.max(1, Math.floor(h / scale)), Math.max(1, Math.floor(w / scale))];
  const top = Math.floor((targetHeight - height) / 2);
  return padToBoundingBox(
    resize(t, [height, width], options),
    top,
    Math.floor((targetWidth - width) / 2),
    targetHeight,
    targetWidth,
  );
}

/** Upside down. */
export function flipUpDown(image: TensorLike): Tensor {
  const t = imageArg(image, 'image.flipUpDown');
  return b.reverse(t, [rowAxis(t)]) as Tensor;
}

/** Rows become columns. */
export function transpose(image: TensorLike): Tensor {
  const t = imageArg(image, 'image.transpose');
  return b.transpose(t, t.rank === 3 ? [1, 0, 2] : [0, 2, 1, 3]) as Tensor;
}

/** Turned by `k` quarters against the clock. */
export function rot90(image: TensorLike, k = 1): Tensor {
  const t = imageArg(image, 'image.rot90');
  need(Number.isInteger(k), 'image.rot90', 'k must be a whole number', k);
  const turns = ((k % 4) + 4) % 4;
  const axis = rowAxis(t);
  if (turns === 0) return t;
  if (turns === 2) return b.reverse(t, [axis, axis + 1]) as Tensor;
  return b.reverse(transpose(t), [turns === 1 ? axis : axis + 1]) as Tensor;
}

/** Each image of a batch by a coin of its own: itself, or the other one. */
function byCoin(t: Tensor, other: Tensor, seed: Seed | undefined): Tensor {
  const coin = less(randomUniform(t.rank === 4 ? [t.shape[0], 1, 1, 1] : [], 0, 1, 'float32', seed), 0.5);
  return where(b.broadcastTo(coin, t.shape) as Tensor, other, t);
}

/** Mirrored from left to right or not, each with probability 1/2, for each image of a batch. */
export function randomFlipLeftRight(image: TensorLike, seed?: Seed): Tensor {
  const t = imageArg(image, 'image.randomFlipLeftRight');
  return byCoin(t, b.reverse(t, [rowAxis(t) + 1]) as Tensor, seed);
}

/** Upside down or not, each with probability 1/2, for each image of a batch. */
export function randomFlipUpDown(image: TensorLike, seed?: Seed): Tensor {
  const t = imageArg(image, 'image.randomFlipUpDown');
  return byCoin(t, flipUpDown(t), seed);
}

/** A part of `size` (one number an axis, of any rank) at a random place, all places equally likely. */
export function randomCrop(value: TensorLike, size: readonly number[], seed?: Seed): Tensor {
  const op = 'image.randomCrop';
  const t = arg(value, 'value', op);
  const shape = wholesArg(size, 'size', op, 0);
  if (shape.length !== t.rank || shape.some((n, i) => n > t.shape[i]))
    throw new ShapeError(`size [${shape}] does not fit into [${t.shape}]`, {
      op,
      fix: 'give one size an axis, none larger than the axis',
    });
  const places = randomUniform([Math.max(1, t.rank)], 0, 1, 'float32', seed);
  return shape.reduce((x, n, axis) => {
    const free = t.shape[axis] - n;
    if (free === 0) return x;
    const place = b.reshape(b.slice(places, [axis], [1]), []) as Tensor;
    const start = to(floor(mul(place, free + 1)), 'i32');
    return gather(x, add(range(0, n, 1, 'int32'), start), axis);
  }, t);
}
