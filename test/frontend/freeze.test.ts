// tf.compile with `freeze`: Variables that a function only reads become constants of its program.

import * as tf from 'sinter';
import { beforeAll, describe, expect, it } from 'vitest';

beforeAll(() => tf.ready());

const targets = ['wasm', 'reference'];

describe.each(targets)('freeze, %s', (target) => {
  it('keeps the elements of the moment', async () => {
    const w = tf.variable(tf.tensor2d([1, 2, 3, 4], [2, 2]));
    const f = (x: tf.Tensor) => tf.matMul(x, w);
    const inputs = [tf.spec([1, 2])];
    const frozen = await tf.compile(f, { inputs, target, freeze: true });
    const live = await tf.compile(f, { inputs, target });
    const x = tf.tensor2d([1, 1], [1, 2]);
    w.assign(tf.zerosLike(w));
    expect(Array.from((frozen.run(x) as tf.Tensor).dataSync())).toEqual([4, 6]);
    expect(Array.from((live.run(x) as tf.Tensor).dataSync())).toEqual([0, 0]);
  });

  it('leaves Variables that the function assigns', async () => {
    const count = tf.variable(tf.scalar(0));
    const step = tf.variable(tf.scalar(2));
    const same = tf.variable(tf.scalar(true, 'bool'));
    const f = (x: tf.Tensor) => {
      count.assign(tf.add(count, step));
      return tf.where(same, tf.mul(x, count), x);
    };
    const exe = await tf.compile(f, { inputs: [tf.spec([])], target, freeze: true });
    step.assign(tf.scalar(100));
    same.assign(tf.scalar(false, 'bool'));
    const runs = [1, 1, 1].map((v) => (exe.run(tf.scalar(v)) as tf.Tensor).dataSync()[0]);
    expect(runs).toEqual([2, 4, 6]);
    expect(count.dataSync()[0]).toBe(6);
  });
});

it('a frozen model arranges its weights when it is compiled', async () => {
  const model = tf.sequential({
    layers: [
      tf.layers.conv2d({ filters: 16, kernelSize: 3, padding: 'same', activation: 'relu', inputShape: [12, 12, 8] }),
      tf.layers.flatten(),
      tf.layers.dense({ units: 10 }),
    ],
  });
  const inputs = [tf.spec([4, 12, 12, 8])];
  const x = tf.randomUniform([4, 12, 12, 8], -1, 1, 'float32', 3);
  const frozen = await tf.compile(model, { inputs, freeze: true });
  const live = await tf.compile(model, { inputs });
  expect(frozen.plan.stateBytes).toBe(0);
  expect(live.plan.stateBytes).toBeGreaterThan(0);
  const [a, b] = [frozen, live].map((e) => (e.run(x) as tf.Tensor).dataSync());
  b.forEach((v, i) => {
    expect(a[i]).toBeCloseTo(v, 5);
  });
});

it('says what is no option', async () => {
  const f = (x: tf.Tensor) => x;
  await expect(tf.compile(f, { inputs: [tf.spec([1])], freeze: 1 as unknown as boolean })).rejects.toThrow(
    /freeze must be true or false/,
  );
  const misspelt = { inputs: [tf.spec([1])], treads: 2 } as unknown as { inputs: tf.TensorSpec[] };
  await expect(tf.compile(f, misspelt)).rejects.toThrow(/there is no option 'treads'.*threads/s);
});
