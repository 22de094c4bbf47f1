// Activations against their formulas in float64, by name, object, configuration and function; what they refuse.

import * as tf from 'sinter';
import { describe, expect, it } from 'vitest';
import { close, equalTo, errorOf } from '../frontend/helpers.ts';

const xs = [-7, -3, -1.5, -0.5, 0, 0.25, 1, 2.75, 6.5];
/** Simpson's rule on the density: the distribution function of the normal distribution. */
function normalCdf(x: number): number {
  const n = 2000;
  const h = x / n;
  const f = (t: number) => Math.exp((-t * t) / 2) / Math.sqrt(2 * Math.PI);
  let s = f(0) + f(x);
  for (let i = 1; i < n; i++) s += f(i * h) * (i % 2 ? 4 : 2);
  return 0.5 + (s * h) / 3;
}
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const formulas: Record<string, (x: number) => number> = {
  linear: (x) => x,
  relu: (x) => Math.max(0, x),
  relu6: (x) => Math.min(6, Math.max(0, x)),
  sigmoid,
  hardSigmoid: (x) => Math.min(1, Math.max(0, 0.2 * x + 0.5)),
  tanh: (x) => (Math.exp(2 * x) - 1) / (Math.exp(2 * x) + 1),
  hardTanh: (x) => Math.min(1, Math.max(-1, x)),
  softplus: (x) => Math.log(1 + Math.exp(x)),
  softsign: (x) => x / (1 + Math.abs(x)),
  exponential: (x) => Math.exp(x),
  elu: (x) => (x > 0 ? x : Math.exp(x) - 1),
  selu: (x) => 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * (Math.exp(x) - 1)),
  celu: (x) => (x > 0 ? x : Math.exp(x) - 1),
  gelu: (x) => x * normalCdf(x),
  geluNew: (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  swish: (x) => x * sigmoid(x),
  silu: (x) => x * sigmoid(x),
  hardSwish: (x) => (x * Math.min(6, Math.max(0, x + 3))) / 6,
  mish: (x) => x * Math.tanh(Math.log(1 + Math.exp(x))),
  leakyRelu: (x) => (x > 0 ? x : 0.2 * x),
  logSigmoid: (x) => Math.log(sigmoid(x)),
  squareplus: (x) => (x + Math.sqrt(x * x + 4)) / 2,
};
const near = (t: tf.Tensor, want: number[]) =>
  t.arraySync().forEach((y: number, i: number) => {
    expect(Math.abs(y - want[i])).toBeLessThan(2e-6 * Math.max(1, Math.abs(want[i])));
  });

describe('by name', () => {
  it.each(Object.keys(formulas))('%s', (name) => {
    const a = tf.activations.get(name);
    near(a.apply(tf.tensor1d(xs)), xs.map(formulas[name]));
    const snake = name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);
    expect(tf.activations.get(snake).getClassName()).toBe(a.getClassName());
    expect(tf.activations.deserialize(tf.activations.serialize(a)).getClassName()).toBe(a.getClassName());
  });
  it('softmax and its logarithm', () => {
    const rows = [
      [1, 2, 3],
      [-1, 0, 4],
    ];
    const want = rows.map((r) => {
      const sum = r.reduce((s, x) => s + Math.exp(x), 0);
      return r.map((x) => Math.exp(x) / sum);
    });
    close(tf.activations.get('softmax').apply(tf.tensor2d(rows)), want);
    close(
      tf.activations.get('logSoftmax').apply(tf.tensor2d(rows)),
      want.map((r) => r.map(Math.log)),
    );
    const columns = tf.activations.get({ className: 'softmax', config: { axis: 0 } }).apply(tf.tensor2d(rows));
    close(tf.sum(columns, 0), [1, 1, 1]);
  });
  it('none is linear', () => {
    expect(tf.activations.get(null).getClassName()).toBe('linear');
    expect(tf.activations.get(undefined).getClassName()).toBe('linear');
  });
  it('keep float64 and its digits', () => {
    const y = tf.activations.get('mish').apply(tf.tensor1d([0.3], 'float64'));
    expect(y.dtype).toBe('float64');
    expect(y.dataSync()[0]).toBeCloseTo(formulas.mish(0.3), 14);
  });
});

describe('options', () => {
  const of = (className: string, config: Record<string, number | boolean | null>) =>
    tf.activations.get({ className, config }).apply(tf.tensor1d([-4, -1, 0.5, 1, 3, 10]));
  it('relu: slope, largest value, threshold', () => {
    // Below 1: 0.5 (x - 1); from 1 on x, at most 5.
    close(of('relu', { alpha: 0.5, maxValue: 5, threshold: 1 }), [-2.5, -1, -0.25, 1, 3, 5]);
    equalTo(of('relu', { threshold: 1 }), [0, 0, 0, 1, 3, 10]);
    equalTo(of('relu', { maxValue: 2 }), [0, 0, 0.5, 1, 2, 2]);
    equalTo(of('relu', { alpha: 0.25 }), [-1, -0.25, 0.5, 1, 3, 10]);
    equalTo(tf.activations.relu([Number.NEGATIVE_INFINITY, 2], 0, null, 1), [0, 2]);
    equalTo(tf.activations.relu(tf.tensor1d([-2, 9], 'int32')), [0, 9]);
  });
  it('elu, celu, leakyRelu, gelu, squareplus', () => {
    close(of('elu', { alpha: 2 }).slice(0, 3), [2 * (Math.exp(-4) - 1), 2 * (Math.exp(-1) - 1), 0.5]);
    close(of('celu', { alpha: 2 }).slice(0, 3), [2 * (Math.exp(-2) - 1), 2 * (Math.exp(-0.5) - 1), 0.5]);
    close(of('leakyRelu', { alpha: 0.1 }).slice(0, 3), [-0.4, -0.1, 0.5]);
    close(of('gelu', { approximate: true }).slice(3, 1), [formulas.geluNew(1)]);
    close(of('squareplus', { b: 0 }), [0, 0, 0.5, 1, 3, 10]);
  });
  it('are kept in the configuration; defaults are a name only', () => {
    const a = tf.activations.get({ className: 'relu', config: { alpha: 0.1 } });
    expect(a.getConfig()).toEqual({ alpha: 0.1, maxValue: null, threshold: 0 });
    expect(tf.activations.serialize(a)).toEqual({ className: 'relu', config: a.getConfig() });
    expect(tf.activations.serialize(tf.activations.get('relu'))).toBe('relu');
    expect(tf.activations.serialize(tf.activations.get('gelu'))).toBe('gelu');
  });
});

describe('of the user', () => {
  const cube = (x: tf.Tensor) => tf.mul(x, tf.square(x));
  it('a function', () => {
    const a = tf.activations.get(cube);
    equalTo(a.apply(tf.tensor1d([2, -1])), [8, -1]);
    expect(tf.activations.serialize(a)).toBe('cube');
    equalTo(tf.activations.deserialize('cube', { cube }).apply(tf.tensor1d([3])), [27]);
  });
  it('a class', () => {
    class Scaled extends tf.activations.Activation {
      static readonly className = 'Scaled';
      readonly by: number;
      constructor({ by = 2 }: { by?: number }) {
        super();
        this.by = by;
      }
      apply(x: tf.Tensor): tf.Tensor {
        return tf.mul(x, this.by);
      }
      override getConfig() {
        return { by: this.by };
      }
    }
    const saved = tf.activations.serialize(new Scaled({ by: 3 }));
    expect(saved).toEqual({ className: 'Scaled', config: { by: 3 } });
    equalTo(tf.activations.deserialize(saved, { Scaled }).apply(tf.tensor1d([2])), [6]);
    equalTo(tf.activations.get(Scaled as never).apply(tf.tensor1d([2])), [4]);
  });
  it('compile with the step that uses them', () => {
    const a = tf.activations.get({ className: 'relu', config: { alpha: 0.5, maxValue: 2, threshold: 1 } });
    const f = tf.func((x: tf.Tensor) => a.apply(x));
    close(f(tf.tensor1d([-1, 0.5, 1.5, 9])), [-1, -0.25, 1.5, 2]);
  });
  it('have gradients', () => {
    const g = (name: string, x: number) =>
      tf
        .grad((t: tf.Tensor) => tf.activations.get(name).apply(t))(tf.tensor1d([x], 'float64'))
        .dataSync()[0];
    for (const name of Object.keys(formulas))
      for (const x of [-1.3, 0.7]) {
        const f = formulas[name];
        expect(g(name, x)).toBeCloseTo((f(x + 1e-5) - f(x - 1e-5)) / 2e-5, 5);
      }
  });
});

describe('refused', () => {
  it('unknown names, with the nearest', () => {
    const e = errorOf(() => tf.activations.get('rleu')) as tf.ArgumentError;
    expect(e).toBeInstanceOf(tf.ArgumentError);
    expect(e.message).toMatch(/^activations.get: unknown activation 'rleu'/);
    expect(e.fix).toMatch(/did you mean 'relu'\?/);
  });
  it('options that there are not', () => {
    expect(() => tf.activations.get({ className: 'relu', config: { slope: 1 } })).toThrow(/there is no option 'slope'/);
    expect(() => tf.activations.get({ className: 'tanh', config: { axis: 1 } })).toThrow(tf.ArgumentError);
    expect(() => tf.activations.get({ className: 'elu', config: { alpha: 'x' } })).toThrow(/alpha must be a finite/);
    expect(() => tf.activations.relu([1], 0, -1)).toThrow(/maxValue must be at least 0, got -1/);
  });
  it('what is no activation', () => {
    expect(() => tf.activations.get(3 as never)).toThrow(/3 is no activation/);
    expect(() => tf.activations.get(tf.initializers.zeros() as never)).toThrow(/no activation/);
    expect(() => tf.activations.get(tf.initializers.Initializer as never)).toThrow(/of no activation/);
    expect(() => tf.activations.serialize('relu' as never)).toThrow(/no activation/);
    expect(() => tf.activations.deserialize('mine', { mine: 4 })).toThrow(/custom object 'mine' is 4/);
    expect(() =>
      tf.activations.serialize(
        tf.activations.get(
          (
            () => (x: tf.Tensor) =>
              x
          )(),
        ),
      ),
    ).toThrow(/without a name/);
  });
  it('a function that gives no tensor', () => {
    expect(() => tf.activations.get((() => 1) as never).apply(tf.tensor1d([1]))).toThrow(/must return a tensor, got 1/);
  });
  it('integers, where the function is of floats', () => {
    expect(() => tf.activations.get('tanh').apply(tf.tensor1d([1], 'int32'))).toThrow(tf.DTypeError);
  });
});
