// Jacobians, Hessians and directional derivatives, eagerly and traced.

import * as tf from 'sinter';
import { describe, expect, it } from 'vitest';
import { close, errorOf } from './helpers.ts';

const ways: [string, <A extends unknown[], R>(f: (...a: A) => R) => (...a: A) => R][] = [
  ['eager', (f) => f],
  ['traced', (f) => tf.func(f) as never],
];

describe.each(ways)('%s', (_, wrap) => {
  it('jacobian', () => {
    const a = tf.tensor2d([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
    const f = wrap((x: tf.Tensor) =>
      tf.jacobian((v) =>
        a
          .matMul(v.reshape([2, 1]))
          .reshape([3])
          .square(),
      )(x),
    );
    // d (a x)_i^2 / dx_j = 2 (a x)_i a_ij with a x = [3, 7, 11] at [1, 1].
    close(f(tf.tensor1d([1, 1])), [
      [6, 12],
      [42, 56],
      [110, 132],
    ]);
    close(wrap((x: tf.Tensor) => tf.jacobian(() => tf.ones([2]))(x))(tf.ones([3])), tf.zeros([2, 3]).arraySync());
  });
  it('hessian', () => {
    const f = wrap((x: tf.Tensor) => tf.hessian((v) => v.pow(3).sum().add(v.prod()))(x));
    // 6 x on the diagonal, the third factor elsewhere.
    close(f(tf.tensor1d([1, 2, 3])), [
      [6, 3, 2],
      [3, 12, 1],
      [2, 1, 18],
    ]);
  });
  it('jvp', () => {
    const f = wrap((x: tf.Tensor, y: tf.Tensor, s: tf.Tensor, t: tf.Tensor) =>
      tf.jvp((a, b) => a.mul(b).sin(), [x, y], [s, t]),
    );
    const { value, tangent } = f(tf.scalar(2), tf.scalar(3), tf.scalar(0.5), tf.scalar(-1));
    close(value, Math.sin(6));
    close(tangent, Math.cos(6) * (0.5 * 3 + 2 * -1));
  });
  it('jacobian by a tape, of several sources, some unconnected', () => {
    const f = wrap((x: tf.Tensor, y: tf.Tensor) => {
      const tape = new tf.GradientTape();
      tape.watch([x, y]);
      const z = x.mul(tf.tensor1d([2, 3]));
      return tape.jacobian(z, [x, y], { unconnectedGradients: 'zero' });
    });
    const [dx, dy] = f(tf.ones([2]), tf.ones([1]));
    close(dx as tf.Tensor, [
      [2, 0],
      [0, 3],
    ]);
    close(dy as tf.Tensor, [[0], [0]]);
  });
});

it('a traced Jacobian is one loop, whatever its size', () => {
  const f = tf.func((x: tf.Tensor) => tf.jacobian((v) => v.square())(x));
  const count = (n: number) => f.graphFor(tf.spec([n])).nodes.length;
  expect(count(100)).toBe(count(3));
});

it('refuses what has no such derivative', () => {
  expect(errorOf(() => tf.hessian((x) => x)(tf.ones([2]))).message).toMatch(/scalar/);
  expect(errorOf(() => tf.jvp((x) => x, [tf.ones([2])], [tf.ones([3])]))).toBeInstanceOf(tf.ShapeError);
  expect(errorOf(() => tf.jvp((x) => x, [tf.ones([2])], []))).toBeInstanceOf(tf.ArgumentError);
  expect(errorOf(() => tf.jacobian((() => 3) as never)(tf.ones([2])))).toBeInstanceOf(tf.GradientError);
});
