// int8, uint8 and float16 tensors as users meet them.

import * as tf from 'sinter';
import { describe, expect, it } from 'vitest';

describe('creation', () => {
  it('keeps dtype and elements', () => {
    const t = tf.tensor(
      [
        [1, -2],
        [127, -128],
      ],
      undefined,
      'int8',
    );
    expect([t.dtype, t.shape]).toEqual(['int8', [2, 2]]);
    expect(t.dataSync()).toEqual(Int8Array.of(1, -2, 127, -128));
    expect(tf.tensor(Uint8Array.of(0, 255), [2], 'uint8').dataSync()).toEqual(Uint8Array.of(0, 255));
    // As in TensorFlow.js, bytes are int32 where nothing else is asked for.
    expect(tf.tensor(Uint8Array.of(0, 255)).dtype).toBe('int32');
    expect(tf.tensor(Int8Array.of(-1)).dtype).toBe('int32');
  });
  it('rounds float16, and gives it back as a Float32Array', async () => {
    const t = tf.tensor([0.1, 65504, 1e6, -1e-9], undefined, 'float16');
    const want = Float32Array.of(0.0999755859375, 65504, Infinity, -0);
    expect(t.dataSync()).toEqual(want);
    expect(await t.data()).toEqual(want);
    expect(tf.ones([2], 'float16').arraySync()).toEqual([1, 1]);
  });
  it.each([
    [[128], 'int8'],
    [[-129], 'int8'],
    [[1.5], 'int8'],
    [[-1], 'uint8'],
    [[256], 'uint8'],
  ] as const)('refuses %j as %s', (data, dtype) => {
    expect(() => tf.tensor(data as unknown as number[], undefined, dtype)).toThrow(tf.DTypeError);
    expect(() => tf.tensor(data as unknown as number[], undefined, dtype)).toThrow(`which ${dtype} cannot hold`);
  });
});

describe('casts', () => {
  it('float to int truncates, and beyond the range keeps the low bits', () => {
    const x = tf.tensor([1.9, -1.9, 300, -129, NaN]);
    expect(x.cast('int8').arraySync()).toEqual([1, -1, 44, 127, 0]);
    expect(x.cast('uint8').arraySync()).toEqual([1, 255, 44, 127, 0]);
    expect(tf.tensor([2.5, 0]).cast('float16').cast('bool').arraySync()).toEqual([1, 0]);
    expect(tf.tensor([-3, 5], undefined, 'int8').toFloat().arraySync()).toEqual([-3, 5]);
  });
});

describe('operations', () => {
  const a = () => tf.tensor([1, 2, 3], undefined, 'int8');
  it('move elements', () => {
    expect(tf.concat([a(), a()]).dtype).toBe('int8');
    expect(tf.gather(a(), tf.tensor1d([2, 0], 'int32')).arraySync()).toEqual([3, 1]);
    expect(a().reverse().reshape([3, 1]).transpose().arraySync()).toEqual([[3, 2, 1]]);
    expect(tf.where(tf.tensor([true, false, true]), a(), tf.zerosLike(a())).arraySync()).toEqual([1, 0, 3]);
    expect(tf.pad(a(), [[1, 1]], 9).arraySync()).toEqual([9, 1, 2, 3, 9]);
  });
  it('compute only after a cast', () => {
    expect(() => tf.add(a(), a())).toThrow(tf.DTypeError);
    expect(() => tf.add(a(), 1)).toThrow(/cast/);
    expect(() => tf.matMul(a().reshape([1, 3]), a().reshape([3, 1]))).toThrow(tf.DTypeError);
    expect(() => tf.sum(a())).toThrow(tf.DTypeError);
    expect(() => tf.exp(tf.tensor([1], undefined, 'float16'))).toThrow(/cast/);
  });
});

it('compiled functions and Variables hold them', async () => {
  const w = tf.variable(tf.tensor([0.1, 0.2, 0.3], undefined, 'float16'));
  const f = await tf.compile((x: tf.Tensor) => tf.mul(x, w.cast('float32')).cast('float16'), {
    inputs: [tf.spec([3], 'float32')],
  });
  const y = f.run(tf.tensor([10, 10, 10])) as tf.Tensor;
  expect(y.dtype).toBe('float16');
  // 0.1, 0.2 and 0.3 as float16, times 10, rounded to float16 again.
  expect(Array.from(y.dataSync())).toEqual([1, 2, 3]);
  w.assign(tf.tensor([1, 2, 3], undefined, 'float16'));
  expect(Array.from((f.run(tf.tensor([1, 1, 1])) as tf.Tensor).dataSync())).toEqual([1, 2, 3]);
});
