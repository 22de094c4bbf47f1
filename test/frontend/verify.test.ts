// tf.verify: programs against the definition of their operations, and against each other's targets.

import * as tf from 'sinter';
import { beforeAll, describe, expect, it } from 'vitest';

beforeAll(() => tf.ready());

/** Softmax and a logarithm apart: WASM's exponential is 0 where the true one is below the smallest normal number. */
const logOfSoftmax = (x: tf.Tensor) => tf.log(tf.softmax(x)).add(1);
const steep = tf.tensor2d([
  [0, -100, 3],
  [1, 2, 3],
]);

describe('verify', () => {
  for (const target of ['wasm', 'webgpu', 'reference'])
    it(`finds a training step on ${target} right, and puts its Variables back`, async () => {
      const w = tf.variable(tf.randomNormal([4, 3], 0, 1, 'float32', 1), true, 'w');
      const before = await w.data();
      const optimizer = tf.train.adam(0.1);
      const step = (x: tf.Tensor) => optimizer.minimize(() => tf.sum(tf.square(tf.matMul(x, w))), true) as tf.Tensor;
      const exe = await tf.compile(step, { inputs: [tf.spec([5, 4])], target });
      const result = await tf.verify(exe, [tf.randomNormal([5, 4], 0, 1, 'float32', 2)]);
      expect(String(result)).toContain('the same');
      expect(result.ok).toBe(true);
      expect(result.firstDiverging).toBeUndefined();
      expect(result.outputs.map((o) => o.name)).toContain('w');
      expect(await w.data()).toEqual(before);
    });

  it('names the worst element and the kernel that it comes from', async () => {
    const exe = await tf.compile(logOfSoftmax, { inputs: [tf.spec([2, 3])] });
    const result = await tf.verify(exe, [steep], { locate: true });
    expect(result.ok).toBe(false);
    const [output] = result.outputs;
    expect(output).toMatchObject({ name: 'output 0', ok: false, size: 6 });
    expect(output.worst).toMatchObject({ at: [0, 1], got: Number.NEGATIVE_INFINITY, error: Number.POSITIVE_INFINITY });
    expect(output.worst?.want).toBeCloseTo(-102.05, 1);
    expect(result.firstDiverging?.ops).toContain('log');
    expect(String(result)).toMatch(
      /DIFFERENT[\s\S]*most at \[0,1\]: -Infinity instead of -102[\s\S]*first diverging kernel/,
    );
  });

  it('says so where no kernel alone is at fault', async () => {
    const exe = await tf.compile((x: tf.Tensor) => tf.sin(x).matMul(x), { inputs: [tf.spec([16, 16])] });
    const x = tf.randomNormal([16, 16], 0, 1, 'float32', 5);
    const result = await tf.verify(exe, [x], { locate: 'always' });
    expect(result.ok).toBe(true);
    expect(result.firstDiverging).toBeNull();
    expect(String(result)).toContain('every kernel alone is within the tolerance');
  });

  it('compares a GPU with WASM, loops and random numbers included', async () => {
    const f = (x: tf.Tensor) => {
      const noise = tf.randomNormal([3], 0, 1, 'float32', 7);
      const ys = tf.scan((s: tf.Tensor, e: tf.Tensor) => s.mul(0.5).add(e), noise, x);
      return { ys, top: tf.topk(x, 2).indices };
    };
    const exe = await tf.compile(f, { inputs: [tf.spec([5, 3])], target: 'webgpu' });
    const result = await tf.verify(exe, [tf.randomNormal([5, 3], 0, 1, 'float32', 3)], {
      against: 'wasm',
      locate: 'always',
    });
    expect(String(result)).toContain('webgpu against wasm');
    expect(result).toMatchObject({ ok: true, firstDiverging: null });
  });

  it('integers must be equal, whatever the tolerance', async () => {
    const exe = await tf.compile((x: tf.Tensor) => tf.cast(tf.round(tf.log(tf.softmax(x))), 'int32'), {
      inputs: [tf.spec([2, 3])],
    });
    const result = await tf.verify(exe, [steep], { tolerance: 1e9 });
    expect(result.ok).toBe(false);
    expect(result.outputs[0].differing).toBe(1);
  });

  it('refuses what it cannot do', async () => {
    const exe = await tf.compile((x: tf.Tensor) => x.add(1), { inputs: [tf.spec([2])] });
    const bad = (f: Promise<unknown>, text: RegExp) => expect(f).rejects.toThrow(text);
    await bad(tf.verify((() => 0) as never, []), /verify: takes what tf.compile gives/);
    await bad(tf.verify(exe, 3 as never), /verify: the inputs must be an array/);
    await bad(tf.verify(exe, []), /takes 1 argument/);
    await bad(tf.verify(exe, [tf.ones([3])]), /must|shape/);
    await bad(tf.verify(exe, [tf.ones([2])], { against: 'cuda' }), /there is no target 'cuda'/);
    await bad(tf.verify(exe, [tf.ones([2])], { tolerance: -1 }), /tolerance must be a number/);
    await bad(tf.verify(exe, [tf.ones([2])], { where: true } as never), /there is no option 'where'/);
  });
});
