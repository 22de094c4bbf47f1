// A small training for tests of callbacks: a line is fitted, with the hooks that `fit` calls.

import * as tf from 'sinter';

/** y = w x + b, with Adam; noise from the global generator makes every step depend on its state. */
export class Line {
  stopTraining = false;
  readonly name = 'line';
  readonly optimizer = tf.train.adam(0.1);
  readonly w = tf.variable(tf.tensor1d([0.5]), true, 'dense/kernel');
  readonly b = tf.variable(tf.tensor1d([0]), true, 'dense/bias');
  readonly layers = [{ name: 'dense', weights: [this.w, this.b], getClassName: () => 'Dense' }];
  readonly metricsNames = ['loss'];
  get weights() {
    return [this.w, this.b];
  }
  getWeights(): tf.Tensor[] {
    return this.weights.map((v) => v.read());
  }
  setWeights(values: tf.Tensor[]): void {
    for (const [i, t] of values.entries()) this.weights[i].assign(t);
  }
  getConfig() {
    return { units: 1 };
  }
  /** One step on x of this batch; its loss. */
  step(batch: number): number {
    const x = tf.add(tf.tensor1d([batch, batch + 1]), tf.randomNormal([2], 0, 0.1));
    const loss = this.optimizer.minimize(
      () => tf.mean(tf.square(tf.sub(tf.add(tf.mul(x, this.w), this.b), tf.mul(x, 3)))),
      true,
    ) as tf.Tensor;
    return loss.arraySync() as number;
  }
}

export interface Training {
  epochs: number;
  steps?: number;
  verbose?: number;
  /** Logs of an epoch, beside the loss. */
  logs?: (epoch: number) => tf.Logs;
  /** The loss of a step in place of the real one. */
  loss?: (epoch: number, batch: number) => number;
  /** Throws, as a kill would, after so many steps in all. */
  kill?: number;
}

/** Trains with callbacks; the history of epochs. */
export async function train(model: Line, given: Parameters<typeof list>[0], t: Training): Promise<tf.History> {
  const { steps = 3, epochs } = t;
  const { callbacks, history } = list(given);
  callbacks.setParams({ epochs, steps, verbose: t.verbose ?? 0, doValidation: true, metrics: ['loss', 'val_loss'] });
  callbacks.setModel(model);
  model.stopTraining = false;
  await callbacks.onTrainBegin();
  const backup = callbacks.callbacks.find((c) => 'restored' in c) as { restored?: { epoch: number; batch: number } };
  let done = 0;
  for (let epoch = backup?.restored?.epoch ?? 0; epoch < epochs && !model.stopTraining; epoch++) {
    await callbacks.onEpochBegin(epoch);
    let loss = 0;
    const first = epoch === backup?.restored?.epoch ? backup.restored.batch : 0;
    for (let batch = first; batch < steps && !model.stopTraining; batch++) {
      await callbacks.onTrainBatchBegin(batch);
      loss = t.loss?.(epoch, batch) ?? model.step(batch);
      await callbacks.onTrainBatchEnd(batch, { loss });
      if (++done === t.kill) throw new Error('killed');
    }
    await callbacks.onEpochEnd(epoch, { loss, ...t.logs?.(epoch) });
  }
  await callbacks.onTrainEnd();
  return history;
}

function list(given: readonly tf.Callback[]) {
  const history = new tf.History();
  return { callbacks: new tf.CallbackList([...given, history]), history };
}
