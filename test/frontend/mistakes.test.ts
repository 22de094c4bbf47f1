// What a new user gets wrong about tf.compile, and what the error says.

import * as tf from 'sinter';
import { expect, it } from 'vitest';

const add = (x: tf.Tensor) => x.add(1);

it.each([0, -1, 1.5, Number.NaN, 1000, 'two', '2'])('refuses threads: %s', async (threads) => {
  const inputs = [tf.spec([4])];
  await expect(tf.compile(add, { inputs, threads: threads as number })).rejects.toMatchObject({
    name: 'ArgumentError',
    message: expect.stringContaining(
      `threads must be a whole number from 1 to 128, not ${typeof threads === 'string' ? `'${threads}'` : threads}`,
    ),
  });
});

it('says that inputs are missing', async () => {
  await expect(tf.compile(add)).rejects.toMatchObject({
    name: 'ArgumentError',
    message: expect.stringContaining('the function takes 1 argument(s), inputs describes 0'),
    fix: expect.stringContaining('tf.spec'),
  });
});

it('takes functions with optional and static arguments', async () => {
  const scale = (x: tf.Tensor, by = 2) => x.mul(by);
  const exe = await tf.compile(scale, { inputs: [tf.spec([2])] });
  expect(exe.run(tf.tensor1d([1, 2])).arraySync()).toEqual([2, 4]);
  const pick = (x: tf.Tensor, axes: number[]) => x.sum(axes);
  const sum = await tf.compile(pick, { inputs: [tf.spec([2, 3]), [0, 1]] });
  expect(sum.run(tf.ones([2, 3]), [0, 1]).arraySync()).toBe(6);
});

it('suggests tf.spec for a bare shape, and passes on other errors of the function', async () => {
  await expect(tf.compile(add, { inputs: [[2, 3]] })).rejects.toMatchObject({
    name: 'ArgumentError',
    message: expect.stringContaining('argument 0 is the plain array [2,3]'),
    fix: 'describe a tensor of that shape by tf.spec([2,3])',
    cause: expect.any(TypeError),
  });
  const broken = () => {
    throw new TypeError('mine');
  };
  await expect(tf.compile(broken, { inputs: [tf.spec([1])] })).rejects.toThrow(/^mine$/);
});
