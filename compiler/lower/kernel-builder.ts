// What every lowering needs: the kernel's buffers, named in order of first use so that equal kernels
// print alike, and readers over them.

import type { Graph, Node, Value } from '../../ir/graph.ts';
import type { Ranges } from '../../ir/kernel/affine.ts';
import { bin, children, type Expr, mapExpr } from '../../ir/kernel/expr.ts';
import { type Buffer, forEachExpr, type Kernel, mapStmts, type Stmt } from '../../ir/kernel/kernel.ts';
import { parseKernel } from '../../ir/kernel/parse.ts';
import { printKernel } from '../../ir/kernel/print.ts';
import type { TypedArray } from '../../ir/literal.ts';
import { byteSize, type DType, sizeOf } from '../../ir/types.ts';
import type { Group } from '../group.ts';
import type { OpenBatch } from '../open/open.ts';
import { Reader } from './reader.ts';

/** A block of a product's result that stays in registers: rows, columns, and steps of the reduction written out. */
export interface Tile {
  readonly mr: number;
  readonly nr: number;
  readonly unroll: number;
}

/** Engine-dependent choices. */
export interface TargetOptions {
  /** Register tile of contractions. */
  readonly tile: Tile;
  /** Threads that per-thread scratch is made for. */
  readonly threads: number;
  /** Where the target is a GPU: what it has. */
  readonly gpu?: GpuTarget;
  /** How the batch of the program is open, if it is. */
  readonly open?: OpenBatch;
}

/** What schedules for a GPU depend on. */
export interface GpuTarget {
  /** Most invocations of a workgroup. */
  readonly invocations: number;
  /** Bytes that a workgroup may share. */
  readonly sharedBytes: number;
  /** Bytes of memory that can be bound at once: no tensor may be larger. */
  readonly segment?: number;
  /** The same sums in the same order in every run. */
  readonly deterministic?: boolean;
  /** Operations over subgroups are there, and each knows its number. */
  readonly subgroups?: boolean;
  /** Arithmetic in float16 is there. */
  readonly half?: boolean;
}

/** What a kernel's buffer is bound to. */
export type Binding =
  /** `saved`: the copy of a Variable's old value, where there is one. */
  | { readonly value: Value; readonly saved?: boolean }
  /** The place that the operation around a region gives to its result of that number. */
  | { readonly result: number }
  | { readonly scratch: true }
  | { readonly packed: PackedConstant };

/** A table made at compile time: a constant operand laid out in panels, roots of unity. */
export interface PackedConstant {
  readonly key: string;
  readonly size: number;
  /** Element type; f32 where it is left out. */
  readonly ty?: DType;
  readonly make: () => TypedArray;
}

export interface Lowered {
  readonly group: Group;
  readonly kernel: Kernel;
  readonly bindings: readonly Binding[];
  /** Names of the graph operations that it computes, in program order. */
  readonly ops: readonly string[];
  readonly flops: number;
  readonly bytes: number;
  readonly parallel: boolean;
  /** Of a contraction: how it is done (kernel-schedule.ts), as text. */
  readonly schedule?: string;
}

export interface LowerContext {
  readonly graph: Graph;
  readonly options: TargetOptions;
  /** True where the value is in memory before the group runs. */
  readonly inMemory: (v: Value) => boolean;
}

export class KernelBuilder {
  readonly ctx: LowerContext;
  readonly group: Group;
  #buffers: Buffer[] = [];
  #bindings: Binding[] = [];
  #shared: Buffer[] = [];
  #byValue = new Map<Value, string>();
  readonly #own: Set<Value>;
  /** One counter for all readers: a name stands for one thing in the whole kernel. */
  readonly #names = { next: 0 };
  /** Nodes of no group that the kernel computes for itself. */
  readonly computed = new Set<Node>();

  constructor(ctx: LowerContext, group: Group) {
    this.ctx = ctx;
    this.group = group;
    this.#own = new Set([...group.nodes.flatMap((n) => n.outputs), ...group.own]);
  }

  #declare(ty: DType, size: number, role: Buffer['role'], binding: Binding): string {
    const name = `${role === 'scratch' ? 's' : 'b'}${this.#buffers.length}`;
    this.#buffers.push({ name, ty, size, role });
    this.#bindings.push(binding);
    return name;
  }

  /** The buffer of a value that is in memory and not computed here. */
  readonly lookup = (v: Value): string | undefined => {
    if (this.#own.has(v) || !this.ctx.inMemory(v)) return undefined;
    let name = this.#byValue.get(v);
    if (name === undefined) {
      name = this.#declare(v.type.dtype, sizeOf(v.type.shape), 'in', { value: v });
      this.#byValue.set(v, name);
    }
    return name;
  };

  output(v: Value): string {
    return this.#declare(v.type.dtype, sizeOf(v.type.shape), 'out', { value: v });
  }
  scratch(ty: DType, size: number): string {
    return this.#declare(ty, size, 'scratch', { scratch: true });
  }
  /** The element type of a buffer declared so far. */
  typeOf(buf: string): DType | undefined {
    return this.#buffers.find((b) => b.name === buf)?.ty;
  }
  /** Memory that a workgroup shares. */
  shared(ty: DType, size: number): string {
    const name = `w${this.#shared.length}`;
    this.#shared.push({ name, ty, size, role: 'shared' });
    return name;
  }
  packed(p: PackedConstant): string {
    return this.#declare(p.ty ?? 'f32', p.size, 'in', { packed: p });
  }

  /** Statements from their text, over the buffers declared so far; constants in it are folded. */
  statements(text: string): readonly Stmt[] {
    const head = printKernel({ name: 'k', buffers: [...this.#buffers, ...this.#shared], body: [] });
    const { body } = parseKernel(`${head.slice(0, head.lastIndexOf('}'))}${text}\n}`);
    const fold = (e: Expr): Expr => mapExpr(e, (x) => (x.k === 'bin' ? bin(x.op, fold(x.a), fold(x.b)) : undefined));
    return mapStmts(body, fold);
  }

  /** How often a value is read: those read twice are bound to a name. */
  readonly uses = (v: Value): number => this.ctx.graph.uses[v.id].length + (this.group.outputs.includes(v) ? 1 : 0);

  reader(out: Stmt[], ranges: Ranges): Reader {
    return new Reader(this.lookup, ranges, this.uses, out, this.#names, this.computed);
  }

  /** Everything that the kernel computes, in program order. */
  nodes(): Node[] {
    return [...new Set([...this.group.nodes, ...this.computed])].sort((a, b) => a.id - b.id);
  }

  finish(body: readonly Stmt[], opt: { flops: number; parallel?: boolean; schedule?: string }): Lowered {
    const bytes = this.#buffers.reduce((n, b) => (b.role === 'scratch' ? n : n + b.size * byteSize(b.ty)), 0);
    return {
      group: this.group,
      kernel: { name: kernelName(this.nodes()), buffers: [...this.#buffers, ...this.#shared], body },
      ops: this.nodes().map((n) => n.op.name),
      bindings: this.#bindings,
      flops: opt.flops,
      bytes,
      parallel: opt.parallel ?? hasParallel(body),
      ...(opt.schedule ? { schedule: opt.schedule } : {}),
    };
  }
}

function hasParallel(body: readonly Stmt[]): boolean {
  return body.some((s) =>
    s.s === 'for'
      ? s.parallel !== undefined || s.grid || hasParallel(s.body)
      : s.s === 'single'
        ? false
        : s.s === 'if' && hasParallel(s.then),
  );
}

function kernelName(nodes: readonly Node[]): string {
  const heavy = nodes.filter((n) => n.op.kind !== 'elementwise').map((n) => n.op.name);
  const light = nodes.filter((n) => n.op.kind === 'elementwise').map((n) => n.op.name);
  return [...heavy, ...light].slice(0, 3).join('_') || 'copy';
}

/** Operations of a kernel function, roughly. */
const CALL_COST = 40;

/** Operations of one expression: an element's cost, elementary functions included. */
export function exprCost(e: Expr, seen = new Set<Expr>()): number {
  if (seen.has(e) || e.k === 'const' || e.k === 'var') return 0;
  seen.add(e);
  // Index arithmetic is not counted: only what works on elements.
  const own = e.k === 'tile' ? 0 : e.k === 'fma' ? 2 : e.k === 'call' ? CALL_COST : 1;
  if (e.k === 'load') return 0;
  // The call of a rare case does not count.
  if (e.k === 'rare') return own + exprCost(e.c, seen) + exprCost(e.other, seen);
  return own + children(e).reduce((n, c) => n + exprCost(c, seen), 0);
}

/** Cost of one execution of straight-line statements. */
export function bodyCost(body: readonly Stmt[]): number {
  let n = 0;
  const seen = new Set<Expr>();
  forEachExpr(body, (e, s) => {
    if (s.s !== 'store' || e === s.value) n += exprCost(e, seen);
  });
  return n;
}

/** Arithmetic of a graph node, per element of its result. */
export const nodeFlops = (n: Node): number => (n.op.kind === 'elementwise' ? sizeOf(n.outputs[0].type.shape) : 0);
