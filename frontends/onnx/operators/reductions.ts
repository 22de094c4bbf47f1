// Sums, extremes and their kin over axes; softmax; running sums.

import { isFloat } from '../../../ir/types.ts';
import { b, fixed, product, range } from '../../formats/functions.ts';
import { logSumExp } from '../../trace/ops/reduce.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { type Call, define, floats, narrow, type Operator, wide } from '../call.ts';

type Fold = (x: Tensor, axes: readonly number[]) => Tensor;

/** A reduction: axes are operand 1 from that version on, an attribute before. Without axes it is over all of them. */
const reduction = (op: string, fold: Fold): Operator =>
  define(
    op,
    1,
    (c) => {
      const x = c.x(0);
      const given = c.ints('axes', 1);
      const none = !given?.length;
      if (none && c.flag('noop_with_empty_axes')) return noop(op, x, fold);
      const axes = (none ? range(x.rank) : c.axes(given, x.rank)).sort((p, q) => p - q);
      const kept = x.shape.map((d, i) => (axes.includes(i) ? 1 : d));
      const shape = c.flag('keepdims', true) ? kept : x.shape.filter((_, i) => !axes.includes(i));
      const dtype = x.type.dtype === 'bool' ? 'bool' : x.type.dtype;
      const number = dtype === 'bool' ? b.convert(x, 'i32') : wide(x);
      return b.reshape(narrow(fold(number, axes), dtype), shape);
    },
    { fixed: [1] },
  );
/** No axis is reduced: what is done to single elements remains. */
const noop = (op: string, x: Tensor, fold: Fold): Tensor =>
  op === 'ReduceSum' || op === 'ReduceMax' || op === 'ReduceMin' || op === 'ReduceMean' || op === 'ReduceProd'
    ? x
    : b.reshape(fold(b.reshape(x, [...x.shape, 1]), [x.rank]), x.shape);

const count = (x: Tensor, axes: readonly number[]) => product(axes.map((a) => x.shape[a]));
const prod: Fold = (x, axes) => (axes.length ? b.call('reduce_prod', [x], { axes }) : x);
const squares: Fold = (x, axes) => b.sum(b.mul(x, x), axes);
/** At the dtype of floats; integers are rounded towards zero. */
const analytic =
  (f: Fold): Fold =>
  (x, axes) =>
    b.convert(f(floats(x), axes), x.type.dtype);

/** Along one axis; before version 13 the rest of the axes, from that one on, count as one. */
const softmax = (op: string, name: 'softmax' | 'log_softmax' | 'hard'): Operator =>
  define(op, 1, (c) => {
    const x = c.x(0);
    const flat = c.version < 13;
    const axis = c.axis(c.number('axis', flat ? 1 : -1), x.rank);
    const rows = flat ? b.reshape(x, [product(x.shape.slice(0, axis)), product(x.shape.slice(axis))]) : x;
    const along = flat ? 1 : axis;
    return b.reshape(name === 'hard' ? hardmax(rows, along) : b.call(name, [rows], { axis: along }), x.shape);
  });
/** 1 at the first largest element. */
function hardmax(x: Tensor, axis: number): Tensor {
  const at = b.call('arg_max', [x], { axis });
  const rest = range(x.rank).filter((i) => i !== axis);
  return b.convert(b.compare('eq', b.broadcast(at, x.shape, rest), b.iota(x.shape, axis)), x.type.dtype);
}

/** The index of the extreme of an axis: the first, or the last with `select_last_index`. */
const argExtreme = (op: string, name: 'arg_max' | 'arg_min'): Operator =>
  define(op, 1, (c) => {
    const x = c.x(0);
    const axis = c.axis(c.number('axis', 0), x.rank);
    const last = c.flag('select_last_index');
    const rows = wide(last ? b.reverse(x, [axis]) : x);
    const found = b.call(name, [rows], { axis });
    const at = last ? b.sub(fixed([x.shape[axis] - 1], [], 'i32'), found) : found;
    return c.flag('keepdims', true)
      ? b.reshape(
          at,
          x.shape.map((d, i) => (i === axis ? 1 : d)),
        )
      : at;
  });

const cumulative = (op: string, name: string, since: number): Operator =>
  define(
    op,
    since,
    (c) => {
      const x = c.x(0);
      const axis = c.axis(c.knownScalar(1, 'the axis'), x.rank);
      return b.call(name, [x], { axis, exclusive: c.flag('exclusive'), reverse: c.flag('reverse') });
    },
    { fixed: [1] },
  );

/** x over its norm along an axis; where that is 0, 0. */
function lpNormalization(c: Call): Tensor {
  const x = c.x(0);
  const axis = c.axis(c.number('axis', -1), x.rank);
  const p = c.number('p', 2);
  if (p !== 1 && p !== 2) throw c.refuse(`p is ${p}, not 1 or 2`);
  const norm = p === 1 ? b.sum(b.un('abs', x), [axis], true) : b.un('sqrt', b.sum(b.mul(x, x), [axis], true));
  const zero = b.compare('eq', norm, 0);
  return b.select(zero, b.zerosLike(x), b.div(x, b.select(zero, b.onesLike(norm), norm)));
}

/** Less the mean, over the deviation. */
function meanVariance(c: Call): Tensor {
  const x = c.x(0);
  const axes = c.axes(c.ints('axes') ?? [0, 2, 3], x.rank);
  const centred = b.sub(x, b.mean(x, axes, true));
  const deviation = b.un('sqrt', b.mean(b.mul(centred, centred), axes, true));
  return b.div(centred, b.add(deviation, 1e-9));
}

export const reductions: readonly Operator[] = [
  reduction('ReduceSum', (x, axes) => b.sum(x, axes)),
  reduction('ReduceMax', (x, axes) => b.reduceMax(x, axes)),
  reduction('ReduceMin', (x, axes) => b.reduceMin(x, axes)),
  reduction('ReduceProd', prod),
  reduction('ReduceMean', (x, axes) =>
    isFloat(x.type.dtype) ? b.mean(x, axes) : b.div(b.sum(x, axes), count(x, axes)),
  ),
  reduction('ReduceL1', (x, axes) => b.sum(b.un('abs', x), axes)),
  reduction(
    'ReduceL2',
    analytic((x, axes) => b.un('sqrt', squares(x, axes))),
  ),
  reduction('ReduceSumSquare', squares),
  reduction(
    'ReduceLogSum',
    analytic((x, axes) => b.un('log', b.sum(x, axes))),
  ),
  reduction(
    'ReduceLogSumExp',
    analytic((x, axes) => logSumExp(x, axes)),
  ),
  softmax('Softmax', 'softmax'),
  softmax('LogSoftmax', 'log_softmax'),
  softmax('Hardmax', 'hard'),
  argExtreme('ArgMax', 'arg_max'),
  argExtreme('ArgMin', 'arg_min'),
  cumulative('CumSum', 'cumulative_sum', 11),
  cumulative('CumProd', 'cumulative_prod', 26),
  define('LpNormalization', 1, lpNormalization),
  define('MeanVarianceNormalization', 9, meanVariance),
];
