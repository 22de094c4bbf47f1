// A tensor under construction: elements are set one by one, then it becomes a tensor.

import { ArgumentError, ShapeError } from '../../ir/errors.ts';
import { arrayFor, type TypedArray } from '../../ir/literal.ts';
import { tensorType } from '../../ir/types.ts';
import { checkShape } from './convert.ts';
import { type DataType, irDType } from './dtypes.ts';
import { eagerTensor, type Tensor } from './tensor.ts';

/** Elements of a shape that may be set and read by their indices; made by `tf.buffer`. */
export class TensorBuffer {
  readonly shape: number[];
  readonly dtype: DataType;
  /** Number of elements. */
  readonly size: number;
  /** Elements between neighbours along each axis but the last. */
  readonly strides: number[];
  /** The elements in row-major order. */
  readonly values: TypedArray;

  /** Made by `tf.buffer`, which says what the arguments are. */
  constructor(shape: readonly number[], dtype: DataType, values?: TypedArray) {
    this.shape = checkShape(shape, 'buffer');
    this.dtype = dtype;
    this.size = this.shape.reduce((n, d) => n * d, 1);
    const after = (axis: number) => this.shape.slice(axis + 1).reduce((n, d) => n * d, 1);
    this.strides = this.shape.slice(0, -1).map((_, i) => after(i));
    if (values && values.length !== this.size)
      throw new ShapeError(`${values.length} values for the ${this.size} elements of [${this.shape}]`, {
        op: 'buffer',
        fix: 'give one value an element, or none',
      });
    this.values = values ?? arrayFor(irDType(dtype, 'buffer'), this.size);
  }

  get rank(): number {
    return this.shape.length;
  }

  /** Sets the element at these indices (none for a scalar). Throws ShapeError where there is none. */
  set(value: number | boolean, ...locs: number[]): void {
    this.values[this.locToIndex(locs)] = Number(value);
  }
  /** The element at these indices. Throws ShapeError where there is none. */
  get(...locs: number[]): number {
    return this.values[this.locToIndex(locs)];
  }

  /** The place in row-major order of the element at these indices; without indices, of the first. */
  locToIndex(locs: readonly number[]): number {
    const at = locs.length === 0 ? this.shape.map(() => 0) : locs;
    const inside = at.length === this.rank && at.every((k, i) => Number.isInteger(k) && k >= 0 && k < this.shape[i]);
    if (!inside || this.size === 0)
      throw new ShapeError(`there is no element at (${locs.join(', ')}) in shape [${this.shape}]`, {
        op: 'TensorBuffer',
        fix: `give ${this.rank} whole numbers, each below its dimension`,
      });
    return at.reduce((k, i, axis) => k + i * (this.strides[axis] ?? 1), 0);
  }
  /** The indices of the element at that place in row-major order. */
  indexToLoc(index: number): number[] {
    let rest = index;
    return this.shape.map((_, axis) => {
      const stride = this.strides[axis] ?? 1;
      const i = Math.floor(rest / stride);
      rest -= i * stride;
      return i;
    });
  }

  /** An immutable tensor of the elements as they are now. */
  toTensor(): Tensor {
    return eagerTensor(tensorType(irDType(this.dtype), this.shape), this.values.slice());
  }
}

/**
 * A buffer of zeros, or around an array of the dtype's own kind, which is not copied.
 * Throws ShapeError where the array has another length, ArgumentError where it is of another kind.
 */
export function buffer(shape: readonly number[], dtype: DataType = 'float32', values?: TypedArray): TensorBuffer {
  const kind = arrayFor(irDType(dtype, 'buffer'), 0).constructor;
  if (values && values.constructor !== kind)
    throw new ArgumentError(`values of dtype ${dtype} must be a ${kind.name}, not a ${values.constructor.name}`, {
      op: 'buffer',
      fix: `copy them: ${kind.name}.from(values)`,
    });
  return new TensorBuffer(shape, dtype, values);
}
