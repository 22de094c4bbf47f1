// Where a program's time goes on a GPU, by the GPU's own clock.

import { DeviceError, type KernelInfo } from '../../ir/plan.ts';
import type { StepRuns } from '../program.ts';
import type { Encoder } from './encoder.ts';
import type { Tape } from './tape.ts';

export async function profileOnGpu(
  _encoder: Encoder,
  _tape: Tape,
  _kernels: readonly KernelInfo[],
  _repeats: number,
): Promise<StepRuns[]> {
  throw new DeviceError('not yet');
}
