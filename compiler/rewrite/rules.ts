// Rewrite rules: directional, each to code that is never worse, kept in tables. A rule sees a node on
// its already rewritten operands and gives the value that replaces its result, or nothing.

import type { Builder } from '../../ir/builder.ts';
import { rewriteGraph } from '../../ir/builder.ts';
import type { Graph, Node, Value } from '../../ir/graph.ts';
import { literalAttr } from '../../ir/op.ts';

export interface Match {
  readonly node: Node;
  readonly inputs: readonly Value[];
  readonly b: Builder;
  /** Is the node the only reader of its i-th operand? Replacing a shared one would compute it twice. */
  readonly onlyReader: (i: number) => boolean;
}

export interface Rule {
  /** Reads as `pattern -> replacement`. */
  readonly name: string;
  readonly op: string;
  readonly apply: (m: Match) => Value | undefined;
}

/** The one number of a splat constant, or undefined. */
export function splatOf(v: Value): number | undefined {
  return v.node?.op.name === 'constant' ? literalAttr(v.node.attrs, 'value').splat : undefined;
}
/** The node of that op which makes the value, or undefined. */
export const from = (v: Value, op: string): Node | undefined => (v.node?.op.name === op ? v.node : undefined);

/** Applies a table to every node once, in topological order, so replacements feed later matches. */
export function applyRules(g: Graph, rules: readonly Rule[]): Graph {
  const byOp = new Map<string, Rule[]>();
  for (const r of rules) byOp.set(r.op, [...(byOp.get(r.op) ?? []), r]);
  const results = new Set(g.results);
  return rewriteGraph(g, (node, inputs, b) => {
    const onlyReader = (i: number) => g.uses[node.inputs[i].id].length === 1 && !results.has(node.inputs[i]);
    for (const r of byOp.get(node.op.name) ?? []) {
      const v = r.apply({ node, inputs, b, onlyReader });
      if (v) return [v];
    }
    return undefined;
  });
}
