// What all optimizers do around the update: clipping, weight decay, averages, accumulation; the learning
// rate; their state.

import * as tf from 'sinter';
import { beforeAll, describe, expect, it } from 'vitest';
import { errorOf } from '../frontend/helpers.ts';
import { near } from './near.ts';
import { loss, start } from './optimizer-cases.ts';

const { optimizers: o, train } = tf;

beforeAll(() => tf.ready());

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
