// Tensors in the memory of the WASM device.

import { ArgumentError, byteSize, type DType, type TypedArray } from '../../ir/plan.ts';
import type { DeviceBuffer } from '../buffer.ts';
import type { DeviceMemory } from './memory.ts';

/**
 * Bytes that tensors may hold before results go back to JavaScript: the collector, which frees what
 * nobody refers to, runs when JavaScript's own heap grows, and knows nothing of this memory.
 */
const MOST_BYTES = 2 ** 28;
/** Below this, copying costs less than an allocation. */
const LEAST_BYTES = 2 ** 15;

/** The blocks of memory that buffers of one device hold. */
export class BufferPool {
  readonly memory: DeviceMemory;
  #held = 0;
  readonly #collected = new FinalizationRegistry<{ at: number; bytes: number }>(({ at, bytes }) =>
    this.#free(at, bytes),
  );

  constructor(memory: DeviceMemory) {
    this.memory = memory;
  }

  #free(at: number, bytes: number): void {
    this.#held -= bytes;
    this.memory.free(at);
  }

  /** Whether one more buffer of that size should be made. */
  takes(bytes: number): boolean {
    return bytes >= LEAST_BYTES && this.#held + bytes <= MOST_BYTES;
  }

  /** Memory for elements; the contents are whatever was there. */
  make(dtype: DType, size: number): WasmBuffer {
    const bytes = size * byteSize(dtype);
    const at = this.memory.alloc(bytes);
    this.#held += bytes;
    const b = new WasmBuffer(this, at, dtype, size);
    this.#collected.register(b, { at, bytes }, b);
    return b;
  }

  /** A buffer with these elements; null where it should not be made. */
  upload(dtype: DType, data: TypedArray): WasmBuffer | null {
    if (!this.takes(data.length * byteSize(dtype))) return null;
    const b = this.make(dtype, data.length);
    this.memory.write(b.address, dtype, data);
    return b;
  }

  /** Gives the memory of a buffer back. */
  drop(b: WasmBuffer): void {
    this.#collected.unregister(b);
    this.#free(b.address, b.size * byteSize(b.dtype));
  }
}

export class WasmBuffer implements DeviceBuffer {
  readonly target = 'wasm';
  readonly pool: BufferPool;
  readonly address: number;
  readonly dtype: DType;
  readonly size: number;
  #holders = 1;

  constructor(pool: BufferPool, address: number, dtype: DType, size: number) {
    this.pool = pool;
    this.address = address;
    this.dtype = dtype;
    this.size = size;
  }

  get freed(): boolean {
    return this.#holders === 0;
  }
  read(): TypedArray {
    if (this.freed)
      throw new ArgumentError('this tensor was disposed of', {
        fix: 'read it before tensor.dispose(), or do not dispose: tensors are garbage-collected',
      });
    return this.pool.memory.read(this.address, this.dtype, this.size);
  }
  retain(): void {
    this.#holders++;
  }
  release(): void {
    if (this.#holders === 0) return;
    if (--this.#holders === 0) this.pool.drop(this);
  }
}
