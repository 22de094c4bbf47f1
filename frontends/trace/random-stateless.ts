// `tf.random`: random tensors that are pure functions of an explicit seed, under TensorFlow 2's names. The same
// seed gives the same tensor, also inside of a traced function, where it may be a tensor itself.

import { ArgumentError } from '../../ir/errors.ts';
import { tensorType, typeEq } from '../../ir/types.ts';
import { checkShape, type TensorLike } from './convert.ts';
import { operandOf } from './dispatch.ts';
import * as draw from './draws.ts';
import type { DataType } from './dtypes.ts';
import { apply, arg, axisOf, need } from './ops/common.ts';
import { eagerTensor, Tensor } from './tensor.ts';

/** Two whole numbers, or an int32 or uint32 tensor of shape [2]. */
export type StatelessSeed = readonly [number, number] | Tensor;
type Shape = readonly number[];

/** The key of a seed; throws ArgumentError for what is none. */
function keyOf(seed: StatelessSeed, op: string): Tensor {
  if (seed instanceof Tensor) {
    const t = operandOf(seed);
    if (typeEq(t.type, tensorType('u32', [2]))) return t;
    if (typeEq(t.type, tensorType('i32', [2]))) return apply('bitcast', [t], { dtype: 'u32' });
  } else if (Array.isArray(seed) && seed.length === 2 && seed.every((x) => Number.isSafeInteger(x))) {
    const [a, b] = seed as readonly [number, number];
    // What 32 bits do not hold still counts.
    const high = (x: number) => Math.imul(Math.trunc(x / 2 ** 32), 0x9e3779b1);
    return eagerTensor(tensorType('u32', [2]), Uint32Array.of(a ^ high(b), b ^ high(a)));
  }
  throw new ArgumentError(`the seed must be two whole numbers or an int32 tensor of shape [2], got ${String(seed)}`, {
    op,
    fix: 'give a seed such as [1, 2]',
  });
}

/** Uniform in [minval, maxval), as `tf.randomUniform`. */
export const statelessUniform = (
  shape: Shape,
  seed: StatelessSeed,
  minval = 0,
  maxval = 1,
  dtype: DataType = 'float32',
): Tensor => draw.drawUniform(keyOf(seed, 'statelessUniform'), shape, minval, maxval, dtype, 'statelessUniform');

/** Normally distributed, as `tf.randomNormal`. */
export const statelessNormal = (
  shape: Shape,
  seed: StatelessSeed,
  mean = 0,
  stdDev = 1,
  dtype: draw.RealDType = 'float32',
): Tensor => draw.drawNormal(keyOf(seed, 'statelessNormal'), shape, mean, stdDev, dtype, 'statelessNormal');

/** Normally distributed within two deviations, as `tf.truncatedNormal`. */
export const statelessTruncatedNormal = (
  shape: Shape,
  seed: StatelessSeed,
  mean = 0,
  stdDev = 1,
  dtype: draw.RealDType = 'float32',
): Tensor => {
  const op = 'statelessTruncatedNormal';
  return draw.drawTruncatedNormal(keyOf(seed, op), shape, mean, stdDev, dtype, op);
};

/** Gamma variates of shape `alpha` and rate `beta`, as `tf.randomGamma`. */
export const statelessGamma = (
  shape: Shape,
  seed: StatelessSeed,
  alpha: TensorLike,
  beta = 1,
  dtype: draw.RealDType = 'float32',
): Tensor => draw.drawGamma(keyOf(seed, 'statelessGamma'), shape, alpha, beta, dtype, 'statelessGamma');

/** Bool: true with probability p. */
export const statelessBernoulli = (shape: Shape, seed: StatelessSeed, p: number): Tensor =>
  draw.drawBernoulli(keyOf(seed, 'statelessBernoulli'), shape, p, 'statelessBernoulli');

/** Classes by their unnormalized log-probabilities, as `tf.multinomial`. */
export const statelessCategorical = (logits: TensorLike, numSamples: number, seed: StatelessSeed): Tensor =>
  draw.drawCategorical(keyOf(seed, 'statelessCategorical'), logits, numSamples, false, 'statelessCategorical');

/** The numbers from 0 to n - 1 in a random order, as int32. */
export const permutation = (n: number, seed: StatelessSeed): Tensor =>
  draw.drawPermutation(keyOf(seed, 'permutation'), n, 'permutation');

/** The rows of x (its elements along the first axis) in a random order. Throws ShapeError for a scalar. */
export function shuffle(x: TensorLike, seed: StatelessSeed): Tensor {
  const t = arg(x, 'x', 'shuffle');
  axisOf(0, t.rank, 'shuffle');
  return draw.takeRows(t, draw.drawPermutation(keyOf(seed, 'shuffle'), t.shape[0], 'shuffle'));
}

/** `num` seeds from one, as a uint32 tensor [num, 2]: none of them gives the numbers of another. */
export function split(seed: StatelessSeed, num = 2): Tensor {
  need(Number.isInteger(num) && num >= 1, 'split', 'num must be a positive whole number', num);
  return apply('rng_bits', [keyOf(seed, 'split')], { shape: checkShape([num, 2], 'split') });
}
