// Gradients of functions, as TensorFlow.js spells them, on top of GradientTape.

import { ArgumentError, GradientError, ShapeError, valueText } from '../../ir/errors.ts';
import { type TensorLike, toTensor } from './convert.ts';
import { GradientTape } from './tape.ts';
import { Tensor } from './tensor.ts';
import { snapshots } from './trace.ts';
import type { TensorMap } from './types.ts';
import { uniqueNames, Variable } from './variable.ts';

export function checkFunction(f: unknown, op: string): void {
  if (typeof f !== 'function')
    throw new ArgumentError(`takes a function, not ${valueText(f)}`, {
      op,
      fix: 'pass the function, not what it returns',
    });
}

/** Value and gradients of `f` at its arguments; `dy` weighs the elements of the value. */
function differentiate(
  f: (...args: Tensor[]) => unknown,
  args: readonly Tensor[],
  dy: TensorLike | undefined,
  op: string,
): { value: Tensor; grads: Tensor[] } {
  const tape = new GradientTape({ watchAccessedVariables: false });
  try {
    tape.watch(args);
    const value = f(...args);
    if (!(value instanceof Tensor))
      throw new GradientError('the function must return one tensor', { op, fix: 'return what tf operations give' });
    const seed = dy === undefined || dy === null ? undefined : toTensor(dy, 'dy', op);
    if (seed && (seed.rank !== value.rank || seed.shape.some((d, i) => d !== value.shape[i])))
      throw new ShapeError(`dy has shape [${seed.shape}], the function's value [${value.shape}]`, {
        op,
        fix: "give dy the shape of the function's value",
      });
    const grads = tape.gradient(value, [...args], { outputGradients: seed });
    const at = grads.indexOf(null);
    if (at >= 0)
      throw new GradientError(`the value does not depend on argument ${at}`, {
        op,
        fix: 'the function must compute its value from its arguments, with tf operations',
      });
    return { value, grads: grads as Tensor[] };
  } finally {
    tape.stop();
  }
}

const one = (x: TensorLike, op: string): Tensor => toTensor(x, 'x', op);
function many(args: unknown, op: string): Tensor[] {
  if (!Array.isArray(args))
    throw new ArgumentError('the arguments must be given as an array', { op, fix: 'write [x] for one argument' });
  return args.map((x, i) => toTensor(x as TensorLike, `args[${i}]`, op));
}

/**
 * The gradient of f(x) as a function of x (and of dy, which weighs the elements of f(x)).
 * Throws GradientError where f(x) does not depend on x.
 */
export function grad(f: (x: Tensor) => Tensor): (x: TensorLike, dy?: TensorLike) => Tensor {
  checkFunction(f, 'grad');
  return (x, dy) => differentiate(f as (...a: Tensor[]) => unknown, [one(x, 'grad')], dy, 'grad').grads[0];
}

/** The gradients of f(x1, x2, ...) as a function of the array of arguments. Errors as `grad`. */
export function grads(f: (...args: Tensor[]) => Tensor): (args: TensorLike[], dy?: TensorLike) => Tensor[] {
  checkFunction(f, 'grads');
  return (args, dy) => differentiate(f, many(args, 'grads'), dy, 'grads').grads;
}

/** As `grad`, with the value: `{value, grad}`. */
export function valueAndGrad(
  f: (x: Tensor) => Tensor,
): (x: TensorLike, dy?: TensorLike) => { value: Tensor; grad: Tensor } {
  checkFunction(f, 'valueAndGrad');
  return (x, dy) => {
    const r = differentiate(f as (...a: Tensor[]) => unknown, [one(x, 'valueAndGrad')], dy, 'valueAndGrad');
    return { value: r.value, grad: r.grads[0] };
  };
}

/** As `grads`, with the value: `{value, grads}`. */
export function valueAndGrads(
  f: (...args: Tensor[]) => Tensor,
): (args: TensorLike[], dy?: TensorLike) => { value: Tensor; grads: Tensor[] } {
  checkFunction(f, 'valueAndGrads');
  return (args, dy) => differentiate(f, many(args, 'valueAndGrads'), dy, 'valueAndGrads');
}

/** Variables that were given, also by the tensors that reading them gave. */
function variableList(given: readonly Tensor[], op: string): Variable[] {
  const found = Array.isArray(given) ? given.map((v) => (v instanceof Variable ? v : snapshots.get(v as Tensor))) : [];
  if (Array.isArray(given) && found.every((v) => v instanceof Variable)) return found;
  throw new ArgumentError('varList must be an array of Variables', {
    op,
    fix: 'pass [w, b], or model.trainableWeights',
  });
}

/** Gradients by name, and which Variable each name means: names of Variables need not be unique. */
const variablesOf = new WeakMap<object, ReadonlyMap<string, Variable>>();
export const variablesOfGradients = (g: object): ReadonlyMap<string, Variable> | undefined => variablesOf.get(g);

/**
 * Value of `f()`, a scalar, and its gradients with respect to Variables, by their names.
 * @param given the Variables, or what reading them gave (as `model.getWeights()` does); by default all trainable
 * ones that f reads
 * Throws GradientError where the value is no scalar or depends on none of them.
 */
export function variableGrads(f: () => Tensor, given?: readonly Tensor[]): { value: Tensor; grads: TensorMap } {
  const op = 'variableGrads';
  checkFunction(f, op);
  const varList = given ? variableList(given, op) : undefined;
  const tape = new GradientTape({ watchAccessedVariables: varList === undefined });
  try {
    if (varList) tape.watch(varList);
    const value = f();
    if (!(value instanceof Tensor))
      throw new GradientError('the function must return a tensor', { op, fix: 'return what tf operations give' });
    if (value.rank !== 0)
      throw new GradientError(`the function must return a scalar, it returned shape [${value.shape}]`, {
        op,
        fix: 'reduce it with tf.sum or tf.mean',
      });
    const variables = varList ? varList.filter((v) => v.trainable) : tape.watchedVariables();
    const found = tape.gradient(value, [...variables]);
    const hit = variables.filter((_, i) => found[i] !== null);
    if (hit.length === 0)
      throw new GradientError('the value depends on no trainable Variable', {
        op,
        fix: 'compute it from Variables with tf operations',
      });
    const names = uniqueNames(hit);
    const grads = Object.fromEntries(hit.map((v, i) => [names[i], found[variables.indexOf(v)] as Tensor]));
    variablesOf.set(grads, new Map(hit.map((v, i) => [names[i], v])));
    return { value, grads };
  } finally {
    tape.stop();
  }
}
