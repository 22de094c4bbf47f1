// Results as numbers, wherever they are.

import type * as tf from 'sinter';

/** The numbers of scalars; those of a GPU are waited for. */
export const numbers = (scalars: readonly tf.Tensor[]): Promise<number[]> =>
  Promise.all(scalars.map(async (t) => (await t.data())[0]));
