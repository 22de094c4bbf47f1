// Where a program's time goes on a GPU, by the GPU's own clock.

import type { KernelInfo } from '../../ir/plan.ts';
import type { StepRuns } from '../program.ts';
import type { Clock } from './clock.ts';
import type { GpuDevice } from './device.ts';

/**
 * Runs a program several times and adds up the times of each step's dispatches. A step ends after its own time: what
 * the GPU did between its dispatches, and waiting for JavaScript in open loops, does not count.
 * @param run hands the program over once, its dispatches timed
 */
export async function profileOnGpu(
  device: GpuDevice,
  clock: Clock,
  run: () => void | Promise<void>,
  kernels: readonly KernelInfo[],
  repeats: number,
): Promise<StepRuns[]> {
  const steps = kernels.map((kernel) => ({ kernel, starts: [] as number[], ends: [] as number[] }));
  for (let r = 0; r < repeats; r++) {
    device.stream.run(run);
    await device.stream.done();
    const timed = await clock.read();
    let last = timed[0]?.start ?? 0;
    steps.forEach((s, i) => {
      const own = timed.filter((t) => t.step === i);
      const start = Math.max(last, own[0]?.start ?? last);
      last = start + own.reduce((n, t) => n + (t.end - t.start), 0);
      s.starts.push(start);
      s.ends.push(last);
    });
  }
  return steps;
}
