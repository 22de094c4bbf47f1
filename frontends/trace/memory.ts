// TensorFlow.js's memory functions. Tensors are garbage-collected here, so none of them is needed;
// code that calls them runs unchanged.

import { flattenTensors } from './nest.ts';
import { functionArg } from './ops/common.ts';
import type { Tensor } from './tensor.ts';

/** Runs `fn` and returns its result. `tf.tidy(name, fn)` works as well. Throws ArgumentError without a function. */
export function tidy<T>(nameOrFn: string | (() => T), fn?: () => T): T {
  const f = typeof nameOrFn === 'function' ? nameOrFn : fn;
  functionArg(f, 'fn', 'tidy');
  return (f as () => T)();
}
/** Calls `dispose` of every tensor in a structure: memory on the device goes back at once. Never needed. */
export function dispose(tensors?: unknown): void {
  const leaves: Tensor[] = [];
  flattenTensors(tensors, leaves);
  for (const t of leaves) t.dispose();
}
/** Returns its argument. */
export const keep = <T>(x: T): T => x;

/** TensorFlow.js's counters: nothing is tracked, so nothing can leak. */
export const memory = () => ({ numTensors: 0, numDataBuffers: 0, numBytes: 0, unreliable: true });

/** Resolves at the browser's next animation frame, elsewhere at the next turn of the event loop. */
export const nextFrame = (): Promise<void> =>
  new Promise((done) => {
    if (typeof requestAnimationFrame === 'function') requestAnimationFrame(() => done());
    else setTimeout(done, 0);
  });
