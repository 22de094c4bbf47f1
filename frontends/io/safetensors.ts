// The safetensors format: eight bytes with the length of a header, the header in JSON, then all elements. Source:
// the format's description by Hugging Face.

import { ArgumentError, FormatError, valueText } from '../../ir/errors.ts';
import { concatBytes } from '../bytes.ts';
import {
  type AnyTensor,
  bytesOfStored,
  checkTensor,
  readTensor,
  type Stored,
  storedFor,
  writeTensor,
} from './elements.ts';
import {
  checkedShape,
  damaged,
  decodeText,
  isObject,
  isWhole,
  type Place,
  parseJsonObject,
  sizeOfShape,
} from './format.ts';

/** The format's dtypes. */
const names: Readonly<Record<string, Stored>> = {
  BOOL: 'bool',
  U8: 'u8',
  I8: 'i8',
  U16: 'u16',
  I16: 'i16',
  U32: 'u32',
  I32: 'i32',
  U64: 'u64',
  I64: 'i64',
  F16: 'f16',
  BF16: 'bf16',
  F32: 'f32',
  F64: 'f64',
  C64: 'c64',
};
const nameOf = new Map(Object.entries(names).map(([k, v]) => [v, k]));

/** The longest header that the format allows. */
const longestHeader = 100_000_000;

/** Tensors of a file, by name, and what it says of itself. */
export interface Safetensors {
  readonly tensors: Record<string, AnyTensor>;
  readonly metadata: Record<string, string>;
}

/** A tensor of the header. */
interface Entry {
  readonly name: string;
  readonly stored: Stored;
  readonly shape: number[];
  readonly begin: number;
  readonly end: number;
}

function entryOf(name: string, x: unknown, place: Place): Entry {
  const what = `the tensor '${name}'`;
  if (!isObject(x)) return damaged(place, `${what} is described by ${valueText(x)}`);
  const stored = typeof x.dtype === 'string' && Object.hasOwn(names, x.dtype) ? names[x.dtype] : undefined;
  if (!stored)
    return damaged(
      place,
      `${what} has the dtype ${valueText(x.dtype)}`,
      `supported are ${Object.keys(names).join(', ')}`,
    );
  const shape = checkedShape(x.shape, what, place);
  const offsets = x.data_offsets;
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isWhole))
    return damaged(place, `${what} lies at ${valueText(offsets)}`);
  const [begin, end] = offsets as number[];
  const bytes = sizeOfShape(shape, what, place) * bytesOfStored(stored);
  if (end - begin !== bytes)
    damaged(place, `${what} of shape [${shape}] takes ${bytes} bytes, and lies at ${begin} to ${end}`);
  return { name, stored, shape, begin, end };
}

/** Entries that fill the file without gaps, as the format demands. */
function checkOffsets(entries: readonly Entry[], length: number, place: Place): void {
  let at = 0;
  for (const e of [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (e.begin !== at) damaged(place, `the tensor '${e.name}' begins at ${e.begin}, the one before ends at ${at}`);
    at = e.end;
  }
  if (at !== length) damaged(place, `its tensors take ${at} bytes, there are ${length}`);
}

/** The header of a file, and its elements. */
function headerOf(bytes: Uint8Array, place: Place): { header: Record<string, unknown>; body: Uint8Array } {
  if (bytes.length < 8) damaged(place, `it has ${bytes.length} bytes`);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (length > BigInt(Math.min(longestHeader, bytes.length - 8)))
    damaged(place, `its header has ${length} bytes, there are ${bytes.length - 8}`);
  const end = 8 + Number(length);
  const text = decodeText(bytes.subarray(8, end), place);
  if (text[0] !== '{') damaged(place, 'its header does not begin with {');
  return { header: parseJsonObject(text, place), body: bytes.subarray(end) };
}

/**
 * The tensors of a safetensors file. float16 and 8-bit integers keep their dtype; bfloat16 becomes float32, integers of
 * 16 and 64 bits become int32. Throws FormatError for a damaged file, other dtypes, and 64-bit integers beyond int32.
 */
export function decodeSafetensors(bytes: Uint8Array, place: Place): Safetensors {
  const { header, body } = headerOf(bytes, place);
  const { __metadata__: given = {}, ...rest } = header;
  if (!isObject(given) || !Object.values(given).every((x) => typeof x === 'string'))
    damaged(place, 'its __metadata__ is no object of texts');
  const entries = Object.entries(rest).map(([name, x]) => entryOf(name, x, place));
  checkOffsets(entries, body.length, place);
  const tensors = entries.map((e) => [
    e.name,
    readTensor(e.stored, body.subarray(e.begin, e.end), e.shape, `the tensor '${e.name}'`, place),
  ]);
  return { tensors: Object.fromEntries(tensors), metadata: given as Record<string, string> };
}

/**
 * The bytes of a safetensors file. Rejects with ArgumentError for names that it cannot have, TraceError for traced
 * tensors, FormatError for complex numbers of float64.
 */
export async function encodeSafetensors(
  tensors: Readonly<Record<string, AnyTensor>>,
  metadata: Readonly<Record<string, string>>,
  op: string,
): Promise<Uint8Array> {
  // Larger elements first, so that all are aligned, as the format's own writer does it.
  const list = Object.entries(tensors)
    .map(([name, t]) => ({ name, tensor: checkTensor(t, `'${name}'`, op), stored: storedFor(t) }))
    .sort((a, b) => bytesOfStored(b.stored) - bytesOfStored(a.stored) || (a.name < b.name ? -1 : 1));
  if (list.some((t) => t.name === '__metadata__'))
    throw new ArgumentError("no tensor can have the name '__metadata__'", { op, fix: 'give it another one' });
  const parts = await Promise.all(list.map((t) => writeTensor(t.tensor)));
  let at = 0;
  const entries = list.map(({ name, tensor, stored }, i) => {
    const dtype = nameOf.get(stored);
    if (!dtype)
      throw new FormatError(`'${name}' is ${tensor.dtype}, which safetensors does not have`, {
        op,
        fix: 'save its parts',
      });
    const begin = at;
    at += parts[i].length;
    return [name, { dtype, shape: tensor.shape, data_offsets: [begin, at] }];
  });
  const about = Object.keys(metadata).length ? { __metadata__: metadata } : {};
  const text = new TextEncoder().encode(JSON.stringify({ ...about, ...Object.fromEntries(entries) }));
  const header = new Uint8Array(Math.ceil(text.length / 8) * 8).fill(0x20);
  header.set(text);
  const length = new DataView(new ArrayBuffer(8));
  length.setBigUint64(0, BigInt(header.length), true);
  return concatBytes([new Uint8Array(length.buffer), header, ...parts]);
}
