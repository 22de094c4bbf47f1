// Element types of ONNX, and what they are here. 64-bit integers are int32 (checked where they are read), and what has no
// arithmetic of its own here is kept as the smallest dtype that has: float16, bfloat16 and float8 as float32, 16-bit
// integers as int32. 8-bit integers keep their dtype, which only stores: operators widen and narrow.

import { FormatError } from '../../ir/errors.ts';
import { fromHalfBits } from '../../ir/half.ts';
import { arrayFor, type TypedArray } from '../../ir/literal.ts';
import type { DType } from '../../ir/types.ts';

/** How elements of a type are stored. */
export interface ElementType {
  readonly name: string;
  readonly dtype: DType;
  readonly bits: number;
  /** Reads element i of little-endian data. */
  readonly read: (v: DataView, i: number) => number;
  /** The field of a tensor that holds its elements where they are not raw. */
  readonly field: 'floatData' | 'int32Data' | 'int64Data' | 'doubleData' | 'uint64Data';
  /** The same element from a number of `int32Data` that holds bits. */
  readonly ofBits?: (bits: number) => number;
}

/** int64 as int32. From 2^62 on a number means "to the end", as in Slice, and is the largest int32. */
function int32Of(x: bigint): number {
  if (x >= -(2n ** 31n) && x < 2n ** 31n) return Number(x);
  if (x >= 2n ** 62n) return 2 ** 31 - 1;
  if (x <= -(2n ** 62n)) return -(2 ** 31);
  return Number.NaN;
}
function uint32Of(x: bigint): number {
  return x < 2n ** 32n ? Number(x) : x >= 2n ** 63n - 1n ? 2 ** 32 - 1 : Number.NaN;
}

const bf16 = new DataView(new ArrayBuffer(4));
/** The number of bfloat16 bits. */
export function fromBrainBits(bits: number): number {
  bf16.setUint32(0, (bits & 0xffff) << 16);
  return bf16.getFloat32(0);
}

/** A float8 of 4 exponent bits, or 5; `uz`: no negative zero, which is NaN, and one more of bias. */
function fromFloat8(bits: number, exponent: 4 | 5, uz: boolean): number {
  const mantissa = 7 - exponent;
  const bias = 2 ** (exponent - 1) - 1 + (uz ? 1 : 0);
  const e = (bits & 127) >> mantissa;
  const m = bits & (2 ** mantissa - 1);
  const sign = bits & 128 ? -1 : 1;
  if (uz && bits === 128) return Number.NaN;
  if (!uz && exponent === 5 && e === 31) return m ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  if (!uz && exponent === 4 && (bits & 127) === 127) return Number.NaN;
  return sign * (e === 0 ? m * 2 ** (1 - bias - mantissa) : (1 + m * 2 ** -mantissa) * 2 ** (e - bias));
}

const nibble = (v: DataView, i: number) => (v.getUint8(i >> 1) >> (i & 1 ? 4 : 0)) & 15;
const signed4 = (x: number) => (x & 15) - (x & 8 ? 16 : 0);

const float8 = (name: string, exponent: 4 | 5, uz: boolean): ElementType => ({
  name,
  dtype: 'f32',
  bits: 8,
  field: 'int32Data',
  read: (v, i) => fromFloat8(v.getUint8(i), exponent, uz),
  ofBits: (b) => fromFloat8(b & 255, exponent, uz),
});
const plain = (name: string, dtype: DType, bits: number, field: ElementType['field'], read: ElementType['read']) => ({
  name,
  dtype,
  bits,
  field,
  read,
});

/** By TensorProto.DataType. */
export const elementTypes: ReadonlyMap<number, ElementType> = new Map<number, ElementType>([
  [1, plain('float', 'f32', 32, 'floatData', (v, i) => v.getFloat32(4 * i, true))],
  [2, plain('uint8', 'u8', 8, 'int32Data', (v, i) => v.getUint8(i))],
  [3, plain('int8', 'i8', 8, 'int32Data', (v, i) => v.getInt8(i))],
  [4, plain('uint16', 'i32', 16, 'int32Data', (v, i) => v.getUint16(2 * i, true))],
  [5, plain('int16', 'i32', 16, 'int32Data', (v, i) => v.getInt16(2 * i, true))],
  [6, plain('int32', 'i32', 32, 'int32Data', (v, i) => v.getInt32(4 * i, true))],
  [7, plain('int64', 'i32', 64, 'int64Data', (v, i) => int32Of(v.getBigInt64(8 * i, true)))],
  [9, plain('bool', 'bool', 8, 'int32Data', (v, i) => (v.getUint8(i) ? 1 : 0))],
  [
    10,
    {
      ...plain('float16', 'f32', 16, 'int32Data', (v, i) => fromHalfBits(v.getUint16(2 * i, true))),
      ofBits: fromHalfBits,
    },
  ],
  [11, plain('double', 'f64', 64, 'doubleData', (v, i) => v.getFloat64(8 * i, true))],
  [12, plain('uint32', 'u32', 32, 'uint64Data', (v, i) => v.getUint32(4 * i, true))],
  [13, plain('uint64', 'u32', 64, 'uint64Data', (v, i) => uint32Of(v.getBigUint64(8 * i, true)))],
  [
    16,
    {
      ...plain('bfloat16', 'f32', 16, 'int32Data', (v, i) => fromBrainBits(v.getUint16(2 * i, true))),
      ofBits: fromBrainBits,
    },
  ],
  [17, float8('float8e4m3fn', 4, false)],
  [18, float8('float8e4m3fnuz', 4, true)],
  [19, float8('float8e5m2', 5, false)],
  [20, float8('float8e5m2fnuz', 5, true)],
  [21, { ...plain('uint4', 'u8', 4, 'int32Data', nibble), ofBits: (b) => b & 15 }],
  [22, { ...plain('int4', 'i8', 4, 'int32Data', (v, i) => signed4(nibble(v, i))), ofBits: signed4 }],
]);

const others: ReadonlyMap<number, string> = new Map([
  [8, 'string'],
  [14, 'complex64'],
  [15, 'complex128'],
  [23, 'float4e2m1'],
  [24, 'float8e8m0'],
  [25, 'uint2'],
  [26, 'int2'],
]);

/** A type by its number. Throws FormatError for one that cannot be had here. */
export function elementType(code: number, what: string, op: string): ElementType {
  const t = elementTypes.get(code);
  if (t) return t;
  throw new FormatError(`${what} has elements of ${others.get(code) ?? `an unknown type (${code})`}`, {
    op,
    fix: 'tensors of numbers and booleans can be read: float, double, float16, bfloat16, float8, int4 to int64, bool',
  });
}

/** Copies elements into an array of the dtype; NaN from an integer type says that it does not fit. */
export function readElements(
  t: ElementType,
  n: number,
  at: (i: number) => number,
  what: string,
  op: string,
): TypedArray {
  const out = arrayFor(t.dtype, n, op);
  const whole = t.dtype !== 'f32' && t.dtype !== 'f64';
  for (let i = 0; i < n; i++) {
    const x = at(i);
    if (whole && Number.isNaN(x))
      throw new FormatError(`${what} holds a ${t.name} that int32 cannot hold, at element ${i}`, {
        op,
        fix: '64-bit integers are int32 here: export the model with smaller numbers',
      });
    out[i] = x;
  }
  return out;
}

/** A number of a 64-bit field as one of 32 bits; NaN where it does not fit. */
export const narrow64 = (t: ElementType, x: number | bigint): number =>
  t.dtype === 'u32' ? uint32Of(BigInt(x)) : int32Of(BigInt(x));
