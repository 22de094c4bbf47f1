// NumPy's .npy format, versions 1 to 3: a header with a Python dictionary, then the elements. Source: NumPy's
// description of the format (numpy.lib.format).

import { concatBytes } from '../bytes.ts';
import { type AnyTensor, bytesOfStored, readTensor, type Stored, storedFor, writeTensor } from './elements.ts';
import { checkedShape, damaged, decodeText, type Place, sizeOfShape } from './format.ts';

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
/** The longest header: NumPy itself refuses more than 10000 bytes. */
const longestHeader = 65_536;

/** NumPy's types without the order of bytes. */
const types: Readonly<Record<string, Stored>> = {
  b1: 'bool',
  u1: 'u8',
  i1: 'i8',
  u2: 'u16',
  i2: 'i16',
  u4: 'u32',
  i4: 'i32',
  u8: 'u64',
  i8: 'i64',
  f2: 'f16',
  f4: 'f32',
  f8: 'f64',
  c8: 'c64',
  c16: 'c128',
};
const typeOf = new Map(Object.entries(types).map(([k, v]) => [v, k]));

interface Header {
  readonly stored: Stored;
  readonly bigEndian: boolean;
  readonly fortran: boolean;
  readonly shape: number[];
}

/** One of the dictionary's values, which may stand in any order. */
const value = (text: string, key: string, pattern: string): string | undefined =>
  new RegExp(`['"]${key}['"]\\s*:\\s*${pattern}`).exec(text)?.[1];

/** What the dictionary of a header says. Throws FormatError for what is none, and for types that are no numbers. */
function parseHeader(text: string, what: string, place: Place): Header {
  const descr = value(text, 'descr', `['"]([<>|=]?[a-zA-Z]\\d*)['"]`);
  const order = value(text, 'fortran_order', '(True|False)');
  const sizes = value(text, 'shape', '\\(([\\dL, ]{0,4096})\\)');
  if (descr === undefined || order === undefined || sizes === undefined)
    return damaged(place, `the header of ${what} is ${text.slice(0, 80)}`, 'only arrays of numbers are supported');
  const type = descr.replace(/^[<>|=]/, '');
  const stored = Object.hasOwn(types, type) ? types[type] : undefined;
  if (!stored)
    return damaged(
      place,
      `${what} is of the type '${descr}'`,
      'supported are bool, integers, floats and complex numbers',
    );
  const shape = sizes
    .split(',')
    .map((s) => s.trim().replace(/L$/, ''))
    .filter((s) => s !== '')
    .map(Number);
  return {
    stored,
    bigEndian: descr[0] === '>',
    fortran: order === 'True',
    shape: checkedShape(shape, what, place),
  };
}

/** Where the elements of an array in columns are, in the order of rows; both row-major here. */
function byRows(bytes: Uint8Array, shape: readonly number[], width: number): Uint8Array {
  const out = new Uint8Array(bytes.length);
  const index = shape.map(() => 0);
  const strides: number[] = [];
  shape.reduce((n, d, i) => {
    strides[i] = n * width;
    return n * d;
  }, 1);
  let from = 0;
  for (let at = 0; at < out.length; at += width) {
    for (let k = 0; k < width; k++) out[at + k] = bytes[from + k];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++index[axis] < shape[axis]) break;
      from -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return out;
}

/**
 * The tensor of a .npy file, in either order of axes and of bytes. Integers of 16 and 64 bits become int32. Throws
 * FormatError for a damaged file, and for types that are no numbers (texts, objects, records).
 * @param what the array, for errors
 */
export function decodeNpy(bytes: Uint8Array, what: string, place: Place): AnyTensor {
  if (bytes.length < 10 || magic.some((b, i) => bytes[i] !== b))
    return damaged(place, `${what} does not begin as a .npy file`);
  const major = bytes[6];
  if (major < 1 || major > 3) damaged(place, `${what} is of version ${major}`, 'supported are versions 1 to 3');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = major === 1 ? 10 : 12;
  if (bytes.length < start) return damaged(place, `${what} is cut off`);
  const length = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > longestHeader || start + length > bytes.length)
    return damaged(place, `${what} has a header of ${length} bytes`);
  const header = bytes.subarray(start, start + length);
  const text = major === 3 ? decodeText(header, place) : String.fromCharCode(...header.subarray(0, 8192));
  const { stored, bigEndian, fortran, shape } = parseHeader(text, what, place);
  const elements = bytes.subarray(start + length);
  const width = bytesOfStored(stored);
  const size = sizeOfShape(shape, what, place) * width;
  if (elements.length !== size)
    damaged(place, `${what} of shape [${shape}] takes ${size} bytes, there are ${elements.length}`);
  const rows = fortran && shape.length > 1 && size > 0 ? byRows(elements, shape, width) : elements;
  return readTensor(stored, rows, shape, what, place, bigEndian);
}

/** The bytes of a .npy file, of version 1. Rejects with TraceError for a traced tensor. */
export async function encodeNpy(t: AnyTensor): Promise<Uint8Array> {
  const type = typeOf.get(storedFor(t)) as string;
  const order = type.endsWith('1') ? '|' : '<';
  const sizes = t.shape.length === 1 ? `${t.shape[0]},` : t.shape.join(', ');
  const text = `{'descr': '${order}${type}', 'fortran_order': False, 'shape': (${sizes}), }`;
  // Elements begin at a multiple of 64 bytes, behind a new line.
  const padded = `${text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11)}\n`;
  const head = new Uint8Array(10);
  head.set(magic);
  head[6] = 1;
  new DataView(head.buffer).setUint16(8, padded.length, true);
  return concatBytes([head, new TextEncoder().encode(padded), await writeTensor(t)]);
}
