// Gathers and scatters. Mapped indices name their element in front; with shared ones the elements are
// axes of what is moved.

import type { Val } from '../../ir/graph.ts';
import { type Batching, type BatchRule, fromFront, type Lane, mapped, spread, toFront } from './lane.ts';

/** Each row of the indices with the number of its element before it. */
function numbered(c: Batching, indices: Lane): Val {
  const b = c.whole;
  const all = spread(b, c.size, indices);
  const { shape } = all.type;
  return b.concat([b.iota(shape.with(-1, 1), 0), all], shape.length - 1);
}

/** Number of axes that the indices name. */
const named = (indices: Lane): number => indices.type.shape.at(-1) as number;

export const gatherRule: BatchRule = (c, n) => {
  const [x, indices] = n.inputs;
  const gather = (from: Val, at: Val) => c.whole.emit(n.op, [from, at])[0];
  if (!x.mapped) return [mapped(gather(x.val, indices.val))];
  if (indices.mapped) return [mapped(gather(x.val, numbered(c, indices)))];
  const r = gather(fromFront(c.whole, x.val, named(indices)), indices.val);
  return [mapped(toFront(c.whole, r, indices.type.shape.length - 1))];
};

export const scatterRule: BatchRule = (c, n) => {
  const [x, indices, updates] = n.inputs;
  const [into, given] = [x, updates].map((v) => spread(c.whole, c.size, v));
  if (indices.mapped) return [mapped(c.whole.emit(n.op, [into, numbered(c, indices), given])[0])];
  const k = named(indices);
  const moved = fromFront(c.whole, given, indices.type.shape.length - 1);
  const r = c.whole.emit(n.op, [fromFront(c.whole, into, k), indices.val, moved])[0];
  return [mapped(toFront(c.whole, r, k))];
};
