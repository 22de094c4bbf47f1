// One program for batches of any size up to a bound: the numbers are those of a program for each size.

import { describe, expect, it } from 'vitest';
import * as tf from '../../frontends/index.ts';
import { load } from '../../runtime/index.ts';

type T = tf.Tensor;
const bound = 11;
const sizes = [1, 2, 7, bound, 5, 1];

/** Numbers that differ, of both signs. */
const numbers = (n: number, seed = 1): Float32Array =>
  Float32Array.from({ length: n }, (_, i) => 2 * Math.sin(seed + i * 1.7));

interface Case {
  readonly inputs: readonly tf.TensorSpec[];
  readonly fn: (...xs: T[]) => T | T[];
}
const spec = (...shape: (number | null)[]) => tf.spec(shape);
const weights = tf.tensor(numbers(6 * 4, 9), [6, 4]);
const filters = tf.tensor(numbers(3 * 3 * 3 * 4, 8), [3, 3, 3, 4]);
const deep = tf.tensor(numbers(3 * 3 * 16 * 16, 8), [3, 3, 16, 16]).mul(0.1);

const cases: Record<string, Case> = {
  elementwise: { inputs: [spec(null, 6), spec(null, 6)], fn: (x, y) => x.mul(y).add(tf.exp(x.neg())) },
  'product, bias, relu': { inputs: [spec(null, 6)], fn: (x) => tf.relu(x.matMul(weights as never).add([1, 2, 3, 4])) },
  softmax: { inputs: [spec(null, 3, 9)], fn: (x) => tf.softmax(x) },
  'layer norm by hand': {
    inputs: [spec(null, 5, 8)],
    fn: (x) => {
      const { mean, variance } = tf.moments(x, -1, true);
      return x.sub(mean).div(tf.sqrt(variance.add(1e-5)));
    },
  },
  convolution: {
    inputs: [spec(null, 9, 9, 3)],
    fn: (x) => tf.relu(tf.conv2d(x as never, filters as never, 1, 'same')),
  },
  'convolution by Winograd, pooled': {
    inputs: [spec(null, 14, 14, 16)],
    fn: (x) => tf.maxPool(tf.relu(tf.conv2d(x as never, deep as never, 1, 'valid')) as never, 2, 2, 'valid'),
  },
  'strided, then flat': {
    inputs: [spec(null, 8, 8, 3)],
    fn: (x) =>
      tf
        .conv2d(x as never, filters as never, 2, 'same')
        .reshape([-1, 4 * 4 * 4])
        .matMul(tf.ones([64, 3])),
  },
  'mean over the batch': { inputs: [spec(null, 6)], fn: (x) => tf.mean(x, 0) },
  'sums, extremes and products over the batch': {
    inputs: [spec(null, 6)],
    fn: (x) => [x.sum(), x.max(0), x.min(), x.div(3).prod(0), x.argMax(0), x.argMin(0)].map((t) => t.cast('float32')),
  },
  'all and any': {
    inputs: [spec(null, 3)],
    fn: (x) => [tf.all(x.greater(-1.99), 0), tf.any(x.greater(1.9), 0)].map((t) => t.cast('float32')),
  },
  'batch statistics': {
    inputs: [spec(null, 4, 6)],
    fn: (x) => {
      const { mean, variance } = tf.moments(x, [0, 1]);
      return x.sub(mean).div(variance.add(0.1).sqrt());
    },
  },
  'Gram matrix': { inputs: [spec(null, 6)], fn: (x) => x.matMul(x, true, false) },
  'pairs in the batch': { inputs: [spec(null, 6)], fn: (x) => x.matMul(x, false, true).sum(1) },
  'running sums over the batch': { inputs: [spec(null, 6)], fn: (x) => tf.cumsum(x, 0) },
  'time first': { inputs: [spec(null, 5, 6)], fn: (x) => tf.transpose(x, [1, 0, 2]).mul(2).sum(0) },
  'batch and heads merged': {
    inputs: [spec(null, 4, 6)],
    fn: (x) =>
      x
        .reshape([-1, 6])
        .matMul(weights as never)
        .reshape([-1, 4, 4]),
  },
  attention: {
    inputs: [spec(null, 7, 8)],
    fn: (x) => tf.matMul(tf.softmax(tf.matMul(x, x, false, true).div(Math.sqrt(8))), x),
  },
  'one hot and gather': {
    inputs: [tf.spec([null, 3], 'int32')],
    fn: (x) => tf.gather(tf.tensor(numbers(20), [5, 4]), x as never).add(tf.oneHot(x as never, 4)),
  },
  'index of the batch': {
    inputs: [spec(null, 2)],
    fn: (x) => tf.add(x, tf.range(0, 2)).mul(tf.cumsum(tf.onesLike(x), 0)),
  },
  scan: {
    inputs: [spec(null, 5, 3)],
    fn: (x) => {
      const first = tf.zerosLike(x.slice([0, 0, 0], [-1, 1, 3]).reshape([-1, 3]));
      return tf.transpose(
        tf.scan((h: T, t: T) => tf.tanh(h.add(t)), tf.transpose(x, [1, 0, 2]), first),
        [1, 0, 2],
      );
    },
  },
  // Its iterations hand on what they store.
  'orthogonal bases': { inputs: [spec(null, 4, 3)], fn: (x) => tf.linalg.qr(x) as T[] },
  'rows of the batch, some behind it': {
    inputs: [spec(null, 3), tf.spec([null], 'int32')],
    fn: (x, i) => [tf.gather(x, i as never), tf.gather(x, tf.tensor([0, 2, 6], [3], 'int32') as never)],
  },
  'columns of what is transposed': {
    inputs: [spec(null, 5)],
    fn: (x) => tf.transpose(tf.gather(tf.transpose(x), tf.tensor([3, 1], [2], 'int32') as never)),
  },
  'sorted rows': { inputs: [spec(null, 9)], fn: (x) => tf.topk(x, 3).values },
  'gradient of a mean': {
    inputs: [spec(null, 6), spec(null, 4)],
    fn: (x, y) => tf.grad((w: T) => tf.mean(tf.square(x.matMul(w as never).sub(y))))(weights),
  },
  'gradient of a convolution': {
    inputs: [spec(null, 8, 8, 3)],
    fn: (x) => tf.grad((w: T) => tf.mean(tf.square(tf.conv2d(x as never, w as never, 1, 'same'))))(filters),
  },
  'cross-entropy': {
    inputs: [spec(null, 5), tf.spec([null], 'int32')],
    fn: (x, y) => tf.losses.softmaxCrossEntropy(tf.oneHot(y as never, 5), x),
  },
};

const inputsFor = (c: Case, n: number): (Float32Array | Int32Array)[] =>
  c.inputs.map((s, i) => {
    const size = s.shape.slice(1).reduce<number>((k, d) => k * (d as number), n);
    return s.dtype === 'int32' ? Int32Array.from({ length: size }, (_, k) => (k * 7 + i) % 4) : numbers(size, n + i);
  });

describe('a program with an open batch', () => {
  for (const [name, c] of Object.entries(cases))
    it(name, async () => {
      const { artifact } = await tf.buildArtifact(
        { f: { fn: c.fn as never, inputs: c.inputs } },
        { batch: [1, bound], runtime: 'sinter/runtime' },
      );
      const model = await load(artifact);
      const { f } = model.functions;
      for (const n of sizes) {
        // What stands behind the batch then.
        f.run(Object.fromEntries(f.inputs.map((t, i) => [t.name, inputsFor(c, bound)[i].fill(Number.NaN)])) as never);
        const arrays = inputsFor(c, n);
        const got = f.run(Object.fromEntries(f.inputs.map((t, i) => [t.name, arrays[i]])) as never);
        const lists = ArrayBuffer.isView(got) ? [got as Float32Array] : (Object.values(got) as Float32Array[]);
        const exe = await tf.compile(c.fn as never, {
          inputs: c.inputs.map((s) => tf.spec([n, ...s.shape.slice(1)], s.dtype)),
        });
        const want = exe.run(
          ...arrays.map((a, i) => tf.tensor(a, [n, ...(c.inputs[i].shape.slice(1) as number[])], c.inputs[i].dtype)),
        ) as T | T[];
        (Array.isArray(want) ? want : [want]).forEach((w, i) => {
          const data = w.dataSync();
          expect(lists[i].length, `${name} for ${n}`).toBe(data.length);
          data.forEach((x, k) => {
            expect(
              Math.abs(lists[i][k] - x),
              `${name} for ${n}, output ${i}, element ${k}: ${lists[i][k]} and ${x}`,
            ).toBeLessThan(2e-5 * Math.max(1, Math.abs(x)));
          });
        });
      }
    });

  const refused: Record<string, [Case, RegExp]> = {
    'a reversed batch': [{ inputs: [spec(null, 3)], fn: (x) => tf.reverse(x, 0) }, /reverse.*turns the batch around/],
    'a part of the batch': [{ inputs: [spec(null, 3)], fn: (x) => x.slice([1, 0], [1, 3]) }, /slice.*takes a part/],
    'a batch put behind another': [{ inputs: [spec(null, 3)], fn: (x) => tf.concat([x, x], 0) }, /concat.*batch/],
    'a sorted batch': [
      { inputs: [spec(null, 3)], fn: (x) => tf.topk(tf.transpose(x), 1).values },
      /top_k works across the batch/,
    ],
    'time and batch joined': [
      { inputs: [spec(null, 4, 3)], fn: (x) => tf.transpose(x, [1, 0, 2]).reshape([-1, 3]) },
      /reshape.*joins the batch/,
    ],
    'a loop over the batch': [{ inputs: [spec(null, 3)], fn: (x) => tf.mapFn((r: T) => r.mul(2), x) as T }, /scan/],
    'the batch last': [{ inputs: [spec(null, 3)], fn: (x) => tf.transpose(x) }, /another than the first dimension/],
    'code that looks whether a batch is small': [
      { inputs: [spec(null, 3)], fn: (x) => ((x.shape[0] as number) > 10 ? x.mul(2) : x.exp()) },
      /something else for different sizes/,
    ],
    'sizes that stop growing': [
      { inputs: [spec(null, 3)], fn: (x) => x.mul(Math.min(x.shape[0] as number, 10)) },
      /no simple law/,
    ],
    'code that looks at the size': [
      { inputs: [spec(null, 3)], fn: (x) => ((x.shape[0] as number) > 65 ? x.mul(2) : x.exp()) },
      /something else for different sizes/,
    ],
  };
  for (const [name, [c, message]] of Object.entries(refused))
    it(`refuses ${name}`, async () => {
      const build = tf.buildArtifact({ f: { fn: c.fn as never, inputs: c.inputs } }, { batch: [1, 4], runtime: 'x' });
      await expect(build).rejects.toThrow(message);
      await expect(build).rejects.toBeInstanceOf(tf.CompileError);
    });

  it('refuses batches that do not fit', async () => {
    const fn = (x: T, y: T) => x.add(y);
    const { artifact } = await tf.buildArtifact(
      { f: { fn: fn as never, inputs: [spec(null, 3), spec(null, 3)] } },
      { batch: [1, 4], runtime: 'x' },
    );
    const { f } = (await load(artifact)).functions;
    const run = (a: number, b: number) => () => f.run({ x0: new Float32Array(a), x1: new Float32Array(b) });
    expect(run(15, 15)).toThrow(/3 elements for each of 1 to 4/);
    expect(run(0, 0)).toThrow(/1 to 4/);
    expect(run(4, 3)).toThrow(/3 elements for each/);
    expect(run(6, 3)).toThrow(/input 1 is a batch of 1, an input before it one of 2/);
    expect(run(12, 12)()).toHaveLength(12);
  });
});
