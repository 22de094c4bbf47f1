// The losses by name, and the namespace `tf.losses`: TensorFlow.js's functions beside Keras's.

import * as core from '../../trace/ops/losses.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { type CustomObjects, serialize as plain, Registry, type Serialized } from '../engine/serialize.ts';
import * as classes from './classes.ts';
import { FunctionLoss, Loss } from './loss.ts';
import * as probabilistic from './probabilistic.ts';
import * as regression from './regression.ts';

type LossFunction = (yTrue: Tensor, yPred: Tensor) => Tensor;

const registry = new Registry<Loss>('loss', (x): x is Loss => x instanceof Loss);
registry.add(classes.MeanSquaredError, 'meanSquaredError', 'mse');
registry.add(classes.MeanAbsoluteError, 'meanAbsoluteError', 'mae');
registry.add(classes.MeanAbsolutePercentageError, 'meanAbsolutePercentageError', 'mape');
registry.add(classes.MeanSquaredLogarithmicError, 'meanSquaredLogarithmicError', 'msle');
registry.add(classes.BinaryCrossentropy, 'binaryCrossentropy', 'bce');
registry.add(classes.CategoricalCrossentropy, 'categoricalCrossentropy', 'cce');
registry.add(classes.SparseCategoricalCrossentropy, 'sparseCategoricalCrossentropy', 'scce');
registry.add(classes.BinaryFocalCrossentropy, 'binaryFocalCrossentropy');
registry.add(classes.CategoricalFocalCrossentropy, 'categoricalFocalCrossentropy');
registry.add(classes.KLDivergence, 'klDivergence', 'kld', 'kullbackLeiblerDivergence');
registry.add(classes.Poisson, 'poisson');
registry.add(classes.CosineSimilarity, 'cosineSimilarity', 'cosineProximity', 'cosine');
registry.add(classes.Hinge, 'hinge');
registry.add(classes.SquaredHinge, 'squaredHinge');
registry.add(classes.CategoricalHinge, 'categoricalHinge');
registry.add(classes.LogCosh, 'logCosh', 'logcosh');
registry.add(classes.Huber, 'huber', 'huberLoss');

const { meanSquaredError: mse, ...numbers } = regression;
/** Keras's functions of labels and predictions, by the names that TensorFlow.js leaves free. */
const functions = {
  ...numbers,
  ...probabilistic,
  mse,
  mae: numbers.meanAbsoluteError,
  mape: numbers.meanAbsolutePercentageError,
  msle: numbers.meanSquaredLogarithmicError,
  kld: probabilistic.kullbackLeiblerDivergence,
};

/** The loss that each of these functions is. */
const classOfFunction = new Map<unknown, string>(
  Object.entries(functions).map(([name, f]) => [f, registry.find(name) ? name : '']),
);

/**
 * The loss that an identifier stands for: a name ('meanSquaredError', 'mse', 'mean_squared_error'), a
 * `{className, config}`, a function of labels and predictions, or a loss.
 * Throws ArgumentError for an unknown name (with the nearest one) and for what is none of these.
 */
export function getLoss(identifier: unknown, op = 'losses.get', objects?: CustomObjects): Loss {
  if (typeof identifier === 'function') {
    const name = classOfFunction.get(identifier);
    return name ? registry.make(name, {}, op) : new FunctionLoss(identifier as LossFunction);
  }
  const own = typeof identifier === 'string' ? objects?.[identifier] : undefined;
  return typeof own === 'function' && !(own.prototype instanceof Loss)
    ? new FunctionLoss(own as LossFunction)
    : registry.get(identifier, op, objects);
}

/** A loss as plain data: its class and options, or the name of a function of one's own. */
export function serializeLoss(loss: Loss): Serialized | string {
  return loss instanceof FunctionLoss ? loss.name : plain(getLoss(loss, 'losses.serialize'));
}

const { Reduction: _Reduction, ...coreFunctions } = core;

/**
 * Losses. TensorFlow.js's functions take labels, predictions, weights and a reduction, and keep their names
 * (`meanSquaredError` is one of them). Keras's take labels and predictions and give a loss for each sample:
 * `tf.losses.mse`, `tf.losses.categoricalCrossentropy`, …; its classes have options and a reduction:
 * `new tf.losses.Huber({delta: 2})`.
 */
export const losses = Object.freeze({
  ...functions,
  ...coreFunctions,
  ...classes,
  Loss,
  get: (identifier: unknown): Loss => getLoss(identifier),
  serialize: serializeLoss,
  deserialize: (serialized: Serialized | string): Loss => getLoss(serialized, 'losses.deserialize'),
});
