// Data sets that the tests read.

import * as tf from 'sinter';

const { Dataset } = tf.data;
/** The numbers from 0 to below `count`. */
export const n = (count: number) => Dataset.range(count);
/** A structure with arrays in the place of tensors. */
export const plain = (x: unknown): unknown =>
  x instanceof tf.Tensor
    ? x.arraySync()
    : Array.isArray(x)
      ? x.map(plain)
      : typeof x === 'object' && x !== null
        ? Object.fromEntries(Object.entries(x).map(([k, v]) => [k, plain(v)]))
        : x;
/** All elements, as plain data. */
export const all = async (d: tf.data.Dataset) => plain(await d.toArray());

/** The numbers from 0 on, with counts of what was read, of passes begun, and of passes closed early. */
export function source(length = Number.POSITIVE_INFINITY, failAt = -1) {
  const seen = { read: 0, opened: 0, closed: 0 };
  const data = tf.data.generator(async function* () {
    seen.opened++;
    let i = 0;
    try {
      for (; i < length; i++) {
        if (i === failAt) throw new Error('the disk is gone');
        seen.read++;
        yield i;
      }
    } finally {
      if (i < length) seen.closed++;
    }
  });
  return { data, seen };
}
