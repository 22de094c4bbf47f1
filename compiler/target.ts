// A graph to the plan of a program: its levels planned and assembled, and its signature.

import { MemoryError } from '../ir/errors.ts';
import type { Graph } from '../ir/graph.ts';
import type { Kernel } from '../ir/kernel/kernel.ts';
import type { KernelInfo, PassInfo, WasmPlan } from '../ir/plan.ts';
import { byteSize, sizeOf, typeText } from '../ir/types.ts';
import { Assembler } from './assemble.ts';
import { planLevel } from './level.ts';
import type { TargetOptions } from './lower/kernel-builder.ts';
import { isKernel, type Placement } from './placement.ts';
import type { ModuleStep } from './wasm/module.ts';

/** Bytes that a WebAssembly memory has, less the runtime's own page. */
const ADDRESSABLE = 2 ** 32 - 2 ** 16;

/** A plan without its code, and what the code generator needs. */
export interface Planned {
  readonly plan: Omit<WasmPlan, 'module'>;
  readonly kernels: readonly Kernel[];
  readonly steps: readonly ModuleStep[];
  /** Entries of the binding table: arena, constants, then the states. */
  readonly slots: number;
  /** Loops, each of which has a counter. */
  readonly loops: number;
}

export function planProgram(graph: Graph, options: TargetOptions, passes: readonly PassInfo[]): Planned {
  const start = performance.now();
  const level = planLevel(graph, options);
  checkSize(level);
  const a = new Assembler();
  const f = a.frame(level);
  const { steps, infos } = a.steps(f);
  const tensors = (vs: Graph['params'], saved: boolean) =>
    vs.filter((v) => !v.type.state).map((v) => ({ type: v.type, slot: a.slot(f, v, saved) }));
  const inputs = tensors(graph.params, false);
  const outputs = tensors(graph.results, true);
  // Below some 60 µs of work, waking threads costs more than it gives.
  const micros = infos.reduce((n, k) => n + k.flops / 20e3 + k.bytes / 10e3, 0);
  const { arenaBytes, lowerBound } = level.memory;
  const info = {
    arenaBytes,
    lowerBound,
    constantBytes: a.constantBytes,
    stateBytes: stateBytes(level),
    kernels: infos as readonly KernelInfo[],
    passes,
    compileMs: { passes: passes.reduce((n, x) => n + x.ms, 0), lower: performance.now() - start },
  };
  const plan = {
    inputs,
    outputs,
    states: level.states.map((v) => ({ dtype: v.type.dtype, shape: v.type.shape })),
    constants: a.constants,
    constantBytes: a.constantBytes,
    arenaBytes,
    steps: steps.length,
    parallel: micros > 60 && anyParallel(level),
    info,
  };
  return { plan, kernels: a.kernels, steps, slots: 2 + level.states.length, loops: a.loops };
}

const anyParallel = (level: Placement): boolean =>
  level.steps.some((s) => (isKernel(s) ? s.lowered.parallel : s.bodies.some(anyParallel)));

const stateBytes = (level: Placement): number =>
  level.states.reduce((n, v) => n + sizeOf(v.type.shape) * byteSize(v.type.dtype), 0);

/** WebAssembly addresses 4 GiB: larger plans are refused here, with the largest value's op. */
function checkSize(level: Placement): void {
  const { arenaBytes } = level.memory;
  const states = stateBytes(level);
  if (arenaBytes + states < ADDRESSABLE) return;
  const [v] = [...level.regions].reduce((a, b) => (b[1].bytes > a[1].bytes ? b : a));
  throw new MemoryError(
    `the program needs ${arenaBytes} bytes of arena and ${states} bytes of Variables, and WebAssembly addresses ${ADDRESSABLE}; its largest value is ${typeText(v.type)}`,
    { op: v.node?.op.name ?? v.name, fix: 'use smaller batches, or split the computation' },
  );
}
