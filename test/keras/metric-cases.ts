// Metrics and their definitions on all samples at once, on plain numbers.

import * as tf from 'sinter';
import { randomFrom } from '../helpers.ts';

export type Row = readonly number[];
const { metrics: m } = tf;
const sum = (x: Row) => x.reduce((a, b) => a + b, 0);
export const mean = (x: Row) => (x.length ? sum(x) / x.length : 0);
const share = (x: number, y: number) => (y === 0 ? 0 : x / y);

/** Labels, predictions and weights of all samples. */
export interface Samples {
  readonly y: readonly Row[];
  readonly p: readonly Row[];
  readonly w: Row;
}
export const batches = [4, 3, 5];
export const n = sum(batches);
const random = randomFrom(7);
const drawn = (columns: number, f: () => number): number[][] =>
  Array.from({ length: n }, () => Array.from({ length: columns }, f));
const weights = Array.from({ length: n }, () => Math.floor(random() * 4) / 2);
const pick = (k: number) => Math.floor(random() * k);

export const single: Samples = { y: drawn(1, () => pick(2)), p: drawn(1, () => pick(11) / 10), w: weights };
const multi: Samples = { y: drawn(3, () => pick(2)), p: drawn(3, () => random()), w: weights };
const classes = Array.from({ length: n }, () => pick(3));
const oneHot: Samples = { y: classes.map((c) => [0, 1, 2].map((i) => +(i === c))), p: multi.p, w: weights };
const sparse: Samples = { y: classes.map((c) => [c]), p: multi.p, w: weights };
const real: Samples = { y: drawn(2, () => random() * 4 - 2), p: drawn(2, () => random() * 4 - 2), w: weights };

/** Weighted mean of a value for each sample. */
const meanOf =
  (f: (y: Row, p: Row) => number) =>
  (s: Samples, w: Row): number =>
    share(sum(s.y.map((y, i) => w[i] * f(y, s.p[i]))), sum(w));
/** Weights of elements where labels are on or off, and predictions above a threshold or not. */
const count = (s: Samples, w: Row, label: number, on: (p: Row, j: number) => boolean, want: boolean) =>
  sum(s.y.flatMap((y, i) => y.map((v, j) => (v === label && on(s.p[i], j) === want ? w[i] : 0))));
const above = (t: number) => (p: Row, j: number) => p[j] > t;
const four = (s: Samples, w: Row, on: (p: Row, j: number) => boolean) => ({
  tp: count(s, w, 1, on, true),
  fp: count(s, w, 0, on, true),
  fn: count(s, w, 1, on, false),
  tn: count(s, w, 0, on, false),
});
const largest = (p: Row) => p.indexOf(Math.max(...p));
const place = (p: Row, j: number) => p.filter((v) => v > p[j]).length;
const even = (count: number) =>
  Array.from({ length: count }, (_, i) => (i === 0 ? -1e-7 : i === count - 1 ? 1 + 1e-7 : i / (count - 1)));

/** Area between the points of a curve. */
const area = (x: Row, y: Row, height: (a: number, b: number) => number) =>
  sum(x.slice(1).map((b, i) => (x[i] - b) * height(y[i], y[i + 1])));
const rates = (s: Samples, w: Row, thresholds: Row) => {
  const all = thresholds.map((t) => four(s, w, above(t)));
  return {
    all,
    recall: all.map((c) => share(c.tp, c.tp + c.fn)),
    precision: all.map((c) => share(c.tp, c.tp + c.fp)),
    specificity: all.map((c) => share(c.tn, c.tn + c.fp)),
  };
};
const trapezoid = (a: number, b: number) => (a + b) / 2;
/** Davis and Goadrich: true positives are linear in all positives between two thresholds; integrated in small steps. */
const interpolatedPR = (s: Samples, w: Row, thresholds: Row) => {
  const { all } = rates(s, w, thresholds);
  let total = 0;
  for (let i = 0; i + 1 < all.length; i++) {
    const [a, b] = [all[i], all[i + 1]];
    const [p0, p1] = [a.tp + a.fp, b.tp + b.fp];
    // At no positives the precision between is that of the other end.
    const steps = 4000;
    for (let k = 0; k < steps; k++) {
      const x = (k + 0.5) / steps;
      const [tp, p] = [b.tp + (a.tp - b.tp) * x, p1 + (p0 - p1) * x];
      total += (((a.tp - b.tp) / steps) * share(tp, p)) / (b.tp + b.fn);
    }
  }
  return total;
};
const bestAt = (given: Row, wanted: Row, least: number) => Math.max(0, ...wanted.filter((_, i) => given[i] >= least));
const evenly = (count: number) => Array.from({ length: count }, (_, i) => i / (count - 1));

const r2 = (s: Samples, w: Row, columns = 2) =>
  Array.from({ length: columns }, (_, j) => {
    const center = share(sum(s.y.map((y, i) => w[i] * y[j])), sum(w));
    const errors = sum(s.y.map((y, i) => w[i] * (y[j] - s.p[i][j]) ** 2));
    return 1 - errors / sum(s.y.map((y, i) => w[i] * (y[j] - center) ** 2));
  });
const fBeta = (c: ReturnType<typeof four>, beta: number) =>
  share((1 + beta ** 2) * c.tp, (1 + beta ** 2) * c.tp + beta ** 2 * c.fn + c.fp);
const column = (s: Samples, j: number): Samples => ({ ...s, y: s.y.map((y) => [y[j]]), p: s.p.map((p) => [p[j]]) });
const isLargest = (s: Samples): Samples => ({ ...s, p: s.p.map((p) => p.map((_, j) => +(largest(p) === j))) });
const overlap = (s: Samples, w: Row, c: number, of: (p: Row) => number) => {
  const both = sum(s.y.map((y, i) => (y[0] === c && of(s.p[i]) === c ? w[i] : 0)));
  const either = sum(s.y.map((y, i) => (y[0] === c || of(s.p[i]) === c ? w[i] : 0)));
  return share(both, either);
};

type Case = [string, () => tf.Metric, Samples, (s: Samples, w: Row) => number | Row];
export const cases: Case[] = [
  [
    'accuracy',
    () => new m.Accuracy(),
    { ...multi, p: multi.p.map((r) => r.map(Math.round)) },
    meanOf((y, p) => mean(y.map((v, i) => +(v === p[i])))),
  ],
  [
    'binary accuracy',
    () => new m.BinaryAccuracy({ threshold: 0.3 }),
    multi,
    meanOf((y, p) => mean(y.map((v, i) => +(v === +(p[i] > 0.3))))),
  ],
  ['categorical accuracy', () => new m.CategoricalAccuracy(), oneHot, meanOf((y, p) => +(largest(y) === largest(p)))],
  ['sparse accuracy', () => new m.SparseCategoricalAccuracy(), sparse, meanOf((y, p) => +(y[0] === largest(p)))],
  ['top 2', () => new m.TopKCategoricalAccuracy({ k: 2 }), oneHot, meanOf((y, p) => +(place(p, largest(y)) < 2))],
  [
    'sparse top 2',
    () => new m.SparseTopKCategoricalAccuracy({ k: 2 }),
    sparse,
    meanOf((y, p) => +(place(p, y[0]) < 2)),
  ],
  ['mse', () => new m.MeanSquaredError(), real, meanOf((y, p) => mean(y.map((v, i) => (v - p[i]) ** 2)))],
  ['mae', () => new m.MeanAbsoluteError(), real, meanOf((y, p) => mean(y.map((v, i) => Math.abs(v - p[i]))))],
  [
    'rmse',
    () => new m.RootMeanSquaredError(),
    real,
    (s, w) => Math.sqrt(meanOf((y, p) => mean(y.map((v, i) => (v - p[i]) ** 2)))(s, w)),
  ],
  [
    'cosine',
    () => new m.CosineSimilarity(),
    real,
    meanOf((y, p) => sum(y.map((v, i) => v * p[i])) / Math.sqrt(sum(y.map((v) => v * v)) * sum(p.map((v) => v * v)))),
  ],
  [
    'huber',
    () => new m.Huber({ delta: 0.5 }),
    real,
    meanOf((y, p) =>
      mean(y.map((v, i) => (Math.abs(v - p[i]) <= 0.5 ? (v - p[i]) ** 2 / 2 : Math.abs(v - p[i]) / 2 - 0.125))),
    ),
  ],
  [
    'cross-entropy',
    () => new m.SparseCategoricalCrossentropy({ fromLogits: true }),
    sparse,
    meanOf((y, p) => Math.log(sum(p.map(Math.exp))) - p[y[0]]),
  ],
  ['true positives', () => new m.TruePositives(), single, (s, w) => four(s, w, above(0.5)).tp],
  [
    'false positives',
    () => new m.FalsePositives({ thresholds: [0.2, 0.7] }),
    single,
    (s, w) => [0.2, 0.7].map((t) => four(s, w, above(t)).fp),
  ],
  ['true negatives', () => new m.TrueNegatives({ thresholds: 0.25 }), multi, (s, w) => four(s, w, above(0.25)).tn],
  ['false negatives', () => new m.FalseNegatives(), multi, (s, w) => four(s, w, above(0.5)).fn],
  ['precision', () => new m.Precision(), single, (s, w) => rates(s, w, [0.5]).precision],
  [
    'precision at thresholds',
    () => new m.Precision({ thresholds: [0, 0.6, 1] }),
    multi,
    (s, w) => rates(s, w, [0, 0.6, 1]).precision,
  ],
  ['recall', () => new m.Recall({ thresholds: [0.1, 0.8] }), single, (s, w) => rates(s, w, [0.1, 0.8]).recall],
  [
    'precision of the first two',
    () => new m.Precision({ topK: 2 }),
    multi,
    (s, w) => {
      const c = four(s, w, (p, j) => place(p, j) < 2);
      return share(c.tp, c.tp + c.fp);
    },
  ],
  ['recall of a class', () => new m.Recall({ classId: 1 }), multi, (s, w) => rates(column(s, 1), w, [0.5]).recall],
  [
    'recall of a class within the first two',
    () => new m.Recall({ classId: 2, topK: 2, thresholds: 0.4 }),
    multi,
    (s, w) => {
      const kept = s.p.map((p) => p.map((v, j) => (place(p, j) < 2 ? v : -1)));
      return rates(column({ ...s, p: kept }, 2), w, [0.4]).recall;
    },
  ],
  [
    'sensitivity at specificity',
    () => new m.SensitivityAtSpecificity({ specificity: 0.6, numThresholds: 21 }),
    single,
    (s, w) => {
      const r = rates(s, w, evenly(21));
      return bestAt(r.specificity, r.recall, 0.6);
    },
  ],
  [
    'specificity at sensitivity',
    () => new m.SpecificityAtSensitivity({ sensitivity: 0.5 }),
    multi,
    (s, w) => {
      const r = rates(s, w, evenly(200));
      return bestAt(r.recall, r.specificity, 0.5);
    },
  ],
  [
    'precision at recall',
    () => new m.PrecisionAtRecall({ recall: 0.4 }),
    multi,
    (s, w) => {
      const r = rates(s, w, evenly(200));
      return bestAt(r.recall, r.precision, 0.4);
    },
  ],
  [
    'recall at precision',
    () => new m.RecallAtPrecision({ precision: 0.5, classId: 0 }),
    multi,
    (s, w) => {
      const r = rates(column(s, 0), w, evenly(200));
      return bestAt(r.precision, r.recall, 0.5);
    },
  ],
  [
    'area under ROC',
    () => new m.AUC(),
    multi,
    (s, w) => {
      const r = rates(s, w, even(200));
      return area(
        r.specificity.map((x) => 1 - x),
        r.recall,
        trapezoid,
      );
    },
  ],
  [
    'area below ROC',
    () => new m.AUC({ numThresholds: 12, summationMethod: 'minoring' }),
    multi,
    (s, w) => {
      const r = rates(s, w, even(12));
      return area(
        r.specificity.map((x) => 1 - x),
        r.recall,
        Math.min,
      );
    },
  ],
  [
    'area above ROC',
    () => new m.AUC({ thresholds: [0.7, 0.3], summationMethod: 'majoring' }),
    multi,
    (s, w) => {
      const r = rates(s, w, [-1e-7, 0.3, 0.7, 1 + 1e-7]);
      return area(
        r.specificity.map((x) => 1 - x),
        r.recall,
        Math.max,
      );
    },
  ],
  [
    'area above precision and recall',
    () => new m.AUC({ curve: 'PR', summationMethod: 'majoring' }),
    multi,
    (s, w) => {
      const r = rates(s, w, even(200));
      return area(r.recall, r.precision, Math.max);
    },
  ],
  [
    'area under precision and recall',
    () => new m.AUC({ curve: 'PR' }),
    multi,
    (s, w) => interpolatedPR(s, w, even(200)),
  ],
  [
    'areas of labels',
    () => new m.AUC({ multiLabel: true, labelWeights: [1, 2, 0.5] }),
    multi,
    (s, w) => {
      const each = [0, 1, 2].map((j) => {
        const r = rates(column(s, j), w, even(200));
        return area(
          r.specificity.map((x) => 1 - x),
          r.recall,
          trapezoid,
        );
      });
      return (each[0] + 2 * each[1] + each[2] / 2) / 3.5;
    },
  ],
  [
    'area of logits',
    () => new m.AUC({ fromLogits: true }),
    { ...multi, p: multi.p.map((r) => r.map((v) => Math.log(v / (1 - v)))) },
    (_s, w) => {
      const r = rates(multi, w, even(200));
      return area(
        r.specificity.map((x) => 1 - x),
        r.recall,
        trapezoid,
      );
    },
  ],
  ['r2', () => new m.R2Score(), real, (s, w) => mean(r2(s, w))],
  ['r2 of outputs', () => new m.R2Score({ classAggregation: null }), real, (s, w) => r2(s, w)],
  [
    'adjusted r2',
    () => new m.R2Score({ numRegressors: 3 }),
    real,
    (s, w) => 1 - ((1 - mean(r2(s, w))) * (n - 1)) / (n - 4),
  ],
  [
    'f1',
    () => new m.F1Score({ threshold: 0.4 }),
    multi,
    (s, w) => [0, 1, 2].map((j) => fBeta(four(column(s, j), w, above(0.4)), 1)),
  ],
  [
    'f1 of the largest',
    () => new m.F1Score({ average: 'macro' }),
    oneHot,
    (s, w) => mean([0, 1, 2].map((j) => fBeta(four(column(isLargest(s), j), w, above(0.5)), 1))),
  ],
  [
    'f2 together',
    () => new m.FBetaScore({ beta: 2, average: 'micro', threshold: 0.5 }),
    multi,
    (s, w) => fBeta(four(s, w, above(0.5)), 2),
  ],
  [
    'f weighted',
    () => new m.FBetaScore({ beta: 0.5, average: 'weighted', threshold: 0.5 }),
    multi,
    (s, w) => {
      const each = [0, 1, 2].map((j) => four(column(s, j), w, above(0.5)));
      return share(sum(each.map((c) => fBeta(c, 0.5) * (c.tp + c.fn))), sum(each.map((c) => c.tp + c.fn)));
    },
  ],
  [
    'mean overlap',
    () => new m.MeanIoU({ numClasses: 3, sparseYPred: false }),
    sparse,
    (s, w) => mean([0, 1, 2].map((c) => overlap(s, w, c, largest))),
  ],
  [
    'overlap of classes',
    () => new m.OneHotIoU({ numClasses: 3, targetClassIds: [0, 2] }),
    oneHot,
    (_s, w) => mean([0, 2].map((c) => overlap(sparse, w, c, largest))),
  ],
  [
    'binary overlap',
    () => new m.BinaryIoU({ threshold: 0.3 }),
    single,
    (s, w) => mean([0, 1].map((c) => overlap(s, w, c, (p) => +(p[0] >= 0.3)))),
  ],
];
