// A small GPT (Radford and others 2018) that learns to write like this repository's own documents, letter by
// letter: tokens and positions, blocks of causal self-attention and dense layers with residuals, and the
// probabilities of the next letter.

import { readFileSync } from 'node:fs';
import * as tf from 'sinter';
import { main } from './shared/command-line.ts';
import { repositoryFile } from './shared/repository.ts';

export const settings = {
  steps: 1500,
  batchSize: 16,
  context: 64,
  width: 64,
  heads: 4,
  blocks: 2,
  letters: 300,
  threads: 2,
};

const files = [
  'README.md',
  'LICENSE',
  'docs/architecture.md',
  'docs/debugging.md',
  'docs/add-a-pass.md',
  'docs/add-an-op.md',
];

/** The text as numbers of letters. Letters that come up hardly ever are left out. */
export function corpus() {
  const text = files.map((f) => readFileSync(repositoryFile(f), 'utf8')).join('\n');
  const counts = new Map<string, number>();
  for (const c of text) counts.set(c, (counts.get(c) ?? 0) + 1);
  const alphabet = [...counts.keys()].filter((c) => (counts.get(c) as number) >= 10).sort();
  const places = new Map(alphabet.map((c, i) => [c, i]));
  const ids = Int32Array.from([...text].flatMap((c) => places.get(c) ?? []));
  return { ids, alphabet, places };
}

/** Mean negative logarithm of the letters' probabilities when each is guessed by how frequent it is. */
export function unigramLoss(ids: Int32Array, size: number): number {
  const counts = new Float64Array(size);
  for (const i of ids) counts[i]++;
  return -counts.reduce((s, n) => s + (n ? (n / ids.length) * Math.log(n / ids.length) : 0), 0);
}

/** A table for the tokens and one for the positions, added. */
class TokensAndPositions extends tf.layers.Layer {
  static readonly className = 'TokensAndPositions';
  readonly tokens: tf.Layer;
  readonly positions: tf.Layer;
  readonly length: number;
  constructor(size: number, length: number, width: number) {
    super();
    this.length = length;
    this.tokens = tf.layers.embedding({ inputDim: size, outputDim: width });
    this.positions = tf.layers.embedding({ inputDim: length, outputDim: width });
  }
  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const ids = Array.isArray(inputs) ? inputs[0] : inputs;
    return this.tokens.apply(ids).add(this.positions.apply(tf.range(0, this.length, 1, 'int32')));
  }
}

/** From letters [n, context] to what comes after each of them: logits [n, context, size]. */
export function network(size: number, { context, width, heads, blocks }: typeof settings): tf.LayersModel {
  const ids = tf.input({ shape: [context], dtype: 'int32', name: 'letters' });
  let x = new TokensAndPositions(size, context, width).apply(ids);
  for (let i = 0; i < blocks; i++) {
    const seen = tf.layers.layerNormalization().apply(x);
    const attention = tf.layers.multiHeadAttention({ numHeads: heads, keyDim: width / heads, dropout: 0.1 });
    x = tf.layers.add().apply([x, attention.apply([seen, seen], { useCausalMask: true })]);
    const normal = tf.layers.layerNormalization().apply(x);
    const wide = tf.layers.dense({ units: 4 * width, activation: 'gelu' }).apply(normal);
    x = tf.layers.add().apply([x, tf.layers.dense({ units: width }).apply(wide)]);
  }
  const logits = tf.layers.dense({ units: size }).apply(tf.layers.layerNormalization().apply(x));
  return tf.model({ inputs: ids, outputs: logits, name: 'gpt' });
}

/** Batches of random pieces of the text: letters, and the letters that follow them. Without end. */
function* pieces(ids: Int32Array, batch: number, length: number) {
  for (let step = 0; ; step++) {
    const starts = tf.randomUniform([batch], 0, ids.length - length, 'int32', step).dataSync();
    const rows = (shift: number) => Array.from(starts, (s) => ids.subarray(s + shift, s + shift + length));
    const xs = tf.tensor2d(rows(0), [batch, length], 'int32');
    yield { xs, ys: tf.tensor2d(rows(1), [batch, length], 'int32') };
  }
}

/** Writes on: draws letter after letter, each from what the model expects after those before. */
async function write(
  model: tf.LayersModel,
  start: readonly number[],
  letters: number,
  context: number,
): Promise<number[]> {
  const text = [...start];
  for (let i = 0; i < letters; i++) {
    const last = text.slice(-context);
    // What stands behind the last letter is not looked at.
    const input = tf.tensor([[...last, ...new Array(context - last.length).fill(0)]], [1, context], 'int32');
    const logits = model
      .predict(input)
      .slice([0, last.length - 1, 0], [1, 1, -1])
      .reshape([1, -1]);
    // A little less daring than the probabilities themselves.
    text.push((await tf.multinomial(logits.div(0.8), 1).data())[0]);
  }
  return text;
}

/** Trains on nine tenths of the text; gives the loss a letter on the rest, that of single letters, and a sample. */
export async function run(given: typeof settings) {
  const { steps, batchSize, context, letters, threads } = given;
  tf.setRandomSeed(1);
  const { ids, alphabet, places } = corpus();
  const cut = Math.floor(ids.length * 0.9);
  const model = network(alphabet.length, given);
  model.summary();
  model.compile({
    optimizer: tf.optimizers.adamw({
      learningRate: new tf.optimizers.schedules.CosineDecay({
        initialLearningRate: 0,
        warmupTarget: 0.003,
        warmupSteps: Math.ceil(steps / 20),
        decaySteps: steps,
      }),
      weightDecay: 0.01,
      globalClipnorm: 1,
    }),
    loss: new tf.losses.SparseCategoricalCrossentropy({ fromLogits: true }),
    threads,
  });
  const epochs = Math.ceil(steps / 100);
  const { history } = await model.fitDataset(pieces(ids.subarray(0, cut), batchSize, context), {
    epochs,
    batchesPerEpoch: Math.ceil(steps / epochs),
  });

  const test = await model.evaluateDataset(pieces(ids.subarray(cut), batchSize, context), { batches: 20 });
  const [loss, unigrams] = [(await test.data())[0], unigramLoss(ids, alphabet.length)];
  console.log(`text not seen: loss a letter ${loss.toFixed(3)}; of letters one by one ${unigrams.toFixed(3)}`);
  const start = Array.from('The program ', (c) => places.get(c) as number);
  const written = await write(model, start, letters, context);
  const sample = written.map((i) => alphabet[i]).join('');
  console.log(sample);
  return { loss, unigrams, sample, history };
}

await main(import.meta.url, run, settings);
