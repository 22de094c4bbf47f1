// Tensors of random numbers under a key: what the seeded functions (random.ts) and the stateless ones
// (random-stateless.ts) share. Every element is a pure function of the key and its index, computed by
// operations that round alike on every engine: the same key gives the same bits on every target, with any
// number of threads.

import { opByName } from '../../ir/op.ts';
import { tensorType } from '../../ir/types.ts';
import { checkShape, type TensorLike } from './convert.ts';
import { applyOp, emitter as b } from './dispatch.ts';
import { type DataType, irDType } from './dtypes.ts';
import { apply, checkRank, floatArg, need, to } from './ops/common.ts';
import type { Tensor } from './tensor.ts';

/** Numbers of a distribution over the reals; int32 are rounded to the nearest. */
export type RealDType = 'float32' | 'float64' | 'int32';

/** Throws ArgumentError unless all parameters of the distribution are finite numbers. */
function checkFinite(args: Readonly<Record<string, unknown>>, op: string): void {
  for (const [name, x] of Object.entries(args)) need(Number.isFinite(x), op, `${name} must be a finite number`, x);
}

/** x * scale + shift in the dtype asked for. */
function scaled(x: Tensor, scale: number, shift: number, dtype: DataType, op: string): Tensor {
  need(['float32', 'float64', 'int32'].includes(dtype), op, "the dtype must be 'float32', 'float64' or 'int32'", dtype);
  const t = dtype === 'float64' ? to(x, 'f64') : x;
  const y = scale === 1 && shift === 0 ? t : apply('scale_shift', [t], { scale, shift });
  return dtype === 'int32' ? to(apply('round', [y]), 'i32') : y;
}

/** Uniform in [minval, maxval): 24 random bits an element for floats, whole numbers for int32, a coin for bool. */
export function drawUniform(
  key: Tensor,
  shape: readonly number[],
  minval: number,
  maxval: number,
  dtype: DataType,
  op: string,
): Tensor {
  const s = checkShape(shape, op);
  const d = irDType(dtype, op);
  checkFinite({ minval, maxval }, op);
  if (d === 'i32') return drawInt(key, s, minval, maxval, op);
  if (d === 'bool') return drawBernoulli(key, s, 0.5, op);
  need(d === 'f32' || d === 'f64', op, "the dtype must be 'float32', 'float64', 'int32' or 'bool'", dtype);
  const u = to(apply('random_uniform', [key], { shape: s }), d);
  if (minval === 0 && maxval === 1) return u;
  const r = apply('scale_shift', [u], { scale: maxval - minval, shift: minval });
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

/** Whole numbers from minval to maxval - 1, equally likely, as int32. */
export function drawInt(key: Tensor, shape: readonly number[], minval: number, maxval: number, op: string): Tensor {
  const s = checkShape(shape, op);
  const inRange = (x: number) => Number.isInteger(x) && x >= -(2 ** 31) && x <= 2 ** 31;
  need(
    inRange(minval) && inRange(maxval) && maxval > minval,
    op,
    'minval and maxval must be whole numbers that int32 holds, minval the smaller',
    [minval, maxval],
  );
  // All of int32 is a range that u32 cannot count: there the words are the numbers.
  const all = maxval - minval === 2 ** 32;
  const bound = b.splat(tensorType('u32', s), maxval - minval) as Tensor;
  const n = all ? apply('rng_bits', [key], { shape: s }) : apply('random_int', [key, bound]);
  return b.add(apply('bitcast', [n], { dtype: 'i32' }), minval) as Tensor;
}

const normal =
  (name: string) =>
  (key: Tensor, shape: readonly number[], mean: number, stdDev: number, dtype: DataType, op: string): Tensor => {
    checkFinite({ mean, stdDev }, op);
    return scaled(apply(name, [key], { shape: checkShape(shape, op) }), stdDev, mean, dtype, op);
  };

/** Normally distributed. */
export const drawNormal = normal('random_normal');

/** Normally distributed within two deviations of the mean. */
export const drawTruncatedNormal = normal('random_truncated_normal');

/** Gamma variates of shape `alpha`, which broadcasts, and rate `beta`. */
export function drawGamma(
  key: Tensor,
  shape: readonly number[],
  alpha: TensorLike,
  beta: number,
  dtype: DataType,
  op: string,
): Tensor {
  need(Number.isFinite(beta) && beta > 0, op, 'beta must be positive', beta);
  if (typeof alpha === 'number') need(Number.isFinite(alpha) && alpha > 0, op, 'alpha must be positive', alpha);
  const a = b.broadcastTo(floatArg(alpha, 'alpha', op), checkShape(shape, op)) as Tensor;
  const g = apply('random_gamma', [key, dtype === 'float64' ? to(a, 'f64') : a]);
  return scaled(g, 1 / beta, 0, dtype, op);
}

/** Bool: true with probability p. */
export function drawBernoulli(key: Tensor, shape: readonly number[], p: number, op: string): Tensor {
  need(typeof p === 'number' && p >= 0 && p <= 1, op, 'p must be from 0 to 1', p);
  return apply('random_bernoulli', [key], { shape: checkShape(shape, op), p });
}

/**
 * A random order of 0 … n - 1, as int32: sorted by random words, as often as it takes for equal words to
 * matter less than once in n draws (as JAX does: 3 log n / log 2^32 times).
 */
export function drawPermutation(key: Tensor, n: number, op: string): Tensor {
  need(Number.isInteger(n) && n >= 0 && n < 2 ** 31, op, 'n must be a whole number from 0 on', n);
  let order = b.iota([n], 0) as Tensor;
  const rounds = Math.max(1, Math.ceil((3 * Math.log(Math.max(n, 2))) / Math.log(2 ** 32 - 1)));
  const words = apply('rng_bits', [key], { shape: [rounds, n] });
  for (let k = 0; k < rounds; k++) {
    const row = b.reshape(b.slice(words, [k, 0], [1, n]), [n]) as Tensor;
    const [, position] = applyOp(opByName('sort'), [row], { descending: false });
    order = takeRows(order, position);
  }
  return order;
}

/** The rows of `x` in the order that int32 indices give. */
export const takeRows = (x: Tensor, indices: Tensor): Tensor =>
  apply('gather', [x, b.reshape(indices, [...indices.shape, 1]) as Tensor]);

/**
 * Draws classes: int32 [numSamples] of logits [classes], or [batch, numSamples] of [batch, classes]. The first of
 * exponential clocks to ring, whose rates are the probabilities, is each class with its probability.
 */
export function drawCategorical(
  key: Tensor,
  logits: TensorLike,
  numSamples: number,
  normalized: boolean,
  op: string,
): Tensor {
  const t = floatArg(logits, 'logits', op);
  checkRank(t, [1, 2], 'logits', op);
  need(Number.isInteger(numSamples) && numSamples >= 1, op, 'numSamples must be a positive whole number', numSamples);
  const [n, c] = t.rank === 1 ? [1, t.shape[0]] : t.shape;
  need(c >= 2, op, 'there must be at least 2 classes', c);
  const shape = [n, numSamples, c];
  const rates = b.broadcast(b.reshape(t, [n, c]), shape, [0, 2]);
  const noise = (name: string) => b.convert(apply(name, [key], { shape }), t.type.dtype);
  // With probabilities the largest rate / time; with their logarithms the largest sum, -log(time) being Gumbel.
  const rank = normalized ? b.div(rates, noise('random_exponential')) : b.add(rates, noise('random_gumbel'));
  const out = apply('arg_max', [rank as Tensor], { axis: 2 });
  return t.rank === 1 ? (b.reshape(out, [numSamples]) as Tensor) : out;
}
