// The metrics by name.

import type { TensorLike } from '../../trace/convert.ts';
import type { Tensor } from '../../trace/tensor.ts';
import {
  type CustomObjects,
  serialize as plain,
  Registry,
  type SerializableClass,
  type Serialized,
} from '../engine/serialize.ts';
import { Loss } from '../losses/loss.ts';
import * as probabilistic from '../losses/probabilistic.ts';
import * as regression from '../losses/regression.ts';
import * as accuracies from './accuracy.ts';
import { AUC } from './auc.ts';
import * as confusion from './confusion.ts';
import * as functions from './functions.ts';
import * as iou from './iou.ts';
import { Mean, MeanMetricWrapper, Metric, type MetricFunction, Sum } from './metric.ts';
import * as scores from './scores.ts';
import * as wrappers from './wrappers.ts';

const registry = new Registry<Metric>('metric', (x): x is Metric => x instanceof Metric);
const classes = { ...wrappers, ...confusion, AUC, ...scores, ...iou, Mean, Sum };
const aliases: Readonly<Record<string, readonly string[]>> = {
  MeanSquaredError: ['mse'],
  MeanAbsoluteError: ['mae'],
  MeanAbsolutePercentageError: ['mape'],
  MeanSquaredLogarithmicError: ['msle'],
  RootMeanSquaredError: ['rmse'],
  LogCoshError: ['logcosh'],
  KLDivergence: ['kld', 'kullbackLeiblerDivergence'],
  CosineProximity: ['cosine'],
  BinaryCrossentropy: ['bce'],
  CategoricalCrossentropy: ['cce'],
  SparseCategoricalCrossentropy: ['scce'],
};
/** `binaryAccuracy` for BinaryAccuracy, but `AUC` stays. */
const camel = (name: string): string => (/^[A-Z][a-z]/.test(name) ? name[0].toLowerCase() + name.slice(1) : name);
for (const [name, cls] of Object.entries(classes))
  registry.add(cls as SerializableClass<Metric>, camel(name), ...(aliases[name] ?? []));

const { cosineSimilarity, ...numbers } = regression;
const { meanSquaredError: mse, meanAbsoluteError: mae, meanAbsolutePercentageError: mape } = numbers;

/** What decides which accuracy, or which cross-entropy, is meant. */
export interface MetricContext {
  readonly yTrueShape?: readonly (number | null)[];
  readonly yPredShape?: readonly (number | null)[];
  readonly loss?: Loss | null;
}

type Kind = 'Binary' | 'SparseCategorical' | 'Categorical';

/** Chosen by the loss if that is a cross-entropy, else by the shapes of labels and outputs, as Keras does. */
function kindOf({ yTrueShape, yPredShape, loss }: MetricContext): Kind {
  const cls = loss?.getClassName() ?? '';
  const kinds = ['Binary', 'SparseCategorical', 'Categorical'] as const;
  const byLoss = kinds.find((k) => cls.startsWith(k) && cls.endsWith('Crossentropy'));
  if (byLoss) return byLoss;
  if (!yPredShape || yPredShape.at(-1) === 1) return 'Binary';
  if (yTrueShape && (yTrueShape.length < yPredShape.length || yTrueShape.at(-1) === 1)) return 'SparseCategorical';
  return 'Categorical';
}

/** A function's name: that of a function of ours does not depend on what a bundler makes of it. */
const nameOf = (fn: MetricFunction): string => Object.entries(metrics).find(([, f]) => f === fn)?.[0] ?? fn.name;

/**
 * The metric that an identifier stands for: a name, which then is the metric's own ('accuracy' and 'acc',
 * 'crossentropy' and 'ce' choose by the context), a `{className, config}`, a function of labels and
 * predictions, a loss, or a metric.
 * Throws ArgumentError for an unknown name (with the nearest one) and for what is none of these.
 */
export function getMetric(
  identifier: unknown,
  context: MetricContext = {},
  op = 'metrics.get',
  objects?: CustomObjects,
): Metric {
  if (identifier instanceof Loss) {
    const loss = identifier;
    return new MeanMetricWrapper((y, p) => loss.call(y, p), { name: loss.name });
  }
  const fn = typeof identifier === 'string' ? objects?.[identifier] : identifier;
  if (typeof fn === 'function' && !(fn.prototype instanceof Metric)) {
    const name = typeof identifier === 'string' ? identifier : nameOf(fn as MetricFunction);
    return new MeanMetricWrapper(fn as MetricFunction, { name: name || 'metric' });
  }
  if (typeof identifier !== 'string') return registry.get(identifier, op, objects);
  const name = identifier;
  if (/^acc(uracy)?$/i.test(name)) return registry.make(`${kindOf(context)}Accuracy`, { name }, op);
  if (/^(ce|cross_?entropy)$/i.test(name)) return registry.make(`${kindOf(context)}Crossentropy`, { name }, op);
  return registry.make(name, { name }, op, objects);
}

/** A metric as plain data: its class and options, or the name of a function of one's own. */
export function serializeMetric(metric: Metric): Serialized | string {
  const known = registry.get(metric, 'metrics.serialize');
  return Object.getPrototypeOf(known) === MeanMetricWrapper.prototype ? known.name : plain(known);
}

/**
 * Metrics. Functions of labels and predictions under TensorFlow.js's names, most of them with a value for each
 * sample; Keras's classes, which keep their state over batches: `new tf.metrics.BinaryAccuracy()`.
 */
export const metrics = Object.freeze({
  ...numbers,
  ...probabilistic,
  ...accuracies,
  ...functions,
  /** As `tf.losses.cosineSimilarity`: -1 at best. */
  cosineProximity: (yTrue: TensorLike, yPred: TensorLike): Tensor => cosineSimilarity(yTrue, yPred),
  mse,
  MSE: mse,
  mae,
  MAE: mae,
  mape,
  MAPE: mape,
  ...classes,
  Metric,
  MeanMetricWrapper,
  get: (identifier: unknown): Metric => getMetric(identifier),
  serialize: serializeMetric,
  /** What `serialize` gave, as a metric again. */
  deserialize: (serialized: Serialized | string): Metric => getMetric(serialized, {}, 'metrics.deserialize'),
});
