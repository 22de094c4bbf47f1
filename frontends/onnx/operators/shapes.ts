// What moves elements: shapes, slices, joining, repeating, borders; and what is made of shapes.

import { isStorage } from '../../../ir/types.ts';
import { b, fixed, inverse, product, range } from '../../formats/functions.ts';
import { tile } from '../../trace/ops/shape.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { type Call, define, type Operator, wide } from '../call.ts';
import { channelsFirst, knownLast } from '../layout.ts';

/** A static part of a tensor: its axes from start on, so long, by steps that may be negative. */
function reshape(c: Call): Tensor {
  const x = c.x(0);
  const want = c.known(1, 'the shape of the result');
  const keepsZero = !c.flag('allowzero');
  const shape = want.map((d, i) => (d === 0 && keepsZero ? x.shape[i] : d));
  const open = shape.indexOf(-1);
  if (open >= 0) {
    const rest = product(shape.filter((_, i) => i !== open));
    shape[open] = rest === 0 ? 0 : x.size / rest;
  }
  if (!shape.every((d) => Number.isInteger(d) && d >= 0) || product(shape) !== x.size)
    throw c.refuse(`a tensor of shape [${x.shape}] cannot have the shape [${want}]`);
  return b.reshape(x, shape);
}

function squeeze(c: Call): Tensor {
  const x = c.x(0);
  const given = c.ints('axes', 1);
  const axes = given ? c.axes(given, x.rank) : range(x.rank).filter((i) => x.shape[i] === 1);
  const bad = axes.find((a) => x.shape[a] !== 1);
  if (bad !== undefined) throw c.refuse(`axis ${bad} of [${x.shape}] has not size 1`);
  return b.reshape(
    x,
    x.shape.filter((_, i) => !axes.includes(i)),
  );
}

function unsqueeze(c: Call): Tensor {
  const x = c.x(0);
  const given = c.ints('axes', 1) ?? [];
  const rank = x.rank + given.length;
  const axes = c.axes(given, rank);
  const old = [...x.shape];
  return b.reshape(
    x,
    range(rank).map((i) => (axes.includes(i) ? 1 : (old.shift() as number))),
  );
}

function flatten(c: Call): Tensor {
  const x = c.x(0);
  const given = c.number('axis', 1);
  const axis = given === x.rank ? given : c.axis(given, Math.max(1, x.rank));
  return b.reshape(x, [product(x.shape.slice(0, axis)), product(x.shape.slice(axis))]);
}

function transpose(c: Call): Tensor {
  const x = c.x(0);
  const perm = c.ints('perm') ?? range(x.rank).reverse();
  if (perm.length !== x.rank || c.axes(perm, x.rank).some((p, i) => p !== perm[i]))
    throw c.refuse(`perm [${perm}] does not order the axes of [${x.shape}]`);
  return b.transpose(x, perm);
}

/** Elements from start to end of each axis by a step, which may be negative. */
function slice(c: Call): Tensor {
  const x = c.x(0);
  const starts = c.ints('starts', c.version >= 10 ? 1 : undefined) ?? [];
  const ends = c.ints('ends', c.version >= 10 ? 2 : undefined) ?? [];
  const axes = c.axes(c.ints('axes', c.version >= 10 ? 3 : undefined) ?? range(starts.length), x.rank);
  const steps = c.ints('steps', c.version >= 10 ? 4 : undefined) ?? starts.map(() => 1);
  if ([ends, axes, steps].some((l) => l.length !== starts.length))
    throw c.refuse('starts, ends, axes and steps differ in length');
  const begin = x.shape.map(() => 0);
  const size = x.shape.slice();
  const strides = x.shape.map(() => 1);
  const backwards: number[] = [];
  axes.forEach((a, i) => {
    const d = x.shape[a];
    const step = steps[i];
    if (step === 0) throw c.refuse('a step is 0');
    const place = (k: number, low: number, high: number) => Math.min(Math.max(k < 0 ? k + d : k, low), high);
    const from = step > 0 ? place(starts[i], 0, d) : place(starts[i], -1, d - 1);
    const to = step > 0 ? place(ends[i], 0, d) : place(ends[i], -1, d - 1);
    const n = Math.max(0, Math.ceil((to - from) / step));
    begin[a] = n === 0 ? 0 : step > 0 ? from : from + (n - 1) * step;
    size[a] = n;
    strides[a] = Math.min(Math.abs(step), Math.max(1, d));
    if (step < 0) backwards.push(a);
  });
  return b.reverse(b.slice(x, begin, size, strides), backwards);
}

/** A split names its results in the file; it may say any number of them. */
const mostParts = 65_536;

/** Sizes of the parts that an axis is split into: equal ones, the last may be smaller. */
function partSizes(c: Call, size: number, count: number): number[] {
  const given = c.ints('split', c.version >= 13 ? 1 : undefined);
  if (given) {
    if (given.some((d) => d < 0) || given.reduce((s, d) => s + d, 0) !== size)
      throw c.refuse(`an axis of ${size} is not split into [${given}]`);
    return given;
  }
  if (count < 1 || count > mostParts) throw c.refuse(`an axis is split into ${count} parts`);
  const each = Math.ceil(size / count);
  return range(count).map((i) => Math.max(0, Math.min(each, size - i * each)));
}
/** Parts along an axis, of these sizes. */
export function parts(x: Tensor, axis: number, sizes: readonly number[]): Tensor[] {
  let at = 0;
  return sizes.map((n) => {
    const begin = x.shape.map((_, i) => (i === axis ? at : 0));
    at += n;
    return b.slice(
      x,
      begin,
      x.shape.map((d, i) => (i === axis ? n : d)),
    );
  });
}
function split(c: Call): Tensor[] {
  const x = c.x(0);
  const axis = c.axis(c.number('axis', 0), x.rank);
  return parts(x, axis, partSizes(c, x.shape[axis], c.number('num_outputs', c.outputs)));
}

function concat(c: Call): Tensor {
  const xs = c.all();
  if (xs.length === 0) throw c.wrong('it has no operands');
  const axis = c.axis(c.number('axis'), xs[0].rank);
  const last = xs.map(knownLast).filter((y) => y !== undefined);
  if (axis === 1 && last.length === xs.length) return channelsFirst(b.concat(last, last[0].rank - 1));
  return b.concat(xs, axis);
}

function shape(c: Call): Tensor {
  const x = c.x(0);
  const place = (k: number) => Math.min(Math.max(k < 0 ? k + x.rank : k, 0), x.rank);
  const part = x.shape.slice(place(c.number('start', 0)), place(c.number('end', x.rank)));
  return fixed(part, [part.length], 'i32');
}

function expand(c: Call): Tensor {
  const x = c.x(0);
  const want = c.known(1, 'the shape of the result');
  const rank = Math.max(x.rank, want.length);
  const from = [...new Array(rank - x.rank).fill(1), ...x.shape];
  const to = [...new Array(rank - want.length).fill(1), ...want];
  if (from.some((d, i) => d !== to[i] && d !== 1 && to[i] !== 1))
    throw c.refuse(`[${x.shape}] does not broadcast to [${want}]`);
  return b.broadcastTo(
    x,
    from.map((d, i) => (d === 1 ? to[i] : d)),
  );
}

/** Pads by a number, or by what lies at the border; negative amounts crop. */
function pad(c: Call): Tensor {
  const x = c.x(0);
  const given = c.ints('pads', c.version >= 11 ? 1 : undefined) ?? [];
  const axes = c.axes(c.ints('axes', 3) ?? range(x.rank), x.rank);
  if (given.length !== 2 * axes.length) throw c.refuse(`pads has ${given.length} entries for ${axes.length} axes`);
  const low = x.shape.map(() => 0);
  const high = x.shape.map(() => 0);
  axes.forEach((a, i) => {
    low[a] = given[i];
    high[a] = given[axes.length + i];
  });
  const mode = c.text('mode', 'constant', ['constant', 'reflect', 'edge', 'wrap']);
  if (mode !== 'constant') return x.shape.reduce((y: Tensor, _, a) => bordered(c, y, a, low[a], high[a], mode), x);
  const value = c.version >= 11 ? c.maybe(2) : undefined;
  const filling = value ? b.reshape(value, []) : fixed([c.version < 11 ? c.number('value', 0) : 0], [], x.type.dtype);
  return b.call('pad', [x, filling], { low, high, interior: x.shape.map(() => 0) });
}

/** One axis with elements of its own put before and behind. */
function bordered(c: Call, x: Tensor, axis: number, low: number, high: number, mode: string): Tensor {
  if (low === 0 && high === 0) return x;
  const d = x.shape[axis];
  const period = mode === 'reflect' ? 2 * (d - 1) : d;
  const place = (i: number): number => {
    if (mode === 'edge') return Math.min(Math.max(i, 0), d - 1);
    const k = period <= 0 ? 0 : ((i % period) + period) % period;
    return k < d ? k : period - k;
  };
  const n = d + low + high;
  if (d === 0 || n < 0) throw c.refuse(`axis ${axis} of [${x.shape}] cannot be padded by ${low} and ${high}`);
  return taken(
    x,
    axis,
    range(c.count(n, 'elements of a padded axis')).map((i) => place(i - low)),
  );
}

/** These indices of an axis. */
export function taken(x: Tensor, axis: number, indices: readonly number[]): Tensor {
  const step = indices.length > 1 ? indices[1] - indices[0] : 1;
  if (indices.length > 0 && step > 0 && indices.every((k, i) => k === indices[0] + i * step)) {
    const at = <T>(rest: readonly T[], here: T) => rest.map((r, i) => (i === axis ? here : r));
    const ones = x.shape.map(() => 1);
    return b.slice(
      x,
      at(
        x.shape.map(() => 0),
        indices[0],
      ),
      at(x.shape, indices.length),
      at(ones, step),
    );
  }
  return gatherAxis(x, fixed(indices, [indices.length], 'i32'), axis);
}

/** Elements along an axis by a tensor of indices from 0 on: its axes stand in the place of that axis. */
export function gatherAxis(x: Tensor, indices: Tensor, axis: number): Tensor {
  const front = [axis, ...range(x.rank).filter((i) => i !== axis)];
  const rows = b.call('gather', [b.transpose(x, front), b.reshape(indices, [...indices.shape, 1])], {});
  const k = indices.rank;
  const perm = [...range(axis).map((i) => k + i), ...range(k), ...range(x.rank - 1 - axis).map((i) => k + axis + i)];
  return b.transpose(rows, perm);
}

/** Blocks of channels as space, or the other way. */
function depthToSpace(c: Call): Tensor {
  const x = c.x(0);
  const s = c.number('blocksize');
  const [n, channels, h, w] = x.shape;
  if (x.rank !== 4 || !(s >= 1) || channels % (s * s))
    throw c.refuse(`[${x.shape}] has no blocks of ${s} x ${s} channels`);
  const depth = channels / (s * s);
  const first = c.text('mode', 'DCR', ['DCR', 'CRD']) === 'DCR';
  const split = b.reshape(x, first ? [n, s, s, depth, h, w] : [n, depth, s, s, h, w]);
  return b.reshape(b.transpose(split, first ? [0, 3, 4, 1, 5, 2] : [0, 1, 4, 2, 5, 3]), [n, depth, h * s, w * s]);
}
function spaceToDepth(c: Call): Tensor {
  const x = c.x(0);
  const s = c.number('blocksize');
  const [n, channels, h, w] = x.shape;
  if (x.rank !== 4 || !(s >= 1) || h % s || w % s) throw c.refuse(`[${x.shape}] has no blocks of ${s} x ${s}`);
  const split = b.reshape(x, [n, channels, h / s, s, w / s, s]);
  return b.reshape(b.transpose(split, [0, 3, 5, 1, 2, 4]), [n, channels * s * s, h / s, w / s]);
}

function tiled(c: Call): Tensor {
  const x = c.x(0);
  const reps = c.known(1, 'how often it repeats');
  if (reps.length !== x.rank) throw c.refuse(`${reps.length} repeats for [${x.shape}]`);
  return isStorage(x.type.dtype) ? b.convert(tile(wide(x), reps), x.type.dtype) : tile(x, reps);
}

/** Above or below a diagonal, the rest 0. */
function trilu(c: Call): Tensor {
  const x = c.x(0);
  const k = c.maybe(1) ? c.knownScalar(1, 'the diagonal') : 0;
  const matrix = x.shape.slice(-2);
  const [row, column] = [b.iota(matrix, 0), b.iota(matrix, 1)];
  const keep = b.compare(c.flag('upper', true) ? 'ge' : 'le', b.sub(column, row), k);
  const shape = x.shape;
  return b.select(b.broadcastTo(keep, shape), x, b.zerosLike(x));
}

/** As many elements of each axis as wanted, around the middle. */
function centerCropPad(c: Call): Tensor {
  const x = c.x(0);
  const axes = c.axes(c.ints('axes') ?? range(x.rank), x.rank);
  const want = c.known(1, 'the sizes of the result');
  const low = x.shape.map(() => 0);
  const high = x.shape.map(() => 0);
  axes.forEach((a, i) => {
    const more = want[i] - x.shape[a];
    low[a] = more >= 0 ? Math.floor(more / 2) : -Math.floor(-more / 2);
    high[a] = more - low[a];
  });
  return b.pad(x, low, high);
}

/** Each row's first elements backwards. */
function reverseSequence(c: Call): Tensor {
  const x = c.x(0);
  const lengths = c.x(1);
  const [time, batch] = [c.axis(c.number('time_axis', 0), x.rank), c.axis(c.number('batch_axis', 1), x.rank)];
  const order = [batch, time, ...range(x.rank).filter((i) => i !== batch && i !== time)];
  const rows = b.transpose(x, order);
  const [n, t] = rows.shape;
  const step = b.iota([n, t], 1);
  const length = b.broadcast(lengths, [n, t], [0]);
  const from = b.select(b.compare('lt', step, length), b.sub(b.sub(length, step), 1), step);
  const at = b.concat([b.reshape(b.iota([n, t], 0), [n, t, 1]), b.reshape(from, [n, t, 1])], 2);
  return b.transpose(b.call('gather', [rows, at], {}), inverse(order));
}

export const shapes: readonly Operator[] = [
  define('Identity', 1, (c) => c.operands[0] ?? c.x(0)),
  define('Reshape', 5, reshape, { fixed: [1] }),
  define('Squeeze', 1, squeeze, { fixed: [1] }),
  define('Unsqueeze', 1, unsqueeze, { fixed: [1] }),
  define('Flatten', 1, flatten),
  define('Transpose', 1, transpose),
  define('Slice', 1, slice, { fixed: [1, 2, 3, 4] }),
  define('Split', 2, split, { list: true, fixed: [1] }),
  define('Concat', 4, concat),
  define('Shape', 1, shape),
  define('Size', 1, (c) => fixed([c.x(0).size], [], 'i32')),
  define('Expand', 8, expand, { fixed: [1] }),
  define('Pad', 2, pad, { fixed: [1, 2, 3] }),
  define('DepthToSpace', 1, depthToSpace),
  define('SpaceToDepth', 1, spaceToDepth),
  define('Tile', 6, tiled, { fixed: [1] }),
  define('Trilu', 14, trilu, { fixed: [1] }),
  define('CenterCropPad', 18, centerCropPad, { fixed: [1] }),
  define('ReverseSequence', 10, reverseSequence),
];
