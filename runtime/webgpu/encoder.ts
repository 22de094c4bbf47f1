// From a tape to command buffers: the arguments of every dispatch in one uniform buffer, written anew only when
// memory has moved, and bind groups and pipelines for the pages at hand.

import { type GpuShader, MemoryError } from '../../ir/plan.ts';
import type { Clock } from './clock.ts';
import type { GpuDevice } from './device.ts';
import { GPU_COPY_DST, GPU_MAP_READ, GPU_UNIFORM, type Page } from './heap.ts';
import { argumentWords, type Layout } from './shader.ts';
import { locate, type Spot } from './spot.ts';
import type { Dispatch, OpenLoop, Operation, Place, Tape } from './tape.ts';

/** A dispatch with what it is bound to. */
export interface Bound {
  readonly pipeline: GPUComputePipeline;
  readonly group: GPUBindGroup;
  /** Bytes of its arguments in their buffer. */
  readonly at: number;
  readonly x: number;
  readonly y: number;
}

/** Where a call's memory is, and what times it. */
interface Call {
  readonly spots: readonly Spot[];
  readonly clock: Clock | undefined;
}

const aligned = (n: number, to: number): number => Math.ceil(n / to) * to;

/** Runs of an open loop between two looks at its predicate: the first ones, doubled from then on up to the second. */
const [FIRST_RUNS, MOST_RUNS] = [4, 64];

export class Encoder {
  readonly #device: GpuDevice;
  readonly #tape: Tape;
  /** Bytes at which each record starts, and of each. */
  readonly #starts: number[] = [];
  readonly #sizes: number[] = [];
  readonly argumentBytes: number;
  #arguments: GPUBuffer | undefined;
  /** What it holds. */
  readonly #data: Uint32Array<ArrayBuffer>;
  /** What the argument buffer was written for. */
  #written = '';
  /** Dispatches as bound for the pages at hand. */
  #bound = new Map<Dispatch, Bound>();
  #boundFor = '';
  readonly #groups = new Map<string, GPUBindGroup>();

  constructor(device: GpuDevice, tape: Tape) {
    this.#device = device;
    this.#tape = tape;
    const alignment = device.gpu.limits.minUniformBufferOffsetAlignment;
    let at = 0;
    for (const r of tape.records) {
      const size = aligned(4 * (r.places.length + r.words.length + 2), alignment);
      if (size > device.gpu.limits.maxUniformBufferBindingSize)
        throw new MemoryError(`a kernel has ${r.places.length} buffers, more than this GPU's uniform buffers hold`, {
          fix: 'target wasm',
        });
      this.#starts.push(at);
      this.#sizes.push(size);
      at += size;
    }
    this.argumentBytes = at;
    this.#data = new Uint32Array(at / 4);
  }

  dispose(): void {
    // Jobs that wait still need it.
    this.#device.stream.run(() => this.#arguments?.destroy());
  }

  get dispatches(): number {
    const count = (list: readonly Operation[]): number =>
      list.reduce((n, o) => n + (o.kind === 'dispatch' ? 1 : count(o.runs[0] ?? [])), 0);
    return count(this.#tape.operations);
  }

  // --- what does not change from call to call -----------------------------------------------------------------
  #pageOf = (spots: readonly Spot[], p: Place): Page => locate(spots[p.slot], p.offset).page;

  /** The pages of a dispatch, and which of them each buffer is in. */
  #layout(d: Dispatch, spots: readonly Spot[]): { layout: Layout; pages: Page[] } {
    const { places, predicate } = this.#tape.records[d.record];
    const pages: Page[] = [];
    const binding = (p: Place): number => {
      const page = this.#pageOf(spots, p);
      const known = pages.indexOf(page);
      if (known >= 0) return known;
      pages.push(page);
      return pages.length - 1;
    };
    const bindings = d.shader.buffers.map((b) => binding(places[b]));
    const guard = predicate && binding(predicate);
    const most = this.#device.gpu.limits.maxStorageBuffersPerShaderStage;
    if (pages.length > most)
      throw new MemoryError(
        `kernel ${d.shader.name} needs ${pages.length} buffers of GPU memory, and this GPU binds ${most}`,
        {
          fix: 'keep fewer large tensors alive, or target wasm',
        },
      );
    return { layout: { bindings, predicate: guard, pages: pages.length }, pages };
  }

  #all(): Dispatch[] {
    const out: Dispatch[] = [];
    const visit = (list: readonly Operation[]): void => {
      for (const o of list) {
        if (o.kind === 'dispatch') out.push(o);
        else for (const r of o.runs) visit(r);
      }
    };
    visit(this.#tape.operations);
    return out;
  }

  /** Makes the pipelines for these places. */
  async prepare(spots: readonly Spot[]): Promise<void> {
    await Promise.all(
      this.#all().map((d) => this.#device.pipelines.prepare(d.shader, this.#layout(d, spots).layout, d.kernel.ops)),
    );
  }

  bound(d: Dispatch, spots: readonly Spot[]): Bound {
    const known = this.#bound.get(d);
    if (known) return known;
    const { layout, pages } = this.#layout(d, spots);
    const { groups } = d.shader;
    const { maxComputeWorkgroupsPerDimension: widest } = this.#device.gpu.limits;
    const x = Math.min(groups, widest);
    const y = Math.ceil(groups / x);
    if (y > widest)
      throw new MemoryError(`kernel ${d.shader.name} has ${groups} workgroups, more than this GPU runs at once`, {
        fix: 'use smaller batches, or target wasm',
      });
    const b: Bound = {
      pipeline: this.#device.pipelines.get(d.shader, layout, d.kernel.ops),
      group: this.#group(pages, this.#sizes[d.record], d.shader),
      at: this.#starts[d.record],
      x,
      y,
    };
    this.#bound.set(d, b);
    return b;
  }

  #group(pages: readonly Page[], size: number, shader: GpuShader): GPUBindGroup {
    const key = `${pages.map((p) => p.id)}:${size}`;
    let g = this.#groups.get(key);
    if (!g) {
      if (size < 4 * argumentWords(shader)) throw new Error('arguments do not fit');
      g = this.#device.gpu.createBindGroup({
        layout: this.#device.pipelines.layout(pages.length).group,
        entries: [
          { binding: 0, resource: { buffer: this.#argumentBuffer(), size } },
          ...pages.map((p, i) => ({ binding: i + 1, resource: { buffer: p.buffer } })),
        ],
      });
      this.#groups.set(key, g);
    }
    return g;
  }
  #argumentBuffer(): GPUBuffer {
    this.#arguments ??= this.#device.gpu.createBuffer({
      label: 'sinter arguments',
      size: Math.max(256, this.argumentBytes),
      usage: GPU_UNIFORM | GPU_COPY_DST,
    });
    return this.#arguments;
  }

  /** Brings arguments and bindings up to date with where memory is. */
  place(spots: readonly Spot[]): void {
    const where = spots.map((s) => `${s.blocks.map((b) => `${b.page.id}:${b.offset}`)}+${s.offset}`).join();
    if (where === this.#written) return;
    this.#written = where;
    const pages = spots.map((s) => s.blocks.map((b) => b.page.id)).join();
    if (pages !== this.#boundFor) {
      this.#bound.clear();
      this.#groups.clear();
      this.#boundFor = pages;
    }
    const data = this.#data;
    let [first, last] = [data.length, -1];
    const put = (at: number, word: number): void => {
      if (data[at] === word) return;
      data[at] = word;
      first = Math.min(first, at);
      last = Math.max(last, at);
    };
    this.#tape.records.forEach((r, i) => {
      let at = this.#starts[i] / 4;
      const start = (p: Place) => locate(spots[p.slot], p.offset).at;
      r.places.forEach((p, k) => {
        put(at++, start(p) / r.units[k]);
      });
      for (const w of r.words) put(at++, w);
      if (r.predicate) put(at, start(r.predicate) / 4);
    });
    // Mostly only the outputs have moved.
    if (last >= 0) this.#device.gpu.queue.writeBuffer(this.#argumentBuffer(), 4 * first, data, first, last + 1 - first);
  }

  // --- a call ------------------------------------------------------------------------------------------------
  /**
   * Hands a call over; a promise where somebody must wait for the GPU in between.
   * @param clock times each dispatch, which then has a pass of its own
   */
  run(spots: readonly Spot[], clock?: Clock): void | Promise<void> {
    this.place(spots);
    const { operations } = this.#tape;
    const call = { spots, clock };
    if (this.#tape.waits) return this.#runWaiting(operations, call);
    this.#submit(operations as readonly Dispatch[], call);
  }

  #encode(list: readonly Dispatch[], spots: readonly Spot[], pass: GPUComputePassEncoder): void {
    let last: GPUComputePipeline | undefined;
    for (const d of list) {
      const b = this.bound(d, spots);
      if (b.pipeline !== last) pass.setPipeline(b.pipeline);
      last = b.pipeline;
      pass.setBindGroup(0, b.group, [b.at]);
      pass.dispatchWorkgroups(b.x, b.y);
    }
  }

  #submit(list: readonly Dispatch[], { spots, clock }: Call, after?: (e: GPUCommandEncoder) => void): void {
    const { gpu } = this.#device;
    let encoder = gpu.createCommandEncoder();
    const inPass = (part: readonly Dispatch[], descriptor?: GPUComputePassDescriptor) => {
      const pass = encoder.beginComputePass(descriptor);
      this.#encode(part, spots, pass);
      pass.end();
    };
    if (!clock) inPass(list);
    else
      for (const d of list) {
        inPass([d], clock.pass(d.step));
        if (!clock.full) continue;
        clock.resolve(encoder);
        gpu.queue.submit([encoder.finish()]);
        encoder = gpu.createCommandEncoder();
      }
    clock?.resolve(encoder);
    after?.(encoder);
    gpu.queue.submit([encoder.finish()]);
  }

  async #runWaiting(list: readonly Operation[], call: Call): Promise<void> {
    let pending: Dispatch[] = [];
    const flush = (after?: (e: GPUCommandEncoder) => void) => {
      const now = pending;
      pending = [];
      if (now.length || after) this.#submit(now, call, after);
    };
    const walk = async (operations: readonly Operation[]): Promise<void> => {
      for (const o of operations) {
        if (o.kind === 'dispatch') pending.push(o);
        else await loop(o);
      }
    };
    const loop = async (o: OpenLoop): Promise<void> => {
      let piece = FIRST_RUNS;
      for (let i = 0; i < o.most; ) {
        const end = Math.min(o.most, i + piece);
        for (; i < end; i++) await walk(o.runs[Math.min(i, o.runs.length - 1)]);
        if (i >= o.most) break;
        if (!(await this.#isSet(o.active, call.spots, flush))) break;
        piece = Math.min(2 * piece, MOST_RUNS);
      }
    };
    await walk(list);
    flush();
  }

  /** Whether the loop goes on. */
  async #isSet(
    p: Place,
    spots: readonly Spot[],
    flush: (after: (e: GPUCommandEncoder) => void) => void,
  ): Promise<boolean> {
    const { gpu } = this.#device;
    const staging = gpu.createBuffer({ size: 4, usage: GPU_MAP_READ | GPU_COPY_DST });
    const { page, at } = locate(spots[p.slot], p.offset);
    flush((e) => e.copyBufferToBuffer(page.buffer, at, staging, 0, 4));
    try {
      await staging.mapAsync(GPU_MAP_READ);
      return new Uint32Array(staging.getMappedRange())[0] !== 0;
    } catch (e) {
      this.#device.check();
      throw e;
    } finally {
      staging.destroy();
    }
  }
}
