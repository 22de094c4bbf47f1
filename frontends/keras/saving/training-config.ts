// What `model.compile` was told, as plain data: as this library keeps it, and as Keras and TensorFlow.js do.

import { ArgumentError } from '../../../ir/errors.ts';
import { isObject, type Place } from '../../io/format.ts';
import { getOptimizer, optimizers } from '../../train/index.ts';
import type { LayersModel } from '../engine/model.ts';
import type { Config, ConfigValue, CustomObjects, Serialized } from '../engine/serialize.ts';
import { getLoss, serializeLoss } from '../losses/index.ts';
import { Loss } from '../losses/loss.ts';
import { getMetric, serializeMetric } from '../metrics/index.ts';
import { Metric } from '../metrics/metric.ts';
import type { CompileArgs } from '../training/compile.ts';
import { guarded } from './building.ts';
import { nativeValue } from './from-keras.ts';
import { isSaved } from './saved-object.ts';
import { camelKey, snakeKey, snakeWord } from './spelling.ts';
import type { KerasWriter, ObjectKind } from './to-keras.ts';

/** The arguments of `compile` as plain data: names, and classes with their configurations. */
export interface SavedCompile {
  readonly optimizer: Serialized;
  readonly loss?: unknown;
  readonly metrics?: unknown;
  readonly weightedMetrics?: unknown;
  readonly lossWeights?: unknown;
  readonly runEagerly?: boolean;
  readonly stepsPerExecution?: number;
}

/** Plain data of losses or metrics, however they are arranged. */
function plainly(x: unknown, one: (x: unknown) => unknown): unknown {
  if (x === undefined || x === null) return x;
  if (Array.isArray(x)) return x.map((y) => plainly(y, one));
  if (isObject(x) && Object.getPrototypeOf(x) === Object.prototype && !isSaved(x))
    return Object.fromEntries(Object.entries(x).map(([k, y]) => [k, plainly(y, one)]));
  return one(x);
}

const plainLoss = (x: unknown): unknown =>
  typeof x === 'function' || x instanceof Loss ? serializeLoss(getLoss(x)) : x;
function plainMetric(x: unknown): unknown {
  if (x instanceof Loss) return x.name;
  return typeof x === 'function' || x instanceof Metric ? serializeMetric(getMetric(x)) : x;
}

/** What a model's `compile` was told. */
export function compileState(model: LayersModel): SavedCompile {
  const { args, optimizer } = model.compiled('save');
  return {
    optimizer: optimizers.serialize(optimizer),
    loss: plainly(args.loss, plainLoss),
    metrics: plainly(args.metrics, plainMetric),
    weightedMetrics: plainly(args.weightedMetrics, plainMetric),
    lossWeights: args.lossWeights,
    ...(args.runEagerly ? { runEagerly: true } : {}),
    ...(args.stepsPerExecution ? { stepsPerExecution: args.stepsPerExecution } : {}),
  };
}

/** Compiles a model as `compileState` says. Throws ArgumentError for unknown names, FormatError for what is no such. */
export function restoreCompile(
  model: LayersModel,
  saved: SavedCompile,
  place: Place,
  objects: CustomObjects = {},
): void {
  // Functions of the user's are known by name.
  const own = (x: unknown): unknown => (typeof x === 'string' && typeof objects[x] === 'function' ? objects[x] : x);
  guarded(place, () => {
    const { optimizer, loss, metrics, weightedMetrics, lossWeights, runEagerly, stepsPerExecution } = saved;
    model.compile({
      optimizer: getOptimizer(optimizer),
      ...Object.fromEntries(
        Object.entries({ loss, metrics, weightedMetrics }).flatMap(([k, x]) =>
          x === undefined || x === null ? [] : [[k, plainly(x, own)]],
        ),
      ),
      ...(lossWeights === undefined || lossWeights === null ? {} : { lossWeights }),
      ...(runEagerly ? { runEagerly } : {}),
      ...(stepsPerExecution ? { stepsPerExecution } : {}),
    } as CompileArgs);
  });
}

/** In Keras's dialect: names in snake case, objects as the dialect has them. */
const kerasly = (x: unknown, writer: KerasWriter, kind: ObjectKind): unknown =>
  plainly(x, (y) => {
    if (typeof y === 'string') return snakeWord(y);
    return isSaved(y) ? writer.object(y as unknown as Serialized, kind) : y;
  });

/** `isSaved` objects are plain data that `plainly` hands to its function whole. */
const part = (x: unknown, writer: KerasWriter, kind: ObjectKind): unknown =>
  x === undefined ? null : kerasly(x, writer, kind);

/** Options of optimizers that Keras 3 does not have. */
const withoutDecay = (o: Serialized): Serialized => {
  const { decay, ...config } = o.config;
  return decay ? o : { ...o, config };
};

/** Keras 3's `compile_config`. */
export const compileConfig = (c: SavedCompile, writer: KerasWriter): Record<string, unknown> => ({
  optimizer: writer.object(withoutDecay(c.optimizer), 'optimizers'),
  loss: part(c.loss, writer, 'losses'),
  loss_weights: c.lossWeights ?? null,
  metrics: part(c.metrics, writer, 'metrics'),
  weighted_metrics: part(c.weightedMetrics, writer, 'metrics'),
  run_eagerly: c.runEagerly ?? false,
  steps_per_execution: c.stepsPerExecution ?? 1,
  jit_compile: false,
});

/** Keras 2's `training_config`. */
export const trainingConfig = (c: SavedCompile, writer: KerasWriter): Record<string, unknown> => ({
  loss: part(c.loss, writer, 'losses'),
  metrics: part(c.metrics, writer, 'metrics'),
  weighted_metrics: part(c.weightedMetrics, writer, 'metrics'),
  loss_weights: c.lossWeights ?? null,
  optimizer_config: writer.object(withoutDecay(c.optimizer), 'optimizers'),
});

/** Optimizers that TensorFlow.js has, under its names. */
const tfjsOptimizers: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ['SGD', 'Adam', 'Adamax', 'Adagrad', 'Adadelta'].flatMap((n) => [
      [n, n],
      [`${n}Optimizer`, n],
    ]),
  ),
  RMSprop: 'RMSProp',
  RMSPropOptimizer: 'RMSProp',
  MomentumOptimizer: 'Momentum',
};

const isNames = (x: unknown): boolean =>
  x === undefined ||
  typeof x === 'string' ||
  (Array.isArray(x) && x.every((y) => typeof y === 'string')) ||
  (isObject(x) && !isSaved(x) && Object.values(x).every((y) => typeof y === 'string'));

/** TensorFlow.js's `trainingConfig`; undefined where it could not read it: it has names of losses and metrics only. */
export function tfjsTraining({ optimizer, loss, metrics }: SavedCompile): Record<string, unknown> | undefined {
  const { className, config } = optimizer;
  const known = Object.hasOwn(tfjsOptimizers, className) && typeof config.learningRate === 'number';
  if (!known || !isNames(loss) || loss === undefined || !isNames(metrics)) return undefined;
  const names = (x: unknown) => plainly(x, (y) => snakeWord(String(y)));
  return {
    loss: names(loss),
    ...(metrics === undefined ? {} : { metrics: names(metrics) }),
    optimizer_config: {
      class_name: tfjsOptimizers[className],
      config: Object.fromEntries(Object.entries(config).map(([k, v]) => [snakeKey(k), v])),
    },
  };
}

/** A metric that wraps a function is that function, under the metric's name. */
function unwrapped(x: ConfigValue): ConfigValue {
  if (Array.isArray(x)) return x.map((y) => unwrapped(y as ConfigValue));
  if (!isObject(x)) return x;
  const { className, config } = x as { className?: unknown; config?: Config };
  if (className === 'MeanMetricWrapper' || className === 'LossFunctionWrapper') {
    const fn = config?.fn;
    if (typeof fn === 'string') return className === 'MeanMetricWrapper' && isAccuracy(config?.name) ? 'accuracy' : fn;
  }
  if (typeof className === 'string') return x as ConfigValue;
  return Object.fromEntries(Object.entries(x).map(([k, y]) => [k, unwrapped(y as ConfigValue)]));
}
const isAccuracy = (x: unknown): boolean => x === 'accuracy' || x === 'acc';

/** The classes that TensorFlow.js's names mean there: Keras's optimizers of these names differ in details. */
const ofTfjs = new Map(Object.entries(tfjsOptimizers).flatMap(([k, n]) => (k.endsWith('Optimizer') ? [[n, k]] : [])));

/**
 * Keras's (or TensorFlow.js's) way of saying how a model was compiled, as this library's.
 * @param tfjs whether TensorFlow.js has written it
 */
export function nativeCompile(x: Record<string, unknown>, place: Place, tfjs = false): SavedCompile | undefined {
  const optimizer = nativeValue(x.optimizer_config ?? x.optimizer, place);
  if (optimizer === null || optimizer === undefined) return undefined;
  const given = isObject(optimizer) ? (optimizer as unknown as Serialized) : undefined;
  const own = (y: unknown): unknown => unwrapped(nativeValue(y, place));
  return {
    optimizer: given ? optimizerOf(given, tfjs) : (optimizer as never),
    loss: own(x.loss),
    metrics: own(x.metrics),
    weightedMetrics: own(x.weighted_metrics),
    lossWeights: x.loss_weights,
    runEagerly: x.run_eagerly === true,
    stepsPerExecution: typeof x.steps_per_execution === 'number' ? x.steps_per_execution : undefined,
  };
}

const optimizerOf = ({ className, config }: Serialized, tfjs: boolean): Serialized => {
  const own = tfjs ? ofTfjs.get(className) : undefined;
  return own ? { className: own, config } : { className, config: optimizerConfig(config) };
};

/** Options that old optimizers have under other names. */
const optimizerKeys: Readonly<Record<string, string>> = { lr: 'learningRate', useNesterov: 'nesterov' };
function optimizerConfig(config: Config | undefined): Config {
  if (!isObject(config)) throw new ArgumentError('the optimizer has no configuration', { op: 'load' });
  return Object.fromEntries(
    Object.entries(config as Config).map(([k, v]) => {
      const camel = camelKey(k);
      return [Object.hasOwn(optimizerKeys, camel) ? optimizerKeys[camel] : camel, v];
    }),
  );
}
