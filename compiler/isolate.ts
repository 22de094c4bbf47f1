// A fusion group as a graph of its own: what it reads from memory are parameters, what it stores are results.

import { Builder } from '../ir/builder.ts';
import type { Graph, Value } from '../ir/graph.ts';
import type { Group } from './group.ts';
import { type Fusion, inMemory } from './passes/fuse.ts';

/**
 * The group with the views and instructions that it computes for itself. Constants that it reads stay
 * constants, so that what is made of them at compile time is made of them here, too. `inputs` are the values that the
 * parameters stand for.
 */
export function isolate(fusion: Fusion, group: Group): { graph: Graph; inputs: readonly Value[] } {
  const b = new Builder('kernel');
  const own = new Set<Value>([...group.nodes.flatMap((n) => n.outputs), ...group.own]);
  const at = new Map<Value, Value>();
  const params: Value[] = [];
  const copy = (v: Value): Value => {
    const known = at.get(v);
    if (known) return known;
    const n = v.node;
    if (!n || (n.op.name !== 'constant' && !own.has(v) && inMemory(fusion, v))) {
      const p = b.param(v.type, `x${params.length}`);
      params.push(v);
      at.set(v, p);
      return p;
    }
    const inputs = n.inputs.map(copy);
    const outputs = b.copy(n, inputs);
    n.outputs.forEach((o, i) => void at.set(o, outputs[i]));
    return at.get(v) as Value;
  };
  return { graph: b.build(group.outputs.map(copy)), inputs: params };
}
