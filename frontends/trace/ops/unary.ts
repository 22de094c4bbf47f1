// Element-wise functions of one tensor. Those of analysis take floats only (DTypeError otherwise), as
// in TensorFlow; each keeps shape and dtype and, where it has one, has a gradient.

import { isFloat } from '../../../ir/types.ts';
import type { TensorLike } from '../convert.ts';
import { emitter as b } from '../dispatch.ts';
import type { Tensor } from '../tensor.ts';
import { apply, arg, floatArg, need, numberArg, to } from './common.ts';

type Unary = (x: TensorLike) => Tensor;

/** A function of floats that is one IR operation. */
const analytic =
  (name: string, op = name): Unary =>
  (x) =>
    apply(op, [floatArg(x, 'x', name)]);
/** A function of numbers that is one IR operation; the operation checks the dtype. */
const numeric =
  (name: string): Unary =>
  (x) =>
    apply(name, [arg(x, 'x', name)]);

/** Absolute value; float or int32. */
export const abs: Unary = numeric('abs');
/** -x; float or int32. */
export const neg: Unary = numeric('neg');
/** -1, 0 or 1, NaN for NaN; float or int32. */
export const sign: Unary = numeric('sign');
/** Largest whole number not above x. */
export const floor: Unary = analytic('floor');
/** Smallest whole number not below x. */
export const ceil: Unary = analytic('ceil');
/** Nearest whole number, halves to even. */
export const round: Unary = analytic('round');
/** Square root; NaN below 0. */
export const sqrt: Unary = analytic('sqrt');
/** 1 / sqrt(x). */
export const rsqrt: Unary = analytic('rsqrt');
/** e^x. */
export const exp: Unary = analytic('exp');
/** e^x - 1, accurate near 0. */
export const expm1: Unary = analytic('expm1');
/** Natural logarithm. */
export const log: Unary = analytic('log');
/** log(1 + x), accurate near 0. */
export const log1p: Unary = analytic('log1p');
/** Sine of radians. */
export const sin: Unary = analytic('sin');
/** Cosine of radians. */
export const cos: Unary = analytic('cos');
/** Tangent of radians. */
export const tan: Unary = analytic('tan');
/** Arc sine. */
export const asin: Unary = analytic('asin');
/** Arc cosine. */
export const acos: Unary = analytic('acos');
/** Arc tangent. */
export const atan: Unary = analytic('atan');
/** Hyperbolic sine. */
export const sinh: Unary = analytic('sinh');
/** Hyperbolic cosine. */
export const cosh: Unary = analytic('cosh');
/** Hyperbolic tangent. */
export const tanh: Unary = analytic('tanh');
/** Inverse hyperbolic sine. */
export const asinh: Unary = analytic('asinh');
/** Inverse hyperbolic cosine; NaN below 1. */
export const acosh: Unary = analytic('acosh');
/** Inverse hyperbolic tangent. */
export const atanh: Unary = analytic('atanh');
/** Gauss error function. */
export const erf: Unary = analytic('erf');
/** 1 - erf(x), accurate where that is small. */
export const erfc: Unary = analytic('erfc');
/** log |gamma(x)|; infinite at 0 and the negative whole numbers. */
export const lgamma: Unary = analytic('lgamma');
/** Logarithmic derivative of the gamma function; NaN at the negative whole numbers. */
export const digamma: Unary = analytic('digamma');
/** 1 / (1 + e^-x). */
export const sigmoid: Unary = analytic('sigmoid', 'logistic');
/** log(1 + e^x). */
export const softplus: Unary = analytic('softplus');

/** x * x; float or int32. */
export const square: Unary = numeric('square');
/** 1 / x. */
export const reciprocal: Unary = analytic('reciprocal');
/** log(sigmoid(x)), without overflow. */
export const logSigmoid: Unary = (x) => b.neg(b.un('softplus', b.neg(floatArg(x, 'x', 'logSigmoid')))) as Tensor;

const predicate =
  (name: string, op: string): Unary =>
  (x) => {
    const t = arg(x, 'x', name);
    return apply(op, [isFloat(t.type.dtype) ? t : to(t, 'f32')]);
  };
const nan: Unary = predicate('isNaN', 'is_nan');
/** Bool: where x is infinite. */
export const isInf: Unary = predicate('isInf', 'is_inf');
const finite: Unary = predicate('isFinite', 'is_finite');

export {
  /** Bool: where x is neither NaN nor infinite. */
  finite as isFinite,
  /** Bool: where x is NaN. */
  nan as isNaN,
};

/** 1 where x > 0, else `alpha`; NaN stays. */
export function step(x: TensorLike, alpha = 0): Tensor {
  const t = floatArg(x, 'x', 'step');
  numberArg(alpha, 'alpha', 'step');
  const y = b.select(b.compare('gt', t, 0), b.onesLike(t), b.splat(t.type, alpha));
  return b.select(b.un('is_nan', t), t, y) as Tensor;
}

/** x limited to [clipValueMin, clipValueMax]. Throws ArgumentError where the limits are the wrong way round. */
export function clipByValue(x: TensorLike, clipValueMin: number, clipValueMax: number): Tensor {
  const t = arg(x, 'x', 'clipByValue');
  numberArg(clipValueMin, 'clipValueMin', 'clipByValue');
  numberArg(clipValueMax, 'clipValueMax', 'clipByValue');
  need(
    clipValueMin <= clipValueMax,
    'clipByValue',
    'the lower limit must not be above the upper one',
    [clipValueMin, clipValueMax],
    'swap the limits',
  );
  return b.min(b.max(t, clipValueMin), clipValueMax) as Tensor;
}

/** Another tensor of the same value: tensors are immutable, so the elements are shared. */
export function clone(x: TensorLike): Tensor {
  const t = arg(x, 'x', 'clone');
  return apply('reshape', [t], { shape: t.type.shape });
}

/** x itself, through which no gradient flows. */
export const stopGradient: Unary = (x) => apply('stop_gradient', [arg(x, 'x', 'stopGradient')]);
