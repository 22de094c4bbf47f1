// Cases of a single operation, or of a short chain that should become one kernel.

import { type Case, OperandSet, size } from '../case.ts';

const floats = (...shapes: readonly (readonly number[])[]): number => 4 * shapes.reduce((n, s) => n + size(s), 0);

function matmul(n: number): Case {
  return {
    name: `matmul-${n}`,
    about: `product of two ${n} x ${n} matrices`,
    kind: 'inference',
    operands: () => new OperandSet(1).input('a', [n, n]).input('b', [n, n]).done(),
    build: (ops, x) => ops.matMul(x.a, x.b),
    result: 'plain',
    flops: 2 * n ** 3,
    bytes: floats([n, n], [n, n], [n, n]),
    tolerance: 1e-5,
  };
}

const square = [1024, 1024] as const;

const gelu: Case = {
  name: 'gelu-chain',
  about: 'gelu(x a + b) + c over 1024 x 1024, a b c one row each',
  kind: 'inference',
  operands: () =>
    new OperandSet(2).input('x', square).vector('a', 1024, 1).vector('b', 1024).vector('c', 1024, 0.5).done(),
  build: (ops, x) => ops.add(ops.gelu(ops.add(ops.mul(x.x, x.a), x.b)), x.c),
  result: 'plain',
  flops: 20 * size(square),
  bytes: floats(square, square),
  tolerance: 1e-6,
};

const softmax: Case = {
  name: 'softmax',
  about: 'softmax over the rows of 1024 x 1024',
  kind: 'inference',
  operands: () => new OperandSet(3).input('x', square).done(),
  build: (ops, x) => ops.softmax(x.x),
  result: 'plain',
  flops: 20 * size(square),
  bytes: floats(square, square),
  tolerance: 1e-5,
};

const layerNorm: Case = {
  name: 'layer-norm',
  about: 'layer normalisation of the rows of 1024 x 1024',
  kind: 'inference',
  operands: () => new OperandSet(4).input('x', square).vector('gamma', 1024, 1).vector('beta', 1024).done(),
  build: (ops, x) => ops.layerNorm(x.x, x.gamma, x.beta),
  result: 'plain',
  flops: 8 * size(square),
  bytes: floats(square, square),
  tolerance: 1e-5,
};

function sum(axis: 0 | 1): Case {
  return {
    name: `sum-axis${axis}`,
    about: `sums of 1024 x 1024 along axis ${axis}`,
    kind: 'inference',
    operands: () => new OperandSet(5).input('x', square).done(),
    build: (ops, x) => ops.sum(x.x, axis),
    result: 'plain',
    flops: size(square),
    bytes: floats(square, [1024]),
    tolerance: 1e-5,
  };
}

function conv(name: string, filter: number, out: number): Case {
  const image = [1, 56, 56, 64];
  const weights = [filter, filter, 64, out];
  return {
    name,
    about: `convolution ${filter} x ${filter} of 56 x 56 x 64 to ${out} channels`,
    kind: 'inference',
    operands: () => new OperandSet(6).input('x', image, 'nhwc').weight('w', weights, 'hwio').done(),
    build: (ops, x) => ops.conv2d(x.x, x.w, { pad: 'same' }),
    result: 'nhwc',
    flops: 2 * 56 * 56 * size(weights),
    bytes: floats(image, weights, [56, 56, out]),
    tolerance: 1e-5,
  };
}

const depthwise: Case = {
  name: 'depthwise-3x3',
  about: 'depthwise convolution 3 x 3 of 112 x 112 x 32',
  kind: 'inference',
  operands: () => new OperandSet(7).input('x', [1, 112, 112, 32], 'nhwc').weight('w', [3, 3, 32, 1], 'hwio').done(),
  build: (ops, x) => ops.depthwise(x.x, x.w, { pad: 'same' }),
  result: 'nhwc',
  flops: 2 * 112 * 112 * 32 * 9,
  bytes: floats([112, 112, 32], [112, 112, 32], [9, 32]),
  tolerance: 1e-5,
};

const scalarAdd: Case = {
  name: 'scalar-add',
  about: 'a call that adds two scalars: what a call itself costs',
  kind: 'inference',
  operands: () => new OperandSet(8).input('a', []).input('b', []).done(),
  build: (ops, x) => ops.add(x.a, x.b),
  result: 'plain',
  flops: 1,
  bytes: 12,
  tolerance: 1e-6,
};

function resize(name: string, method: 'bilinear' | 'nearest', shape: readonly number[], to: number): Case {
  const result = [shape[0], to, to, shape[3]];
  return {
    name,
    about: `${method} resizing of ${shape.join(' x ')} to ${to} x ${to}`,
    kind: 'inference',
    operands: () => new OperandSet(9).input('x', shape, 'nhwc').done(),
    build: (ops, x) => (method === 'bilinear' ? ops.resizeBilinear(x.x, [to, to]) : ops.resizeNearest(x.x, [to, to])),
    result: 'nhwc',
    flops: (method === 'bilinear' ? 6 : 1) * size(result),
    bytes: floats(shape, result),
    tolerance: 1e-5,
  };
}

const gatherRows: Case = {
  name: 'gather-rows',
  about: '8192 rows of a table of 10000 x 128',
  kind: 'inference',
  operands: () => new OperandSet(10).input('x', [10000, 128]).indices('i', 8192, 10000).done(),
  build: (ops, x) => ops.gatherRows(x.x, x.i),
  result: 'plain',
  flops: 8192 * 128,
  bytes: floats([8192, 128], [8192, 128], [8192]),
  tolerance: 1e-7,
};

const scatterAdd: Case = {
  name: 'scatter-add',
  about: '8192 rows of 128 added into 1000',
  kind: 'inference',
  operands: () => new OperandSet(11).input('x', [8192, 128]).indices('i', 8192, 1000).done(),
  build: (ops, x) => ops.scatterAdd(x.i, x.x, 1000),
  result: 'plain',
  flops: 8192 * 128,
  bytes: floats([8192, 128], [1000, 128], [8192]),
  tolerance: 1e-5,
};

export const kernelCases: readonly Case[] = [
  matmul(256),
  matmul(512),
  matmul(1024),
  gelu,
  softmax,
  layerNorm,
  sum(0),
  sum(1),
  conv('conv-3x3', 3, 64),
  conv('conv-1x1', 1, 256),
  depthwise,
  resize('resize-bilinear-up', 'bilinear', [8, 224, 224, 3], 448),
  resize('resize-bilinear-down', 'bilinear', [1, 512, 512, 3], 224),
  resize('resize-nearest-up', 'nearest', [8, 224, 224, 3], 448),
  resize('resize-nearest-down', 'nearest', [1, 512, 512, 3], 224),
  gatherRows,
  scatterAdd,
  scalarAdd,
];
