// Makes a failing graph small: fewer results, and nodes replaced by parameters that hold their value,
// as long as it still fails.

import { Builder } from '../../ir/builder.ts';
import type { Graph, Val, Value } from '../../ir/graph.ts';
import { roundTo } from '../../ir/literal.ts';
import type { NDArray } from '../../ir/ndarray.ts';
import { writeNodes } from '../../ir/region.ts';
import { type Case, prune } from './graphs.ts';
import { type Known, knowAll } from './numerics.ts';

/** A case around a graph; parameters that nothing reads are dropped, and Variables that nothing touches. */
function caseOf(g: Graph, inputs: readonly NDArray[]): Case {
  const read = new Set<Value>(g.nodes.flatMap((n) => n.inputs));
  const shown = g.results.filter((r) => !(r.type.state && r.node === null && !read.has(r)));
  const used = new Set<Value>([...read, ...shown]);
  const keep = g.params.map((p) => used.has(p));
  const b = new Builder(g.name);
  const at = new Map<Value, Val>();
  g.params.forEach((p, i) => {
    if (keep[i]) at.set(p, b.param(p.type, p.name));
  });
  writeNodes(b, g, at);
  const graph = b.build(shown.map((r) => at.get(r) as Value));
  const data = inputs.filter((_, i) => keep[i]);
  const all = knowAll(graph, data);
  return { graph, inputs: data, known: graph.results.map((r) => all[r.id]) };
}

/** The same graph with other results: tensors chosen by `pick`, then the states. */
function withResults(c: Case, pick: (v: Value, i: number) => boolean): Case | null {
  const results = c.graph.results.filter((r, i) => r.type.state || pick(r, i));
  if (results.length === c.graph.results.length || results.length === 0) return null;
  return caseOf(prune(rebuilt(c.graph, results)), c.inputs);
}
/** A copy with these values as results. */
function rebuilt(g: Graph, results: readonly Value[]): Graph {
  const b = new Builder(g.name);
  const at = new Map<Value, Val>(g.params.map((p) => [p, b.param(p.type, p.name)]));
  writeNodes(b, g, at);
  return b.build(results.map((r) => at.get(r) as Value));
}

/** The graph with one value given as a parameter, rounded to what its dtype holds. */
function cut(c: Case, v: Value, known: readonly Known[]): Case {
  const { graph: g } = c;
  const b = new Builder(g.name);
  const map = new Map<Value, Value>();
  for (const p of g.params) map.set(p, b.param(p.type, p.name));
  const { array } = known[v.id];
  const given = b.param(v.type, `c${g.params.length}_${v.id}`);
  const data = array.data.map((x) => roundTo(array.dtype, x));
  for (const n of g.nodes)
    b.copy(
      n,
      n.inputs.map((x) => map.get(x) as Value),
    ).forEach((o, i) => {
      map.set(n.outputs[i], n.outputs[i] === v ? given : o);
    });
  const graph = b.build(g.results.map((r) => map.get(r) as Value));
  return caseOf(prune(graph), [...c.inputs, { ...array, data }]);
}

/** A small case that fails like the given one. */
export async function reduceCase(c: Case, fails: (c: Case) => Promise<boolean>, budget = 300): Promise<Case> {
  let best = c;
  let left = budget;
  const attempt = async (next: Case | null): Promise<boolean> => {
    if (!next || left-- <= 0 || !(await fails(next))) return false;
    best = next;
    return true;
  };
  for (let again = true; again && left > 0; ) {
    again = false;
    // One tensor result alone, then one less.
    const tensors = best.graph.results.map((r, i) => [r, i] as const).filter(([r]) => !r.type.state);
    for (const [, i] of tensors) if (tensors.length > 1 && (await attempt(withResults(best, (_, k) => k === i)))) break;
    for (let i = 0; i < best.graph.results.length; i++) if (await attempt(withResults(best, (_, k) => k !== i))) i--;
    // Variables that keep their value.
    for (const [i, r] of best.graph.results.entries()) {
      if (!r.type.state || r.node === null) continue;
      let s = r;
      while (s.node) s = s.node.inputs[0];
      const results = best.graph.results.map((x, k) => (k === i ? s : x));
      if (await attempt(caseOf(prune(rebuilt(best.graph, results)), best.inputs))) break;
    }
    // Late values first: each success takes away all that is above.
    const known = knowAll(best.graph, best.inputs);
    const nodes = best.graph.nodes.slice().reverse();
    for (const n of nodes) {
      const v = n.outputs.find((o) => !o.type.state);
      if (!v || n.op.name === 'read' || best.graph.results.every((r) => r.node === n)) continue;
      if (await attempt(cut(best, v, known))) {
        again = true;
        break;
      }
    }
    // A node in the middle as the only result.
    for (const n of again ? [] : best.graph.nodes) {
      const v = n.outputs.find((o) => !o.type.state);
      if (!v || best.graph.results.includes(v)) continue;
      const states = best.graph.results.filter((r) => r.type.state);
      const next = caseOf(prune(rebuilt(best.graph, [v, ...states])), best.inputs);
      if (next.graph.nodes.length < best.graph.nodes.length && (await attempt(next))) {
        again = true;
        break;
      }
    }
  }
  return best;
}
