// What fused operations do with a product: bias, normalization, activation, in the order of the attribute `fused_ops`.

import { FormatError, valueText } from '../../../ir/errors.ts';
import { add } from '../../trace/ops/binary.ts';
import { elu, gelu, leakyRelu, prelu, relu, relu6, selu, silu } from '../../trace/ops/nn.ts';
import { sigmoid, tanh } from '../../trace/ops/unary.ts';
import type { Tensor } from '../../trace/tensor.ts';
import type { Call } from '../call.ts';
import { withBias } from './arithmetic.ts';
import { normalized } from './normalization.ts';

/** Takes the operands behind the factors one by one. */
type Take = () => Tensor;

const steps: Readonly<Record<string, (y: Tensor, take: Take, c: Call) => Tensor>> = {
  BiasAdd: (y, take, c) => withBias(y, take(), c.attrs.text('data_format', 'NHWC')),
  Add: (y, take) => add(y, take()),
  FusedBatchNorm: (y, take, c) => {
    const [scale, offset, mean, variance] = [take(), take(), take(), take()];
    return normalized(
      y,
      scale,
      offset,
      mean,
      variance,
      c.attrs.float('epsilon', 1e-4),
      c.attrs.text('data_format', 'NHWC'),
    );
  },
  Prelu: (y, take) => prelu(y, take()),
  LeakyRelu: (y, _, c) => leakyRelu(y, c.attrs.float('leakyrelu_alpha', 0.2)),
  Relu: relu,
  Relu6: relu6,
  Elu: elu,
  Selu: selu,
  Sigmoid: sigmoid,
  Tanh: tanh,
  GeluApproximate: (y) => gelu(y, true),
  GeluExact: (y) => gelu(y),
  _FusedSwish: silu,
  Swish: silu,
};

/**
 * A product with all that is fused to it. Operands from the third on belong to that.
 * Throws FormatError for a step that is not known, or whose operand is not there.
 */
export function finished(c: Call, product: Tensor): Tensor {
  let next = 2;
  const take = () => c.x(next++);
  return c.attrs.texts('fused_ops', []).reduce((y, name) => {
    const step = Object.hasOwn(steps, name) ? steps[name] : undefined;
    if (!step)
      throw new FormatError(`the fused operation ${valueText(name)} is not supported`, {
        fix: `known are ${Object.keys(steps).join(', ')}: export the model without fusing`,
      });
    return step(y, take, c);
  }, product);
}
