// Counts of right and wrong predictions, at all thresholds at once.

import { ArgumentError, valueText } from '../../../ir/errors.ts';
import type { Val } from '../../../ir/graph.ts';
import type { TensorLike } from '../../trace/convert.ts';
import { tensor1d } from '../../trace/creation.ts';
import { emitter as b } from '../../trace/dispatch.ts';
import { arg, to } from '../../trace/ops/common.ts';
import { cumsum } from '../../trace/ops/running.ts';
import { unsortedSegmentSum } from '../../trace/ops/segments.ts';
import { lowerBound, topk } from '../../trace/ops/sorting.ts';
import type { Tensor } from '../../trace/tensor.ts';
import type { Variable } from '../../trace/variable.ts';
import { alignWeights, matched } from '../losses/shapes.ts';
import { accumulate } from './metric.ts';

/** What is counted. */
export type CountName = 'truePositives' | 'falsePositives' | 'trueNegatives' | 'falseNegatives';
/** The Variables of what a metric counts: [thresholds], or [thresholds, labels]. */
export type Counts = Partial<Record<CountName, Variable>>;

/** How predictions are read before they are compared. */
export interface CountOptions {
  readonly thresholds: readonly number[];
  /** Only the k largest predictions along the last axis can be positive. */
  readonly topK?: number | null;
  /** Only that class of the last axis counts. */
  readonly classId?: number | null;
  /** Keeps the last axis: each label is counted by itself. */
  readonly multiLabel?: boolean;
  readonly labelWeights?: readonly number[] | null;
}

/** Below every threshold. */
export const never = -1e10;

/** Thresholds in [0, 1] as a list. Throws ArgumentError for anything else. */
export function checkThresholds(x: number | readonly number[], op: string, name = 'thresholds'): number[] {
  const list = typeof x === 'number' ? [x] : x;
  if (Array.isArray(list) && list.length > 0 && list.every((t) => typeof t === 'number' && t >= 0 && t <= 1))
    return [...list];
  throw new ArgumentError(`${name} must be from 0 to 1, got ${valueText(x)}`, { op, fix: 'a usual value is 0.5' });
}

/** A whole number from `least` on, or null; throws ArgumentError for anything else. */
export function checkIndex(x: number | null | undefined, name: string, least: number, op: string): number | null {
  if (x === null || x === undefined) return null;
  if (Number.isInteger(x) && x >= least) return x;
  throw new ArgumentError(`${name} must be a whole number from ${least} on, not ${valueText(x)}`, {
    op,
    fix: `leave it out, or pass ${least} or more`,
  });
}

/** The k largest predictions along the last axis; the others are below every threshold. */
function onlyTopK(p: Tensor, k: number, op: string): Tensor {
  const classes = p.shape[p.rank - 1];
  if (k > classes)
    throw new ArgumentError(`topK is ${k}, there are ${classes} classes`, { op, fix: `pass at most ${classes}` });
  const { indices } = topk(p, k);
  const shape = [...indices.shape, classes];
  const column = b.broadcast(
    indices,
    shape,
    indices.shape.map((_, i) => i),
  );
  const hits = b.convert(b.compare('eq', column, b.iota(shape, shape.length - 1)), 'i32');
  const kept = b.compare('gt', b.reduceMax(hits, [shape.length - 2]), 0);
  return b.select(kept, p, never) as Tensor;
}

/** One class of the last axis. */
function onlyClass(x: Tensor, id: number, op: string): Tensor {
  const last = x.rank - 1;
  if (id >= x.shape[last])
    throw new ArgumentError(`classId is ${id}, there are ${x.shape[last]} classes`, {
      op,
      fix: `pass at most ${x.shape[last] - 1}`,
    });
  const begin = x.shape.map((_, i) => (i === last ? id : 0));
  const size = x.shape.map((d, i) => (i === last ? 1 : d));
  return b.slice(x, begin, size) as Tensor;
}

/**
 * Adds a batch to the counts. A prediction is positive above a threshold, a label where it is not 0.
 * Throws ShapeError for shapes that do not fit, ArgumentError for a class or a k that is not there.
 */
export function count(
  counts: Counts,
  yTrue: TensorLike,
  yPred: TensorLike,
  sampleWeight: TensorLike | null | undefined,
  options: CountOptions,
  op: string,
): void {
  let [y, p] = matched(yTrue, yPred, op);
  if (options.topK) p = onlyTopK(p, options.topK, op);
  if (options.classId !== null && options.classId !== undefined)
    [y, p] = [onlyClass(y, options.classId, op), onlyClass(p, options.classId, op)];
  let w: Val = b.onesLike(y);
  if (sampleWeight !== null && sampleWeight !== undefined)
    w = b.broadcastTo(alignWeights(y, to(arg(sampleWeight, 'sampleWeight', op), y.type.dtype), op)[1], y.shape);
  if (options.labelWeights) w = b.mul(w, b.convert(tensor1d([...options.labelWeights]), y.type.dtype));
  const labels = options.multiLabel ? [y.shape[y.rank - 1]] : [];
  const flat = (x: Val) => b.reshape(x, [y.size / Math.max(labels[0] ?? 1, 1), ...labels]) as Tensor;
  const right = b.compare('ne', y, 0);
  const weights = [b.select(right, w, 0), b.select(right, 0, w)].map(flat);
  const { thresholds } = options;
  const rising = thresholds.every((t, k) => k === 0 || t >= thresholds[k - 1]);
  const sums = thresholds.length > few && rising ? sumsByBucket : sumsByComparison;
  const [ofOn, ofOff] = weights.map((x) => sums(thresholds, flat(p), x));
  const cases: Record<CountName, () => Val> = {
    truePositives: () => ofOn.above(),
    falsePositives: () => ofOff.above(),
    trueNegatives: () => ofOff.below(),
    falseNegatives: () => ofOn.below(),
  };
  for (const [name, v] of Object.entries(counts) as [CountName, Variable][]) accumulate(v, cases[name]());
}

/** Up to so many thresholds, a comparison with each is quicker than a search and a scatter. */
const few = 8;

/** Sums of weights whose predictions are above each threshold, and of those that are not. */
type Sums = { above(): Val; below(): Val };

/** Compares a [thresholds, values] matrix, which fusion never writes to memory. */
function sumsByComparison(thresholds: readonly number[], p: Tensor, w: Tensor): Sums {
  const all = [thresholds.length, ...p.shape];
  const levels = b.broadcast(b.convert(tensor1d([...thresholds]), p.type.dtype), all, [0]);
  const on = b.compare('gt', b.broadcastTo(p, all), levels);
  const sum = (hit: Val) => b.sum(b.select(hit, b.broadcastTo(w, all), 0), [1]);
  return { above: () => sum(on), below: () => sum(b.un('not', on)) };
}

/** Adds each weight where its prediction lies between the thresholds, and then runs over these places. */
function sumsByBucket(thresholds: readonly number[], p: Tensor, w: Tensor): Sums {
  const size = thresholds.length;
  // NaN is above nothing.
  const known = b.select(b.compare('eq', p, p), p, Number.NEGATIVE_INFINITY);
  const levels = b.convert(tensor1d([...thresholds]), p.type.dtype) as Tensor;
  const place = lowerBound(levels, b.reshape(known, [p.size]) as Tensor);
  const labels = p.shape.slice(1);
  const columns = labels[0] ?? 1;
  const id = b.add(b.mul(place, columns), b.reshape(b.iota(p.shape, p.rank - 1), [p.size]));
  const at = labels.length ? (id as Tensor) : place;
  const sums = unsortedSegmentSum(b.reshape(w, [p.size]) as Tensor, at, (size + 1) * columns);
  const places = b.reshape(sums, [size + 1, ...labels]) as Tensor;
  const first = (x: Tensor) =>
    b.slice(
      x,
      x.shape.map(() => 0),
      [size, ...labels],
    );
  return { above: () => first(cumsum(places, 0, true, true)), below: () => first(cumsum(places, 0)) };
}
