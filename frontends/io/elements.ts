// Elements as files store them, and as tensors have them.

import { DTypeError, valueText } from '../../ir/errors.ts';
import { fromHalfBits, halfBits } from '../../ir/half.ts';
import { arrayFor, type TypedArray } from '../../ir/literal.ts';
import { tensorType } from '../../ir/types.ts';
import { ComplexTensor } from '../trace/complex-tensor.ts';
import { type DataType, irDType } from '../trace/dtypes.ts';
import { eagerTensor, Tensor } from '../trace/tensor.ts';
import { damaged, type Place, sizeOfShape } from './format.ts';

/** How files store an element; the numbers are bits, `bf` is bfloat16, `c` complex. */
export type Stored =
  | 'f16' | 'bf16' | 'f32' | 'f64'
  | 'i8' | 'i16' | 'i32' | 'i64'
  | 'u8' | 'u16' | 'u32' | 'u64'
  | 'bool' | 'c64' | 'c128'; // biome-ignore format: a table

interface Kind {
  /** Bytes of an element. */
  readonly bytes: number;
  /** The dtype of tensors that hold it: of a complex one, that of its parts. */
  readonly dtype: DataType;
  readonly complex?: true;
  /** One element, where its bytes are not those of the tensor's array. */
  readonly get?: (view: DataView, at: number) => number | bigint;
  readonly put?: (view: DataView, at: number, x: number) => void;
}

const bfloat = new DataView(new ArrayBuffer(4));
const fromBfloat = (bits: number): number => {
  bfloat.setUint16(2, bits, true);
  bfloat.setUint16(0, 0, true);
  return bfloat.getFloat32(0, true);
};

const kinds: Readonly<Record<Stored, Kind>> = {
  f16: {
    bytes: 2,
    dtype: 'float16',
    get: (v, at) => fromHalfBits(v.getUint16(at, true)),
    put: (v, at, x) => v.setUint16(at, halfBits(x), true),
  },
  bf16: { bytes: 2, dtype: 'float32', get: (v, at) => fromBfloat(v.getUint16(at, true)) },
  f32: { bytes: 4, dtype: 'float32' },
  f64: { bytes: 8, dtype: 'float64' },
  i8: { bytes: 1, dtype: 'int8' },
  i16: { bytes: 2, dtype: 'int32', get: (v, at) => v.getInt16(at, true) },
  i32: { bytes: 4, dtype: 'int32' },
  i64: { bytes: 8, dtype: 'int32', get: (v, at) => v.getBigInt64(at, true) },
  u8: { bytes: 1, dtype: 'uint8' },
  u16: { bytes: 2, dtype: 'int32', get: (v, at) => v.getUint16(at, true) },
  u32: { bytes: 4, dtype: 'uint32' },
  u64: { bytes: 8, dtype: 'int32', get: (v, at) => v.getBigUint64(at, true) },
  bool: { bytes: 1, dtype: 'bool', get: (v, at) => (v.getUint8(at) ? 1 : 0) },
  c64: { bytes: 8, dtype: 'float32', complex: true },
  c128: { bytes: 16, dtype: 'float64', complex: true },
};

/** Bytes of an element. */
export const bytesOfStored = (stored: Stored): number => kinds[stored].bytes;
/** How elements of a dtype are stored without loss. */
const ofDType: Readonly<Record<string, Stored>> = {
  float32: 'f32',
  float64: 'f64',
  float16: 'f16',
  int32: 'i32',
  uint32: 'u32',
  int8: 'i8',
  uint8: 'u8',
  bool: 'bool',
  complex64: 'c64',
  complex128: 'c128',
};

/** Tensors as files have them. */
export type AnyTensor = Tensor | ComplexTensor;

/** How the elements of a tensor are stored without loss. */
export const storedFor = (t: AnyTensor): Stored => ofDType[t.dtype];

/** Throws DTypeError for what is no tensor. */
export function checkTensor(x: unknown, what: string, op: string): AnyTensor {
  if (x instanceof Tensor || x instanceof ComplexTensor) return x;
  throw new DTypeError(`${what} is ${valueText(x)}`, { op, fix: 'give tensors: tf.tensor(x)' });
}

/** Elements that another byte order, other bits or another range keep from being copied as they are. */
function convert(kind: Kind, bytes: Uint8Array, out: TypedArray, what: string, place: Place): void {
  const get = kind.get as NonNullable<Kind['get']>;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let i = 0, at = 0; i < out.length; i++, at += kind.bytes) {
    const x = get(view, at);
    if (typeof x === 'bigint' && BigInt.asIntN(32, x) !== x)
      damaged(
        place,
        `${what} is of 64-bit integers, and element ${i} is ${x}, which int32 does not hold`,
        'there are no 64-bit integers here: save the tensor as int32 or float64',
      );
    out[i] = Number(x);
  }
}

/** The bytes of every element turned around: another order of bytes. */
function swapped(bytes: Uint8Array, width: number): Uint8Array {
  const out = bytes.slice();
  for (let at = 0; at < out.length; at += width) out.subarray(at, at + width).reverse();
  return out;
}

/**
 * A tensor of stored elements. Integers of 16 and 64 bits become int32 (range-checked), bfloat16 becomes float32.
 * Throws FormatError where the bytes are not as many as the shape has elements, and where int32 does not hold one.
 * @param what the tensor, for errors
 */
export function readTensor(
  stored: Stored,
  bytes: Uint8Array,
  shape: readonly number[],
  what: string,
  place: Place,
  bigEndian = false,
): AnyTensor {
  const kind = kinds[stored];
  const size = sizeOfShape(shape, what, place);
  if (bytes.length !== size * kind.bytes)
    damaged(place, `${what} of shape [${shape}] takes ${size * kind.bytes} bytes, there are ${bytes.length}`);
  const dtype = irDType(kind.dtype, place.op);
  const given = bigEndian ? swapped(bytes, kind.complex ? kind.bytes / 2 : kind.bytes) : bytes;
  const elements = arrayFor(dtype, kind.complex ? 2 * size : size, place.op);
  if (kind.get) convert(kind, given, elements, what, place);
  else new Uint8Array(elements.buffer).set(given);
  const type = tensorType(dtype, shape);
  if (!kind.complex) return eagerTensor(type, elements);
  const part = (k: number) =>
    eagerTensor(
      type,
      arrayFor(dtype, size).map((_, i) => elements[2 * i + k]),
    );
  return new ComplexTensor(part(0), part(1));
}

/** The bytes of a tensor's elements, little-endian, row-major. Rejects with TraceError on a traced tensor. */
export async function writeTensor(t: AnyTensor): Promise<Uint8Array> {
  const elements = await t.data();
  const kind = kinds[storedFor(t)];
  const own = new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength);
  if (!kind.put) return own;
  const out = new DataView(new ArrayBuffer(elements.length * kind.bytes));
  for (let i = 0; i < elements.length; i++) kind.put(out, i * kind.bytes, elements[i]);
  return new Uint8Array(out.buffer);
}
