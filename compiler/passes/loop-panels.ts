// A loop's products by what never changes in it (the weights of a recurrent cell) would pack that operand into
// panels in every run. Here it is laid out in panels once, before the loop, by plain operations: the loop reads
// the panels through a view that undoes them, which the lowering of products takes as packed already.

import { type Builder, rewriteGraph } from '../../ir/builder.ts';
import type { Graph, Node, Val, Value } from '../../ir/graph.ts';
import { pairsAttr } from '../../ir/op.ts';
import { loopLayout } from '../../ir/ops/loop-layout.ts';
import { buildRegion } from '../../ir/region.ts';
import type { Tile } from '../lower/kernel-builder.ts';
import { registerTile } from '../lower/register-tile.ts';
import { fixed } from '../lower/views.ts';
import { dce } from './dce.ts';

/** Panels of constant right operands stand before the loop that multiplies by them. */
export function loopPanels(g: Graph, tile: Tile): Graph {
  if (!g.nodes.some((n) => n.op.name === 'scan')) return g;
  return rewriteGraph(g, (n, inputs, b) =>
    n.op.name === 'scan' && n.regions.length === 1 ? hoisted(n, inputs, b, tile) : undefined,
  );
}

/** A product of the body, and the panels that its right operand gets. */
interface Candidate {
  readonly dot: Node;
  /** The operand's number among the loop's constants, and the views of it, the last first. */
  readonly constant: number;
  readonly views: readonly Node[];
  readonly shape: { readonly k: number; readonly n: number; readonly nr: number };
}

function hoisted(n: Node, inputs: readonly Value[], b: Builder, tile: Tile): readonly Val[] | undefined {
  const [body] = n.regions;
  const { trip, consts } = loopLayout(n.attrs, inputs.length);
  const found = body.nodes.flatMap((x) => candidate(x, body, consts, tile) ?? []);
  if (found.length === 0) return undefined;
  const panels = found.map((c) => {
    let v: Val = inputs[trip + c.constant];
    for (const view of c.views.toReversed()) v = b.emit(view.op, [v], view.attrs)[0];
    const { k, n: columns, nr } = c.shape;
    const rows = contracted(c.dot) === 0 ? v : b.transpose(v, [1, 0]);
    return b.transpose(b.reshape(rows, [k, columns / nr, nr]), [1, 0, 2]);
  });
  const types = [
    ...body.params.slice(0, consts).map((p) => p.type),
    ...panels.map((p) => p.type),
    ...body.params.slice(consts).map((p) => p.type),
  ];
  const written = buildRegion(body.name, types, (w, params) => {
    const kept = params.filter((_, i) => i < consts || i >= consts + panels.length);
    const at = new Map<Value, Val>(body.params.map((p, i) => [p, kept[i]]));
    for (const x of body.nodes) {
      const which = found.findIndex((c) => c.dot === x);
      const operands = x.inputs.map((v) => at.get(v) as Val);
      const out =
        which < 0
          ? w.emit(x.op, operands, x.attrs, x.regions)
          : byPanels(w, x, operands[0], params[consts + which], found[which]);
      x.outputs.forEach((o, i) => void at.set(o, out[i]));
    }
    return body.results.map((r) => at.get(r) as Val);
  });
  // Views that only the products read are gone.
  const region = dce(written);
  const at = trip + consts;
  const operands = [...inputs.slice(0, at), ...panels, ...inputs.slice(at)];
  return b.emit(n.op, operands, { ...n.attrs, consts: consts + panels.length }, [region]);
}

/** The contracted axis of the right operand. */
const contracted = (dot: Node): number => pairsAttr(dot.attrs, 'contract')[1][0];

function byPanels(w: Builder, dot: Node, left: Val, panels: Val, c: Candidate): readonly Val[] {
  const { k, n } = c.shape;
  const right = w.reshape(w.transpose(panels, [1, 0, 2]), [k, n]);
  const [[axis]] = pairsAttr(dot.attrs, 'contract');
  return w.emit(dot.op, [left, right], { ...dot.attrs, contract: [[axis], [0]] });
}

function candidate(dot: Node, body: Graph, consts: number, tile: Tile): Candidate | null {
  if (dot.op.name !== 'dot_general' || dot.outputs[0].type.dtype !== 'f32') return null;
  const [left, right] = dot.inputs;
  const shape = fixed(right.type.shape);
  const contract = pairsAttr(dot.attrs, 'contract');
  const plain = pairsAttr(dot.attrs, 'batch')[0].length === 0 && contract[0].length === 1 && shape.length === 2;
  if (!plain) return null;
  const views: Node[] = [];
  let v: Value = right;
  while (v.node?.op.kind === 'view' && v.node.inputs.length === 1) {
    views.push(v.node);
    [v] = v.node.inputs;
  }
  const constant = body.params.indexOf(v);
  if (constant < 0 || constant >= consts) return null;
  const [k, n] = contract[1][0] === 0 ? shape : [shape[1], shape[0]];
  const rows = fixed(left.type.shape).reduce((a, d) => a * d, 1) / k;
  const { mr, nr } = registerTile(rows, n, tile);
  // One row tile reads the operand once: packing would be more work, not less.
  if (Math.ceil(rows / mr) < 2 || n % nr !== 0 || n < 2 * nr || k < MIN_K) return null;
  return { dot, constant, views, shape: { k, n, nr } };
}
/** Shorter reductions take the general loops. */
const MIN_K = 8;
