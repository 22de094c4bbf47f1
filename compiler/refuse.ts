// What a target cannot do is refused at compile time, with the operation's name.

import { CompileError, type ErrorInfo } from '../ir/errors.ts';
import type { Graph, Value } from '../ir/graph.ts';
import { isStatic, typeText } from '../ir/types.ts';

/** What is wrong with a value, and what to do about it; undefined where nothing is. */
export type Refusal = (v: Value) => { message: string; fix: ErrorInfo['fix'] } | undefined;

/** Throws CompileError where a value of the graph or of its regions has an open dimension, or is refused by `more`. */
export function refuse(g: Graph, target: string, more: Refusal = () => undefined): void {
  const look = (v: Value, op: string): void => {
    const open = !isStatic(v.type.shape) && {
      message: `the ${target} target needs fixed shapes, got ${typeText(v.type)}`,
      fix: 'compile with a number for the batch size',
    };
    const wrong = open || more(v);
    if (wrong) throw new CompileError(wrong.message, { op, fix: wrong.fix });
  };
  for (const n of g.nodes) {
    for (const v of [...n.inputs, ...n.outputs]) look(v, n.op.name);
    for (const r of n.regions) refuse(r, target, more);
  }
  // A parameter that nothing reads has no operation to be named.
  for (const p of g.params) look(p, p.name);
}
