// Running reductions along an axis (0 by default, negative ones count from the end). `exclusive` leaves
// the element itself out, `reverse` runs from the end. Shape and dtype stay; bool counts as int32. Throw
// ShapeError for an axis that does not exist.

import type { TensorLike } from '../convert.ts';
import { emitter as b } from '../dispatch.ts';
import type { Tensor } from '../tensor.ts';
import { apply, arg, axisOf, floatArg, to } from './common.ts';

type Running = (x: TensorLike, axis?: number, exclusive?: boolean, reverse?: boolean) => Tensor;

const running =
  (name: string, op: string): Running =>
  (x, axis = 0, exclusive = false, reverse = false) => {
    const given = arg(x, 'x', name);
    const t = given.type.dtype === 'bool' ? to(given, 'i32') : given;
    return apply(op, [t], { axis: axisOf(axis, t.rank, name), exclusive, reverse });
  };

/** Running sums. */
export const cumsum: Running = running('cumsum', 'cumulative_sum');
/** Running products. */
export const cumprod: Running = running('cumprod', 'cumulative_prod');
/** The largest elements so far, NaN from the first NaN on. Exclusive: -Infinity (the least int32) at first. */
export const cumMax: Running = running('cumMax', 'cumulative_max');
/** The smallest elements so far, NaN from the first NaN on. Exclusive: Infinity (the greatest int32) at first. */
export const cumMin: Running = running('cumMin', 'cumulative_min');

/** log(sum(exp(x))) of the elements so far, without overflow; exclusive: -Infinity at first. Floats. */
export const logCumSumExp: Running = (x, axis = 0, exclusive = false, reverse = false) => {
  const t = floatArg(x, 'x', 'logCumSumExp');
  const at = axisOf(axis, t.rank, 'logCumSumExp');
  const y = apply('cumulative_logsumexp', [t], { axis: at, reverse });
  if (!exclusive || t.shape[at] === 0) return y;
  const zeros = t.shape.map(() => 0);
  const [one, minus] = [zeros.with(at, 1), zeros.with(at, -1)];
  return (reverse ? b.pad(y, minus, one, undefined, -Infinity) : b.pad(y, one, minus, undefined, -Infinity)) as Tensor;
};
