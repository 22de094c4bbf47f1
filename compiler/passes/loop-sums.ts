// Sums over the runs of a loop leave it: where a run adds a product or a row sum of values that are
// stacked (or can be), one product over all runs does, which is larger and reads the total once.
// The gradient of a recurrent cell's weights is the case that it is for.

import { type Builder, rewriteGraph } from '../../ir/builder.ts';
import type { Graph, Node, Val, Value } from '../../ir/graph.ts';
import { intsAttr, pairsAttr } from '../../ir/op.ts';
import { loopLayout } from '../../ir/ops/loop-layout.ts';
import { buildRegion, nodesFor, writeNodes } from '../../ir/region.ts';
import { sizeOf, staticShape } from '../../ir/types.ts';

export function loopSums(g: Graph): Graph {
  if (!g.nodes.some((n) => n.op.name === 'scan')) return g;
  return rewriteGraph(g, (n, inputs, b) => (n.op.name === 'scan' ? outside(n, inputs, b) : undefined));
}

/** A carried total and what each run adds to it. */
interface Sum {
  readonly carry: number;
  readonly term: Node;
}

function outside(n: Node, inputs: readonly Value[], b: Builder): readonly Val[] | undefined {
  const layout = loopLayout(n.attrs, inputs.length);
  // Rows of runs that there were not are no part of the sum.
  if (layout.trip || n.regions.length > 1) return undefined;
  const [body] = n.regions;
  const { consts, carry } = layout;
  const sums = findSums(body, consts, carry);
  if (sums.length === 0) return undefined;
  const gone = new Set(sums.map((s) => s.carry));
  const stays = Array.from({ length: carry }, (_, k) => k).filter((k) => !gone.has(k));
  const ys = body.results.slice(carry);
  const isXs = (v: Value) => body.params.indexOf(v) >= consts + carry;
  const extra: Value[] = [];
  for (const s of sums)
    for (const v of s.term.inputs) if (!isXs(v) && !ys.includes(v) && !extra.includes(v)) extra.push(v);
  const params = body.params.filter((_, i) => i < consts || i >= consts + carry || !gone.has(i - consts));
  const results = [...stays.map((k) => body.results[k]), ...ys, ...extra];
  const region = buildRegion(
    body.name,
    params.map((p) => p.type),
    (w, ps) => {
      const at = new Map<Value, Val>(params.map((p, i) => [p, ps[i]]));
      writeNodes(w, body, at, nodesFor(results, body));
      return results.map((r) => at.get(r) as Val);
    },
  );
  const operands = inputs.filter((_, i) => i < consts || i >= consts + carry || !gone.has(i - consts));
  const out = b.emit(n.op, operands, { ...n.attrs, carry: stays.length }, [region]);
  const stackOf = (v: Value): Val => {
    if (isXs(v)) return inputs[body.params.indexOf(v)];
    const y = ys.indexOf(v);
    return out[stays.length + (y >= 0 ? y : ys.length + extra.indexOf(v))];
  };
  return n.outputs.map((_, i) => {
    if (i >= carry) return out[stays.length + i - carry];
    const s = sums.find((x) => x.carry === i);
    return s ? b.add(inputs[consts + i], total(b, s.term, stackOf)) : out[stays.indexOf(i)];
  });
}

function findSums(body: Graph, consts: number, carry: number): Sum[] {
  const uses = body.uses;
  const out: Sum[] = [];
  for (let k = 0; k < carry; k++) {
    const p = body.params[consts + k];
    const r = body.results[k];
    const add = r.node;
    const once = uses[p.id].length === 1 && body.results.filter((x) => x === r).length === 1;
    if (add?.op.name !== 'add' || uses[r.id].length > 0 || !once) continue;
    const term = (add.inputs[0] === p ? add.inputs[1] : add.inputs[1] === p ? add.inputs[0] : null)?.node;
    if (!term || term.outputs[0] === p || !pays(body, term, consts, carry)) continue;
    out.push({ carry: k, term });
  }
  return out;
}

/** Its operands are stacked anyway, or smaller than the total that every run would read and write. */
function pays(body: Graph, term: Node, consts: number, carry: number): boolean {
  if (term.op.name !== 'dot_general' && term.op.name !== 'reduce_sum') return false;
  if (term.op.name === 'dot_general' && pairsAttr(term.attrs, 'batch')[0].length) return false;
  const total = sizeOf(term.outputs[0].type.shape);
  const stacked = new Set<Value>([...body.params.slice(consts + carry), ...body.results.slice(carry)]);
  return term.inputs.every((v) => {
    const at = body.params.indexOf(v);
    // What is carried or constant would be stacked only for this.
    return stacked.has(v) || (at < 0 && term.op.name === 'dot_general' && sizeOf(v.type.shape) <= total);
  });
}

/** The term over all runs at once. */
function total(b: Builder, term: Node, stackOf: (v: Value) => Val): Val {
  const stacks = term.inputs.map(stackOf);
  if (term.op.name === 'reduce_sum') return b.sum(stacks[0], [0, ...intsAttr(term.attrs, 'axes').map((a) => a + 1)]);
  const contract = pairsAttr(term.attrs, 'contract');
  // The axis of runs in front of the contracted one makes one axis with it.
  if (contract.every((axes) => axes.length === 1 && axes[0] === 0)) {
    const [x, y] = stacks.map((s) => {
      const [runs, rows, ...rest] = staticShape(s.type.shape);
      return b.reshape(s, [runs * rows, ...rest]);
    });
    return b.dot(x, y, [[0], [0]]);
  }
  return b.dot(
    stacks[0],
    stacks[1],
    contract.map((axes) => [0, ...axes.map((a) => a + 1)]),
  );
}
