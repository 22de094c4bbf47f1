// Every layer, saved in each format and loaded again: the same configuration and the same predictions.

import * as tf from 'sinter';
import { beforeAll, describe, expect, it } from 'vitest';

const L = tf.layers;
type Row = readonly [name: string, options: object, shape: number[], dtype?: 'int32'];

const image = [6, 6, 4];
const steps = [5, 4];
const initializers = {
  kernelInitializer: 'heNormal',
  kernelRegularizer: 'l1l2',
  kernelConstraint: 'maxNorm',
  useBias: true,
};

const rows: Row[] = [
  ['activation', { activation: 'gelu' }, [4]],
  ['dense', { units: 3, activation: 'hardSigmoid', ...initializers, biasRegularizer: 'l2' }, [4]],
  ['dense', { units: 3, activation: { className: 'relu', config: { alpha: 0.1, maxValue: 2, threshold: 0.5 } } }, [4]],
  ['dropout', { rate: 0.5, seed: 1 }, [4]],
  ['embedding', { inputDim: 7, outputDim: 2, maskZero: true }, [5], 'int32'],
  ['masking', { maskValue: 1 }, steps],
  ['flatten', { dataFormat: 'channelsFirst' }, image],
  ['maxout', { units: 2, nbFeature: 2 }, [4]],
  ['highway', { activation: 'tanh' }, [4]],
  ['gaussianNoise', { stddev: 1 }, [4]],
  ['gaussianDropout', { rate: 0.5 }, [4]],
  ['alphaDropout', { rate: 0.5 }, [4]],
  ['batchNormalization', { axis: 1, momentum: 0.9, scale: false }, steps],
  ['layerNormalization', { axis: [1, 2] }, steps],
  ['groupNormalization', { groups: 2 }, steps],
  ['resizing', { height: 2, width: 3, interpolation: 'nearest' }, image],
  ['rescaling', { scale: 2, offset: 1 }, image],
  ['centerCrop', { height: 2, width: 3 }, image],
  ['randomFlip', { mode: 'horizontal', seed: 1 }, image],
  ['randomCrop', { height: 2, width: 3 }, image],
  ['randomBrightness', { factor: 0.2, valueRange: [0, 1] }, image],
  ['randomContrast', { factor: [0.2, 0.5] }, image],
  ['randomRotation', { factor: 0.2, fillMode: 'wrap' }, image],
  ['randomZoom', { heightFactor: [0.1, 0.2] }, image],
  ['randomTranslation', { heightFactor: 0.1, widthFactor: 0.2, fillMode: 'constant', fillValue: 1 }, image],
  ['randomWidth', { factor: 0.2, interpolation: 'nearest' }, image],
  ['randomHeight', { factor: [-0.2, 0.1] }, image],
  ['categoryEncoding', { numTokens: 7, outputMode: 'count' }, [3], 'int32'],
  ['reLU', { maxValue: 2 }, [4]],
  ['leakyReLU', { alpha: 0.1 }, [4]],
  ['elu', { alpha: 0.1 }, [4]],
  ['thresholdedReLU', { theta: 2 }, [4]],
  ['softmax', { axis: 1 }, steps],
  ['prelu', { sharedAxes: [1], alphaInitializer: 'ones' }, steps],
  ['srelu', { sharedAxes: [1] }, steps],
  ['reshape', { targetShape: [2, -1] }, [4]],
  ['permute', { dims: [2, 1] }, steps],
  ['repeatVector', { n: 2 }, [4]],
  ['rnn', { cell: L.lstmCell({ units: 2, recurrentActivation: 'hardSigmoid' }), returnSequences: true }, steps],
  ['rnn', { cell: L.stackedRNNCells({ cells: [L.gruCell({ units: 2 }), L.simpleRNNCell({ units: 3 })] }) }, steps],
  ['bidirectional', { layer: L.lstm({ units: 2 }), mergeMode: 'sum' }, steps],
  ['bidirectional', { layer: L.gru({ units: 2, returnSequences: true }), mergeMode: 'ave' }, steps],
  ['timeDistributed', { layer: L.dense({ units: 2 }) }, steps],
  ['timeDistributed', { layer: tf.sequential({ layers: [L.dense({ units: 2, inputShape: [4] })] }) }, steps],
  ['convLstm2d', { filters: 2, kernelSize: 2, recurrentActivation: 'hardSigmoid' }, [2, ...image]],
  ['lstm', { units: 2, goBackwards: true, dropout: 0.1, recurrentDropout: 0.1, seed: 3, unitForgetBias: false }, steps],
  ['gru', { units: 2, resetAfter: false, returnSequences: true, unroll: true }, steps],
  ['simpleRNN', { units: 2, activation: 'relu', recurrentInitializer: 'identity' }, steps],
  ['depthwiseConv2d', { kernelSize: 2, depthMultiplier: 2 }, image],
  ...([1, 2, 3] as const).flatMap((n): Row[] => {
    const shape = [...Array(n).fill(6), 4];
    return [
      [`conv${n}d`, { filters: 2, kernelSize: 2, padding: 'same', dilationRate: 2 }, shape],
      [`conv${n}dTranspose`, { filters: 2, kernelSize: 2, strides: 2 }, shape],
      [`spatialDropout${n}d`, { rate: 0.5 }, shape],
      [`zeroPadding${n}d`, { padding: 1 }, shape],
      [`cropping${n}D`, { cropping: 1 }, shape],
      [`upSampling${n}d`, { size: 2 }, shape],
      [`maxPooling${n}d`, { poolSize: 2, padding: 'same' }, shape],
      [`averagePooling${n}d`, { poolSize: 2, strides: 1 }, shape],
      [`globalMaxPooling${n}d`, { keepDims: true }, shape],
      [`globalAveragePooling${n}d`, {}, shape],
    ];
  }),
  ...([1, 2] as const).map((n): Row => [`separableConv${n}d`, { filters: 2, kernelSize: 2 }, [...Array(n).fill(6), 4]]),
];
/** Layers of two inputs. */
const pairs: [string, object][] = [
  ...['add', 'subtract', 'multiply', 'average', 'maximum', 'minimum'].map((n): [string, object] => [n, {}]),
  ['concatenate', { axis: 1 }],
  ['dot', { axes: 2, normalize: true }],
  ['multiHeadAttention', { numHeads: 2, keyDim: 3, valueDim: 2, outputShape: 3 }],
];

const make = (name: string, options: object): tf.Layer =>
  (tf.layers as unknown as Record<string, (o: object) => tf.Layer>)[name](options);
const list = (x: tf.Tensor | tf.Tensor[]): number[][] => (Array.isArray(x) ? x : [x]).map((t) => [...t.dataSync()]);

/** Saves and loads in every format: predictions, configuration and architecture stay. */
async function roundTrips(model: tf.LayersModel, x: tf.Tensor | tf.Tensor[]): Promise<void> {
  const want = list(model.predict(x));
  const same = (loaded: tf.LayersModel) => {
    expect(list(loaded.predict(x))).toEqual(want);
    expect(loaded.toJSON()).toBe(model.toJSON());
  };
  for (const format of ['native', 'keras', 'h5'])
    same(await tf.loadLayersModel(await tf.models.encodeModel(model, format)));
  let saved: tf.io.ModelArtifacts = {};
  await model.save(
    tf.io.withSaveHandler(async (a) => {
      saved = a;
      return { modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(a) };
    }),
  );
  same(
    await tf.loadLayersModel(
      tf.io.fromMemory(JSON.parse(JSON.stringify(saved.modelTopology)), saved.weightSpecs, saved.weightData),
    ),
  );
  for (const again of [
    await tf.models.modelFromJSON(model.toJSON()),
    await tf.models.modelFromYAML(await model.toYAML()),
  ]) {
    await again.loadWeights(Object.fromEntries(model.weights.map((w) => [w.name, w.read()])));
    same(again);
  }
}

beforeAll(() => tf.ready());

describe('every layer', () => {
  it('is here', () => {
    const others =
      /^(Layer|RNNCell|deserialize|serialize|input|inputLayer|lambda|.*Cells?|avg.*|globalMaxPool\dd|maxPool\dd)$/;
    const here = new Set([...rows, ...pairs].map(([n]) => n));
    expect(Object.keys(tf.layers).filter((n) => !others.test(n) && !here.has(n))).toEqual([]);
  });
  it.each(rows.map((r, i) => [`${r[0]} (${i})`, r] as const))('%s', async (_, [name, options, shape, dtype]) => {
    const x = tf.input({ shape, dtype: dtype ?? 'float32' });
    const model = tf.model({ inputs: x, outputs: make(name, options).apply(x) as tf.SymbolicTensor });
    const data = dtype
      ? tf.randomUniformInt([2, ...shape], 0, 7, 1)
      : tf.randomUniform([2, ...shape], 0, 1, 'float32', 1);
    await roundTrips(model, data);
    // As the first layer of a stack.
    const stack = tf.sequential({
      layers: [make(name, { ...options, ...(dtype ? { inputDType: dtype } : {}), name: 'first', inputShape: shape })],
    });
    await roundTrips(stack, data);
  });
  it.each(pairs)('%s', async (name, options) => {
    const [a, b] = [tf.input({ shape: [2, 3] }), tf.input({ shape: [2, 3] })];
    const model = tf.model({ inputs: [a, b], outputs: make(name, options).apply([a, b]) as tf.SymbolicTensor });
    await roundTrips(model, [
      tf.randomNormal([2, 2, 3], 0, 1, 'float32', 1),
      tf.randomNormal([2, 2, 3], 0, 1, 'float32', 2),
    ]);
  });
});

describe('models', () => {
  it('with shared layers, nested models, states and several outputs', async () => {
    const x = tf.input({ shape: [4, 3], name: 'sequence' });
    const encoded = L.lstm({ units: 2, returnState: true }).apply(x) as tf.SymbolicTensor[];
    const decoded = L.lstm({ units: 2, returnSequences: true }).apply(x, { initialState: encoded.slice(1) });
    const inner = tf.sequential({
      layers: [L.dense({ units: 3, inputShape: [2] }), L.dropout({ rate: 0.1 })],
      name: 'inner',
    });
    const f = tf.input({ shape: [3] });
    const nested = tf.model({
      inputs: f,
      outputs: [L.dense({ units: 1 }).apply(f) as tf.SymbolicTensor, f],
      name: 'nested',
    });
    const twice = [encoded[0], encoded[1]].map((t) => inner.apply(t) as tf.SymbolicTensor);
    const ends = nested.apply(L.add().apply(twice) as tf.SymbolicTensor) as tf.SymbolicTensor[];
    const model = tf.model({
      inputs: x,
      outputs: [decoded as tf.SymbolicTensor, ...ends, nested.apply(twice[0]) as never].flat(),
    });
    await roundTrips(model, tf.randomNormal([2, 4, 3], 0, 1, 'float32', 1));
  });
  it('without an input shape, once it was used', async () => {
    const model = tf.sequential({ layers: [L.dense({ units: 2 }), L.dense({ units: 1 })] });
    const x = tf.ones([2, 3]);
    model.predict(x);
    await roundTrips(model, x);
  });
});
