// Initializers: distributions over many numbers of a seed, fans, seeds, names; what they refuse.

import * as tf from 'sinter';
import { describe, expect, it } from 'vitest';
import { close, equalTo, errorOf } from '../frontend/helpers.ts';

const init = tf.initializers;

/** Mean, variance, least and largest of a tensor's elements, in float64. */
function statistics(t: tf.Tensor) {
  const x = Array.from(t.dataSync());
  const mean = x.reduce((s, v) => s + v, 0) / x.length;
  const variance = x.reduce((s, v) => s + (v - mean) ** 2, 0) / x.length;
  return { mean, variance, least: Math.min(...x), largest: Math.max(...x) };
}

describe('constants', () => {
  it('zeros, ones, constant', () => {
    equalTo(init.zeros().apply([2]), [0, 0]);
    equalTo(init.ones().apply([1, 2]), [[1, 1]]);
    equalTo(init.constant({ value: 2.5 }).apply([2]), [2.5, 2.5]);
    equalTo(init.constant({ value: 7 }).apply([1], 'int32'), [7]);
    expect(init.ones().apply([], 'float64').dtype).toBe('float64');
    equalTo(init.constant({ value: 1 }).apply([0, 3]), []);
  });
  it('identity', () => {
    equalTo(init.identity().apply([2, 2]), [
      [1, 0],
      [0, 1],
    ]);
    equalTo(init.identity({ gain: 3 }).apply([2, 3]), [
      [3, 0, 0],
      [0, 3, 0],
    ]);
  });
});

describe('distributions', () => {
  // Kernel of a convolution: 3 x 5 window, 20 channels in, 70 out.
  const shape = [3, 5, 20, 70];
  const [fanIn, fanOut] = [15 * 20, 15 * 70];
  const n = 21_000;
  const cases: [string, tf.Initializer, { variance: number; mean?: number; bound?: number }][] = [
    ['randomUniform', init.randomUniform({ seed: 1 }), { variance: 0.1 ** 2 / 12, bound: 0.05 }],
    ['randomNormal', init.randomNormal({ seed: 2, mean: 1, stddev: 0.5 }), { variance: 0.25, mean: 1 }],
    [
      'truncatedNormal',
      init.truncatedNormal({ seed: 3, stddev: 2 }),
      { variance: 4 * 0.87962566103423978 ** 2, bound: 4 },
    ],
    [
      'glorotUniform',
      init.glorotUniform({ seed: 4 }),
      { variance: 2 / (fanIn + fanOut), bound: Math.sqrt(6 / (fanIn + fanOut)) },
    ],
    [
      'glorotNormal',
      init.glorotNormal({ seed: 5 }),
      { variance: 2 / (fanIn + fanOut), bound: (2 * Math.sqrt(2 / (fanIn + fanOut))) / 0.8796256 },
    ],
    ['heUniform', init.heUniform({ seed: 6 }), { variance: 2 / fanIn, bound: Math.sqrt(6 / fanIn) }],
    ['heNormal', init.heNormal({ seed: 7 }), { variance: 2 / fanIn, bound: (2 * Math.sqrt(2 / fanIn)) / 0.8796256 }],
    ['leCunUniform', init.leCunUniform({ seed: 8 }), { variance: 1 / fanIn, bound: Math.sqrt(3 / fanIn) }],
    ['leCunNormal', init.leCunNormal({ seed: 9 }), { variance: 1 / fanIn, bound: (2 / 0.8796256) * fanIn ** -0.5 }],
    [
      'varianceScaling, fanOut, untruncated',
      init.varianceScaling({ scale: 3, mode: 'fanOut', distribution: 'untruncatedNormal', seed: 10 }),
      { variance: 3 / fanOut },
    ],
  ];
  it.each(cases)('%s', (_, initializer, { variance, mean = 0, bound }) => {
    const s = statistics(initializer.apply(shape));
    // Six deviations of the mean of n numbers, and of their variance (4th moment at most that of the normal).
    expect(Math.abs(s.mean - mean)).toBeLessThan(6 * Math.sqrt(variance / n));
    expect(Math.abs(s.variance / variance - 1)).toBeLessThan(6 * Math.sqrt(2 / n));
    if (bound === undefined) {
      // Of 21000 normal numbers some are beyond three deviations: nothing was cut off.
      expect(s.largest - mean).toBeGreaterThan(3 * Math.sqrt(variance));
      return;
    }
    expect(s.largest).toBeLessThanOrEqual(bound * 1.000001);
    expect(s.least).toBeGreaterThanOrEqual(-bound * 1.000001);
    expect(s.largest).toBeGreaterThan(0.97 * bound);
    expect(s.least).toBeLessThan(-0.97 * bound);
  });
  it('fans of vectors and scalars', () => {
    // Uniform of bound sqrt(3 / fan): a vector of 12 has fans 12, a scalar 1.
    const bound = (t: tf.Tensor) => Math.max(...Array.from(t.dataSync(), Math.abs));
    const wide = init.varianceScaling({ distribution: 'uniform', seed: 1 });
    expect(bound(wide.apply([12]))).toBeLessThanOrEqual(0.5);
    expect(bound(wide.apply([12]))).toBeGreaterThan(0.35);
    expect(bound(wide.apply([]))).toBeLessThanOrEqual(Math.sqrt(3));
    expect(wide.apply([0, 4]).shape).toEqual([0, 4]);
  });
  it('orthogonal: fewer columns, fewer rows, kernels, gain', () => {
    const eye = (k: number, x = 1) =>
      Array.from({ length: k }, (_, i) => Array.from({ length: k }, (_, j) => (i === j ? x : 0)));
    const tall = init.orthogonal({ seed: 1 }).apply([7, 4]);
    close(tf.matMul(tall, tall, true), eye(4));
    const wide = init.orthogonal({ seed: 1, gain: 2 }).apply([4, 7]);
    close(tf.matMul(wide, wide, false, true), eye(4, 4));
    const kernel = tf.reshape(init.orthogonal({ seed: 2 }).apply([3, 3, 2, 5]), [18, 5]);
    close(tf.matMul(kernel, kernel, true), eye(5));
    // All rotations and reflections are equally likely: the first element has mean 0, of either sign.
    const firsts = Array.from({ length: 200 }, (_, i) => init.orthogonal({ seed: i }).apply([3, 3]).dataSync()[0]);
    expect(Math.abs(firsts.reduce((a, b) => a + b, 0) / 200)).toBeLessThan(6 / Math.sqrt(3 * 200));
    expect(init.orthogonal({ seed: 1 }).apply([3, 3], 'float64').dtype).toBe('float64');
    expect(init.orthogonal({ seed: 1 }).apply([0, 3]).shape).toEqual([0, 3]);
    // As large as those of recurrent layers are, before anything is compiled.
    const large = init.orthogonal({ seed: 1 }).apply([64, 256]);
    close(tf.matMul(large, large, false, true), eye(64));
    // A traced one goes through the decomposition of the graph.
    const f = tf.func(() => init.orthogonal({ seed: 3 }).apply([6, 9]));
    close(f() as tf.Tensor, init.orthogonal({ seed: 3 }).apply([6, 9]).arraySync());
  });
});

describe('seeds', () => {
  it('the same seed, the same numbers', () => {
    for (const name of [
      'glorotUniform',
      'heNormal',
      'randomUniform',
      'randomNormal',
      'orthogonal',
      'truncatedNormal',
    ] as const) {
      const [a, b, c] = [5, 5, 6].map((seed) => init[name]({ seed }).apply([4, 4]).dataSync());
      expect(a).toEqual(b);
      expect(a).not.toEqual(c);
    }
  });
  it('without one, the global generator', () => {
    const draw = () => Array.from(init.glorotUniform().apply([3, 3]).dataSync());
    tf.setRandomSeed(11);
    const [a, b] = [draw(), draw()];
    expect(a).not.toEqual(b);
    tf.setRandomSeed(11);
    expect([draw(), draw()]).toEqual([a, b]);
  });
  it('traced', () => {
    const f = tf.func(() => init.heNormal({ seed: 3 }).apply([5, 5]));
    close(f() as tf.Tensor, init.heNormal({ seed: 3 }).apply([5, 5]).arraySync(), 6);
  });
  it('dtypes', () => {
    expect(init.glorotUniform({ seed: 1 }).apply([2, 2], 'float64').dtype).toBe('float64');
    expect(init.glorotUniform({ seed: 1 }).apply([2, 2], 'float16').dtype).toBe('float16');
  });
});

describe('names and configurations', () => {
  it.each([
    ['glorotUniform', 'GlorotUniform'],
    ['glorot_uniform', 'GlorotUniform'],
    ['GlorotUniform', 'GlorotUniform'],
    ['lecun_normal', 'LeCunNormal'],
    ['leCunNormal', 'LeCunNormal'],
    ['normal', 'RandomNormal'],
    ['uniform', 'RandomUniform'],
    ['zeros', 'Zeros'],
    ['identity', 'Identity'],
    ['Orthogonal', 'Orthogonal'],
  ])('%s', (name, className) => {
    const made = init.get(name) as tf.Initializer;
    expect(made.getClassName()).toBe(className);
    expect(init.serialize(init.deserialize(init.serialize(made)))).toEqual(init.serialize(made));
  });
  it('keep what they were made of', () => {
    const config = { scale: 2, mode: 'fanOut', distribution: 'uniform', seed: 3 } as const;
    const a = init.varianceScaling(config);
    expect(a.getConfig()).toEqual(config);
    const again = init.deserialize(JSON.parse(JSON.stringify(init.serialize(a))));
    expect(again.apply([3, 3]).dataSync()).toEqual(a.apply([3, 3]).dataSync());
    const keras = init.deserialize({
      className: 'VarianceScaling',
      config: { scale: 2, mode: 'fan_out', distribution: 'uniform', seed: 3 },
    });
    expect(keras.getConfig()).toEqual(config);
    expect(init.glorotUniform().getConfig()).toEqual({ seed: null });
  });
  it('none is none', () => {
    expect(init.get(null)).toBeNull();
  });
  it('a function', () => {
    const half = (shape: readonly number[]) => tf.fill(shape, 0.5);
    equalTo((init.get(half) as tf.Initializer).apply([2]), [0.5, 0.5]);
    const bad = init.get(() => tf.zeros([3])) as tf.Initializer;
    expect(() => bad.apply([2])).toThrow(/gave shape \[3\] where \[2\] was asked for/);
  });
});

describe('refused', () => {
  it.each([
    ['an unknown name', () => init.get('glorotUnifrom'), /unknown initializer/, /did you mean 'glorotUniform'\?/],
    ['an unknown option', () => init.glorotUniform({ sead: 1 } as never), /no option 'sead'/, /did you mean 'seed'\?/],
    ['a scale of 0', () => init.varianceScaling({ scale: 0 }), /scale must be positive, got 0/, /positive/],
    ['an unknown mode', () => init.varianceScaling({ mode: 'fanInn' as never }), /no mode 'fanInn'/, /fanIn/],
    ['a seed that is none', () => init.heNormal({ seed: {} as never }), /the seed must be a number/, /leave it out/],
    ['limits the wrong way', () => init.randomUniform({ minval: 1, maxval: 0 }), /minval must be at most/, /swap/],
    ['a value NaN', () => init.constant({ value: Number.NaN }), /value must be a finite number, got NaN/, /leave/],
    ['a vector made orthogonal', () => init.orthogonal().apply([3]), /at least 2 axes, got \[3\]/, /kernels/],
    ['identity of rank 3', () => init.identity().apply([2, 2, 2]), /must have 2 axes/, /square/],
    ['a negative shape', () => init.heNormal().apply([-1, 2]), /shape/, /./],
  ])('%s', (_, f, message, fix) => {
    const e = errorOf(f) as tf.SinterError;
    expect(e).toBeInstanceOf(tf.SinterError);
    expect(e.message).toMatch(message);
    expect(e.fix).toMatch(fix);
  });
});
