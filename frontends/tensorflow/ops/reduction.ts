// Reductions over axes, running sums, counts.

import { emitter as b } from '../../trace/dispatch.ts';
import { publicDType } from '../../trace/dtypes.ts';
import * as complex from '../../trace/ops/complex.ts';
import * as reduce from '../../trace/ops/reduce.ts';
import { cumprod, cumsum, logCumSumExp } from '../../trace/ops/running.ts';
import { bincount, denseBincount, unsortedSegmentSum } from '../../trace/ops/segments.ts';
import { cast, reshape } from '../../trace/ops/shape.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { type Call, type Operator, type Operators, op } from '../call.ts';

type Reduce = (x: Tensor, axis: number[], keep: boolean) => Tensor;

/** A reduction whose axes are its second operand. The dtype stays what it is. */
export const reduction = (f: Reduce): Operator =>
  op((c) => {
    const x = c.x(0);
    return f(x, c.count > 1 ? c.numbers(1, 'the axes') : x.shape.map((_, i) => i), keepDims(c));
  });
const keepDims = (c: Call): boolean => c.attrs.bool('keep_dims', c.attrs.bool('keepDims'));
/** Whole numbers stay whole, as in TensorFlow: rounded towards zero. */
const meanOf: Reduce = (x, axis, keep) => cast(reduce.mean(x, axis, keep), publicDType(x.type.dtype));

type Running = (x: Tensor, axis: number, exclusive: boolean, reverse: boolean) => Tensor;
const running = (f: Running): Operator =>
  op((c) => f(c.x(0), c.number(1, 'the axis'), c.attrs.bool('exclusive'), c.attrs.bool('reverse')));

/** The place of an extreme; the axis is 0 where none is given. */
const place = (f: (x: Tensor, axis?: number) => Tensor): Operator =>
  op((c) => {
    const x = c.x(0);
    const axis = c.count > 1 ? c.number(1, 'the axis') : c.attrs.int('axis', 0);
    return f(x.type.dtype === 'bool' ? cast(x, 'int32') : x, axis);
  });

/** Sums (or other reductions) of the rows of each segment; ids count up, or come in any order. */
type Combine = 'scatter_add' | 'scatter_max' | 'scatter_min';
const lowest: Readonly<Record<Combine, (x: Tensor) => number>> = {
  scatter_add: () => 0,
  scatter_max: (x) =>
    x.type.dtype === 'i32' ? -(2 ** 31) : x.type.dtype === 'f64' ? -Number.MAX_VALUE : -3.4028234663852886e38,
  scatter_min: (x) =>
    x.type.dtype === 'i32' ? 2 ** 31 - 1 : x.type.dtype === 'f64' ? Number.MAX_VALUE : 3.4028234663852886e38,
};

/** Segments without rows have the value that the reduction begins with. */
export function segments(x: Tensor, ids: Tensor, count: number, combine: Combine): Tensor {
  if (combine === 'scatter_add') return unsortedSegmentSum(x, ids, count);
  const rest = x.shape.slice(ids.rank);
  const start = b.splat({ dtype: x.type.dtype, shape: [count, ...rest] }, lowest[combine](x)) as Tensor;
  const updates = reshape(x, [ids.size, ...rest]);
  return b.call(combine, [start, reshape(ids, [ids.size, 1]), updates]) as Tensor;
}

/** How many segments sorted ids name: one more than the last. */
function segmentCount(c: Call): number {
  const ids = c.numbers(1, 'the segments, which decide about the shape');
  return ids.length ? ids[ids.length - 1] + 1 : 0;
}
const sorted = (combine: Combine): Operator =>
  op((c) => segments(c.x(0), c.x(1), segmentCount(c), combine), { dynamic: true });
const unsorted = (combine: Combine): Operator =>
  op((c) => segments(c.x(0), c.x(1), c.number(2, 'the number of segments'), combine));

/** Means of the rows of each segment; 0 where there are none. */
export function segmentMean(x: Tensor, ids: Tensor, count: number): Tensor {
  const sums = segments(x, ids, count, 'scatter_add');
  const ones = b.splat({ dtype: x.type.dtype, shape: ids.shape }, 1) as Tensor;
  const n = b.max(segments(ones, ids, count, 'scatter_add'), 1) as Tensor;
  return b.div(sums, b.broadcastTo(reshape(n, [count, ...x.shape.slice(1).fill(1)]), sums.shape)) as Tensor;
}

/** By name. */
export const reductions: Operators = {
  All: reduction(reduce.all),
  Any: reduction(reduce.any),
  Max: reduction(reduce.max),
  Mean: reduction(meanOf),
  Min: reduction(reduce.min),
  Prod: reduction(reduce.prod),
  Sum: op((c) => complex.sum(c.z(0) as Tensor, c.numbers(1, 'the axes'), keepDims(c))),
  ArgMax: place(reduce.argMax),
  ArgMin: place(reduce.argMin),
  Cumprod: running(cumprod),
  Cumsum: running(cumsum),
  CumulativeLogsumexp: running(logCumSumExp),
  Bincount: op((c) => bincount(reshape(c.x(0), [-1]), reshape(c.x(2), [-1]), c.number(1, 'the number of bins'))),
  DenseBincount: op((c) =>
    denseBincount(c.x(0), c.x(2), c.number(1, 'the number of bins'), c.attrs.bool('binary_output')),
  ),
  SegmentMax: sorted('scatter_max'),
  SegmentMean: op((c) => segmentMean(c.x(0), c.x(1), segmentCount(c)), { dynamic: true }),
  SegmentMin: sorted('scatter_min'),
  SegmentSum: sorted('scatter_add'),
  SegmentSumV2: unsorted('scatter_add'),
  UnsortedSegmentMax: unsorted('scatter_max'),
  UnsortedSegmentMin: unsorted('scatter_min'),
  UnsortedSegmentSum: unsorted('scatter_add'),
};
