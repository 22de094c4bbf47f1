// Descriptions of tensors: the inputs of compiled functions.

import { DTypeError, ShapeError, valueText } from '../../ir/errors.ts';
import { type TensorType, tensorType } from '../../ir/types.ts';
import { type TensorLike, toTensor } from './convert.ts';
import { type DataType, irDType, publicDType } from './dtypes.ts';
import type { Tensor } from './tensor.ts';

/** Shape (null: any size), dtype and name of a tensor to come. Made by `tf.spec`. */
export class TensorSpec {
  readonly shape: readonly (number | null)[];
  readonly dtype: DataType;
  readonly name: string | undefined;

  constructor(shape: readonly (number | null)[], dtype: DataType, name?: string) {
    if (!Array.isArray(shape) || !shape.every((d) => d === null || (Number.isInteger(d) && d >= 0)))
      throw new ShapeError(
        `a shape is an array of whole numbers from 0 on, or null for any size, not ${valueText(shape)}`,
        { op: 'spec', fix: 'give one size per axis, such as [2, 3]' },
      );
    irDType(dtype, 'spec');
    this.shape = Object.freeze(shape.slice());
    this.dtype = dtype;
    this.name = name;
  }

  /** As an IR type. Throws ShapeError where a dimension is null. */
  get type(): TensorType {
    if (this.shape.includes(null))
      throw new ShapeError(`the shape [${this.shape.map((d) => d ?? 'null')}] is not fixed`, {
        op: 'spec',
        fix: 'give every dimension a number',
      });
    return tensorType(irDType(this.dtype), this.shape as number[]);
  }

  /** Whether a tensor of this shape fits. */
  admits(shape: readonly number[]): boolean {
    return shape.length === this.shape.length && this.shape.every((d, i) => d === null || d === shape[i]);
  }

  toString(): string {
    return `${this.dtype}[${this.shape.map((d) => d ?? 'null')}]`;
  }
}

/** Describes a tensor: `tf.spec([32, 784])`, `tf.spec([32], 'int32')`; null is a size not fixed. */
export const spec = (shape: readonly (number | null)[], dtype: DataType = 'float32', name?: string): TensorSpec =>
  new TensorSpec(shape, dtype, name);

/** `x` as a tensor that fits the spec; `name` and `op` stand in the error otherwise. */
export function fitSpec(x: unknown, s: TensorSpec, name: string, op: string): Tensor {
  const t = toTensor(x as TensorLike, name, op, irDType(s.dtype));
  if (t.dtype !== s.dtype)
    throw new DTypeError(`argument '${name}' must be ${s}, got ${publicDType(t.type.dtype)}[${t.shape}]`, {
      op,
      fix: `cast it: x.cast('${s.dtype}')`,
    });
  if (!s.admits(t.shape))
    throw new ShapeError(`argument '${name}' must be ${s}, got ${t.dtype}[${t.shape}]`, {
      op,
      fix: 'give a tensor of that shape, or compile for this one',
    });
  return t;
}
