// A GPU: its memory, its pipelines, the order of its work, and the Variables that live there.

import { DeviceError, type DType, ExecutionError, SinterError, type TypedArray } from '../../ir/plan.ts';
import type { StateCell } from '../state.ts';
import { findAdapter, type GpuInfo, infoOf, useful, wanted } from './adapter.ts';
import { GpuBuffer } from './buffer.ts';
import { fromMemory, memoryBytes, toMemory } from './elements.ts';
import { type Block, GPU_COPY_DST, GPU_COPY_SRC, GPU_MAP_READ, GpuHeap, type Spread } from './heap.ts';
import { Pipelines } from './pipelines.ts';
import { GpuResidence } from './residence.ts';
import { Stream } from './stream.ts';

/** Bytes that go at once from one place of a buffer to another. */
const MOST_BETWEEN = 2 ** 24;
let nextId = 0;

export class GpuDevice {
  /** Another one for every device of the realm. */
  readonly id = nextId++;
  readonly gpu: GPUDevice;
  /** Features of the WGSL language. */
  readonly language: ReadonlySet<string>;
  readonly info: GpuInfo;
  readonly heap: GpuHeap;
  readonly pipelines: Pipelines;
  readonly stream = new Stream();
  #failure: SinterError | undefined;
  #lost: string | undefined;
  #arena: Spread | undefined;
  /** What copies within a buffer go through: WebGPU has none. */
  #between: GPUBuffer | undefined;
  /** Variables that live here. */
  readonly #cells = new Set<WeakRef<StateCell>>();
  readonly #staging: GPUBuffer[] = [];
  /** Blocks of collected tensors, Variables and programs. */
  readonly #blocks = new FinalizationRegistry<readonly Block[]>((list) => this.free(list));

  private constructor(gpu: GPUDevice, info: GpuInfo, language: ReadonlySet<string>) {
    this.language = language;
    this.gpu = gpu;
    this.info = info;
    this.heap = new GpuHeap(gpu, (e) => this.fail(e));
    this.pipelines = new Pipelines(gpu, (e) => this.fail(e));
    gpu.addEventListener('uncapturederror', (event) => {
      event.preventDefault();
      void this.#uncaptured((event as GPUUncapturedErrorEvent).error.message);
    });
    void gpu.lost.then(({ reason, message }) => {
      this.#lost = message || reason || 'no reason was given';
    });
  }

  /**
   * Opens the machine's adapter. Rejects with DeviceError where there is none.
   * @param limits less than what the adapter has, by name; of others as much as there is
   */
  static async open(op: string, limits: Readonly<Record<string, number>> = {}): Promise<GpuDevice> {
    const { adapter, language } = await findAdapter(op);
    const requiredLimits = Object.fromEntries(wanted.map((n) => [n, limits[n] ?? (adapter.limits[n] as number)]));
    const requiredFeatures = useful.filter((f) => adapter.features.has(f));
    try {
      return new GpuDevice(
        await adapter.requestDevice({ requiredLimits, requiredFeatures }),
        infoOf(adapter),
        language,
      );
    } catch (e) {
      throw new DeviceError(`the GPU adapter gives no device: ${(e as Error).message}`, { op, fix: 'target wasm' });
    }
  }

  has(feature: string): boolean {
    return this.gpu.features.has(feature as GPUFeatureName);
  }
  /** What schedules and code depend on. */
  get target() {
    const { maxComputeInvocationsPerWorkgroup, maxComputeWorkgroupStorageSize } = this.gpu.limits;
    return {
      invocations: maxComputeInvocationsPerWorkgroup,
      sharedBytes: maxComputeWorkgroupStorageSize,
      segment: this.heap.largest,
      subgroups: this.has('subgroups') && this.language.has('subgroup_id'),
      half: this.has('shader-f16'),
    };
  }
  get lost(): boolean {
    return this.#lost !== undefined;
  }

  /** An error that nobody waits for. What follows from a faulty shader says nothing: that shader is told of itself. */
  async #uncaptured(message: string): Promise<void> {
    const { faults } = this.pipelines;
    await this.pipelines.checked();
    const follows = this.pipelines.faults > faults || (faults > 0 && message.includes('due to a previous error'));
    if (!follows) this.fail(new ExecutionError(`the GPU reported: ${message}`));
  }

  /** Keeps an error for the next call that can throw it. */
  fail(e: unknown): void {
    this.#failure ??= e instanceof SinterError ? e : new ExecutionError(`the GPU failed: ${(e as Error).message}`);
  }
  /** Throws what went wrong since the last call: DeviceError where the device is lost, with all that was in its memory. */
  check(): void {
    if (this.#lost !== undefined)
      throw new DeviceError(
        `the GPU device was lost (${this.#lost}); tensors and Variables in its memory are lost with it`,
        {
          fix: "await tf.setBackend('webgpu') or compile again to open a new one; assign the Variables from a saved copy, and compile models anew",
        },
      );
    const e = this.#failure;
    this.#failure = undefined;
    if (e) throw e;
  }

  // --- memory ----------------------------------------------------------------------------------------------
  /** A tensor; its elements are whatever was there. */
  buffer(dtype: DType, size: number): GpuBuffer {
    const block = this.heap.alloc(memoryBytes(dtype, size));
    const b = new GpuBuffer(this, block, dtype, size);
    this.#blocks.register(b, [block], b);
    return b;
  }
  /** A tensor with these elements. */
  upload(dtype: DType, data: TypedArray): GpuBuffer {
    const b = this.buffer(dtype, data.length);
    this.write(b.block, dtype, data);
    return b;
  }
  drop(b: GpuBuffer): void {
    this.#blocks.unregister(b);
    this.free([b.block]);
  }
  /** Gives blocks back when what was asked for before has read and written them. */
  free(blocks: readonly Block[]): void {
    this.stream.run(() => {
      if (!this.lost) for (const b of blocks) this.heap.release(b);
    });
  }
  /** Frees blocks when `owner` is collected. */
  own(owner: object, blocks: readonly Block[]): void {
    this.#blocks.register(owner, blocks, owner);
  }
  disown(owner: object): void {
    this.#blocks.unregister(owner);
  }

  /** Memory in as few blocks as bindings allow. */
  spread(bytes: number, segment: number, what: string): Spread {
    const blocks: Block[] = [];
    for (let at = 0; at === 0 || at < bytes; at += segment)
      blocks.push(this.heap.alloc(Math.min(segment, bytes - at), what));
    return { blocks, segment };
  }

  /** The memory of temporaries, at least so large; its contents do not survive between calls. */
  arena(bytes: number, segment: number): Spread {
    const has = this.#arena?.segment === segment ? this.#arena.blocks.reduce((n, b) => n + b.bytes, 0) : -1;
    if (!this.#arena || has < bytes) {
      const old = this.#arena;
      this.#arena = this.spread(bytes, segment, "the program's temporaries");
      if (old) this.free(old.blocks);
    }
    return this.#arena;
  }

  /** Moves a cell into GPU memory, if it is not there, and gives its place. */
  placeOf(cell: StateCell): Block {
    return this.#homeOf(cell, false);
  }
  /** Where a cell is, if that is here. */
  blockOf(cell: StateCell): Block | undefined {
    const here = cell.residence;
    return here instanceof GpuResidence && here.device === this ? here.block : undefined;
  }
  #homeOf(cell: StateCell, anew: boolean): Block {
    const here = this.blockOf(cell);
    if (here) return here;
    const r = new GpuResidence(this, cell.type);
    try {
      cell.moveTo(r, anew);
    } catch (e) {
      this.free([r.block]);
      throw e;
    }
    this.own(cell, [r.block]);
    this.#cells.add(refOf(cell));
    return r.block;
  }
  /** A cell has moved away. */
  forget(cell: StateCell, block: Block): void {
    this.disown(cell);
    this.#cells.delete(refOf(cell));
    this.free([block]);
  }
  /** Brings all Variables back to JavaScript. Rejects with DeviceError where the device is lost. */
  async fetchAll(): Promise<void> {
    await Promise.all(
      [...this.#cells].map((ref) => {
        const cell = ref.deref();
        if (!cell) this.#cells.delete(ref);
        return cell?.fetch();
      }),
    );
  }

  // --- transfers -------------------------------------------------------------------------------------------
  /** Stores elements, after all work that was asked for before. */
  write(to: Block, dtype: DType, data: TypedArray): void {
    const bytes = toMemory(dtype, this.stream.busy ? data.slice() : data);
    this.stream.run(() => this.gpu.queue.writeBuffer(to.page.buffer, to.offset, bytes));
  }

  /** Gives a Variable the elements of a tensor. */
  store(from: GpuBuffer, cell: StateCell): void {
    this.check();
    this.copy(from.block, this.#homeOf(cell, true), from.bytes);
  }
  /** Copies bytes from one block to another, after all work that was asked for before. */
  copy(from: Block, to: Block, bytes: number): void {
    this.stream.run(() => {
      const encoder = this.gpu.createCommandEncoder();
      const [a, b] = [from.page.buffer, to.page.buffer];
      if (a !== b) encoder.copyBufferToBuffer(a, from.offset, b, to.offset, bytes);
      else
        for (let at = 0; at < bytes; at += MOST_BETWEEN) {
          const n = Math.min(MOST_BETWEEN, bytes - at);
          const between = this.#room(n);
          encoder.copyBufferToBuffer(a, from.offset + at, between, 0, n);
          encoder.copyBufferToBuffer(between, 0, a, to.offset + at, n);
        }
      this.gpu.queue.submit([encoder.finish()]);
    });
  }
  #room(bytes: number): GPUBuffer {
    if (!this.#between || this.#between.size < bytes) {
      const size = 2 ** Math.ceil(Math.log2(Math.max(2 ** 12, bytes)));
      this.#between = this.gpu.createBuffer({ size, usage: GPU_COPY_SRC | GPU_COPY_DST });
    }
    return this.#between;
  }

  /** Resolves when all work that was asked for is done. Rejects with what went wrong in it. */
  async finished(): Promise<void> {
    await this.stream.done();
    await this.gpu.queue.onSubmittedWorkDone();
    await this.pipelines.checked();
    this.check();
  }

  /** Elements, after all work that was asked for before. `holder` is kept alive until they are here. */
  async read(from: Block, dtype: DType, n: number, holder: object): Promise<TypedArray> {
    if (n === 0) return fromMemory(dtype, new ArrayBuffer(0), 0);
    const bytes = memoryBytes(dtype, n);
    const staging = this.#stagingFor(bytes);
    this.stream.run(() => {
      const encoder = this.gpu.createCommandEncoder();
      encoder.copyBufferToBuffer(from.page.buffer, from.offset, staging, 0, bytes);
      this.gpu.queue.submit([encoder.finish()]);
    });
    await this.stream.done();
    await this.pipelines.checked();
    try {
      await staging.mapAsync(GPU_MAP_READ, 0, bytes);
    } catch (e) {
      this.check();
      throw new ExecutionError(`the GPU's memory cannot be read: ${(e as Error).message}`);
    }
    const out = fromMemory(dtype, staging.getMappedRange(0, bytes), n);
    staging.unmap();
    this.#staging.push(staging);
    this.check();
    void holder;
    return out;
  }

  /** A buffer that JavaScript can read, of those that are not in use, or a new one. */
  #stagingFor(bytes: number): GPUBuffer {
    const i = this.#staging.findIndex((b) => b.size >= bytes && b.size <= 4 * Math.max(bytes, 1024));
    if (i >= 0) return this.#staging.splice(i, 1)[0];
    // Those that nothing fits are not kept for ever.
    for (const b of this.#staging.splice(16)) b.destroy();
    const size = 2 ** Math.ceil(Math.log2(Math.max(1024, bytes)));
    return this.gpu.createBuffer({ size, usage: GPU_MAP_READ | GPU_COPY_DST });
  }
}

const refs = new WeakMap<StateCell, WeakRef<StateCell>>();
function refOf(cell: StateCell): WeakRef<StateCell> {
  let ref = refs.get(cell);
  if (!ref) {
    ref = new WeakRef(cell);
    refs.set(cell, ref);
  }
  return ref;
}

let opened: Promise<GpuDevice> | undefined;
let current: GpuDevice | undefined;

/** The realm's GPU, opened on first use and anew after it was lost. Rejects with DeviceError where there is none. */
export async function openGpu(op: string): Promise<GpuDevice> {
  if (current?.lost) opened = undefined;
  opened ??= GpuDevice.open(op);
  try {
    current = await opened;
  } catch (e) {
    opened = undefined;
    throw e;
  }
  return current.lost ? openGpu(op) : current;
}

/** The realm's GPU, where it is open. */
export const gpuDevice = (): GpuDevice | undefined => (current?.lost ? undefined : current);
