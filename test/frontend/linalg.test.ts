// tf.linalg for users: values that are known, errors, gradients through composites.

import * as tf from 'sinter';
import { describe, expect, it } from 'vitest';
import { close, equalTo, errorOf } from './helpers.ts';

const { linalg } = tf;
const a = tf.tensor2d([
  [4, 2],
  [2, 3],
]);

describe('systems', () => {
  it('cholesky and what is solved with it', () => {
    const l = linalg.cholesky(a);
    close(l, [
      [2, 0],
      [1, Math.SQRT2],
    ]);
    close(linalg.choleskySolve(l, tf.tensor2d([[8], [7]])), [[1.25], [1.5]]);
    expect(linalg.cholesky(tf.tensor2d([[-1]])).arraySync()).toEqual([[Number.NaN]]);
  });
  it('solve, inv, det, slogdet, lu', () => {
    close(linalg.solve(a, tf.tensor2d([[8], [7]])), [[1.25], [1.5]]);
    close(linalg.solve(tf.tensor2d([[1, 2], [0, 1]]), tf.tensor2d([[1], [1]]), true), [[1], [-1]]); // biome-ignore format: short
    close(tf.matMul(linalg.inv(a), a), [
      [1, 0],
      [0, 1],
    ]);
    close(linalg.det(a), 8);
    const [sign, log] = linalg.slogdet(tf.neg(a).mul([[1], [-1]]));
    close(sign, -1);
    close(log, Math.log(8));
    equalTo(linalg.det(tf.tensor2d([[1, 2], [2, 4]])), 0); // biome-ignore format: short
    const [lu, p] = linalg.lu(tf.tensor2d([[1, 2], [4, 4]])); // biome-ignore format: short
    close(lu, [
      [4, 4],
      [0.25, 1],
    ]);
    equalTo(p, [1, 0]);
  });
  it('batches broadcast', () => {
    const many = tf.stack([a, tf.mul(a, 2)]);
    expect(linalg.solve(many, tf.ones([2, 3])).shape).toEqual([2, 2, 3]);
    expect(linalg.triangularSolve(a, tf.ones([5, 2, 1])).shape).toEqual([5, 2, 1]);
    expect(linalg.det(many).shape).toEqual([2]);
  });
  it('least squares, tall and wide, and the pseudo-inverse', () => {
    // The line through (0, 1), (1, 3), (2, 5): 1 + 2 x.
    const tall = tf.tensor2d([[1, 0], [1, 1], [1, 2]]); // biome-ignore format: short
    close(linalg.lstsq(tall, tf.tensor2d([[1], [3], [5]])), [[1], [2]]);
    // The shortest x with x0 + x1 = 2.
    close(linalg.lstsq(tf.tensor2d([[1, 1]]), tf.tensor2d([[2]])), [[1], [1]]);
    close(tf.matMul(linalg.pinv(tall), tall), [
      [1, 0],
      [0, 1],
    ]);
    close(linalg.pinv(tf.tensor2d([[2, 0], [0, 0]])), [[0.5, 0], [0, 0]]); // biome-ignore format: short
  });
});

describe('orthogonal factorizations', () => {
  it('qr in both forms', () => {
    const x = tf.tensor2d([[3, 1], [4, 2], [0, 2]]); // biome-ignore format: short
    const [q, r] = linalg.qr(x);
    expect([q.shape, r.shape]).toEqual([
      [3, 2],
      [2, 2],
    ]);
    close(tf.matMul(q, r), x.arraySync());
    expect(r.arraySync()[0][0]).toBeCloseTo(-5, 5);
    const [full, tall] = linalg.qr(x, true);
    expect([full.shape, tall.shape]).toEqual([
      [3, 3],
      [3, 2],
    ]);
    close(tf.matMul(full, tall), x.arraySync());
    close(tf.matMul(full, full, true), tf.eye(3).arraySync());
    expect(errorOf(() => tf.grad((t) => linalg.qr(t, true)[0])(x))).toBeInstanceOf(tf.GradientError);
  });
  it('eigh', () => {
    const [e, v] = linalg.eigh(tf.tensor2d([[2, 1], [1, 2]])); // biome-ignore format: short
    close(e, [1, 3]);
    close(tf.abs(v), [
      [Math.SQRT1_2, Math.SQRT1_2],
      [Math.SQRT1_2, Math.SQRT1_2],
    ]);
    close(linalg.eigvalsh(a), [(7 - Math.sqrt(17)) / 2, (7 + Math.sqrt(17)) / 2]);
  });
  it('svd, thin and full', () => {
    const x = tf.randomNormal([4, 2], 0, 1, 'float32', 3);
    const [s, u, v] = linalg.svd(x);
    close(tf.matMul(tf.mul(u, s), v, false, true), x.arraySync());
    const [, full, square] = linalg.svd(x, true);
    expect([full.shape, square.shape]).toEqual([
      [4, 4],
      [2, 2],
    ]);
    close(tf.matMul(full, full, true), tf.eye(4).arraySync());
  });
  it('gramSchmidt of a matrix and of a list', () => {
    const y = linalg.gramSchmidt(tf.tensor2d([[3, 0, 0], [1, -2, 0]])); // biome-ignore format: short
    close(y, [
      [1, 0, 0],
      [0, -1, 0],
    ]);
    const list = linalg.gramSchmidt([tf.tensor1d([0, 2]), tf.tensor1d([5, 1])]);
    close(list[0], [0, 1]);
    close(list[1], [1, 0]);
  });
});

describe('smaller things', () => {
  it('the norm that is the largest singular value', () => {
    close(tf.norm(tf.tensor2d([[3, 0], [0, -4]]), 2, [0, 1]), 4); // biome-ignore format: short
    expect(tf.norm(tf.ones([2, 5, 3]), 2, [0, 2], true).shape).toEqual([1, 5, 1]);
    // All ones: the root of the number of elements.
    close(tf.norm(tf.ones([2, 5, 3]), 2, [0, 2]), new Array(5).fill(Math.sqrt(6)));
  });
  it('diagonals, traces, cross products', () => {
    equalTo(linalg.diagPart(a), [4, 3]);
    equalTo(linalg.trace(a), 7);
    equalTo(linalg.cross([1, 0, 0], [0, 1, 0]), [0, 0, 1]);
    equalTo(linalg.cross([[1, 2, 3]], [[4, 5, 6]]), [[-3, 6, -3]]);
    equalTo(linalg.bandPart(a, 0, 0), [
      [4, 0],
      [0, 3],
    ]);
  });
  it('errors name the shapes', () => {
    expect(errorOf(() => linalg.cholesky(tf.ones([2, 3]))).message).toMatch(/square.*\[2,3\]/);
    expect(errorOf(() => linalg.inv(tf.ones([2])))).toBeInstanceOf(tf.ShapeError);
    expect(errorOf(() => linalg.solve(a, tf.ones([3, 1]))).message).toMatch(/as many rows/);
    expect(errorOf(() => linalg.det(tf.ones([2, 2], 'int32')))).toBeInstanceOf(tf.DTypeError);
    expect(errorOf(() => linalg.gramSchmidt(tf.ones([3, 2]))).message).toMatch(/cannot be orthogonal/);
    expect(errorOf(() => linalg.cross([1, 2], [1, 2]))).toBeInstanceOf(tf.ShapeError);
    expect(errorOf(() => linalg.qr(a, 1 as never))).toBeInstanceOf(tf.ArgumentError);
  });
  it('gradients', () => {
    // d det / dA = det(A) A^-T
    close(tf.grad((t) => linalg.det(t))(a), [
      [3, -2],
      [-2, 4],
    ]);
    // d log|det A| / dA = A^-T
    close(tf.grad((t) => linalg.slogdet(t)[1])(a), [
      [3 / 8, -2 / 8],
      [-2 / 8, 4 / 8],
    ]);
  });
});
