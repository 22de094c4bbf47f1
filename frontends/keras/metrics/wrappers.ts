// Metrics that are the mean of a function: accuracies, and every loss.

import type { Tensor } from '../../trace/tensor.ts';
import { snakeCase } from '../engine/names.ts';
import type { Config, MadeClass } from '../engine/serialize.ts';
import { cosineOfAngle } from '../losses/angle.ts';
import * as prob from '../losses/probabilistic.ts';
import * as reg from '../losses/regression.ts';
import * as acc from './accuracy.ts';
import { MeanMetricWrapper, type MetricOptions } from './metric.ts';

type Options = Readonly<Record<string, unknown>>;

/**
 * A mean of a function: its class has `name` and `dtype`, and the options of `standard` with those values
 * where they are not given.
 */
function meanOf<O extends Options>(
  className: string,
  fn: (yTrue: Tensor, yPred: Tensor, options: O) => Tensor,
  standard: O,
  name = snakeCase(className),
): MadeClass<MetricOptions & Partial<O>, MeanMetricWrapper & { readonly options: O }> {
  return class extends MeanMetricWrapper {
    static override readonly className = className;
    readonly options: O;
    constructor(options: MetricOptions & Partial<O> = {}) {
      const own = Object.fromEntries(
        Object.keys(standard).map((k) => [k, options?.[k] === undefined ? standard[k] : options[k]]),
      ) as O;
      super((y, p) => fn(y, p, own), { name, ...options }, Object.keys(standard));
      this.options = own;
    }
    override getConfig(): Config {
      return { ...super.getConfig(), ...(this.options as Config) };
    }
  };
}

/** How often labels and predictions are equal. */
export const Accuracy = meanOf('Accuracy', (y, p) => acc.accuracy(y, p), {});
/** How often predictions above the threshold have the label 1, and the others 0. */
export const BinaryAccuracy = meanOf('BinaryAccuracy', (y, p, o) => acc.binaryAccuracy(y, p, o.threshold), {
  threshold: 0.5,
});
/** How often the largest prediction is that of the one-hot label. */
export const CategoricalAccuracy = meanOf('CategoricalAccuracy', (y, p) => acc.categoricalAccuracy(y, p), {});
/** How often the largest prediction is that of the label, a class number. */
export const SparseCategoricalAccuracy = meanOf(
  'SparseCategoricalAccuracy',
  (y, p) => acc.sparseCategoricalAccuracy(y, p),
  {},
);
/** How often the one-hot label is among the k largest predictions. */
export const TopKCategoricalAccuracy = meanOf(
  'TopKCategoricalAccuracy',
  (y, p, o) => acc.topKCategoricalAccuracy(y, p, o.k),
  { k: 5 },
);
/** How often the label, a class number, is among the k largest predictions. */
export const SparseTopKCategoricalAccuracy = meanOf(
  'SparseTopKCategoricalAccuracy',
  (y, p, o) => acc.sparseTopKCategoricalAccuracy(y, p, o.k),
  { k: 5 },
);
/** Mean of squared errors. */
export const MeanSquaredError = meanOf('MeanSquaredError', (y, p) => reg.meanSquaredError(y, p), {});
/** Mean of absolute errors. */
export const MeanAbsoluteError = meanOf('MeanAbsoluteError', (y, p) => reg.meanAbsoluteError(y, p), {});
/** Mean of absolute errors in percent of the labels. */
export const MeanAbsolutePercentageError = meanOf(
  'MeanAbsolutePercentageError',
  (y, p) => reg.meanAbsolutePercentageError(y, p),
  {},
);
/** Mean of squared differences of log(1 + x). */
export const MeanSquaredLogarithmicError = meanOf(
  'MeanSquaredLogarithmicError',
  (y, p) => reg.meanSquaredLogarithmicError(y, p),
  {},
);
/** Mean of log(cosh(error)). */
export const LogCoshError = meanOf('LogCoshError', (y, p) => reg.logcosh(y, p), {}, 'logcosh');
/** Mean Poisson loss. */
export const Poisson = meanOf('Poisson', (y, p) => reg.poisson(y, p), {});
/** Mean Kullback-Leibler divergence. */
export const KLDivergence = meanOf('KLDivergence', (y, p) => prob.kullbackLeiblerDivergence(y, p), {});
/** Mean cosine of the angle between labels and predictions: 1 at best. */
export const CosineSimilarity = meanOf('CosineSimilarity', (y, p, o) => cosineOfAngle(y, p, o.axis), { axis: -1 });
/** Mean hinge loss. */
export const Hinge = meanOf('Hinge', (y, p) => prob.hinge(y, p), {});
/** Mean squared hinge loss. */
export const SquaredHinge = meanOf('SquaredHinge', (y, p) => prob.squaredHinge(y, p), {});
/** Mean categorical hinge loss. */
export const CategoricalHinge = meanOf('CategoricalHinge', (y, p) => prob.categoricalHinge(y, p), {});
/** Mean Huber loss. */
export const Huber = meanOf('Huber', (y, p, o) => reg.huber(y, p, o.delta), { delta: 1 });
/** Mean binary cross-entropy. */
export const BinaryCrossentropy = meanOf(
  'BinaryCrossentropy',
  (y, p, o) => prob.binaryCrossentropy(y, p, o.fromLogits, o.labelSmoothing),
  { fromLogits: false, labelSmoothing: 0 },
);
/** Mean cross-entropy of one-hot labels. */
export const CategoricalCrossentropy = meanOf(
  'CategoricalCrossentropy',
  (y, p, o) => prob.categoricalCrossentropy(y, p, o.fromLogits, o.labelSmoothing, o.axis),
  { fromLogits: false, labelSmoothing: 0, axis: -1 },
);
/** Mean cross-entropy of class numbers. */
export const SparseCategoricalCrossentropy = meanOf(
  'SparseCategoricalCrossentropy',
  (y, p, o) => prob.sparseCategoricalCrossentropy(y, p, o.fromLogits, null, o.axis),
  { fromLogits: false, axis: -1 },
);
/** Mean binary focal cross-entropy. */
export const BinaryFocalCrossentropy = meanOf(
  'BinaryFocalCrossentropy',
  (y, p, o) => prob.binaryFocalCrossentropy(y, p, o),
  { applyClassBalancing: false, alpha: 0.25, gamma: 2, fromLogits: false, labelSmoothing: 0 },
);
/** Mean categorical focal cross-entropy. */
export const CategoricalFocalCrossentropy = meanOf(
  'CategoricalFocalCrossentropy',
  (y, p, o) => prob.categoricalFocalCrossentropy(y, p, o),
  { alpha: 0.25, gamma: 2, fromLogits: false, labelSmoothing: 0 },
);
/** TensorFlow.js's: the negated cosine, -1 at best. */
export const CosineProximity = meanOf('CosineProximity', (y, p) => reg.cosineSimilarity(y, p), {});
