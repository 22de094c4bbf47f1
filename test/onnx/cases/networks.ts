// Cases of products, convolutions, pools, normalization, images, recurrent and quantized operators, signals.

import { type Data, f, fix, i8, i32, i64, int, ints, type OpCase, one, u8 } from '../build.ts';

const image = f([2, 3, 6, 7]);
const scale = f([], [0.05]);
const u = (v: number) => u8([], [v]);
const micro = { domain: 'com.microsoft' };

const conv: OpCase[] = [
  one('Conv', 11, [image, f([4, 3, 3, 3]), f([4])], { pads: [1, 0, 2, 1] }),
  one('Conv', 11, [image, f([4, 3, 3, 2])], { strides: [2, 3], auto_pad: 'SAME_UPPER' }, { note: 'same upper' }),
  one('Conv', 11, [image, f([4, 3, 2, 2])], { strides: [2, 1], auto_pad: 'SAME_LOWER' }, { note: 'same lower' }),
  one('Conv', 11, [f([1, 4, 6, 6]), f([6, 2, 3, 3])], { group: 2, dilations: [2, 1] }, { note: 'groups' }),
  one('Conv', 11, [f([1, 4, 6, 6]), f([4, 1, 3, 3])], { group: 4 }, { note: 'depthwise' }),
  one('Conv', 11, [f([2, 3, 9]), f([2, 3, 4])], { strides: [2] }, { note: '1d' }),
  one('Conv', 11, [f([1, 2, 4, 5, 3]), f([2, 2, 2, 2, 2]), f([2])], {}, { note: '3d' }),
  one('ConvTranspose', 11, [f([1, 3, 4, 5]), f([3, 2, 3, 3]), f([2])], { strides: [2, 2], pads: [1, 0, 1, 1] }),
  one(
    'ConvTranspose',
    11,
    [f([1, 3, 3, 3]), f([3, 2, 3, 3])],
    { strides: [3, 2], output_shape: [10, 8] },
    { note: 'output shape' },
  ),
  one(
    'ConvTranspose',
    11,
    [f([1, 3, 3, 3]), f([3, 2, 3, 3])],
    { strides: [3, 2], output_padding: [1, 1] },
    { note: 'output padding' },
  ),
  one(
    'ConvTranspose',
    11,
    [f([1, 3, 3, 3]), f([3, 2, 3, 3])],
    { strides: [2, 2], auto_pad: 'SAME_UPPER' },
    { note: 'same' },
  ),
  one('ConvTranspose', 11, [f([1, 4, 3, 3]), f([4, 3, 2, 2])], { group: 2, dilations: [2, 2] }, { note: 'groups' }),
  one('ConvTranspose', 11, [f([1, 2, 5]), f([2, 3, 3])], { strides: [2] }, { note: '1d' }),
  one(
    'Col2Im',
    18,
    [f([1, 10, 4]), ints(5, 5), ints(1, 5)],
    { dilations: [1, 1], strides: [1, 5], pads: [0, 0, 0, 0] },
    { want: undefined, note: 'skip' },
  ),
  one('Col2Im', 18, [f([1, 8, 12]), ints(4, 5), ints(2, 2)]),
  one('Col2Im', 18, [f([2, 12, 6]), ints(3, 4), ints(2, 3)], { strides: [1, 2], pads: [0, 1, 1, 1] }, { note: 'pads' }),
].filter((c) => c.note !== 'skip');

const pools: OpCase[] = [
  ...(['MaxPool', 'AveragePool'] as const).flatMap((op) => [
    one(op, 11, [image], { kernel_shape: [3, 2] }),
    one(op, 11, [image], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }, { note: 'pads' }),
    one(op, 11, [image], { kernel_shape: [3, 3], strides: [2, 2], auto_pad: 'SAME_LOWER' }, { note: 'same' }),
    one(op, 11, [f([1, 1, 4, 4])], { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 }, { note: 'ceil' }),
    one(op, 11, [f([1, 2, 8])], { kernel_shape: [3] }, { note: '1d' }),
  ]),
  one(
    'AveragePool',
    11,
    [image],
    { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1], count_include_pad: 1 },
    { note: 'count pads' },
  ),
  one(
    'AveragePool',
    19,
    [image],
    { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 0, 1, 0], count_include_pad: 1, ceil_mode: 1 },
    { note: 'count pads, ceil' },
  ),
  one('AveragePool', 19, [image], { kernel_shape: [2, 2], dilations: [2, 3] }, { note: 'dilated' }),
  one('MaxPool', 12, [image], { kernel_shape: [2, 2], dilations: [2, 3], pads: [1, 1, 1, 1] }, { note: 'dilated' }),
  one(
    'MaxPool',
    12,
    [f([2, 2, 5, 4])],
    { kernel_shape: [2, 3], strides: [1, 2], pads: [1, 0, 0, 1] },
    { outputs: 2, note: 'indices' },
  ),
  one(
    'MaxPool',
    12,
    [f([1, 1, 5, 4])],
    { kernel_shape: [2, 2], storage_order: 1 },
    { outputs: 2, note: 'indices by column' },
  ),
  one('MaxPool', 12, [u8([1, 1, 4, 4])], { kernel_shape: [2, 2] }, { note: 'uint8' }),
  one('LpPool', 11, [image], { kernel_shape: [2, 2], p: 3 }),
  one('LpPool', 18, [image], { kernel_shape: [2, 2] }),
  one('GlobalMaxPool', 7, [image]),
  one('GlobalAveragePool', 7, [image]),
  one('GlobalLpPool', 7, [image], { p: 2 }),
  one('MaxUnpool', 11, [f([1, 1, 2, 2], [1, 2, 3, 4]), i64([1, 1, 2, 2], [5, 7, 13, 15])], {
    kernel_shape: [2, 2],
    strides: [2, 2],
  }),
  one('LRN', 13, [f([1, 5, 2, 2])], { size: 3, alpha: 0.2, beta: 0.6, bias: 1.5 }),
];

const positive = (...shape: number[]): Data => f(shape, undefined, [0.3, 2]);
const norms: OpCase[] = [
  one('BatchNormalization', 9, [image, f([3]), f([3]), f([3]), positive(3)], { epsilon: 0.01 }),
  one(
    'BatchNormalization',
    15,
    [image, f([3]), f([3]), f([3]), positive(3)],
    { training_mode: 1, momentum: 0.8 },
    { outputs: 3, note: 'training', tolerance: 1e-4 },
  ),
  one('InstanceNormalization', 7, [image, f([3]), f([3])]),
  one('GroupNormalization', 21, [f([2, 4, 3]), f([4]), f([4])], { num_groups: 2 }),
  one('LayerNormalization', 17, [f([2, 3, 4]), f([3, 4]), f([3, 4])], { axis: 1 }, { outputs: 3 }),
  one('RMSNormalization', 23, [f([2, 3, 4]), f([4])]),
  one('Dropout', 13, [image, fix(f([], [0.5]))]),
  one('Dropout', 7, [image], { ratio: 0.3 }),
  one('NegativeLogLikelihoodLoss', 13, [f([3, 5]), i64([3], [0, 4, 2]), positive(5)]),
  one(
    'NegativeLogLikelihoodLoss',
    13,
    [f([2, 4, 3]), i64([2, 3], [0, 3, 1, 2, 2, 0])],
    { reduction: 'none', ignore_index: 2 },
    { note: 'none' },
  ),
  one('SoftmaxCrossEntropyLoss', 13, [f([3, 5]), i64([3], [0, 4, 2])], { reduction: 'sum' }, { outputs: 2 }),
  one(
    'SoftmaxCrossEntropyLoss',
    13,
    [f([3, 5]), i64([3], [0, -1, 2]), positive(5)],
    { ignore_index: -1 },
    { note: 'ignored' },
  ),
];

const products: OpCase[] = [
  one('MatMul', 13, [f([2, 1, 3, 4]), f([3, 4, 2])]),
  one('MatMul', 13, [f([4]), f([2, 4, 3])], {}, { note: 'vector left' }),
  one('MatMul', 13, [f([2, 3, 4]), f([4])], {}, { note: 'vector right' }),
  one('MatMul', 13, [i32([2, 3], [1, 2, 3, 4, 5, 6]), i32([3, 2], [1, 0, 2, 1, -1, 3])], {}, { note: 'int32' }),
  one('Gemm', 13, [f([4, 3]), f([5, 4]), f([5])], { transA: 1, transB: 1, alpha: 0.5, beta: 2.5 }),
  one('Gemm', 11, [f([3, 4]), f([4, 5])]),
  one('Einsum', 12, [f([2, 3, 4]), f([2, 4, 5])], { equation: 'bij,bjk->bik' }),
  one('Einsum', 12, [f([3, 3])], { equation: 'ii->i' }, { note: 'diagonal' }),
  one('Einsum', 12, [f([2, 3, 3, 4])], { equation: 'abbc->cb' }, { note: 'inner diagonal', want: undefined }),
  one('Einsum', 12, [f([3, 2]), f([2, 4])], { equation: 'zb,ba' }, { note: 'no result' }),
  one('Einsum', 12, [f([2, 3, 4]), f([2, 4, 5])], { equation: '...ij,...jk->...ik' }, { note: 'dots' }),
  one('Det', 11, [f([2, 3, 3])]),
];

const resizing = (
  note: string,
  shape: number[],
  how: { scales?: number[]; sizes?: number[] },
  attributes: Record<string, number | string>,
  version = 13,
) =>
  one(
    'Resize',
    version,
    [
      f(shape),
      null,
      how.scales ? fix(f([shape.length], how.scales)) : null,
      ...(how.sizes ? [ints(...how.sizes)] : []),
    ],
    attributes,
    { note },
  );
const pictures: OpCase[] = [
  one('Upsample', 9, [f([1, 2, 3, 4]), fix(f([4], [1, 1, 2, 3]))], { mode: 'nearest' }),
  one('Upsample', 7, [f([1, 2, 3, 4])], { mode: 'nearest', scales: { float: [1, 1, 2, 2] } }),
  one('Resize', 10, [f([1, 1, 4, 4]), fix(f([4], [1, 1, 0.6, 1.6]))], { mode: 'linear' }),
  resizing('nearest', [1, 1, 4, 5], { scales: [1, 1, 0.6, 2.5] }, {}),
  resizing(
    'nearest ceil',
    [1, 1, 4, 5],
    { sizes: [1, 1, 7, 3] },
    { nearest_mode: 'ceil', coordinate_transformation_mode: 'align_corners' },
  ),
  resizing(
    'nearest asymmetric',
    [1, 1, 4, 5],
    { sizes: [1, 1, 7, 3] },
    { nearest_mode: 'floor', coordinate_transformation_mode: 'asymmetric' },
  ),
  resizing('prefer ceil', [1, 1, 4, 5], { sizes: [1, 1, 8, 10] }, { nearest_mode: 'round_prefer_ceil' }),
  resizing('linear', [1, 2, 4, 5], { sizes: [1, 2, 7, 3] }, { mode: 'linear' }),
  resizing(
    'linear pytorch',
    [1, 1, 4, 5],
    { sizes: [1, 1, 1, 9] },
    { mode: 'linear', coordinate_transformation_mode: 'pytorch_half_pixel' },
  ),
  resizing(
    'linear corners',
    [1, 1, 4, 5],
    { sizes: [1, 1, 9, 3] },
    { mode: 'linear', coordinate_transformation_mode: 'align_corners' },
  ),
  resizing('linear antialias', [1, 1, 8, 9], { sizes: [1, 1, 3, 4] }, { mode: 'linear', antialias: 1 }, 18),
  resizing('cubic', [1, 1, 5, 6], { scales: [1, 1, 0.8, 1.7] }, { mode: 'cubic' }),
  resizing(
    'cubic exclude',
    [1, 1, 5, 6],
    { sizes: [1, 1, 8, 9] },
    { mode: 'cubic', cubic_coeff_a: -0.5, exclude_outside: 1 },
  ),
  resizing('cubic antialias', [1, 1, 9, 9], { sizes: [1, 1, 4, 5] }, { mode: 'cubic', antialias: 1 }, 18),
  resizing(
    'keep ratio',
    [1, 1, 4, 6],
    { sizes: [7, 7] },
    { mode: 'linear', keep_aspect_ratio_policy: 'not_larger' },
    18,
  ),
  one(
    'Resize',
    13,
    [f([1, 1, 4, 5]), fix(f([8], [0, 0, 0.2, 0.1, 1, 1, 0.9, 1.2])), null, ints(1, 1, 3, 4)],
    { mode: 'linear', coordinate_transformation_mode: 'tf_crop_and_resize', extrapolation_value: 9.5 },
    { note: 'crop' },
  ),
  ...['zeros', 'border', 'reflection'].flatMap((padding_mode) =>
    [0, 1].flatMap((align_corners) =>
      ['linear', 'nearest', 'cubic'].map((mode) =>
        one(
          'GridSample',
          20,
          [f([2, 2, 4, 5]), f([2, 3, 3, 2], undefined, [-1.4, 1.4])],
          { mode, padding_mode, align_corners },
          { note: `${mode} ${padding_mode} ${align_corners}` },
        ),
      ),
    ),
  ),
  one('AffineGrid', 20, [f([2, 2, 3]), ints(2, 1, 3, 4)]),
  one('AffineGrid', 20, [f([1, 3, 4]), ints(1, 1, 2, 3, 4)], { align_corners: 1 }, { note: '3d' }),
  one('RoiAlign', 16, [f([2, 2, 8, 8]), f([2, 4], [0, 1, 5, 6, 2.5, 1, 7, 7.5]), i64([2], [0, 1])], {
    output_height: 2,
    output_width: 3,
    sampling_ratio: 2,
    spatial_scale: { float: 1 },
  }),
  one('RoiAlign', 10, [f([1, 1, 8, 8]), f([1, 4], [0, 1, 5, 6]), i64([1], [0])], {
    output_height: 2,
    output_width: 2,
    sampling_ratio: 2,
    spatial_scale: 0.5,
  }),
];
pictures.splice(
  pictures.findIndex((c) => c.note === 'keep ratio'),
  1,
  one(
    'Resize',
    18,
    [f([1, 1, 4, 6]), null, null, ints(7, 7)],
    { mode: 'linear', axes: [2, 3], keep_aspect_ratio_policy: 'not_larger' },
    { note: 'keep ratio' },
  ),
);

const hidden = 3;
const rnnOf = (
  op: string,
  gates: number,
  extra: Record<string, number | string | readonly number[] | readonly string[]>,
  given: Partial<Record<'lengths' | 'h' | 'c' | 'p', boolean>>,
  note: string,
): OpCase => {
  const dirs = extra.direction === 'bidirectional' ? 2 : 1;
  const batchFirst = extra.layout === 1;
  const state = batchFirst ? f([2, dirs, hidden]) : f([dirs, 2, hidden]);
  return one(
    op,
    14,
    [
      f(batchFirst ? [2, 5, 4] : [5, 2, 4]),
      f([dirs, gates * hidden, 4]),
      f([dirs, gates * hidden, hidden]),
      f([dirs, 2 * gates * hidden]),
      given.lengths ? i32([2], [5, 3]) : null,
      given.h ? state : null,
      ...(op === 'LSTM' ? [given.c ? state : null, given.p ? f([dirs, 3 * hidden]) : null] : []),
    ],
    { hidden_size: hidden, ...extra },
    { outputs: op === 'LSTM' ? 3 : 2, note },
  );
};
const recurrent: OpCase[] = [
  ...(
    [
      ['RNN', 1],
      ['GRU', 3],
      ['LSTM', 4],
    ] as const
  ).flatMap(([op, gates]) => [
    rnnOf(op, gates, {}, {}, 'plain'),
    rnnOf(op, gates, { direction: 'reverse' }, { lengths: true, h: true, c: true }, 'reverse with lengths'),
    rnnOf(op, gates, { direction: 'bidirectional' }, { h: true, c: true, lengths: true }, 'both ways'),
    rnnOf(op, gates, { clip: 0.4 }, {}, 'clip'),
  ]),
  rnnOf('RNN', 1, { activations: ['LeakyRelu'], activation_alpha: [0.3] }, {}, 'leaky'),
  rnnOf('GRU', 3, { linear_before_reset: 1 }, { h: true }, 'linear before reset'),
  rnnOf('LSTM', 4, {}, { p: true }, 'peepholes'),
  rnnOf('LSTM', 4, { input_forget: 1 }, {}, 'coupled'),
  rnnOf(
    'LSTM',
    4,
    { activations: ['HardSigmoid', 'Softsign', 'Tanh'], activation_alpha: [0.25], activation_beta: [0.4] },
    {},
    'activations',
  ),
];

const quantized: OpCase[] = [
  one('QuantizeLinear', 13, [f([2, 6], undefined, [-8, 20]), scale, u(100)]),
  one(
    'QuantizeLinear',
    13,
    [f([2, 3, 4]), fix(f([3], [0.01, 0.02, 0.05])), fix(i8([3], [0, 3, -5]))],
    { axis: 1 },
    { note: 'per axis' },
  ),
  one(
    'QuantizeLinear',
    21,
    [f([4, 2]), fix(f([2, 2], [0.01, 0.02, 0.05, 0.03])), fix(u8([2, 2], [0, 3, 200, 7]))],
    { axis: 0, block_size: 2 },
    { note: 'blocks' },
  ),
  one('DequantizeLinear', 13, [u8([2, 6]), scale, u(100)]),
  one(
    'DequantizeLinear',
    13,
    [i8([2, 3, 4]), fix(f([3], [0.01, 0.02, 0.05])), fix(i8([3], [0, 3, -5]))],
    { axis: 1 },
    { note: 'per axis' },
  ),
  one('DequantizeLinear', 13, [i32([3], [100000, -5, 3]), scale], {}, { note: 'int32' }),
  one(
    'DequantizeLinear',
    21,
    [i8([4, 2]), fix(f([2, 2], [0.01, 0.02, 0.05, 0.03])), fix(i8([2, 2], [0, 3, -7, 7]))],
    { axis: 0, block_size: 2 },
    { note: 'blocks' },
  ),
  one(
    'DequantizeLinear',
    21,
    [fix({ type: 'int4', shape: [5], values: [-8, 7, 0, 3, -1] }), fix(f([], [0.5]))],
    {},
    { note: 'int4', want: [{ shape: [5], data: [-4, 3.5, 0, 1.5, -0.5] }] },
  ),
  one('DynamicQuantizeLinear', 11, [f([3, 4], undefined, [-1, 5])], {}, { outputs: 3 }),
  one('MatMulInteger', 10, [u8([2, 3]), u8([3, 4]), u(12), u(3)]),
  one(
    'MatMulInteger',
    10,
    [u8([2, 3]), i8([3, 4], undefined, [-128, 127.9]), u(12), i8([4], [1, -2, 3, 0])],
    {},
    { note: 'per column' },
  ),
  one('QLinearMatMul', 10, [u8([2, 4]), scale, u(113), u8([4, 3]), scale, u(114), f([], [0.4]), u(118)]),
  one('ConvInteger', 10, [u8([1, 2, 5, 5]), u8([3, 2, 3, 3]), u(7), u(5)], { pads: [1, 1, 1, 1] }),
  one('QLinearConv', 10, [
    u8([1, 2, 5, 5]),
    scale,
    u(113),
    fix(u8([3, 2, 3, 3])),
    fix(f([3], [0.01, 0.02, 0.03])),
    fix(u8([3], [7, 7, 7])),
    f([], [0.4]),
    u(118),
    fix(i32([3], [10, -300, 77])),
  ]),
];

const signals: OpCase[] = [
  ...['HannWindow', 'HammingWindow', 'BlackmanWindow'].flatMap((op) => [
    one(op, 17, [int(8)]),
    one(op, 17, [int(8)], { periodic: 0 }, { note: 'symmetric' }),
  ]),
  one('MelWeightMatrix', 17, [int(8), int(16), int(8192), fix(f([], [0])), fix(f([], [4096]))]),
  one('DFT', 17, [f([2, 10, 1])], { axis: 1 }, { tolerance: 2e-5 }),
  one('DFT', 17, [f([1, 6, 2])], { axis: 1, inverse: 1 }, { note: 'inverse', tolerance: 2e-5 }),
  one('DFT', 20, [f([2, 10, 3, 1]), int(8), int(1)], { onesided: 1 }, { tolerance: 2e-5 }),
  one('STFT', 17, [f([2, 32, 1]), int(4), f([8]), int(8)], {}, { tolerance: 2e-5 }),
];

const heads = [f([2, 2, 3, 4]), f([2, 2, 5, 4]), f([2, 2, 5, 6])] as const;
const attention: OpCase[] = [
  one('Attention', 23, [...heads], { scale: 0.3 }),
  one('Attention', 23, [...heads, f([3, 5])], { is_causal: 1, softcap: { float: 2 } }, { note: 'causal, mask, cap' }),
  one(
    'Attention',
    23,
    [f([2, 3, 8]), f([2, 5, 4]), f([2, 5, 6])],
    { q_num_heads: 4, kv_num_heads: 2 },
    { note: 'grouped' },
  ),
  one(
    'Attention',
    23,
    [f([1, 2, 2, 4]), f([1, 2, 2, 4]), f([1, 2, 2, 4]), null, f([1, 2, 3, 4]), f([1, 2, 3, 4])],
    { qk_matmul_output_mode: 3 },
    { outputs: 4, note: 'past' },
  ),
  one('RotaryEmbedding', 23, [f([1, 2, 3, 4]), f([5, 2]), f([5, 2]), i64([1, 3], [0, 2, 4])]),
  one(
    'RotaryEmbedding',
    23,
    [f([1, 3, 8]), f([1, 3, 2]), f([1, 3, 2])],
    { num_heads: 2, interleaved: 1 },
    { note: 'interleaved' },
  ),
];

const runtime: OpCase[] = [
  one('Gelu', 17, [f([2, 4])], {}, micro),
  one('FastGelu', 17, [f([2, 4]), f([4])], {}, micro),
  one('BiasGelu', 17, [f([2, 4]), f([4])], {}, micro),
  one('QuickGelu', 17, [f([2, 4])], { alpha: 1.5 }, micro),
  one('FusedMatMul', 17, [f([2, 4, 3]), f([2, 5, 4])], { transA: 1, transB: 1, alpha: 0.5 }, micro),
  one(
    'FusedGemm',
    17,
    [f([2, 3]), f([3, 4]), f([4])],
    { activation: 'LeakyRelu', activation_alpha: 0.2, alpha: { float: 1 }, beta: { float: 1 } },
    micro,
  ),
  one('FusedConv', 17, [image, f([4, 3, 3, 3]), f([4])], { activation: 'Relu' }, micro),
  one('SkipLayerNormalization', 17, [f([2, 3, 4]), f([2, 3, 4]), f([4]), f([4]), f([4])], { epsilon: 1e-5 }, micro),
  one('SkipSimplifiedLayerNormalization', 17, [f([2, 3, 4]), f([2, 3, 4]), f([4])], { epsilon: 1e-5 }, micro),
  one('SimplifiedLayerNormalization', 17, [f([2, 3, 4]), f([4])], { axis: -1, epsilon: 1e-5 }),
  one(
    'EmbedLayerNormalization',
    17,
    [
      i32([2, 3], [0, 3, 1, 2, 2, 0]),
      i32([2, 3], [0, 0, 1, 1, 1, 0]),
      f([4, 8]),
      f([5, 8]),
      f([2, 8]),
      f([8]),
      f([8]),
      i32([2, 3], [1, 1, 0, 1, 1, 1]),
    ],
    { epsilon: 1e-5 },
    { ...micro, outputs: 2 },
  ),
  one('Attention', 17, [f([2, 3, 8]), f([8, 24]), f([24]), i32([2], [3, 2])], { num_heads: 2 }, micro),
  one(
    'Attention',
    17,
    [f([2, 3, 8]), f([8, 24]), f([24])],
    { num_heads: 2, unidirectional: 1 },
    { ...micro, note: 'causal' },
  ),
  one('MultiHeadAttention', 17, [f([2, 3, 8]), f([2, 5, 8]), f([2, 5, 8]), f([24])], { num_heads: 2 }, micro),
  one('RotaryEmbedding', 17, [f([1, 2, 3, 4]), i64([1, 3], [0, 2, 4]), f([5, 2]), f([5, 2])], {}, micro),
  one(
    'MatMulNBits',
    17,
    [f([2, 32]), fix(u8([3, 2, 8])), fix(f([3, 2], undefined, [0.1, 0.5]))],
    { K: 32, N: 3, bits: 4, block_size: 16 },
    { ...micro, tolerance: 1e-4 },
  ),
  one(
    'MatMulNBits',
    17,
    [f([2, 32]), fix(u8([3, 2, 8])), fix(f([3, 2], undefined, [0.1, 0.5])), fix(u8([3], [0x57, 0xa3, 0x18]))],
    { K: 32, N: 3, bits: 4, block_size: 16 },
    { ...micro, note: 'zero points', tolerance: 1e-4 },
  ),
  one('QLinearAdd', 17, [u8([2, 3]), scale, u(100), u8([2, 3]), scale, u(90), f([], [0.11]), u(120)], {}, micro),
  one('QLinearMul', 17, [u8([2, 3]), scale, u(100), u8([2, 3]), scale, u(90), f([], [0.3]), u(120)], {}, micro),
  one('QLinearSigmoid', 17, [u8([2, 3]), fix(scale), fix(u(100)), fix(f([], [0.01])), fix(u(3))], {}, micro),
  one(
    'QLinearLeakyRelu',
    17,
    [u8([2, 3]), fix(scale), fix(u(100)), fix(f([], [0.07])), fix(u(33))],
    { alpha: 0.2 },
    micro,
  ),
  one('QLinearGlobalAveragePool', 17, [u8([1, 2, 3, 3]), scale, u(100), f([], [0.04]), u(90)], {}, micro),
  one(
    'QLinearConcat',
    17,
    [fix(f([], [0.1])), fix(u(50)), u8([2, 2]), fix(scale), fix(u(10)), u8([2, 3]), fix(f([], [0.2])), fix(u(30))],
    { axis: 1 },
    micro,
  ),
  one('DynamicQuantizeMatMul', 17, [f([2, 4]), u8([4, 3]), scale, u(12)], {}, micro),
  one('MatMulIntegerToFloat', 17, [u8([2, 4]), u8([4, 3]), scale, scale, u(12), u(7)], {}, micro),
  one('Inverse', 17, [f([2, 2], [2, 1, 1, 3])], {}, micro),
  one('QuantizeLinear', 17, [f([2, 6], undefined, [-8, 20]), scale, u(100)], {}, micro),
  one('DequantizeLinear', 17, [u8([2, 6]), scale, u(100)], {}, micro),
  one(
    'TransposeMatMul',
    17,
    [f([2, 2], [1, 2, 3, 4]), f([2, 1], [5, 6])],
    { transA: 1, alpha: { float: 2 } },
    { ...micro, want: [{ shape: [2, 1], data: [46, 68] }] },
  ),
  one(
    'BiasSoftmax',
    17,
    [f([1, 2], [1, 2]), f([1, 2], [0.5, -0.5])],
    {},
    { ...micro, want: [{ shape: [1, 2], data: [0.5, 0.5] }] },
  ),
  one(
    'BiasSplitGelu',
    17,
    [f([1, 1, 4], [1, 2, 3, -1]), f([4], [0, 1, 0, 0])],
    {},
    { ...micro, want: [{ shape: [1, 1, 2], data: [2.9959503, -0.4759658] }] },
  ),
  one(
    'GroupNorm',
    17,
    [f([1, 1, 2, 2], [1, 2, 3, 6]), f([2], [1, 2]), f([2], [0.5, 0])],
    { groups: 1, epsilon: { float: 0 } },
    { ...micro, want: [{ shape: [1, 1, 2, 2], data: [-0.569045, -1.069045, 0.5, 3.2071349] }] },
  ),
  one(
    'BiasAdd',
    17,
    [f([1, 2, 4], [1, 2, 3, 4, 5, 6, 7, 8]), f([4], [1, 1, 1, 1]), f([1, 2, 4], [0, 0, 0, 0, 2, 2, 2, 2])],
    {},
    { ...micro, want: [{ shape: [1, 2, 4], data: [2, 3, 4, 5, 8, 9, 10, 11] }] },
  ),
];

export const networkCases: readonly OpCase[] = [
  ...conv,
  ...pools,
  ...norms,
  ...products,
  ...pictures,
  ...recurrent,
  ...quantized,
  ...signals,
  ...attention,
  ...runtime,
];
