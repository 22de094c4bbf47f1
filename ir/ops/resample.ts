// Resizing along one axis. Every element of the result is a weighted sum of a few elements of the
// operand, at positions and with weights that follow from the attributes alone: the expansion gathers
// them. Where a wide kernel takes many, the product with the matrix of weights is faster.

import type { Emitter } from '../emit.ts';
import type { Attrs, Val } from '../graph.ts';
import { Literal } from '../literal.ts';
import { at, build, type NDArray } from '../ndarray.ts';
import { boolAttr, defineComposite, type InferCtx, numAttr, sample } from '../op.ts';
import { isFloat, isOpen, shapeText, sizeOf, staticShape, tensorType } from '../types.ts';

const methods = ['nearest', 'bilinear', 'bicubic', 'area'] as const;
const gridNames = ['corners', 'half_pixel', 'asymmetric'] as const;

interface Resampling {
  readonly method: (typeof methods)[number];
  readonly grid: (typeof gridNames)[number];
  readonly antialias: boolean;
  readonly from: number;
  readonly to: number;
}
const resampling = (a: Attrs): Resampling => ({
  method: a.method as Resampling['method'],
  grid: a.grid as Resampling['grid'],
  antialias: boolAttr(a, 'antialias'),
  from: numAttr(a, 'from'),
  to: numAttr(a, 'to'),
});

/** Elements of the operand that make one element of the result, each with its weight. */
type Taps = { i: number; w: number }[];

/** Steps of the operand a step of the result, as a fraction: exact where a quotient would round. */
const ratio = ({ grid, from, to }: Resampling): [number, number] =>
  grid === 'corners' && to > 1 ? [from - 1, to - 1] : [from, to];

function nearestTap(r: Resampling, o: number): Taps {
  const [n, d] = ratio(r);
  const i =
    r.grid === 'half_pixel'
      ? Math.floor(((2 * o + 1) * n) / (2 * d))
      : r.grid === 'corners'
        ? Math.floor((2 * o * n + d) / (2 * d))
        : Math.floor((o * n) / d);
  return [{ i: Math.min(i, r.from - 1), w: 1 }];
}

/** Where the element o of the result lies between the elements of the operand. */
function position(r: Resampling, o: number): number {
  const [n, d] = ratio(r);
  return r.grid === 'half_pixel' ? ((2 * o + 1) * n - d) / (2 * d) : (o * n) / d;
}

function linearTaps(r: Resampling, o: number): Taps {
  const p = Math.min(Math.max(position(r, o), 0), r.from - 1);
  const i = Math.min(Math.floor(p), Math.max(0, r.from - 2));
  const w = p - i;
  return r.from === 1
    ? [{ i, w: 1 }]
    : [
        { i, w: 1 - w },
        { i: i + 1, w },
      ];
}

/** Share of each element in the stretch of the operand that the element o of the result covers. */
function areaTaps({ from, to }: Resampling, o: number): Taps {
  // In units of 1 / to, in which every border is a whole number.
  const [low, high] = [o * from, (o + 1) * from];
  const taps: Taps = [];
  for (let i = Math.floor(low / to); i * to < high; i++)
    taps.push({ i, w: (Math.min(high, (i + 1) * to) - Math.max(low, i * to)) / from });
  return taps;
}

/** Keys' cubic convolution with a = -1/2 (Keys 1981, "Cubic convolution interpolation"). */
function cubic(x: number): number {
  const d = Math.abs(x);
  if (d >= 2) return 0;
  return d >= 1 ? ((-0.5 * d + 2.5) * d - 4) * d + 2 : (1.5 * d - 2.5) * d * d + 1;
}
const triangle = (x: number): number => Math.max(0, 1 - Math.abs(x));

/** The kernel around the position, wider by the ratio where antialiased; weights inside add up to 1. */
function kernelTaps(r: Resampling, o: number): Taps {
  const [kernel, radius] = r.method === 'bicubic' ? [cubic, 2] : [triangle, 1];
  const [n, d] = ratio(r);
  const width = r.antialias ? Math.max(1, n / d) : 1;
  const p = position(r, o);
  const first = Math.max(0, Math.ceil(p - radius * width));
  const last = Math.min(r.from - 1, Math.floor(p + radius * width));
  const taps: Taps = [];
  for (let i = first; i <= last; i++) taps.push({ i, w: kernel((i - p) / width) });
  const total = taps.reduce((s, t) => s + t.w, 0);
  return taps.map(({ i, w }) => ({ i, w: w / total }));
}

function tapsOf(r: Resampling, o: number): Taps {
  if (r.method === 'nearest') return nearestTap(r, o);
  if (r.method === 'area') return areaTaps(r, o);
  return r.method === 'bilinear' && !r.antialias ? linearTaps(r, o) : kernelTaps(r, o);
}

/** The taps of all elements, or of the transposed map: which results an element of the operand goes to. */
function table(r: Resampling, adjoint: boolean): Taps[] {
  const rows = Array.from({ length: r.to }, (_, o) => tapsOf(r, o).filter((t) => t.w !== 0));
  if (!adjoint) return rows;
  const columns: Taps[] = Array.from({ length: r.from }, () => []);
  rows.forEach((taps, o) => {
    for (const { i, w } of taps) columns[i].push({ i: o, w });
  });
  return columns;
}

/** More taps than this are multiplied as a matrix. */
const mostGathers = 6;
/** Rows of no more elements than this are pixels: they are gathered whole where they are weighted. */
const pixel = 4;
/** Longer ones, but shorter than this, are gathered element by element, several of the result's at a time. */
const shortRow = 16;

/** The operand as [before, axis, after], its parts at each tap weighted and added. */
function gatherTaps(b: Emitter, x: Val, rows: readonly Taps[]): Val {
  const [before, n, after] = staticShape(x.type.shape);
  const taps = Math.max(1, ...rows.map((t) => t.length));
  const short = after < shortRow && (after > pixel || taps === 1);
  const each = short ? after : 1;
  const source = short ? b.reshape(x, [before, n * after]) : x;
  const perm = short ? [1, 0] : [1, 0, 2];
  const across = b.transpose(source, perm);
  const shape = short ? [before, rows.length * each] : [before, rows.length, after];
  const flat = rows.flatMap((t) => Array.from({ length: each }, (_, c) => ({ t, c })));
  let sum: Val | undefined;
  for (let k = 0; k < taps; k++) {
    const index = flat.map(({ t, c }) => (t[k]?.i ?? t[0]?.i ?? 0) * each + c);
    const weight = flat.map(({ t }) => t[k]?.w ?? 0);
    const indices = b.constant(Literal.of(Int32Array.from(index)), tensorType('i32', [index.length, 1]));
    let part = b.transpose(b.call('gather', [across, indices]), perm);
    if (!weight.every((w) => w === 1)) {
      const w = b.constant(literalOf(x, weight), tensorType(x.type.dtype, [weight.length]));
      part = b.mul(part, b.broadcast(w, shape, [1]));
    }
    sum = sum ? b.add(sum, part) : part;
  }
  return b.reshape(sum as Val, [before, rows.length, after]);
}

const literalOf = (x: Val, data: readonly number[]): Literal =>
  Literal.of(x.type.dtype === 'f64' ? Float64Array.from(data) : Float32Array.from(data));

/** The same as a product with the matrix of all weights. */
function multiplyTaps(b: Emitter, x: Val, rows: readonly Taps[]): Val {
  const n = x.type.shape[1] as number;
  const data = new Array<number>(rows.length * n).fill(0);
  rows.forEach((taps, o) => {
    for (const { i, w } of taps) data[o * n + i] += w;
  });
  const matrix = b.constant(literalOf(x, data), tensorType(x.type.dtype, [rows.length, n]));
  return b.transpose(b.dot(matrix, x, [[1], [1]]), [1, 0, 2]);
}

function checkResample(c: InferCtx): void {
  const [x] = c.inputs;
  const { axis, from, to, adjoint } = c.attrs as Record<string, number>;
  const rank = x.shape.length;
  c.check(
    Number.isInteger(axis) && axis >= 0 && axis < rank && !x.shape.some(isOpen),
    'resample_c1',
    `axis ${axis} of ${shapeText(x.shape)}`,
  );
  c.check(
    [from, to].every((n) => Number.isInteger(n) && n >= 1) && x.shape[axis] === (adjoint ? to : from),
    'resample_c2',
    `${from} to ${to} on axis ${axis} of ${shapeText(x.shape)}`,
  );
  const r = resampling(c.attrs);
  c.check(methods.includes(r.method), 'resample_c3', String(r.method));
  c.check(gridNames.includes(r.grid), 'resample_c4', String(r.grid));
  const moves = r.method === 'nearest' && !adjoint;
  c.check(isFloat(x.dtype) || moves, 'resample_c5', x.dtype, 'convert it to f32');
}

// The definition: the kernel of the method at the distance of every element of the operand.
const kernels: Readonly<Record<string, (d: number) => number>> = {
  bilinear: (d) => (d < 1 ? 1 - d : 0),
  bicubic: (d) => (d <= 1 ? 1.5 * d ** 3 - 2.5 * d ** 2 + 1 : d < 2 ? -0.5 * d ** 3 + 2.5 * d ** 2 - 4 * d + 2 : 0),
};
/** The weights of all elements of the operand in the element o of the result. */
function definition(r: Resampling, o: number): number[] {
  const all = Array.from({ length: r.from }, (_, i) => i);
  const scale = r.grid === 'corners' && r.to > 1 ? (r.from - 1) / (r.to - 1) : r.from / r.to;
  if (r.method === 'area') {
    const overlap = (i: number) => Math.min(i + 1, (o + 1) * scale) - Math.max(i, o * scale);
    return all.map((i) => Math.max(0, overlap(i)) / scale);
  }
  if (r.method === 'nearest') {
    // A little more than the quotient's rounding error, so that whole numbers are not missed.
    const p = scale * (r.grid === 'half_pixel' ? o + 0.5 : o) + 1e-9;
    const i = Math.min(r.from - 1, r.grid === 'corners' ? Math.floor(p + 0.5) : Math.floor(p));
    return all.map((k) => (k === i ? 1 : 0));
  }
  const p = r.grid === 'half_pixel' ? (o + 0.5) * scale - 0.5 : o * scale;
  const width = r.antialias ? Math.max(1, scale) : 1;
  const w = all.map((i) => kernels[r.method](Math.abs(i - p) / width));
  const total = w.reduce((s, v) => s + v, 0);
  return w.map((v) => v / total);
}

function reference(x: NDArray, attrs: Attrs, shape: readonly number[]): NDArray {
  const r = resampling(attrs);
  const axis = numAttr(attrs, 'axis');
  const weights = Array.from({ length: r.to }, (_, o) => definition(r, o));
  const adjoint = boolAttr(attrs, 'adjoint');
  return build(x.dtype, shape, (idx) => {
    const own = idx[axis];
    let sum = 0;
    for (let k = 0; k < x.shape[axis]; k++) {
      const w = adjoint ? weights[k][own] : weights[own][k];
      if (w !== 0)
        sum +=
          w *
          at(
            x,
            idx.map((v, d) => (d === axis ? k : v)),
          );
    }
    return sum;
  });
}

const attrs = (
  from: number,
  to: number,
  method: string,
  grid = 'half_pixel',
  { axis = 0, antialias = false, adjoint = false } = {},
): Attrs => ({ axis, from, to, method, grid, antialias, adjoint });

defineComposite({
  name: 'resample',
  doc: 'Resized along `axis` from `from` to `to` elements by `method` (nearest, bilinear, bicubic: Keys with a = -1/2, area: the mean of what an element covers). `grid` says where the elements lie: half_pixel (their centres, as TensorFlow 2), corners (first on first, last on last) or asymmetric (first on first). `antialias` widens the kernels of bilinear and bicubic where the axis shrinks. `adjoint` is the transposed map, from `to` to `from` elements: the gradient.',
  arity: 1,
  batching: 'axis',
  constraints: {
    resample_c1: 'axis must be an axis of the operand, whose shape is fixed',
    resample_c2: "from and to must be at least 1, and from (adjoint: to) the axis' dimension",
    resample_c3: `method must be one of ${methods.join(', ')}`,
    resample_c4: `grid must be one of ${gridNames.join(', ')}`,
    resample_c5: "the operand's dtype must be a float, except for nearest",
  },
  infer: (c) => {
    checkResample(c);
    const [x] = c.inputs;
    const { axis, from, to, adjoint } = c.attrs as Record<string, number>;
    return [
      tensorType(
        x.dtype,
        x.shape.map((d, i) => (i === axis ? (adjoint ? from : to) : d)),
      ),
    ];
  },
  expand: (b, [x], a) => {
    const axis = numAttr(a, 'axis');
    const { shape } = x.type;
    const rows = table(resampling(a), boolAttr(a, 'adjoint'));
    const [before, after] = [shape.slice(0, axis), shape.slice(axis + 1)];
    const flat = b.reshape(x, [sizeOf(before), shape[axis], sizeOf(after)]);
    const wide = rows.some((t) => t.length > mostGathers);
    const y = wide ? multiplyTaps(b, flat, rows) : gatherTaps(b, flat, rows);
    return [b.reshape(y, [...before, rows.length, ...after])];
  },
  grad: (b, n, [g]) => [b.call('resample', [g], { ...n.attrs, adjoint: !boolAttr(n.attrs, 'adjoint') })],
  reference: ([x], a, [t]) => [reference(x, a, staticShape(t.shape))],
  samples: [
    sample(['f32[3,2]'], attrs(3, 7, 'bilinear')),
    sample(['f32[2,5,3]'], attrs(5, 3, 'bilinear', 'corners', { axis: 1 })),
    sample(['f32[6]'], attrs(6, 4, 'bilinear', 'asymmetric')),
    sample(['f32[4]'], attrs(4, 1, 'bilinear', 'corners')),
    sample(['f32[5]'], attrs(5, 8, 'bicubic', 'asymmetric')),
    sample(['f32[5]'], attrs(5, 8, 'bilinear', 'asymmetric')),
    sample(['f32[1,3]'], attrs(1, 4, 'bilinear')),
    sample(['f32[5,2]'], attrs(5, 9, 'nearest')),
    sample(['f32[7]'], attrs(7, 4, 'nearest', 'corners')),
    sample(['f32[4]'], attrs(4, 10, 'nearest', 'asymmetric')),
    sample(['f32[4,20]'], attrs(4, 7, 'bicubic')),
    sample(['f32[9]'], attrs(9, 4, 'bicubic', 'half_pixel', { antialias: true })),
    sample(['f32[9]'], attrs(9, 2, 'bilinear', 'half_pixel', { antialias: true })),
    sample(['f32[3,7]'], attrs(7, 4, 'area', 'half_pixel', { axis: 1 })),
    sample(['f32[3]'], attrs(3, 5, 'area')),
    sample(['f32[7,2]'], attrs(3, 7, 'bilinear', 'half_pixel', { adjoint: true })),
    sample(['f32[4]'], attrs(9, 4, 'nearest', 'half_pixel', { adjoint: true })),
    sample(['f32[0,5]'], attrs(5, 3, 'bilinear', 'half_pixel', { axis: 1 }), false),
    sample([['i32[5,3]', -9, 9]], attrs(5, 8, 'nearest'), false),
    sample(['bool[4]'], attrs(4, 9, 'nearest', 'corners'), false),
    sample(['f32[2,19,33]'], attrs(19, 41, 'bilinear', 'half_pixel', { axis: 1 }), false),
    sample(['f32[6,21,3]'], attrs(21, 13, 'bilinear', 'half_pixel', { axis: 1 }), false),
    sample(['f32[60,18]'], attrs(60, 7, 'bicubic', 'half_pixel', { antialias: true }), false),
  ],
});
