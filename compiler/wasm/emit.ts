// From planned kernels to module bytes: through the cache, else through binaryen, which is loaded on
// first use (it takes 0.4 s).

import type binaryenType from 'binaryen';
import { CompileError } from '../../ir/errors.ts';
import type { Kernel } from '../../ir/kernel/kernel.ts';
import { printKernel } from '../../ir/kernel/print.ts';
import { cacheGet, cacheKey, cachePut } from './cache.ts';
import { emitModule, type ModuleOptions, type ModuleStep } from './module.ts';

let binaryen: typeof binaryenType | undefined;
let loading: Promise<void> | undefined;

/** Loads the code generator. */
export async function loadBinaryen(): Promise<void> {
  loading ??= import('binaryen').then((m) => {
    binaryen = m.default;
  });
  await loading;
}
export const binaryenReady = (): boolean => binaryen !== undefined;

export interface EmitJob {
  readonly kernels: readonly Kernel[];
  readonly steps: readonly ModuleStep[];
  readonly slots: number;
  readonly options: ModuleOptions;
}

export const jobKey = (j: EmitJob): string =>
  cacheKey([...j.kernels.map((k) => printKernel({ ...k, name: 'k' })), JSON.stringify(j.steps), j.slots, JSON.stringify(j.options)].join('\n'));

/** The module from the cache, or null. */
export const emitCached = (key: string): Uint8Array | null => cacheGet(key);

/** Generates the module; binaryen must be loaded. */
export function emitFresh(job: EmitJob, key: string): Uint8Array {
  if (!binaryen) throw new CompileError('the code generator is not loaded', { fix: 'await tf.ready() first' });
  const m = emitModule(binaryen, job.kernels, job.steps, job.slots, job.options);
  try {
    const bytes = m.emitBinary();
    cachePut(key, bytes);
    return bytes;
  } finally {
    m.dispose();
  }
}

/** The module as text, for dumps. */
export function emitText(job: EmitJob): string {
  if (!binaryen) throw new CompileError('the code generator is not loaded', { fix: 'await tf.ready() first' });
  const m = emitModule(binaryen, job.kernels, job.steps, job.slots, job.options);
  try {
    return m.emitText();
  } finally {
    m.dispose();
  }
}
