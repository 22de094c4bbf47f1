// Lists of tensors: TensorLists and, with the list as the flow that orders its uses, TensorArrays. Writing gives another
// list. In a traced loop, or at a place that is found out while the program runs, a list is one tensor.

import { FormatError, ShapeError } from '../../../ir/errors.ts';
import type { DType } from '../../../ir/types.ts';
import { isReadable, NotStaticError } from '../../formats/graph-function.ts';
import { emitter as b } from '../../trace/dispatch.ts';
import { gather } from '../../trace/ops/indexing.ts';
import { tensorScatterUpdate } from '../../trace/ops/segments.ts';
import { cast, concat, expandDims, reshape, split, stack, unstack } from '../../trace/ops/shape.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { type Call, type Operator, type Operators, op, type Results } from '../call.ts';
import type { PartialShape } from '../shapes.ts';
import { done, TensorList } from '../values.ts';
import { ints } from './shape.ts';

/** No list is longer: a file may ask for any length. */
const LONGEST = 2 ** 22;

function lengthOf(n: number): number {
  if (Number.isInteger(n) && n >= 0 && n <= LONGEST) return n;
  throw new FormatError(`a list of ${n} tensors`, { fix: `lists have up to ${LONGEST} elements` });
}

/** A shape operand: -1 for unknown dimensions, a scalar -1 for an unknown rank. */
function elementShape(c: Call, i: number): PartialShape {
  if (i >= c.count || !isReadable(c.x(i))) return null;
  const x = c.x(i);
  const list = c.numbers(i, 'the shape of the elements');
  if (x.rank === 0) return list[0] === -1 ? null : [];
  return list.map((d) => (d < 0 ? null : d));
}

/** What is known of either shape. */
const both = (p: PartialShape, q: PartialShape): PartialShape =>
  p && q && p.length === q.length ? p.map((d, i) => d ?? q[i]) : (p ?? q);

/** The shape of the elements: as any of them has it, else as it was announced. */
function shapeOf(list: TensorList, announced: PartialShape): number[] {
  const first = list.items?.find((t) => t !== undefined);
  const shape = first?.shape ?? both(list.elementShape, announced);
  if (shape?.every((d) => d !== null)) return shape as number[];
  throw new NotStaticError('the list is empty, and the shape of its elements is not known', {
    fix: 'run the model eagerly',
  });
}

const zeros = (dtype: DType, shape: readonly number[]): Tensor => b.splat({ dtype, shape }, 0) as Tensor;
const filledIn = (list: TensorList, shape: readonly number[]): Tensor[] =>
  (list.items as readonly (Tensor | undefined)[]).map((t) => t ?? zeros(list.dtype, shape));

/** All elements as one tensor. */
export function denseOf(list: TensorList, announced: PartialShape = null): Tensor {
  if (list.dense) return list.dense;
  const shape = shapeOf(list, announced);
  return list.length ? stack(filledIn(list, shape)) : zeros(list.dtype, [0, ...shape]);
}
const dense = (list: TensorList, x: Tensor): TensorList => new TensorList(list.dtype, x.shape.slice(1), undefined, x);
const listed = (list: TensorList): readonly (Tensor | undefined)[] => list.items ?? unstack(list.dense as Tensor);

/** A place in a list, or undefined where it is found out while the program runs. */
function place(c: Call, i: number, length: number): number | undefined {
  if (!isReadable(c.x(i))) return undefined;
  const at = c.number(i, 'the place in the list');
  if (Number.isInteger(at) && at >= 0 && at < length) return at;
  throw new ShapeError(`element ${at} of a list of ${length}`, {
    fix: 'the model reads or writes outside of its list',
  });
}

function get(c: Call, list: TensorList, index: number, announced: PartialShape): Tensor {
  const at = place(c, index, list.length);
  if (at === undefined || list.dense) return gather(denseOf(list, announced), cast(c.x(index), 'int32'));
  return list.items?.[at] ?? zeros(list.dtype, shapeOf(list, announced));
}

function set(c: Call, list: TensorList, index: number, item: Tensor, grows = false): TensorList {
  const asked = isReadable(c.x(index)) ? c.number(index, 'the place in the list') : 0;
  const length = grows && asked >= list.length ? lengthOf(asked + 1) : list.length;
  const at = place(c, index, length);
  if (at === undefined || list.dense) {
    const all = list.dense ?? denseOf(list, item.shape);
    return dense(list, tensorScatterUpdate(all, reshape(cast(c.x(index), 'int32'), [1, 1]), expandDims(item, 0)));
  }
  const items = [...(list.items as readonly (Tensor | undefined)[])];
  items.length = length;
  items[at] = item;
  return new TensorList(list.dtype, list.elementShape, Array.from(items));
}

/** Rows of a tensor put to places of a list. */
function scattered(c: Call, list: TensorList, indices: number, rows: Tensor): TensorList {
  const places = c.numbers(indices, 'the places in the list');
  const items = [...listed(list)];
  const parts = unstack(rows);
  if (parts.length !== places.length)
    throw new ShapeError(`${parts.length} rows for ${places.length} places`, { fix: 'the graph is damaged' });
  places.forEach((k, i) => {
    if (!(k >= 0 && k < LONGEST)) throw new ShapeError(`place ${k} of a list`, { fix: 'the graph is damaged' });
    while (items.length <= k) items.push(undefined);
    items[k] = parts[i];
  });
  return new TensorList(list.dtype, list.elementShape, items);
}

/** Elements one behind the other along their first axis, and how long each was. */
function joined(list: TensorList, announced: PartialShape): [Tensor, Tensor] {
  const items = listed(list);
  const rest = announced?.slice(1) ?? null;
  if (items.length === 0) return [zeros(list.dtype, [0, ...((rest ?? []) as number[])]), ints([])];
  const all = items.map((t) => t ?? zeros(list.dtype, shapeOf(list, announced)));
  return [concat(all, 0), ints(all.map((t) => t.shape[0]))];
}

function cut(c: Call, x: Tensor, lengths: number): TensorList {
  const sizes = c.numbers(lengths, 'the lengths of the parts');
  return new TensorList(x.type.dtype, null, sizes.length ? split(x, sizes, 0) : []);
}

function resized(list: TensorList, n: number): TensorList {
  const items = listed(list).slice(0, lengthOf(n));
  return new TensorList(list.dtype, list.elementShape, [...items, ...new Array(n - items.length).fill(undefined)]);
}

function reserved(c: Call): TensorList {
  const n = lengthOf(c.number(1, 'the length of the list'));
  return new TensorList(typeOf(c, 'element_dtype'), elementShape(c, 0), new Array(n).fill(undefined));
}
const typeOf = (c: Call, name: string): DType => c.runtime.dtypeOf(c.attrs.typeName(name), c.attrs.dtype(name));

function popped(c: Call): Results {
  const list = c.list(0);
  if (list.length === 0) throw new ShapeError('the list is empty', { fix: 'the model takes more than it put in' });
  const items = listed(list);
  const last = items[items.length - 1] ?? zeros(list.dtype, shapeOf(list, elementShape(c, 1)));
  return [new TensorList(list.dtype, list.elementShape, items.slice(0, -1)), last];
}
function pushed(c: Call): TensorList {
  const list = c.list(0);
  lengthOf(list.length + 1);
  return new TensorList(list.dtype, list.elementShape, [...listed(list), c.x(1)]);
}

/** The elements at some places, stacked. */
function gathered(c: Call, list: TensorList, indices: number, announced: PartialShape): Tensor {
  return gather(denseOf(list, announced), cast(c.x(indices), 'int32'));
}
function stacked(c: Call): Tensor {
  const list = c.list(0);
  const n = c.attrs.int('num_elements', -1);
  if (n >= 0 && n !== list.length)
    throw new ShapeError(`a list of ${list.length} tensors instead of ${n}`, { fix: 'check the inputs' });
  return denseOf(list, elementShape(c, 1));
}
function ofTensor(c: Call): TensorList {
  const x = c.x(0);
  if (x.rank === 0) throw new ShapeError('a scalar is no list', { fix: 'the graph is damaged' });
  lengthOf(x.shape[0]);
  return new TensorList(x.type.dtype, x.shape.slice(1), undefined, x);
}

/** TensorArrays: their handle and flow are the same list. */
function array(c: Call): TensorList[] {
  const n = lengthOf(c.number(0, 'the length of the list'));
  const list = new TensorList(typeOf(c, 'dtype'), c.attrs.shape('element_shape'), new Array(n).fill(undefined));
  return [list, list];
}
const write = op((c) => set(c, c.list(3), 1, c.x(2), true));
const concatenated: Operator = op((c) => joined(c.list(1), c.attrs.shape('element_shape_except0')), {
  results: ['value', 'lengths'],
});

const arrays: Operators = {
  TensorArrayCloseV3: op(() => done),
  TensorArrayConcatV3: concatenated,
  TensorArrayGatherV3: op((c) => gathered(c, c.list(2), 1, c.attrs.shape('element_shape'))),
  TensorArrayReadV3: op((c) => get(c, c.list(2), 1, null)),
  TensorArrayScatterV3: op((c) => scattered(c, c.list(3), 1, c.x(2))),
  TensorArraySizeV3: op((c) => ints([c.list(1).length], [])),
  TensorArraySplitV3: op((c) => cut(c, c.x(1), 2)),
  TensorArrayV3: op(array, { results: ['handle', 'flow'] }),
  TensorArrayWriteV3: write,
};

/** TensorLists and TensorArrays by name. */
export const lists: Operators = {
  EmptyTensorList: op((c) => new TensorList(typeOf(c, 'element_dtype'), elementShape(c, 0), [])),
  TensorListConcat: op((c) => joined(c.list(0), c.attrs.shape('element_shape')), { results: ['tensor', 'lengths'] }),
  TensorListConcatLists: op(
    (c) => new TensorList(c.list(0).dtype, c.list(0).elementShape, [...listed(c.list(0)), ...listed(c.list(1))]),
  ),
  TensorListConcatV2: op((c) => joined(c.list(0), elementShape(c, 1)), { results: ['tensor', 'lengths'] }),
  TensorListElementShape: op((c) => {
    const shape = c.list(0).elementShape;
    return shape ? ints(shape.map((d) => d ?? -1)) : ints([-1], []);
  }),
  TensorListFromTensor: op(ofTensor),
  TensorListGather: op((c) => gathered(c, c.list(0), 1, elementShape(c, 2))),
  TensorListGetItem: op((c) => get(c, c.list(0), 1, elementShape(c, 2))),
  TensorListLength: op((c) => ints([c.list(0).length], [])),
  TensorListPopBack: op(popped, { results: ['output_handle', 'tensor'] }),
  TensorListPushBack: op(pushed),
  TensorListReserve: op(reserved),
  TensorListResize: op((c) => resized(c.list(0), c.number(1, 'the length of the list'))),
  TensorListScatter: op((c) => scattered(c, new TensorList(c.x(0).type.dtype, elementShape(c, 2), []), 1, c.x(0))),
  TensorListScatterIntoExistingList: op((c) => scattered(c, c.list(0), 2, c.x(1))),
  TensorListScatterV2: op((c) => {
    const n = c.number(3, 'the length of the list');
    const empty = new TensorList(
      c.x(0).type.dtype,
      elementShape(c, 2),
      n > 0 ? new Array(lengthOf(n)).fill(undefined) : [],
    );
    return scattered(c, empty, 1, c.x(0));
  }),
  TensorListSetItem: op((c) => set(c, c.list(0), 1, c.x(2), c.attrs.bool('resize_if_index_out_of_bounds'))),
  TensorListSplit: op((c) => cut(c, c.x(0), 2)),
  TensorListStack: op(stacked),
  ...arrays,
};
