// Running reductions, sorting, topk and searchSorted for users: values, order, errors, gradients.

import * as tf from 'sinter';
import { describe, expect, it } from 'vitest';
import { close, equalTo, errorOf } from './helpers.ts';

describe('running reductions', () => {
  const x = [
    [1, 2, 3],
    [4, 5, 6],
  ];
  it('sums and products along axes', () => {
    equalTo(tf.cumsum(x), [
      [1, 2, 3],
      [5, 7, 9],
    ]);
    equalTo(tf.cumsum(x, 1), [
      [1, 3, 6],
      [4, 9, 15],
    ]);
    equalTo(tf.cumsum(x, -1, true, true), [
      [5, 3, 0],
      [11, 6, 0],
    ]);
    equalTo(tf.cumprod(x, 1), [
      [1, 2, 6],
      [4, 20, 120],
    ]);
    equalTo(tf.cumprod(x, 1, true), [
      [1, 1, 2],
      [1, 4, 20],
    ]);
    expect(tf.cumsum([true, true, false]).dtype).toBe('int32');
    equalTo(tf.tensor([1, 2]).cumsum(), [1, 3]);
  });
  it('extremes, NaN included', () => {
    equalTo(tf.cumMax([1, 3, 2, 5]), [1, 3, 3, 5]);
    equalTo(tf.cumMin([3, 1, 2], 0, false, true), [1, 1, 2]);
    equalTo(tf.cumMax([1, Number.NaN, 2]), [1, Number.NaN, Number.NaN]);
    equalTo(tf.cumMax([1, 3], 0, true), [-Infinity, 1]);
  });
  it('logarithms of sums, far from 0', () => {
    close(tf.logCumSumExp([1000, 1000, 0]), [1000, 1000 + Math.log(2), 1000 + Math.log(2)], 3);
    equalTo(tf.logCumSumExp([5, 1], 0, true), [-Infinity, 5]);
    equalTo(tf.logCumSumExp([1, 5], 0, true, true), [5, -Infinity]);
  });
  it('gradients of products with zeros in the line', () => {
    // y = x0, x0 x1, x0 x1 x2, …: the derivative of their sum, term by term.
    const line = [2, 0, 3, 0, 5];
    const want = line.map((_, i) => {
      let sum = 0;
      for (let k = i; k < line.length; k++) sum += line.slice(0, k + 1).reduce((p, v, j) => (j === i ? p : p * v), 1);
      return sum;
    });
    equalTo(tf.grad((t) => tf.cumprod(t))(tf.tensor(line)), want);
    expect(want).toEqual([1, 8, 0, 0, 0]);
  });
  it('the gradient of a running maximum goes to the first of equals', () => {
    equalTo(tf.grad((t) => tf.cumMax(t))(tf.tensor([1, 3, 3, 2, 4])), [1, 3, 0, 0, 1]);
    equalTo(tf.grad((t) => tf.cumMin(t, 0, false, true))(tf.tensor([1, 3, 3, 2, 4])), [1, 0, 0, 3, 1]);
  });
  it('refuses axes that do not exist', () => {
    expect(errorOf(() => tf.cumsum([1, 2], 1)).message).toMatch(/axis 1 is out of range/);
    expect(errorOf(() => tf.logCumSumExp(tf.tensor([1], [1], 'int32')))).toBeInstanceOf(tf.DTypeError);
  });
});

describe('sorting', () => {
  const x = tf.tensor2d([
    [3, 1, 2],
    [9, 7, 8],
  ]);
  it('along any axis, both ways', () => {
    equalTo(tf.sort(x), [
      [1, 2, 3],
      [7, 8, 9],
    ]);
    equalTo(x.sort(0, 'DESCENDING'), [
      [9, 7, 8],
      [3, 1, 2],
    ]);
    equalTo(tf.argsort(x), [
      [1, 2, 0],
      [1, 2, 0],
    ]);
    expect(x.argsort().dtype).toBe('int32');
    equalTo(tf.sort([true, false]), [0, 1]);
  });
  it('is stable, with NaN last and -0 before +0', () => {
    equalTo(tf.argsort([2, 1, 2, 1]), [1, 3, 0, 2]);
    equalTo(tf.argsort([2, 1, 2, 1], 0, 'DESCENDING'), [0, 2, 1, 3]);
    for (const n of [5, 100]) {
      const values = [0, Number.NaN, -0, -Infinity, 1].concat(new Array(n - 5).fill(2));
      const up = tf.sort(values).arraySync();
      expect(up.slice(0, 4)).toEqual([-Infinity, -0, 0, 1]);
      expect(Object.is(up[1], -0)).toBe(true);
      expect(up[n - 1]).toBeNaN();
      expect(tf.sort(values, 0, 'DESCENDING').arraySync()[n - 1]).toBeNaN();
    }
  });
  it('with other values in the order of the keys', () => {
    const { keys, values } = tf.sortByKey(x, tf.tensor2d([[0, 1, 2], [3, 4, 5]], undefined, 'int32')); // biome-ignore format: short
    equalTo(keys, [
      [1, 2, 3],
      [7, 8, 9],
    ]);
    equalTo(values, [
      [1, 2, 0],
      [4, 5, 3],
    ]);
    expect(errorOf(() => tf.sortByKey(x, [1, 2])).message).toMatch(/one shape/);
  });
  it('has the gradient of the permutation', () => {
    const weights = tf.tensor([10, 20, 30]);
    equalTo(tf.grad((t) => tf.mul(tf.sort(t), weights))(tf.tensor([3, 1, 2])), [30, 10, 20]);
  });
  it('refuses scalars and directions that do not exist', () => {
    expect(errorOf(() => tf.sort(3)).message).toMatch(/out of range/);
    expect(errorOf(() => tf.sort(x, 0, 'UP' as 'ASCENDING')).message).toMatch(/direction/);
  });
});

describe('topk', () => {
  it('gives the largest, of equal ones the first', () => {
    const { values, indices } = tf.topk([1, 5, 2, 5, 4], 3);
    equalTo(values, [5, 5, 4]);
    equalTo(indices, [1, 3, 4]);
    expect(indices.dtype).toBe('int32');
    equalTo(tf.topk([[1, 2]]).values, [[2]]);
    equalTo(tf.tensor([Number.NaN, 1]).topk(2).indices, [1, 0]);
  });
  it('selects as sorting does, on rows long and short', () => {
    for (const [n, k] of [
      [70, 20],
      [200, 20],
      [1000, 20],
      [1000, 60],
      [5000, 1000],
    ]) {
      const x = tf
        .randomUniform([3, n])
        .mul(n / 4)
        .floor();
      equalTo(tf.topk(x, k).indices, tf.argsort(x, -1, 'DESCENDING').slice([0, 0], [3, k]).arraySync());
    }
  });
  it('has a gradient, and refuses what does not fit', () => {
    equalTo(tf.grad((t) => tf.topk(t, 2).values)(tf.tensor([1, 3, 2])), [0, 1, 1]);
    expect(errorOf(() => tf.topk(3)).message).toMatch(/scalar/);
    expect(errorOf(() => tf.topk([1, 2], 3)).message).toMatch(/from 0 to 2.*got 3/);
    expect(errorOf(() => tf.topk([1, 2], -1))).toBeInstanceOf(tf.ArgumentError);
  });
});

describe('searchSorted', () => {
  const rows = tf.tensor2d([
    [0, 3, 9, 9, 10],
    [1, 2, 3, 4, 5],
  ]);
  const values = tf.tensor2d([
    [2, 4, 9],
    [0, 2, 6],
  ]);
  it('on either side', () => {
    equalTo(tf.searchSorted(rows, values), [
      [1, 2, 2],
      [0, 1, 5],
    ]);
    equalTo(tf.lowerBound(rows, values), tf.searchSorted(rows, values, 'left').arraySync());
    equalTo(tf.upperBound(rows, values), [
      [1, 2, 4],
      [0, 2, 5],
    ]);
    expect(rows.searchSorted(values).dtype).toBe('int32');
  });
  it('refuses rows that do not pair and other sides', () => {
    expect(errorOf(() => tf.searchSorted(rows, [1, 2])).message).toMatch(/all axes but the last/);
    expect(errorOf(() => tf.searchSorted([1], 1)).message).toMatch(/rank 1 or more/);
    expect(errorOf(() => tf.searchSorted([1], [1], 'both' as 'left'))).toBeInstanceOf(tf.ArgumentError);
  });
});
