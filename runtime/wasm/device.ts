// The WASM device of this JavaScript realm: memory, threads, and the Variables that live there.

import type { StateCell } from '../state.ts';
import { BufferPool } from './buffer.ts';
import { DeviceMemory } from './memory.ts';
import type { ProgramHost } from './program.ts';
import { type Home, WasmResidence } from './residence.ts';
import { ThreadPool } from './threads.ts';

export class WasmDevice implements ProgramHost, Home {
  readonly memory: DeviceMemory;
  /** Tensors that stay here. */
  readonly buffers: BufferPool;
  #pool: ThreadPool | undefined;
  #poolPromise: Promise<ThreadPool> | undefined;
  #nextModule = 1;
  /** Blocks of collected Variables and programs go back to the allocator. */
  readonly #blocks = new FinalizationRegistry<readonly number[]>((list) => {
    for (const at of list) this.memory.free(at);
  });
  readonly #modules = new FinalizationRegistry<number>((id) => this.#pool?.unload(id));

  constructor() {
    this.memory = new DeviceMemory(sharedMemoryWorks());
    this.buffers = new BufferPool(this.memory);
  }

  /** Moves a cell into device memory, if it is not there, and gives its address. */
  addressOf(cell: StateCell): number {
    const here = cell.residence;
    if (here instanceof WasmResidence && here.device === this) return here.address;
    const r = new WasmResidence(this, cell.type);
    cell.moveTo(r);
    this.own(cell, [r.address]);
    return r.address;
  }

  /** Takes back what `own` said of `owner`. */
  disown(owner: object): void {
    this.#blocks.unregister(owner);
  }
  /** Frees blocks when `owner` is collected. */
  own(owner: object, blocks: readonly number[]): void {
    this.#blocks.register(owner, blocks, owner);
  }

  /** Frees an owner's blocks, and forgets its module, at once. */
  release(owner: object, blocks: readonly number[], module: number): void {
    this.#blocks.unregister(owner);
    for (const at of blocks) this.memory.free(at);
    this.#modules.unregister(owner);
    if (module) this.#pool?.unload(module);
  }

  /** Starts the worker threads; rejects with DeviceError where the environment has none. */
  async preparePool(threads: number): Promise<void> {
    this.#poolPromise ??= ThreadPool.create(this.memory);
    this.#pool = await this.#poolPromise;
    await this.#pool.ensure(threads);
  }
  get pool(): ThreadPool | undefined {
    return this.#pool;
  }
  /** A number under which the workers know a module; forgotten when `owner` is collected. */
  register(owner: object, bytes: Uint8Array): number {
    const id = this.#nextModule++;
    this.#pool?.load(id, bytes);
    this.#modules.register(owner, id, owner);
    return id;
  }
}

function sharedMemoryWorks(): boolean {
  if (typeof SharedArrayBuffer === 'undefined') return false;
  const isolated = (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated;
  return isolated !== false;
}

let device: WasmDevice | undefined;
/** The realm's device, made on first use. */
export function wasmDevice(): WasmDevice {
  device ??= new WasmDevice();
  return device;
}
