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
import type { Storage } from './buffer.ts';

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

/** Throws ArgumentError unless the caller's arrays fit a program's outputs. */
export function checkOutputs(types: readonly TensorType[], outputs: readonly TypedArray[]): void {
  if (outputs.length !== types.length)
    throw new ArgumentError(`the program has ${types.length} output(s), got ${outputs.length} array(s)`);
  types.forEach((t, i) => {
    if (outputs[i].length !== sizeOf(t.shape))
      throw new ArgumentError(
        `output ${i} is ${typeText(t)} (${sizeOf(t.shape)} elements), got an array of ${outputs[i].length} elements`,
      );
  });
}
