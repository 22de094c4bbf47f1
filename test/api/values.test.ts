// Values by hand of functions that no other test has, and what they refuse.

import * as tf from 'sinter';
import { describe, expect, it } from 'vitest';
import { close, equalTo } from '../frontend/helpers.ts';

describe('values', () => {
  it('compare and combine', () => {
    equalTo(tf.lessEqual([1, 2, 3, Number.NaN], [2, 2, 2, 2]), [1, 1, 0, 0]);
    equalTo(tf.logicalOr([true, true, false, false], [true, false, true, false]), [1, 1, 1, 0]);
    equalTo(tf.clone([1, 2]), [1, 2]);
    equalTo(tf.reshapeAs([1, 2, 3, 4], tf.zeros([2, 2])), [
      [1, 2],
      [3, 4],
    ]);
  });
  it('pad by rank', () => {
    equalTo(tf.pad1d([1, 2], [1, 2], 9), [9, 1, 2, 9, 9]);
    const side = [
      [1, 0],
      [0, 1],
    ];
    equalTo(tf.pad2d([[1]], side, 5), [
      [5, 5],
      [1, 5],
    ]);
    equalTo(tf.pad3d([[[1]]], [[0, 0], ...side]), [
      [
        [0, 0],
        [1, 0],
      ],
    ]);
    equalTo(tf.pad4d([[[[1]]]], [[0, 0], [0, 0], ...side]), [
      [
        [
          [0, 0],
          [1, 0],
        ],
      ],
    ]);
  });
  it('slice and make by rank', () => {
    const x = tf.tensor4d([1, 2, 3, 4, 5, 6], [1, 3, 2, 1]);
    equalTo(tf.slice4d(x, [0, 1, 0, 0], [1, 2, 1, 1]), [[[[3]], [[5]]]]);
    const six = tf.tensor6d([1, 2], [1, 1, 1, 1, 2, 1]);
    equalTo(six, [[[[[[1], [2]]]]]]);
    expect([six.rank, six.dtype]).toEqual([6, 'float32']);
    expect(() => tf.tensor6d([[1]])).toThrow(/nested 6 deep/);
  });
  it('normalize a batch of rank 3', () => {
    // (x - mean) / sqrt(variance + epsilon) * scale + offset.
    const y = tf.batchNorm3d([[[1, 6]], [[3, 2]]], [1, 2], [3, 15], [10, 20], [4, 8], 1);
    close(y, [[[10, 28]], [[14, 20]]]);
  });
  it('weigh losses', () => {
    const { NONE, MEAN, SUM } = tf.Reduction;
    const l = [1, 2, 4];
    const w = [0, 1, 3];
    equalTo(tf.losses.computeWeightedLoss(l, w, NONE), [0, 2, 12]);
    equalTo(tf.losses.computeWeightedLoss(l, w, SUM), 14);
    equalTo(tf.losses.computeWeightedLoss(l, w, MEAN), 14 / 4);
    // Two weights are not 0.
    equalTo(tf.losses.computeWeightedLoss(l, w, tf.Reduction.SUM_BY_NONZERO_WEIGHTS), 7);
    equalTo(tf.losses.computeWeightedLoss(l, [0, 0, 0]), 0);
  });
  it('make cosine windows', () => {
    // Period 4: cos of 0, 90, 180 and 270 degrees.
    close(tf.cosineWindow(4, 3, 2), [1, 3, 5, 3]);
    // An odd length has a period of one less: 0, 180 and 360 degrees.
    close(tf.cosineWindow(3, 3, 2), [1, 5, 1]);
  });
  it('draw standard normal numbers', () => {
    const x = tf.randomStandardNormal([10_000], 'float32', 3);
    expect(Math.abs(x.mean().arraySync())).toBeLessThan(0.05);
    expect(Math.abs(x.square().mean().arraySync() - 1)).toBeLessThan(0.05);
    equalTo(tf.randomStandardNormal([10_000], 'float32', 3).sub(x).abs().max(), 0);
  });
});

describe('refused', () => {
  const cases: readonly (readonly [string, () => unknown, RegExp, RegExp])[] = [
    ['a decay beyond 1', () => tf.train.adam(0.1, 2), /^adam: beta1 must be at least 0 and less than 1, not 2/, /0.9/],
    [
      'a learning rate NaN',
      () => tf.train.sgd(Number.NaN),
      /^sgd: learningRate must be a finite number, not NaN/,
      /number/,
    ],
    [
      'a mean NaN',
      () => tf.randomNormal([2], Number.NaN),
      /^randomNormal: mean must be a finite number, got NaN/,
      /finite/,
    ],
    [
      'batches that differ',
      () => tf.matMul(tf.ones([2, 3, 4]), tf.ones([3, 4, 5])),
      /^matMul: the leading axes \[2\] and \[3\] of \[2,3,4\] and \[3,4,5\] do not broadcast/,
      /equal, or 1/,
    ],
    [
      'an axis as text',
      () => tf.sum([1], 'x' as never),
      /^sum: axis must be a number or an array of numbers, got 'x'/,
      /leave it out/,
    ],
    ['an equation that is none', () => tf.einsum(3 as never), /^einsum: the equation must be text, got 3/, /ij,jk->ik/],
    ['an unknown dtype', () => tf.zeros([1], 'toString' as never), /^zeros: there is no dtype 'toString'/, /float32/],
    [
      'a tensor too large',
      () => tf.add(tf.zeros([100_000, 1]), tf.zeros([1, 100_000])),
      /does not fit into memory/,
      /smaller/,
    ],
    [
      'a window too large',
      () => tf.maxPool(tf.ones([1, 4, 4, 1]), 1e6, 1, 'same'),
      /^maxPool: a window may have 16777216 elements/,
      /tf.max/,
    ],
    [
      'a loop without a body',
      () => tf.whileLoop(() => true, null as never, [1]),
      /^whileLoop: body must be a function, got null/,
      /function/,
    ],
  ];
  it.each(cases)('%s', (_, f, message, fix) => {
    expect(f).toThrow(
      expect.objectContaining({ message: expect.stringMatching(message), fix: expect.stringMatching(fix) }),
    );
    expect(f).toThrow(tf.SinterError);
  });

  it('a traced tensor read for its elements, naming the method', () => {
    const f = tf.func((x: tf.Tensor) => tf.scalar(x.dataSync()[0]));
    expect(() => f(tf.scalar(1))).toThrow(expect.objectContaining({ name: 'TraceError', op: 'dataSync' }));
  });
});
