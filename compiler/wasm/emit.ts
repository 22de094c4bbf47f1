// From planned kernels to module bytes: through the cache, else through binaryen, which is heavy and
// loaded on first use: here by those who can await it, in a helper thread (blocking.ts) for those who
// cannot.

import type binaryenType from 'binaryen';
import { CompileError } from '../../ir/errors.ts';
import type { Expr } from '../../ir/kernel/expr.ts';
import { calledFunctions, functionText } from '../../ir/kernel/functions.ts';
import { forEachExpr, type Kernel } from '../../ir/kernel/kernel.ts';
import { printKernel } from '../../ir/kernel/print.ts';
import { canBlock, emitBlocking, helperRunning, stopHelper } from './blocking.ts';
import { cacheGet, cacheKey, cachePut } from './cache.ts';
import { type EmitJob, emitModule, emitModules, type NamedJob } from './module.ts';
import { emitStandalone, type StandaloneJob } from './standalone.ts';

let binaryen: typeof binaryenType | undefined;
let loading: Promise<void> | undefined;

/** Loads the code generator. */
export async function loadBinaryen(): Promise<void> {
  loading ??= import('binaryen').then((m) => {
    binaryen = m.default;
    stopHelper();
  });
  await loading;
}
export const binaryenReady = (): boolean => binaryen !== undefined;

/** The kernel functions that a kernel calls, as text. */
function functionsOf(kernels: readonly Kernel[]): string[] {
  const roots: Expr[] = [];
  for (const k of kernels) forEachExpr(k.body, (e) => roots.push(e));
  return [...calledFunctions(roots)].map((f) => `${f}: ${functionText(f)}`);
}

export const jobKey = (j: EmitJob): string =>
  cacheKey(
    [
      ...j.kernels.map((k) => printKernel({ ...k, name: 'k' })),
      ...functionsOf(j.kernels),
      JSON.stringify(j.steps),
      j.slots,
      j.loops,
      JSON.stringify(j.options),
    ].join('\n'),
  );

/** The module from the cache, or null. */
export const emitCached = (key: string): Uint8Array | null => cacheGet(key);

/** Generates the module, and keeps it in the cache; binaryen must be loaded. */
export function emitFresh(job: EmitJob, key: string, keep = true): Uint8Array {
  if (!binaryen) throw new CompileError('the code generator is not loaded', { fix: 'await tf.ready() first' });
  const bytes = bytesOf(emitModule(binaryen, job));
  if (keep) cachePut(key, bytes);
  return bytes;
}

/** Can a module be generated at once: without waiting for binaryen to load, or by waiting for it? */
export const emitsAtOnce = (): { ready: boolean; possible: boolean } => ({
  ready: binaryenReady() || helperRunning(),
  possible: binaryenReady() || canBlock(),
});

/**
 * Generates the module at once, in a helper thread while binaryen is not loaded here; null where that
 * is not possible.
 * @param keep whether the cache keeps it
 */
export function emitAtOnce(job: EmitJob, key: string, keep = true): Uint8Array | null {
  if (binaryenReady()) return emitFresh(job, key, keep);
  const bytes = emitBlocking(job);
  if (bytes && keep) cachePut(key, bytes);
  return bytes;
}

/** The bytes of a module; it is gone then. */
function bytesOf(m: binaryenType.Module): Uint8Array {
  try {
    return m.emitBinary();
  } finally {
    m.dispose();
  }
}

/** One module of several programs. */
export async function emitJoint(jobs: readonly NamedJob[]): Promise<Uint8Array> {
  const b = await generator();
  return bytesOf(emitModules(b, jobs, jobs[0].job.options));
}

/** A module that needs nothing of its host. */
export async function emitAlone(job: StandaloneJob): Promise<Uint8Array> {
  return bytesOf(emitStandalone(await generator(), job));
}

async function generator(): Promise<typeof binaryenType> {
  await loadBinaryen();
  return binaryen as typeof binaryenType;
}

/** The module as text, for dumps. */
export function emitText(job: EmitJob): string {
  if (!binaryen) throw new CompileError('the code generator is not loaded', { fix: 'await tf.ready() first' });
  const m = emitModule(binaryen, job);
  try {
    return m.emitText();
  } finally {
    m.dispose();
  }
}
