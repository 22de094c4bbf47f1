// Windows that slide over space: pools and their kin. Values are [N, C, space].

import { isFloat } from '../../../ir/types.ts';
import { b, fixed, product, range } from '../../formats/functions.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { type Call, define, type Operator, wide } from '../call.ts';
import { channelsFirst, channelsLast, knownLast } from '../layout.ts';
import { type Windows, windowsOf } from './linear.ts';

/** The windows of a pool: with `ceil_mode`, one more where the last one begins inside. */
function poolWindows(c: Call, x: Tensor): Windows {
  const kernel = c.ints('kernel_shape');
  if (!kernel) throw c.wrong("attribute 'kernel_shape' is missing");
  const at = windowsOf(c, kernel, x.shape.slice(2));
  if (!c.flag('ceil_mode')) return at;
  const pads = at.pads.map(([low, high], i): [number, number] => {
    const d = x.shape[i + 2];
    const reach = (kernel[i] - 1) * at.dilations[i] + 1;
    const room = d + low + high - reach;
    let steps = Math.ceil(room / at.strides[i]) + 1;
    if ((steps - 1) * at.strides[i] >= d + low) steps--;
    return [low, (steps - 1) * at.strides[i] + reach - d - low];
  });
  return { ...at, pads };
}

const outSizes = (x: Tensor, at: Windows): number[] =>
  at.kernel.map((k, i) => {
    const room = x.shape[i + 2] + at.pads[i][0] + at.pads[i][1] - (k - 1) * at.dilations[i] - 1;
    return room < 0 ? 0 : Math.floor(room / at.strides[i]) + 1;
  });

/** The elements at one position of all windows, of x that is padded already. */
function tap(padded: Tensor, at: Windows, out: readonly number[], k: readonly number[]): Tensor {
  const begin = [0, 0, ...k.map((p, i) => p * at.dilations[i])];
  return b.slice(padded, begin, [padded.shape[0], padded.shape[1], ...out], [1, 1, ...at.strides]);
}
/** All positions of a kernel. */
const taps = (kernel: readonly number[]): number[][] =>
  kernel.reduce<number[][]>((all, k) => all.flatMap((t) => range(k).map((i) => [...t, i])), [[]]);

/** x with its padding, so that every window is inside. */
function padded(x: Tensor, at: Windows, filling: number): Tensor {
  const both = (side: 0 | 1) => [0, 0, ...at.pads.map((p) => p[side])];
  const value = fixed([filling], [], x.type.dtype);
  return b.call('pad', [x, value], { low: both(0), high: both(1), interior: x.shape.map(() => 0) });
}

/** Sums or extremes of windows. */
function windowed(name: 'reduce_window_sum' | 'reduce_window_max', x: Tensor, at: Windows): Tensor {
  if (at.dilations.every((d) => d === 1) && at.pads.every((p) => p[0] >= 0 && p[1] >= 0)) {
    const y = knownLast(x);
    const around = <T>(one: T, own: readonly T[]): T[] => (y ? [one, ...own, one] : [one, one, ...own]);
    const z = b.call(name, [y ?? x], {
      window: around(1, at.kernel),
      strides: around(1, at.strides),
      pad: around<readonly number[]>([0, 0], at.pads),
    });
    return y ? channelsFirst(z) : z;
  }
  const most = name === 'reduce_window_max';
  const lowest = isFloat(x.type.dtype) ? Number.NEGATIVE_INFINITY : -(2 ** 31);
  const p = padded(x, at, most ? lowest : 0);
  const out = outSizes(x, at);
  return taps(at.kernel)
    .map((k) => tap(p, at, out, k))
    .reduce((y, z) => (most ? b.max(y, z) : b.add(y, z)));
}

/** The flat index of each window's largest element. */
function indicesOfMax(c: Call, x: Tensor, at: Windows): Tensor {
  const space = x.shape.slice(2);
  const column = c.flag('storage_order');
  const order = column ? range(space.length) : range(space.length).reverse();
  let stride = 1;
  const strides = new Array<number>(space.length);
  for (const i of order) {
    strides[i] = stride;
    stride *= space[i];
  }
  const places = range(space.length)
    .map((i) => b.mul(b.iota(x.shape, i + 2), strides[i]))
    .reduce((p, q) => b.add(p, q));
  const image = b.add(b.mul(b.iota(x.shape, 0), x.shape[1]), b.iota(x.shape, 1));
  const flat = b.add(b.mul(image, product(space)), places);
  const lowest = isFloat(x.type.dtype) ? Number.NEGATIVE_INFINITY : -(2 ** 31);
  const [values, indices] = [padded(x, at, lowest), padded(flat, at, -1)];
  const out = outSizes(x, at);
  const [, best] = taps(at.kernel)
    .map((k) => [tap(values, at, out, k), tap(indices, at, out, k)])
    .reduce(([v, i], [w, j]) => {
      // Padding never wins: -1 is replaced by whatever lies inside.
      const more = b.call('or', [b.compare('gt', w, v), b.and(b.compare('lt', i, 0), b.compare('ge', j, 0))]);
      return [b.select(more, w, v), b.select(more, j, i)];
    });
  return best;
}

function maxPool(c: Call): Tensor[] {
  const given = c.x(0);
  const x = wide(given);
  const at = poolWindows(c, x);
  const y = b.convert(windowed('reduce_window_max', x, at), given.type.dtype);
  return c.uses(1) ? [y, indicesOfMax(c, x, at)] : [y];
}

/** How many elements of x each window has; with `count_include_pad`, of the padding too, but for what rounding up added. */
function counts(c: Call, x: Tensor, at: Windows): Tensor {
  const include = c.flag('count_include_pad');
  const ones = b.splat({ dtype: x.type.dtype, shape: [1, 1, ...x.shape.slice(2)] }, 1);
  if (!include) return windowed('reduce_window_sum', ones, at);
  const stated = windowsOf(c, at.kernel, x.shape.slice(2)).pads;
  const both = (side: 0 | 1) => [0, 0, ...stated.map((p) => p[side])];
  const all = b.pad(ones, both(0), both(1), undefined, 1);
  const rest = at.pads.map(([, high], i): [number, number] => [0, high - stated[i][1]]);
  return windowed('reduce_window_sum', all, { ...at, pads: rest });
}
function averagePool(c: Call): Tensor {
  const x = c.x(0);
  const at = poolWindows(c, x);
  const [sums, n] = [windowed('reduce_window_sum', x, at), counts(c, x, at)];
  const y = knownLast(sums);
  return y ? channelsFirst(b.div(y, channelsLast(n))) : b.div(sums, n);
}

/** The p-th root of the sum of p-th powers. */
const root = (x: Tensor, p: number) => (p === 2 ? b.un('sqrt', x) : p === 1 ? x : b.pow(x, 1 / p));
const powers = (x: Tensor, p: number) => (p === 2 ? b.mul(x, x) : p === 1 ? b.un('abs', x) : b.pow(b.un('abs', x), p));
function lpPool(c: Call): Tensor {
  const x = c.x(0);
  const p = c.number('p', 2);
  return root(windowed('reduce_window_sum', powers(x, p), poolWindows(c, x)), p);
}

const space = (x: Tensor) => range(x.rank - 2).map((i) => i + 2);
/** Something over all of space, which stays as axes of size 1. */
function overSpace(x: Tensor, f: (x: Tensor, axes: readonly number[]) => Tensor): Tensor {
  const y = knownLast(x);
  return y
    ? channelsFirst(
        f(
          y,
          space(x).map((i) => i - 1),
        ),
      )
    : f(x, space(x));
}

/** Puts each window's largest element back to where it was. */
function maxUnpool(c: Call): Tensor {
  const [x, indices] = [c.x(0), c.x(1)];
  const kernel = c.ints('kernel_shape') ?? [];
  const strides = c.ints('strides') ?? kernel.map(() => 1);
  const pads = c.ints('pads') ?? new Array(2 * kernel.length).fill(0);
  const n = kernel.length;
  const natural = kernel.map((k, i) => (x.shape[i + 2] - 1) * strides[i] + k - pads[i] - pads[n + i]);
  const inner = [x.shape[0], x.shape[1], ...natural];
  const shape = c.maybe(2) ? c.known(2, 'the shape of the result') : inner;
  if (x.rank !== n + 2 || shape.length !== x.rank || shape.some((d) => !(d >= 0)))
    throw c.refuse(`[${x.shape}] to [${shape}]`);
  const flat = b.splat({ dtype: x.type.dtype, shape: [product(shape)] }, 0);
  const rows = b.reshape(indices, [indices.size, 1]);
  return b.reshape(b.call('scatter_set', [flat, rows, b.reshape(x, [x.size])]), shape);
}

/** Over the power of the sum of squares of neighbouring channels. */
function lrn(c: Call): Tensor {
  const x = c.x(0);
  const size = c.number('size');
  if (!(size >= 1)) throw c.refuse(`size is ${size}`);
  const low = Math.floor((size - 1) / 2);
  const at = x.shape.map((_, i): [number, number] => (i === 1 ? [low, size - 1 - low] : [0, 0]));
  const ones = x.shape.map(() => 1);
  const sums = b.call('reduce_window_sum', [b.mul(x, x)], {
    window: x.shape.map((_, i) => (i === 1 ? size : 1)),
    strides: ones,
    pad: at,
  });
  const base = b.add(b.mul(sums, c.number('alpha', 1e-4) / size), c.number('bias', 1));
  return b.div(x, b.pow(base, c.number('beta', 0.75)));
}

export const pooling: readonly Operator[] = [
  define('MaxPool', 1, maxPool),
  define('AveragePool', 1, averagePool),
  define('LpPool', 2, lpPool),
  define('GlobalMaxPool', 1, (c) => overSpace(c.x(0), (x, axes) => b.reduceMax(x, axes, true))),
  define('GlobalAveragePool', 1, (c) => overSpace(c.x(0), (x, axes) => b.mean(x, axes, true))),
  define('GlobalLpPool', 2, (c) => {
    const p = c.number('p', 2);
    return root(b.sum(powers(c.x(0), p), space(c.x(0)), true), p);
  }),
  define('MaxUnpool', 9, maxUnpool, { fixed: [2] }),
  define('LRN', 1, lrn),
];
