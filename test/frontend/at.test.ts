// NumPy's indexing by text and values, against the elements of a nested array.

import * as tf from 'sinter';
import { describe, expect, it } from 'vitest';
import { equalTo, errorOf } from './helpers.ts';

const x = tf.tensor3d(
  Array.from({ length: 24 }, (_, i) => i),
  [2, 3, 4],
);
const a: number[][][] = x.arraySync();
const back = <T>(v: T[]): T[] => v.slice().reverse();

describe('at', () => {
  it('takes slices, indices and steps', () => {
    equalTo(x.at('1'), a[1]);
    equalTo(x.at(-1, 0), a[1][0]);
    equalTo(
      x.at('0, 1:, ::2'),
      a[0].slice(1).map((r) => [r[0], r[2]]),
    );
    equalTo(
      x.at(':, -2:'),
      a.map((m) => m.slice(-2)),
    );
    equalTo(
      x.at(1, ':', -1),
      a[1].map((r) => r[3]),
    );
    equalTo(x.at('::-1'), back(a));
    equalTo(x.at('0, 0, 3:0:-2'), [a[0][0][3], a[0][0][1]]);
    equalTo(x.at('0, 0, :-3:-1'), [a[0][0][3], a[0][0][2]]);
    equalTo(x.at('0, 0, 100:-100:-1'), back(a[0][0]));
    expect(x.at('1:1').shape).toEqual([0, 3, 4]);
    expect(x.at('0, 2:1, 5:').shape).toEqual([0, 0]);
    expect(x.at().shape).toEqual([2, 3, 4]);
    equalTo(x.at(1, 2, 3), 23);
    equalTo(tf.at([5, 6, 7], ' 1 : '), [6, 7]);
    equalTo(tf.at([5, 6, 7], ':2,'), [5, 6]);
  });
  it('knows ellipsis and new axes', () => {
    equalTo(
      x.at('..., 1:, ::-1'),
      a.map((m) => m.slice(1).map(back)),
    );
    equalTo(
      x.at('..., 0'),
      a.map((m) => m.map((r) => r[0])),
    );
    equalTo(
      x.at(0, '...', 1),
      a[0].map((r) => r[1]),
    );
    equalTo(x.at('0, 0, 0, ...'), a[0][0][0]);
    expect(x.at('newaxis, ..., None').shape).toEqual([1, 2, 3, 4, 1]);
    expect(x.at(0, ':', tf.newaxis).shape).toEqual([3, 1, 4]);
    expect(tf.scalar(3).at('...', tf.newaxis).shape).toEqual([1]);
  });
  it('takes a tensor of indices for one axis', () => {
    const i = tf.tensor1d([2, 0, -1], 'int32');
    equalTo(x.at(0, i), [a[0][2], a[0][0], a[0][2]]);
    equalTo(
      x.at(':', i, '1:3'),
      a.map((m) => [m[2], m[0], m[2]].map((r) => r.slice(1, 3))),
    );
    expect(x.at(i.reshape([3, 1]).slice([0, 0], [2, 1]), '...').shape).toEqual([2, 1, 3, 4]);
    equalTo(
      x.at('...', tf.newaxis, tf.scalar(1, 'int32')),
      a.map((m) => m.map((r) => [r[1]])).map((m) => m.map((r) => r)),
    );
  });
  it('differentiates and traces', () => {
    const f = (t: tf.Tensor) => t.at('1, ::2').mul(2);
    const want = [a[0].map((r) => r.map(() => 0)), a[1].map((r, i) => r.map(() => (i === 1 ? 0 : 2)))];
    equalTo(tf.grad(f as (t: tf.Tensor | number) => tf.Tensor)(x), want);
    equalTo(
      tf.func(f)(x) as tf.Tensor,
      [a[1][0], a[1][2]].map((r) => r.map((v) => 2 * v)),
    );
  });
  it('points at what is wrong', () => {
    const message = (...spec: tf.IndexSpec[]) => errorOf(() => x.at(...spec)).message;
    expect(message('0, 1:x')).toContain(`'1:x' is no index\n    0, 1:x\n       ^^^`);
    expect(message(0, ':', '::0')).toContain('a step of 0\n    0, :, ::0\n          ^^^');
    expect(message(':', 7)).toContain('index 7 is outside of axis 1 of [2,3,4]\n    :, 7\n       ^');
    expect(message(':, :', ':, 0')).toContain('4 entries for the 3 axes of [2,3,4]\n    :, :, :, 0\n             ^');
    expect(message('..., 0, ...')).toContain("a second '...'\n    ..., 0, ...\n            ^^^");
    expect(message('0,,1')).toContain('an empty entry');
    expect(message(1.5)).toContain('    1.5\n    ^^^');
    expect(message(tf.tensor1d([1]))).toContain('int32, got float32\n    <float32 [1]>\n    ^^^^^');
    const i = tf.tensor1d([0], 'int32');
    expect(message(i, i)).toContain('a second tensor of indices');
    expect(errorOf(() => x.at('2'))).toBeInstanceOf(tf.ShapeError);
    expect(errorOf(() => x.at('a'))).toBeInstanceOf(tf.ArgumentError);
    expect(errorOf(() => tf.zeros([0]).at(0)).message).toContain('the axis is empty');
  });
});
