// Which metric a name means, and what metrics refuse.

import * as tf from 'sinter';
import { describe, expect, it } from 'vitest';
import { getMetric } from '../../frontends/keras/metrics/index.ts';
import { errorOf } from '../frontend/helpers.ts';
import { near } from './near.ts';

const { metrics: m } = tf;

describe('names', () => {
  const kind = (id: string, y: (number | null)[], p: (number | null)[], loss?: string) =>
    getMetric(id, { yTrueShape: y, yPredShape: p, loss: loss ? tf.losses.get(loss) : null });
  it('accuracy is chosen by the shapes', () => {
    for (const name of ['accuracy', 'acc']) {
      expect(kind(name, [null, 1], [null, 1])).toBeInstanceOf(m.BinaryAccuracy);
      expect(kind(name, [null, 3], [null, 3])).toBeInstanceOf(m.CategoricalAccuracy);
      expect(kind(name, [null, 1], [null, 3])).toBeInstanceOf(m.SparseCategoricalAccuracy);
      expect(kind(name, [null, 7], [null, 7, 3])).toBeInstanceOf(m.SparseCategoricalAccuracy);
      expect(kind(name, [null], [null, 1]).name).toBe(name);
    }
    expect(kind('ce', [null, 1], [null, 3])).toBeInstanceOf(m.SparseCategoricalCrossentropy);
    expect(kind('crossentropy', [null, 3], [null, 3])).toBeInstanceOf(m.CategoricalCrossentropy);
  });
  it('accuracy is chosen by a cross-entropy before', () => {
    expect(kind('acc', [null, 3], [null, 3], 'bce')).toBeInstanceOf(m.BinaryAccuracy);
    expect(kind('acc', [null, 3], [null, 3], 'scce')).toBeInstanceOf(m.SparseCategoricalAccuracy);
    expect(kind('acc', [null, 3], [null, 3], 'mse')).toBeInstanceOf(m.CategoricalAccuracy);
  });
  it.each<[string, string]>([
    ['mse', 'MeanSquaredError'],
    ['mean_absolute_error', 'MeanAbsoluteError'],
    ['AUC', 'AUC'],
    ['top_k_categorical_accuracy', 'TopKCategoricalAccuracy'],
    ['binaryAccuracy', 'BinaryAccuracy'],
    ['logcosh', 'LogCoshError'],
    ['kld', 'KLDivergence'],
    ['r2_score', 'R2Score'],
    ['cosine_similarity', 'CosineSimilarity'],
    ['squaredHinge', 'SquaredHinge'],
    ['poisson', 'Poisson'],
  ])('%s keeps its name', (name, className) => {
    const metric = getMetric(name);
    expect([metric.getClassName(), metric.name]).toEqual([className, name]);
  });
  it('are Keras’s where none is given', () =>
    expect(
      [new m.AUC(), new m.F1Score(), new m.FBetaScore(), new m.LogCoshError(), new m.TopKCategoricalAccuracy()].map(
        (x) => x.name,
      ),
    ).toEqual(['auc', 'f1_score', 'fbeta_score', 'logcosh', 'top_k_categorical_accuracy']));
  it('of functions, of losses and of those of one’s own', () => {
    const half = (y: tf.Tensor, p: tf.Tensor) => tf.sub(y, p).abs().mean(-1).div(2) as tf.Tensor;
    const metric = getMetric(half);
    metric.updateState([[1], [2]], [[2], [4]], [1, 3]);
    expect(metric.name).toBe('half');
    near(metric.result(), (0.5 + 3) / 4);
    expect(getMetric(m.precision).name).toBe('precision');
    expect(getMetric('half', {}, 'compile', { half }).name).toBe('half');
    const loss = getMetric(new tf.losses.Huber({ delta: 0.5 }));
    loss.updateState([[0]], [[2]]);
    near(loss.result(), 0.875);
  });
});

describe('refused', () => {
  it.each<[string, () => unknown, RegExp]>([
    [
      'an unknown name',
      () => m.get('acuracy'),
      /metrics\.get: unknown metric 'acuracy'\n {2}fix: did you mean 'accuracy'/,
    ],
    ['no metric', () => m.get(null), /metrics\.get: null is no metric/],
    ['an unknown option', () => new m.AUC({ curv: 'PR' } as never), /AUC: there is no option 'curv'.*'curve'/s],
    ['an unknown curve', () => new m.AUC({ curve: 'RCO' as never }), /auc: unknown curve 'RCO'/],
    [
      'a threshold',
      () => new m.Precision({ thresholds: [0.5, 2] }),
      /precision: thresholds must be from 0 to 1, got \[0.5,2\]/,
    ],
    ['k', () => new m.Recall({ topK: 0 }), /recall: topK must be a whole number from 1 on, not 0/],
    [
      'too large a k',
      () => new m.Recall({ topK: 4 }).updateState([[1, 0]], [[1, 0]]),
      /topK is 4, there are 2 classes/,
    ],
    [
      'a class',
      () => new m.Recall({ classId: 2 }).updateState([[1, 0]], [[1, 0]]),
      /classId is 2, there are 2 classes/,
    ],
    ['shapes', () => new m.MeanSquaredError().updateState([[1, 2]], [[1, 2, 3]]), /labels have shape \[1,2\]/],
    ['weights', () => new m.Mean().updateState([1, 2], [1, 2, 3]), /mean: weights have shape \[3\]/],
    [
      'a value out of range',
      () => new m.PrecisionAtRecall({ recall: 2 }),
      /precision_at_recall: recall must be from 0 to 1, got 2/,
    ],
    ['classes', () => new m.MeanIoU({} as never), /numClasses must be a whole number from 1 on/],
    ['a result of nothing', () => new m.R2Score().result(), /r2_score: has seen no samples yet/],
    ['an average', () => new m.F1Score({ average: 'mikro' as never }), /unknown average 'mikro'.*'micro'/s],
    ['top 0', () => m.topKCategoricalAccuracy([[1, 0]], [[1, 0]], 0), /k must be a whole number from 1 on, not 0/],
  ])('%s', (_, f, message) => {
    const e = errorOf(f);
    expect(e).toBeInstanceOf(tf.SinterError);
    expect(e.message).toMatch(message);
    expect((e as tf.SinterError).fix).toBeTruthy();
  });
});
