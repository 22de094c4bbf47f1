// What `model.compile` was told: optimizer, and for each output its loss and metrics.

import { ArgumentError, valueText } from '../../../ir/errors.ts';
import { checkChoices, checkTarget } from '../../trace/backend.ts';
import type { Target } from '../../trace/context.ts';
import type { Tensor } from '../../trace/tensor.ts';
import type { Variable } from '../../trace/variable.ts';
import { getOptimizer } from '../../train/index.ts';
import type { Optimizer } from '../../train/optimizer.ts';
import type { LayersModel } from '../engine/model.ts';
import { checkOptions, didYouMean } from '../engine/names.ts';
import type { Serialized } from '../engine/serialize.ts';
import type { Topology } from '../engine/topology.ts';
import { getLoss } from '../losses/index.ts';
import type { Loss } from '../losses/loss.ts';
import { getMetric } from '../metrics/index.ts';
import { Mean, type Metric } from '../metrics/metric.ts';

/** A loss: a name, a function of labels and predictions, an object, or null for an output without one. */
export type LossIdentifier = string | ((yTrue: Tensor, yPred: Tensor) => Tensor) | Loss | Serialized | null;
/** A metric: a name, a function of labels and predictions, or an object. */
export type MetricIdentifier = string | ((yTrue: Tensor, yPred: Tensor) => Tensor) | Metric | Serialized;
type PerOutput<T> = T | readonly T[] | { readonly [output: string]: T };

/** Arguments of `model.compile`. */
export interface CompileArgs {
  /** A name such as 'adam', or an optimizer. */
  optimizer?: string | Optimizer | Serialized;
  /** One for all outputs, or one for each: an array, or an object by output name. */
  loss?: PerOutput<LossIdentifier>;
  /** Metrics of all outputs; for several outputs an array of arrays, or an object by output name. */
  metrics?: PerOutput<MetricIdentifier | readonly MetricIdentifier[]>;
  /** What each output's loss counts in the total. */
  lossWeights?: readonly number[] | { readonly [output: string]: number };
  /** As `metrics`; these take sample and class weights into account. */
  weightedMetrics?: PerOutput<MetricIdentifier | readonly MetricIdentifier[]>;
  /** Operations run one by one, uncompiled: to look at values inside of layers. */
  runEagerly?: boolean;
  /** Batches a program goes through in one call. Callbacks hear of every call only. */
  stepsPerExecution?: number;
  /** Where the compiled steps run: 'wasm', 'webgpu' or 'reference'; by default on the chosen backend. */
  target?: string;
  /** Threads of the compiled steps; one by default. */
  threads?: number;
  /** Times the schedules of products and convolutions on this machine, and keeps the fastest (see `tf.compile`). */
  tune?: boolean;
  /** False: no convolution by Winograd's algorithm, whose error is about twice that of the direct sum. */
  winograd?: boolean;
}

const options = [
  'optimizer',
  'loss',
  'metrics',
  'lossWeights',
  'weightedMetrics',
  'runEagerly',
  'stepsPerExecution',
  'target',
  'threads',
  'tune',
  'winograd',
] as const;

/** A metric of one output. */
export interface OutputMetric {
  readonly metric: Metric;
  /** Its key in logs. */
  readonly name: string;
  readonly output: number;
  /** Whether it takes sample weights into account. */
  readonly weighted: boolean;
}

/** Everything that depends on how many outputs there are, and of which shapes. */
export interface Resolved {
  readonly losses: readonly (Loss | null)[];
  readonly lossWeights: readonly number[];
  /** Running mean of the total loss, and of each output's where there are several. */
  readonly total: Metric;
  readonly perOutput: readonly { metric: Metric; name: string; output: number }[];
  readonly metrics: readonly OutputMetric[];
  readonly names: readonly string[];
}

/** A compiled model's settings. */
export class Compiled {
  readonly args: CompileArgs;
  optimizer: Optimizer;
  readonly runEagerly: boolean;
  readonly stepsPerExecution: number;
  readonly target: Target | undefined;
  readonly threads: number;
  readonly #model: LayersModel;
  #trainable: readonly Variable[] | undefined;
  #resolved: Resolved | undefined;
  #classes: { topology: Topology | undefined; counts: readonly (number | null)[] } | undefined;

  /** Throws ArgumentError for unknown options, optimizers, losses, metrics and outputs. */
  constructor(model: LayersModel, args: CompileArgs) {
    const op = `${model.name}.compile`;
    checkOptions(args, options, op);
    this.args = args ?? {};
    this.#model = model;
    this.optimizer = getOptimizer(this.args.optimizer ?? 'rmsprop');
    this.runEagerly = this.args.runEagerly ?? false;
    this.stepsPerExecution = this.args.stepsPerExecution ?? 1;
    if (!Number.isInteger(this.stepsPerExecution) || this.stepsPerExecution < 1)
      throw new ArgumentError(`stepsPerExecution must be a whole number from 1 on, not ${this.stepsPerExecution}`, {
        op,
        fix: 'leave it out for 1',
      });
    this.target = this.args.target === undefined ? undefined : checkTarget(this.args.target, op);
    this.threads = this.args.threads ?? 1;
    if (!Number.isInteger(this.threads) || this.threads < 1)
      throw new ArgumentError(`threads must be a whole number from 1 on, not ${this.threads}`, {
        op,
        fix: 'one a core is a good choice',
      });
    checkChoices(this.args, op);
    if (model.built) this.#trainable = model.trainableWeights;
    // Unknown names are an error now, not in the first epoch.
    this.#check(op);
  }

  #check(op: string): void {
    const names = this.#model.outputNames;
    const { loss, metrics, weightedMetrics } = this.args;
    for (const x of flat(loss)) if (x !== null && x !== undefined) getLoss(x, op);
    for (const x of [...flat(metrics), ...flat(weightedMetrics)].flat())
      if (!isAccuracy(x)) getMetric(x as MetricIdentifier, {}, op);
    if (names.length === 0) return;
    for (const [what, x] of Object.entries({ loss, metrics, weightedMetrics, lossWeights: this.args.lossWeights }))
      if (isMap(x))
        for (const k of Object.keys(x))
          if (!names.includes(k))
            throw new ArgumentError(`${what} names the output '${k}'`, { op, fix: didYouMean(k, names) });
  }

  /** The weights that training changes: those that were trainable when the model was compiled. */
  get trainableWeights(): readonly Variable[] {
    this.#trainable ??= this.#model.trainableWeights;
    return this.#trainable;
  }

  /** The keys of logs; those of metrics where the outputs are known. */
  names(): string[] {
    if (this.#resolved) return [...this.#resolved.names];
    const outputs = this.#model.outputNames;
    return outputs.length ? [...namesOf(this.args, outputs, `${this.#model.name}.compile`)] : ['loss'];
  }
  /** Numbers of classes of the outputs whose labels are class numbers, where they are known. */
  get classes(): readonly (number | null)[] {
    const { topology } = this.#model;
    // Layers may be added after compile.
    if (!this.#classes || this.#classes.topology !== topology)
      this.#classes = { topology, counts: classesOf(this.#model, this.args) };
    return this.#classes.counts;
  }
  get resolved(): Resolved | undefined {
    return this.#resolved;
  }

  /** Chooses losses and metrics for outputs of these labels and predictions. */
  resolve(yTrue: readonly (readonly number[])[], yPred: readonly (readonly number[])[]): Resolved {
    this.#resolved ??= resolve(this.#model, this.args, yTrue, yPred);
    return this.#resolved;
  }

  /** The model's layers are others now: what was found for the old ones is looked for anew. */
  forget(): void {
    this.#trainable = undefined;
    this.#resolved = undefined;
  }

  /** Sets all running values back, at the beginning of an epoch. */
  resetMetrics(): void {
    for (const m of this.#allMetrics) m.resetState();
  }
  /** The running values of loss and metrics, in the order of `names`. */
  results(): Promise<number[]> {
    return Promise.all(this.#allMetrics.map(async (m) => (await m.result().data())[0]));
  }
  get metricsVariables(): Variable[] {
    return this.#allMetrics.flatMap((m) => [...m.variables]);
  }
  get #allMetrics(): readonly Metric[] {
    const r = this.#resolved;
    return r ? [r.total, ...r.perOutput.map((p) => p.metric), ...r.metrics.map((m) => m.metric)] : [];
  }
}

const isMap = (x: unknown): x is Record<string, unknown> =>
  typeof x === 'object' &&
  x !== null &&
  Object.getPrototypeOf(x) === Object.prototype &&
  !('className' in x && 'config' in x);

/** What was given per output, or the one thing that was given. */
function flat(x: unknown): unknown[] {
  if (x === undefined) return [];
  if (isMap(x)) return Object.values(x);
  return Array.isArray(x) ? x : [x];
}

function classesOf(model: LayersModel, args: CompileArgs): (number | null)[] {
  const op = `${model.name}.compile`;
  const { topology } = model;
  if (!topology) return [];
  return perOutput<LossIdentifier>(args.loss, model.outputNames, 'loss', op).map((x, i) => {
    const loss = x ? getLoss(x, op) : null;
    const config = loss?.getClassName() === 'SparseCategoricalCrossentropy' ? loss.getConfig() : undefined;
    const last = (config?.axis ?? -1) === -1 && (config?.ignoreClass ?? null) === null;
    return config && last ? (topology.outputs[i].shape.at(-1) ?? null) : null;
  });
}

const accuracyNames = ['accuracy', 'acc', 'crossentropy', 'ce', 'crossEntropy'];
/** Names whose meaning depends on the shapes of labels and predictions. */
const isAccuracy = (x: unknown): boolean => typeof x === 'string' && accuracyNames.includes(x);

/** One value an output, from one for all, an array, or an object by name. */
function perOutput<T>(x: unknown, outputs: readonly string[], what: string, op: string): (T | undefined)[] {
  if (isMap(x)) return outputs.map((n) => x[n] as T);
  if (!Array.isArray(x)) return outputs.map(() => x as T);
  if (x.length === outputs.length) return x as T[];
  throw new ArgumentError(
    `there are ${outputs.length} outputs (${outputs.join(', ')}), ${what} has ${x.length} entries`,
    {
      op,
      fix: `give one for each output, or an object by output name`,
    },
  );
}

function metricsOf(x: unknown, outputs: readonly string[], op: string): MetricIdentifier[][] {
  const list = (y: unknown) => (y === undefined || y === null ? [] : Array.isArray(y) ? y : [y]) as MetricIdentifier[];
  if (x === undefined || x === null) return outputs.map(() => []);
  if (isMap(x)) return outputs.map((n) => list(x[n]));
  const given = list(x);
  // A flat list is for every output; a list of lists has one for each.
  if (outputs.length > 1 && given.some((m) => Array.isArray(m)))
    return perOutput<unknown>(given, outputs, 'metrics', op).map(list);
  return outputs.map(() => given.flat() as MetricIdentifier[]);
}

function resolve(
  model: LayersModel,
  args: CompileArgs,
  yTrue: readonly (readonly number[])[],
  yPred: readonly (readonly number[])[],
): Resolved {
  const op = `${model.name}.compile`;
  const known = model.outputNames;
  const outputs = yPred.map((_, i) => known[i] ?? `output_${i + 1}`);
  const losses = perOutput<LossIdentifier>(args.loss, outputs, 'loss', op).map((x) => (x ? getLoss(x, op) : null));
  const weights = args.lossWeights;
  const lossWeights = weights
    ? perOutput<number>(weights, outputs, 'lossWeights', op).map((w, i) => {
        if (w === undefined || Number.isFinite(w)) return w ?? 1;
        throw new ArgumentError(`the loss weight of '${outputs[i]}' is ${valueText(w)}`, {
          op,
          fix: 'give plain numbers',
        });
      })
    : outputs.map(() => 1);
  const names = namesOf(args, outputs, op);
  const parts =
    outputs.length > 1
      ? outputs.flatMap((n, output) =>
          losses[output] ? [{ metric: new Mean({ name: `${n}_loss` }), name: `${n}_loss`, output }] : [],
        )
      : [];
  const metrics = [false, true].flatMap((weighted) =>
    metricsOf(weighted ? args.weightedMetrics : args.metrics, outputs, op).flatMap((list, output) =>
      list.map((x) => {
        const context = { yTrueShape: yTrue[output], yPredShape: yPred[output], loss: losses[output] };
        return { metric: getMetric(x, context, op), output, weighted };
      }),
    ),
  );
  return {
    losses,
    lossWeights,
    total: new Mean({ name: 'loss' }),
    perOutput: parts,
    metrics: metrics.map((m, i) => ({ ...m, name: names[1 + parts.length + i] })),
    names,
  };
}

/** The keys of logs: the loss, where there are several outputs that of each, the metrics. */
function namesOf(args: CompileArgs, outputs: readonly string[], op: string): string[] {
  const several = outputs.length > 1;
  const losses = several ? perOutput<LossIdentifier>(args.loss, outputs, 'loss', op) : [];
  const parts = outputs.filter((_, i) => losses[i]).map((n) => `${n}_loss`);
  const metrics = [args.metrics, args.weightedMetrics].flatMap((given) =>
    metricsOf(given, outputs, op).flatMap((list, i) =>
      list.map((x) => {
        const name = typeof x === 'string' ? x : getMetric(x, {}, op).name;
        return several ? `${outputs[i]}_${name}` : name;
      }),
    ),
  );
  return distinct(['loss', ...parts, ...metrics]);
}

function distinct(names: readonly string[]): string[] {
  const seen = new Map<string, number>();
  return names.map((n) => {
    const k = seen.get(n) ?? 0;
    seen.set(n, k + 1);
    return k === 0 ? n : `${n}_${k}`;
  });
}
