// Seeded choices for generated graphs.

import { randomFrom } from '../helpers.ts';

export class Random {
  readonly #next: () => number;

  constructor(seed: number) {
    this.#next = randomFrom(seed);
  }

  /** Uniform in [0, 1). */
  unit(): number {
    return this.#next();
  }
  /** An integer from lo to hi, both included. */
  int(lo: number, hi: number): number {
    return lo + Math.floor(this.#next() * (hi - lo + 1));
  }
  real(lo: number, hi: number): number {
    return lo + this.#next() * (hi - lo);
  }
  chance(p: number): boolean {
    return this.#next() < p;
  }
  pick<T>(list: readonly T[]): T {
    return list[this.int(0, list.length - 1)];
  }
  shuffle<T>(list: readonly T[]): T[] {
    const out = list.slice();
    for (let i = out.length - 1; i > 0; i--) {
      const k = this.int(0, i);
      [out[i], out[k]] = [out[k], out[i]];
    }
    return out;
  }
  /** Some of the list, in its order, at least `least`. */
  some<T>(list: readonly T[], least = 1): T[] {
    const n = this.int(Math.min(least, list.length), list.length);
    const chosen = new Set(this.shuffle(list.map((_, i) => i)).slice(0, n));
    return list.filter((_, i) => chosen.has(i));
  }
}
