// Shows the progress of training, evaluation and prediction.

import { checkOptions } from '../engine/names.ts';
import { defaultWriter, ProgressBar, type ProgressWriter } from '../progress.ts';
import { Callback, type Logs, metricsOf } from './callback.ts';
import { functionOf, theFunction } from './options.ts';

/** Where a progress bar is written to, and its clock. */
export interface ProgbarOptions {
  writer?: ProgressWriter;
  now?: () => number;
}

/**
 * The progress bar that `fit`, `evaluate` and `predict` show, by `params.verbose`: 0 none, 1 a bar, 2 one line an
 * epoch. Validation has no bar of its own; its metrics are in the last line of the epoch.
 */
export class ProgbarLogger extends Callback {
  readonly #writer: ProgressWriter;
  readonly #now: (() => number) | undefined;
  #bar: ProgressBar | undefined;
  #done = 0;
  #training = false;
  /** Steps of an epoch, known after the first where the data does not say. */
  #steps: number | undefined;

  /** Throws ArgumentError for a writer without `write`, and for a clock that is no function. */
  constructor(options: ProgbarOptions = {}) {
    super();
    const op = 'progbarLogger';
    checkOptions(options, ['writer', 'now'], op);
    this.#writer = options?.writer ?? defaultWriter();
    theFunction(this.#writer.write, 'writer.write', op);
    this.#now = functionOf(options?.now, 'now', op);
  }

  get #verbose(): number {
    return this.params.verbose ?? 1;
  }
  #begin(): void {
    this.#done = 0;
    const steps = this.params.steps ?? this.#steps;
    this.#bar = new ProgressBar({ target: steps, verbose: this.#verbose, writer: this.#writer, now: this.#now });
  }
  #advance(batch: number, logs: Logs): void {
    this.#done = batch + 1;
    this.#bar?.update(this.#done, metricsOf(logs));
  }
  #end(logs: Logs): void {
    if (this.#verbose) this.#bar?.finish(this.#done, logs);
    this.#bar = undefined;
  }

  override onTrainBegin(): void {
    this.#training = true;
    this.#steps = undefined;
  }
  override onEpochBegin(epoch: number): void {
    const { epochs } = this.params;
    if (this.#verbose && (epochs ?? 1) > 1) this.#writer.write(`Epoch ${epoch + 1}/${epochs}\n`);
    this.#begin();
  }
  override onTrainBatchEnd(batch: number, logs: Logs = {}): void {
    this.#advance(batch, logs);
  }
  override onEpochEnd(_epoch: number, logs: Logs = {}): void {
    this.#steps = this.#done;
    this.#end(logs);
  }
  override onTrainEnd(): void {
    this.#training = false;
  }

  override onTestBegin(): void {
    if (!this.#training) this.#begin();
  }
  override onTestBatchEnd(batch: number, logs: Logs = {}): void {
    if (!this.#training) this.#advance(batch, logs);
  }
  override onTestEnd(logs: Logs = {}): void {
    if (!this.#training) this.#end(logs);
  }

  override onPredictBegin(): void {
    this.#begin();
  }
  override onPredictBatchEnd(batch: number): void {
    this.#advance(batch, {});
  }
  override onPredictEnd(): void {
    this.#end({});
  }
}
