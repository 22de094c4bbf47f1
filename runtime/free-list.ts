// The free parts of a stretch of addresses: first fit, neighbours joined.

export class FreeList {
  /** Free parts by ascending address. */
  #free: { at: number; size: number }[];
  #used = 0;

  constructor(size: number) {
    this.#free = [{ at: 0, size }];
  }

  get used(): number {
    return this.#used;
  }

  /** The start of `size` addresses, or null where no free part is as large. */
  take(size: number): number | null {
    const i = this.#free.findIndex((f) => f.size >= size);
    if (i < 0) return null;
    const f = this.#free[i];
    if (f.size === size) this.#free.splice(i, 1);
    else this.#free[i] = { at: f.at + size, size: f.size - size };
    this.#used += size;
    return f.at;
  }

  give(at: number, size: number): void {
    this.#used -= size;
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
