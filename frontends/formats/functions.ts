// What importers of foreign graphs call: the operations of the IR on tensors, and helpers around them.

import type { Emitter } from '../../ir/emit.ts';
import type { Val } from '../../ir/graph.ts';
import type { DType } from '../../ir/types.ts';
import { makeTensor } from '../trace/convert.ts';
import { emitter } from '../trace/dispatch.ts';
import type { Tensor } from '../trace/tensor.ts';

/** The emitter with tensors as results, as it has them in the front end. */
export const b = emitter as unknown as {
  [K in keyof Emitter]: Emitter[K] extends (...args: infer A) => Val ? (...args: A) => Tensor : Emitter[K];
};

/** A known tensor of these elements, inside of a trace too. */
export const fixed = (values: ArrayLike<number>, shape: readonly number[], dtype: DType): Tensor =>
  makeTensor(Array.from(values), shape, dtype, 'constant');

/** Whole numbers from 0 on. */
export const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

export const product = (xs: readonly number[]): number => xs.reduce((n, d) => n * d, 1);

/** The permutation that undoes one. */
export const inverse = (perm: readonly number[]): number[] => perm.map((_, i) => perm.indexOf(i));
