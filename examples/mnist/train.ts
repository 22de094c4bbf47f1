// Training and testing. Each is one compiled program: a training step is the forward pass, the loss,
// the gradients, the learning-rate schedule and the update of all weights.

import * as tf from 'sinter';
import { batches, type Digits, shuffled, side } from './data.ts';
import type { Model } from './models.ts';

/** Where training stands within an epoch; loss and accuracy are the means so far. */
export interface Progress {
  readonly epoch: number;
  readonly epochs: number;
  readonly step: number;
  readonly steps: number;
  readonly loss: number;
  readonly accuracy: number;
  readonly msPerStep: number;
}

export interface TrainOptions {
  readonly epochs: number;
  readonly threads: number;
  readonly batch?: number;
  readonly onProgress?: (p: Progress) => void;
}

export interface Outcome {
  /** Of each epoch, over the training digits while the weights changed. */
  readonly history: readonly { readonly loss: number; readonly accuracy: number; readonly seconds: number }[];
  readonly testAccuracy: number;
  /** The training step. */
  readonly step: tf.Executable;
  /** Median time of one call of it. */
  readonly microsPerStep: number;
  /** Where the time goes, kernel by kernel. */
  readonly timings: readonly tf.KernelTiming[];
}

/** The training step as one program. */
async function compileStep(model: Model, batch: number, steps: number, threads: number) {
  const rate = tf.variable(0, false, 'learning_rate', 'float32');
  const optimizer = tf.train.adam(rate);

  function trainStep(images: tf.Tensor, labels: tf.Tensor) {
    // From the full rate down to nothing along half a cosine: large steps first, fine ones at the end.
    const done = optimizer.iterations.cast('float32').mul(Math.PI / steps);
    rate.assign(
      tf
        .cos(done)
        .add(1)
        .mul(model.learningRate / 2),
    );
    const tape = new tf.GradientTape();
    const logits = model.logits(images);
    const loss = tf.losses.sparseSoftmaxCrossEntropy(labels, logits);
    const gradients = tape.gradient(loss, model.weights);
    optimizer.applyGradients(model.weights.map((w, i) => [gradients[i], w] as const));
    return { loss, correct: correctOf(logits, labels) };
  }

  return tf.compile(trainStep, {
    inputs: [tf.spec([batch, side * side], 'float32'), tf.spec([batch], 'int32')],
    threads,
  });
}

/** How many of the digits are recognised. */
const correctOf = (logits: tf.Tensor, labels: tf.Tensor): tf.Tensor =>
  tf.sum(tf.equal(tf.argMax(logits, 1), labels).cast('int32'));

const number = (t: tf.Tensor): number => t.dataSync()[0];

/** Trains on all but the last few digits, which do not fill a batch, and tests. */
export async function trainModel(model: Model, train: Digits, test: Digits, opt: TrainOptions): Promise<Outcome> {
  const batch = Math.min(opt.batch ?? 64, train.count);
  const steps = Math.floor(train.count / batch);
  const program = await compileStep(model, batch, steps * opt.epochs, opt.threads);
  const history: { loss: number; accuracy: number; seconds: number }[] = [];
  const times: number[] = [];
  for (let epoch = 1; epoch <= opt.epochs; epoch++) {
    const start = performance.now();
    let [step, loss, correct] = [0, 0, 0];
    for (const b of batches(train, shuffled(train.count, epoch), batch, 'drop')) {
      const t = performance.now();
      const out = program.run(tf.tensor(b.images, [batch, side * side]), tf.tensor(b.labels, [batch], 'int32'));
      times.push(performance.now() - t);
      loss += number(out.loss);
      correct += number(out.correct);
      step++;
      const msPerStep = (performance.now() - start) / step;
      opt.onProgress?.({
        epoch,
        epochs: opt.epochs,
        step,
        steps,
        loss: loss / step,
        accuracy: correct / (step * batch),
        msPerStep,
      });
      // A run is synchronous: let signals and the terminal have their turn.
      if (step % 16 === 0) await new Promise(setImmediate);
    }
    history.push({ loss: loss / step, accuracy: correct / (step * batch), seconds: (performance.now() - start) / 1e3 });
  }
  const testAccuracy = await testModel(model, test, opt.threads);
  const [b] = batches(train, shuffled(train.count, 0), batch, 'drop');
  return {
    history,
    testAccuracy,
    step: program as tf.Executable,
    microsPerStep: times.sort((x, y) => x - y)[times.length >> 1] * 1e3,
    timings: program.profile(tf.tensor(b.images, [batch, side * side]), tf.tensor(b.labels, [batch], 'int32')).steps,
  };
}

/** Part of the digits that the model recognises. */
export async function testModel(model: Model, digits: Digits, threads: number, batch = 200): Promise<number> {
  function testStep(images: tf.Tensor, labels: tf.Tensor) {
    return correctOf(model.logits(images), labels);
  }
  const program = await tf.compile(testStep, {
    inputs: [tf.spec([batch, side * side], 'float32'), tf.spec([batch], 'int32')],
    threads,
  });
  const order = Uint32Array.from({ length: digits.count }, (_, i) => i);
  let correct = 0;
  for (const b of batches(digits, order, batch, 'fill'))
    correct += number(program.run(tf.tensor(b.images, [batch, side * side]), tf.tensor(b.labels, [batch], 'int32')));
  return correct / digits.count;
}
