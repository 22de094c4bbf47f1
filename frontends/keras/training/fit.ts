// Training: epochs of batches, validation, callbacks.

import { ArgumentError } from '../../../ir/errors.ts';
import { prepareTarget, prepareThreads } from '../../trace/backend.ts';
import { generatorSeed } from '../../trace/generator.ts';
import type { Tensor } from '../../trace/tensor.ts';
import type { YieldEvery } from '../callbacks/custom.ts';
import type { History } from '../callbacks/history.ts';
import { type CallbackList, type CallbacksArg, configureCallbacks } from '../callbacks/list.ts';
import type { LayersModel } from '../engine/model.ts';
import { checkOptions } from '../engine/names.ts';
import { type Batch, batchSizeFor, count, fetchData, type Samples, split, standardize, withClasses } from './batch.ts';
import type { Compiled } from './compile.ts';
import { batchLogs, testBatches } from './evaluate.ts';
import { type Logs, logsOf, withAliases } from './logs.ts';
import { mix } from './shuffle.ts';
import { arraySource, isIterable, iterableSource, type Source } from './source.ts';
import { progress, verbosity } from './verbose.ts';

/** What both ways of training take. */
export interface TrainArgs {
  /** How often the data is gone through; 1 by default. */
  epochs?: number;
  /** 0 silent, 1 a progress bar, 2 a line an epoch; by default a bar. */
  verbose?: 0 | 1 | 2 | 3 | 'auto' | boolean | null;
  callbacks?: CallbacksArg;
  /** What the losses of samples count by class: numbers by class, for several outputs by output name. */
  classWeight?: unknown;
  /** The epoch that is the first: training goes on there. */
  initialEpoch?: number;
  /** Validates every so many epochs, or in these epochs (from 1); 1 by default. */
  validationFreq?: number | readonly number[];
  /** Batches of validation data, where not all of them. */
  validationSteps?: number;
  /** As TensorFlow.js: when to let other work of the page run. */
  yieldEvery?: YieldEvery;
  /** Ends training between two batches, as `stopTraining` does: what was learnt stays. */
  signal?: AbortSignal;
}

/** Arguments of `model.fit`. */
export interface FitArgs extends TrainArgs {
  /** Samples a step; 32 by default. */
  batchSize?: number;
  /** The share of samples, from the end, that are kept for validation. */
  validationSplit?: number;
  /** [x, y] or [x, y, sampleWeight], or a Dataset. */
  validationData?: unknown;
  validationBatchSize?: number;
  /** Samples in random order in each epoch (default), or 'batch': only the batches. */
  shuffle?: boolean | 'batch';
  /** What the losses of single samples count. */
  sampleWeight?: unknown;
  /** Batches an epoch, where not all of them. */
  stepsPerEpoch?: number;
}

/** Arguments of `model.fitDataset`. */
export interface FitDatasetArgs extends TrainArgs {
  /** Batches an epoch; by default all of them. */
  batchesPerEpoch?: number;
  stepsPerEpoch?: number;
  /** A Dataset of batches, or [x, y]. */
  validationData?: unknown;
  validationBatchSize?: number;
  validationBatches?: number;
}

const common = [
  'epochs',
  'verbose',
  'callbacks',
  'classWeight',
  'initialEpoch',
  'validationFreq',
  'validationSteps',
  'yieldEvery',
  'signal',
  'validationData',
  'validationBatchSize',
  'stepsPerEpoch',
] as const;
const ofFit = [...common, 'batchSize', 'validationSplit', 'shuffle', 'sampleWeight'] as const;
const ofDataset = [...common, 'batchesPerEpoch', 'validationBatches'] as const;

/** Trains on tensors, or on anything `fitDataset` takes. */
export async function fit(model: LayersModel, x: unknown, y?: unknown, args: FitArgs = {}): Promise<History> {
  if (isIterable(x) && !isTensorLike(x)) return fitDataset(model, x, { ...(y as FitDatasetArgs), ...args });
  const op = `${model.name}.fit`;
  checkOptions(args, ofFit, op);
  const compiled = model.compiled('fit');
  await fetchData(x, y, args.sampleWeight);
  const all = standardize(model, { x, y, sampleWeight: args.sampleWeight }, 'fit', true);
  if (all.count === 0) throw new ArgumentError('there are no samples', { op, fix: 'give at least one' });
  const [first, kept] = args.validationSplit ? split(all, args.validationSplit, op) : [all, undefined];
  const batchSize = batchSizeFor(model, first.count, { value: args.batchSize, name: 'batchSize' }, op);
  // Classes are weighed in training only.
  const samples = withClasses(first, args.classWeight, model, op);
  // Batches are cut in JavaScript.
  await fetchData(samples.x, samples.y, samples.w);
  // Batches that wait for others cannot share their memory.
  const reuse = !compiled.runEagerly && compiled.stepsPerExecution === 1;
  const source = arraySource(samples, { batchSize, shuffle: args.shuffle ?? true, reuse });
  const validation = kept ? validationOf(model, kept, args, batchSize) : await givenValidation(model, args, batchSize);
  return train(model, compiled, source, validation, args, { steps: args.stepsPerEpoch, repeats: true, batchSize });
}

/** Trains on batches of a Dataset, an iterable or a generator function. */
export async function fitDataset(model: LayersModel, dataset: unknown, args: FitDatasetArgs): Promise<History> {
  const op = `${model.name}.fitDataset`;
  checkOptions(args, ofDataset, op);
  const compiled = model.compiled('fitDataset');
  const source = iterableSource(dataset, model, 'fitDataset', args?.classWeight);
  const validation = await givenValidation(
    model,
    { ...args, validationSteps: args?.validationBatches ?? args?.validationSteps },
    32,
  );
  const steps = args?.batchesPerEpoch ?? args?.stepsPerEpoch;
  return train(model, compiled, source, validation, args ?? {}, { steps, repeats: false, batchSize: null });
}

const isTensorLike = (x: unknown): boolean => typeof x === 'object' && x !== null && 'dtype' in x;

/** Validation batches, and how many of them. */
interface Validation {
  readonly source: Source;
  readonly steps: number | undefined;
}

function validationOf(model: LayersModel, samples: Samples, args: FitArgs, batchSize: number): Validation {
  const op = `${model.name}.fit`;
  const asked = { value: args.validationBatchSize, name: 'validationBatchSize', standard: batchSize };
  const size = batchSizeFor(model, samples.count, asked, op);
  return {
    source: arraySource(samples, { batchSize: size, shuffle: false, reuse: false }),
    steps: args.validationSteps === undefined ? undefined : count(args.validationSteps, 'validationSteps', op, 1),
  };
}

async function givenValidation(
  model: LayersModel,
  args: FitArgs | FitDatasetArgs,
  batchSize: number,
): Promise<Validation | undefined> {
  const data = args.validationData;
  if (data === undefined || data === null) return undefined;
  if (Array.isArray(data)) {
    const [x, y, sampleWeight] = data;
    if (data.length < 2 || data.length > 3)
      throw new ArgumentError(`validationData must be [x, y] or [x, y, sampleWeight], it has ${data.length} entries`, {
        op: `${model.name}.fit`,
        fix: 'or a Dataset of batches',
      });
    await fetchData(x, y, sampleWeight);
    return validationOf(
      model,
      standardize(model, { x, y, sampleWeight }, 'fit (validationData)', true),
      args as FitArgs,
      batchSize,
    );
  }
  return { source: iterableSource(data, model, 'fit (validationData)'), steps: args.validationSteps };
}

interface Epochs {
  /** Batches an epoch, where the user said so. */
  readonly steps: number | undefined;
  /** Whether data that ended begins anew within an epoch. */
  readonly repeats: boolean;
  readonly batchSize: number | null;
}

/** Reads batches on through epochs: with a number of steps an epoch, one ends where the next begins. */
class Feed {
  readonly #source: Source;
  readonly #repeats: boolean;
  #at: Iterator<Batch> | AsyncIterator<Batch> | undefined;

  constructor(source: Source, repeats: boolean) {
    this.#source = source;
    this.#repeats = repeats;
  }

  /** Begins an epoch. @param anew whether the data begins anew in any case */
  async begin(seed: number, anew: boolean): Promise<void> {
    if (anew) await this.close();
    this.#at ??= this.#source.open(seed);
  }

  /** The next batch; undefined where there are no more. */
  async next(seed: number): Promise<Batch | undefined> {
    const pending = this.#at?.next();
    const got = pending instanceof Promise ? await pending : pending;
    if (got && !got.done) return got.value;
    this.#at = undefined;
    if (!this.#repeats) return undefined;
    this.#at = this.#source.open(seed);
    const first = await this.#at.next();
    return first.done ? undefined : first.value;
  }

  async close(): Promise<void> {
    const at = this.#at;
    this.#at = undefined;
    await at?.return?.();
  }
}

const running = new WeakSet<LayersModel>();

async function train(
  model: LayersModel,
  compiled: Compiled,
  source: Source,
  validation: Validation | undefined,
  args: TrainArgs,
  epochs: Epochs,
): Promise<History> {
  const op = `${model.name}.fit`;
  if (running.has(model))
    throw new ArgumentError('the model is being trained already', { op, fix: 'await the first fit before the next' });
  const steps = epochs.steps === undefined ? undefined : count(epochs.steps, 'stepsPerEpoch', op, 1);
  const run: Run = {
    model,
    compiled,
    validation,
    args,
    op,
    epochs: count(args.epochs, 'epochs', op, 1),
    first: count(args.initialEpoch, 'initialEpoch', op, 0, 0),
    steps,
    batchSize: epochs.batchSize,
    feed: new Feed(source, epochs.repeats && steps !== undefined),
  };
  running.add(model);
  try {
    await prepareTarget(compiled.target);
    await prepareThreads(compiled.threads);
    return await trainEpochs(run, source);
  } finally {
    running.delete(model);
    await run.feed.close();
  }
}

interface Run {
  readonly model: LayersModel;
  readonly compiled: Compiled;
  readonly validation: Validation | undefined;
  readonly args: TrainArgs;
  readonly op: string;
  readonly epochs: number;
  readonly first: number;
  readonly steps: number | undefined;
  readonly batchSize: number | null;
  readonly feed: Feed;
}

async function trainEpochs(run: Run, source: Source): Promise<History> {
  const { model, args } = run;
  const params = {
    epochs: run.epochs,
    initialEpoch: run.first,
    samples: source.samples,
    steps: run.steps ?? source.steps,
    batchSize: run.batchSize,
    verbose: verbosity(args.verbose),
    doValidation: run.validation !== undefined,
    metrics: run.compiled.names(),
  };
  const own = progress(params.verbose);
  const { yieldEvery } = args;
  const { callbackList: list, history } = configureCallbacks(args.callbacks, model, params, { yieldEvery, own });
  model.history = history;
  model.stopTraining = false;
  await list.onTrainBegin();
  const resumed = restoredBy(list);
  let logs: Logs = {};
  for (let epoch = resumed?.restored.epoch ?? run.first; epoch < run.epochs; epoch++) {
    if (args.signal?.aborted || model.stopTraining) break;
    await model.optimizer.fetchRate();
    await list.onEpochBegin(epoch);
    const got = await trainEpoch(run, list, epoch, epoch === resumed?.restored.epoch ? resumed : undefined);
    if (got === undefined) break;
    logs = got;
    if (run.validation && isValidated(epoch, args.validationFreq) && !args.signal?.aborted)
      Object.assign(logs, await validate(run, list));
    withAliases(logs);
    await model.optimizer.fetchRate();
    await list.onEpochEnd(epoch, logs);
  }
  await list.onTrainEnd(logs);
  return history;
}

/** A callback that restores a broken training, and says where it goes on. */
interface Resumed {
  readonly restored: { readonly epoch: number; readonly batch: number };
  /** Takes up the running metrics of that epoch. */
  restoreMetrics?(): void;
}
const restoredBy = (list: CallbackList): Resumed | undefined =>
  list.callbacks.find((c): c is typeof c & Resumed => (c as Partial<Resumed>).restored !== undefined);

/** Whether an epoch (from 0) is followed by validation. */
function isValidated(epoch: number, freq: number | readonly number[] = 1): boolean {
  return typeof freq === 'number' ? (epoch + 1) % freq === 0 : freq.includes(epoch + 1);
}

/** One epoch: its logs, or undefined where it was stopped before its first batch. */
async function trainEpoch(run: Run, list: CallbackList, epoch: number, resumed?: Resumed): Promise<Logs | undefined> {
  const { model, compiled, feed, args } = run;
  const skip = resumed?.restored.batch ?? 0;
  // The order follows from the seed of all random numbers and from how far training is: a fit that
  // is taken up again in the middle of an epoch finds the same one.
  const [done] = await compiled.optimizer.iterations.data();
  const seed = mix(await generatorSeed(), done - skip);
  await feed.begin(seed, run.steps === undefined);
  compiled.resetMetrics();
  let logs = skip > 0 ? await skipBatches(run, seed, resumed as Resumed) : {};
  const heard = list.reads('onTrainBatchEnd');
  let values: Tensor | undefined;
  let step = skip;
  let ahead: Batch | undefined;
  while (run.steps === undefined || step < run.steps) {
    if (args.signal?.aborted) break;
    const group: Batch[] = [];
    const most = Math.min(compiled.stepsPerExecution, (run.steps ?? Number.POSITIVE_INFINITY) - step);
    while (group.length < most) {
      const next: Batch | undefined = ahead ?? (await feed.next(mix(seed, step)));
      ahead = undefined;
      if (!next) break;
      // One program takes batches of one shape: another one waits for its own.
      if (group.length > 0 && next.size !== group[0].size) {
        ahead = next;
        break;
      }
      group.push(next);
    }
    if (group.length === 0) break;
    const size = group.reduce((n, b) => n + b.size, 0);
    const at = step + group.length - 1;
    await list.onBatchBegin(at, { batch: at, size });
    values?.dispose();
    values = model.executables.train(group);
    step += group.length;
    logs = await batchLogs(values, at, heard, () => compiled.names());
    await list.onBatchEnd(at, withAliases({ batch: at, size, ...logs }));
    if (model.stopTraining) break;
  }
  if (step === skip && (args.signal?.aborted || model.stopTraining)) return undefined;
  checkLength(run, epoch, step, step === 0);
  return values ? logsOf(compiled.names(), await values.data()) : logs;
}

/** Goes to where an epoch was broken off; the logs so far. */
async function skipBatches(run: Run, seed: number, resumed: Resumed): Promise<Logs> {
  const { model, compiled, feed } = run;
  for (let step = 0; step < resumed.restored.batch; step++) {
    const batch = await feed.next(mix(seed, step));
    // Metrics follow from the shapes of outputs and labels: they are made with the first batch.
    if (batch && step === 0) model.executables.prepare(batch);
  }
  resumed.restoreMetrics?.();
  return logsOf(compiled.names(), await compiled.results());
}

/** Throws ArgumentError where the data ended before the epoch did. */
function checkLength(run: Run, epoch: number, step: number, empty: boolean): void {
  const { args, steps, model, op } = run;
  if (args.signal?.aborted || model.stopTraining) return;
  if (steps !== undefined && step < steps)
    throw new ArgumentError(`the data ended after ${step} of ${steps} batches of epoch ${epoch + 1}`, {
      op,
      fix: 'repeat the dataset (dataset.repeat()), or give fewer batchesPerEpoch',
    });
  if (empty && steps === undefined)
    throw new ArgumentError(`the data gave no batch in epoch ${epoch + 1}`, {
      op,
      fix: 'a generator can be gone through once only: give the generator function, or tf.data.generator(function)',
    });
}

async function validate(run: Run, list: CallbackList): Promise<Logs> {
  const { model, compiled, validation } = run;
  compiled.resetMetrics();
  await list.onTestBegin();
  const { source, steps } = validation as Validation;
  const values = (await (await testBatches(model, source, steps, list, run.args.signal))?.data()) ?? [];
  await list.onTestEnd(withAliases(logsOf(compiled.names(), values)));
  return logsOf(compiled.names(), values, 'val_');
}
