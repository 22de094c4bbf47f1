// Losses of numbers. All take labels and predictions of one shape (a column against a vector fits too),
// reduce the last axis, and throw ShapeError for shapes that do not fit.

import type { TensorLike } from '../../trace/convert.ts';
import { emitter as b } from '../../trace/dispatch.ts';
import { apply, numberArg } from '../../trace/ops/common.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { cosineOfAngle } from './angle.ts';
import { epsilon, lastMean, matched } from './shapes.ts';

/** Mean of (yTrue - yPred)^2. */
export function meanSquaredError(yTrue: TensorLike, yPred: TensorLike): Tensor {
  return lastMean(apply('squared_difference', matched(yTrue, yPred, 'meanSquaredError')));
}

/** Mean of |yTrue - yPred|. */
export function meanAbsoluteError(yTrue: TensorLike, yPred: TensorLike): Tensor {
  const [y, p] = matched(yTrue, yPred, 'meanAbsoluteError');
  return lastMean(b.un('abs', b.sub(y, p)));
}

/** 100 times the mean of |yTrue - yPred| / max(|yTrue|, 1e-7). */
export function meanAbsolutePercentageError(yTrue: TensorLike, yPred: TensorLike): Tensor {
  const [y, p] = matched(yTrue, yPred, 'meanAbsolutePercentageError');
  const error = b.un('abs', b.div(b.sub(y, p), b.max(b.un('abs', y), epsilon)));
  return b.mul(lastMean(error), 100) as Tensor;
}

/** Mean of (log(1 + yTrue) - log(1 + yPred))^2; what is below 1e-7 counts as 1e-7. */
export function meanSquaredLogarithmicError(yTrue: TensorLike, yPred: TensorLike): Tensor {
  const [y, p] = matched(yTrue, yPred, 'meanSquaredLogarithmicError');
  const log = (x: Tensor) => b.un('log1p', b.max(x, epsilon)) as Tensor;
  return lastMean(apply('squared_difference', [log(y), log(p)]));
}

/** Mean of log(cosh(yPred - yTrue)), which is half a square near 0 and linear far from it. */
export function logcosh(yTrue: TensorLike, yPred: TensorLike): Tensor {
  const [y, p] = matched(yTrue, yPred, 'logcosh');
  // log cosh x = |x| + log(1 + e^(-2|x|)) - log 2: nothing overflows.
  const x = b.un('abs', b.sub(p, y));
  return lastMean(b.sub(b.add(x, b.un('softplus', b.mul(x, -2))), Math.LN2));
}

/** Mean of half the squared error up to `delta`, linear beyond (Huber 1964). */
export function huber(yTrue: TensorLike, yPred: TensorLike, delta = 1): Tensor {
  const [y, p] = matched(yTrue, yPred, 'huber');
  const d = numberArg(delta, 'delta', 'huber');
  const error = b.un('abs', b.sub(y, p));
  const near = b.min(error, d);
  return lastMean(b.add(b.mul(b.square(near), 0.5), b.mul(b.sub(error, near), d)));
}

/** Mean of yPred - yTrue * log(yPred): counts under a Poisson distribution, up to a constant. */
export function poisson(yTrue: TensorLike, yPred: TensorLike): Tensor {
  const [y, p] = matched(yTrue, yPred, 'poisson');
  return lastMean(b.sub(p, b.mul(y, b.un('log', b.add(p, epsilon)))));
}

/** The cosine of the angle between labels and predictions along an axis, negated: -1 where they point the same way. */
export function cosineSimilarity(yTrue: TensorLike, yPred: TensorLike, axis = -1): Tensor {
  return b.neg(cosineOfAngle(yTrue, yPred, axis)) as Tensor;
}
