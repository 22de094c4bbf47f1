// What each operation makes of an open axis. Memory is laid out at the bound: behind the batch stands whatever was
// there, and nothing that a caller sees may depend on it.

import type { Attrs } from '../../ir/graph.ts';
import type { OpDef } from '../../ir/op.ts';
import { reduceInit } from '../../ir/ops/reduce.ts';
import type { DType, TensorType } from '../../ir/types.ts';

/** A value's open axes: per axis how many times the batch its size is, 0 where it is fixed. */
export type OpenAxes = readonly number[];

/** An operation at the bound. */
export interface Site {
  readonly op: OpDef;
  readonly attrs: Attrs;
  readonly inputs: readonly { readonly type: TensorType; readonly open: OpenAxes }[];
  readonly outputs: readonly { readonly type: TensorType; readonly open: OpenAxes }[];
}

/** An operand of which the elements behind the batch, along these axes, are to be replaced. */
export interface Mask {
  readonly operand: number;
  readonly axes: readonly number[];
  readonly value: number;
}

const isOpen = (open: OpenAxes): boolean => open.some((s) => s > 0);
const openOf = (open: OpenAxes): number[] => open.flatMap((s, axis) => (s > 0 ? [axis] : []));
const among = (open: OpenAxes, axes: readonly number[]): number[] => axes.filter((a) => open[a] > 0);
const ints = (x: unknown): readonly number[] => x as readonly number[];

const lowest = (t: DType): number => reduceInit.reduce_max(t);
const highest = (t: DType): number => reduceInit.reduce_min(t);

/** What an operation may do: masks for its operands, or text that says why not. */
type Rule = (s: Site) => readonly Mask[] | string;
const fine: Rule = () => [];
const never =
  (why: string): Rule =>
  () =>
    why;

/** Axes of the first operand that are worked on together; the others are independent of each other. */
const inner =
  (axes: (s: Site) => readonly number[], why: string): Rule =>
  (s) =>
    s.inputs.some((x) => among(x.open, axes(s)).length) ? why : [];
const last =
  (n: number): Rule =>
  (s) => {
    const of = (x: Site['inputs'][number]) => x.type.shape.length;
    return s.inputs.some((x) => openOf(x.open).some((a) => a >= of(x) - n)) ? 'works across the batch' : [];
  };

const reduction =
  (value: (t: DType) => number): Rule =>
  ({ inputs: [x], attrs }) => {
    const axes = among(x.open, ints(attrs.axes));
    return axes.length ? [{ operand: 0, axes, value: value(x.type.dtype) }] : [];
  };
const position =
  (value: (t: DType) => number): Rule =>
  ({ inputs: [x], attrs }) =>
    x.open[attrs.axis as number] ? [{ operand: 0, axes: [attrs.axis as number], value: value(x.type.dtype) }] : [];

/** Elements from one step of an open axis to the next do not depend on the batch; those before it must stay the same. */
const reshape: Rule = ({ inputs: [x], outputs: [y] }) => {
  const before = (v: Site['inputs'][number], axis: number) =>
    v.type.shape.slice(0, axis).reduce<number>((n, d) => n * (d as number), 1);
  const places = (v: Site['inputs'][number]) => openOf(v.open).map((a) => before(v, a));
  return places(x).join() === places(y).join()
    ? []
    : 'joins the batch with axes before it, whose elements then lie elsewhere for each size';
};
const slice: Rule = ({ inputs: [x], outputs: [y], attrs }) =>
  openOf(x.open).every((a) => ints(attrs.begin)[a] === 0 && y.type.shape[a] === x.type.shape[a])
    ? []
    : 'takes a part of the batch';
const pad: Rule = ({ inputs: [x], attrs }) =>
  openOf(x.open).every((a) => [attrs.low, attrs.high, attrs.interior].every((p) => (ints(p)?.[a] ?? 0) === 0))
    ? []
    : 'pads the batch';
const window: Rule = ({ inputs, attrs }) =>
  inputs.every((x) => openOf(x.open).every((a) => ints(attrs.window)[a] === 1 && ints(attrs.strides)[a] === 1))
    ? []
    : 'has windows over the batch';

const dot: Rule = ({ inputs, attrs }) => {
  const contract = attrs.contract as readonly (readonly number[])[];
  // Both: what stands behind the batch may be infinite, and zero times that is NaN.
  return inputs.flatMap((x, operand) => {
    const axes = among(x.open, contract[operand]);
    return axes.length ? [{ operand, axes, value: 0 }] : [];
  });
};
const conv: Rule = ({ inputs: [x, w] }) =>
  isOpen(w.open) || openOf(x.open).some((a) => a > 0) ? 'convolves over the batch' : [];
const convFilterGrad: Rule = ({ inputs }) =>
  inputs.some((x) => openOf(x.open).some((a) => a > 0))
    ? 'convolves over the batch'
    : inputs.flatMap((x, operand) => (x.open[0] ? [{ operand, axes: [0], value: 0 }] : []));

/** Rows behind the batch are out of range, and give zeros. */
const gather: Rule = ({ inputs: [x, indices] }) => {
  const named = openOf(x.open).filter((axis) => axis < (indices.type.shape.at(-1) as number));
  return named.length ? [{ operand: 0, axes: named, value: 0 }] : [];
};
/** Rows of the updates that stand behind the batch change nothing. */
const scatter =
  (value: ((t: DType) => number) | null): Rule =>
  ({ inputs: [x, indices, updates] }) => {
    if (!isOpen(indices.open) && !isOpen(updates.open)) return isOpen(x.open) ? 'writes into the batch' : [];
    if (!value) return 'writes rows of the batch: which one stays would depend on what is behind them';
    return [{ operand: 2, axes: openOf(updates.open), value: value(updates.type.dtype) }];
  };

const running: Rule = ({ inputs: [x], attrs }) =>
  x.open[attrs.axis as number] && attrs.reverse ? 'runs over the batch from its end' : [];

/** By name; kinds that are not here follow from `byKind`. */
const byName: Readonly<Record<string, Rule>> = {
  reshape,
  slice,
  pad,
  concat: inner((s) => [s.attrs.axis as number], 'puts something behind or before the batch'),
  reverse: inner((s) => ints(s.attrs.axes), 'turns the batch around'),
  reduce_sum: reduction(() => 0),
  reduce_prod: reduction(() => 1),
  reduce_max: reduction(lowest),
  reduce_min: reduction(highest),
  reduce_and: reduction(() => 1),
  reduce_or: reduction(() => 0),
  arg_max: position(lowest),
  arg_min: position(highest),
  cumulative_sum: running,
  cumulative_prod: running,
  cumulative_max: running,
  cumulative_min: running,
  linear_recurrence: running,
  sort: last(1),
  top_k: last(1),
  search_sorted: last(1),
  fft: last(1),
  dot_general: dot,
  conv,
  conv_filter_grad: convFilterGrad,
  gather,
  scatter_add: scatter(() => 0),
  scatter_max: scatter(lowest),
  scatter_min: scatter(highest),
  scatter_set: scatter(null),
  optimization_barrier: fine,
};

const byKind: Readonly<Partial<Record<OpDef['kind'], Rule>>> = {
  elementwise: fine,
  view: fine,
  generate: fine,
  random: fine,
  state: fine,
  window,
  // Matrices, each for itself.
  algorithm: last(2),
  control: fine,
};

/** The masks that an operation needs, or why it cannot have an open axis. */
export function masksOf(s: Site): readonly Mask[] | string {
  if (![...s.inputs, ...s.outputs].some((v) => isOpen(v.open))) return [];
  return (byName[s.op.name] ?? byKind[s.op.kind] ?? never('is not known to work on an open batch'))(s);
}
