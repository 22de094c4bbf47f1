// Ends training when the loss is no number any more.

import { Callback, type Logs } from './callback.ts';

/** See `tf.callbacks.terminateOnNaN`. */
export class TerminateOnNaN extends Callback {
  override onBatchEnd(batch: number, { loss }: Logs = {}): void {
    if (loss === undefined || Number.isFinite(loss)) return;
    this.model.stopTraining = true;
    console.warn(
      `sinter: batch ${batch}: the loss is ${loss}, so training ends. ` +
        'A smaller learning rate, clipnorm, and labels without NaN are the usual ways out.',
    );
  }
}
