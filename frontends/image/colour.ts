// Colours and brightness of images, channels last. Floats are taken as they are (colours from 0 to 1); int32 and
// uint8 images hold values from 0 to 255 and keep their dtype: they are adjusted as floats from 0 to 1, clipped, and
// brought back as TensorFlow does. Random ones draw anew in each call of a traced function, unless a seed says what.
// Throw ShapeError where there are not three channels, ArgumentError for settings that do not fit.

import { DTypeError, ShapeError } from '../../ir/errors.ts';
import { isFloat } from '../../ir/types.ts';
import type { TensorLike } from '../trace/convert.ts';
import { zerosLike } from '../trace/creation.ts';
import { type DataType, irDType } from '../trace/dtypes.ts';
import { add, div, equal, greater, maximum, mod, mul, pow, sub, where } from '../trace/ops/binary.ts';
import { arg, need, numberArg, to } from '../trace/ops/common.ts';
import { max, mean, min, moments } from '../trace/ops/reduce.ts';
import { concat, split } from '../trace/ops/shape.ts';
import { abs, clipByValue, floor, sqrt } from '../trace/ops/unary.ts';
import { randomUniform } from '../trace/random.ts';
import type { Tensor } from '../trace/tensor.ts';
import { imageArg } from './geometry.ts';

type Seed = number | string;

/** Whether an image holds whole numbers from 0 to 255. Throws DTypeError for a dtype that images do not have. */
function isWhole(t: Tensor, op: string): boolean {
  const { dtype } = t.type;
  if (isFloat(dtype)) return false;
  if (dtype === 'i32' || dtype === 'u8') return true;
  throw new DTypeError(`the image must be float32, float64, int32 or uint8, got ${t.dtype}`, {
    op,
    fix: "cast it: image.cast('float32')",
  });
}

/** Floats from 0 to 255.5 as whole numbers up to 255. */
const asWhole = (x: Tensor, like: Tensor): Tensor => to(to(clipByValue(mul(x, 255.5), 0, 255), 'i32'), like.type.dtype);

/** Applies a function of floats to an image of any dtype. */
function asFloats(image: Tensor, op: string, f: (x: Tensor) => Tensor): Tensor {
  if (!isWhole(image, op)) return f(image);
  return asWhole(f(div(to(image, 'f32'), 255)), image);
}

/** An image whose last axis holds red, green and blue. */
function colours(x: TensorLike, name: string, op: string): Tensor {
  const t = arg(x, name, op);
  if (t.rank < 1 || t.shape[t.rank - 1] !== 3)
    throw new ShapeError(`the last axis of ${name} must hold 3 channels, got [${t.shape}]`, {
      op,
      fix: 'give an RGB image: tf.image.grayscaleToRGB makes one of grey, a slice leaves alpha out',
    });
  return t;
}

/** A number, or a tensor of one. */
function factorArg(x: TensorLike, name: string, op: string): Tensor {
  if (typeof x === 'number') numberArg(x, name, op);
  const t = arg(x, name, op);
  need(t.size === 1, op, `${name} must be one number`, x);
  return t;
}
const as = (x: Tensor, like: Tensor): Tensor => to(x, like.type.dtype);

/**
 * The image in another dtype: floats from 0 to 1 become whole numbers from 0 to 255 (int32 or uint8) and back.
 * @param saturate floats outside of 0 and 1 are clipped; else they wrap around or leave the range
 */
export function convertImageDtype(image: TensorLike, dtype: DataType, saturate = false): Tensor {
  const op = 'image.convertImageDtype';
  const t = arg(image, 'image', op);
  const wanted = irDType(dtype, op);
  const whole = isWhole(t, op);
  need(
    isFloat(wanted) || wanted === 'i32' || wanted === 'u8',
    op,
    "dtype must be a float dtype, 'int32' or 'uint8'",
    dtype,
  );
  if (isFloat(wanted)) return whole ? div(to(t, wanted), 255) : to(t, wanted);
  if (whole) return to(t, wanted);
  const scaled = mul(t, 255.5);
  return to(to(saturate ? clipByValue(scaled, 0, 255) : scaled, 'i32'), wanted);
}

/** Hue, saturation and value, each from 0 to 1, of red, green and blue from 0 to 1. Floats. */
export function rgbToHsv(images: TensorLike): Tensor {
  const op = 'image.rgbToHsv';
  const t = colours(images, 'images', op);
  const x = isWhole(t, op) ? div(to(t, 'f32'), 255) : t;
  const [r, g, b] = split(x, 3, -1);
  const value = max(x, -1, true);
  const spread = sub(value, min(x, -1, true));
  const none = zerosLike(spread);
  const grey = equal(spread, 0);
  const by = where(grey, add(spread, 1), spread);
  const saturation = where(greater(value, 0), div(spread, where(greater(value, 0), value, add(none, 1))), none);
  // Sixths of the circle from the nearest of the three colours.
  const fromRed = div(sub(g, b), by);
  const fromGreen = add(div(sub(b, r), by), 2);
  const fromBlue = add(div(sub(r, g), by), 4);
  const hue = where(equal(value, r), fromRed, where(equal(value, g), fromGreen, fromBlue));
  return concat([where(grey, none, mod(div(hue, 6), 1)), saturation, value], -1);
}

/** Red, green and blue, each from 0 to 1, of hue, saturation and value. Floats. */
export function hsvToRgb(images: TensorLike): Tensor {
  const op = 'image.hsvToRgb';
  const t = colours(images, 'images', op);
  const x = isFloat(t.type.dtype) ? t : to(t, 'f32');
  const [h, s, v] = split(x, 3, -1);
  const sixths = mul(h, 6);
  const share = [sub(abs(sub(sixths, 3)), 1), sub(2, abs(sub(sixths, 2))), sub(2, abs(sub(sixths, 4)))];
  return concat(
    share.map((k) => mul(v, add(sub(1, s), mul(s, clipByValue(k, 0, 1))))),
    -1,
  );
}

/** A number added to all values (of images from 0 to 1). */
export function adjustBrightness(image: TensorLike, delta: TensorLike): Tensor {
  const op = 'image.adjustBrightness';
  const t = arg(image, 'image', op);
  const d = factorArg(delta, 'delta', op);
  return asFloats(t, op, (x) => add(x, as(d, x)));
}

/** Each channel's distance from its mean over the image times a factor. */
export function adjustContrast(image: TensorLike, contrastFactor: TensorLike): Tensor {
  const op = 'image.adjustContrast';
  const t = imageArg(image, op);
  const k = factorArg(contrastFactor, 'contrastFactor', op);
  return asFloats(t, op, (x) => {
    const middle = mean(x, [x.rank - 3, x.rank - 2], true);
    return add(mul(sub(x, middle), as(k, x)), middle);
  });
}

/** The saturation times a factor. */
export function adjustSaturation(image: TensorLike, saturationFactor: TensorLike): Tensor {
  const op = 'image.adjustSaturation';
  const t = colours(image, 'image', op);
  const k = factorArg(saturationFactor, 'saturationFactor', op);
  return asFloats(t, op, (x) => {
    const [h, s, v] = split(rgbToHsv(x), 3, -1);
    return hsvToRgb(concat([h, clipByValue(mul(s, as(k, x)), 0, 1), v], -1));
  });
}

/** The hue moved by a part of the colour circle, from -1 to 1. */
export function adjustHue(image: TensorLike, delta: TensorLike): Tensor {
  const op = 'image.adjustHue';
  const t = colours(image, 'image', op);
  const d = factorArg(delta, 'delta', op);
  return asFloats(t, op, (x) => {
    const [h, s, v] = split(rgbToHsv(x), 3, -1);
    const moved = add(h, as(d, x));
    return hsvToRgb(concat([sub(moved, floor(moved)), s, v], -1));
  });
}

/** gain * value^gamma, of values from 0 to 1. Throws ArgumentError for a negative gamma. */
export function adjustGamma(image: TensorLike, gamma = 1, gain = 1): Tensor {
  const op = 'image.adjustGamma';
  const t = arg(image, 'image', op);
  need(numberArg(gamma, 'gamma', op) >= 0, op, 'gamma must be a number from 0 on', gamma);
  numberArg(gain, 'gain', op);
  return asFloats(t, op, (x) => mul(pow(x, gamma), gain));
}

/** Each image less its mean, over its deviation (or 1 / sqrt(elements) where that is larger). Floats. */
export function perImageStandardization(image: TensorLike): Tensor {
  const op = 'image.perImageStandardization';
  const t = imageArg(image, op);
  const x = isWhole(t, op) ? to(t, 'f32') : t;
  const axes = [x.rank - 3, x.rank - 2, x.rank - 1];
  const elements = axes.reduce((n, a) => n * x.shape[a], 1);
  const { mean: middle, variance } = moments(x, axes, true);
  return div(sub(x, middle), maximum(sqrt(variance), 1 / Math.sqrt(Math.max(1, elements))));
}

/** A random number between two, as a tensor. */
const between = (low: number, high: number, seed: Seed | undefined): Tensor =>
  randomUniform([], low, high, 'float32', seed);

function limits(lower: number, upper: number, op: string): void {
  numberArg(lower, 'lower', op);
  numberArg(upper, 'upper', op);
  need(lower >= 0 && upper > lower, op, 'lower must be a number from 0 on and below upper', [lower, upper]);
}

/** `adjustBrightness` by a random number from -maxDelta to maxDelta. */
export function randomBrightness(image: TensorLike, maxDelta: number, seed?: Seed): Tensor {
  need(
    numberArg(maxDelta, 'maxDelta', 'image.randomBrightness') >= 0,
    'image.randomBrightness',
    'maxDelta must be a number from 0 on',
    maxDelta,
  );
  return adjustBrightness(image, between(-maxDelta, maxDelta, seed));
}

/** `adjustContrast` by a random factor from lower to upper. */
export function randomContrast(image: TensorLike, lower: number, upper: number, seed?: Seed): Tensor {
  limits(lower, upper, 'image.randomContrast');
  return adjustContrast(image, between(lower, upper, seed));
}

/** `adjustSaturation` by a random factor from lower to upper. */
export function randomSaturation(image: TensorLike, lower: number, upper: number, seed?: Seed): Tensor {
  limits(lower, upper, 'image.randomSaturation');
  return adjustSaturation(image, between(lower, upper, seed));
}

/** `adjustHue` by a random part of the colour circle from -maxDelta to maxDelta; at most 1/2. */
export function randomHue(image: TensorLike, maxDelta: number, seed?: Seed): Tensor {
  const op = 'image.randomHue';
  need(
    numberArg(maxDelta, 'maxDelta', op) >= 0 && maxDelta <= 0.5,
    op,
    'maxDelta must be a number from 0 to 0.5',
    maxDelta,
  );
  return adjustHue(image, between(-maxDelta, maxDelta, seed));
}
