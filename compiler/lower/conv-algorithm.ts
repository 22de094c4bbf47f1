// Which convolutions have kernels of their own, from their shapes alone: these pad their input themselves, so
// the pass that makes padding explicit has to come to the same answer as the lowering.

import type { Node } from '../../ir/graph.ts';
import { intsAttr, numAttr } from '../../ir/op.ts';
import { fixed } from './views.ts';

/** Winograd's algorithm with tiles of m x m results, or one filter a channel. */
export type ConvAlgorithm = { readonly kind: 'winograd'; readonly m: number } | { readonly kind: 'depthwise' };

/** The algorithm of a convolution (or filter gradient), or null for a product over all taps and channels. */
export function convAlgorithm(node: Node): ConvAlgorithm | null {
  if (isDepthwise(node)) return { kind: 'depthwise' };
  const m = winogradTile(node);
  return m === null ? null : { kind: 'winograd', m };
}

/** One filter a channel, in two dimensions. */
function isDepthwise(node: Node): boolean {
  if (node.op.name !== 'conv') return false;
  const [x, w] = node.inputs;
  const [xs, ws] = [fixed(x.type.shape), fixed(w.type.shape)];
  const groups = numAttr(node.attrs, 'groups');
  return (
    xs.length === 4 &&
    x.type.dtype === 'f32' &&
    groups >= MIN_GROUPS &&
    groups === xs[3] &&
    ws[3] === groups &&
    ws[0] * ws[1] <= MAX_TAPS &&
    intsAttr(node.attrs, 'lhs_dilation').every((d) => d === 1)
  );
}
const MIN_GROUPS = 4;
/** Taps are written out. */
const MAX_TAPS = 49;

/** Products that a fused multiply-add unit does in the time of one element of a transform, roughly. */
const TRANSFORM = { input: 7, output: 6, filter: 5 };
/** The same for an element of the filters that comes from beyond the second-level cache. */
const FAR = 4;
const NEAR_BYTES = 1 << 20;
/** Rows of a register tile: fewer tiles of the image take as long. */
const ROWS = 6;
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
  const filterCost = second.node?.op.name === 'constant' ? 0 : TRANSFORM.filter;
  const moved = (elements: number) => (elements * 4 > NEAR_BYTES ? FAR * elements : 0);
  const rows = (count: number) => Math.ceil(count / ROWS) * ROWS;
  const cost = (m: number): number => {
    const tiles = batch * Math.ceil(height / m) * Math.ceil(width / m);
    const filters = (m + 2) ** 2 * cin * cout;
    const transforms = tiles * (TRANSFORM.input * cin + TRANSFORM.output * cout);
    return filters * (rows(tiles) + filterCost) + moved(filters) + (m + 2) ** 2 * transforms;
  };
  const direct = 9 * cin * cout * rows(batch * height * width) + moved(9 * cin * cout);
  const best = cost(4) <= cost(2) ? 4 : 2;
  return cost(best) < 0.85 * direct ? best : null;
}
