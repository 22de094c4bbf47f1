// Order, search, and what depends on elements for its shape.

import { FormatError } from '../../../ir/errors.ts';
import { tensorType } from '../../../ir/types.ts';
import { emitter as b } from '../../trace/dispatch.ts';
import { publicDType } from '../../trace/dtypes.ts';
import { notEqual } from '../../trace/ops/binary.ts';
import { positions } from '../../trace/ops/positions.ts';
import { unsortedSegmentSum } from '../../trace/ops/segments.ts';
import * as select from '../../trace/ops/select.ts';
import { cast, reshape } from '../../trace/ops/shape.ts';
import { searchSorted, topk } from '../../trace/ops/sorting.ts';
import { eagerTensor, type Tensor } from '../../trace/tensor.ts';
import { type Call, type Operators, op } from '../call.ts';
import { ints } from './shape.ts';

/** Numbers as they are now: shapes follow from them. */
function elements(c: Call, i: number): ArrayLike<number> {
  return c.numbers(i, 'what the shape of the result depends on');
}

/** Places of elements that are not 0. */
function where(c: Call): Tensor {
  elements(c, 0);
  const x = c.x(0);
  return positions(x.type.dtype === 'bool' ? x : notEqual(x, 0), 'where');
}

function distinct(c: Call, axis: number): Tensor[] {
  elements(c, 0);
  const { values, indices } = select.unique(c.x(0), axis);
  return [values, indices];
}
function counted(c: Call, axis: number): Tensor[] {
  const [values, indices] = distinct(c, axis);
  const n = values.shape[axis < 0 ? axis + values.rank : axis];
  return [values, indices, unsortedSegmentSum(b.onesLike(indices) as Tensor, indices, n)];
}
const axisOf = (c: Call): number => {
  const [axis = 0] = c.numbers(1, 'the axis');
  return axis;
};

/** What of x is not in y, and where it was. */
function difference(c: Call): Tensor[] {
  const [x, y] = [elements(c, 0), elements(c, 1)];
  const gone = new Set(Array.from(y));
  const at = Array.from(x, (_, i) => i).filter((i) => !gone.has(x[i]));
  const { dtype } = c.x(0).type;
  const host = c
    .x(0)
    .elements()
    .filter((_, i) => !gone.has(x[i]));
  return [eagerTensor(tensorType(dtype, [at.length]), host), ints(at)];
}

function top(c: Call, k: number): Tensor[] {
  const { values, indices } = topk(c.x(0), k);
  return [values, indices];
}

const bound = (side: 'left' | 'right') => op((c) => searchSorted(c.x(0), cast(c.x(1), c.x(0).dtype), side));

/** The number of boundaries not above each element. */
function bucketed(c: Call): Tensor {
  const limits = c.attrs.floats('boundaries');
  if (limits.some((x, i) => i > 0 && !(x > limits[i - 1])))
    throw new FormatError('the boundaries are not in order', { fix: 'the graph is damaged' });
  const x = cast(c.x(0), 'float32');
  const row = eagerTensor(tensorType('f32', [limits.length]), Float32Array.from(limits));
  return reshape(searchSorted(row, reshape(x, [x.size]), 'right'), x.shape);
}

/** Counts of values in bins of equal width; what is outside counts to the first or last. */
function histogram(c: Call): Tensor {
  const bins = c.number(2, 'the number of bins');
  const [x, range] = [cast(c.x(0), 'float32'), cast(c.x(1), 'float32')];
  const flat = reshape(x, [x.size]);
  const [low, high] = [b.slice(range, [0], [1]), b.slice(range, [1], [1])].map((t) => b.broadcastTo(t, flat.shape));
  const place = b.un('floor', b.div(b.mul(b.sub(flat, low), bins), b.sub(high, low)));
  const inside = cast(b.min(b.max(place, 0), bins - 1) as Tensor, 'int32');
  return unsortedSegmentSum(b.splat({ dtype: 'i32', shape: inside.shape }, 1) as Tensor, inside, bins);
}

/** The n-th smallest of each row. */
function nth(c: Call): Tensor {
  const n = c.number(1, 'which one');
  const x = c.x(0);
  const last = x.shape[x.rank - 1];
  const k = c.attrs.bool('reverse') ? n + 1 : last - n;
  const { values } = topk(x, k);
  const from = values.shape.map((_, i) => (i === values.rank - 1 ? k - 1 : 0));
  const one = b.slice(values, from, values.shape.with(-1, 1));
  return cast(reshape(one as Tensor, x.shape.slice(0, -1)), publicDType(x.type.dtype));
}

const dynamic = { dynamic: true } as const;
/** By name. */
export const evaluation: Operators = {
  Bucketize: op(bucketed),
  HistogramFixedWidth: op(histogram),
  ListDiff: op(difference, { ...dynamic, results: ['out', 'idx'] }),
  LowerBound: bound('left'),
  NthElement: op(nth),
  TopK: op((c) => top(c, c.attrs.int('k')), { results: ['values', 'indices'] }),
  TopKV2: op((c) => top(c, c.number(1, 'how many')), { results: ['values', 'indices'] }),
  Unique: op((c) => distinct(c, 0), { ...dynamic, results: ['y', 'idx'] }),
  UniqueV2: op((c) => distinct(c, axisOf(c)), { ...dynamic, results: ['y', 'idx'] }),
  UniqueWithCounts: op((c) => counted(c, 0), { ...dynamic, results: ['y', 'idx', 'count'] }),
  UniqueWithCountsV2: op((c) => counted(c, axisOf(c)), { ...dynamic, results: ['y', 'idx', 'count'] }),
  UpperBound: bound('right'),
  Where: op(where, dynamic),
};
