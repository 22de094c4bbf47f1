// Kernels turned by 180 degrees, against sums written out.

import * as tf from 'sinter';
import { describe, expect, it } from 'vitest';

const { convertAllKernelsInModel } = tf.utils;
const values = (t: tf.Tensor) => Array.from(t.dataSync());
const weights = (l: tf.Layer) => l.getWeights().map(values);

describe('convertAllKernelsInModel', () => {
  it('makes a true convolution of a correlation', () => {
    const conv = tf.layers.conv1d({ filters: 1, kernelSize: 3, inputShape: [5, 1] });
    const model = tf.sequential({ layers: [conv] });
    conv.setWeights([tf.tensor([1, 2, 3], [3, 1, 1]), tf.tensor([10])]);
    const x = tf.tensor([1, 0, 0, 2, 5], [1, 5, 1]);
    expect(values(model.predict(x) as tf.Tensor)).toEqual([11, 16, 29]);
    convertAllKernelsInModel(model);
    // y[i] = 10 + sum of k[j] x[i + 2 - j]
    expect(values(model.predict(x) as tf.Tensor)).toEqual([13, 12, 19]);
  });

  it('turns windows, and leaves channels, biases and other layers', () => {
    const conv = tf.layers.conv2d({ filters: 2, kernelSize: [2, 3], inputShape: [6, 6, 2], biasInitializer: 'ones' });
    const model = tf.sequential({ layers: [conv, tf.layers.flatten(), tf.layers.dense({ units: 2 })] });
    const [before, dense] = [conv.getWeights()[0], weights(model.layers[2])];
    convertAllKernelsInModel(model);
    const [a, b] = [before.arraySync(), conv.getWeights()[0].arraySync()] as number[][][][][];
    for (const y of [0, 1]) for (const x of [0, 1, 2]) expect(b[y][x]).toEqual(a[1 - y][2 - x]);
    expect(weights(conv)[1]).toEqual([1, 1]);
    expect(weights(model.layers[2])).toEqual(dense);
  });

  it.each([
    ['conv3d', () => tf.layers.conv3d({ filters: 1, kernelSize: 2 }), [4, 4, 4, 1], 8],
    ['conv2dTranspose', () => tf.layers.conv2dTranspose({ filters: 1, kernelSize: 2 }), [4, 4, 1], 4],
    ['depthwiseConv2d', () => tf.layers.depthwiseConv2d({ kernelSize: 2 }), [4, 4, 1], 4],
    ['separableConv2d', () => tf.layers.separableConv2d({ filters: 1, kernelSize: 2 }), [4, 4, 1], 4],
  ])('%s; twice is as before', (_, make, shape, size) => {
    const input = tf.input({ shape });
    const layer: tf.Layer = make();
    const model = tf.model({ inputs: input, outputs: layer.apply(input) as tf.SymbolicTensor });
    const before = weights(layer);
    expect(before[0].length).toBe(size);
    convertAllKernelsInModel(model);
    expect(weights(layer)).toEqual([[...before[0]].reverse(), ...before.slice(1)]);
    convertAllKernelsInModel(model);
    expect(weights(layer)).toEqual(before);
  });

  it('turns layers inside of layers, and a shared one once', () => {
    const shared = tf.layers.conv1d({ filters: 1, kernelSize: 2, inputShape: [4, 1], padding: 'same' });
    const inner = tf.sequential({ layers: [shared] });
    const input = tf.input({ shape: [4, 1] });
    const twice = inner.apply(shared.apply(input)) as tf.SymbolicTensor;
    const wrapped = tf.layers.timeDistributed({ layer: tf.layers.conv1d({ filters: 1, kernelSize: 2 }) });
    const out = wrapped.apply(tf.layers.reshape({ targetShape: [1, 4, 1] }).apply(twice)) as tf.SymbolicTensor;
    const model = tf.model({ inputs: input, outputs: out });
    const [one, two] = [weights(shared)[0], weights(wrapped)[0]];
    convertAllKernelsInModel(model);
    expect(weights(shared)[0]).toEqual([...one].reverse());
    expect(weights(wrapped)[0]).toEqual([...two].reverse());
  });

  it('refuses what it cannot turn', () => {
    expect(() => convertAllKernelsInModel({} as never)).toThrow(/is no model/);
    const open = tf.sequential({ layers: [tf.layers.conv1d({ name: 'c', filters: 1, kernelSize: 2 })] });
    expect(() => convertAllKernelsInModel(open)).toThrow(/'c' has no weights yet/);
  });
});
