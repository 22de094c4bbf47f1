// Gradients of the operations on images.

import type { Window } from '../ops.ts';
import { conv2d, maxPool as largest, pooled, slide } from '../reference/images.ts';
import type { Node, Tape } from './tape.ts';

/** A convolution, with gradients for image and filter. */
export function convolution(tape: Tape, x: Node, filter: Node, window: Window): Node {
  const [ci, co] = filter.value.shape.slice(2);
  const [image, weights] = [x.value.data, filter.value.data];
  return tape.record(conv2d(x.value, filter.value, window), (g) =>
    slide(x.value.shape, filter.value.shape, window, co, (o, at, f) => {
      for (let c = 0; c < ci; c++) {
        const row = f + c * co;
        const v = image[at + c];
        let total = 0;
        for (let k = 0; k < co; k++) {
          const d = g[o + k];
          total += d * weights[row + k];
          filter.grad[row + k] += d * v;
        }
        x.grad[at + c] += total;
      }
    }),
  );
}

/** A pooling by the largest element. */
export function maxPool(tape: Tape, x: Node, size: number): Node {
  const value = largest(x.value, size);
  const [filter, window] = pooled(size);
  const channels = x.value.shape[3];
  return tape.record(value, (g) => {
    const taken = new Uint8Array(value.data.length);
    slide(x.value.shape, filter, window, channels, (o, at) => {
      for (let c = 0; c < channels; c++) {
        // Of equal elements the first one takes the gradient.
        if (taken[o + c] || x.value.data[at + c] !== value.data[o + c]) continue;
        x.grad[at + c] += g[o + c];
        taken[o + c] = 1;
      }
    });
  });
}
