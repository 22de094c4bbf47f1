// Losses beside their definitions on plain numbers: every function, eagerly, traced and its gradient; the
// reductions; weights and masks; configurations; what is refused.

import * as tf from 'sinter';
import { beforeAll, describe, expect, it } from 'vitest';
import { getLoss, serializeLoss } from '../../frontends/keras/losses/index.ts';
import { errorOf } from '../frontend/helpers.ts';
import { near } from './near.ts';

type Row = readonly number[];
const { losses: l } = tf;
const sum = (x: Row) => x.reduce((a, b) => a + b, 0);
const mean = (x: Row) => sum(x) / x.length;
const eps = 1e-7;
const cut = (p: number) => Math.min(Math.max(p, eps), 1 - eps);
const softmax = (x: Row) => {
  const e = x.map(Math.exp);
  return e.map((v) => v / sum(e));
};
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const each = (f: (y: number, p: number) => number) => (y: Row, p: Row) => mean(y.map((v, i) => f(v, p[i])));
const length = (x: Row) => Math.sqrt(sum(x.map((v) => v * v)));
const cosine = (y: Row, p: Row) => sum(y.map((v, i) => v * p[i])) / (length(y) * length(p));

const bce = (y: number, p: number) => -y * Math.log(cut(p)) - (1 - y) * Math.log(1 - cut(p));
const cce = (y: Row, p: Row) => -sum(y.map((v, i) => v * Math.log(cut(p[i] / sum(p)))));

/** Labels and predictions of three samples. */
const numbers = {
  y: [
    [1, -2, 0.5],
    [0.25, 3, -1],
    [2, 0, 1],
  ],
  p: [
    [0.5, -1, 2],
    [1, 0.5, -1.5],
    [2.5, -3, 0],
  ],
};
const positive = {
  y: [
    [1, 2, 0.5],
    [0.25, 3, 1],
    [2, 0, 1],
  ],
  p: [
    [0.5, 1, 2],
    [1, 0.5, 1.5],
    [2.5, 3, 0.25],
  ],
};
const binary = {
  y: [
    [1, 0, 1],
    [0, 0, 1],
    [1, 1, 0],
  ],
  p: [
    [0.9, 0.2, 0.4],
    [0.5, 0, 1],
    [0.1, 0.7, 0.3],
  ],
};
const oneHot = {
  y: [
    [1, 0, 0],
    [0, 0, 1],
    [0, 1, 0],
  ],
  p: [
    [0.7, 0.2, 0.1],
    [0.5, 0.2, 0.3],
    [0.25, 0.5, 0.25],
  ],
};
const logits = { y: oneHot.y, p: numbers.p };

type Data = typeof numbers;
const cases: [string, Data, tf.Loss, (y: Row, p: Row) => number][] = [
  ['mse', numbers, new l.MeanSquaredError(), each((y, p) => (y - p) ** 2)],
  ['mae', numbers, new l.MeanAbsoluteError(), each((y, p) => Math.abs(y - p))],
  ['mape', positive, new l.MeanAbsolutePercentageError(), each((y, p) => (100 * Math.abs(y - p)) / Math.max(y, eps))],
  [
    'msle',
    positive,
    new l.MeanSquaredLogarithmicError(),
    each((y, p) => (Math.log(1 + Math.max(y, eps)) - Math.log(1 + p)) ** 2),
  ],
  ['logcosh', numbers, new l.LogCosh(), each((y, p) => Math.log(Math.cosh(p - y)))],
  [
    'huber',
    numbers,
    new l.Huber({ delta: 0.75 }),
    each((y, p) => (Math.abs(y - p) <= 0.75 ? (y - p) ** 2 / 2 : 0.75 * (Math.abs(y - p) - 0.375))),
  ],
  ['poisson', positive, new l.Poisson(), each((y, p) => p - y * Math.log(p + eps))],
  ['cosine', numbers, new l.CosineSimilarity(), (y, p) => -cosine(y, p)],
  [
    'kld',
    oneHot,
    new l.KLDivergence(),
    (y, p) => sum(y.map((v, i) => Math.max(v, eps) * Math.log(Math.max(v, eps) / p[i]))),
  ],
  ['hinge of 0 and 1', binary, new l.Hinge(), each((y, p) => Math.max(0, 1 - (2 * y - 1) * p))],
  [
    'squared hinge of -1 and 1',
    { y: binary.y.map((r) => r.map((v) => 2 * v - 1)), p: numbers.p },
    new l.SquaredHinge(),
    each((y, p) => Math.max(0, 1 - y * p) ** 2),
  ],
  [
    'categorical hinge',
    logits,
    new l.CategoricalHinge(),
    (y, p) => Math.max(0, 1 + Math.max(...p.map((v, i) => v * (1 - y[i]))) - sum(p.map((v, i) => v * y[i]))),
  ],
  ['bce', binary, new l.BinaryCrossentropy(), each(bce)],
  ['bce of logits', logits, new l.BinaryCrossentropy({ fromLogits: true }), each((y, p) => bce(y, sigmoid(p)))],
  ['bce smoothed', binary, new l.BinaryCrossentropy({ labelSmoothing: 0.2 }), each((y, p) => bce(0.8 * y + 0.1, p))],
  ['cce', oneHot, new l.CategoricalCrossentropy(), cce],
  ['cce of no shares', { y: oneHot.y, p: positive.p }, new l.CategoricalCrossentropy(), cce],
  ['cce of logits', logits, new l.CategoricalCrossentropy({ fromLogits: true }), (y, p) => cce(y, softmax(p))],
  [
    'cce smoothed',
    logits,
    new l.CategoricalCrossentropy({ fromLogits: true, labelSmoothing: 0.3 }),
    (y, p) =>
      cce(
        y.map((v) => 0.7 * v + 0.1),
        softmax(p),
      ),
  ],
  [
    'binary focal',
    binary,
    new l.BinaryFocalCrossentropy({ gamma: 1.5, alpha: 0.3, applyClassBalancing: true }),
    each((y, p) => {
      const right = y * p + (1 - y) * (1 - p);
      return (y * 0.3 + (1 - y) * 0.7) * (1 - right) ** 1.5 * bce(y, p);
    }),
  ],
  [
    'categorical focal',
    logits,
    new l.CategoricalFocalCrossentropy({ fromLogits: true, gamma: 3, alpha: 0.5 }),
    (y, p) => sum(softmax(p).map((v, i) => -0.5 * (1 - v) ** 3 * y[i] * Math.log(v))),
  ],
];

beforeAll(() => tf.ready());

describe('definitions', () => {
  it.each(cases)('%s', (_, { y, p }, loss, formula) => {
    const per = y.map((r, i) => formula(r, p[i]));
    near(loss.call(tf.tensor2d(y), tf.tensor2d(p)), per);
    near(loss.apply(y, p), mean(per));
    const traced = tf.func((a: tf.Tensor, c: tf.Tensor) => loss.apply(a, c, [1, 2, 0]));
    const weighed = (per[0] + 2 * per[1]) / 3;
    near(traced(tf.tensor2d(y), tf.tensor2d(p)), weighed);
    // Labels of whole numbers are taken as floats.
    if (y.flat().every(Number.isInteger)) near(loss.apply(tf.tensor2d(y, undefined, 'int32'), p), mean(per));
  });
  it.each(cases)('%s: its gradient', (name, { y, p }, loss, formula) => {
    const g = tf
      .grad((x) => loss.apply(y, x, null))(tf.tensor2d(p))
      .arraySync() as number[][];
    const at = (i: number, j: number, h: number) =>
      formula(
        y[i],
        p[i].map((v, k) => (k === j ? v + h : v)),
      ) / 3;
    for (const [i, row] of p.entries())
      for (const j of row.keys()) {
        const want = (at(i, j, 1e-5) - at(i, j, -1e-5)) / 2e-5;
        // Where a probability is cut, or |x| turns, there is no derivative.
        if (row[j] === 0 || row[j] === 1 || (name === 'huber' && row[j] === y[i][j])) continue;
        expect(Math.abs(g[i][j] - want) / Math.max(1, Math.abs(want))).toBeLessThan(1e-3);
      }
  });
  it('sparse cross-entropy', () => {
    const labels = [2, 0, 1];
    const want = labels.map((c, i) => -Math.log(oneHot.p[i][c]));
    const { sparseCategoricalCrossentropy: f } = l;
    near(f(labels, oneHot.p), want);
    near(f([[2], [0], [1]], oneHot.p), want);
    near(f(tf.tensor1d([2.0, 0.0, 1.0]), oneHot.p), want);
    near(
      f(labels, numbers.p, true),
      labels.map((c, i) => -Math.log(softmax(numbers.p[i])[c])),
    );
    const ignoring = new l.SparseCategoricalCrossentropy({ ignoreClass: 0 });
    near(ignoring.call(tf.tensor1d(labels, 'int32'), tf.tensor2d(oneHot.p)), [want[0], 0, want[2]]);
    // What is ignored is left out of the mean.
    near(ignoring.apply(labels, oneHot.p), (want[0] + want[2]) / 2);
    const padded = new l.SparseCategoricalCrossentropy({ ignoreClass: -1, fromLogits: true });
    near(padded.apply([-1, -1, -1], numbers.p), 0);
    expect(f([3, 0, 1], oneHot.p).arraySync()).toEqual([Number.NaN, expect.any(Number), expect.any(Number)]);
  });
  it('over another axis', () => {
    const turn = (x: number[][]) => tf.transpose(tf.tensor2d(x));
    const want = oneHot.y.map((r, i) => cce(r, softmax(numbers.p[i])));
    near(l.categoricalCrossentropy(turn(oneHot.y), turn(numbers.p), true, 0, 0), want);
    near(l.sparseCategoricalCrossentropy([0, 2, 1], turn(numbers.p), true, null, 0), want);
    near(
      l.binaryCrossentropy(turn(binary.y), turn(binary.p), false, 0, 0),
      binary.y.map((r, i) => each(bce)(r, binary.p[i])),
    );
    near(new l.CosineSimilarity({ axis: 1 }).call(tf.tensor3d([numbers.y.map((r) => [r[0]])]), tf.ones([1, 3, 1])), [
      -cosine([1, 0.25, 2], [1, 1, 1]),
    ]);
  });
  it('far from 0 stay finite', () => {
    const far = [[200, -200]];
    near(l.binaryCrossentropy([[0, 1]], far, true), [200]);
    near(l.categoricalCrossentropy([[0, 1]], far, true), [400]);
    near(l.sparseCategoricalCrossentropy([1], far, true), [400]);
    near(l.logcosh([[0, 0]], far), [200 - Math.log(2)]);
    near(l.binaryFocalCrossentropy([[0, 1]], far, { fromLogits: true }), [200]);
    const certain = l.binaryCrossentropy([[1, 0]], [[0, 1]]).arraySync() as number[];
    expect(certain[0]).toBeGreaterThan(15);
    expect(certain[0]).toBeLessThan(17);
  });
  it('of a float64 model are float64', () => {
    const p = tf.tensor2d(numbers.p, undefined, 'float64');
    const loss = new l.MeanSquaredError().apply(numbers.y, p);
    expect(loss.dtype).toBe('float64');
    near(loss, mean(numbers.y.map((r, i) => each((y, q) => (y - q) ** 2)(r, numbers.p[i]))), 1e-14);
  });
});

describe('reductions', () => {
  const y = [[0], [0], [0]];
  const p = [[1], [2], [4]];
  const w = [1, 3, 0];
  const by = (reduction: string | null) => new l.MeanAbsoluteError({ reduction });
  it.each<[string, number | Row, number | Row]>([
    ['sumOverBatchSize', 7 / 3, 7 / 3],
    ['mean', 7 / 3, 7 / 3],
    ['sum', 7, 7],
    ['meanWithSampleWeight', 7 / 3, 7 / 4],
    ['mean_with_sample_weight', 7 / 3, 7 / 4],
    ['none', [1, 2, 4], [1, 6, 0]],
  ])('%s', (name, plain, weighed) => {
    near(by(name).apply(y, p), plain);
    near(by(name).apply(y, p, w), weighed);
    near(
      by(name).apply(
        y,
        p,
        w.map((x) => [x]),
      ),
      weighed,
    );
  });
  it('leave out what is masked', () => {
    near(by('mean').apply(y, p, null, [true, false, true]), 5 / 2);
    near(by('sum').apply(y, p, null, [1, 0, 1]), 5);
    near(by('mean').apply(y, p, w, [1, 1, 0]), 7 / 2);
    near(by('none').apply(y, p, null, [0, 1, 1]), [0, 2, 4]);
  });
  it('weigh steps of a sequence, or whole sequences', () => {
    const [a, c] = [
      tf.zeros([2, 2, 1]),
      tf.tensor3d([
        [[1], [2]],
        [[3], [4]],
      ]),
    ];
    const mae = new l.MeanAbsoluteError();
    near(mae.apply(a, c, [1, 0]), 3 / 4);
    near(
      mae.apply(a, c, [
        [1, 0],
        [0, 2],
      ]),
      9 / 4,
    );
  });
  it('of nothing are 0', () => {
    near(by('mean').apply(tf.zeros([0, 2]), tf.zeros([0, 2])), 0);
    near(by('meanWithSampleWeight').apply(y, p, [0, 0, 0]), 0);
  });
  it('bring vectors and columns together', () => {
    const mse = new l.MeanSquaredError();
    near(mse.apply([1, 2], [[2], [4]]), 2.5);
    near(mse.apply([[1], [2]], [2, 4]), 2.5);
    near(mse.apply([[[1]], [[2]]], [[2], [4]]), 2.5);
  });
});

describe('names', () => {
  it.each<[string, string]>([
    ['mse', 'MeanSquaredError'],
    ['meanSquaredError', 'MeanSquaredError'],
    ['mean_squared_error', 'MeanSquaredError'],
    ['MAPE', 'MeanAbsolutePercentageError'],
    ['kld', 'KLDivergence'],
    ['sparseCategoricalCrossentropy', 'SparseCategoricalCrossentropy'],
    ['logcosh', 'LogCosh'],
    ['cosineProximity', 'CosineSimilarity'],
    ['huber_loss', 'Huber'],
  ])('%s', (name, className) => expect(l.get(name).getClassName()).toBe(className));
  it('are Keras’s', () =>
    expect(['mse', 'kld', 'logcosh', 'huber', 'bce', 'cosineSimilarity'].map((n) => l.get(n).name)).toEqual([
      'mean_squared_error',
      'kl_divergence',
      'log_cosh',
      'huber_loss',
      'binary_crossentropy',
      'cosine_similarity',
    ]));
  it.each(cases)('%s is made again from its configuration', (_, { y, p }, loss) => {
    const again = l.deserialize(JSON.parse(JSON.stringify(l.serialize(loss))));
    expect(again.getConfig()).toEqual(loss.getConfig());
    expect(again.apply(y, p).arraySync()).toBe(loss.apply(y, p).arraySync());
  });
  it('stay TensorFlow.js’s where they clash', () => near(l.meanSquaredError([1, 2], [2, 4], [1, 0]), 1));
  it('of functions', () => {
    expect(getLoss(l.categoricalCrossentropy)).toBeInstanceOf(l.CategoricalCrossentropy);
    expect(getLoss(l.mse)).toBeInstanceOf(l.MeanSquaredError);
    const half = (y: tf.Tensor, p: tf.Tensor) => tf.sub(y, p).abs().mean(-1).div(2) as tf.Tensor;
    const loss = getLoss(half);
    expect([loss.name, serializeLoss(loss)]).toEqual(['half', 'half']);
    near(loss.apply([[1], [2]], [[2], [4]], [1, 2]), (0.5 + 2) / 2);
    near(getLoss('half', 'compile', { half }).apply([[1]], [[2]]), 0.5);
    // TensorFlow.js's own losses give one number.
    near(
      getLoss(tf.losses.softmaxCrossEntropy).apply(oneHot.y, numbers.p),
      mean(oneHot.y.map((r, i) => cce(r, softmax(numbers.p[i])))),
    );
  });
});

describe('refused', () => {
  it.each<[string, () => unknown, RegExp]>([
    [
      'an unknown name',
      () => l.get('mean_square_error'),
      /losses\.get: unknown loss.*did you mean 'meanSquaredError'/s,
    ],
    ['no loss', () => l.get(3), /losses\.get: 3 is no loss/],
    ['an unknown option', () => new l.Huber({ detla: 1 } as never), /Huber: there is no option 'detla'.*'delta'/s],
    ['an unknown reduction', () => new l.Hinge({ reduction: 'avg' }), /Hinge: unknown reduction 'avg'/],
    [
      'class numbers for one-hot labels',
      () => l.categoricalCrossentropy([1, 2], oneHot.p.slice(0, 2)),
      /categoricalCrossentropy: labels have shape \[2\], predictions \[2,3\]\n.*sparseCategoricalCrossentropy/,
    ],
    [
      'one-hot labels for class numbers',
      () => l.sparseCategoricalCrossentropy(oneHot.y, oneHot.p),
      /sparseCategoricalCrossentropy: class numbers have shape \[3,3\].*\[3\].*categoricalCrossentropy/s,
    ],
    ['other shapes', () => l.get('mse').apply([[1, 2]], [[1, 2, 3]]), /meanSquaredError: labels have shape \[1,2\]/],
    ['weights', () => l.get('mse').apply([[1], [2]], [[1], [2]], [1, 2, 3]), /weights have shape \[3\].*\[2\]/],
    ['scalars', () => l.mse(1, 2), /meanSquaredError: labels and predictions are scalars/],
    ['what gives no tensor', () => l.get(() => 3).apply([[1]], [[1]]), /gives 3/],
  ])('%s', (_, f, message) => {
    const e = errorOf(f);
    expect(e).toBeInstanceOf(tf.SinterError);
    expect(e.message).toMatch(message);
    expect((e as tf.SinterError).fix).toBeTruthy();
  });
});
