// Comparison with numbers that were computed in float64.

import * as tf from 'sinter';
import { expect } from 'vitest';

/** The elements are these numbers, relative to their size where that is above 1. */
export function near(got: tf.Tensor | ArrayLike<number>, want: number | readonly number[], tolerance = 2e-5): void {
  const list = typeof want === 'number' ? [want] : want;
  const data = got instanceof tf.Tensor ? got.dataSync() : got;
  expect(data.length).toBe(list.length);
  list.forEach((x, i) => void expect(Math.abs(data[i] - x) / Math.max(1, Math.abs(x))).toBeLessThan(tolerance));
}
