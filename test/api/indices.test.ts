// Indices out of range: every function that takes some has a rule, the same eagerly and compiled.

import * as tf from 'sinter';
import { beforeAll, describe, expect, it } from 'vitest';

const ints = (xs: number[], shape?: number[]) => tf.tensor(xs, shape, 'int32');
const x = tf.tensor2d([
  [1, 2],
  [3, 4],
  [5, 6],
]);
const wild = [-1, 0, 3, 2, 2147483647, -2147483648];

beforeAll(() => tf.ready());

interface Rule {
  readonly name: string;
  readonly f: (...args: tf.Tensor[]) => tf.Tensor;
  readonly args: readonly tf.Tensor[];
  readonly want: unknown;
}

/** The rule of each function, the expected elements written by hand. */
const rules: readonly Rule[] = [
  {
    name: 'gather gives zeros',
    f: (t, i) => tf.gather(t, i),
    args: [x, ints(wild)],
    want: [
      [0, 0],
      [1, 2],
      [0, 0],
      [5, 6],
      [0, 0],
      [0, 0],
    ],
  },
  {
    name: 'gather along another axis gives zeros',
    f: (t, i) => tf.gather(t, i, 1),
    args: [x, ints([1, 2, -1])],
    want: [
      [2, 0, 0],
      [4, 0, 0],
      [6, 0, 0],
    ],
  },
  {
    name: 'gather in batches gives zeros',
    f: (t, i) => tf.gather(t, i, 1, 1),
    args: [x, ints([0, 2, -1, 1, 1, 0], [3, 2])],
    want: [
      [1, 0],
      [0, 4],
      [6, 5],
    ],
  },
  {
    name: 'gather of integers gives zeros',
    f: (t, i) => tf.gather(t, i),
    args: [ints([7, 8]), ints([1, 2, -1])],
    want: [8, 0, 0],
  },
  {
    name: 'gather of booleans gives false',
    f: (t, i) => tf.gather(t, i),
    args: [tf.tensor1d([true, true]), ints([1, 2, -1])],
    want: [1, 0, 0],
  },
  {
    name: 'gatherND gives zeros where any part is outside',
    f: (t, i) => tf.gatherND(t, i),
    args: [x, ints([0, 0, 0, 2, 3, 0, -1, 1, 2, 1], [5, 2])],
    want: [1, 0, 0, 0, 6],
  },
  {
    name: 'at counts negative indices from the end, and gives zeros beyond',
    f: (t, i) => t.at(i),
    args: [x, ints([-1, -3, -4, 3])],
    want: [
      [5, 6],
      [1, 2],
      [0, 0],
      [0, 0],
    ],
  },
  {
    name: 'oneHot gives a row of offValue',
    f: (i) => tf.oneHot(i, 3, 5, 1),
    args: [ints([2, 3, -1])],
    want: [
      [1, 1, 5],
      [1, 1, 1],
      [1, 1, 1],
    ],
  },
  {
    name: 'scatterND leaves them out',
    f: (i, u) => tf.scatterND(i, u, [3]),
    args: [ints([0, 3, -1, 0], [4, 1]), tf.tensor1d([1, 2, 4, 8])],
    want: [9, 0, 0],
  },
  {
    name: 'tensorScatterAdd leaves them out',
    f: (t, i, u) => tf.tensorScatterAdd(t, i, u),
    args: [tf.tensor1d([1, 1]), ints([1, 2, -1], [3, 1]), tf.tensor1d([3, 5, 7])],
    want: [1, 4],
  },
  {
    name: 'tensorScatterUpdate leaves them out',
    f: (t, i, u) => tf.tensorScatterUpdate(t, i, u),
    args: [tf.tensor1d([1, 1]), ints([1, 2, -1], [3, 1]), tf.tensor1d([3, 5, 7])],
    want: [1, 3],
  },
  {
    name: 'tensorScatterMax leaves them out',
    f: (t, i, u) => tf.tensorScatterMax(t, i, u),
    args: [tf.tensor1d([1, 1]), ints([1, 2, -1], [3, 1]), tf.tensor1d([3, 5, 7])],
    want: [1, 3],
  },
  {
    name: 'tensorScatterMin leaves them out',
    f: (t, i, u) => tf.tensorScatterMin(t, i, u),
    args: [tf.tensor1d([9, 9]), ints([1, 2, -1], [3, 1]), tf.tensor1d([3, 5, 7])],
    want: [9, 3],
  },
  {
    name: 'sparseToDense leaves them out',
    f: (i, v) => tf.sparseToDense(i, v, [3], 8),
    args: [ints([1, 3, -1]), tf.tensor1d([2, 4, 6])],
    want: [8, 2, 8],
  },
  {
    name: 'unsortedSegmentSum leaves them out',
    f: (t, i) => tf.unsortedSegmentSum(t, i, 2),
    args: [tf.tensor1d([1, 2, 4]), ints([1, 2, -1])],
    want: [0, 1],
  },
  {
    name: 'bincount leaves them out',
    f: (i) => tf.bincount(i, null, 2),
    args: [ints([1, 2, -1, 1])],
    want: [0, 2],
  },
  {
    name: 'confusionMatrix leaves them out',
    f: (l, p) => tf.math.confusionMatrix(l, p, 2),
    args: [ints([0, 1, 2, -1]), ints([1, 1, 0, 0])],
    want: [
      [0, 1],
      [0, 1],
    ],
  },
  {
    name: 'inTopK says no',
    f: (p, t) => tf.inTopK(p, t, 2),
    args: [
      tf.tensor2d([
        [1, 2],
        [1, 2],
        [1, 2],
      ]),
      ints([1, 2, -1]),
    ],
    want: [1, 0, 0],
  },
  {
    name: 'cropAndResize gives zeros for a box of no image',
    f: (i, b, k) => tf.squeeze(tf.image.cropAndResize(i, b, k, [1, 1])),
    args: [
      tf.ones([1, 2, 2, 1]),
      tf.tensor2d([
        [0, 0, 1, 1],
        [0, 0, 1, 1],
        [0, 0, 1, 1],
      ]),
      ints([0, 1, -1]),
    ],
    want: [1, 0, 0],
  },
  {
    name: 'sparseSoftmaxCrossEntropy is NaN',
    f: (l, z) => tf.losses.sparseSoftmaxCrossEntropy(l, z, undefined, tf.Reduction.NONE),
    args: [ints([0, 2, -1]), tf.zeros([3, 2])],
    want: [Math.fround(Math.log(2)), Number.NaN, Number.NaN],
  },
];

describe('indices out of range', () => {
  it.each(rules)('$name', ({ f, args, want }) => {
    const compiled = tf.func((...xs: tf.Tensor[]) => f(...xs));
    for (const y of [f(...args), compiled(...args) as tf.Tensor]) expect(y.arraySync()).toEqual(want);
  });

  it('the gradient of a gather goes nowhere for them', () => {
    const f = (t: tf.Tensor) => tf.sum(tf.mul(tf.gather(t, ints([0, -1, 3, 0])), tf.tensor2d([[1], [10], [100], [2]])));
    const g = tf.func((t: tf.Tensor) => tf.grad(f)(t));
    for (const y of [tf.grad(f)(x), g(x) as tf.Tensor])
      expect(y.arraySync()).toEqual([
        [3, 3],
        [0, 0],
        [0, 0],
      ]);
  });
});
