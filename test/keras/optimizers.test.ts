// Every optimizer beside the formula of its paper in float64, eagerly and traced; clipping, weight decay,
// averages, accumulation; the learning rate; state and configuration.

import * as tf from 'sinter';
import { beforeAll, describe, expect, it } from 'vitest';
import { errorOf } from '../frontend/helpers.ts';

/** New value of one weight for its gradient in step t, from 1 on. */
type Formula = () => (w: number, g: number, t: number) => number;

const { optimizers: o, train } = tf;

const moments = (b1: number, b2: number) => {
  const s = { m: 0, v: 0 };
  return (g: number) => {
    s.m = b1 * s.m + (1 - b1) * g;
    s.v = b2 * s.v + (1 - b2) * g * g;
    return s;
  };
};
/** Keras's Adam: the epsilon is added before the correction of the root. */
const adam =
  (rate: number, b1 = 0.9, b2 = 0.999, eps = 1e-7): Formula =>
  () => {
    const next = moments(b1, b2);
    return (w, g, t) => {
      const { m, v } = next(g);
      return w - ((rate * Math.sqrt(1 - b2 ** t)) / (1 - b1 ** t)) * (m / (Math.sqrt(v) + eps));
    };
  };
/** The paper's, and TensorFlow.js's. */
const adamPaper =
  (rate: number, b1 = 0.9, b2 = 0.999, eps = 1e-8): Formula =>
  () => {
    const next = moments(b1, b2);
    return (w, g, t) => {
      const { m, v } = next(g);
      return w - (rate * (m / (1 - b1 ** t))) / (Math.sqrt(v / (1 - b2 ** t)) + eps);
    };
  };
const amsgrad =
  (rate: number, b1: number, b2: number): Formula =>
  () => {
    const next = moments(b1, b2);
    let largest = 0;
    return (w, g, t) => {
      const { m, v } = next(g);
      largest = Math.max(largest, v);
      return w - ((rate * Math.sqrt(1 - b2 ** t)) / (1 - b1 ** t)) * (m / (Math.sqrt(largest) + 1e-7));
    };
  };
const sgd =
  (rate: number, momentum = 0, nesterov = false): Formula =>
  () => {
    let v = 0;
    return (w, g) => {
      v = momentum * v - rate * g;
      return w + (nesterov ? momentum * v - rate * g : v);
    };
  };
const rmsprop =
  (rate: number, rho: number, momentum = 0, centered = false): Formula =>
  () => {
    let [s, a, mean] = [0, 0, 0];
    return (w, g) => {
      s = rho * s + (1 - rho) * g * g;
      mean = rho * mean + (1 - rho) * g;
      a = momentum * a + (rate * g) / Math.sqrt(s - (centered ? mean * mean : 0) + 1e-7);
      return w - a;
    };
  };
const adagrad =
  (rate: number, start: number): Formula =>
  () => {
    let s = start;
    return (w, g) => {
      s += g * g;
      return w - (rate * g) / Math.sqrt(s + 1e-7);
    };
  };
const adadelta =
  (rate: number, rho: number, eps: number, before = false): Formula =>
  () => {
    let [s, u] = [0, 0];
    return (w, g) => {
      const old = s;
      s = rho * s + (1 - rho) * g * g;
      const d = (Math.sqrt(u + eps) / Math.sqrt((before ? old : s) + eps)) * g;
      u = rho * u + (1 - rho) * d * d;
      return w - rate * d;
    };
  };
const adamax =
  (rate: number, b1 = 0.9, b2 = 0.999, decay = 0): Formula =>
  () => {
    let [m, u] = [0, 0];
    return (w, g, t) => {
      m = b1 * m + (1 - b1) * g;
      u = Math.max(b2 * u, Math.abs(g));
      return w - (rate / (1 + decay * (t - 1)) / (1 - b1 ** t)) * (m / (u + 1e-7));
    };
  };
const nadam =
  (rate: number, b1 = 0.9, b2 = 0.999): Formula =>
  () => {
    const next = moments(b1, b2);
    const u = (t: number) => b1 * (1 - 0.5 * 0.96 ** t);
    let product = 1;
    return (w, g, t) => {
      const { m, v } = next(g);
      product *= u(t);
      const mean = (u(t + 1) * m) / (1 - product * u(t + 1)) + ((1 - u(t)) * g) / (1 - product);
      return w - (rate * mean) / (Math.sqrt(v / (1 - b2 ** t)) + 1e-7);
    };
  };
/** McMahan's algorithm: w minimizes the sum of linear parts, the distances to old values and the penalties. */
const ftrl =
  (rate: number, { power = -0.5, start = 0.1, l1 = 0, l2 = 0, shrinkage = 0, beta = 0 } = {}): Formula =>
  () => {
    let [n, z] = [start, 0];
    return (w, g) => {
      const next = n + g * g;
      z += g + 2 * shrinkage * w - ((next ** -power - n ** -power) / rate) * w;
      n = next;
      if (Math.abs(z) <= l1) return 0;
      return -(z - Math.sign(z) * l1) / ((beta + n ** -power) / rate + 2 * l2);
    };
  };
/** Decoupled: the weight shrinks first, the gradient is that of before. */
const decayed =
  (share: number, rate: number, f: Formula): Formula =>
  () => {
    const next = f();
    return (w, g, t) => next(w - w * share * rate, g, t);
  };

const cases: [string, () => tf.Optimizer, Formula][] = [
  ['train.sgd', () => train.sgd(0.1), sgd(0.1)],
  ['train.momentum', () => train.momentum(0.1, 0.9), sgd(0.1, 0.9)],
  ['train.momentum nesterov', () => train.momentum(0.1, 0.9, true), sgd(0.1, 0.9, true)],
  ['train.adam', () => train.adam(0.05, 0.8, 0.99, 1e-8), adamPaper(0.05, 0.8, 0.99)],
  ['train.adagrad', () => train.adagrad(0.2), adagrad(0.2, 0.1)],
  ['train.adadelta', () => train.adadelta(0.02, 0.9, 1e-3), adadelta(0.02, 0.9, 1e-3, true)],
  ['train.adamax', () => train.adamax(0.1, 0.8, 0.99, null, 0.2), adamax(0.1, 0.8, 0.99, 0.2)],
  ['train.rmsprop', () => train.rmsprop(0.05), rmsprop(0.05, 0.9)],
  ['train.rmsprop centered', () => train.rmsprop(0.05, 0.8, 0.5, null, true), rmsprop(0.05, 0.8, 0.5, true)],
  ['sgd', () => o.sgd(), sgd(0.01)],
  ['sgd momentum', () => o.sgd({ learningRate: 0.1, momentum: 0.8 }), sgd(0.1, 0.8)],
  ['sgd nesterov', () => o.sgd({ learningRate: 0.1, momentum: 0.8, nesterov: true }), sgd(0.1, 0.8, true)],
  ['rmsprop', () => o.rmsprop({ learningRate: 0.05 }), rmsprop(0.05, 0.9)],
  [
    'rmsprop centered momentum',
    () => o.rmsprop({ learningRate: 0.05, rho: 0.7, momentum: 0.6, centered: true }),
    rmsprop(0.05, 0.7, 0.6, true),
  ],
  ['adagrad', () => o.adagrad({ learningRate: 0.3, initialAccumulatorValue: 0.5 }), adagrad(0.3, 0.5)],
  ['adadelta', () => o.adadelta({ learningRate: 1, rho: 0.9, epsilon: 1e-3 }), adadelta(1, 0.9, 1e-3)],
  ['adam', () => o.adam({ learningRate: 0.05 }), adam(0.05)],
  [
    'adam epsilon',
    () => o.adam({ learningRate: 0.05, beta1: 0.7, beta2: 0.9, epsilon: 0.1 }),
    adam(0.05, 0.7, 0.9, 0.1),
  ],
  ['adam amsgrad', () => o.adam({ learningRate: 0.1, beta1: 0.5, beta2: 0.4, amsgrad: true }), amsgrad(0.1, 0.5, 0.4)],
  ['adamw', () => o.adamw({ learningRate: 0.1 }), decayed(0.004, 0.1, adam(0.1))],
  ['adamax', () => o.adamax({ learningRate: 0.1 }), adamax(0.1)],
  ['nadam', () => o.nadam({ learningRate: 0.1, beta1: 0.8 }), nadam(0.1, 0.8)],
  ['ftrl', () => o.ftrl({ learningRate: 0.2 }), ftrl(0.2)],
  [
    'ftrl with penalties',
    () =>
      o.ftrl({
        learningRate: 0.2,
        learningRatePower: -0.6,
        initialAccumulatorValue: 0.3,
        l1RegularizationStrength: 0.7,
        l2RegularizationStrength: 0.05,
        l2ShrinkageRegularizationStrength: 0.02,
        beta: 0.1,
      }),
    ftrl(0.2, { power: -0.6, start: 0.3, l1: 0.7, l2: 0.05, shrinkage: 0.02, beta: 0.1 }),
  ],
  ['weight decay', () => o.sgd({ learningRate: 0.1, weightDecay: 0.5 }), decayed(0.5, 0.1, sgd(0.1))],
  ['decay', () => o.adamax({ learningRate: 0.1, decay: 0.5 }), adamax(0.1, 0.9, 0.999, 0.5)],
];

const start = [2, -1, 0.25];
const slope = [1, 3, -2];
/** The loss sum of (w - slope)^2 * c with c = 0.5 + index: a gradient of its own for each element. */
const gradient = (w: number, i: number) => 2 * (0.5 + i) * (w - slope[i]);
const loss = (w: tf.Variable) => w.sub(slope).square().mul([0.5, 1.5, 2.5]).sum();
const steps = 6;
const path = (formula: Formula): number[][] => {
  const each = start.map(() => formula());
  let w = start.slice();
  return Array.from({ length: steps }, (_, k) => {
    w = w.map((x, i) => each[i](x, gradient(x, i), k + 1));
    return w;
  });
};
const near = (got: ArrayLike<number>, want: readonly number[], tolerance = 2e-5) =>
  want.forEach((x, i) => void expect(Math.abs(got[i] - x) / Math.max(1, Math.abs(x))).toBeLessThan(tolerance));

beforeAll(() => tf.ready());

describe('formulas', () => {
  it.each(cases)('%s', (_, make, formula) => {
    const want = path(formula);
    const [eager, traced] = [start, start].map((x) => tf.variable(x));
    const [a, b] = [make(), make()];
    const step = tf.func(() => b.minimize(() => loss(traced) as tf.Tensor, true) as tf.Tensor);
    for (const w of want) {
      a.minimize(() => loss(eager) as tf.Tensor);
      step();
      near(eager.dataSync(), w);
      near(traced.dataSync(), w);
    }
    expect(step.traceCount).toBe(1);
    expect(a.iterations.dataSync()[0]).toBe(steps);
    expect(b.iterations.dataSync()[0]).toBe(steps);
  });
  it('in float64', () => {
    const want = path(adam(0.05));
    const w = tf.variable(start, true, 'wide', 'float64');
    const opt = o.adam({ learningRate: 0.05 });
    for (const x of want) {
      opt.applyGradients([[tf.tensor1d([...w.dataSync()].map(gradient), 'float64'), w]]);
      // The learning rate is float32.
      near(w.dataSync(), x, 1e-7);
    }
  });
  it.each(cases)('%s goes downhill', (name, make) => {
    const w = tf.variable(start);
    const before = (loss(w) as tf.Tensor).dataSync()[0];
    const opt = make();
    // Rates that suit a valley of this width; with decay the first steps must do it.
    if (name === 'decay') opt.learningRate = 2;
    else if (opt.learningRate <= 0.01) opt.learningRate = 0.1;
    const step = tf.func(() => opt.minimize(() => loss(w) as tf.Tensor, true) as tf.Tensor);
    for (let i = 0; i < 150; i++) step();
    expect((loss(w) as tf.Tensor).dataSync()[0]).toBeLessThan(before / 4);
  });
});

describe('gradients are cut', () => {
  const g1 = [3, 4];
  const g2 = [12];
  /** What a step of rate 1 takes away. */
  const taken = (options: object) => {
    const [v, w] = [tf.variable([0, 0]), tf.variable([0])];
    o.sgd({ learningRate: 1, ...options }).applyGradients([
      [tf.tensor1d(g1), v],
      [tf.tensor1d(g2), w],
    ]);
    return [...v.dataSync(), ...w.dataSync()].map((x) => -x);
  };
  it('each to a norm', () => near(taken({ clipnorm: 1 }), [0.6, 0.8, 1]));
  it('a norm below the limit stays', () => near(taken({ clipnorm: 6 }), [3, 4, 6]));
  it('each element', () => near(taken({ clipvalue: 3.5 }), [3, 3.5, 3.5]));
  it('all to one norm, which is 13', () => near(taken({ globalClipnorm: 1.3 }), [0.3, 0.4, 1.2]));
  it('zero gradients stay zero', () => {
    const v = tf.variable([1, 2]);
    o.sgd({ learningRate: 1, globalClipnorm: 1 }).applyGradients([[tf.zeros([2]), v]]);
    near(v.dataSync(), [1, 2]);
  });
  it('one way only', () =>
    expect(errorOf(() => o.adam({ clipnorm: 1, clipvalue: 1 })).message).toMatch(
      /adam: clipnorm and clipvalue are given together/,
    ));
});

describe('around the update', () => {
  it('weight decay leaves out what is excluded', () => {
    const [kernel, bias] = [tf.variable([1], true, 'd/kernel'), tf.variable([1], true, 'd/bias')];
    const other = tf.variable([1]);
    const opt = o.sgd({ learningRate: 0.5, weightDecay: 0.2 });
    opt.excludeFromWeightDecay([other], ['bias']);
    opt.applyGradients([kernel, bias, other].map((v) => [tf.zeros([1]), v] as const));
    near(
      [kernel, bias, other].map((v) => v.dataSync()[0]),
      [0.9, 1, 1],
    );
  });
  it('constraints are applied after it', () => {
    const v = Object.assign(tf.variable([1, -1]), { constraint: { apply: (w: tf.Tensor) => tf.relu(w) } });
    o.sgd({ learningRate: 1 }).applyGradients([[tf.tensor1d([0.25, 0.25]), v]]);
    near(v.dataSync(), [0.75, 0]);
  });
  it('gradients are accumulated', () => {
    const check = (wrap: (f: (g: tf.Tensor) => tf.Tensor) => (g: tf.Tensor) => tf.Tensor) => {
      const w = tf.variable([1]);
      const opt = o.sgd({ learningRate: 0.1, momentum: 0.5, gradientAccumulationSteps: 2 });
      const step = wrap((g) => {
        opt.applyGradients([[g, w]]);
        return w.read();
      });
      const seen = [1, 3, 5, 7].map((g) => step(tf.tensor1d([g])).dataSync()[0]);
      // Means 2 and 6: v = -0.2, then 0.5 * -0.2 - 0.6 = -0.7.
      near(seen, [1, 0.8, 0.8, 0.1]);
      expect(opt.iterations.dataSync()[0]).toBe(2);
    };
    check((f) => f);
    check((f) => tf.func(f) as (g: tf.Tensor) => tf.Tensor);
  });
  it('averages are kept, and given at the end', () => {
    const w = tf.variable([1]);
    const opt = o.sgd({ learningRate: 1, useEma: true, emaMomentum: 0.5 });
    for (let i = 0; i < 3; i++) opt.applyGradients([[tf.tensor1d([1]), w]]);
    near(w.dataSync(), [-2]);
    // 0, then (0 - 1) / 2, then (-0.5 - 2) / 2.
    opt.finalizeVariableValues();
    near(w.dataSync(), [-1.25]);
  });
  it('averages replace the values every so many steps', () => {
    const w = tf.variable([1]);
    const opt = o.sgd({ learningRate: 1, useEma: true, emaMomentum: 0.5, emaOverwriteFrequency: 2 });
    const seen = [0, 1, 2].map(() => {
      opt.applyGradients([[tf.tensor1d([1]), w]]);
      return w.dataSync()[0];
    });
    near(seen, [0, -0.5, -1.5]);
  });
});

describe('the learning rate', () => {
  it('is seen by a traced step when it changes', () => {
    for (const opt of [o.sgd({ learningRate: 1 }), train.sgd(1)]) {
      const w = tf.variable([0]);
      const step = tf.func(() => {
        opt.applyGradients([[tf.tensor1d([1]), w]]);
        return w.read();
      });
      step();
      opt.learningRate = 0.25;
      step();
      opt.setLearningRate(0.5);
      near(step().dataSync(), [-1.75]);
      expect(step.traceCount).toBe(1);
    }
  });
  it('is read as it was given', () => {
    const opt = train.adam(0.1);
    expect(opt.learningRate).toBe(0.1);
    opt.applyGradients([[tf.tensor1d([1]), tf.variable([0])]]);
    expect(opt.learningRate).toBe(0.1);
    opt.learningRate = 0.7;
    expect([opt.learningRate, opt.getConfig().learningRate]).toEqual([0.7, 0.7]);
  });
  it('may be a Variable', () => {
    const rate = tf.variable(0.5);
    const opt = o.sgd({ learningRate: rate });
    const w = tf.variable([1]);
    opt.applyGradients([[tf.tensor1d([1]), w]]);
    rate.assign(0.25);
    opt.applyGradients([[tf.tensor1d([1]), w]]);
    near(w.dataSync(), [0.25]);
    expect(opt.learningRate).toBe(0.25);
    opt.learningRate = 2;
    expect(rate.dataSync()[0]).toBe(2);
  });
  it('may be a schedule, which cannot be set to a number', () => {
    const schedule = o.schedules.exponentialDecay({ initialLearningRate: 1, decaySteps: 1, decayRate: 0.5 });
    const opt = o.sgd({ learningRate: schedule });
    const w = tf.variable([0]);
    const step = tf.func(() => {
      opt.applyGradients([[tf.tensor1d([1]), w]]);
      return w.read();
    });
    for (let i = 0; i < 3; i++) step();
    near(step().dataSync(), [-1.875]);
    expect(opt.learningRate).toBeCloseTo(1 / 16, 6);
    expect(errorOf(() => opt.setLearningRate(0.1)).message).toMatch(/sgd: a schedule decides.*0\.1/s);
    opt.learningRate = o.schedules.inverseTimeDecay({ initialLearningRate: 1, decaySteps: 4, decayRate: 1 });
    expect(opt.learningRate).toBe(0.5);
  });
});

describe('state', () => {
  const make = (i: number) => {
    const w = tf.variable(start, true, `state_${i}/w`);
    return { w, opt: o.adam({ learningRate: 0.1, amsgrad: true }) };
  };
  it('is made by build, in a fixed order and with names as Keras has', () => {
    const { w, opt } = make(0);
    const b = tf.variable([0], true, 'b');
    opt.build([w, b]);
    expect(opt.variables.map((v) => v.name)).toEqual([
      'adam/iteration',
      ...['momentum', 'velocity', 'velocity_hat'].map((s) => `adam/state_0_w_${s}`),
      ...['momentum', 'velocity', 'velocity_hat'].map((s) => `adam/b_${s}`),
    ]);
    expect(opt.variables.every((v) => !v.trainable)).toBe(true);
    expect(opt.getWeights().map((t) => t.shape)).toEqual([[], [3], [3], [3], [1], [1], [1]]);
  });
  it.each(['adam', 'nadam', 'ftrl', 'adadelta'])('of %s is saved and restored', (name) => {
    const one = (w: tf.Variable, opt: tf.Optimizer) => opt.minimize(() => loss(w) as tf.Tensor);
    const [v, w] = [tf.variable(start), tf.variable(start)];
    const [a, b] = [o.get(name), o.get(name)];
    for (let i = 0; i < 3; i++) one(v, a);
    w.assign(v.read());
    b.build([w]);
    b.setWeights(a.getWeights());
    one(v, a);
    one(w, b);
    expect([...w.dataSync()]).toEqual([...v.dataSync()]);
    expect(b.iterations.dataSync()[0]).toBe(4);
  });
  it('takes named tensors, and refuses another number of them', () => {
    const { w, opt } = make(1);
    opt.build([w]);
    opt.setWeights(
      opt.getWeights().map((tensor, i) => ({ name: `${i}`, tensor: tensor.add(tf.scalar(1, 'int32')) as tf.Tensor })),
    );
    expect(opt.iterations.dataSync()[0]).toBe(1);
    const e = errorOf(() => opt.setWeights([tf.scalar(1, 'int32')]));
    expect(e.message).toMatch(/adam\.setWeights: there are 4 weights, got 1\n {2}fix: build the optimizer/);
  });
});

describe('configuration', () => {
  it.each(cases)('%s takes the same steps when it is made again', (_, make) => {
    const [v, w] = [tf.variable(start), tf.variable(start)];
    const a = make();
    const serialized = JSON.parse(JSON.stringify(o.serialize(a)));
    const b = o.deserialize(serialized);
    expect(b.getConfig()).toEqual(a.getConfig());
    expect(b.constructor).toBe(a.constructor);
    for (let i = 0; i < 3; i++) {
      a.minimize(() => loss(v) as tf.Tensor);
      b.minimize(() => loss(w) as tf.Tensor);
    }
    expect([...w.dataSync()]).toEqual([...v.dataSync()]);
  });
  it('has Keras defaults', () => {
    const rates = ['sgd', 'rmsprop', 'adagrad', 'adadelta', 'adam', 'adamw', 'adamax', 'nadam', 'ftrl'].map(
      (n) => o.get(n).learningRate,
    );
    expect(rates).toEqual([0.01, ...Array(8).fill(0.001)]);
    expect(o.get('adam').getConfig()).toMatchObject({ name: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-7 });
    expect(o.get('AdamW').weightDecay).toBe(0.004);
    expect(o.get('RMSProp').getConfig()).toMatchObject({ rho: 0.9, momentum: 0, centered: false });
    expect(o.get({ className: 'RMSProp', config: { learningRate: 0.1, decay: 0.7 } }).getConfig().rho).toBe(0.7);
  });
  it('holds schedules', () => {
    const learningRate = o.schedules.cosineDecay({ initialLearningRate: 0.5, decaySteps: 10, alpha: 0.1 });
    const again = o.deserialize(JSON.parse(JSON.stringify(o.serialize(o.adam({ learningRate, clipnorm: 2 })))));
    expect(again.learningRate).toBe(0.5);
    expect(again.getConfig()).toMatchObject({ clipnorm: 2, learningRate: { className: 'CosineDecay' } });
  });
  it('gives optimizers that are of TensorFlow.js', () => {
    expect(train.momentum(0.1, 0.9)).toBeInstanceOf(tf.SGDOptimizer);
    for (const [opt, cls] of [
      [train.sgd(1), tf.SGDOptimizer],
      [train.adam(), tf.AdamOptimizer],
      [train.adagrad(1), tf.AdagradOptimizer],
      [train.adadelta(), tf.AdadeltaOptimizer],
      [train.adamax(), tf.AdamaxOptimizer],
      [train.rmsprop(1), tf.RMSPropOptimizer],
    ] as const) {
      expect(opt).toBeInstanceOf(cls);
      expect(opt).toBeInstanceOf(tf.Optimizer);
    }
    expect(Object.keys(train.adam().getConfig())).toEqual(['learningRate', 'beta1', 'beta2', 'epsilon']);
  });
});

describe('refused', () => {
  const w = tf.variable([1, 2], true, 'refused');
  it.each<[string, () => unknown, RegExp]>([
    ['an unknown name', () => o.get('adm'), /optimizers\.get: unknown optimizer 'adm'\n {2}fix: did you mean 'adam'\?/],
    ['an unknown option', () => o.adam({ beta_1: 0.5 } as never), /adam: there is no option 'beta_1'\n.*'beta1'/],
    ['a bad beta', () => o.nadam({ beta2: 1 }), /nadam: beta2 must be at least 0 and less than 1, not 1/],
    ['a bad rate', () => o.sgd({ learningRate: 'x' as never }), /sgd: learningRate must be a finite number, not 'x'/],
    ['a missing rate', () => train.rmsprop(undefined as never), /rmsprop: learningRate is missing/],
    ['a vector as rate', () => train.adam(w), /adam: learningRate must be.*float32\[2\]/],
    ['a negative decay', () => o.sgd({ weightDecay: -1 }), /weightDecay must not be negative, got -1/],
    ['a power', () => o.ftrl({ learningRatePower: 0.5 }), /ftrl: learningRatePower must not be above 0/],
    ['steps', () => o.adam({ gradientAccumulationSteps: 0 }), /gradientAccumulationSteps must be a whole number/],
    ['a clip of 0', () => o.adam({ clipnorm: 0 }), /clipnorm must be above 0/],
    [
      'a gradient of another shape',
      () => o.sgd().applyGradients([[tf.zeros([3]), w]]),
      /the gradient of 'refused' has shape \[3\], the Variable \[2\]/,
    ],
    [
      'an int Variable',
      () => o.sgd().applyGradients([[tf.zeros([2]), tf.variable([1, 2], true, 'n', 'int32')]]),
      /'n' is int32/,
    ],
    ['no gradients', () => o.sgd().applyGradients(null as never), /applyGradients: takes gradients, not null/],
    ['no Variable', () => o.sgd().build([1 as never]), /sgd\.build: takes Variables, not 1/],
  ])('%s', (_, f, message) => {
    const e = errorOf(f);
    expect(e).toBeInstanceOf(tf.SinterError);
    expect(e.message).toMatch(message);
    expect((e as tf.SinterError).fix).toBeTruthy();
  });
});
