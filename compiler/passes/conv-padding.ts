// Padding and input dilation of convolutions become explicit pad operations: the convolution kernels
// then read their input at constant strides without a test, and the padding fuses with what made the
// input.

import { rewriteGraph } from '../../ir/builder.ts';
import type { Graph } from '../../ir/graph.ts';
import { intsAttr, pairsAttr } from '../../ir/op.ts';
import { sizeOf } from '../../ir/types.ts';
import { padsItself, scheduleOf, winogradFits } from '../lower/conv-algorithm.ts';

export interface ConvOptions {
  /** False: never by Winograd's algorithm. */
  readonly winograd?: boolean;
  /** Whether convolutions whose algorithm is yet to be chosen stay as they are; the pass runs once more after that. */
  readonly undecided?: boolean;
  /** Whether kernels are there that pad at the border themselves. */
  readonly padsItself?: boolean;
}

export function convPadding(
  g: Graph,
  { winograd = true, undecided = false, padsItself: own = true }: ConvOptions = {},
): Graph {
  return rewriteGraph(g, (n, inputs, b) => {
    if (n.op.name !== 'conv' && n.op.name !== 'conv_filter_grad') return undefined;
    // Nothing to compute, and padding might crop more than there is.
    const empty =
      sizeOf(n.outputs[0].type.shape) === 0 || sizeOf(inputs[0].type.shape) === 0 || sizeOf(inputs[1].type.shape) === 0;
    if (empty) return [b.splat(n.outputs[0].type, 0)];
    const pad = pairsAttr(n.attrs, 'pad');
    const lhs = intsAttr(n.attrs, 'lhs_dilation');
    const schedule = scheduleOf(n);
    const open = n.attrs.schedule === undefined && winogradFits(n);
    const refused = !winograd && (open || schedule.algorithm === 'winograd');
    if (!refused && undecided && open) return undefined;
    // Kernels of their own pad at the border themselves.
    if (own && !refused && padsItself(schedule)) return undefined;
    const how = refused ? { ...n.attrs, schedule: 'product' } : n.attrs;
    if (pad.every(([l, h]) => l === 0 && h === 0) && lhs.every((d) => d === 1))
      return refused ? b.emit(n.op, inputs, how) : undefined;
    const wrap = (xs: readonly number[]) => [0, ...xs, 0];
    const x = b.pad(inputs[0], wrap(pad.map((p) => p[0])), wrap(pad.map((p) => p[1])), wrap(lhs.map((d) => d - 1)));
    const attrs = { ...how, pad: pad.map(() => [0, 0]), lhs_dilation: lhs.map(() => 1) };
    return b.emit(n.op, [x, inputs[1]], attrs);
  });
}
