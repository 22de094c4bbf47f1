// Random numbers for orders and choices on the JavaScript side: fast, seeded, the same in every engine.

import { randomKey } from '../trace/generator.ts';

/** Text or number as 32 bits (FNV-1a over its text). */
function hashOf(seed: number | string): number {
  let h = 0x811c9dc5;
  for (const c of String(seed)) h = Math.imul(h ^ (c.codePointAt(0) as number), 0x01000193);
  return h >>> 0;
}

/** A generator of random numbers: xoshiro128** (Blackman, Vigna 2018), its state filled by splitmix32. */
export class Random {
  readonly #s = new Uint32Array(4);

  /**
   * @param seed the same one gives the same numbers
   * @param stream gives each seed any number of independent sequences
   */
  constructor(seed: number | string, stream = 0) {
    let z = (hashOf(seed) ^ Math.imul(stream + 1, 0x9e3779b9)) >>> 0;
    for (let i = 0; i < 4; i++) {
      z = (z + 0x9e3779b9) >>> 0;
      let t = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
      t = Math.imul(t ^ (t >>> 15), 0x735a2d97);
      this.#s[i] = t ^ (t >>> 15);
    }
    // All zeros is the one state that it never leaves.
    this.#s[3] |= 1;
  }

  /** 32 random bits. */
  bits(): number {
    const s = this.#s;
    const m = Math.imul(s[1], 5);
    const result = Math.imul((m << 7) | (m >>> 25), 9) >>> 0;
    const t = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = (s[3] << 11) | (s[3] >>> 21);
    return result;
  }

  /** A number from 0 to below 1, of 32 random bits. */
  next(): number {
    return this.bits() / 2 ** 32;
  }

  /** A whole number from 0 to below n, all equally likely; n at most 2^32. */
  below(n: number): number {
    // The last, incomplete run of remainders is drawn again.
    const limit = 2 ** 32 - (2 ** 32 % n);
    for (;;) {
      const x = this.bits();
      if (x < limit) return x % n;
    }
  }

  /** Puts a list into a random order (Fisher, Yates), in place. */
  shuffle<T>(list: T[] | { [i: number]: T; readonly length: number }): void {
    for (let i = list.length - 1; i > 0; i--) {
      const k = this.below(i + 1);
      [list[i], list[k]] = [list[k], list[i]];
    }
  }
}

/** The seed as it was given, or one of the global generator, which `tf.setRandomSeed` determines. */
export function seedOr(seed: number | string | null | undefined): number | string {
  return seed ?? randomKey().dataSync().join();
}
