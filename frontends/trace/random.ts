// Random tensors. Element i is a pure function of a key and i, so a seed gives the same numbers on
// every target and with any number of threads. Without a seed, see generator.ts.

import { checkShape, type TensorLike } from './convert.ts';
import { emitter as b } from './dispatch.ts';
import { type DataType, irDType } from './dtypes.ts';
import { randomKey } from './generator.ts';
import { apply, checkRank, floatArg, need, to } from './ops/common.ts';
import type { Tensor } from './tensor.ts';

type Seed = number | string;

/**
 * Uniform in [minval, maxval): float32 or float64, int32 (whole numbers), bool (a fair coin).
 * Throws ShapeError for a shape that is none.
 */
export function randomUniform(
  shape: readonly number[],
  minval = 0,
  maxval = 1,
  dtype: DataType = 'float32',
  seed?: Seed,
): Tensor {
  const s = checkShape(shape, 'randomUniform');
  const d = irDType(dtype, 'randomUniform');
  if (d === 'i32') return randomUniformInt(s, minval, maxval, seed);
  if (d === 'bool') return randomBernoulli(s, 0.5, seed);
  const u = to(apply('random_uniform', [randomKey(seed)], { shape: s }), d);
  if (minval === 0 && maxval === 1) return u;
  const r = b.add(b.mul(u, maxval - minval), minval);
  // Float32 rounding may reach the excluded end.
  return (d === 'f32' && maxval > minval ? b.min(r, float32Below(maxval)) : r) as Tensor;
}

/** The largest float32 below a number. */
function float32Below(x: number): number {
  const float = Float32Array.of(x);
  if (float[0] < x) return float[0];
  const bits = new Int32Array(float.buffer);
  if (float[0] === 0) bits[0] = -2147483647;
  else bits[0] += float[0] > 0 ? -1 : 1;
  return float[0];
}

/** Whole numbers from minval to maxval - 1, equally likely, as int32. Throws ArgumentError for an empty range. */
export function randomUniformInt(shape: readonly number[], minval: number, maxval: number, seed?: Seed): Tensor {
  const s = checkShape(shape, 'randomUniformInt');
  need(
    Number.isInteger(minval) && Number.isInteger(maxval) && maxval > minval,
    'randomUniformInt',
    'minval and maxval must be whole numbers, minval the smaller',
    [minval, maxval],
  );
  const bits = apply('rng_bits', [randomKey(seed)], { shape: s });
  const n = apply('rem', [bits, b.splat(bits.type, maxval - minval) as Tensor]);
  return b.add(apply('bitcast', [n], { dtype: 'i32' }), minval) as Tensor;
}

/** Normally distributed. Throws ShapeError for a shape that is none. */
export function randomNormal(
  shape: readonly number[],
  mean = 0,
  stdDev = 1,
  dtype: 'float32' | 'float64' = 'float32',
  seed?: Seed,
): Tensor {
  const z = to(
    apply('random_normal', [randomKey(seed)], { shape: checkShape(shape, 'randomNormal') }),
    irDType(dtype, 'randomNormal'),
  );
  return b.add(b.mul(z, stdDev), mean) as Tensor;
}
/** Normally distributed with mean 0 and deviation 1. */
export const randomStandardNormal = (
  shape: readonly number[],
  dtype: 'float32' | 'float64' = 'float32',
  seed?: Seed,
): Tensor => randomNormal(shape, 0, 1, dtype, seed);

/** Tries of a truncated normal before a value is put on the bound: once in six million elements. */
const tries = 5;

/** Normally distributed, without the values more than two deviations from the mean (drawn again). */
export function truncatedNormal(
  shape: readonly number[],
  mean = 0,
  stdDev = 1,
  dtype: 'float32' | 'float64' = 'float32',
  seed?: Seed,
): Tensor {
  const s = checkShape(shape, 'truncatedNormal');
  const all = apply('random_normal', [randomKey(seed)], { shape: [tries, ...s] });
  const draw = (k: number) => b.reshape(b.slice(all, [k, ...s.map(() => 0)], [1, ...s]), s);
  let z = b.min(b.max(draw(tries - 1), -2), 2);
  for (let k = tries - 2; k >= 0; k--) z = b.select(b.compare('le', b.un('abs', draw(k)), 2), draw(k), z);
  return b.add(b.mul(to(z as Tensor, irDType(dtype, 'truncatedNormal')), stdDev), mean) as Tensor;
}

/** Bool: true with probability p. Throws ArgumentError for a p outside of 0..1. */
export function randomBernoulli(shape: readonly number[], p: number, seed?: Seed): Tensor {
  need(p >= 0 && p <= 1, 'randomBernoulli', 'p must be from 0 to 1', p);
  return apply('random_bernoulli', [randomKey(seed)], { shape: checkShape(shape, 'randomBernoulli'), p });
}

/**
 * Draws classes: int32 [numSamples] of logits [classes], or [batch, numSamples] of [batch, classes].
 * @param normalized the numbers are probabilities, not unnormalized log-probabilities
 */
export function multinomial(logits: TensorLike, numSamples: number, seed?: Seed, normalized = false): Tensor {
  const t = floatArg(logits, 'logits', 'multinomial');
  checkRank(t, [1, 2], 'logits', 'multinomial');
  need(
    Number.isInteger(numSamples) && numSamples >= 1,
    'multinomial',
    'numSamples must be a positive whole number',
    numSamples,
  );
  const log = normalized ? apply('log', [t]) : t;
  const [n, c] = t.rank === 1 ? [1, t.shape[0]] : t.shape;
  // The largest of log-probability plus Gumbel noise is each class with its probability.
  const u = apply('random_uniform', [randomKey(seed)], { shape: [n, numSamples, c] });
  const e = b.neg(b.un('log', b.add(u, 2 ** -25)));
  const noisy = b.sub(
    b.broadcast(b.reshape(log, [n, c]), [n, numSamples, c], [0, 2]),
    b.convert(b.un('log', e), t.type.dtype),
  );
  const out = apply('arg_max', [noisy as Tensor], { axis: 2 });
  return t.rank === 1 ? (b.reshape(out, [numSamples]) as Tensor) : out;
}
