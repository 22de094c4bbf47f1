// Windows of a series that is sampled at equal intervals.

import { ShapeError } from '../../../ir/errors.ts';
import { Dataset, type Element, Pipeline } from '../../data/dataset.ts';
import { stackElements } from '../../data/element.ts';
import { Random, seedOr } from '../../data/random.ts';
import { started } from '../../data/stages.ts';
import { type TensorLike, toTensor } from '../../trace/convert.ts';
import { need } from '../../trace/ops/common.ts';
import { gather } from '../../trace/ops/indexing.ts';
import { reverse } from '../../trace/ops/shape.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { checkOptions } from '../engine/names.ts';

/** How `timeseriesDatasetFromArray` cuts windows. */
export interface TimeseriesOptions {
  /** Steps of a window. */
  readonly sequenceLength: number;
  /** Steps between the beginnings of windows, 1 by default. */
  readonly sequenceStride?: number;
  /** Steps of the series between steps of a window, 1 by default. */
  readonly samplingRate?: number;
  /** Windows of a batch, 128 by default; null gives single windows. */
  readonly batchSize?: number | null;
  readonly shuffle?: boolean;
  readonly seed?: number | string;
  /** Where in the series the first window begins, 0 by default. */
  readonly startIndex?: number | null;
  /** Before which step the last window ends, the series' end by default. */
  readonly endIndex?: number | null;
}

const optionNames = [
  'sequenceLength',
  'sequenceStride',
  'samplingRate',
  'batchSize',
  'shuffle',
  'seed',
  'startIndex',
  'endIndex',
];

const whole = (x: unknown, least: number, name: string, op: string): void =>
  need(Number.isInteger(x) && (x as number) >= least, op, `${name} must be a whole number from ${least} on`, x);

/** A series: its first axis is time. Throws ShapeError for a scalar. */
function series(x: TensorLike, name: string, op: string): Tensor {
  const t = toTensor(x, name, op).operand();
  if (t.rank === 0)
    throw new ShapeError(`${name} is a scalar, which has no time axis`, { op, fix: 'give one row a step' });
  return t;
}

/** Rows `indices` of a series, as eager code takes them. */
const rows = (t: Tensor, indices: readonly number[]): Tensor => gather(t, Int32Array.from(indices));

/**
 * Windows of a series as a data set: tensors [batch, sequenceLength, ...], or `{xs, ys}` of windows and targets
 * where there are targets (`targets[i]` belongs to the window that begins at step i).
 * Throws ArgumentError where no window fits.
 */
export function timeseriesDatasetFromArray(
  data: TensorLike,
  targets: TensorLike | null,
  options: TimeseriesOptions,
): Dataset<Element> {
  const op = 'utils.timeseriesDatasetFromArray';
  const x = series(data, 'data', op);
  const y = targets === null || targets === undefined ? undefined : series(targets, 'targets', op);
  checkOptions(options, optionNames, op);
  const {
    sequenceLength,
    sequenceStride = 1,
    samplingRate = 1,
    batchSize = 128,
    shuffle = false,
    seed,
  } = options ?? {};
  const [from, to] = [options?.startIndex ?? 0, options?.endIndex ?? x.shape[0]];
  whole(sequenceLength, 1, 'sequenceLength', op);
  whole(sequenceStride, 1, 'sequenceStride', op);
  whole(samplingRate, 1, 'samplingRate', op);
  if (batchSize !== null) whole(batchSize, 1, 'batchSize', op);
  whole(from, 0, 'startIndex', op);
  need(
    Number.isInteger(to) && to > from && to <= x.shape[0],
    op,
    `endIndex must be a whole number from ${from + 1} to ${x.shape[0]}`,
    to,
  );
  const last = to - from - (sequenceLength - 1) * samplingRate;
  const windows = y ? Math.min(last, y.shape[0] - from) : last;
  need(
    windows >= 1,
    op,
    `the ${to - from} steps must be enough for a window of ${sequenceLength} steps at samplingRate ${samplingRate}`,
    windows,
    'use a shorter sequenceLength, or more data',
  );
  const count = Math.ceil(windows / sequenceStride);
  const window = (k: number): Element => {
    const begin = from + k * sequenceStride;
    const xs = rows(
      x,
      Array.from({ length: sequenceLength }, (_, i) => begin + i * samplingRate),
    );
    return y ? { xs, ys: rows(y, [begin]).reshape(y.shape.slice(1)) } : xs;
  };
  const starts = Dataset.range(count);
  const ordered = shuffle ? starts.shuffle(count, seed) : starts;
  const single = ordered.map(window);
  return batchSize === null ? single : single.batch(batchSize);
}

/** How a `TimeseriesGenerator` cuts windows. */
export interface TimeseriesGeneratorOptions {
  /** Steps of the series between steps of a window, 1 by default. */
  readonly samplingRate?: number;
  /** Steps between windows, 1 by default. */
  readonly stride?: number;
  /** Steps before the first window, 0 by default. */
  readonly startIndex?: number;
  /** The last step that is a target, the series' last by default. */
  readonly endIndex?: number | null;
  /** Whether windows are drawn at random. */
  readonly shuffle?: boolean;
  /** Whether the steps of a window go backwards. */
  readonly reverse?: boolean;
  /** Windows of a batch, 128 by default. */
  readonly batchSize?: number;
  readonly seed?: number | string;
}

const generatorNames = ['samplingRate', 'stride', 'startIndex', 'endIndex', 'shuffle', 'reverse', 'batchSize', 'seed'];

/** Batches of windows of `length` steps, each with the target of the step behind it, as Keras's. */
export class TimeseriesGenerator {
  readonly #data: Tensor;
  readonly #targets: Tensor;
  readonly #options: Required<Omit<TimeseriesGeneratorOptions, 'seed' | 'endIndex'>> & { endIndex: number };
  readonly #steps: number;
  readonly #random: Random;

  /** Throws ArgumentError where no window fits, ShapeError where data and targets differ in length. */
  constructor(data: TensorLike, targets: TensorLike, length: number, options: TimeseriesGeneratorOptions = {}) {
    const op = 'utils.TimeseriesGenerator';
    [this.#data, this.#targets] = [series(data, 'data', op), series(targets, 'targets', op)];
    const n = this.#data.shape[0];
    if (this.#targets.shape[0] !== n)
      throw new ShapeError(`data has ${n} steps, targets ${this.#targets.shape[0]}`, {
        op,
        fix: 'give a target a step',
      });
    checkOptions(options, generatorNames, op);
    const {
      samplingRate = 1,
      stride = 1,
      startIndex = 0,
      shuffle = false,
      reverse = false,
      batchSize = 128,
    } = options ?? {};
    const endIndex = options?.endIndex ?? n - 1;
    for (const [name, x, least] of [
      ['length', length, 1],
      ['samplingRate', samplingRate, 1],
      ['stride', stride, 1],
      ['batchSize', batchSize, 1],
      ['startIndex', startIndex, 0],
    ] as const)
      whole(x, least, name, op);
    const first = startIndex + length;
    need(
      Number.isInteger(endIndex) && endIndex >= first && endIndex < n,
      op,
      `endIndex must be a whole number from startIndex + length = ${first} to ${n - 1}`,
      endIndex,
    );
    this.#steps = length;
    this.#options = { samplingRate, stride, startIndex: first, endIndex, shuffle, reverse, batchSize };
    this.#random = new Random(seedOr(options?.seed));
  }

  /** How many batches there are. */
  get size(): number {
    const { startIndex, endIndex, batchSize, stride } = this.#options;
    return Math.ceil((endIndex - startIndex + 1) / (batchSize * stride));
  }

  /** Batch `index`: windows [batch, steps, ...] and targets [batch, ...]. */
  getItem(index: number): { xs: Tensor; ys: Tensor } {
    const op = 'TimeseriesGenerator.getItem';
    const { startIndex, endIndex, batchSize, stride, samplingRate, shuffle } = this.#options;
    need(
      Number.isInteger(index) && index >= 0 && index < this.size,
      op,
      `index must be a whole number from 0 to ${this.size - 1}`,
      index,
    );
    const at = startIndex + batchSize * stride * index;
    const left = Math.min(batchSize, Math.ceil((endIndex + 1 - at) / stride));
    const ends = shuffle
      ? Array.from({ length: batchSize }, () => startIndex + this.#random.below(endIndex + 1 - startIndex))
      : Array.from({ length: left }, (_, k) => at + k * stride);
    const steps = Math.ceil(this.#steps / samplingRate);
    const windows = ends.map((end) =>
      rows(
        this.#data,
        Array.from({ length: steps }, (_, i) => end - this.#steps + i * samplingRate),
      ),
    );
    const xs = stackElements(windows, op) as Tensor;
    return { xs: this.#options.reverse ? reverse(xs, 1) : xs, ys: rows(this.#targets, ends) };
  }

  *[Symbol.iterator](): Iterator<{ xs: Tensor; ys: Tensor }> {
    for (let i = 0; i < this.size; i++) yield this.getItem(i);
  }

  /** The batches as a data set, for `fitDataset`. */
  toDataset(): Dataset<{ xs: Tensor; ys: Tensor }> {
    return new Pipeline(() => started(() => this), this.size);
  }
}
