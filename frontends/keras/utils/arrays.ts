// Labels and features as models take them.

import { ArgumentError, ShapeError } from '../../../ir/errors.ts';
import { isFloat } from '../../../ir/types.ts';
import { type TensorLike, toTensor } from '../../trace/convert.ts';
import { oneHot, onesLike } from '../../trace/creation.ts';
import { div, equal, pow, where } from '../../trace/ops/binary.ts';
import { arg, axisOf, need, numberArg, to } from '../../trace/ops/common.ts';
import { norm, sum } from '../../trace/ops/reduce.ts';
import { reshape } from '../../trace/ops/shape.ts';
import { abs } from '../../trace/ops/unary.ts';
import type { Tensor } from '../../trace/tensor.ts';

/** The elements of labels that are not traced: whole numbers from 0 on. Throws ArgumentError for others. */
function classesOf(t: Tensor, op: string): ArrayLike<number> {
  const labels = t.elements();
  for (let i = 0; i < labels.length; i++)
    need(Number.isInteger(labels[i]) && labels[i] >= 0, op, `label ${i} must be a whole number from 0 on`, labels[i]);
  return labels;
}

const largest = (x: ArrayLike<number>): number => {
  let most = -1;
  for (let i = 0; i < x.length; i++) most = Math.max(most, x[i]);
  return most;
};

/**
 * Classes as rows of 0 and a 1: float32 of the labels' shape (without a last axis of 1) and an axis of
 * `numClasses`, by default the largest label and 1 more. Traced labels need `numClasses`.
 * Throws ArgumentError for labels that are no class.
 */
export function toCategorical(y: TensorLike, numClasses?: number | null): Tensor {
  const op = 'utils.toCategorical';
  const t = arg(y, 'y', op);
  const given = numClasses ?? undefined;
  need(
    given === undefined || (Number.isInteger(given) && given >= 1),
    op,
    'numClasses must be a whole number from 1 on',
    numClasses,
  );
  let classes = given;
  if (!t.symbol || classes === undefined) {
    const top = largest(classesOf(t, op));
    classes ??= Math.max(1, top + 1);
    if (top >= classes)
      throw new ArgumentError(`a label is ${top}, where numClasses is ${classes}`, {
        op,
        fix: `labels go from 0 to numClasses - 1: numClasses must be at least ${top + 1}`,
      });
  }
  const shape = t.rank > 1 && t.shape[t.rank - 1] === 1 ? t.shape.slice(0, -1) : t.shape;
  return oneHot(to(reshape(t, shape), 'i32'), classes, 1, 0, 'float32');
}

/**
 * Vectors along an axis divided by their norm of that order; those of norm 0 stay 0. Floats, the shape of x.
 * Throws ShapeError for an axis that does not exist.
 */
export function normalize(x: TensorLike, axis = -1, order: number = 2): Tensor {
  const op = 'utils.normalize';
  const t = arg(x, 'x', op);
  axisOf(axis, t.rank, op);
  numberArg(order, 'order', op);
  need(order > 0 || order === Number.NEGATIVE_INFINITY, op, 'order must be a positive number', order);
  const floats = isFloat(t.type.dtype) ? t : to(t, 'f32');
  const usual = order === 1 || order === 2 || !Number.isFinite(order);
  const length = usual ? norm(floats, order, axis, true) : pow(sum(pow(abs(floats), order), axis, true), 1 / order);
  return div(floats, where(equal(length, 0), onesLike(length), length));
}

/**
 * Weights that make all classes count alike: samples / (classes * samples of the class), by class, for `fit`'s
 * classWeight. Classes without samples have none. Throws ArgumentError for labels that are no class.
 * @param y labels as whole numbers [n] or [n, 1], or one-hot rows [n, classes]
 */
export function classWeights(y: TensorLike): Record<number, number> {
  const op = 'utils.classWeights';
  const t = toTensor(y, 'y', op).operand();
  const hot = t.rank === 2 && t.shape[1] > 1;
  if (t.rank < 1 || t.rank > 2)
    throw new ShapeError(`labels must have the shape [n], [n, 1] or [n, classes], got [${t.shape}]`, {
      op,
      fix: 'give one label, or one row, a sample',
    });
  const width = hot ? t.shape[1] : 1;
  const labels = hot ? t.elements() : classesOf(t, op);
  const counts = new Map<number, number>();
  const samples = t.shape[0];
  for (let i = 0; i < samples; i++) {
    let k = labels[i];
    if (hot) {
      const row = Array.from({ length: width }, (_, j) => labels[i * width + j]);
      k = row.indexOf(Math.max(...row));
    }
    counts.set(k, (counts.get(k) ?? 0) + 1);
  }
  const classes = [...counts.keys()].sort((a, b) => a - b);
  return Object.fromEntries(classes.map((k) => [k, samples / (counts.size * (counts.get(k) as number))]));
}
