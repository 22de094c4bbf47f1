// Pooling over two or three spatial axes; x, pad and dataFormat as in conv.ts.

import { arrayFor } from '../../../ir/literal.ts';
import { isFloat, tensorType } from '../../../ir/types.ts';
import type { TensorLike } from '../convert.ts';
import { emitter as b } from '../dispatch.ts';
import { eagerTensor, type Tensor } from '../tensor.ts';
import { apply, arg, floatArg, need } from './common.ts';
import { channelsLast, type Pad, paddingOf, perAxis, type Rounding } from './conv.ts';
import { batchToSpaceND, spaceToBatchND } from './space.ts';

interface Pool {
  op: string;
  n: number;
  size: number | readonly number[];
  strides: number | readonly number[];
  pad: Pad;
  rounding?: Rounding;
  dataFormat?: 'NDHWC' | 'NCDHW';
}

/** The operand with its batch axis first and its channels last. */
const batched = (t: Tensor, p: Pool) => channelsLast(t, p.n, p.dataFormat ?? 'NDHWC', 'NCDHW', 'NDHWC', p.op);

/** More than any image has; what is larger is a mistake that would take for ever. */
const LARGEST_WINDOW = 2 ** 24;

/** Attributes of the window ops for [batch, spatial..., channels]. */
function windows(input: Tensor, p: Pool) {
  const size = perAxis(p.size, p.n, 'filterSize', p.op);
  need(
    size.reduce((n, k) => n * k, 1) <= LARGEST_WINDOW,
    p.op,
    `a window may have ${LARGEST_WINDOW} elements`,
    size,
    'use tf.max or tf.mean over whole axes',
  );
  const strides = perAxis(p.strides, p.n, 'strides', p.op);
  const pad = paddingOf(p.pad, input.shape.slice(1, -1), size, strides, false, p.op, p.rounding);
  return { window: [1, ...size, 1], strides: [1, ...strides, 1], pad: [[0, 0], ...pad, [0, 0]] };
}

function maxPoolNd(x: TensorLike, p: Pool): Tensor {
  const t = arg(x, 'x', p.op);
  const { input, back } = batched(t, p);
  return back(apply('reduce_window_max', [input], windows(input, p)));
}

function avgPoolNd(x: TensorLike, p: Pool): Tensor {
  const t = floatArg(x, 'x', p.op);
  const { input, back } = batched(t, p);
  const w = windows(input, p);
  const s = apply('reduce_window_sum', [input], w);
  if (w.pad.every(([low, high]) => low === 0 && high === 0))
    return back(b.mul(s, 1 / w.window.reduce((n, k) => n * k, 1)) as Tensor);
  // Padding does not count: windows at the edge hold fewer elements.
  const shape = s.shape.map((d, i) => (i === 0 || i === s.rank - 1 ? 1 : d));
  const inside = (axis: number, o: number) => {
    const from = o * w.strides[axis] - w.pad[axis][0];
    // A window of padding only has no mean: 0 / 0.
    return Math.max(0, Math.min(input.shape[axis], from + w.window[axis]) - Math.max(0, from));
  };
  const counts = arrayFor(
    t.type.dtype,
    shape.reduce((n, d) => n * d, 1),
  );
  for (let k = 0; k < counts.length; k++) {
    let rest = k;
    let n = 1;
    for (let axis = s.rank - 2; axis >= 1; axis--) {
      n *= inside(axis, rest % shape[axis]);
      rest = Math.floor(rest / shape[axis]);
    }
    counts[k] = n;
  }
  return back(b.div(s, eagerTensor(tensorType(t.type.dtype, shape), counts)) as Tensor);
}

/** Largest element of each window. x [N, H, W, C] or [H, W, C]. */
export function maxPool(
  x: TensorLike,
  filterSize: number | readonly number[],
  strides: number | readonly number[],
  pad: Pad,
  dimRoundingMode?: Rounding,
): Tensor {
  return maxPoolNd(x, { op: 'maxPool', n: 2, size: filterSize, strides, pad, rounding: dimRoundingMode });
}
/** Mean of each window; padding does not count. x [N, H, W, C] or [H, W, C], floats. */
export function avgPool(
  x: TensorLike,
  filterSize: number | readonly number[],
  strides: number | readonly number[],
  pad: Pad,
  dimRoundingMode?: Rounding,
): Tensor {
  return avgPoolNd(x, { op: 'avgPool', n: 2, size: filterSize, strides, pad, rounding: dimRoundingMode });
}
/** `maxPool` over three axes: x [N, D, H, W, C]. */
export function maxPool3d(
  x: TensorLike,
  filterSize: number | readonly number[],
  strides: number | readonly number[],
  pad: Pad,
  dimRoundingMode?: Rounding,
  dataFormat: 'NDHWC' | 'NCDHW' = 'NDHWC',
): Tensor {
  return maxPoolNd(x, { op: 'maxPool3d', n: 3, size: filterSize, strides, pad, rounding: dimRoundingMode, dataFormat });
}
/** `avgPool` over three axes: x [N, D, H, W, C]. */
export function avgPool3d(
  x: TensorLike,
  filterSize: number | readonly number[],
  strides: number | readonly number[],
  pad: Pad,
  dimRoundingMode?: Rounding,
  dataFormat: 'NDHWC' | 'NCDHW' = 'NDHWC',
): Tensor {
  return avgPoolNd(x, { op: 'avgPool3d', n: 3, size: filterSize, strides, pad, rounding: dimRoundingMode, dataFormat });
}

/**
 * `maxPool` with the place of each maximum: `{result, indexes}`, the indexes (int32) counting
 * (row * width + column) * channels + channel; the first of equal ones counts.
 * @param includeBatchInIndex counts on from image to image
 */
export function maxPoolWithArgmax(
  x: TensorLike,
  filterSize: number | readonly number[],
  strides: number | readonly number[],
  pad: Pad,
  includeBatchInIndex = false,
): { result: Tensor; indexes: Tensor } {
  const p: Pool = { op: 'maxPoolWithArgmax', n: 2, size: filterSize, strides, pad };
  const t = floatArg(x, 'x', p.op);
  const { input, back } = batched(t, p);
  const w = windows(input, p);
  const result = apply('reduce_window_max', [input], w);
  // Row and column are picked apart: each is a whole number that float32 holds.
  const place = (axis: number) => {
    const ramp = b.iota(input.shape, axis, input.type.dtype) as Tensor;
    return b.convert(apply('window_max_pick', [input, ramp], w), 'i32');
  };
  const [, height, width, channels] = input.shape;
  const own = (axis: number) => b.iota(result.shape, axis);
  const row = includeBatchInIndex ? b.add(b.mul(own(0), height), place(1)) : place(1);
  const indexes = b.add(b.mul(b.add(b.mul(row, width), place(2)), channels), own(3)) as Tensor;
  return { result: back(result), indexes: back(indexes) };
}

/**
 * Pooling with windows whose elements may stand `dilations` apart: x [N, H, W, C] or [H, W, C]. Padding
 * never counts. Strides or dilations must be 1.
 */
export function pool(
  input: TensorLike,
  windowShape: number | readonly number[],
  poolingType: 'avg' | 'max',
  pad: Pad,
  dilations: number | readonly number[] = 1,
  strides: number | readonly number[] = 1,
  dimRoundingMode?: Rounding,
): Tensor {
  const op = 'pool';
  need(poolingType === 'avg' || poolingType === 'max', op, "poolingType must be 'avg' or 'max'", poolingType);
  const rate = perAxis(dilations ?? 1, 2, 'dilations', op);
  const step = perAxis(strides ?? 1, 2, 'strides', op);
  const run = poolingType === 'avg' ? avgPoolNd : maxPoolNd;
  if (rate.every((r) => r === 1))
    return run(input, { op, n: 2, size: windowShape, strides: step, pad, rounding: dimRoundingMode });
  need(
    step.every((s) => s === 1),
    op,
    'strides or dilations must be 1',
    [step, rate],
  );
  const t = poolingType === 'avg' ? floatArg(input, 'input', op) : arg(input, 'input', op);
  const { input: x, back } = batched(t, { op, n: 2, size: windowShape, strides: step, pad });
  const size = perAxis(windowShape, 2, 'windowShape', op);
  const reach = size.map((k, i) => (k - 1) * rate[i] + 1);
  const space = paddingOf(pad, x.shape.slice(1, -1), reach, step, false, op, dimRoundingMode);
  return back(dilatedPool(x, size, rate, space, poolingType));
}

/** Every rate-th row and column make an image of their own, whose windows are dense. */
function dilatedPool(
  x: Tensor,
  size: readonly number[],
  rate: readonly number[],
  space: readonly (readonly number[])[],
  type: 'avg' | 'max',
): Tensor {
  const full = [0, 1].map((i) => x.shape[i + 1] + space[i][0] + space[i][1]);
  const count = full.map((d, i) => Math.max(0, d - (size[i] - 1) * rate[i]));
  const w = { window: [1, ...size, 1], strides: [1, 1, 1, 1], pad: [0, 1, 2, 3].map(() => [0, 0]) };
  const pooled = (t: Tensor, value: number, name: string): Tensor => {
    const extra = full.map((d, i) => Math.ceil(d / rate[i]) * rate[i] - d);
    const low = [0, ...space.map((s) => s[0]), 0];
    const high = [0, ...space.map((s, i) => s[1] + extra[i]), 0];
    const none = rate.map(() => [0, 0]);
    const y = apply(name, [spaceToBatchND(b.pad(t, low, high, undefined, value) as Tensor, rate, none)], w);
    return batchToSpaceND(
      y,
      rate,
      count.map((d, i) => [0, y.shape[i + 1] * rate[i] - d]),
    );
  };
  if (type === 'max') return pooled(x, isFloat(x.type.dtype) ? -Infinity : -2147483648, 'reduce_window_max');
  const inside = b.splat({ dtype: x.type.dtype, shape: [1, ...x.shape.slice(1, 3), 1] }, 1) as Tensor;
  return b.div(pooled(x, 0, 'reduce_window_sum'), pooled(inside, 0, 'reduce_window_sum')) as Tensor;
}
