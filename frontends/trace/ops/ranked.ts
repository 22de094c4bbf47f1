// Functions for tensors of one rank, which TensorFlow.js has beside the general ones. Each checks the
// rank (ShapeError) and does what the function without the number does.

import type { TensorLike } from '../convert.ts';
import type { Tensor } from '../tensor.ts';
import { arg, checkRank } from './common.ts';
import { slice } from './indexing.ts';
import { batchNorm } from './nn.ts';
import { concat, reverse } from './shape.ts';

function ofRank(x: TensorLike, rank: number, name: string, op: string): Tensor {
  const t = arg(x, name, op);
  checkRank(t, [rank], name, op);
  return t;
}

const concatOf =
  (rank: number) =>
  (tensors: readonly TensorLike[], axis = 0): Tensor =>
    concat(
      Array.isArray(tensors) ? tensors.map((t, i) => ofRank(t, rank, `tensors[${i}]`, `concat${rank}d`)) : tensors,
      axis,
    );
type Concat = (tensors: readonly TensorLike[], axis?: number) => Tensor;
/** `concat` of vectors. */
export const concat1d: (tensors: readonly TensorLike[]) => Tensor = concatOf(1);
/** `concat` of tensors of rank 2. */
export const concat2d: Concat = concatOf(2);
/** `concat` of tensors of rank 3. */
export const concat3d: Concat = concatOf(3);
/** `concat` of tensors of rank 4. */
export const concat4d: Concat = concatOf(4);

const reverseOf =
  (rank: number) =>
  (x: TensorLike, axis?: number | readonly number[]): Tensor =>
    reverse(ofRank(x, rank, 'x', `reverse${rank}d`), axis);
type Reverse = (x: TensorLike, axis?: number | readonly number[]) => Tensor;
/** `reverse` of a vector. */
export const reverse1d: (x: TensorLike) => Tensor = reverseOf(1);
/** `reverse` of a tensor of rank 2. */
export const reverse2d: Reverse = reverseOf(2);
/** `reverse` of a tensor of rank 3. */
export const reverse3d: Reverse = reverseOf(3);
/** `reverse` of a tensor of rank 4. */
export const reverse4d: Reverse = reverseOf(4);

/** `slice` of a vector. */
export const slice1d = (x: TensorLike, begin: number, size?: number): Tensor =>
  slice(ofRank(x, 1, 'x', 'slice1d'), [begin], size === undefined ? undefined : [size]);
const sliceOf =
  (rank: number) =>
  (x: TensorLike, begin: readonly number[], size?: readonly number[]): Tensor =>
    slice(ofRank(x, rank, 'x', `slice${rank}d`), begin, size);
type Slice = (x: TensorLike, begin: readonly number[], size?: readonly number[]) => Tensor;
/** `slice` of a tensor of rank 2. */
export const slice2d: Slice = sliceOf(2);
/** `slice` of a tensor of rank 3. */
export const slice3d: Slice = sliceOf(3);
/** `slice` of a tensor of rank 4. */
export const slice4d: Slice = sliceOf(4);

const batchNormOf =
  (rank: number): typeof batchNorm =>
  (x, ...rest) =>
    batchNorm(ofRank(x, rank, 'x', `batchNorm${rank}d`), ...rest);
/** `batchNorm` of a tensor of rank 2. */
export const batchNorm2d: typeof batchNorm = batchNormOf(2);
/** `batchNorm` of a tensor of rank 3. */
export const batchNorm3d: typeof batchNorm = batchNormOf(3);
/** `batchNorm` of a tensor of rank 4. */
export const batchNorm4d: typeof batchNorm = batchNormOf(4);
