// The base of callbacks: what training calls at its turns, and what callbacks see of it.

import type { Tensor } from '../../trace/tensor.ts';
import type { Variable } from '../../trace/variable.ts';

/** Metrics of a batch or an epoch by name: `loss`, `acc`, `val_loss`, …; of a batch also its number and its size. */
export type Logs = Record<string, number>;

/** The metrics alone of the logs of a batch. */
export function metricsOf(logs: Logs): Logs {
  const { batch, size, ...metrics } = logs;
  return metrics;
}

/** What a hook may return: training waits for a promise. */
export type HookResult = void | Promise<void>;

/** What `fit` says about itself before it begins. */
export interface CallbackParams {
  epochs?: number;
  initialEpoch?: number;
  /** Samples of an epoch, where they are known. */
  samples?: number | null;
  /** Batches of an epoch, where they are known. */
  steps?: number | null;
  batchSize?: number | null;
  /** 0 silent, 1 progress bar, 2 one line an epoch. */
  verbose?: number;
  doValidation?: boolean;
  /** Names that logs may have. */
  metrics?: readonly string[];
}

/** The optimizer as callbacks see it. */
export interface CallbackOptimizer {
  learningRate: number;
  readonly iterations?: Variable;
  readonly variables?: readonly Variable[];
  /** Brings what the learning rate follows from to JavaScript, where it is on a GPU. */
  fetchRate?(): Promise<void>;
  build?(variables: readonly Variable[]): void;
  getClassName?(): string;
  getConfig?(): Record<string, unknown>;
}

/** A layer as callbacks see it. */
export interface CallbackLayer {
  readonly name: string;
  readonly weights: readonly Variable[];
  getClassName(): string;
}

/** The model as callbacks see it. */
export interface CallbackModel {
  /** Set to true, it ends training after the batch. */
  stopTraining: boolean;
  readonly name: string;
  readonly optimizer: CallbackOptimizer;
  readonly layers: readonly CallbackLayer[];
  readonly weights: readonly Variable[];
  readonly trainableWeights?: readonly Variable[];
  /** States of the random numbers of layers with seeds. */
  readonly randomVariables?: readonly Variable[];
  /** State of the metrics, so that an epoch may go on where it was broken off. */
  readonly metricsVariables?: readonly Variable[];
  getWeights(): Tensor[];
  setWeights(weights: Tensor[]): void;
  getClassName?(): string;
  getConfig?(): unknown;
}

/** What a callback wants kept when training is broken off: plain data and tensors. */
export interface CallbackState {
  readonly values: Record<string, unknown>;
  readonly tensors?: readonly Tensor[];
}

/**
 * Base of callbacks. Override what you need; each hook may be async, and training waits for it. An error that a
 * hook throws ends training and goes to the caller of `fit`. Batches and epochs count from 0. Values put into the
 * logs of `onEpochEnd` are seen by the callbacks after it and by the history.
 */
export abstract class Callback {
  params: CallbackParams = {};
  /** The model in training, once training has begun. */
  model!: CallbackModel;
  /** Always null, as in TensorFlow.js: the model evaluates validation data. */
  validationData: unknown = null;

  /** Whether its hooks of batches look at the metrics that they are told: else a GPU is not waited for. */
  get readsBatches(): boolean {
    return true;
  }

  setParams(params: CallbackParams): void {
    this.params = params;
  }
  setModel(model: CallbackModel): void {
    this.model = model;
  }
  /** Told all callbacks of the training, itself included. */
  setCallbacks(_callbacks: readonly Callback[]): void {}

  onTrainBegin(_logs?: Logs): HookResult {}
  onTrainEnd(_logs?: Logs): HookResult {}
  onEpochBegin(_epoch: number, _logs?: Logs): HookResult {}
  onEpochEnd(_epoch: number, _logs?: Logs): HookResult {}
  onBatchBegin(_batch: number, _logs?: Logs): HookResult {}
  onBatchEnd(_batch: number, _logs?: Logs): HookResult {}
  /** Before a batch of training; by default `onBatchBegin`, another name of it. */
  onTrainBatchBegin(batch: number, logs?: Logs): HookResult {
    return this.onBatchBegin(batch, logs);
  }
  /** After a batch of training; by default `onBatchEnd`, another name of it. */
  onTrainBatchEnd(batch: number, logs?: Logs): HookResult {
    return this.onBatchEnd(batch, logs);
  }
  onTestBegin(_logs?: Logs): HookResult {}
  onTestEnd(_logs?: Logs): HookResult {}
  onTestBatchBegin(_batch: number, _logs?: Logs): HookResult {}
  onTestBatchEnd(_batch: number, _logs?: Logs): HookResult {}
  onPredictBegin(_logs?: Logs): HookResult {}
  onPredictEnd(_logs?: Logs): HookResult {}
  onPredictBatchBegin(_batch: number, _logs?: Logs): HookResult {}
  onPredictBatchEnd(_batch: number, _logs?: Logs): HookResult {}

  /** Called when all callbacks have had `onTrainBegin`. */
  afterTrainBegin(): HookResult {}
  /** Called when all callbacks have had `onTrainBatchEnd`. */
  afterTrainBatchEnd(_batch: number): HookResult {}
  /** Called when all callbacks have had `onEpochEnd`. */
  afterEpochEnd(_epoch: number): HookResult {}

  /** What `setState` needs to go on where this was called; undefined for nothing. */
  getState(): CallbackState | undefined {
    return undefined;
  }
  /** Takes back what `getState` gave in a training that was broken off. */
  setState(_state: CallbackState): void {}
}

/** The hooks of training, evaluation and prediction, by name. */
export const hookNames = [
  'onTrainBegin',
  'onTrainEnd',
  'onEpochBegin',
  'onEpochEnd',
  'onBatchBegin',
  'onBatchEnd',
  'onTrainBatchBegin',
  'onTrainBatchEnd',
  'onTestBegin',
  'onTestEnd',
  'onTestBatchBegin',
  'onTestBatchEnd',
  'onPredictBegin',
  'onPredictEnd',
  'onPredictBatchBegin',
  'onPredictBatchEnd',
] as const;
export type HookName = (typeof hookNames)[number];
/** Hooks for what depends on the state of the other callbacks. */
export type AfterHookName = 'afterTrainBegin' | 'afterTrainBatchEnd' | 'afterEpochEnd';
