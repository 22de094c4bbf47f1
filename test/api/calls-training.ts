// Valid calls: optimizers, losses and metrics as functions.

import * as tf from 'sinter';
import { f, i } from './operands.ts';

type Rows = Record<string, unknown[][]>;

/** Probabilities that sum to 1 along the last axis, far from 0. */
const shares = (shape: readonly number[]) => tf.softmax(f(shape));
const oneHot = () => tf.oneHot(tf.tensor1d([0, 2], 'int32'), 3);
const pairs = () => [f([2, 3], 0.5, 1), f([2, 3], 0.1, 0.9)];

const numbers = [
  'meanAbsoluteError',
  'meanAbsolutePercentageError',
  'meanSquaredLogarithmicError',
  'mse',
  'mae',
  'mape',
  'logcosh',
  'poisson',
  'kullbackLeiblerDivergence',
  'hinge',
  'squaredHinge',
  'categoricalHinge',
];

/** Functions that `tf.losses` and `tf.metrics` share. */
const shared = (space: string): Rows => ({
  ...Object.fromEntries(numbers.map((n) => [`${space}.${n}`, [pairs()]])),
  [`${space}.huber`]: [[f([2, 3]), f([2, 3]), 0.5]],
  [`${space}.binaryCrossentropy`]: [
    [f([2, 3], 0, 1), f([2, 3], 0.1, 0.9), false, 0.1, -1],
    [f([2, 3], 0, 1), f([2, 3]), true, 0, 0],
  ],
  [`${space}.categoricalCrossentropy`]: [
    [oneHot(), shares([2, 3]), false, 0.1, -1],
    [oneHot(), f([2, 3]), true],
    [f([3, 2], 0, 1), f([3, 2]), true, 0, 0],
  ],
  [`${space}.sparseCategoricalCrossentropy`]: [
    [i([2], 0, 2), shares([2, 3]), false, 1, -1],
    [i([2, 1], 0, 2), f([2, 3]), true],
  ],
  [`${space}.binaryFocalCrossentropy`]: [
    [f([2, 3], 0, 1), f([2, 3], 0.1, 0.9), { gamma: 1.5, applyClassBalancing: true }],
  ],
  [`${space}.categoricalFocalCrossentropy`]: [[oneHot(), f([2, 3]), { fromLogits: true, alpha: 0.5 }]],
});

const losses = (): Rows => ({
  ...shared('losses'),
  'losses.msle': [pairs()],
  'losses.kld': [pairs()],
  'losses.cosineSimilarity': [[f([2, 3]), f([2, 3]), 0]],
  'losses.get': [['mse'], [(y: tf.Tensor) => y]],
  'losses.serialize': [[new tf.losses.Huber({ delta: 2 })]],
  'losses.deserialize': [[{ className: 'Huber', config: { delta: 2 } }]],
});

const metrics = (): Rows => ({
  ...shared('metrics'),
  'metrics.meanSquaredError': [pairs()],
  'metrics.MSE': [pairs()],
  'metrics.MAE': [pairs()],
  'metrics.MAPE': [pairs()],
  'metrics.cosineProximity': [pairs()],
  'metrics.accuracy': [[i([2, 3], 0, 1), i([2, 3], 0, 1)]],
  'metrics.binaryAccuracy': [[i([2, 3], 0, 1), f([2, 3], 0, 1), 0.4]],
  'metrics.categoricalAccuracy': [[oneHot(), shares([2, 3])]],
  'metrics.sparseCategoricalAccuracy': [[i([2], 0, 2), shares([2, 3])]],
  'metrics.topKCategoricalAccuracy': [[oneHot(), shares([2, 3]), 2]],
  'metrics.sparseTopKCategoricalAccuracy': [[i([2, 1], 0, 2), shares([2, 3]), 2]],
  'metrics.precision': [[i([2, 3], 0, 1), i([2, 3], 0, 1)]],
  'metrics.recall': [[i([2, 3], 0, 1), i([2, 3], 0, 1)]],
  'metrics.r2Score': [[f([4]), f([4])]],
  'metrics.get': [['accuracy']],
  'metrics.serialize': [[new tf.metrics.AUC({ curve: 'PR' })]],
  'metrics.deserialize': [[{ className: 'AUC', config: { curve: 'PR' } }]],
});

const optimizers = (): Rows => ({
  'train.sgd': [[0.1]],
  'train.momentum': [[0.1, 0.9, true]],
  'train.rmsprop': [[0.1, 0.9, 0.5, 1e-7, true]],
  'train.adam': [[0.1, 0.9, 0.999, 1e-7]],
  'train.adadelta': [[0.1, 0.9, 1e-7]],
  'train.adamax': [[0.1, 0.9, 0.999, 1e-7, 0.1]],
  'train.adagrad': [[0.1, 0.2]],
  'optimizers.sgd': [[{ learningRate: 0.1, momentum: 0.9, nesterov: true, clipnorm: 1 }]],
  'optimizers.rmsprop': [[{ rho: 0.9, centered: true }]],
  'optimizers.adagrad': [[{ initialAccumulatorValue: 0.2 }]],
  'optimizers.adadelta': [[{ rho: 0.9 }]],
  'optimizers.adam': [[{ beta1: 0.8, amsgrad: true }]],
  'optimizers.adamw': [[{ weightDecay: 0.01 }]],
  'optimizers.adamax': [[{ beta2: 0.99 }]],
  'optimizers.nadam': [[{ useEma: true }]],
  'optimizers.ftrl': [[{ l1RegularizationStrength: 0.1 }]],
  'optimizers.get': [['adam']],
  'optimizers.serialize': [[tf.train.adam()]],
  'optimizers.deserialize': [[{ className: 'Adam', config: { learningRate: 0.1 } }]],
});

export const trainingCalls = (): Rows => ({ ...losses(), ...metrics(), ...optimizers() });
