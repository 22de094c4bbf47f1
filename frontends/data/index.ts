// The functions and classes of `tf.data`.

export { array, type DatasetContainer, func, generator, zip } from './create.ts';
export { DataIterator, Dataset, type Element, type InterleaveOptions, type MapOptions } from './dataset.ts';
export type { WorkerMapOptions } from './workers.ts';
