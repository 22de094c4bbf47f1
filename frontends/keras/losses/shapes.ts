// Labels, predictions and weights are brought together as Keras does it.

import { ShapeError } from '../../../ir/errors.ts';
import { isFloat } from '../../../ir/types.ts';
import type { TensorLike } from '../../trace/convert.ts';
import { emitter as b } from '../../trace/dispatch.ts';
import { arg, axisOf, to } from '../../trace/ops/common.ts';
import type { Tensor } from '../../trace/tensor.ts';

/** What Keras adds to, or cuts from, what is divided or goes into a logarithm. */
export const epsilon = 1e-7;

/** Predictions as floats. */
export function predictions(x: TensorLike, op: string): Tensor {
  const t = arg(x, 'yPred', op);
  return isFloat(t.type.dtype) ? t : to(t, 'f32');
}

/**
 * A last axis of length 1 that only one of the two has: a column against a vector makes the vector a
 * column, else the axis goes.
 */
export function sameRank(x: Tensor, y: Tensor): [Tensor, Tensor] {
  if (x.rank === y.rank + 1 && x.shape[x.rank - 1] === 1) return alignTo(x, y);
  if (y.rank === x.rank + 1 && y.shape[y.rank - 1] === 1) return alignTo(y, x).reverse() as [Tensor, Tensor];
  return [x, y];
}
const alignTo = (long: Tensor, short: Tensor): [Tensor, Tensor] =>
  short.rank === 1
    ? [long, b.reshape(short, [short.shape[0], 1]) as Tensor]
    : [b.reshape(long, long.shape.slice(0, -1)) as Tensor, short];

/** What to do where labels and predictions do not fit. */
const fixes: Readonly<Record<string, string>> = {
  categoricalCrossentropy:
    'one-hot labels have the shape of the predictions; class numbers need sparseCategoricalCrossentropy',
  categoricalFocalCrossentropy: 'one-hot labels have the shape of the predictions: tf.oneHot(labels, classes)',
  categoricalHinge: 'one-hot labels have the shape of the predictions: tf.oneHot(labels, classes)',
};

/** Throws ShapeError unless the shapes are equal. */
export function checkShapes(yTrue: Tensor, yPred: Tensor, op: string): void {
  if (yTrue.rank === yPred.rank && yTrue.shape.every((d, i) => d === yPred.shape[i])) return;
  throw new ShapeError(`labels have shape [${yTrue.shape}], predictions [${yPred.shape}]`, {
    op,
    fix: fixes[op] ?? "give labels of the output's shape, or reshape the output",
  });
}

/** Labels and predictions of one shape and float dtype. Throws ShapeError where they do not fit. */
export function matched(yTrue: TensorLike, yPred: TensorLike, op: string): [Tensor, Tensor] {
  const p = predictions(yPred, op);
  const [y, q] = sameRank(to(arg(yTrue, 'yTrue', op), p.type.dtype), p);
  checkShapes(y, q, op);
  if (q.rank === 0)
    throw new ShapeError('labels and predictions are scalars', { op, fix: 'give them a batch axis: [[value]]' });
  return [y, q];
}

/** Class numbers (int32) and predictions with one axis more, over the classes. Errors as `matched`. */
export function matchedClasses(
  yTrue: TensorLike,
  yPred: TensorLike,
  axis: number,
  op: string,
): { labels: Tensor; scores: Tensor } {
  const p = predictions(yPred, op);
  if (p.rank === 0) throw new ShapeError('predictions are a scalar', { op, fix: 'give a score for each class' });
  const at = axisOf(axis, p.rank, op);
  let y = arg(yTrue, 'yTrue', op);
  if (y.rank === p.rank && y.shape[y.rank - 1] === 1) y = b.reshape(y, y.shape.slice(0, -1)) as Tensor;
  const want = p.shape.toSpliced(at, 1);
  if (y.rank !== want.length || y.shape.some((d, i) => d !== want[i]))
    throw new ShapeError(`class numbers have shape [${y.shape}], predictions [${p.shape}]`, {
      op,
      fix: `class numbers of the shape [${want}] are needed; one-hot labels need categorical${op.slice('sparseCategorical'.length)}`,
    });
  return { labels: to(y, 'i32'), scores: lastAxis(p, at) };
}

/** With that axis as the last one. */
export function lastAxis(x: Tensor, axis: number): Tensor {
  const rest = x.shape.map((_, i) => i).filter((i) => i !== axis);
  return b.transpose(x, [...rest, axis]) as Tensor;
}

/**
 * Weights that go with values: of the same rank, or for the first axes of them only.
 * Throws ShapeError where they do not broadcast.
 */
export function alignWeights(values: Tensor, weights: Tensor, op: string): [Tensor, Tensor] {
  let w = to(weights, values.type.dtype);
  if (values.rank === 0) return [values, w];
  if (w.rank === values.rank + 1 && w.shape[w.rank - 1] === 1) w = b.reshape(w, w.shape.slice(0, -1)) as Tensor;
  if (w.rank > 0 && w.rank < values.rank)
    w = b.reshape(w, [...w.shape, ...Array<number>(values.rank - w.rank).fill(1)]) as Tensor;
  if (w.rank > values.rank || w.shape.some((d, i) => d !== 1 && d !== values.shape[i]))
    throw new ShapeError(`weights have shape [${weights.shape}], what they weigh [${values.shape}]`, {
      op,
      fix: 'give a weight for each sample, or for each value',
    });
  return [values, w];
}

/** Mean of x over the last axis. */
export const lastMean = (x: unknown): Tensor => b.mean(x as Tensor, [(x as Tensor).rank - 1]) as Tensor;

/** Whether a class number counts. */
export const countedClasses = (labels: Tensor, ignoreClass: number): Tensor =>
  b.compare('ne', labels, ignoreClass) as Tensor;
