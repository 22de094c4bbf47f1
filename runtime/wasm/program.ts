// A compiled program on the WASM device: its module, its constants, its binding table.

import {
  ArgumentError,
  byteSize,
  ExecutionError,
  type Port,
  sizeOf,
  type TensorType,
  type TypedArray,
  typeText,
  type WasmPlan,
} from '../../ir/plan.ts';
import { arrayOf, onDevice, type Storage } from '../buffer.ts';
import { checkOutputs, type Program, type StepRuns } from '../program.ts';
import { StateCell } from '../state.ts';
import { WasmBuffer } from './buffer.ts';
import { type WasmDevice, wasmDevice } from './device.ts';

type Run = (tid: number, nthreads: number, bind: number, from: number, to: number) => void;

interface Wired {
  readonly type: TensorType;
  readonly staging: number;
  readonly size: number;
  readonly bytes: number;
  /** Entry of the binding table. */
  readonly entry: number;
}

export class WasmProgram implements Program {
  readonly target = 'wasm';
  readonly inputTypes: readonly TensorType[];
  readonly outputTypes: readonly TensorType[];
  readonly plan: WasmPlan['info'];
  readonly threads: number;
  readonly #device: WasmDevice;
  readonly #plan: WasmPlan;
  readonly #inputs: readonly Wired[];
  readonly #outputs: readonly Wired[];
  readonly #cells: readonly StateCell[];
  readonly #run: Run;
  readonly #constants: number;
  readonly #bind: number;
  readonly #moduleId: number;
  /** What the binding table holds. */
  readonly #bound: Uint32Array;
  #arena = -1;
  #arenaVersion = -1;
  #moves = -1;

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
    let entry = 2 + cells.length;
    const wire = (p: Port): Wired => {
      const size = sizeOf(p.type.shape);
      return { ...p, size, bytes: size * byteSize(p.type.dtype), entry: entry++ };
    };
    this.#inputs = plan.inputs.map(wire);
    this.#outputs = plan.outputs.map(wire);
    this.#bound = new Uint32Array(entry);
    const mem = device.memory;
    const module = new WebAssembly.Module(plan.module as BufferSource);
    this.#run = new WebAssembly.Instance(module, { env: { memory: mem.memory } }).exports.run as Run;
    this.#constants = mem.alloc(plan.constantBytes);
    for (const { offset, data } of plan.constants)
      mem.views.u8.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), this.#constants + offset);
    this.#bind = mem.alloc(4 * entry);
    device.own(this, [this.#constants, this.#bind]);
    this.#moduleId = this.threads > 1 ? device.register(this, plan.module) : 0;
    this.#place();
  }

  /** Fills the binding table: arena, constants, every state, and the staging places of all ports. */
  #place(): void {
    const mem = this.#device.memory;
    this.#arena = mem.arena(this.#plan.arenaBytes);
    const states = this.#cells.map((c) => this.#device.addressOf(c));
    const ports = [...this.#inputs, ...this.#outputs].map((p) => this.#arena + p.staging);
    this.#bound.set([this.#arena, this.#constants, ...states, ...ports]);
    mem.views.u32.set(this.#bound, this.#bind >>> 2);
    this.#arenaVersion = mem.arenaVersion;
    this.#moves = StateCell.moves;
  }

  #wire(entry: number, address: number): void {
    if (this.#bound[entry] === address) return;
    this.#bound[entry] = address;
    this.#device.memory.views.u32[(this.#bind >>> 2) + entry] = address;
  }

  /** Gives its memory back before the collector does. It must not run after that. */
  dispose(): void {
    this.#device.release(this, [this.#constants, this.#bind], this.#moduleId);
  }

  run(inputs: readonly Storage[]): TypedArray[] {
    this.#load(inputs);
    this.#stageOutputs();
    this.#execute(0, this.#plan.steps);
    const out = new Array<TypedArray>(this.#outputs.length);
    for (let i = 0; i < out.length; i++) out[i] = this.#fetch(this.#outputs[i]);
    return out;
  }

  runInto(inputs: readonly Storage[], outputs: readonly TypedArray[]): void {
    checkOutputs(this.outputTypes, outputs);
    this.#load(inputs);
    this.#stageOutputs();
    this.#execute(0, this.#plan.steps);
    this.#outputs.forEach((p, i) => {
      this.#device.memory.readInto(this.#arena + p.staging, p.type.dtype, outputs[i]);
    });
  }

  runBuffers(inputs: readonly Storage[]): Storage[] {
    const pool = this.#device.buffers;
    const out = new Array<Storage | undefined>(this.#outputs.length);
    for (let i = 0; i < out.length; i++) {
      const p = this.#outputs[i];
      if (pool.takes(p.bytes)) out[i] = pool.make(p.type.dtype, p.size);
    }
    try {
      this.#load(inputs);
      for (let i = 0; i < out.length; i++) {
        const p = this.#outputs[i];
        this.#wire(p.entry, (out[i] as WasmBuffer | undefined)?.address ?? this.#arena + p.staging);
      }
      this.#execute(0, this.#plan.steps);
    } catch (e) {
      for (const b of out) (b as WasmBuffer | undefined)?.release();
      throw e;
    }
    for (let i = 0; i < out.length; i++) out[i] ??= this.#fetch(this.#outputs[i]);
    return out as Storage[];
  }

  #fetch(p: Wired): TypedArray {
    return this.#device.memory.read(this.#arena + p.staging, p.type.dtype, p.size);
  }

  #stageOutputs(): void {
    for (let i = 0; i < this.#outputs.length; i++) {
      const p = this.#outputs[i];
      this.#wire(p.entry, this.#arena + p.staging);
    }
  }

  /** Brings the inputs to where the program reads them: their own place on this device, or the staging place. */
  #load(inputs: readonly Storage[]): void {
    const ports = this.#inputs;
    if (inputs.length !== ports.length)
      throw new ArgumentError(`the program takes ${ports.length} input(s), got ${inputs.length}`);
    for (let i = 0; i < ports.length; i++) {
      const x = inputs[i];
      const size = onDevice(x) ? x.size : x.length;
      if (size !== ports[i].size)
        throw new ArgumentError(
          `input ${i} must be ${typeText(ports[i].type)} (${ports[i].size} elements), got ${size} elements`,
        );
    }
    // The arena or a Variable may have moved since.
    if (this.#arenaVersion !== this.#device.memory.arenaVersion || this.#moves !== StateCell.moves) this.#place();
    for (let i = 0; i < ports.length; i++) {
      const p = ports[i];
      const x = inputs[i];
      if (x instanceof WasmBuffer && x.pool === this.#device.buffers && x.dtype === p.type.dtype && !x.freed) {
        this.#wire(p.entry, x.address);
        continue;
      }
      this.#wire(p.entry, this.#arena + p.staging);
      this.#device.memory.write(this.#arena + p.staging, p.type.dtype, arrayOf(x));
    }
  }

  #execute(from: number, to: number): void {
    try {
      if (this.threads > 1) this.#device.pool?.start(this.#moduleId, this.threads, this.#bind, from, to);
      this.#run(0, this.threads, this.#bind, from, to);
    } catch (e) {
      throw new ExecutionError(`the compiled program failed: ${(e as Error).message}`);
    }
  }

  profile(inputs: readonly Storage[], repeats = 20): StepRuns[] {
    // The states change while the kernels repeat; they are put back afterwards.
    const saved = this.#cells.map((c) => c.read());
    const runs = this.plan.kernels.map((kernel) => ({ kernel, starts: [] as number[], ends: [] as number[] }));
    try {
      for (let r = 0; r < repeats; r++) {
        this.#load(inputs);
        this.#stageOutputs();
        for (let i = 0; i < runs.length; i++) {
          const start = performance.now();
          this.#execute(i, i + 1);
          runs[i].ends.push(performance.now());
          runs[i].starts.push(start);
        }
      }
    } finally {
      this.#cells.forEach((c, i) => {
        c.write(saved[i]);
      });
    }
    return runs;
  }
}
