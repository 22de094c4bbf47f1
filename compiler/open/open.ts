// How the batch of a program is open: one program runs batches of any size up to a bound.

/** What is open of a program's inputs and outputs. */
export interface OpenBatch {
  /** Largest size of the batch; the graph's shapes are those at this size. */
  readonly bound: number;
  /** Per tensor parameter: its first dimension is so many times the batch, or 0. The last one is the batch's size. */
  readonly inputs: readonly number[];
  /** Per tensor result, the same. */
  readonly outputs: readonly number[];
}
