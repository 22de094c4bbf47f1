// Positions of elements, which must be there to be looked at.

import { TraceError } from '../../../ir/errors.ts';
import type { TypedArray } from '../../../ir/literal.ts';
import { tensorType } from '../../../ir/types.ts';
import { eagerTensor, type Tensor } from '../tensor.ts';

/** The elements, or a TraceError that says what to do instead. */
export function known(t: Tensor, op: string, fix: string): TypedArray {
  if (t.symbol)
    throw new TraceError('the shape of its result depends on elements, which a traced tensor does not have yet', {
      op,
      fix,
    });
  return t.elements();
}
/** What to do where a mask is not known. */
export const whereFix =
  'call it outside of the traced function; inside, keep the shape: tf.where, or multiply by the mask';

/** Row-major indices of the true elements, int32 [number of them, rank]. */
export function positions(t: Tensor, op: string): Tensor {
  const data = known(t, op, whereFix);
  const found: number[] = [];
  data.forEach((v, i) => {
    if (v) found.push(i);
  });
  const out = new Int32Array(found.length * t.rank);
  found.forEach((flat, row) => {
    for (let axis = t.rank - 1, rest = flat; axis >= 0; axis--) {
      out[row * t.rank + axis] = rest % t.shape[axis];
      rest = Math.floor(rest / t.shape[axis]);
    }
  });
  return eagerTensor(tensorType('i32', [found.length, t.rank]), out);
}
