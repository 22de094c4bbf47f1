// Where layers look for the channels of images unless told otherwise.

import { ArgumentError, valueText } from '../../ir/errors.ts';

let format: 'channelsFirst' | 'channelsLast' = 'channelsLast';

/** The default format of images. */
export const imageDataFormat = (): 'channelsFirst' | 'channelsLast' => format;

/** Chooses the default format of images for layers made from here on. Throws ArgumentError for any other. */
export function setImageDataFormat(dataFormat: 'channelsFirst' | 'channelsLast'): void {
  if (dataFormat !== 'channelsFirst' && dataFormat !== 'channelsLast')
    throw new ArgumentError(`there is no data format ${valueText(dataFormat)}`, {
      op: 'K.setImageDataFormat',
      fix: "use 'channelsLast' or 'channelsFirst'",
    });
  format = dataFormat;
}
