// JavaScript values into tensors: shape and dtype inferred as TensorFlow.js infers them, values
// checked against the dtype.

import { ArgumentError, DTypeError, ShapeError, valueText } from '../../ir/errors.ts';
import { arrayFor, roundTo, type TypedArray } from '../../ir/literal.ts';
import { type DType, isFloat, tensorType } from '../../ir/types.ts';
import { ComplexTensor } from './complex-tensor.ts';
import { publicDType } from './dtypes.ts';
import { eagerTensor, Tensor } from './tensor.ts';

/** Typed arrays that tensors are made from. */
export type TypedData = TypedArray | Uint8ClampedArray | Int8Array | Int16Array | Uint16Array;
/** A number, or nested arrays of numbers; the innermost may be typed arrays. */
export type NestedData = number | boolean | TypedData | readonly NestedData[];
/** What every operation takes for a tensor. */
export type TensorLike = Tensor | NestedData;

const isTyped = (x: unknown): x is TypedData => ArrayBuffer.isView(x) && !(x instanceof DataView);

function typedDType(x: TypedData): DType {
  if (x instanceof Float32Array) return 'f32';
  if (x instanceof Float64Array) return 'f64';
  return x instanceof Uint32Array ? 'u32' : 'i32';
}

/** The dtype that values get where none is asked for. */
export function inferDType(x: unknown): DType {
  while (Array.isArray(x)) x = x[0];
  if (isTyped(x)) return typedDType(x);
  return typeof x === 'boolean' ? 'bool' : 'f32';
}

/** The shape of nested arrays; throws ShapeError where they are ragged. */
export function inferShape(x: unknown, op: string): number[] {
  const shape: number[] = [];
  for (let y = x; ; y = (y as unknown[])[0]) {
    if (isTyped(y)) {
      shape.push(y.length);
      break;
    }
    if (!Array.isArray(y)) break;
    shape.push(y.length);
    if (y.length === 0) break;
  }
  checkNesting(x, shape, 0, '', op);
  return shape;
}

function checkNesting(x: unknown, shape: readonly number[], axis: number, path: string, op: string): void {
  const list = Array.isArray(x) || isTyped(x);
  const where = path === '' ? 'the value' : `element ${path}`;
  if (axis === shape.length) {
    if (list && (x as unknown[]).length > 0)
      throw new ShapeError(
        `${where} is an array of ${(x as unknown[]).length} elements where its neighbours are numbers`,
        {
          op,
          fix: 'make all rows equally deep',
        },
      );
    return;
  }
  if (!list)
    throw new ShapeError(`${where} is ${describe(x)} where its neighbours are arrays of ${shape[axis]} elements`, {
      op,
      fix: 'make all rows equally deep',
    });
  const n = (x as unknown[]).length;
  if (n !== shape[axis])
    throw new ShapeError(`${where} has ${n} elements where its neighbours have ${shape[axis]}`, {
      op,
      fix: 'make all rows equally long',
    });
  if (!isTyped(x)) (x as unknown[]).forEach((y, i) => void checkNesting(y, shape, axis + 1, `${path}[${i}]`, op));
}

const describe = (x: unknown): string =>
  typeof x === 'string'
    ? `the string ${JSON.stringify(x)}`
    : x === null || typeof x !== 'object'
      ? String(x)
      : x instanceof Promise
        ? 'a Promise'
        : `a ${x.constructor?.name ?? 'object'}`;

/** What integers may be. */
const integerRanges: Partial<Record<DType, readonly [number, number]>> = {
  i32: [-2147483648, 2147483647],
  u32: [0, 4294967295],
  i8: [-128, 127],
  u8: [0, 255],
};

/** Copies values into an array of the dtype, refusing what it cannot hold. */
function fillArray(out: TypedArray, values: unknown, dtype: DType, op: string): void {
  let at = 0;
  const range = integerRanges[dtype];
  const put = (v: unknown) => {
    if (typeof v !== 'number' && typeof v !== 'boolean')
      throw new ArgumentError(`element ${at} is ${describe(v)}, not a number`, { op, fix: 'give numbers or booleans' });
    const x = Number(v);
    if (range && (!Number.isInteger(x) || x < range[0] || x > range[1]))
      throw new DTypeError(`element ${at} is ${x}, which ${publicDType(dtype)} cannot hold`, {
        op,
        fix: "round the data first, or use dtype 'float32'",
      });
    out[at++] = range ? x : roundTo(dtype, x);
  };
  const walk = (v: unknown): void => {
    if (isTyped(v)) {
      if (isFloat(dtype) || (dtype === 'i32' && v instanceof Int32Array)) {
        out.set(v, at);
        at += v.length;
      } else v.forEach(put);
    } else if (Array.isArray(v)) for (const y of v) walk(y);
    else put(v);
  };
  walk(values);
}

const count = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);

/** Checks a shape that a user wrote: whole numbers, none negative. */
export function checkShape(shape: unknown, op: string): number[] {
  if (!Array.isArray(shape) || !shape.every((d) => Number.isInteger(d) && d >= 0))
    throw new ShapeError(`a shape is an array of whole numbers from 0 on, not ${valueText(shape)}`, {
      op,
      fix: 'give one size per axis, such as [2, 3]; [] is a scalar',
    });
  return shape.slice();
}

/**
 * Makes an eager tensor.
 * @param shape where it is given, flat data takes it and nested data must already have it
 * @param dtype where it is missing, it is inferred
 */
export function makeTensor(
  values: unknown,
  shape: readonly number[] | undefined,
  dtype: DType | undefined,
  op: string,
): Tensor {
  if (values instanceof Tensor)
    throw new ArgumentError('the data is already a tensor', {
      op,
      fix: 'use it as it is, or tensor.reshape / tensor.cast',
    });
  if (!isTyped(values) && !Array.isArray(values) && typeof values !== 'number' && typeof values !== 'boolean')
    throw new ArgumentError(
      `a tensor is made from a number, nested arrays or a typed array, not from ${describe(values)}`,
      { op, fix: 'convert the data to numbers first' },
    );
  const found = inferShape(values, op);
  if (shape !== undefined && shape !== null) {
    checkShape(shape, op);
    if (count(shape) !== count(found))
      throw new ShapeError(`shape [${shape}] has ${count(shape)} elements, the data has ${count(found)}`, {
        op,
        fix: 'give a shape of as many elements',
      });
    if (found.length > 1 && (found.length !== shape.length || found.some((d, i) => d !== shape[i])))
      throw new ShapeError(`the data's shape [${found}] is not the given shape [${shape}]`, {
        op,
        fix: 'leave the shape out, or give flat data',
      });
  }
  const type = dtype ?? inferDType(values);
  const s = shape ?? found;
  const host = arrayFor(type, count(s));
  fillArray(host, values, type, op);
  return eagerTensor(tensorType(type, s), host);
}

/** A tensor from whatever operations take; `name` and `op` stand in the error. */
export function toTensor(x: TensorLike, name: string, op: string, dtype?: DType): Tensor {
  if (x instanceof Tensor) {
    x.lent = true;
    return x;
  }
  if ((x as unknown) instanceof ComplexTensor)
    throw new DTypeError(`argument '${name}' is a complex tensor, which ${op} does not take`, {
      op,
      fix: 'work on its parts, tf.real(x) and tf.imag(x); methods of real tensors take no complex arguments, the functions do: tf.add(x, y)',
    });
  if (!isTyped(x) && !Array.isArray(x) && typeof x !== 'number' && typeof x !== 'boolean')
    throw new ArgumentError(`argument '${name}' must be a tensor, a number or nested arrays, not ${describe(x)}`, {
      op,
      fix: 'pass a tensor, or what tf.tensor makes one of',
    });
  if (Array.isArray(x) && x.some((y) => y instanceof Tensor))
    throw new ArgumentError(`argument '${name}' is an array of tensors`, {
      op,
      fix: 'tf.stack or tf.concat makes one tensor of them',
    });
  return makeTensor(x, undefined, dtype, op);
}
