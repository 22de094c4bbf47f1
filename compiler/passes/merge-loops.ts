// Loops that do the same and differ in what they keep become one: the gradient of a loop writes it
// once more with what the way back needs as further results.

import { Builder } from '../../ir/builder.ts';
import type { Graph, Node, Val, Value } from '../../ir/graph.ts';
import { attrsKey } from '../../ir/op.ts';
import { loopLayout } from '../../ir/ops/loop-layout.ts';
import { printGraph } from '../../ir/print.ts';
import { buildRegion, nodesFor, writeNodes } from '../../ir/region.ts';

/** A `scan` or bounded `while`, seen alike. */
interface Loop {
  readonly node: Node;
  readonly body: Graph;
  /** Results of its body that are stacked. */
  readonly stacked: number;
  readonly carry: number;
}

export function mergeLoops(g: Graph): Graph {
  const winners = pairs(g);
  if (winners.size === 0) return g;
  const b = new Builder(g.name);
  const at = new Map<Value, Value>(g.params.map((p) => [p, b.param(p.type, p.name)]));
  const get = (v: Value) => at.get(v) as Value;
  const done = new Set<Node>();
  for (const n of g.nodes) {
    const merged = winners.get(n);
    const kept = merged?.by ?? n;
    // Both read the same operands: the one that keeps more can stand where the first stands.
    if (!done.has(kept)) {
      done.add(kept);
      b.copy(kept, kept.inputs.map(get)).forEach((o, i) => void at.set(kept.outputs[i], o));
    }
    n.outputs.forEach((o, i) => void at.set(o, get(merged ? kept.outputs[merged.outputs[i]] : o)));
  }
  return b.build(g.results.map(get));
}

interface Merged {
  readonly by: Node;
  /** For each result, which one of the other node's it is. */
  readonly outputs: readonly number[];
}

/** Loops that another one replaces. */
function pairs(g: Graph): Map<Node, Merged> {
  const groups = new Map<string, Loop[]>();
  for (const n of g.nodes) {
    const key = loopKey(n);
    if (key === null) continue;
    const { carry } = loopLayout(n.attrs, n.inputs.length);
    const body = n.regions[n.op.name === 'while' ? 1 : 0];
    const loop = { node: n, body, stacked: body.results.length - carry, carry };
    groups.set(key, [...(groups.get(key) ?? []), loop]);
  }
  const out = new Map<Node, Merged>();
  for (const loops of groups.values()) {
    if (loops.length < 2) continue;
    // The most results: of a `while` and the scan that counts its runs as well, the scan.
    const [most, ...others] = loops.toSorted((x, y) => y.node.outputs.length - x.node.outputs.length);
    for (const o of others) {
      const m = replacement(o, most);
      if (m) out.set(o.node, m);
    }
  }
  return out;
}

/** Equal for loops over the same operands that go on equally long; null for what is no loop. */
function loopKey(n: Node): string | null {
  const isWhile = n.op.name === 'while';
  if (n.op.name !== 'scan' && (!isWhile || n.attrs.bound === undefined)) return null;
  const { trip, consts, carry } = loopLayout(n.attrs, n.inputs.length);
  const test = isWhile ? n.regions[0] : n.regions[1];
  const { bound, length, ...rest } = n.attrs;
  const attrs = attrsKey({ ...rest, length: (bound ?? length) as number, trip, consts, carry });
  return `${n.inputs.map((v) => v.id)} ${attrs} ${test ? canonical(test, test.results) : ''}`;
}

function replacement(less: Loop, more: Loop): Merged | null {
  const count = less.carry + less.stacked;
  if (more.body.results.length < count) return null;
  if (canonical(less.body, less.body.results) !== canonical(more.body, more.body.results.slice(0, count))) return null;
  const outputs = less.node.outputs.map((_, i) => (i < count ? i : more.node.outputs.length - 1));
  return { by: more.node, outputs };
}

/** The text of what some results need, whatever its parameters are called. */
function canonical(g: Graph, results: readonly Value[]): string {
  const types = g.params.map((p) => p.type);
  const plain = buildRegion('f', types, (b, params) => {
    const at = new Map<Value, Val>(g.params.map((p, i) => [p, params[i]]));
    writeNodes(b, g, at, nodesFor(results, g));
    return results.map((r) => at.get(r) as Val);
  });
  return printGraph(plain);
}
