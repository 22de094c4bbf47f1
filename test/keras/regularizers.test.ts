// Regularizers and their values by hand.

import * as tf from 'sinter';
import { describe, expect, it } from 'vitest';
import { close, errorOf } from '../frontend/helpers.ts';

const r = tf.regularizers;
const w = tf.tensor2d([
  [1, -2],
  [3, 0],
]);

describe('values', () => {
  it('l1, l2 and both', () => {
    // Sum of |w| is 6, of w² 14.
    close(r.l1({ l1: 0.5 }).apply(w), 3);
    close(r.l2({ l2: 0.5 }).apply(w), 7);
    close(r.l1l2({ l1: 0.1, l2: 0.01 }).apply(w), 0.6 + 0.14);
    close(r.l1().apply(w), 0.06);
    close(r.l2().apply(w), 0.14);
    close(r.l1l2().apply(w), 0.2);
    close(r.l1l2({ l1: 0, l2: 0 }).apply(w), 0);
    expect(r.l1l2({ l1: 0, l2: 0 }).apply(w.cast('float64')).dtype).toBe('float64');
    expect(r.l2().apply(w).shape).toEqual([]);
  });
  it('orthogonal', () => {
    // Cosine of the rows: 3 / (sqrt 5 * 3); of the columns: -2 / (sqrt 10 * 2).
    close(r.orthogonalRegularizer({ factor: 0.5 }).apply(w), 0.5 / Math.sqrt(5));
    close(r.orthogonalRegularizer({ factor: 0.5, mode: 'columns' }).apply(w), 0.5 / Math.sqrt(10));
    close(
      r.orthogonalRegularizer().apply(
        tf.tensor2d([
          [0, 0],
          [0, 0],
        ]),
      ),
      0,
    );
    close(r.orthogonalRegularizer().apply(tf.tensor2d([[1, 2, 3]])), 0);
  });
  it('gradients of the penalty', () => {
    const v = tf.variable(w);
    const { grads } = tf.variableGrads(() => r.l1l2({ l1: 0.5, l2: 0.25 }).apply(v), [v]);
    // 0.5 sign(w) + 0.5 w.
    close(grads[v.name], [
      [1, -1.5],
      [2, 0],
    ]);
  });
});

describe('names and configurations', () => {
  it.each(['l1l2', 'l1_l2', 'L1L2'])('%s', (name) => {
    expect((r.get(name) as tf.Regularizer).getConfig()).toEqual({ l1: 0.01, l2: 0.01 });
  });
  it('as TensorFlow.js and as Keras save them', () => {
    expect(r.serialize(r.l1({ l1: 0.3 }))).toEqual({ className: 'L1L2', config: { l1: 0.3, l2: 0 } });
    expect(r.deserialize({ className: 'L2', config: { l2: 0.3 } }).getConfig()).toEqual({ l1: 0, l2: 0.3 });
    expect((r.get('l2') as tf.Regularizer).getConfig()).toEqual({ l1: 0, l2: 0.01 });
    const o = r.orthogonalRegularizer({ factor: 0.2, mode: 'columns' });
    expect(r.deserialize(r.serialize(o)).getConfig()).toEqual({ factor: 0.2, mode: 'columns' });
  });
  it('none is none; a function is taken', () => {
    expect(r.get(null)).toBeNull();
    close((r.get((x: tf.Tensor) => tf.max(x)) as tf.Regularizer).apply(w), 3);
  });
});

describe('refused', () => {
  it.each([
    ['an unknown name', () => r.get('l3'), /unknown regularizer 'l3'/],
    ['a negative factor', () => r.l1({ l1: -1 }), /^l1l2: l1 must not be negative, got -1/],
    ['a number', () => r.l2(0.01 as never), /the options must be an object, not 0.01/],
    ['the option of another', () => r.l1({ l2: 1 } as never), /^l1: there is no option 'l2'/],
    [
      'an unknown mode',
      () => r.orthogonalRegularizer({ mode: 'x' as never }),
      /mode must be 'rows' or 'columns', got 'x'/,
    ],
    ['a vector', () => r.orthogonalRegularizer().apply(tf.tensor1d([1])), /must be a matrix, got shape \[1\]/],
  ])('%s', (_, f, message) => {
    const e = errorOf(f) as tf.SinterError;
    expect(e).toBeInstanceOf(tf.SinterError);
    expect(e.message).toMatch(message);
    expect(e.fix).toBeTruthy();
  });
});
