// Composites become primitives, by the expansion that stands with each op.

import { rewriteGraph } from '../../ir/builder.ts';
import type { Graph } from '../../ir/graph.ts';

export function decompose(g: Graph): Graph {
  let out = g;
  // An expansion may use other composites; their nesting is shallow.
  while (out.nodes.some((n) => n.op.expand))
    out = rewriteGraph(out, (n, inputs, b) => n.op.expand?.(b, inputs, n.attrs));
  return out;
}
