// Layers of images and sequences: other convolutions, pooling, borders, preparation.

import * as tf from 'sinter';
import { describe, expect, test } from 'vitest';
import { runLayerTest } from './layer-test.ts';

const T = tf.tensor;
const count = (n: number) => Array.from({ length: n }, (_, i) => i + 1);

describe('transposed convolutions', () => {
  // By definition: every input element adds its kernel, scaled, to the output.
  function byHand(x: number[], k: number[], stride: number, size: number, low: number): number[] {
    const out = new Array<number>(size).fill(0);
    x.forEach(
      (v, i) =>
        void k.forEach((w, j) => {
          const at = i * stride + j - low;
          if (at >= 0 && at < size) out[at] += v * w;
        }),
    );
    return out;
  }
  test.each([
    ['valid', 2, 3, undefined, 9, 0],
    ['same', 2, 3, undefined, 8, 0],
    ['same', 1, 3, undefined, 4, 1],
    ['valid', 3, 2, undefined, 12, 0],
    ['valid', 3, 2, 1, 12, 0],
    ['same', 2, 3, 1, 8, 1],
    ['same', 2, 3, 0, 7, 1],
  ] as const)(
    'conv1dTranspose %s, strides %i, window %i, outputPadding %s',
    (padding, strides, kernelSize, outputPadding, size, low) => {
      const kernel = count(kernelSize);
      return runLayerTest({
        make: tf.layers.conv1dTranspose,
        args: { filters: 1, kernelSize, strides, padding, outputPadding },
        input: T([1, 10, 100, 1000], [1, 4, 1]),
        outputShape: [1, size, 1],
        weights: [
          ['kernel', [kernelSize, 1, 1]],
          ['bias', [1]],
        ],
        expectedWeights: [T(kernel, [kernelSize, 1, 1]), T([0.5])],
        expected: byHand([1, 10, 100, 1000], kernel, strides, size, low).map((v) => v + 0.5),
        gradient: false,
      });
    },
  );
  for (const dataFormat of ['channelsLast', 'channelsFirst'] as const)
    test(`conv2dTranspose, ${dataFormat}, strides`, () =>
      runLayerTest({
        make: tf.layers.conv2dTranspose,
        args: { filters: 2, kernelSize: [3, 2], strides: 2, padding: 'same', dataFormat, activation: 'tanh' },
        inputShape: dataFormat === 'channelsLast' ? [2, 3, 4, 3] : [2, 3, 3, 4],
        outputShape: dataFormat === 'channelsLast' ? [2, 6, 8, 2] : [2, 2, 6, 8],
        weights: [
          ['kernel', [3, 2, 2, 3]],
          ['bias', [2]],
        ],
      }));
  test('conv2dTranspose, dilated, is the gradient of a dilated convolution', () => {
    const layer = tf.layers.conv2dTranspose({ filters: 2, kernelSize: 2, dilationRate: 2, useBias: false });
    const x = tf.randomNormal([1, 3, 4, 3], 0, 1, 'float32', 1);
    const y = layer.apply(x);
    expect(y.shape).toEqual([1, 5, 6, 2]);
    const kernel = layer.getWeights()[0];
    const forward = (z: tf.Tensor) => tf.conv2d(z, kernel, 1, 'valid', 'NHWC', 2);
    const want = tf
      .grad(forward)(tf.zeros([1, 5, 6, 2]), x)
      .dataSync();
    y.dataSync().forEach((v, i) => void expect(v).toBeCloseTo(want[i], 4));
  });
  test('conv3dTranspose', () =>
    runLayerTest({
      make: tf.layers.conv3dTranspose,
      args: { filters: 1, kernelSize: 2, strides: [1, 2, 1] },
      inputShape: [1, 2, 2, 3, 2],
      outputShape: [1, 3, 4, 4, 1],
      weights: [
        ['kernel', [2, 2, 2, 1, 2]],
        ['bias', [1]],
      ],
    }));
  test('mistakes', () => {
    expect(() => tf.layers.conv2dTranspose({ filters: 1, kernelSize: 2, strides: 2, outputPadding: 2 })).toThrow(
      /must be less than strides/,
    );
  });
});

describe('depthwise and separable convolutions', () => {
  for (const dataFormat of ['channelsLast', 'channelsFirst'] as const)
    test(`depthwiseConv2d, ${dataFormat}`, () =>
      runLayerTest({
        make: tf.layers.depthwiseConv2d,
        args: { kernelSize: 2, depthMultiplier: 2, dataFormat },
        inputShape: dataFormat === 'channelsLast' ? [2, 4, 3, 3] : [2, 3, 4, 3],
        outputShape: dataFormat === 'channelsLast' ? [2, 3, 2, 6] : [2, 6, 3, 2],
        weights: [
          ['kernel', [2, 2, 3, 2]],
          ['bias', [6]],
        ],
      }));
  test('depthwiseConv2d by hand', () =>
    runLayerTest({
      make: tf.layers.depthwiseConv2d,
      args: { kernelSize: [1, 2], useBias: false },
      input: T([1, 10, 2, 20, 3, 30], [1, 1, 3, 2]),
      outputShape: [1, 1, 2, 2],
      expectedWeights: [T([1, 2, 10, 20], [1, 2, 2, 1])],
      expected: [21, 420, 32, 640],
    }));
  test('separableConv2d', () =>
    runLayerTest({
      make: tf.layers.separableConv2d,
      args: { filters: 4, kernelSize: 3, padding: 'same', depthMultiplier: 2 },
      inputShape: [1, 4, 5, 3],
      outputShape: [1, 4, 5, 4],
      weights: [
        ['depthwise_kernel', [3, 3, 3, 2]],
        ['pointwise_kernel', [1, 1, 6, 4]],
        ['bias', [4]],
      ],
    }));
  test('separableConv1d', () =>
    runLayerTest({
      make: tf.layers.separableConv1d,
      args: { filters: 4, kernelSize: 2, strides: 2 },
      inputShape: [2, 6, 3],
      outputShape: [2, 3, 4],
      weights: [
        ['depthwise_kernel', [2, 3, 1]],
        ['pointwise_kernel', [1, 3, 4]],
        ['bias', [4]],
      ],
    }));
});

describe('pooling', () => {
  const image = T([1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 3, 3, 1]);
  test('maxPooling1d', () =>
    runLayerTest({
      make: tf.layers.maxPooling1d,
      args: { poolSize: 2, strides: 1 },
      input: T([1, 5, 2, 3], [1, 4, 1]),
      outputShape: [1, 3, 1],
      expected: [5, 5, 3],
    }));
  test('averagePooling1d, same', () =>
    runLayerTest({
      make: tf.layers.averagePooling1d,
      args: { padding: 'same' },
      input: T([1, 5, 2], [1, 3, 1]),
      outputShape: [1, 2, 1],
      expected: [3, 2],
    }));
  test('maxPooling2d', () =>
    runLayerTest({ make: tf.layers.maxPooling2d, input: image, outputShape: [1, 1, 1, 1], expected: [5] }));
  test('maxPooling2d, same', () =>
    runLayerTest({
      make: tf.layers.maxPooling2d,
      args: { padding: 'same' },
      input: image,
      outputShape: [1, 2, 2, 1],
      expected: [5, 6, 8, 9],
    }));
  test('averagePooling2d, channels first', () =>
    runLayerTest({
      make: tf.layers.averagePooling2d,
      args: { poolSize: [1, 2], dataFormat: 'channelsFirst' },
      input: T(count(8), [1, 2, 2, 2]),
      outputShape: [1, 2, 2, 1],
      expected: [1.5, 3.5, 5.5, 7.5],
    }));
  for (const name of ['maxPooling3d', 'averagePooling3d'] as const)
    test(name, () =>
      runLayerTest({ make: tf.layers[name], inputShape: [1, 4, 2, 3, 2], outputShape: [1, 2, 1, 1, 2] }),
    );
  test('global pooling', async () => {
    for (const kind of ['Max', 'Average'] as const)
      for (const n of [1, 2, 3] as const) {
        const make = tf.layers[`global${kind}Pooling${n}d`];
        const space = [4, 3, 2].slice(0, n);
        await runLayerTest({ make, inputShape: [2, ...space, 5], outputShape: [2, 5] });
        await runLayerTest({
          make,
          args: { dataFormat: 'channelsFirst', keepDims: true },
          inputShape: [2, 5, ...space],
          outputShape: [2, 5, ...space.map(() => 1)],
        });
      }
  });
  test('values, and steps that do not count', () => {
    const x = T([1, 10, 3, 20, 5, 90], [1, 3, 2]);
    expect(tf.layers.globalMaxPooling1d().apply(x).arraySync()).toEqual([[5, 90]]);
    expect(tf.layers.globalAveragePooling1d().apply(x).arraySync()).toEqual([[3, 40]]);
    const mask = T([[true, true, false]], undefined, 'bool');
    expect(tf.layers.globalAveragePooling1d().apply(x, { mask }).arraySync()).toEqual([[2, 15]]);
  });
});

describe('borders', () => {
  const image = T(count(4), [1, 2, 2, 1]);
  test('zeroPadding2d', () =>
    runLayerTest({
      make: tf.layers.zeroPadding2d,
      args: {
        padding: [
          [1, 0],
          [0, 2],
        ],
      },
      input: image,
      outputShape: [1, 3, 4, 1],
      expected: [0, 0, 0, 0, 1, 2, 0, 0, 3, 4, 0, 0],
    }));
  test('zeroPadding2d, channels first', () =>
    runLayerTest({
      make: tf.layers.zeroPadding2d,
      args: { padding: [0, 1], dataFormat: 'channelsFirst' },
      inputShape: [2, 3, 4, 5],
      outputShape: [2, 3, 4, 7],
    }));
  test('zeroPadding1d', () =>
    runLayerTest({
      make: tf.layers.zeroPadding1d,
      args: { padding: [2, 1] },
      inputShape: [2, 3, 2],
      outputShape: [2, 6, 2],
    }));
  test('zeroPadding3d', () =>
    runLayerTest({ make: tf.layers.zeroPadding3d, inputShape: [1, 2, 3, 2, 1], outputShape: [1, 4, 5, 4, 1] }));
  test('cropping2D', () =>
    runLayerTest({
      make: tf.layers.cropping2D,
      args: {
        cropping: [
          [1, 0],
          [0, 1],
        ],
      },
      input: image,
      outputShape: [1, 1, 1, 1],
      expected: [3],
    }));
  test('cropping1D', () => runLayerTest({ make: tf.layers.cropping1D, inputShape: [2, 5, 2], outputShape: [2, 3, 2] }));
  test('cropping3D', () =>
    runLayerTest({
      make: tf.layers.cropping3D,
      args: { cropping: 1 },
      inputShape: [1, 3, 4, 5, 1],
      outputShape: [1, 1, 2, 3, 1],
    }));
  test('upSampling2d', () =>
    runLayerTest({
      make: tf.layers.upSampling2d,
      args: { size: [1, 2] },
      input: image,
      outputShape: [1, 2, 4, 1],
      expected: [1, 1, 2, 2, 3, 3, 4, 4],
    }));
  test('upSampling2d, bilinear, channels first', () =>
    runLayerTest({
      make: tf.layers.upSampling2d,
      args: { interpolation: 'bilinear', dataFormat: 'channelsFirst' },
      input: T([1, 3], [1, 1, 1, 2]),
      outputShape: [1, 1, 2, 4],
      expected: [1, 1.5, 2.5, 3, 1, 1.5, 2.5, 3],
    }));
  test('upSampling1d', () =>
    runLayerTest({
      make: tf.layers.upSampling1d,
      args: { size: 3 },
      input: T([1, 2], [1, 2, 1]),
      outputShape: [1, 6, 1],
      expected: [1, 1, 1, 2, 2, 2],
    }));
  test('upSampling3d', () =>
    runLayerTest({ make: tf.layers.upSampling3d, inputShape: [1, 2, 1, 3, 2], outputShape: [1, 4, 2, 6, 2] }));
  test('mistakes', () => {
    expect(() => tf.layers.cropping1D({ cropping: 3 }).apply(tf.input({ shape: [5, 1] }))).toThrow(
      /leaves nothing of \[null, 5, 1\]/,
    );
    expect(() => tf.layers.zeroPadding2d({ padding: [1, 2, 3] })).toThrow(/one for each of 2 axes/);
    expect(() => tf.layers.maxPooling2d({ poolSize: 0 })).toThrow(/poolSize must be a whole number from 1 on/);
    expect(() => tf.layers.conv2d({ filters: 1, kernelSize: 3, padding: 'full' as never })).toThrow(
      /padding must be one of 'valid', 'same'/,
    );
    expect(() => tf.layers.conv2d({ filters: 1, kernelSize: 3 }).apply(tf.zeros([2, 5, 5]))).toThrow(
      /expected 4 dimension/,
    );
  });
});

describe('preparation', () => {
  test('resizing', () =>
    runLayerTest({
      make: tf.layers.resizing,
      args: { height: 2, width: 4 },
      inputShape: [2, 3, 3, 2],
      outputShape: [2, 2, 4, 2],
    }));
  test('resizing of integers, nearest, cut to the ratio', () =>
    runLayerTest({
      make: tf.layers.resizing,
      args: { height: 1, width: 2, interpolation: 'nearest', cropToAspectRatio: true },
      input: T(count(8), [1, 4, 2, 1], 'int32'),
      outputShape: [1, 1, 2, 1],
      expected: [3, 4],
    }));
  test('rescaling', () =>
    runLayerTest({
      make: tf.layers.rescaling,
      args: { scale: 2, offset: -1 },
      input: T([1, 2], [1, 2], 'int32'),
      outputShape: [1, 2],
      expected: [1, 3],
    }));
  test('centerCrop', () =>
    runLayerTest({
      make: tf.layers.centerCrop,
      args: { height: 2, width: 2 },
      input: T(count(16), [1, 4, 4, 1]),
      outputShape: [1, 2, 2, 1],
      expected: [6, 7, 10, 11],
    }));
  test('centerCrop enlarges', () =>
    runLayerTest({
      make: tf.layers.centerCrop,
      args: { height: 6, width: 3 },
      inputShape: [1, 4, 4, 2],
      outputShape: [1, 6, 3, 2],
    }));
  const classes = T([0, 2, 2, 1, 1, 1], [2, 3], 'int32');
  test.each([
    ['multiHot', [1, 0, 1, 0, 1, 0]],
    ['count', [1, 0, 2, 0, 3, 0]],
  ] as const)('categoryEncoding, %s', (outputMode, expected) =>
    runLayerTest({
      make: tf.layers.categoryEncoding,
      args: { numTokens: 3, outputMode },
      input: classes,
      outputShape: [2, 3],
      expected: [...expected],
    }),
  );
  test('categoryEncoding, oneHot', () =>
    runLayerTest({
      make: tf.layers.categoryEncoding,
      args: { numTokens: 3, outputMode: 'oneHot' },
      input: T([2, 0], [2, 1], 'int32'),
      outputShape: [2, 3],
      expected: [0, 0, 1, 1, 0, 0],
    }));
});
