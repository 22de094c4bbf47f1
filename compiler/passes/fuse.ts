// Fusion: which nodes share a kernel, and with that, which values reach memory.
//
// Nodes are taken in topological order; each joins the group of one of its operands where its element
// is computed from that group's element at the same index (or from the row's reduction), and where no
// other operand depends on that group. Views and one-instruction nodes belong to no group: whoever
// reads them computes them.

import type { Graph, Node, Value } from '../../ir/graph.ts';
import type { Ranges } from '../../ir/kernel/affine.ts';
import { type Expr, i32, variable } from '../../ir/kernel/expr.ts';
import { intsAttr } from '../../ir/op.ts';
import { sizeOf } from '../../ir/types.ts';
import type { Group, GroupKind } from '../group.ts';
import { opCost } from '../lower/rows.ts';
import { fixed, viewSources } from '../lower/views.ts';

export interface Fusion {
  readonly graph: Graph;
  readonly groups: readonly Group[];
  /** Direct dependences: groups whose outputs a group reads. */
  readonly deps: ReadonlyMap<Group, ReadonlySet<Group>>;
  /** Group that computes a value in memory. */
  readonly producer: ReadonlyMap<Value, Group>;
  /** Other groups that compute such a value for themselves. */
  readonly owners: ReadonlyMap<Value, readonly Group[]>;
}

/** A value that an operand reads, and at which index of its own (null: data-dependent). */
interface Reach {
  readonly value: Value;
  readonly idx: readonly Expr[] | null;
}

const MAX_GROUP = 200;
/** One-instruction nodes are computed by each reader, up to chains of this length. */
const MAX_INLINE = 3;

export function fuse(graph: Graph): Fusion {
  return new Fuser(graph).run();
}

class Fuser {
  readonly graph: Graph;
  readonly groupOf = new Map<Node, Group>();
  readonly deps = new Map<Group, Set<Group>>();
  readonly inlineDepth = new Map<Node, number>();
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

  run(): Fusion {
    for (const n of this.graph.nodes) this.place(n);
    for (const r of this.graph.results) this.result(r);
    for (const n of this.graph.nodes) if (n.op.name === 'assign') this.result(n.inputs[1]);
    this.findOutputs();
    this.dissolve();
    this.groups = this.groups.filter((g) => g.outputs.length > 0);
    const producer = new Map<Value, Group>();
    for (const g of this.groups) for (const o of g.outputs) producer.set(o, g);
    const owners = new Map<Value, Group[]>();
    for (const g of this.groups) for (const v of g.own) owners.set(v, [...(owners.get(v) ?? []), g]);
    return { graph: this.graph, groups: this.groups, deps: this.directDeps(producer), producer, owners };
  }

  // --- which nodes stay outside of groups ---------------------------------------------------------
  isInline(n: Node): boolean {
    switch (n.op.kind) {
      case 'view':
      case 'generate':
      case 'gather':
      case 'state':
        return true;
      case 'elementwise':
        return this.inlineDepth.has(n);
      default:
        return false;
    }
  }

  /** One instruction on one tensor (or a comparison): cheaper to repeat than to store and load. */
  tryInline(n: Node): boolean {
    if (n.op.kind !== 'elementwise' || opCost(n) > 1) return false;
    const tensors = new Set(n.inputs.filter((v) => !isSplat(v)));
    const compare = n.outputs[0].type.dtype === 'bool' && n.inputs.every((v) => v.type.dtype !== 'bool');
    if (tensors.size > 1 && !compare) return false;
    if (n.op.name === 'stop_gradient') return true;
    const depth = 1 + Math.max(0, ...n.inputs.map((v) => (v.node && this.inlineDepth.get(v.node)) || 0));
    if (depth > MAX_INLINE) return false;
    this.inlineDepth.set(n, depth);
    return true;
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
      if (n.op.kind === 'view' && top.idx) for (const s of viewSources(n, top.idx, ranges)) stack.push({ value: n.inputs[s.operand], idx: s.index });
      else if (n.op.kind === 'elementwise') for (const x of n.inputs) stack.push({ value: x, idx: top.idx });
      else for (const x of n.inputs) stack.push({ value: x, idx: null });
    }
    return out;
  }

  domainVars(shape: readonly number[]): { idx: Expr[]; ranges: Ranges } {
    const idx = shape.map((d, i) => (d === 1 ? i32(0) : variable(`d${i}`)));
    return { idx, ranges: new Map(shape.map((d, i) => [`d${i}`, [0, Math.max(0, d - 1)] as const])) };
  }

  // --- placing -------------------------------------------------------------------------------------
  place(n: Node): void {
    switch (n.op.kind) {
      case 'elementwise':
      case 'random':
        if (n.op.kind === 'elementwise' && this.tryInline(n)) return;
        this.placePointwise(n);
        return;
      case 'reduce':
        if (n.op.name.startsWith('arg')) this.create('argreduce', n, fixed(n.inputs[0].type.shape));
        else this.placeReduce(n);
        return;
      case 'contraction':
        this.materializeOperand(n.inputs[0]);
        this.create('contraction', n, fixed(n.outputs[0].type.shape));
        return;
      case 'window':
        this.create('window', n, fixed(n.outputs[0].type.shape));
        return;
      case 'scatter':
        this.create('scatter', n, fixed(n.outputs[0].type.shape));
        return;
      default:
        return;
    }
  }

  placePointwise(n: Node): void {
    const shape = fixed(n.outputs[0].type.shape);
    const candidates = this.candidates(n, shape);
    const g = candidates.find((c) => this.canJoin(c, n, shape));
    if (!g) {
      this.create('pointwise', n, shape);
      return;
    }
    this.join(g, n);
    for (const other of candidates) if (other !== g) this.tryMerge(other, g);
  }

  /** Puts two groups over the same domain into one where nothing between them depends on the first. */
  tryMerge(a: Group, b: Group): void {
    const loops = (g: Group) => g.kind === 'pointwise' || g.kind === 'rows';
    if (!loops(a) || !loops(b) || !sameShape(a.domain, b.domain) || a.nodes.length + b.nodes.length > MAX_GROUP) return;
    if (a.kind === 'rows' && b.kind === 'rows' && a.axes.join() !== b.axes.join()) return;
    if (this.dependsOn(a, b)) return;
    for (const d of this.deps.get(b) as Set<Group>) if (d !== a && this.dependsOn(d, a)) return;
    const before = { nodes: b.nodes, kind: b.kind, axes: b.axes };
    b.nodes = [...a.nodes, ...b.nodes].sort((x, y) => x.id - y.id);
    if (a.kind === 'rows') {
      b.kind = 'rows';
      b.axes = a.axes;
    }
    const owned = [...a.own].filter((v) => !b.own.has(v));
    for (const v of owned) b.own.add(v);
    for (const n of a.nodes) this.groupOf.set(n, b);
    const fits = b.nodes.every((n) => this.canJoin(b, n, fixed((n.op.kind === 'reduce' ? n.inputs[0] : n.outputs[0]).type.shape)));
    if (!fits) {
      b.nodes = before.nodes;
      b.kind = before.kind;
      b.axes = before.axes;
      for (const v of owned) b.own.delete(v);
      for (const n of a.nodes) this.groupOf.set(n, a);
      return;
    }
    const mine = this.deps.get(b) as Set<Group>;
    for (const d of this.deps.get(a) as Set<Group>) if (d !== b) mine.add(d);
    for (const set of this.deps.values()) if (set.delete(a)) set.add(b);
    mine.delete(b);
    this.deps.delete(a);
    this.groups = this.groups.filter((g) => g !== a);
  }

  placeReduce(n: Node): void {
    const shape = fixed(n.inputs[0].type.shape);
    const axes = intsAttr(n.attrs, 'axes');
    const kind: GroupKind = axes.includes(shape.length - 1) ? 'rows' : 'columns';
    for (const g of this.candidates(n, shape)) {
      const fits = sameShape(g.domain, shape) && (g.kind === 'pointwise' || (g.kind === kind && g.axes.join() === axes.join()));
      if (!fits) continue;
      const before = { kind: g.kind, axes: g.axes };
      g.kind = kind;
      g.axes = axes;
      if (this.canJoin(g, n, shape)) return this.join(g, n);
      g.kind = before.kind;
      g.axes = before.axes;
    }
    const g = this.create(kind, n, shape);
    g.axes = axes;
  }

  /** Groups that the node's operands come from, the latest first. */
  candidates(n: Node, shape: readonly number[]): Group[] {
    const { idx, ranges } = this.domainVars(shape);
    const set = new Set<Group>();
    if (n.op.kind === 'random') return [];
    for (const x of n.inputs)
      for (const r of this.reach(x, idx, ranges)) {
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
    if (g.kind === 'scatter' || g.kind === 'argreduce' || g.nodes[0].op.name === 'window_max_grad') return false;
    if (g.kind === 'window' && n.op.kind === 'reduce') return false;
    if (g.kind === 'contraction' && n.op.kind === 'reduce') return false;
    if (n.op.kind === 'reduce' && !full) return false;
    const { idx, ranges } = this.domainVars(shape);
    const late = g.kind === 'columns' ? lateNodes(g) : null;
    let touchesLate = false;
    for (const x of n.inputs) {
      for (const r of this.reach(x, idx, ranges, g)) {
        const p = r.value.node;
        const h = p ? this.groupOf.get(p) : undefined;
        if (h === g) {
          const isLate = late?.has(p as Node) ?? false;
          touchesLate ||= isLate;
          if (!this.aligned(g, r, full, isLate)) return false;
        } else if (h) {
          if (this.dependsOn(h, g)) return false;
        } else if (p?.op.kind === 'state' && this.assigned.has(p.inputs[0]) && this.updating.has(n) && g.kind !== 'pointwise') {
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
      if (isFull) return vars(shape.map((_, i) => i), shape);
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

  create(kind: GroupKind, n: Node, domain: readonly number[]): Group {
    const g: Group = { id: this.nextId++, kind, domain, axes: [], nodes: [], outputs: [], own: new Set(), parts: [] };
    this.groups.push(g);
    this.deps.set(g, new Set());
    this.join(g, n);
    return g;
  }

  join(g: Group, n: Node): void {
    g.nodes.push(n);
    if (g.nodes.length > 1 && n.id < g.nodes[g.nodes.length - 2].id) g.nodes.sort((a, b) => a.id - b.id);
    this.groupOf.set(n, g);
    const mine = this.deps.get(g) as Set<Group>;
    for (const x of n.inputs)
      for (const r of this.reach(x, null, new Map(), g)) {
        const h = r.value.node && this.groupOf.get(r.value.node);
        if (h && h !== g) mine.add(h);
      }
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

  // --- what must be in memory ------------------------------------------------------------------------
  /** A contraction reads its left operand in place: plain views of memory only. */
  materializeOperand(v: Value): void {
    let x = v;
    for (;;) {
      const n = x.node;
      if (!n || this.groupOf.has(n) || n.op.kind === 'state') return;
      if (n.op.kind === 'generate' && !isSplat(x)) return;
      const simple = n.op.kind === 'view' && n.op.name !== 'pad' && n.op.name !== 'concat';
      if (!simple) break;
      x = n.inputs[0];
    }
    if (x.node?.op.kind !== 'generate') this.group(x);
  }

  /** Puts a value that belongs to no group into memory. */
  group(v: Value): void {
    const n = v.node as Node;
    if (this.groupOf.has(n)) return;
    // Groups that compute the value for themselves go on doing so: were they to load it, they might
    // come to depend on their own results.
    for (const h of this.readersOf(v)) h.own.add(v);
    this.inlineDepth.delete(n);
    this.placePointwise(n);
    this.forced.add(v);
  }

  /** Groups that compute a value of no group for themselves. */
  readersOf(v: Value): Set<Group> {
    const out = new Set<Group>();
    const seen = new Set<Value>([v]);
    const stack = [v];
    for (let top = stack.pop(); top; top = stack.pop())
      for (const user of this.graph.uses[top.id]) {
        const g = this.groupOf.get(user);
        if (g) out.add(g);
        else
          for (const o of user.outputs)
            if (!seen.has(o)) {
              seen.add(o);
              stack.push(o);
            }
      }
    return out;
  }

  /** A result must be in memory: computed, a parameter, or a reshape of such. */
  result(v: Value): void {
    if (v.type.state) return;
    const s = aliasSource(v);
    const n = s.node;
    if (!n || n.op.kind === 'state') return;
    if (n.op.name === 'constant') return;
    if (!this.groupOf.has(n)) this.group(s);
    this.forced.add(s);
  }

  findOutputs(): void {
    const needed = new Set<Value>(this.forced);
    for (const g of this.groups)
      for (const n of g.nodes)
        for (const x of n.inputs)
          for (const r of this.reach(x, null, new Map(), g)) {
            const h = r.value.node && this.groupOf.get(r.value.node);
            if (h && h !== g) needed.add(r.value);
          }
    for (const g of this.groups) g.outputs = g.nodes.flatMap((n) => n.outputs).filter((o) => needed.has(o));
  }

  /**
   * A cheap pointwise group with one output that one other group reads is computed by that group
   * instead: the prologue of a reduction, of a packed operand, or of another pointwise group.
   */
  dissolve(): void {
    const readers = new Map<Value, Set<Group>>();
    for (const g of this.groups)
      for (const n of g.nodes)
        for (const x of n.inputs)
          for (const r of this.reach(x, null, new Map(), g)) {
            const set = readers.get(r.value) ?? new Set();
            readers.set(r.value, set.add(g));
          }
    for (const g of this.groups) {
      if (g.kind !== 'pointwise' || g.outputs.length !== 1 || this.forced.has(g.outputs[0])) continue;
      const [v] = g.outputs;
      const users = [...(readers.get(v) ?? [])].filter((q) => q !== g);
      if (users.length !== 1) continue;
      const q = users[0];
      const cost = g.nodes.reduce((c, n) => c + opCost(n), 0);
      if (g.nodes.length > 16 || !this.mayAbsorb(q, v, cost)) continue;
      for (const n of g.nodes) this.groupOf.delete(n);
      for (const d of this.deps.get(g) as Set<Group>) this.deps.get(q)?.add(d);
      this.deps.get(q)?.delete(g);
      // What the dissolved nodes read is now read by q.
      for (const n of g.nodes)
        for (const x of n.inputs)
          for (const r of this.reach(x, null, new Map())) readers.set(r.value, (readers.get(r.value) ?? new Set()).add(q));
      g.outputs = [];
      g.nodes = [];
    }
    this.groups = this.groups.filter((g) => g.nodes.length > 0);
    this.findOutputs();
  }

  mayAbsorb(q: Group, v: Value, cost: number): boolean {
    const size = sizeOf(v.type.shape);
    const grows = q.domain.reduce((a, b) => a * b, 1) > 2 * size;
    switch (q.kind) {
      case 'pointwise':
      case 'columns':
        return !grows || cost <= 2;
      case 'rows':
        return (!grows && cost <= 8) || cost <= 2;
      case 'argreduce':
        return cost <= 8;
      case 'contraction': {
        const anchor = q.nodes.find((n) => n.op.kind === 'contraction') as Node;
        // Only the packed operand is read once; neither the other one nor the epilogue's operands are.
        const left = this.reach(anchor.inputs[0], null, new Map(), q).some((r) => r.value === v);
        const epilogue = q.nodes.some((n) => n !== anchor && n.inputs.some((x) => this.reach(x, null, new Map(), q).some((r) => r.value === v)));
        return !left && !epilogue && cost <= 16;
      }
      default:
        return false;
    }
  }

  directDeps(producer: ReadonlyMap<Value, Group>): Map<Group, Set<Group>> {
    const out = new Map<Group, Set<Group>>();
    for (const g of this.groups) {
      const set = new Set<Group>();
      for (const n of g.nodes)
        for (const x of n.inputs)
          for (const r of this.reach(x, null, new Map(), g)) {
            const h = producer.get(r.value);
            if (h && h !== g) set.add(h);
          }
      out.set(g, set);
    }
    return out;
  }
}

const sameShape = (a: readonly number[], b: readonly number[]): boolean => a.length === b.length && a.every((d, i) => d === b[i]);
const dropOnes = (s: readonly number[]): number[] => s.filter((d) => d !== 1);
const kept = (g: Group): number[] => dropOnes(g.domain.filter((_, i) => !g.axes.includes(i)));
const lastId = (g: Group): number => g.nodes[g.nodes.length - 1]?.id ?? -1;
const isVar = (e: Expr, axis: number): boolean => e.k === 'var' && e.name === `d${axis}`;
export const isSplat = (v: Value): boolean => {
  let x: Value = v;
  while (x.node?.op.name === 'broadcast' || x.node?.op.name === 'reshape') x = x.node.inputs[0];
  return x.node?.op.name === 'constant' && sizeOf(x.type.shape) === 1 ? true : x.node?.op.name === 'constant' && (x.node.attrs.value as { splat?: number }).splat !== undefined;
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
    const r = (members.has(n) && n.op.kind === 'reduce') || (n.id >= first && n.inputs.some((v) => v.node !== null && isLate(v.node)));
    late.set(n, r);
    return r;
  };
  return new Set(g.nodes.filter(isLate));
}

/** The value whose bytes a reshape shares. */
export function aliasSource(v: Value): Value {
  let x = v;
  while (x.node?.op.name === 'reshape') x = x.node.inputs[0];
  return x;
}
