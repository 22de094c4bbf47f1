// A tf.func called under an eager tape runs compiled: the same gradients as its operations one by one.

import * as tf from 'sinter';
import { describe, expect, it } from 'vitest';
import { context, type OpRecord } from '../../frontends/trace/context.ts';
import { close, errorOf } from './helpers.ts';

type Fn = (...xs: tf.Tensor[]) => tf.Tensor;
const random = (shape: number[], seed: number) => tf.randomUniform(shape, -1, 1, 'float32', seed);
const same = (a: tf.Tensor | null, b: tf.Tensor | null) => {
  expect(a === null).toBe(b === null);
  if (a && b) close(a, b.arraySync(), 4);
};

/** What is recorded while `f` runs. */
function recorded(f: () => void): OpRecord[] {
  const out: OpRecord[] = [];
  const all = { record: (r: OpRecord) => void out.push(r), accessed: () => {}, interested: () => true };
  const before = context.recorders;
  context.recorders = [...before, all];
  try {
    f();
  } finally {
    context.recorders = before;
  }
  return out;
}

const functions: Record<string, [Fn, ...tf.Tensor[]]> = {
  'a network': [
    (x, w, b, v) =>
      tf
        .softmax(tf.relu(x.matMul(w).add(b)).matMul(v))
        .square()
        .sum(),
    random([5, 4], 1),
    random([4, 7], 2),
    random([7], 3),
    random([7, 3], 4),
  ],
  convolutions: [
    (x, k) =>
      tf
        .maxPool(tf.relu(tf.conv2d(x, k, 1, 'same')), 2, 2, 'valid')
        .square()
        .mean(),
    random([2, 6, 6, 3], 1),
    random([3, 3, 3, 4], 2),
  ],
  'a loop': [
    (xs, h, w) => tf.scan((a: tf.Tensor, x: tf.Tensor) => tf.tanh(a.matMul(w).add(x)), xs, h).sum(),
    random([4, 2, 3], 1),
    random([2, 3], 2),
    random([3, 3], 3),
  ],
  'a branch': [
    (x, y) =>
      tf.cond(
        x.sum().greater(0),
        () => x.mul(y).sin(),
        () => x.exp().add(y),
      ),
    random([6], 1),
    random([6], 2),
  ],
  'an operand that is not used, and one that is the result': [(x, _y) => x, random([3], 1), random([3], 2)],
  'a result twice over': [(x, y) => tf.stack([x.mul(y), x.mul(y)]).sum(), random([3], 1), random([3], 2)],
  'no gradient for a part': [(x, y) => tf.stopGradient(x.mul(y)).mul(x), random([3], 1), random([3], 2)],
  'a gradient of its own': [
    (x) =>
      tf
        .customGrad((u: tf.Tensor) => ({ value: u.exp(), gradFunc: (dy) => dy.mul(u) }))(x)
        .mul(x),
    random([3], 1),
  ],
};

describe.each(Object.entries(functions))('%s', (_, [f, ...xs]) => {
  /** Gradients by all operands; null where there is none. */
  const gradients = (g: Fn, at: readonly tf.Tensor[]) => {
    const tape = new tf.GradientTape();
    tape.watch(at);
    return tape.gradient(g(...at), [...at]) as (tf.Tensor | null)[];
  };
  it('has the gradients of its operations', () => {
    const g = tf.func(f) as unknown as Fn;
    const want = gradients(f, xs);
    for (let run = 0; run < 2; run++) gradients(g, xs).forEach((d, i) => void same(d, want[i]));
    expect((g as tf.Func<Fn>).traceCount).toBe(1);
  });
  it('has them of second order', () => {
    const twice = (g: Fn) => {
      const outer = new tf.GradientTape();
      outer.watch(xs);
      const first = gradients(g, xs).filter((d) => d !== null) as tf.Tensor[];
      const total = first.map((d) => d.square().sum()).reduce((a, b) => a.add(b));
      return outer.gradient(total, [...xs]) as (tf.Tensor | null)[];
    };
    const want = twice(f);
    twice(tf.func(f) as unknown as Fn).forEach((d, i) => {
      // A part of a program may say 0 where nothing depends on it.
      if (want[i]) same(d, want[i]);
      else if (d) close(d.abs().max(), 0);
    });
  });
  it('is one operation', () => {
    const g = tf.func(f) as unknown as Fn;
    const records = recorded(() => void g(...xs));
    expect(records.length).toBeLessThanOrEqual(2);
    expect(records.every((r) => r.op.name === 'call')).toBe(true);
  });
});

describe('tapes of functions', () => {
  it('third derivatives, persistent tapes, Jacobians and Hessians', () => {
    const cube = tf.func((x: tf.Tensor) => x.mul(x).mul(x));
    const d = (f: (x: tf.Tensor) => tf.Tensor) => (x: tf.Tensor) => tf.grad((v) => f(v))(x);
    close(d(d(d(cube)))(tf.scalar(2)), 6);
    const tape = new tf.GradientTape({ persistent: true });
    const x = tf.scalar(3);
    tape.watch(x);
    const y = cube(x);
    const dx = tape.gradient(y, x) as tf.Tensor;
    close(dx, 27);
    close(tape.gradient(dx, x) as tf.Tensor, 18);
    close(tape.gradient(y.mul(2), x) as tf.Tensor, 54);
    const at = tf.tensor1d([1, 2]);
    const two = tf.func((v: tf.Tensor) => [v.square(), v.sum()]);
    close(tf.jacobian((v) => two(v)[0])(at), [
      [2, 0],
      [0, 4],
    ]);
    close(tf.hessian((v) => two(v)[0].mul(v).sum())(at), [
      [6, 0],
      [0, 12],
    ]);
  });
  it('a result that does not depend on the source', () => {
    const f = tf.func((x: tf.Tensor, y: tf.Tensor) => [x.mul(2), y.mul(3)]);
    const [x, y] = [tf.tensor1d([1, 2]), tf.tensor1d([3, 4])];
    const tape = new tf.GradientTape({ persistent: true });
    tape.watch([x, y]);
    const [a, b] = f(x, y);
    expect(tape.gradient(a, y)).toBeNull();
    close(tape.gradient(b, y) as tf.Tensor, [3, 3]);
    expect(tape.jacobian(a, y)).toBeNull();
    close(tape.jacobian(a, y, { unconnectedGradients: 'zero' }) as unknown as tf.Tensor, [
      [0, 0],
      [0, 0],
    ]);
  });
  it('integers and booleans in between, as operands and as results', () => {
    const f = tf.func((x: tf.Tensor, i: tf.Tensor) => ({ y: x.gather(i), k: x.argMax(0), up: x.greater(0) }));
    const x = tf.tensor1d([1, 5, -2]);
    const tape = new tf.GradientTape();
    tape.watch(x);
    const r = f(x, tf.tensor1d([1, 1, 2], 'int32'));
    close(tape.gradient(r.y, x) as tf.Tensor, [0, 2, 1]);
    expect([...r.up.dataSync(), ...r.k.dataSync()]).toEqual([1, 1, 0, 1]);
  });
  it('an operation without a gradient is refused once a gradient goes through it', () => {
    const f = tf.func((x: tf.Tensor) => [
      x.mul(2),
      tf.whileLoop(
        (v) => v.sum().less(10),
        (v) => [v.mul(2)],
        [x],
      )[0],
    ]);
    const x = tf.scalar(3);
    for (const part of [0, 1]) {
      const tape = new tf.GradientTape();
      tape.watch(x);
      const y = f(x);
      close(y[1], 12);
      if (part === 0) close(tape.gradient(y[0], x) as tf.Tensor, 2);
      else expect(errorOf(() => tape.gradient(y[1], x))).toBeInstanceOf(tf.GradientError);
    }
  });
  it('a gradient taken in a trace', () => {
    const x = tf.tensor1d([1, 2]);
    const tape = new tf.GradientTape();
    tape.watch(x);
    const y = tf.func((v: tf.Tensor) => v.square())(x);
    const weigh = tf.func((w: tf.Tensor) => tape.gradient(y, x, { outputGradients: w }) as tf.Tensor);
    close(weigh(tf.tensor1d([10, 100])), [20, 400]);
  });
});

describe('Variables', () => {
  it('count with the values of the call, whatever is assigned later', () => {
    const w = tf.variable(tf.tensor1d([1, 2]));
    const f = tf.func((x: tf.Tensor) => w.square().mul(x).sum());
    for (const [a, b] of [
      [1, 2],
      [3, 4],
    ]) {
      const tape = new tf.GradientTape();
      const y = f(tf.tensor1d([1, 10]));
      expect(tape.watchedVariables()).toEqual([w]);
      w.assign(tf.tensor1d([100, 100]));
      close(tape.gradient(y, w) as tf.Tensor, [2 * a, 20 * b]);
      w.assign(tf.tensor1d([3, 4]));
    }
  });
  it('are assigned once a call, and gradients go through what they hold until then', () => {
    const n = tf.variable(tf.scalar(1), false);
    const w = tf.variable(tf.scalar(2));
    const f = tf.func((x: tf.Tensor) => {
      const y = x.mul(w).mul(n);
      n.assign(n.add(1));
      w.assign(w.mul(10));
      return y.mul(n);
    });
    const d = tf.variableGrads(() => f(tf.scalar(3)) as tf.Tensor, [w]);
    close(d.value, 12);
    close(Object.values(d.grads)[0], 6);
    close(n.read(), 2);
    close(w.read(), 20);
    expect(f.traceCount).toBe(1);
  });
  it('train as they do one operation at a time', () => {
    const train = (wrap: (f: Fn) => Fn) => {
      const [w, b] = [tf.variable(random([4, 8], 1)), tf.variable(tf.zeros([8]))];
      const v = tf.variable(random([8, 1], 2));
      const model = wrap((x, y) => tf.tanh(x.matMul(w).add(b)).matMul(v).sub(y).square().mean());
      const optimizer = tf.train.adam(0.05);
      const losses: number[] = [];
      for (let i = 0; i < 20; i++)
        losses.push(
          (optimizer.minimize(() => model(random([16, 4], 5), random([16, 1], 6)), true) as tf.Tensor).dataSync()[0],
        );
      return losses;
    };
    const [want, got] = [train((f) => f), train((f) => tf.func(f) as unknown as Fn)];
    got.forEach((l, i) => void expect(l).toBeCloseTo(want[i], 4));
    expect(got[19]).toBeLessThan(got[0] / 2);
  });
});
