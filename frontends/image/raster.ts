// Pixels of a file, and as the tensor that was asked for.

import { ArgumentError, valueText } from '../../ir/errors.ts';
import { tensorType } from '../../ir/types.ts';
import { checkOptions } from '../keras/engine/names.ts';
import { need } from '../trace/ops/common.ts';
import { eagerTensor, type Tensor } from '../trace/tensor.ts';

/** Samples of an image, row by row, channels side by side: grey, grey and alpha, RGB, or RGB and alpha. */
export interface Raster {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly data: Uint8Array | Uint16Array;
}

/** How files become tensors. */
export interface DecodeOptions {
  /** 0 (as in the file, the default), 1 (grey), 2 (grey, alpha), 3 (RGB) or 4 (RGB, alpha). */
  readonly channels?: 0 | 1 | 2 | 3 | 4;
  /** dtype of the pixels, 'int32' by default; 'uint8' takes a quarter of the memory. */
  readonly dtype?: 'int32' | 'uint8';
  /** A file of more pixels is refused before memory is taken for it; 2^26 by default. */
  readonly maxPixels?: number;
}

const optionNames = ['channels', 'dtype', 'maxPixels'];

/** The options of a decoder, checked. */
export function decodeOptions(
  options: DecodeOptions,
  op: string,
  more: readonly string[] = [],
): Required<DecodeOptions> {
  checkOptions(options, [...optionNames, ...more], op);
  const { channels = 0, dtype = 'int32', maxPixels = 2 ** 26 } = options ?? {};
  need([0, 1, 2, 3, 4].includes(channels), op, 'channels must be 0, 1, 2, 3 or 4', channels);
  need(dtype === 'int32' || dtype === 'uint8', op, "dtype must be 'int32' or 'uint8'", dtype);
  need(Number.isInteger(maxPixels) && maxPixels >= 1, op, 'maxPixels must be a whole number from 1 on', maxPixels);
  return { channels, dtype, maxPixels };
}

/** The error for a file that cannot be read. */
export const damaged = (why: string, op: string, fix = 'the file is damaged or cut off: get it anew'): ArgumentError =>
  new ArgumentError(why, { op, fix });

/** Throws ArgumentError for an image without pixels or of too many. */
export function checkSize(width: number, height: number, maxPixels: number, op: string): void {
  if (width === 0 || height === 0) throw damaged(`the image has ${width}x${height} pixels`, op);
  if (width * height > maxPixels)
    throw damaged(
      `the image has ${width}x${height} pixels, more than maxPixels (${maxPixels})`,
      op,
      'give a larger maxPixels if you trust the file',
    );
}

/** The bytes of a file. Throws ArgumentError for anything else. */
export function bytesArg(x: unknown, op: string): Uint8Array {
  if (x instanceof Uint8Array) return x;
  if (x instanceof ArrayBuffer) return new Uint8Array(x);
  if (x instanceof Uint8ClampedArray || x instanceof DataView)
    return new Uint8Array(x.buffer, x.byteOffset, x.byteLength);
  throw new ArgumentError(`takes the bytes of a file as Uint8Array, not ${valueText(x)}`, {
    op,
    fix: "such as fs.readFileSync('image.png')",
  });
}

/** Brightness as ITU-R BT.601 weighs the colours. */
const grey = (r: number, g: number, b: number): number => Math.round(0.299 * r + 0.587 * g + 0.114 * b);

/** The image with other channels: colours become grey, missing alpha is opaque. */
export function withChannels(r: Raster, channels: number, opaque: number): Raster {
  if (channels === 0 || channels === r.channels) return r;
  const { width, height, data } = r;
  const n = width * height;
  const from = r.channels;
  const out = new (data.constructor as Uint8ArrayConstructor)(n * channels);
  const colour = from >= 3;
  const alpha = from % 2 === 0 ? from - 1 : -1;
  for (let i = 0; i < n; i++) {
    const a = i * from;
    const o = i * channels;
    if (channels >= 3) for (let c = 0; c < 3; c++) out[o + c] = data[colour ? a + c : a];
    else out[o] = colour ? grey(data[a], data[a + 1], data[a + 2]) : data[a];
    if (channels % 2 === 0) out[o + channels - 1] = alpha < 0 ? opaque : data[a + alpha];
  }
  return { width, height, channels, data: out };
}

/** The tensor [height, width, channels] of an image. */
export function rasterTensor(r: Raster, dtype: 'int32' | 'uint8'): Tensor {
  const shape = [r.height, r.width, r.channels];
  if (dtype === 'int32') return eagerTensor(tensorType('i32', shape), Int32Array.from(r.data));
  return eagerTensor(tensorType('u8', shape), r.data as Uint8Array);
}

/**
 * The samples of an image tensor [height, width, channels] of whole numbers from 0 to `most`.
 * Throws ArgumentError for another shape or other numbers.
 */
export function rasterOf(image: Tensor, channels: readonly number[], most: number, op: string): Raster {
  const [height, width, c] = image.shape;
  if (image.rank !== 3 || !channels.includes(c) || height === 0 || width === 0)
    throw new ArgumentError(
      `the image must have the shape [height, width, ${channels.join(' or ')}], got [${image.shape}]`,
      {
        op,
        fix: 'give one image with its channels last',
      },
    );
  const values = image.elements();
  const data = most > 255 ? new Uint16Array(values.length) : new Uint8Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const x = values[i];
    if (!(Number.isInteger(x) && x >= 0 && x <= most))
      throw new ArgumentError(`element ${i} of the image is ${x}, not a whole number from 0 to ${most}`, {
        op,
        fix: 'scale, clip and round it: x.mul(255).clipByValue(0, 255).round()',
      });
    data[i] = x;
  }
  return { width, height, channels: c, data };
}
