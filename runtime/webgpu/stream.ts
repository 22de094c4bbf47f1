// Work for the GPU in the order in which it was asked for. A job that needs no answer from the GPU is handed over at
// once; one that does (a loop whose end the GPU decides) makes those behind it wait.

export class Stream {
  #tail: Promise<void> | null = null;
  #failure: unknown;

  /** Whether a job would have to wait. */
  get busy(): boolean {
    return this.#tail !== null;
  }

  /** Runs the job after all before it. What it throws at once is thrown; what it throws later waits for `done`. */
  run(job: () => void | Promise<void>): void {
    if (this.#tail) {
      this.#follow(this.#tail.then(job));
      return;
    }
    const p = job();
    if (p) this.#follow(p);
  }

  /** Resolves when all jobs so far are handed over; rejects with what one of them threw. */
  async done(): Promise<void> {
    while (this.#tail) await this.#tail;
    const e = this.#failure;
    this.#failure = undefined;
    if (e !== undefined) throw e;
  }

  #follow(p: Promise<void>): void {
    const tail = p
      .catch((e: unknown) => {
        this.#failure ??= e;
      })
      .then(() => {
        if (this.#tail === tail) this.#tail = null;
      });
    this.#tail = tail;
  }
}
