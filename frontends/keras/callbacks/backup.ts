// Keeps the state of a training in a file, from which a training that was killed goes on.

import { joinPath, readIfThere, removeFile, writeWhole } from '../../files.ts';
import { globalRandomState } from '../../trace/generator.ts';
import type { Variable } from '../../trace/variable.ts';
import { checkOptions } from '../engine/names.ts';
import { Callback, type CallbackState, type HookResult } from './callback.ts';
import {
  type Checkpoint,
  decodeCheckpoint,
  encodeCheckpoint,
  groupOf,
  type NamedTensor,
  wrongModel,
} from './checkpoint-file.ts';
import { restoreMetrics, restoreModel, stateOfModel } from './model-state.ts';
import { flagOf, frequencyOf, textOf } from './options.ts';

/** Options of `tf.callbacks.backupAndRestore`. */
export interface BackupAndRestoreArgs {
  /** The folder; each training has its own. */
  backupDir: string;
  /** After each epoch (the default), or after so many batches as well. */
  saveFreq?: 'epoch' | number;
  /** Whether the file goes when training has ended (the default). */
  deleteCheckpoint?: boolean;
}

/** Where a training goes on: the first epoch and batch that have not been run. */
export interface Position {
  readonly epoch: number;
  readonly batch: number;
}

const op = 'backupAndRestore';

/**
 * See `tf.callbacks.backupAndRestore`. Weights, the optimizer, random numbers, running metrics and the other callbacks
 * go on as in an unbroken training.
 */
export class BackupAndRestore extends Callback {
  readonly backupDir: string;
  /** Where the training went on; undefined where it began anew. There after `onTrainBegin`. */
  restored: Position | undefined;
  readonly #every: 'epoch' | number;
  readonly #delete: boolean;
  #callbacks: readonly Callback[] = [];
  #file = '';
  #found: Checkpoint | undefined;
  /** The state that `restoreMetrics` takes up. */
  #broken: Checkpoint | undefined;
  #epoch = 0;
  #batches = 0;
  /** Batches of the epoch that are done. */
  #done = 0;
  #saved: Position | undefined;

  constructor(args: BackupAndRestoreArgs) {
    super();
    checkOptions(args, ['backupDir', 'saveFreq', 'deleteCheckpoint'], op);
    this.backupDir = textOf(args?.backupDir, 'backupDir', op);
    this.#every = frequencyOf(args.saveFreq, 'saveFreq', op);
    this.#delete = flagOf(args.deleteCheckpoint, 'deleteCheckpoint', op, true);
  }

  override setCallbacks(callbacks: readonly Callback[]): void {
    this.#callbacks = callbacks;
  }

  /**
   * Takes up the state of the file, if there is one. Throws FormatError for a damaged file, ArgumentError for
   * one of another model.
   */
  override async onTrainBegin(): Promise<void> {
    this.#file = await joinPath(op, this.backupDir, 'training.ckpt');
    this.restored = undefined;
    this.#saved = undefined;
    this.#found = undefined;
    const bytes = await readIfThere(this.#file, op);
    if (!bytes) return;
    this.#found = decodeCheckpoint(bytes, this.#file);
    const { position } = this.#found.data as { position?: Position };
    if (!position || !Number.isInteger(position.epoch) || !Number.isInteger(position.batch))
      return wrongModel(this.#file, 'it does not say where training was');
    restoreModel(this.model, this.#found, this.#file);
    this.restored = position;
    this.#broken = this.#found;
    this.#saved = position;
  }

  /** Gives the other callbacks their state, now that all of them have begun. */
  override afterTrainBegin(): void {
    const found = this.#found;
    this.#found = undefined;
    if (!found) return;
    const states = (found.data.callbacks ?? {}) as Record<string, CallbackState['values']>;
    for (const [name, c] of nameCallbacks(this.#callbacks)) {
      const tensors = groupOf(found, name).map((t) => t.tensor);
      if (Object.hasOwn(states, name)) c.setState({ values: states[name], tensors });
    }
    const random = groupOf(found, 'random');
    this.#randomStates().forEach((v, i) => {
      const saved = random[i]?.tensor;
      if (saved?.dtype === v.dtype && saved.shape.join() === v.shape.join()) v.assign(saved);
    });
  }

  /** Takes up the running metrics of the epoch that was broken off; `fit` calls it when the model has its metrics. */
  restoreMetrics(): void {
    if (this.#broken) restoreMetrics(this.model, this.#broken, this.#file);
    this.#broken = undefined;
  }

  override onEpochBegin(epoch: number): void {
    this.#epoch = epoch;
    this.#done = this.restored?.epoch === epoch ? this.restored.batch : 0;
  }
  override afterTrainBatchEnd(batch: number): HookResult {
    this.#done = batch + 1;
    if (this.#every === 'epoch' || ++this.#batches % this.#every !== 0) return;
    return this.#save({ epoch: this.#epoch, batch: batch + 1 });
  }
  override afterEpochEnd(epoch: number): HookResult {
    // An epoch that was stopped is not to be skipped when training goes on.
    if (this.#done < (this.params.steps ?? 0)) return;
    return this.#save({ epoch: epoch + 1, batch: 0 });
  }
  /** Removes the file, unless training was aborted: then it may go on. */
  override onTrainEnd(): HookResult {
    const complete = this.model.stopTraining || (this.#saved?.epoch ?? 0) >= (this.params.epochs ?? 0);
    if (this.#delete && complete) return removeFile(this.#file, op);
  }

  /** Sources of random numbers: everybody's, then those of layers with seeds. */
  #randomStates(): readonly Variable[] {
    return [globalRandomState(), ...(this.model.randomVariables ?? [])];
  }

  async #save(position: Position): Promise<void> {
    await this.model.optimizer.fetchRate?.();
    const { data, tensors } = stateOfModel(this.model, true);
    const callbacks: Record<string, unknown> = {};
    const random = this.#randomStates().map((v) => ({ group: 'random', name: v.name, tensor: v.read() }));
    const all: NamedTensor[] = [...tensors, ...random];
    for (const [name, c] of nameCallbacks(this.#callbacks)) {
      const state = c.getState();
      if (!state) continue;
      callbacks[name] = state.values;
      state.tensors?.forEach((tensor, i) => void all.push({ group: name, name: String(i), tensor }));
    }
    const content = { ...data, callbacks, position };
    this.#saved = position;
    return writeWhole(this.#file, await encodeCheckpoint({ data: content, tensors: all }), op);
  }
}

/** Callbacks by class and number among those of the class: so a progress bar more or less does not matter. */
function nameCallbacks(callbacks: readonly Callback[]): Map<string, Callback> {
  const named = new Map<string, Callback>();
  for (const c of callbacks) {
    let n = 0;
    while (named.has(`callback ${c.constructor.name} ${n}`)) n++;
    named.set(`callback ${c.constructor.name} ${n}`, c);
  }
  return named;
}
