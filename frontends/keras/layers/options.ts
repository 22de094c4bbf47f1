// Options of layers, checked: counts, rates, tuples, axes of inputs.

import { ArgumentError, ShapeError, valueText } from '../../../ir/errors.ts';
import { type Shape, shapeText } from '../engine/symbolic.ts';

/** A whole number from `least` on. Throws ArgumentError for anything else. */
export function countOption(x: unknown, name: string, op: string, least = 1): number {
  if (Number.isInteger(x) && (x as number) >= least) return x as number;
  throw new ArgumentError(`${name} must be a whole number from ${least} on, not ${valueText(x)}`, {
    op,
    fix: x === undefined ? `give it: {${name}: ${Math.max(least, 1) * 8}}` : undefined,
  });
}

/** A share from 0 up to, but not, 1. */
export function rateOption(x: unknown, name: string, op: string): number {
  if (typeof x === 'number' && x >= 0 && x < 1) return x;
  throw new ArgumentError(`${name} must be a number from 0 up to, but not, 1, not ${valueText(x)}`, {
    op,
    fix: `it is the share that is dropped: {${name}: 0.5}`,
  });
}

/** One of some words. */
export function oneOf<T extends string>(x: unknown, words: readonly T[], name: string, op: string): T {
  if (words.includes(x as T)) return x as T;
  throw new ArgumentError(`${name} must be one of ${words.map((w) => `'${w}'`).join(', ')}, not ${valueText(x)}`, {
    op,
    fix: `such as {${name}: '${words[0]}'}`,
  });
}

/** `n` whole numbers, from one for all or an array of n. */
export function tuple(x: unknown, n: number, name: string, op: string, least = 1): number[] {
  const list =
    Array.isArray(x) && x.length === 1 && n > 1 ? Array(n).fill(x[0]) : Array.isArray(x) ? x : Array(n).fill(x);
  if (list.length === n && list.every((d) => Number.isInteger(d) && d >= least)) return [...list];
  throw new ArgumentError(
    `${name} must be a whole number from ${least} on, or an array of ${n} of them, not ${valueText(x)}`,
    { op, fix: `such as {${name}: ${Math.max(least, 2)}}` },
  );
}

/** Size of an axis of the input that weights depend on. Throws ShapeError where it is not known. */
export function knownAxis(shape: Shape, axis: number, op: string): number {
  const d = shape[axis < 0 ? shape.length + axis : axis];
  if (d !== null && d !== undefined) return d;
  throw new ShapeError(`the size of axis ${axis} of the input must be known; its shape is ${shapeText(shape)}`, {
    op,
    fix: 'weights depend on it: give inputShape with a number there',
  });
}
