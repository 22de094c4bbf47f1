// Tapes, gradient functions, optimizers: eagerly and traced alike.

import * as tf from 'sinter';
import { describe, expect, it } from 'vitest';
import { close, equalTo, errorOf } from './helpers.ts';

const value = (t: tf.Tensor | null) => (t === null ? null : t.arraySync());

describe('GradientTape', () => {
  it('gives the first and second derivative of x^2', () => {
    const x = tf.scalar(3);
    const outer = new tf.GradientTape();
    outer.watch(x);
    const inner = new tf.GradientTape();
    inner.watch(x);
    const y = x.mul(x);
    const dy = inner.gradient(y, x) as tf.Tensor;
    const d2 = outer.gradient(dy, x);
    expect([value(dy), value(d2)]).toEqual([6, 2]);
  });
  it('gives partial derivatives of x^2 y + x y', () => {
    for (const run of [(f: () => (tf.Tensor | null)[]) => f(), (f: () => (tf.Tensor | null)[]) => tf.func(f)()]) {
      const r = run(() => {
        const [x, y] = [tf.scalar(3), tf.scalar(2)];
        const tape = new tf.GradientTape();
        tape.watch([x, y]);
        const z = x.square().mul(y).add(x.mul(y));
        return tape.gradient(z, [x, y]);
      });
      expect(r.map(value)).toEqual([14, 12]);
    }
  });
  it('watches trainable Variables by itself', () => {
    const v = tf.variable(2);
    const fixed = tf.variable(3, false);
    const tape = new tf.GradientTape({ persistent: true });
    const y = v.mul(v).mul(fixed);
    expect(tape.watchedVariables()).toEqual([v]);
    const g = tape.gradient(y, { v, fixed });
    expect([value(g.v), g.fixed]).toEqual([12, null]);
    const off = new tf.GradientTape({ watchAccessedVariables: false, persistent: true });
    const z = v.mul(v);
    expect(off.gradient(z, v)).toBeNull();
    off.watch(v);
    expect(value(off.gradient(v.mul(v), v))).toBe(4);
    off.stop();
    tape.stop();
  });
  it('remembers a Variable as it was', () => {
    const v = tf.variable(2);
    const tape = new tf.GradientTape();
    const a = v.mul(v);
    v.assign(5);
    const b = v.mul(3);
    expect(value(tape.gradient([a, b], v))).toBe(7);
  });
  it('answers once unless persistent', () => {
    const x = tf.scalar(2);
    const once = new tf.GradientTape();
    once.watch(x);
    const y = x.mul(x);
    once.gradient(y, x);
    const e = errorOf(() => once.gradient(y, x));
    expect(e).toBeInstanceOf(tf.GradientError);
    expect(e.message).toMatch(/persistent/);
    const many = new tf.GradientTape({ persistent: true });
    many.watch(x);
    const z = x.mul(x);
    const dz = many.gradient(z, x);
    expect([value(dz), value(many.gradient(z, x))]).toEqual([4, 4]);
    expect(value(many.gradient(dz as tf.Tensor, x))).toBe(2);
    many.stop();
  });
  it('takes output gradients and says what is unconnected', () => {
    const [x, other] = [tf.tensor1d([1, 2]), tf.tensor1d([5])];
    const tape = new tf.GradientTape({ persistent: true });
    tape.watch([x, other]);
    const y = x.square();
    equalTo(tape.gradient(y, x, { outputGradients: tf.tensor1d([1, 10]) }) as tf.Tensor, [2, 40]);
    expect(tape.gradient(y, other)).toBeNull();
    equalTo(tape.gradient(y, [other], { unconnectedGradients: 'zero' })[0] as tf.Tensor, [0]);
    expect(errorOf(() => tape.gradient(y, x, { outputGradients: tf.scalar(1) }))).toBeInstanceOf(tf.ShapeError);
    equalTo(tape.gradient(y, y) as tf.Tensor, [1, 1]);
    tape.stop();
  });
  it('stops, pauses, starts anew', () => {
    const x = tf.scalar(3);
    const tape = new tf.GradientTape({ persistent: true });
    tape.watch(x);
    const hidden = tape.stopRecording(() => x.mul(x));
    expect(tape.gradient(hidden, x)).toBeNull();
    tape.reset();
    tape.watch(x);
    const seen = x.mul(x);
    tape.stop();
    const late = seen.mul(2);
    expect([value(tape.gradient(seen, x)), tape.gradient(late, x)]).toEqual([6, null]);
    {
      const t = new tf.GradientTape();
      t[Symbol.dispose]();
    }
  });
  it('stays stopped when it was stopped while others paused', () => {
    const v = tf.variable(2);
    const [a, b] = [new tf.GradientTape(), new tf.GradientTape({ persistent: true })];
    a.stopRecording(() => b.stop());
    const y = v.mul(v);
    expect([b.gradient(y, v), value(a.gradient(y, v))]).toEqual([null, 4]);
  });
  it('gives Jacobians', () => {
    const x = tf.tensor1d([1, 2]);
    const tape = new tf.GradientTape();
    tape.watch(x);
    const y = tf.stack([x.slice(0, 1).mul(x.slice(1, 1)).asScalar(), x.sum()]);
    equalTo(tape.jacobian(y, x) as tf.Tensor, [
      [2, 1],
      [1, 1],
    ]);
  });
  it('passes integers, comparisons and stopped gradients by', () => {
    const x = tf.tensor1d([1, 5, 2]);
    const tape = new tf.GradientTape({ persistent: true });
    tape.watch(x);
    expect(tape.gradient(tf.stopGradient(x).mul(2), x)).toBeNull();
    expect(tape.gradient(x.argMax().cast('float32'), x)).toBeNull();
    equalTo(tape.gradient(tf.where(x.greater(1), x, 0), x) as tf.Tensor, [0, 1, 1]);
    equalTo(tape.gradient(tf.oneHot(x.argMax(), 3).mul(x), x) as tf.Tensor, [0, 1, 0]);
    expect(errorOf(() => tape.watch(tf.scalar(1, 'int32')))).toBeInstanceOf(tf.GradientError);
    expect(errorOf(() => tape.gradient(x.argMax(), x)).message).toMatch(/int32/);
    tape.stop();
  });
  it('goes through func', () => {
    const w = tf.variable(4);
    const f = tf.func((x: tf.Tensor) => {
      const y = x.mul(x).mul(w);
      w.assign(w.add(1));
      return y;
    });
    f(tf.scalar(1));
    expect(w.arraySync()).toBe(5);
    const x = tf.scalar(3);
    const tape = new tf.GradientTape();
    tape.watch(x);
    const y = f(x);
    expect([value(y), w.arraySync(), f.traceCount]).toEqual([45, 6, 1]);
    expect(tape.gradient(y, [x, w]).map(value)).toEqual([30, 9]);
  });
  it('works nested within func, with composites', () => {
    const second = tf.func((x: tf.Tensor) => {
      const outer = new tf.GradientTape();
      outer.watch(x);
      const inner = new tf.GradientTape();
      inner.watch(x);
      const d = inner.gradient(tf.sum(tf.softmax(x).mul([1, 2, 3])), x) as tf.Tensor;
      return outer.gradient(d.mul([1, 0, 0]).sum(), x) as tf.Tensor;
    });
    const [p, q] = [tf.tensor1d([0.1, 0.2, 0.3]), 1e-2];
    const first = (x: tf.Tensor) =>
      tf
        .grad((t) => tf.sum(tf.softmax(t).mul([1, 2, 3])))(x)
        .slice(0, 1)
        .asScalar()
        .arraySync();
    const want = [0, 1, 2].map((i) => {
      const e = tf.oneHot(i, 3, q, 0, 'float32');
      return (first(p.add(e)) - first(p.sub(e))) / (2 * q);
    });
    close(second(p), want, 3);
  });
});

describe('gradient functions', () => {
  it('grad and grads', () => {
    expect(
      tf
        .grad((x) => x.square())(3)
        .arraySync(),
    ).toBe(6);
    equalTo(tf.grad((x) => x.square())([1, 2], [1, 10]), [2, 40]);
    expect(
      tf
        .grad(tf.grad((x) => x.pow(3)))(2)
        .arraySync(),
    ).toBeCloseTo(12, 4);
    expect(
      tf
        .grads((a, b) => a.mul(b))([3, 5])
        .map(value),
    ).toEqual([5, 3]);
    const r = tf.valueAndGrad((x) => x.exp())(0);
    expect([value(r.value), value(r.grad)]).toEqual([1, 1]);
    const s = tf.valueAndGrads((a, b) => a.sub(b))([3, 5]);
    expect([value(s.value), s.grads.map(value)]).toEqual([-2, [1, -1]]);
    expect(errorOf(() => tf.grad(() => tf.scalar(1))(2)).message).toMatch(/does not depend on argument 0/);
    expect(errorOf(() => tf.grad((x) => x)([1, 2], [1]))).toBeInstanceOf(tf.ShapeError);
  });
  it('variableGrads', () => {
    const [a, b] = [tf.variable(2, true, 'a'), tf.variable(3, true, 'b')];
    const { value: v, grads } = tf.variableGrads(() => a.mul(b).asScalar());
    expect([value(v), value(grads.a), value(grads.b)]).toEqual([6, 3, 2]);
    expect(Object.keys(tf.variableGrads(() => a.mul(b).asScalar(), [b]).grads)).toEqual(['b']);
    expect(errorOf(() => tf.variableGrads(() => a.mul([1, 2]))).message).toMatch(/scalar.*\[2\]/s);
    expect(errorOf(() => tf.variableGrads(() => tf.scalar(1)))).toBeInstanceOf(tf.GradientError);
  });
  it('customGrad', () => {
    const cube = tf.customGrad((x: tf.Tensor, save: (t: tf.Tensor[]) => void) => {
      save([x]);
      return { value: x.pow(3), gradFunc: (dy, [s]) => dy.mul(s).mul(100) };
    });
    expect(cube(2).arraySync()).toBeCloseTo(8, 5);
    expect(
      tf
        .grad((x) => cube(x))(2)
        .arraySync(),
    ).toBe(200);
    expect(
      tf
        .func((x: tf.Tensor) => tf.grad((t) => cube(t))(x))(tf.scalar(2))
        .arraySync(),
    ).toBe(200);
    const f = tf.func((x: tf.Tensor) => cube(x));
    f(tf.scalar(1));
    expect(
      tf
        .grad((x) => f(x))(2)
        .arraySync(),
    ).toBe(200);
    const bad = tf.customGrad((a: tf.Tensor, b: tf.Tensor) => ({ value: a.add(b), gradFunc: (dy) => dy }));
    expect(errorOf(() => tf.grads((a, b) => bad(a, b))([1, 2])).message).toMatch(/1 gradient\(s\) for 2/);
  });
  it('stopGradient', () => {
    expect(
      tf
        .grad((x) => tf.stopGradient(x.square()).mul(x))(3)
        .arraySync(),
    ).toBe(9);
  });
});

/** Each optimizer beside its formula on plain numbers: the loss w^2 + 3 w has the gradient 2 w + 3. */
describe('optimizers', () => {
  type Step = (w: number, g: number, t: number) => number;
  const sgd = (): Step => (w, g) => w - 0.1 * g;
  const momentum = (nesterov: boolean) => (): Step => {
    let a = 0;
    return (w, g) => {
      a = 0.9 * a + g;
      return w - 0.1 * (nesterov ? g + 0.9 * a : a);
    };
  };
  const adam = (): Step => {
    let [m, v] = [0, 0];
    return (w, g, t) => {
      m = 0.9 * m + 0.1 * g;
      v = 0.999 * v + 0.001 * g * g;
      return w - (0.1 * (m / (1 - 0.9 ** t))) / (Math.sqrt(v / (1 - 0.999 ** t)) + 1e-7);
    };
  };
  const cases: [string, () => tf.Optimizer, () => Step][] = [
    ['sgd', () => tf.train.sgd(0.1), sgd],
    ['momentum', () => tf.train.momentum(0.1, 0.9), momentum(false)],
    ['nesterov', () => tf.train.momentum(0.1, 0.9, true), momentum(true)],
    ['adam', () => tf.train.adam(0.1), adam],
  ];
  const steps = (make: () => Step) => {
    const f = make();
    let w = 2;
    return [1, 2, 3].map((t) => {
      w = f(w, 2 * w + 3, t);
      return w;
    });
  };
  it.each(cases)('%s takes the steps of its formula', async (_, make, formula) => {
    const want = steps(formula);
    const loss = (w: tf.Variable) => w.square().add(w.mul(3)).sum();
    const eager = { w: tf.variable(2), o: make() };
    const traced = { w: tf.variable(2), o: make() };
    const compiled = { w: tf.variable(2), o: make() };
    const f = tf.func(() => traced.o.minimize(() => loss(traced.w), true) as tf.Tensor);
    const exe = await tf.compile(() => compiled.o.minimize(() => loss(compiled.w), true) as tf.Tensor, {
      target: 'reference',
    });
    let before = 2;
    for (const w of want) {
      const cost = before ** 2 + 3 * before;
      close(eager.o.minimize(() => loss(eager.w), true) as tf.Tensor, cost, 4);
      close(f(), cost, 4);
      close(exe.run(), cost, 4);
      for (const v of [eager.w, traced.w, compiled.w]) close(v, w, 4);
      before = w;
    }
    expect(f.traceCount).toBe(1);
  });
  it('apply gradients by name, list and pair', () => {
    const [a, b] = [tf.variable(1, true, 'first'), tf.variable(1, true, 'second')];
    const o = tf.train.sgd(1);
    o.applyGradients({ first: tf.scalar(1) });
    o.applyGradients([{ name: 'second', tensor: tf.scalar(2) }]);
    o.applyGradients([
      [tf.scalar(3), a],
      [null, b],
    ]);
    expect([value(a), value(b)]).toEqual([-3, -1]);
    expect(errorOf(() => o.applyGradients({ nobody: tf.scalar(1) })).message).toMatch(
      /no Variable\(s\) named 'nobody'/,
    );
    expect(errorOf(() => o.applyGradients([[tf.zeros([2]), a]]))).toBeInstanceOf(tf.ShapeError);
    expect(o.minimize(() => a.square().asScalar())).toBeNull();
    expect(errorOf(() => tf.train.sgd('x' as never))).toBeInstanceOf(tf.ArgumentError);
  });
  it('train a small network as one program', async () => {
    tf.setRandomSeed(1);
    const x = tf.randomNormal([16, 3], 0, 1, 'float32', 1);
    const y = tf.matMul(x, [
      [1, 0],
      [-1, 2],
      [0, 1],
    ]);
    const [w1, w2] = [
      tf.variable(tf.randomNormal([3, 8], 0, 0.5, 'float32', 2)),
      tf.variable(tf.randomNormal([8, 2], 0, 0.5, 'float32', 3)),
    ];
    const o = tf.train.adam(0.05);
    const step = tf.func(
      (a: tf.Tensor, t: tf.Tensor) =>
        o.minimize(() => tf.losses.meanSquaredError(t, a.matMul(w1).tanh().matMul(w2)), true) as tf.Tensor,
    );
    const first = step(x, y).arraySync();
    for (let i = 0; i < 40; i++) step(x, y);
    expect(step(x, y).arraySync()).toBeLessThan(first / 10);
    expect(step.traceCount).toBe(1);
  });
});
