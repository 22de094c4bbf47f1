// Images: resizing, crops, transforms, colours, boxes. Expected values are worked out by hand, or by a
// formula in float64 written here.

import * as tf from 'sinter';
import { describe, expect, it } from 'vitest';
import { close, equalTo, errorOf } from './helpers.ts';

/** An image [height, width, 1] of rows of numbers. */
const image = (rows: number[][]) => tf.tensor3d(rows.map((r) => r.map((v) => [v])));
const rowsOf = (t: tf.Tensor) => tf.squeeze(t, [t.rank - 1]);
const ramp = (n: number) => image([Array.from({ length: n }, (_, i) => i)]);

describe('resizing', () => {
  it('is linear between pixels, first on first', () => {
    const x = image([
      [0, 10],
      [20, 30],
    ]);
    close(rowsOf(tf.image.resizeBilinear(x, [4, 2])), [
      [0, 10],
      [10, 20],
      [20, 30],
      [20, 30],
    ]);
    close(rowsOf(tf.image.resizeBilinear(x, [3, 3], true)), [
      [0, 5, 10],
      [10, 15, 20],
      [20, 25, 30],
    ]);
    // Centres of the result lie at -1/4, 1/4, 3/4, 5/4 of the source.
    close(rowsOf(tf.image.resizeBilinear(ramp(2), [1, 4], false, true)), [[0, 0.25, 0.75, 1]]);
    close(rowsOf(tf.image.resizeBilinear(ramp(8), [1, 4], false, true)), [[0.5, 2.5, 4.5, 6.5]]);
  });
  it('takes the nearest pixel in each convention', () => {
    const x = ramp(5);
    // 5/3 a step: 0, 1.67, 3.33; with centres 0.83, 2.5, 4.17; with corners 0, 2, 4.
    close(rowsOf(tf.image.resizeNearestNeighbor(x, [1, 3])), [[0, 1, 3]]);
    close(rowsOf(tf.image.resizeNearestNeighbor(x, [1, 3], false, true)), [[0, 2, 4]]);
    close(rowsOf(tf.image.resizeNearestNeighbor(x, [1, 3], true)), [[0, 2, 4]]);
    expect(tf.image.resizeNearestNeighbor(x.toInt(), [2, 9]).dtype).toBe('int32');
    expect(tf.image.resizeBilinear(x.toInt(), [2, 9]).dtype).toBe('float32');
  });
  it('keeps batches and channels apart, with few channels and with many', () => {
    for (const channels of [1, 3, 20]) {
      const x = tf.randomUniform([2, 5, 6, channels], -1, 1, 'float32', 3);
      const y = tf.image.resizeBilinear(x, [7, 4]);
      expect(y.shape).toEqual([2, 7, 4, channels]);
      const [xs, ys] = [x.arraySync(), y.arraySync()];
      for (const [n, i, j, c] of [
        [0, 0, 0, 0],
        [1, 3, 2, channels - 1],
        [1, 6, 3, 0],
      ]) {
        const [py, px] = [(i * 5) / 7, (j * 6) / 4];
        const [y0, x0] = [Math.floor(py), Math.floor(px)];
        const [y1, x1] = [Math.min(y0 + 1, 4), Math.min(x0 + 1, 5)];
        const [wy, wx] = [py - y0, px - x0];
        const top = xs[n][y0][x0][c] * (1 - wx) + xs[n][y0][x1][c] * wx;
        const bottom = xs[n][y1][x0][c] * (1 - wx) + xs[n][y1][x1][c] * wx;
        expect(ys[n][i][j][c]).toBeCloseTo(top * (1 - wy) + bottom * wy, 5);
      }
    }
  });
  it('has the methods of TensorFlow 2', () => {
    close(rowsOf(tf.image.resize(ramp(2), [1, 4])), [[0, 0.25, 0.75, 1]]);
    close(rowsOf(tf.image.resize(ramp(4), [1, 2], { method: 'area' })), [[0.5, 2.5]]);
    // 3 to 2: each covers one and a half: (0 + 1/2) / 1.5 and (1/2 + 2) / 1.5.
    close(rowsOf(tf.image.resize(ramp(3), [1, 2], { method: 'area' })), [[1 / 3, 5 / 3]]);
    close(rowsOf(tf.image.resize(ramp(3), [1, 2], { method: 'nearest' })), [[0, 2]]);
    // Keys reproduces a line where all four pixels are inside: positions -1/4 + k/2.
    const cubic = rowsOf(tf.image.resize(ramp(8), [1, 16], { method: 'bicubic' })).arraySync()[0];
    for (let k = 4; k < 12; k++) expect(cubic[k]).toBeCloseTo(k / 2 - 0.25, 5);
    // Halved with antialiasing: a triangle of radius 2 about 0.5, weights 3/4 3/4 1/4 of pixels 0 1 2.
    close(rowsOf(tf.image.resize(ramp(8), [1, 4], { antialias: true })).slice([0, 0], [1, 1]), [[1.25 / 1.75]]);
    const wide = tf.image.resize(tf.zeros([10, 20, 3]), [5, 5], { preserveAspectRatio: true });
    expect(wide.shape).toEqual([3, 5, 3]);
  });
  it('has gradients, eager and compiled', async () => {
    const x = tf.randomUniform([1, 3, 4, 2], -1, 1, 'float32', 5);
    // Every pixel of the result weighs its sources to 1: all gradients add up to the number of pixels.
    const g = tf.grad((v) => tf.image.resizeBilinear(v as tf.Tensor, [6, 8]))(x);
    expect(g.sum().arraySync()).toBeCloseTo(6 * 8 * 2, 3);
    const f = tf.func((v: tf.Tensor) => tf.grad((w) => tf.image.resizeBilinear(w as tf.Tensor, [6, 8]))(v));
    close(f(x) as tf.Tensor, g.arraySync());
    const nearest = tf.grad((v) => tf.image.resizeNearestNeighbor(v as tf.Tensor, [1, 2]))(ramp(5));
    close(rowsOf(nearest), [[1, 0, 1, 0, 0]]);
  });
  it('refuses what does not fit', () => {
    const x = tf.zeros([2, 2, 1]);
    expect(errorOf(() => tf.image.resizeBilinear(tf.zeros([2, 2]), [2, 2])).message).toMatch(/rank 3 or 4/);
    expect(errorOf(() => tf.image.resizeBilinear(x, [0, 2])).message).toMatch(
      /whole numbers from 1 to 65536, got \[0,2\]/s,
    );
    expect(errorOf(() => tf.image.resizeBilinear(x, [2, 2], true, true)).message).toMatch(/exclude each other/);
    expect(errorOf(() => tf.image.resize(x, [2, 2], { method: 'lanczos' as 'area' })).message).toMatch(/'lanczos'/);
    expect(errorOf(() => tf.image.resizeBilinear(tf.zeros([0, 2, 1]), [2, 2])).message).toMatch(/at least one pixel/);
  });
});

describe('crops and transforms', () => {
  const x = tf.tensor4d([0, 1, 2, 3, 4, 5, 6, 7, 8], [1, 3, 3, 1]);
  const flat = (t: tf.Tensor) => Array.from(t.dataSync());

  it('cut boxes out', () => {
    const boxes = tf.tensor2d([
      [0, 0, 1, 1],
      [0, 0, 0.5, 0.5],
      [1, 1, 0, 0],
      [0, 0, 2, 2],
    ]);
    const y = tf.image.cropAndResize(x, boxes, [0, 0, 0, 0], [2, 2], 'bilinear', -1);
    expect(flat(y)).toEqual([0, 2, 6, 8, 0, 1, 3, 4, 8, 6, 2, 0, 0, -1, -1, -1]);
    expect(flat(tf.image.cropAndResize(x, [[0, 0, 1, 1]], [0], [1, 1]))).toEqual([4]);
    expect(flat(tf.image.cropAndResize(x, [[0, 0, 0.4, 0.4]], [0], [2, 2], 'nearest'))).toEqual([0, 1, 3, 4]);
    close(tf.image.cropAndResize(x, [[0.25, 0, 0.25, 1]], [0], [1, 3]).reshape([3]), [1.5, 2.5, 3.5]);
    // A box of an image that is not there gives zeros.
    expect(flat(tf.image.cropAndResize(x.add(1), [[0, 0, 2, 2]], [3], [2, 2], 'bilinear', -1))).toEqual([0, 0, 0, 0]);
  });
  it('cut traced boxes out, with gradients to image and boxes', () => {
    const boxes = tf.tensor2d([[0.1, 0.2, 0.8, 0.7]]);
    const loss = (b: tf.Tensor) => tf.image.cropAndResize(x, b, [0], [2, 2]).sum();
    // The image is the plane 3 y + x: the sum is 2 (3 y1 + 3 y2 + x1 + x2) * 2, in pixels (2 a side).
    close(tf.grad(loss as (v: tf.Tensor | number) => tf.Tensor)(boxes), [[12, 4, 12, 4]], 3);
    const f = tf.func((b: tf.Tensor) => loss(b));
    expect((f(boxes) as tf.Tensor).arraySync()).toBeCloseTo(loss(boxes).arraySync(), 4);
    const byImage = tf.grad((v) => tf.image.cropAndResize(v as tf.Tensor, [[0, 0, 0.5, 0.5]], [0], [2, 2]))(x);
    expect(flat(byImage)).toEqual([1, 1, 0, 1, 1, 0, 0, 0, 0]);
  });
  it('flip and turn', () => {
    expect(flat(tf.image.flipLeftRight(x))).toEqual([2, 1, 0, 5, 4, 3, 8, 7, 6]);
    // A half turn about the middle pixel (1, 1).
    expect(flat(tf.image.rotateWithOffset(x, Math.PI, 9, 1 / 3))).toEqual([8, 7, 6, 5, 4, 3, 2, 1, 0]);
    // About (1.5, 1.5), half a pixel further: the first row and column come from outside.
    expect(flat(tf.image.rotateWithOffset(x, Math.PI, 9))).toEqual([9, 9, 9, 9, 8, 7, 9, 5, 4]);
    const rgb = tf.image.rotateWithOffset(tf.zeros([1, 1, 1, 4]), Math.PI / 2, [1, 2, 3], [5, 5]);
    expect(flat(rgb)).toEqual([1, 2, 3, 255]);
  });
  it('transform projectively', () => {
    const move = tf.tensor2d([[1, 0, 1, 0, 1, 0, 0, 0]]);
    expect(flat(tf.image.transform(x, move, 'nearest', 'constant', -1))).toEqual([1, 2, -1, 4, 5, -1, 7, 8, -1]);
    expect(flat(tf.image.transform(x, move, 'nearest', 'nearest'))).toEqual([1, 2, 2, 4, 5, 5, 7, 8, 8]);
    expect(flat(tf.image.transform(x, move, 'nearest', 'reflect'))).toEqual([1, 2, 2, 4, 5, 5, 7, 8, 8]);
    expect(flat(tf.image.transform(x, move, 'nearest', 'wrap'))).toEqual([1, 2, 0, 4, 5, 3, 7, 8, 6]);
    const back = tf.tensor2d([[1, 0, -2, 0, 1, 0, 0, 0]]);
    expect(flat(tf.image.transform(x, back, 'nearest', 'reflect')).slice(0, 3)).toEqual([1, 0, 0]);
    // TensorFlow counts wraps in steps of size - 1: -2 + 3 * (2 / 2 + 1) is 4, beyond the border.
    expect(flat(tf.image.transform(x, back, 'nearest', 'wrap')).slice(0, 3)).toEqual([2, 2, 0]);
    const half = tf.tensor2d([[1, 0, 0.5, 0, 1, 0, 0, 0]]);
    // The last column lies half outside: 0.5 * 2 + 0.5 * fill.
    close(tf.image.transform(x, half, 'bilinear', 'constant', 4).reshape([3, 3]), [
      [0.5, 1.5, 3],
      [3.5, 4.5, 4.5],
      [6.5, 7.5, 6],
    ]);
    expect(tf.image.transform(x, move, 'nearest', 'constant', 0, [2, 5]).shape).toEqual([1, 2, 5, 1]);
    // k = 1 - x is 0 in column 1.
    const wall = tf.tensor2d([[1, 0, 0, 0, 1, 0, -1, 0]]);
    expect(flat(tf.image.transform(x, wall, 'nearest', 'constant', -1)).slice(0, 2)).toEqual([0, -1]);
  });
  it('refuse what does not fit', () => {
    expect(() => tf.image.cropAndResize(x, tf.zeros([2, 3]), [0, 0], [1, 1])).toThrow(/\[n, 4\]/);
    expect(() => tf.image.cropAndResize(x, tf.zeros([2, 4]), [0], [1, 1])).toThrow(/boxInd must be \[2\]/);
    expect(() => tf.image.cropAndResize(x, tf.zeros([1, 4]), [0], [0, 1])).toThrow(/cropSize/);
    expect(() => tf.image.transform(x, tf.zeros([2, 8]))).toThrow(/\[1, 8\]/);
    expect(() => tf.image.transform(x, tf.zeros([1, 8]), 'cubic' as 'nearest')).toThrow(/'cubic'/);
    expect(() => tf.image.rotateWithOffset(tf.zeros([3, 3, 1]), 1)).toThrow(/rank 4/);
    expect(() => tf.image.rotateWithOffset(x, 1, [])).toThrow(/one number a channel/);
    expect(() => tf.image.flipLeftRight(tf.zeros([3, 3]))).toThrow(/rank 4/);
  });
});

describe('colours and edges', () => {
  it('become brightness and back', () => {
    const rgb = tf.tensor3d([
      [
        [255, 0, 0],
        [0, 100, 0],
        [0, 0, 1000],
      ],
    ]);
    close(tf.image.rgbToGrayscale(rgb), [[[76.2195], [58.7], [114]]], 3);
    expect(tf.image.rgbToGrayscale(rgb.toInt()).dtype).toBe('int32');
    equalTo(tf.image.grayscaleToRGB([[1], [2]]), [
      [1, 1, 1],
      [2, 2, 2],
    ]);
    expect(() => tf.image.rgbToGrayscale(tf.zeros([2, 4]))).toThrow(/3 channel/);
    expect(() => tf.image.grayscaleToRGB(tf.zeros([2, 3]))).toThrow(/1 channel/);
  });
  it('fall into two levels', () => {
    const x = image([[0, 127, 128, 255]]);
    equalTo(rowsOf(tf.image.threshold(x)), [[0, 0, 255, 255]]);
    equalTo(rowsOf(tf.image.threshold(x, 'binary', true, 0.2)), [[255, 0, 0, 0]]);
    // Two heaps: the best cut of least level lies at the top of the lower one.
    const heaps = image([[10, 12, 11, 200, 205, 203]]);
    equalTo(rowsOf(tf.image.threshold(heaps, 'otsu')), [[0, 0, 0, 255, 255, 255]]);
    // One level only: nothing separates, everything is above -1.
    equalTo(rowsOf(tf.image.threshold(image([[7, 7]]), 'otsu')), [[255, 255]]);
    const f = tf.func((t: tf.Tensor) => tf.image.threshold(t, 'otsu'));
    equalTo(rowsOf(f(heaps) as tf.Tensor), [[0, 0, 0, 255, 255, 255]]);
    expect(() => tf.image.threshold(tf.zeros([2, 2, 2]))).toThrow(/3 channel/);
    expect(() => tf.image.threshold(x, 'mean' as 'otsu')).toThrow(/'mean'/);
    expect(() => tf.image.threshold(x.toBool())).toThrow(/int32 or float32/);
  });
  it('have gradients by Sobel', () => {
    // A plane 3 y + x: along y 8 * 3, along x 8; at the mirrored border 0.
    const x = tf.tensor4d(
      Array.from({ length: 9 }, (_, k) => 3 * Math.floor(k / 3) + (k % 3)),
      [1, 3, 3, 1],
    );
    const y = tf.image.sobelEdges(x);
    expect(y.shape).toEqual([1, 3, 3, 1, 2]);
    equalTo(tf.reshape(tf.slice(y, [0, 1, 1, 0, 0], [1, 1, 1, 1, 2]), [2]), [24, 8]);
    equalTo(tf.reshape(tf.slice(y, [0, 0, 1, 0, 0], [1, 1, 1, 1, 2]), [2]), [0, 8]);
  });
});

describe('non-maximum suppression', () => {
  const boxes = tf.tensor2d([
    [0, 0, 1, 1],
    [0, 0.1, 1, 1.1],
    [0, -0.1, 1, 0.9],
    [0, 10, 1, 11],
    [1, 11.1, 0, 10.1],
    [0, 100, 1, 101],
  ]);
  const scores = tf.tensor1d([0.9, 0.75, 0.6, 0.95, 0.5, 0.3]);

  it('keeps the best of what overlaps', async () => {
    // Neighbours overlap by 0.9 / 1.1 = 0.82.
    equalTo(tf.image.nonMaxSuppression(boxes, scores, 6), [3, 0, 5]);
    equalTo(tf.image.nonMaxSuppression(boxes, scores, 2), [3, 0]);
    equalTo(tf.image.nonMaxSuppression(boxes, scores, 6, 0.5, 0.4), [3, 0]);
    equalTo(tf.image.nonMaxSuppression(boxes, scores, 6, 0.9), [3, 0, 1, 2, 4, 5]);
    equalTo(await tf.image.nonMaxSuppressionAsync(boxes, scores, 6), [3, 0, 5]);
    equalTo(tf.image.nonMaxSuppression(tf.zeros([0, 4]), tf.zeros([0]), 3), []);
    // Equal scores: the earlier box.
    equalTo(tf.image.nonMaxSuppression(boxes, tf.ones([6]), 6), [0, 3, 5]);
  });
  it('pads, and gives scores', async () => {
    const p = tf.image.nonMaxSuppressionPadded(boxes, scores, 5, 0.5, 0, true);
    equalTo(p.selectedIndices, [3, 0, 5, 0, 0]);
    equalTo(p.validOutputs, 3);
    equalTo((await tf.image.nonMaxSuppressionPaddedAsync(boxes, scores, 5)).selectedIndices, [3, 0, 5]);
    const s = tf.image.nonMaxSuppressionWithScore(boxes, scores, 6, 1, 0, 0.5);
    // Soft: an overlap of iou lowers a score by exp(-iou^2). Boxes 1 and 2 overlap box 0 by 9/11.
    const soft = Math.exp(-((9 / 11) ** 2));
    const one = 0.75 * soft;
    const two = 0.6 * soft * Math.exp(-((8 / 12) ** 2));
    equalTo(s.selectedIndices, [3, 0, 1, 5, 4, 2]);
    close(s.selectedScores, [0.95, 0.9, one, 0.3, 0.5 * soft, two]);
    const async = await tf.image.nonMaxSuppressionWithScoreAsync(boxes, scores, 1);
    close(async.selectedScores, [0.95]);
  });
  it('refuses what does not fit, and traces', () => {
    expect(() => tf.image.nonMaxSuppression(tf.zeros([2, 3]), [1, 1], 1)).toThrow(/\[n, 4\]/);
    expect(() => tf.image.nonMaxSuppression(boxes, [1, 1], 1)).toThrow(/scores must be \[6\]/);
    expect(() => tf.image.nonMaxSuppression(boxes, scores, 1, 2)).toThrow(/iouThreshold/);
    const f = tf.func((s: tf.Tensor) => tf.image.nonMaxSuppression(boxes, s, 3));
    const e = errorOf(() => f(scores));
    expect(e).toBeInstanceOf(tf.TraceError);
    expect(e.message).toMatch(/outside of it/);
  });
});
