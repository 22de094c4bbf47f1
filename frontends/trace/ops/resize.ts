// Resizing of images [height, width, channels] or [batch, height, width, channels], axis by axis.
// Throw ShapeError for another rank, ArgumentError for sizes and settings that do not fit.

import { isFloat } from '../../../ir/types.ts';
import type { TensorLike } from '../convert.ts';
import type { Tensor } from '../tensor.ts';
import { apply, arg, checkRank, need, to } from './common.ts';

interface Rule {
  readonly method: 'nearest' | 'bilinear' | 'bicubic' | 'area';
  readonly grid: 'corners' | 'half_pixel' | 'asymmetric';
  readonly antialias: boolean;
}

/** The tables of positions, made for each axis, must stay small. */
const LARGEST_SIDE = 2 ** 16;
const SIZE_RULE = `size must be [height, width], whole numbers from 1 to ${LARGEST_SIDE}`;
const isSize = (size: unknown): size is readonly [number, number] =>
  Array.isArray(size) && size.length === 2 && size.every((n) => Number.isInteger(n) && n >= 1 && n <= LARGEST_SIDE);

function image(x: TensorLike, name: string, op: string): Tensor {
  const t = arg(x, name, op);
  checkRank(t, [3, 4], name, op);
  const [h, w] = t.shape.slice(-3);
  need(h > 0 && w > 0, op, 'the image must have at least one pixel', t.shape);
  return t;
}

/** Both axes. Columns are what takes time: they come first where there are fewer rows before. */
function resized(t: Tensor, size: readonly [number, number], rule: Rule): Tensor {
  const first = t.rank - 3;
  const order = size[0] < t.shape[first] ? [0, 1] : [1, 0];
  return order.reduce((x, k) => {
    const axis = first + k;
    const from = x.shape[axis];
    // Same size: nothing to do, and the grids agree.
    return from === size[k] ? x : apply('resample', [x], { axis, from, to: size[k], ...rule, adjoint: false });
  }, t);
}

function grid(alignCorners: boolean, halfPixelCenters: boolean, op: string): Rule['grid'] {
  need(
    !(alignCorners && halfPixelCenters),
    op,
    'alignCorners and halfPixelCenters exclude each other',
    [alignCorners, halfPixelCenters],
    'set one of them',
  );
  return alignCorners ? 'corners' : halfPixelCenters ? 'half_pixel' : 'asymmetric';
}

/**
 * Images resized to [height, width] with linear interpolation; integers give float32.
 * @param alignCorners puts the corner pixels of both on each other
 * @param halfPixelCenters takes the pixels' centres for their places, as TensorFlow 2 does
 */
export function resizeBilinear(
  images: TensorLike,
  size: readonly [number, number],
  alignCorners = false,
  halfPixelCenters = false,
): Tensor {
  const op = 'resizeBilinear';
  const t = image(images, 'images', op);
  need(isSize(size), op, SIZE_RULE, size);
  const rule: Rule = { method: 'bilinear', grid: grid(alignCorners, halfPixelCenters, op), antialias: false };
  return resized(isFloat(t.type.dtype) ? t : to(t, 'f32'), size, rule);
}

/** Images resized to [height, width] by taking the nearest pixel; any dtype. Settings as `resizeBilinear`. */
export function resizeNearestNeighbor(
  images: TensorLike,
  size: readonly [number, number],
  alignCorners = false,
  halfPixelCenters = false,
): Tensor {
  const op = 'resizeNearestNeighbor';
  const t = image(images, 'images', op);
  need(isSize(size), op, SIZE_RULE, size);
  return resized(t, size, { method: 'nearest', grid: grid(alignCorners, halfPixelCenters, op), antialias: false });
}

/** How `tf.image.resize` works. */
export interface ResizeOptions {
  /** 'bilinear' (default), 'nearest', 'bicubic' (Keys, a = -1/2), or 'area' (the mean of what a pixel covers). */
  readonly method?: Rule['method'];
  /** Widens bilinear and bicubic kernels where the image shrinks, so that no pixel is left out. */
  readonly antialias?: boolean;
  /** Keeps the ratio of height to width: the result is the largest one that fits into `size`. */
  readonly preserveAspectRatio?: boolean;
  /** Puts the corner pixels of both on each other, as `resizeBilinear` does. Not for 'area', nor with `antialias`. */
  readonly alignCorners?: boolean;
  /** Whether pixels lie at their centres, true by default; false puts the first ones on each other. */
  readonly halfPixelCenters?: boolean;
}

/** Where pixels lie, of `resize`'s options. */
function gridOf(options: ResizeOptions, op: string): Rule['grid'] {
  const { alignCorners = false, halfPixelCenters = !alignCorners, method, antialias } = options;
  const rule = grid(alignCorners === true, halfPixelCenters === true, op);
  need(
    rule === 'half_pixel' || (method !== 'area' && !antialias),
    op,
    "pixels lie at their centres for 'area' and with antialias",
    [alignCorners, halfPixelCenters],
    'leave alignCorners and halfPixelCenters out',
  );
  return rule;
}

/**
 * Images resized to [height, width] as by TensorFlow 2's `tf.image.resize`: pixels lie at their centres.
 * 'nearest' keeps the dtype; the others give floats.
 */
export function resize(x: TensorLike, size: readonly [number, number], options: ResizeOptions = {}): Tensor {
  const op = 'resize';
  const { method = 'bilinear', antialias = false, preserveAspectRatio = false } = options ?? {};
  const t = image(x, 'x', op);
  need(isSize(size), op, SIZE_RULE, size);
  need(
    ['bilinear', 'nearest', 'bicubic', 'area'].includes(method),
    op,
    "method must be 'bilinear', 'nearest', 'bicubic' or 'area'",
    method,
  );
  const [h, w] = t.shape.slice(-3);
  const scale = Math.min(size[0] / h, size[1] / w);
  const fitted = [h, w].map((n) => Math.max(1, Math.round(n * scale))) as [number, number];
  const wide = antialias && (method === 'bilinear' || method === 'bicubic');
  const source = method === 'nearest' || isFloat(t.type.dtype) ? t : to(t, 'f32');
  return resized(source, preserveAspectRatio ? fitted : size, {
    method,
    grid: gridOf(options ?? {}, op),
    antialias: wide,
  });
}
