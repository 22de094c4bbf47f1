// Files of tensors: `tf.safetensors`, `tf.npz`, `tf.npy`. What reads and writes each is loaded on use.

import { ArgumentError, valueText } from '../../ir/errors.ts';
import { mustRead, pathOf, writeWhole } from '../files.ts';
import type { AnyTensor } from './elements.ts';
import { bytesOf } from './format.ts';
import { fetchBytes, isHTTPScheme } from './http.ts';
import type { NamedTensorMap } from './types.ts';

/** A file by its path or address, or its bytes. */
export type FileLike = string | Uint8Array | ArrayBuffer;

/** The most bytes of a file that is loaded from an address. */
const largest = 2 ** 32;

/** The bytes of a file, and its name. */
export async function fileBytes(x: FileLike, op: string): Promise<{ bytes: Uint8Array; file: string }> {
  if (typeof x !== 'string') return { bytes: bytesOf(x, 'the file', op), file: 'bytes' };
  const bytes = isHTTPScheme(x) ? await fetchBytes(x, {}, largest) : await mustRead(await pathOf(x, op), op);
  return { bytes, file: x };
}

function checkMap(x: unknown, op: string): void {
  if (typeof x !== 'object' || x === null || Array.isArray(x))
    throw new ArgumentError(`takes tensors by name, not ${valueText(x)}`, { op, fix: 'such as {kernel: tensor}' });
}

/** The functions of a file format. */
interface TensorFormat<T, Extra extends unknown[]> {
  /** Writes a file, which appears whole or not at all. */
  readonly save: (path: string, content: T, ...extra: Extra) => Promise<void>;
  /** Reads a file: by its path or address, or its bytes. */
  readonly load: (file: FileLike) => Promise<T>;
  /** The bytes of a file. */
  readonly encode: (content: T, ...extra: Extra) => Promise<Uint8Array>;
}

/** The functions of a format of these bytes. */
function format<T, Extra extends unknown[]>(
  name: string,
  encode: (content: T, op: string, ...extra: Extra) => Promise<Uint8Array>,
  decode: (bytes: Uint8Array, place: { op: string; file: string }) => Promise<T>,
): TensorFormat<T, Extra> {
  return Object.freeze({
    save: async (path: string, content: T, ...extra: Extra) => {
      const op = `${name}.save`;
      const bytes = await encode(content, op, ...extra);
      await writeWhole(await pathOf(path, op), bytes, op);
    },
    load: async (file: FileLike) => {
      const op = `${name}.load`;
      const found = await fileBytes(file, op);
      return decode(found.bytes, { op, file: found.file });
    },
    encode: (content: T, ...extra: Extra) => encode(content, `${name}.encode`, ...extra),
  });
}

/**
 * safetensors files: tensors by name, and texts that say something of them. bfloat16 becomes float32, integers of 16
 * and 64 bits become int32. All reject with FormatError for damaged files and 64-bit integers beyond int32,
 * ExecutionError where a file cannot be read or written, DTypeError for what are no tensors.
 */
export const safetensors: TensorFormat<NamedTensorMap, [metadata?: Readonly<Record<string, string>>]> = format(
  'safetensors',
  async (tensors: NamedTensorMap, op: string, metadata: Readonly<Record<string, string>> = {}) => {
    checkMap(tensors, op);
    return (await import('./safetensors.ts')).encodeSafetensors(tensors, metadata, op);
  },
  async (bytes, place) => (await import('./safetensors.ts')).decodeSafetensors(bytes, place).tensors,
);

/** NumPy's .npz files: tensors by name. Dtypes and errors as those of `safetensors`. */
export const npz: TensorFormat<NamedTensorMap, []> = format(
  'npz',
  async (tensors: NamedTensorMap, op: string) => {
    checkMap(tensors, op);
    return (await import('./npz.ts')).encodeNpz(tensors, op);
  },
  async (bytes, place) => (await import('./npz.ts')).decodeNpz(bytes, place),
);

/** NumPy's .npy files: one tensor. Dtypes and errors as those of `safetensors`. */
export const npy: TensorFormat<AnyTensor, []> = format(
  'npy',
  async (tensor: AnyTensor, op: string) => {
    const { checkTensor } = await import('./elements.ts');
    return (await import('./npy.ts')).encodeNpy(checkTensor(tensor, 'the content', op));
  },
  async (bytes, place) => (await import('./npy.ts')).decodeNpy(bytes, 'it', place),
);
