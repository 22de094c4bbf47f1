// tf.utils: windows of series.

import * as tf from 'sinter';
import { describe, expect, it } from 'vitest';
import { equalTo } from '../frontend/helpers.ts';

describe('windows of series', () => {
  const series = tf.range(0, 10);
  const all = async (d: tf.data.Dataset) =>
    (await d.toArray()).map((b) =>
      b instanceof tf.Tensor ? b.arraySync() : { xs: b.xs.arraySync(), ys: b.ys.arraySync() },
    );
  it('as a data set', async () => {
    // The example of Keras's documentation: steps 0..9, windows of 3, every second step.
    const d = tf.utils.timeseriesDatasetFromArray(series, null, {
      sequenceLength: 3,
      samplingRate: 2,
      sequenceStride: 3,
    });
    expect(await all(d)).toEqual([
      [
        [0, 2, 4],
        [3, 5, 7],
      ],
    ]);
    const y = tf.range(100, 110);
    const pairs = tf.utils.timeseriesDatasetFromArray(series, y, {
      sequenceLength: 4,
      batchSize: 2,
      startIndex: 2,
      endIndex: 7,
    });
    expect(await all(pairs)).toEqual([
      {
        xs: [
          [2, 3, 4, 5],
          [3, 4, 5, 6],
        ],
        ys: [102, 103],
      },
    ]);
    expect(pairs.size).toBe(1);
    const single = tf.utils.timeseriesDatasetFromArray(tf.reshape(tf.range(0, 8), [4, 2]), null, {
      sequenceLength: 3,
      batchSize: null,
    });
    expect(await all(single)).toEqual([
      [
        [0, 1],
        [2, 3],
        [4, 5],
      ],
      [
        [2, 3],
        [4, 5],
        [6, 7],
      ],
    ]);
    const mixed = tf.utils.timeseriesDatasetFromArray(series, null, {
      sequenceLength: 2,
      shuffle: true,
      seed: 1,
      batchSize: 9,
    });
    const [windows] = (await all(mixed)) as number[][][];
    expect(windows.map(([a]) => a)).not.toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(windows.map(([a]) => a).sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    for (const [a, b] of windows) expect(b).toBe(a + 1);
    expect(() => tf.utils.timeseriesDatasetFromArray(series, null, { sequenceLength: 11 })).toThrow(
      /enough for a window of 11 steps/,
    );
    expect(() => tf.utils.timeseriesDatasetFromArray(series, null, {} as never)).toThrow(/sequenceLength/);
  });
  it('as a generator', async () => {
    // Windows of 3 steps, every second one, with the step behind them as target.
    const g = new tf.utils.TimeseriesGenerator(series, series, 3, { batchSize: 2, stride: 2 });
    expect(g.size).toBe(2);
    expect(await all(g.toDataset())).toEqual([
      {
        xs: [
          [0, 1, 2],
          [2, 3, 4],
        ],
        ys: [3, 5],
      },
      {
        xs: [
          [4, 5, 6],
          [6, 7, 8],
        ],
        ys: [7, 9],
      },
    ]);
    const r = new tf.utils.TimeseriesGenerator(series, series, 4, {
      samplingRate: 2,
      reverse: true,
      startIndex: 1,
      endIndex: 6,
    });
    expect([r.getItem(0).xs.arraySync(), r.getItem(0).ys.arraySync()]).toEqual([
      [
        [3, 1],
        [4, 2],
      ],
      [5, 6],
    ]);
    const s = new tf.utils.TimeseriesGenerator(series, series, 3, { shuffle: true, seed: 2, batchSize: 16 });
    const { xs, ys } = s.getItem(0);
    expect(xs.shape).toEqual([16, 3]);
    equalTo(
      xs.slice([0, 2], [-1, 1]).reshape([-1]),
      (ys.arraySync() as number[]).map((v) => v - 1),
    );
    expect(() => g.getItem(2)).toThrow(/index must be a whole number from 0 to 1, got 2/);
    expect(() => new tf.utils.TimeseriesGenerator(series, tf.range(0, 3), 3)).toThrow(/data has 10 steps, targets 3/);
    expect(() => new tf.utils.TimeseriesGenerator(series, series, 10)).toThrow(/endIndex/);
  });
});
