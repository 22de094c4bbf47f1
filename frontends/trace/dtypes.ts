// The public names of element types, and TensorFlow.js's rules for mixing them.

import { DTypeError, valueText } from '../../ir/errors.ts';
import { type DType, isStorage } from '../../ir/types.ts';

/**
 * Element types as users write them. `uint32` holds random bits and is seldom seen. `int8`, `uint8` and
 * `float16` store a quarter or half of the bytes: they can be moved and cast, and have no arithmetic.
 */
export type DataType = 'float32' | 'float64' | 'int32' | 'bool' | 'uint32' | 'int8' | 'uint8' | 'float16';

const toIr: Readonly<Record<DataType, DType>> = {
  float32: 'f32',
  float64: 'f64',
  int32: 'i32',
  bool: 'bool',
  uint32: 'u32',
  int8: 'i8',
  uint8: 'u8',
  float16: 'f16',
};
const fromIr = Object.fromEntries(Object.entries(toIr).map(([k, v]) => [v, k])) as Record<DType, DataType>;

/** The IR's name of a public dtype; throws DTypeError for an unknown one. */
export function irDType(name: DataType | string, op?: string): DType {
  const d = Object.hasOwn(toIr, name) ? toIr[name as DataType] : undefined;
  if (!d)
    throw new DTypeError(`there is no dtype ${valueText(name)}`, {
      op,
      fix: `use one of ${Object.keys(toIr).join(', ')}`,
    });
  return d;
}

/** The public name of an IR dtype. */
export const publicDType = (d: DType): DataType => fromIr[d];

const order: readonly DType[] = ['bool', 'i32', 'u32', 'f32', 'f64'];

/** The dtype that two operands meet at: bool < int32 < float32 < float64, as in TensorFlow.js. Throws DTypeError for a storage dtype beside another. */
export function upcast(a: DType, b: DType, op?: string): DType {
  if (a === b) return a;
  for (const d of [a, b])
    if (isStorage(d))
      throw new DTypeError(
        `${publicDType(d)} only stores, and does not meet ${publicDType(d === a ? b : a)} by itself`,
        {
          op,
          fix: "cast it first: x.cast('float32') or x.cast('int32')",
        },
      );
  return order.indexOf(a) >= order.indexOf(b) ? a : b;
}

/** `upcast` under public names. */
export function upcastType(a: DataType, b: DataType): DataType {
  return publicDType(upcast(irDType(a, 'upcastType'), irDType(b, 'upcastType'), 'upcastType'));
}

/** The dtype of a sum over elements of that dtype: booleans are counted as int32. */
export const sumOutType = (dtype: DataType): DataType =>
  publicDType(upcast(irDType(dtype, 'sumOutType'), 'i32', 'sumOutType'));
