import type { EngineName } from './adapter.ts';
import { artifact } from './artifact.ts';
import { bandwidth } from './bandwidth.ts';
import { checkpoint } from './checkpoint.ts';
import { compileTime, memoryPlan } from './compile-time.ts';
import { fit } from './fit.ts';
import { roofline } from './roofline.ts';
import { scaling } from './scaling.ts';
import { sizes } from './sizes.ts';
import { startup } from './startup.ts';
import { strips } from './strips.ts';
import { tune } from './tune.ts';

export interface ExtraOptions {
  readonly engines: readonly EngineName[];
  readonly threads: number;
  readonly quick: boolean;
}
/** A measurement that is not a repeated run of a program. It prints its table and returns figures. */
export interface Extra {
  readonly name: string;
  readonly about: string;
  run(options: ExtraOptions): Promise<unknown>;
}

export const extras: readonly Extra[] = [
  bandwidth,
  roofline,
  scaling,
  startup,
  artifact,
  sizes,
  compileTime,
  memoryPlan,
  checkpoint,
  fit,
  strips,
  tune,
];
