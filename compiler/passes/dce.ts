// Dead code: nodes that no result depends on vanish. Effects are explicit state values, so a node that
// is not reached does nothing.

import { Builder } from '../../ir/builder.ts';
import type { Graph, Val, Value } from '../../ir/graph.ts';
import { nodesFor, writeNodes } from '../../ir/region.ts';

export function dce(g: Graph): Graph {
  const effects = g.nodes.filter((n) => n.op.effect).flatMap((n) => n.outputs);
  const live = nodesFor([...g.results, ...effects], g);
  if (live.size === g.nodes.length) return g;
  const b = new Builder(g.name);
  const at = new Map<Value, Val>(g.params.map((p) => [p, b.param(p.type, p.name)]));
  writeNodes(b, g, at, live);
  return b.build(g.results.map((r) => at.get(r) as Value));
}
