// How dtypes meet: TensorFlow.js's upcast table over all pairs, and what integer functions give.

import * as tf from 'sinter';
import { describe, expect, it } from 'vitest';

type D = 'bool' | 'int32' | 'float32' | 'float64';
const order: readonly D[] = ['bool', 'int32', 'float32', 'float64'];
/** TensorFlow.js's table, with float64 above: the later in the order. */
const wider = (a: D, b: D): D => order[Math.max(order.indexOf(a), order.indexOf(b))];
const pairs = order.flatMap((a) => order.map((b) => [a, b] as const));
const value = (d: D) => tf.tensor([1, 1], [2], d);

describe.each(pairs)('%s and %s', (a, b) => {
  const [x, y] = [value(a), value(b)];
  const common = wider(a, b);
  it('upcast', () => expect(tf.upcastType(a, b)).toBe(common));
  it.each(Object.entries({ add: tf.add, sub: tf.sub, mul: tf.mul, squaredDifference: tf.squaredDifference }))(
    '%s',
    (_, f) => {
      // Two booleans have no sum: TensorFlow.js stores 2 in a bool.
      if (common === 'bool') expect(() => f(x, y)).toThrow(tf.DTypeError);
      else expect(f(x, y).dtype).toBe(common);
    },
  );
  it.each(Object.entries({ maximum: tf.maximum, minimum: tf.minimum, pow: tf.pow }))('%s', (_, f) =>
    expect(f(x, y).dtype).toBe(common === 'bool' ? 'int32' : common),
  );
  it.each(Object.entries({ div: tf.div, floorDiv: tf.floorDiv, mod: tf.mod }))('%s', (_, f) => {
    if (common === 'bool') expect(() => f(x, y)).toThrow(tf.DTypeError);
    else expect(f(x, y).dtype).toBe(common);
  });
  it.each(Object.entries({ equal: tf.equal, less: tf.less, greaterEqual: tf.greaterEqual, notEqual: tf.notEqual }))(
    '%s',
    (_, f) => expect(f(x, y).dtype).toBe('bool'),
  );
  it('where and concat', () => {
    expect(tf.where(tf.tensor([true, false]), x, y).dtype).toBe(common);
  });
});

describe.each(['int8', 'uint8', 'float16'] as const)('%s meets', (d) => {
  it('only itself', () => {
    expect(tf.upcastType(d, d)).toBe(d);
    for (const other of order) expect(() => tf.upcastType(d, other)).toThrow(tf.DTypeError);
  });
});

describe('int32', () => {
  const i32 = (...x: number[]) => tf.tensor1d(x, 'int32');
  const min = -2147483648;
  const max = 2147483647;
  it('wraps', () => {
    expect(tf.add(i32(max, min), i32(1, -1)).arraySync()).toEqual([min, max]);
    expect(tf.mul(i32(123456789), i32(987654321)).arraySync()).toEqual([Math.imul(123456789, 987654321)]);
    expect(tf.square(i32(123456789)).arraySync()).toEqual([Math.imul(123456789, 123456789)]);
    expect(tf.abs(i32(min, -5)).arraySync()).toEqual([min, 5]);
    expect(tf.neg(i32(min)).arraySync()).toEqual([min]);
    expect(tf.sum(i32(max, max, 2)).arraySync()).toBe(0);
    expect(tf.prod(i32(65536, 65536, 3)).arraySync()).toBe(0);
    expect(tf.cumsum(i32(max, 1, 1)).arraySync()).toEqual([max, min, min + 1]);
  });
  it('divides to the floor, and by 0 gives 0, as TensorFlow.js stores it', () => {
    const [x, y] = [i32(7, -7, 7, -7, 5, -5, min, 0), i32(2, 2, -2, -2, 0, 0, -1, 0)];
    expect(tf.div(x, y).arraySync()).toEqual([3, -4, -4, 3, 0, 0, min, 0]);
    expect(tf.floorDiv(x, y).arraySync()).toEqual([3, -4, -4, 3, 0, 0, min, 0]);
    expect(tf.mod(x, y).arraySync()).toEqual([1, 1, -1, -1, 0, 0, 0, 0]);
  });
  it('bits', () => {
    expect(tf.bitwiseAnd(i32(12, -1, min), i32(10, 255, -1)).arraySync()).toEqual([8, 255, min]);
    expect(() => tf.bitwiseAnd(tf.tensor([1.5]), i32(1))).toThrow(tf.DTypeError);
  });
  it('powers', () => {
    expect(tf.pow(i32(2, 2, -2, 0, 1, -1, 3), i32(10, -1, 3, -1, -5, -3, 20)).arraySync()).toEqual([
      1024,
      0,
      -8,
      0,
      1,
      -1,
      Number(BigInt.asIntN(32, 3n ** 20n)),
    ]);
  });
  it('means are floats', () => {
    const m = tf.mean(i32(1, 2));
    expect([m.dtype, m.arraySync()]).toEqual(['float32', 1.5]);
  });
  it('from floats truncates, saturates, and takes NaN for 0', () => {
    const x = tf.tensor([1.9, -1.9, 3e9, -3e9, NaN, Infinity, -Infinity]);
    expect(x.cast('int32').arraySync()).toEqual([1, -1, max, min, 0, max, min]);
  });
  it('beside a plain number is a float32, as in TensorFlow.js', () => {
    expect(tf.add(i32(1), 1).dtype).toBe('float32');
    expect(tf.add(i32(1), true).dtype).toBe('int32');
  });
});
