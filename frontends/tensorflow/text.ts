// The little that is done with strings.

import { ShapeError } from '../../ir/errors.ts';
import { tensorType } from '../../ir/types.ts';
import { eagerTensor, type Tensor } from '../trace/tensor.ts';
import type { Strings } from './values.ts';

const same = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((x, i) => x === b[i]);

/** Whether strings are the same (or not), element by element; a single one is compared to all. */
export function textEqual(x: Strings, y: Strings, equal: boolean): Tensor {
  const [n, m] = [x.elements.length, y.elements.length];
  if (n !== m && n !== 1 && m !== 1)
    throw new ShapeError(`strings of shapes [${x.shape}] and [${y.shape}] are not compared`, {
      fix: 'compare equal shapes',
    });
  const shape = n >= m ? x.shape : y.shape;
  const out = Uint8Array.from({ length: Math.max(n, m) }, (_, i) =>
    Number(same(x.elements[n === 1 ? 0 : i], y.elements[m === 1 ? 0 : i]) === equal),
  );
  return eagerTensor(tensorType('bool', shape), out);
}
