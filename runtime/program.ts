// The interface of every runnable program, whatever its target.

import {
  ArgumentError,
  type KernelInfo,
  type PlanInfo,
  sizeOf,
  type TensorType,
  type TypedArray,
  typeText,
} from '../ir/plan.ts';
import { onDevice, type Storage } from './buffer.ts';

/** The runs of one step of a program while it was profiled: `starts[i]` to `ends[i]`, milliseconds of one clock. */
export interface StepRuns {
  readonly kernel: KernelInfo;
  readonly starts: readonly number[];
  readonly ends: readonly number[];
}

/**
 * A compiled function. Arrays in, arrays out, in the order of the graph's tensor parameters and
 * tensor results; its states (Variables) were bound when it was made and are updated by `run`.
 */
export interface Program {
  readonly target: string;
  readonly inputTypes: readonly TensorType[];
  readonly outputTypes: readonly TensorType[];
  readonly plan: PlanInfo;
  /** Runs once. The arrays given are only read; the arrays returned are the caller's. */
  run(inputs: readonly Storage[]): TypedArray[];
  /**
   * As `run`, without copies where elements are or may stay on the device: inputs there are read in
   * place, large outputs are left there.
   */
  runBuffers(inputs: readonly Storage[]): Storage[];
  /** As `run`, into arrays of the caller: nothing is allocated. Lengths must fit; booleans go to any integer array. */
  runInto(inputs: readonly Storage[], outputs: readonly TypedArray[]): void;
  /** Runs `repeats` times kernel by kernel; when each ran, in order. States are put back. */
  profile(inputs: readonly Storage[], repeats?: number): StepRuns[];
  /** `run` and `profile` of programs on devices that cannot be waited for, whose own ones throw DeviceError. */
  runAsync?(inputs: readonly Storage[]): Promise<TypedArray[]>;
  profileAsync?(inputs: readonly Storage[], repeats?: number): Promise<StepRuns[]>;
  /** Threads that take part in a run. */
  readonly threads: number;
}

/** Throws ArgumentError unless the caller's arrays fit a program's outputs. @param sizeAt elements of an output in this call */
export function checkOutputs(
  types: readonly TensorType[],
  outputs: readonly TypedArray[],
  sizeAt?: (i: number) => number,
): void {
  if (outputs.length !== types.length)
    throw new ArgumentError(`the program has ${types.length} output(s), got ${outputs.length} array(s)`);
  for (let i = 0; i < types.length; i++) {
    const size = sizeAt ? sizeAt(i) : sizeOf(types[i].shape);
    if (outputs[i].length !== size)
      throw new ArgumentError(
        `output ${i} is ${typeText(types[i])} (${size} elements), got an array of ${outputs[i].length} elements`,
      );
  }
}

/** An input as callers' arrays are checked against it. */
interface Input {
  readonly type: TensorType;
  /** Elements for each one of an open batch. */
  readonly unit?: number;
}

/**
 * Throws ArgumentError unless the elements given fit a program's inputs.
 * @param bound largest size of the open batch, if there is one
 * @returns the size of the batch that follows from them; 0 without one
 */
export function checkInputs(ports: readonly Input[], inputs: readonly Storage[], bound = 0): number {
  if (inputs.length !== ports.length)
    throw new ArgumentError(`the program takes ${ports.length} input(s), got ${inputs.length}`);
  let batch = 0;
  for (let i = 0; i < ports.length; i++) {
    const { type, unit } = ports[i];
    const most = sizeOf(type.shape);
    const x = inputs[i];
    const size = onDevice(x) ? x.size : x.length;
    if (!unit && size !== most)
      throw new ArgumentError(`input ${i} must be ${typeText(type)} (${most} elements), got ${size} elements`);
    if (!unit) continue;
    // As an integer: a quotient of numbers would be an object of its own.
    const n = (size / unit) | 0;
    if (n * unit !== size || n < 1 || n > bound)
      throw new ArgumentError(
        `input ${i} must have ${unit} elements for each of 1 to ${bound} in the batch, got ${size} elements`,
      );
    if (batch && n !== batch)
      throw new ArgumentError(`input ${i} is a batch of ${n}, an input before it one of ${batch}`);
    batch = n;
  }
  return batch;
}
