// GPU memory: pages, each one buffer, in which everything that programs touch has its block. A dispatch binds the
// pages that its blocks lie in, usually one, so that no kernel has too many buffers for the device.

import { MemoryError } from '../../ir/plan.ts';
import { FreeList } from '../free-list.ts';

/** Blocks start at multiples of this: what bindings and copies want. */
const ALIGN = 256;
const FIRST_PAGE = 2 ** 24;
const LARGE_PAGE = 2 ** 28;

/** A block of GPU memory. */
export interface Block {
  readonly page: Page;
  /** Bytes from the start of the page. */
  readonly offset: number;
  readonly bytes: number;
}

/** Memory in blocks of `segment` bytes, the last one maybe shorter. */
export interface Spread {
  readonly blocks: readonly Block[];
  readonly segment: number;
}

export class Page {
  readonly id: number;
  readonly buffer: GPUBuffer;
  readonly bytes: number;
  readonly free: FreeList;

  constructor(id: number, buffer: GPUBuffer) {
    this.id = id;
    this.buffer = buffer;
    this.bytes = buffer.size;
    this.free = new FreeList(buffer.size);
  }

  /** Bytes of its blocks. */
  get used(): number {
    return this.bytes - this.free.size;
  }
}

export class GpuHeap {
  readonly #device: GPUDevice;
  readonly #report: (e: MemoryError) => void;
  readonly #most: number;
  readonly pages: Page[] = [];
  #nextId = 0;

  /** @param report hears that there is no memory left, which a GPU tells later only */
  constructor(device: GPUDevice, report: (e: MemoryError) => void) {
    this.#device = device;
    this.#report = report;
    const { maxBufferSize, maxStorageBufferBindingSize } = device.limits;
    this.#most = Math.floor(Math.min(maxBufferSize, maxStorageBufferBindingSize) / ALIGN) * ALIGN;
  }

  /** The largest block that there can be. */
  get largest(): number {
    return this.#most;
  }
  /** Bytes of all pages. */
  get bytes(): number {
    return this.pages.reduce((n, p) => n + p.bytes, 0);
  }
  /** Bytes of all blocks. */
  get used(): number {
    return this.pages.reduce((n, p) => n + p.used, 0);
  }

  /** A block of fresh memory, whose contents are whatever was there. Throws MemoryError where there can be none of that size. */
  alloc(bytes: number, what = 'a tensor'): Block {
    const size = Math.max(ALIGN, Math.ceil(bytes / ALIGN) * ALIGN);
    if (size > this.#most)
      throw new MemoryError(`${what} needs ${bytes} bytes, and a buffer of this GPU has at most ${this.#most}`, {
        fix: 'use smaller batches, or split the tensor; or target wasm, which addresses 4 GiB',
      });
    for (const page of this.pages) {
      const offset = page.free.take(size);
      if (offset !== null) return { page, offset, bytes: size };
    }
    const page = this.#grow(size);
    return { page, offset: page.free.take(size) as number, bytes: size };
  }

  /** Gives a block back. Of empty pages the first and one more are kept: large temporaries come and go. */
  release(b: Block): void {
    b.page.free.give(b.offset, b.bytes);
    if (b.page.used > 0 || b.page === this.pages[0]) return;
    const spare = this.pages.find((p, i) => i > 0 && p !== b.page && p.used === 0);
    if (!spare) return;
    this.pages.splice(this.pages.indexOf(spare), 1);
    spare.buffer.destroy();
  }

  /** A new page: twice as large as the last one, as long as that is not a large part of all. */
  #grow(size: number): Page {
    const last = this.pages.at(-1);
    const wanted = last ? Math.min(2 * last.bytes, Math.max(LARGE_PAGE, this.bytes / 4)) : FIRST_PAGE;
    const bytes = Math.min(this.#most, Math.max(Math.ceil(wanted / ALIGN) * ALIGN, size));
    this.#device.pushErrorScope('out-of-memory');
    const buffer = this.#device.createBuffer({
      label: `sinter page ${this.#nextId}`,
      size: bytes,
      usage: GPU_STORAGE | GPU_COPY_SRC | GPU_COPY_DST,
    });
    this.#device
      .popErrorScope()
      .then((e) => {
        if (e) this.#report(noMemory(bytes, this.bytes - bytes));
      })
      // A device that is lost has no errors to tell of.
      .catch(() => undefined);
    const page = new Page(this.#nextId++, buffer);
    this.pages.push(page);
    return page;
  }
}

const noMemory = (bytes: number, held: number): MemoryError =>
  new MemoryError(`the GPU gave no ${bytes} bytes of memory beside the ${held} that are in use or kept for use`, {
    fix: 'use smaller batches, dispose() of large tensors that are not needed any more, or target wasm',
  });

// The numbers of GPUBufferUsage and GPUMapMode: Node has no global objects of these names.
export const GPU_MAP_READ = 0x1;
export const GPU_COPY_SRC = 0x4;
export const GPU_COPY_DST = 0x8;
export const GPU_UNIFORM = 0x40;
export const GPU_STORAGE = 0x80;
export const GPU_QUERY_RESOLVE = 0x200;
