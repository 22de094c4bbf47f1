// What gradient checkpointing saves: the training step of a deep perceptron that keeps the activations
// between blocks only.

import type { Extra } from './extras.ts';
import { loadSinter } from './peers/sinter.ts';
import { timeText } from './report.ts';
import { textTable } from './table.ts';

type Api = Awaited<ReturnType<typeof loadSinter>>;
type T = ReturnType<Api['tensor']>;

const [layers, batch, units] = [24, 256, 256];

/** A step whose gradient computes blocks of so many layers anew; 0 keeps everything. */
function trainingStep(tf: Api, block: number): (x: T) => T {
  const weights = Array.from({ length: layers }, (_, i) =>
    tf.variable(tf.randomNormal([units, units], 0, 0.06, 'float32', i)),
  );
  const some =
    (from: number, n: number) =>
    (x: T): T =>
      weights.slice(from, from + n).reduce<T>((h, w) => tf.tanh(tf.matMul(h, w)), x);
  const forward = (x: T): T => {
    if (block === 0) return some(0, layers)(x);
    let h = x;
    for (let i = 0; i < layers; i += block) h = tf.recomputeGrad(some(i, block))(h);
    return h;
  };
  const optimizer = tf.train.sgd(0.01);
  return (x) => optimizer.minimize(() => tf.mean(tf.square(forward(x))), true) as T;
}

export const checkpoint: Extra = {
  name: 'checkpoint',
  about: `recomputeGrad: planned memory and time of a ${layers}-layer perceptron's training step`,
  async run({ engines, quick }) {
    if (!engines.includes('sinter')) return undefined;
    const tf = await loadSinter();
    const table = textTable(['layers a block', 'arena', 'of plain', 'step', 'of plain']);
    const figures: Record<string, { arenaBytes: number; ms: number }> = {};
    const x = tf.randomNormal([batch, units], 0, 1, 'float32', 99);
    for (const block of [0, 2, 4, 6, 8]) {
      const exe = await tf.compile(trainingStep(tf, block), { inputs: [tf.spec([batch, units])], threads: 1 });
      const times: number[] = [];
      for (let i = 0; i < (quick ? 5 : 15); i++) {
        const t = performance.now();
        exe.run(x);
        times.push(performance.now() - t);
      }
      const ms = times.sort((a, b) => a - b)[times.length >> 1];
      figures[block] = { arenaBytes: exe.plan.arenaBytes, ms };
      const plain = figures[0];
      table.push([
        block || 'plain',
        `${(exe.plan.arenaBytes / 1024).toFixed(0)} KB`,
        (exe.plan.arenaBytes / plain.arenaBytes).toFixed(2),
        timeText(ms),
        (ms / plain.ms).toFixed(2),
      ]);
    }
    console.log(table.toString());
    return figures;
  },
};
