// Normalization, dropout and losses.

import { b, product, range } from '../../formats/functions.ts';
import { randomUniform } from '../../trace/random.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { type Call, define, type Operator } from '../call.ts';
import { channelsFirst, knownLast } from '../layout.ts';
import { perChannel } from './linear.ts';

/** By given statistics; or by those of the batch, which the running ones follow. */
function batchNorm(c: Call): Tensor[] {
  const [x, scale, bias, mean, variance] = range(5).map((i) => c.x(i));
  const epsilon = c.number('epsilon', 1e-5);
  const at = (t: Tensor) => (x.rank < 2 ? t : perChannel(t, x.rank));
  const normal = (m: Tensor, v: Tensor) =>
    b.add(b.mul(b.sub(x, at(m)), at(b.mul(scale, b.un('rsqrt', b.add(v, epsilon))))), at(bias));
  const y = knownLast(x);
  const training = c.version >= 14 && c.flag('training_mode');
  if (!training && y) {
    const factor = b.mul(scale, b.un('rsqrt', b.add(variance, epsilon)));
    return [channelsFirst(b.add(b.mul(b.sub(y, mean), factor), bias))];
  }
  if (!training) return [normal(mean, variance)];
  const axes = range(x.rank).filter((i) => i !== 1);
  const now = b.mean(x, axes);
  const centred = b.sub(x, at(now));
  const spread = b.mean(b.mul(centred, centred), axes);
  const momentum = c.number('momentum', 0.9);
  const follow = (old: Tensor, t: Tensor) => b.add(b.mul(old, momentum), b.mul(t, 1 - momentum));
  return [normal(now, spread), follow(mean, now), follow(variance, spread)];
}

/** Less the mean over axes, over the deviation. */
function standardized(
  x: Tensor,
  axes: readonly number[],
  epsilon: number,
): { y: Tensor; mean: Tensor; inverse: Tensor } {
  const mean = b.mean(x, axes, true);
  const centred = b.sub(x, mean);
  const inverse = b.un('rsqrt', b.add(b.mean(b.mul(centred, centred), axes, true), epsilon));
  return { y: b.mul(centred, inverse), mean, inverse };
}

function instanceNorm(c: Call): Tensor {
  const [x, scale, bias] = [c.x(0), c.x(1), c.x(2)];
  const { y } = standardized(x, range(x.rank).slice(2), c.number('epsilon', 1e-5));
  return b.add(b.mul(y, perChannel(scale, x.rank)), perChannel(bias, x.rank));
}

/** Channels in groups, each normalized; scale and bias are per group before version 21. */
function groupNorm(c: Call): Tensor {
  const [x, scale, bias] = [c.x(0), c.x(1), c.x(2)];
  const groups = c.number('num_groups');
  const channels = x.shape[1];
  if (!(groups >= 1) || channels % groups) throw c.refuse(`${groups} groups of ${channels} channels`);
  const split = b.reshape(x, [x.shape[0], groups, channels / groups, product(x.shape.slice(2))]);
  const { y } = standardized(split, [2, 3], c.number('epsilon', 1e-5));
  if (scale.size === groups && c.version < 21)
    return b.reshape(b.add(b.mul(y, b.reshape(scale, [groups, 1, 1])), b.reshape(bias, [groups, 1, 1])), x.shape);
  return b.add(b.mul(b.reshape(y, x.shape), perChannel(scale, x.rank)), perChannel(bias, x.rank));
}

/** Over all axes from one on: the result, the mean and one over the deviation. */
export function layerNorm(
  x: Tensor,
  scale: Tensor | undefined,
  bias: Tensor | undefined,
  axis: number,
  epsilon: number,
): Tensor[] {
  const { y, mean, inverse } = standardized(x, range(x.rank).slice(axis), epsilon);
  const scaled = scale ? b.mul(y, scale) : y;
  return [bias ? b.add(scaled, bias) : scaled, mean, inverse];
}
/** Over the root of the mean square of all axes from one on. */
export function rmsNorm(x: Tensor, scale: Tensor, axis: number, epsilon: number): Tensor {
  const square = b.mean(b.mul(x, x), range(x.rank).slice(axis), true);
  return b.mul(b.mul(x, b.un('rsqrt', b.add(square, epsilon))), scale);
}

/** Elements set to 0 by chance where `training_mode` says so (operand 2), else everything as it is; and what was kept. */
function dropout(c: Call): Tensor[] {
  const x = c.x(0);
  const training = c.version >= 12 && c.maybe(2) !== undefined && c.knownScalar(2, 'whether it trains') !== 0;
  const ratio = c.version >= 12 ? (c.maybe(1) ? c.knownScalar(1, 'the ratio') : 0.5) : c.number('ratio', 0.5);
  if (!training || ratio === 0) return [x, b.splat({ dtype: 'bool', shape: x.shape }, 1)];
  const seed = c.has('seed') ? c.number('seed') : undefined;
  const kept = b.compare('ge', randomUniform(x.shape, 0, 1, 'float32', seed), ratio);
  return [b.mul(b.mul(x, b.convert(kept, x.type.dtype)), ratio < 1 ? 1 / (1 - ratio) : 0), kept];
}

/** Negative logarithms of the right classes' probabilities, weighted, then reduced. */
function nll(c: Call, logs: Tensor, labels: Tensor, weights: Tensor | undefined): Tensor {
  const ignored = c.has('ignore_index') ? c.number('ignore_index') : undefined;
  const classes = logs.shape[1];
  const target = b.convert(labels, 'i32');
  const use = ignored === undefined ? undefined : b.compare('ne', target, ignored);
  const safe = use ? b.select(use, target, b.zerosLike(target)) : target;
  const column = [...safe.shape, 1];
  const others = safe.shape.map((_, i) => b.iota(column, i));
  const rows = b.concat([others[0], b.reshape(safe, column), ...others.slice(1)], safe.rank);
  const picked = b.neg(b.call('gather', [logs, rows]));
  const plain = weights
    ? b.call('gather', [weights, b.reshape(safe, column)])
    : b.splat({ dtype: logs.type.dtype, shape: safe.shape }, 1);
  const weight = use ? b.mul(plain, b.convert(use, logs.type.dtype)) : plain;
  const loss = b.mul(picked, weight);
  const reduction = c.text('reduction', 'mean', ['none', 'sum', 'mean']);
  if (classes === 0) throw c.refuse('there are no classes');
  if (reduction === 'none') return loss;
  return reduction === 'sum' ? b.sum(loss) : b.div(b.sum(loss), b.sum(weight));
}
const crossEntropy = (c: Call): Tensor[] => {
  const logs = b.call('log_softmax', [c.x(0)], { axis: 1 });
  return [nll(c, logs, c.x(1), c.maybe(2)), logs];
};

export const normalization: readonly Operator[] = [
  define('BatchNormalization', 7, batchNorm, { statistics: [3, 4] }),
  define('InstanceNormalization', 6, instanceNorm),
  define('GroupNormalization', 18, groupNorm),
  // Since 17; ONNX Runtime's optimizer writes it into models of older sets too.
  define('LayerNormalization', 1, (c) => {
    const x = c.x(0);
    return layerNorm(x, c.x(1), c.maybe(2), c.axis(c.number('axis', -1), x.rank), c.number('epsilon', 1e-5));
  }),
  define('RMSNormalization', 23, (c) => {
    const x = c.x(0);
    return rmsNorm(x, c.x(1), c.axis(c.number('axis', -1), x.rank), c.number('epsilon', 1e-5));
  }),
  define('Dropout', 7, dropout, { fixed: [1, 2], impure: true }),
  define('NegativeLogLikelihoodLoss', 12, (c) => nll(c, c.x(0), c.x(1), c.maybe(2))),
  define('SoftmaxCrossEntropyLoss', 12, crossEntropy),
];
