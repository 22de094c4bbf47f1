// Normalization, losses of logits, and fake quantization.

import { FormatError } from '../../../ir/errors.ts';
import { emitter as b } from '../../trace/dispatch.ts';
import * as binary from '../../trace/ops/binary.ts';
import { localResponseNormalization } from '../../trace/ops/filters.ts';
import { sparseSoftmaxCrossEntropy } from '../../trace/ops/losses.ts';
import { batchNorm, logSoftmax, relu, softmax } from '../../trace/ops/nn.ts';
import { euclideanNorm, mean, sum } from '../../trace/ops/reduce.ts';
import { expandDims, reshape } from '../../trace/ops/shape.ts';
import { clipByValue, floor, neg, rsqrt, square } from '../../trace/ops/unary.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { type Call, type Operators, op } from '../call.ts';
import { reduction } from './reduction.ts';

const isFirst = (dataFormat: string): boolean => dataFormat.toUpperCase().startsWith('NC');

/** (x - mean) / sqrt(variance + epsilon) * scale + offset over the channels. */
export function normalized(
  x: Tensor,
  scale: Tensor,
  offset: Tensor,
  mu: Tensor,
  variance: Tensor,
  epsilon: number,
  dataFormat: string,
): Tensor {
  const spread = (p: Tensor) => (isFirst(dataFormat) ? reshape(p, [p.size, ...new Array(x.rank - 2).fill(1)]) : p);
  return batchNorm(x, spread(mu), spread(variance), spread(offset), spread(scale), epsilon);
}

/** With the statistics of the batch where it trains; the variance that is given back is that of the population. */
function fusedBatchNorm(c: Call): Tensor[] {
  const [x, scale, offset] = c.xs(0, 3);
  const { attrs } = c;
  const epsilon = attrs.float('epsilon', 1e-4);
  const format = attrs.text('data_format', 'NHWC');
  const train = attrs.bool('is_training', true);
  if (!train) {
    const [mu, variance] = c.xs(3, 5);
    const y = normalized(x, scale, offset, mu, variance, epsilon, format);
    return [activated(c, y), mu, variance, mu, variance, mu];
  }
  const channel = isFirst(format) ? 1 : x.rank - 1;
  const axes = x.shape.map((_, i) => i).filter((i) => i !== channel);
  const mu = mean(x, axes);
  const centred = binary.sub(x, isFirst(format) ? reshape(mu, [mu.size, ...new Array(x.rank - 2).fill(1)]) : mu);
  const variance = mean(square(centred), axes);
  const n = x.size / Math.max(1, mu.size);
  const whole = binary.mul(variance, n / Math.max(1, n - 1));
  const factor = attrs.float('exponential_avg_factor', 1);
  const moved = (old: Tensor, now: Tensor) =>
    factor === 1 || old.size === 0 ? now : binary.add(binary.mul(old, 1 - factor), binary.mul(now, factor));
  const [means, variances] = c.count >= 5 ? [moved(c.x(3), mu), moved(c.x(4), whole)] : [mu, whole];
  const y = normalized(x, scale, offset, mu, variance, epsilon, format);
  return [activated(c, y), means, variances, mu, variance, mu];
}

/** The extended version adds a side input and an activation. */
function activated(c: Call, y: Tensor): Tensor {
  const side = c.attrs.int('num_side_inputs', 0) > 0 ? binary.add(y, c.x(5)) : y;
  const name = c.attrs.text('activation_mode', 'Identity');
  if (name === 'Identity') return side;
  if (name === 'Relu') return relu(side);
  throw new FormatError(`the activation '${name}' is not supported here`, { fix: 'export the model without fusing' });
}

function responses(c: Call): Tensor {
  const { attrs } = c;
  const [bias, alpha, beta] = [attrs.float('bias', 1), attrs.float('alpha', 1), attrs.float('beta', 0.5)];
  return localResponseNormalization(c.x(0), attrs.int('depth_radius', 5), bias, alpha, beta);
}

function globalNorm(c: Call): Tensor {
  const [x, mu, variance, beta, gamma] = c.xs(0, 5);
  const factor = rsqrt(binary.add(variance, c.attrs.float('variance_epsilon')));
  const scaled = c.attrs.bool('scale_after_normalization') ? binary.mul(factor, gamma) : factor;
  return binary.add(binary.mul(binary.sub(x, mu), scaled), beta);
}

/** Losses and their gradients by the logits. */
function crossEntropy(c: Call): Tensor[] {
  const [logits, labels] = c.xs(0, 2);
  return [
    neg(sum(binary.mul(labels, logSoftmax(logits)), -1)),
    binary.sub(binary.mul(softmax(logits), sum(labels, -1, true)), labels),
  ];
}
function sparseCrossEntropy(c: Call): Tensor[] {
  const [logits, labels] = c.xs(0, 2);
  const hit = b.compare('eq', b.broadcastTo(expandDims(labels, 1), logits.shape), b.iota(logits.shape, 1));
  return [
    sparseSoftmaxCrossEntropy(labels, logits, undefined, 0),
    binary.sub(softmax(logits), b.convert(hit, logits.type.dtype) as Tensor),
  ];
}

/**
 * Rounded to the levels of a quantization whose range was moved so that 0 is a level (Jacob et al. 2018), as
 * tensorflow/core/kernels/fake_quant_ops_functor.h.
 */
function fakeQuantized(c: Call, x: Tensor, low: Tensor, high: Tensor): Tensor {
  const most = 2 ** c.attrs.int('num_bits', 8) - 1;
  const least = c.attrs.bool('narrow_range') ? 1 : 0;
  const scale = binary.div(binary.sub(high, low), most - least);
  const zero = binary.sub(least, binary.div(low, scale));
  const level = clipByValue(floor(binary.add(zero, 0.5)), least, most);
  const [from, to] = [least, most].map((q) => binary.mul(binary.sub(q, level), scale));
  const inside = binary.minimum(binary.maximum(x, from), to);
  const steps = floor(binary.add(binary.div(binary.sub(inside, from), scale), 0.5));
  const y = binary.add(binary.mul(steps, scale), from);
  const empty = binary.logicalAnd(binary.equal(low, 0), binary.equal(high, 0));
  return binary.where(empty, binary.mul(x, 0), y);
}
const constant = (c: Call, x: number): Tensor => b.splat({ dtype: c.x(0).type.dtype, shape: [] }, x) as Tensor;

const batchNorms = ['y', 'batch_mean', 'batch_variance', 'reserve_space_1', 'reserve_space_2', 'reserve_space_3'];

/** By name. */
export const normalization: Operators = {
  FusedBatchNorm: op(fusedBatchNorm, { results: batchNorms.slice(0, 5) }),
  FusedBatchNormV2: op(fusedBatchNorm, { results: batchNorms.slice(0, 5) }),
  FusedBatchNormV3: op(fusedBatchNorm, { results: batchNorms }),
  _FusedBatchNormEx: op(fusedBatchNorm, { results: batchNorms }),
  BatchNormWithGlobalNormalization: op(globalNorm),
  LRN: op(responses),
  L2Loss: op((c) => binary.mul(sum(square(c.x(0))), 0.5)),
  EuclideanNorm: reduction(euclideanNorm),
  SoftmaxCrossEntropyWithLogits: op(crossEntropy, { results: ['loss', 'backprop'] }),
  SparseSoftmaxCrossEntropyWithLogits: op(sparseCrossEntropy, { results: ['loss', 'backprop'] }),
  FakeQuantWithMinMaxArgs: op((c) =>
    fakeQuantized(c, c.x(0), constant(c, c.attrs.float('min', -6)), constant(c, c.attrs.float('max', 6))),
  ),
  FakeQuantWithMinMaxVars: op((c) => fakeQuantized(c, c.x(0), c.x(1), c.x(2))),
  FakeQuantWithMinMaxVarsPerChannel: op((c) => fakeQuantized(c, c.x(0), c.x(1), c.x(2))),
};
