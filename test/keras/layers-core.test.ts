// Dense, Activation, Dropout, Flatten and the convolutions.

import * as tf from 'sinter';
import { test } from 'vitest';
import { runLayerTest } from './layer-test.ts';

test('dense', () =>
  runLayerTest({
    make: tf.layers.dense,
    args: { units: 3, activation: 'tanh', kernelRegularizer: 'l2', biasConstraint: 'nonNeg' },
    inputShape: [2, 4],
    outputShape: [2, 3],
    weights: [
      ['kernel', [4, 3]],
      ['bias', [3]],
    ],
    mask: 'kept',
  }));

test('dense over the last of three axes, without bias', () =>
  runLayerTest({
    make: tf.layers.dense,
    args: { units: 2, useBias: false },
    input: tf.tensor([1, 2, 3, 4, 5, 6, 7, 8], [2, 2, 2]),
    outputShape: [2, 2, 2],
    weights: [['kernel', [2, 2]]],
    expectedWeights: [tf.tensor([1, 0, 0, -1], [2, 2])],
    expected: [1, -2, 3, -4, 5, -6, 7, -8],
  }));

test('activation', () =>
  runLayerTest({
    make: tf.layers.activation,
    args: { activation: 'softmax' },
    inputShape: [2, 3, 5],
    outputShape: [2, 3, 5],
    weights: [],
    mask: 'kept',
  }));

test('dropout', () =>
  runLayerTest({
    make: tf.layers.dropout,
    args: { rate: 0.5 },
    inputShape: [2, 6],
    outputShape: [2, 6],
    random: true,
    mask: 'kept',
  }));

test('flatten', () => runLayerTest({ make: tf.layers.flatten, inputShape: [2, 3, 4, 5], outputShape: [2, 60] }));
test('flatten puts channels last', () =>
  runLayerTest({
    make: tf.layers.flatten,
    args: { dataFormat: 'channelsFirst' },
    input: tf.tensor([1, 2, 3, 4], [1, 2, 1, 2]),
    outputShape: [1, 4],
    expected: [1, 3, 2, 4],
  }));

for (const [dataFormat, inputShape, outputShape] of [
  ['channelsLast', [2, 7, 6, 4], [2, 3, 2, 6]],
  ['channelsFirst', [2, 4, 7, 6], [2, 6, 3, 2]],
] as const)
  test(`conv2d, ${dataFormat}`, () =>
    runLayerTest({
      make: tf.layers.conv2d,
      args: { filters: 6, kernelSize: [2, 3], strides: 2, groups: 2, dataFormat, activation: 'sigmoid' },
      inputShape: [...inputShape],
      outputShape: [...outputShape],
      weights: [
        ['kernel', [2, 3, 2, 6]],
        ['bias', [6]],
      ],
    }));

test('conv1d, causal and dilated', () =>
  runLayerTest({
    make: tf.layers.conv1d,
    args: { filters: 1, kernelSize: 2, padding: 'causal', dilationRate: 2, useBias: false },
    input: tf.tensor([1, 2, 3, 4], [1, 4, 1]),
    outputShape: [1, 4, 1],
    weights: [['kernel', [2, 1, 1]]],
    expectedWeights: [tf.tensor([10, 1], [2, 1, 1])],
    expected: [1, 2, 13, 24],
  }));

test('conv3d', () =>
  runLayerTest({
    make: tf.layers.conv3d,
    args: { filters: 2, kernelSize: 2, padding: 'same' },
    inputShape: [1, 3, 4, 3, 2],
    outputShape: [1, 3, 4, 3, 2],
    weights: [
      ['kernel', [2, 2, 2, 2, 2]],
      ['bias', [2]],
    ],
  }));
