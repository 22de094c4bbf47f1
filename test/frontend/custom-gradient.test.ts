// tf.customGrad in graphs: the given gradient counts wherever the function is called.

import * as tf from 'sinter';
import { describe, expect, it } from 'vitest';
import { gradGraph } from '../../compiler/autodiff/backprop.ts';
import { ndarray } from '../../ir/ndarray.ts';
import { parseGraph } from '../../ir/parse.ts';
import { interpret } from '../../runtime/reference/interpreter.ts';
import { close, errorOf } from './helpers.ts';

/** x^2, whose gradient is ten times what it should be. */
const square = tf.customGrad((x: tf.Tensor, save: (t: tf.Tensor[]) => void) => {
  save([x]);
  return { value: x.square(), gradFunc: (dy, [s]) => dy.mul(s).mul(20) };
});
/** e^x, whose gradient uses a tensor of the forward without saving it. */
const exp = tf.customGrad((x: tf.Tensor) => {
  const y = x.exp();
  return { value: y, gradFunc: (dy) => dy.mul(y) };
});
const ways: [string, <A extends unknown[], R>(f: (...a: A) => R) => (...a: A) => R][] = [
  ['eager', (f) => f],
  ['traced', (f) => tf.func(f) as never],
];

describe.each(ways)('%s', (_, wrap) => {
  const at = (f: (x: tf.Tensor) => tf.Tensor, x: tf.Tensor) => wrap((v: tf.Tensor) => tf.grad((u) => f(u).sum())(v))(x);

  it('in the body of a loop', () => {
    const x = tf.tensor1d([1, 2, 3]);
    const total = (v: tf.Tensor) =>
      tf.scanLoop((c: tf.Tensor, e: tf.Tensor) => [c.add(square(e)), []], tf.scalar(0), v)[0];
    close(at(total, x), [20, 40, 60]);
    const repeated = (v: tf.Tensor) =>
      tf.whileLoop(
        (a) => a.sum().less(100),
        (a) => [square(a)],
        [v],
        { maximumIterations: 2 },
      )[0];
    // Twice: 20 x^2 * 20 x.
    close(at(repeated, tf.tensor1d([1, 2])), [400, 3200]);
  });
  it('in a branch', () => {
    const f = (v: tf.Tensor) =>
      tf.cond(
        v.sum().greater(0),
        () => square(v),
        () => v,
      );
    close(at(f, tf.tensor1d([1, 2])), [20, 40]);
    close(at(f, tf.tensor1d([-1, -2])), [1, 1]);
  });
  it('in a function that is computed again for its gradient', () => {
    close(
      at(
        tf.recomputeGrad((v: tf.Tensor) => square(v).mul(3)),
        tf.tensor1d([1, 2]),
      ),
      [60, 120],
    );
  });
  it('twice: the second derivative is that of what gradFunc computes', () => {
    const twice = (f: (x: tf.Tensor) => tf.Tensor) => (v: tf.Tensor) => tf.grad((u) => f(u).sum())(v);
    close(at(twice(square), tf.tensor1d([1, 2])), [20, 20]);
    close(at(twice(exp), tf.tensor1d([0, 1])), [1, Math.E]);
    close(at(twice(twice(exp)), tf.tensor1d([0, 1])), [1, Math.E]);
  });
  it('of several inputs, one an integer, and with values from outside', () => {
    const scale = tf.tensor1d([2, 3]);
    const v = tf.variable(tf.scalar(5));
    const pick = tf.customGrad((x: tf.Tensor, i: tf.Tensor, y: tf.Tensor) => ({
      value: x.mul(scale).mul(v).gather(i).add(y),
      gradFunc: (dy) => [dy.mul(scale).mul(v), tf.zerosLike(i), dy.mul(-1)],
    }));
    const f = wrap((x: tf.Tensor, y: tf.Tensor) =>
      tf.grads((a, b) => pick(a, tf.tensor1d([1, 0], 'int32'), b).sum() as tf.Tensor)([x, y]),
    );
    const [dx, dy] = f(tf.tensor1d([1, 1]), tf.tensor1d([0, 0]));
    close(dx, [10, 15]);
    close(dy, [-1, -1]);
  });
  it('is not looked into: what the function uses beside its inputs has no gradient', () => {
    const f = wrap((x: tf.Tensor, k: tf.Tensor) => {
      const tape = new tf.GradientTape({ persistent: true });
      tape.watch([x, k]);
      const scaled = tf.customGrad((u: tf.Tensor) => ({ value: u.mul(k), gradFunc: (dy) => dy.mul(7) }));
      const y = scaled(x);
      tape.stop();
      expect(tape.gradient(y, k)).toBeNull();
      return tape.gradient(y, x) as tf.Tensor;
    });
    close(f(tf.scalar(1), tf.scalar(3)), 7);
  });
  it('under vmap, for its own inputs and for one that all elements share', () => {
    const scaled = tf.customGrad((x: tf.Tensor, w: tf.Tensor) => ({
      value: x.mul(w).sum(),
      gradFunc: (dy) => [dy.mul(x), tf.onesLike(w)],
    }));
    const f = wrap((x: tf.Tensor, w: tf.Tensor) =>
      tf.grads(
        (a, b) =>
          tf
            .vmap((r: tf.Tensor) => scaled(r, b))(a)
            .mul(tf.tensor1d([1, 2]))
            .sum() as tf.Tensor,
      )([x, w]),
    );
    const [dx, dw] = f(
      tf.tensor2d([
        [1, 2],
        [3, 4],
      ]),
      tf.tensor1d([5, 6]),
    );
    close(dx, [
      [1, 2],
      [6, 8],
    ]);
    close(dw, [2, 2]);
    const each = wrap((x: tf.Tensor) => tf.vmap((r: tf.Tensor) => tf.grad((u) => square(u).sum())(r))(x));
    close(
      each(
        tf.tensor2d([
          [1, 2],
          [3, 4],
        ]),
      ),
      [
        [20, 40],
        [60, 80],
      ],
    );
  });
  it('may assign Variables, but not in its gradient', () => {
    const count = tf.variable(tf.scalar(0));
    const counted = tf.customGrad((x: tf.Tensor) => {
      count.assign(count.add(1));
      return { value: x.mul(count), gradFunc: (dy) => dy.mul(count).mul(10) };
    });
    close(
      at((v) => counted(v), tf.scalar(1)),
      10,
    );
    close(
      at((v) => counted(v), tf.scalar(1)),
      20,
    );
    close(count.read(), 2);
  });
  it("refuses gradients that are not the inputs'", () => {
    const wrong = tf.customGrad((a: tf.Tensor) => ({ value: a.sum(), gradFunc: (dy) => dy }));
    expect(errorOf(() => at((v) => wrong(v), tf.tensor1d([1, 2]))).message).toMatch(
      /gradient of input 0 is f32\[\], the input f32\[2\]/,
    );
    const few = tf.customGrad((a: tf.Tensor, b: tf.Tensor) => ({ value: a.add(b), gradFunc: (dy) => dy }));
    expect(errorOf(() => at((v) => few(v, v), tf.scalar(1))).message).toMatch(/1 gradient\(s\) for 2/);
    const none = tf.customGrad((a: tf.Tensor) => a as never);
    expect(errorOf(() => at((v) => none(v), tf.scalar(1)))).toBeInstanceOf(tf.GradientError);
  });
});

describe('a graph', () => {
  const f = tf.func((x: tf.Tensor) => exp(square(x)).sum());
  const graph = f.graphFor(tf.spec([2]));

  it('keeps the gradient in its text', () => {
    const text = String(graph);
    const read = parseGraph(text);
    expect(String(read)).toBe(text);
    const x = ndarray('f32', [2], [0.5, -1]);
    const [, dx] = interpret(gradGraph(read, 0, [0]), [x]);
    [0.5, -1].forEach((v, i) => void expect(dx.data[i]).toBeCloseTo(20 * v * Math.exp(v * v), 10));
  });
  it('keeps it where the function is called under a tape, without running it anew', () => {
    const before = f.traceCount;
    close(tf.grad((v) => f(v))(tf.tensor1d([0.5, -1])), [10 * Math.exp(0.25), -20 * Math.E], 4);
    expect(f.traceCount).toBe(before);
  });
  it('refuses assignments in the gradient', () => {
    const v = tf.variable(tf.scalar(0));
    const bad = tf.customGrad((x: tf.Tensor) => ({
      value: x.neg(),
      gradFunc: (dy) => {
        v.assign(dy.sum());
        return dy;
      },
    }));
    expect(errorOf(() => tf.func((x: tf.Tensor) => bad(x))(tf.scalar(1)))).toBeInstanceOf(tf.TraceError);
  });
});
