// Every optimizer beside the formula of its paper in float64, eagerly and traced; its configuration.

import * as tf from 'sinter';
import { beforeAll, describe, expect, it } from 'vitest';
import { errorOf } from '../frontend/helpers.ts';
import { near } from './near.ts';
import { adam, cases, gradient, loss, path, start, steps } from './optimizer-cases.ts';

const { optimizers: o, train } = tf;

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
