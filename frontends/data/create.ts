// `tf.data`: where data sets come from.

import { ArgumentError, valueText } from '../../ir/errors.ts';
import { functionArg } from '../trace/ops/common.ts';
import { Dataset, type Element, Pipeline } from './dataset.ts';
import { isFields } from './element.ts';
import * as stages from './stages.ts';

/** A data set of the items of a list. Throws ArgumentError for anything else. */
export function array<T = Element>(items: ArrayLike<T>): Dataset<T> {
  if (!Array.isArray(items) && !ArrayBuffer.isView(items))
    throw new ArgumentError(`takes a list, not ${valueText(items)}`, {
      op: 'data.array',
      fix: 'use tf.data.Dataset.fromTensorSlices for the rows of tensors',
    });
  return new Pipeline(() => stages.started(() => Array.prototype.values.call(items)), items.length);
}

/**
 * A data set of what an iterator gives. The function is called for each pass; it gives an iterator, sync or
 * async, or is a generator. Who leaves early calls the iterator's `return`.
 */
export const generator = <T = Element>(make: () => stages.Iterates<T> | Promise<stages.Iterates<T>>): Dataset<T> =>
  Dataset.fromGenerator(make);

/** A data set of what a function gives, as `{value, done}`, until it is done; it is called anew for each element. */
export function func<T = Element>(f: () => IteratorResult<T> | Promise<IteratorResult<T>>): Dataset<T> {
  functionArg(f, 'f', 'data.func');
  return new Pipeline(() => stages.started(() => ({ next: async () => f() }) as AsyncIterator<T>), null);
}

/** Data sets in lists and objects as deep as one likes. */
export type DatasetContainer = Dataset | readonly DatasetContainer[] | { readonly [key: string]: DatasetContainer };

/** The data sets of a structure in order, and the structure with elements in their places. */
function parts(x: unknown, path: string, found: Dataset[]): (elements: readonly unknown[]) => unknown {
  if (x instanceof Dataset) {
    const i = found.push(x) - 1;
    return (elements) => elements[i];
  }
  if (Array.isArray(x)) {
    const inner = x.map((y, i) => parts(y, `${path}[${i}]`, found));
    return (elements) => inner.map((p) => p(elements));
  }
  if (isFields(x)) {
    const inner = Object.keys(x).map((k) => [k, parts(x[k], path ? `${path}.${k}` : k, found)] as const);
    return (elements) => Object.fromEntries(inner.map(([k, p]) => [k, p(elements)]));
  }
  throw new ArgumentError(`${path ? `'${path}'` : 'the argument'} is ${valueText(x)}, not a Dataset`, {
    op: 'data.zip',
    fix: 'give a list or an object of data sets, as deep as you like',
  });
}

/**
 * Several data sets side by side: `zip([a, b])` gives `[x, y]`, `zip({xs: a, ys: b})` gives `{xs, ys}`. It is as
 * long as the shortest of them. Throws ArgumentError for what is no data set.
 */
export function zip<O = Element>(datasets: DatasetContainer): Dataset<O> {
  const found: Dataset[] = [];
  const build = parts(datasets, '', found);
  if (datasets instanceof Dataset || found.length === 0)
    throw new ArgumentError(`takes a list or an object of data sets, not ${valueText(datasets)}`, {
      op: 'data.zip',
      fix: 'such as tf.data.zip({xs, ys})',
    });
  const sizes = found.map((d) => d.size);
  const size = sizes.includes(null) ? null : Math.min(...(sizes as number[]));
  const sources = found.map((d) => () => d[Symbol.asyncIterator]());
  return new Pipeline(() => stages.mapped(() => stages.zipped(sources), build), size) as Dataset<O>;
}
