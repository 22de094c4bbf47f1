// What has no rule: one element after the other.

import { opByName } from '../../ir/op.ts';
import { buildRegion } from '../../ir/region.ts';
import { type BatchRule, type Lane, mapped } from './lane.ts';

/** A scan over the elements that runs the operation on each. */
export const loop: BatchRule = (c, n) => {
  const fixed = n.inputs.filter((x) => !x.mapped);
  const sliced = n.inputs.filter((x) => x.mapped);
  const operands: readonly Lane[] = [...fixed, ...sliced];
  const body = buildRegion(
    `${n.op.name}_element`,
    operands.map((x) => x.type),
    (b, params) =>
      b.emit(
        n.op,
        n.inputs.map((x) => params[operands.indexOf(x)]),
        n.attrs,
        n.regions,
      ),
  );
  const attrs = { length: c.size, carry: 0, ...(fixed.length ? { consts: fixed.length } : {}) };
  return c.whole
    .emit(
      opByName('scan'),
      operands.map((x) => x.val),
      attrs,
      [body],
    )
    .map(mapped);
};
