// Padding and input dilation of convolutions become explicit pad operations: the convolution kernels
// then read their input at constant strides without a test, and the padding fuses with what made the
// input.

import { rewriteGraph } from '../../ir/builder.ts';
import type { Graph } from '../../ir/graph.ts';
import { intsAttr, pairsAttr } from '../../ir/op.ts';
import { sizeOf } from '../../ir/types.ts';
import { convAlgorithm } from '../lower/conv-algorithm.ts';

export function convPadding(g: Graph): Graph {
  return rewriteGraph(g, (n, inputs, b) => {
    if (n.op.name !== 'conv' && n.op.name !== 'conv_filter_grad') return undefined;
    // Nothing to compute, and padding might crop more than there is.
    const empty =
      sizeOf(n.outputs[0].type.shape) === 0 || sizeOf(inputs[0].type.shape) === 0 || sizeOf(inputs[1].type.shape) === 0;
    if (empty) return [b.splat(n.outputs[0].type, 0)];
    const pad = pairsAttr(n.attrs, 'pad');
    const lhs = intsAttr(n.attrs, 'lhs_dilation');
    if (pad.every(([l, h]) => l === 0 && h === 0) && lhs.every((d) => d === 1)) return undefined;
    // Kernels of their own pad at the border themselves.
    if (convAlgorithm(n)) return undefined;
    const wrap = (xs: readonly number[]) => [0, ...xs, 0];
    const x = b.pad(inputs[0], wrap(pad.map((p) => p[0])), wrap(pad.map((p) => p[1])), wrap(lhs.map((d) => d - 1)));
    const attrs = { ...n.attrs, pad: pad.map(() => [0, 0]), lhs_dilation: lhs.map(() => 1) };
    return b.emit(n.op, [x, inputs[1]], attrs);
  });
}
