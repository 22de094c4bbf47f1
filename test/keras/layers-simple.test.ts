// Layers that move, mask, merge, normalize or disturb.

import * as tf from 'sinter';
import { describe, expect, test } from 'vitest';
import { runLayerTest } from './layer-test.ts';

const T = tf.tensor;
type Weights = [string, number[]][];

describe('shapes', () => {
  test('reshape', () =>
    runLayerTest({
      make: tf.layers.reshape,
      args: { targetShape: [-1, 2] },
      inputShape: [2, 3, 4],
      outputShape: [2, 6, 2],
    }));
  test('permute', () =>
    runLayerTest({
      make: tf.layers.permute,
      args: { dims: [2, 1] },
      input: T([1, 2, 3, 4, 5, 6], [1, 2, 3]),
      outputShape: [1, 3, 2],
      expected: [1, 4, 2, 5, 3, 6],
    }));
  test('repeatVector', () =>
    runLayerTest({
      make: tf.layers.repeatVector,
      args: { n: 2 },
      input: T([1, 2, 3, 4], [2, 2]),
      outputShape: [2, 2, 2],
      expected: [1, 2, 1, 2, 3, 4, 3, 4],
    }));
  test('reshape keeps int32', () =>
    runLayerTest({
      make: tf.layers.reshape,
      args: { targetShape: [2] },
      input: T([1, 2, 3, 4], [2, 2, 1], 'int32'),
      outputShape: [2, 2],
      outputDType: 'int32',
    }));
  test('mistakes', () => {
    expect(() => tf.layers.reshape({ targetShape: [5] }).apply(tf.input({ shape: [4] }))).toThrow(
      /4 elements of \[4\] do not fit into \[5\]/,
    );
    expect(() => tf.layers.reshape({ targetShape: [-1, -1] })).toThrow(/more than one unknown/);
    expect(() => tf.layers.permute({ dims: [0, 1] })).toThrow(/numbers 1 to n/);
    expect(() => tf.layers.repeatVector({ n: 2 }).apply(tf.zeros([2, 2, 2]))).toThrow(/expected 2 dimension/);
  });
});

describe('lambda', () => {
  test('a function of one tensor, its shape found by tracing', () => {
    const layer = tf.layers.lambda({ function: (x) => x.square().sum(-1) });
    const s = layer.apply(tf.input({ shape: [null, 4] }));
    expect(s.shape).toEqual([null, null]);
    expect(layer.apply(T([[1, 2, 2, 0]])).arraySync()).toEqual([9]);
  });
  test('a function of several tensors, with arguments', () => {
    const layer = tf.layers.lambda({ function: ([a, b], { by }) => a.mul(by).add(b), arguments: { by: 3 } });
    expect(layer.apply([T([1, 2]), T([10, 20])]).arraySync()).toEqual([13, 26]);
    expect(layer.apply([tf.input({ shape: [2] }), tf.input({ shape: [2] })]).shape).toEqual([null, 2]);
  });
  test('mistakes', () => {
    expect(() => tf.layers.lambda({ function: 3 as never })).toThrow(/the function is 3/);
    expect(() => tf.layers.lambda({ function: () => 5 as never }).apply(T([1]))).toThrow(/the function gave 5/);
    expect(() => tf.layers.lambda({ function: (x) => x }).getConfig()).toThrow(/registerClass/);
  });
});

describe('embedding and masking', () => {
  test('embedding', () =>
    runLayerTest({
      make: tf.layers.embedding,
      args: { inputDim: 4, outputDim: 2, maskZero: true, embeddingsRegularizer: 'l1' },
      input: T([1, 3, 0, 1, 1, 2], [2, 3], 'int32'),
      outputShape: [2, 3, 2],
      weights: [['embeddings', [4, 2]]],
      expectedWeights: [T([0, 0, 1, 10, 2, 20, 3, 30], [4, 2])],
      expected: [1, 10, 3, 30, 0, 0, 1, 10, 1, 10, 2, 20],
    }));
  test('a mask where the class is 0', () => {
    const layer = tf.layers.embedding({ inputDim: 4, outputDim: 2, maskZero: true });
    expect((layer.computeMask(T([[1, 0, 2]])) as tf.Tensor).arraySync()).toEqual([[1, 0, 1]]);
    expect(tf.layers.embedding({ inputDim: 4, outputDim: 2 }).computeMask(T([[1, 0]]))).toBe(null);
  });
  test('class numbers given as floats', () => {
    const layer = tf.layers.embedding({ inputDim: 4, outputDim: 2, inputLength: 3 });
    expect(layer.apply(T([[1, 0, 2]])).shape).toEqual([1, 3, 2]);
    expect(() => layer.apply(tf.input({ shape: [4] }))).toThrow(/inputLength is \[3\]/);
  });
  test('masking', () =>
    runLayerTest({
      make: tf.layers.masking,
      args: { maskValue: 2 },
      input: T([2, 2, 1, 2, 3, 4], [1, 3, 2]),
      outputShape: [1, 3, 2],
      expected: [0, 0, 1, 2, 3, 4],
      // There is a step where a step of time begins to count.
      gradient: false,
    }));
  test('masks go through a model to the recurrent layer', () => {
    const model = tf.sequential({
      layers: [
        tf.layers.masking({ inputShape: [4, 2] }),
        tf.layers.dense({ units: 3, useBias: false }),
        tf.layers.dropout({ rate: 0.5 }),
        tf.layers.lstm({ units: 2 }),
      ],
    });
    const x = tf.randomNormal([1, 2, 2], 0, 1, 'float32', 1);
    const padded = tf.concat([x, tf.zeros([1, 2, 2])], 1);
    const wide = tf.concat([tf.zeros([1, 2, 2]), x], 1);
    const [a, b] = [padded, wide].map((p) => model.predict(p).dataSync());
    a.forEach((v, i) => void expect(v).toBeCloseTo(b[i], 6));
  });
});

describe('merge', () => {
  const pair = {
    inputShape: [
      [2, 3, 4],
      [2, 3, 4],
    ] as number[][],
    outputShape: [2, 3, 4],
    weights: [] as Weights,
  };
  for (const name of ['add', 'subtract', 'multiply', 'average', 'maximum', 'minimum'] as const)
    test(name, () => runLayerTest({ ...pair, make: tf.layers[name], mask: 'kept' }));
  test('concatenate', () =>
    runLayerTest({
      make: tf.layers.concatenate,
      args: { axis: 1 },
      inputShape: [
        [2, 3, 4],
        [2, 5, 4],
      ],
      outputShape: [2, 8, 4],
    }));
  test('values', () => {
    const [a, b, c] = [T([[1, 5]]), T([[3, 2]]), T([[-1, 10]])];
    const of = (layer: tf.Layer, xs: tf.Tensor[]) => (layer.apply(xs) as tf.Tensor).arraySync();
    expect(of(tf.layers.add(), [a, b, c])).toEqual([[3, 17]]);
    expect(of(tf.layers.subtract(), [a, b])).toEqual([[-2, 3]]);
    expect(of(tf.layers.multiply(), [a, b, c])).toEqual([[-3, 100]]);
    expect((of(tf.layers.average(), [a, b, c]) as number[][])[0][0]).toBeCloseTo(1);
    expect(of(tf.layers.maximum(), [a, b, c])).toEqual([[3, 10]]);
    expect(of(tf.layers.minimum(), [a, b, c])).toEqual([[-1, 2]]);
    expect(of(tf.layers.concatenate(), [a, b, c])).toEqual([[1, 5, 3, 2, -1, 10]]);
    expect(
      of(tf.layers.add(), [
        T([[[1, 2]], [[3, 4]]]),
        T([
          [10, 20],
          [30, 40],
        ]),
      ]),
    ).toEqual([[[11, 22]], [[33, 44]]]);
  });
  test('dot', () =>
    runLayerTest({
      make: tf.layers.dot,
      args: { axes: [2, 1] },
      inputShape: [
        [2, 3, 4],
        [2, 4, 5],
      ],
      outputShape: [2, 3, 5],
    }));
  test('dot of vectors, as a cosine', () =>
    runLayerTest({
      make: tf.layers.dot,
      args: { axes: -1, normalize: true },
      input: [
        T([
          [3, 4],
          [1, 0],
        ]),
        T([
          [4, 3],
          [0, 2],
        ]),
      ],
      outputShape: [2, 1],
      expected: [0.96, 0],
    }));
  test('masks are joined', () => {
    const m = (x: boolean[]) => T([x], undefined, 'bool');
    const xs = [tf.zeros([1, 2, 1]), tf.zeros([1, 2, 1])];
    const both = [m([true, false]), m([true, true])];
    expect((tf.layers.add().computeMask(xs, both) as tf.Tensor).arraySync()).toEqual([[1, 0]]);
    expect((tf.layers.concatenate({ axis: 1 }).computeMask(xs, [both[0], null]) as tf.Tensor).arraySync()).toEqual([
      [1, 0, 1, 1],
    ]);
  });
  test('mistakes', () => {
    const [a, b] = [tf.input({ shape: [3] }), tf.input({ shape: [4] })];
    expect(() => tf.layers.add().apply([a, b])).toThrow(/do not fit together: \[null, 3\], \[null, 4\]/);
    expect(() => tf.layers.add().apply(a)).toThrow(/two or more inputs, got 1/);
    expect(() => tf.layers.concatenate({ axis: 0 }).apply([a, b])).toThrow(/agree but for axis 0/);
    expect(() => tf.layers.dot({ axes: 1 }).apply([a, b])).toThrow(/axis 1 of \[null, 3\] and axis 1 of \[null, 4\]/);
    expect(() => tf.layers.subtract().apply([a, a, a])).toThrow(/two inputs, got 3/);
  });
});

describe('normalization', () => {
  const bn: Weights = [
    ['gamma', [4]],
    ['beta', [4]],
    ['moving_mean', [4]],
    ['moving_variance', [4]],
  ];
  test('batchNormalization', () =>
    runLayerTest({
      make: tf.layers.batchNormalization,
      inputShape: [3, 2, 4],
      outputShape: [3, 2, 4],
      weights: bn,
      trainable: 2,
      mask: 'kept',
    }));
  test('batchNormalization, channels first', () =>
    runLayerTest({
      make: tf.layers.batchNormalization,
      args: { axis: 1, momentum: 0.5, epsilon: 0.01, center: false },
      inputShape: [3, 4, 2],
      outputShape: [3, 4, 2],
      weights: [bn[0], bn[2], bn[3]],
      trainable: 1,
    }));
  test('statistics of the batch, and those that are kept', () => {
    const layer = tf.layers.batchNormalization({ momentum: 0.9, epsilon: 1e-3 });
    const x = T([[1], [2], [6]]);
    const y = layer.apply(x, { training: true }).dataSync();
    const [mean, variance] = [3, 14 / 3];
    [1, 2, 6].forEach((v, i) => void expect(y[i]).toBeCloseTo((v - mean) / Math.sqrt(variance + 1e-3), 5));
    expect(layer.weights[2].dataSync()[0]).toBeCloseTo(0.3, 6);
    expect(layer.weights[3].dataSync()[0]).toBeCloseTo(0.9 + 0.1 * variance, 6);
    const z = layer.apply(x).dataSync();
    expect(z[2]).toBeCloseTo((6 - 0.3) / Math.sqrt(0.9 + 0.1 * variance + 1e-3), 5);
    // Frozen, it does not learn, and uses what it has.
    layer.trainable = false;
    expect(layer.apply(x, { training: true }).dataSync()[2]).toBeCloseTo(z[2], 6);
    expect(layer.weights[2].dataSync()[0]).toBeCloseTo(0.3, 6);
  });
  test('masked steps do not count', () => {
    const layer = tf.layers.batchNormalization({ momentum: 0, epsilon: 0 });
    layer.apply(T([[[1], [3], [1000]]]), { training: true, mask: T([[true, true, false]], undefined, 'bool') });
    expect(layer.weights[2].dataSync()[0]).toBeCloseTo(2, 5);
    expect(layer.weights[3].dataSync()[0]).toBeCloseTo(1, 5);
  });
  test('layerNormalization', () =>
    runLayerTest({
      make: tf.layers.layerNormalization,
      inputShape: [2, 3, 4],
      outputShape: [2, 3, 4],
      weights: [
        ['gamma', [4]],
        ['beta', [4]],
      ],
      mask: 'kept',
    }));
  test('layerNormalization over two axes, by hand', () =>
    runLayerTest({
      make: tf.layers.layerNormalization,
      args: { axis: [1, 2], epsilon: 0 },
      input: T([1, 2, 3, 6], [1, 2, 2]),
      outputShape: [1, 2, 2],
      weights: [
        ['gamma', [2, 2]],
        ['beta', [2, 2]],
      ],
      expected: [-2, -1, 0, 3].map((d) => d / Math.sqrt(3.5)),
    }));
  test('groupNormalization', () =>
    runLayerTest({
      make: tf.layers.groupNormalization,
      args: { groups: 2 },
      inputShape: [2, 3, 2, 4],
      outputShape: [2, 3, 2, 4],
      weights: [
        ['gamma', [4]],
        ['beta', [4]],
      ],
    }));
  test('groupNormalization: groups are normalized by themselves', () =>
    runLayerTest({
      make: tf.layers.groupNormalization,
      args: { groups: 2, epsilon: 0 },
      input: T([1, 3, 10, 30], [1, 1, 4]),
      outputShape: [1, 1, 4],
      expected: [-1, 1, -1, 1],
    }));
  test('groups that do not divide', () => {
    expect(() => tf.layers.groupNormalization({ groups: 3 }).apply(tf.input({ shape: [4] }))).toThrow(
      /4 channels cannot be divided into 3/,
    );
  });
});

describe('activations with parameters', () => {
  const x = T([-2, -0.5, 0.5, 3], [1, 4]);
  const same = { inputShape: [2, 3, 4], outputShape: [2, 3, 4], mask: 'kept' as const };
  const by = { input: x, outputShape: [1, 4] };
  test('reLU', () => runLayerTest({ ...same, make: tf.layers.reLU }));
  test('reLU with options', () =>
    runLayerTest({
      ...by,
      make: tf.layers.reLU,
      args: { maxValue: 2, negativeSlope: 0.1, threshold: 1 },
      expected: [-0.3, -0.15, -0.05, 2],
    }));
  test('leakyReLU', () => runLayerTest({ ...by, make: tf.layers.leakyReLU, expected: [-0.6, -0.15, 0.5, 3] }));
  test('elu', () =>
    runLayerTest({
      ...by,
      make: tf.layers.elu,
      args: { alpha: 2 },
      expected: [2 * Math.expm1(-2), 2 * Math.expm1(-0.5), 0.5, 3],
    }));
  test('thresholdedReLU', () =>
    runLayerTest({ ...by, make: tf.layers.thresholdedReLU, args: { theta: 0.4 }, expected: [0, 0, 0.5, 3] }));
  test('softmax along an axis', () => runLayerTest({ ...same, make: tf.layers.softmax, args: { axis: 1 } }));
  test('prelu', () =>
    runLayerTest({
      ...by,
      make: tf.layers.prelu,
      weights: [['alpha', [4]]],
      expectedWeights: [T([0.5, 0.1, 9, 9])],
      expected: [-1, -0.05, 0.5, 3],
    }));
  test('prelu with shared axes', () =>
    runLayerTest({
      ...same,
      make: tf.layers.prelu,
      args: { sharedAxes: [1], alphaInitializer: 'ones' },
      weights: [['alpha', [1, 4]]],
    }));
  test('srelu', () =>
    runLayerTest({
      ...by,
      make: tf.layers.srelu,
      weights: [
        ['t_left', [4]],
        ['a_left', [4]],
        ['t_right', [4]],
        ['a_right', [4]],
      ],
      // Thresholds -1 and 1; slopes 0.1 and 2 outside.
      expectedWeights: [T([-1, -1, -1, -1]), T([0.1, 0.1, 0.1, 0.1]), T([2, 2, 2, 2]), T([2, 2, 2, 2])],
      expected: [-1.1, -0.5, 0.5, 5],
    }));
});

describe('noise', () => {
  const same = { inputShape: [2, 3, 4], outputShape: [2, 3, 4], random: true, mask: 'kept' as const };
  test('gaussianNoise', () => runLayerTest({ ...same, make: tf.layers.gaussianNoise, args: { stddev: 0.5, seed: 1 } }));
  test('gaussianDropout', () => runLayerTest({ ...same, make: tf.layers.gaussianDropout, args: { rate: 0.5 } }));
  test('alphaDropout', () => runLayerTest({ ...same, make: tf.layers.alphaDropout, args: { rate: 0.5 } }));
  test('spatialDropout1d', () => runLayerTest({ ...same, make: tf.layers.spatialDropout1d, args: { rate: 0.5 } }));
  test('spatialDropout2d', () =>
    runLayerTest({
      make: tf.layers.spatialDropout2d,
      args: { rate: 0.5 },
      inputShape: [2, 3, 4, 5],
      outputShape: [2, 3, 4, 5],
      random: true,
    }));
  test('spatialDropout3d', () =>
    runLayerTest({
      make: tf.layers.spatialDropout3d,
      args: { rate: 0.5 },
      inputShape: [2, 3, 4, 2, 5],
      outputShape: [2, 3, 4, 2, 5],
      random: true,
    }));

  const stats = (t: tf.Tensor) => {
    const data = Array.from(t.dataSync());
    const mean = data.reduce((s, x) => s + x, 0) / data.length;
    return [mean, data.reduce((s, x) => s + (x - mean) ** 2, 0) / data.length];
  };
  const many = tf.ones([200, 500]);
  test('mean and variance', () => {
    const of = (layer: tf.Layer, x = many) => stats(layer.apply(x, { training: true }) as tf.Tensor);
    const [m1, v1] = of(tf.layers.gaussianNoise({ stddev: 0.5, seed: 1 }));
    expect(m1).toBeCloseTo(1, 1.5);
    expect(v1).toBeCloseTo(0.25, 1.7);
    const [m2, v2] = of(tf.layers.gaussianDropout({ rate: 0.2, seed: 1 }));
    expect(m2).toBeCloseTo(1, 1.5);
    expect(v2).toBeCloseTo(0.25, 1.7);
    const [m3, v3] = of(tf.layers.dropout({ rate: 0.25, seed: 1 }));
    expect(m3).toBeCloseTo(1, 1.5);
    expect(v3).toBeCloseTo(1 / 0.75 - 1, 1.7);
    // What SELU gives of normal numbers keeps mean 0 and variance 1.
    const selu = tf.selu(tf.randomNormal([200, 500], 0, 1, 'float32', 4));
    const [m4, v4] = of(tf.layers.alphaDropout({ rate: 0.3, seed: 2 }), selu);
    expect(m4).toBeCloseTo(0, 1.5);
    expect(v4).toBeCloseTo(1, 1);
  });
  test('a seed gives other numbers in each step, the same in each run', () => {
    const run = () => {
      const layer = tf.layers.dropout({ rate: 0.5, seed: 7 });
      const step = tf.func((x: tf.Tensor) => layer.apply(x, { training: true }) as tf.Tensor);
      return [0, 1].map(() => step(tf.ones([64])).arraySync());
    };
    const [a, b] = [run(), run()];
    expect(a).toEqual(b);
    expect(a[0]).not.toEqual(a[1]);
  });
  test('whole channels are dropped', () => {
    const y = tf.layers.spatialDropout1d({ rate: 0.5, seed: 1 }).apply(tf.ones([4, 6, 8]), { training: true });
    const perChannel = y.sum(1).dataSync();
    expect(new Set(perChannel)).toEqual(new Set([0, 12]));
  });
  test('a rate that is none', () => {
    expect(() => tf.layers.dropout({ rate: 1 })).toThrow(/rate must be a number from 0 up to, but not, 1, not 1/);
    expect(() => tf.layers.dropout({} as never)).toThrow(/not undefined/);
  });
});

describe('dense layers of another kind', () => {
  test('maxout', () =>
    runLayerTest({
      make: tf.layers.maxout,
      args: { units: 1, nbFeature: 2 },
      input: T([1, 2, -3, 1], [2, 2]),
      outputShape: [2, 1],
      weights: [
        ['kernel', [2, 2, 1]],
        ['bias', [2, 1]],
      ],
      expectedWeights: [T([1, 0, 0, 1], [2, 2, 1]), T([0.5, 0], [2, 1])],
      expected: [2, 1],
    }));
  test('highway', () =>
    runLayerTest({
      make: tf.layers.highway,
      args: { activation: 'tanh' },
      inputShape: [2, 3],
      outputShape: [2, 3],
      weights: [
        ['kernel', [3, 3]],
        ['gate_kernel', [3, 3]],
        ['bias', [3]],
        ['gate_bias', [3]],
      ],
    }));
  test('highway begins by letting the input through', () => {
    const layer = tf.layers.highway({ kernelInitializer: 'zeros', transformBias: -1 });
    const t = 1 / (1 + Math.exp(1));
    expect((layer.apply(T([[2]])) as tf.Tensor).dataSync()[0]).toBeCloseTo((1 - t) * 2, 6);
  });
});

describe('multiHeadAttention', () => {
  const weights = (q: number, v: number, k = v): Weights => [
    ['query/kernel', [q, 2, 3]],
    ['query/bias', [2, 3]],
    ['key/kernel', [k, 2, 3]],
    ['key/bias', [2, 3]],
    ['value/kernel', [v, 2, 4]],
    ['value/bias', [2, 4]],
    ['attention_output/kernel', [2, 4, q]],
    ['attention_output/bias', [q]],
  ];
  const args = { numHeads: 2, keyDim: 3, valueDim: 4 };
  test('query and value', () =>
    runLayerTest({
      make: tf.layers.multiHeadAttention,
      args,
      inputShape: [
        [2, 5, 6],
        [2, 4, 7],
      ],
      outputShape: [2, 5, 6],
      weights: weights(6, 7),
    }));
  test('with a key, dropout', () =>
    runLayerTest({
      make: tf.layers.multiHeadAttention,
      args: { ...args, dropout: 0.2, seed: 1 },
      inputShape: [
        [2, 5, 6],
        [2, 4, 7],
        [2, 4, 5],
      ],
      outputShape: [2, 5, 6],
      weights: weights(6, 7, 5),
      random: true,
    }));

  const x = tf.randomNormal([2, 4, 3], 0, 1, 'float32', 3);
  test('by hand, with a causal mask', () => {
    const layer = tf.layers.multiHeadAttention({
      numHeads: 2,
      keyDim: 2,
      biasInitializer: tf.initializers.randomNormal({ stddev: 1, seed: 5 }),
    });
    const [y, scores] = layer.apply(x, { value: x, useCausalMask: true, returnAttentionScores: true });
    const [wq, bq, wk, bk, wv, bv, wo, bo] = layer.getWeights().map((w) => w.arraySync()) as [
      number[][][],
      number[][],
      number[][][],
      number[][],
      number[][][],
      number[][],
      number[][][],
      number[],
    ];
    const xs = x.arraySync() as number[][][];
    const project = (row: number[], w: number[][][], bias: number[][], h: number) =>
      bias[h].map((c, d) => row.reduce((s, v, f) => s + v * w[f][h][d], c));
    xs.forEach((sequence, n) => {
      sequence.forEach((row, t) => {
        const out = [...bo];
        for (let h = 0; h < 2; h++) {
          const q = project(row, wq, bq, h);
          const logits = sequence
            .slice(0, t + 1)
            .map((other) => project(other, wk, bk, h).reduce((s, v, d) => s + v * q[d], 0) / Math.sqrt(2));
          const total = logits.reduce((s, l) => s + Math.exp(l), 0);
          const weight = logits.map((l) => Math.exp(l) / total);
          weight.forEach((p, i) => void expect((scores.arraySync() as number[][][][])[n][h][t][i]).toBeCloseTo(p, 5));
          const mixed = [0, 1].map((d) => weight.reduce((s, p, i) => s + p * project(sequence[i], wv, bv, h)[d], 0));
          mixed.forEach(
            (v, d) =>
              void out.forEach((_, f) => {
                out[f] += v * wo[h][d][f];
              }),
          );
        }
        out.forEach((v, f) => void expect((y.arraySync() as number[][][])[n][t][f]).toBeCloseTo(v, 4));
      });
    });
  });
  test('masks', () => {
    const layer = tf.layers.multiHeadAttention({ numHeads: 1, keyDim: 2 });
    const short = layer.apply([x.slice([0, 0, 0], [2, 4, 3]), x.slice([0, 0, 0], [2, 2, 3])]).dataSync();
    const valueMask = T(
      [
        [true, true, false, false],
        [true, true, false, false],
      ],
      undefined,
      'bool',
    );
    const masked = layer.apply(x, { value: x, valueMask }).dataSync();
    const seen = tf
      .zeros([4, 4])
      .add(T([1, 1, 0, 0]))
      .cast('bool');
    const attention = layer.apply([x, x], { attentionMask: seen }).dataSync();
    short.forEach((v, i) => {
      expect(masked[i]).toBeCloseTo(v, 5);
      expect(attention[i]).toBeCloseTo(v, 5);
    });
  });
  test('in a model, with the value as a named argument', () => {
    const q = tf.input({ shape: [4, 3] });
    const v = tf.input({ shape: [null, 5] });
    const [out, scores] = tf.layers
      .multiHeadAttention({ numHeads: 2, keyDim: 2 })
      .apply(q, { value: v, returnAttentionScores: true });
    expect([out.shape, scores.shape]).toEqual([
      [null, 4, 3],
      [null, 2, 4, null],
    ]);
    const model = tf.model({ inputs: [q, v], outputs: out });
    expect(model.predict([x, tf.ones([2, 6, 5])]).shape).toEqual([2, 4, 3]);
    const again = tf.LayersModel.fromConfig(tf.LayersModel, JSON.parse(JSON.stringify(model.getConfig())));
    again.setWeights(model.getWeights());
    expect(again.predict([x, tf.ones([2, 6, 5])]).arraySync()).toEqual(
      model.predict([x, tf.ones([2, 6, 5])]).arraySync(),
    );
  });
  test('a query alone', () => {
    expect(() => tf.layers.multiHeadAttention({ numHeads: 1, keyDim: 1 }).apply(x)).toThrow(/query and value/);
  });
});
