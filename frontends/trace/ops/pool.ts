// Pooling over two or three spatial axes; x, pad and dataFormat as in conv.ts.

import { arrayFor } from '../../../ir/literal.ts';
import { tensorType } from '../../../ir/types.ts';
import type { TensorLike } from '../convert.ts';
import { emitter as b } from '../dispatch.ts';
import { eagerTensor, type Tensor } from '../tensor.ts';
import { apply, arg, floatArg } from './common.ts';
import { channelsLast, checkRounding, type Pad, paddingOf, perAxis } from './conv.ts';

interface Pool {
  op: string;
  n: number;
  size: number | readonly number[];
  strides: number | readonly number[];
  pad: Pad;
}

/** Attributes of the window ops for [batch, spatial..., channels]. */
function windows(input: Tensor, p: Pool) {
  const size = perAxis(p.size, p.n, 'filterSize', p.op);
  const strides = perAxis(p.strides, p.n, 'strides', p.op);
  const pad = paddingOf(p.pad, input.shape.slice(1, -1), size, strides, false, p.op);
  return { window: [1, ...size, 1], strides: [1, ...strides, 1], pad: [[0, 0], ...pad, [0, 0]] };
}

function maxPoolNd(x: TensorLike, p: Pool): Tensor {
  const t = arg(x, 'x', p.op);
  const { input, back } = channelsLast(t, p.n, 'last', 'first', 'last', p.op);
  return back(apply('reduce_window_max', [input], windows(input, p)));
}

function avgPoolNd(x: TensorLike, p: Pool): Tensor {
  const t = floatArg(x, 'x', p.op);
  const { input, back } = channelsLast(t, p.n, 'last', 'first', 'last', p.op);
  const w = windows(input, p);
  const s = apply('reduce_window_sum', [input], w);
  if (w.pad.every(([low, high]) => low === 0 && high === 0))
    return back(b.mul(s, 1 / w.window.reduce((n, k) => n * k, 1)) as Tensor);
  // Padding does not count: windows at the edge hold fewer elements.
  const shape = s.shape.map((d, i) => (i === 0 || i === s.rank - 1 ? 1 : d));
  const inside = (axis: number, o: number) => {
    const from = o * w.strides[axis] - w.pad[axis][0];
    return Math.min(input.shape[axis], from + w.window[axis]) - Math.max(0, from);
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
  dimRoundingMode?: string,
): Tensor {
  checkRounding(dimRoundingMode, 'maxPool');
  return maxPoolNd(x, { op: 'maxPool', n: 2, size: filterSize, strides, pad });
}
/** Mean of each window; padding does not count. x [N, H, W, C] or [H, W, C], floats. */
export function avgPool(
  x: TensorLike,
  filterSize: number | readonly number[],
  strides: number | readonly number[],
  pad: Pad,
  dimRoundingMode?: string,
): Tensor {
  checkRounding(dimRoundingMode, 'avgPool');
  return avgPoolNd(x, { op: 'avgPool', n: 2, size: filterSize, strides, pad });
}
/** `maxPool` over three axes: x [N, D, H, W, C]. */
export function maxPool3d(
  x: TensorLike,
  filterSize: number | readonly number[],
  strides: number | readonly number[],
  pad: Pad,
  dimRoundingMode?: string,
): Tensor {
  checkRounding(dimRoundingMode, 'maxPool3d');
  return maxPoolNd(x, { op: 'maxPool3d', n: 3, size: filterSize, strides, pad });
}
/** `avgPool` over three axes: x [N, D, H, W, C]. */
export function avgPool3d(
  x: TensorLike,
  filterSize: number | readonly number[],
  strides: number | readonly number[],
  pad: Pad,
  dimRoundingMode?: string,
): Tensor {
  checkRounding(dimRoundingMode, 'avgPool3d');
  return avgPoolNd(x, { op: 'avgPool3d', n: 3, size: filterSize, strides, pad });
}
