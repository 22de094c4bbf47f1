// Reading and adding elements at positions along one axis: what permutations and running extremes
// need, written over gather and scatter_add.

import type { Emitter } from '../emit.ts';
import type { Val } from '../graph.ts';
import { type Shape, sizeOf, tensorType } from '../types.ts';

/** The axis moved to the end, or from there back to its place. */
function moved(b: Emitter, v: Val, axis: number, back = false): Val {
  const rank = v.type.shape.length;
  const order = [...Array(rank).keys()].filter((i) => i !== axis).concat(axis);
  return b.transpose(v, back ? order.map((_, i) => order.indexOf(i)) : order);
}

/** Row and position of each index of lines along the last axis, as rows of a gather's index operand. */
function places(b: Emitter, index: Val, rows: number): Val {
  const shape = [rows, sizeOf(index.type.shape) / Math.max(1, rows), 1];
  const at = b.reshape(index, shape);
  return b.concat([b.iota(shape, 0), at], 2);
}

const rowsOf = (shape: Shape): number => sizeOf(shape.slice(0, -1));

/** y[..., k, ...] = x[..., index[..., k, ...], ...] along the axis; 0 where the index is out of range. */
export function gatherAlong(b: Emitter, x: Val, index: Val, axis: number): Val {
  const source = moved(b, x, axis);
  const at = moved(b, index, axis);
  const rows = rowsOf(source.type.shape);
  if (sizeOf(at.type.shape) === 0) return b.splat(tensorType(x.type.dtype, index.type.shape), 0);
  const flat = b.reshape(source, [rows, source.type.shape.at(-1) as number]);
  return moved(b, b.reshape(b.call('gather', [flat, places(b, at, rows)]), at.type.shape), axis, true);
}

/** The adjoint of `gatherAlong`: `g` added into zeros of the shape, at `index` along the axis. */
export function scatterAlong(b: Emitter, g: Val, index: Val, axis: number, shape: Shape): Val {
  const zeros = b.splat(tensorType(g.type.dtype, shape), 0);
  if (sizeOf(index.type.shape) === 0) return zeros;
  const at = moved(b, index, axis);
  const rows = rowsOf(at.type.shape);
  const target = moved(b, zeros, axis);
  const flat = b.reshape(target, [rows, target.type.shape.at(-1) as number]);
  const updates = b.reshape(moved(b, g, axis), [rows, at.type.shape.at(-1) as number]);
  const sum = b.call('scatter_add', [flat, places(b, at, rows), updates]);
  return moved(b, b.reshape(sum, target.type.shape), axis, true);
}
