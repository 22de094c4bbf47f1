// The free parts of a stretch of addresses: first fit, neighbours joined.

export class FreeList {
  /** Free parts by ascending address. */
  #free: { at: number; size: number }[];

  /** @param size addresses that are free at first, from 0 on; others become so when they are given back */
  constructor(size: number) {
    this.#free = size ? [{ at: 0, size }] : [];
  }

  /** How many addresses are free. */
  get size(): number {
    return this.#free.reduce((n, f) => n + f.size, 0);
  }

  /** The start of `size` addresses, or null where no free part is as large. */
  take(size: number): number | null {
    const i = this.#free.findIndex((f) => f.size >= size);
    if (i < 0) return null;
    const f = this.#free[i];
    if (f.size === size) this.#free.splice(i, 1);
    else this.#free[i] = { at: f.at + size, size: f.size - size };
    return f.at;
  }

  give(at: number, size: number): void {
    let i = this.#free.findIndex((f) => f.at > at);
    if (i < 0) i = this.#free.length;
    this.#free.splice(i, 0, { at, size });
    for (const k of [i, i - 1]) {
      const a = this.#free[k];
      const b = this.#free[k + 1];
      if (a && b && a.at + a.size === b.at) this.#free.splice(k, 2, { at: a.at, size: a.size + b.size });
    }
  }
}
