// Random tensors with an optional seed. Element i is a pure function of a key and i, so a seed gives the
// same numbers on every target and with any number of threads. Without a seed, see generator.ts.

import type { TensorLike } from './convert.ts';
import * as draw from './draws.ts';
import type { DataType } from './dtypes.ts';
import { randomKey } from './generator.ts';
import type { Tensor } from './tensor.ts';

type Seed = number | string;
type Shape = readonly number[];
type RealDType = draw.RealDType;

/**
 * Uniform in [minval, maxval): float32 or float64 (24 random bits either way), int32 (whole numbers), bool (a
 * fair coin). Throws ShapeError for a shape that is none, ArgumentError for an empty range of int32.
 */
export const randomUniform = (shape: Shape, minval = 0, maxval = 1, dtype: DataType = 'float32', seed?: Seed): Tensor =>
  draw.drawUniform(randomKey(seed), shape, minval, maxval, dtype, 'randomUniform');

/** Whole numbers from minval to maxval - 1, equally likely, as int32. Throws ArgumentError for an empty range. */
export const randomUniformInt = (shape: Shape, minval: number, maxval: number, seed?: Seed): Tensor =>
  draw.drawInt(randomKey(seed), shape, minval, maxval, 'randomUniformInt');

/** Normally distributed; int32 is rounded. Throws ShapeError for a shape that is none. */
export const randomNormal = (shape: Shape, mean = 0, stdDev = 1, dtype: RealDType = 'float32', seed?: Seed): Tensor =>
  draw.drawNormal(randomKey(seed), shape, mean, stdDev, dtype, 'randomNormal');

/** Normally distributed with mean 0 and deviation 1. */
export const randomStandardNormal = (shape: Shape, dtype: RealDType = 'float32', seed?: Seed): Tensor =>
  draw.drawNormal(randomKey(seed), shape, 0, 1, dtype, 'randomStandardNormal');

/** Normally distributed, without the values more than two deviations from the mean. */
export const truncatedNormal = (
  shape: Shape,
  mean = 0,
  stdDev = 1,
  dtype: RealDType = 'float32',
  seed?: Seed,
): Tensor => draw.drawTruncatedNormal(randomKey(seed), shape, mean, stdDev, dtype, 'truncatedNormal');

/**
 * Gamma variates of shape `alpha` and rate `beta` (mean alpha / beta), by exact rejection (Marsaglia, Tsang
 * 2000). Throws ArgumentError unless both are positive.
 * @param alpha a number, or a float tensor that broadcasts to the shape (NaN where it is not positive)
 */
export const randomGamma = (
  shape: Shape,
  alpha: TensorLike,
  beta = 1,
  dtype: RealDType = 'float32',
  seed?: Seed,
): Tensor => draw.drawGamma(randomKey(seed), shape, alpha, beta, dtype, 'randomGamma');

/** Bool: true with probability p. Throws ArgumentError for a p outside of 0..1. */
export const randomBernoulli = (shape: Shape, p: number, seed?: Seed): Tensor =>
  draw.drawBernoulli(randomKey(seed), shape, p, 'randomBernoulli');

/**
 * Draws classes: int32 [numSamples] of logits [classes], or [batch, numSamples] of [batch, classes].
 * Throws ArgumentError for fewer than 2 classes.
 * @param normalized the numbers are probabilities, not unnormalized log-probabilities
 */
export const multinomial = (logits: TensorLike, numSamples: number, seed?: Seed, normalized = false): Tensor =>
  draw.drawCategorical(randomKey(seed), logits, numSamples, normalized, 'multinomial');
