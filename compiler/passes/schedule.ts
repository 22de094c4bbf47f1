// The order of the kernels, chosen for low peak memory, and where Variables get their new values.
//
// A new value is written straight into its Variable's memory where every other reader of the old
// value runs before; else it waits in the arena and is copied in at the end.

import { Graph as Dag } from '@dagrejs/graphlib';
import type { Graph, Node, Value } from '../../ir/graph.ts';
import { typeBytes } from '../../ir/types.ts';
import type { Group } from '../group.ts';
import type { Fusion } from './fuse.ts';
import { aliasSource } from './fusion-groups.ts';

/** A Variable that the program changes. */
export interface StateWrite {
  /** Index among the program's states. */
  readonly state: number;
  readonly param: Value;
  /** The value that it takes. */
  readonly value: Value;
  /** True where the producing kernel stores into the Variable's memory itself. */
  direct: boolean;
}

export interface Schedule {
  readonly order: readonly Group[];
  readonly writes: readonly StateWrite[];
}

/** Bytes of a Variable from which on its update does not wait for others. */
const LARGE_UPDATE = 1 << 16;

export function stateParams(g: Graph): Value[] {
  return g.params.filter((p) => p.type.state);
}

/** The tensor that a final state holds, or null where the state is unchanged. */
function assignedValue(result: Value, param: Value): Value | null {
  if (result === param) return null;
  const n = result.node as Node;
  return n.op.name === 'assign' ? n.inputs[1] : null;
}

export function schedule(f: Fusion): Schedule {
  const { graph, groups } = f;
  const states = stateParams(graph);
  const finals = graph.results.filter((r) => r.type.state);
  const dag = new Dag({ directed: true });
  for (const g of groups) dag.setNode(`g${g.id}`, g);
  for (const [g, deps] of f.deps) for (const d of deps) dag.setEdge(`g${d.id}`, `g${g.id}`);
  const writes: StateWrite[] = [];
  states.forEach((param, i) => {
    const value = finals[i] ? assignedValue(finals[i], param) : null;
    if (value) writes.push({ state: i, param, value, direct: false });
  });
  const readers = stateReaders(f);
  const taken = new Set<Value>();
  for (const w of writes) {
    const source = aliasSource(w.value);
    const producer = f.producer.get(source);
    // One value may become the content of one Variable only, and a result that is shown must stay.
    if (
      !producer ||
      taken.has(source) ||
      graph.results.includes(w.value) ||
      graph.results.some((r) => aliasSource(r) === source)
    )
      continue;
    const others = [...(readers.get(w.param) ?? [])].filter((g) => g !== producer);
    if (readers.get(w.param)?.has(producer) && producer.kind !== 'pointwise') continue;
    // Readers of the new value load it from the Variable: it must not be overwritten, and it is not.
    if (others.some((g) => reaches(dag, producer, g))) continue;
    for (const g of others) dag.setEdge(`g${g.id}`, `g${producer.id}`);
    w.direct = true;
    taken.add(source);
  }
  return { order: listSchedule(dag, groups, f, taken), writes };
}

/** Groups that read the old value of each Variable. */
function stateReaders(f: Fusion): Map<Value, Set<Group>> {
  const grouped = groupedNodes(f);
  const out = new Map<Value, Set<Group>>();
  for (const n of f.graph.nodes)
    if (n.op.name === 'read') out.set(n.inputs[0], readingGroups(f, grouped, n.outputs[0], true));
  return out;
}

function reaches(dag: Dag, from: Group, to: Group): boolean {
  const goal = `g${to.id}`;
  const seen = new Set<string>();
  const stack = [`g${from.id}`];
  for (let top = stack.pop(); top; top = stack.pop()) {
    if (top === goal) return true;
    if (seen.has(top)) continue;
    seen.add(top);
    for (const s of dag.successors(top) ?? []) stack.push(s);
  }
  return false;
}

/**
 * List scheduling: of the groups that are ready, the one that frees most (or adds least) memory; ties
 * go to program order. Looks at a window of ready groups only, to stay linear.
 */
function listSchedule(dag: Dag, groups: readonly Group[], f: Fusion, inPlace: ReadonlySet<Value>): Group[] {
  const bytes = (v: Value) => typeBytes(v.type);
  // A large Variable is updated as soon as its gradient is there, which then is in the cache and ends. Small ones
  // may wait for each other: one kernel updates them all.
  const added = (v: Value) => (inPlace.has(v) && bytes(v) >= LARGE_UPDATE ? 0 : bytes(v));
  const waiting = new Map<Group, number>(groups.map((g) => [g, (dag.predecessors(`g${g.id}`) ?? []).length]));
  const readersLeft = new Map<Value, number>();
  const inputs = new Map<Group, Value[]>();
  for (const g of groups) inputs.set(g, []);
  const consumers = consumersOf(f);
  for (const [v, set] of consumers) {
    readersLeft.set(v, set.size);
    for (const g of set) inputs.get(g)?.push(v);
  }
  const gain = (g: Group): number => {
    let n = -g.outputs.reduce((s, v) => s + added(v), 0);
    for (const v of inputs.get(g) as Value[]) if (readersLeft.get(v) === 1) n += bytes(v);
    return n;
  };
  const rank = new Map(groups.map((g) => [g, g.nodes[0].id]));
  const ready = groups.filter((g) => waiting.get(g) === 0);
  const order: Group[] = [];
  const byRank = (a: Group, b: Group) => (rank.get(a) as number) - (rank.get(b) as number);
  ready.sort(byRank);
  while (ready.length) {
    let best = 0;
    let bestGain = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < Math.min(ready.length, 16); i++) {
      const x = gain(ready[i]);
      if (x > bestGain) {
        bestGain = x;
        best = i;
      }
    }
    const [g] = ready.splice(best, 1);
    order.push(g);
    for (const v of inputs.get(g) as Value[]) readersLeft.set(v, (readersLeft.get(v) as number) - 1);
    const fresh: Group[] = [];
    for (const s of dag.successors(`g${g.id}`) ?? []) {
      const h = dag.node(s) as Group;
      const left = (waiting.get(h) as number) - 1;
      waiting.set(h, left);
      if (left === 0) fresh.push(h);
    }
    for (const h of fresh) {
      let at = ready.findIndex((r) => byRank(h, r) < 0);
      if (at < 0) at = ready.length;
      ready.splice(at, 0, h);
    }
  }
  if (order.length !== groups.length) throw new Error('fusion groups depend on each other in a cycle');
  return order;
}

/** The groups that load each value which a group has put into memory. */
export function consumersOf(f: Fusion): Map<Value, Set<Group>> {
  const grouped = groupedNodes(f);
  const out = new Map<Value, Set<Group>>();
  for (const [v, own] of f.producer) {
    const set = readingGroups(f, grouped, v);
    set.delete(own);
    out.set(v, set);
  }
  return out;
}

function groupedNodes(f: Fusion): Map<Node, Group> {
  const out = new Map<Node, Group>();
  for (const g of f.groups) for (const n of g.nodes) out.set(n, g);
  return out;
}

/**
 * Groups that read a value, themselves or through nodes of no group; `through` those of barriers too,
 * whose results are the same memory.
 */
function readingGroups(f: Fusion, grouped: ReadonlyMap<Node, Group>, v: Value, through = false): Set<Group> {
  const out = new Set<Group>();
  const seen = new Set<Value>([v]);
  const stack = [v];
  for (let x = stack.pop(); x; x = stack.pop())
    for (const user of f.graph.uses[x.id]) {
      const g = grouped.get(user);
      if (g) {
        out.add(g);
        // Groups that compute the user's result for themselves read its operands too.
        for (const o of user.outputs) for (const h of f.owners.get(o) ?? []) out.add(h);
        if (g.kind !== 'barrier' || !through) continue;
      }
      for (const o of user.outputs)
        if (!seen.has(o)) {
          seen.add(o);
          stack.push(o);
        }
    }
  return out;
}
