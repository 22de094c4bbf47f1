// Files that Keras 3.15 has written (test/saving/keras/make.py): predictions, and training that goes on.

import { readFileSync } from 'node:fs';
import * as tf from 'sinter';
import { beforeAll, describe, expect, it } from 'vitest';

const file = (name: string) => new Uint8Array(readFileSync(new URL(`./keras/${name}`, import.meta.url)));
const list = <T>(x: T | T[]): T[] => (Array.isArray(x) ? x : [x]);
const worst = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  a.length === b.length
    ? Math.max(0, ...Array.from(a, (x, i) => Math.abs(x - b[i]) / (1 + Math.abs(b[i]))))
    : Number.POSITIVE_INFINITY;

beforeAll(() => tf.ready());

interface Labelled {
  readonly xs: tf.Tensor | tf.Tensor[];
  readonly ys: tf.Tensor[];
}
async function labelled(name: string): Promise<Labelled> {
  const z = await tf.npz.load(file(`${name}.npz`));
  const all = (letter: string) => Object.keys(z).flatMap((k) => (k[0] === letter ? [z[k] as tf.Tensor] : []));
  const xs = all('x');
  return { xs: xs.length === 1 ? xs[0] : xs, ys: all('y') };
}
const predicted = (m: tf.LayersModel, { xs }: Labelled): tf.Tensor[] => list<tf.Tensor>(m.predict(xs));
function expectKeras(m: tf.LayersModel, data: Labelled): void {
  const got = predicted(m, data);
  expect(got.length).toBe(data.ys.length);
  got.forEach((t, i) => expect(worst(t.dataSync(), data.ys[i].dataSync())).toBeLessThan(2e-5));
}

describe.each(['conv', 'emb', 'fun', 'rnn', 'state', 'td'])('%s', (name) => {
  it.each(['keras', 'h5'])('as .%s predicts as Keras does, and comes back from our own files', async (format) => {
    const data = await labelled(name);
    const model = await tf.loadLayersModel(file(`${name}.${format}`));
    expectKeras(model, data);
    for (const own of ['keras', 'h5', 'native']) {
      const again = await tf.loadLayersModel(await tf.models.encodeModel(model, own));
      expect(predicted(again, data).map((t) => [...t.dataSync()])).toEqual(
        predicted(model, data).map((t) => [...t.dataSync()]),
      );
    }
  });
  it('gives its weights to a model of the same architecture', async () => {
    const data = await labelled(name);
    const model = await tf.loadLayersModel(file(`${name}.keras`));
    for (const from of [`${name}.keras`, `${name}.h5`, ...(name === 'fun' ? ['fun.weights.h5'] : [])]) {
      model.setWeights(model.getWeights().map((t) => tf.zerosLike(t)));
      await model.loadWeights(file(from));
      expectKeras(model, data);
    }
  });
});

describe('training goes on as in Keras', () => {
  const cases = ['opt_AdamA.keras', 'opt_Nadam.keras', 'opt_RMSpropc.keras', 'opt_SGDm.keras', 'opt_Adam.h5'];
  it.each(cases)('%s', async (name) => {
    const z = await tf.npz.load(file(`${name.split('.')[0]}.npz`));
    const model = await tf.loadLayersModel(file(name));
    const { history } = await model.fit(z.x0 as tf.Tensor, z.y0 as tf.Tensor, {
      epochs: 2,
      shuffle: false,
      batchSize: 4,
      verbose: 0,
    });
    expect(worst(history.loss as number[], z.h.dataSync())).toBeLessThan(1e-5);
    expect(worst(history.mae as number[], z.mae.dataSync())).toBeLessThan(1e-5);
  });
});
