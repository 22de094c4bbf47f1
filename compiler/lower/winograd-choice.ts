// Which convolutions run by Winograd's algorithm, from their shapes alone: the pass that makes padding
// explicit leaves it to them, so it has to come to the same answer as the lowering.

import type { Node } from '../../ir/graph.ts';
import { intsAttr, numAttr } from '../../ir/op.ts';
import { fixed } from './views.ts';

/** Products that a fused multiply-add unit does in the time of one element of a transform, roughly. */
const TRANSFORM = { input: 7, output: 6, filter: 5 };
/** The same for an element of transformed filters that comes from beyond the second-level cache. */
const FAR = 1.5;
const NEAR_BYTES = 1 << 20;
/** Fewer channels leave too little work between the transforms. */
const MIN_CHANNELS = 8;

/** Results of a tile along an axis, 2 or 4, or null where the direct convolution is better. */
export function winogradTile(node: Node): number | null {
  const grad = node.op.name === 'conv_filter_grad';
  if (node.op.name !== 'conv' && !grad) return null;
  const [x, second] = node.inputs;
  const [filter, result] = grad ? [node.outputs[0], second] : [second, node.outputs[0]];
  const [ks, os] = [fixed(filter.type.shape), fixed(result.type.shape)];
  const ones = (name: string) => intsAttr(node.attrs, name).every((d) => d === 1);
  if (ks.length !== 4 || ks[0] !== 3 || ks[1] !== 3 || x.type.dtype !== 'f32') return null;
  if (!ones('strides') || !ones('lhs_dilation') || !ones('rhs_dilation') || numAttr(node.attrs, 'groups') !== 1)
    return null;
  const [batch, height, width, cout] = os;
  const cin = ks[2];
  if (cin < MIN_CHANNELS || cout < MIN_CHANNELS || batch * height * width < 16) return null;
  const constant = second.node?.op.name === 'constant';
  const cost = (m: number): number => {
    const tiles = batch * Math.ceil(height / m) * Math.ceil(width / m);
    const products = (m + 2) ** 2;
    const filterCost = constant ? 0 : TRANSFORM.filter;
    const far = products * cin * cout * 4 > NEAR_BYTES ? FAR : 0;
    return (
      products *
      (tiles * (cin * cout + TRANSFORM.input * cin + TRANSFORM.output * cout) + cin * cout * (filterCost + far))
    );
  };
  const direct = batch * height * width * 9 * cin * cout;
  const best = cost(4) <= cost(2) ? 4 : 2;
  return cost(best) < 0.85 * direct ? best : null;
}
