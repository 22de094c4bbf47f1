// Tensors from JavaScript values and from rules. What is made here from plain numbers is eager even
// while tracing; the graph takes it as a constant.

import { ArgumentError, ShapeError, valueText } from '../../ir/errors.ts';
import { arrayFor, roundTo } from '../../ir/literal.ts';
import { tensorType } from '../../ir/types.ts';
import {
  checkShape,
  inferDType,
  inferShape,
  makeTensor,
  type NestedData,
  type TensorLike,
  toTensor,
} from './convert.ts';
import { emitter as b, operandOf } from './dispatch.ts';
import { type DataType, irDType } from './dtypes.ts';
import { eagerTensor, type Tensor } from './tensor.ts';

/** The dtype asked for, if any. */
const givenDType = (dtype: DataType | null | undefined, op: string) =>
  dtype === undefined || dtype === null ? undefined : irDType(dtype, op);

/**
 * A tensor from a number, nested arrays or a typed array (copied).
 * @param shape needed where the data is flat and the tensor is not
 * @param dtype by default float32 for numbers, bool for booleans, a typed array's own kind
 * Throws ShapeError for ragged data or a shape that does not fit, DTypeError for NaN or fractions as int32.
 */
export function tensor(values: NestedData, shape?: readonly number[], dtype?: DataType): Tensor {
  return makeTensor(values, shape, givenDType(dtype, 'tensor'), 'tensor');
}

/** A tensor of rank 0. Throws ArgumentError for an array. */
export function scalar(value: number | boolean, dtype?: DataType): Tensor {
  if (typeof value !== 'number' && typeof value !== 'boolean')
    throw new ArgumentError('the value must be one number or boolean', {
      op: 'scalar',
      fix: 'use tf.tensor for arrays',
    });
  return makeTensor(value, [], givenDType(dtype, 'scalar'), 'scalar');
}

function ranked(
  rank: number,
  values: NestedData,
  shape: readonly number[] | undefined,
  dtype: DataType | undefined,
): Tensor {
  const op = `tensor${rank}d`;
  if (shape !== undefined && shape !== null && checkShape(shape, op).length !== rank)
    throw new ShapeError(`the shape must have ${rank} dimensions, not ${shape.length}: [${shape}]`, {
      op,
      fix: `use tf.tensor, which takes any rank`,
    });
  const found = inferShape(values, op);
  if (found.length !== rank && !(found.length === 1 && shape))
    throw new ShapeError(
      `the data must be ${rank > 1 ? `flat, with a shape, or ` : ''}nested ${rank} deep; its shape is [${found}]`,
      {
        op,
        fix: found.length === 1 ? 'give the shape' : `use tf.tensor${found.length === 0 ? '' : `${found.length}d`}`,
      },
    );
  return makeTensor(values, shape, givenDType(dtype, op), op);
}

/** A tensor of rank 1 from a flat array. Errors as `tensor`. */
export const tensor1d = (values: NestedData, dtype?: DataType): Tensor => ranked(1, values, undefined, dtype);
/** A tensor of rank 2 from nested arrays, or from flat data and a shape. Errors as `tensor`. */
export const tensor2d = (values: NestedData, shape?: readonly number[], dtype?: DataType): Tensor =>
  ranked(2, values, shape, dtype);
/** A tensor of rank 3; see `tensor2d`. */
export const tensor3d = (values: NestedData, shape?: readonly number[], dtype?: DataType): Tensor =>
  ranked(3, values, shape, dtype);
/** A tensor of rank 4; see `tensor2d`. */
export const tensor4d = (values: NestedData, shape?: readonly number[], dtype?: DataType): Tensor =>
  ranked(4, values, shape, dtype);
/** A tensor of rank 5; see `tensor2d`. */
export const tensor5d = (values: NestedData, shape?: readonly number[], dtype?: DataType): Tensor =>
  ranked(5, values, shape, dtype);
/** A tensor of rank 6; see `tensor2d`. */
export const tensor6d = (values: NestedData, shape?: readonly number[], dtype?: DataType): Tensor =>
  ranked(6, values, shape, dtype);

function filled(shape: readonly number[], value: number, dtype: DataType, op: string): Tensor {
  const type = tensorType(irDType(dtype, op), checkShape(shape, op));
  const host = arrayFor(
    type.dtype,
    shape.reduce((n, d) => n * d, 1),
    op,
  );
  return eagerTensor(type, value === 0 ? host : host.fill(roundTo(type.dtype, value)));
}

/** All zeros (false for bool). Throws ShapeError for a shape that is none. */
export const zeros = (shape: readonly number[], dtype: DataType = 'float32'): Tensor =>
  filled(shape, 0, dtype, 'zeros');
/** All ones (true for bool). Throws ShapeError for a shape that is none. */
export const ones = (shape: readonly number[], dtype: DataType = 'float32'): Tensor => filled(shape, 1, dtype, 'ones');

/** One value everywhere; without a dtype, float32 for a number and bool for a boolean. */
export function fill(shape: readonly number[], value: number | boolean, dtype?: DataType): Tensor {
  const d = givenDType(dtype, 'fill') ?? inferDType(value);
  const one = makeTensor(value, [], d, 'fill');
  const type = tensorType(d, checkShape(shape, 'fill'));
  return eagerTensor(
    type,
    arrayFor(
      d,
      shape.reduce((n, k) => n * k, 1),
      'fill',
    ).fill(one.elements()[0]),
  );
}

/** Zeros of the shape and dtype of `x`. */
export const zerosLike = (x: TensorLike): Tensor => {
  const t = toTensor(x, 'x', 'zerosLike');
  return filled(t.shape, 0, t.dtype, 'zerosLike');
};
/** Ones of the shape and dtype of `x`. */
export const onesLike = (x: TensorLike): Tensor => {
  const t = toTensor(x, 'x', 'onesLike');
  return filled(t.shape, 1, t.dtype, 'onesLike');
};

/** The identity matrix, `numRows` x `numColumns` (square by default), repeated over `batchShape`. */
export function eye(
  numRows: number,
  numColumns?: number,
  batchShape: readonly number[] = [],
  dtype: DataType = 'float32',
): Tensor {
  const cols = numColumns ?? numRows;
  checkShape(batchShape, 'eye');
  const shape = checkShape([...batchShape, numRows, cols], 'eye');
  const d = irDType(dtype, 'eye');
  const host = arrayFor(
    d,
    shape.reduce((n, k) => n * k, 1),
    'eye',
  );
  const step = numRows * cols;
  for (let base = 0; base < host.length; base += step)
    for (let i = 0; i < Math.min(numRows, cols); i++) host[base + i * cols + i] = 1;
  return eagerTensor(tensorType(d, shape), host);
}

/** Throws ArgumentError unless all of these are finite numbers. */
function checkNumbers(args: Readonly<Record<string, unknown>>, op: string): void {
  for (const [name, x] of Object.entries(args))
    if (!Number.isFinite(x))
      throw new ArgumentError(`${name} must be a finite number, not ${valueText(x)}`, {
        op,
        fix: 'check what computes it',
      });
}

/** `num` float32 numbers from `start` to `stop`, both included. Throws ArgumentError where num < 1. */
export function linspace(start: number, stop: number, num: number): Tensor {
  if (!Number.isInteger(num) || num < 1)
    throw new ArgumentError(`num must be a positive whole number, not ${valueText(num)}`, {
      op: 'linspace',
      fix: 'give the number of elements last',
    });
  checkNumbers({ start, stop }, 'linspace');
  const step = num === 1 ? 0 : (stop - start) / (num - 1);
  return makeTensor(
    arrayFor('f32', num, 'linspace').map((_, i) => (i === num - 1 && num > 1 ? stop : start + i * step)),
    [num],
    'f32',
    'linspace',
  );
}

/**
 * Numbers from `start` on, `step` apart, before `stop`. The step is -1 by default where stop < start.
 * Throws ArgumentError for step 0.
 */
export function range(start: number, stop: number, step = 1, dtype: 'float32' | 'int32' = 'float32'): Tensor {
  checkNumbers({ start, stop, step }, 'range');
  if (step === 0)
    throw new ArgumentError('the step must not be 0', { op: 'range', fix: 'use tf.fill for equal numbers' });
  const by = stop < start && step === 1 ? -1 : step;
  const n = Math.max(0, Math.ceil((stop - start) / by));
  return makeTensor(
    arrayFor('f64', n, 'range').map((_, i) => start + i * by),
    [n],
    irDType(dtype, 'range'),
    'range',
  );
}

/**
 * A new last axis of `depth` elements: `onValue` at the index, `offValue` elsewhere (everywhere, for
 * an index outside of it). Indices are int32, any shape.
 */
export function oneHot(
  indices: TensorLike,
  depth: number,
  onValue = 1,
  offValue = 0,
  dtype: DataType = 'int32',
): Tensor {
  const idx = toTensor(
    indices,
    'indices',
    'oneHot',
    Array.isArray(indices) || typeof indices === 'number' ? 'i32' : undefined,
  );
  if (!Number.isInteger(depth) || depth < 1)
    throw new ArgumentError(`depth must be a positive whole number, not ${valueText(depth)}`, {
      op: 'oneHot',
      fix: 'give the number of classes',
    });
  checkNumbers({ onValue, offValue }, 'oneHot');
  const attrs = { depth, on: onValue, off: offValue, dtype: irDType(dtype, 'oneHot') };
  return b.call('one_hot', [b.convert(operandOf(idx), 'i32')], attrs) as Tensor;
}
