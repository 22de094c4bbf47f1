// Learning rate schedules beside their formulas in float64.

import * as tf from 'sinter';
import { describe, expect, it } from 'vitest';
import { errorOf } from '../frontend/helpers.ts';

const { schedules: s } = tf.optimizers;
const { PI } = Math;

const rate = (schedule: tf.LearningRateSchedule, step: number) => schedule.apply(tf.scalar(step)).dataSync()[0];

const cases: [string, tf.LearningRateSchedule, (step: number) => number][] = [
  [
    'exponential',
    s.exponentialDecay({ initialLearningRate: 0.5, decaySteps: 10, decayRate: 0.9 }),
    (k) => 0.5 * 0.9 ** (k / 10),
  ],
  [
    'exponential in stairs',
    s.exponentialDecay({ initialLearningRate: 0.5, decaySteps: 10, decayRate: 0.9, staircase: true }),
    (k) => 0.5 * 0.9 ** Math.floor(k / 10),
  ],
  [
    'inverse time',
    s.inverseTimeDecay({ initialLearningRate: 0.5, decaySteps: 10, decayRate: 2 }),
    (k) => 0.5 / (1 + (2 * k) / 10),
  ],
  [
    'inverse time in stairs',
    s.inverseTimeDecay({ initialLearningRate: 0.5, decaySteps: 10, decayRate: 2, staircase: true }),
    (k) => 0.5 / (1 + 2 * Math.floor(k / 10)),
  ],
  [
    'piecewise',
    s.piecewiseConstantDecay({ boundaries: [5, 20], values: [1, 0.5, 0.1] }),
    (k) => (k <= 5 ? 1 : k <= 20 ? 0.5 : 0.1),
  ],
  [
    'polynomial',
    s.polynomialDecay({ initialLearningRate: 0.5, decaySteps: 20, endLearningRate: 0.1, power: 2 }),
    (k) => 0.4 * (1 - Math.min(k, 20) / 20) ** 2 + 0.1,
  ],
  [
    'polynomial in cycles',
    s.polynomialDecay({ initialLearningRate: 0.5, decaySteps: 20, cycle: true }),
    (k) => (0.5 - 1e-4) * (1 - k / (20 * Math.max(1, Math.ceil(k / 20)))) + 1e-4,
  ],
  [
    'cosine',
    s.cosineDecay({ initialLearningRate: 0.5, decaySteps: 20, alpha: 0.2 }),
    (k) => 0.5 * (0.8 * 0.5 * (1 + Math.cos((PI * Math.min(k, 20)) / 20)) + 0.2),
  ],
  [
    'cosine after a warmup',
    s.cosineDecay({ initialLearningRate: 0.1, decaySteps: 20, warmupTarget: 0.5, warmupSteps: 4 }),
    (k) => (k < 4 ? 0.1 + (0.4 * k) / 4 : 0.25 * (1 + Math.cos((PI * Math.min(k - 4, 20)) / 20))),
  ],
  [
    'cosine with restarts',
    s.cosineDecayRestarts({ initialLearningRate: 0.5, firstDecaySteps: 3, tMul: 2, mMul: 0.8, alpha: 0.1 }),
    (k) => {
      let [from, length, height] = [0, 3, 1];
      for (; k >= from + length; height *= 0.8) {
        from += length;
        length *= 2;
      }
      return 0.5 * (0.9 * height * 0.5 * (1 + Math.cos((PI * (k - from)) / length)) + 0.1);
    },
  ],
  [
    'cosine with restarts of one length',
    s.cosineDecayRestarts({ initialLearningRate: 0.5, firstDecaySteps: 7, tMul: 1, mMul: 0.5 }),
    (k) => 0.25 * 0.5 ** Math.floor(k / 7) * (1 + Math.cos((PI * (k % 7)) / 7)),
  ],
];

describe('schedules', () => {
  it.each(cases)('%s', (_, schedule, formula) => {
    const traced = tf.func((step: tf.Tensor) => schedule.apply(step));
    for (const step of [0, 1, 2, 3, 4, 5, 6, 9, 10, 19, 20, 21, 45, 93, 100, 189, 1000]) {
      const want = formula(step);
      expect(Math.abs(rate(schedule, step) - want)).toBeLessThan(2e-6);
      expect(Math.abs((traced(tf.scalar(step)) as tf.Tensor).dataSync()[0] - want)).toBeLessThan(2e-6);
    }
  });
  it.each(cases)('%s is made again from its configuration', (_, schedule) => {
    const config = JSON.parse(JSON.stringify({ className: schedule.getClassName(), config: schedule.getConfig() }));
    const opt = tf.optimizers.sgd({ learningRate: config });
    expect(opt.learningRate).toBe(rate(schedule, 0));
    expect(opt.getConfig().learningRate).toEqual(config);
  });
  it('restart where the periods end, however many there were', () => {
    for (const tMul of [1.5, 2, 3]) {
      const schedule = s.cosineDecayRestarts({ initialLearningRate: 1, firstDecaySteps: 16, tMul });
      let [at, length] = [0, 16];
      for (let i = 0; i < 8; i++) {
        at += length;
        length *= tMul;
        if (Number.isInteger(at)) expect(rate(schedule, at)).toBeGreaterThan(0.999);
        expect(rate(schedule, Math.floor(at - 1))).toBeLessThan(0.1);
      }
    }
  });
  it('may be of one’s own', () => {
    class Halves extends tf.LearningRateSchedule {
      apply(step: tf.Tensor): tf.Tensor {
        return tf.pow(0.5, step);
      }
      getConfig() {
        return {};
      }
    }
    const w = tf.variable([0]);
    const opt = tf.optimizers.sgd({ learningRate: new Halves() });
    const step = tf.func(() => {
      opt.applyGradients([[tf.tensor1d([1]), w]]);
      return w.read();
    });
    for (let i = 0; i < 3; i++) step();
    expect((step() as tf.Tensor).dataSync()[0]).toBe(-1.875);
  });
});

describe('refused', () => {
  const some = { initialLearningRate: 1, decaySteps: 1, decayRate: 1 };
  it.each<[string, () => unknown, RegExp]>([
    ['no steps', () => s.exponentialDecay({ ...some, decaySteps: 0 }), /ExponentialDecay: decaySteps must be above 0/],
    ['no rate', () => s.cosineDecay({ decaySteps: 1 } as never), /CosineDecay: initialLearningRate must be a finite/],
    ['an unknown option', () => s.inverseTimeDecay({ ...some, decayrate: 1 } as never), /did you mean 'decayRate'/],
    [
      'values that do not fit',
      () => s.piecewiseConstantDecay({ boundaries: [1], values: [1] }),
      /values must be one more than boundaries/,
    ],
    [
      'boundaries that fall',
      () => s.piecewiseConstantDecay({ boundaries: [2, 1], values: [1, 2, 3] }),
      /boundaries must rise, got \[2,1\]/,
    ],
    [
      'shrinking periods',
      () => s.cosineDecayRestarts({ initialLearningRate: 1, firstDecaySteps: 1, tMul: 0.5 }),
      /tMul must be at least 1, got 0.5/,
    ],
    [
      'an unknown schedule',
      () => tf.optimizers.sgd({ learningRate: { className: 'CosinDecay', config: {} } }),
      /unknown learning rate schedule 'CosinDecay'\n {2}fix: did you mean 'CosineDecay'/,
    ],
  ])('%s', (_, f, message) => {
    const e = errorOf(f);
    expect(e).toBeInstanceOf(tf.ArgumentError);
    expect(e.message).toMatch(message);
  });
});
