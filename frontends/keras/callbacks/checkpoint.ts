// Saves the model while it trains.

import { writeWhole } from '../../files.ts';
import { checkOptions } from '../engine/names.ts';
import { Callback, type CallbackModel, type CallbackState, type HookResult, type Logs } from './callback.ts';
import { encodeCheckpoint } from './checkpoint-file.ts';
import { stateOfModel } from './model-state.ts';
import { flagOf, frequencyOf, functionOf, type Mode, Monitor, numberOf, textOf, wholeOf } from './options.ts';
import { checkTemplate, fillTemplate } from './template.ts';

/** What a `save` function is told beside the path. */
export interface SaveInfo {
  readonly model: CallbackModel;
  readonly weightsOnly: boolean;
  readonly epoch: number;
  /** The batch of the epoch, where it is saved between epochs. */
  readonly batch?: number;
  readonly logs: Logs;
}
export type SaveHandler = (path: string, info: SaveInfo) => HookResult;

/** Options of `tf.callbacks.modelCheckpoint`. */
export interface ModelCheckpointArgs {
  /** The path; `{epoch:02d}` (from 1), `{batch}` and metrics such as `{val_loss:.2f}` are filled in. */
  filepath: string;
  /** The metric that says which model is the best, by default 'val_loss'. */
  monitor?: string;
  /** 1 says what is saved. */
  verbose?: number;
  /** Whether only a model better than all before it is saved. */
  saveBestOnly?: boolean;
  /** Whether the optimizer's state and the configuration are left out. */
  saveWeightsOnly?: boolean;
  /** Whether the metric is to fall or to grow; by default its name decides. */
  mode?: Mode;
  /** After each epoch (the default), or after so many batches. */
  saveFreq?: 'epoch' | number;
  /** What the first model must be better than, by default anything. */
  initialValueThreshold?: number | null;
  /** Writes the model; by default a checkpoint file, for `tf.callbacks.loadCheckpoint`. */
  save?: SaveHandler;
}

const op = 'modelCheckpoint';
const names = 'filepath monitor verbose saveBestOnly saveWeightsOnly mode saveFreq initialValueThreshold save'.split(
  ' ',
);

const writeCheckpoint: SaveHandler = async (path, { model, weightsOnly }) => {
  await model.optimizer.fetchRate?.();
  await writeWhole(path, await encodeCheckpoint(stateOfModel(model, !weightsOnly)), op);
};

/** See `tf.callbacks.modelCheckpoint`. */
export class ModelCheckpoint extends Callback {
  readonly filepath: string;
  readonly monitor: Monitor;
  /** The best number so far. */
  best: number;
  readonly #verbose: number;
  readonly #bestOnly: boolean;
  readonly #weightsOnly: boolean;
  readonly #every: 'epoch' | number;
  readonly #save: SaveHandler;
  #epoch = 0;
  #batches = 0;

  constructor(args: ModelCheckpointArgs) {
    super();
    checkOptions(args, names, op);
    const a = args ?? {};
    this.filepath = textOf(a.filepath, 'filepath', op);
    checkTemplate(this.filepath, op);
    this.monitor = new Monitor(a.monitor, a.mode, 0, op);
    this.#verbose = wholeOf(a.verbose, 'verbose', op, 0);
    this.#bestOnly = flagOf(a.saveBestOnly, 'saveBestOnly', op, false);
    this.#weightsOnly = flagOf(a.saveWeightsOnly, 'saveWeightsOnly', op, false);
    this.#every = frequencyOf(a.saveFreq, 'saveFreq', op);
    this.#save = functionOf(a.save, 'save', op) ?? writeCheckpoint;
    this.best = numberOf(a.initialValueThreshold, 'initialValueThreshold', op, this.monitor.worst);
  }

  override get readsBatches(): boolean {
    return this.#every !== 'epoch';
  }
  override onEpochBegin(epoch: number): void {
    this.#epoch = epoch;
  }
  override onTrainBatchEnd(batch: number, logs: Logs = {}): HookResult {
    if (this.#every === 'epoch' || ++this.#batches % this.#every !== 0) return;
    return this.#write(logs, batch);
  }
  override onEpochEnd(_epoch: number, logs: Logs = {}): HookResult {
    if (this.#every === 'epoch') return this.#write(logs);
  }

  async #write(logs: Logs, batch?: number): Promise<void> {
    const epoch = this.#epoch;
    const { metric } = this.monitor;
    const now = this.#bestOnly ? this.monitor.value(logs) : undefined;
    if (this.#bestOnly && (now === undefined || !this.monitor.better(now, this.best))) {
      if (this.#verbose && now !== undefined)
        console.log(`\nEpoch ${epoch + 1}: ${metric} did not improve from ${this.best.toFixed(5)}`);
      return;
    }
    // With the second names of metrics, which are not enumerable.
    const numbers: Logs = Object.defineProperties({}, Object.getOwnPropertyDescriptors(logs));
    Object.assign(numbers, { epoch: epoch + 1 }, batch === undefined ? {} : { batch: batch + 1 });
    const path = fillTemplate(this.filepath, numbers, op);
    if (this.#verbose) {
      const why = now === undefined ? '' : `${metric} improved from ${this.best.toFixed(5)} to ${now.toFixed(5)}, `;
      console.log(`\nEpoch ${epoch + 1}: ${why}saving model to ${path}`);
    }
    await this.#save(path, { model: this.model, weightsOnly: this.#weightsOnly, epoch, batch, logs });
    if (now !== undefined) this.best = now;
  }

  override getState(): CallbackState {
    return { values: { best: this.best, batches: this.#batches } };
  }
  override setState({ values }: CallbackState): void {
    this.best = values.best as number;
    this.#batches = values.batches as number;
  }
}
