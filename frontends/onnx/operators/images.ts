// Resizing and sampling of images [N, C, space].

import { isFloat } from '../../../ir/types.ts';
import { b, fixed, product, range } from '../../formats/functions.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { type Call, define, floats, narrow, type Operator } from '../call.ts';
import { taken } from './shapes.ts';

/** Where the elements of an axis come from: indices and weights of as many taps for each. */
interface Taps {
  readonly indices: readonly (readonly number[])[];
  readonly weights: readonly (readonly number[])[];
}

interface Axis {
  readonly from: number;
  readonly to: number;
  readonly scale: number;
  readonly start: number;
  readonly end: number;
}

/** The place on the old axis that element i of the new one stands for. */
function place(mode: string, a: Axis, i: number): number {
  const { from, to, scale, start, end } = a;
  switch (mode) {
    case 'asymmetric':
      return i / scale;
    case 'align_corners':
      return to === 1 ? 0 : (i * (from - 1)) / (to - 1);
    case 'pytorch_half_pixel':
      return to > 1 ? (i + 0.5) / scale - 0.5 : 0;
    case 'tf_half_pixel_for_nn':
      return (i + 0.5) / scale;
    case 'half_pixel_symmetric': {
      // Where the size was rounded, the grid is centred.
      const adjusted = to / (scale * from);
      return (from / 2) * (1 - adjusted) + (i + 0.5) / scale - 0.5;
    }
    case 'tf_crop_and_resize':
      return to > 1
        ? start * (from - 1) + (i * (end - start) * (from - 1)) / (to - 1)
        : 0.5 * (start + end) * (from - 1);
    default:
      return (i + 0.5) / scale - 0.5;
  }
}

const nearestOf: Readonly<Record<string, (x: number) => number>> = {
  round_prefer_floor: (x) => Math.ceil(x - 0.5),
  round_prefer_ceil: (x) => Math.floor(x + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
};
/** Weights of a linear or cubic kernel at a distance. */
const linearAt = (d: number) => Math.max(0, 1 - Math.abs(d));
function cubicAt(d: number, a: number): number {
  const x = Math.abs(d);
  if (x <= 1) return (a + 2) * x ** 3 - (a + 3) * x ** 2 + 1;
  return x < 2 ? a * x ** 3 - 5 * a * x ** 2 + 8 * a * x - 4 * a : 0;
}

/** Taps of every new element, for linear and cubic kernels, widened where the axis shrinks with `antialias`. */
function kernelTaps(
  a: Axis,
  at: readonly number[],
  kernel: (d: number) => number,
  reach: number,
  exclude: boolean,
  antialias: boolean,
): Taps {
  const stretch = antialias ? Math.min(1, a.scale) : 1;
  const half = reach / stretch;
  const count = Math.ceil(2 * half) + (antialias ? 1 : 0);
  const indices: number[][] = [];
  const weights: number[][] = [];
  for (const x of at) {
    const first = antialias ? Math.ceil(x - half) : Math.floor(x) - reach + 1;
    const own = range(count).map((k) => first + k);
    const w = own.map((k) => (exclude && (k < 0 || k >= a.from) ? 0 : kernel((k - x) * stretch)));
    const sum = antialias || exclude ? w.reduce((s, v) => s + v, 0) : 1;
    indices.push(own.map((k) => Math.min(Math.max(k, 0), a.from - 1)));
    weights.push(w.map((v) => v / (sum || 1)));
  }
  return { indices, weights };
}

/** One axis by its taps: few are gathered and weighted, many are a product with a matrix. */
function applyTaps(x: Tensor, axis: number, { indices, weights }: Taps): Tensor {
  const taps = indices[0]?.length ?? 0;
  const dtype = x.type.dtype;
  const n = indices.length;
  if (taps > 4) {
    const d = x.shape[axis];
    const rows = new Array<number>(n * d).fill(0);
    indices.forEach((own, i) => {
      own.forEach((k, j) => {
        rows[i * d + k] += weights[i][j];
      });
    });
    const y = b.dot(x, fixed(rows, [n, d], dtype), [[axis], [1]]);
    const last = x.rank - 1;
    return b.transpose(
      y,
      range(x.rank).map((i) => (i < axis ? i : i === axis ? last : i - 1)),
    );
  }
  const at = x.shape.map((_, i) => (i === axis ? n : 1));
  return range(taps)
    .map((k) => {
      const w = fixed(
        weights.map((r) => r[k]),
        at,
        dtype,
      );
      return b.mul(
        taken(
          x,
          axis,
          indices.map((r) => r[k]),
        ),
        w,
      );
    })
    .reduce((p, q) => b.add(p, q));
}

interface Resizing {
  readonly axes: readonly number[];
  readonly all: readonly Axis[];
}

/** Sizes and scales of all axes, as operands and attributes say. */
function resizing(c: Call, x: Tensor): Resizing {
  const axes = c.axes(c.ints('axes') ?? range(x.rank), x.rank);
  const first = c.version >= 11 ? 2 : 1;
  const operand = (i: number) => (c.maybe(i)?.size ? c.known(i, 'the size of the result') : undefined);
  const scales = operand(first) ?? (c.node.operator.op === 'Upsample' ? c.ints('scales') : undefined);
  const sizes = c.version >= 11 ? operand(3) : undefined;
  const given = scales ?? sizes;
  if (!given || given.length !== axes.length) throw c.refuse(`scales or sizes [${given}] for ${axes.length} axes`);
  if (given.some((d) => !(d > 0))) throw c.refuse(`scales or sizes [${given}]`);
  const policy = c.text('keep_aspect_ratio_policy', 'stretch', ['stretch', 'not_larger', 'not_smaller']);
  const ratios = axes.map((a, i) => (sizes ? sizes[i] / x.shape[a] : given[i]));
  const common =
    sizes && policy !== 'stretch' ? (policy === 'not_larger' ? Math.min(...ratios) : Math.max(...ratios)) : undefined;
  const roi =
    c.text<string>('coordinate_transformation_mode', 'half_pixel') === 'tf_crop_and_resize'
      ? c.known(1, 'the part of the image')
      : [];
  const all = axes.map((a, i): Axis => {
    const from = x.shape[a];
    const [start, end] = [roi[i] ?? 0, roi[axes.length + i] ?? 1];
    if (common !== undefined) return { from, to: Math.round(common * from), scale: common, start, end };
    if (sizes) return { from, to: sizes[i], scale: ratios[i], start, end };
    const part = roi.length ? end - start : 1;
    return { from, to: Math.floor(from * part * given[i] + 1e-6), scale: given[i], start, end };
  });
  const largest = 2 ** 16;
  const bad = all.find((a) => !(a.to >= 0 && a.to <= largest) || a.from === 0);
  if (bad) throw c.refuse(`an axis of ${bad.from} resized to ${bad.to}`, `axes of 1 to ${largest} are possible`);
  return { axes, all };
}

function resize(c: Call): Tensor {
  const given = c.x(0);
  const old = c.version < 11;
  const mode = c.text('mode', 'nearest', ['nearest', 'linear', 'bilinear', 'cubic']);
  const { axes, all } = resizing(c, given);
  const transform = c.text<string>('coordinate_transformation_mode', old ? 'asymmetric' : 'half_pixel');
  const rounding = c.text('nearest_mode', old ? 'floor' : 'round_prefer_floor', Object.keys(nearestOf));
  const a = c.number('cubic_coeff_a', -0.75);
  const kernel = mode === 'cubic' ? (d: number) => cubicAt(d, a) : linearAt;
  const isCrop = transform === 'tf_crop_and_resize';
  const x = mode === 'nearest' ? given : floats(given);
  let y = x;
  let outside: Tensor | undefined;
  all.forEach((axis, i) => {
    if (axis.from === axis.to && !isCrop && axis.scale === 1) return;
    const at = range(axis.to).map((k) => place(transform, axis, k));
    const inside = (k: number) => Math.min(Math.max(k, 0), axis.from - 1);
    if (mode === 'nearest')
      y = taken(
        y,
        axes[i],
        at.map((p) => inside(nearestOf[rounding](p))),
      );
    else
      y = applyTaps(
        y,
        axes[i],
        kernelTaps(axis, at, kernel, mode === 'cubic' ? 2 : 1, c.flag('exclude_outside'), c.flag('antialias')),
      );
    if (!isCrop) return;
    const out = fixed(
      at.map((p) => +(p < 0 || p > axis.from - 1)),
      x.shape.map((_, k) => (k === axes[i] ? axis.to : 1)),
      'bool',
    );
    outside = outside ? b.call('or', b.align(outside, out)) : out;
  });
  if (outside) y = b.select(outside, b.splat(y.type, c.number('extrapolation_value', 0)), y);
  return isFloat(given.type.dtype) ? y : narrow(y, given.type.dtype);
}

/** Positions on an axis from -1 to 1 as elements. */
const unnormal = (g: Tensor, size: number, corners: boolean): Tensor =>
  corners ? b.mul(b.add(g, 1), (size - 1) / 2) : b.sub(b.mul(b.add(g, 1), size / 2), 0.5);

/** Positions beyond the border, mirrored back between low and low + span. */
function reflected(p: Tensor, low: number, span: number): Tensor {
  if (span <= 0) return b.zerosLike(p);
  const d = b.un('abs', b.sub(p, low));
  const rounds = b.un('floor', b.div(d, span));
  const rest = b.sub(d, b.mul(rounds, span));
  const odd = b.compare('eq', b.call('rem', b.align(rounds, 2)), 1);
  return b.add(b.select(odd, b.sub(span, rest), rest), low);
}

/** x [N, C, space] at positions [N, out..., axes], which count from the last axis. */
function gridSample(c: Call): Tensor {
  const [x, grid] = [c.x(0), c.x(1)];
  const n = x.rank - 2;
  const corners = c.flag('align_corners');
  const padding = c.text('padding_mode', 'zeros', ['zeros', 'border', 'reflection']);
  const mode = c.text('mode', 'linear', ['linear', 'nearest', 'cubic', 'bilinear', 'bicubic']);
  if (n < 1 || grid.rank !== x.rank || grid.shape[n + 1] !== n)
    throw c.refuse(`x [${x.shape}] and grid [${grid.shape}]`);
  const sizes = x.shape.slice(2);
  const positions = sizes.map((d, i) => {
    const g = b.reshape(taken(grid, n + 1, [n - 1 - i]), grid.shape.slice(0, -1));
    const p = unnormal(g, d, corners);
    return mode === 'cubic' || mode === 'bicubic' ? p : bordered(p, d, padding, corners);
  });
  const channelsBehind = b.transpose(x, [0, ...range(n).map((i) => i + 2), 1]);
  const at = (index: readonly Tensor[]): Tensor => {
    const placed = index.map((p, i) => bordered(p, sizes[i], padding, corners));
    const column = [...grid.shape.slice(0, -1), 1];
    const rows = placed.map((p) => b.reshape(b.convert(p, 'i32'), column));
    return b.call('gather', [channelsBehind, b.concat([b.iota(column, 0), ...rows], column.length - 1)]);
  };
  const wide = (w: Tensor) => b.reshape(w, [...w.shape, 1]);
  const y =
    mode === 'nearest'
      ? at(positions.map((p) => b.un('round', p)))
      : weighted(positions, mode.endsWith('cubic'), at, wide);
  return b.transpose(y, [0, n + 1, ...range(n).map((i) => i + 1)]);
}
/** Positions brought inside, but for padding with zeros, where what is outside stays there. */
function bordered(p: Tensor, d: number, padding: string, corners: boolean): Tensor {
  if (padding === 'zeros') return p;
  const mirrored = padding === 'reflection' ? reflected(p, corners ? 0 : -0.5, corners ? d - 1 : d) : p;
  return b.max(b.min(mirrored, d - 1), 0);
}
/** Neighbours of positions, weighted by distance along each axis. */
function weighted(
  positions: readonly Tensor[],
  cubic: boolean,
  at: (index: readonly Tensor[]) => Tensor,
  wide: (w: Tensor) => Tensor,
): Tensor {
  const low = positions.map((p) => b.un('floor', p));
  const rest = positions.map((p, i) => b.sub(p, low[i]));
  const offsets = cubic ? [-1, 0, 1, 2] : [0, 1];
  const weight = (r: Tensor, o: number): Tensor =>
    cubic ? cubicTensor(b.un('abs', b.sub(r, o)), o === 0 || o === 1) : o ? r : b.sub(1, r);
  const corners = positions.reduce<number[][]>((all) => all.flatMap((t) => offsets.map((o) => [...t, o])), [[]]);
  return corners
    .map((os) => {
      const w = os.map((o, i) => weight(rest[i], o)).reduce((p, q) => b.mul(p, q));
      return b.mul(at(os.map((o, i) => b.add(low[i], o))), wide(w));
    })
    .reduce((p, q) => b.add(p, q));
}
/** The cubic kernel with a = -3/4, of a distance below 1 (`near`) or from 1 to 2. */
function cubicTensor(x: Tensor, near: boolean): Tensor {
  const a = -0.75;
  const poly = (p: readonly number[]) =>
    p.slice(1).reduce<Tensor>((y, k) => b.add(b.mul(y, x), k), b.splat(x.type, p[0]));
  return near ? poly([a + 2, -(a + 3), 0, 1]) : poly([a, -5 * a, 8 * a, -4 * a]);
}

/** Grids for `GridSample` from matrices: [N, 2, 3] or [N, 3, 4]. */
function affineGrid(c: Call): Tensor {
  const theta = c.x(0);
  const size = c.known(1, 'the size of the image').slice(2);
  const corners = c.flag('align_corners');
  const n = size.length;
  const dtype = theta.type.dtype;
  const columns = range(n).map((i) => {
    const d = size[n - 1 - i];
    const own = range(d).map((k) => (corners ? (d > 1 ? -1 + (2 * k) / (d - 1) : 0) : -1 + (2 * k + 1) / d));
    return b.broadcast(fixed(own, [d], dtype), [...size, 1], [n - 1 - i]);
  });
  const points = b.concat([...columns, b.splat({ dtype, shape: [...size, 1] }, 1)], n);
  const flat = b.reshape(points, [product(size), n + 1]);
  const y = b.dot(theta, flat, [[2], [1]]);
  return b.reshape(b.transpose(y, [0, 2, 1]), [theta.shape[0], ...size, n]);
}

/** Means or extremes of points of regions of interest. */
function roiAlign(c: Call): Tensor {
  const [x, rois, images] = [c.x(0), c.x(1), c.x(2)];
  const [rows, columns] = [c.number('output_height', 1), c.number('output_width', 1)];
  const ratio = c.number('sampling_ratio', 0);
  if (!(ratio > 0))
    throw c.refuse('sampling_ratio 0: the number of points depends on elements', 'export it with a sampling_ratio');
  const half =
    c.version >= 16 &&
    c.text('coordinate_transformation_mode', 'half_pixel', ['half_pixel', 'output_half_pixel']) === 'half_pixel'
      ? 0.5
      : 0;
  const scaled = b.sub(b.mul(rois, c.number('spatial_scale', 1)), half);
  const corner = (i: number) => b.reshape(taken(scaled, 1, [i]), [rois.shape[0], 1]);
  const points = (i: number, cells: number): Tensor => {
    const span = b.sub(corner(i + 2), corner(i));
    const size = half ? span : b.max(span, 1);
    const steps = fixed(
      range(cells * ratio).map((k) => (k + 0.5) / (cells * ratio)),
      [1, cells * ratio],
      x.type.dtype,
    );
    return b.add(corner(i), b.mul(size, steps));
  };
  const [py, px] = [points(1, rows), points(0, columns)];
  const [h, w] = x.shape.slice(2);
  const [n, ny, nx] = [rois.shape[0], rows * ratio, columns * ratio];
  const grid = [n, ny, nx];
  const image = b.broadcast(b.convert(images, 'i32'), [...grid, 1], [0]);
  const channelsBehind = b.transpose(x, [0, 2, 3, 1]);
  const samples = axisWeights(py, h).flatMap((v) =>
    axisWeights(px, w).map((u) => {
      const at = b.concat(
        [image, b.broadcast(v.index, [...grid, 1], [0, 1]), b.broadcast(u.index, [...grid, 1], [0, 2])],
        3,
      );
      const weight = b.mul(b.broadcast(v.weight, [...grid, 1], [0, 1]), b.broadcast(u.weight, [...grid, 1], [0, 2]));
      return b.mul(b.call('gather', [channelsBehind, at]), weight);
    }),
  );
  const max = c.text('mode', 'avg', ['avg', 'max']) === 'max';
  // A maximum is over the weighted corners themselves, a mean over the points.
  const values = samples.reduce((p, q) => (max ? b.max(p, q) : b.add(p, q)));
  const cells = b.reshape(values, [n, rows, ratio, columns, ratio, x.shape[1]]);
  const y = max ? b.reduceMax(cells, [2, 4]) : b.mean(cells, [2, 4]);
  return b.transpose(y, [0, 3, 1, 2]);
}
/** Both neighbours of points on an axis and their weights; points outside by more than one count for nothing. */
function axisWeights(p: Tensor, size: number): { index: Tensor; weight: Tensor }[] {
  const live = b.convert(b.and(b.compare('ge', p, -1), b.compare('le', p, size)), p.type.dtype);
  const inside = b.max(b.min(p, size - 1), 0);
  const low = b.un('floor', inside);
  const rest = b.sub(inside, low);
  return [
    { index: b.convert(low, 'i32'), weight: b.mul(b.sub(1, rest), live) },
    { index: b.convert(b.min(b.add(low, 1), size - 1), 'i32'), weight: b.mul(rest, live) },
  ];
}

export const images: readonly Operator[] = [
  define('Upsample', 7, resize, { fixed: [1] }),
  define('Resize', 10, resize, { fixed: [1, 2, 3] }),
  define('GridSample', 16, gridSample),
  define('AffineGrid', 20, affineGrid, { fixed: [1] }),
  define('RoiAlign', 10, roiAlign),
];
