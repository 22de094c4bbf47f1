// Every optimizer and the formula of its paper, on plain numbers.

import * as tf from 'sinter';

/** New value of one weight for its gradient in step t, from 1 on. */
export type Formula = () => (w: number, g: number, t: number) => number;

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
export const adam =
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

export const cases: [string, () => tf.Optimizer, Formula][] = [
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

export const start = [2, -1, 0.25];
const slope = [1, 3, -2];
/** The loss sum of (w - slope)^2 * c with c = 0.5 + index: a gradient of its own for each element. */
export const gradient = (w: number, i: number) => 2 * (0.5 + i) * (w - slope[i]);
export const loss = (w: tf.Variable) => w.sub(slope).square().mul([0.5, 1.5, 2.5]).sum();
export const steps = 6;
export const path = (formula: Formula): number[][] => {
  const each = start.map(() => formula());
  let w = start.slice();
  return Array.from({ length: steps }, (_, k) => {
    w = w.map((x, i) => each[i](x, gradient(x, i), k + 1));
    return w;
  });
};
