// Which convolutions have kernels of their own, from their shapes alone: these pad their input themselves, so
// the pass that makes padding explicit has to come to the same answer as the lowering.

import { CompileError } from '../../ir/errors.ts';
import type { Node } from '../../ir/graph.ts';
import { intsAttr, numAttr } from '../../ir/op.ts';
import { chosenSchedule, type KernelSchedule, scheduleText } from './kernel-schedule.ts';
import { fixed } from './views.ts';

/** The schedule of a contraction: the one that was chosen for it, else the one that suits its shape. */
export function scheduleOf(node: Node): KernelSchedule {
  const chosen = chosenSchedule(node);
  if (!chosen) return defaultSchedule(node);
  const { algorithm } = chosen;
  const fits = algorithm === 'winograd' ? winogradFits(node) : algorithm !== 'depthwise' || isDepthwise(node);
  if (!fits)
    throw new CompileError(`the schedule '${scheduleText(chosen)}' does not fit its shapes`, {
      op: node.op.name,
      fix: 'leave the attribute schedule out',
    });
  return chosen;
}

/** The schedule where nobody chose: of products, the lowering finds the blocking. */
export function defaultSchedule(node: Node): KernelSchedule {
  if (isDepthwise(node)) return { algorithm: 'depthwise' };
  const m = winogradTile(node);
  return m === null ? { algorithm: 'product' } : { algorithm: 'winograd', m };
}

/** Does the kernel pad its input itself? Others read a padded copy. */
export const padsItself = ({ algorithm }: KernelSchedule): boolean =>
  algorithm === 'winograd' || algorithm === 'depthwise';

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
const FAR = 11;
const NEAR_BYTES = 1 << 20;
/** Rows of a register tile: fewer tiles of the image take as long. */
const ROWS = 6;
/** Fewer channels leave too little work between the transforms. */
const MIN_CHANNELS = 8;

/** Shapes of filter and result of a convolution, or of the one whose filter gradient the node is. */
export function convShapes(node: Node): { kernel: readonly number[]; result: readonly number[] } {
  const grad = node.op.name === 'conv_filter_grad';
  const [filter, result] = grad ? [node.outputs[0], node.inputs[1]] : [node.inputs[1], node.outputs[0]];
  return { kernel: fixed(filter.type.shape), result: fixed(result.type.shape) };
}

/** Can Winograd's algorithm do it, with enough work between the transforms to be worth a try? */
export function winogradFits(node: Node): boolean {
  if (node.op.name !== 'conv' && node.op.name !== 'conv_filter_grad') return false;
  const { kernel, result } = convShapes(node);
  if (kernel.length !== 4 || kernel[0] !== 3 || kernel[1] !== 3 || node.inputs[0].type.dtype !== 'f32') return false;
  const ones = (name: string) => intsAttr(node.attrs, name).every((d) => d === 1);
  if (!ones('strides') || !ones('lhs_dilation') || !ones('rhs_dilation') || numAttr(node.attrs, 'groups') !== 1)
    return false;
  const [batch, height, width, cout] = result;
  return kernel[2] >= MIN_CHANNELS && cout >= MIN_CHANNELS && batch * height * width >= 16;
}

/** Results of a tile along an axis, 2 or 4, or null where the direct convolution is better. */
export function winogradTile(node: Node): number | null {
  if (!winogradFits(node)) return null;
  const { kernel, result } = convShapes(node);
  const [batch, height, width, cout] = result;
  const cin = kernel[2];
  const filterCost = node.inputs[1].node?.op.name === 'constant' ? 0 : TRANSFORM.filter;
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
