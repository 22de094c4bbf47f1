// Losses of probabilities and of margins. Probabilities are cut to [1e-7, 1 - 1e-7] before logarithms, as
// Keras does; with `fromLogits` nothing is cut and nothing overflows. All reduce one axis and throw
// ShapeError for labels and predictions that do not fit.

import type { Val } from '../../../ir/graph.ts';
import type { TensorLike } from '../../trace/convert.ts';
import { emitter as b } from '../../trace/dispatch.ts';
import { apply, axisOf, numberArg } from '../../trace/ops/common.ts';
import { Tensor } from '../../trace/tensor.ts';
import { logitsOf } from '../engine/call-context.ts';
import { countedClasses, epsilon, lastAxis, lastMean, matched, matchedClasses } from './shapes.ts';

/** The logits behind probabilities that a layer's softmax or sigmoid gave: with them nothing need be cut. */
const behind = (yPred: TensorLike, kind: 'softmax' | 'sigmoid'): Tensor | undefined =>
  yPred instanceof Tensor ? logitsOf(yPred, kind) : undefined;

const inside = (p: Val): Val => b.min(b.max(p, epsilon), 1 - epsilon);

/** Labels moved towards the share that each of `classes` has. */
const smoothed = (y: Tensor, smoothing: number, classes: number, op: string): Tensor => {
  const share = numberArg(smoothing, 'labelSmoothing', op);
  return (share ? b.add(b.mul(y, 1 - share), share / classes) : y) as Tensor;
};

/** -y * log(p) - (1 - y) * log(1 - p), element by element. */
function binaryTerms(y: Tensor, p: Tensor, fromLogits: boolean): Val {
  // softplus(x) - x * y, which is max(x, 0) - x * y + log(1 + e^-|x|).
  if (fromLogits) return b.sub(b.un('softplus', p), b.mul(p, y));
  // 1 - p is cut by itself: 1 - (1 - 1e-7) is no 1e-7 in float32.
  const [hit, miss] = [p, b.sub(1, p)].map((q) => b.un('log', inside(q)));
  return b.neg(b.add(b.mul(y, hit), b.mul(b.sub(1, y), miss)));
}

/**
 * Cross-entropy of independent yes-or-no labels, the mean over an axis.
 * @param labelSmoothing moves labels towards 1/2
 */
export function binaryCrossentropy(
  yTrue: TensorLike,
  yPred: TensorLike,
  fromLogits = false,
  labelSmoothing = 0,
  axis = -1,
): Tensor {
  const op = 'binaryCrossentropy';
  const logits = fromLogits ? undefined : behind(yPred, 'sigmoid');
  const [y, p] = matched(yTrue, logits ?? yPred, op);
  const at = axisOf(axis, p.rank, op);
  const terms = binaryTerms(smoothed(y, labelSmoothing, 2, op), p, fromLogits || logits !== undefined);
  return b.mean(terms, [at]) as Tensor;
}

export interface FocalOptions {
  /** Whether positive labels count `alpha` and negative ones 1 - alpha. */
  applyClassBalancing?: boolean;
  alpha?: number;
  gamma?: number;
  fromLogits?: boolean;
  labelSmoothing?: number;
  axis?: number;
}

/** Binary cross-entropy where what is right already counts less: times (1 - p)^gamma (Lin and others 2017). */
export function binaryFocalCrossentropy(yTrue: TensorLike, yPred: TensorLike, options: FocalOptions = {}): Tensor {
  const op = 'binaryFocalCrossentropy';
  const { applyClassBalancing = false, alpha = 0.25, gamma = 2, fromLogits = false } = options ?? {};
  const [t, x] = matched(yTrue, yPred, op);
  const at = axisOf(options?.axis ?? -1, x.rank, op);
  const y = smoothed(t, options?.labelSmoothing ?? 0, 2, op);
  const p = fromLogits ? b.un('logistic', x) : x;
  const other = b.sub(1, y);
  const wrong = b.sub(1, b.add(b.mul(y, p), b.mul(other, b.sub(1, p))));
  const g = numberArg(gamma, 'gamma', op);
  let loss = b.mul(b.pow(wrong, b.splat(wrong.type, g)), binaryTerms(y, x, fromLogits));
  if (applyClassBalancing) {
    const share = numberArg(alpha, 'alpha', op);
    loss = b.mul(loss, b.add(b.mul(y, share), b.mul(other, 1 - share)));
  }
  return b.mean(loss, [at]) as Tensor;
}

/** Shares of their sum along the last axis, within [1e-7, 1 - 1e-7]. */
const shares = (p: Tensor): Val => inside(b.div(p, b.sum(p, [p.rank - 1], true)));

/**
 * Cross-entropy of one-hot labels (or of probabilities) over an axis.
 * @param labelSmoothing moves labels towards 1/classes
 */
export function categoricalCrossentropy(
  yTrue: TensorLike,
  yPred: TensorLike,
  fromLogits = false,
  labelSmoothing = 0,
  axis = -1,
): Tensor {
  const op = 'categoricalCrossentropy';
  // Softmax layers work along the last axis.
  const logits = fromLogits || axis !== -1 ? undefined : behind(yPred, 'softmax');
  const [t, x] = matched(yTrue, logits ?? yPred, op);
  const at = axisOf(axis, x.rank, op);
  const [y, p] = [lastAxis(smoothed(t, labelSmoothing, x.shape[at], op), at), lastAxis(x, at)];
  if (fromLogits || logits) return apply('softmax_cross_entropy', [p, y]);
  return b.neg(b.sum(b.mul(y, b.un('log', shares(p))), [p.rank - 1])) as Tensor;
}

/** Cross-entropy of one-hot labels where what is right already counts less: times alpha * (1 - p)^gamma. */
export function categoricalFocalCrossentropy(yTrue: TensorLike, yPred: TensorLike, options: FocalOptions = {}): Tensor {
  const op = 'categoricalFocalCrossentropy';
  const { alpha = 0.25, gamma = 2, fromLogits = false } = options ?? {};
  const [t, x] = matched(yTrue, yPred, op);
  const at = axisOf(options?.axis ?? -1, x.rank, op);
  const y = lastAxis(smoothed(t, options?.labelSmoothing ?? 0, x.shape[at], op), at);
  const last = lastAxis(x, at);
  const p = shares(fromLogits ? apply('softmax', [last], { axis: last.rank - 1 }) : last);
  const g = b.pow(b.sub(1, p), b.splat(p.type, numberArg(gamma, 'gamma', op)));
  const terms = b.mul(b.mul(g, numberArg(alpha, 'alpha', op)), b.mul(y, b.un('log', p)));
  return b.neg(b.sum(terms, [p.type.shape.length - 1])) as Tensor;
}

/**
 * Cross-entropy of class numbers. NaN for a number that is no class.
 * @param ignoreClass labels of that number have the loss 0
 */
export function sparseCategoricalCrossentropy(
  yTrue: TensorLike,
  yPred: TensorLike,
  fromLogits = false,
  ignoreClass?: number | null,
  axis = -1,
): Tensor {
  const known = fromLogits || axis !== -1 ? undefined : behind(yPred, 'softmax');
  const { labels, scores } = matchedClasses(yTrue, known ?? yPred, axis, 'sparseCategoricalCrossentropy');
  // Logarithms of probabilities are logits of theirs.
  const logits = (fromLogits || known ? scores : b.un('log', inside(scores))) as Tensor;
  if (ignoreClass === undefined || ignoreClass === null) return apply('sparse_softmax_cross_entropy', [logits, labels]);
  const counted = countedClasses(labels, numberArg(ignoreClass, 'ignoreClass', 'sparseCategoricalCrossentropy'));
  const safe = b.select(counted, labels, 0) as Tensor;
  return b.select(counted, apply('sparse_softmax_cross_entropy', [logits, safe]), 0) as Tensor;
}

/** Sum of yTrue * log(yTrue / yPred): how far predicted probabilities are from true ones (Kullback and Leibler). */
export function kullbackLeiblerDivergence(yTrue: TensorLike, yPred: TensorLike): Tensor {
  const [t, x] = matched(yTrue, yPred, 'kullbackLeiblerDivergence');
  const [y, p] = [t, x].map((v) => b.min(b.max(v, epsilon), 1));
  return b.sum(b.mul(y, b.un('log', b.div(y, p))), [x.rank - 1]) as Tensor;
}

/** Labels 0 and 1 as -1 and 1; others stay, if one of them is neither 0 nor 1. */
function signs(y: Tensor): Val {
  const neither = b.mul(y, b.sub(y, 1));
  const binary = b.compare('eq', b.reduceMax(b.un('abs', neither)), 0);
  return b.select(binary, b.sub(b.mul(y, 2), 1), y);
}

/** max(0, 1 - y * yPred), where y is -1 or 1. */
function margins(yTrue: TensorLike, yPred: TensorLike, op: string): Val {
  const [y, p] = matched(yTrue, yPred, op);
  return b.max(b.sub(1, b.mul(y.size === 0 ? y : signs(y), p)), 0);
}

/** Mean of max(0, 1 - y * yPred). Labels are -1 or 1; where all are 0 or 1, 0 stands for -1. */
export function hinge(yTrue: TensorLike, yPred: TensorLike): Tensor {
  return lastMean(margins(yTrue, yPred, 'hinge'));
}

/** Mean of max(0, 1 - y * yPred)^2; labels as in `hinge`. */
export function squaredHinge(yTrue: TensorLike, yPred: TensorLike): Tensor {
  return lastMean(b.square(margins(yTrue, yPred, 'squaredHinge')));
}

/** max(0, 1 + the best score of a wrong class - the score of the right one). */
export function categoricalHinge(yTrue: TensorLike, yPred: TensorLike): Tensor {
  const [y, p] = matched(yTrue, yPred, 'categoricalHinge');
  const last = [p.rank - 1];
  const right = b.sum(b.mul(y, p), last);
  const wrong = b.reduceMax(b.mul(b.sub(1, y), p), last);
  return b.max(b.add(b.sub(wrong, right), 1), 0) as Tensor;
}
