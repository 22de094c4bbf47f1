// Fused groups to a plan: kernels with their buffers placed, equal kernels shared, barriers where
// steps depend on each other.

import { MemoryError } from '../ir/errors.ts';
import type { Graph, Value } from '../ir/graph.ts';
import type { Kernel } from '../ir/kernel/kernel.ts';
import { printKernel } from '../ir/kernel/print.ts';
import type { Literal } from '../ir/literal.ts';
import type { KernelInfo, PassInfo, Slot, TypedArray, WasmPlan } from '../ir/plan.ts';
import { byteSize, sizeOf, typeText } from '../ir/types.ts';
import type { Group } from './group.ts';
import { lowerGroup } from './lower/index.ts';
import type { LowerContext, TargetOptions } from './lower/kernel-builder.ts';
import { fuse } from './passes/fuse.ts';
import { aliasSource } from './passes/fusion-groups.ts';
import { aligned, planMemory } from './passes/memory.ts';
import { schedule } from './passes/schedule.ts';
import { mergeUpdates } from './passes/updates.ts';
import { Placement, type Step } from './placement.ts';
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
}

export function planProgram(graph: Graph, options: TargetOptions, passes: readonly PassInfo[]): Planned {
  const t0 = performance.now();
  const fusion = fuse(graph);
  const sched = mergeUpdates(fusion, schedule(fusion));
  const t1 = performance.now();
  const p = new Planner(graph, fusion, sched, options);
  const planned = p.plan(passes);
  const t2 = performance.now();
  const passMs = passes.reduce((n, x) => n + x.ms, 0);
  const info = { ...planned.plan.info, compileMs: { passes: passMs, fuse: t1 - t0, lower: t2 - t1 } };
  return { ...planned, plan: { ...planned.plan, info } };
}

class Planner extends Placement {
  plan(passes: readonly PassInfo[]): Planned {
    const ctx: LowerContext = { graph: this.graph, options: this.options, inMemory: this.inMemory };
    const steps: Step[] = this.saveSteps();
    const groupStep = new Map<Group, number>();
    for (const g of this.sched.order) {
      groupStep.set(g, steps.length);
      const lowered = lowerGroup(ctx, g);
      steps.push({ lowered, bindings: lowered.bindings });
    }
    this.checkDirectWrites(steps);
    steps.push(...this.writeBackSteps());
    this.lifetimes(steps);
    this.reuseInPlace(steps);
    const lists = [
      ...new Set([...this.regions.values(), ...this.saved.values(), ...this.scratch.map((s) => s.region)]),
    ];
    const memory = planMemory(lists);
    lists.forEach((r, i) => {
      r.offset = memory.offsets[i];
    });
    this.checkSize(memory.arenaBytes);
    return this.assemble(steps, memory, passes);
  }

  /** WebAssembly addresses 4 GiB: larger plans are refused here, with the largest value's op. */
  checkSize(arenaBytes: number): void {
    const states = this.states.reduce((n, v) => n + sizeOf(v.type.shape) * byteSize(v.type.dtype), 0);
    if (arenaBytes + states < ADDRESSABLE) return;
    const [v] = [...this.regions].reduce((a, b) => (b[1].bytes > a[1].bytes ? b : a));
    throw new MemoryError(
      `the program needs ${arenaBytes} bytes of arena and ${states} bytes of Variables, and WebAssembly addresses ${ADDRESSABLE}; its largest value is ${typeText(v.type)}`,
      { op: v.node?.op.name ?? v.name, fix: 'use smaller batches, or split the computation' },
    );
  }

  // --- assembling ----------------------------------------------------------------------------------------
  constant(key: string, make: () => TypedArray): number {
    let at = this.constantAt.get(key);
    if (at === undefined) {
      const data = make();
      at = this.constantBytes;
      this.constants.push({ offset: at, data });
      this.constantAt.set(key, at);
      this.constantBytes += aligned(data.length * (data.BYTES_PER_ELEMENT === 8 ? 8 : 4));
    }
    return at;
  }

  slotOf(v: Value, saved = false): Slot {
    const s = aliasSource(v);
    const kept = this.saved.get(s);
    if (saved && kept) return { kind: 'arena', offset: kept.offset };
    const direct = this.directState.get(s);
    if (direct !== undefined) return { kind: 'state', index: direct };
    const n = s.node;
    if (s.type.state) return { kind: 'state', index: this.states.indexOf(s) };
    if (n?.op.name === 'read') return { kind: 'state', index: this.states.indexOf(n.inputs[0]) };
    if (n?.op.name === 'constant') {
      const lit = n.attrs.value as Literal;
      const { type } = n.outputs[0];
      return {
        kind: 'constant',
        offset: this.constant(`${type.dtype}:${sizeOf(type.shape)}:${lit.hash}`, () => widen(lit.expand(type))),
      };
    }
    const r = this.regions.get(s);
    if (!r) throw new Error(`value of ${n?.op.name ?? s.name} has no place`);
    return { kind: 'arena', offset: r.offset };
  }

  assemble(
    steps: readonly Step[],
    memory: { arenaBytes: number; lowerBound: number },
    passes: readonly PassInfo[],
  ): Planned {
    const kernels: Kernel[] = [];
    const texts: string[] = [];
    const byText = new Map<string, number>();
    const moduleSteps: ModuleStep[] = [];
    const infos: KernelInfo[] = [];
    let scratchAt = 0;
    const pending: Access[] = [];
    for (const s of steps) {
      const text = printKernel({ ...s.lowered.kernel, name: 'k' });
      let index = byText.get(text);
      if (index === undefined) {
        index = kernels.length;
        kernels.push(s.lowered.kernel);
        texts.push(text);
        byText.set(text, index);
      }
      const places = s.lowered.kernel.buffers.map((_buf, k): Slot => {
        const b = s.bindings[k];
        if ('scratch' in b) return { kind: 'arena', offset: this.scratch[scratchAt++].region.offset };
        if ('packed' in b) return { kind: 'constant', offset: this.constant(b.packed.key, b.packed.make) };
        return this.slotOf(b.value, (b as { saved?: boolean }).saved);
      });
      const access = s.lowered.kernel.buffers.map(
        (buf, k): Access => ({ slot: places[k], bytes: buf.size * byteSize(buf.ty), writes: buf.role !== 'in' }),
      );
      const barrier = access.some((a) => pending.some((p) => (a.writes || p.writes) && overlap(a, p)));
      if (barrier) pending.length = 0;
      pending.push(...access);
      moduleSteps.push({ kernel: index, barrier, args: places.map(argument) });
      infos.push({
        name: s.lowered.kernel.name,
        kind: s.lowered.group.kind,
        ops: s.lowered.ops,
        flops: s.lowered.flops,
        bytes: s.lowered.bytes,
        text: texts[index],
      });
    }
    const inputs = this.graph.params.filter((p) => !p.type.state).map((p) => ({ type: p.type, slot: this.slotOf(p) }));
    const outputs = this.graph.results
      .filter((r) => !r.type.state)
      .map((r) => ({ type: r.type, slot: this.slotOf(r, true) }));
    // Below some 60 µs of work, waking threads costs more than it gives.
    const micros = infos.reduce((n, k) => n + k.flops / 20e3 + k.bytes / 10e3, 0);
    const info = {
      arenaBytes: memory.arenaBytes,
      lowerBound: memory.lowerBound,
      constantBytes: this.constantBytes,
      stateBytes: this.states.reduce((n, v) => n + sizeOf(v.type.shape) * byteSize(v.type.dtype), 0),
      kernels: infos,
      passes,
      compileMs: {},
    };
    return {
      plan: {
        inputs,
        outputs,
        states: this.states.map((v) => ({ dtype: v.type.dtype, shape: v.type.shape })),
        constants: this.constants,
        constantBytes: this.constantBytes,
        arenaBytes: memory.arenaBytes,
        steps: moduleSteps.map((m) => ({ kernel: m.kernel, barrier: m.barrier })),
        parallel: micros > 60 && steps.some((s) => s.lowered.parallel),
        info,
      },
      kernels,
      steps: moduleSteps,
      slots: 2 + this.states.length,
    };
  }
}

interface Access {
  readonly slot: Slot;
  readonly bytes: number;
  readonly writes: boolean;
}

function overlap(a: Access, b: Access): boolean {
  if (a.slot.kind !== b.slot.kind) return false;
  if (a.slot.kind === 'state') return a.slot.index === (b.slot as { index: number }).index;
  const [x, y] = [a.slot.offset, (b.slot as { offset: number }).offset];
  return x < y + b.bytes && y < x + a.bytes;
}

function argument(s: Slot): { slot: number; offset: number } {
  if (s.kind === 'arena') return { slot: 0, offset: s.offset };
  if (s.kind === 'constant') return { slot: 1, offset: s.offset };
  return { slot: 2 + s.index, offset: 0 };
}

/** Booleans take 32 bits in device memory. */
const widen = (a: TypedArray): TypedArray => (a instanceof Uint8Array ? Int32Array.from(a) : a);
