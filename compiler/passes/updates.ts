// Merges neighbouring pointwise groups that do not depend on each other, such as the optimizer's
// update of every variable, into one kernel of several loops: one call, one barrier.

import type { Value } from '../../ir/graph.ts';
import type { Group } from '../group.ts';
import type { Fusion } from './fuse.ts';
import { aliasSource } from './fusion-groups.ts';
import { consumersOf, type Schedule } from './schedule.ts';

const MAX_PARTS = 16;

export function mergeUpdates(f: Fusion, s: Schedule): Schedule {
  const consumers = consumersOf(f);
  const direct = new Set(s.writes.filter((w) => w.direct).map((w) => w.param));
  // A part may not write what another part reads: a Variable's memory, through `read`.
  const readsState = (g: Group): Set<Value> => {
    const out = new Set<Value>();
    const seen = new Set<Value>();
    const stack = g.nodes.flatMap((n) => n.inputs);
    for (let v = stack.pop(); v; v = stack.pop()) {
      if (seen.has(v)) continue;
      seen.add(v);
      v = aliasSource(v);
      if (v.node?.op.name === 'read') out.add(v.node.inputs[0]);
      else if (v.node && (!f.producer.has(v) || g.own.has(v) || g.nodes.includes(v.node))) stack.push(...v.node.inputs);
    }
    return out;
  };
  const writesState = (g: Group): Set<Value> =>
    new Set(s.writes.filter((w) => w.direct && f.producer.get(w.value) === g).map((w) => w.param));
  const order: Group[] = [];
  let run: Group[] = [];
  let reads = new Set<Value>();
  let writes = new Set<Value>();
  const flush = () => {
    if (run.length > 1) order.push(combine(run));
    else order.push(...run);
    run = [];
    reads = new Set();
    writes = new Set();
  };
  for (const g of s.order) {
    const depends = run.some((h) => h.outputs.some((o) => consumers.get(o)?.has(g)));
    const r = readsState(g);
    const w = writesState(g);
    const clash =
      [...w].some((v) => reads.has(v) || writes.has(v)) || [...r].some((v) => writes.has(v) && direct.has(v));
    if (g.kind !== 'pointwise' || depends || clash || run.length >= MAX_PARTS) flush();
    if (g.kind !== 'pointwise') {
      order.push(g);
      continue;
    }
    run.push(g);
    for (const v of r) reads.add(v);
    for (const v of w) writes.add(v);
  }
  flush();
  return { ...s, order };
}

function combine(parts: readonly Group[]): Group {
  return {
    id: parts[0].id,
    kind: 'update',
    domain: [],
    axes: [],
    nodes: parts.flatMap((p) => p.nodes).sort((a, b) => a.id - b.id),
    outputs: parts.flatMap((p) => p.outputs),
    own: new Set(parts.flatMap((p) => [...p.own])),
    parts,
  };
}
