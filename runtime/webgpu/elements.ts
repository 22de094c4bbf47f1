// Elements as GPU memory holds them: booleans in 32 bits, float16 as its bits, all in whole words.

import { arrayFor, byteSize, type DType, fromHalfBits, halfBits, type TypedArray } from '../../ir/plan.ts';

/** Bytes that elements take in memory, in whole words. */
export const memoryBytes = (dtype: DType, n: number): number => Math.ceil((n * byteSize(dtype)) / 4) * 4;

/** The bytes of elements. */
export function toMemory(dtype: DType, data: TypedArray): Uint8Array<ArrayBuffer> {
  const plain = dtype !== 'bool' && dtype !== 'f16';
  if (
    plain &&
    data.byteLength % 4 === 0 &&
    data.buffer instanceof ArrayBuffer &&
    data.constructor === arrayFor(dtype, 0).constructor
  )
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const out = new Uint8Array(memoryBytes(dtype, data.length));
  if (dtype === 'f16') {
    const half = new Uint16Array(out.buffer, 0, data.length);
    for (let i = 0; i < data.length; i++) half[i] = halfBits(data[i]);
  } else {
    const as = dtype === 'bool' ? new Int32Array(out.buffer) : arrayFor(dtype, 0);
    const view =
      dtype === 'bool'
        ? as
        : new (as.constructor as new (b: ArrayBuffer, o: number, n: number) => TypedArray)(out.buffer, 0, data.length);
    view.set(data);
  }
  return out;
}

/** The elements of bytes, in a fresh array of the dtype's class. */
export function fromMemory(dtype: DType, bytes: ArrayBuffer, n: number): TypedArray {
  const out = arrayFor(dtype, n);
  if (dtype === 'f16') {
    const half = new Uint16Array(bytes, 0, n);
    for (let i = 0; i < n; i++) out[i] = fromHalfBits(half[i]);
  } else if (dtype === 'bool') out.set(new Int32Array(bytes, 0, n));
  else out.set(new (out.constructor as new (b: ArrayBuffer, o: number, n: number) => TypedArray)(bytes, 0, n));
  return out;
}
