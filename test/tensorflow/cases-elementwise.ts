// Cases of element-wise operations, comparisons and choices.

import { attr, bools, type Case, f, floats, ints, known, one, oneFloat } from './case.ts';

const unary = (ops: readonly string[], low: number, high: number): Case[] =>
  ops.map((op) => ({ op, inputs: [f([2, 5], low, high)] }));
const binary = (ops: readonly string[]): Case[] => ops.map((op) => ({ op, inputs: [f([2, 3]), f([3], 0.5, 3)] }));
const compare = (ops: readonly string[]): Case[] =>
  ops.map((op) => ({ op, inputs: [floats([1, 2, 3, 2]), floats([2])] }));
const ofBools = (ops: readonly string[]): Case[] =>
  ops.map((op) => ({ op, inputs: [bools([0, 0, 1, 1]), bools([0, 1, 0, 1])] }));
const by = (op: string, x: readonly number[], want: (x: number) => number): Case => ({
  op,
  inputs: [floats(x)],
  want: [x.map(want)],
});
/** dy, and what the gradient of y is made of. */
const gradient = (op: string, y: readonly number[], want: (y: number) => number): Case => ({
  op,
  inputs: [floats(y), floats(y.map(() => 3))],
  want: [y.map((v) => 3 * want(v))],
});

export const elementwise: readonly Case[] = [
  ...unary(
    [
      'Abs',
      'Atan',
      'Asinh',
      'Ceil',
      'Cos',
      'Cosh',
      'Elu',
      'Erf',
      'Exp',
      'Expm1',
      'Floor',
      'IsFinite',
      'IsInf',
      'IsNan',
    ],
    -2,
    2,
  ),
  ...unary(
    ['Neg', 'Relu', 'Relu6', 'Round', 'Selu', 'Sigmoid', 'Sign', 'Sin', 'Sinh', 'Softplus', 'Square', 'Tan', 'Tanh'],
    -2,
    7,
  ),
  ...unary(['Acos', 'Asin', 'Atanh'], -0.95, 0.95),
  ...unary(['Acosh'], 1.1, 5),
  ...unary(['Log', 'Log1p', 'Reciprocal', 'Rsqrt', 'Sqrt'], 0.2, 6),
  ...unary(['Softmax', 'LogSoftmax'], -3, 3),
  by('Inv', [2, -4], (x) => 1 / x),
  by('Rint', [0.5, 1.5, -2.5, 1.2], (x) => [0, 2, -2, 1][[0.5, 1.5, -2.5, 1.2].indexOf(x)]),
  by('Softsign', [-3, 0, 1], (x) => x / (1 + Math.abs(x))),
  { op: 'Erfc', inputs: [floats([0, 0.5, 1])], want: [[1, 0.4795001221869535, 0.15729920705028513]] },
  { op: 'Lgamma', inputs: [floats([5, 0.5])], want: [[Math.log(24), Math.log(Math.sqrt(Math.PI))]] },
  { op: 'Digamma', inputs: [floats([1, 2])], want: [[-0.5772156649015329, 0.42278433509846713]] },
  { op: 'Polygamma', inputs: [oneFloat(1), floats([1, 2])], want: [[Math.PI ** 2 / 6, Math.PI ** 2 / 6 - 1]] },
  { op: 'Round', inputs: [ints([1, -2])], want: [[1, -2]] },
  gradient('InvGrad', [0.5, 2], (y) => -y * y),
  gradient('RsqrtGrad', [0.5, 2], (y) => -0.5 * y ** 3),
  gradient('SigmoidGrad', [0.2, 0.7], (y) => y * (1 - y)),
  gradient('SqrtGrad', [0.5, 2], (y) => 0.5 / y),
  gradient('TanhGrad', [0.5, -0.5], (y) => 1 - y * y),
  { op: 'ReluGrad', inputs: [floats([3, 4, 5]), floats([-1, 0, 2])], want: [[0, 0, 5]] },
  { op: 'LeakyRelu', inputs: [f([6])], attrs: { alpha: attr.float(0.3) } },
  { op: 'Prelu', inputs: [f([2, 3]), floats([0.1, 0.2, 0.3])] },
  {
    op: 'ClipByValue',
    inputs: [f([6]), oneFloat(-1), oneFloat(1)],
    want: [f([6]).values.map((x) => Math.min(1, Math.max(-1, x)))],
  },

  ...binary([
    'Add',
    'AddV2',
    'Sub',
    'Mul',
    'RealDiv',
    'Div',
    'DivNoNan',
    'Maximum',
    'Minimum',
    'SquaredDifference',
    'FloorDiv',
    'FloorMod',
    'Atan2',
  ]),
  { op: 'Pow', inputs: [f([2, 3], 0.2, 3), f([3])] },
  { op: 'Add', inputs: [ints([1, 2]), ints([3, -4])] },
  { op: 'FloorDiv', inputs: [ints([7, -7, 7, -7]), ints([2, 2, -2, -2])], want: [[3, -4, -4, 3]] },
  { op: 'FloorMod', inputs: [ints([7, -7, 7, -7]), ints([3, 3, -3, -3])], want: [[1, 2, -2, -1]] },
  // As TensorFlow, towards zero; TensorFlow.js rounds down.
  { op: 'Div', inputs: [ints([7, -7, 7, -7]), ints([2, 2, -2, -2])], want: [[3, -3, -3, 3]] },
  { op: 'TruncateDiv', inputs: [ints([7, -7]), ints([2, 2])], want: [[3, -3]] },
  { op: 'TruncateMod', inputs: [ints([7, -7]), ints([3, 3])], want: [[1, -1]] },
  { op: 'Mod', inputs: [floats([7.5, -7.5]), floats([2, 2])], want: [[1.5, -1.5]] },
  { op: 'DivNoNan', inputs: [floats([1, 2]), floats([0, 4])], want: [[0, 0.5]] },
  { op: 'MulNoNan', inputs: [floats([Number.NaN, 2]), floats([0, 4])], want: [[0, 8]] },
  { op: 'Xdivy', inputs: [floats([0, 2]), floats([0, 4])], want: [[0, 0.5]] },
  { op: 'Xlogy', inputs: [floats([0, 2]), floats([0, 4])], want: [[0, 2 * Math.log(4)]] },
  { op: 'Xlog1py', inputs: [floats([0, 2]), floats([-1, 4])], want: [[0, 2 * Math.log(5)]] },
  { op: 'AddN', inputs: [f([2, 2]), f([2, 2], 0, 1), f([2, 2], 1, 2)], attrs: { N: attr.int(3) } },
  { op: 'AccumulateNV2', inputs: [floats([1, 2]), floats([3, 4])], want: [[4, 6]] },
  { op: 'BiasAdd', inputs: [f([2, 2, 2, 3]), f([3])] },
  {
    op: 'BiasAdd',
    inputs: [floats([1, 2, 3, 4], [1, 2, 1, 2]), floats([10, 20])],
    attrs: { data_format: attr.text('NCHW') },
    want: [[11, 12, 23, 24]],
  },
  { op: 'BiasAddV1', inputs: [floats([1, 2, 3, 4], [2, 2]), floats([10, 20])], want: [[11, 22, 13, 24]] },
  { op: 'BitwiseAnd', inputs: [ints([12, -1]), ints([10, 7])], want: [[8, 7]] },
  { op: 'BitwiseOr', inputs: [ints([12, -1]), ints([10, 7])], want: [[14, -1]] },
  { op: 'BitwiseXor', inputs: [ints([12, -1]), ints([10, 7])], want: [[6, -8]] },
  { op: 'LeftShift', inputs: [ints([3, -1]), ints([2, 4])], want: [[12, -16]] },
  { op: 'RightShift', inputs: [ints([12, -16]), ints([2, 4])], want: [[3, -1]] },
  { op: 'Invert', inputs: [ints([0, 5])], want: [[-1, -6]] },

  ...compare(['Equal', 'NotEqual', 'Greater', 'GreaterEqual', 'Less', 'LessEqual']),
  {
    op: 'ApproximateEqual',
    inputs: [floats([1, 1]), floats([1.05, 1.2])],
    attrs: { tolerance: attr.float(0.1) },
    want: [[1, 0]],
  },
  ...ofBools(['LogicalAnd', 'LogicalOr']),
  { op: 'LogicalXor', inputs: [bools([0, 0, 1, 1]), bools([0, 1, 0, 1])], want: [[0, 1, 1, 0]] },
  { op: 'LogicalNot', inputs: [bools([0, 1])] },
  {
    op: 'Select',
    inputs: [bools([1, 0]), floats([1, 2, 3, 4], [2, 2]), floats([5, 6, 7, 8], [2, 2])],
    want: [[1, 2, 7, 8]],
  },
  { op: 'Select', inputs: [bools([1, 0, 1]), f([3]), f([3], 5, 6)] },
  { op: 'SelectV2', inputs: [bools([1, 0, 1]), f([2, 3]), floats([9], [])] },
  {
    op: 'InTopK',
    inputs: [floats([1, 3, 2, 5, 5, 0], [2, 3]), ints([2, 2])],
    attrs: { k: attr.int(2) },
    want: [[1, 0]],
  },
  { op: 'InTopKV2', inputs: [floats([1, 3, 2, 5, 5, 0], [2, 3]), ints([0, 1]), one(2)], want: [[0, 1]] },
  // Halves go to the even neighbour; results of casts wrap.
  { op: 'Cast', inputs: [floats([-1.7, 2.9, 0])], attrs: { SrcT: attr.type('float32'), DstT: attr.type('int32') } },
  { op: 'Cast', inputs: [floats([-1.7, 0])], attrs: { SrcT: attr.type('float32'), DstT: attr.type('bool') } },
  {
    op: 'Cast',
    inputs: [ints([300, -1])],
    attrs: { SrcT: attr.type('int32'), DstT: { type: 'DT_UINT8' } },
    want: [[44, 255]],
  },
  {
    op: 'Cast',
    inputs: [ints([300, -1])],
    attrs: { SrcT: attr.type('int32'), DstT: { type: 'DT_INT8' } },
    want: [[44, -1]],
  },
  {
    op: 'FakeQuantWithMinMaxArgs',
    inputs: [floats([-1, 0, 0.1, 7])],
    attrs: { min: attr.float(0), max: attr.float(6) },
    want: [[0, 0, (4 * 6) / 255, 6]],
  },
  {
    op: 'FakeQuantWithMinMaxVars',
    inputs: [floats([-0.6, 0.3, 2]), oneFloat(-0.5), oneFloat(1)],
    attrs: { num_bits: attr.int(2) },
    want: [[-0.5, 0.5, 1]],
    tolerance: 1e-4,
  },
  {
    op: 'FakeQuantWithMinMaxVarsPerChannel',
    inputs: [floats([0.2, 7], [1, 2]), known(floats([0, 0])), known(floats([3, 6]))],
    attrs: { num_bits: attr.int(2) },
    want: [[0, 6]],
  },
];
