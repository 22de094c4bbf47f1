// Rules of operations that know their axes by number: the first axis is the elements', theirs follow.

import type { Attrs, Val } from '../../ir/graph.ts';
import { intsAttr, numAttr, pairsAttr, shapeAttr } from '../../ir/op.ts';
import { tensorType } from '../../ir/types.ts';
import { type Batching, type BatchNode, type BatchRule, type Lane, mapped, spread, spreadAll } from './lane.ts';

const up = (axes: readonly number[]): number[] => axes.map((a) => a + 1);

/** The operation on all operands with a first axis, with other attributes. */
const onAll =
  (attrs: (a: Attrs, c: Batching) => Attrs): BatchRule =>
  (c, n) =>
    c.whole.emit(n.op, spreadAll(c, n.inputs), attrs(n.attrs, c)).map(mapped);

/** Leading axes are all alike to the operation. */
export const leading: BatchRule = onAll((a) => a);

function shifted(a: Attrs): Attrs {
  const { axis, axes } = a;
  return {
    ...a,
    ...(axis === undefined ? {} : { axis: numAttr(a, 'axis') + 1 }),
    ...(axes === undefined ? {} : { axes: up(intsAttr(a, 'axes')) }),
  };
}
/** The attribute `axis` or `axes` counts one more. */
export const axisShifted: BatchRule = onAll(shifted);

/** As `axisShifted` for the first operand alone; null where another one is mapped. */
export function firstShifted(c: Batching, n: BatchNode): readonly Lane[] | null {
  const [x, ...rest] = n.inputs;
  if (rest.some((y) => y.mapped)) return null;
  return c.whole.emit(n.op, [x.val, ...rest.map((y) => y.val)], shifted(n.attrs)).map(mapped);
}

/** Windows of one along the new axis. */
export const windows: BatchRule = onAll((a) => ({
  window: [1, ...intsAttr(a, 'window')],
  strides: [1, ...intsAttr(a, 'strides')],
  pad: [[0, 0], ...pairsAttr(a, 'pad')],
}));

const pad: BatchRule = (c, n) => {
  const [x, value] = n.inputs;
  const attrs = Object.fromEntries(['low', 'high', 'interior'].map((k) => [k, [0, ...intsAttr(n.attrs, k)]]));
  const padded = (v: Val, by: Val) => c.whole.emit(n.op, [v, by], attrs)[0];
  const rows = spread(c.whole, c.size, x);
  if (!value.mapped) return [mapped(padded(rows, value.val))];
  // Each element has its own value around it: that is put where the padding of a mask is.
  const { whole } = c;
  const inside = padded(whole.splat(tensorType('bool', rows.type.shape), 1), whole.splat(tensorType('bool', []), 0));
  const filled = padded(rows, whole.splat(tensorType(rows.type.dtype, []), 0));
  return [mapped(whole.select(inside, filled, whole.broadcast(value.val, filled.type.shape, [0])))];
};

/** Views, by name. */
export const views: Readonly<Record<string, BatchRule>> = {
  broadcast: onAll((a, c) => ({
    shape: [c.size, ...shapeAttr(a, 'shape')],
    dims: [0, ...up(intsAttr(a, 'dims'))],
  })),
  reshape: onAll((a, c) => ({ shape: [c.size, ...shapeAttr(a, 'shape')] })),
  transpose: onAll((a) => ({ perm: [0, ...up(intsAttr(a, 'perm'))] })),
  slice: onAll((a, c) => ({
    begin: [0, ...intsAttr(a, 'begin')],
    size: [c.size, ...intsAttr(a, 'size')],
    strides: [1, ...intsAttr(a, 'strides')],
  })),
  reverse: axisShifted,
  concat: axisShifted,
  pad,
};
