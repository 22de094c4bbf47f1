// Artifacts on a GPU. Loaded where that is asked for.

import { arrayFor, type FunctionEntry, type GpuPlan, sizeOf, type TypedArray } from '../../ir/plan.ts';
import type { Storage } from '../buffer.ts';
import { checkInputs } from '../program.ts';
import type { StateCell } from '../state.ts';
import { openGpu } from '../webgpu/device.ts';
import { GpuProgram } from '../webgpu/program.ts';
import type { Runnable } from './model.ts';

/** A program as the artifact has it. */
interface Planned {
  readonly plan: GpuPlan;
  readonly cells: readonly StateCell[];
}

/** What makes the programs of an artifact's functions, their pipelines ready. Rejects with DeviceError where there is no GPU. */
export async function gpuPrograms(
  functions: readonly FunctionEntry[],
  plannedOf: (f: FunctionEntry) => Planned,
): Promise<{ make: (f: FunctionEntry) => Runnable; dispose: () => void }> {
  const device = await openGpu('load');
  const programs = functions.map((f) => {
    const { plan, cells } = plannedOf(f);
    // The program itself takes whole batches.
    const whole = plan.inputs.map(({ type, staging }) => ({ type, staging }));
    return { f, plan, program: new GpuProgram({ ...plan, inputs: whole }, cells, device) };
  });
  for (const { program } of programs) await program.prepare();
  const runnables = new Map(programs.map(({ f, plan, program }) => [f, openBatch(program, plan)]));
  return {
    make: (f) => runnables.get(f) as Runnable,
    dispose: () => {
      for (const { program } of programs) program.dispose();
    },
  };
}

/** A program whose callers' inputs are checked; those of an open batch are filled up, and its outputs cut. */
function openBatch(program: GpuProgram, { inputs, outputs, bound = 0 }: GpuPlan): Runnable {
  const given = bound ? inputs.slice(0, -1) : inputs;
  const runAsync = async (arrays: readonly Storage[]): Promise<TypedArray[]> => {
    const batch = checkInputs(given, arrays, bound);
    if (!bound) return program.runAsync(arrays);
    const whole = arrays.map((x, i) => {
      const { type, unit } = given[i];
      if (!unit) return x;
      const out = arrayFor(type.dtype, sizeOf(type.shape));
      out.set(x as TypedArray);
      return out;
    });
    const results = await program.runAsync([...whole, Int32Array.of(batch)]);
    return results.map((x, i) => (outputs[i].unit ? x.slice(0, (outputs[i].unit as number) * batch) : x));
  };
  return { run: () => program.run(), runInto: () => program.runInto(), runAsync };
}
