// A GPU: its memory, its pipelines, the order of its work, and the Variables that live there.

import {
  DeviceError,
  type DType,
  ExecutionError,
  SinterError,
  sizeOf,
  type TensorType,
  type TypedArray,
} from '../../ir/plan.ts';
import type { Residence, StateCell } from '../state.ts';
import { GpuBuffer } from './buffer.ts';
import { fromMemory, memoryBytes, toMemory } from './elements.ts';
import { findGpu } from './gpu.ts';
import { type Block, GPU_COPY_DST, GPU_MAP_READ, GpuHeap } from './heap.ts';
import { Pipelines } from './pipelines.ts';
import { Stream } from './stream.ts';

/** What is known of an adapter. */
export interface GpuInfo {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
  /** Features of WebGPU that the adapter has. */
  readonly features: readonly string[];
  readonly limits: Readonly<Record<string, number>>;
}

/** Limits that are asked for as far as the adapter has them. */
const wanted = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
] as const;
const shown = [...wanted, 'maxComputeWorkgroupsPerDimension', 'minUniformBufferOffsetAlignment'] as const;
/** Features that programs use where they are. */
const useful: readonly GPUFeatureName[] = ['timestamp-query', 'shader-f16', 'subgroups' as GPUFeatureName];

function infoOf(adapter: GPUAdapter): GpuInfo {
  const { vendor, architecture, device, description } = adapter.info;
  return {
    vendor,
    architecture,
    device,
    description,
    features: [...adapter.features].sort(),
    limits: Object.fromEntries(shown.map((n) => [n, adapter.limits[n] as number])),
  };
}

async function findAdapter(op: string): Promise<{ adapter: GPUAdapter; language: ReadonlySet<string> }> {
  const gpu = await findGpu(op);
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (adapter) return { adapter, language: gpu.wgslLanguageFeatures as ReadonlySet<string> };
  throw new DeviceError('no GPU adapter was found', {
    op,
    fix: "install the GPU's driver (on Linux its Vulkan driver and libvulkan1: `vulkaninfo --summary` lists what is there); in a page, look at chrome://gpu; or target wasm",
  });
}

/** The adapter that programs would run on. Rejects with DeviceError where there is none. */
export async function gpuInfo(op: string): Promise<GpuInfo> {
  return infoOf((await findAdapter(op)).adapter);
}

/** A Variable's block of GPU memory. */
export class GpuResidence implements Residence {
  readonly device: GpuDevice;
  readonly block: Block;
  readonly #type: TensorType;

  constructor(device: GpuDevice, type: TensorType) {
    this.device = device;
    this.#type = type;
    this.block = device.heap.alloc(memoryBytes(type.dtype, sizeOf(type.shape)), 'a Variable');
  }
  get lost(): boolean {
    return this.device.lost;
  }
  read(): TypedArray {
    this.device.check();
    throw new DeviceError('the Variable is in GPU memory, for which JavaScript can only wait asynchronously', {
      fix: 'await variable.data() (or variable.array())',
    });
  }
  readAsync(): Promise<TypedArray> {
    return this.device.read(this.block, this.#type.dtype, sizeOf(this.#type.shape), this);
  }
  write(data: TypedArray): void {
    this.device.write(this.block, this.#type.dtype, data);
  }
}

export class GpuDevice {
  readonly gpu: GPUDevice;
  /** Features of the WGSL language. */
  readonly language: ReadonlySet<string>;
  readonly info: GpuInfo;
  readonly heap: GpuHeap;
  readonly pipelines: Pipelines;
  readonly stream = new Stream();
  #failure: SinterError | undefined;
  #lost: string | undefined;
  #arena: Block | undefined;
  readonly #staging: GPUBuffer[] = [];
  /** Blocks of collected tensors, Variables and programs. */
  readonly #blocks = new FinalizationRegistry<readonly Block[]>((list) => this.free(list));

  private constructor(gpu: GPUDevice, info: GpuInfo, language: ReadonlySet<string>) {
    this.language = language;
    this.gpu = gpu;
    this.info = info;
    this.heap = new GpuHeap(gpu);
    this.pipelines = new Pipelines(gpu, (e) => this.fail(e));
    gpu.addEventListener('uncapturederror', (event) => {
      this.fail(new ExecutionError(`the GPU reported: ${(event as GPUUncapturedErrorEvent).error.message}`));
    });
    void gpu.lost.then(({ reason, message }) => {
      this.#lost = message || reason || 'no reason was given';
    });
  }

  /** Opens the machine's adapter. Rejects with DeviceError where there is none. */
  static async open(op: string): Promise<GpuDevice> {
    const { adapter, language } = await findAdapter(op);
    const requiredLimits = Object.fromEntries(wanted.map((n) => [n, adapter.limits[n] as number]));
    const requiredFeatures = useful.filter((f) => adapter.features.has(f));
    try {
      return new GpuDevice(await adapter.requestDevice({ requiredLimits, requiredFeatures }), infoOf(adapter), language);
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
      subgroups: this.has('subgroups') && this.language.has('subgroup_id'),
      half: this.has('shader-f16'),
    };
  }
  get lost(): boolean {
    return this.#lost !== undefined;
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
        { fix: "call tf.setBackend('webgpu') or compile again to open a new one, and assign the Variables from a saved copy" },
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
  free(blocks: readonly Block[]): void {
    if (!this.lost) for (const b of blocks) this.heap.release(b);
  }
  /** Frees blocks when `owner` is collected. */
  own(owner: object, blocks: readonly Block[]): void {
    this.#blocks.register(owner, blocks, owner);
  }
  disown(owner: object): void {
    this.#blocks.unregister(owner);
  }

  /** The block of temporaries, at least so large; its contents do not survive between calls. */
  arena(bytes: number): Block {
    if (!this.#arena || this.#arena.bytes < bytes) {
      const old = this.#arena;
      this.#arena = this.heap.alloc(bytes, "the program's temporaries");
      if (old) this.heap.release(old);
    }
    return this.#arena;
  }

  /** Moves a cell into GPU memory, if it is not there, and gives its place. */
  placeOf(cell: StateCell): Block {
    const here = cell.residence;
    if (here instanceof GpuResidence && here.device === this) return here.block;
    const r = new GpuResidence(this, cell.type);
    cell.moveTo(r);
    this.own(cell, [r.block]);
    return r.block;
  }

  // --- transfers -------------------------------------------------------------------------------------------
  /** Stores elements, after all work that was asked for before. */
  write(to: Block, dtype: DType, data: TypedArray): void {
    const bytes = toMemory(dtype, this.stream.busy ? data.slice() : data);
    this.stream.run(() => this.gpu.queue.writeBuffer(to.page.buffer, to.offset, bytes));
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
