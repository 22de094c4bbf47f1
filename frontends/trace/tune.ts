// The autotuner: times the schedules that a contraction can have on the device at hand, each kernel as a program
// of its own, and keeps the fastest, in memory and in the compile cache.

import {
  type CompileOptions,
  compileGraphSync,
  readText,
  type TunableKernel,
  type Tuner,
  withSchedule,
  writeText,
} from '../../compiler/index.ts';
import { CompileError, MemoryError } from '../../ir/errors.ts';
import { arrayFor, type TypedArray } from '../../ir/literal.ts';
import type { TunedInfo } from '../../ir/plan.ts';
import { sizeOf, type TensorType } from '../../ir/types.ts';
import type { Storage } from '../../runtime/buffer.ts';
import { WasmBuffer } from '../../runtime/wasm/buffer.ts';
import { wasmDevice } from '../../runtime/wasm/device.ts';
import { WasmProgram } from '../../runtime/wasm/program.ts';

/** Milliseconds that a program's kernels are timed for, roughly. */
const LIMIT_MS = 2000;
/** Kernels below this many operations take less than 20 µs on any machine. */
const LEAST_FLOPS = 2e5;
const LEAST_MICROS = 20;
/** Milliseconds that a candidate runs in each round before it is timed: the engine optimizes its code meanwhile. */
const WARM_MS = 5;
const WARM_ROUNDS = 3;
const ROUND_MS = 2;
const ROUNDS = 5;
/** A candidate this much behind the best is timed no further. */
const BEHIND = 1.3;
/** The same before anything but a warm-up is known. */
const FAR_BEHIND = 1.6;
/** What takes the place of the default has to be faster by more than the noise. */
const GAIN = 0.95;
/** Of one kernel, of what is left of the time; less than that many milliseconds say nothing. */
const SHARE = 1 / 3;
const LEAST_MS = 300;
/** Runs of the default that have to fit into the time. */
const FEWEST_RUNS = 5;

/** Name of the entries in the cache's folder; the number changes with what schedules mean. */
const ENTRY = 'schedule1';
const MOST_KNOWN = 4096;
/** Choices by the kernels' keys. */
const known = new Map<string, string>();

/** Forgets the choices in memory; those on disk stay. */
export function forgetSchedules(): void {
  known.clear();
}

function knownChoice(kernel: TunableKernel): string | undefined {
  const { key, candidates } = kernel;
  const choice = known.get(key) ?? readText(ENTRY, key) ?? undefined;
  if (choice === undefined || !candidates.includes(choice)) return undefined;
  remember(key, choice);
  return choice;
}
function remember(key: string, choice: string): void {
  if (known.size >= MOST_KNOWN) known.delete(known.keys().next().value as string);
  known.set(key, choice);
}

const isTiny = (k: TunableKernel): boolean => k.flops < LEAST_FLOPS;

/** A schedule with its program and its times. */
interface Entry {
  readonly schedule: string;
  readonly program: WasmProgram;
  /** Microseconds of a run, one figure a round. */
  readonly times: number[];
}

/** Chooses by measuring. One for each program; what it found out is shared by all. */
export class TimingTuner implements Tuner {
  readonly #options: CompileOptions;
  readonly #limit: number;
  #info: TunedInfo = { timed: 0, found: 0, left: 0, ms: 0 };

  /**
   * @param options what the program is compiled for
   * @param limit milliseconds for all of its kernels
   */
  constructor(options: CompileOptions, limit = LIMIT_MS) {
    const { threads, deterministic, relaxed, shared } = options;
    this.#options = { threads, deterministic, relaxed, shared, transient: true };
    this.#limit = limit;
  }

  /** What was done so far. */
  get info(): TunedInfo {
    return this.#info;
  }

  knows(kernels: readonly TunableKernel[]): boolean {
    return kernels.every((k) => isTiny(k) || knownChoice(k) !== undefined);
  }

  choose(kernels: readonly TunableKernel[]): readonly string[] {
    const start = performance.now();
    const chosen = kernels.map((k) => (isTiny(k) ? k.candidates[0] : knownChoice(k)));
    const found = kernels.filter((k, i) => !isTiny(k) && chosen[i] !== undefined).length;
    const open = kernels.map((_, i) => i).filter((i) => chosen[i] === undefined);
    let [tried, timed] = [0, 0];
    for (const i of open.sort((x, y) => kernels[y].flops - kernels[x].flops)) {
      const left = this.#limit - (performance.now() - start);
      if (left < LEAST_MS) break;
      tried++;
      const best = timeKernel(kernels[i], this.#options, Math.max(left * SHARE, LEAST_MS));
      if (best === null) continue;
      timed++;
      chosen[i] = best;
      remember(kernels[i].key, best);
      writeText(ENTRY, kernels[i].key, best);
    }
    this.#info = { timed, found, left: open.length - timed, ms: tried ? performance.now() - start : 0 };
    return chosen.map((c, i) => c ?? kernels[i].candidates[0]);
  }
}

/** The fastest schedule of a kernel; null where the time was too short to say, or nothing can be compiled now. */
function timeKernel(kernel: TunableKernel, options: CompileOptions, limit: number): string | null {
  const end = performance.now() + limit;
  const inputs: Storage[] = [];
  const entries: Entry[] = [];
  try {
    for (const { type } of kernel.graph.params) inputs.push(upload(type, plausible(type)));
    for (const schedule of kernel.candidates) {
      if (performance.now() > end) return null;
      const program = compile(kernel, schedule, options, entries);
      if (program === null && entries.length === 0) return null;
      if (!program) continue;
      entries.push({ schedule, program, times: [] });
      if (entries.length > 1) continue;
      let us = warmUp(entries[0], inputs);
      // The first run of a long kernel is that of code that is not optimized yet.
      if (us > 1000 * WARM_MS) us = warmUp(entries[0], inputs);
      // What is over at once is not worth the time; what takes too long cannot be compared in it.
      if (us < LEAST_MICROS) return schedule;
      if (us * FEWEST_RUNS > 1000 * limit) return null;
    }
    return fastest(entries, inputs, end);
  } catch (e) {
    // The program itself may still fit.
    if (e instanceof MemoryError) return null;
    throw e;
  } finally {
    for (const e of entries) e.program.dispose();
    for (const x of inputs) if (x instanceof WasmBuffer) x.release();
  }
}

/** A program of the kernel with that schedule; null where it cannot be had, or is one that there is already. */
function compile(
  kernel: TunableKernel,
  schedule: string,
  options: CompileOptions,
  entries: readonly Entry[],
): WasmProgram | null {
  try {
    const compiled = compileGraphSync(withSchedule(kernel, schedule), options);
    if (!compiled) return null;
    const { plan } = compiled;
    const text = (p: WasmProgram['plan']) => p.kernels.map((k) => k.text).join('\n');
    if (entries.some((e) => text(e.program.plan) === text(plan.info))) return null;
    const threads = options.threads ?? 1;
    // The program that it is a part of may be large enough for threads where it alone is not.
    return new WasmProgram({ ...plan, parallel: threads > 1 }, [], wasmDevice(), threads);
  } catch (e) {
    if (!(e instanceof CompileError || e instanceof MemoryError)) throw e;
    return null;
  }
}

/** Runs all in turn; the median of the rounds decides. */
function fastest(entries: readonly Entry[], inputs: readonly Storage[], end: number): string {
  const [standard] = entries;
  const warm = new Map<Entry, number>();
  for (let round = 0; round < WARM_ROUNDS; round++)
    for (const e of entries) if (round === 0 || performance.now() < end) warm.set(e, warmUp(e, inputs));
  const least = Math.min(...warm.values());
  let running = entries.filter((e) => e === standard || (warm.get(e) as number) < FAR_BEHIND * least);
  for (let round = 0; round < ROUNDS && running.length > 1; round++) {
    for (const e of running) e.times.push(microseconds(e, inputs, runsFor(ROUND_MS, warm.get(e) as number)));
    const best = Math.min(...running.map((e) => middle(e.times)));
    if (performance.now() > end) break;
    if (round > 0) running = running.filter((e) => middle(e.times) < BEHIND * best);
  }
  const measured = entries.filter((e) => e.times.length > 0);
  const best = measured.reduce((x, y) => (middle(y.times) < middle(x.times) ? y : x), standard);
  if (best === standard || middle(best.times) > GAIN * middle(standard.times)) return standard.schedule;
  // The best of several is often the luckiest: it has to win once more.
  const again = Array.from({ length: ROUNDS }, () => {
    const [x, y] = [best, standard].map((e) => microseconds(e, inputs, runsFor(ROUND_MS, warm.get(e) as number)));
    return x / y;
  });
  return middle(again) < GAIN ? best.schedule : standard.schedule;
}

const middle = (xs: readonly number[]): number => xs.slice().sort((a, b) => a - b)[xs.length >> 1];

/** As many runs of so many microseconds as fill that time. */
const runsFor = (ms: number, us: number): number => Math.max(1, Math.min(50, Math.round((1000 * ms) / us)));

/** Runs for a while; gives the microseconds of a run at the end of it. */
function warmUp(e: Entry, inputs: readonly Storage[]): number {
  const end = performance.now() + WARM_MS;
  let us = microseconds(e, inputs, 1);
  while (performance.now() < end) us = microseconds(e, inputs, runsFor(1, us));
  return us;
}

/** Of one run without the way of its inputs: the median of some. */
function microseconds(e: Entry, inputs: readonly Storage[], repeats: number): number {
  const steps = e.program.profile(inputs, repeats);
  const [first, last] = [steps[0], steps[steps.length - 1]];
  return 1000 * middle(last.ends.map((end, i) => end - first.starts[i]));
}

/** Numbers as networks have them: floats in [-1, 1); integers are indices, of which 0 is always one. */
function plausible(t: TensorType): TypedArray {
  const a = arrayFor(t.dtype, sizeOf(t.shape));
  if (t.dtype === 'f32' || t.dtype === 'f64' || t.dtype === 'f16')
    for (let i = 0; i < a.length; i++) a[i] = 2 * Math.random() - 1;
  return a;
}

/** In device memory where it is large, so that runs do not copy it. */
const upload = (t: TensorType, data: TypedArray): Storage => wasmDevice().buffers.upload(t.dtype, data) ?? data;
