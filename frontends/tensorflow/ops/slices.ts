// Parts of tensors, and tensors put together.

import { FormatError, ShapeError, valueText } from '../../../ir/errors.ts';
import { isReadable, known, NotStaticError } from '../../formats/graph-function.ts';
import type { ComplexTensor } from '../../trace/complex-tensor.ts';
import { emitter as b } from '../../trace/dispatch.ts';
import * as complex from '../../trace/ops/complex.ts';
import { gather, gatherND, scatterND, slice, stridedSlice, tensorScatterAdd } from '../../trace/ops/indexing.ts';
import * as segments from '../../trace/ops/segments.ts';
import { cast, concat, reshape, reverse, split, unstack } from '../../trace/ops/shape.ts';
import { neg } from '../../trace/ops/unary.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { type Call, type Operator, type Operators, op } from '../call.ts';
import { Strings, type Value } from '../values.ts';
import { ints } from './shape.ts';

/** The scalars that a vector was packed of: some may be known where the whole is not. */
const packed = new WeakMap<Tensor, readonly Tensor[]>();

/** The numbers of a vector; tensors where one is not known before the program runs. */
function entries(c: Call, i: number, why: string): (number | Tensor)[] {
  const x = c.x(i);
  const parts = isReadable(x) ? undefined : packed.get(x);
  if (!parts) return c.numbers(i, why);
  return parts.map((p) => (isReadable(p) ? p.elements()[0] : p));
}

/** The slice at a position that is found out while the program runs; one from the end where it is negative. */
function rowAt(x: Tensor, axis: number, at: Tensor): Tensor {
  const i = cast(at, 'int32');
  return gather(x, b.select(b.compare('lt', i, 0), b.add(i, x.shape[axis]), i) as Tensor, axis);
}

/** Parts of known size from a place that is found out while the program runs. */
function sliced(c: Call): Tensor | ComplexTensor {
  const size = c.numbers(2, 'the size of the part');
  const z = c.z(0);
  const first = c.x(1);
  if ('re' in z || isReadable(first)) return complex.slice(z as Tensor, c.numbers(1, 'the place of the part'), size);
  return size.reduce((x, n, axis) => {
    if (n === x.shape[axis]) return x;
    if (n < 0)
      throw new NotStaticError('the size of the part depends on where it begins', { fix: 'give sizes in numbers' });
    const from = slice(first, [axis], [1]);
    return gather(x, b.add(from, b.iota([n], 0)) as Tensor, axis);
  }, z);
}

const masks = ['begin_mask', 'end_mask', 'ellipsis_mask', 'new_axis_mask', 'shrink_axis_mask'] as const;

function strided(c: Call): Value {
  const [beginMask, endMask, ellipsis, newAxis, shrink] = masks.map((m) => c.attrs.int(m, 0));
  const begin = entries(c, 1, 'where the part begins');
  const step = c.numbers(3, 'the strides');
  const bit = (mask: number, i: number) => ((mask >> i) & 1) === 1;
  const v = c.value(0);
  if (v instanceof Strings)
    throw new FormatError('parts of tensors of strings are not supported', { fix: 'cut them before' });
  const single = (i: number) => bit(shrink, i) && !bit(ellipsis, i) && !bit(newAxis, i);
  const late = begin.flatMap((x, i) => (typeof x === 'number' ? [] : [{ i, at: x }]));
  if (late.some(({ i }) => !single(i))) c.numbers(1, 'where the part begins');
  // An element taken at a place that is not yet known: all of that axis first.
  const ends = entries(c, 2, 'where the part ends').map((x, i) => {
    if (typeof x === 'number') return x;
    return single(i) || bit(endMask, i) || bit(ellipsis, i) || bit(newAxis, i)
      ? 0
      : c.numbers(2, 'where the part ends')[i];
  });
  const lateBits = late.reduce((m, { i }) => m | (1 << i), 0);
  const begins = begin.map((x) => (typeof x === 'number' ? x : 0));
  const part = stridedOf(
    c.z(0),
    begins,
    ends,
    step,
    beginMask | lateBits,
    endMask | lateBits,
    ellipsis,
    newAxis,
    shrink & ~lateBits,
  );
  if (late.length === 0) return part;
  const axes = axesOfEntries(begin.length, ellipsis, shrink & ~lateBits, c.z(0).rank, newAxis);
  return late.reduceRight((x, { i, at }) => rowAt(x, axes[i], at), part as Tensor);
}

function stridedOf(
  z: Tensor | ComplexTensor,
  ...spec: [number[], number[], number[], number, number, number, number, number]
): Tensor | ComplexTensor {
  if ('re' in z) return complex.complex(stridedSlice(z.re, ...spec), stridedSlice(z.im, ...spec));
  return stridedSlice(z, ...spec);
}

/** The axis of the result that each entry is about. */
function axesOfEntries(n: number, ellipsis: number, shrink: number, rank: number, newAxis: number): number[] {
  const bit = (mask: number, i: number) => ((mask >> i) & 1) === 1;
  const named = Array.from({ length: n }, (_, i) => i).filter((i) => !bit(ellipsis, i) && !bit(newAxis, i)).length;
  let axis = 0;
  return Array.from({ length: n }, (_, i) => {
    const own = axis;
    if (bit(ellipsis, i)) axis += rank - named;
    else if (!bit(shrink, i)) axis++;
    return own;
  });
}

function gathered(c: Call): Tensor | ComplexTensor {
  const axis = c.count > 2 ? c.number(2, 'the axis') : 0;
  const batch = c.attrs.int('batch_dims', 0);
  const indices = cast(c.x(1), 'int32');
  return complex.gather(c.z(0) as Tensor, indices, axis, batch < 0 ? batch + indices.rank : batch);
}

function pack(c: Call): Value {
  const items = c.operands.map((_, i) => c.z(i));
  const axis = c.attrs.int('axis', 0);
  const out = complex.stack(items as Tensor[], axis);
  if (!('re' in out) && items.every((x) => x.rank === 0)) packed.set(out, items as Tensor[]);
  return out;
}

function joined(c: Call, axisAt: number): Value {
  const parts = c.operands
    .map((_, i) => i)
    .filter((i) => i !== axisAt)
    .map((i) => c.z(i));
  return complex.concat(parts as Tensor[], c.number(axisAt, 'the axis'));
}

function splitV(c: Call): Tensor[] {
  const x = c.x(0);
  const axis = c.number(2, 'the axis');
  const sizes = c.numbers(1, 'the sizes of the parts');
  const all = x.shape[axis < 0 ? axis + x.rank : axis];
  const rest = all - sizes.filter((n) => n !== -1).reduce((n, k) => n + k, 0);
  return split(
    x,
    sizes.map((n) => (n === -1 ? rest : n)),
    axis,
  );
}

/** Sequences turned around up to their lengths. */
function reversedUpTo(c: Call): Tensor {
  const x = c.x(0);
  const [along, batch] = [c.attrs.int('seq_dim'), c.attrs.int('batch_dim', 0)];
  const n = x.shape[along];
  const grid = [x.shape[batch], n];
  const lengths = b.broadcastTo(reshape(cast(c.x(1), 'int32'), [grid[0], 1]), grid);
  const step = b.iota(grid, 1);
  const from = b.select(b.compare('lt', step, lengths), b.sub(b.sub(lengths, 1), step), step) as Tensor;
  // Batch and sequence first, then the row of each step.
  const rest = x.shape.map((_, i) => i).filter((i) => i !== along && i !== batch);
  const perm = [batch, along, ...rest];
  const y = gather(b.transpose(x, perm) as Tensor, from, 1, 1);
  return b.transpose(
    y,
    perm.map((_, i) => perm.indexOf(i)),
  ) as Tensor;
}

type Scatter = (x: Tensor, indices: Tensor, updates: Tensor) => Tensor;
const scatter = (f: Scatter): Operator => op((c) => f(c.x(0), cast(c.x(1), 'int32'), c.x(2)));

/** Indices are a scalar, a vector of positions, or rows of them. */
function dense(c: Call): Tensor {
  const shape = c.shape(1);
  const given = cast(c.x(0), 'int32');
  const indices = given.rank === 2 ? given : reshape(given, [given.size, 1]);
  const values = c.x(2);
  const start = b.broadcastTo(cast(c.x(3), values.dtype), shape) as Tensor;
  return segments.tensorScatterUpdate(start, indices, b.broadcastTo(values, [indices.shape[0]]) as Tensor);
}

/** Rows put to the places that indices name; of equal ones the last counts. */
function stitched(c: Call): Tensor {
  const n = c.count / 2;
  const places = Array.from({ length: n }, (_, i) =>
    known(c.x(i), c.node, i, 'the places, which decide about the shape'),
  );
  const rows = places.flatMap((_, i) => {
    const x = c.x(n + i);
    return [reshape(x, [places[i].length, ...x.shape.slice(c.x(i).rank)])];
  });
  const all = places.flatMap((p) => Array.from(p));
  const size = all.reduce((m, k) => Math.max(m, k + 1), 0);
  const from = new Array<number>(size).fill(-1);
  all.forEach((k, i) => {
    if (k >= 0) from[k] = i;
  });
  return gather(concat(rows, 0), ints(from));
}

function partition(c: Call): Tensor[] {
  const x = c.x(0);
  const parts = c.numbers(1, 'the parts, which decide about the shape');
  const rank = c.x(1).rank;
  const rows = reshape(x, [parts.length, ...x.shape.slice(rank)]);
  return Array.from({ length: c.attrs.int('num_partitions') }, (_, k) => {
    const own = parts.flatMap((p, i) => (p === k ? [i] : []));
    return gather(rows, ints(own));
  });
}

function unpacked(c: Call): Tensor[] {
  const [x, axis, n] = [c.x(0), c.attrs.int('axis', 0), c.attrs.int('num', 0)];
  const at = axis < 0 ? axis + x.rank : axis;
  if (n && x.shape[at] !== n)
    throw new ShapeError(`axis ${axis} of [${x.shape}] has not ${n} elements`, {
      fix: 'give an input of the size that the graph was made for',
    });
  return unstack(x, axis);
}

function evenly(c: Call): Tensor[] {
  const n = c.attrs.int('num_split');
  if (n < 1) throw new FormatError(`num_split is ${valueText(n)}`, { fix: 'the graph is damaged' });
  return split(c.x(1), n, c.number(0, 'the axis'));
}

/** By name. */
export const slices: Operators = {
  Concat: op((c) => joined(c, 0)),
  ConcatV2: op((c) => joined(c, c.count - 1)),
  DynamicPartition: op(partition, { dynamic: true }),
  DynamicStitch: op(stitched),
  Gather: op(gathered),
  GatherNd: op((c) => gatherND(c.x(0), cast(c.x(1), 'int32'))),
  GatherV2: op(gathered),
  Pack: op(pack),
  ParallelConcat: op((c) => concat(c.xs(), 0)),
  ParallelDynamicStitch: op(stitched),
  Reverse: op((c) =>
    reverse(
      c.x(0),
      c.numbers(1, 'the axes').flatMap((on, i) => (on ? [i] : [])),
    ),
  ),
  ReverseSequence: op(reversedUpTo),
  ReverseV2: op((c) => complex.reverse(c.z(0) as Tensor, c.numbers(1, 'the axes'))),
  ScatterNd: op((c) => scatterND(cast(c.x(0), 'int32'), c.x(1), c.shape(2))),
  Slice: op(sliced),
  SparseToDense: op(dense),
  Split: op(evenly),
  SplitV: op(splitV),
  StridedSlice: op(strided),
  TensorScatterAdd: scatter(tensorScatterAdd),
  TensorScatterMax: scatter(segments.tensorScatterMax),
  TensorScatterMin: scatter(segments.tensorScatterMin),
  TensorScatterSub: scatter((x, i, u) => tensorScatterAdd(x, i, neg(u))),
  TensorScatterUpdate: scatter(segments.tensorScatterUpdate),
  Tile: op((c) => complex.tile(c.z(0) as Tensor, c.numbers(1, 'how often'))),
  Unpack: op(unpacked),
};
