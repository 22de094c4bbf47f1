// Losses as TensorFlow.js has them: labels first, optional weights that broadcast to the loss, and a
// reduction. All throw ShapeError where labels and predictions differ in shape.

import { ShapeError } from '../../../ir/errors.ts';
import type { TensorLike } from '../convert.ts';
import { emitter as b } from '../dispatch.ts';
import type { Tensor } from '../tensor.ts';
import { apply, arg, axisOf, commonShape, floatArg, need, numberArg, to } from './common.ts';

/** What becomes of the losses of single elements. */
export const Reduction = Object.freeze({
  NONE: 0,
  MEAN: 1,
  SUM: 2,
  SUM_BY_NONZERO_WEIGHTS: 3,
});
export type Reduction = (typeof Reduction)[keyof typeof Reduction];

/** Weighs losses and reduces them: by default the sum over the number of weights that are not 0. */
export function computeWeightedLoss(
  losses: TensorLike,
  weights?: TensorLike | null,
  reduction: Reduction = Reduction.SUM_BY_NONZERO_WEIGHTS,
): Tensor {
  const op = 'computeWeightedLoss';
  const l = floatArg(losses, 'losses', op);
  const w = weights === undefined || weights === null ? undefined : to(arg(weights, 'weights', op), l.type.dtype);
  if (w) commonShape(op, l.shape, w.shape);
  const weighed = (w ? b.mul(l, w) : l) as Tensor;
  need(
    Object.values(Reduction).includes(reduction),
    op,
    'the reduction must be one of tf.Reduction: NONE, MEAN, SUM or SUM_BY_NONZERO_WEIGHTS',
    reduction,
  );
  if (reduction === Reduction.NONE) return weighed;
  const total = b.sum(weighed);
  if (reduction === Reduction.SUM) return total as Tensor;
  if (!w) return b.mul(total, 1 / l.size) as Tensor;
  const spread = b.broadcastTo(w, weighed.shape);
  if (reduction === Reduction.MEAN) return b.div(total, b.sum(spread)) as Tensor;
  const count = b.sum(b.convert(b.compare('ne', spread, 0), l.type.dtype));
  // All weights 0: the loss is 0, not NaN.
  return b.div(total, b.max(count, 1)) as Tensor;
}

function both(
  labels: TensorLike,
  predictions: TensorLike,
  op: string,
  names: readonly [string, string] = ['labels', 'predictions'],
): [Tensor, Tensor] {
  const p = floatArg(predictions, names[1], op);
  const l = to(arg(labels, names[0], op), p.type.dtype);
  if (l.rank !== p.rank || l.shape.some((d, i) => d !== p.shape[i]))
    throw new ShapeError(`${names[0]} [${l.shape}] and ${names[1]} [${p.shape}] must have one shape`, {
      op,
      fix: 'broadcast one of them first: tf.broadcastTo',
    });
  return [l, p];
}

type Weights = TensorLike | null;

/** |labels - predictions|. */
export function absoluteDifference(
  labels: TensorLike,
  predictions: TensorLike,
  weights?: Weights,
  reduction?: Reduction,
): Tensor {
  const [l, p] = both(labels, predictions, 'absoluteDifference');
  return computeWeightedLoss(b.un('abs', b.sub(l, p)) as Tensor, weights, reduction);
}

/** (labels - predictions)^2. */
export function meanSquaredError(
  labels: TensorLike,
  predictions: TensorLike,
  weights?: Weights,
  reduction?: Reduction,
): Tensor {
  return computeWeightedLoss(
    apply('squared_difference', both(labels, predictions, 'meanSquaredError')),
    weights,
    reduction,
  );
}

/** 1 - sum(labels * predictions) over an axis; both should have length 1 along it. */
export function cosineDistance(
  labels: TensorLike,
  predictions: TensorLike,
  axis: number,
  weights?: Weights,
  reduction?: Reduction,
): Tensor {
  const [l, p] = both(labels, predictions, 'cosineDistance');
  const at = axisOf(axis, l.rank, 'cosineDistance');
  return computeWeightedLoss(b.sub(1, b.sum(b.mul(l, p), [at], true)) as Tensor, weights, reduction);
}

/** max(0, 1 - y * predictions), where y is -1 or 1 for labels 0 and 1. */
export function hingeLoss(
  labels: TensorLike,
  predictions: TensorLike,
  weights?: Weights,
  reduction?: Reduction,
): Tensor {
  const [l, p] = both(labels, predictions, 'hingeLoss');
  const y = b.sub(b.mul(l, 2), 1);
  return computeWeightedLoss(apply('relu', [b.sub(1, b.mul(y, p)) as Tensor]), weights, reduction);
}

/** Half the squared error up to `delta`, linear beyond. */
export function huberLoss(
  labels: TensorLike,
  predictions: TensorLike,
  weights?: Weights,
  delta = 1,
  reduction?: Reduction,
): Tensor {
  const [l, p] = both(labels, predictions, 'huberLoss');
  numberArg(delta, 'delta', 'huberLoss');
  const error = b.un('abs', b.sub(p, l));
  const near = b.min(error, delta);
  return computeWeightedLoss(
    b.add(b.mul(b.square(near), 0.5), b.mul(b.sub(error, near), delta)) as Tensor,
    weights,
    reduction,
  );
}

/** -labels * log(predictions + epsilon) - (1 - labels) * log(1 - predictions + epsilon). */
export function logLoss(
  labels: TensorLike,
  predictions: TensorLike,
  weights?: Weights,
  epsilon = 1e-7,
  reduction?: Reduction,
): Tensor {
  const [l, p] = both(labels, predictions, 'logLoss');
  numberArg(epsilon, 'epsilon', 'logLoss');
  const hit = b.mul(l, b.un('log', b.add(p, epsilon)));
  const miss = b.mul(b.sub(1, l), b.un('log', b.add(b.sub(1, p), epsilon)));
  return computeWeightedLoss(b.neg(b.add(hit, miss)) as Tensor, weights, reduction);
}

/** Cross-entropy of independent sigmoids of the logits; `labelSmoothing` moves labels towards 1/2. */
export function sigmoidCrossEntropy(
  multiClassLabels: TensorLike,
  logits: TensorLike,
  weights?: Weights,
  labelSmoothing = 0,
  reduction?: Reduction,
): Tensor {
  const [l, x] = both(multiClassLabels, logits, 'sigmoidCrossEntropy', ['multiClassLabels', 'logits']);
  const share = numberArg(labelSmoothing, 'labelSmoothing', 'sigmoidCrossEntropy');
  const y = share ? b.add(b.mul(l, 1 - share), share / 2) : l;
  // softplus(x) - x * y, which is max(x, 0) - x * y + log(1 + e^-|x|).
  return computeWeightedLoss(b.sub(b.un('softplus', x), b.mul(x, y)) as Tensor, weights, reduction);
}

/** Cross-entropy of the softmax of the logits over the last axis; `labelSmoothing` moves labels towards 1/classes. */
export function softmaxCrossEntropy(
  onehotLabels: TensorLike,
  logits: TensorLike,
  weights?: Weights,
  labelSmoothing = 0,
  reduction?: Reduction,
): Tensor {
  const [l, x] = both(onehotLabels, logits, 'softmaxCrossEntropy', ['onehotLabels', 'logits']);
  const share = numberArg(labelSmoothing, 'labelSmoothing', 'softmaxCrossEntropy');
  const y = share ? b.add(b.mul(l, 1 - share), share / l.shape[l.rank - 1]) : l;
  return computeWeightedLoss(apply('softmax_cross_entropy', [x, y as Tensor]), weights, reduction);
}

/** Cross-entropy of the softmax of the logits over the last axis; labels are class numbers (int32); NaN for what is no class. */
export function sparseSoftmaxCrossEntropy(
  labels: TensorLike,
  logits: TensorLike,
  weights?: Weights,
  reduction?: Reduction,
): Tensor {
  const op = 'sparseSoftmaxCrossEntropy';
  const l = arg(labels, 'labels', op, Array.isArray(labels) ? 'i32' : undefined);
  return computeWeightedLoss(
    apply('sparse_softmax_cross_entropy', [floatArg(logits, 'logits', op), l]),
    weights,
    reduction,
  );
}
