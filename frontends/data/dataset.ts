// `tf.data.Dataset`: a description of where elements come from and what becomes of them. Nothing happens
// until somebody iterates, and then only as much as is asked for.

import { ArgumentError } from '../../ir/errors.ts';
import { checkOptions } from '../keras/engine/names.ts';
import { functionArg, need } from '../trace/ops/common.ts';
import { slicesOf } from './element.ts';
import { Random, seedOr } from './random.ts';
import * as stages from './stages.ts';
import { mapInWorkers, type WorkerMapOptions } from './workers.ts';

/** Numbers, booleans, texts, tensors and typed arrays, and lists or objects of these. */
// biome-ignore lint/suspicious/noExplicitAny: an element is whatever its source gives
export type Element = any;

/** One pass over a data set. */
export class DataIterator<T> implements AsyncIterableIterator<T> {
  readonly #source: AsyncIterator<T>;

  /** Made by `Dataset.iterator`. */
  constructor(source: AsyncIterator<T>) {
    this.#source = source;
  }
  /** The next element, or `done`; rejects with the error of whatever failed on the way. */
  next(): Promise<IteratorResult<T>> {
    return this.#source.next();
  }
  /** Ends the pass and closes its source. */
  async return(): Promise<IteratorResult<T>> {
    await this.#source.return?.();
    return { done: true, value: undefined };
  }
  [Symbol.asyncIterator](): this {
    return this;
  }
  /** All elements from here on. */
  async toArray(): Promise<T[]> {
    const out: T[] = [];
    for await (const x of this) out.push(x);
    return out;
  }
  /** Calls `f` with each element from here on, and waits for it before the next. */
  async forEachAsync(f: (x: T) => unknown): Promise<void> {
    for await (const x of this) await f(x);
  }
}

/** How `Dataset.map` calls its function. */
export interface MapOptions {
  /** How many calls of an async function may be under way at a time, 1 by default. Results keep their order. */
  readonly numParallelCalls?: number;
}

/** How `Dataset.interleave` takes turns. */
export interface InterleaveOptions {
  /** From how many data sets it takes in turn, 4 by default. */
  readonly cycleLength?: number;
  /** How many elements of one before the next one's turn, 1 by default. */
  readonly blockLength?: number;
}

const whole = (x: unknown, least: number, name: string, op: string): void =>
  need(Number.isInteger(x) && (x as number) >= least, op, `${name} must be a whole number from ${least} on`, x);

/** A whole number, or nothing at all. */
function wholeOrNone(x: unknown, name: string, op: string): void {
  need(x === undefined || x === null || Number.isInteger(x), op, `${name} must be a whole number`, x);
}

/** Elements, in whatever can be iterated over. */
type Many<T> = Iterable<T> | AsyncIterable<T> | Promise<Iterable<T> | AsyncIterable<T>>;

type Size = number | null;
const added = (a: Size, b: Size): Size =>
  a === Number.POSITIVE_INFINITY || b === Number.POSITIVE_INFINITY
    ? Number.POSITIVE_INFINITY
    : a === null || b === null
      ? null
      : a + b;

/**
 * A lazy sequence of elements that can be iterated any number of times. Made by `tf.data.array`,
 * `tf.data.generator`, `tf.data.csv`, `Dataset.fromTensorSlices` and others; a class of one's own needs
 * only `iterator`. Methods give new data sets and read nothing.
 */
export abstract class Dataset<T = Element> implements AsyncIterable<T> {
  /** How many elements there are: Infinity without end, null where it is not known. */
  readonly size: Size = null;

  /** Starts a pass. */
  abstract iterator(): Promise<AsyncIterator<T>>;

  /** Starts a pass with `for await (const x of dataset)`; leaving the loop closes the source. */
  [Symbol.asyncIterator](): AsyncIterator<T> {
    return stages.started(() => this.iterator());
  }

  #stage<O>(make: (open: stages.Open<T>) => AsyncIterator<O>, size: Size): Dataset<O> {
    return new Pipeline(() => make(() => this[Symbol.asyncIterator]()), size);
  }

  /**
   * Elements of one structure in groups: each value becomes a tensor with a new first axis (numbers
   * float32, booleans bool, tensors and typed arrays their own dtype, missing values NaN; texts become
   * lists). Lists of numbers are taken for one value. The iteration rejects with ShapeError, DTypeError or
   * ArgumentError that names the place where elements do not fit together.
   * @param smallLastBatch whether a last batch of fewer elements is given, or left out
   */
  batch(batchSize: number, smallLastBatch = true): Dataset<Element> {
    whole(batchSize, 1, 'batchSize', 'Dataset.batch');
    const round = smallLastBatch ? Math.ceil : Math.floor;
    const size = this.size === null ? null : round(this.size / batchSize);
    return this.#stage((open) => stages.batched(open, batchSize, smallLastBatch), size);
  }

  /** Undoes `batch`: the rows of each element's tensors. Rejects with ShapeError where first axes differ. */
  unbatch(): Dataset<Element> {
    return this.flatMap((x) => fromSlices(x, 'Dataset.unbatch'));
  }

  /** The elements of this one, then those of the other. */
  concatenate(dataset: Dataset<T>): Dataset<T> {
    datasetArg(dataset, 'dataset', 'Dataset.concatenate');
    const next: stages.Open<T> = () => dataset[Symbol.asyncIterator]();
    return this.#stage((open) => stages.chained(open, next), added(this.size, dataset.size));
  }

  /** The elements for which the function gives true, or a promise of true. */
  filter(predicate: (x: T) => boolean | Promise<boolean>): Dataset<T> {
    functionArg(predicate, 'predicate', 'Dataset.filter');
    const size = this.size === Number.POSITIVE_INFINITY ? this.size : null;
    return this.#stage((open) => stages.filtered(open, predicate), size);
  }

  /** The elements before the first for which the function does not give true. */
  takeWhile(predicate: (x: T) => boolean | Promise<boolean>): Dataset<T> {
    functionArg(predicate, 'predicate', 'Dataset.takeWhile');
    return this.#stage((open) => stages.takenWhile(open, predicate), null);
  }

  /** Calls `f` with each element, and waits for it before the next. Rejects with whatever fails. */
  async forEachAsync(f: (x: T) => unknown): Promise<void> {
    functionArg(f, 'f', 'Dataset.forEachAsync');
    for await (const x of this) await f(x);
  }

  /** What the function makes of each element; it may be async. */
  map<O = Element>(transform: (x: T) => O | Promise<O>, options: MapOptions = {}): Dataset<O> {
    const op = 'Dataset.map';
    functionArg(transform, 'transform', op);
    checkOptions(options, ['numParallelCalls'], op);
    const { numParallelCalls = 1 } = options ?? {};
    whole(numParallelCalls, 1, 'numParallelCalls', op);
    return this.#stage(
      (open) =>
        numParallelCalls === 1 ? stages.mapped(open, transform) : stages.mappedAhead(open, transform, numParallelCalls),
      this.size,
    );
  }

  /** What the async function makes of each element. */
  mapAsync<O = Element>(transform: (x: T) => Promise<O>, options: MapOptions = {}): Dataset<O> {
    return this.map(transform, options);
  }

  /**
   * `map` in worker threads of Node, results in order. Tensors arrive there as `{dtype, shape, data}` (data
   * a typed array), and objects of that form become tensors again; workers have nothing else of this package.
   * The iteration rejects with ExecutionError for what fails in a worker, DeviceError outside of Node.
   * @param source a module's address (its default export is the function), or a function that uses nothing
   *   from around it
   */
  mapParallel<O = Element>(
    source: string | URL | ((x: Element) => O | Promise<O>),
    options: WorkerMapOptions = {},
  ): Dataset<O> {
    const run = mapInWorkers<T, O>(source, options);
    return this.#stage((open) => run(open), this.size);
  }

  /** The elements of the data sets (or lists, or other iterables) that the function makes of each element. */
  flatMap<O = Element>(transform: (x: T) => Many<O>): Dataset<O> {
    functionArg(transform, 'transform', 'Dataset.flatMap');
    return this.#stage(
      (open) => stages.flattened(open, (x) => () => stages.started(() => transform(x), 'Dataset.flatMap')),
      null,
    );
  }

  /** As `flatMap`, but taking in turn of several of these data sets. */
  interleave<O = Element>(transform: (x: T) => Many<O>, options: InterleaveOptions = {}): Dataset<O> {
    const op = 'Dataset.interleave';
    functionArg(transform, 'transform', op);
    checkOptions(options, ['cycleLength', 'blockLength'], op);
    const { cycleLength = 4, blockLength = 1 } = options ?? {};
    whole(cycleLength, 1, 'cycleLength', op);
    whole(blockLength, 1, 'blockLength', op);
    return this.#stage(
      (open) => stages.interleaved(open, (x) => () => stages.started(() => transform(x), op), cycleLength, blockLength),
      null,
    );
  }

  /** Each element with its number: `[i, element]`. */
  enumerate(): Dataset<[number, T]> {
    return this.#stage((open) => {
      let i = 0;
      return stages.mapped(open, (x): [number, T] => [i++, x]);
    }, this.size);
  }

  /** Reads up to `bufferSize` elements ahead of who asks for them, so that both work at a time. */
  prefetch(bufferSize: number): Dataset<T> {
    whole(bufferSize, 1, 'bufferSize', 'Dataset.prefetch');
    return this.#stage((open) => stages.mappedAhead(open, (x) => x, bufferSize), this.size);
  }

  /** The elements `count` times over; without end where it is missing or negative. */
  repeat(count?: number): Dataset<T> {
    wholeOrNone(count, 'count', 'Dataset.repeat');
    const times = count === undefined || count === null || count < 0 ? Number.POSITIVE_INFINITY : count;
    const size = times === 0 || this.size === 0 ? 0 : this.size === null ? null : this.size * times;
    return this.#stage((open) => stages.repeated(open, times), size);
  }

  /** All but the first `count` elements; none where it is missing or negative. */
  skip(count: number): Dataset<T> {
    wholeOrNone(count, 'count', 'Dataset.skip');
    const all = count === undefined || count === null || count < 0;
    const size = all ? 0 : this.size === null ? null : Math.max(0, this.size - count);
    return this.#stage((open) => stages.skipped(open, all ? Number.POSITIVE_INFINITY : count), size);
  }

  /** The first `count` elements; all where it is missing or negative. */
  take(count: number): Dataset<T> {
    wholeOrNone(count, 'count', 'Dataset.take');
    const most = count === undefined || count === null || count < 0 ? Number.POSITIVE_INFINITY : count;
    const size = this.size === null ? (most === 0 ? 0 : null) : Math.min(this.size, most);
    return this.#stage((open) => stages.taken(open, most), size);
  }

  /**
   * The elements in a random order: each one is drawn from the next `bufferSize` ones, so that only as many
   * are in memory. A buffer of the data set's size shuffles perfectly.
   * @param seed the same seed gives the same orders; without one, `tf.setRandomSeed` determines them
   * @param reshuffleEachIteration another order in each pass, or the same one
   */
  shuffle(bufferSize: number, seed?: number | string, reshuffleEachIteration = true): Dataset<T> {
    need(
      Number.isInteger(bufferSize) && bufferSize >= 1,
      'Dataset.shuffle',
      'bufferSize must be a whole number from 1 on',
      bufferSize,
      `give the number of elements to draw from${this.size ? `; all ${this.size} shuffle perfectly` : ''}`,
    );
    let [given, pass] = [seed, 0];
    return this.#stage((open) => {
      given = seedOr(given);
      return stages.shuffled(open, bufferSize, new Random(given, reshuffleEachIteration ? pass++ : 0));
    }, this.size);
  }

  /** Every `numShards`-th element from `index` on: parts of a data set for several machines. */
  shard(numShards: number, index: number): Dataset<T> {
    whole(numShards, 1, 'numShards', 'Dataset.shard');
    need(
      Number.isInteger(index) && index >= 0 && index < numShards,
      'Dataset.shard',
      `index must be a whole number from 0 to ${numShards - 1}`,
      index,
    );
    const size = this.size === null ? null : Math.max(0, Math.ceil((this.size - index) / numShards));
    return this.#stage((open) => {
      let i = 0;
      return stages.filtered(open, () => i++ % numShards === index);
    }, size);
  }

  /** Keeps the elements in memory once a pass has come to its end; later passes do not ask the source again. */
  cache(): Dataset<T> {
    return new Pipeline(
      stages.cached(() => this[Symbol.asyncIterator]()),
      this.size,
    );
  }

  /** All elements. Rejects with ArgumentError where there is no end to them. */
  async toArray(): Promise<T[]> {
    if (this.size === Number.POSITIVE_INFINITY)
      throw new ArgumentError('a data set without end cannot become an array', {
        op: 'Dataset.toArray',
        fix: 'take(n) some of it',
      });
    return new DataIterator(this[Symbol.asyncIterator]()).toArray();
  }

  /** A data set of the rows of tensors (or nested arrays): elements have the structure of what is given. */
  static fromTensorSlices(tensors: Element): Dataset<Element> {
    return fromSlices(tensors, 'Dataset.fromTensorSlices');
  }
  /** A data set of one element. */
  static fromTensors(tensors: Element): Dataset<Element> {
    return new Pipeline(() => stages.started(() => [tensors]), 1);
  }
  /** A data set of what a function's iterator gives: it is called for each pass, and may be a generator. */
  static fromGenerator<T>(make: () => stages.Iterates<T> | Promise<stages.Iterates<T>>): Dataset<T> {
    functionArg(make, 'generator', 'Dataset.fromGenerator');
    return new Pipeline(() => stages.started(make), null);
  }
  /** The numbers from `start` on (0 by default) before `stop`, `step` apart. */
  static range(start: number, stop?: number, step = 1): Dataset<number> {
    const [from, to] = stop === undefined ? [0, start] : [start, stop];
    const op = 'Dataset.range';
    for (const [k, x] of Object.entries({ start: from, stop: to, step }))
      need(typeof x === 'number' && Number.isFinite(x), op, `${k} must be a finite number`, x);
    need(step !== 0, op, 'step must be a number other than 0', step);
    const n = Math.max(0, Math.ceil((to - from) / step));
    const numbers = function* () {
      for (let i = 0; i < n; i++) yield from + i * step;
    };
    return new Pipeline(() => stages.started(numbers), n);
  }
}

/** A data set of stages. */
export class Pipeline<T> extends Dataset<T> {
  readonly #open: stages.Open<T>;
  override readonly size: Size;

  constructor(open: stages.Open<T>, size: Size) {
    super();
    this.#open = open;
    this.size = size;
  }
  override iterator(): Promise<DataIterator<T>> {
    return Promise.resolve(new DataIterator(this.#open()));
  }
  override [Symbol.asyncIterator](): AsyncIterator<T> {
    return this.#open();
  }
}

/** A data set of the rows of tensors. Throws ShapeError where their first axes differ. */
function fromSlices(x: unknown, op: string): Dataset<Element> {
  const { size, at } = slicesOf(x, op);
  const rows = function* () {
    for (let i = 0; i < size; i++) yield at(i);
  };
  return new Pipeline(() => stages.started(rows), size);
}

/** Throws ArgumentError unless the argument is a data set. */
export function datasetArg(x: unknown, name: string, op: string): asserts x is Dataset {
  need(x instanceof Dataset, op, `${name} must be a Dataset`, x, 'make one with tf.data.array or tf.data.generator');
}
