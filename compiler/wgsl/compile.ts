// A graph to the plan of a GPU program. WGSL is text: nothing has to be loaded for it, so this is done at once.

import type { Graph } from '../../ir/graph.ts';
import '../../ir/ops/index.ts';
import type { GpuKernel, GpuPlan } from '../../ir/plan.ts';
import type { Address, ProgramStep } from '../../ir/steps.ts';
import { byteSize, typeText } from '../../ir/types.ts';
import { type Dumper, dumper } from '../dump.ts';
import { environment } from '../environment.ts';
import type { GpuTarget } from '../lower/kernel-builder.ts';
import { runPasses } from '../pass-runner.ts';
import { pipelineWith } from '../pipeline.ts';
import { type Refusal, refuse } from '../refuse.ts';
import { planProgram } from '../target.ts';
import { shadersOf } from './codegen.ts';

export interface GpuCompileOptions {
  readonly gpu: GpuTarget;
  readonly verify?: boolean;
}

export interface GpuCompiled {
  readonly plan: GpuPlan;
  /** The graph after all passes. */
  readonly optimized: Graph;
}

/** Compiles a graph for WebGPU. Throws CompileError, with the operation's name, for what WGSL cannot do. */
export function compileForGpu(graph: Graph, opt: GpuCompileOptions): GpuCompiled {
  const dump = dumper(environment().DUMP);
  const done = optimize(graph, { ...opt, dump });
  const start = performance.now();
  const planned = planProgram(done.graph, { tile: { mr: 4, nr: 8, unroll: 1 }, threads: 1, gpu: opt.gpu }, done.passes);
  const alignments = alignmentsOf(planned.steps, planned.kernels.length);
  const kernels = planned.kernels.map((k, i) => ({
    shaders: shadersOf(k, opt.gpu, { ops: planned.opsOf(k), aligned: alignments[i] }),
    units: k.buffers.filter((b) => b.role !== 'shared').map((b) => byteSize(b.ty)),
    ops: planned.opsOf(k),
  }));
  dump?.plan(planned.plan, planned.steps, { name: 'shaders.wgsl', text: kernels.map(shadersText).join('\n') });
  const { info } = planned.plan;
  return {
    plan: {
      ...planned.plan,
      kernels,
      steps: planned.steps,
      loops: planned.loops,
      segment: opt.gpu.segment ?? Number.POSITIVE_INFINITY,
      info: { ...info, compileMs: { ...info.compileMs, emit: performance.now() - start } },
    },
    optimized: done.graph,
  };
}

const shadersText = (k: GpuKernel, i: number): string =>
  k.shaders
    .map((s, j) => `// kernel ${i}, dispatch ${j}: ${k.ops.join(' ')}, ${s.groups} workgroups\n${s.code}`)
    .join('\n');

function optimize(graph: Graph, { verify, dump }: { verify?: boolean; dump?: Dumper | null } = {}) {
  refuse(graph, 'webgpu', noDoubles);
  // Large attention is no problem of a cache here, and convolutions are products of patches.
  const passes = pipelineWith({
    strips: { limit: Number.POSITIVE_INFINITY },
    conv: { winograd: false, padsItself: false },
  });
  const done = runPasses(graph, passes, { verify: verify ?? environment().VERIFY === '1', dump: dump?.graph });
  refuse(done.graph, 'webgpu', noDoubles);
  return done;
}

/** The graph that `compileForGpu` plans: after all passes. */
export const optimizedForGpu = (graph: Graph): Graph => optimize(graph).graph;

/** Per kernel and buffer: does every call give a place at a multiple of 16 bytes? Slots start at such. */
function alignmentsOf(steps: readonly ProgramStep[], kernels: number): boolean[][] {
  const out: boolean[][] = Array.from({ length: kernels }, () => []);
  const fits = (a: Address) => a.offset % 16 === 0 && (a.strides ?? []).every((s) => s.bytes % 16 === 0);
  const visit = (list: readonly ProgramStep[]): void => {
    for (const s of list) {
      if (s.kind === 'call') {
        const known = out[s.kernel];
        s.args.forEach((a, i) => {
          known[i] = (known[i] ?? true) && fits(a);
        });
      } else if (s.kind === 'loop') {
        visit(s.test?.steps ?? []);
        visit(s.body);
      } else for (const b of s.branches) visit(b);
    }
  };
  visit(steps);
  return out;
}

const noDoubles: Refusal = (v) =>
  v.type.dtype === 'f64'
    ? {
        message: `GPUs have no float64 in WGSL, and this is ${typeText(v.type)}`,
        fix: "cast to 'float32', or target wasm",
      }
    : undefined;
