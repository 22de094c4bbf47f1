// The functions and classes of `tf.data`.

export { array, type DatasetContainer, func, generator, zip } from './create.ts';
export { type ColumnConfig, type CSVConfig, CSVDataset, csv, TextLineDataset } from './csv.ts';
export { DataIterator, Dataset, type Element, type InterleaveOptions, type MapOptions } from './dataset.ts';
export { type DirectoryOptions, type ImageDataset, imageDatasetFromDirectory } from './directory.ts';
export { DataSource, FileDataSource, type FileOptions, type SourceLike, URLDataSource } from './sources.ts';
export type { WorkerMapOptions } from './workers.ts';
