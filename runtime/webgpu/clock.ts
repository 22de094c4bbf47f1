// The GPU's own clock: when each dispatch of a call began and ended.

import { DeviceError } from '../../ir/plan.ts';
import type { GpuDevice } from './device.ts';
import { GPU_COPY_DST, GPU_COPY_SRC, GPU_MAP_READ, GPU_QUERY_RESOLVE } from './heap.ts';

/** Most queries of a set (WebGPU, 20.1); a dispatch takes two. */
const MOST_QUERIES = 4096;

/** A dispatch of a program's step, in milliseconds of the GPU's clock. */
export interface Timed {
  readonly step: number;
  readonly start: number;
  readonly end: number;
}

export class Clock {
  readonly #device: GpuDevice;
  readonly #queries: GPUQuerySet;
  /** Steps of the dispatches whose times are not resolved yet. */
  #steps: number[] = [];
  /** Resolved times, in the order of the dispatches. */
  #resolved: { steps: readonly number[]; times: GPUBuffer; staging: GPUBuffer }[] = [];

  /** Throws DeviceError where the GPU has no clock that programs may read. */
  constructor(device: GpuDevice) {
    if (!device.has('timestamp-query'))
      throw new DeviceError("this GPU, or this browser, lets nobody read its clock (the feature 'timestamp-query')", {
        op: 'profile',
        fix: 'time whole runs: await the data of a result; or profile with target wasm',
      });
    this.#device = device;
    this.#queries = device.gpu.createQuerySet({ type: 'timestamp', count: MOST_QUERIES });
  }

  /** A pass for one dispatch of a step. */
  pass(step: number): GPUComputePassDescriptor {
    const at = 2 * this.#steps.length;
    this.#steps.push(step);
    const timestampWrites = {
      querySet: this.#queries,
      beginningOfPassWriteIndex: at,
      endOfPassWriteIndex: at + 1,
    };
    return { timestampWrites };
  }
  /** Whether the times must be resolved before another pass. */
  get full(): boolean {
    return 2 * this.#steps.length >= MOST_QUERIES;
  }

  /** Has the times so far copied at the end of a command buffer. */
  resolve(encoder: GPUCommandEncoder): void {
    const steps = this.#steps;
    if (steps.length === 0) return;
    this.#steps = [];
    const { gpu } = this.#device;
    const size = 16 * steps.length;
    const times = gpu.createBuffer({ size, usage: GPU_QUERY_RESOLVE | GPU_COPY_SRC });
    const staging = gpu.createBuffer({ size, usage: GPU_MAP_READ | GPU_COPY_DST });
    encoder.resolveQuerySet(this.#queries, 0, 2 * steps.length, times, 0);
    encoder.copyBufferToBuffer(times, 0, staging, 0, size);
    this.#resolved.push({ steps, times, staging });
  }

  /** All times since the last call, once the GPU has them. */
  async read(): Promise<Timed[]> {
    const parts = this.#resolved;
    this.#resolved = [];
    const out: Timed[] = [];
    for (const { steps, times, staging } of parts) {
      await staging.mapAsync(GPU_MAP_READ);
      // Nanoseconds since some moment.
      const ns = new BigUint64Array(staging.getMappedRange());
      steps.forEach((step, i) => {
        const [start, end] = [Number(ns[2 * i]) / 1e6, Number(ns[2 * i + 1]) / 1e6];
        out.push({ step, start, end });
      });
      staging.destroy();
      times.destroy();
    }
    return out;
  }

  dispose(): void {
    this.#queries.destroy();
  }
}
