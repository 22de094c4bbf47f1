// The compiler's door: a graph in, a plan for the runtime out.

import { CompileError } from '../ir/errors.ts';
import type { Graph } from '../ir/graph.ts';
import '../ir/ops/index.ts';
import type { WasmPlan } from '../ir/plan.ts';
import { isStatic, typeText } from '../ir/types.ts';
import { dumper } from './dump.ts';
import { runPasses } from './pass-runner.ts';
import type { StripOptions } from './passes/strip-chains.ts';
import { pipelineWith } from './pipeline.ts';
import { planProgram } from './target.ts';
import { emitAtOnce, emitCached, emitFresh, emitsAtOnce, jobKey, loadBinaryen } from './wasm/emit.ts';
import { contractionTile, hasRelaxedSimd } from './wasm/engine.ts';
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
  /** Bounds of the pass `strips`, for tests. */
  readonly strips?: Partial<StripOptions>;
}

export interface Compiled {
  readonly plan: WasmPlan;
  /** The graph after all passes. */
  readonly optimized: Graph;
}

interface Prepared {
  readonly job: EmitJob;
  readonly key: string;
  readonly finish: (module: Uint8Array, emitMs: number) => Compiled;
}

const environment = (): Record<string, string | undefined> =>
  (globalThis as { process?: { env?: Record<string, string | undefined> } }).process?.env ?? {};

function prepare(graph: Graph, opt: CompileOptions): Prepared {
  refuse(graph);
  const env = environment();
  const dump = dumper(env.DUMP);
  const { graph: optimized, passes } = runPasses(graph, pipelineWith(opt.strips), {
    verify: opt.verify ?? env.VERIFY === '1',
    dump: dump?.graph,
  });
  refuse(optimized);
  const relaxed = opt.deterministic ? false : (opt.relaxed ?? hasRelaxedSimd());
  const planned = planProgram(optimized, { tile: contractionTile(relaxed), threads: opt.threads ?? 1 }, passes);
  const job: EmitJob = {
    kernels: planned.kernels,
    steps: planned.steps,
    slots: planned.slots,
    loops: planned.loops,
    options: { relaxed, shared: opt.shared },
  };
  dump?.plan(planned.plan, job);
  const finish = (module: Uint8Array, emitMs: number): Compiled => ({
    plan: {
      ...planned.plan,
      module,
      info: { ...planned.plan.info, compileMs: { ...planned.plan.info.compileMs, emit: emitMs } },
    },
    optimized,
  });
  return { job, key: jobKey(job), finish };
}

/** What the WASM target cannot do is refused here, by name. */
function refuse(g: Graph): void {
  for (const v of [...g.params, ...g.nodes.flatMap((n) => n.outputs)])
    if (!isStatic(v.type.shape))
      throw new CompileError(`the wasm target needs fixed shapes, got ${typeText(v.type)}`, {
        op: v.node?.op.name ?? v.name,
        fix: 'compile with a number for the batch size',
      });
  for (const n of g.nodes) n.regions.forEach(refuse);
}

/** Compiles a graph for the WASM target. Loads the code generator unless the module is cached. */
export async function compileGraph(graph: Graph, opt: CompileOptions): Promise<Compiled> {
  // A dump shows the module's text, which only the code generator can write.
  if (environment().DUMP) await loadBinaryen();
  const p = prepare(graph, opt);
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
  const p = prepare(graph, opt);
  const hit = emitCached(p.key);
  if (hit) return p.finish(hit, 0);
  if (!start && !emitsAtOnce().ready) return null;
  const t = performance.now();
  const bytes = emitAtOnce(p.job, p.key);
  return bytes && p.finish(bytes, performance.now() - t);
}

/** Whether `compileGraphSync` can work here: the code generator is loaded, or the caller can wait for it. */
export const compilesAtOnce = (): boolean => emitsAtOnce().possible;

/** Whether it costs no start: the code generator is loaded, here or in its helper thread. */
export const compilerReady = (): boolean => emitsAtOnce().ready;

export { loadBinaryen as loadCompiler };
