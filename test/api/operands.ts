// Tensors for the calls of test/api: elements that follow from shape and place alone.

import * as tf from 'sinter';
import { randomFrom } from '../helpers.ts';

const count = (shape: readonly number[]) => shape.reduce((n, d) => n * d, 1);
let seed = 0;
function drawn(shape: readonly number[], lo: number, hi: number): number[] {
  const random = randomFrom(count(shape) * 31 + shape.length + 7 * (seed++ % 97));
  return Array.from({ length: count(shape) }, () => lo + (hi - lo) * random());
}

/** float32 numbers from -2 to 2, or between other limits. */
export const f = (shape: readonly number[] = [], lo = -2, hi = 2): tf.Tensor => tf.tensor(drawn(shape, lo, hi), shape);
/** int32 numbers, both limits included. */
export const i = (shape: readonly number[] = [], lo = -5, hi = 5): tf.Tensor =>
  tf.tensor(
    drawn(shape, lo, hi + 1).map((x) => Math.min(hi, Math.floor(x))),
    shape,
    'int32',
  );
/** bool. */
export const b = (shape: readonly number[] = []): tf.Tensor =>
  tf.tensor(
    drawn(shape, 0, 1).map((x) => x < 0.5),
    shape,
    'bool',
  );
/** Complex numbers. */
export const c = (shape: readonly number[] = []): tf.ComplexTensor => tf.complex(f(shape), f(shape));
/** A symmetric, positive definite matrix (or a stack of them). */
export const definite = (shape: readonly number[]): tf.Tensor => {
  const x = f(shape);
  const n = shape[shape.length - 1];
  return tf.add(tf.matMul(x, x, false, true), tf.eye(n).mul(n));
};
/** A lower triangle whose diagonal is far from 0. */
export const triangle = (n: number): tf.Tensor =>
  tf.add(tf.linalg.bandPart(f([n, n], -0.5, 0.5), -1, 0), tf.eye(n).mul(2));
