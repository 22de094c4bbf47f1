// The angle between labels and predictions.

import type { TensorLike } from '../../trace/convert.ts';
import { emitter as b } from '../../trace/dispatch.ts';
import { axisOf } from '../../trace/ops/common.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { epsilon, matched } from './shapes.ts';

/** x over its Euclidean norm along an axis, which counts as no less than 1e-7. */
function normalize(x: Tensor, axis: number): Tensor {
  const square = b.sum(b.square(x), [axis], true);
  return b.div(x, b.un('sqrt', b.max(square, epsilon ** 2))) as Tensor;
}

/** Cosine of the angle between labels and predictions along an axis: 1 where they point the same way. */
export function cosineOfAngle(yTrue: TensorLike, yPred: TensorLike, axis = -1, op = 'cosineSimilarity'): Tensor {
  const [y, p] = matched(yTrue, yPred, op);
  const at = axisOf(axis, p.rank, op);
  return b.sum(b.mul(normalize(y, at), normalize(p, at)), [at]) as Tensor;
}
