// Constraints and their values by hand.

import * as tf from 'sinter';
import { describe, expect, it } from 'vitest';
import { close, equalTo, errorOf } from '../frontend/helpers.ts';

const c = tf.constraints;
// Columns of norm 5, 0.5 and 0.
const w = tf.tensor2d([
  [3, 0.3, 0],
  [-4, 0.4, 0],
]);

describe('values', () => {
  it('maxNorm', () => {
    close(c.maxNorm({ maxValue: 1, axis: 0 }).apply(w), [
      [0.6, 0.3, 0],
      [-0.8, 0.4, 0],
    ]);
    close(c.maxNorm().apply(w), [
      [1.2, 0.3, 0],
      [-1.6, 0.4, 0],
    ]);
    const rows = tf.norm(c.maxNorm({ maxValue: 1, axis: 1 }).apply(w), 2, 1);
    close(rows, [1, 1]);
  });
  it('unitNorm', () => {
    close(c.unitNorm({ axis: 0 }).apply(w), [
      [0.6, 0.6, 0],
      [-0.8, 0.8, 0],
    ]);
  });
  it('of a kernel, over several axes', () => {
    const kernel = tf.ones([3, 3, 2, 4]);
    close(
      c
        .unitNorm({ axis: [0, 1, 2] })
        .apply(kernel)
        .square()
        .sum([0, 1, 2]),
      [1, 1, 1, 1],
    );
  });
  it('nonNeg', () => {
    equalTo(c.nonNeg().apply(w).slice([1, 0], [1, 2]), [[0, Math.fround(0.4)]]);
  });
  it('minMaxNorm', () => {
    close(c.minMaxNorm({ minValue: 1, maxValue: 2 }).apply(w), [
      [1.2, 0.6, 0],
      [-1.6, 0.8, 0],
    ]);
    // Half of the way: norms (5 + 2) / 2 and (0.5 + 1) / 2.
    close(c.minMaxNorm({ minValue: 1, maxValue: 2, rate: 0.5 }).apply(w), [
      [(3 * 3.5) / 5, (0.3 * 0.75) / 0.5, 0],
      [(-4 * 3.5) / 5, (0.4 * 0.75) / 0.5, 0],
    ]);
  });
  it('in a compiled step, on a Variable', () => {
    const v = tf.variable(w);
    const step = tf.func(() => {
      v.assign(c.maxNorm({ maxValue: 1 }).apply(v));
      return tf.sum(v);
    });
    step();
    close(v.read(), [
      [0.6, 0.3, 0],
      [-0.8, 0.4, 0],
    ]);
  });
});

describe('names and configurations', () => {
  it.each([
    ['maxNorm', { maxValue: 2, axis: 0 }],
    ['max_norm', { maxValue: 2, axis: 0 }],
    ['MinMaxNorm', { minValue: 0, maxValue: 1, rate: 1, axis: 0 }],
    ['nonNeg', {}],
    ['unit_norm', { axis: 0 }],
  ])('%s', (name, config) => {
    const made = c.get(name) as tf.Constraint;
    expect(made.getConfig()).toEqual(config);
    expect(c.serialize(c.deserialize(c.serialize(made)))).toEqual(c.serialize(made));
  });
  it('none is none; a function is taken', () => {
    expect(c.get(undefined)).toBeNull();
    const half = c.get((x: tf.Tensor) => tf.div(x, 2)) as tf.Constraint;
    equalTo(half.apply(tf.tensor1d([4])), [2]);
  });
});

describe('refused', () => {
  it.each([
    ['an unknown name', () => c.get('maxNrom'), /unknown constraint 'maxNrom'/, /did you mean 'maxNorm'\?/],
    ['a negative norm', () => c.maxNorm({ maxValue: -1 }), /maxValue must not be negative, got -1/, /2/],
    [
      'an axis as text',
      () => c.unitNorm({ axis: 'x' as never }),
      /axis must be a whole number or several, got 'x'/,
      /0/,
    ],
    ['limits the wrong way', () => c.minMaxNorm({ minValue: 2 }), /minValue 2 must not be above maxValue 1/, /swap/],
    ['a rate above 1', () => c.minMaxNorm({ rate: 2 }), /nor rate 2 above 1/, /rate 1/],
    ['an axis that is not there', () => c.unitNorm({ axis: 2 }).apply(w), /axis 2 is out of range/, /axis/],
  ])('%s', (_, f, message, fix) => {
    const e = errorOf(f) as tf.SinterError;
    expect(e).toBeInstanceOf(tf.SinterError);
    expect(e.message).toMatch(message);
    expect(e.fix).toMatch(fix);
  });
});
