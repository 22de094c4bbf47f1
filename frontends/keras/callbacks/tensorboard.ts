// Writes what TensorBoard shows: metrics, the distributions and images of weights, and the model's graph.

import { joinPath } from '../../files.ts';
import { checkOptions } from '../engine/names.ts';
import { histogramValue, imageValue, scalarValue } from '../tensorboard/events.ts';
import { graphOf } from '../tensorboard/graph.ts';
import { weightImages } from '../tensorboard/image.ts';
import type { Message } from '../tensorboard/protobuf.ts';
import { EventWriter } from '../tensorboard/writer.ts';
import { Callback, type CallbackState, type HookResult, type Logs, metricsOf } from './callback.ts';
import { flagOf, frequencyOf, textOf, wholeOf } from './options.ts';

/** Options of `tf.callbacks.tensorBoard`. */
export interface TensorBoardArgs {
  /** The folder, by default 'logs'; each training has its own. */
  logDir?: string;
  /** Every so many epochs the distributions of the weights are written; 0 (the default) for never. */
  histogramFreq?: number;
  /** Whether the graph is written (the default). */
  writeGraph?: boolean;
  /** Whether images of the weights are written, as often as the distributions. */
  writeImages?: boolean;
  /** After which batches metrics are written as well: 'epoch' for none (the default), 'batch' for all, or a number. */
  updateFreq?: 'epoch' | 'batch' | number;
}

const op = 'tensorBoard';
const names = ['logDir', 'histogramFreq', 'writeGraph', 'writeImages', 'updateFreq'];

/** See `tf.callbacks.tensorBoard`. */
export class TensorBoard extends Callback {
  readonly logDir: string;
  readonly #histogramFreq: number;
  readonly #graph: boolean;
  readonly #images: boolean;
  readonly #every: 'epoch' | number;
  #train!: EventWriter;
  #validation!: EventWriter;
  #steps = 0;

  constructor(args: TensorBoardArgs = {}) {
    super();
    checkOptions(args, names, op);
    const a = args ?? {};
    this.logDir = textOf(a.logDir, 'logDir', op, 'logs');
    this.#histogramFreq = wholeOf(a.histogramFreq, 'histogramFreq', op, 0);
    this.#graph = flagOf(a.writeGraph, 'writeGraph', op, true);
    this.#images = flagOf(a.writeImages, 'writeImages', op, false);
    this.#every = frequencyOf(a.updateFreq, 'updateFreq', op);
  }

  override async onTrainBegin(): Promise<void> {
    this.#train = new EventWriter(await joinPath(op, this.logDir, 'train'));
    this.#validation = new EventWriter(await joinPath(op, this.logDir, 'validation'));
    this.#steps = 0;
    if (!this.#graph) return;
    await this.#train.graph(graphOf(this.model));
    await this.#train.flush();
  }

  override onTrainBatchEnd(_batch: number, logs: Logs = {}): HookResult {
    const step = this.#steps++;
    if (this.#every === 'epoch' || step % this.#every !== 0) return;
    return this.#train.summaries(
      step,
      scalars(metricsOf(logs), (name) => `batch_${name}`),
    );
  }

  /** What an evaluation found, over the steps of the optimizer, as Keras. */
  override async onTestEnd(logs: Logs = {}): Promise<void> {
    const { iterations } = this.model.optimizer;
    if (!iterations || !this.#validation) return;
    const step = Number((await iterations.read().data())[0]);
    await this.#validation.summaries(
      step,
      scalars(logs, (name) => `evaluation_${name}_vs_iterations`),
    );
  }

  override get readsBatches(): boolean {
    return this.#every !== 'epoch';
  }
  override async onEpochEnd(epoch: number, logs: Logs = {}): Promise<void> {
    const entries = Object.entries(logs);
    const training = Object.fromEntries(entries.filter(([k]) => !k.startsWith('val_')));
    const validation = Object.fromEntries(
      entries.filter(([k]) => k.startsWith('val_')).map(([k, x]) => [k.slice('val_'.length), x]),
    );
    training.learning_rate ??= this.model.optimizer.learningRate;
    const tag = (name: string) => `epoch_${name}`;
    await this.#train.summaries(epoch, scalars(training, tag));
    await this.#validation.summaries(epoch, scalars(validation, tag));
    if (this.#histogramFreq && epoch % this.#histogramFreq === 0) await this.#weights(epoch);
    await this.#train.flush();
    await this.#validation.flush();
  }

  override async onTrainEnd(): Promise<void> {
    await this.#train.flush();
    await this.#validation.flush();
  }

  async #weights(epoch: number): Promise<void> {
    for (const layer of this.model.layers)
      for (const w of layer.weights) {
        const data = await w.read().data();
        const values = [histogramValue(`${w.name}/histogram`, data)];
        const images = this.#images ? await weightImages(w.shape, data) : [];
        images.forEach(({ png, height, width }, i) => {
          const tag = images.length === 1 ? `${w.name}/image` : `${w.name}/image/${i}`;
          values.push(imageValue(tag, png, height, width));
        });
        await this.#train.summaries(epoch, values);
      }
  }

  override getState(): CallbackState {
    return { values: { steps: this.#steps } };
  }
  override setState({ values }: CallbackState): void {
    this.#steps = values.steps as number;
  }
}

const scalars = (logs: Logs, tag: (name: string) => string): Message[] =>
  Object.entries(logs).map(([name, x]) => scalarValue(tag(name), x));
