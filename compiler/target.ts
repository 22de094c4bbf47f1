// A graph to the plan of a program: its levels planned and assembled, and its signature.

import { MemoryError } from '../ir/errors.ts';
import type { Graph, Value } from '../ir/graph.ts';
import type { Kernel } from '../ir/kernel/kernel.ts';
import type { KernelInfo, PassInfo, Port, ProgramPlan } from '../ir/plan.ts';
import type { ProgramStep } from '../ir/steps.ts';
import { typeBytes, typeText } from '../ir/types.ts';
import { Assembler } from './assemble.ts';
import { planLevel } from './level.ts';
import type { TargetOptions } from './lower/kernel-builder.ts';
import { aligned, inSegment } from './passes/memory.ts';
import { isKernel, type Placement } from './placement.ts';

/** Bytes that a WebAssembly memory has, less the runtime's own page. */
const ADDRESSABLE = 2 ** 32 - 2 ** 16;

/** A plan without its code, and what the code generator needs. */
export interface Planned {
  readonly plan: ProgramPlan;
  readonly kernels: readonly Kernel[];
  /** Graph operations that the first use of a kernel computes. */
  readonly opsOf: (k: Kernel) => readonly string[];
  /** False where the whole program is too small to pay for waking other threads. */
  readonly parallel: boolean;
  readonly steps: readonly ProgramStep[];
  /** Entries of the binding table: arena, constants, then the states. */
  readonly slots: number;
  /** Loops, each of which has a counter. */
  readonly loops: number;
}

export function planProgram(graph: Graph, options: TargetOptions, passes: readonly PassInfo[]): Planned {
  const start = performance.now();
  const level = planLevel(graph, options, { results: true });
  const segment = options.gpu?.segment;
  if (segment !== undefined) checkSegment(level, segment);
  const a = new Assembler(segment);
  const f = a.frame(level);
  const { steps, infos } = a.steps(f);
  // Below some 60 µs of work, waking threads costs more than it gives.
  const micros = infos.reduce((n, k) => n + k.flops / 20e3 + k.bytes / 10e3, 0);
  // Callers with plain arrays stage inputs and outputs behind the temporaries.
  let staged = level.memory.arenaBytes;
  const ports = (vs: Graph['params']): Port[] =>
    vs
      .filter((v) => !v.type.state)
      .map(({ type }) => {
        const staging = inSegment(staged, aligned(typeBytes(type)), segment);
        staged = staging + aligned(typeBytes(type));
        return { type, staging };
      });
  const [inputs, outputs] = [ports(graph.params), ports(graph.results)];
  if (!options.gpu) checkSize(level, staged);
  const lowerBound = level.memory.lowerBound + staged - level.memory.arenaBytes;
  const info = {
    arenaBytes: staged,
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
    arenaBytes: staged,
    info,
  };
  return {
    plan,
    parallel: micros > 60 && anyParallel(level),
    opsOf: (k) => a.ops.get(k) ?? [],
    kernels: a.kernels,
    steps,
    slots: 2 + level.states.length + inputs.length + outputs.length,
    loops: a.loops,
  };
}

const anyParallel = (level: Placement): boolean =>
  level.steps.some((s) => (isKernel(s) ? s.lowered.parallel : s.bodies.some(anyParallel)));

const stateBytes = (level: Placement): number => level.states.reduce((n, v) => n + typeBytes(v.type), 0);

const largest = (values: readonly Value[]): Value =>
  values.reduce((x, y) => (typeBytes(y.type) > typeBytes(x.type) ? y : x));

/** A GPU binds so much memory at once: what is larger is refused here, with its op. */
function checkSegment(level: Placement, segment: number): void {
  const { params, results } = level.graph;
  const values = [...level.regions.keys(), ...params, ...results];
  const v = values.length ? largest(values) : undefined;
  if (v && typeBytes(v.type) > segment)
    throw new MemoryError(
      `${typeText({ ...v.type, state: false })} has ${typeBytes(v.type)} bytes, and this GPU binds at most ${segment} at once`,
      { op: v.node?.op.name ?? v.name, fix: 'use smaller batches, or split the tensor; or target wasm' },
    );
  const scratch = [...level.scratch.values()].reduce((n, r) => Math.max(n, r.bytes), 0);
  const most = Math.max(scratch, ...level.steps.map((s) => (isKernel(s) ? 0 : s.scratch.bytes)));
  if (most > segment)
    throw new MemoryError(`a kernel or a loop needs ${most} bytes of its own, and this GPU binds at most ${segment}`, {
      op: 'compile',
      fix: 'use smaller batches; or target wasm',
    });
}

/** WebAssembly addresses 4 GiB: larger plans are refused here, with the largest value's op. */
function checkSize(level: Placement, arenaBytes: number): void {
  const states = stateBytes(level);
  if (arenaBytes + states < ADDRESSABLE) return;
  const values = [...level.regions.keys(), ...level.graph.params, ...level.graph.results];
  const v = largest(values);
  throw new MemoryError(
    `the program needs ${arenaBytes} bytes of arena and ${states} bytes of Variables, and WebAssembly addresses ${ADDRESSABLE}; its largest value is ${typeText(v.type)}`,
    { op: v.node?.op.name ?? v.name, fix: 'use smaller batches, or split the computation' },
  );
}
