// The groundwork of fusion: which values an operand reads and at which index, and whether a node may
// join a group.

import type { Graph, Node, Value } from '../../ir/graph.ts';
import type { Ranges } from '../../ir/kernel/affine.ts';
import { type Expr, i32, variable } from '../../ir/kernel/expr.ts';
import { sizeOf } from '../../ir/types.ts';
import type { Group, GroupKind } from '../group.ts';
import { opCost } from '../lower/rows.ts';
import { fixed, viewSources } from '../lower/views.ts';

/** A value that an operand reads, and at which index of its own (null: data-dependent). */
export interface Reach {
  readonly value: Value;
  readonly idx: readonly Expr[] | null;
}

export const MAX_GROUP = 200;
/** One-instruction nodes are computed by each reader, up to chains of this length. */
const MAX_INLINE = 3;
/** Nodes of no group in a row. */
const MAX_VIEWS = 40;

/** Groups of one node, which nothing joins. */
const closed: ReadonlySet<GroupKind> = new Set<GroupKind>(['scatter', 'argreduce', 'algorithm', 'control', 'barrier']);

export class FusionGroups {
  readonly graph: Graph;
  readonly groupOf = new Map<Node, Group>();
  readonly deps = new Map<Group, Set<Group>>();
  readonly inlineDepth = new Map<Node, number>();
  readonly viewDepth = new Map<Node, number>();
  readonly forced = new Set<Value>();
  readonly assigned = new Set<Value>();
  /** Element-wise nodes that lead to a Variable's new value. */
  readonly updating = new Set<Node>();
  groups: Group[] = [];
  nextId = 0;

  constructor(graph: Graph) {
    this.graph = graph;
    for (const n of graph.nodes) {
      if (n.op.name !== 'assign') continue;
      this.assigned.add(n.inputs[0]);
      const stack = [n.inputs[1]];
      for (let v = stack.pop(); v; v = stack.pop()) {
        if (v.node?.op.kind !== 'elementwise' || this.updating.has(v.node)) continue;
        this.updating.add(v.node);
        stack.push(...v.node.inputs);
      }
    }
  }

  // --- which nodes stay outside of groups ---------------------------------------------------------
  /** One instruction on one tensor (or a comparison): cheaper to repeat than to store and load. */
  tryInline(n: Node): boolean {
    if (n.op.kind !== 'elementwise' || opCost(n) > 1) return false;
    const tensors = new Set(n.inputs.filter((v) => !isSplat(v)));
    const compare = n.outputs[0].type.dtype === 'bool' && n.inputs.every((v) => v.type.dtype !== 'bool');
    if (tensors.size > 1 && !compare) return false;
    const depth = this.depthBelow(this.inlineDepth, n);
    if (n.op.name === 'stop_gradient') this.inlineDepth.set(n, depth);
    else if (depth >= MAX_INLINE) return false;
    else this.inlineDepth.set(n, depth + 1);
    return this.tryView(n);
  }

  /** Views are computed by each reader, up to chains of a length that readers can walk. */
  tryView(n: Node): boolean {
    const depth = 1 + this.depthBelow(this.viewDepth, n);
    if (depth > MAX_VIEWS) return false;
    this.viewDepth.set(n, depth);
    if (n.op.kind === 'view') this.inlineDepth.set(n, this.depthBelow(this.inlineDepth, n));
    return true;
  }

  depthBelow(depths: ReadonlyMap<Node, number>, n: Node): number {
    return n.inputs.reduce((d, v) => Math.max(d, (v.node && depths.get(v.node)) || 0), 0);
  }

  // --- reading through views -----------------------------------------------------------------------
  /** The values in memory or in groups that `v` at `idx` is made of, as group `by` reads it. */
  reach(v: Value, idx: readonly Expr[] | null, ranges: Ranges, by?: Group): Reach[] {
    const out: Reach[] = [];
    const seen = new Set<string>();
    const stack: Reach[] = [{ value: v, idx }];
    for (let top = stack.pop(); top; top = stack.pop()) {
      const n = top.value.node;
      if (!n || n.op.kind === 'state' || (this.groupOf.has(n) && !by?.own.has(top.value))) {
        out.push(top);
        continue;
      }
      // Views of views form chains; the same node at an unknown index need not be walked twice.
      if (top.idx === null) {
        const key = `${top.value.id}`;
        if (seen.has(key)) continue;
        seen.add(key);
      }
      if (n.op.kind === 'view' && top.idx)
        for (const s of viewSources(n, top.idx, ranges)) stack.push({ value: n.inputs[s.operand], idx: s.index });
      else if (n.op.kind === 'elementwise') for (const x of n.inputs) stack.push({ value: x, idx: top.idx });
      else for (const x of n.inputs) stack.push({ value: x, idx: null });
    }
    return out;
  }

  domainVars(shape: readonly number[]): { idx: Expr[]; ranges: Ranges } {
    const idx = shape.map((d, i) => (d === 1 ? i32(0) : variable(`d${i}`)));
    return { idx, ranges: new Map(shape.map((d, i) => [`d${i}`, [0, Math.max(0, d - 1)] as const])) };
  }

  // --- joining -------------------------------------------------------------------------------------
  /** Groups that the node's operands come from, the latest first. */
  candidates(n: Node, shape: readonly number[]): Group[] {
    const { idx, ranges } = this.domainVars(shape);
    const set = new Set<Group>();
    if (n.op.kind === 'random') return [];
    for (const read of reads(n, idx, ranges))
      for (const r of this.reach(read.value, read.idx, ranges)) {
        const g = r.value.node && this.groupOf.get(r.value.node);
        if (g) set.add(g);
      }
    return [...set].filter((g) => g.nodes.length < MAX_GROUP).sort((a, b) => lastId(b) - lastId(a));
  }

  canJoin(g: Group, n: Node, shape: readonly number[]): boolean {
    const rowLike = g.kind === 'rows' || g.kind === 'columns';
    const full = sameShape(g.domain, shape);
    const perRow = rowLike && !full && sameShape(kept(g), dropOnes(shape));
    if (!full && !perRow) return false;
    // A reduction over nothing has a result, which is computed in no loop over elements.
    if (rowLike && sizeOf(g.domain) === 0) return false;
    if (closed.has(g.kind) || g.nodes[0].op.name === 'window_max_grad') return false;
    if (g.kind === 'window' && n.op.kind === 'reduce') return false;
    if (g.kind === 'contraction' && n.op.kind === 'reduce') return false;
    if (n.op.kind === 'reduce' && !full) return false;
    const { idx, ranges } = this.domainVars(shape);
    const late = g.kind === 'columns' ? lateNodes(g) : null;
    let touchesLate = false;
    for (const read of reads(n, idx, ranges)) {
      for (const r of this.reach(read.value, read.idx, ranges, g)) {
        const p = r.value.node;
        const h = p ? this.groupOf.get(p) : undefined;
        if (h === g) {
          const isLate = late?.has(p as Node) ?? false;
          touchesLate ||= isLate;
          if (!this.aligned(g, r, full, isLate)) return false;
        } else if (h) {
          if (this.dependsOn(h, g)) return false;
        } else if (
          p?.op.kind === 'state' &&
          this.assigned.has(p.inputs[0]) &&
          this.updating.has(n) &&
          g.kind !== 'pointwise'
        ) {
          // The update of a Variable: its new value must be able to take the old one's place, which
          // only a pointwise kernel guarantees.
          return false;
        }
      }
    }
    // In a column group, what is computed on the results must depend on a reduction.
    if (g.kind === 'columns' && full === touchesLate) return false;
    return true;
  }

  /** Is the group's own value read at the index at which the group is computing? */
  aligned(g: Group, r: Reach, full: boolean, late: boolean): boolean {
    if (!r.idx) return false;
    const shape = fixed(r.value.type.shape);
    const isFull = sameShape(shape, g.domain) && !(g.kind === 'columns' && late);
    const vars = (list: readonly number[], of: readonly number[]) =>
      list.length === r.idx?.length && list.every((axis, i) => of[i] === 1 || isVar(r.idx?.[i] as Expr, axis));
    if (full) {
      if (isFull)
        return vars(
          shape.map((_, i) => i),
          shape,
        );
      if (g.kind !== 'rows') return false;
      // A row value broadcast along the reduced axes.
      return this.keptAligned(g, r.idx, shape);
    }
    // A node with one element a row, reading another such.
    if (isFull) return false;
    return shape.every((d, i) => d === 1 || (r.idx as readonly Expr[])[i].k === 'var') && this.inOrder(r.idx, shape);
  }

  /** The index runs over the kept axes, in order, whatever size-1 axes stand between. */
  keptAligned(g: Group, idx: readonly Expr[], shape: readonly number[]): boolean {
    const axes = g.domain.map((_, i) => i).filter((i) => !g.axes.includes(i) && g.domain[i] !== 1);
    const used = idx.filter((_, i) => shape[i] !== 1);
    return used.length === axes.length && used.every((e, i) => isVar(e, axes[i]));
  }
  inOrder(idx: readonly Expr[], shape: readonly number[]): boolean {
    const names = idx.filter((_, i) => shape[i] !== 1).map((e) => (e.k === 'var' ? Number(e.name.slice(1)) : -1));
    return names.every((x, i) => x >= 0 && (i === 0 || x > names[i - 1]));
  }

  /** Does `h` depend on `g`, directly or not? Gives up (true) on very wide searches. */
  dependsOn(h: Group, g: Group): boolean {
    const first = g.nodes[0].id;
    const seen = new Set<Group>([h]);
    const stack = [h];
    for (let top = stack.pop(); top; top = stack.pop()) {
      if (top === g) return true;
      if (lastId(top) < first) continue;
      for (const d of this.deps.get(top) as Set<Group>) {
        if (seen.has(d)) continue;
        seen.add(d);
        stack.push(d);
      }
      if (seen.size > 512) return true;
    }
    return false;
  }
}

/** What a node reads of its operands to compute the element `idx` of its result. */
function reads(n: Node, idx: readonly Expr[], ranges: Ranges): Reach[] {
  if (n.op.kind === 'view')
    return viewSources(n, idx, ranges).map((s) => ({ value: n.inputs[s.operand], idx: s.index }));
  const same = n.op.kind === 'elementwise' || n.op.kind === 'reduce';
  return n.inputs.map((value) => ({ value, idx: same ? idx : null }));
}

export const sameShape = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((d, i) => d === b[i]);
export const dropOnes = (s: readonly number[]): number[] => s.filter((d) => d !== 1);
export const kept = (g: Group): number[] => dropOnes(g.domain.filter((_, i) => !g.axes.includes(i)));
export const lastId = (g: Group): number => g.nodes[g.nodes.length - 1]?.id ?? -1;
export const isVar = (e: Expr, axis: number): boolean => e.k === 'var' && e.name === `d${axis}`;
export const isSplat = (v: Value): boolean => {
  let x: Value = v;
  while (x.node?.op.name === 'broadcast' || x.node?.op.name === 'reshape') x = x.node.inputs[0];
  return x.node?.op.name === 'constant' && sizeOf(x.type.shape) === 1
    ? true
    : x.node?.op.name === 'constant' && (x.node.attrs.value as { splat?: number }).splat !== undefined;
};

/** Nodes of a column group that work on reduced results, be it through nodes of no group. */
export function lateNodes(g: Group): Set<Node> {
  const members = new Set(g.nodes);
  const late = new Map<Node, boolean>();
  const first = g.nodes[0].id;
  const isLate = (n: Node): boolean => {
    const known = late.get(n);
    if (known !== undefined) return known;
    late.set(n, false);
    const r =
      (members.has(n) && n.op.kind === 'reduce') ||
      (n.id >= first && n.inputs.some((v) => v.node !== null && isLate(v.node)));
    late.set(n, r);
    return r;
  };
  return new Set(g.nodes.filter(isLate));
}

/** Does the group only hold a node of control flow? */
export const isControl = (g: Group): boolean => g.kind === 'control' || g.kind === 'barrier';

/** The value whose bytes a reshape or a barrier shares. */
export function aliasSource(v: Value): Value {
  let x = v;
  for (;;) {
    const n: Node | null = x.node;
    if (n?.op.name === 'reshape') x = n.inputs[0];
    else if (n?.op.name === 'optimization_barrier') x = n.inputs[x.index];
    else return x;
  }
}
