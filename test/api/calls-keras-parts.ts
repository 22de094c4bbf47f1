// Valid calls: activations, initializers, regularizers, constraints.

import * as tf from 'sinter';
import { f } from './operands.ts';

type Rows = Record<string, unknown[][]>;

const activationCalls = (): Rows => {
  const rows: Rows = {
    'activations.relu': [[f([2, 3])], [f([2, 3]), 0.1, 2, 0.5]],
    'activations.softmax': [[f([2, 3]), -1]],
    'activations.logSoftmax': [[f([2, 3]), 0]],
    'activations.get': [['relu'], [{ className: 'elu', config: { alpha: 2 } }]],
    'activations.serialize': [[tf.activations.get('relu')]],
    'activations.deserialize': [['relu', {}]],
  };
  for (const name of 'linear sigmoid hardSigmoid tanh hardTanh softplus softsign exponential relu6 selu swish silu hardSwish mish logSigmoid'.split(
    ' ',
  ))
    rows[`activations.${name}`] = [[f([2, 3])]];
  for (const name of ['elu', 'celu', 'leakyRelu', 'squareplus']) rows[`activations.${name}`] = [[f([2, 3]), 0.5]];
  rows['activations.gelu'] = [[f([2, 3]), true]];
  return rows;
};

const initializerCalls = (): Rows => {
  const rows: Rows = {
    'initializers.zeros': [[]],
    'initializers.ones': [[]],
    'initializers.constant': [[{ value: 2 }]],
    'initializers.identity': [[{ gain: 2 }]],
    'initializers.orthogonal': [[{ gain: 2, seed: 1 }]],
    'initializers.randomUniform': [[{ minval: 0, maxval: 1, seed: 1 }]],
    'initializers.varianceScaling': [[{ scale: 2, mode: 'fanAvg', distribution: 'uniform', seed: 1 }]],
    'initializers.get': [['glorotUniform']],
    'initializers.serialize': [[tf.initializers.zeros()]],
    'initializers.deserialize': [['zeros', {}]],
  };
  for (const name of ['randomNormal', 'truncatedNormal'])
    rows[`initializers.${name}`] = [[{ mean: 1, stddev: 2, seed: 1 }]];
  for (const kind of ['glorot', 'he', 'leCun'])
    for (const shape of ['Uniform', 'Normal']) rows[`initializers.${kind}${shape}`] = [[{ seed: 1 }]];
  return rows;
};

/** What layers are made of, by name and by factory. */
export const kerasPartsCalls = (): Rows => ({
  ...activationCalls(),
  ...initializerCalls(),
  'regularizers.l1': [[{ l1: 0.1 }]],
  'regularizers.l2': [[{ l2: 0.1 }]],
  'regularizers.l1l2': [[{ l1: 0.1, l2: 0.2 }]],
  'regularizers.orthogonalRegularizer': [[{ factor: 0.1, mode: 'rows' }]],
  'regularizers.get': [['l1l2']],
  'regularizers.serialize': [[tf.regularizers.l1()]],
  'regularizers.deserialize': [['l2', {}]],
  'constraints.maxNorm': [[{ maxValue: 2, axis: 0 }]],
  'constraints.unitNorm': [[{ axis: [0, 1] }]],
  'constraints.nonNeg': [[]],
  'constraints.minMaxNorm': [[{ minValue: 0, maxValue: 1, rate: 0.5, axis: 0 }]],
  'constraints.get': [['nonNeg']],
  'constraints.serialize': [[tf.constraints.nonNeg()]],
  'constraints.deserialize': [['maxNorm', {}]],
});
