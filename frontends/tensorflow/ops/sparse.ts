// Sparse tensors as TensorFlow has them: rows of indices, values, and the dense shape. How many there are depends on
// elements.

import { ShapeError, valueText } from '../../../ir/errors.ts';
import { tensorType } from '../../../ir/types.ts';
import { emitter as b } from '../../trace/dispatch.ts';
import { mul } from '../../trace/ops/binary.ts';
import { gather, scatterND } from '../../trace/ops/indexing.ts';
import { matMul } from '../../trace/ops/linalg.ts';
import { cast, concat, reshape } from '../../trace/ops/shape.ts';
import { sqrt } from '../../trace/ops/unary.ts';
import { eagerTensor, type Tensor } from '../../trace/tensor.ts';
import { type Call, type Operator, type Operators, op } from '../call.ts';
import { segmentMean, segments } from './reduction.ts';
import { ints } from './shape.ts';

/** Rows of the table that the indices name, combined by segment. */
const combined = (f: (rows: Tensor, ids: Tensor, n: number) => Tensor, counted = false): Operator =>
  op(
    (c) => {
      const ids = c.numbers(2, 'the segments, which decide about the shape');
      const n = counted ? c.number(3, 'the number of segments') : ids.length ? ids[ids.length - 1] + 1 : 0;
      return f(gather(c.x(0), cast(c.x(1), 'int32')), cast(c.x(2), 'int32'), n);
    },
    { dynamic: true },
  );

const sum = (rows: Tensor, ids: Tensor, n: number): Tensor => segments(rows, ids, n, 'scatter_add');
/** Sums over the square root of how many there are. */
function sqrtN(rows: Tensor, ids: Tensor, n: number): Tensor {
  const ones = b.splat({ dtype: rows.type.dtype, shape: ids.shape }, 1) as Tensor;
  const count = reshape(sqrt(segments(ones, ids, n, 'scatter_add')), [n, ...rows.shape.slice(1).fill(1)]);
  return mul(segmentMean(rows, ids, n), count);
}

const size = (s: readonly number[]): number => s.reduce((n, d) => n * d, 1);

/** The same elements in another dense shape. */
function reshaped(c: Call): Tensor[] {
  const [from, to] = [c.numbers(1, 'a shape'), c.numbers(2, 'a shape')];
  const rest = to.filter((d) => d !== -1).reduce((n, d) => n * d, 1);
  const shape = to.map((d) => (d === -1 ? size(from) / rest : d));
  if (size(shape) !== size(from)) throw new ShapeError(`[${from}] cannot become [${to}]`, { fix: 'check the inputs' });
  const indices = c.numbers(0, 'the places of elements');
  const rank = from.length;
  const out: number[] = [];
  for (let i = 0; i < indices.length; i += rank) {
    let flat = from.reduce((n, d, k) => n * d + indices[i + k], 0);
    const row = new Array<number>(shape.length);
    for (let k = shape.length - 1; k >= 0; k--) {
      row[k] = flat % shape[k];
      flat = Math.floor(flat / shape[k]);
    }
    out.push(...row);
  }
  return [ints(out, [out.length / Math.max(1, shape.length), shape.length]), ints(shape)];
}

/** Each row is listed. */
const MOST_ROWS = 2 ** 24;

/** Rows without elements get one of the default value at their first column. */
function filled(c: Call): Tensor[] {
  const indices = c.numbers(0, 'the places of elements');
  const [rows, ...rest] = c.numbers(2, 'the dense shape');
  if (rows > MOST_ROWS)
    throw new ShapeError(`a sparse tensor of ${rows} rows is to be filled`, { fix: `up to ${MOST_ROWS} are possible` });
  const rank = rest.length + 1;
  const count = indices.length / rank;
  const row = (i: number) => indices[i * rank];
  const bad = Array.from({ length: count }, (_, i) => row(i)).find((r) => !(r >= 0 && r < rows));
  if (bad !== undefined)
    throw new ShapeError(`an element is in row ${valueText(bad)} of ${rows}`, { fix: 'check the inputs' });
  const of = new Map<number, number[]>();
  for (let i = 0; i < count; i++) {
    const list = of.get(row(i));
    if (list) list.push(i);
    else of.set(row(i), [i]);
  }
  const order = Array.from({ length: rows }, (_, r) => of.get(r) ?? [-1 - r]).flat();
  const places = order.flatMap((i) =>
    i < 0 ? [-1 - i, ...rest.map(() => 0)] : indices.slice(i * rank, (i + 1) * rank),
  );
  const all = concat([c.x(1), reshape(c.x(3), [1])], 0);
  const values = gather(all, ints(order.map((i) => (i < 0 ? count : i))));
  const empty = Uint8Array.from({ length: rows }, (_, r) => Number(!of.has(r)));
  const back = new Array<number>(count);
  order.forEach((i, k) => {
    if (i >= 0) back[i] = k;
  });
  return [ints(places, [order.length, rank]), values, eagerTensor(tensorType('bool', [rows]), empty), ints(back)];
}

/** A sparse matrix times a dense one. */
function product(c: Call): Tensor {
  const shape = c.numbers(2, 'the dense shape');
  const sparse = scatterND(cast(c.x(0), 'int32'), c.x(1), shape);
  return matMul(sparse, c.x(3), c.attrs.bool('adjoint_a'), c.attrs.bool('adjoint_b'));
}

/** Ranges one behind the other, and where each begins. */
function ranges(c: Call): Tensor[] {
  const [starts, limits, deltas] = [0, 1, 2].map((i) => c.numbers(i, 'a limit of the ranges'));
  const n = Math.max(starts.length, limits.length, deltas.length);
  const at = (list: number[], i: number) => (list.length === 1 ? list[0] : list[i]);
  const splits = [0];
  const parts = Array.from({ length: n }, (_, i) => {
    const [from, to, by] = [at(starts, i), at(limits, i), at(deltas, i)];
    const count = Math.max(0, Math.ceil((to - from) / by));
    if (!Number.isFinite(count) || count > 2 ** 26)
      throw new ShapeError(`a range of ${count} elements`, { fix: 'check the inputs' });
    splits.push(splits[i] + count);
    return [from, by, count];
  });
  const values = parts.flatMap(([from, by, count]) => Array.from({ length: count }, (_, k) => from + k * by));
  const { dtype } = c.x(0).type;
  const host = dtype === 'i32' ? Int32Array.from(values) : Float32Array.from(values);
  return [ints(splits), eagerTensor(tensorType(dtype === 'i32' ? 'i32' : 'f32', [values.length]), host)];
}

const dynamic = { dynamic: true } as const;
/** By name. */
export const sparse: Operators = {
  RaggedRange: op(ranges, { ...dynamic, results: ['rt_nested_splits', 'rt_dense_values'] }),
  SparseFillEmptyRows: op(filled, {
    ...dynamic,
    results: ['output_indices', 'output_values', 'empty_row_indicator', 'reverse_index_map'],
  }),
  SparseReshape: op(reshaped, { ...dynamic, results: ['output_indices', 'output_shape'] }),
  SparseSegmentMean: combined(segmentMean),
  SparseSegmentMeanWithNumSegments: combined(segmentMean, true),
  SparseSegmentSqrtN: combined(sqrtN),
  SparseSegmentSqrtNWithNumSegments: combined(sqrtN, true),
  SparseSegmentSum: combined(sum),
  SparseSegmentSumWithNumSegments: combined(sum, true),
  SparseTensorDenseMatMul: op(product),
};
