// Valid calls: layers, models, and the backend module.

import * as tf from 'sinter';
import { f, i } from './operands.ts';

type Rows = Record<string, unknown[][]>;

const layerCalls = (): Rows => {
  const rows: Rows = {
    'layers.activation': [[{ activation: 'relu' }]],
    'layers.multiHeadAttention': [[{ numHeads: 2, keyDim: 3 }]],
    'layers.dense': [[{ units: 3, activation: 'relu', inputShape: [2] }]],
    'layers.dropout': [[{ rate: 0.5, seed: 1 }]],
    'layers.embedding': [[{ inputDim: 3, outputDim: 2, inputLength: 4 }]],
    'layers.masking': [[{ maskValue: 1 }]],
    'layers.flatten': [[{ dataFormat: 'channelsFirst' }]],
    'layers.lambda': [[{ function: (x: tf.Tensor) => x }]],
    'layers.maxout': [[{ units: 2, nbFeature: 2 }]],
    'layers.highway': [[{ activation: 'tanh' }]],
    'layers.concatenate': [[{ axis: 1 }]],
    'layers.dot': [[{ axes: 1, normalize: true }]],
    'layers.gaussianNoise': [[{ stddev: 1 }]],
    'layers.gaussianDropout': [[{ rate: 0.5 }]],
    'layers.alphaDropout': [[{ rate: 0.5 }]],
    'layers.batchNormalization': [[{ axis: 1, momentum: 0.9 }]],
    'layers.layerNormalization': [[{ axis: -1 }]],
    'layers.groupNormalization': [[{ groups: 2 }]],
    'layers.resizing': [[{ height: 2, width: 3 }]],
    'layers.rescaling': [[{ scale: 2 }]],
    'layers.centerCrop': [[{ height: 2, width: 3 }]],
    'layers.randomFlip': [[{ mode: 'horizontal', seed: 1 }]],
    'layers.randomCrop': [[{ height: 2, width: 3 }]],
    'layers.randomBrightness': [[{ factor: 0.2, valueRange: [0, 1] }]],
    'layers.randomContrast': [[{ factor: [0.2, 1.5] }]],
    'layers.randomRotation': [[{ factor: 0.2, fillMode: 'wrap' }]],
    'layers.randomZoom': [[{ heightFactor: [0.1, 0.2] }]],
    'layers.randomTranslation': [[{ heightFactor: 0.1, widthFactor: 0.2, fillMode: 'constant', fillValue: 1 }]],
    'layers.randomWidth': [[{ factor: 0.2, interpolation: 'nearest' }]],
    'layers.randomHeight': [[{ factor: [-0.2, 0.1] }]],
    'layers.categoryEncoding': [[{ numTokens: 3 }]],
    'layers.reLU': [[{ maxValue: 2 }]],
    'layers.leakyReLU': [[{ alpha: 0.1 }]],
    'layers.elu': [[{ alpha: 0.1 }]],
    'layers.thresholdedReLU': [[{ theta: 2 }]],
    'layers.softmax': [[{ axis: 1 }]],
    'layers.prelu': [[{ sharedAxes: [1] }]],
    'layers.srelu': [[{ sharedAxes: [1] }]],
    'layers.reshape': [[{ targetShape: [2, -1] }]],
    'layers.permute': [[{ dims: [2, 1] }]],
    'layers.repeatVector': [[{ n: 2 }]],
    'layers.rnn': [[{ cell: tf.layers.lstmCell({ units: 2 }) }]],
    'layers.stackedRNNCells': [[{ cells: [tf.layers.gruCell({ units: 2 })] }]],
    'layers.bidirectional': [[{ layer: tf.layers.lstm({ units: 2 }), mergeMode: 'sum' }]],
    'layers.timeDistributed': [[{ layer: tf.layers.dense({ units: 2 }) }]],
    'layers.convLstm2d': [[{ filters: 2, kernelSize: 2 }]],
    'layers.convLstm2dCell': [[{ filters: 2, kernelSize: [2, 1] }]],
    'layers.input': [[{ shape: [3] }]],
    'layers.inputLayer': [[{ inputShape: [3] }]],
    'layers.serialize': [[tf.layers.dense({ units: 2 })]],
    'layers.deserialize': [[{ className: 'Dense', config: { units: 2 } }, {}]],
  };
  for (const name of ['add', 'subtract', 'multiply', 'average', 'maximum', 'minimum'])
    rows[`layers.${name}`] = [[{ name: 'n' }]];
  for (const name of ['lstm', 'gru', 'simpleRNN', 'lstmCell', 'gruCell', 'simpleRNNCell'])
    rows[`layers.${name}`] = [[{ units: 2 }]];
  for (const n of [1, 2, 3]) {
    rows[`layers.conv${n}d`] = [[{ filters: 2, kernelSize: 2, padding: 'same' }]];
    rows[`layers.conv${n}dTranspose`] = [[{ filters: 2, kernelSize: 2, strides: 2 }]];
    rows[`layers.spatialDropout${n}d`] = [[{ rate: 0.5 }]];
    rows[`layers.zeroPadding${n}d`] = [[{ padding: 1 }]];
    rows[`layers.cropping${n}D`] = [[{ cropping: 1 }]];
    rows[`layers.upSampling${n}d`] = [[{ size: 2 }]];
    for (const kind of ['max', 'average', 'avg']) rows[`layers.${kind}Pooling${n}d`] = [[{ poolSize: 2 }]];
    for (const kind of ['Max', 'Average']) rows[`layers.global${kind}Pooling${n}d`] = [[{ keepDims: true }]];
    rows[`layers.avgPool${n}d`] = [[{ poolSize: 2 }]];
  }
  for (const n of [1, 2]) {
    rows[`layers.maxPool${n}d`] = [[{ poolSize: 2 }]];
    rows[`layers.globalMaxPool${n}d`] = [[{}]];
    rows[`layers.separableConv${n}d`] = [[{ filters: 2, kernelSize: 2 }]];
  }
  rows['layers.depthwiseConv2d'] = [[{ kernelSize: 2 }]];
  return rows;
};

const v = () => tf.variable([1, 2]);
const pair = (): unknown[] => [f([2, 3]), f([2, 3])];

const backendCalls = (): Rows => ({
  'K.intShape': [[f([2, 3])]],
  'K.ndim': [[f([2, 3])]],
  'K.dtype': [[f([2, 3])]],
  'K.isKerasTensor': [[f([2])]],
  'K.eval': [[f([2, 3])]],
  'K.variable': [[f([2]), 'float32', 'w']],
  'K.constant': [[3, 'float32', [2, 2]], [[1, 2]]],
  'K.getValue': [[v()]],
  'K.setValue': [[v(), [3, 4]]],
  'K.batchGetValue': [[[v()]]],
  'K.batchSetValue': [[[[v(), [3, 4]]]]],
  'K.update': [[v(), [3, 4]]],
  'K.updateAdd': [[v(), [3, 4]]],
  'K.updateSub': [[v(), [3, 4]]],
  'K.movingAverageUpdate': [[v(), [3, 4], 0.9]],
  'K.imageDataFormat': [[]],
  'K.setImageDataFormat': [['channelsLast']],
  'K.epsilon': [[]],
  'K.setEpsilon': [[1e-7]],
  'K.floatx': [[]],
  'K.castToFloatx': [[i([2])]],
  'K.learningPhase': [[]],
  'K.setLearningPhase': [[0]],
  'K.inTrainPhase': [[f([2]), f([2]), true]],
  'K.getUid': [['layer']],
  'K.clearSession': [[]],
  'K.dot': [
    [f([2, 3]), f([3, 4])],
    [f([2, 2, 3]), f([3])],
  ],
  'K.batchDot': [
    [f([2, 3, 4]), f([2, 4, 5])],
    [f([2, 3]), f([2, 3]), 1],
  ],
  'K.transpose': [[f([2, 3])]],
  'K.permuteDimensions': [[f([2, 3, 4]), [1, 2, 0]]],
  'K.batchFlatten': [[f([2, 3, 4])]],
  'K.squeeze': [[f([2, 1]), 1]],
  'K.concatenate': [[pair(), -1]],
  'K.repeat': [[f([2, 3]), 2]],
  'K.repeatElements': [[f([2, 3]), 2, -1]],
  'K.temporalPadding': [[f([1, 2, 3]), [1, 2]]],
  'K.spatial2dPadding': [
    [
      f([1, 2, 3, 1]),
      [
        [1, 0],
        [0, 2],
      ],
      'channelsFirst',
    ],
  ],
  'K.var': [[f([2, 3]), 1, true]],
  'K.std': [[f([2, 3], 0.1, 1), 0, false]],
  'K.any': [[f([2, 3]), 1]],
  'K.all': [[f([2, 3]), 1]],
  'K.argmax': [[f([2, 3]), 1]],
  'K.argmin': [[f([2, 3]), 1]],
  'K.foldl': [[(a: tf.Tensor, x: tf.Tensor) => a.add(x), f([3, 2]), f([2])]],
  'K.foldr': [[(a: tf.Tensor, x: tf.Tensor) => a.sub(x), f([3, 2])]],
  'K.l2Normalize': [[f([2, 3], 0.5, 1), -1]],
  'K.biasAdd': [[f([1, 2, 3]), f([3]), 'channelsLast']],
});

/** Models and what they are made of. */
export const modelCalls = (): Rows => {
  const x = tf.input({ shape: [3] });
  return {
    ...layerCalls(),
    ...backendCalls(),
    input: [[{ shape: [3], name: 'image', dtype: 'float32' }]],
    model: [[{ inputs: x, outputs: tf.layers.dense({ units: 2 }).apply(x), name: 'm' }]],
    sequential: [[{ layers: [tf.layers.dense({ units: 2, inputShape: [3] })] }]],
    'serialization.registerClass': [
      [
        class Mine extends tf.layers.Layer {
          override call(inputs: tf.Tensor | tf.Tensor[]) {
            return inputs;
          }
        },
      ],
    ],
  };
};
