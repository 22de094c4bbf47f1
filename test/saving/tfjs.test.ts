// Layers models in TensorFlow.js's layout: with our own writer, with files of Keras's converter, and with training.

import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import * as tf from 'sinter';
import { afterAll, describe, expect, it } from 'vitest';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sinter-tfjs-'));
afterAll(() => fs.rmSync(folder, { recursive: true }));

const L = tf.layers;

function recurrent(): tf.LayersModel {
  const x = tf.input({ shape: [4, 3] });
  const a = L.bidirectional({ layer: L.lstm({ units: 2, returnSequences: true }) }).apply(x);
  const b = L.timeDistributed({ layer: L.dense({ units: 2 }) }).apply(a);
  const shared = L.dense({ units: 2, name: 'shared' });
  const c = L.add().apply([shared.apply(b), shared.apply(b)] as tf.SymbolicTensor[]);
  const d = L.rnn({ cell: [L.gruCell({ units: 2 }), L.lstmCell({ units: 3 })] as never, returnSequences: true }).apply(
    c,
  );
  const e = L.batchNormalization().apply(d);
  const inner = tf.sequential({
    layers: [L.dense({ units: 2, activation: 'relu', inputShape: [4, 3] })],
    name: 'inner',
  });
  const f = inner.apply(e);
  const g = L.multiHeadAttention({ numHeads: 2, keyDim: 2 }).apply([f, f] as tf.SymbolicTensor[]);
  return tf.model({ inputs: x, outputs: [g as tf.SymbolicTensor, d as tf.SymbolicTensor], name: 'recurrent' });
}

const same = (a: tf.Tensor | tf.Tensor[], b: tf.Tensor | tf.Tensor[]) => {
  const list = (x: tf.Tensor | tf.Tensor[]) => (Array.isArray(x) ? x : [x]).map((t) => [...t.dataSync()]);
  expect(list(b)).toEqual(list(a));
};

describe('model.save and loadLayersModel', () => {
  it('give the same model', async () => {
    const model = recurrent();
    const x = tf.randomNormal([2, 4, 3]);
    for (const target of [`file://${folder}/m`, `${folder}/m.sinterck`]) {
      await model.save(target);
      const loaded = await tf.loadLayersModel(target.startsWith('file') ? `${target}/model.json` : target);
      same(model.predict(x), loaded.predict(x));
      expect(loaded.name).toBe('recurrent');
      expect(loaded.toJSON()).toBe(model.toJSON());
    }
    const again = await tf.models.modelFromJSON(model.toJSON());
    again.setWeights(model.getWeights());
    same(model.predict(x), again.predict(x));
    expect((await tf.models.modelFromYAML(await model.toYAML())).toJSON()).toBe(model.toJSON());
  });
});
