// Einstein summation.

import * as tf from 'sinter';
import { describe, expect, it } from 'vitest';
import { close, equalTo, errorOf } from './helpers.ts';

const count = (shape: number[]) => tf.range(0, tf.util.sizeFromShape(shape)).reshape(shape);

describe('einsum', () => {
  const a = count([2, 3]);
  const c = count([3, 2]).add(1);
  it('multiplies any number of operands', () => {
    const d = count([2, 4]);
    close(tf.einsum('ij,jk,kl->il', a, c, d), tf.matMul(tf.matMul(a, c), d).arraySync());
    // sum_i x_i y_i z_i = 1 * 3 * 5 + 2 * 4 * 6.
    equalTo(tf.einsum('i,i,i->', [1, 2], [3, 4], [5, 6]), 63);
    equalTo(tf.einsum('i,j,k->kji', [1, 2], [3], [5, 6]), [[[15, 30]], [[18, 36]]]);
    equalTo(tf.einsum('ij->i', a), [3, 12]);
    equalTo(tf.einsum('ij->', a), 15);
  });
  it('broadcasts the axes of an ellipsis', () => {
    const x = count([4, 2, 3]);
    close(tf.einsum('...ij,...jk->...ik', x, c), tf.matMul(x, tf.broadcastTo(c, [4, 3, 2])).arraySync());
    equalTo(tf.einsum('...i->...', a), [3, 12]);
    equalTo(tf.einsum('i...->...i', a), a.transpose().arraySync());
    const one = tf.einsum('...,...->...', tf.tensor2d([[1], [2]]), [10, 20]);
    equalTo(one, [
      [10, 20],
      [20, 40],
    ]);
    equalTo(tf.einsum('...i,i->...', [[1, 2]], [3, 4]), [11]);
    const dx = tf.grad((v) => tf.einsum('...ij,jk->...ik', v as tf.Tensor, c))(x);
    // Every row of x meets the row sums of c: 3, 7, 11.
    equalTo(dx.at('3, 1'), [3, 7, 11]);
  });
  it('refuses what does not fit', () => {
    const message = (equation: string, ...xs: tf.Tensor[]) => errorOf(() => tf.einsum(equation, ...xs)).message;
    expect(message('ij,jk', a, c)).toMatch(/not of the form/);
    expect(message('ij->ji', a, c)).toMatch(/1 operand\(s\), 2 given/);
    expect(message('ii->i', c)).toMatch(/twice/);
    expect(message('......->...', c)).toMatch(/twice/);
    expect(message('i->i', c)).toMatch(/names 1 axes/);
    expect(message('...i->i', c)).toMatch(/leaves out/);
    expect(message('ij->ik', c)).toMatch(/'k'/);
    expect(message('...,...->...', a, c)).toMatch(/'\.\.\.' has sizes/);
  });
});
