// The functions of `tf.utils`.

export { type DirectoryOptions, type ImageDataset, imageDatasetFromDirectory } from '../../data/directory.ts';
export { type GetFileOptions, getFile } from '../../data/files.ts';
export { classWeights, normalize, toCategorical } from './arrays.ts';
export { convertAllKernelsInModel } from './kernels.ts';
export {
  makeSamplingTable,
  type PadOptions,
  padSequences,
  type SkipgramOptions,
  skipgrams,
} from './sequences.ts';
export {
  type HashOptions,
  hashingTrick,
  type MatrixMode,
  oneHot,
  type Text,
  Tokenizer,
  type TokenizerOptions,
  textToWordSequence,
  tokenizerFromJSON,
  type WordOptions,
} from './text.ts';
export {
  TimeseriesGenerator,
  type TimeseriesGeneratorOptions,
  type TimeseriesOptions,
  timeseriesDatasetFromArray,
} from './timeseries.ts';
