// The file of checkpoints: named tensors and plain data, described by the file itself and checked when read.
//
//   8 bytes   "sinterck"
//   uint32    version, 1 (all numbers are little-endian)
//   uint32    bytes of the header
//   uint32    CRC-32C of the header
//   header    JSON: {data, tensors: [{group, name, dtype, shape, offset, bytes, crc}]}, padded with spaces
//   tensors   row-major elements, each at its offset from the first; float16 as float32, bool as bytes

import { ArgumentError, DTypeError, FormatError } from '../../../ir/errors.ts';
import { arrayFor } from '../../../ir/literal.ts';
import { tensorType } from '../../../ir/types.ts';
import { type DataType, irDType } from '../../trace/dtypes.ts';
import { eagerTensor, type Tensor } from '../../trace/tensor.ts';
import { crc32c } from '../checksum.ts';

/** A tensor of a checkpoint; the group says whose it is: 'weights', 'optimizer', … */
export interface NamedTensor {
  readonly group: string;
  readonly name: string;
  readonly tensor: Tensor;
}

/** What a checkpoint holds. */
export interface Checkpoint {
  readonly data: Record<string, unknown>;
  readonly tensors: readonly NamedTensor[];
}

interface Entry {
  readonly group: string;
  readonly name: string;
  readonly dtype: DataType;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly bytes: number;
  readonly crc: number;
}

const magic = new TextEncoder().encode('sinterck');
const version = 1;
const start = magic.length + 12;
const aligned = (n: number): number => Math.ceil(n / 8) * 8;

/** JSON has no NaN and no infinities: they are written as `{"#number": "NaN"}`. */
const key = '#number';
const replace = (_: string, x: unknown): unknown =>
  typeof x === 'number' && !Number.isFinite(x) ? { [key]: String(x) } : x;
const revive = (_: string, x: unknown): unknown =>
  typeof x === 'object' && x !== null && key in x ? Number(x[key]) : x;

/** The bytes of a checkpoint. */
export async function encodeCheckpoint({ data, tensors }: Checkpoint): Promise<Uint8Array> {
  let offset = 0;
  const elements = await Promise.all(tensors.map(({ tensor }) => tensor.data()));
  const parts = elements.map((x) => new Uint8Array(x.buffer, x.byteOffset, x.byteLength));
  const entries = tensors.map(({ group, name, tensor }, i): Entry => {
    const bytes = parts[i].length;
    const entry = { group, name, dtype: tensor.dtype, shape: tensor.shape, offset, bytes, crc: crc32c(parts[i]) };
    offset += aligned(bytes);
    return entry;
  });
  const text = new TextEncoder().encode(JSON.stringify({ data, tensors: entries }, replace));
  const header = new Uint8Array(aligned(start + text.length) - start).fill(0x20);
  header.set(text);
  const file = new Uint8Array(start + header.length + offset);
  const view = new DataView(file.buffer);
  file.set(magic);
  view.setUint32(8, version, true);
  view.setUint32(12, header.length, true);
  view.setUint32(16, crc32c(header), true);
  file.set(header, start);
  entries.forEach((e, i) => void file.set(parts[i], start + header.length + e.offset));
  return file;
}

/** Throws FormatError: the file is not what it should be. */
function broken(file: string, why: string): never {
  throw new FormatError(`'${file}' is no checkpoint that can be read: ${why}`, {
    op: 'checkpoint',
    fix: 'the file was cut off or changed: use another one, or remove it and begin anew',
  });
}

/**
 * The checkpoint that `encodeCheckpoint` wrote. Throws FormatError where anything of the file is not as it was
 * written. @param file its name, for errors
 */
export function decodeCheckpoint(bytes: Uint8Array, file: string): Checkpoint {
  if (bytes.length < start || magic.some((c, i) => bytes[i] !== c)) broken(file, 'it does not begin as one');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(8, true) !== version) broken(file, `its version is ${view.getUint32(8, true)}, not ${version}`);
  const length = view.getUint32(12, true);
  if (start + length > bytes.length) broken(file, `its header of ${length} bytes is cut off`);
  const header = bytes.subarray(start, start + length);
  if (crc32c(header) !== view.getUint32(16, true)) broken(file, 'the checksum of its header is wrong');
  const { data, tensors } = parse(header, file);
  const body = bytes.subarray(start + length);
  let end = 0;
  const read = tensors.map((e) => {
    if (e.offset !== end) broken(file, `the tensor '${e.name}' is not where it should be`);
    end = aligned(e.offset + e.bytes);
    return { group: e.group, name: e.name, tensor: readTensor(e, body, file) };
  });
  if (end !== body.length) broken(file, `it has ${body.length - end} bytes more than its tensors`);
  return { data, tensors: read };
}

const isObject = (x: unknown): x is Record<string, unknown> => typeof x === 'object' && x !== null && !Array.isArray(x);
const isWhole = (x: unknown): x is number => Number.isSafeInteger(x) && (x as number) >= 0;

function parse(header: Uint8Array, file: string): { data: Record<string, unknown>; tensors: readonly Entry[] } {
  let read: unknown;
  try {
    read = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(header), revive);
  } catch (e) {
    return broken(file, `its header is no JSON: ${(e as Error).message}`);
  }
  if (!isObject(read) || !isObject(read.data) || !Array.isArray(read.tensors))
    return broken(file, 'its header is none');
  for (const e of read.tensors as unknown[])
    if (
      !isObject(e) ||
      ![e.group, e.name, e.dtype].every((x) => typeof x === 'string') ||
      ![e.offset, e.bytes, e.crc].every(isWhole) ||
      !Array.isArray(e.shape) ||
      !e.shape.every(isWhole)
    )
      return broken(file, 'its header describes a tensor wrongly');
  return read as never;
}

function readTensor(e: Entry, body: Uint8Array, file: string): Tensor {
  const part = body.subarray(e.offset, e.offset + e.bytes);
  const size = e.shape.reduce((n, d) => n * d, 1);
  try {
    const dtype = irDType(e.dtype, 'checkpoint');
    if (part.length !== e.bytes) return broken(file, `the tensor '${e.name}' is cut off`);
    if (crc32c(part) !== e.crc) return broken(file, `the checksum of the tensor '${e.name}' is wrong`);
    // A size that cannot be is refused before memory is taken for it.
    if (size > e.bytes) return broken(file, `the tensor '${e.name}' is smaller than its shape [${e.shape}]`);
    const elements = arrayFor(dtype, size, 'checkpoint');
    if (elements.byteLength !== e.bytes)
      return broken(file, `the tensor '${e.name}' has ${e.bytes} bytes, its shape [${e.shape}] ${elements.byteLength}`);
    new Uint8Array(elements.buffer).set(part);
    return eagerTensor(tensorType(dtype, e.shape), elements);
  } catch (error) {
    if (error instanceof DTypeError) return broken(file, `the tensor '${e.name}' has the dtype '${e.dtype}'`);
    throw error;
  }
}

/** The tensors of a group. */
export const groupOf = (c: Checkpoint, group: string): NamedTensor[] => c.tensors.filter((t) => t.group === group);

/** Throws ArgumentError: a checkpoint is of another model. */
export function wrongModel(file: string, why: string): never {
  throw new ArgumentError(`'${file}' is of another model: ${why}`, {
    op: 'checkpoint',
    fix: 'make the model and its optimizer as they were, or remove the file to begin anew',
  });
}
