// Valid calls: neural networks, losses, images, signals, control flow, gradients.

import * as tf from 'sinter';
import { b, f, i } from './operands.ts';

type Rows = Record<string, unknown[][]>;

const image = () => f([1, 4, 5, 3], 0, 1);
const boxes = () =>
  tf.tensor2d([
    [0, 0, 1, 1],
    [0.1, 0, 0.9, 1],
    [0, 0, 0.2, 0.3],
  ]);

const layers = (): Rows => ({
  softmax: [[f([2, 3]), -1]],
  logSoftmax: [[f([2, 3]), 0]],
  batchNorm: [[f([2, 3]), f([3]), f([3], 0.5, 2), f([3]), f([3]), 0.01]],
  batchNorm2d: [[f([2, 3]), f([3]), f([3], 0.5, 2), f([3]), f([3]), 0.01]],
  batchNorm3d: [[f([2, 2, 3]), f([3]), f([3], 0.5, 2)]],
  batchNorm4d: [[f([1, 2, 2, 3]), f([3]), f([3], 0.5, 2)]],
  layerNorm: [[f([2, 3]), -1, f([3]), f([3]), 0.01]],
  dropout: [[f([2, 3]), 0.5, [2, 1], 1]],
  conv1d: [[f([1, 6, 2]), f([3, 2, 4]), 1, 'same', 'NWC', 1]],
  conv2d: [
    [f([1, 5, 6, 2]), f([3, 3, 2, 4]), 2, 'same', 'NHWC', 1],
    [f([5, 6, 2]), f([2, 2, 2, 1]), [1, 2], 1],
  ],
  conv2dTranspose: [[f([1, 2, 2, 3]), f([2, 2, 1, 3]), [1, 4, 4, 1], 2, 'same']],
  conv3d: [[f([1, 3, 3, 3, 1]), f([2, 2, 2, 1, 2]), 1, 'valid', 'NDHWC', 1]],
  conv3dTranspose: [[f([1, 2, 2, 2, 1]), f([2, 2, 2, 1, 1]), [1, 4, 4, 4, 1], 2, 'same']],
  depthwiseConv2d: [[f([1, 4, 4, 2]), f([2, 2, 2, 2]), 1, 'valid', 'NHWC', 1]],
  separableConv2d: [[f([1, 4, 4, 2]), f([2, 2, 2, 2]), f([1, 1, 4, 3]), 1, 'valid', 1, 'NHWC']],
  maxPool: [[f([1, 4, 4, 2]), 2, 2, 'same']],
  avgPool: [[f([1, 4, 4, 2]), [2, 3], 1, 'same']],
  maxPool3d: [[f([1, 4, 4, 4, 1]), 2, 2, 'valid']],
  avgPool3d: [[f([1, 4, 4, 4, 1]), 2, 2, 1, 'floor', 'NDHWC']],
  maxPoolWithArgmax: [[f([1, 4, 4, 2]), 2, 2, 'same', true]],
  pool: [[f([1, 4, 4, 2]), [2, 2], 'avg', 'same', 1, 2]],
  dilation2d: [[f([1, 4, 4, 2]), f([2, 2, 2]), 1, 'valid', 1, 'NHWC']],
  localResponseNormalization: [[f([1, 2, 2, 4]), 2, 1, 0.5, 0.75]],
  basicLSTMCell: [[1, f([5, 8]), f([8]), f([2, 3]), f([2, 2]), f([2, 2])]],
  movingAverage: [[f([3]), f([3]), 0.9, 2, true]],
  'fused.matMul': [[{ a: f([2, 3]), b: f([3, 2]), bias: f([2]), activation: 'relu' }]],
  'fused.conv2d': [[{ x: f([1, 3, 3, 1]), filter: f([2, 2, 1, 2]), strides: 1, pad: 'same', bias: f([2]) }]],
  'fused.depthwiseConv2d': [[{ x: f([1, 3, 3, 1]), filter: f([2, 2, 1, 2]), strides: 1, pad: 'same' }]],
});

const lossNames = ['absoluteDifference', 'meanSquaredError', 'hingeLoss'];
const losses = (): Rows => ({
  ...Object.fromEntries(lossNames.map((n) => [`losses.${n}`, [[f([2, 3], 0, 1), f([2, 3]), f([3]), 1]]])),
  'losses.cosineDistance': [[f([2, 3]), f([2, 3]), 1, f([2, 1]), 2]],
  'losses.huberLoss': [[f([2, 3]), f([2, 3]), f([3]), 0.5, 3]],
  'losses.logLoss': [[f([2, 3], 0, 1), f([2, 3], 0.1, 0.9), f([3]), 1e-6, 0]],
  'losses.sigmoidCrossEntropy': [[f([2, 3], 0, 1), f([2, 3]), f([3]), 0.1, 1]],
  'losses.softmaxCrossEntropy': [[f([2, 3], 0, 1), f([2, 3]), f([2]), 0.1, 1]],
  'losses.sparseSoftmaxCrossEntropy': [[i([2], 0, 2), f([2, 3]), f([2]), 1]],
  sparseSoftmaxCrossEntropy: [[i([2], 0, 2), f([2, 3])]],
  'losses.computeWeightedLoss': [[f([2, 3]), f([3]), 1]],
});

const images = (): Rows => ({
  'image.grayscaleToRGB': [[f([2, 3, 1])]],
  'image.rgbToGrayscale': [[image()]],
  'image.sobelEdges': [[image()]],
  'image.threshold': [[i([3, 4, 1], 0, 255), 'binary', false, 0.5]],
  'image.resize': [[image(), [3, 7], { method: 'bicubic' }]],
  'image.resizeBilinear': [[image(), [3, 7], false, true]],
  'image.resizeNearestNeighbor': [[image(), [3, 7], false, true]],
  'image.cropAndResize': [[image(), boxes(), i([3], 0, 0), [2, 2], 'bilinear', 0]],
  'image.flipLeftRight': [[image()]],
  'image.rotateWithOffset': [[image(), 0.5, 0, 0.5]],
  'image.transform': [[image(), tf.tensor2d([[1, 0, 1, 0, 1, 0, 0, 0]]), 'bilinear', 'reflect', 0, [3, 3]]],
  ...Object.fromEntries(
    ['', 'WithScore', 'Padded'].flatMap((kind) =>
      ['', 'Async'].map((end) => [`image.nonMaxSuppression${kind}${end}`, [[boxes(), f([3], 0, 1), 2, 0.5, 0.1]]]),
    ),
  ),
});

const signals = (): Rows => ({
  'signal.frame': [[f([9]), 4, 2, true, 0]],
  'signal.hammingWindow': [[6]],
  'signal.hannWindow': [[6]],
  cosineWindow: [[6, 0.5, 0.5]],
  enclosingPowerOfTwo: [[6]],
});

type T = tf.Tensor;
/** A program to look at. */
const squared = await tf.compile((x: T) => tf.square(x), { inputs: [tf.spec([2])], target: 'reference' });

const control = ([x, y, z] = [f([2]), f([2]), f([2])]): Rows => ({
  cond: [[b([]), () => x, () => y]],
  switchCase: [[i([], 0, 1), [() => x, () => y], () => z]],
  whileLoop: [[(x: T) => tf.less(x, 3), (x: T) => [tf.add(x, 1)], [tf.scalar(0)], { maximumIterations: 5 }]],
  forRange: [[0, 3, (_: T, x: T) => [tf.add(x, 1)], [tf.scalar(0)], { step: 1 }]],
  mapFn: [[(x: T) => tf.mul(x, 2), f([3, 2])]],
  scan: [[(a: T, x: T) => tf.add(a, x), f([3, 2]), f([2])]],
  scanLoop: [[(a: T, x: T) => [tf.add(a, x), a], f([2]), f([3, 2])]],
});

const gradients = (w = tf.variable(f([2]))): Rows => ({
  grad: [[(x: T) => x.square()]],
  grads: [[(x: T, y: T) => x.mul(y)]],
  valueAndGrad: [[(x: T) => x.square()]],
  valueAndGrads: [[(x: T, y: T) => x.mul(y)]],
  variableGrads: [[() => tf.sum(tf.square(w)), [w]]],
  customGrad: [[(x: T) => ({ value: x, gradFunc: (d: T) => d })]],
  recomputeGrad: [[(x: T) => x.square()]],
  hessian: [[(x: T) => x.square().sum()]],
  jacobian: [[(x: T) => x.square()]],
  vmap: [[(x: T) => x.square()], [(x: T) => x.sum(), { inAxes: 1, outAxes: 0 }]],
  jvp: [[(x: T) => tf.square(x), [f([2])], [f([2])]]],
  func: [[(x: T) => x.square(), {}]],
  compile: [[(x: T) => tf.square(x), { inputs: [tf.spec([2])] }]],
  verify: [[squared, [f([2])], { tolerance: 1e-6 }]],
});

const others = (): Rows => ({
  multiRNNCell: [[[(x: T, c: T, h: T) => [tf.add(c, x), h]], f([1, 2]), [f([1, 2])], [f([1, 2])]]],
  upcastType: [['int32', 'float32']],
  sumOutType: [['bool']],
  print: [[f([2])]],
  parseGraph: [['func @f(%x: f32[2]) -> f32[2] {\n return %x\n}']],
  tidy: [[() => tf.ones([2])]],
  keep: [[f([2])]],
  dispose: [[f([2])]],
  time: [[() => f([2])]],
  profile: [[() => f([2]).add(1)]],
  setBackend: [['wasm']],
  placeholder: [[[2, 3], 'float32', 'x']],
});

export const nnCalls = (): Rows => ({
  ...layers(),
  ...losses(),
  ...images(),
  ...signals(),
  ...control(),
  ...gradients(),
  ...others(),
});
