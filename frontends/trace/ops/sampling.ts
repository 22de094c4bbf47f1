// Images read at computed positions: crops, rotations, projective transforms. Gradients flow to the
// image and, where the interpolation is linear, to the positions.
// Throw ShapeError for shapes, ArgumentError for settings that do not fit.

import { ShapeError } from '../../../ir/errors.ts';
import type { Val } from '../../../ir/graph.ts';
import { tensorType } from '../../../ir/types.ts';
import type { TensorLike } from '../convert.ts';
import { emitter as b } from '../dispatch.ts';
import { eagerTensor, type Tensor } from '../tensor.ts';
import { arg, checkRank, floatArg, need, numberArg, to } from './common.ts';
import { gather, indexArg } from './indexing.ts';

/** Images of floats, [batch, height, width, channels], none empty. */
function images(x: TensorLike, name: string, op: string): Tensor {
  const t = arg(x, name, op);
  checkRank(t, [4], name, op);
  need(t.size > 0, op, `${name} must not be empty`, t.shape);
  return t.type.dtype === 'f64' ? t : to(t, 'f32');
}

/** Images [N, H, W, C] mirrored from left to right. */
export function flipLeftRight(image: TensorLike): Tensor {
  const t = arg(image, 'image', 'flipLeftRight');
  checkRank(t, [4], 'image', 'flipLeftRight');
  return b.reverse(t, [2]) as Tensor;
}

/**
 * Images [N, H, W, C] turned by `radians` clockwise around `center`, each pixel the nearest one of the source.
 * @param fillValue what comes in from outside: a number, or one a channel (the fourth, opacity, is 255)
 * @param center a fraction of width and height, or [x, y] fractions
 */
export function rotateWithOffset(
  image: TensorLike,
  radians: number,
  fillValue: number | readonly number[] = 0,
  center: number | readonly [number, number] = 0.5,
): Tensor {
  const op = 'rotateWithOffset';
  const t = images(image, 'image', op);
  need(typeof radians === 'number' && Number.isFinite(radians), op, 'radians must be a number', radians);
  const [n, height, width, channels] = t.shape;
  const middle: unknown = typeof center === 'number' ? [center, center] : center;
  const isPoint = Array.isArray(middle) && middle.length === 2 && middle.every(Number.isFinite);
  need(isPoint, op, 'center must be a fraction of the image, or [x, y] fractions', center);
  const [fx, fy] = middle as [number, number];
  const filled = typeof fillValue === 'number' || Array.isArray(fillValue);
  need(filled, op, 'fillValue must be a number, or one a channel', fillValue);
  const [cx, cy] = [fx * width, fy * height];
  const [sin, cos] = [Math.sin(radians), Math.cos(radians)];
  const source = Int32Array.from({ length: height * width }, (_, k) => {
    const [dx, dy] = [(k % width) - cx, Math.floor(k / width) - cy];
    const x = Math.round(dx * cos - dy * sin + cx);
    const y = Math.round(dx * sin + dy * cos + cy);
    return x >= 0 && x < width && y >= 0 && y < height ? y * width + x : -1;
  });
  const inside = eagerTensor(
    tensorType('bool', [source.length, 1]),
    Uint8Array.from(source, (k) => (k < 0 ? 0 : 1)),
  );
  const fill = Float32Array.from({ length: channels }, (_, c) =>
    typeof fillValue === 'number' ? fillValue : c === 3 ? 255 : fillValue[c],
  );
  need(
    !fill.some(Number.isNaN) || typeof fillValue === 'number',
    op,
    'fillValue must have one number a channel',
    fillValue,
  );
  const pixels = b.reshape(t, [n, height * width, channels]) as Tensor;
  const moved = gather(pixels, eagerTensor(tensorType('i32', [source.length]), source), 1);
  const outside = to(eagerTensor(tensorType('f32', [channels]), fill), t.type.dtype);
  return b.reshape(b.select(inside, moved, outside), t.shape) as Tensor;
}

/** Pixels at whole-number positions (floats of one shape, batch axis first): the element, and whether it is inside. */
function pixels(t: Tensor, batch: Val, y: Val, x: Val): { value: Val; inside: Val } {
  const [, height, width] = t.shape;
  const within = (v: Val, n: number) => b.and(b.compare('ge', v, 0), b.compare('lt', v, n));
  const column = (v: Val) => b.reshape(b.convert(v, 'i32'), [...v.type.shape, 1]);
  const at = b.concat([column(batch), column(y), column(x)], y.type.shape.length);
  const inside = b.and(within(y, height), within(x, width));
  return { value: b.call('gather', [t, at]), inside: b.reshape(inside, [...inside.type.shape, 1]) };
}

/** Linear interpolation between the four pixels around positions [batch, rows, columns]. */
function bilinear(t: Tensor, batch: Val, y: Val, x: Val, read: (y: Val, x: Val, batch: Val) => Val): Val {
  const wide = (v: Val) => b.reshape(v, [...v.type.shape, 1]);
  const [y0, x0] = [b.un('floor', y), b.un('floor', x)];
  const [wy, wx] = [wide(b.sub(y, y0)), wide(b.sub(x, x0))];
  const mix = (p: Val, q: Val, w: Val) => b.add(b.mul(p, b.sub(1, w)), b.mul(q, w));
  const row = (v: Val) => mix(read(v, x0, batch), read(v, b.add(x0, 1), batch), wx);
  return b.convert(mix(row(y0), row(b.add(y0, 1)), wy), t.type.dtype);
}

/** Math.round of a float: halves upwards. */
const roundHalfUp = (v: Val): Val => b.un('floor', b.add(v, 0.5));

/**
 * Boxes cut out of images [N, H, W, C] and resized to `cropSize`: [boxes, height, width, C], float32.
 * @param boxes [n, 4], rows [y1, x1, y2, x2] in fractions of the image (may lie outside, or be flipped)
 * @param boxInd int32 [n], the image of each box; a box of no image gives zeros
 * @param extrapolationValue what is outside of the image
 */
export function cropAndResize(
  image: TensorLike,
  boxes: TensorLike,
  boxInd: TensorLike,
  cropSize: readonly [number, number],
  method: 'bilinear' | 'nearest' = 'bilinear',
  extrapolationValue = 0,
): Tensor {
  const op = 'cropAndResize';
  const t = images(image, 'image', op);
  const box = to(floatArg(boxes, 'boxes', op), t.type.dtype);
  const ind = indexArg(boxInd, op);
  const [n, height, width] = t.shape;
  const count = box.shape[0];
  if (box.rank !== 2 || box.shape[1] !== 4)
    throw new ShapeError(`boxes must be [n, 4], got [${box.shape}]`, { op, fix: 'one row [y1, x1, y2, x2] a box' });
  if (ind.rank !== 1 || ind.shape[0] !== count)
    throw new ShapeError(`boxInd must be [${count}], one image a box, got [${ind.shape}]`, {
      op,
      fix: 'give one image number a box',
    });
  const sized =
    Array.isArray(cropSize) && cropSize.length === 2 && cropSize.every((k) => Number.isInteger(k) && k >= 1);
  need(sized, op, 'cropSize must be [height, width], positive whole numbers', cropSize);
  need(method === 'bilinear' || method === 'nearest', op, "method must be 'bilinear' or 'nearest'", method);
  numberArg(extrapolationValue, 'extrapolationValue', op);
  const shape = [count, cropSize[0], cropSize[1]];
  const { dtype } = t.type;
  // Positions along one axis: from the first to the second border, or the middle of both for one pixel.
  const positions = (axis: 0 | 1, size: number): Val => {
    const border = (k: number) => b.mul(b.slice(box, [0, k], [count, 1]), size - 1);
    const [low, high] = [border(axis), border(axis + 2)];
    const steps = cropSize[axis];
    const ramp = b.iota([1, steps], 1, dtype);
    const line = steps > 1 ? b.add(low, b.mul(b.div(b.sub(high, low), steps - 1), ramp)) : b.mul(b.add(low, high), 0.5);
    return b.broadcast(line, shape, [0, axis + 1]);
  };
  const [y, x] = [positions(0, height), positions(1, width)];
  const batch = b.broadcast(ind, shape, [0]);
  const within = (v: Val, size: number) => b.and(b.compare('ge', v, 0), b.compare('le', v, size - 1));
  const inside = b.reshape(b.and(within(y, height), within(x, width)), [...shape, 1]);
  const read = (py: Val, px: Val) => pixels(t, batch, py, b.min(px, width - 1)).value;
  const value =
    method === 'nearest'
      ? read(roundHalfUp(y), roundHalfUp(x))
      : // At the last row or column the neighbour has weight 0: any pixel does.
        bilinear(t, batch, y, x, (py, px) => read(b.min(py, height - 1), px));
  const known = b.and(b.compare('ge', ind, 0), b.compare('lt', ind, n));
  const cut = b.select(inside, value, extrapolationValue);
  return b.select(b.reshape(known, [count, 1, 1, 1]), cut, 0) as Tensor;
}

type FillMode = 'constant' | 'reflect' | 'wrap' | 'nearest';

/** Brings a position into the axis: its mirror image, its place in a repetition, or the border. */
function mapped(v: Val, size: number, mode: FillMode): Val {
  if (mode === 'constant') return v;
  const clamp = (x: Val) => b.min(b.max(x, 0), size - 1);
  if (mode === 'nearest' || size === 1) return clamp(v);
  const turns = (x: Val, n: number) => b.un('trunc', b.div(x, n));
  const below = b.compare('lt', v, 0);
  const above = b.compare('gt', v, size - 1);
  if (mode === 'wrap') {
    // TensorFlow counts in steps of size - 1, so that just beyond whole repetitions it ends at the border.
    const up = b.add(v, b.mul(b.add(turns(b.neg(v), size - 1), 1), size));
    const down = b.sub(v, b.mul(turns(v, size - 1), size));
    return clamp(b.select(below, up, b.select(above, down, v)));
  }
  const period = 2 * size;
  const near = b.add(v, b.mul(turns(b.neg(v), period), period));
  const low = b.select(b.compare('lt', near, -size), b.add(near, period), b.sub(b.neg(near), 1));
  const far = b.sub(v, b.mul(turns(v, period), period));
  const high = b.select(b.compare('ge', far, size), b.sub(period - 1, far), far);
  return clamp(b.select(below, low, b.select(above, high, v)));
}

/**
 * Projective transforms of images [N, H, W, C]. A row [a0, a1, a2, b0, b1, b2, c0, c1] takes the output
 * pixel (x, y) from ((a0 x + a1 y + a2) / k, (b0 x + b1 y + b2) / k), where k = c0 x + c1 y + 1.
 * @param transforms [N, 8], or [1, 8] for all
 * @param fillMode what is outside: `fillValue`, the mirror image, the repetition or the nearest border
 * @param outputShape [height, width] of the result, by default that of the image
 */
export function transform(
  image: TensorLike,
  transforms: TensorLike,
  interpolation: 'nearest' | 'bilinear' = 'nearest',
  fillMode: FillMode = 'constant',
  fillValue = 0,
  outputShape?: readonly [number, number],
): Tensor {
  const op = 'transform';
  numberArg(fillValue, 'fillValue', op);
  const t = images(image, 'image', op);
  const m = to(floatArg(transforms, 'transforms', op), t.type.dtype);
  const [n, height, width] = t.shape;
  if (m.rank !== 2 || m.shape[1] !== 8 || (m.shape[0] !== n && m.shape[0] !== 1))
    throw new ShapeError(`transforms must be [${n}, 8] or [1, 8], got [${m.shape}]`, {
      op,
      fix: 'give one row of 8 numbers an image, or one for all',
    });
  need(
    ['nearest', 'bilinear'].includes(interpolation),
    op,
    "interpolation must be 'nearest' or 'bilinear'",
    interpolation,
  );
  need(
    ['constant', 'reflect', 'wrap', 'nearest'].includes(fillMode),
    op,
    "fillMode must be 'constant', 'reflect', 'wrap' or 'nearest'",
    fillMode,
  );
  const size = outputShape ?? [height, width];
  const fits = size.length === 2 && size.every((k) => Number.isInteger(k) && k >= 1);
  need(fits, op, 'outputShape must be [height, width], positive whole numbers', size);
  const shape = [n, ...size];
  const k = (i: number) => b.broadcast(b.slice(m, [0, i], [m.shape[0], 1]), shape, [0, 1]);
  const [oy, ox] = [b.iota(shape, 1, t.type.dtype), b.iota(shape, 2, t.type.dtype)];
  const plane = (i: number) => b.add(b.mul(k(i), ox), b.mul(k(i + 1), oy));
  const projection = b.add(plane(6), 1);
  const point = (i: number) => b.div(b.add(plane(i), k(i + 2)), projection);
  const [y, x] = [mapped(point(3), height, fillMode), mapped(point(0), width, fillMode)];
  const read = (py: Val, px: Val, batch: Val) => {
    const { value, inside } = pixels(t, batch, py, px);
    return b.select(inside, value, fillValue);
  };
  const batch = b.iota(shape, 0);
  const value =
    interpolation === 'nearest' ? read(roundHalfUp(y), roundHalfUp(x), batch) : bilinear(t, batch, y, x, read);
  const finite = b.reshape(b.compare('ne', projection, 0), [...shape, 1]);
  return b.select(finite, value, fillValue) as Tensor;
}
