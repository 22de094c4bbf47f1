// What is measured on a GPU: its peak, products of matrices, and the models.

import type { EngineName } from '../src/adapter.ts';
import { gemmCases, matcher, modelCases } from '../src/cases/index.ts';
import type { CaseResult, Job } from '../src/run-case.ts';
import { type Machine, openDevice } from './device.ts';
import { fullEffort, measurePeak, type Peak, smallEffort } from './peak.ts';
import { printCases, printMachine, printPeak, softwareWarning } from './report.ts';

/** What to measure. */
export interface Choice {
  readonly engines: readonly EngineName[];
  readonly quick: boolean;
  /** Patterns of models; by default all, of a software driver the small ones. */
  readonly cases?: readonly string[];
  /** Sides of the matrices. */
  readonly sizes?: readonly string[];
}

export interface GpuFigures {
  readonly machine: Machine;
  readonly peak: Peak;
  readonly gemm: readonly CaseResult[];
  readonly models: readonly CaseResult[];
  /** Cases that died, failed, or were wrong. */
  readonly failed: number;
}
/** Runs a case; null where it died. */
export type Runner = (job: Job) => Promise<CaseResult | null>;

/** What a software driver runs in a reasonable time; of other models it shows what a call costs. */
const smallModels = ['mlp-1', 'mlp-64'];
const softwareSizes = ['128', '256'];
const gpuSizes = ['1024', '2048', '4096', '8192'];

const matches = (patterns: readonly string[], name: string): boolean => patterns.some((p) => matcher(p)(name));

/** The chosen cases. Throws an Error that lists them for a size or a model that there is not. */
function select(choice: Choice, software: boolean): { products: string[]; models: string[] } {
  const sizes = choice.sizes ?? (software ? softwareSizes : gpuSizes);
  const names = modelCases.map((c) => c.name);
  const unknown = [
    ...sizes.filter((s) => !gemmCases.some((c) => c.name === `gemm-${s}`)),
    ...(choice.cases ?? []).filter((p) => p !== '-' && !names.some((n) => matcher(p)(n))),
  ];
  if (unknown.length > 0)
    throw new Error(`there is no size or model ${unknown.join(', ')}; models: ${names.join(', ')}`);
  return {
    products: gemmCases.map((c) => c.name).filter((n) => sizes.includes(n.split('-')[1])),
    models: names.filter((n) => !choice.cases || matches(choice.cases, n)),
  };
}

/** Opens the device, measures and prints everything. Rejects where there is no GPU, or a case has no such name. */
export async function measureGpu(choice: Choice, run: Runner): Promise<GpuFigures> {
  const opened = await openDevice();
  const { machine } = opened;
  const { products, models } = select(choice, machine.software);
  printMachine(machine);
  const { engines } = choice;
  const quick = choice.quick || machine.software;
  const peak = await measurePeak(opened, quick ? smallEffort : fullEffort);
  opened.device.destroy();
  printPeak(peak);

  const each = async (names: readonly string[], dry: (name: string) => boolean): Promise<CaseResult[]> => {
    const results: CaseResult[] = [];
    for (const name of names) {
      const job = { case: name, engines, threads: 1, quick, slow: true, tune: false, gpu: true };
      const result = await run(dry(name) ? { ...job, engines: ['sinter-webgpu'], dry: true } : job);
      if (result) results.push(result);
    }
    return results;
  };
  const gemm = await each(products, () => false);
  printCases('product', gemm, peak);
  const tooSlow = (name: string) => machine.software && !choice.cases && !matches(smallModels, name);
  const measured = await each(models, tooSlow);
  printCases('model', measured, peak);
  if (machine.software) console.log(softwareWarning);

  const right = [...gemm, ...measured].flatMap((r) =>
    r.engines.filter((e) => e.engine === 'sinter-webgpu' && !e.wrong && !e.skipped?.startsWith('failed')),
  );
  return { machine, peak, gemm, models: measured, failed: products.length + models.length - right.length };
}
