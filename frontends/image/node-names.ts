// `tf.node`: the image functions of @tensorflow/tfjs-node under their names, with their lists of arguments.

import type { TensorLike } from '../trace/convert.ts';
import { need } from '../trace/ops/common.ts';
import type { Tensor } from '../trace/tensor.ts';
import * as codec from './codec.ts';
import type { DecodeOptions } from './raster.ts';

type Channels = NonNullable<DecodeOptions['channels']>;

/** `tf.image.decodePng`. */
export const decodePng = (contents: Uint8Array, channels = 0, dtype: 'int32' | 'uint8' = 'int32'): Tensor =>
  codec.decodePng(contents, { channels: channels as Channels, dtype });

/** `tf.image.decodeJpeg`; `ratio` (a smaller image at once) must be 1. */
export function decodeJpeg(contents: Uint8Array, channels = 0, ratio = 1): Tensor {
  need(ratio === 1, 'node.decodeJpeg', 'ratio must be 1', ratio, 'resize the image: tf.image.resize');
  return codec.decodeJpeg(contents, { channels: channels as Channels });
}

/** `tf.image.decodeImage`. */
export const decodeImage = (content: Uint8Array, channels = 0, dtype: 'int32' | 'uint8' = 'int32'): Tensor =>
  codec.decodeImage(content, { channels: channels as Channels, dtype });

/** `tf.image.encodePng`, as a promise. */
export const encodePng = async (image: TensorLike, compression = 1): Promise<Uint8Array> =>
  codec.encodePng(image, { compression });

/** `tf.image.encodeJpeg`, as a promise. `format` follows from the image; it is never progressive. */
export async function encodeJpeg(
  image: TensorLike,
  format: '' | 'grayscale' | 'rgb' = '',
  quality = 95,
  progressive = false,
  _optimizeSize = false,
  chromaDownsampling = true,
): Promise<Uint8Array> {
  const op = 'node.encodeJpeg';
  need(['', 'grayscale', 'rgb'].includes(format), op, "format must be '', 'grayscale' or 'rgb'", format);
  need(!progressive, op, 'progressive must be false', progressive);
  return codec.encodeJpeg(image, { quality, chromaDownsampling });
}
