// Constant tensor data. A splat is one number whatever the shape; everything else is row-major data.

import { MemoryError } from './errors.ts';
import { halfBits, roundHalf } from './half.ts';
import type { DType } from './types.ts';
import { sizeOf, type TensorType } from './types.ts';

export type TypedArray = Float32Array | Float64Array | Int32Array | Uint32Array | Uint8Array | Int8Array;

/** The most bytes of one tensor: twice what WebAssembly addresses, as the reference computes in float64. */
export const LARGEST_BYTES = 2 ** 33;

/** A zeroed array of the class that holds a dtype on the JavaScript side; MemoryError where it cannot be had. */
export function arrayFor(dtype: DType, n: number, op?: string): TypedArray {
  const bytes = n * (dtype === 'f64' ? 8 : dtype === 'bool' || dtype === 'i8' || dtype === 'u8' ? 1 : 4);
  if (!(bytes <= LARGEST_BYTES)) throw tooLarge(op, dtype, n, `a tensor may take ${LARGEST_BYTES / 2 ** 30} GiB`);
  try {
    switch (dtype) {
      case 'f32':
      case 'f16':
        return new Float32Array(n);
      case 'f64':
        return new Float64Array(n);
      case 'i32':
        return new Int32Array(n);
      case 'u32':
        return new Uint32Array(n);
      case 'i8':
        return new Int8Array(n);
      case 'u8':
      case 'bool':
        return new Uint8Array(n);
    }
  } catch (e) {
    if (!(e instanceof RangeError)) throw e;
    throw tooLarge(op, dtype, n, e.message);
  }
}
const tooLarge = (op: string | undefined, dtype: DType, n: number, why: string): MemoryError =>
  new MemoryError(`${n} elements of ${dtype} do not fit into memory (${why})`, {
    op,
    fix: 'use a smaller shape, or broadcast inside a compiled function instead of storing the whole tensor',
  });

/** The bytes of an array, in place. */
export const bytesOf = (a: ArrayBufferView): Uint8Array => new Uint8Array(a.buffer, a.byteOffset, a.byteLength);

/** Elements as device memory holds them: booleans in 32 bits, float16 as bits. */
export function inMemory(dtype: DType, a: TypedArray): TypedArray | Uint16Array {
  if (dtype === 'bool') return Int32Array.from(a);
  return dtype === 'f16' ? Uint16Array.from(a, halfBits) : a;
}

/** Rounds a number to what the dtype can hold (floats round, integers wrap, bool is truth). */
export function roundTo(dtype: DType, x: number): number {
  switch (dtype) {
    case 'f32':
      return Math.fround(x);
    case 'f64':
      return x;
    case 'i32':
      return x | 0;
    case 'u32':
      return x >>> 0;
    case 'bool':
      return x ? 1 : 0;
    case 'i8':
      return (x << 24) >> 24;
    case 'u8':
      return x & 255;
    case 'f16':
      return roundHalf(x);
  }
}

/** Immutable constant data; the type stands with the constant node. */
export class Literal {
  /** The one value of a splat, else undefined. */
  readonly splat: number | undefined;
  readonly data: TypedArray | undefined;
  #hash: string | undefined;

  private constructor(splat: number | undefined, data: TypedArray | undefined) {
    this.splat = splat;
    this.data = data;
  }

  static splat(x: number): Literal {
    return new Literal(x, undefined);
  }

  /** Takes the array over: the caller must not change it afterwards. Equal elements become a splat. */
  static of(data: TypedArray): Literal {
    if (data.length > 0 && data.every((x) => Object.is(x, data[0]))) return new Literal(data[0], undefined);
    return new Literal(undefined, data);
  }

  /** 64 bits over the bytes, in hex: names large constants in printed graphs, and tells constants apart. */
  get hash(): string {
    this.#hash ??= this.data
      ? hashBytes(this.data)
      : `splat:${this.splat === 0 && 1 / this.splat < 0 ? '-0' : this.splat}`;
    return this.#hash;
  }

  /** The elements, expanded to the type's size. */
  expand(type: TensorType): TypedArray {
    if (this.data) return this.data;
    const a = arrayFor(type.dtype, sizeOf(type.shape));
    return a.fill(this.splat as number);
  }
}

/** 64 bits in hex: two lanes that each multiply and shift a word of 32 bits at a time, as MurmurHash does. */
function hashBytes(a: TypedArray): string {
  const words = wordsOf(a);
  let h1 = 0x811c9dc5 ^ a.byteLength;
  let h2 = 0x9747b28c;
  for (let i = 0; i < words.length; i++) {
    const w = words[i];
    h1 = Math.imul(h1 ^ w, 0x9e3779b1);
    h1 ^= h1 >>> 15;
    h2 = Math.imul(h2 ^ w, 0x85ebca6b);
    h2 ^= h2 >>> 13;
  }
  const hex = (h: number) => (h >>> 0).toString(16).padStart(8, '0');
  return hex(h1) + hex(h2);
}

/** The bytes as whole words, in place where they are aligned and fill the last one; else a copy with zeros behind. */
function wordsOf(a: TypedArray): Uint32Array {
  if (a.byteOffset % 4 === 0 && a.byteLength % 4 === 0)
    return new Uint32Array(a.buffer, a.byteOffset, a.byteLength / 4);
  const words = new Uint32Array(Math.ceil(a.byteLength / 4));
  new Uint8Array(words.buffer).set(new Uint8Array(a.buffer, a.byteOffset, a.byteLength));
  return words;
}
