// Where a program's values live while it runs: lifetimes over the steps, outputs in the place of dying
// inputs, and the saving and writing back of Variables that cannot be updated in place.

import type { Graph, Value } from '../ir/graph.ts';
import { children, type Expr, load, variable } from '../ir/kernel/expr.ts';
import { forEachExpr, type Kernel, loop, type Stmt, store } from '../ir/kernel/kernel.ts';
import { printExpr } from '../ir/kernel/print.ts';
import type { Literal } from '../ir/literal.ts';
import type { TypedArray } from '../ir/plan.ts';
import { byteSize, sizeOf } from '../ir/types.ts';
import type { Group } from './group.ts';
import type { Binding, Lowered, TargetOptions } from './lower/kernel-builder.ts';
import type { Fusion } from './passes/fuse.ts';
import { aliasSource } from './passes/fusion-groups.ts';
import { type Schedule, stateParams } from './passes/schedule.ts';

export interface Step {
  readonly lowered: Lowered;
  readonly bindings: readonly Binding[];
}

/** A buffer of the arena under planning. */
export interface Region {
  bytes: number;
  from: number;
  to: number;
  offset: number;
}

export class Placement {
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
  readonly constants: { offset: number; data: TypedArray }[] = [];
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
      this.saved.set(v, {
        bytes: sizeOf(v.type.shape) * byteSize(v.type.dtype),
        from: 0,
        to: Number.POSITIVE_INFINITY,
        offset: 0,
      });
      return this.copyStep(v, { value: v }, { value: v, saved: true } as Binding);
    });
  }

  writeBackSteps(): Step[] {
    return this.sched.writes
      .filter((w) => !w.direct)
      .map((w) => this.copyStep(w.value, { value: w.value, saved: true } as Binding, { value: w.param }));
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
    const buffers = [
      { name: 'b0', ty, size: n, role: 'in' as const },
      { name: 'b1', ty, size: n, role: 'out' as const },
    ];
    // A splat needs no source; its buffer is bound to the target and not read.
    const bindings = [splat === undefined ? src : dst, dst];
    const lowered: Lowered = {
      group,
      kernel: { name: 'copy', buffers, body },
      bindings,
      ops: ['copy'],
      flops: 0,
      bytes: 2 * n * byteSize(ty),
      parallel: false,
    };
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
      r = {
        bytes: sizeOf(s.type.shape) * byteSize(s.type.dtype),
        from: n ? Number.POSITIVE_INFINITY : 0,
        to: 0,
        offset: 0,
      };
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
        const r = this.saved?.has(aliasSource(b.value)) ? this.saved.get(aliasSource(b.value)) : this.region(b.value);
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
