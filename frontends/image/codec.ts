// PNG and JPEG files as tensors, and tensors as such files.

import { ArgumentError } from '../../ir/errors.ts';
import { checkOptions } from '../keras/engine/names.ts';
import type { TensorLike } from '../trace/convert.ts';
import { arg, need } from '../trace/ops/common.ts';
import type { Tensor } from '../trace/tensor.ts';
import { isJpeg, readJpeg } from './jpeg-decode.ts';
import { writeJpeg } from './jpeg-encode.ts';
import { isPng, readPng } from './png-decode.ts';
import { writePng } from './png-encode.ts';
import {
  bytesArg,
  type DecodeOptions,
  damaged,
  decodeOptions,
  type Raster,
  rasterOf,
  rasterTensor,
  withChannels,
} from './raster.ts';

/** How PNG files become tensors. */
export interface DecodePngOptions extends DecodeOptions {
  /** 8 (the default) for values from 0 to 255, 16 for values from 0 to 65535, whatever the file has. */
  readonly bitDepth?: 8 | 16;
}

/** Samples of 8 bits as those of 16, or of 16 bits without their lower half. */
function withDepth(r: Raster, bits: number): Raster {
  const has = r.data instanceof Uint16Array ? 16 : 8;
  if (has === bits) return r;
  return {
    ...r,
    data: bits === 16 ? Uint16Array.from(r.data, (x) => x * 257) : Uint8Array.from(r.data, (x) => x >> 8),
  };
}

/**
 * The pixels of a PNG (every colour type and depth, interlaced or not) as [height, width, channels].
 * Throws ArgumentError for bytes that are no whole PNG, and for more pixels than `maxPixels`.
 */
export function decodePng(bytes: Uint8Array, options: DecodePngOptions = {}): Tensor {
  const op = 'image.decodePng';
  const data = bytesArg(bytes, op);
  const { channels, dtype, maxPixels } = decodeOptions(options, op, ['bitDepth']);
  const { bitDepth = 8 } = options ?? {};
  need(
    bitDepth === 8 || (bitDepth === 16 && dtype === 'int32'),
    op,
    "bitDepth must be 8, or 16 with dtype 'int32'",
    bitDepth,
  );
  const r = withDepth(readPng(data, maxPixels, op), bitDepth);
  return rasterTensor(withChannels(r, channels, bitDepth === 8 ? 255 : 65535), dtype);
}

/**
 * The pixels of a JPEG (baseline and progressive; grey, colours, four inks) as [height, width, channels].
 * Throws ArgumentError for bytes that are no whole JPEG, for kinds that are rarely used (arithmetic, lossless, 12
 * bits), and for more pixels than `maxPixels`.
 */
export function decodeJpeg(bytes: Uint8Array, options: DecodeOptions = {}): Tensor {
  const op = 'image.decodeJpeg';
  const data = bytesArg(bytes, op);
  const { channels, dtype, maxPixels } = decodeOptions(options, op);
  const grey = channels === 1 || channels === 2;
  return rasterTensor(withChannels(readJpeg(data, maxPixels, grey, op), channels, 255), dtype);
}

/** The pixels of a PNG or JPEG, whichever it is: see `decodePng` and `decodeJpeg`. */
export function decodeImage(bytes: Uint8Array, options: DecodeOptions = {}): Tensor {
  const op = 'image.decodeImage';
  const data = bytesArg(bytes, op);
  if (isPng(data)) return decodePng(data, options);
  if (isJpeg(data)) return decodeJpeg(data, options);
  decodeOptions(options, op);
  throw damaged('the bytes are neither PNG nor JPEG', op, 'convert other kinds of images first');
}

/** How PNG files are written. */
export interface EncodePngOptions {
  /** 8 (the default) for values from 0 to 255, 16 for values from 0 to 65535. */
  readonly bitDepth?: 8 | 16;
  /** From 0 (fast) to 9 (small), 6 by default. */
  readonly compression?: number;
}

/**
 * The PNG file of an image [height, width, 1 to 4 channels] of whole numbers.
 * Throws ArgumentError for another shape or other numbers.
 */
export function encodePng(image: TensorLike, options: EncodePngOptions = {}): Uint8Array {
  const op = 'image.encodePng';
  const t = arg(image, 'image', op);
  checkOptions(options, ['bitDepth', 'compression'], op);
  const { bitDepth = 8, compression = 6 } = options ?? {};
  need(bitDepth === 8 || bitDepth === 16, op, 'bitDepth must be 8 or 16', bitDepth);
  need(
    Number.isInteger(compression) && compression >= 0 && compression <= 9,
    op,
    'compression must be a whole number from 0 to 9',
    compression,
  );
  return writePng(rasterOf(t, [1, 2, 3, 4], bitDepth === 8 ? 255 : 65535, op), compression);
}

/** How JPEG files are written. */
export interface EncodeJpegOptions {
  /** From 1 (small) to 100 (good), 95 by default. */
  readonly quality?: number;
  /** Whether colours have half the resolution both ways, true by default. */
  readonly chromaDownsampling?: boolean;
}

/**
 * The JPEG file of an image [height, width, 1 or 3] of whole numbers from 0 to 255.
 * Throws ArgumentError for another shape or other numbers.
 */
export function encodeJpeg(image: TensorLike, options: EncodeJpegOptions = {}): Uint8Array {
  const op = 'image.encodeJpeg';
  const t = arg(image, 'image', op);
  checkOptions(options, ['quality', 'chromaDownsampling'], op);
  const { quality = 95, chromaDownsampling = true } = options ?? {};
  need(
    Number.isFinite(quality) && quality >= 1 && quality <= 100,
    op,
    'quality must be a number from 1 to 100',
    quality,
  );
  const r = rasterOf(t, [1, 3], 255, op);
  need(r.width < 65536 && r.height < 65536, op, 'sides must be less than 65536 pixels', [r.height, r.width]);
  return writeJpeg(r, Math.round(quality), chromaDownsampling === true);
}

/**
 * The bytes of a text in base64, standard or safe for addresses, with or without padding; a `data:` address is taken
 * as well. Throws ArgumentError for other text.
 */
export function decodeBase64(text: string): Uint8Array {
  const op = 'image.decodeBase64';
  need(typeof text === 'string', op, 'the argument must be text', text);
  const body = text
    .replace(/^data:[^,]*;base64,/, '')
    .replace(/\s/g, '')
    .replace(/-/g, '+')
    .replace(/_/g, '/');
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(body) || body.replace(/=/g, '').length % 4 === 1)
    throw new ArgumentError('the text is no base64', {
      op,
      fix: 'it may hold letters, digits, + / (or - _) and = at its end',
    });
  return Uint8Array.from(atob(body.replace(/=/g, '')), (c) => c.charCodeAt(0));
}
