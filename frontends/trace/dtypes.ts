// The public names of element types, and TensorFlow.js's rules for mixing them.

import { DTypeError } from '../../ir/errors.ts';
import type { DType } from '../../ir/types.ts';

/** Element types as users write them. `uint32` holds random bits and is seldom seen. */
export type DataType = 'float32' | 'float64' | 'int32' | 'bool' | 'uint32';

const toIr: Readonly<Record<DataType, DType>> = {
  float32: 'f32',
  float64: 'f64',
  int32: 'i32',
  bool: 'bool',
  uint32: 'u32',
};
const fromIr = Object.fromEntries(Object.entries(toIr).map(([k, v]) => [v, k])) as Record<DType, DataType>;

/** The IR's name of a public dtype; throws DTypeError for an unknown one. */
export function irDType(name: DataType | string, op?: string): DType {
  const d = toIr[name as DataType];
  if (!d)
    throw new DTypeError(`there is no dtype '${name}'`, { op, fix: `use one of ${Object.keys(toIr).join(', ')}` });
  return d;
}

/** The public name of an IR dtype. */
export const publicDType = (d: DType): DataType => fromIr[d];

const order: readonly DType[] = ['bool', 'i32', 'u32', 'f32', 'f64'];

/** The dtype that two operands meet at: bool < int32 < float32 < float64, as in TensorFlow.js. */
export function upcast(a: DType, b: DType): DType {
  return order.indexOf(a) >= order.indexOf(b) ? a : b;
}

/** `upcast` under public names. */
export function upcastType(a: DataType, b: DataType): DataType {
  return publicDType(upcast(irDType(a), irDType(b)));
}

/** The dtype of a sum over elements of that dtype: booleans are counted as int32. */
export const sumOutType = (dtype: DataType): DataType => upcastType(dtype, 'int32');
