// TensorFlow's element types (tensorflow/core/framework/types.proto): their numbers and names in files, what they
// are here, and how their bytes are read.

import { DTypeError, FormatError } from '../../ir/errors.ts';
import { fromHalfBits } from '../../ir/half.ts';
import { arrayFor, type TypedArray } from '../../ir/literal.ts';
import type { DType } from '../../ir/types.ts';

/** How an element type is stored: bytes of one number, and how they are read; complex numbers are two of them. */
interface Storage {
  readonly bytes: number;
  readonly read: (v: DataView, at: number) => number | bigint;
}

/** An element type of TensorFlow. */
export interface TfType {
  /** As graphs in JSON write it: 'DT_FLOAT'. */
  readonly name: string;
  readonly number: number;
  /** What it is here; undefined for what no tensor holds (strings, resources, …). */
  readonly dtype: DType | undefined;
  readonly storage: Storage | undefined;
  readonly complex: boolean;
}

const f32: Storage = { bytes: 4, read: (v, at) => v.getFloat32(at, true) };
const f64: Storage = { bytes: 8, read: (v, at) => v.getFloat64(at, true) };
const i8: Storage = { bytes: 1, read: (v, at) => v.getInt8(at) };
const u8: Storage = { bytes: 1, read: (v, at) => v.getUint8(at) };
const i16: Storage = { bytes: 2, read: (v, at) => v.getInt16(at, true) };
const u16: Storage = { bytes: 2, read: (v, at) => v.getUint16(at, true) };
const i32: Storage = { bytes: 4, read: (v, at) => v.getInt32(at, true) };
const u32: Storage = { bytes: 4, read: (v, at) => v.getUint32(at, true) };
const i64: Storage = { bytes: 8, read: (v, at) => v.getBigInt64(at, true) };
const u64: Storage = { bytes: 8, read: (v, at) => v.getBigUint64(at, true) };
const f16: Storage = { bytes: 2, read: (v, at) => fromHalfBits(v.getUint16(at, true)) };
const word = new DataView(new ArrayBuffer(4));
/** bfloat16 is the upper half of a float32. */
export function fromBfloat16(bits: number): number {
  word.setUint32(0, (bits & 0xffff) << 16);
  return word.getFloat32(0);
}
const bf16: Storage = { bytes: 2, read: (v, at) => fromBfloat16(v.getUint16(at, true)) };

/** Small integers are computed in int32, half precisions in float32: these hold every value of theirs. */
const table: readonly (readonly [string, number, DType?, Storage?, 'complex'?])[] = [
  ['DT_FLOAT', 1, 'f32', f32],
  ['DT_DOUBLE', 2, 'f64', f64],
  ['DT_INT32', 3, 'i32', i32],
  ['DT_UINT8', 4, 'i32', u8],
  ['DT_INT16', 5, 'i32', i16],
  ['DT_INT8', 6, 'i32', i8],
  ['DT_STRING', 7],
  ['DT_COMPLEX64', 8, 'f32', f32, 'complex'],
  ['DT_INT64', 9, 'i32', i64],
  ['DT_BOOL', 10, 'bool', u8],
  ['DT_QINT8', 11, 'i32', i8],
  ['DT_QUINT8', 12, 'i32', u8],
  ['DT_QINT32', 13, 'i32', i32],
  ['DT_BFLOAT16', 14, 'f32', bf16],
  ['DT_QINT16', 15, 'i32', i16],
  ['DT_QUINT16', 16, 'i32', u16],
  ['DT_UINT16', 17, 'i32', u16],
  ['DT_COMPLEX128', 18, 'f64', f64, 'complex'],
  ['DT_HALF', 19, 'f32', f16],
  ['DT_RESOURCE', 20],
  ['DT_VARIANT', 21],
  ['DT_UINT32', 22, 'i32', u32],
  ['DT_UINT64', 23, 'i32', u64],
];

const types: readonly TfType[] = table.map(([name, number, dtype, storage, complex]) => ({
  name,
  number,
  dtype,
  storage,
  complex: complex !== undefined,
}));
const byNumber = new Map(types.map((t) => [t.number, t]));
const byName = new Map(types.map((t) => [t.name, t]));

/** From here on numbers mean a reference to a tensor of the type 100 lower (TensorFlow 1's Variables). */
const REFERENCE = 100;

/**
 * The element type of a number, of a number written as text, or of a name as 'DT_FLOAT'. Throws FormatError for one
 * that there is not.
 */
export function tfType(x: unknown, op: string): TfType {
  const n = typeof x === 'string' && /^\d+$/.test(x) ? Number(x) : x;
  const found =
    typeof n === 'number'
      ? byNumber.get(n > REFERENCE ? n - REFERENCE : n)
      : typeof n === 'string'
        ? byName.get(n.replace(/_REF$/, ''))
        : undefined;
  if (found) return found;
  throw new FormatError(`there is no TensorFlow element type ${String(x).slice(0, 40)}`, {
    op,
    fix: 'check that the file is whole; types of 4 bits and of float8 are not supported',
  });
}

/** What a type is here. Throws DTypeError for strings, resources and variants. */
export function dtypeOf(t: TfType, op: string): DType {
  if (t.dtype) return t.dtype;
  throw new DTypeError(`tensors of ${t.name} are not supported`, {
    op,
    fix: 'only numbers and booleans are computed with; do what needs other types before or after the model',
  });
}

const INT32 = { low: -(2 ** 31), high: 2 ** 31 - 1 };
const INT64 = { low: -(2n ** 63n), high: 2n ** 63n - 1n };

/**
 * A whole number that int32 has to hold. The ends of int64, which stand for "no limit", become those of int32.
 * Throws DTypeError for any other number outside.
 */
export function toInt32(x: number | bigint, what: string, op: string): number {
  if (x === INT64.high) return INT32.high;
  if (x === INT64.low) return INT32.low;
  if (x >= INT32.low && x <= INT32.high) return Number(x);
  throw new DTypeError(`${what} is ${x}, which int32 cannot hold`, {
    op,
    fix: 'whole numbers are computed in int32 here: keep them below 2^31',
  });
}

const littleEndianHost = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
/** Arrays whose elements lie in memory as in the file. */
const direct = new Set<Storage>([f32, f64, i32]);

/**
 * Little-endian elements as numbers; complex ones as real and imaginary parts in turn.
 * @param what names the tensor in errors
 * Throws DTypeError for integers that int32 cannot hold and for types that no tensor holds, FormatError where the bytes
 * are no whole elements.
 */
export function readElements(t: TfType, bytes: Uint8Array, what: string, op: string): TypedArray {
  const dtype = dtypeOf(t, op);
  const { bytes: size, read } = t.storage as Storage;
  if (bytes.length % (t.complex ? 2 * size : size))
    throw new FormatError(`${what} has ${bytes.length} bytes, which are no whole elements of ${t.name}`, {
      op,
      fix: 'the file is damaged: get it again',
    });
  const n = bytes.length / size;
  const out = arrayFor(dtype, n, op);
  if (littleEndianHost && direct.has(t.storage as Storage)) {
    new Uint8Array(out.buffer).set(bytes);
    return out;
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let i = 0; i < n; i++) {
    const x = read(view, i * size);
    out[i] = dtype === 'i32' ? toInt32(x, `an element of ${what}`, op) : dtype === 'bool' ? Number(x !== 0) : Number(x);
  }
  return out;
}

/** Bytes of one element in files; undefined for what has no fixed size. */
export const elementBytes = (t: TfType): number | undefined => t.storage && t.storage.bytes * (t.complex ? 2 : 1);
