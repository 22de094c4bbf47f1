// Ends training when a metric no longer gets better.

import type { Tensor } from '../../trace/tensor.ts';
import { checkOptions } from '../engine/names.ts';
import { Callback, type CallbackState, type Logs } from './callback.ts';
import { flagOf, type Mode, Monitor, numberOf, wholeOf } from './options.ts';

/** Options of `tf.callbacks.earlyStopping`. */
export interface EarlyStoppingArgs {
  /** The metric to look at, by default 'val_loss'. */
  monitor?: string;
  /** The least change that counts as better, by default 0. */
  minDelta?: number;
  /** Epochs without a better one until training ends, by default 0. */
  patience?: number;
  /** 1 says what happened. */
  verbose?: number;
  /** Whether the metric is to fall or to grow; by default its name decides. */
  mode?: Mode;
  /** What the metric must be better than within `patience` epochs, by default anything. */
  baseline?: number | null;
  /** Whether the weights of the best epoch are put back at the end; by default those of the last stay. */
  restoreBestWeights?: boolean;
  /** The first epoch that counts, by default 0. */
  startFromEpoch?: number;
}

const names = 'monitor minDelta patience verbose mode baseline restoreBestWeights startFromEpoch'.split(' ');

/** See `tf.callbacks.earlyStopping`. */
export class EarlyStopping extends Callback {
  readonly monitor: Monitor;
  readonly patience: number;
  readonly baseline: number | undefined;
  /** The epoch at whose end training ended, else 0. */
  stoppedEpoch = 0;
  /** The epoch that was the best, and its number. */
  bestEpoch = 0;
  best: number;
  readonly #verbose: number;
  readonly #restore: boolean;
  readonly #from: number;
  #wait = 0;
  #bestWeights: Tensor[] | undefined;

  constructor(args: EarlyStoppingArgs = {}) {
    super();
    const op = 'earlyStopping';
    checkOptions(args, names, op);
    const a = args ?? {};
    this.monitor = new Monitor(a.monitor, a.mode, a.minDelta, op);
    this.patience = wholeOf(a.patience, 'patience', op, 0);
    this.baseline =
      a.baseline === null || a.baseline === undefined ? undefined : numberOf(a.baseline, 'baseline', op, 0);
    this.#verbose = wholeOf(a.verbose, 'verbose', op, 0);
    this.#restore = flagOf(a.restoreBestWeights, 'restoreBestWeights', op, false);
    this.#from = wholeOf(a.startFromEpoch, 'startFromEpoch', op, 0);
    this.best = this.monitor.worst;
  }

  override onTrainBegin(): void {
    this.stoppedEpoch = 0;
    this.bestEpoch = 0;
    this.best = this.monitor.worst;
    this.#wait = 0;
    this.#bestWeights = undefined;
  }

  override onEpochEnd(epoch: number, logs: Logs = {}): void {
    const now = this.monitor.value(logs);
    if (now === undefined || epoch < this.#from) return;
    if (this.#restore && !this.#bestWeights) this.#keep(epoch);
    this.#wait++;
    if (this.monitor.better(now, this.best)) {
      this.best = now;
      this.#keep(epoch);
      if (this.baseline === undefined || this.monitor.better(now, this.baseline)) {
        this.#wait = 0;
        return;
      }
    }
    // One epoch says nothing yet.
    if (this.#wait < this.patience || epoch === 0) return;
    this.stoppedEpoch = epoch;
    this.model.stopTraining = true;
  }

  override onTrainEnd(): void {
    if (this.stoppedEpoch > 0 && this.#verbose) console.log(`Epoch ${this.stoppedEpoch + 1}: early stopping`);
    if (!this.#restore || !this.#bestWeights) return;
    if (this.#verbose) console.log(`Restoring model weights from the end of the best epoch: ${this.bestEpoch + 1}.`);
    this.model.setWeights(this.#bestWeights);
  }

  #keep(epoch: number): void {
    this.bestEpoch = epoch;
    if (this.#restore) this.#bestWeights = this.model.getWeights();
  }

  override getState(): CallbackState {
    const { stoppedEpoch, bestEpoch, best } = this;
    return {
      values: { stoppedEpoch, bestEpoch, best, wait: this.#wait },
      tensors: this.#bestWeights,
    };
  }
  override setState({ values, tensors }: CallbackState): void {
    this.stoppedEpoch = values.stoppedEpoch as number;
    this.bestEpoch = values.bestEpoch as number;
    this.best = values.best as number;
    this.#wait = values.wait as number;
    this.#bestWeights = tensors?.length ? [...tensors] : undefined;
  }
}
