// Tensors that stay on the device between programs.

import * as tf from 'sinter';
import { describe, expect, it } from 'vitest';
import { errorOf } from './helpers.ts';

const n = 1 << 14;

describe('large results', () => {
  it('are read when they are asked for, and flow from program to program', async () => {
    const double = await tf.compile((x: tf.Tensor) => x.mul(2), { inputs: [tf.spec([n])] });
    const x = tf.range(0, n);
    const a = double.run(x) as tf.Tensor;
    expect(a.host).toBe(undefined);
    const b = double.run(a) as tf.Tensor;
    const c = double.run(b.reshape([4, n / 4]).reshape([n])) as tf.Tensor;
    // Later runs leave earlier results as they were.
    expect(c.dataSync()[3]).toBe(24);
    expect(b.dataSync()[3]).toBe(12);
    expect(a.dataSync()[n - 1]).toBe(2 * (n - 1));
    expect(x.dataSync()[5]).toBe(5);
  });
  it('are the same whatever the inputs lie', async () => {
    const f = await tf.compile((x: tf.Tensor, y: tf.Tensor) => [x.add(y), x, y.sub(x).sum()], {
      inputs: [tf.spec([n]), tf.spec([n])],
    });
    const [x, y] = [tf.ones([n]), tf.fill([n], 3)];
    for (let i = 0; i < 4; i++) {
      const [s, same, d] = f.run(x, i === 3 ? (f.run(x, y) as tf.Tensor[])[0].sub(1) : y) as tf.Tensor[];
      expect([s.dataSync()[7], same.dataSync()[n - 1], d.dataSync()[0]]).toEqual([4, 1, 2 * n]);
    }
  });
  it('may be disposed of, once or twice; what shares its elements stays', async () => {
    const f = await tf.compile((x: tf.Tensor) => x.add(1), { inputs: [tf.spec([n])] });
    const x = tf.zeros([n]);
    const a = f.run(x) as tf.Tensor;
    a.dispose();
    a.dispose();
    expect(a.isDisposed).toBe(true);
    expect(errorOf(() => a.dataSync()).message).toMatch(/disposed of/);
    const b = f.run(x) as tf.Tensor;
    const view = b.reshape([n, 1]);
    b.dispose();
    view.dispose();
    expect(b.dataSync()[3]).toBe(1);
    const kept = f.run(x) as tf.Tensor;
    kept.dataSync();
    tf.dispose({ list: [kept] });
    expect(kept.dataSync()[3]).toBe(1);
  });
  it('stay readable where a function gave its argument back', async () => {
    const f = await tf.compile((x: tf.Tensor) => x.add(1), { inputs: [tf.spec([n])] });
    const zeros = tf.zeros([n]);
    for (const same of [
      (x: tf.Tensor) => x.clone(),
      (x: tf.Tensor) => x.toFloat(),
      (x: tf.Tensor) => x.reshape([n]),
      (x: tf.Tensor) => tf.concat([x]),
      (x: tf.Tensor) => x.slice([0], [n]),
    ]) {
      const x = f.run(zeros) as tf.Tensor;
      const y = same(x);
      x.dispose();
      expect(y.dataSync()[n - 1]).toBe(1);
    }
  });
  it('take bounded memory when nobody collects them', async () => {
    const big = 1 << 20;
    const f = await tf.compile((x: tf.Tensor) => x.add(1), { inputs: [tf.spec([big])] });
    const x = tf.zeros([big]);
    const all = Array.from({ length: 80 }, () => f.run(x) as tf.Tensor);
    expect(all.filter((t) => t.host === undefined).length).toBeLessThanOrEqual(64);
    expect(all.every((t) => t.dataSync()[big - 1] === 1)).toBe(true);
  });
});
