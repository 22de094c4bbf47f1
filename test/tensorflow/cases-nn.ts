// Cases of convolutions, pools, normalization, products of matrices, and images.

import { attr, type Case, f, floats, ints, known, list, one, oneFloat } from './case.ts';

const same = attr.text('SAME');
const valid = attr.text('VALID');
const nhwc = (a: number, b = a) => attr.ints([1, a, b, 1]);
const image = f([1, 5, 6, 2]);
const conv = (extra: object) => ({ strides: nhwc(1), dilations: nhwc(1), padding: same, ...extra });
const fused = (names: string[], extra: object = {}) => ({
  ...conv({}),
  fused_ops: attr.texts(names),
  num_args: attr.int(1),
  ...extra,
});
const pool = (op: string, extra: object = {}): Case => ({
  op,
  inputs: [image],
  attrs: { ksize: nhwc(2), strides: nhwc(2), padding: valid, ...extra },
});
const volume = f([1, 4, 4, 4, 2]);
const all = (...k: number[]) => attr.ints([1, ...k, 1]);
const norm = (op: string, extra: object = {}): Case => ({
  op,
  inputs: [f([2, 2, 2, 3]), f([3], 0.5, 2), f([3]), f([3]), f([3], 0.5, 2)],
  attrs: { epsilon: attr.float(0.01), is_training: attr.bool(false), ...extra },
});
const square = floats([4, 1, 0, 1, 3, 1, 0, 1, 2], [3, 3]);

/** Written in the order [batch, channels, rows, columns] by hand: a sum of 1 x 1 windows. */
const first: readonly Case[] = [
  {
    op: 'Conv2D',
    inputs: [floats([1, 2, 3, 4, 10, 20, 30, 40], [1, 2, 2, 2]), floats([1, 2], [1, 1, 2, 1])],
    attrs: { strides: attr.ints([1, 1, 1, 1]), padding: valid, data_format: attr.text('NCHW') },
    want: [[21, 42, 63, 84]],
  },
  {
    op: 'MaxPool',
    inputs: [floats([1, 2, 3, 4, 10, 20, 30, 40], [1, 2, 2, 2])],
    attrs: {
      ksize: attr.ints([1, 1, 2, 2]),
      strides: attr.ints([1, 1, 2, 2]),
      padding: valid,
      data_format: attr.text('NCHW'),
    },
    want: [[4, 40]],
  },
  {
    op: 'Conv2D',
    inputs: [floats([1, 2, 3, 4], [1, 2, 2, 1]), floats([1, 1], [1, 2, 1, 1])],
    attrs: { strides: nhwc(1), padding: attr.text('EXPLICIT'), explicit_paddings: attr.ints([0, 0, 0, 0, 1, 0, 0, 0]) },
    want: [[1, 3, 3, 7]],
  },
  {
    // Two groups of one channel.
    op: 'Conv2D',
    inputs: [floats([1, 2, 3, 4], [1, 1, 2, 2]), floats([10, 100], [1, 1, 1, 2])],
    attrs: { strides: nhwc(1), padding: valid },
    want: [[10, 200, 30, 400]],
  },
];

export const neural: readonly Case[] = [
  {
    // Two classes: of the first, the second box overlaps the first and goes; of the second one box is good enough.
    op: 'CombinedNonMaxSuppression',
    inputs: [
      known(floats([0, 0, 1, 1, 0, 0, 1, 0.9, 0, 2, 1, 3], [1, 3, 1, 4])),
      known(floats([0.9, 0.1, 0.8, 0.7, 0.3, 0], [1, 3, 2])),
      one(2),
      one(4),
      oneFloat(0.5),
      oneFloat(0.2),
    ],
    attrs: { clip_boxes: attr.bool(false) },
    outputs: 4,
    want: [[0, 0, 1, 1, 0, 0, 1, 0.9, 0, 2, 1, 3, 0, 0, 0, 0], [0.9, 0.7, 0.3, 0], [0, 1, 0, 0], [3]],
  },
  ...first,
  { op: 'Conv1D', inputs: [f([1, 6, 2]), f([3, 2, 4])], attrs: { stride: attr.int(2), padding: same } },
  { op: 'Conv2D', inputs: [image, f([3, 3, 2, 4])], attrs: conv({ strides: nhwc(2) }) },
  { op: 'Conv2D', inputs: [image, f([2, 3, 2, 4])], attrs: conv({ padding: valid, dilations: nhwc(2, 1) }) },
  {
    op: 'Conv3D',
    inputs: [volume, f([2, 2, 2, 2, 3])],
    attrs: { strides: all(1, 2, 1), dilations: all(1, 1, 1), padding: same, data_format: attr.text('NDHWC') },
  },
  { op: 'DepthwiseConv2dNative', inputs: [image, f([3, 3, 2, 2])], attrs: conv({}) },
  { op: 'DepthwiseConv2d', inputs: [image, f([3, 3, 2, 1])], attrs: conv({ strides: nhwc(2) }) },
  { op: '_FusedConv2D', inputs: [image, f([3, 3, 2, 4]), f([4])], attrs: fused(['BiasAdd']) },
  { op: '_FusedConv2D', inputs: [image, f([3, 3, 2, 4]), f([4])], attrs: fused(['BiasAdd', 'Relu6']) },
  {
    op: '_FusedConv2D',
    inputs: [image, f([3, 3, 2, 4]), f([4])],
    attrs: fused(['BiasAdd', 'LeakyRelu'], { leakyrelu_alpha: attr.float(0.3) }),
  },
  {
    op: '_FusedConv2D',
    inputs: [image, f([3, 3, 2, 4]), f([4]), f([4], 0, 1)],
    attrs: fused(['BiasAdd', 'Prelu'], { num_args: attr.int(2) }),
  },
  {
    op: '_FusedConv2D',
    inputs: [
      floats([1, 2], [1, 1, 2, 1]),
      floats([3], [1, 1, 1, 1]),
      floats([2]),
      floats([1]),
      floats([3]),
      floats([4]),
    ],
    attrs: fused(['FusedBatchNorm', 'Relu'], { epsilon: attr.float(0), num_args: attr.int(4) }),
    want: [[1, 4]],
  },
  { op: 'FusedDepthwiseConv2dNative', inputs: [image, f([3, 3, 2, 2]), f([4])], attrs: fused(['BiasAdd', 'Elu']) },
  {
    op: '_FusedDepthwiseConv2dNative',
    inputs: [floats([1, -2], [1, 1, 2, 1]), floats([3], [1, 1, 1, 1]), floats([1])],
    attrs: fused(['BiasAdd', 'Relu']),
    want: [[4, 0]],
  },
  {
    op: 'Conv2DBackpropInput',
    inputs: [list(1, 5, 6, 2), f([3, 3, 2, 4]), f([1, 3, 3, 4])],
    attrs: conv({ strides: nhwc(2) }),
  },
  {
    // The transposed convolution of [1, 2] by [1, 10], two apart: 1 10 2 20 in steps, dilated by 2.
    op: 'Conv2DBackpropInput',
    inputs: [list(1, 1, 4, 1), floats([1, 10], [1, 2, 1, 1]), floats([1, 2], [1, 1, 2, 1])],
    attrs: conv({ padding: valid, dilations: nhwc(1, 2) }),
    want: [[1, 2, 10, 20]],
  },
  {
    op: 'DepthwiseConv2dNativeBackpropInput',
    inputs: [list(1, 1, 2, 2), floats([3, 5], [1, 1, 2, 1]), floats([1, 1, 2, 2], [1, 1, 2, 2])],
    attrs: conv({ padding: valid }),
    want: [[3, 5, 6, 10]],
  },
  {
    op: 'Conv3DBackpropInputV2',
    inputs: [list(1, 1, 1, 3, 1), floats([1, 10], [1, 1, 2, 1, 1]), floats([1, 2], [1, 1, 1, 2, 1])],
    attrs: { strides: all(1, 1, 1), padding: valid },
    want: [[1, 12, 20]],
  },
  {
    op: 'Conv3DBackpropInput',
    inputs: [list(1, 1, 1, 2, 1), floats([7], [1, 1, 1, 1, 1]), floats([1, 2], [1, 1, 1, 2, 1])],
    attrs: { strides: all(1, 1, 1), padding: valid },
    want: [[7, 14]],
  },
  pool('AvgPool'),
  pool('AvgPool', { padding: same }),
  pool('MaxPool', { padding: same, ksize: nhwc(3), strides: nhwc(1) }),
  {
    op: 'MaxPoolV2',
    inputs: [floats([1, 5, 3, 2], [1, 1, 4, 1]), list(1, 1, 2, 1), list(1, 1, 2, 1)],
    attrs: { padding: valid },
    want: [[5, 3]],
  },
  { op: 'AvgPool3D', inputs: [volume], attrs: { ksize: all(2, 2, 2), strides: all(2, 2, 2), padding: same } },
  { op: 'MaxPool3D', inputs: [volume], attrs: { ksize: all(2, 1, 2), strides: all(2, 2, 2), padding: valid } },
  {
    op: 'MaxPoolWithArgmax',
    inputs: [image],
    attrs: { ksize: nhwc(2), strides: nhwc(2), padding: valid, include_batch_in_index: attr.bool(false) },
    outputs: 2,
  },
  { op: 'Dilation2D', inputs: [image, f([2, 2, 2])], attrs: { strides: nhwc(1), rates: nhwc(1), padding: valid } },
  {
    op: 'Erosion2D',
    inputs: [floats([5, 1, 3], [1, 1, 3, 1]), floats([1, 0], [1, 2, 1])],
    attrs: { strides: nhwc(1), rates: nhwc(1), padding: valid },
    want: [[0, 1]],
  },
  {
    op: 'ExtractImagePatches',
    inputs: [floats([1, 2, 3, 4], [1, 2, 2, 1])],
    attrs: { ksizes: nhwc(1, 2), strides: nhwc(1), rates: nhwc(1), padding: valid },
    want: [[1, 2, 3, 4]],
  },

  norm('FusedBatchNorm'),
  norm('FusedBatchNormV2'),
  norm('FusedBatchNormV3'),
  {
    op: '_FusedBatchNormEx',
    inputs: [
      floats([1, 3, -1], [1, 1, 3, 1]),
      floats([2]),
      floats([1]),
      floats([1]),
      floats([4]),
      floats([0, 0, -9], [1, 1, 3, 1]),
    ],
    attrs: {
      epsilon: attr.float(0),
      is_training: attr.bool(false),
      num_side_inputs: attr.int(1),
      activation_mode: attr.text('Relu'),
    },
    want: [[1, 3, 0]],
  },
  {
    // Statistics of the batch: mean 2, variance 1 (of the population 2).
    op: 'FusedBatchNormV3',
    inputs: [floats([1, 3], [1, 1, 2, 1]), floats([2]), floats([5]), known(floats([], [0])), known(floats([], [0]))],
    attrs: { epsilon: attr.float(0), is_training: attr.bool(true) },
    outputs: 3,
    want: [[3, 7], [2], [2]],
  },
  {
    op: 'BatchNormWithGlobalNormalization',
    inputs: [floats([1, 3]), floats([2, 2]), floats([4, 4]), floats([1, 1]), floats([6, 6])],
    attrs: { variance_epsilon: attr.float(0), scale_after_normalization: attr.bool(true) },
    want: [[-2, 4]],
  },
  {
    op: 'LRN',
    inputs: [f([1, 2, 2, 5])],
    attrs: { depth_radius: attr.int(2), bias: attr.float(1), alpha: attr.float(0.5), beta: attr.float(0.75) },
  },
  { op: 'L2Loss', inputs: [floats([1, 2, 3])], want: [[7]] },
  { op: 'EuclideanNorm', inputs: [f([2, 3]), list(1)], attrs: { keep_dims: attr.bool(true) } },
  {
    op: 'SoftmaxCrossEntropyWithLogits',
    inputs: [floats([0, 0], [1, 2]), floats([1, 0], [1, 2])],
    outputs: 2,
    want: [[Math.log(2)], [-0.5, 0.5]],
  },
  {
    op: 'SparseSoftmaxCrossEntropyWithLogits',
    inputs: [floats([0, 0], [1, 2]), ints([1])],
    outputs: 2,
    want: [[Math.log(2)], [0.5, -0.5]],
  },

  {
    op: 'MatMul',
    inputs: [f([3, 2]), f([4, 3])],
    attrs: { transpose_a: attr.bool(true), transpose_b: attr.bool(true) },
  },
  { op: 'MatMul', inputs: [ints([1, 2, 3, 4], [2, 2]), ints([5, 6], [2, 1])], want: [[17, 39]] },
  { op: 'SparseMatMul', inputs: [floats([1, 2], [1, 2]), floats([3, 4], [2, 1])], want: [[11]] },
  { op: 'BatchMatMul', inputs: [f([2, 3, 4]), f([2, 4, 2])] },
  { op: 'BatchMatMulV2', inputs: [f([2, 3, 4]), f([2, 4])], attrs: { adj_y: attr.bool(true) } },
  { op: 'BatchMatMulV3', inputs: [floats([1, 2], [1, 1, 2]), floats([3, 4], [1, 2, 1])], want: [[11]] },
  {
    op: '_FusedMatMul',
    inputs: [f([3, 2]), f([2, 4]), f([4])],
    attrs: { fused_ops: attr.texts(['BiasAdd', 'Relu']), num_args: attr.int(1) },
  },
  { op: 'Einsum', inputs: [f([2, 3]), f([3, 4])], attrs: { equation: attr.text('ij,jk->ki') } },
  {
    op: 'XlaEinsum',
    inputs: [floats([1, 2], [1, 2]), floats([3, 4], [2, 1])],
    attrs: { equation: attr.text('ij,jk->ik') },
    want: [[11]],
  },
  { op: 'MatrixBandPart', inputs: [square, one(1), one(0)], want: [[4, 0, 0, 1, 3, 0, 0, 1, 2]] },
  { op: 'BatchMatrixBandPart', inputs: [floats([1, 2, 3, 4], [2, 2]), one(0), one(0)], want: [[1, 0, 0, 4]] },
  { op: 'Cholesky', inputs: [floats([4, 2, 2, 5], [2, 2])], want: [[2, 0, 1, 2]] },
  { op: 'Cross', inputs: [floats([1, 0, 0]), floats([0, 1, 0])], want: [[0, 0, 1]] },
  { op: 'Diag', inputs: [floats([1, 2])], want: [[1, 0, 0, 2]] },
  { op: 'MatrixDeterminant', inputs: [square], want: [[18]] },
  { op: 'LogMatrixDeterminant', inputs: [square], outputs: 2, want: [[1], [Math.log(18)]] },
  { op: 'MatrixDiag', inputs: [floats([1, 2, 3, 4], [2, 2])], want: [[1, 0, 0, 2, 3, 0, 0, 4]] },
  { op: 'MatrixDiagPart', inputs: [square], want: [[4, 3, 2]] },
  ...['V2', 'V3'].flatMap((v): Case[] => [
    { op: `MatrixDiag${v}`, inputs: [floats([1, 2]), one(0), one(-1), one(-1), oneFloat(0)], want: [[1, 0, 0, 2]] },
    { op: `MatrixDiagPart${v}`, inputs: [square, one(0), oneFloat(0)], want: [[4, 3, 2]] },
    { op: `MatrixSetDiag${v}`, inputs: [floats([1, 2, 3, 4], [2, 2]), floats([8, 9]), one(0)], want: [[8, 2, 3, 9]] },
  ]),
  { op: 'MatrixInverse', inputs: [floats([2, 0, 1, 4], [2, 2])], want: [[0.5, 0, -0.125, 0.25]] },
  { op: 'MatrixSetDiag', inputs: [floats([1, 2, 3, 4, 5, 6], [2, 3]), floats([8, 9])], want: [[8, 2, 3, 4, 9, 6]] },
  { op: 'MatrixSolve', inputs: [floats([2, 0, 0, 4], [2, 2]), floats([2, 2], [2, 1])], want: [[1, 0.5]] },
  {
    op: 'MatrixTriangularSolve',
    inputs: [floats([2, 0, 1, 4], [2, 2]), floats([2, 9], [2, 1])],
    attrs: { lower: attr.bool(true) },
    want: [[1, 2]],
  },
  {
    op: 'Qr',
    inputs: [floats([3, 0, 4, 5], [2, 2])],
    outputs: 2,
    want: [
      [-0.6, 0.8, -0.8, -0.6],
      [-5, -4, 0, -3],
    ],
  },
  {
    op: 'SelfAdjointEigV2',
    inputs: [floats([2, 0, 0, 3], [2, 2])],
    attrs: { compute_v: attr.bool(true) },
    want: [[2, 3]],
  },
  { op: 'Svd', inputs: [floats([3, 0, 0, 4], [2, 2])], want: [[4, 3]] },

  { op: 'ResizeBilinear', inputs: [f([1, 2, 3, 2]), list(4, 5)], attrs: { align_corners: attr.bool(true) } },
  { op: 'ResizeBilinear', inputs: [f([1, 4, 4, 1]), list(2, 3)], attrs: { half_pixel_centers: attr.bool(true) } },
  { op: 'ResizeNearestNeighbor', inputs: [f([1, 2, 3, 2]), list(4, 5)] },
  { op: 'ResizeArea', inputs: [floats([1, 3, 5, 7], [1, 2, 2, 1]), list(1, 1)], want: [[4]] },
  {
    op: 'ResizeBicubic',
    inputs: [floats([1, 1, 1, 1], [1, 2, 2, 1]), list(3, 3)],
    attrs: { half_pixel_centers: attr.bool(true) },
    want: [new Array(9).fill(1)],
  },
  {
    op: 'CropAndResize',
    inputs: [image, known(floats([0, 0, 0.5, 0.7], [1, 4])), list(0), list(3, 3)],
    attrs: { method: attr.text('bilinear') },
  },
  {
    op: 'ImageProjectiveTransformV3',
    inputs: [image, known(floats([1, 0, 1, 0, 1, 0, 0, 0], [1, 8])), list(5, 6), oneFloat(0)],
    attrs: { interpolation: attr.text('NEAREST'), fill_mode: attr.text('CONSTANT') },
  },
  {
    op: 'ImageProjectiveTransformV2',
    inputs: [floats([1, 2, 3], [1, 1, 3, 1]), known(floats([1, 0, 1, 0, 1, 0, 0, 0], [1, 8])), list(1, 3)],
    attrs: { interpolation: attr.text('NEAREST') },
    want: [[2, 3, 0]],
  },
  {
    op: 'RGBToHSV',
    inputs: [floats([1, 0, 0, 0, 0.5, 0, 0.2, 0.2, 0.4], [3, 3])],
    want: [[0, 1, 1, 1 / 3, 1, 0.5, 2 / 3, 0.5, 0.4]],
  },
  {
    op: 'HSVToRGB',
    inputs: [floats([0, 1, 1, 1 / 3, 1, 0.5, 2 / 3, 0.5, 0.4], [3, 3])],
    want: [[1, 0, 0, 0, 0.5, 0, 0.2, 0.2, 0.4]],
  },
  { op: 'AdjustHue', inputs: [floats([1, 0, 0], [1, 1, 3]), oneFloat(1 / 3)], want: [[0, 1, 0]] },
  { op: 'AdjustSaturation', inputs: [floats([1, 0, 0], [1, 1, 3]), oneFloat(0.5)], want: [[1, 0.5, 0.5]] },
  { op: 'AdjustContrastv2', inputs: [floats([1, 3], [1, 2, 1]), oneFloat(2)], want: [[0, 4]] },
  ...['V2', 'V3', 'V4', 'V5'].map((v): Case => {
    const boxes = known(floats([0, 0, 1, 1, 0, 0, 1, 0.9, 0, 2, 1, 3, 0, 2, 1, 3.1], [4, 4]));
    const more = { V2: [], V3: [oneFloat(0.1)], V4: [oneFloat(0.1)], V5: [oneFloat(0.1), oneFloat(0)] }[
      v
    ] as Case['inputs'];
    const attrs = { V2: {}, V3: {}, V4: { pad_to_max_output_size: attr.bool(true) }, V5: {} }[v];
    return {
      op: `NonMaxSuppression${v}`,
      inputs: [boxes, known(floats([0.9, 0.8, 0.3, 0.05])), one(3), oneFloat(0.5), ...more],
      attrs,
      outputs: { V2: 1, V3: 1, V4: 2, V5: 2 }[v],
    };
  }),
  {
    op: 'NonMaxSuppression',
    inputs: [known(floats([0, 0, 1, 1, 0, 0, 1, 0.9], [2, 4])), known(floats([0.5, 0.8])), one(2)],
    attrs: { iou_threshold: attr.float(0.5) },
    want: [[1]],
  },
];
