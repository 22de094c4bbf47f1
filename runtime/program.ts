// The interface of every runnable program, whatever its target.

import type { PlanInfo, TensorType, TypedArray } from '../ir/plan.ts';

/** Time of one kernel over a profiled run. */
export interface KernelTiming {
  readonly name: string;
  readonly kind: string;
  readonly ops: readonly string[];
  /** Median microseconds of one execution. */
  readonly us: number;
  readonly gflops: number;
  readonly gbs: number;
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
  run(inputs: readonly TypedArray[]): TypedArray[];
  /** Runs `repeats` times kernel by kernel and reports where the time goes. */
  profile(inputs: readonly TypedArray[], repeats?: number): KernelTiming[];
}
