// Where the channels of images are.

import { imageDataFormat } from '../image-data-format.ts';
import { oneOf } from './options.ts';

/** 'channelsLast': [batch, height, width, channels]; 'channelsFirst': [batch, channels, height, width]. */
export type DataFormat = 'channelsFirst' | 'channelsLast';
const formats: readonly DataFormat[] = ['channelsFirst', 'channelsLast'];

/** The format given (also as Keras spells it), or the default one. Throws ArgumentError for anything else. */
export function dataFormatOption(x: unknown, op: string): DataFormat {
  if (x === undefined || x === null) return imageDataFormat();
  const spelled = x === 'channels_first' ? 'channelsFirst' : x === 'channels_last' ? 'channelsLast' : x;
  return oneOf(spelled, formats, 'dataFormat', op);
}

/** 'NHWC' and the like, as the functions of tensors name it. */
export const tensorFormat = (format: DataFormat, n: number): string => {
  const axes = ['W', 'HW', 'DHW'][n - 1];
  return format === 'channelsLast' ? `N${axes}C` : `NC${axes}`;
};
