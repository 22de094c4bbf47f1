// Control flow, eagerly and traced.

import * as tf from 'sinter';
import { describe, expect, it } from 'vitest';
import { equalTo, errorOf } from './helpers.ts';

const ways: [string, <A extends unknown[], R>(f: (...a: A) => R) => (...a: A) => R][] = [
  ['eager', (f) => f],
  ['traced', (f) => tf.func(f) as never],
];

describe.each(ways)('%s', (_, wrap) => {
  it('cond', () => {
    const k = tf.scalar(10);
    const v = tf.variable(2);
    const f = wrap((x: tf.Tensor) =>
      tf.cond(
        x.greater(0),
        () => [x.mul(k), x],
        () => [x.sub(v), x.mul(0)],
      ),
    );
    expect(f(tf.scalar(3)).map((t) => t.arraySync())).toEqual([30, 3]);
    expect(f(tf.scalar(-3)).map((t) => t.arraySync())).toEqual([-5, -0]);
  });
  it('whileLoop', () => {
    const f = wrap((n: tf.Tensor, step: tf.Tensor) =>
      tf.whileLoop(
        (i: tf.Tensor, _s: tf.Tensor) => i.less(n),
        (i: tf.Tensor, s: tf.Tensor) => [i.add(step), s.mul(2)] as [tf.Tensor, tf.Tensor],
        [tf.scalar(0), tf.scalar(1)],
      ),
    );
    expect(f(tf.scalar(5), tf.scalar(1)).map((t) => t.arraySync())).toEqual([5, 32]);
  });
  it('scan', () => {
    const f = wrap((xs: tf.Tensor, k: tf.Tensor) => tf.scan((a, x) => a.add(x.mul(k)), xs, tf.scalar(0)));
    equalTo(f(tf.tensor1d([1, 2, 3]), tf.scalar(2)), [2, 6, 12]);
  });
});

it('refuses bodies that do not match', () => {
  const f = tf.func((x: tf.Tensor) =>
    tf.cond(
      x.greater(0),
      () => x,
      () => x.expandDims(),
    ),
  );
  expect(errorOf(() => f(tf.scalar(1)))).toBeInstanceOf(tf.ShapeError);
  expect(
    errorOf(() =>
      tf.whileLoop(
        (x: tf.Tensor) => x.less(1),
        (x: tf.Tensor) => [x.expandDims()] as [tf.Tensor],
        [tf.scalar(0)],
      ),
    ),
  ).toBeInstanceOf(tf.ShapeError);
});

describe.each(ways)('Variables assigned in bodies, %s', (_, wrap) => {
  const cases: Record<string, [(v: tf.Variable, x: tf.Tensor) => tf.Tensor, number[]]> = {
    cond: [
      (v, x) =>
        tf.cond(
          x.greater(0),
          () => {
            v.assign(x.mul(2));
            return v.mul(x);
          },
          () => x,
        ),
      [6, 3],
    ],
    forRange: [
      (v, x) =>
        tf.forRange(
          0,
          2,
          (_i, a) => {
            v.assign(a.mul(2));
            return [v.mul(a)];
          },
          [x],
        )[0],
      [216, 126],
    ],
    recomputeGrad: [
      (v, x) =>
        tf.recomputeGrad((a: tf.Tensor) => {
          v.assign(a.mul(2));
          return v.mul(a);
        })(x),
      [6, 3],
    ],
  };
  it.each(Object.entries(cases))('%s: no gradient flows through an assignment, a read counts', (_name, [f, want]) => {
    const v = tf.variable(1);
    const g = wrap((x: tf.Tensor) => {
      const tape = new tf.GradientTape();
      tape.watch(x);
      return tape.gradient(f(v, x), [x, v]);
    });
    expect(g(tf.scalar(3)).map((t) => (t as tf.Tensor).arraySync())).toEqual(want);
  });
  it('objects are one structure whatever the order of their keys', () => {
    const f = wrap((p: tf.Tensor, x: tf.Tensor) =>
      tf.cond(
        p,
        () => ({ a: x, b: x.mul(2) }),
        () => ({ b: x.mul(4), a: x.mul(3) }),
      ),
    );
    const r = f(tf.scalar(false), tf.ones([1]));
    expect([r.a.arraySync(), r.b.arraySync()]).toEqual([[3], [4]]);
  });
});

it('refuses arguments of the wrong kind by name', () => {
  const x = tf.ones([2]);
  const bad: [RegExp, () => unknown][] = [
    [/whileLoop: condition must be a function/, () => tf.whileLoop(3 as never, (a) => [a], [x])],
    [/whileLoop: body must be a function/, () => tf.whileLoop((a) => a.sum(), undefined as never, [x])],
    [/cond: falseFn must be a function/, () => tf.cond(true, () => x, undefined as never)],
    [
      /forRange: vars must be an array/,
      () => tf.forRange(0, 2, ((_i: tf.Tensor, a: tf.Tensor) => [a]) as never, x as never),
    ],
    [/switchCase: index must be an int32 scalar, not float32\[\]/, () => tf.switchCase(tf.scalar(1), [() => x])],
    [/scan: a scalar has no first axis/, () => tf.scan((a: tf.Tensor) => a, tf.scalar(1), x)],
    [/asynchronous/, () => tf.func((y: tf.Tensor) => tf.forRange(0, 2, (async () => [y]) as never, [y]))(x)],
  ];
  for (const [text, f] of bad) {
    const e = errorOf(f);
    expect(e).toBeInstanceOf(tf.SinterError);
    expect(e.message).toMatch(text);
  }
  expect(tf.divNoNan(tf.scalar(-7, 'int32'), tf.scalar(2, 'int32')).arraySync()).toBe(-4);
});

describe.each(ways)('tapes and bodies, %s', (_, wrap) => {
  it('what is not recorded in a body has no gradient', () => {
    const f = wrap((x: tf.Tensor) => {
      const tape = new tf.GradientTape();
      tape.watch(x);
      const [y] = tf.forRange(0, 1, (_i, a) => [tape.stopRecording(() => a.square()).add(a)], [x]);
      return tape.gradient(y, x) as tf.Tensor;
    });
    expect(f(tf.scalar(3)).arraySync()).toBe(1);
  });
  it('what a body carries is no tensor from outside', () => {
    const f = wrap(
      (x: tf.Tensor) =>
        tf.forRange(
          0,
          2,
          (_i, a) => {
            const tape = new tf.GradientTape();
            tape.watch(a);
            return [tape.gradient(a.mul(x).square(), a) as tf.Tensor];
          },
          [x],
        )[0],
    );
    expect(f(tf.scalar(3)).arraySync()).toBe(972);
  });
  it('no gradient flows through an assignment in a function either', () => {
    const v = tf.variable(2);
    const f = wrap((x: tf.Tensor) => {
      v.assignAdd(x);
      return v.mul(x);
    });
    const tape = new tf.GradientTape();
    const x = tf.scalar(3);
    tape.watch(x);
    expect(tape.gradient(f(x), [x, v]).map((g) => (g as tf.Tensor).arraySync())).toEqual([5, 3]);
  });
});
