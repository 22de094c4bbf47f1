// Constant folding: nodes whose operands are all constants are evaluated by the op's own definition,
// where that is cheap; splats stay splats through views and element-wise nodes.

import { rewriteGraph } from '../../ir/builder.ts';
import type { Graph, Node, Value } from '../../ir/graph.ts';
import { arrayFor, Literal, roundTo } from '../../ir/literal.ts';
import { ndarray } from '../../ir/ndarray.ts';
import { literalAttr } from '../../ir/op.ts';
import { isStatic, sizeOf, type TensorType, tensorType } from '../../ir/types.ts';

/** Results of more elements are only folded for views, which make weights ready to be packed. */
const FOLD_LIMIT = 1 << 12;
const VIEW_LIMIT = 1 << 24;

const literal = (v: Value): Literal | null =>
  v.node?.op.name === 'constant' ? literalAttr(v.node.attrs, 'value') : null;

export function fold(g: Graph): Graph {
  return rewriteGraph(g, (n, inputs, b) => {
    if (n.inputs.length === 0 || n.outputs.length !== 1 || n.regions.length) return undefined;
    if (!['elementwise', 'view', 'reduce'].includes(n.op.kind)) return undefined;
    const lits = inputs.map(literal);
    if (lits.some((l) => l === null)) return undefined;
    const type = n.outputs[0].type;
    const folded = evaluate(n, inputs, lits as Literal[], type);
    return folded ? [b.constant(folded, type)] : undefined;
  });
}

function evaluate(n: Node, inputs: readonly Value[], lits: readonly Literal[], type: TensorType): Literal | null {
  if (!isStatic(type.shape)) return null;
  const splats = lits.map((l) => l.splat);
  const size = sizeOf(type.shape);
  if (splats.every((s) => s !== undefined)) {
    if (n.op.kind === 'elementwise') {
      const scalars = inputs.map((v, i) => ndarray(v.type.dtype, [], [splats[i] as number]));
      return Literal.splat(
        roundTo(type.dtype, n.op.reference(scalars, n.attrs, [tensorType(type.dtype, [])])[0].data[0]),
      );
    }
    if (n.op.kind === 'view' && new Set(splats).size === 1 && size > 0) return Literal.splat(splats[0] as number);
  }
  const limit = n.op.kind === 'view' ? VIEW_LIMIT : FOLD_LIMIT;
  // A broadcast is better left to the reader than written out.
  if (
    size > limit ||
    (n.op.name === 'broadcast' && size > FOLD_LIMIT) ||
    inputs.some((v) => sizeOf(v.type.shape) > limit)
  )
    return null;
  const args = inputs.map((v, i) => ndarray(v.type.dtype, v.type.shape as readonly number[], lits[i].expand(v.type)));
  const out = n.op.reference(args, n.attrs, [type])[0];
  const data = arrayFor(type.dtype, size);
  for (let i = 0; i < size; i++) data[i] = roundTo(type.dtype, out.data[i]);
  return Literal.of(data);
}
