// What only Node has: `import { environment } from 'sinter/node'`. The compile cache's folder, and a
// report of what the machine offers, for bug reports and for choosing threads.

import { readdirSync, rmSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { cacheFolder, forgetModules } from '../compiler/wasm/cache.ts';
import { hasRelaxedSimd } from '../compiler/wasm/engine.ts';
import { ArgumentError } from '../ir/errors.ts';
import { wasmDevice } from '../runtime/wasm/device.ts';
import { forgetSchedules } from './trace/tune.ts';

export { cacheFolder };

/**
 * Chooses the folder of the compile cache from here on, or none; without an argument the default of
 * the system. The same as the environment variable SINTER_CACHE, and passed on to child processes.
 */
export function setCacheFolder(folder?: string | null): void {
  if (folder === '') throw new ArgumentError('a folder has a name; null means no cache', { op: 'setCacheFolder' });
  if (folder === undefined) delete process.env.SINTER_CACHE;
  else process.env.SINTER_CACHE = folder ?? 'off';
}

/** Modules of programs, what tuners chose, and this library's own code as V8 compiled it (node-loader.ts): nothing else there is touched. */
const modules = /^\d+-[0-9a-f]{32}-[0-9a-z]+\.wasm$/;
const choices = /^[0-9a-f]{32}-[0-9a-z]+\.schedule\d+$/;
const ownCode = /^(?:index|runtime|node|cli|shared)-[0-9A-Z]{8}-\w+-[^/]+\.code$/;

/** The files of one kind in the cache's folder. */
function cached(kind: RegExp): { path: string; bytes: number }[] {
  const folder = cacheFolder();
  if (!folder) return [];
  try {
    return readdirSync(folder)
      .filter((name) => kind.test(name))
      .map((name) => ({ path: join(folder, name), bytes: statSync(join(folder, name)).size }));
  } catch {
    // Nothing was cached so far, or another process cleared it just now.
    return [];
  }
}

/**
 * Removes the compiled modules of the cache's folder, and says how many there were; those in memory are forgotten, and
 * so are the schedules that `tune: true` chose, and this library's own compiled code.
 */
export function clearCache(): number {
  forgetModules();
  forgetSchedules();
  const found = cached(modules);
  for (const { path } of [...found, ...cached(choices), ...cached(ownCode)]) rmSync(path, { force: true });
  return found.length;
}

/** What this machine and engine offer. */
export interface Environment {
  readonly node: string;
  readonly v8: string;
  readonly platform: string;
  /** Cores that programs may use: more threads than that are of no use. */
  readonly cores: number;
  /** Fused multiply-add (relaxed SIMD); without it contractions multiply, then add. */
  readonly relaxedSimd: boolean;
  /** Memory shared between threads; without it programs run on one thread. */
  readonly sharedMemory: boolean;
  /** Folder of the compile cache, null where there is none, and what it holds. */
  readonly cache: { readonly folder: string | null; readonly modules: number; readonly bytes: number };
}

/** Looks at the environment: put it into bug reports. */
export function environment(): Environment {
  const found = cached(modules);
  return {
    node: process.versions.node,
    v8: process.versions.v8,
    platform: `${process.platform} ${process.arch}`,
    cores: availableParallelism(),
    relaxedSimd: hasRelaxedSimd(),
    sharedMemory: wasmDevice().memory.shared,
    cache: { folder: cacheFolder(), modules: found.length, bytes: found.reduce((n, m) => n + m.bytes, 0) },
  };
}
