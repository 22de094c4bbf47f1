// Learning rates that follow the epochs or a metric.

import { ArgumentError, valueText } from '../../../ir/errors.ts';
import { checkOptions } from '../engine/names.ts';
import { Callback, type CallbackState, type Logs } from './callback.ts';
import { type Mode, Monitor, numberOf, theFunction, wholeOf } from './options.ts';

/** The learning rate of an epoch (from 0) by the one before it. */
export type Schedule = (epoch: number, learningRate: number) => number;

/** See `tf.callbacks.learningRateScheduler`. */
export class LearningRateScheduler extends Callback {
  readonly schedule: Schedule;
  readonly #verbose: number;

  constructor(schedule: Schedule, verbose?: number) {
    super();
    const op = 'learningRateScheduler';
    this.schedule = theFunction(schedule, 'schedule', op);
    this.#verbose = wholeOf(verbose, 'verbose', op, 0);
  }

  override onEpochBegin(epoch: number): void {
    const { optimizer } = this.model;
    const rate = this.schedule(epoch, optimizer.learningRate);
    if (typeof rate !== 'number' || !Number.isFinite(rate))
      throw new ArgumentError(`the schedule gave ${valueText(rate)} for epoch ${epoch}`, {
        op: 'learningRateScheduler',
        fix: 'return a finite number for every epoch',
      });
    optimizer.learningRate = rate;
    if (this.#verbose) console.log(`\nEpoch ${epoch + 1}: LearningRateScheduler setting learning rate to ${rate}.`);
  }
  override onEpochEnd(_epoch: number, logs: Logs = {}): void {
    logs.learning_rate = this.model.optimizer.learningRate;
  }
}

/** Options of `tf.callbacks.reduceLROnPlateau`. */
export interface ReduceLROnPlateauArgs {
  /** The metric to look at, by default 'val_loss'. */
  monitor?: string;
  /** What the rate is multiplied by, by default 0.1. */
  factor?: number;
  /** Epochs without a better one until the rate falls, by default 10. */
  patience?: number;
  /** 1 says what happened. */
  verbose?: number;
  /** Whether the metric is to fall or to grow; by default its name decides. */
  mode?: Mode;
  /** The least change that counts as better, by default 0.0001. */
  minDelta?: number;
  /** Epochs after a reduction that do not count, by default 0. */
  cooldown?: number;
  /** The rate does not fall below it, by default 0. */
  minLr?: number;
}

const names = 'monitor factor patience verbose mode minDelta cooldown minLr'.split(' ');

/** See `tf.callbacks.reduceLROnPlateau`. */
export class ReduceLROnPlateau extends Callback {
  readonly monitor: Monitor;
  readonly factor: number;
  readonly patience: number;
  readonly cooldown: number;
  readonly minLr: number;
  readonly #verbose: number;
  #best: number;
  #wait = 0;
  #cooling = 0;

  constructor(args: ReduceLROnPlateauArgs = {}) {
    super();
    const op = 'reduceLROnPlateau';
    checkOptions(args, names, op);
    const a = args ?? {};
    this.monitor = new Monitor(a.monitor, a.mode, a.minDelta ?? 1e-4, op);
    this.factor = numberOf(a.factor, 'factor', op, 0.1, 0);
    if (this.factor >= 1)
      throw new ArgumentError(`factor must be less than 1, got ${this.factor}`, {
        op,
        fix: 'the rate is multiplied by it; a usual value is 0.1',
      });
    this.patience = wholeOf(a.patience, 'patience', op, 10);
    this.cooldown = wholeOf(a.cooldown, 'cooldown', op, 0);
    this.minLr = numberOf(a.minLr, 'minLr', op, 0, 0);
    this.#verbose = wholeOf(a.verbose, 'verbose', op, 0);
    this.#best = this.monitor.worst;
  }

  override onTrainBegin(): void {
    this.#best = this.monitor.worst;
    this.#wait = 0;
    this.#cooling = 0;
  }

  override onEpochEnd(epoch: number, logs: Logs = {}): void {
    logs.learning_rate = this.model.optimizer.learningRate;
    const now = this.monitor.value(logs);
    if (now === undefined) return;
    if (this.#cooling > 0) {
      this.#cooling--;
      this.#wait = 0;
    }
    if (this.monitor.better(now, this.#best)) {
      this.#best = now;
      this.#wait = 0;
      return;
    }
    if (this.#cooling > 0 || ++this.#wait < this.patience) return;
    const { optimizer } = this.model;
    const old = optimizer.learningRate;
    if (old <= this.minLr) return;
    const rate = Math.max(old * this.factor, this.minLr);
    optimizer.learningRate = rate;
    if (this.#verbose) console.log(`\nEpoch ${epoch + 1}: ReduceLROnPlateau reducing learning rate to ${rate}.`);
    this.#cooling = this.cooldown;
    this.#wait = 0;
  }

  override getState(): CallbackState {
    return { values: { best: this.#best, wait: this.#wait, cooling: this.#cooling } };
  }
  override setState({ values }: CallbackState): void {
    this.#best = values.best as number;
    this.#wait = values.wait as number;
    this.#cooling = values.cooling as number;
  }
}
