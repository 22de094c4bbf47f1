// TensorFlow.js's functions of a whole batch: one number each. Labels and predictions are 0 or 1 for the first two.

import type { TensorLike } from '../../trace/convert.ts';
import { emitter as b } from '../../trace/dispatch.ts';
import { apply } from '../../trace/ops/common.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { matched } from '../losses/shapes.ts';
import { divNoNan } from './metric.ts';

/** How many labels and predictions have these values. */
function both(y: Tensor, p: Tensor, label: number, prediction: number): Tensor {
  const hit = b.and(b.compare('eq', y, label), b.compare('eq', p, prediction));
  return b.sum(b.convert(hit, p.type.dtype)) as Tensor;
}

/** Share of the predictions 1 whose label is 1; 0 where there are none. Throws ShapeError for shapes that differ. */
export function precision(yTrue: TensorLike, yPred: TensorLike): Tensor {
  const [y, p] = matched(yTrue, yPred, 'precision');
  const right = both(y, p, 1, 1);
  return divNoNan(right, b.add(right, both(y, p, 0, 1)) as Tensor);
}

/** Share of the labels 1 whose prediction is 1; 0 where there are none. Throws ShapeError for shapes that differ. */
export function recall(yTrue: TensorLike, yPred: TensorLike): Tensor {
  const [y, p] = matched(yTrue, yPred, 'recall');
  const right = both(y, p, 1, 1);
  return divNoNan(right, b.add(right, both(y, p, 1, 0)) as Tensor);
}

/** 1 - (squared errors) / (squared distances from the mean label). Throws ShapeError for shapes that differ. */
export function r2Score(yTrue: TensorLike, yPred: TensorLike): Tensor {
  const [y, p] = matched(yTrue, yPred, 'r2Score');
  const spread = b.sum(b.square(b.sub(y, b.mean(y))));
  return b.sub(1, b.div(b.sum(apply('squared_difference', [y, p])), spread)) as Tensor;
}
