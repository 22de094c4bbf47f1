// Fusion: which nodes share a kernel, and with that, which values reach memory.
//
// Nodes are taken in topological order; each joins the group of one of its operands where its element
// is computed from that group's element at the same index (or from the row's reduction), and where no
// other operand depends on that group. Views and one-instruction nodes belong to no group: whoever
// reads them computes them.

import type { Graph, Node, Value } from '../../ir/graph.ts';
import type { Literal } from '../../ir/literal.ts';
import { intsAttr } from '../../ir/op.ts';
import { sizeOf } from '../../ir/types.ts';
import type { Group, GroupKind } from '../group.ts';
import { opCost } from '../lower/rows.ts';
import { fixed } from '../lower/views.ts';
import { aliasSource, FusionGroups, isControl, isSplat, MAX_GROUP, sameShape } from './fusion-groups.ts';

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

/** A constant that is read from memory: no splat. */
const isStoredConstant = (v: Value): boolean =>
  v.node?.op.name === 'constant' && (v.node.attrs.value as Literal).splat === undefined;

/** Is the value in memory before a group that reads it runs? */
export function inMemory(f: Fusion, v: Value): boolean {
  const n = v.node;
  if (!n) return !v.type.state;
  return n.op.name === 'read' || f.producer.has(v) || isStoredConstant(v);
}

export function fuse(graph: Graph): Fusion {
  return new Fuser(graph).run();
}

class Fuser extends FusionGroups {
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
        this.materializeOperand(n.inputs[0], n.op.name !== 'dot_general');
        this.create('contraction', n, fixed(n.outputs[0].type.shape));
        return;
      case 'window':
        this.create('window', n, fixed(n.outputs[0].type.shape));
        return;
      case 'scatter':
        this.create('scatter', n, fixed(n.outputs[0].type.shape));
        return;
      case 'control':
        for (const v of n.inputs) this.result(v);
        this.create(n.regions.length ? 'control' : 'barrier', n, []);
        return;
      case 'view':
        if (!this.tryView(n)) this.placePointwise(n);
        return;
      case 'algorithm':
        for (const x of n.inputs) this.materializeOperand(x, true);
        this.create('algorithm', n, fixed(n.outputs[0].type.shape));
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
    const fits = b.nodes.every((n) =>
      this.canJoin(b, n, fixed((n.op.kind === 'reduce' ? n.inputs[0] : n.outputs[0]).type.shape)),
    );
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
    // Size-1 axes behind a reduced axis leave it the contiguous one.
    const innermost = shape.findLastIndex((d) => d !== 1);
    const kind: GroupKind = innermost < 0 || axes.includes(innermost) ? 'rows' : 'columns';
    for (const g of this.candidates(n, shape)) {
      const fits =
        sameShape(g.domain, shape) && (g.kind === 'pointwise' || (g.kind === kind && g.axes.join() === axes.join()));
      if (!fits) continue;
      const before = { kind: g.kind, axes: g.axes };
      g.kind = kind;
      g.axes = axes;
      if (this.canJoin(g, n, shape)) {
        this.join(g, n);
        return;
      }
      g.kind = before.kind;
      g.axes = before.axes;
    }
    const sources = this.identitySources(n, shape).map((v) => `${kind} ${shape} ${axes} ${v.id}`);
    for (const key of sources) {
      const g = this.siblings.get(key);
      const same = g && g.kind === kind && g.axes.join() === axes.join() && g.nodes.length < MAX_GROUP;
      if (same && this.deps.has(g) && this.canJoin(g, n, shape)) {
        this.join(g, n);
        return;
      }
    }
    const g = this.create(kind, n, shape);
    g.axes = axes;
    for (const key of sources) this.siblings.set(key, g);
  }

  /** Groups by the rows that they reduce: another reduction of the same rows is computed along. */
  readonly siblings = new Map<string, Group>();

  /** Values that the reduction reads element by element, whoever holds them. */
  identitySources(n: Node, shape: readonly number[]): Value[] {
    const { idx, ranges } = this.domainVars(shape);
    return this.reach(n.inputs[0], idx, ranges)
      .filter(
        (r) => r.idx !== null && sameShape(fixed(r.value.type.shape), shape) && r.idx.every((e, i) => e === idx[i]),
      )
      .map((r) => r.value);
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

  // --- what must be in memory ------------------------------------------------------------------------
  /**
   * A convolution reads its input in place: plain views of memory only. A product may compute its left
   * operand on the way; but what can join the kernel of its own operand is better stored there.
   */
  materializeOperand(v: Value, always: boolean): void {
    let x = v;
    for (;;) {
      const n = x.node;
      if (!n || this.groupOf.has(n) || n.op.kind === 'state') return;
      if (n.op.kind === 'generate' && !isSplat(x)) return;
      const simple = n.op.kind === 'view' && n.op.name !== 'pad' && n.op.name !== 'concat';
      if (!simple) break;
      x = n.inputs[0];
    }
    const n = x.node as Node;
    if (n.op.kind === 'generate') return;
    if (always || (n.op.kind === 'elementwise' && this.joinable(n))) this.group(x);
  }

  /** Would the node find a group to join? */
  joinable(n: Node): boolean {
    const shape = fixed(n.outputs[0].type.shape);
    return this.candidates(n, shape).some((g) => this.canJoin(g, n, shape));
  }

  /** Puts a value that belongs to no group into memory. */
  group(v: Value): void {
    const n = v.node as Node;
    if (this.groupOf.has(n)) return;
    // Groups that compute the value for themselves go on doing so: were they to load it, they might
    // come to depend on their own results.
    for (const h of this.readersOf(v)) h.own.add(v);
    this.inlineDepth.delete(n);
    this.viewDepth.delete(n);
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
    // Control flow writes all its results, read or not.
    for (const g of this.groups) {
      const all = g.nodes.flatMap((n) => n.outputs);
      g.outputs = isControl(g) ? all : all.filter((o) => needed.has(o));
    }
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
    const absorbed = new Map<Group, { cost: number; nodes: number }>();
    for (const g of this.groups) {
      if (g.kind !== 'pointwise' || g.outputs.length !== 1 || this.forced.has(g.outputs[0])) continue;
      const [v] = g.outputs;
      const users = [...(readers.get(v) ?? [])].filter((q) => q !== g);
      if (users.length !== 1) continue;
      const q = users[0];
      // What the group has taken over itself counts: chains do not vanish into their end.
      const taken = absorbed.get(g) ?? { cost: 0, nodes: 0 };
      const cost = g.nodes.reduce((c, n) => c + opCost(n), taken.cost);
      const nodes = g.nodes.length + taken.nodes;
      if (nodes > 16 || !this.mayAbsorb(q, v, cost)) continue;
      const before = absorbed.get(q) ?? { cost: 0, nodes: 0 };
      absorbed.set(q, { cost: before.cost + cost, nodes: before.nodes + nodes });
      // What is gathered is computed once a reader: gathers of gathers multiply, unless few are wanted.
      if (sizeOf(q.domain) > sizeOf(v.type.shape) && this.gathers(g) && this.gathers(q, v)) continue;
      for (const n of g.nodes) this.groupOf.delete(n);
      for (const d of this.deps.get(g) as Set<Group>) this.deps.get(q)?.add(d);
      this.deps.get(q)?.delete(g);
      // What the dissolved nodes read is now read by q.
      for (const n of g.nodes)
        for (const x of n.inputs)
          for (const r of this.reach(x, null, new Map()))
            readers.set(r.value, (readers.get(r.value) ?? new Set()).add(q));
      g.outputs = [];
      g.nodes = [];
    }
    this.groups = this.groups.filter((g) => g.nodes.length > 0);
    this.findOutputs();
  }

  /** Does the group read by a gather: anything, or that value? */
  gathers(g: Group, of?: Value): boolean {
    const seen = new Set<Node>();
    const stack = g.nodes.map((node) => ({ node, gathered: false }));
    for (let top = stack.pop(); top; top = stack.pop())
      for (const x of top.node.inputs) {
        const gathered = top.gathered || top.node.op.kind === 'gather';
        if (gathered && (!of || x === of)) return true;
        const n = x.node;
        if (!n || this.groupOf.has(n) || seen.has(n)) continue;
        seen.add(n);
        stack.push({ node: n, gathered });
      }
    return false;
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
        // Packed and staged operands are computed once; a convolution's input and what the epilogue reads
        // are not.
        const left = this.reach(anchor.inputs[0], null, new Map(), q).some((r) => r.value === v);
        const epilogue = q.nodes.some(
          (n) => n !== anchor && n.inputs.some((x) => this.reach(x, null, new Map(), q).some((r) => r.value === v)),
        );
        return (!left || anchor.op.name === 'dot_general') && !epilogue && cost <= 16;
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
