// Activations, softmax, normalization and dropout. Floats, unless said otherwise.

import { ShapeError } from '../../../ir/errors.ts';
import { checkShape, type TensorLike } from '../convert.ts';
import { emitter as b } from '../dispatch.ts';
import { randomKey } from '../generator.ts';
import type { Tensor } from '../tensor.ts';
import { apply, arg, axesOf, axisOf, broadcastPair, commonShape, floatArg, need, numberArg, to } from './common.ts';

type Activation = (x: TensorLike) => Tensor;
const activation =
  (name: string): Activation =>
  (x) =>
    apply(name, [floatArg(x, 'x', name)]);
/** Booleans count as int32. */
const rectifier =
  (name: string): Activation =>
  (x) => {
    const t = arg(x, 'x', name);
    return apply(name, [t.type.dtype === 'bool' ? to(t, 'i32') : t]);
  };

/** max(x, 0); float or int32. */
export const relu: Activation = rectifier('relu');
/** x limited to 0..6; float or int32. */
export const relu6: Activation = rectifier('relu6');
/** x where positive, else e^x - 1. */
export const elu: Activation = (x) => apply('elu', [floatArg(x, 'x', 'elu')], { alpha: 1 });
/** The scaled, self-normalizing `elu`. */
export const selu: Activation = activation('selu');
/** x * sigmoid(x), also called swish. */
export const silu: Activation = activation('silu');
/** x where positive, else alpha * x. */
export const leakyRelu = (x: TensorLike, alpha = 0.2): Tensor =>
  apply('leaky_relu', [floatArg(x, 'x', 'leakyRelu')], { alpha: numberArg(alpha, 'alpha', 'leakyRelu') });
/** x times the normal distribution function of x; `approximate` takes tanh for erf. */
export const gelu = (x: TensorLike, approximate = false): Tensor =>
  apply('gelu', [floatArg(x, 'x', 'gelu')], { approximate });

/** x where positive, else alpha * x; alpha is a tensor that broadcasts to x. */
export function prelu(x: TensorLike, alpha: TensorLike): Tensor {
  const [t, a] = broadcastPair(floatArg(x, 'x', 'prelu'), floatArg(alpha, 'alpha', 'prelu'), 'prelu');
  return b.select(b.compare('gt', t, 0), t, b.mul(t, a)) as Tensor;
}

/** e^x over its sum along an axis (the last by default). */
export function softmax(logits: TensorLike, dim = -1): Tensor {
  const t = floatArg(logits, 'logits', 'softmax');
  return apply('softmax', [t], { axis: axisOf(dim, t.rank, 'softmax') });
}
/** The logarithm of softmax along an axis (the last by default). */
export function logSoftmax(logits: TensorLike, axis = -1): Tensor {
  const t = floatArg(logits, 'logits', 'logSoftmax');
  return apply('log_softmax', [t], { axis: axisOf(axis, t.rank, 'logSoftmax') });
}

/**
 * (x - mean) / sqrt(variance + varianceEpsilon) * scale + offset. The parameters are vectors over the
 * last axis, or tensors that broadcast to x.
 */
export function batchNorm(
  x: TensorLike,
  mean: TensorLike,
  variance: TensorLike,
  offset?: TensorLike,
  scale?: TensorLike,
  varianceEpsilon = 0.001,
): Tensor {
  const op = 'batchNorm';
  const t = floatArg(x, 'x', op);
  const { dtype } = t.type;
  const given = (p: TensorLike | undefined, name: string, like: Tensor, value: number): Tensor => {
    if (p === undefined || p === null) return b.splat(like.type, value) as Tensor;
    return to(floatArg(p, name, op), dtype);
  };
  const m = to(floatArg(mean, 'mean', op), dtype);
  const v = to(floatArg(variance, 'variance', op), dtype);
  const all = [m, v, given(scale, 'scale', m, 1), given(offset, 'offset', m, 0)];
  for (const p of all)
    if (
      commonShape(op, t.shape, p.shape).length !== t.rank ||
      commonShape(op, t.shape, p.shape).some((d, i) => d !== t.shape[i])
    )
      throw new ShapeError(`a parameter of shape [${p.shape}] does not broadcast to x [${t.shape}]`, {
        op,
        fix: 'give one number a channel',
      });
  const channels = t.shape[t.rank - 1];
  if (all.every((p) => p.rank === 1 && p.shape[0] === channels))
    return apply('batch_norm_inference', [t, ...all], { axis: t.rank - 1, epsilon: varianceEpsilon });
  const factor = b.mul(b.un('rsqrt', b.add(all[1], varianceEpsilon)), all[2]);
  return b.add(b.mul(b.sub(t, all[0]), factor), all[3]) as Tensor;
}

/**
 * x normalized over `axis` (the last by default, or several), times gamma plus beta, which have the
 * shape of these axes.
 */
export function layerNorm(
  x: TensorLike,
  axis: number | readonly number[] = -1,
  gamma?: TensorLike,
  beta?: TensorLike,
  epsilon = 1e-3,
): Tensor {
  const op = 'layerNorm';
  const t = floatArg(x, 'x', op);
  const axes = axesOf(axis, t.rank, op);
  const shape = axes.map((a) => t.shape[a]);
  const param = (p: TensorLike | undefined, name: string, value: number): Tensor => {
    if (p === undefined || p === null) return b.splat({ dtype: t.type.dtype, shape }, value) as Tensor;
    const q = to(floatArg(p, name, op), t.type.dtype);
    if (q.rank !== shape.length || q.shape.some((d, i) => d !== shape[i]))
      throw new ShapeError(`argument '${name}' must have shape [${shape}], got [${q.shape}]`, {
        op,
        fix: 'give it the shape of the normalized axes',
      });
    return q;
  };
  return apply('layer_norm', [t, param(gamma, 'gamma', 1), param(beta, 'beta', 0)], { axes, epsilon });
}

/**
 * Sets elements to 0 with probability `rate` and scales the others by 1 / (1 - rate).
 * @param noiseShape axes of size 1 are kept or dropped as a whole
 * @param seed the same seed drops the same elements
 */
export function dropout(x: TensorLike, rate: number, noiseShape?: readonly number[], seed?: number | string): Tensor {
  const op = 'dropout';
  const t = floatArg(x, 'x', op);
  need(typeof rate === 'number' && rate >= 0 && rate < 1, op, 'rate must be at least 0 and less than 1', rate);
  if (rate === 0) return t;
  const key = randomKey(seed);
  if (noiseShape === undefined || noiseShape === null) return apply('dropout', [t, key], { rate });
  const noise = apply('random_uniform', [key], { shape: checkShape(noiseShape, op) });
  const [keep] = broadcastPair(b.compare('ge', noise, rate) as Tensor, t, op);
  return b.select(keep, b.mul(t, 1 / (1 - rate)), 0) as Tensor;
}
