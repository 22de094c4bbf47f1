// The formats that hold a whole model in one file: by extension, and by the first bytes.

import { damaged, type Place } from '../../io/format.ts';
import type { LayersModel } from '../engine/model.ts';
import type { LoadModelOptions, SaveOptions } from './layers-artifacts.ts';

/** A file format of whole models. */
export interface ModelFormat {
  readonly extensions: readonly string[];
  /** The bytes that its files begin with. */
  readonly magic: readonly number[];
  readonly encode: (model: LayersModel, options: SaveOptions) => Promise<Uint8Array>;
  readonly decode: (bytes: Uint8Array, options: LoadModelOptions, place: Place) => Promise<LayersModel>;
}

const codes = (text: string): number[] => Array.from(text, (c) => c.charCodeAt(0));

/** Modules are loaded when a file of theirs comes. */
export const modelFormats: Readonly<Record<string, ModelFormat>> = {
  keras: {
    extensions: ['.keras'],
    magic: codes('PK'),
    encode: async (model, options) => (await import('./keras-zip.ts')).encodeKeras(model, options),
    decode: async (bytes, options, place) => (await import('./keras-zip.ts')).decodeKeras(bytes, options, place),
  },
  h5: {
    extensions: ['.h5', '.hdf5'],
    magic: [0x89, ...codes('HDF\r\n')],
    encode: async (model, options) => (await import('./keras-h5.ts')).encodeH5(model, options),
    decode: async (bytes, options, place) => (await import('./keras-h5.ts')).decodeH5(bytes, options, place),
  },
  native: {
    extensions: ['.sinterck'],
    magic: codes('sinterck'),
    encode: async (model, options) => (await import('./native.ts')).encodeNative(model, options),
    decode: async (bytes, options, place) => (await import('./native.ts')).decodeNative(bytes, options, place),
  },
};

/** The format that a file's name stands for. */
export function formatOfName(name: string): ModelFormat | undefined {
  const lower = name.toLowerCase();
  return Object.values(modelFormats).find((f) => f.extensions.some((e) => lower.endsWith(e)));
}

/** The model that bytes hold. Rejects with FormatError where they are of no known format, or damaged. */
export function decodeModel(bytes: Uint8Array, options: LoadModelOptions, place: Place): Promise<LayersModel> {
  const format = Object.values(modelFormats).find((f) => f.magic.every((b, i) => bytes[i] === b));
  if (format) return format.decode(bytes, options, place);
  const known = Object.values(modelFormats).flatMap((f) => f.extensions);
  return damaged(
    place,
    'it does not begin as any known file of a model',
    `known are ${known.join(', ')} and model.json`,
  );
}
