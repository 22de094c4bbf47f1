// How many predictions are right, as functions that give 1 or 0 for each sample. All throw ShapeError for
// labels and predictions that do not fit.

import { ArgumentError, valueText } from '../../../ir/errors.ts';
import type { TensorLike } from '../../trace/convert.ts';
import { emitter as b } from '../../trace/dispatch.ts';
import { numberArg } from '../../trace/ops/common.ts';
import { argMax as argMaxOf } from '../../trace/ops/reduce.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { lastMean, matched, matchedClasses } from '../losses/shapes.ts';

const argMax = (x: Tensor): Tensor => argMaxOf(x, -1);

/** Share of the elements along the last axis where labels and predictions are equal. */
export function accuracy(yTrue: TensorLike, yPred: TensorLike): Tensor {
  const [y, p] = matched(yTrue, yPred, 'accuracy');
  return lastMean(b.convert(b.compare('eq', y, p), p.type.dtype));
}

/** Share of the elements along the last axis where yTrue is 1 and yPred above the threshold, or yTrue 0 and yPred not. */
export function binaryAccuracy(yTrue: TensorLike, yPred: TensorLike, threshold = 0.5): Tensor {
  const [y, p] = matched(yTrue, yPred, 'binaryAccuracy');
  const on = b.compare('gt', p, numberArg(threshold, 'threshold', 'binaryAccuracy'));
  return lastMean(b.convert(b.compare('eq', y, b.convert(on, y.type.dtype)), p.type.dtype));
}

/** 1 where the largest prediction is that of the one-hot label. The first of equal ones is the largest. */
export function categoricalAccuracy(yTrue: TensorLike, yPred: TensorLike): Tensor {
  const [y, p] = matched(yTrue, yPred, 'categoricalAccuracy');
  return b.convert(b.compare('eq', argMax(y), argMax(p)), p.type.dtype) as Tensor;
}

/** 1 where the largest prediction is that of the label, a class number. */
export function sparseCategoricalAccuracy(yTrue: TensorLike, yPred: TensorLike): Tensor {
  const { labels, scores } = matchedClasses(yTrue, yPred, -1, 'sparseCategoricalAccuracy');
  return b.convert(b.compare('eq', labels, argMax(scores)), scores.type.dtype) as Tensor;
}

/**
 * 1 where fewer than k classes have a larger prediction than the label's. Equal ones count as its own, so
 * all of them are among the first k; where a prediction is not finite, nothing is.
 */
function inTopK(labels: Tensor, scores: Tensor, k: number, op: string): Tensor {
  if (!Number.isInteger(k) || k < 1)
    throw new ArgumentError(`k must be a whole number from 1 on, not ${valueText(k)}`, {
      op,
      fix: 'a usual value is 5',
    });
  const last = scores.rank - 1;
  const column = b.reshape(labels, [...labels.shape, 1]);
  const own = b.compare('eq', b.iota(scores.shape, last), b.broadcastTo(column, scores.shape));
  const score = b.sum(b.select(own, scores, 0), [last], true);
  const better = b.sum(b.convert(b.compare('gt', scores, score), 'i32'), [last]);
  const odd = b.un('not', b.un('is_finite', scores));
  const spoilt = b.reduceMax(b.convert(odd, 'i32'), [last]);
  const known = b.reduceMax(b.convert(own, 'i32'), [last]);
  const hit = b.and(b.compare('lt', better, k), b.compare('gt', known, spoilt));
  return b.convert(hit, scores.type.dtype) as Tensor;
}

/** 1 where the one-hot label's prediction is among the k largest; see `sparseTopKCategoricalAccuracy`. */
export function topKCategoricalAccuracy(yTrue: TensorLike, yPred: TensorLike, k = 5): Tensor {
  const op = 'topKCategoricalAccuracy';
  const [y, p] = matched(yTrue, yPred, op);
  return inTopK(argMax(y), p, k, op);
}

/**
 * 1 where the prediction of the label, a class number, is among the k largest. All that are equal to the
 * k-th count; where a prediction is not finite, nothing does, as TensorFlow's in_top_k.
 */
export function sparseTopKCategoricalAccuracy(yTrue: TensorLike, yPred: TensorLike, k = 5): Tensor {
  const op = 'sparseTopKCategoricalAccuracy';
  const { labels, scores } = matchedClasses(yTrue, yPred, -1, op);
  return inTopK(labels, scores, k, op);
}
