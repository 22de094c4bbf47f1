// Conversion between the cases' arrangement (channels last) and that of engines that keep channels
// first. Done while preparing, never while timing.

import { type Layout, type Operand, size } from './case.ts';

export interface Plain {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Row-major copy with axes in the order `perm`. */
export function permute(x: Plain, perm: readonly number[]): Plain {
  const shape = perm.map((p) => x.shape[p]);
  const strides = x.shape.map((_, i) => size(x.shape.slice(i + 1)));
  const data = new Float32Array(x.data.length);
  const index = shape.map(() => 0);
  for (let to = 0, from = 0; to < data.length; to++) {
    data[to] = x.data[from];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[perm[axis]];
      if (++index[axis] < shape[axis]) break;
      from -= shape[axis] * strides[perm[axis]];
      index[axis] = 0;
    }
  }
  return { shape, data };
}

/** An operand as an engine with channels first wants it. */
export function channelsFirst(x: Operand): Plain {
  if (x.layout === 'nhwc') return permute(x, [0, 3, 1, 2]);
  if (x.layout === 'hwio') return permute(x, [3, 2, 0, 1]);
  if (x.layout === 'plain') return x;
  const [h, w, c] = x.layout.rows;
  const cols = x.shape[1];
  const swapped = permute({ shape: [h, w, c, cols], data: x.data }, [2, 0, 1, 3]);
  return { shape: x.shape, data: swapped.data };
}

/** The result of such an engine in the cases' arrangement. */
export function resultFrom(x: Plain, layout: Layout): Float32Array {
  return layout === 'nhwc' ? permute(x, [0, 2, 3, 1]).data : x.data;
}
