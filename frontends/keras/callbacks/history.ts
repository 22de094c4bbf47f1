// What happened: the metrics of each epoch, and their running means.

import { withAliases } from '../training/logs.ts';
import { Callback, type CallbackState, type Logs } from './callback.ts';

/** The metrics of all epochs; `fit` returns it. */
export class History extends Callback {
  /** Numbers of the epochs, from 0. */
  epoch: number[] = [];
  /** Metric by name, one number an epoch; `acc` and `accuracy` are read under both names. */
  history: Record<string, number[]> = {};

  override onTrainBegin(): void {
    this.epoch = [];
    this.history = {};
  }
  override onEpochEnd(epoch: number, logs: Logs = {}): void {
    this.epoch.push(epoch);
    for (const [name, x] of Object.entries(logs)) {
      this.history[name] ??= [];
      this.history[name].push(x);
    }
    withAliases(this.history);
  }
  override getState(): CallbackState {
    return { values: { epoch: this.epoch, history: this.history } };
  }
  override setState({ values }: CallbackState): void {
    this.epoch = values.epoch as number[];
    this.history = withAliases(values.history as Record<string, number[]>);
  }
  /** Does nothing: the logs are numbers already. */
  async syncData(): Promise<void> {}
}

/**
 * Means over the samples of an epoch of what `onBatchEnd` is told, put into the logs of the epoch. For training
 * loops of one's own: the metrics of `fit` are means already.
 */
export class BaseLogger extends Callback {
  #seen = 0;
  #totals = new Map<string, number>();

  override onEpochBegin(): void {
    this.#seen = 0;
    this.#totals.clear();
  }
  /** `logs.size` is the number of samples of the batch, 1 by default. */
  override onBatchEnd(_batch: number, logs: Logs = {}): void {
    const size = logs.size ?? 1;
    this.#seen += size;
    for (const [name, x] of Object.entries(logs)) this.#totals.set(name, (this.#totals.get(name) ?? 0) + x * size);
  }
  override onEpochEnd(_epoch: number, logs: Logs = {}): void {
    for (const name of this.params.metrics ?? this.#totals.keys()) {
      const total = this.#totals.get(name);
      if (total !== undefined && name !== 'size') logs[name] = total / this.#seen;
    }
  }
}
