// Where a program's values live while it runs: lifetimes over the steps, outputs in the place of dying
// inputs, and the saving and writing back of Variables that cannot be updated in place.

import type { Graph, Node, Value } from '../ir/graph.ts';
import { children, type Expr, konst, load, variable } from '../ir/kernel/expr.ts';
import { type Buffer, forEachExpr, type Kernel, loop, type Stmt, store } from '../ir/kernel/kernel.ts';
import { printExpr } from '../ir/kernel/print.ts';
import type { Literal } from '../ir/literal.ts';
import { loopLayout } from '../ir/ops/loop-layout.ts';
import { byteSize, sizeOf, type TensorType, typeBytes } from '../ir/types.ts';
import type { Group } from './group.ts';
import type { Binding, Lowered, TargetOptions } from './lower/kernel-builder.ts';
import { type Fusion, inMemory } from './passes/fuse.ts';
import { aliasSource } from './passes/fusion-groups.ts';
import { type MemoryPlan, planMemory } from './passes/memory.ts';
import { type Schedule, stateParams } from './passes/schedule.ts';

/** One kernel with its buffers. */
export interface KernelStep {
  readonly lowered: Lowered;
  readonly bindings: readonly Binding[];
}
/** A node with regions; each region is planned as a level of its own, whose memory is this step's scratch. */
export interface ControlStep {
  readonly node: Node;
  readonly group: Group;
  /** One plan a region. */
  readonly bodies: readonly Placement[];
  readonly scratch: Region;
}
export type Step = KernelStep | ControlStep;
export const isKernel = (s: Step): s is KernelStep => 'lowered' in s;

/** A buffer of the arena under planning. */
export interface Region {
  bytes: number;
  from: number;
  to: number;
  offset: number;
}
const regionOf = (bytes: number, from: number, to: number): Region => ({ bytes, from, to, offset: 0 });
/** How a region of control flow lies in the memory of the level around it. */
export interface Outer {
  /** The place of each result that is no state is given; else results stay in the level's own memory. */
  readonly results: boolean;
}

/** The places of the values of one level: a program's graph, or a region of control flow. */
export class Placement {
  readonly graph: Graph;
  readonly fusion: Fusion;
  readonly sched: Schedule;
  readonly options: TargetOptions;
  readonly outer: Outer | undefined;
  readonly states: Value[];
  /** Variables whose memory a value is stored into directly. */
  readonly directState = new Map<Value, number>();
  /** Values that are stored where the level around wants a result. */
  readonly given = new Map<Value, number>();
  readonly regions = new Map<Value, Region>();
  readonly saved = new Map<Value, Region>();
  readonly scratch = new Map<Binding, Region>();
  steps: Step[] = [];
  memory: MemoryPlan = { offsets: [], arenaBytes: 0, lowerBound: 0 };

  constructor(graph: Graph, fusion: Fusion, sched: Schedule, options: TargetOptions, outer?: Outer) {
    this.graph = graph;
    this.fusion = fusion;
    this.sched = sched;
    this.options = options;
    this.outer = outer;
    this.states = stateParams(graph);
    for (const w of sched.writes) if (w.direct) this.directState.set(aliasSource(w.value), w.state);
  }

  /** The results that are no states, in order. */
  get tensorResults(): Value[] {
    return this.graph.results.filter((r) => !r.type.state);
  }

  /**
   * Decides order, lifetimes and offsets.
   * @param control plans the regions of a node
   * @param finish may replace kernels once all are there
   */
  plan(lower: (g: Group) => Lowered, control: (g: Group) => ControlStep, finish?: (steps: Step[]) => void): void {
    const steps: Step[] = this.saveSteps();
    this.claimResults();
    for (const g of this.sched.order) {
      if (g.kind === 'barrier') continue;
      if (g.kind === 'control') {
        steps.push(...this.controlSteps(control(g)));
        continue;
      }
      const lowered = lower(g);
      steps.push({ lowered, bindings: lowered.bindings });
    }
    this.checkDirectWrites(steps);
    steps.push(...this.resultSteps(), ...this.writeBackSteps());
    finish?.(steps);
    this.lifetimes(steps);
    this.reuseInPlace(steps);
    const controls = steps.filter((s): s is ControlStep => !isKernel(s)).map((s) => s.scratch);
    const lists = [
      ...new Set([...this.regions.values(), ...this.saved.values(), ...this.scratch.values(), ...controls]),
    ];
    this.memory = planMemory(lists, this.options.gpu?.segment);
    lists.forEach((r, i) => {
      r.offset = this.memory.offsets[i];
    });
    this.steps = steps;
  }

  readonly inMemory = (v: Value): boolean => inMemory(this.fusion, v);

  // --- Variables that cannot be written in place -----------------------------------------------------
  /** Old values of changed Variables that are results or new values of others are saved first. */
  saveSteps(): Step[] {
    const changed = new Set(this.sched.writes.map((w) => w.param));
    const wanted = new Set<Value>();
    const consider = (v: Value) => {
      const s = aliasSource(v);
      if (s.node?.op.name === 'read' && changed.has(s.node.inputs[0])) wanted.add(s);
    };
    const results = this.tensorResults;
    for (const r of results) consider(r);
    for (const w of this.sched.writes) if (!w.direct) consider(w.value);
    return [...wanted].map((v) => {
      const at = this.outer?.results ? results.findIndex((r) => aliasSource(r) === v) : -1;
      if (at >= 0) {
        this.given.set(v, at);
        return this.copyStep(v, { value: v }, { result: at });
      }
      this.saved.set(v, regionOf(typeBytes(v.type), 0, Number.POSITIVE_INFINITY));
      return this.copyStep(v, { value: v }, { value: v, saved: true });
    });
  }

  writeBackSteps(): Step[] {
    return this.sched.writes
      .filter((w) => !w.direct)
      .map((w) => this.copyStep(w.value, { value: w.value, saved: true }, { value: w.param }));
  }

  // --- results whose place the level around gives ------------------------------------------------------
  /** What a kernel of this level computes is stored at once where a result is wanted. */
  claimResults(): void {
    if (!this.outer?.results) return;
    this.tensorResults.forEach((r, i) => {
      const s = aliasSource(r);
      if (this.fusion.producer.has(s) && !this.directState.has(s) && !this.given.has(s)) this.given.set(s, i);
    });
  }

  /** All other results are copied. */
  resultSteps(): Step[] {
    if (!this.outer?.results) return [];
    return this.tensorResults.flatMap((r, i) =>
      this.given.get(aliasSource(r)) === i ? [] : [this.copyStep(r, { value: r, saved: true }, { result: i })],
    );
  }

  // --- control flow ---------------------------------------------------------------------------------------
  /** The node itself, after what it carries has been put where its results will be. */
  controlSteps(c: ControlStep): Step[] {
    const { node } = c;
    if (node.op.name !== 'scan' && node.op.name !== 'while') return [c];
    const { trip, consts, carry } = loopLayout(node.attrs, node.inputs.length);
    const carried = node.inputs.slice(trip + consts, trip + consts + carry);
    const steps: Step[] = carried.map((v, k) => this.copyStep(v, { value: v }, { value: node.outputs[k] }));
    // Rows of runs that there may not be are zero.
    if (trip || node.regions.length === 2)
      for (const y of node.outputs.slice(carry)) steps.push(this.fillStep(y.type, 0, { value: y }));
    return [...steps, c];
  }

  /** A kernel may only overwrite a Variable that it reads where it reads it at the same index. */
  checkDirectWrites(steps: readonly Step[]): void {
    for (const w of this.sched.writes) {
      if (!w.direct) continue;
      const target = aliasSource(w.value);
      for (const s of steps) {
        if (!isKernel(s)) continue;
        const { kernel } = s.lowered;
        const out = kernel.buffers.find((b, k) => b.role === 'out' && isValue(s.bindings[k], target));
        if (!out) continue;
        const reads = kernel.buffers.slice(0, s.bindings.length).filter((_, k) => {
          const b = s.bindings[k];
          const from = 'value' in b ? aliasSource(b.value).node : null;
          return from?.op.name === 'read' && from.inputs[0] === w.param;
        });
        if (reads.every((r) => readAtStore(kernel, r.name, out.name))) continue;
        w.direct = false;
        this.directState.delete(target);
      }
    }
  }

  copyStep(v: Value, src: Binding, dst: Binding): KernelStep {
    const splat = v.node?.op.name === 'constant' ? (v.node.attrs.value as Literal).splat : undefined;
    if (splat !== undefined) return this.fillStep(v.type, splat, dst);
    const { dtype } = v.type;
    return this.plainStep('copy', v.type, load(dtype, 'b0', variable('i0')), [src, dst]);
  }

  fillStep(t: TensorType, value: number, dst: Binding): KernelStep {
    return this.plainStep('fill', t, konst(t.dtype, value), [dst]);
  }

  /** A kernel that stores an expression of `i0` into its last buffer. */
  plainStep(name: string, t: TensorType, value: Expr, bindings: readonly Binding[]): KernelStep {
    const n = sizeOf(t.shape);
    const ty = t.dtype;
    const last = `b${bindings.length - 1}`;
    const store_ = loop('i0', n, [store(last, variable('i0'), value)], { vector: true, copies: 2 });
    const body: Stmt[] = [{ s: 'single', body: [store_] }];
    const group: Group = {
      id: -1,
      kind: 'pointwise',
      domain: [n],
      axes: [],
      nodes: [],
      outputs: [],
      own: new Set(),
      parts: [],
    };
    const buffers = bindings.map(
      (_, i): Buffer => ({ name: `b${i}`, ty, size: n, role: `b${i}` === last ? 'out' : 'in' }),
    );
    const lowered: Lowered = {
      group,
      kernel: { name, buffers, body },
      bindings,
      ops: [name],
      flops: 0,
      bytes: bindings.length * typeBytes(t),
      parallel: false,
    };
    return { lowered, bindings };
  }

  // --- lifetimes ---------------------------------------------------------------------------------------
  region(v: Value): Region | null {
    const s = aliasSource(v);
    if (this.directState.has(s) || this.given.has(s)) return null;
    const n = s.node;
    if (n ? !this.fusion.producer.has(s) : this.outer) return null;
    if (s.type.state) return null;
    let r = this.regions.get(s);
    if (!r) {
      r = regionOf(typeBytes(s.type), n ? Number.POSITIVE_INFINITY : 0, 0);
      this.regions.set(s, r);
    }
    return r;
  }

  lifetimes(steps: readonly Step[]): void {
    for (const p of this.graph.params) if (!p.type.state) this.region(p);
    const touch = (r: Region | null | undefined, i: number) => {
      if (!r) return;
      r.from = Math.min(r.from, i);
      r.to = Math.max(r.to === Number.POSITIVE_INFINITY ? 0 : r.to, i);
    };
    steps.forEach((s, i) => {
      if (!isKernel(s)) {
        for (const v of [...heldInputs(s.node), ...s.node.outputs]) touch(this.region(v), i);
        s.scratch.from = i;
        s.scratch.to = i;
        return;
      }
      s.bindings.forEach((b, k) => {
        const buf = s.lowered.kernel.buffers[k];
        if ('scratch' in b) this.scratch.set(b, regionOf(buf.size * byteSize(buf.ty), i, i));
        if ('value' in b) touch(this.saved.get(aliasSource(b.value)) ?? this.region(b.value), i);
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
    const holds = new Map<Region, Value[]>();
    for (const [v, r] of this.regions) {
      const held = holds.get(r);
      if (held) held.push(v);
      else holds.set(r, [v]);
    }
    steps.forEach((s, i) => {
      if (!isKernel(s)) return;
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
          const moved = holds.get(r) ?? [];
          for (const v of moved) this.regions.set(v, ir);
          holds.get(ir)?.push(...moved);
          break;
        }
      });
    });
  }
}

/** The operands that a node with regions reads while it runs: not what it has copied to start with. */
function heldInputs(n: Node): readonly Value[] {
  if (n.op.name !== 'scan' && n.op.name !== 'while') return n.inputs;
  const { trip, consts, carry } = loopLayout(n.attrs, n.inputs.length);
  return n.inputs.filter((_, i) => i < trip + consts || i >= trip + consts + carry);
}

const isValue = (b: Binding, v: Value): boolean => 'value' in b && b.value === v;

/** Is the input only ever loaded at the index at which the output is stored, and in that loop nest only? */
function readAtStore(k: Kernel, input: string, output: string): boolean {
  const at = new Set<string>();
  const reads = new Set<string>();
  let nests = 0;
  for (const top of k.body) {
    let loads = 0;
    let stores = 0;
    const seen = new Set<Expr>();
    const visit = (e: Expr): void => {
      if (seen.has(e)) return;
      seen.add(e);
      if (e.k === 'load' && e.buf === input) {
        loads++;
        reads.add(printExpr(e.index));
      }
      for (const c of children(e)) visit(c);
    };
    forEachExpr([top], (e, s) => {
      if (s.s === 'store' && s.buf === output && e === s.index) {
        stores++;
        at.add(printExpr(e));
      }
      visit(e);
    });
    // Another nest that reads the input would find it overwritten.
    if (loads > 0 && stores === 0) return false;
    nests += stores > 0 ? 1 : 0;
  }
  return nests === 1 && at.size === 1 && reads.size === 1 && reads.has([...at][0]);
}
