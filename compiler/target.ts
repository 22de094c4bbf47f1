// Fused groups to a plan: kernels with their buffers placed, equal kernels shared, barriers where
// steps depend on each other.

import type { Graph, Value } from '../ir/graph.ts';
import { type Expr, variable, load } from '../ir/kernel/expr.ts';
import { forEachExpr, type Kernel, loop, type Stmt, store } from '../ir/kernel/kernel.ts';
import { printExpr, printKernel } from '../ir/kernel/print.ts';
import { children } from '../ir/kernel/expr.ts';
import type { Literal } from '../ir/literal.ts';
import type { KernelInfo, PassInfo, Slot, TypedArray, WasmPlan } from '../ir/plan.ts';
import { byteSize, sizeOf } from '../ir/types.ts';
import type { Group } from './group.ts';
import { lowerGroup } from './lower/index.ts';
import type { Binding, Lowered, LowerContext, TargetOptions } from './lower/kernel-builder.ts';
import { aliasSource, fuse, type Fusion } from './passes/fuse.ts';
import { aligned, planMemory } from './passes/memory.ts';
import { schedule, type Schedule, stateParams } from './passes/schedule.ts';
import { mergeUpdates } from './passes/updates.ts';
import type { ModuleStep } from './wasm/module.ts';

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

interface Step {
  readonly lowered: Lowered;
  readonly bindings: readonly Binding[];
}

/** A buffer of the arena under planning. */
interface Region {
  bytes: number;
  from: number;
  to: number;
  offset: number;
}

class Planner {
  readonly graph: Graph;
  readonly fusion: Fusion;
  readonly sched: Schedule;
  readonly options: TargetOptions;
  readonly states: Value[];
  /** Variables whose memory a value is stored into directly. */
  readonly directState = new Map<Value, number>();
  readonly regions = new Map<Value, Region>();
  readonly saved = new Map<Value, Region>();
  readonly scratch: { step: number; binding: Binding; region: Region }[] = [];
  readonly constants: { offset: number; data: TypedArray; packed?: boolean }[] = [];
  readonly constantAt = new Map<string, number>();
  constantBytes = 0;

  constructor(graph: Graph, fusion: Fusion, sched: Schedule, options: TargetOptions) {
    this.graph = graph;
    this.fusion = fusion;
    this.sched = sched;
    this.options = options;
    this.states = stateParams(graph);
    for (const w of sched.writes) if (w.direct) this.directState.set(aliasSource(w.value), w.state);
  }

  /** A constant that is read from memory. */
  isStoredConstant(v: Value): boolean {
    if (v.node?.op.name !== 'constant') return false;
    return (v.node.attrs.value as Literal).splat === undefined;
  }

  inMemory = (v: Value): boolean => {
    const n = v.node;
    if (!n) return !v.type.state;
    if (n.op.name === 'read') return true;
    return this.fusion.producer.has(v) || this.isStoredConstant(v);
  };

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
    const lists = [...new Set([...this.regions.values(), ...this.saved.values(), ...this.scratch.map((s) => s.region)])];
    const memory = planMemory(lists);
    lists.forEach((r, i) => {
      r.offset = memory.offsets[i];
    });
    return this.assemble(steps, memory, passes);
  }

  // --- Variables that cannot be written in place -----------------------------------------------------
  /** Old values of changed Variables that are results or new values of others are saved first. */
  saveSteps(): Step[] {
    const changed = new Set(this.sched.writes.map((w) => w.param));
    const wanted = new Set<Value>();
    const consider = (v: Value) => {
      const s = aliasSource(v);
      if (s.node?.op.name === 'read' && changed.has(s.node.inputs[0])) wanted.add(s);
    };
    for (const r of this.graph.results) if (!r.type.state) consider(r);
    for (const w of this.sched.writes) if (!w.direct) consider(w.value);
    return [...wanted].map((v) => {
      this.saved.set(v, { bytes: sizeOf(v.type.shape) * byteSize(v.type.dtype), from: 0, to: Number.POSITIVE_INFINITY, offset: 0 });
      return this.copyStep(v, { value: v }, { value: v, saved: true } as Binding);
    });
  }

  writeBackSteps(): Step[] {
    return this.sched.writes.filter((w) => !w.direct).map((w) => this.copyStep(w.value, { value: w.value, saved: true } as Binding, { value: w.param }));
  }

  /** A kernel may only overwrite a Variable that it reads where it reads it at the same index. */
  checkDirectWrites(steps: readonly Step[]): void {
    for (const w of this.sched.writes) {
      if (!w.direct) continue;
      const target = aliasSource(w.value);
      for (const s of steps) {
        const { kernel } = s.lowered;
        const out = kernel.buffers.find((b, k) => b.role === 'out' && isValue(s.bindings[k], target));
        if (!out) continue;
        const reads = kernel.buffers.filter((_, k) => {
          const b = s.bindings[k];
          return 'value' in b && b.value.node?.op.name === 'read' && b.value.node.inputs[0] === w.param;
        });
        if (reads.every((r) => readAtStore(kernel, r.name, out.name))) continue;
        w.direct = false;
        this.directState.delete(target);
      }
    }
  }

  copyStep(v: Value, src: Binding, dst: Binding): Step {
    const n = sizeOf(v.type.shape);
    const ty = v.type.dtype;
    const splat = v.node?.op.name === 'constant' ? (v.node.attrs.value as Literal).splat : undefined;
    const i = variable('i0');
    const value: Expr = splat === undefined ? load(ty, 'b0', i) : { k: 'const', ty, value: splat };
    const body: Stmt[] = [{ s: 'single', body: [loop('i0', n, [store('b1', i, value)], { vector: true, copies: 2 })] }];
    const group: Group = { id: -1, kind: 'pointwise', domain: [n], axes: [], nodes: [], outputs: [], own: new Set(), parts: [] };
    const buffers = [
      { name: 'b0', ty, size: n, role: 'in' as const },
      { name: 'b1', ty, size: n, role: 'out' as const },
    ];
    // A splat needs no source; its buffer is bound to the target and not read.
    const bindings = [splat === undefined ? src : dst, dst];
    const lowered: Lowered = { group, kernel: { name: 'copy', buffers, body }, bindings, flops: 0, bytes: 2 * n * byteSize(ty), parallel: false };
    return { lowered, bindings };
  }

  // --- lifetimes ---------------------------------------------------------------------------------------
  region(v: Value): Region | null {
    const s = aliasSource(v);
    if (this.directState.has(s)) return null;
    const n = s.node;
    if (n && !this.fusion.producer.has(s)) return null;
    if (s.type.state) return null;
    let r = this.regions.get(s);
    if (!r) {
      r = { bytes: sizeOf(s.type.shape) * byteSize(s.type.dtype), from: n ? Number.POSITIVE_INFINITY : 0, to: 0, offset: 0 };
      this.regions.set(s, r);
    }
    return r;
  }

  lifetimes(steps: readonly Step[]): void {
    for (const p of this.graph.params) if (!p.type.state) this.region(p);
    steps.forEach((s, i) => {
      s.lowered.kernel.buffers.forEach((buf, k) => {
        const b = s.bindings[k];
        if ('scratch' in b) {
          const region = { bytes: buf.size * byteSize(buf.ty), from: i, to: i, offset: 0 };
          this.scratch.push({ step: i, binding: b, region });
          return;
        }
        if (!('value' in b)) return;
        const r = (b as { saved?: boolean }).saved && this.saved.has(aliasSource(b.value)) ? this.saved.get(aliasSource(b.value)) : this.region(b.value);
        if (!r) return;
        r.from = Math.min(r.from, i);
        r.to = Math.max(r.to === Number.POSITIVE_INFINITY ? 0 : r.to, i);
      });
    });
    const end = steps.length;
    for (const v of this.graph.results) {
      if (v.type.state) continue;
      const s = aliasSource(v);
      const r = this.saved.get(s) ?? this.region(s);
      if (r) r.to = end;
    }
    for (const r of this.saved.values()) if (r.to === Number.POSITIVE_INFINITY) r.to = end;
  }

  /** An output of a pointwise kernel takes the place of an input that dies there and is read only at the same index. */
  reuseInPlace(steps: readonly Step[]): void {
    steps.forEach((s, i) => {
      const taken = new Set<Region>();
      const kind = s.lowered.group.kind;
      if (kind !== 'pointwise' && kind !== 'update') return;
      const { kernel } = s.lowered;
      kernel.buffers.forEach((out, k) => {
        const b = s.bindings[k];
        if (out.role !== 'out' || !('value' in b)) return;
        const r = this.region(b.value);
        if (!r || r.from !== i) return;
        for (let j = 0; j < kernel.buffers.length; j++) {
          const input = kernel.buffers[j];
          const ib = s.bindings[j];
          if (input.role !== 'in' || !('value' in ib)) continue;
          const ir = this.region(ib.value);
          if (!ir || ir === r || ir.to !== i || ir.bytes !== r.bytes || taken.has(ir) || ir.from >= i) continue;
          if (!readAtStore(kernel, input.name, out.name)) continue;
          // One region now lives through both.
          taken.add(ir);
          ir.to = Math.max(ir.to, r.to);
          for (const [v, x] of this.regions) if (x === r) this.regions.set(v, ir);
          break;
        }
      });
    });
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
      return { kind: 'constant', offset: this.constant(`${type.dtype}:${sizeOf(type.shape)}:${lit.hash}`, () => widen(lit.expand(type))) };
    }
    const r = this.regions.get(s);
    if (!r) throw new Error(`value of ${n?.op.name ?? s.name} has no place`);
    return { kind: 'arena', offset: r.offset };
  }

  assemble(steps: readonly Step[], memory: { arenaBytes: number; lowerBound: number }, passes: readonly PassInfo[]): Planned {
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
      const places = s.lowered.kernel.buffers.map((buf, k): Slot => {
        const b = s.bindings[k];
        if ('scratch' in b) return { kind: 'arena', offset: this.scratch[scratchAt++].region.offset };
        if ('packed' in b) return { kind: 'constant', offset: this.constant(b.packed.key, b.packed.make) };
        return this.slotOf(b.value, (b as { saved?: boolean }).saved);
      });
      const access = s.lowered.kernel.buffers.map((buf, k): Access => ({ slot: places[k], bytes: buf.size * byteSize(buf.ty), writes: buf.role !== 'in' }));
      const barrier = access.some((a) => pending.some((p) => (a.writes || p.writes) && overlap(a, p)));
      if (barrier) pending.length = 0;
      pending.push(...access);
      moduleSteps.push({ kernel: index, barrier, args: places.map(argument) });
      infos.push({
        name: s.lowered.kernel.name,
        kind: s.lowered.group.kind,
        ops: s.lowered.group.nodes.map((n) => n.op.name),
        flops: s.lowered.flops,
        bytes: s.lowered.bytes,
        text: texts[index],
      });
    }
    const inputs = this.graph.params.filter((p) => !p.type.state).map((p) => ({ type: p.type, slot: this.slotOf(p) }));
    const outputs = this.graph.results.filter((r) => !r.type.state).map((r) => ({ type: r.type, slot: this.slotOf(r, true) }));
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

const isValue = (b: Binding, v: Value): boolean => 'value' in b && b.value === v;

/** Booleans take 32 bits in device memory. */
const widen = (a: TypedArray): TypedArray => (a instanceof Uint8Array ? Int32Array.from(a) : a);

/** Is the input only ever loaded at the index at which the output is stored? */
function readAtStore(k: Kernel, input: string, output: string): boolean {
  const at = new Set<string>();
  const reads = new Set<string>();
  const visit = (e: Expr): void => {
    if (e.k === 'load' && e.buf === input) reads.add(printExpr(e.index));
    for (const c of children(e)) visit(c);
  };
  const seen = new Set<Expr>();
  forEachExpr(k.body, (e, s) => {
    if (s.s === 'store' && s.buf === output && e === s.index) at.add(printExpr(e));
    if (!seen.has(e)) {
      seen.add(e);
      visit(e);
    }
  });
  return at.size === 1 && reads.size === 1 && reads.has([...at][0]);
}
