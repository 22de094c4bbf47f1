// A plan's kernels to one WASM module: `run(tid, nthreads, bind, from, to)` calls the kernels of steps
// from … to-1 in order, with barriers between those that depend on each other. Buffer addresses come
// from the binding table at `bind`, so one module serves any placement and can be cached.

import type binaryen from 'binaryen';
import type { Kernel } from '../../ir/kernel/kernel.ts';
import { emitFunctions, emitKernel } from './codegen.ts';
import type { Mod, Ref } from './scalar-ops.ts';

/** One call of a kernel: which buffers it gets. */
export interface ModuleStep {
  readonly kernel: number;
  /** Wait for all threads before this step. */
  readonly barrier: boolean;
  /** Per kernel buffer: the entry of the binding table, and bytes to add. */
  readonly args: readonly { readonly slot: number; readonly offset: number }[];
}

export interface ModuleOptions {
  readonly relaxed: boolean;
  /** The memory is shared: barriers are real. */
  readonly shared: boolean;
}

/** Byte addresses in device memory of the words that threads meet at. */
export const barrierWords = { count: 64, generation: 128, mayBlock: 192 } as const;

/** How often a waiting thread looks before it sleeps; about 20 µs. */
const SPINS = 20_000;

export function emitModule(
  b: typeof binaryen,
  kernels: readonly Kernel[],
  steps: readonly ModuleStep[],
  slots: number,
  opt: ModuleOptions,
): binaryen.Module {
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
  // The import's limits: any memory that the device has fits 1 … 65536 pages.
  m.setMemory(1, 65536, null, [], opt.shared);
  m.addMemoryImport('0', 'env', 'memory', opt.shared);
  emitBarrier(b, m, opt.shared);
  const options = { relaxed: opt.relaxed, globals: new Set<string>(), functions: new Set<string>() };
  kernels.forEach((k, i) => {
    emitKernel(b, m, k, `k${i}`, options);
  });
  emitFunctions(b, m, options);
  emitRun(b, m, steps, slots);
  m.addFunctionExport('run', 'run');
  return m;
}

function emitRun(b: typeof binaryen, m: Mod, steps: readonly ModuleStep[], slots: number): void {
  const local = (i: number) => m.local.get(i, b.i32);
  const [tid, nthreads, bind, from, to] = [0, 1, 2, 3, 4];
  const base = 5;
  const body: Ref[] = [];
  for (let s = 0; s < slots; s++) body.push(m.local.set(base + s, m.i32.load(4 * s, 4, local(bind))));
  steps.forEach((step, i) => {
    const calls: Ref[] = [];
    if (step.barrier) calls.push(m.call('barrier', [local(nthreads)], b.none));
    const args = step.args.map((a) =>
      a.offset === 0 ? local(base + a.slot) : m.i32.add(local(base + a.slot), m.i32.const(a.offset)),
    );
    calls.push(m.call(`k${step.kernel}`, [...args, local(tid), local(nthreads)], b.none));
    const inRange = m.i32.and(m.i32.le_s(local(from), m.i32.const(i)), m.i32.gt_s(local(to), m.i32.const(i)));
    body.push(m.if(inRange, m.block(null, calls)));
  });
  // Nobody leaves before everybody is done: the caller reads the outputs.
  body.push(m.call('barrier', [local(nthreads)], b.none));
  m.addFunction(
    'run',
    b.createType([b.i32, b.i32, b.i32, b.i32, b.i32]),
    b.none,
    new Array<number>(slots).fill(b.i32),
    m.block(null, body),
  );
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
