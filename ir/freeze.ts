// Variables that a graph only reads, as constants of it.

import { Builder } from './builder.ts';
import type { Graph, Value } from './graph.ts';
import type { Literal } from './literal.ts';

/**
 * The graph without some of its states: they are parameters that it does not assign, and `values` holds the elements
 * that reading them gives from now on.
 */
export function freezeStates(g: Graph, values: ReadonlyMap<Value, Literal>): Graph {
  const b = new Builder(g.name);
  const at = new Map<Value, Value>();
  for (const p of g.params) if (!values.has(p)) at.set(p, b.param(p.type, p.name));
  for (const n of g.nodes) {
    const literal = n.op.name === 'read' ? values.get(n.inputs[0]) : undefined;
    const outputs = literal
      ? [b.constant(literal, n.outputs[0].type) as Value]
      : b.copy(
          n,
          n.inputs.map((v) => at.get(v) as Value),
        );
    n.outputs.forEach((o, i) => void at.set(o, outputs[i]));
  }
  return b.build(g.results.filter((r) => !values.has(r)).map((r) => at.get(r) as Value));
}
