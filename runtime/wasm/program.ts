// A compiled program on the WASM device: its module, its constants, its binding table.

import {
  ArgumentError,
  ExecutionError,
  type Slot,
  sizeOf,
  type TensorType,
  type TypedArray,
  typeText,
  type WasmPlan,
} from '../../ir/plan.ts';
import { checkOutputs, type KernelTiming, type Program } from '../program.ts';
import type { StateCell } from '../state.ts';
import { type WasmDevice, wasmDevice } from './device.ts';

type Run = (tid: number, nthreads: number, bind: number, from: number, to: number) => void;

interface Port {
  readonly type: TensorType;
  readonly slot: Slot;
  readonly size: number;
}

export class WasmProgram implements Program {
  readonly target = 'wasm';
  readonly inputTypes: readonly TensorType[];
  readonly outputTypes: readonly TensorType[];
  readonly plan: WasmPlan['info'];
  readonly threads: number;
  readonly #device: WasmDevice;
  readonly #plan: WasmPlan;
  readonly #inputs: readonly Port[];
  readonly #outputs: readonly Port[];
  readonly #cells: readonly StateCell[];
  readonly #run: Run;
  readonly #constants: number;
  readonly #bind: number;
  readonly #moduleId: number;
  #arena = -1;
  #arenaVersion = -1;

  /**
   * @param cells the Variables that the plan's states are bound to, in order
   * @param threads how many threads take part; the device's pool must have them
   */
  constructor(plan: WasmPlan, cells: readonly StateCell[], threads = 1, device = wasmDevice()) {
    this.#device = device;
    this.#plan = plan;
    this.plan = plan.info;
    this.#cells = cells;
    this.threads = plan.parallel ? threads : 1;
    this.inputTypes = plan.inputs.map((p) => p.type);
    this.outputTypes = plan.outputs.map((p) => p.type);
    const port = (p: { type: TensorType; slot: Slot }): Port => ({ ...p, size: sizeOf(p.type.shape) });
    this.#inputs = plan.inputs.map(port);
    this.#outputs = plan.outputs.map(port);
    const mem = device.memory;
    const module = new WebAssembly.Module(plan.module as BufferSource);
    this.#run = new WebAssembly.Instance(module, { env: { memory: mem.memory } }).exports.run as Run;
    this.#constants = mem.alloc(plan.constantBytes);
    for (const { offset, data } of plan.constants)
      mem.views.u8.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), this.#constants + offset);
    this.#bind = mem.alloc(4 * (2 + cells.length));
    device.own(this, [this.#constants, this.#bind]);
    this.#moduleId = this.threads > 1 ? device.register(this, plan.module) : 0;
    this.#place();
  }

  /** Fills the binding table: arena, constants, then every state. */
  #place(): void {
    const mem = this.#device.memory;
    this.#arena = mem.arena(this.#plan.arenaBytes);
    const states = this.#cells.map((c) => this.#device.addressOf(c));
    mem.views.u32.set([this.#arena, this.#constants, ...states], this.#bind >>> 2);
    this.#arenaVersion = mem.arenaVersion;
  }

  #address(slot: Slot): number {
    if (slot.kind === 'arena') return this.#arena + slot.offset;
    if (slot.kind === 'constant') return this.#constants + slot.offset;
    return this.#device.addressOf(this.#cells[slot.index]);
  }

  run(inputs: readonly TypedArray[]): TypedArray[] {
    this.#load(inputs);
    this.#execute(0, this.#plan.steps);
    const mem = this.#device.memory;
    const out = new Array<TypedArray>(this.#outputs.length);
    for (let i = 0; i < out.length; i++) {
      const p = this.#outputs[i];
      out[i] = mem.read(this.#address(p.slot), p.type.dtype, p.size);
    }
    return out;
  }

  runInto(inputs: readonly TypedArray[], outputs: readonly TypedArray[]): void {
    checkOutputs(this.outputTypes, outputs);
    this.#load(inputs);
    this.#execute(0, this.#plan.steps);
    this.#outputs.forEach((p, i) => {
      this.#device.memory.readInto(this.#address(p.slot), p.type.dtype, outputs[i]);
    });
  }

  #load(inputs: readonly TypedArray[]): void {
    const ports = this.#inputs;
    if (inputs.length !== ports.length)
      throw new ArgumentError(`the program takes ${ports.length} input(s), got ${inputs.length}`);
    for (let i = 0; i < ports.length; i++)
      if (inputs[i].length !== ports[i].size)
        throw new ArgumentError(
          `input ${i} must be ${typeText(ports[i].type)} (${ports[i].size} elements), got ${inputs[i].length} elements`,
        );
    if (this.#arenaVersion !== this.#device.memory.arenaVersion) this.#place();
    for (let i = 0; i < ports.length; i++)
      this.#device.memory.write(this.#address(ports[i].slot), ports[i].type.dtype, inputs[i]);
  }

  #execute(from: number, to: number): void {
    try {
      if (this.threads > 1) this.#device.pool?.start(this.#moduleId, this.threads, this.#bind, from, to);
      this.#run(0, this.threads, this.#bind, from, to);
    } catch (e) {
      throw new ExecutionError(`the compiled program failed: ${(e as Error).message}`);
    }
  }

  profile(inputs: readonly TypedArray[], repeats = 20): KernelTiming[] {
    // The states change while the kernels repeat; they are put back afterwards.
    const saved = this.#cells.map((c) => c.read());
    const steps = this.#plan.steps;
    const times = Array.from({ length: steps }, () => [] as number[]);
    for (let r = 0; r < repeats; r++) {
      this.#load(inputs);
      for (let i = 0; i < steps; i++) {
        const t = performance.now();
        this.#execute(i, i + 1);
        times[i].push((performance.now() - t) * 1000);
      }
    }
    this.#cells.forEach((c, i) => {
      c.write(saved[i]);
    });
    return times.map((ts, i) => {
      const k = this.plan.kernels[i];
      const us = ts.sort((a, b) => a - b)[repeats >> 1];
      return { name: k.name, kind: k.kind, ops: k.ops, us, gflops: k.flops / us / 1e3, gbs: k.bytes / us / 1e3 };
    });
  }
}
