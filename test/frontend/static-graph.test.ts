// Graphs built by hand: placeholders, K.function, sessions.

import * as tf from 'sinter';
import { describe, expect, it } from 'vitest';
import { close, equalTo, errorOf } from './helpers.ts';

describe('placeholders', () => {
  it('make expressions that K.function computes, any of them', () => {
    const x = tf.placeholder([2, 3], 'float32', 'x');
    const k = tf.K.placeholder([]);
    const h = x.mul(k);
    const y = h.sum(1).add(1);
    const f = tf.K.function([x, k], [y, h]);
    const [a, b] = f([tf.ones([2, 3]), 2]);
    equalTo(a, [7, 7]);
    equalTo(b, [
      [2, 2, 2],
      [2, 2, 2],
    ]);
    equalTo(tf.K.function([h], [y])([tf.ones([2, 3])])[0], [4, 4]);
  });
  it('see Variables as they are when the function runs, and update them', () => {
    const v = tf.variable(3);
    const x = tf.placeholder([]);
    const y = x.mul(v);
    const f = tf.K.function([x], [y], [[v, v.add(x)]]);
    expect(f([2])[0].arraySync()).toBe(6);
    expect(v.arraySync()).toBe(5);
    v.assign(10);
    expect(f([2])[0].arraySync()).toBe(20);
  });
  it('have gradients as expressions', () => {
    const g = new tf.StaticGraph('g');
    const w = tf.variable([1, 2]);
    const x = g.placeholder([2]);
    const [dx, dw, none] = g.asDefault(() => {
      const y = w.mul(x).square().sum();
      return g.gradients(y, [x, w, g.placeholder([1])]);
    });
    expect(none).toBe(null);
    const [a, b] = g.function([x], [dx as tf.Tensor, dw as tf.Tensor])([[3, 4]]);
    close(a, [6, 32]);
    close(b, [18, 64]);
  });
  it('run in sessions', () => {
    const x = tf.placeholder([2]);
    const y = x.add(1);
    const s = new tf.Session();
    equalTo(s.run(y, [[x, [1, 2]]]), [2, 3]);
    const [a, b] = s.run([y, x], new Map([[x, [5, 6]]]));
    equalTo(a, [6, 7]);
    equalTo(b, [5, 6]);
  });
  it('refuse what cannot be', () => {
    const x = tf.placeholder([2], 'float32', 'image');
    const y = x.add(1);
    expect(errorOf(() => tf.K.function([], [y])).message).toMatch(/placeholder 'image' \(f32\[2\]\).*no input/s);
    const f = tf.K.function([x], [y]);
    expect(errorOf(() => f([[1, 2, 3]]))).toBeInstanceOf(tf.ShapeError);
    expect(errorOf(() => f([]))).toBeInstanceOf(tf.ArgumentError);
    expect(errorOf(() => y.dataSync())).toBeInstanceOf(tf.TraceError);
    const v = tf.variable([1, 2, 3]);
    expect(errorOf(() => tf.K.function([x], [y], [[v, y]]))).toBeInstanceOf(tf.ShapeError);
  });
});
