// Where the time of a program goes: each kernel's time beside its work and what the machine could do at best, as
// a table and as a trace that browsers show.

import { ArgumentError, valueText } from '../../ir/errors.ts';
import type { Storage } from '../../runtime/buffer.ts';
import type { Program, StepRuns } from '../../runtime/program.ts';
import { type Limits, machineLimits } from '../../runtime/wasm/limits.ts';
import { checkOptions } from '../keras/engine/names.ts';

/** How `exe.profile` measures. */
export interface ProfileOptions {
  /** How often the program runs; 20 by default, and 3 times in the interpreter. */
  readonly repeats?: number;
}

/** Time and work of one kernel. */
export interface KernelTiming {
  readonly name: string;
  /** pointwise, rows, contraction, …; `control` for a loop or branch with all that runs in it. */
  readonly kind: string;
  /** The graph operations that it computes. */
  readonly ops: readonly string[];
  /** How often one run of the program calls it. */
  readonly calls: number;
  /** Microseconds of one call: the median. */
  readonly us: number;
  /** Microseconds of all its calls in one run of the program. */
  readonly totalUs: number;
  /** Arithmetic operations of one call. */
  readonly flops: number;
  /** Bytes read and written by one call, each operand once. */
  readonly bytes: number;
  /** 1e9 operations a second. */
  readonly gflops: number;
  /** 1e9 bytes a second. */
  readonly gbs: number;
  /**
   * Of the time that the machine needs at best, how much of the measured one that is:
   * max(flops / peak, bytes / bandwidth) / time. Above 1 where the operands are in a cache.
   */
  readonly share: number;
}

const median = (xs: readonly number[]): number => xs.toSorted((a, b) => a - b)[xs.length >> 1];

function timing({ kernel, starts, ends }: StepRuns, { gflops: peak, gbs: bandwidth }: Limits): KernelTiming {
  const { name, kind, ops, flops, bytes } = kernel;
  // A clock of coarse steps, as pages have it, may see no time pass.
  const us = Math.max(1e-3, median(starts.map((t, i) => (ends[i] - t) * 1e3)));
  const best = Math.max(flops / peak, bytes / bandwidth) / 1e3;
  const rates = { gflops: flops / us / 1e3, gbs: bytes / us / 1e3, share: best / us };
  return { name, kind, ops, calls: 1, us, totalUs: us, flops, bytes, ...rates };
}

/** Steps that run the same code as one kernel: calls and times are added, of the rates the mean remains. */
function merged(steps: readonly KernelTiming[], runs: readonly StepRuns[]): KernelTiming[] {
  const byCode = new Map<string, KernelTiming[]>();
  steps.forEach((s, i) => {
    const key = `${s.name}\n${runs[i].kernel.text}`;
    byCode.set(key, [...(byCode.get(key) ?? []), s]);
  });
  const kernels = [...byCode.values()].map((same): KernelTiming => {
    const totalUs = same.reduce((n, s) => n + s.totalUs, 0);
    const us = totalUs / same.length;
    const [first] = same;
    const scale = first.us / us;
    const rates = { gflops: first.gflops * scale, gbs: first.gbs * scale, share: first.share * scale };
    return { ...first, calls: same.length, us, totalUs, ...rates };
  });
  return kernels.sort((a, b) => b.totalUs - a.totalUs);
}

/** What `exe.profile` measured. `String(profile)` is a table. */
export class Profile {
  /** The kernels, those that take most of the time first; steps that run the same code are one. */
  readonly kernels: readonly KernelTiming[];
  /** The program's steps in order, as `exe.plan.kernels` has them. */
  readonly steps: readonly KernelTiming[];
  /** Microseconds of all kernels: a little more than a run, as each is called on its own. */
  readonly totalUs: number;
  /** What the machine can do at best, with the program's threads; infinite for the interpreter and for a GPU. */
  readonly limits: Limits;
  readonly #runs: readonly StepRuns[];

  constructor(runs: readonly StepRuns[], limits: Limits) {
    this.#runs = runs;
    this.limits = limits;
    this.steps = runs.map((r) => timing(r, limits));
    this.kernels = merged(this.steps, runs);
    this.totalUs = this.steps.reduce((n, s) => n + s.totalUs, 0);
  }

  /** The kernels. */
  [Symbol.iterator](): Iterator<KernelTiming> {
    return this.kernels[Symbol.iterator]();
  }

  /** A table: a line a kernel, the slowest first, and the total; the machine's limits below. */
  toString(): string {
    const of = (k: Pick<KernelTiming, 'totalUs' | 'flops' | 'bytes' | 'share'>, calls: number): string[] => [
      ...[String(calls), (k.totalUs / calls).toFixed(1), `${((100 * k.totalUs) / this.totalUs).toFixed(1)} %`],
      ...[(k.flops / k.totalUs / 1e3).toFixed(1), (k.bytes / k.totalUs / 1e3).toFixed(1)],
      `${(100 * k.share).toFixed(0)} %`,
    ];
    const work = (k: KernelTiming) => ({ ...k, flops: k.flops * k.calls, bytes: k.bytes * k.calls });
    const sum = (get: (k: KernelTiming) => number) => this.kernels.reduce((n, k) => n + get(k), 0);
    const total = {
      totalUs: this.totalUs,
      flops: sum((k) => k.flops * k.calls),
      bytes: sum((k) => k.bytes * k.calls),
      share: sum((k) => k.share * k.totalUs) / this.totalUs,
    };
    const rows = [
      ['kernel', 'calls', 'µs', 'time', 'GFLOP/s', 'GB/s', 'of the limit'],
      ...this.kernels.map((k) => [k.name, ...of(work(k), k.calls)]),
      ['total', ...of(total, 1)],
    ];
    const widths = rows[0].map((_, i) => Math.max(...rows.map((r) => r[i].length)));
    const line = (r: readonly string[]) =>
      r.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ');
    const { gflops, gbs } = this.limits;
    const limits = `limits: ${gflops.toFixed(1)} GFLOP/s, ${gbs.toFixed(1)} GB/s`;
    return [...rows.map(line), ...(Number.isFinite(gflops) ? [limits] : [])].join('\n');
  }

  /**
   * The runs as JSON of Chrome's Trace Event Format, which chrome://tracing and Perfetto show: an event for each run of
   * the program, and in it one for each kernel, with its operations, flops and bytes. The calling thread is shown;
   * others do their part of the same kernel at the same time.
   */
  toChromeTrace(): string {
    const shared = { ph: 'X', pid: 1, tid: 1 };
    const zero = this.#runs[0]?.starts[0] ?? 0;
    // Microseconds in whole nanoseconds: ends and starts that are equal stay so.
    const at = (ms: number) => Math.round((ms - zero) * 1e6) / 1e3;
    const event = (from: number, to: number) => ({ ...shared, ts: at(from), dur: at(to) - at(from) });
    const events: object[] = [
      { name: 'process_name', ph: 'M', pid: 1, args: { name: 'sinter' } },
      { name: 'thread_name', ph: 'M', pid: 1, tid: 1, args: { name: 'program' } },
    ];
    const repeats = this.#runs[0]?.starts.length ?? 0;
    for (let r = 0; r < repeats; r++) {
      const last = this.#runs[this.#runs.length - 1];
      events.push({ name: 'run', cat: 'run', ...event(this.#runs[0].starts[r], last.ends[r]), args: { run: r } });
      for (const { kernel, starts, ends } of this.#runs) {
        const { name, kind, ops, flops, bytes } = kernel;
        events.push({ name, cat: kind, ...event(starts[r], ends[r]), args: { ops: ops.join(' '), flops, bytes } });
      }
    }
    return JSON.stringify({ traceEvents: events, displayTimeUnit: 'ns' });
  }
}

/** More runs than anyone can mean. */
const mostRepeats = 100_000;

/** The number of runs that ProfileOptions ask for. Throws ArgumentError for bad options. */
export function repeatsOf(options: unknown): number | undefined {
  const op = 'profile';
  checkOptions(options, ['repeats'], op);
  const repeats = (options as ProfileOptions | undefined)?.repeats;
  if (repeats !== undefined && !(Number.isInteger(repeats) && repeats >= 1 && repeats <= mostRepeats))
    throw new ArgumentError(`repeats must be a whole number from 1 to ${mostRepeats}, not ${valueText(repeats)}`, {
      op,
      fix: 'such as {repeats: 20}',
    });
  return repeats;
}

const unlimited: Limits = { gflops: Number.POSITIVE_INFINITY, gbs: Number.POSITIVE_INFINITY };

/** Profiles a program on these inputs. */
export const profileOf = (program: Program, inputs: readonly Storage[], repeats?: number): Profile =>
  new Profile(program.profile(inputs, repeats), limitsOf(program));

/** The same for any target. */
export async function profileOfAsync(program: Program, inputs: readonly Storage[], repeats?: number): Promise<Profile> {
  const runs = program.profileAsync?.(inputs, repeats) ?? program.profile(inputs, repeats);
  return new Profile(await runs, limitsOf(program));
}

function limitsOf(program: Program): Limits {
  // The interpreter is not held against the machine, and what a GPU can do is not known.
  if (program.target !== 'wasm') return unlimited;
  const { gflops, gbs } = machineLimits();
  // Cores have their own arithmetic, and share the memory.
  return { gflops: gflops * program.threads, gbs };
}
