// How operations of the IR that move or combine elements are written in ONNX.

import type { Node } from '../../../ir/graph.ts';
import type { Literal } from '../../../ir/literal.ts';
import { isFloat } from '../../../ir/types.ts';
import { inverse, product, range } from '../../formats/functions.ts';
import { type GraphWriter, type NodeWriter, noEquivalent, sizes } from './writer.ts';

const numbers = (n: Node, key: string) => n.attrs[key] as readonly number[];
const pairs = (n: Node, key: string) => n.attrs[key] as readonly (readonly number[])[];
const shapeOf = (n: Node, i: number) => sizes(n.inputs[i].type.shape, n.op.name);
const outShape = (n: Node, i = 0) => sizes(n.outputs[i].type.shape, n.op.name);

const constant: NodeWriter = (w, n) => {
  const value = n.attrs.value as Literal;
  const t = n.outputs[0].type;
  if (value.splat !== undefined) return w.splat({ dtype: t.dtype, shape: outShape(n) }, value.splat);
  return w.elements(t, value.expand(t), `${t.dtype}[${t.shape}]${value.hash}`);
};
const iota: NodeWriter = (w, n) => {
  const shape = outShape(n);
  const axis = n.attrs.axis as number;
  const t = n.outputs[0].type;
  const own = shape.map((d, i) => (i === axis ? d : 1));
  const line = w.data(t.dtype, own, range(shape[axis]));
  return own.every((d, i) => d === shape[i]) ? line : w.node('Expand', [line, w.ints(shape)]);
};

const slice: NodeWriter = (w, n, [x]) => {
  const [begin, size, strides] = [numbers(n, 'begin'), numbers(n, 'size'), numbers(n, 'strides')];
  const end = begin.map((k, i) => (size[i] === 0 ? k : k + (size[i] - 1) * strides[i] + 1));
  return w.slice(x, begin, end, range(begin.length), [...strides]);
};

/** Gaps of elements put between those of each axis. */
function spread(
  w: GraphWriter,
  x: string,
  shape: readonly number[],
  gaps: readonly number[],
  value: string,
): { x: string; shape: number[] } {
  const now = [...shape];
  let y = x;
  gaps.forEach((gap, i) => {
    if (gap === 0 || now[i] <= 1) return;
    const split = [...now.slice(0, i + 1), 1, ...now.slice(i + 1)];
    const none = split.map(() => 0);
    const padded = w.pad(
      w.reshape(y, split),
      none,
      none.map((_, k) => (k === i + 1 ? gap : 0)),
      value,
    );
    const long = now.map((d, k) => (k === i ? d * (gap + 1) : d));
    now[i] = (now[i] - 1) * (gap + 1) + 1;
    y = w.slice(w.reshape(padded, long), [0], [now[i]], [i]);
  });
  return { x: y, shape: now };
}
const pad: NodeWriter = (w, n, [x, value]) => {
  const s = spread(w, x, shapeOf(n, 0), numbers(n, 'interior'), value);
  // Cropping first: an amount may exceed what lies there before the padding.
  return w.pad(s.x, numbers(n, 'low'), numbers(n, 'high'), value);
};

const reverse: NodeWriter = (w, n, [x]) => {
  const axes = numbers(n, 'axes');
  return w.slice(
    x,
    axes.map(() => -1),
    axes.map(() => -(2n ** 63n)),
    axes,
    axes.map(() => -1),
  );
};

const reduce =
  (op: string): NodeWriter =>
  (w, n, [x]) =>
    w.node(op, [x, w.ints(numbers(n, 'axes'))], { keepdims: 0 });
/** Whether all of some axes hold: as integers, of which the least of none is not 0. */
const reduceAll = (w: GraphWriter, n: Node, x: string): string =>
  w.cast(w.node('ReduceMin', [w.cast(x, 'i32'), w.ints(numbers(n, 'axes'))], { keepdims: 0 }), 'bool');
const argExtreme =
  (op: string): NodeWriter =>
  (w, n, [x]) =>
    w.cast(w.node(op, [x], { axis: n.attrs.axis as number, keepdims: 0 }), 'i32');

/** Elements in order: all of a row, or the first k. */
const sorted =
  (count: (n: Node) => number, largest: (n: Node) => boolean): NodeWriter =>
  (w, n, [x]) => {
    // ONNX Runtime fails on rows of nothing.
    if (product(shapeOf(n, 0)) === 0)
      return n.outputs.map((o, i) => w.splat({ dtype: o.type.dtype, shape: outShape(n, i) }, 0));
    const [values, at] = w.many(
      'TopK',
      [x, w.ints([count(n)])],
      { axis: shapeOf(n, 0).length - 1, largest: +largest(n), sorted: 1 },
      2,
    );
    return [values, w.cast(at, 'i32')];
  };

/** The number of a row's elements below each value, or not above it. */
const searchSorted: NodeWriter = (w, n, [rows, values]) => {
  const [r, v] = [shapeOf(n, 0), shapeOf(n, 1)];
  const [left, right] = [w.reshape(rows, [...r.slice(0, -1), 1, r[r.length - 1]]), w.reshape(values, [...v, 1])];
  const isLeft = n.attrs.side === 'left';
  const plain = w.node(isLeft ? 'Less' : 'LessOrEqual', [left, right]);
  // NaN stands behind all numbers.
  const nan = (t: string) => w.node('IsNaN', [t]);
  const behind = () => (isLeft ? w.node('And', [nan(right), w.node('Not', [nan(left)])]) : nan(right));
  const below = isFloat(n.inputs[0].type.dtype) ? w.node('Or', [plain, behind()]) : plain;
  return w.node('ReduceSum', [w.cast(below, 'i32'), w.ints([v.length])], { keepdims: 0 });
};

/** Products over paired axes, as a product of matrices. */
const dot: NodeWriter = (w, n, [x, y]) => {
  const [batch, contract] = [pairs(n, 'batch'), pairs(n, 'contract')];
  const [sx, sy] = [shapeOf(n, 0), shapeOf(n, 1)];
  const free = (s: readonly number[], side: number) =>
    range(s.length).filter((i) => !batch[side].includes(i) && !contract[side].includes(i));
  const [fx, fy] = [free(sx, 0), free(sy, 1)];
  const size = (s: readonly number[], axes: readonly number[]) => product(axes.map((a) => s[a]));
  const lead = batch[0].map((a) => sx[a]);
  const [m, k, p] = [size(sx, fx), size(sx, contract[0]), size(sy, fy)];
  const shaped = (v: string, from: readonly number[], perm: readonly number[], shape: readonly number[]) => {
    const t = w.transpose(v, perm);
    const now = perm.map((i) => from[i]);
    return now.length === shape.length && now.every((d, i) => d === shape[i]) ? t : w.reshape(t, shape);
  };
  const left = shaped(x, sx, [...batch[0], ...fx, ...contract[0]], [...lead, m, k]);
  const right = shaped(y, sy, [...batch[1], ...contract[1], ...fy], [...lead, k, p]);
  const z = w.node('MatMul', [left, right]);
  const out = outShape(n);
  const plain = [...lead, m, p];
  return plain.length === out.length && plain.every((d, i) => d === out[i]) ? z : w.reshape(z, out);
};

/** A convolution with the channels last, between transpositions. */
const conv: NodeWriter = (w, n, [x, kernel]) => {
  const rank = shapeOf(n, 0).length;
  const space = range(rank - 2);
  const zero = w.scalar(n.inputs[0].type.dtype, 0);
  const gaps = [0, ...numbers(n, 'lhs_dilation').map((d) => d - 1), 0];
  const s = spread(w, x, shapeOf(n, 0), gaps, zero);
  const amounts = pairs(n, 'pad');
  const side = (k: 0 | 1) => [0, ...amounts.map((p) => p[k]), 0];
  const cropped = amounts.some((p) => p[0] < 0 || p[1] < 0);
  const input = cropped ? w.pad(s.x, side(0), side(1), zero) : s.x;
  const first = w.transpose(input, [0, rank - 1, ...space.map((i) => i + 1)]);
  const y = w.node('Conv', [first, w.transpose(kernel, [rank - 1, rank - 2, ...space])], {
    strides: numbers(n, 'strides'),
    dilations: numbers(n, 'rhs_dilation'),
    group: n.attrs.groups as number,
    pads: cropped ? amounts.flatMap(() => [0, 0]) : [...amounts.map((p) => p[0]), ...amounts.map((p) => p[1])],
    kernel_shape: shapeOf(n, 1).slice(0, -2),
  });
  return w.transpose(y, [0, ...space.map((i) => i + 2), 1]);
};

/** Windows over all axes, up to three at a time: sums and extremes of windows are those of their rows. */
const windows =
  (max: boolean): NodeWriter =>
  (w, n, [x]) => {
    if (!isFloat(n.inputs[0].type.dtype)) throw noEquivalent(n.op.name, 'ONNX pools floats only');
    const [window, strides, amounts] = [numbers(n, 'window'), numbers(n, 'strides'), pairs(n, 'pad')];
    const shape = [...shapeOf(n, 0)];
    const out = outShape(n);
    const axes = range(shape.length).filter(
      (i) => window[i] !== 1 || strides[i] !== 1 || amounts[i].some((p) => p !== 0),
    );
    let y = x;
    for (let i = 0; i < axes.length; i += 3) {
      const own = axes.slice(i, i + 3);
      y = pooled(w, n, y, shape, own, max);
      for (const a of own) shape[a] = out[a];
    }
    return y;
  };
/** Windows over some axes: those come last, the others count as images. */
function pooled(
  w: GraphWriter,
  n: Node,
  x: string,
  shape: readonly number[],
  own: readonly number[],
  max: boolean,
): string {
  const { dtype } = n.inputs[0].type;
  const rest = range(shape.length).filter((i) => !own.includes(i));
  const perm = [...rest, ...own];
  const images = w.reshape(w.transpose(x, perm), [product(rest.map((i) => shape[i])), 1, ...own.map((i) => shape[i])]);
  const at = (key: string) => own.map((i) => numbers(n, key)[i]);
  const side = (k: 0 | 1) => [0, 0, ...own.map((i) => pairs(n, 'pad')[i][k])];
  const padded = w.pad(images, side(0), side(1), w.scalar(dtype, max ? Number.NEGATIVE_INFINITY : 0));
  const settings = { kernel_shape: at('window'), strides: at('strides') };
  const ones = () => w.splat({ dtype, shape: [1, 1, ...at('window')] }, 1);
  const y = max ? w.node('MaxPool', [padded], settings) : w.node('Conv', [padded, ones()], settings);
  const moved = w.reshape(
    y,
    perm.map((i) => (own.includes(i) ? outShape(n)[i] : shape[i])),
  );
  return w.transpose(moved, inverse(perm));
}

/** Rows of indices as places in the first axes, flat; what is outside gets the place behind the last. */
function flatPlaces(w: GraphWriter, n: Node, indices: string): { places: string; first: number } {
  const at = shapeOf(n, 1);
  const k = at[at.length - 1];
  const lead = shapeOf(n, 0).slice(0, k);
  const strides = lead.map((_, i) => product(lead.slice(i + 1)));
  const first = product(lead);
  const whole = w.cast(indices, 'i32');
  const last = w.ints([at.length - 1]);
  const inside = w.node('And', [
    w.node('GreaterOrEqual', [whole, w.scalar('i32', 0)]),
    w.node('Less', [whole, w.data('i32', [k], lead)]),
  ]);
  const all = w.node('ReduceMin', [w.cast(inside, 'i32'), last], { keepdims: 0 });
  const flat = w.node('ReduceSum', [w.node('Mul', [whole, w.data('i32', [k], strides)]), last], { keepdims: 0 });
  return { places: w.node('Where', [w.cast(all, 'bool'), flat, w.scalar('i32', first)]), first };
}
/** The first axes as one, with one more row of zeros behind. */
function flatRows(w: GraphWriter, n: Node, x: string, first: number): string {
  const shape = shapeOf(n, 0);
  const rest = shape.slice(shapeOf(n, 1).at(-1));
  const dtype = n.inputs[0].type.dtype;
  return w.node('Concat', [w.reshape(x, [first, ...rest]), w.splat({ dtype, shape: [1, ...rest] }, 0)], { axis: 0 });
}
const gather: NodeWriter = (w, n, [x, indices]) => {
  const { places, first } = flatPlaces(w, n, indices);
  return w.node('Gather', [flatRows(w, n, x, first), places], { axis: 0 });
};
const scatter =
  (reduction: string): NodeWriter =>
  (w, n, [x, indices, updates]) => {
    const { places, first } = flatPlaces(w, n, indices);
    const at = shapeOf(n, 1).slice(0, -1);
    const rows = w.reshape(w.cast(places, 'int64'), [...at, 1]);
    const y = w.node('ScatterND', [flatRows(w, n, x, first), rows, updates], { reduction });
    return w.reshape(w.slice(y, [0], [first], [0]), shapeOf(n, 0));
  };

/** Real and imaginary parts beside each other, and apart again. */
const fft: NodeWriter = (w, n, [re, im]) => {
  const shape = shapeOf(n, 0);
  const rank = shape.length;
  const flat = [product(shape.slice(0, -1)), shape[rank - 1], 1];
  const both = w.node('Concat', [w.reshape(re, flat), w.reshape(im, flat)], { axis: 2 });
  const y = w.node('DFT', [both], { axis: 1, inverse: +(n.attrs.inverse as boolean) });
  // The inverse here is not divided by the number of elements.
  return [0, 1].map((k) => w.reshape(w.slice(y, [k], [k + 1], [2]), shape));
};

const without =
  (why: string): NodeWriter =>
  (_, n) => {
    throw noEquivalent(n.op.name, why);
  };
const factorization = 'ONNX has no factorizations of matrices';
const random = 'its random words are those of one generator, which ONNX has not';

export const structure: Readonly<Record<string, NodeWriter>> = {
  constant,
  iota,
  reshape: (w, n, [x]) => w.reshape(x, outShape(n)),
  transpose: (w, n, [x]) => w.transpose(x, numbers(n, 'perm')),
  slice,
  pad,
  concat: (w, n, x) => w.node('Concat', x, { axis: n.attrs.axis as number }),
  reverse,
  reduce_sum: reduce('ReduceSum'),
  reduce_prod: reduce('ReduceProd'),
  reduce_max: reduce('ReduceMax'),
  reduce_min: reduce('ReduceMin'),
  reduce_and: (w, n, [x]) => reduceAll(w, n, x),
  reduce_or: (w, n, [x]) => w.node('Not', [reduceAll(w, n, w.node('Not', [x]))]),
  arg_max: argExtreme('ArgMax'),
  arg_min: argExtreme('ArgMin'),
  cumulative_sum: (w, n, [x]) =>
    w.node('CumSum', [x, w.ints([n.attrs.axis as number])], {
      exclusive: +(n.attrs.exclusive as boolean),
      reverse: +(n.attrs.reverse as boolean),
    }),
  sort: sorted(
    (n) => shapeOf(n, 0).at(-1) as number,
    (n) => n.attrs.descending as boolean,
  ),
  top_k: sorted(
    (n) => n.attrs.k as number,
    () => true,
  ),
  search_sorted: searchSorted,
  dot_general: dot,
  conv,
  reduce_window_sum: windows(false),
  reduce_window_max: windows(true),
  gather,
  scatter_set: scatter('none'),
  scatter_add: scatter('add'),
  scatter_max: scatter('max'),
  scatter_min: scatter('min'),
  fft,
  ...Object.fromEntries(
    ['cholesky', 'triangular_solve', 'lu', 'qr', 'eigh', 'svd'].map((name) => [name, without(factorization)]),
  ),
  ...Object.fromEntries(
    [
      'rng_bits',
      'normal_of_bits',
      'truncated_normal_of_bits',
      'exponential_of_bits',
      'gumbel_of_bits',
      'int_below',
      'gamma_element',
    ].map((name) => [name, without(random)]),
  ),
  ...Object.fromEntries(
    ['lgamma', 'digamma', 'polygamma'].map((name) => [name, without('ONNX has no gamma functions')]),
  ),
  ...Object.fromEntries(
    ['window_max_grad', 'window_max_pick'].map((name) => [name, without('it is the gradient of a pool')]),
  ),
};
