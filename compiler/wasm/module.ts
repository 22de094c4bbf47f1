// A plan's kernels to one WASM module: `run(tid, nthreads, bind, from, to)` calls the kernels of steps
// from … to-1 in order, with barriers between those that depend on each other. Buffer addresses come
// from the binding table at `bind`, so one module serves any placement and can be cached. Several programs can be in
// one module, which has the kernels that they share once.

import type binaryen from 'binaryen';
import type { Kernel } from '../../ir/kernel/kernel.ts';
import { printKernel } from '../../ir/kernel/print.ts';
import type { ProgramStep } from '../../ir/steps.ts';
import { emitFunctions, emitKernel } from './codegen.ts';
import { emitRun } from './run.ts';
import type { Mod } from './scalar-ops.ts';

export interface ModuleOptions {
  readonly relaxed: boolean;
  /** The memory is shared: barriers are real. */
  readonly shared: boolean;
}

/** Byte addresses in device memory of the words that threads meet at. */
export const barrierWords = { count: 64, generation: 128, mayBlock: 192 } as const;

/** How often a waiting thread looks before it sleeps; about 20 µs. */
const SPINS = 20_000;

/** What a module is made of. */
export interface EmitJob {
  readonly kernels: readonly Kernel[];
  readonly steps: readonly ProgramStep[];
  /** Entries of the binding table. */
  readonly slots: number;
  /** Loops among the steps: their counters. */
  readonly loops: number;
  readonly options: ModuleOptions;
}

/** A program of a module, and the name of its function there. */
export interface NamedJob {
  readonly name: string;
  readonly job: EmitJob;
}

export const emitModule = (b: typeof binaryen, job: EmitJob): binaryen.Module =>
  emitModules(b, [{ name: 'run', job }], job.options);

/** One module of several programs, whose functions have the given names. The memory is imported. */
export function emitModules(b: typeof binaryen, jobs: readonly NamedJob[], opt: ModuleOptions): binaryen.Module {
  const m = emptyModule(b, opt);
  // The import's limits: any memory that the device has fits 1 … 65536 pages.
  m.setMemory(1, 65536, null, [], opt.shared);
  m.addMemoryImport('0', 'env', 'memory', opt.shared);
  emitPrograms(b, m, jobs, opt);
  for (const { name } of jobs) m.addFunctionExport(name, name);
  return m;
}

/** A module that may use what the options allow. */
export function emptyModule(b: typeof binaryen, opt: ModuleOptions): Mod {
  const m = new b.Module();
  const F = b.Features;
  m.setFeatures(
    F.SIMD128 |
      F.MutableGlobals |
      F.NontrappingFPToInt |
      F.BulkMemory |
      F.BulkMemoryOpt |
      F.SignExt |
      (opt.shared ? F.Atomics : 0) |
      (opt.relaxed ? F.RelaxedSIMD : 0),
  );
  return m;
}

/** The functions of programs: each one's own by its name, and the kernels that they call. */
export function emitPrograms(b: typeof binaryen, m: Mod, jobs: readonly NamedJob[], opt: ModuleOptions): void {
  emitBarrier(b, m, opt.shared);
  const options = { relaxed: opt.relaxed, globals: new Set<string>(), functions: new Set<string>() };
  const names = new Map<unknown, string>();
  // The kernels of one program differ.
  const keyOf = (k: Kernel) => (jobs.length > 1 ? printKernel({ ...k, name: 'k' }) : k);
  for (const { name, job } of jobs) {
    const kernels = job.kernels.map((k) => {
      const key = keyOf(k);
      let known = names.get(key);
      if (known === undefined) {
        known = `k${names.size}`;
        names.set(key, known);
        emitKernel(b, m, k, known, options);
      }
      return known;
    });
    emitRun(b, m, name, job, kernels);
  }
  emitFunctions(b, m, options);
}

/**
 * A counting barrier: the last thread to arrive starts a new generation. Waiting threads spin, then
 * sleep, unless they may not block (a browser's main thread) and spin on.
 */
function emitBarrier(b: typeof binaryen, m: Mod, shared: boolean): void {
  const n = m.local.get(0, b.i32);
  if (!shared) {
    m.addFunction('barrier', b.i32, b.none, [], m.nop());
    return;
  }
  const gen = () => m.local.get(1, b.i32);
  const spins = () => m.local.get(2, b.i32);
  const at = (w: number) => m.i32.const(w);
  const load = (w: number) => m.i32.atomic.load(0, at(w));
  const last = m.block(null, [
    m.i32.atomic.store(0, at(barrierWords.count), m.i32.const(0)),
    m.drop(m.i32.atomic.rmw.add(0, at(barrierWords.generation), m.i32.const(1))),
    m.drop(m.memory.atomic.notify(at(barrierWords.generation), m.i32.const(-1))),
  ]);
  const sleep = m.drop(m.memory.atomic.wait32(at(barrierWords.generation), gen(), m.i64.const(-1n)));
  const wait = m.loop(
    'spin',
    m.if(
      m.i32.eq(load(barrierWords.generation), gen()),
      m.block(null, [
        m.local.set(2, m.i32.add(spins(), m.i32.const(1))),
        m.if(m.i32.and(m.i32.gt_s(spins(), m.i32.const(SPINS)), load(barrierWords.mayBlock)), sleep),
        m.br('spin'),
      ]),
    ),
  );
  const body = m.if(
    m.i32.gt_s(n, m.i32.const(1)),
    m.block(null, [
      m.local.set(1, load(barrierWords.generation)),
      m.if(
        m.i32.eq(
          m.i32.add(m.i32.atomic.rmw.add(0, at(barrierWords.count), m.i32.const(1)), m.i32.const(1)),
          m.local.get(0, b.i32),
        ),
        last,
        wait,
      ),
    ]),
  );
  m.addFunction('barrier', b.i32, b.none, [b.i32, b.i32], body);
}
