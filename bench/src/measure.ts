// Timing: engines alternate round by round in one process, so that a noisy machine slows all of them
// alike and ratios within a round stay meaningful.

import type { Prepared } from './adapter.ts';

export interface Timing {
  /** Milliseconds a run, one figure a round. */
  readonly rounds: readonly number[];
  readonly median: number;
  readonly min: number;
}

export interface Plan {
  readonly rounds: number;
  /** Milliseconds that an engine's part of a round should take. */
  readonly roundMs: number;
  /** Milliseconds spent on warming up each engine. */
  readonly warmMs: number;
  /**
   * Milliseconds of rest before an engine's turn. Threads keep spinning for a while after their work
   * is done, and would take the processor from the next engine.
   */
  readonly restMs?: number;
}
export const fullPlan: Plan = { rounds: 15, roundMs: 25, warmMs: 300 };
export const quickPlan: Plan = { rounds: 5, roundMs: 10, warmMs: 100 };
/** On a GPU a round is so long that the way there and back does not count. */
export const gpuPlan: Plan = { rounds: 9, roundMs: 150, warmMs: 500 };

/** A run longer than this is not worth many rounds: two tell enough. */
const longRunMs = 2000;

export const median = (xs: readonly number[]): number => {
  const sorted = xs.slice().sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
};

/** Milliseconds that `count` runs take. */
async function time(p: Prepared, count: number): Promise<number> {
  const start = performance.now();
  if (p.async) for (let i = 0; i < count; i++) await p.run();
  else for (let i = 0; i < count; i++) p.run();
  if (p.settle) await p.settle();
  return performance.now() - start;
}

/** Warms an engine up and returns how many runs make a round. */
async function calibrate(p: Prepared, plan: Plan): Promise<{ count: number; rounds: number }> {
  const once = await time(p, 1);
  if (once > longRunMs) return { count: 1, rounds: 2 };
  let count = 1;
  let spent = once;
  let took = once;
  // Doubling reaches engines that optimise after many calls, and measures a call of any length.
  while (spent < plan.warmMs) {
    count = took < plan.roundMs / 2 ? count * 2 : count;
    took = await time(p, count);
    spent += took;
  }
  return { count: Math.max(1, Math.round((count * plan.roundMs) / Math.max(took, 1e-6))), rounds: plan.rounds };
}

/** Times all engines in turn; each round starts with another one. */
export async function compareTimes(
  entries: ReadonlyMap<string, Prepared>,
  plan: Plan,
): Promise<ReadonlyMap<string, Timing>> {
  const states: { name: string; p: Prepared; count: number; rounds: number; times: number[] }[] = [];
  for (const [name, p] of entries) states.push({ name, p, ...(await calibrate(p, plan)), times: [] });
  for (let round = 0; round < plan.rounds; round++)
    for (let i = 0; i < states.length; i++) {
      const s = states[(i + round) % states.length];
      if (round >= s.rounds) continue;
      if (plan.restMs) {
        await new Promise((resolve) => setTimeout(resolve, plan.restMs));
        // Not timed: wakes its threads, and the processors that slept meanwhile.
        if (s.rounds === plan.rounds) await time(s.p, s.count);
      }
      s.times.push((await time(s.p, s.count)) / s.count);
    }
  return new Map(states.map((s) => [s.name, { rounds: s.times, median: median(s.times), min: Math.min(...s.times) }]));
}

/** How many times faster `ours` is than `theirs`: the median of the rounds' ratios. */
export function ratio(theirs: Timing, ours: Timing): number {
  const n = Math.min(theirs.rounds.length, ours.rounds.length);
  return median(Array.from({ length: n }, (_, i) => theirs.rounds[i] / ours.rounds[i]));
}
