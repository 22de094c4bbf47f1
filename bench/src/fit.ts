// What `model.fit` costs beside the step itself: the same model, the same batches, trained by fit and by
// calling its compiled step in a bare loop; and by TensorFlow.js, where it is asked for.

import type { Extra } from './extras.ts';
import { loadSinter } from './peers/sinter.ts';
import { timeText } from './report.ts';
import { textTable } from './table.ts';

const [batch, steps, features, classes] = [64, 50, 784, 10];
const count = batch * steps;

/** Numbers in 0..1 that are the same for all engines. */
function numbers(n: number): Float32Array {
  let s = 1;
  return Float32Array.from({ length: n }, () => {
    s = (Math.imul(s, 1103515245) + 12345) >>> 0;
    return s / 2 ** 32;
  });
}

const images = numbers(count * features);
const labels = Int32Array.from(numbers(count), (x) => Math.floor(x * classes));

const median = (times: number[]): number => times.sort((a, b) => a - b)[times.length >> 1];

type Api = Awaited<ReturnType<typeof loadSinter>>;

function perceptron(tf: Api) {
  const model = tf.sequential({
    layers: [
      tf.layers.dense({ units: 512, activation: 'relu', inputShape: [features] }),
      tf.layers.dense({ units: 512, activation: 'relu' }),
      tf.layers.dense({ units: classes, activation: 'softmax' }),
    ],
  });
  model.compile({ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
  return model;
}

/** One epoch a call, of both ways. */
async function ours(tf: Api): Promise<{ fit: () => Promise<void>; bare: () => void }> {
  const model = perceptron(tf);
  const x = tf.tensor(images, [count, features]);
  const y = tf.tensor(labels);
  const fit = async () => void (await model.fit(x, y, { epochs: 1, batchSize: batch, verbose: 0 }));
  await fit();
  const specs = [[tf.spec([batch, features])], [tf.spec([batch], 'int32')], [null]];
  const step = await tf.compile(model.trainFunction(), { inputs: specs });
  const batches = Array.from({ length: steps }, (_, i) => {
    const [from, to] = [i * batch, (i + 1) * batch];
    return [
      tf.tensor(images.subarray(from * features, to * features), [batch, features]),
      tf.tensor(labels.subarray(from, to)),
    ] as const;
  });
  return {
    fit,
    bare: () => {
      for (const [a, b] of batches) (step.run([a], [b], [null]) as { dataSync(): unknown }).dataSync();
    },
  };
}

/** What another engine is trained on. */
export interface PeerData {
  readonly images: Float32Array;
  readonly labels: Int32Array;
  readonly features: number;
  readonly classes: number;
  readonly batch: number;
}

/** The same by TensorFlow.js; its package is installed with the peers only. */
async function theirs(): Promise<() => Promise<void>> {
  const file = './peers/tfjs-fit.ts';
  const peer = (await import(file)) as { tfjsFit(data: PeerData): Promise<() => Promise<void>> };
  return peer.tfjsFit({ images, labels, features, classes, batch });
}

export const fit: Extra = {
  name: 'fit',
  about: `model.fit against a bare loop over its compiled step: a perceptron, batch ${batch}`,
  async run({ engines, quick }) {
    if (!engines.includes('sinter')) return undefined;
    const { fit: ourFit, bare } = await ours(await loadSinter());
    const theirFit = engines.includes('tfjs-wasm') ? await theirs() : undefined;
    const ways: [string, () => unknown][] = [
      ['bare step', bare],
      ['model.fit', ourFit],
      ...(theirFit ? [['TensorFlow.js, model.fit', theirFit] as [string, () => unknown]] : []),
    ];
    const times = new Map<string, number[]>(ways.map(([name]) => [name, []]));
    for (let round = 0; round < (quick ? 7 : 15); round++)
      for (const [name, run] of ways) {
        // The peer is slow: fewer of its rounds tell as much.
        if (round > 3 && run === theirFit) continue;
        const t = performance.now();
        await run();
        (times.get(name) as number[]).push((performance.now() - t) / steps);
      }
    const table = textTable(['', 'a step', 'of the bare step']);
    const figures: Record<string, number> = {};
    const base = median(times.get('bare step') as number[]);
    for (const [name] of ways) {
      const ms = median(times.get(name) as number[]);
      figures[name] = ms;
      table.push([name, timeText(ms), (ms / base).toFixed(3)]);
    }
    console.log(table.toString());
    return figures;
  },
};
