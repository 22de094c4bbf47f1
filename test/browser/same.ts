import { expect } from 'vitest';
import type { Trained } from './model.ts';

/** Both ran the same training, up to float32 arithmetic. */
export function sameTraining(got: Trained, expected: Trained): void {
  const { losses } = got;
  expect(got.graph).toBe('func @step');
  expect(losses.length).toBe(expected.losses.length);
  expect(losses.at(-1)).toBeLessThan(losses[0] * 0.5);
  losses.forEach((x, i) => void expect(x).toBeCloseTo(expected.losses[i], 4));
  expect(got.weights.length).toBe(expected.weights.length);
  const worst = got.weights.reduce((m, w, i) => Math.max(m, Math.abs(w - expected.weights[i])), 0);
  expect(worst).toBeLessThan(1e-3);
}
