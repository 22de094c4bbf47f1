// Composites become primitives, by the expansion that stands with each op; calls become what they call.

import { rewriteGraph } from '../../ir/builder.ts';
import type { Graph, Node } from '../../ir/graph.ts';
import { inlineGraph } from '../../ir/region.ts';

/** Ops that are the region they run. */
const isCall = (n: Node): boolean => n.op.name === 'call' || n.op.name === 'custom_gradient';
const expands = (n: Node): boolean => n.op.expand !== undefined || isCall(n);

export function decompose(g: Graph): Graph {
  let out = g;
  // An expansion may use other composites; their nesting is shallow.
  while (out.nodes.some(expands))
    out = rewriteGraph(out, (n, inputs, b) =>
      isCall(n) ? inlineGraph(b, n.regions[0], inputs) : n.op.expand?.(b, inputs, n.attrs),
    );
  return out;
}
