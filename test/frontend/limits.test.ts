// The edges of an executable: memory beyond what WebAssembly addresses, and outputs into given arrays.

import { expect, it } from 'vitest';
import * as tf from '../../frontends/index.ts';

it('refuses a program beyond 4 GiB by the op, the bytes and the fix', async () => {
  const big = tf.compile((x: tf.Tensor) => tf.outerProduct(x, x), { inputs: [tf.spec([40000])], target: 'wasm' });
  await expect(big).rejects.toThrow(/mul|dot_general|outer/);
  const again = tf.compile((x: tf.Tensor) => tf.outerProduct(x, x), { inputs: [tf.spec([40000])], target: 'wasm' });
  await expect(again).rejects.toMatchObject({ name: 'MemoryError', fix: expect.stringContaining('smaller batches') });
});

it('refuses tensors that do not fit into memory by a typed error', () => {
  for (const make of [() => tf.zeros([1e6, 1e6]), () => tf.fill([1e5, 1e6], 3), () => tf.range(0, 1e11)])
    expect(make).toThrow(expect.objectContaining({ name: 'MemoryError', fix: expect.stringContaining('smaller') }));
});

it.each(['wasm', 'reference'] as const)('runs into arrays of the caller on %s', async (target) => {
  const w = tf.variable(tf.tensor1d([1, 1, 1]));
  const step = (x: tf.Tensor) => {
    w.assign(w.add(x));
    return { sum: w.sum(), big: w.greater(1.5) };
  };
  const exe = await tf.compile(step, { inputs: [tf.spec([3])], target });
  const sum = new Float32Array(1);
  const big = new Uint8Array(3);
  const x = tf.tensor1d([0, 1, 2]);
  // Leaves by the names of the object's keys.
  exe.run(x);
  exe.runInto([big, sum], x);
  expect(sum[0]).toBe(9);
  expect([...big]).toEqual([0, 1, 1]);
  expect([...w.dataSync()]).toEqual([1, 3, 5]);
  expect(() => exe.runInto([sum], x)).toThrow(/2 output/);
  expect(() => exe.runInto([sum, big], x)).toThrow(/elements/);
});

it('draws uniform numbers below the upper end, whatever float32 rounds to', () => {
  for (const [lo, hi] of [
    [1000, 1001],
    [-1, 0],
    [-3, -2],
    [0, 1e-40],
  ]) {
    const x = tf.randomUniform([20_000], lo, hi, 'float32', 2).dataSync();
    expect(x.every((v) => v >= lo && v < hi)).toBe(true);
  }
});

it('refuses a traced tensor as the condition of an if, naming its line', () => {
  const f = tf.func((x: tf.Tensor) => (x.sum().greater(0) ? x : x.neg()));
  expect(() => f(tf.tensor1d([1, 2]))).toThrow(expect.objectContaining({ name: 'TraceError', op: 'gt' }));
  expect(() => f(tf.tensor1d([1, 2]))).toThrow(/limits\.test\.ts:.*always takes the same branch/);
  const g = tf.func((x: tf.Tensor) => tf.where(x.sum().greater(0), x, x.neg()));
  expect([...g(tf.tensor1d([-1, -2])).dataSync()]).toEqual([1, 2]);
});

it('refuses an unknown way to treat unconnected gradients', () => {
  const tape = new tf.GradientTape();
  const x = tf.scalar(1);
  expect(() => tape.gradient(x, x, { unconnectedGradients: 'zeros' as 'zero' })).toThrow(/"zeros"/);
});
