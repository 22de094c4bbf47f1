// Datatypes, dataspaces, and elements that are numbers or texts.

import { type AnyTensor, readTensor, type Stored } from '../elements.ts';
import { globalObject } from './heaps.ts';
import type { Reader } from './reader.ts';

/** A datatype: how numbers are stored, or that they are texts. */
export interface Datatype {
  /** Bytes of an element. */
  readonly size: number;
  readonly stored?: Stored;
  readonly bigEndian: boolean;
  readonly text?: 'fixed' | 'variable';
}

const classes = { fixed: 0, float: 1, string: 3, enumeration: 8, variable: 9 } as const;

/** The datatype at a place. Those that are neither numbers nor texts have neither. */
export function datatypeAt(r: Reader, at: number): Datatype {
  r.step();
  const kind = r.u8(at) & 15;
  const bits = r.u8(at + 1);
  const size = r.u32(at + 4);
  const bigEndian = (bits & 1) === 1;
  const bytes = size * 8;
  if (kind === classes.fixed) return { size, bigEndian, stored: known(`${bits & 8 ? 'i' : 'u'}${bytes}`) };
  if (kind === classes.float) {
    // bfloat16 has eight bits of exponent.
    const brain = size === 2 && r.u8(at + 13) === 8;
    return { size, bigEndian, stored: known(brain ? 'bf16' : `f${bytes}`) };
  }
  if (kind === classes.string) return { size, bigEndian: false, text: 'fixed' };
  if (kind === classes.variable && (bits & 15) === 1) return { size, bigEndian: false, text: 'variable' };
  // h5py writes booleans as an enumeration of FALSE and TRUE.
  if (kind === classes.enumeration && size === 1 && r.u16(at + 1) === 2)
    return { size, bigEndian: false, stored: 'bool' };
  return { size, bigEndian: false };
}

const numbers: ReadonlySet<string> = new Set('i8 i16 i32 i64 u8 u16 u32 u64 f16 bf16 f32 f64'.split(' '));
const known = (name: string): Stored | undefined => (numbers.has(name) ? (name as Stored) : undefined);

/** The shape at a place; a space without elements is [0]. */
export function dataspaceAt(r: Reader, at: number): number[] {
  const version = r.u8(at);
  const rank = r.u8(at + 1);
  if (version === 2 && r.u8(at + 3) === 2) return [0];
  if (version !== 1 && version !== 2) return r.fail(`the shape at byte ${at} is of version ${version}`);
  const start = at + (version === 1 ? 8 : 4);
  const shape = Array.from({ length: rank }, (_, i) => r.length(start + i * r.lengthSize));
  return shape.every(Number.isSafeInteger) ? shape : r.fail(`the shape at byte ${at} is [${shape}]`);
}

const plain = (bytes: Uint8Array): string => {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
};

/** The texts of elements. */
export function textsOf(r: Reader, type: Datatype, elements: Uint8Array, count: number): string[] {
  if (type.size === 0 || elements.length < count * type.size) return r.fail('a text of it is cut off');
  r.step(count);
  return Array.from({ length: count }, (_, i) => {
    const part = elements.subarray(i * type.size, (i + 1) * type.size);
    if (type.text === 'fixed') return plain(part);
    const view = new DataView(part.buffer, part.byteOffset, part.byteLength);
    if (part.length < 8 + r.offsetSize) return r.fail('a text of it is cut off');
    const length = view.getUint32(0, true);
    const at = elements.byteOffset - r.bytes.byteOffset + i * type.size + 4;
    if (length === 0) return '';
    const object = globalObject(r, r.offset(at), view.getUint32(4 + r.offsetSize, true));
    return plain(object.subarray(0, length));
  });
}

/** The tensor of elements that are numbers. Throws FormatError for other ones. */
export function tensorOf(r: Reader, type: Datatype, elements: Uint8Array, shape: number[], what: string): AnyTensor {
  if (!type.stored)
    return r.fail(`${what} has elements that are no numbers`, 'supported are integers, floats and booleans');
  return readTensor(type.stored, elements, shape, what, r.place, type.bigEndian);
}
