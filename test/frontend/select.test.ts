// Positions, masks, distinct values, segments, counts, scattered writes.

import * as tf from 'sinter';
import { describe, expect, it } from 'vitest';
import { equalTo, errorOf } from './helpers.ts';

const ints = (...v: number[]) => tf.tensor1d(v, 'int32');

describe('what depends on elements', () => {
  it('finds positions', async () => {
    equalTo(
      await tf.whereAsync([
        [true, false],
        [true, true],
      ]),
      [
        [0, 0],
        [1, 0],
        [1, 1],
      ],
    );
    expect((await tf.whereAsync([false, false])).shape).toEqual([0, 1]);
    expect((await tf.whereAsync(tf.scalar(true))).shape).toEqual([1, 0]);
    await expect(tf.whereAsync([1, 0])).rejects.toThrow(/bool/);
  });
  it('masks axes', async () => {
    const x = tf.tensor2d([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
    equalTo(await tf.booleanMaskAsync(x, [true, false, true]), [
      [1, 2],
      [5, 6],
    ]);
    equalTo(tf.booleanMask(x, [false, true], 1), [[2], [4], [6]]);
    equalTo(
      tf.booleanMask(x, [
        [true, false],
        [false, true],
        [false, false],
      ]),
      [1, 4],
    );
    expect(tf.booleanMask(x, [false, false, false]).shape).toEqual([0, 2]);
    expect(() => tf.booleanMask(x, [true, false])).toThrow(/\[2\].*\[3,2\]/s);
    expect(() => tf.booleanMask(x, tf.scalar(true))).toThrow(/scalar/);
    const f = tf.func((m: tf.Tensor) => tf.booleanMask(x, m));
    expect(errorOf(() => f(tf.tensor1d([true, true, false])))).toBeInstanceOf(tf.TraceError);
    const g = tf.func((v: tf.Tensor) => tf.booleanMask(v, [true, false, true]).mul(2));
    equalTo(g(x) as tf.Tensor, [
      [2, 4],
      [10, 12],
    ]);
  });
  it('keeps what is distinct, in order of appearance', () => {
    const { values, indices } = tf.unique([3, 1, 3, NaN, 2, NaN, 1]);
    equalTo(values, [3, 1, NaN, 2]);
    equalTo(indices, [0, 1, 0, 2, 3, 2, 1]);
    const m = tf.tensor2d(
      [
        [1, 2, 1],
        [0, 5, 0],
      ],
      undefined,
      'int32',
    );
    const columns = m.unique(1);
    equalTo(columns.values, [
      [1, 2],
      [0, 5],
    ]);
    equalTo(columns.indices, [0, 1, 0]);
    equalTo(
      tf.unique([
        [1, 2],
        [0, 2],
        [1, 2],
      ]).indices,
      [0, 1, 0],
    );
    equalTo(tf.unique(tf.zeros([0])).values, []);
    expect(() => tf.unique(1)).toThrow(/scalar/);
    expect(errorOf(() => tf.func((t: tf.Tensor) => tf.unique(t).values)(tf.tensor1d([1, 2])))).toBeInstanceOf(
      tf.TraceError,
    );
  });
  it('subtracts sets', async () => {
    const [values, at] = await tf.setdiff1dAsync([1, 2, 3, 2, 5], [2, 5]);
    equalTo(values, [1, 3]);
    equalTo(at, [0, 2]);
    await expect(tf.setdiff1dAsync([1], ints(1))).rejects.toThrow(/float32.*int32/);
    await expect(tf.setdiff1dAsync([[1]], [[1]])).rejects.toThrow(/rank 1/);
  });
  it('looks among the largest', async () => {
    const p = tf.tensor2d([
      [20, 10, 40, 30],
      [30, 50, -20, 10],
    ]);
    equalTo(await tf.inTopKAsync(p, ints(2, 0)), [1, 0]);
    equalTo(tf.inTopK(p, ints(3, 0), 2), [1, 1]);
    equalTo(tf.inTopK(p, ints(0, 4), 3), [1, 0]);
    equalTo(tf.inTopK(p, ints(-1, 3), 4), [0, 1]);
    // Equal ones: the earlier first. NaN is behind everything.
    equalTo(
      tf.inTopK(
        [
          [1, 1, 0],
          [NaN, 2, 1],
        ],
        ints(1, 0),
        1,
      ),
      [0, 0],
    );
    equalTo(
      tf.inTopK(
        [
          [1, 1, 0],
          [NaN, 2, 1],
        ],
        ints(0, 2),
        2,
      ),
      [1, 1],
    );
    const f = tf.func((t: tf.Tensor) => tf.inTopK(p, t, 2));
    equalTo(f(ints(3, 2)) as tf.Tensor, [1, 0]);
    expect(() => tf.inTopK(p, ints(1), 1)).toThrow(/targets \[1\]/);
    expect(() => tf.inTopK(p, ints(1, 1), 5)).toThrow(/from 1 to 4/);
    expect(() => tf.inTopK([1, 2], 0)).toThrow(/rank 2/);
  });
  it('fills with what a function returns', () => {
    let n = 0;
    equalTo(
      tf.rand([2, 2], () => n++),
      [
        [0, 1],
        [2, 3],
      ],
    );
    expect(tf.rand([1], () => 3, 'int32').dtype).toBe('int32');
    expect(() => tf.rand([1], 3 as unknown as () => number)).toThrow(/function/);
  });
});

describe('segments and counts', () => {
  it('sum by id', () => {
    const x = tf.tensor2d([
      [1, 2],
      [3, 4],
      [5, 6],
      [7, 8],
    ]);
    equalTo(tf.unsortedSegmentSum(x, ints(2, 0, 2, -1), 3), [
      [3, 4],
      [0, 0],
      [6, 8],
    ]);
    equalTo(x.unsortedSegmentSum(ints(0, 0, 5, 0), 2), [
      [11, 14],
      [0, 0],
    ]);
    const ids = tf.tensor2d(
      [
        [0, 1],
        [1, 1],
        [0, 0],
        [9, 0],
      ],
      undefined,
      'int32',
    );
    equalTo(tf.unsortedSegmentSum(x, ids, 2), [20, 9]);
    const g = tf.grad((t) => tf.unsortedSegmentSum(t as tf.Tensor, ints(2, 0, 2, -1), 3).mul([[1], [2], [3]]))(x);
    equalTo(g, [
      [3, 3],
      [1, 1],
      [3, 3],
      [0, 0],
    ]);
    expect(() => tf.unsortedSegmentSum(x, ints(0), 2)).toThrow(/\[1\].*\[4,2\]/);
    expect(() => tf.unsortedSegmentSum(x, tf.zeros([4]), 2)).toThrow(/int32/);
  });
  it('count', () => {
    equalTo(tf.bincount(ints(1, 1, 0, 3, -1, 9), [], 4), [1, 2, 0, 1]);
    equalTo(tf.bincount(ints(1, 1, 0), [0.5, 2, 4], 3), [4, 2.5, 0]);
    equalTo(tf.bincount(ints(), null, 2), [0, 0]);
    const m = tf.tensor2d(
      [
        [0, 2, 2],
        [1, 1, 1],
      ],
      undefined,
      'int32',
    );
    equalTo(tf.bincount(m, null, 3), [1, 3, 2]);
    equalTo(tf.denseBincount(m, null, 3), [
      [1, 0, 2],
      [0, 3, 0],
    ]);
    equalTo(tf.denseBincount(m, null, 3, true), [
      [1, 0, 1],
      [0, 1, 0],
    ]);
    equalTo(
      tf.denseBincount(
        m,
        [
          [1, 2, 3],
          [4, 5, 6],
        ],
        3,
      ),
      [
        [1, 0, 5],
        [0, 15, 0],
      ],
    );
    equalTo(tf.denseBincount(ints(2, 2), null, 3), [0, 0, 2]);
    expect(() => tf.bincount([0.5], null, 2)).toThrow(/int32/);
    expect(() => tf.bincount(ints(1, 2), [1], 2)).toThrow(/weights \[1\]/);
    expect(() => tf.bincount(ints(1), null, -1)).toThrow(/size/);
  });
  it('confuse', () => {
    equalTo(tf.math.confusionMatrix(ints(0, 1, 2, 1), ints(0, 2, 2, 1), 3), [
      [1, 0, 0],
      [0, 1, 1],
      [0, 0, 1],
    ]);
    expect(tf.math.confusionMatrix([0], [0], 2).dtype).toBe('int32');
    expect(() => tf.math.confusionMatrix(ints(0), ints(0, 1), 2)).toThrow(/1 labels and 2/);
    expect(() => tf.math.confusionMatrix(ints(0), ints(0), 0)).toThrow(/numClasses/);
  });
});

describe('scattered writes', () => {
  const x = tf.tensor1d([10, 20, 30, 40]);
  const at = tf.tensor2d([[3], [1], [1], [7]], undefined, 'int32');
  it('replace, keep the larger and the smaller', () => {
    equalTo(tf.tensorScatterUpdate(x, at, [1, 2, 3, 4]), [10, 3, 30, 1]);
    equalTo(tf.tensorScatterMax(x, at, [1, 25, 22, 99]), [10, 25, 30, 40]);
    equalTo(tf.tensorScatterMin(x, at, [1, 25, 12, -9]), [10, 12, 30, 1]);
    equalTo(tf.tensorScatterUpdate([true, false], [[1]], [true]), [1, 1]);
    const rows = tf.tensorScatterUpdate(
      tf.zeros([3, 2]),
      [[2], [0]],
      [
        [1, 2],
        [3, 4],
      ],
    );
    equalTo(rows, [
      [3, 4],
      [0, 0],
      [1, 2],
    ]);
    expect(() => tf.tensorScatterUpdate(x, at, ints(1, 2, 3, 4))).toThrow(/float32.*int32/);
    expect(() => tf.tensorScatterUpdate(x, at, [1, 2])).toThrow(/scatter_set_c4/);
  });
  it('have gradients: what was overwritten has none, equal extremes share', () => {
    const u = tf.tensor1d([1, 2, 3, 4]);
    const weights = tf.tensor1d([1, 2, 3, 4]);
    const [dx, du] = tf.grads((a, b) => tf.tensorScatterUpdate(a as tf.Tensor, at, b as tf.Tensor).mul(weights))([
      x,
      u,
    ]);
    equalTo(dx, [1, 0, 3, 0]);
    equalTo(du, [4, 0, 2, 0]);
    const ties = tf.tensor1d([40, 5, 20, 4]);
    const [ex, eu] = tf.grads((a, b) => tf.tensorScatterMax(a as tf.Tensor, at, b as tf.Tensor).mul(weights))([
      x,
      ties,
    ]);
    equalTo(ex, [1, 1, 3, 2]);
    equalTo(eu, [2, 0, 1, 0]);
  });
  it('make dense tensors of sparse ones', () => {
    equalTo(tf.sparseToDense(ints(1, 3), [5, 6], [4], -1), [-1, 5, -1, 6]);
    equalTo(
      tf.sparseToDense(
        [
          [0, 1],
          [1, 0],
        ],
        7,
        [2, 2],
      ),
      [
        [0, 7],
        [7, 0],
      ],
    );
    equalTo(tf.sparseToDense(tf.scalar(2, 'int32'), ints(9), [3]), [0, 0, 9]);
    expect(tf.sparseToDense(ints(1), [true], [2]).dtype).toBe('bool');
    expect(() => tf.sparseToDense(ints(1), [1, 2], [4])).toThrow(/1 indices and values of shape \[2\]/);
    expect(() => tf.sparseToDense([[0, 1]], [1], [4])).toThrow(/name 2 axes/);
  });
});
