// Metrics over several batches beside their definitions on all samples at once, eagerly and traced; weights;
// what is counted; TensorFlow.js's functions.

import * as tf from 'sinter';
import { beforeAll, describe, expect, it } from 'vitest';
import { batches, cases, mean, n, type Samples, single } from './metric-cases.ts';
import { near } from './near.ts';

const { metrics: m } = tf;

/** The metric of all batches: unweighted and weighted, eagerly and as one traced update. */
function runs(make: () => tf.Metric, s: Samples): { plain: tf.Tensor[]; weighed: tf.Tensor[] } {
  const over = (update: (a: tf.Metric, at: number, to: number) => void) => {
    const metric = make();
    let at = 0;
    for (const size of batches) {
      update(metric, at, at + size);
      at += size;
    }
    return metric.result();
  };
  const eager = (weighed: boolean) =>
    over((a, from, to) =>
      a.updateState(
        tf.tensor2d(s.y.slice(from, to) as number[][]),
        tf.tensor2d(s.p.slice(from, to) as number[][]),
        weighed ? s.w.slice(from, to) : null,
      ),
    );
  const traced = (weighed: boolean) => {
    let step: ((y: tf.Tensor, p: tf.Tensor, w: tf.Tensor) => tf.Tensor) | undefined;
    return over((a, from, to) => {
      step ??= tf.func((y: tf.Tensor, p: tf.Tensor, w: tf.Tensor) => {
        a.updateState(y, p, weighed ? w : null);
        return a.result();
      }) as unknown as typeof step;
      const [y, p] = [s.y, s.p].map((x) => tf.tensor2d(x.slice(from, to) as number[][]));
      step?.(y, p, tf.tensor1d(s.w.slice(from, to)));
    });
  };
  return { plain: [eager(false), traced(false)], weighed: [eager(true), traced(true)] };
}

beforeAll(() => tf.ready());

describe('over batches', () => {
  it.each(cases)('%s', (_, make, s, formula) => {
    const { plain, weighed } = runs(make, s);
    // Sums in float32 and small steps of the integral.
    for (const t of plain) near(t, formula(s, Array(n).fill(1)), 1e-4);
    for (const t of weighed) near(t, formula(s, s.w), 1e-4);
  });
  it.each(cases)('%s is made again, and starts anew after a reset', (_, make, s) => {
    const a = make();
    const b = m.deserialize(JSON.parse(JSON.stringify(m.serialize(a))));
    expect(b.getConfig()).toEqual(a.getConfig());
    const [y, p] = [s.y, s.p].map((x) => tf.tensor2d(x as number[][]));
    for (const x of [a, b, a]) {
      if (x === a) a.resetState();
      x.updateState(y, p, s.w);
    }
    expect(b.result().arraySync()).toEqual(a.result().arraySync());
    expect(a.variables.length).toBeGreaterThan(0);
    expect(a.variables.every((v) => !v.trainable)).toBe(true);
  });
  it('the mean and the sum of values', () => {
    const [a, b] = [new m.Mean(), new m.Sum()];
    for (const x of [a, b]) {
      x.updateState([1, 3]);
      x.updateState(
        [
          [2, 4],
          [6, 8],
        ],
        [1, 3],
      );
      x.updateState(5);
    }
    // Sequences are averaged: 3 and 7; the sum adds all: 6 + 3 * 14.
    near(a.result(), (4 + 3 + 21 + 5) / (2 + 4 + 1));
    near(b.result(), 4 + 6 + 42 + 5);
    a.resetState();
    near(a.result(), 0);
  });
  it('weights of steps in a sequence', () => {
    const a = new m.MeanAbsoluteError();
    a.updateState(
      tf.zeros([2, 2, 1]),
      [
        [[1], [2]],
        [[3], [4]],
      ],
      [
        [1, 0],
        [1, 1],
      ],
    );
    near(a.result(), 8 / 3);
  });
  it('the area is that of all pairs in order, as thresholds become many', () => {
    const auc = new m.AUC({ numThresholds: 4001 });
    auc.updateState(single.y as number[][], single.p as number[][]);
    const [on, off] = [1, 0].map((v) => single.p.filter((_, i) => single.y[i][0] === v).map((r) => r[0]));
    const pairs = on.flatMap((a) => off.map((b) => (a > b ? 1 : a === b ? 0.5 : 0)));
    near(auc.result(), mean(pairs));
  });
});

describe('what is counted', () => {
  it('ties among the first k all count, NaN never does', () => {
    const { sparseTopKCategoricalAccuracy: top } = m;
    near(
      top(
        [0, 1, 2, 3],
        [
          [1, 1, 1, 0],
          [1, 1, 1, 0],
          [1, 1, 1, 0],
          [1, 1, 1, 0],
        ],
        2,
      ),
      [1, 1, 1, 0],
    );
    near(
      top(
        [0, 0],
        [
          [Number.NaN, 1],
          [1, Number.POSITIVE_INFINITY],
        ],
        2,
      ),
      [0, 0],
    );
    near(top([5], [[1, 2]], 2), [0]);
  });
  it('at a threshold itself, nothing is positive', () => {
    const p = new m.TruePositives({ thresholds: 0.5 });
    p.updateState([1, 1], [0.5, 0.75]);
    near(p.result(), 1);
  });
  it('many thresholds as few, in any order', () => {
    const thresholds = [0.9, 0.1, 0.5, 0.3, 0.7, 0.2, 0.8, 0.4, 0.6];
    const p = [0.1, 0.30000001192092896, 0.5, 0.95, Number.NaN, 0, 1];
    const y = [1, 1, 0, 1, 1, 0, 0];
    const above = (t: number, v: number, on: boolean) =>
      y.filter((l, i) => l === v && p[i] > Math.fround(t) === on).length;
    for (const order of [thresholds, thresholds.toSorted(), thresholds.slice(0, 3)])
      for (const [cls, label, on] of [
        [m.TruePositives, 1, true],
        [m.FalsePositives, 0, true],
        [m.TrueNegatives, 0, false],
        [m.FalseNegatives, 1, false],
      ] as const) {
        const metric = new cls({ thresholds: order });
        metric.updateState(y, p.map(Math.fround));
        near(
          metric.result(),
          order.map((t) => above(t, label, on)),
        );
      }
  });
  it('an empty batch changes nothing', () => {
    for (const [, make, s] of cases) {
      const [a, b] = [make(), make()];
      const [y, p] = [s.y, s.p].map((x) => tf.tensor2d(x as number[][]));
      for (const x of [a, b]) x.updateState(y, p);
      b.updateState(tf.zeros([0, s.y[0].length]), tf.zeros([0, s.p[0].length]));
      expect(b.result().arraySync(), a.name).toEqual(a.result().arraySync());
    }
  });
  it('what is no class counts nowhere, what is ignored neither', () => {
    const a = new m.MeanIoU({ numClasses: 2, ignoreClass: 255 });
    a.updateState([0, 1, 255], [0, 1, 1]);
    near(a.result(), 1);
    const b = new m.MeanIoU({ numClasses: 3 });
    b.updateState([0, 0, 1], [0, 1, 1]);
    // Class 2 did not come up.
    near(b.result(), 0.5);
  });
  it('nothing gives 0', () => {
    for (const x of [new m.Precision(), new m.Recall(), new m.Mean(), new m.BinaryAccuracy()]) near(x.result(), 0);
    const p = new m.Precision();
    p.updateState([0, 0], [0, 0]);
    near(p.result(), 0);
  });
});

describe('TensorFlow.js functions', () => {
  it('give a value for each sample, or one', () => {
    near(
      m.binaryAccuracy(
        [
          [1, 1],
          [0, 1],
        ],
        [
          [0.6, 0.2],
          [0.4, 0.5],
        ],
      ),
      [0.5, 0.5],
    );
    near(
      m.categoricalAccuracy(
        [
          [0, 1],
          [1, 0],
        ],
        [
          [0.2, 0.8],
          [0.3, 0.7],
        ],
      ),
      [1, 0],
    );
    near(
      m.sparseCategoricalAccuracy(
        [1, 1],
        [
          [0.2, 0.8],
          [0.7, 0.3],
        ],
      ),
      [1, 0],
    );
    near(m.cosineProximity([[1, 0]], [[1, 1]]), [-Math.SQRT1_2]);
    near(m.MSE([[1, 2]], [[2, 4]]), [2.5]);
    near(m.precision([[1, 0, 1, 1]], [[1, 1, 0, 1]]), 2 / 3);
    near(m.recall([[1, 0, 1, 1, 1]], [[1, 1, 0, 0, 1]]), 1 / 2);
    near(m.r2Score([1, 2, 3], [1, 2, 5]), 1 - 4 / 2);
    expect(m.precision([0, 0], [0, 0]).shape).toEqual([]);
  });
});
