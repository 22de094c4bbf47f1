// Derivatives of functions beyond the gradient: Jacobian and Hessian matrices, directional derivatives.

import { ArgumentError, GradientError, ShapeError } from '../../ir/errors.ts';
import { typeEq, typeText } from '../../ir/types.ts';
import { type TensorLike, toTensor } from './convert.ts';
import { emitter, operandOf } from './dispatch.ts';
import { functionArg } from './ops/common.ts';
import { GradientTape } from './tape.ts';
import { Tensor } from './tensor.ts';

function oneTensor(y: unknown, op: string): Tensor {
  if (y instanceof Tensor) return y;
  throw new GradientError('the function must return one tensor', { op, fix: 'return what tf operations give' });
}

/**
 * The Jacobian of f(x) as a function of x: all derivatives of elements of f(x) by elements of x, of shape
 * [...f(x).shape, ...x.shape]; zeros where f(x) does not depend on x.
 */
export function jacobian(f: (x: Tensor) => Tensor): (x: TensorLike) => Tensor {
  const op = 'jacobian';
  functionArg(f, 'f', op);
  return (x) => {
    const at = operandOf(toTensor(x, 'x', op));
    const tape = new GradientTape({ watchAccessedVariables: false });
    try {
      tape.watch(at);
      const y = oneTensor(f(at), op);
      return tape.jacobian(y, at, { unconnectedGradients: 'zero' }) as Tensor;
    } finally {
      tape.stop();
    }
  };
}

/**
 * The Hessian of the scalar f(x) as a function of x: second derivatives, of shape [...x.shape, ...x.shape].
 * Throws GradientError where f(x) is no scalar.
 */
export function hessian(f: (x: Tensor) => Tensor): (x: TensorLike) => Tensor {
  const op = 'hessian';
  functionArg(f, 'f', op);
  return jacobian((x) => {
    const tape = new GradientTape({ watchAccessedVariables: false });
    try {
      tape.watch(x);
      const y = oneTensor(f(x), op);
      if (y.rank !== 0)
        throw new GradientError(`the function must return a scalar, it returned shape [${y.shape}]`, {
          op,
          fix: 'reduce it with tf.sum or tf.mean, or use tf.jacobian of its gradient',
        });
      return tape.gradient(y, x, { unconnectedGradients: 'zero' }) as Tensor;
    } finally {
      tape.stop();
    }
  });
}

/**
 * Value and directional derivative of f at `primals` along `tangents` (one per primal, of its dtype and
 * shape): the Jacobian times the tangents, without the Jacobian. By the gradient of the gradient, which
 * is linear in its weights (J. Townsend, "A new trick for calculating Jacobian vector products", 2017).
 */
export function jvp(
  f: (...xs: Tensor[]) => Tensor,
  primals: readonly TensorLike[],
  tangents: readonly TensorLike[],
): { value: Tensor; tangent: Tensor } {
  const op = 'jvp';
  functionArg(f, 'f', op);
  if (!Array.isArray(primals) || !Array.isArray(tangents) || primals.length !== tangents.length)
    throw new ArgumentError('primals and tangents must be arrays of one length', {
      op,
      fix: 'give one tangent a primal',
    });
  const xs = primals.map((x, i) => operandOf(toTensor(x, `primals[${i}]`, op)));
  const ts = tangents.map((t, i) => operandOf(toTensor(t, `tangents[${i}]`, op, xs[i].type.dtype)));
  ts.forEach((t, i) => {
    if (!typeEq(t.type, xs[i].type))
      throw new ShapeError(`tangents[${i}] is ${typeText(t.type)}, its primal ${typeText(xs[i].type)}`, {
        op,
        fix: "give the tangent its primal's dtype and shape",
      });
  });
  const inner = new GradientTape({ watchAccessedVariables: false });
  const outer = new GradientTape({ watchAccessedVariables: false });
  try {
    inner.watch(xs);
    const value = oneTensor(f(...xs), op);
    const weights = emitter.zerosLike(value) as Tensor;
    outer.watch(weights);
    const back = inner.gradient(value, [...xs], { outputGradients: weights, unconnectedGradients: 'zero' });
    const tangent = outer.gradient(back, weights, { outputGradients: ts, unconnectedGradients: 'zero' });
    return { value, tangent: tangent as Tensor };
  } finally {
    inner.stop();
    outer.stop();
  }
}
