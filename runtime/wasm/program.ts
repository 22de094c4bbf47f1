// A compiled program on the WASM device: its module, its constants, its binding table.

import {
  byteSize,
  ExecutionError,
  type Port,
  sizeOf,
  type TensorType,
  type TypedArray,
  type WasmPlan,
} from '../../ir/plan.ts';
import { arrayOf, type Storage } from '../buffer.ts';
import { checkInputs, checkOutputs, type Program, type StepRuns } from '../program.ts';
import { StateCell } from '../state.ts';
import type { BufferPool, WasmBuffer } from './buffer.ts';
import type { DeviceMemory } from './memory.ts';

/** A program's function in its module. */
export type Run = (tid: number, nthreads: number, bind: number, from: number, to: number) => void;

/** What a program needs of where it runs. */
export interface ProgramHost {
  readonly memory: DeviceMemory;
  /** Tensors that stay there, where any do. */
  readonly buffers?: BufferPool;
  readonly pool?: { start(module: number, threads: number, bind: number, from: number, to: number): void } | undefined;
  /** Where a Variable lies. */
  addressOf(cell: StateCell): number;
  /** Frees blocks when their owner is collected. */
  own(owner: object, blocks: readonly number[]): void;
  /** Frees them, and forgets the module, at once. */
  release(owner: object, blocks: readonly number[], module: number): void;
  /** A number under which other threads know the module. */
  register(owner: object, bytes: Uint8Array): number;
}

/** An input or output, and the part of memory that was last read there: runs that repeat make no views. */
interface Wired {
  readonly type: TensorType;
  readonly staging: number;
  /** Elements at most, and for each one of an open batch. */
  readonly size: number;
  readonly unit: number;
  readonly bytes: number;
  /** Entry of the binding table. */
  readonly entry: number;
  view: TypedArray | undefined;
}

export class WasmProgram implements Program {
  readonly target = 'wasm';
  readonly inputTypes: readonly TensorType[];
  readonly outputTypes: readonly TensorType[];
  readonly plan: WasmPlan['info'];
  readonly threads: number;
  readonly #device: ProgramHost;
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
  /** The input that tells the program the size of its open batch, and that size; 1 without one. */
  readonly #batchPort: Wired | undefined;
  #batch = 1;
  #arena = -1;
  #arenaVersion = -1;
  #moves = -1;

  /**
   * @param cells the Variables that the plan's states are bound to, in order
   * @param threads how many threads take part; the device's pool must have them
   * @param run the program's function, where its module is instantiated already
   */
  constructor(plan: WasmPlan, cells: readonly StateCell[], device: ProgramHost, threads = 1, run?: Run) {
    this.#device = device;
    this.#plan = plan;
    this.plan = plan.info;
    this.#cells = cells;
    this.threads = plan.parallel ? threads : 1;
    let entry = 2 + cells.length;
    const wire = (p: Port): Wired => {
      const size = sizeOf(p.type.shape);
      return {
        type: p.type,
        staging: p.staging,
        size,
        unit: p.unit ?? 0,
        bytes: size * byteSize(p.type.dtype),
        entry: entry++,
        view: undefined,
      };
    };
    const inputs = plan.inputs.map(wire);
    this.#batchPort = plan.bound ? inputs.pop() : undefined;
    this.#inputs = inputs;
    this.#outputs = plan.outputs.map(wire);
    this.inputTypes = inputs.map((p) => p.type);
    this.outputTypes = plan.outputs.map((p) => p.type);
    this.#bound = new Uint32Array(entry);
    const mem = device.memory;
    this.#run = run ?? instantiate(plan.module, mem);
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
    const batch = this.#batchPort ? [this.#batchPort] : [];
    const ports = [...this.#inputs, ...batch, ...this.#outputs].map((p) => this.#arena + p.staging);
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
    for (let i = 0; i < out.length; i++) out[i] = this.#fetch(i);
    return out;
  }

  runInto(inputs: readonly Storage[], outputs: readonly TypedArray[]): void {
    this.#checkInputs(inputs);
    checkOutputs(this.outputTypes, outputs, this.#sizeAt);
    this.#bring(inputs);
    this.#stageOutputs();
    this.#execute(0, this.#plan.steps);
    const { memory } = this.#device;
    for (let i = 0; i < outputs.length; i++) {
      const p = this.#outputs[i];
      p.view = memory.copyOut(this.#arena + p.staging, p.type.dtype, outputs[i], p.view);
    }
  }

  /** Elements of an output in this call. */
  readonly #sizeAt = (i: number): number => {
    const { unit, size } = this.#outputs[i];
    return unit ? unit * this.#batch : size;
  };

  runBuffers(inputs: readonly Storage[]): Storage[] {
    const pool = this.#device.buffers;
    const out = new Array<Storage | undefined>(this.#outputs.length);
    for (let i = 0; i < out.length; i++) {
      const p = this.#outputs[i];
      if (!p.unit && pool?.takes(p.bytes)) out[i] = pool.make(p.type.dtype, p.size);
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
    for (let i = 0; i < out.length; i++) out[i] ??= this.#fetch(i);
    return out as Storage[];
  }

  #fetch(i: number): TypedArray {
    const p = this.#outputs[i];
    return this.#device.memory.read(this.#arena + p.staging, p.type.dtype, this.#sizeAt(i));
  }

  #stageOutputs(): void {
    for (let i = 0; i < this.#outputs.length; i++) {
      const p = this.#outputs[i];
      this.#wire(p.entry, this.#arena + p.staging);
    }
  }

  /** Throws ArgumentError for inputs that do not fit; learns the size of an open batch from them. */
  #checkInputs(inputs: readonly Storage[]): void {
    this.#batch = checkInputs(this.#inputs, inputs, this.#plan.bound) || 1;
  }

  #load(inputs: readonly Storage[]): void {
    this.#checkInputs(inputs);
    this.#bring(inputs);
  }

  /** Brings the inputs to where the program reads them: their own place on this device, or the staging place. */
  #bring(inputs: readonly Storage[]): void {
    const ports = this.#inputs;
    // The arena or a Variable may have moved since.
    if (this.#arenaVersion !== this.#device.memory.arenaVersion || this.#moves !== StateCell.moves) this.#place();
    for (let i = 0; i < ports.length; i++) {
      const p = ports[i];
      const x = inputs[i];
      const here = p.unit ? undefined : this.#bufferOf(x);
      if (here && here.dtype === p.type.dtype && !here.freed) {
        this.#wire(p.entry, here.address);
        continue;
      }
      this.#wire(p.entry, this.#arena + p.staging);
      this.#device.memory.write(this.#arena + p.staging, p.type.dtype, arrayOf(x));
    }
    if (this.#batchPort) this.#device.memory.views.i32[(this.#arena + this.#batchPort.staging) >>> 2] = this.#batch;
  }

  /** The buffer that the elements are in, if that is one of this memory. */
  #bufferOf(x: Storage): WasmBuffer | undefined {
    const { buffers } = this.#device;
    return buffers && (x as Partial<WasmBuffer>).pool === buffers ? (x as WasmBuffer) : undefined;
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

/** The function of a module of one program. */
function instantiate(module: Uint8Array, { memory }: DeviceMemory): Run {
  const compiled = new WebAssembly.Module(module as BufferSource);
  return new WebAssembly.Instance(compiled, { env: { memory } }).exports.run as Run;
}
