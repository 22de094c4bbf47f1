// Dead code: nodes that no result depends on vanish. Effects are explicit state values, so a node that
// is not reached does nothing.

import { Builder } from '../../ir/builder.ts';
import type { Graph, Value } from '../../ir/graph.ts';

export function dce(g: Graph): Graph {
  const live = new Set<number>();
  const mark = new Set<Value>(g.results);
  for (let i = g.nodes.length - 1; i >= 0; i--) {
    const n = g.nodes[i];
    if (!n.op.effect && !n.outputs.some((o) => mark.has(o))) continue;
    live.add(n.id);
    for (const v of n.inputs) mark.add(v);
  }
  if (live.size === g.nodes.length) return g;
  const b = new Builder(g.name);
  const map = new Array<Value>(g.valueCount);
  for (const p of g.params) map[p.id] = b.param(p.type, p.name);
  for (const n of g.nodes) {
    if (!live.has(n.id)) continue;
    const out = b.copy(
      n,
      n.inputs.map((v) => map[v.id]),
    );
    n.outputs.forEach((o, i) => {
      map[o.id] = out[i];
    });
  }
  return b.build(g.results.map((r) => map[r.id]));
}
