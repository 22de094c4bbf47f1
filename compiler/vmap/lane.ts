// Values of a function that runs on many elements at once. Rules write operations on what stands for
// all elements; they see the types that one element has.

import type { Emitter } from '../../ir/emit.ts';
import type { Attrs, Graph, Val } from '../../ir/graph.ts';
import type { OpDef } from '../../ir/op.ts';
import { type TensorType, tensorType } from '../../ir/types.ts';

/** A value of the function: one tensor for all elements, or (mapped) a tensor with a first axis over them. */
export interface Lane extends Val {
  /** What one element sees. */
  readonly type: TensorType;
  readonly val: Val;
  readonly mapped: boolean;
}

/** The same for all elements. */
export const shared = (val: Val): Lane => ({ type: val.type, val, mapped: false });
/** One for each element, along the first axis of `val`. */
export const mapped = (val: Val): Lane => ({
  type: tensorType(val.type.dtype, val.type.shape.slice(1)),
  val,
  mapped: true,
});

/** What rules write with. */
export interface Batching {
  /** Number of elements. */
  readonly size: number;
  /** Writes on the tensors that stand for all elements. */
  readonly whole: Emitter;
  /** Writes on lanes, as one element sees it: operations are batched in turn. */
  readonly each: Emitter;
  /** The same inside of a region. */
  readonly within: (b: Emitter) => Batching;
}

/** An operation of the function; some operand is mapped. */
export interface BatchNode {
  readonly op: OpDef;
  readonly inputs: readonly Lane[];
  readonly attrs: Attrs;
  readonly regions: readonly Graph[];
}

export type BatchRule = (c: Batching, n: BatchNode) => readonly Lane[];

/** All elements' values along a first axis; what is shared is repeated. */
export function spread(b: Emitter, size: number, x: Lane): Val {
  if (x.mapped) return x.val;
  const { shape } = x.type;
  return b.broadcast(
    x.val,
    [size, ...shape],
    shape.map((_, i) => i + 1),
  );
}

export const spreadAll = (c: Batching, xs: readonly Lane[]): Val[] => xs.map((x) => spread(c.whole, c.size, x));

/** One axis becomes the first. */
export const toFront = (b: Emitter, v: Val, axis: number): Val =>
  b.transpose(v, [axis, ...v.type.shape.map((_, i) => i).filter((i) => i !== axis)]);

/** The first axis becomes that one. */
export function fromFront(b: Emitter, v: Val, axis: number): Val {
  const rest = v.type.shape.slice(1).map((_, i) => i + 1);
  return b.transpose(v, rest.toSpliced(axis, 0, 0));
}
