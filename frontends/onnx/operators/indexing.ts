// Elements by index: gathering, scattering, order, one-hot; and results whose size depends on elements.

import { opByName } from '../../../ir/op.ts';
import { b, fixed, inverse, product, range } from '../../formats/functions.ts';
import { known } from '../../formats/graph-function.ts';
import { applyOp } from '../../trace/dispatch.ts';
import { nonMaxSuppression } from '../../trace/ops/nms.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { type Call, define, type Operator, wide } from '../call.ts';
import { gatherAxis, taken } from './shapes.ts';

/** Indices from 0 on: negative ones count from the end. */
export function counted(indices: Tensor, size: number): Tensor {
  const i = b.convert(wide(indices), 'i32');
  return b.select(b.compare('lt', i, 0), b.add(i, size), i);
}

function gather(c: Call): Tensor {
  const x = c.x(0);
  const axis = c.axis(c.number('axis', 0), x.rank);
  return gatherAxis(x, counted(c.x(1), x.shape[axis]), axis);
}

/** Rows of indices, each from 0 on. */
function countedRows(indices: Tensor, shape: readonly number[]): Tensor {
  const i = b.convert(wide(indices), 'i32');
  const k = i.shape[i.rank - 1];
  const sizes = b.broadcastTo(fixed(shape.slice(0, k), [k], 'i32'), i.shape);
  return b.select(b.compare('lt', i, 0), b.add(i, sizes), i);
}

function gatherND(c: Call): Tensor {
  const x = c.x(0);
  const batch = c.number('batch_dims', 0);
  const indices = c.x(1);
  if (indices.rank === 0 || batch < 0 || batch >= Math.min(x.rank, indices.rank))
    throw c.refuse(`batch_dims ${batch} does not fit`);
  const rows = countedRows(indices, x.shape.slice(batch));
  // The batch's own indices stand in front of the others.
  const shape = [...rows.shape.slice(0, -1), 1];
  const own = range(batch).map((i) => b.iota(shape, i));
  return b.call('gather', [x, b.concat([...own, rows], rows.rank - 1)]);
}

/** The rows of indices that name the elements of a tensor, with those of one axis given. */
function elementRows(indices: Tensor, axis: number): Tensor {
  const column = [...indices.shape, 1];
  return b.concat(
    indices.shape.map((_, i) => (i === axis ? b.reshape(indices, column) : b.iota(column, i))),
    indices.rank,
  );
}

function gatherElements(c: Call): Tensor {
  const x = c.x(0);
  const axis = c.axis(c.number('axis', 0), x.rank);
  return b.call('gather', [x, elementRows(counted(c.x(1), x.shape[axis]), axis)]);
}

const scatters: Readonly<Record<string, string>> = {
  none: 'scatter_set',
  add: 'scatter_add',
  max: 'scatter_max',
  min: 'scatter_min',
};
/** Updates at rows of indices, put there or combined with what is there. */
function scattered(c: Call, x: Tensor, rows: Tensor, updates: Tensor): Tensor {
  const reduction = c.text('reduction', 'none', ['none', 'add', 'mul', 'max', 'min']);
  const dtype = x.type.dtype;
  const number = (t: Tensor) => (dtype === 'bool' ? b.convert(t, 'i32') : wide(t));
  const [v, u] = [number(x), number(updates)];
  if (reduction !== 'mul') return b.convert(b.call(scatters[reduction], [v, rows, u]), dtype);
  // One update after the other, as there is no scatter that multiplies.
  const k = rows.shape[rows.rank - 1];
  const n = product(rows.shape.slice(0, -1));
  const flatRows = b.reshape(rows, [n, k]);
  const flat = b.reshape(u, [n, ...v.shape.slice(k)]);
  const result = range(n).reduce((t: Tensor, i) => {
    const row = taken(flatRows, 0, [i]);
    const old = b.call('gather', [t, row]);
    return b.call('scatter_set', [t, row, b.mul(old, taken(flat, 0, [i]))]);
  }, v);
  return b.convert(result, dtype);
}

function scatterElements(c: Call): Tensor {
  const x = c.x(0);
  const axis = c.axis(c.number('axis', 0), x.rank);
  return scattered(c, x, elementRows(counted(c.x(1), x.shape[axis]), axis), c.x(2));
}
const scatterND = (c: Call): Tensor => scattered(c, c.x(0), countedRows(c.x(1), c.x(0).shape), c.x(2));

function oneHot(c: Call): Tensor {
  const depth = c.knownScalar(1, 'the depth');
  const indices = c.x(0);
  const values = c.x(2);
  const axis = c.axis(c.number('axis', -1), indices.rank + 1);
  if (!(depth >= 0)) throw c.refuse(`the depth is ${depth}`);
  const shape = [...indices.shape.slice(0, axis), depth, ...indices.shape.slice(axis)];
  const at = counted(indices, depth);
  const rest = range(shape.length).filter((i) => i !== axis);
  const hit = b.compare('eq', b.broadcast(at, shape, rest), b.iota(shape, axis));
  const [off, on] = [0, 1].map((i) => b.reshape(taken(values, 0, [i]), []));
  return b.select(hit, b.broadcastTo(on, shape), b.broadcastTo(off, shape));
}

/** The k largest or least elements of an axis, in order. */
function topK(c: Call): Tensor[] {
  const x = c.x(0);
  const axis = c.axis(c.number('axis', -1), x.rank);
  const k = c.version >= 10 ? c.knownScalar(1, 'the number of elements') : c.number('k');
  const last = [...range(x.rank).filter((i) => i !== axis), axis];
  const rows = wide(b.transpose(x, last));
  const largest = c.flag('largest', true);
  const [values, at] = applyOp(opByName('sort'), [rows], { descending: largest });
  const cut = (t: Tensor) => {
    const front = taken(t, t.rank - 1, range(k));
    return b.transpose(front, inverse(last));
  };
  if (k > x.shape[axis] || k < 0) throw c.refuse(`${k} of ${x.shape[axis]} elements`);
  return [b.convert(cut(values), x.type.dtype), cut(at)];
}

/** Elements of an operand that decides about the size of the result. */
const elementsOf = (c: Call, i: number) => known(c.x(i), c.node, i, 'what the size of the result depends on');

/** The indices of what is not zero: one column an element. */
function nonZero(c: Call): Tensor {
  const x = c.x(0);
  const data = elementsOf(c, 0);
  const found: number[] = [];
  data.forEach((v, i) => {
    if (v !== 0) found.push(i);
  });
  const rows = x.shape.map((d, axis) => {
    const stride = product(x.shape.slice(axis + 1));
    return found.map((i) => Math.floor(i / stride) % d);
  });
  return fixed(rows.flat(), [x.rank, found.length], 'i32');
}

function compress(c: Call): Tensor {
  const x = c.x(0);
  const keep = elementsOf(c, 1);
  const indices = range(keep.length).filter((i) => keep[i]);
  const whole = !c.has('axis');
  const rows = whole ? b.reshape(x, [x.size]) : x;
  return gatherAxis(rows, fixed(indices, [indices.length], 'i32'), whole ? 0 : c.axis(c.number('axis'), x.rank));
}

/** Different elements, or slices of an axis, in order of value or of their first place. */
function unique(c: Call): Tensor[] {
  const x = c.x(0);
  const whole = !c.has('axis');
  const axis = whole ? 0 : c.axis(c.number('axis'), x.rank);
  const rows = whole ? b.reshape(x, [x.size]) : b.transpose(x, [axis, ...range(x.rank).filter((i) => i !== axis)]);
  const data = known(rows, c.node, 0, 'what the size of the result depends on');
  const n = rows.shape[0];
  const width = n ? data.length / n : 0;
  const row = (i: number) => data.subarray(i * width, (i + 1) * width);
  const found = new Map<string, { first: number; count: number }>();
  const keys = range(n).map((i) => Array.from(row(i)).join());
  keys.forEach((key, i) => {
    const entry = found.get(key);
    if (entry) entry.count++;
    else found.set(key, { first: i, count: 1 });
  });
  const before = (p: number, q: number) => {
    const [s, t] = [row(p), row(q)];
    const k = s.findIndex((v, i) => v !== t[i]);
    return k < 0 ? 0 : s[k] - t[k];
  };
  const order = [...found.entries()];
  if (c.flag('sorted', true)) order.sort(([, p], [, q]) => before(p.first, q.first));
  const place = new Map(order.map(([key], i) => [key, i]));
  const list = (xs: readonly number[]) => fixed(xs, [xs.length], 'i32');
  return [
    gatherAxis(whole ? rows : x, list(order.map(([, e]) => e.first)), axis),
    list(order.map(([, e]) => e.first)),
    list(keys.map((key) => place.get(key) as number)),
    list(order.map(([, e]) => e.count)),
  ];
}

/** The boxes that overlap no better one too much, as rows of batch, class and box. */
function nonMax(c: Call): Tensor {
  const [boxes, scores] = [c.x(0), c.x(1)];
  const most = c.maybe(2) ? c.knownScalar(2, 'the number of boxes') : 0;
  const iou = c.maybe(3) ? c.knownScalar(3, 'a threshold') : 0;
  const least = c.maybe(4) ? c.knownScalar(4, 'a threshold') : Number.NEGATIVE_INFINITY;
  const data = [elementsOf(c, 0), elementsOf(c, 1)];
  const [n, classes, count] = scores.shape;
  const centred = c.flag('center_point_box');
  const rows: number[] = [];
  for (let i = 0; i < n; i++) {
    const corners = Array.from(data[0].subarray(i * count * 4, (i + 1) * count * 4));
    if (centred)
      for (let k = 0; k < corners.length; k += 4) {
        const [x, y, w, h] = corners.slice(k, k + 4);
        corners.splice(k, 4, y - h / 2, x - w / 2, y + h / 2, x + w / 2);
      }
    for (let k = 0; k < classes; k++) {
      const from = (i * classes + k) * count;
      const own = fixed(data[1].subarray(from, from + count), [count], 'f32');
      const kept =
        most > 0 && count > 0
          ? nonMaxSuppression(fixed(corners, [count, 4], 'f32'), own, Math.min(most, count), iou, least)
          : undefined;
      for (const box of kept?.elements() ?? []) rows.push(i, k, box);
    }
  }
  if (boxes.rank !== 3 || scores.rank !== 3)
    throw c.refuse(`boxes [${boxes.shape}] and scores [${scores.shape}] need rank 3`);
  return fixed(rows, [rows.length / 3, 3], 'i32');
}

/** Writes a piece into a cache at each batch's place along an axis. */
function tensorScatter(c: Call): Tensor {
  const [past, update] = [c.x(0), c.x(1)];
  const axis = c.axis(c.number('axis', -2), past.rank);
  const starts = c.maybe(2) ?? fixed(new Array(past.shape[0]).fill(0), [past.shape[0]], 'i32');
  const column = [...update.shape, 1];
  const step = b.add(b.broadcast(starts, column, [0]), b.iota(column, axis));
  const circular = c.text('mode', 'linear', ['linear', 'circular']) === 'circular';
  const place = circular ? b.call('rem', b.align(step, fixed([past.shape[axis]], [], 'i32'))) : step;
  const rows = update.shape.map((_, i) => (i === axis ? place : b.iota(column, i)));
  return b.call('scatter_set', [past, b.concat(rows, update.rank), update]);
}

export const indexing: readonly Operator[] = [
  define('Gather', 1, gather),
  define('GatherND', 11, gatherND),
  define('GatherElements', 11, gatherElements),
  define('Scatter', 9, scatterElements),
  define('ScatterElements', 11, scatterElements),
  define('ScatterND', 11, scatterND),
  define('TensorScatter', 24, tensorScatter),
  define('OneHot', 9, oneHot, { fixed: [1] }),
  define('TopK', 1, topK, { fixed: [1] }),
  define('NonZero', 9, nonZero, { dynamic: true }),
  define('Compress', 9, compress, { dynamic: true }),
  define('Unique', 11, unique, { dynamic: true }),
  define('NonMaxSuppression', 10, nonMax, { dynamic: true, fixed: [2, 3, 4] }),
];
