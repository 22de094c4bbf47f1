// A compiled program on a GPU: its constants, where its memory is, and the dispatches of a call in one command buffer.

import {
  ArgumentError,
  DeviceError,
  type GpuCost,
  type GpuPlan,
  sizeOf,
  type TensorType,
  type TypedArray,
} from '../../ir/plan.ts';
import { arrayOf, type Storage } from '../buffer.ts';
import { checkInputs, type Program, type StepRuns } from '../program.ts';
import { StateCell } from '../state.ts';
import { GpuBuffer } from './buffer.ts';
import { Clock } from './clock.ts';
import type { GpuDevice } from './device.ts';
import { memoryBytes, toMemory } from './elements.ts';
import { Encoder } from './encoder.ts';
import type { Block, Spread } from './heap.ts';
import { profileOnGpu } from './profile.ts';
import { locate, type Spot, spot } from './spot.ts';
import { Tape } from './tape.ts';

export class GpuProgram implements Program {
  readonly target = 'webgpu';
  readonly threads = 1;
  readonly inputTypes: readonly TensorType[];
  readonly outputTypes: readonly TensorType[];
  readonly plan: GpuPlan['info'];
  readonly device: GpuDevice;
  readonly #plan: GpuPlan;
  readonly #cells: readonly StateCell[];
  readonly #tape: Tape;
  readonly #encoder: Encoder;
  readonly #constants: Spread;
  readonly #control: Block;
  /** Where the Variables are, and how often any had moved when that was looked up. */
  #states: readonly Spot[] = [];
  #moves = -1;
  #disposed = false;

  /** @param cells the Variables that the plan's states are bound to, in order */
  constructor(plan: GpuPlan, cells: readonly StateCell[], device: GpuDevice) {
    device.check();
    this.device = device;
    this.#plan = plan;
    this.#cells = cells;
    this.inputTypes = plan.inputs.map((p) => p.type);
    this.outputTypes = plan.outputs.map((p) => p.type);
    const slots = 2 + cells.length + plan.inputs.length + plan.outputs.length;
    this.#tape = new Tape(plan, slots);
    this.#constants = device.spread(plan.constantBytes, plan.segment, "the program's constants");
    this.#control = device.heap.alloc(4 * this.#tape.words, "the program's control words");
    this.#encoder = new Encoder(device, this.#tape);
    this.plan = { ...plan.info, gpu: this.#cost() };
    device.own(this, [...this.#constants.blocks, this.#control]);
    this.#upload();
  }

  #upload(): void {
    const { queue } = this.device.gpu;
    const constants = { ...this.#constants, offset: 0 };
    this.device.stream.run(() => {
      for (const { offset, data } of this.#plan.constants) {
        const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
        const whole = new Uint8Array(Math.ceil(bytes.length / 4) * 4);
        whole.set(bytes);
        const { page, at } = locate(constants, offset);
        queue.writeBuffer(page.buffer, at, whole);
      }
      queue.writeBuffer(this.#control.page.buffer, this.#control.offset, Uint32Array.of(1));
    });
  }

  /** Makes its pipelines, beside each other. Rejects with CompileError where the driver refuses a shader. */
  async prepare(): Promise<void> {
    // Where inputs, outputs and Variables that are elsewhere will be is not known: most likely beside the temporaries.
    const beside = spot(this.#arena.blocks[0]);
    const states = this.#cells.map((c) => {
      const here = this.device.blockOf(c);
      return here ? spot(here) : beside;
    });
    const ports = [...this.inputTypes, ...this.outputTypes].map(() => beside);
    await this.#encoder.prepare(this.#spots(ports, states));
  }

  /** Gives its memory back before the collector does. Runs throw ArgumentError after that. */
  dispose(): void {
    this.#disposed = true;
    this.device.disown(this);
    this.device.free([...this.#constants.blocks, this.#control]);
    this.#encoder.dispose();
  }

  get #arena(): Spread {
    return this.device.arena(this.#plan.arenaBytes, this.#plan.segment);
  }

  #check(): void {
    if (this.#disposed)
      throw new ArgumentError('this program was disposed of', { fix: 'compile it again, or dispose of it later' });
    this.device.check();
  }

  #placeStates(): void {
    if (this.#moves === StateCell.moves) return;
    this.#states = this.#cells.map((c) => spot(this.device.placeOf(c)));
    this.#moves = StateCell.moves;
  }

  #spots(ports: readonly Spot[], states: readonly Spot[]): Spot[] {
    return [{ ...this.#arena, offset: 0 }, { ...this.#constants, offset: 0 }, ...states, ...ports, spot(this.#control)];
  }

  runBuffers(inputs: readonly Storage[]): Storage[] {
    this.#check();
    checkInputs(this.#plan.inputs, inputs);
    const given = inputs.map((x, i) => this.#input(x, i));
    // Now: what a job has written to a Variable when its turn comes would be behind it.
    this.#placeStates();
    const outputs = this.outputTypes.map((t) => this.device.buffer(t.dtype, sizeOf(t.shape)));
    this.device.stream.run(() => this.#launch(given, outputs));
    return outputs;
  }

  /** What a job needs of an input when its turn comes. */
  #input(x: Storage, i: number): GpuBuffer | Uint8Array<ArrayBuffer> {
    const { dtype } = this.inputTypes[i];
    if (x instanceof GpuBuffer && x.device === this.device && x.dtype === dtype && !x.freed) return x;
    const data = arrayOf(x);
    return toMemory(dtype, this.device.stream.busy ? data.slice() : data);
  }

  #launch(
    inputs: readonly (GpuBuffer | Uint8Array<ArrayBuffer>)[],
    outputs: readonly GpuBuffer[],
    clock?: Clock,
  ): void | Promise<void> {
    const ports = inputs.map((x, i): Spot => {
      if (x instanceof GpuBuffer) return spot(x.block);
      const staged = { ...this.#arena, offset: this.#plan.inputs[i].staging };
      const { page, at } = locate(staged, 0);
      if (x.length) this.device.gpu.queue.writeBuffer(page.buffer, at, x);
      return staged;
    });
    this.#placeStates();
    const spots = this.#spots([...ports, ...outputs.map((b) => spot(b.block))], this.#states);
    return this.#encoder.run(spots, clock);
  }

  run(): TypedArray[] {
    throw cannotWait('run', 'call it, and await data() of what it returns');
  }
  runInto(): void {
    throw cannotWait('runInto', 'await exe.runIntoAsync(outputs, …)');
  }

  /** As `run`: resolves with the outputs' elements. */
  async runAsync(inputs: readonly Storage[]): Promise<TypedArray[]> {
    const out = this.runBuffers(inputs) as GpuBuffer[];
    try {
      return await Promise.all(out.map((b) => b.readAsync()));
    } finally {
      for (const b of out) b.release();
    }
  }

  profile(): StepRuns[] {
    throw cannotWait('profile', 'await exe.profileAsync(…)');
  }
  /** Runs several times with the GPU's clock at each dispatch. States are put back. */
  async profileAsync(inputs: readonly Storage[], repeats = 20): Promise<StepRuns[]> {
    this.#check();
    checkInputs(this.#plan.inputs, inputs);
    const clock = new Clock(this.device);
    const saved = await Promise.all(this.#cells.map((c) => c.readAsync()));
    const outputs = this.outputTypes.map((t) => this.device.buffer(t.dtype, sizeOf(t.shape)));
    try {
      const given = inputs.map((x, i) => this.#input(x, i));
      this.#placeStates();
      const run = () => this.#launch(given, outputs, clock);
      return await profileOnGpu(this.device, clock, run, this.plan.kernels, repeats);
    } finally {
      clock.dispose();
      for (const b of outputs) b.release();
      this.#cells.forEach((c, i) => {
        c.write(saved[i]);
      });
    }
  }

  #cost(): GpuCost {
    const total = (ts: readonly TensorType[]) => ts.reduce((n, t) => n + memoryBytes(t.dtype, sizeOf(t.shape)), 0);
    return {
      dispatches: this.#encoder.dispatches,
      argumentBytes: this.#encoder.argumentBytes,
      inputBytes: total(this.inputTypes),
      outputBytes: total(this.outputTypes),
    };
  }
}

const cannotWait = (op: string, fix: string): DeviceError =>
  new DeviceError('JavaScript can wait for a program on a GPU only asynchronously', { op, fix });
