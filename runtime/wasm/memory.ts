// Device memory: one WebAssembly memory for all programs. Variables, constants and binding tables are
// blocks of it; one arena, sized by the largest program, serves every call. The first page holds the
// words that threads meet at.

import { arrayFor, type DType, fromHalfBits, halfBits, MemoryError, type TypedArray } from '../../ir/plan.ts';
import { FreeList } from '../free-list.ts';

const PAGE = 65536;
const MAX_PAGES = 65536;
const ALIGN = 64;
/** SIMD loads of a partial step may read this far past a buffer. */
const SLACK = 64;

interface Views {
  readonly f32: Float32Array;
  readonly f64: Float64Array;
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
  readonly u8: Uint8Array;
  readonly i8: Int8Array;
  readonly u16: Uint16Array;
}

export class DeviceMemory {
  readonly memory: WebAssembly.Memory;
  readonly shared: boolean;
  /** Blocks that were given back. */
  readonly #free = new FreeList(0);
  #sizes = new Map<number, number>();
  #end = PAGE;
  #limit = PAGE;
  #views: Views | undefined;
  #arena = 0;
  #arenaSize = 0;
  /** Counts moves of the arena: binding tables made before are stale. */
  arenaVersion = 0;

  constructor(shared: boolean) {
    this.shared = shared;
    this.memory = new WebAssembly.Memory({ initial: 1, maximum: MAX_PAGES, shared });
    this.#limit = this.memory.buffer.byteLength;
  }

  /** Typed views of the whole memory as it is now; growing makes older ones short or dead. */
  get views(): Views {
    if (!this.#views) {
      const b = this.memory.buffer;
      this.#views = {
        f32: new Float32Array(b),
        f64: new Float64Array(b),
        i32: new Int32Array(b),
        u32: new Uint32Array(b),
        u8: new Uint8Array(b),
        i8: new Int8Array(b),
        u16: new Uint16Array(b),
      };
    }
    return this.#views;
  }

  /** Address of `bytes` fresh bytes, 64-byte aligned. */
  alloc(bytes: number): number {
    const size = Math.max(ALIGN, Math.ceil(bytes / ALIGN) * ALIGN);
    let at = this.#free.take(size);
    if (at === null) {
      at = this.#end;
      this.#grow(at + size + SLACK, bytes);
      this.#end = at + size;
    }
    this.#sizes.set(at, size);
    return at;
  }

  free(at: number): void {
    const size = this.#sizes.get(at);
    if (size === undefined) return;
    this.#sizes.delete(at);
    this.#free.give(at, size);
  }

  #grow(end: number, asked: number): void {
    if (end <= this.#limit) return;
    const pages = Math.ceil((end - this.#limit) / PAGE);
    const fail = (why: string) =>
      new MemoryError(
        `cannot place ${asked} bytes in device memory: ${this.#limit} bytes are in use or reserved, ${why}`,
        {
          fix: 'use smaller batches or fewer live programs; WebAssembly addresses at most 4 GiB',
        },
      );
    if (end > MAX_PAGES * PAGE) throw fail(`and ${end} would be needed of at most ${MAX_PAGES * PAGE}`);
    try {
      this.memory.grow(pages);
    } catch {
      throw fail('and the engine gives no more');
    }
    this.#limit = this.memory.buffer.byteLength;
    this.#views = undefined;
  }

  /** Address of the arena, at least `bytes` large. Its contents do not survive between calls. */
  arena(bytes: number): number {
    if (bytes > this.#arenaSize) {
      if (this.#arenaSize > 0) this.free(this.#arena);
      this.#arenaSize = 0;
      this.#arena = this.alloc(bytes);
      this.#arenaSize = bytes;
      this.arenaVersion++;
    }
    return this.#arena;
  }

  /** Copies elements in; booleans widen to 32 bits, float16 becomes 16. */
  write(at: number, dtype: DType, data: TypedArray): void {
    if (dtype === 'f16') {
      const { u16 } = this.views;
      for (let i = 0; i < data.length; i++) u16[at / 2 + i] = halfBits(data[i]);
    } else {
      const view = this.#viewOf(dtype);
      view.set(data, at / view.BYTES_PER_ELEMENT);
    }
  }

  /** Copies elements out into an array of the caller. */
  readInto(at: number, dtype: DType, to: TypedArray): void {
    this.copyOut(at, dtype, to);
  }

  /**
   * As `readInto`, through a view of these elements: that of the last time where it still fits, so that nothing is
   * allocated. Gives the view for the next time.
   */
  copyOut(at: number, dtype: DType, to: TypedArray, last?: TypedArray): TypedArray | undefined {
    if (dtype === 'f16') {
      const { u16 } = this.views;
      for (let i = 0; i < to.length; i++) to[i] = fromHalfBits(u16[at / 2 + i]);
      return undefined;
    }
    const view = this.#viewOf(dtype);
    const fits = last && last.buffer === view.buffer && last.byteOffset === at && last.length === to.length;
    const part = fits ? last : view.subarray(at / view.BYTES_PER_ELEMENT, at / view.BYTES_PER_ELEMENT + to.length);
    to.set(part);
    return part;
  }

  /** Copies elements out into a fresh array of the dtype's class. */
  read(at: number, dtype: DType, n: number): TypedArray {
    if (dtype === 'bool' || dtype === 'f16') {
      const out = arrayFor(dtype, n);
      this.readInto(at, dtype, out);
      return out;
    }
    const view = this.#viewOf(dtype);
    const first = at / view.BYTES_PER_ELEMENT;
    return view.slice(first, first + n);
  }

  /** The view that elements of a dtype are copied through, where one is enough. */
  #viewOf(dtype: Exclude<DType, 'f16'>): TypedArray {
    return this.views[dtype === 'bool' ? 'i32' : dtype];
  }
}
