// Making tensors and reading them back; random numbers.

import * as tf from 'sinter';
import { describe, expect, it } from 'vitest';
import { close, equalTo, errorOf } from './helpers.ts';

describe('creation', () => {
  it('infers shape and dtype', () => {
    const t = tf.tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    expect([t.shape, t.dtype, t.rank, t.size]).toEqual([[2, 3], 'float32', 2, 6]);
    expect(tf.tensor([true, false]).dtype).toBe('bool');
    expect(tf.tensor(new Int32Array([1, 2])).dtype).toBe('int32');
    expect(tf.tensor(new Float64Array([1])).dtype).toBe('float64');
    expect(tf.tensor([[]]).shape).toEqual([1, 0]);
    expect(tf.tensor([1, 2, 3, 4], [2, 2]).arraySync()).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(tf.tensor3d([1, 2, 3, 4], [1, 2, 2], 'int32').shape).toEqual([1, 2, 2]);
    expect(tf.tensor([new Float32Array([1, 2]), new Float32Array([3, 4])]).shape).toEqual([2, 2]);
  });
  it('is immutable: the source and what is read are copies', () => {
    const source = new Float32Array([1, 2]);
    const t = tf.tensor(source);
    source[0] = 9;
    t.dataSync()[1] = 9;
    expect(t.arraySync()).toEqual([1, 2]);
  });
  it('reads back', async () => {
    const t = tf.tensor2d([
      [1, 2],
      [3, 4],
    ]);
    expect(await t.array()).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(await t.data()).toEqual(new Float32Array([1, 2, 3, 4]));
    expect(tf.scalar(7).arraySync()).toBe(7);
    expect(tf.tensor1d([true, false]).dataSync()).toEqual(new Uint8Array([1, 0]));
    expect(`${+tf.scalar(3)}`).toBe('3');
    t.dispose();
    expect(t.isDisposed).toBe(false);
  });
  it('fills', () => {
    equalTo(tf.zeros([2]), [0, 0]);
    expect(tf.ones([1], 'bool').dtype).toBe('bool');
    equalTo(tf.fill([2], 3), [3, 3]);
    equalTo(tf.eye(2), [
      [1, 0],
      [0, 1],
    ]);
    expect(tf.eye(2, 3, [4]).shape).toEqual([4, 2, 3]);
    equalTo(tf.linspace(0, 1, 5), [0, 0.25, 0.5, 0.75, 1]);
    equalTo(tf.range(0, 3), [0, 1, 2]);
    equalTo(tf.range(3, 0), [3, 2, 1]);
    equalTo(tf.range(0, 5, 2, 'int32'), [0, 2, 4]);
    equalTo(tf.onesLike(tf.tensor1d([4, 5], 'int32')), [1, 1]);
    equalTo(tf.zerosLike([4, 5]), [0, 0]);
  });
  it('prints as TensorFlow.js does', () => {
    expect(
      String(
        tf.tensor2d([
          [1, 2.5],
          [10, 4],
        ]),
      ),
    ).toBe('Tensor\n    [[1 , 2.5],\n     [10, 4  ]]');
    expect(tf.scalar(3).toString()).toBe('Tensor\n    3');
    expect(tf.tensor1d([true]).toString(true)).toContain('dtype: bool');
    expect(tf.range(0, 30).toString()).toBe('Tensor\n    [0, 1, 2, ..., 27, 28, 29]');
    expect(tf.zeros([0]).toString()).toBe('Tensor\n    []');
  });
});

describe('bad data', () => {
  const cases: [string, () => unknown, new (...a: never[]) => Error, RegExp][] = [
    [
      'ragged rows',
      () => tf.tensor([[1, 2], [3]]),
      tf.ShapeError,
      /element \[1\] has 1 elements where its neighbours have 2/,
    ],
    ['uneven depth', () => tf.tensor([[1], 2] as number[][]), tf.ShapeError, /element \[1\] is 2/],
    ['a wrong shape', () => tf.tensor([1, 2, 3], [2, 2]), tf.ShapeError, /4 elements, the data has 3/],
    [
      'another nesting',
      () =>
        tf.tensor(
          [
            [1, 2],
            [3, 4],
          ],
          [4, 1],
        ),
      tf.ShapeError,
      /\[2,2\] is not the given shape \[4,1\]/,
    ],
    ['a flat tensor2d', () => tf.tensor2d([1, 2]), tf.ShapeError, /tensor2d.*give the shape/s],
    [
      'NaN as int32',
      () => tf.tensor([1, Number.NaN], undefined, 'int32'),
      tf.DTypeError,
      /element 1 is NaN, which int32 cannot hold/,
    ],
    ['a fraction as int32', () => tf.scalar(1.5, 'int32'), tf.DTypeError, /1\.5/],
    ['an unknown dtype', () => tf.zeros([1], 'float8' as 'float32'), tf.DTypeError, /no dtype 'float8'/],
    ['a string', () => tf.tensor(['a'] as never), tf.ArgumentError, /string "a"/],
    ['null', () => tf.add(null as never, 1), tf.ArgumentError, /argument 'a'.*null/],
    ['a promise', () => tf.relu(Promise.resolve(1) as never), tf.ArgumentError, /Promise/],
    ['a negative shape', () => tf.zeros([-1]), tf.ShapeError, /\[-1\]/],
    ['step 0', () => tf.range(0, 1, 0), tf.ArgumentError, /step/],
    ['array of tensors', () => tf.add([tf.scalar(1)] as never, 1), tf.ArgumentError, /tf\.stack/],
  ];
  it.each(cases)('%s', (_, f, type, text) => {
    const e = errorOf(f);
    expect(e).toBeInstanceOf(type);
    expect(e.message).toMatch(text);
    expect(e.message).toContain('tensor.test.ts');
  });
});

describe('bad operands', () => {
  const m = tf.ones([2, 3]);
  const cases: [string, () => unknown, new (...a: never[]) => Error, RegExp][] = [
    [
      'shapes that do not broadcast',
      () => m.add(tf.ones([2])),
      tf.ShapeError,
      /add: shapes \[2,3\] and \[2\] do not broadcast/,
    ],
    ['inner dimensions', () => m.matMul(m), tf.ShapeError, /matMul: inner dimensions 3 and 2 differ/],
    ['ranks', () => tf.matMul([1], m), tf.ShapeError, /matMul.*rank 2/],
    ['an axis', () => m.sum(2), tf.ShapeError, /sum: axis 2 is out of range for rank 2.*from -2 to 1/s],
    ['a negative axis', () => m.argMax(-3), tf.ShapeError, /axis -3/],
    ['a doubled axis', () => m.mean([0, -2]), tf.ShapeError, /twice/],
    [
      'a dtype',
      () => tf.sqrt(tf.scalar(4, 'int32')),
      tf.DTypeError,
      /sqrt: argument 'x' must be a float tensor, got int32/,
    ],
    ['logic on numbers', () => tf.logicalAnd(1, 0), tf.DTypeError, /logicalAnd.*bool/],
    ['sums of booleans', () => tf.add(true, false), tf.DTypeError, /add.*bool/s],
    ['reshape', () => m.reshape([4, 2]), tf.ShapeError, /6 elements of shape \[2,3\]/],
    ['squeeze', () => m.squeeze([0]), tf.ShapeError, /axis 0 of \[2,3\] has 2/],
    ['transpose', () => m.transpose([0, 0]), tf.ShapeError, /perm \[0,0\]/],
    ['slice', () => m.slice([0, 2], [1, 2]), tf.ShapeError, /axis 1 of \[2,3\]/],
    ['concat', () => tf.concat([m, tf.ones([3, 2])]), tf.ShapeError, /\[2,3\] and \[3,2\]/],
    ['stack', () => tf.stack([m, tf.ones([2])]), tf.ShapeError, /stack/],
    ['split', () => tf.split(m, 2, 1), tf.ShapeError, /equal parts/],
    [
      'channels',
      () => tf.conv2d(tf.ones([1, 5, 5, 3]), tf.ones([3, 3, 4, 1]), 1, 'same'),
      tf.ShapeError,
      /3 channels.*takes 4/,
    ],
    [
      'a kernel rank',
      () => tf.conv2d(tf.ones([1, 5, 5, 3]), tf.ones([3, 3, 3]), 1, 'same'),
      tf.ShapeError,
      /conv2d.*'filter' must have rank 4/,
    ],
    [
      'padding',
      () => tf.conv2d(tf.ones([1, 5, 5, 3]), tf.ones([3, 3, 3, 1]), 1, 'full' as 'same'),
      tf.ArgumentError,
      /pad must be/,
    ],
    ['float indices', () => tf.gather(m, tf.tensor1d([0])), tf.DTypeError, /int32/],
    ['clip limits', () => tf.clipByValue(m, 2, 1), tf.ArgumentError, /limit/],
    ['loss shapes', () => tf.losses.meanSquaredError([1, 2], [1]), tf.ShapeError, /labels \[2\] and predictions \[1\]/],
    ['an einsum', () => tf.einsum('ij,jk->il', m, m), tf.ArgumentError, /'l'/],
    ['an einsum size', () => tf.einsum('ij,jk->ik', m, m), tf.ShapeError, /'j' has sizes 3 and 2/],
    ['a rate', () => tf.dropout(m, 1), tf.ArgumentError, /rate/],
    ['layerNorm parameters', () => tf.layerNorm(m, -1, tf.ones([2])), tf.ShapeError, /gamma.*\[3\]/],
  ];
  it.each(cases)('%s', (_, f, type, text) => {
    const e = errorOf(f);
    expect(e).toBeInstanceOf(type);
    expect(e.message).toMatch(text);
    expect(e.message).toContain('tensor.test.ts');
  });
  it('refuses to be one number when it is many', () => {
    expect(errorOf(() => +m).message).toMatch(/not one number/);
  });
});

describe('random numbers', () => {
  it('follow from the seed', () => {
    const a = tf.randomUniform([4], 0, 1, 'float32', 7);
    equalTo(a, tf.randomUniform([4], 0, 1, 'float32', 7).arraySync());
    expect(tf.randomUniform([4], 0, 1, 'float32', 8).arraySync()).not.toEqual(a.arraySync());
    tf.setRandomSeed(3);
    const [x, y] = [tf.randomNormal([3]).arraySync(), tf.randomNormal([3]).arraySync()];
    expect(x).not.toEqual(y);
    tf.setRandomSeed(3);
    equalTo(tf.randomNormal([3]), x);
  });
  it('have their distributions', () => {
    const n = 20000;
    const stats = (t: tf.Tensor) => {
      const { mean, variance } = tf.moments(t);
      return [mean.arraySync(), variance.arraySync()];
    };
    const [m, v] = stats(tf.randomNormal([n], 2, 3, 'float32', 1));
    expect(m).toBeCloseTo(2, 0);
    expect(Math.sqrt(v)).toBeCloseTo(3, 0);
    const t = tf.truncatedNormal([n], 0, 1, 'float32', 2);
    expect(t.abs().max().arraySync()).toBeLessThanOrEqual(2);
    expect(stats(t)[1]).toBeCloseTo(0.774, 1);
    const u = tf.randomUniform([n], -2, 4, 'float32', 3);
    expect(u.min().arraySync()).toBeGreaterThanOrEqual(-2);
    expect(u.max().arraySync()).toBeLessThan(4);
    expect(stats(u)[0]).toBeCloseTo(1, 0);
    const i = tf.randomUniform([n], -1, 2, 'int32', 4);
    expect([i.dtype, i.min().arraySync(), i.max().arraySync()]).toEqual(['int32', -1, 1]);
    expect(tf.randomBernoulli([n], 0.25, 5).mean().arraySync()).toBeCloseTo(0.25, 1);
    const c = tf.multinomial(tf.log([0.2, 0.8]), n, 6);
    expect(c.mean().arraySync()).toBeCloseTo(0.8, 1);
  });
  it('of an explicit seed follow from it alone', () => {
    const { random } = tf;
    const seed = [12, -34] as const;
    equalTo(
      random.statelessUniform([5], seed),
      random.statelessUniform([5], tf.tensor1d([12, -34], 'int32')).arraySync(),
    );
    const traced = tf.func((s: tf.Tensor) => random.statelessNormal([2, 3], s, 1, 2));
    equalTo(traced(tf.tensor1d([12, -34], 'int32')), random.statelessNormal([2, 3], seed, 1, 2).arraySync());
    expect(random.statelessNormal([4], [1, 2]).arraySync()).not.toEqual(
      random.statelessNormal([4], [2, 1]).arraySync(),
    );
    expect(random.statelessTruncatedNormal([1000], seed, 5, 0.5).sub(5).abs().max().arraySync()).toBeLessThanOrEqual(1);
    expect(random.statelessGamma([2, 3], seed, [0.5, 1, 2]).min().arraySync()).toBeGreaterThan(0);
    expect(random.statelessBernoulli([100], seed, 1).sum().arraySync()).toBe(100);
    expect(
      random
        .statelessCategorical(
          [
            [0, -1e9],
            [-1e9, 0],
          ],
          3,
          seed,
        )
        .arraySync(),
    ).toEqual([
      [0, 0, 0],
      [1, 1, 1],
    ]);
    const keys = random.split(seed, 3);
    expect([keys.dtype, keys.shape]).toEqual(['uint32', [3, 2]]);
    expect(random.statelessUniform([2], keys.gather(0)).arraySync()).not.toEqual(
      random.statelessUniform([2], keys.gather(1)).arraySync(),
    );
    for (const bad of [[1], [0.5, 1], 7, tf.zeros([2])])
      expect(() => random.statelessUniform([2], bad as never)).toThrow(tf.ArgumentError);
  });
  it('permute and shuffle', () => {
    const { random } = tf;
    for (const n of [0, 1, 2, 1000, 20_000]) {
      const p = random.permutation(n, [n, 1]);
      expect(p.dtype).toBe('int32');
      expect(Array.from(p.dataSync()).sort((x, y) => x - y)).toEqual(Array.from({ length: n }, (_, i) => i));
    }
    const rows = tf.tensor2d([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
    const s = random.shuffle(rows, [3, 4]).arraySync() as number[][];
    expect(s.map((r) => r[1] - r[0])).toEqual([1, 1, 1]);
    expect(s.map((r) => r[0]).sort()).toEqual([1, 3, 5]);
    // The six orders of three, 6,000 seeds: chi-square of 5 degrees of freedom, at one in 1,000.
    const counts = new Map<string, number>();
    for (let seed = 0; seed < 6000; seed++) {
      const order = random.permutation(3, [seed, 7]).dataSync().join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    expect([...counts.values()].reduce((sum, c) => sum + (c - 1000) ** 2 / 1000, 0)).toBeLessThan(20.52);
    expect(() => random.shuffle(3, [1, 2])).toThrow(tf.ShapeError);
    expect(() => random.permutation(-1, [1, 2])).toThrow(tf.ArgumentError);
  });
  it('of shapes and rates, of integers', () => {
    const n = 20000;
    const g = tf.randomGamma([n], 3, 2, 'float32', 1);
    // Mean alpha / beta, variance alpha / beta^2.
    expect(g.mean().arraySync()).toBeCloseTo(1.5, 1);
    expect(tf.moments(g).variance.arraySync()).toBeCloseTo(0.75, 1);
    expect(tf.randomGamma([3], 3, 2, 'float64', 1).dtype).toBe('float64');
    const i = tf.randomNormal([n], 10, 4, 'int32', 2);
    expect(i.dtype).toBe('int32');
    expect(i.mean().arraySync()).toBeCloseTo(10, 0);
    const all = tf.randomUniformInt([n], -(2 ** 31), 2 ** 31, 3);
    expect(all.less(0).mean().arraySync()).toBeCloseTo(0.5, 1);
    expect(tf.multinomial([0.25, 0.75], n, 4, true).mean().arraySync()).toBeCloseTo(0.75, 1);
  });
  it.each([
    ['a rate of 0', () => tf.randomGamma([2], 1, 0)],
    ['a shape parameter of 0', () => tf.randomGamma([2], 0)],
    ['an empty range', () => tf.randomUniformInt([2], 3, 3)],
    ['a range beyond int32', () => tf.randomUniformInt([2], 0, 2 ** 33)],
    ['one class', () => tf.multinomial([0], 3)],
    ['no samples', () => tf.multinomial([0, 1], 0)],
    ['bool normals', () => tf.randomNormal([2], 0, 1, 'bool' as never)],
  ])('refuse %s', (_, f) => expect(f).toThrow(tf.ArgumentError));
  it('drop elements', () => {
    const d = tf.dropout(tf.ones([1000]), 0.25, undefined, 1);
    const kept = d.notEqual(0).sum().arraySync();
    expect(kept).toBeGreaterThan(650);
    expect(kept).toBeLessThan(850);
    expect(d.max().arraySync()).toBeCloseTo(4 / 3, 5);
    const rows = tf.dropout(tf.ones([50, 4]), 0.5, [50, 1], 2);
    equalTo(rows.sum(1).mod(8).sum(), 0);
  });
});

describe('networks', () => {
  const x = tf.range(0, 16).reshape([1, 4, 4, 1]);
  it('convolves', () => {
    const w = tf.ones([2, 2, 1, 1]);
    equalTo(tf.conv2d(x, w, 2, 'valid').flatten(), [10, 18, 42, 50]);
    expect(tf.conv2d(x, w, 1, 'same').shape).toEqual([1, 4, 4, 1]);
    expect(tf.conv2d(x, w, [1, 2], 1).shape).toEqual([1, 5, 3, 1]);
    expect(
      tf.conv2d(x, w, 1, [
        [0, 0],
        [1, 0],
        [0, 0],
        [0, 0],
      ]).shape,
    ).toEqual([1, 4, 3, 1]);
    equalTo(tf.conv2d(x, w, 1, 'valid', 'NHWC', 2).flatten(), [20, 24, 36, 40]);
    const nchw = tf.conv2d(x.reshape([1, 1, 4, 4]), w, 2, 'valid', 'NCHW');
    expect(nchw.shape).toEqual([1, 1, 2, 2]);
    expect(tf.conv2d(x.reshape([4, 4, 1]), w, 2, 'valid').shape).toEqual([2, 2, 1]);
    equalTo(tf.conv1d(tf.tensor2d([[1], [2], [3]]), tf.ones([2, 1, 1]), 1, 'valid'), [[3], [5]]);
    const two = tf.concat([x, x.mul(10)], 3);
    const dw = tf.depthwiseConv2d(two, tf.ones([2, 2, 2, 1]), 2, 'valid');
    equalTo(dw.slice([0, 0, 0, 0], [1, 1, 1, 2]).flatten(), [10, 100]);
    equalTo(
      tf.separableConv2d(two, tf.ones([2, 2, 2, 1]), tf.ones([1, 1, 2, 1]), 2, 'valid').flatten(),
      [110, 198, 462, 550],
    );
  });
  it('convolves transposed: the gradient of convolution', () => {
    const w = tf.randomNormal([3, 3, 2, 4], 0, 1, 'float32', 1);
    for (const [stride, pad] of [
      [1, 'same'],
      [2, 'same'],
      [2, 'valid'],
    ] as const) {
      const input = tf.randomNormal([2, 7, 7, 2], 0, 1, 'float32', 2);
      const y = tf.conv2d(input, w, stride, pad);
      const dy = tf.randomNormal(y.shape, 0, 1, 'float32', 3);
      const want = tf.grad((t) => tf.conv2d(t, w, stride, pad))(input, dy);
      close(tf.conv2dTranspose(dy, w, [2, 7, 7, 2], stride, pad), want.arraySync(), 4);
    }
  });
  it('pools', () => {
    equalTo(tf.maxPool(x, 2, 2, 'valid').flatten(), [5, 7, 13, 15]);
    equalTo(tf.avgPool(x, 2, 2, 'valid').flatten(), [2.5, 4.5, 10.5, 12.5]);
    equalTo(tf.avgPool(tf.ones([1, 3, 3, 1]), 2, 2, 'same').flatten(), [1, 1, 1, 1]);
    expect(tf.maxPool(x.reshape([4, 4, 1]), [3, 3], 1, 'same').shape).toEqual([4, 4, 1]);
    expect(tf.maxPool3d(tf.ones([1, 4, 4, 4, 2]), 2, 2, 'valid').shape).toEqual([1, 2, 2, 2, 2]);
  });
  it('normalizes', () => {
    const t = tf.tensor2d([
      [1, 2],
      [3, 6],
    ]);
    const { mean, variance } = tf.moments(t, 0);
    close(tf.batchNorm(t, mean, variance, [1, 1], [2, 2], 0), [
      [-1, -1],
      [3, 3],
    ]);
    close(tf.batchNorm(t, tf.zeros([2, 1]), tf.ones([2, 1]), undefined, undefined, 0), t.arraySync());
    close(tf.layerNorm(t, -1, undefined, undefined, 0), [
      [-1, 1],
      [-1, 1],
    ]);
    close(tf.layerNorm(t, [0, 1]).sum(), 0);
  });
  it('has the losses of TensorFlow.js', () => {
    const [l, p] = [tf.tensor1d([1, 0, 1]), tf.tensor1d([0.5, 0.5, 2])];
    close(tf.losses.absoluteDifference(l, p), (0.5 + 0.5 + 1) / 3);
    close(tf.losses.meanSquaredError(l, p), (0.25 + 0.25 + 1) / 3);
    close(tf.losses.meanSquaredError(l, p, [1, 0, 1]), (0.25 + 1) / 2);
    close(tf.losses.meanSquaredError(l, p, [1, 0, 1], tf.Reduction.MEAN), 1.25 / 2);
    close(tf.losses.meanSquaredError(l, p, 2, tf.Reduction.MEAN), 0.5);
    close(tf.losses.meanSquaredError(l, p, undefined, tf.Reduction.SUM), 1.5);
    close(tf.losses.meanSquaredError(l, p, undefined, tf.Reduction.NONE), [0.25, 0.25, 1]);
    close(tf.losses.huberLoss(l, p.mul(2)), (0 + 0.5 + 2.5) / 3);
    close(tf.losses.hingeLoss(l, p), (0.5 + 1.5 + 0) / 3);
    close(tf.losses.cosineDistance([[1, 0]], [[0.5, 0.5]], 1), 0.5);
    close(tf.losses.logLoss([1, 0], [0.5, 0.5]), Math.LN2);
    close(tf.losses.sigmoidCrossEntropy([[1, 0]], [[0, 0]]), Math.LN2);
    close(tf.losses.softmaxCrossEntropy([[1, 0]], [[0, 0]]), Math.LN2);
    close(tf.losses.softmaxCrossEntropy([[1, 0]], [[3, 0]], undefined, 0.5), Math.log(1 + Math.exp(-3)) + 0.75);
    close(tf.sparseSoftmaxCrossEntropy([0], [[0, 0]]), Math.LN2);
  });
});
