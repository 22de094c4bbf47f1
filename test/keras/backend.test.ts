// The backend module K: values under NumPy's rules, settings, functions of models.

import * as tf from 'sinter';
import { afterEach, describe, expect, test } from 'vitest';

const { K } = tf;
const T = tf.tensor;
afterEach(() => {
  K.setLearningPhase(0);
  K.setImageDataFormat('channelsLast');
});

describe('values', () => {
  const a = T([
    [1, 2, 3],
    [4, 5, 9],
  ]);
  test.each([
    ['dot of a matrix and a vector', () => K.dot(a, T([1, 0, 2])), [7, 22]],
    ['dot of three axes', () => K.dot(tf.ones([2, 1, 3]), T([[1], [2], [3]])), [[[6]], [[6]]]],
    ['batchDot of vectors', () => K.batchDot(a, a, 1), [[14], [122]]],
    ['batchDot of matrices', () => K.batchDot(T([[[1, 2]]]), T([[[3], [4]]])), [[[11]]]],
    ['var', () => K.var(a, 1), [2 / 3, 14 / 3]],
    ['std', () => K.std(T([1, 3])), 1],
    ['argmax', () => K.argmax(a), [2, 2]],
    [
      'any',
      () =>
        K.any(
          T([
            [0, 0],
            [0, 2],
          ]),
          1,
        ),
      [0, 1],
    ],
    [
      'all',
      () =>
        K.all(
          T([
            [1, 0],
            [3, 2],
          ]),
          1,
        ),
      [0, 1],
    ],
    ['batchFlatten', () => K.batchFlatten(T([[[1], [2]]])), [[1, 2]]],
    [
      'repeat',
      () => K.repeat(T([[1, 2]]), 2),
      [
        [
          [1, 2],
          [1, 2],
        ],
      ],
    ],
    ['repeatElements', () => K.repeatElements(T([[1, 2]]), 2, 1), [[1, 1, 2, 2]]],
    ['concatenate', () => K.concatenate([T([[1]]), T([[2]])]), [[1, 2]]],
    [
      'permuteDimensions',
      () => K.permuteDimensions(a, [1, 0]),
      [
        [1, 4],
        [2, 5],
        [3, 9],
      ],
    ],
    ['temporalPadding', () => K.temporalPadding(T([[[1]]]), [1, 0]), [[[0], [1]]]],
    [
      'spatial2dPadding',
      () =>
        K.spatial2dPadding(T([[[[1]]]]), [
          [0, 0],
          [1, 0],
        ]),
      [[[[0], [1]]]],
    ],
    ['foldl', () => K.foldl((x, y) => x.sub(y), T([10, 3, 2])), 5],
    ['foldr', () => K.foldr((x, y) => x.sub(y), T([10, 3, 2])), -11],
    ['l2Normalize', () => K.l2Normalize(T([[3, 4]]), -1), [[0.6, 0.8]]],
    ['biasAdd', () => K.biasAdd(T([[[1, 2]], [[3, 4]]]), T([10]), 'channelsFirst'), [[[11, 12]], [[13, 14]]]],
    [
      'clip',
      () => K.clip(a, 2, 4),
      [
        [2, 2, 3],
        [4, 4, 4],
      ],
    ],
    [
      'switch',
      () =>
        K.switch(
          tf.less(1, 2),
          () => T([1]),
          () => T([2]),
        ),
      [1],
    ],
  ] as [string, () => tf.Tensor, unknown][])('%s', (_, f, want) => {
    const flat = [want].flat(9) as number[];
    for (const got of [f(), tf.func(f)()]) {
      expect(got.shape).toEqual(tf.tensor(want as number[]).shape);
      got.dataSync().forEach((x, i) => void expect(x).toBeCloseTo(flat[i], 5));
    }
  });
  test('Variables', () => {
    const v = K.variable([1, 2], 'float32', 'v');
    K.updateAdd(v, [1, 1]);
    K.updateSub(v, [0, 1]);
    expect(K.getValue(v).arraySync()).toEqual([2, 2]);
    K.movingAverageUpdate(v, [4, 6], 0.5);
    expect(K.eval(v)).toEqual([3, 4]);
    K.batchSetValue([[v, [7, 8]]]);
    expect(K.batchGetValue([v]).map((t) => t.arraySync())).toEqual([[7, 8]]);
    expect(() => K.setValue(T([1]) as never, [2])).toThrow(/is no Variable/);
  });
});

describe('settings', () => {
  test('the format of images is the default of layers', () => {
    expect(K.imageDataFormat()).toBe('channelsLast');
    K.setImageDataFormat('channelsFirst');
    expect(tf.layers.conv2d({ filters: 2, kernelSize: 1 }).apply(tf.ones([1, 3, 4, 5])).shape).toEqual([1, 2, 4, 5]);
    expect(() => K.setImageDataFormat('nchw' as never)).toThrow(/'channelsLast' or 'channelsFirst'/);
  });
  test('the learning phase', () => {
    expect(K.learningPhase()).toBe(0);
    const layer = tf.layers.dropout({ rate: 0.5, seed: 1 });
    expect(layer.apply(tf.ones([4])).arraySync()).toEqual([1, 1, 1, 1]);
    K.setLearningPhase(1);
    expect(
      layer
        .apply(tf.ones([64]))
        .min()
        .dataSync()[0],
    ).toBe(0);
    expect(K.inTrainPhase(1, 2)).toBe(1);
    expect(K.inTrainPhase(1, () => 2, false)).toBe(2);
  });
  test('within a call that trains', async () => {
    const seen: number[] = [];
    class Phase extends tf.layers.Layer {
      override call(inputs: tf.Tensor | tf.Tensor[]) {
        seen.push(K.learningPhase());
        return inputs;
      }
    }
    const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [1] }), new Phase({})] });
    model.compile({ optimizer: 'sgd', loss: 'mse' });
    seen.length = 0;
    await model.trainOnBatch(T([[1]]), T([[1]]));
    model.predict(T([[1]]));
    expect(seen).toContain(1);
    expect(seen.at(-1)).toBe(0);
  });
});

describe('functions', () => {
  test('from the input of a model to the output of an inner layer', () => {
    const model = tf.sequential({
      layers: [tf.layers.dense({ units: 3, inputShape: [2], name: 'inner' }), tf.layers.dense({ units: 1 })],
    });
    const f = K.function(model.inputs, [model.getLayer('inner').output, model.outputs[0]]);
    const x = T([[1, 2]]);
    const [h, y] = f([x]);
    expect(h.shape).toEqual([1, 3]);
    expect(y.arraySync()).toEqual(model.predict(x).arraySync());
  });
  test('of placeholders, with gradients', () => {
    const x = K.placeholder([2]);
    const y = K.sum(K.square(x));
    const f = K.function([x], [y, K.gradients(y, [x])[0] as tf.Tensor]);
    expect(f([[1, 3]]).map((t) => t.arraySync())).toEqual([10, [2, 6]]);
  });
  test('shapes', () => {
    expect(K.intShape(tf.input({ shape: [3] }))).toEqual([null, 3]);
    expect(K.ndim(tf.input({ shape: [3] }))).toBe(2);
    expect(K.isKerasTensor(T([1]))).toBe(false);
    expect(K.dtype(tf.input({ shape: [], dtype: 'int32' }))).toBe('int32');
  });
});
