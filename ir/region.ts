// Graphs as parts of others: regions built from functions, a graph's nodes written into another.

import { Builder, rewriteGraph } from './builder.ts';
import type { Emitter } from './emit.ts';
import type { Graph, Node, Val, Value } from './graph.ts';
import type { OpRecord } from './op.ts';
import type { TensorType } from './types.ts';

/** A graph with parameters of these types, named by position after `prefix`; `f` writes it. */
export function buildRegion(
  name: string,
  types: readonly TensorType[],
  f: (b: Builder, params: Value[]) => readonly Val[],
  prefix = 'x',
): Graph {
  const b = new Builder(name);
  const params = types.map((t, i) => b.param(t, `${prefix}${i}`));
  return b.build(f(b, params));
}

/**
 * Writes a graph's nodes, or those that `only` holds, on other parameters. `at` maps the graph's values
 * to what stands for them; it is filled on the way. Tells each operation as it is written.
 */
export function writeNodes(
  b: Emitter,
  g: Graph,
  at: Map<Value, Val>,
  only?: ReadonlySet<Node>,
  tell?: (r: OpRecord) => void,
): void {
  for (const node of g.nodes) {
    if (only && !only.has(node)) continue;
    const inputs = node.inputs.map((v) => at.get(v) as Val);
    const outputs = b.emit(node.op, inputs, node.attrs, node.regions);
    node.outputs.forEach((o, i) => void at.set(o, outputs[i]));
    tell?.({ op: node.op, inputs, outputs, attrs: node.attrs, regions: node.regions });
  }
}

/** Writes a whole graph on these parameters and gives its results. */
export function inlineGraph(b: Emitter, g: Graph, params: readonly Val[]): Val[] {
  const at = new Map<Value, Val>(g.params.map((p, i) => [p, params[i]]));
  writeNodes(b, g, at);
  return g.results.map((r) => at.get(r) as Val);
}

/** Writes a graph into one under construction, and keeps its operations for a backward walk. */
export function recordRegion(b: Builder, g: Graph, params: readonly Val[]): { results: Val[]; records: OpRecord[] } {
  const at = new Map<Value, Val>(g.params.map((p, i) => [p, params[i]]));
  const records: OpRecord[] = [];
  const known = new Set<Val>();
  writeNodes(b, g, at, undefined, (r) => {
    // Interning may have merged it with an earlier one, which counts once.
    if (r.outputs.some((o) => known.has(o))) return;
    for (const o of r.outputs) known.add(o);
    records.push(r);
  });
  return { results: g.results.map((r) => at.get(r) as Val), records };
}

/** The nodes that some values depend on, as far as these are not given. */
export function nodesFor(values: Iterable<Value>, g: Graph, given: ReadonlySet<Value> = new Set()): Set<Node> {
  const wanted = new Set<Value>([...values].filter((v) => !given.has(v)));
  const out = new Set<Node>();
  for (let i = g.nodes.length - 1; i >= 0; i--) {
    const n = g.nodes[i];
    if (!n.outputs.some((o) => wanted.has(o))) continue;
    out.add(n);
    for (const v of n.inputs) if (!given.has(v)) wanted.add(v);
  }
  return out;
}

/** The graph with `f` applied to the regions of its nodes; itself where it has none. */
export function mapRegions(g: Graph, f: (region: Graph, owner: Node) => Graph): Graph {
  if (!g.nodes.some((n) => n.regions.length)) return g;
  return rewriteGraph(g, (n, inputs, b) =>
    n.regions.length
      ? b.emit(
          n.op,
          inputs,
          n.attrs,
          n.regions.map((r) => f(r, n)),
        )
      : undefined,
  );
}
