// Filters, pooling, space and batch, recurrent cells, fused calls, windows, functions of one rank.

import * as tf from 'sinter';
import { describe, expect, it } from 'vitest';
import { close, equalTo, errorOf } from './helpers.ts';

const flat = (t: tf.Tensor) => Array.from(t.dataSync());
const count = (shape: number[]) =>
  tf.tensor(
    Array.from({ length: shape.reduce((n, d) => n * d, 1) }, (_, i) => i),
    shape,
  );
type Loss = (x: tf.Tensor | number) => tf.Tensor;

describe('space', () => {
  it('moves into the batch and back', () => {
    const x = count([1, 4, 4, 1]);
    const y = tf.spaceToBatchND(
      x,
      [2, 2],
      [
        [0, 0],
        [0, 0],
      ],
    );
    expect(y.shape).toEqual([4, 2, 2, 1]);
    expect(flat(y)).toEqual([0, 2, 8, 10, 1, 3, 9, 11, 4, 6, 12, 14, 5, 7, 13, 15]);
    equalTo(
      tf.batchToSpaceND(
        y,
        [2, 2],
        [
          [0, 0],
          [0, 0],
        ],
      ),
      x.arraySync(),
    );
    const odd = tf.spaceToBatchND(count([1, 3]), [2], [[1, 0]]);
    equalTo(odd, [
      [0, 1],
      [0, 2],
    ]);
    equalTo(odd.batchToSpaceND([2], [[1, 0]]), [[0, 1, 2]]);
    expect(tf.spaceToBatchND(count([2, 2, 3, 5]), [2], [[0, 2]]).shape).toEqual([4, 2, 3, 5]);
    expect(() =>
      tf.spaceToBatchND(
        x,
        [3, 2],
        [
          [0, 0],
          [0, 0],
        ],
      ),
    ).toThrow(/no multiple of 3/);
    expect(() =>
      tf.batchToSpaceND(
        x,
        [2, 2],
        [
          [0, 0],
          [0, 0],
        ],
      ),
    ).toThrow(/no multiple of 4/);
    expect(() => tf.spaceToBatchND(x, [2, 2], [[0, 0]])).toThrow(/one pair/);
    expect(() =>
      tf.batchToSpaceND(
        y,
        [2, 2],
        [
          [5, 0],
          [0, 0],
        ],
      ),
    ).toThrow(/more than/);
  });
  it('moves out of the channels', () => {
    equalTo(tf.squeeze(tf.depthToSpace(count([1, 1, 1, 4]), 2)), [
      [0, 1],
      [2, 3],
    ]);
    equalTo(tf.squeeze(tf.depthToSpace(count([1, 4, 1, 1]), 2, 'NCHW')), [
      [0, 1],
      [2, 3],
    ]);
    expect(() => tf.depthToSpace(count([1, 1, 1, 3]), 2)).toThrow(/multiple/);
  });
  it('rolls', () => {
    equalTo(tf.roll([0, 1, 2, 3, 4], 2, 0), [3, 4, 0, 1, 2]);
    equalTo(tf.roll([0, 1, 2], -4, 0), [1, 2, 0]);
    equalTo(count([2, 3]).roll([1, 1], [0, 1]), [
      [5, 3, 4],
      [2, 0, 1],
    ]);
    equalTo(tf.roll(tf.zeros([0]), 1, 0), []);
    expect(() => tf.roll([1], [1, 2], 0)).toThrow(/one per axis/);
  });
  it('makes grids and checks shapes', () => {
    const [x, y] = tf.meshgrid([1, 2, 3], [4, 5]);
    equalTo(x, [
      [1, 2, 3],
      [1, 2, 3],
    ]);
    equalTo(y, [
      [4, 4, 4],
      [5, 5, 5],
    ]);
    const [i, j] = tf.meshgrid([1, 2, 3], [4, 5], { indexing: 'ij' });
    equalTo(i, [
      [1, 1],
      [2, 2],
      [3, 3],
    ]);
    equalTo(j, [
      [4, 5],
      [4, 5],
      [4, 5],
    ]);
    expect(tf.meshgrid()).toEqual([]);
    expect(() => tf.meshgrid([1], [1], { indexing: 'yx' as 'xy' })).toThrow(/'yx'/);
    equalTo(tf.broadcastArgs([2, 1, 3], [5, 1]), [2, 5, 3]);
    expect(() => tf.broadcastArgs([2], [3])).toThrow(/do not broadcast/);
    const t = tf.zeros([2, 3]);
    expect(tf.ensureShape(t, [2, null])).toBe(t);
    expect(() => tf.ensureShape(t, [3, null])).toThrow(/\[2,3\], not \[3,any\]/);
  });
  it('has functions of one rank', () => {
    equalTo(tf.concat1d([[1], [2, 3]]), [1, 2, 3]);
    equalTo(tf.concat2d([[[1]], [[2]]], 1), [[1, 2]]);
    expect(tf.concat3d([tf.ones([1, 2, 3]), tf.ones([1, 2, 3])]).shape).toEqual([2, 2, 3]);
    expect(tf.concat4d([tf.ones([1, 1, 2, 3]), tf.ones([1, 1, 2, 3])], 3).shape).toEqual([1, 1, 2, 6]);
    equalTo(tf.reverse1d([1, 2]), [2, 1]);
    equalTo(
      tf.reverse2d(
        [
          [1, 2],
          [3, 4],
        ],
        1,
      ),
      [
        [2, 1],
        [4, 3],
      ],
    );
    equalTo(tf.reverse3d([[[1, 2]]]), [[[2, 1]]]);
    equalTo(tf.reverse4d([[[[1, 2]]]], -1), [[[[2, 1]]]]);
    equalTo(tf.slice1d([1, 2, 3], 1, 1), [2]);
    equalTo(
      tf.slice2d(
        [
          [1, 2],
          [3, 4],
        ],
        [0, 1],
        [2, 1],
      ),
      [[2], [4]],
    );
    for (const f of [() => tf.concat1d([[[1]]] as never), () => tf.reverse2d([1]), () => tf.slice3d([1], [0], [1])])
      expect(errorOf(f).message).toMatch(/must have rank/);
    close(tf.batchNorm2d([[1, 3]], [1, 1], [4, 4], [0, 5], [1, 2], 0), [[0, 7]]);
    expect(() => tf.batchNorm4d([[1]], [1], [1])).toThrow(/rank 4/);
  });
});

describe('filters', () => {
  it('dilate', () => {
    const x = tf.tensor4d([1, 2, 3, 4], [1, 2, 2, 1]);
    // From TensorFlow's own example: a filter of 0.4 0.3 / 0.1 0.
    const f = tf.tensor3d([0.4, 0.3, 0.1, 0], [2, 2, 1]);
    close(tf.squeeze(tf.dilation2d(x, f, 1, 'valid')), tf.scalar(4).arraySync());
    close(tf.squeeze(tf.dilation2d(x, f, 1, 'same')), [
      [4, 4.1],
      [4.3, 4.4],
    ]);
    const wide = tf.dilation2d(count([1, 3, 3, 1]), tf.zeros([2, 2, 1]), 1, 'valid', 2);
    expect(flat(wide)).toEqual([8]);
    expect(tf.dilation2d(count([5, 4, 2]), tf.zeros([2, 2, 2]), 2, 'same').shape).toEqual([3, 2, 2]);
    const [dx, df] = tf.grads((a, b) => tf.dilation2d(a as tf.Tensor, b as tf.Tensor, 1, 'same'))([x, f]);
    // Sums that win: 4+0, 4+0.1, 4+0.3, 4+0.4.
    expect(flat(dx)).toEqual([0, 0, 0, 4]);
    expect(flat(df)).toEqual([1, 1, 1, 1]);
    // Equal sums: the first has the gradient.
    const g = tf.grad((a) => tf.dilation2d(a as tf.Tensor, tf.zeros([2, 2, 1]), 1, 'valid'))(tf.ones([1, 2, 2, 1]));
    expect(flat(g)).toEqual([1, 0, 0, 0]);
    expect(() => tf.dilation2d(x, tf.zeros([2, 2, 3]), 1, 'valid')).toThrow(/1 channels.*3/);
    const ints = tf.dilation2d(count([2, 2, 1]).toInt(), tf.tensor3d([-5, -6, -7, -8], [2, 2, 1], 'int32'), 1, 'same');
    expect(flat(ints)).toEqual([-5, -4, -3, -2]);
  });
  it('normalize over neighbouring channels', () => {
    const x = tf.tensor3d([1, 2, 3, 4], [1, 1, 4]);
    const want = [5, 14, 29, 25].map((s, i) => (i + 1) / (2 + 0.5 * s) ** 0.75);
    close(tf.localResponseNormalization(x, 1, 2, 0.5, 0.75).reshape([4]), want);
    const f = tf.func((t: tf.Tensor) => tf.grad(((v: tf.Tensor) => v.localResponseNormalization(1)) as Loss)(t));
    // y_i = x_i u_i^-1/2 with u_i = 1 + sum; dL/dx_j = u_j^-1/2 - x_j sum over i beside j of x_i u_i^-3/2.
    const u = [6, 15, 30, 26];
    const v = u.map((s, i) => (i + 1) * s ** -1.5);
    const grad = u.map((s, j) => s ** -0.5 - (j + 1) * [j - 1, j, j + 1].reduce((t, i) => t + (v[i] ?? 0), 0));
    close((f(x) as tf.Tensor).reshape([4]), grad);
    expect(() => tf.localResponseNormalization(x, 1.5)).toThrow(/whole number/);
    expect(() => tf.localResponseNormalization([1])).toThrow(/rank 3 or 4/);
  });
});

describe('pooling and convolution', () => {
  const x = tf.tensor4d([3, 1, 2, 0, 9, 4, 5, 8, 7, 6, 2, 2], [1, 3, 4, 1]);
  it('says where the largest are', () => {
    const { result, indexes } = tf.maxPoolWithArgmax(x, 2, 2, 'valid');
    expect([flat(result), flat(indexes)]).toEqual([
      [9, 8],
      [4, 7],
    ]);
    expect(indexes.dtype).toBe('int32');
    const two = tf.maxPoolWithArgmax(tf.concat([x, x]), 2, 1, 'same', true);
    expect(flat(two.indexes).slice(0, 4)).toEqual([4, 6, 7, 7]);
    expect(flat(two.indexes).slice(12, 16)).toEqual([16, 18, 19, 19]);
    const channels = tf.maxPoolWithArgmax(tf.tensor4d([1, 8, 5, 2], [1, 1, 2, 2]), [1, 2], 1, 'valid');
    expect(flat(channels.indexes)).toEqual([2, 1]);
  });
  it('pools with dilations', () => {
    // Elements two columns apart: 3 2, 1 0 | 9 5, 4 8 | 7 2, 6 2.
    expect(flat(tf.pool(x, [1, 2], 'max', 'valid', [1, 2]))).toEqual([3, 1, 9, 8, 7, 6]);
    expect(flat(tf.pool(x, [1, 2], 'avg', 'valid', [1, 2]))).toEqual([2.5, 0.5, 7, 6, 4.5, 4]);
    // 'same': windows at -1 and 1 beside the middle; padding does not count.
    expect(flat(tf.pool(x, [1, 2], 'max', 'same', [1, 2])).slice(0, 4)).toEqual([1, 3, 1, 2]);
    expect(flat(tf.pool(x, [1, 2], 'avg', 'same', [1, 2])).slice(0, 4)).toEqual([1, 2.5, 0.5, 2]);
    expect(flat(tf.pool(x.mul(-1), [2, 2], 'max', 'valid', 2))).toEqual([-2, -0]);
    expect(flat(x.pool(2, 'max', 'valid', 1, 2))).toEqual([9, 8]);
    expect(() => tf.pool(x, 2, 'max', 'valid', 2, 2)).toThrow(/must be 1/);
    expect(() => tf.pool(x, 2, 'min' as 'max', 'valid')).toThrow(/'min'/);
  });
  it('rounds the number of windows', () => {
    const y = tf.tensor4d([1, 2, 3, 4, 5], [1, 1, 5, 1]);
    expect(flat(tf.maxPool(y, [1, 2], [1, 2], 0, 'floor'))).toEqual([2, 4]);
    expect(flat(tf.maxPool(y, [1, 2], [1, 2], 0, 'ceil'))).toEqual([2, 4, 5]);
    expect(flat(tf.avgPool(y, [1, 2], [1, 2], 0, 'ceil'))).toEqual([1.5, 3.5, 5]);
    // (5 - 2) / 2 = 1.5 rounds up; (5 - 3) / 3 rounds up, (5 - 1) / 3 down.
    expect(flat(tf.avgPool(y, [1, 2], [1, 2], 0, 'round'))).toEqual([1.5, 3.5, 5]);
    expect(flat(tf.conv2d(y, tf.ones([1, 3, 1, 1]), [1, 3], 0, 'NHWC', 1, 'round'))).toEqual([6, 9]);
    expect(flat(tf.conv2d(y, tf.ones([1, 1, 1, 1]), [1, 3], 0, 'NHWC', 1, 'round'))).toEqual([1, 4]);
    expect(() => tf.maxPool(y, 1, 1, 'same', 'ceil')).toThrow(/pad in numbers/);
    expect(() => tf.maxPool(y, 1, 1, 0, 'up' as 'ceil')).toThrow(/'up'/);
  });
  it('convolves over one and three axes, dilated', () => {
    expect(
      flat(tf.conv1d(tf.tensor2d([[1], [2], [3], [4]]), tf.tensor3d([1, 10], [2, 1, 1]), 1, 'valid', 'NWC', 2)),
    ).toEqual([31, 42]);
    const volume = count([1, 3, 1, 1, 1]);
    expect(flat(tf.conv3d(volume, tf.tensor5d([1, 10], [2, 1, 1, 1, 1]), 1, 'valid', 'NDHWC', [2, 1, 1]))).toEqual([
      20,
    ]);
    expect(flat(tf.maxPool3d(count([1, 2, 2, 2, 1]), 2, 1, 'valid'))).toEqual([7]);
    expect(flat(tf.avgPool3d(count([1, 1, 2, 2, 2]), 2, 1, 'valid', undefined, 'NCDHW'))).toEqual([3.5]);
  });
  it('transposes a convolution over three axes', () => {
    // Each element spreads the filter 1 2 along the depth, two apart.
    const y = tf.conv3dTranspose(
      count([1, 2, 1, 1, 1]).add(1),
      tf.tensor5d([1, 2], [2, 1, 1, 1, 1]),
      [1, 4, 1, 1, 1],
      [2, 1, 1],
      'valid',
    );
    expect(flat(y)).toEqual([1, 2, 2, 4]);
    const [x3, w] = [
      tf.randomNormal([1, 3, 4, 3, 2], 0, 1, 'float32', 1),
      tf.randomNormal([2, 2, 2, 2, 3], 0, 1, 'float32', 2),
    ];
    const cotangent = tf.randomNormal([1, 3, 4, 3, 3], 0, 1, 'float32', 3);
    const dx = tf.grad((v) => tf.mul(tf.conv3d(v as tf.Tensor, w, 1, 'same'), cotangent))(x3);
    close(tf.conv3dTranspose(cotangent, w, [1, 3, 4, 3, 2], 1, 'same'), dx.arraySync(), 4);
    expect(() => tf.conv3dTranspose(cotangent, w, [1, 9, 4, 3, 2], 1, 'same')).toThrow(/do not give/);
  });
});

describe('cells and fused calls', () => {
  it('step an LSTM', () => {
    const sigmoid = (v: number) => 1 / (1 + Math.exp(-v));
    const kernel = tf.tensor2d([
      [0.1, 0.2, 0.3, 0.4],
      [0.5, 0.6, 0.7, 0.8],
    ]);
    const [c, h] = tf.basicLSTMCell(1, kernel, [0.01, 0.02, 0.03, 0.04], [[2]], [[0.5]], [[-1]]);
    const [i, j, f, o] = [0, 1, 2, 3].map((k) => 2 * (0.1 + 0.1 * k) - (0.5 + 0.1 * k) + 0.01 * (k + 1));
    const newC = sigmoid(i) * Math.tanh(j) + 0.5 * sigmoid(f + 1);
    close(c, [[newC]]);
    close(h, [[Math.tanh(newC) * sigmoid(o)]]);
    expect(() => tf.basicLSTMCell(1, tf.zeros([2, 5]), [0], [[1]], [[1]], [[1]])).toThrow(/\[2,4\]/);
  });
  it('stack cells', () => {
    const cell: tf.LSTMCellFunc = (data, c, h) => [c.add(data), h.mul(2).add(data)];
    const [c, h] = tf.multiRNNCell([cell, cell], [[1]], [[[10]], [[20]]], [[[3]], [[4]]]);
    expect(c.map(flat)).toEqual([[11], [27]]);
    expect(h.map(flat)).toEqual([[7], [15]]);
    expect(() => tf.multiRNNCell([cell], [[1]], [], [])).toThrow(/one entry a cell/);
  });
  it('average', () => {
    close(tf.movingAverage([1, 2], [3, 4], 0.9, undefined, false), [1.2, 2.2]);
    close(tf.movingAverage([0], [3], 0.9, 1), [3]);
    expect(() => tf.movingAverage([0], [3], 0.9)).toThrow(/step/);
    expect(() => tf.movingAverage([0], [3, 1], 0.9, 1)).toThrow(/one shape/);
  });
  it('fuse', () => {
    const a = [[1, -2]];
    const b = [[3], [1]];
    equalTo(tf.fused.matMul({ a, b, bias: [-2] }), [[-1]]);
    equalTo(tf.fused.matMul({ a, b, bias: [-2], activation: 'relu' }), [[0]]);
    close(tf.fused.matMul({ a, b, bias: [-2], activation: 'leakyrelu', leakyreluAlpha: 0.1 }), [[-0.1]]);
    close(tf.fused.matMul({ a, b, bias: [-2], activation: 'prelu', preluActivationWeights: [0.5] }), [[-0.5]]);
    const x = tf.ones([1, 2, 2, 1]);
    const conv = tf.fused.conv2d({
      x,
      filter: tf.ones([2, 2, 1, 1]),
      strides: 1,
      pad: 'valid',
      bias: [3],
      activation: 'relu6',
    });
    expect(flat(conv)).toEqual([6]);
    expect(flat(tf.fused.depthwiseConv2d({ x, filter: tf.ones([2, 2, 1, 2]), strides: 1, pad: 'valid' }))).toEqual([
      4, 4,
    ]);
    expect(() => tf.fused.matMul({ a, b, activation: 'tanh' as 'relu' })).toThrow(/'tanh'/);
    expect(() => tf.fused.matMul({ a, b, activation: 'prelu' })).toThrow(/preluActivationWeights/);
  });
  it('add and measure', () => {
    equalTo(
      tf.addN([
        [1, 2],
        [3, 4],
        [5, 6],
      ]),
      [9, 12],
    );
    expect(tf.addN([tf.scalar(1, 'int32'), tf.scalar(2, 'int32')]).dtype).toBe('int32');
    expect(() => tf.addN([[1], [1, 2]])).toThrow(/\[1\].*\[2\]/);
    expect(() => tf.addN([])).toThrow(/at least one/);
    equalTo(tf.euclideanNorm([3, 4]), 5);
    close(
      tf
        .tensor2d([
          [3, 4],
          [6, 8],
        ])
        .euclideanNorm(1, true),
      [[5], [10]],
    );
    expect(tf.sumOutType('bool')).toBe('int32');
  });
});

describe('signals', () => {
  it('have windows', () => {
    close(tf.signal.hannWindow(4), [0, 0.5, 1, 0.5]);
    close(tf.signal.hannWindow(5), [0, 0.5, 1, 0.5, 0]);
    close(tf.signal.hammingWindow(4), [0.08, 0.54, 1, 0.54]);
    expect(tf.signal.hannWindow(1).arraySync()).toEqual([0]);
    expect(tf.signal.hannWindow(0).shape).toEqual([0]);
    expect([1, 2, 3, 8, 9].map(tf.enclosingPowerOfTwo)).toEqual([1, 2, 4, 8, 16]);
    expect(() => tf.enclosingPowerOfTwo(0)).toThrow(/positive/);
  });
  it('have frames', () => {
    equalTo(tf.signal.frame([1, 2, 3, 4, 5], 2, 2), [
      [1, 2],
      [3, 4],
    ]);
    equalTo(tf.signal.frame([1, 2, 3], 2, 1), [
      [1, 2],
      [2, 3],
    ]);
    equalTo(tf.signal.frame([1, 2, 3], 2, 1, true, 9), [
      [1, 2],
      [2, 3],
      [3, 9],
    ]);
    equalTo(tf.signal.frame([1, 2, 3, 4, 5], 2, 3, true), [
      [1, 2],
      [4, 5],
    ]);
    expect(tf.signal.frame([1], 3, 1).shape).toEqual([0, 3]);
    expect(() => tf.signal.frame([1, 2], 0, 1)).toThrow(/positive/);
    expect(() => tf.signal.frame([[1]], 1, 1)).toThrow(/rank 1/);
  });
});
