// Activations as functions on tensors: those of the tf namespace under Keras's names, and those that only Keras
// has. Each keeps shape and dtype and throws DTypeError for what is not float, unless said otherwise.

import type { TensorLike } from '../trace/convert.ts';
import { add, div, greaterEqual, maximum, minimum, mul, sub, where } from '../trace/ops/binary.ts';
import { apply, arg, floatArg, need, numberArg } from '../trace/ops/common.ts';
import { gelu, leakyRelu, logSoftmax, relu as rectify, relu6, selu, silu, softmax } from '../trace/ops/nn.ts';
import { abs, clipByValue, exp, logSigmoid, sigmoid, softplus, sqrt, square, tanh } from '../trace/ops/unary.ts';
import type { Tensor } from '../trace/tensor.ts';

export {
  exp as exponential,
  gelu,
  leakyRelu,
  logSigmoid,
  logSoftmax,
  relu6,
  selu,
  sigmoid,
  silu,
  silu as swish,
  softmax,
  softplus,
  tanh,
};

/** x itself, of any dtype. */
export const linear = (x: TensorLike): Tensor => arg(x, 'x', 'linear');

/**
 * `maxValue` where x is at least that, x where it is at least `threshold`, else alpha * (x - threshold).
 * Int32 stays int32 where only x is given.
 * @param alpha slope below the threshold
 * @param maxValue none (null) lets x grow
 * Throws ArgumentError for a negative maxValue and for what are no numbers.
 */
export function relu(x: TensorLike, alpha = 0, maxValue: number | null = null, threshold = 0): Tensor {
  const op = 'relu';
  numberArg(alpha, 'alpha', op);
  numberArg(threshold, 'threshold', op);
  if (maxValue !== null)
    need(typeof maxValue === 'number' && maxValue >= 0, op, 'maxValue must be at least 0', maxValue);
  if (threshold === 0 && alpha === 0 && (maxValue === null || maxValue === 6))
    return maxValue === null ? rectify(x) : relu6(x);
  const t = floatArg(x, 'x', op);
  const low = alpha === 0 ? 0 : mul(sub(t, threshold), alpha);
  const y = threshold === 0 && alpha !== 0 ? leakyRelu(t, alpha) : where(greaterEqual(t, threshold), t, low);
  return maxValue === null ? y : minimum(y, maxValue);
}

/** x where positive, else alpha * (e^x - 1) (Clevert, Unterthiner, Hochreiter 2015). */
export const elu = (x: TensorLike, alpha = 1): Tensor =>
  apply('elu', [floatArg(x, 'x', 'elu')], { alpha: numberArg(alpha, 'alpha', 'elu') });

/** x where positive, else alpha * (e^(x / alpha) - 1) (Barron 2017). Throws ArgumentError for alpha 0. */
export function celu(x: TensorLike, alpha = 1): Tensor {
  const t = floatArg(x, 'x', 'celu');
  need(Number.isFinite(alpha) && alpha !== 0, 'celu', 'alpha must be a finite number other than 0', alpha);
  return add(maximum(t, 0), mul(elu(minimum(div(t, alpha), 0)), alpha));
}

/** slope x + 0.5 limited to 0..1: Keras 2's and TensorFlow.js's; the slope of Keras 3's, relu6(x + 3) / 6, is 1/6. */
export const hardSigmoid = (x: TensorLike, slope = 0.2): Tensor =>
  clipByValue(add(mul(floatArg(x, 'x', 'hardSigmoid'), numberArg(slope, 'slope', 'hardSigmoid')), 0.5), 0, 1);

/** x * relu6(x + 3) / 6 (Howard and others 2019). */
export function hardSwish(x: TensorLike): Tensor {
  const t = floatArg(x, 'x', 'hardSwish');
  return mul(t, div(relu6(add(t, 3)), 6));
}

/** x limited to -1..1. */
export const hardTanh = (x: TensorLike): Tensor => clipByValue(floatArg(x, 'x', 'hardTanh'), -1, 1);

/** x / (1 + |x|). */
export function softsign(x: TensorLike): Tensor {
  const t = floatArg(x, 'x', 'softsign');
  return div(t, add(abs(t), 1));
}

/** x * tanh(softplus(x)) (Misra 2019). */
export function mish(x: TensorLike): Tensor {
  const t = floatArg(x, 'x', 'mish');
  return mul(t, tanh(softplus(t)));
}

/** (x + sqrt(x² + b)) / 2: a softplus without exponentials. Throws ArgumentError for a negative b. */
export function squareplus(x: TensorLike, b = 4): Tensor {
  const t = floatArg(x, 'x', 'squareplus');
  need(Number.isFinite(b) && b >= 0, 'squareplus', 'b must be at least 0', b);
  return div(add(t, sqrt(add(square(t), b))), 2);
}
