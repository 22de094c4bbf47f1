// The compiler's door: a graph in, a plan for the runtime out.

import type { Graph } from '../ir/graph.ts';
import '../ir/ops/index.ts';
import type { PassInfo, ProgramPlan, WasmPlan } from '../ir/plan.ts';
import { type Dumper, dumper } from './dump.ts';
import { environment } from './environment.ts';
import type { TargetOptions, Tile } from './lower/kernel-builder.ts';
import type { OpenBatch } from './open/open.ts';
import { type Pass, runPasses } from './pass-runner.ts';
import type { StripOptions } from './passes/strip-chains.ts';
import { afterTuning, forTile, pipelineWith } from './pipeline.ts';
import { refuse } from './refuse.ts';
import { planProgram } from './target.ts';
import { Tunables, type Tuner } from './tuning.ts';
import {
  binaryenReady,
  emitAtOnce,
  emitCached,
  emitFresh,
  emitsAtOnce,
  emitText,
  jobKey,
  loadBinaryen,
} from './wasm/emit.ts';
import { contractionTile, engineText, hasRelaxedSimd } from './wasm/engine.ts';
import type { EmitJob } from './wasm/module.ts';

export interface CompileOptions {
  /** Threads that the program may use; its results do not depend on it. */
  readonly threads?: number;
  /** Forbids instructions whose result the engine may choose (relaxed SIMD). */
  readonly deterministic?: boolean;
  /** Overrides detection: use fused multiply-add or not. */
  readonly relaxed?: boolean;
  /** The device memory is shared between threads. */
  readonly shared: boolean;
  readonly verify?: boolean;
  /** False: no convolution by Winograd's algorithm. */
  readonly winograd?: boolean;
  /** Chooses the schedules of contractions; without one their shapes do. */
  readonly tuner?: Tuner;
  /** Does not keep the module in the cache. */
  readonly transient?: boolean;
  /** Overrides the register tile that suits this engine. */
  readonly tile?: Tile;
  /** How the batch of the graph is open. */
  readonly open?: OpenBatch;
  /** Bounds of the pass `strips`, for tests. */
  readonly strips?: Partial<StripOptions>;
}

export interface Compiled {
  readonly plan: WasmPlan;
  /** The graph after all passes. */
  readonly optimized: Graph;
}

/** A program before its code is generated. */
export interface WasmPlanned {
  readonly plan: ProgramPlan;
  readonly job: EmitJob;
  /** Whether waking other threads pays. */
  readonly parallel: boolean;
  /** The graph after all passes. */
  readonly optimized: Graph;
}

interface Prepared {
  readonly job: EmitJob;
  readonly key: string;
  readonly finish: (module: Uint8Array, emitMs: number) => Compiled;
}

/** A graph after the passes, with what is known of its target. */
interface Optimized {
  readonly graph: Graph;
  readonly passes: readonly PassInfo[];
  readonly relaxed: boolean;
  readonly target: TargetOptions;
  readonly dump: Dumper | null;
  /** What a tuner may choose. */
  readonly tunables: Tunables | null;
}

function optimize(graph: Graph, opt: CompileOptions): Optimized {
  refuse(graph, 'wasm');
  const env = environment();
  const dump = dumper(env.DUMP);
  const passes = pipelineWith({
    strips: opt.strips,
    conv: { winograd: opt.winograd, undecided: opt.tuner !== undefined },
  });
  const done = runPasses(graph, passes, { verify: opt.verify ?? env.VERIFY === '1', dump: dump?.graph });
  refuse(done.graph, 'wasm');
  const relaxed = opt.deterministic ? false : (opt.relaxed ?? hasRelaxedSimd());
  const target = { tile: opt.tile ?? contractionTile(relaxed), threads: opt.threads ?? 1, open: opt.open };
  const tunables = opt.tuner
    ? new Tunables(done.graph, target, `${engineText()}, ${relaxed ? 'relaxed' : 'baseline'}`)
    : null;
  return { ...done, relaxed, target, dump, tunables };
}

/** More passes on what passes have made. */
function further(o: Optimized, graph: Graph, passes: readonly Pass[], opt: CompileOptions, first?: string): Optimized {
  const offset = o.passes.length;
  const done = runPasses(graph, passes, {
    verify: opt.verify ?? environment().VERIFY === '1',
    dump: (i, name, g) => {
      // The input is the last pass's result, unless something else made it.
      if (i > 0 || first) o.dump?.graph(offset + i + 1, i === 0 ? (first as string) : name, g);
    },
  });
  return { ...o, graph: done.graph, passes: [...o.passes, ...done.passes] };
}

/** The graph with the tuner's choices. */
function tuned(o: Optimized, opt: CompileOptions): Optimized {
  if (!o.tunables || !opt.tuner) return o;
  const chosen = o.tunables.apply(opt.tuner.choose(o.tunables.kernels));
  return further(o, chosen, afterTuning, opt, 'schedules');
}

function plan(before: Optimized, opt: CompileOptions): WasmPlanned {
  const decided = tuned(before, opt);
  const { graph, passes, relaxed, target, dump } = further(decided, decided.graph, forTile(before.target.tile), opt);
  const { plan, kernels, steps, slots, loops, parallel } = planProgram(graph, target, passes);
  const job: EmitJob = { kernels, steps, slots, loops, options: { relaxed, shared: opt.shared } };
  dump?.plan(plan, steps, binaryenReady() ? { name: 'module.wat', text: emitText(job) } : undefined);
  return { plan, job, parallel, optimized: graph };
}

function prepare(before: Optimized, opt: CompileOptions): Prepared {
  const { plan: planned, job, parallel, optimized } = plan(before, opt);
  const finish = (module: Uint8Array, emitMs: number): Compiled => ({
    plan: {
      ...planned,
      steps: job.steps.length,
      parallel,
      module,
      info: { ...planned.info, compileMs: { ...planned.info.compileMs, emit: emitMs } },
    },
    optimized,
  });
  return { job, key: jobKey(job), finish };
}

/** A graph as a program of the WASM target, without its code. Throws CompileError for what the target cannot do. */
export const planForWasm = (graph: Graph, opt: CompileOptions): WasmPlanned => plan(optimize(graph, opt), opt);

/** Compiles a graph for the WASM target. Loads the code generator unless the module is cached. */
export async function compileGraph(graph: Graph, opt: CompileOptions): Promise<Compiled> {
  // A dump shows the module's text, which only the code generator can write.
  if (environment().DUMP) await loadBinaryen();
  const optimized = optimize(graph, opt);
  if (optimized.tunables && !opt.tuner?.knows(optimized.tunables.kernels)) await loadBinaryen();
  const p = prepare(optimized, opt);
  const hit = emitCached(p.key);
  if (hit) return p.finish(hit, 0);
  await loadBinaryen();
  const t = performance.now();
  return p.finish(emitFresh(p.job, p.key), performance.now() - t);
}

/**
 * The same at once; null where the code generator is needed and cannot be had at once.
 * @param start whether it may be started for this, which takes about half a second
 */
export function compileGraphSync(graph: Graph, opt: CompileOptions, start = true): Compiled | null {
  const p = prepare(optimize(graph, opt), opt);
  const hit = emitCached(p.key);
  if (hit) return p.finish(hit, 0);
  if (!start && !emitsAtOnce().ready) return null;
  const t = performance.now();
  const bytes = emitAtOnce(p.job, p.key, !opt.transient);
  return bytes && p.finish(bytes, performance.now() - t);
}

/** Whether `compileGraphSync` can work here: the code generator is loaded, or the caller can wait for it. */
export const compilesAtOnce = (): boolean => emitsAtOnce().possible;

/** Whether it costs no start: the code generator is loaded, here or in its helper thread. */
export const compilerReady = (): boolean => emitsAtOnce().ready;

/** The graph that `compileGraph` plans: after all passes. */
export const optimizedGraph = (graph: Graph, opt: CompileOptions): Graph => optimize(graph, opt).graph;

export { type KernelGraph, kernelGraphs, withResults } from './kernel-graphs.ts';
export { type TunableKernel, type Tuner, withSchedule } from './tuning.ts';
export { readText, writeText } from './wasm/cache.ts';
export { loadBinaryen as loadCompiler };
