// The functions of `tf.fused`: a product or convolution with bias and activation. The compiler fuses
// these anyway; the functions are here for code that calls them.

import type { TensorLike } from './convert.ts';
import { add } from './ops/binary.ts';
import { need } from './ops/common.ts';
import {
  type DataFormat,
  type Pad,
  conv2d as plainConv2d,
  depthwiseConv2d as plainDepthwise,
  type Rounding,
} from './ops/conv.ts';
import { matMul as plainMatMul } from './ops/linalg.ts';
import { elu, leakyRelu, prelu, relu, relu6 } from './ops/nn.ts';
import { sigmoid } from './ops/unary.ts';
import type { Tensor } from './tensor.ts';

/** Activations by name. */
export type Activation = 'linear' | 'relu' | 'relu6' | 'elu' | 'sigmoid' | 'prelu' | 'leakyrelu';

interface Epilogue {
  /** Added to the result; it broadcasts. */
  bias?: TensorLike;
  activation?: Activation;
  /** The slopes of 'prelu'. */
  preluActivationWeights?: TensorLike;
  /** The slope of 'leakyrelu', 0.2 by default. */
  leakyreluAlpha?: number;
}

const plain: Readonly<Record<string, (x: Tensor) => Tensor>> = { linear: (x) => x, relu, relu6, elu, sigmoid };

function finish(y: Tensor, e: Epilogue, op: string): Tensor {
  const z = e.bias === undefined || e.bias === null ? y : add(y, e.bias);
  const activation = e.activation ?? 'linear';
  if (activation === 'leakyrelu') return leakyRelu(z, e.leakyreluAlpha);
  if (activation === 'prelu') {
    need(e.preluActivationWeights !== undefined, op, "activation 'prelu' needs preluActivationWeights", undefined);
    return prelu(z, e.preluActivationWeights as TensorLike);
  }
  need(
    Object.hasOwn(plain, activation),
    op,
    `activation must be one of ${Object.keys(plain).join(', ')}, prelu, leakyrelu`,
    activation,
  );
  return plain[activation](z);
}

/** Product of matrices, plus bias, activated. Errors as `tf.matMul`. */
export function matMul(
  args: Epilogue & { a: TensorLike; b: TensorLike; transposeA?: boolean; transposeB?: boolean },
): Tensor {
  const op = 'fused.matMul';
  need(typeof args === 'object' && args !== null, op, 'takes one object of arguments', args, 'call it with {a, b}');
  const { a, b, transposeA = false, transposeB = false, ...rest } = args;
  return finish(plainMatMul(a, b, transposeA, transposeB), rest, op);
}

interface Convolution extends Epilogue {
  x: TensorLike;
  filter: TensorLike;
  strides: number | readonly number[];
  pad: Pad;
  dataFormat?: DataFormat;
  dilations?: number | readonly number[];
  dimRoundingMode?: Rounding;
}
const convolution =
  (f: typeof plainConv2d, op: string) =>
  (args: Convolution): Tensor => {
    const fix = 'call it with {x, filter, strides, pad}';
    need(typeof args === 'object' && args !== null, op, 'takes one object of arguments', args, fix);
    const { x, filter, strides, pad, dataFormat = 'NHWC', dilations = 1, dimRoundingMode, ...rest } = args;
    return finish(f(x, filter, strides, pad, dataFormat, dilations, dimRoundingMode), rest, op);
  };

/** Convolution, plus bias, activated. Errors as `tf.conv2d`. */
export const conv2d: (c: Convolution) => Tensor = convolution(plainConv2d, 'fused.conv2d');
/** Depthwise convolution, plus bias, activated. Errors as `tf.depthwiseConv2d`. */
export const depthwiseConv2d: (c: Convolution) => Tensor = convolution(plainDepthwise, 'fused.depthwiseConv2d');
