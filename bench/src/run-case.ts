// Runs one case: prepares every engine, checks that they agree, then times them.

import { type Engine, type EngineName, loadEngine, type Prepared } from './adapter.ts';
import { type Case, checkedSteps, type Operands } from './case.ts';
import { cases, gemmCases } from './cases/index.ts';
import { relativeError } from './compare.ts';
import { golden } from './golden/stored.ts';
import { compareTimes, fullPlan, gpuPlan, type Plan, quickPlan, type Timing } from './measure.ts';
import { reference } from './reference/index.ts';

export interface Job {
  readonly case: string;
  readonly engines: readonly EngineName[];
  readonly threads: number;
  readonly quick: boolean;
  readonly slow: boolean;
  readonly tune: boolean;
  /** Whether the engines run on a GPU. */
  readonly gpu?: boolean;
  /** Prepares the engines, and runs nothing. */
  readonly dry?: boolean;
}
/** How engines come: `loadEngine`, or a test's own way. */
export type Loader = typeof loadEngine;
export interface EngineResult {
  readonly engine: EngineName;
  readonly skipped?: string;
  /** Largest difference from the reference, relative to the reference's largest element. */
  readonly error?: number;
  readonly wrong?: boolean;
  readonly timing?: Timing;
  /** Milliseconds from the operands to the first result, compilation included. */
  readonly firstRun?: number;
  readonly notes?: Readonly<Record<string, number>>;
}
export interface CaseResult {
  readonly case: string;
  readonly about: string;
  readonly comparedTo: string;
  readonly flops: number;
  readonly bytes: number;
  readonly tolerance: number;
  readonly engines: readonly EngineResult[];
}

const firstLine = (e: unknown): string => String(e instanceof Error ? e.message : e).split('\n')[0];

/** The float64 result; null where it should be stored and is not yet. */
function expectedOutput(c: Case, operands: Operands): ArrayLike<number> | null {
  if (c.kind === 'train' || c.storedReference) return golden(c.name);
  const exact = Object.fromEntries(
    Object.entries(operands).map(([k, v]) => [k, { shape: v.shape, data: Float64Array.from(v.data) }]),
  );
  return c.build(reference, exact).data;
}

/** The result of a run or the losses of the first steps, and when the first of them was there. */
async function firstOutput(c: Case, p: Prepared, start: number) {
  await p.run();
  const firstRun = performance.now() - start;
  const first = await p.output();
  if (c.kind === 'inference') return { output: first, firstRun };
  const losses = [first[0]];
  while (losses.length < checkedSteps) {
    await p.run();
    losses.push((await p.output())[0]);
  }
  return { output: Float32Array.from(losses), firstRun };
}

/** An engine that is ready to be timed, or the reason why it is not. */
type Attempt =
  | { readonly engine: EngineName; readonly skipped: string; readonly notes?: Prepared['notes'] }
  | {
      readonly engine: EngineName;
      readonly skipped?: undefined;
      readonly prepared: Prepared;
      readonly output: Float32Array;
      readonly firstRun: number;
      readonly notes?: Prepared['notes'];
    };

async function prepareEngine(job: Job, c: Case, name: EngineName, operands: Operands, load: Loader): Promise<Attempt> {
  let engine: Engine;
  try {
    engine = await load(name, { threads: job.threads, tune: job.tune });
  } catch (e) {
    return { engine: name, skipped: firstLine(e) };
  }
  const reason = engine.cannot(c) ?? (job.slow ? undefined : engine.slow?.(c));
  if (reason) return { engine: name, skipped: reason };
  try {
    const start = performance.now();
    const prepared = await engine.prepare(c, operands);
    if (job.dry) return { engine: name, skipped: 'not run', notes: prepared.notes };
    return { engine: name, prepared, ...(await firstOutput(c, prepared, start)), notes: prepared.notes };
  } catch (e) {
    return { engine: name, skipped: `failed: ${firstLine(e)}` };
  }
}

/** How far a result is off; the first engine's stands for the truth where nothing else says it. */
function judge(c: Case, operands: Operands, ready: readonly Attempt[]) {
  const first = ready.find((r) => r.skipped === undefined);
  const { check } = c;
  if (!first || check) return { comparedTo: 'float64', errorOf: (x: Float32Array) => check?.(operands, x) ?? 0 };
  const exact = expectedOutput(c, operands);
  const expected = exact ?? first.output;
  return { comparedTo: exact ? 'float64' : first.engine, errorOf: (x: Float32Array) => relativeError(x, expected) };
}

function planOf(job: Job): Plan {
  if (job.gpu) return job.quick ? { ...gpuPlan, rounds: 3, roundMs: 30, warmMs: 50 } : gpuPlan;
  return { ...(job.quick ? quickPlan : fullPlan), restMs: job.threads > 1 ? 100 : 0 };
}

export async function runCase(job: Job, load: Loader = loadEngine): Promise<CaseResult> {
  const c = [...cases, ...gemmCases].find((x) => x.name === job.case);
  if (!c) throw new Error(`there is no case ${job.case}`);
  const operands = c.operands();
  const ready: Attempt[] = [];
  for (const name of job.engines) ready.push(await prepareEngine(job, c, name, operands, load));

  const { comparedTo, errorOf } = judge(c, operands, ready);
  const timed = new Map<string, Prepared>();
  const results: EngineResult[] = [];
  for (const r of ready) {
    if (r.skipped !== undefined) {
      results.push(r);
      continue;
    }
    const error = errorOf(r.output);
    // A few times the tolerance is another rounding; a hundred times is another function.
    const wrong = !(error <= 100 * c.tolerance);
    results.push({ engine: r.engine, error, wrong, firstRun: r.firstRun, notes: r.notes });
    if (!wrong) timed.set(r.engine, r.prepared);
  }
  const times = await compareTimes(timed, planOf(job));
  return {
    case: c.name,
    about: c.about,
    comparedTo,
    flops: c.flops,
    bytes: c.bytes,
    tolerance: c.tolerance,
    engines: results.map((r) => {
      const measured = timed.get(r.engine)?.measured?.();
      return { ...r, ...(measured ? { notes: { ...r.notes, ...measured } } : {}), timing: times.get(r.engine) };
    }),
  };
}
