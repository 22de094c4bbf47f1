// How far a loading is.

import type { OnProgressCallback } from './types.ts';

/** A function to be called after each of `total` files; tells the share that is done. */
export function progressOf(told: OnProgressCallback | undefined, total: number): () => void {
  let done = 0;
  return () => {
    done++;
    told?.(total === 0 ? 1 : done / total);
  };
}
