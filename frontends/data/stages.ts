// What data sets are made of: async generators, each of which pulls from the one before it. Nothing is
// read before it is asked for, an error arrives where the elements go, and who stops early (`break`,
// `return()`) closes every stage down to the source.

import { ArgumentError, valueText } from '../../ir/errors.ts';
import { stackElements } from './element.ts';
import type { Random } from './random.ts';

/** Starts one pass over a source. */
export type Open<T> = () => AsyncIterator<T>;

/** An iterator, or what has one. */
export type Iterates<T> = Iterator<T> | AsyncIterator<T> | Iterable<T> | AsyncIterable<T>;

/** The iterator of what is one or has one. Throws ArgumentError for anything else, and for text. */
function iteratorOf<T>(x: Iterates<T>, op: string): Iterator<T> | AsyncIterator<T> {
  const o = (typeof x === 'object' ? x : null) as (AsyncIterable<T> & Iterable<T> & Iterator<T>) | null;
  if (typeof o?.next === 'function') return o as Iterator<T>;
  if (typeof o?.[Symbol.asyncIterator] === 'function') return o[Symbol.asyncIterator]();
  if (typeof o?.[Symbol.iterator] === 'function') return o[Symbol.iterator]();
  throw new ArgumentError(`${valueText(x)} has no elements to iterate over`, {
    op,
    fix: 'let the function give an iterator, a generator, a list or a Dataset',
  });
}

/** What `for await` takes. */
export const iterable = <T>(open: Open<T>): AsyncIterable<T> => ({ [Symbol.asyncIterator]: open });

/** The elements of an iterator that a function makes: it is closed where it is not read to its end. */
export async function* started<T>(
  make: () => Iterates<T> | Promise<Iterates<T>>,
  op = 'Dataset.fromGenerator',
): AsyncGenerator<T> {
  const it = iteratorOf(await make(), op);
  // While it runs, and after it failed, there is nothing to close.
  let open = false;
  try {
    for (;;) {
      const r = await it.next();
      if (r.done) return;
      open = true;
      yield r.value;
      open = false;
    }
  } finally {
    if (open) await it.return?.();
  }
}

/** One element after the other through a function, which may be async. */
export async function* mapped<T, O>(open: Open<T>, f: (x: T) => O | Promise<O>): AsyncGenerator<O> {
  for await (const x of iterable(open)) yield f(x);
}

export async function* filtered<T>(open: Open<T>, keep: (x: T) => boolean | Promise<boolean>): AsyncGenerator<T> {
  for await (const x of iterable(open)) if (await keep(x)) yield x;
}

/** Lists of up to `size` elements; the last one may be smaller, or is left out. */
export async function* grouped<T>(open: Open<T>, size: number, smallLast: boolean): AsyncGenerator<T[]> {
  let rows: T[] = [];
  for await (const x of iterable(open)) {
    rows.push(x);
    if (rows.length < size) continue;
    yield rows;
    rows = [];
  }
  if (smallLast && rows.length) yield rows;
}

export async function* batched<T>(open: Open<T>, size: number, smallLast: boolean): AsyncGenerator<unknown> {
  for await (const rows of grouped(open, size, smallLast)) yield stackElements(rows, 'Dataset.batch');
}

/** The first `count` elements; asks for no more than these. */
export async function* taken<T>(open: Open<T>, count: number): AsyncGenerator<T> {
  if (count === 0) return;
  let n = 0;
  for await (const x of iterable(open)) {
    yield x;
    if (++n === count) return;
  }
}

export async function* takenWhile<T>(open: Open<T>, go: (x: T) => boolean | Promise<boolean>): AsyncGenerator<T> {
  for await (const x of iterable(open)) {
    if (!(await go(x))) return;
    yield x;
  }
}

export async function* skipped<T>(open: Open<T>, count: number): AsyncGenerator<T> {
  if (count === Number.POSITIVE_INFINITY) return;
  let n = 0;
  for await (const x of iterable(open)) if (n++ >= count) yield x;
}

/** One source after the other. */
export async function* chained<T>(...sources: Open<T>[]): AsyncGenerator<T> {
  for (const open of sources) yield* iterable(open);
}

/** The source `count` times over. */
export async function* repeated<T>(open: Open<T>, count: number): AsyncGenerator<T> {
  for (let k = 0; k < count; k++) {
    let any = false;
    for await (const x of iterable(open)) {
      any = true;
      yield x;
    }
    // Nothing, again and again, would never end.
    if (!any) return;
  }
}

/** A random one of the next `size` elements, again and again. */
export async function* shuffled<T>(open: Open<T>, size: number, random: Random): AsyncGenerator<T> {
  const pool: T[] = [];
  for await (const x of iterable(open)) {
    pool.push(x);
    if (pool.length < size) continue;
    // The pool is full: one leaves it for each that comes.
    const k = random.below(pool.length);
    const out = pool[k];
    pool[k] = pool[pool.length - 1];
    pool.pop();
    yield out;
  }
  random.shuffle(pool);
  yield* pool;
}

/** The elements of one pass, kept by the first pass that comes to its end. */
export function cached<T>(open: Open<T>): Open<T> {
  let kept: T[] | undefined;
  return async function* () {
    if (kept) {
      yield* kept;
      return;
    }
    const all: T[] = [];
    for await (const x of iterable(open)) {
      all.push(x);
      yield x;
    }
    kept = all;
  };
}

/**
 * Results of `f` in the order of the elements, of which up to `parallel` are under way at a time; up to as
 * many results wait for who asks for them.
 * @param stop called at the end, before what is still under way is waited for
 */
export async function* mappedAhead<T, O>(
  open: Open<T>,
  f: (x: T) => O | Promise<O>,
  parallel: number,
  stop?: () => unknown,
): AsyncGenerator<O> {
  const source = open();
  const ahead: Promise<IteratorResult<O>>[] = [];
  let over = false;
  const pull = async (): Promise<IteratorResult<O>> => {
    const r = over ? undefined : await source.next();
    if (r === undefined || over || r.done) {
      over = true;
      return { done: true, value: undefined };
    }
    return { done: false, value: await f(r.value) };
  };
  const fill = () => {
    while (!over && ahead.length < parallel) {
      const next = pull();
      // Who asks for it sees the error; if nobody does any more, it is nobody's.
      next.catch(() => {});
      ahead.push(next);
    }
  };
  try {
    for (;;) {
      fill();
      const r = await ahead.shift();
      if (r === undefined || r.done) return;
      fill();
      yield r.value;
    }
  } finally {
    over = true;
    await stop?.();
    await Promise.allSettled(ahead);
    await source.return?.();
  }
}

/** One element of each source at a time, until the first of them ends. */
export async function* zipped(sources: readonly Open<unknown>[]): AsyncGenerator<unknown[]> {
  const all = sources.map((open) => open());
  try {
    for (;;) {
      const next = await Promise.all(all.map((s) => s.next()));
      if (next.some((r) => r.done)) return;
      yield next.map((r) => r.value);
    }
  } finally {
    await Promise.all(all.map((s) => s.return?.()));
  }
}

/** The elements of what each element is made into, one source after the other. */
export async function* flattened<T, O>(open: Open<T>, f: (x: T) => Open<O>): AsyncGenerator<O> {
  for await (const x of iterable(open)) yield* iterable(f(x));
}

/** As `flattened`, but takes `block` elements in turn of each of `cycle` sources. */
export async function* interleaved<T, O>(
  open: Open<T>,
  f: (x: T) => Open<O>,
  cycle: number,
  block: number,
): AsyncGenerator<O> {
  const source = open();
  const going: AsyncIterator<O>[] = [];
  let more = true;
  try {
    while (more || going.length) {
      while (more && going.length < cycle) {
        const r = await source.next();
        if (r.done) more = false;
        else going.push(f(r.value)());
      }
      for (const s of going.slice()) {
        for (let k = 0; k < block; k++) {
          const r = await s.next();
          if (r.done) {
            going.splice(going.indexOf(s), 1);
            break;
          }
          yield r.value;
        }
      }
    }
  } finally {
    await Promise.all([source, ...going].map((s) => s.return?.()));
  }
}
