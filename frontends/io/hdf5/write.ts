// HDF5 files with groups, texts as attributes, and datasets of numbers in one piece: what files of models are made
// of. Superblock of version 0 and object headers of version 1, which every HDF5 library reads.

import { type AnyTensor, storedFor, writeTensor } from '../elements.ts';
import { Out } from './bytes-out.ts';
import { kinds } from './header.ts';

/** A group to be written. */
export interface H5Group {
  readonly attributes?: Readonly<Record<string, string | readonly string[]>>;
  readonly groups?: Readonly<Record<string, H5Group>>;
  readonly datasets?: Readonly<Record<string, AnyTensor>>;
}

const groupInfo = 0x0a;
const fillValue = 0x05;
/** An attribute's elements must fit into a message; more of them become several attributes, as Keras does it. */
const mostTexts = 2000;
/** The smallest heap that libhdf5 reads. */
const smallestHeap = 4096;

/** Datatypes of floats: class, bits, size, then offset, precision, exponent's place and size, mantissa's, bias. */
const floatType = (size: number, exponent: number, bias: number) => (o: Out) => {
  const bits = 8 * size;
  const mantissa = bits - 1 - exponent;
  o.u8(0x11, 0x20, bits - 1, 0)
    .u32(size)
    .u16(0, bits)
    .u8(mantissa, exponent, 0, mantissa)
    .u32(bias);
};
const intType = (size: number, signed: boolean) => (o: Out) =>
  void o
    .u8(0x10, signed ? 8 : 0, 0, 0)
    .u32(size)
    .u16(0, 8 * size);

/** Booleans are an enumeration, as h5py writes them. */
function boolType(o: Out): void {
  o.u8(0x18, 2, 0, 0).u32(1);
  intType(1, true)(o);
  o.text('FALSE\0\0\0').text('TRUE\0\0\0\0').u8(0, 1);
}
/** Texts of any length in UTF-8. */
function textType(o: Out): void {
  o.u8(0x19, 1, 1, 0).u32(16);
  intType(1, false)(o);
}

const types: Readonly<Record<string, (o: Out) => void>> = {
  f16: floatType(2, 5, 15),
  f32: floatType(4, 8, 127),
  f64: floatType(8, 11, 1023),
  i8: intType(1, true),
  u8: intType(1, false),
  i32: intType(4, true),
  u32: intType(4, false),
  bool: boolType,
};

/** What a function writes, as bytes of its own. */
function made(f: (o: Out) => void): Uint8Array {
  const o = new Out();
  f(o);
  return o.result();
}

const space = (shape: readonly number[]) =>
  made((o) =>
    o
      .u8(1, shape.length, 0, 0)
      .u32(0)
      .u64(...shape),
  );

class Writer {
  readonly out = new Out();
  /** Texts so far, and where each is told. */
  readonly #texts: { bytes: Uint8Array; at: number }[] = [];

  /** An object: its header with messages. Gives its address. */
  #object(messages: readonly (readonly [type: number, contents: Uint8Array, later?: (at: number) => void])[]): number {
    const { out } = this;
    out.align(8);
    const address = out.length;
    const padded = (n: number) => Math.ceil(n / 8) * 8;
    const size = messages.reduce((n, [, m]) => n + 8 + padded(m.length), 0);
    out.u8(1, 0).u16(messages.length).u32(1, size, 0);
    for (const [type, m, later] of messages) {
      out.u16(type, padded(m.length)).u32(0);
      later?.(out.length);
      out.bytes(m).align(8);
    }
    return address;
  }

  async group(g: H5Group): Promise<number> {
    const links: [string, number][] = [];
    for (const [name, x] of Object.entries(g.groups ?? {})) links.push([name, await this.group(x)]);
    for (const [name, t] of Object.entries(g.datasets ?? {})) links.push([name, await this.#dataset(t)]);
    const attributes = Object.entries(g.attributes ?? {}).flatMap(([name, x]) =>
      typeof x === 'string' ? [this.#attribute(name, [x], [])] : this.#lists(name, x),
    );
    return this.#object([
      [kinds.linkInfo, made((o) => o.u8(0, 0).nowhere().nowhere())],
      [groupInfo, made((o) => o.u8(0, 0))],
      ...links.map(([name, address]) => [kinds.link, this.#link(name, address)] as const),
      ...attributes,
    ]);
  }

  #link(name: string, address: number): Uint8Array {
    const text = new TextEncoder().encode(name);
    return made((o) => o.u8(1, 0x11, 1).u16(text.length).bytes(text).u64(address));
  }

  #lists(name: string, list: readonly string[]) {
    if (list.length <= mostTexts) return [this.#attribute(name, list, [list.length])];
    const count = Math.ceil(list.length / mostTexts);
    return Array.from({ length: count }, (_, i) => {
      const part = list.slice(i * mostTexts, (i + 1) * mostTexts);
      return this.#attribute(`${name}${i}`, part, [part.length]);
    });
  }

  #attribute(name: string, list: readonly string[], shape: readonly number[]) {
    const text = new TextEncoder().encode(`${name}\0`);
    const type = made(textType);
    const size = space(shape);
    const head = made((o) =>
      o.u8(3, 0).u16(text.length, type.length, size.length).u8(1).bytes(text).bytes(type).bytes(size),
    );
    const contents = made((o) => o.bytes(head).zeros(16 * list.length));
    const later = (at: number) =>
      list.forEach((x, i) => {
        this.#texts.push({ bytes: new TextEncoder().encode(x), at: at + head.length + 16 * i });
      });
    return [kinds.attribute, contents, later] as const;
  }

  async #dataset(t: AnyTensor): Promise<number> {
    const bytes = await writeTensor(t);
    this.out.align(8);
    const at = this.out.length;
    this.out.bytes(bytes);
    const layout = made((o) => (bytes.length ? o.u8(3, 1).u64(at, bytes.length) : o.u8(3, 1).nowhere().u64(0)));
    return this.#object([
      [kinds.dataspace, space(t.shape)],
      [kinds.datatype, made(types[storedFor(t)])],
      [fillValue, made((o) => o.u8(2, 2, 2, 1).u32(0))],
      [kinds.layout, layout],
    ]);
  }

  /** Writes the texts into heaps, and says where they are to be found. */
  texts(): void {
    for (let from = 0; from < this.#texts.length; from += 60_000) this.#heap(this.#texts.slice(from, from + 60_000));
  }

  #heap(list: readonly { bytes: Uint8Array; at: number }[]): void {
    const { out } = this;
    out.align(8);
    const start = out.length;
    out.text('GCOL').u8(1, 0, 0, 0).u64(0);
    list.forEach(({ bytes }, i) => {
      out
        .u16(i + 1, 1)
        .u32(0)
        .u64(bytes.length)
        .bytes(bytes)
        .align(8);
    });
    // What is left is one free object.
    const free = Math.max(16, smallestHeap - (out.length - start));
    out
      .u16(0, 0)
      .u32(0)
      .u64(free)
      .zeros(free - 16);
    out.set64(start + 8, out.length - start);
    list.forEach(({ bytes, at }, i) => {
      out.set32(at, bytes.length);
      out.set64(at + 4, start);
      out.set32(at + 12, i + 1);
    });
  }
}

/** The bytes of an HDF5 file. Rejects with TraceError for traced tensors. */
export async function encodeHdf5(root: H5Group): Promise<Uint8Array> {
  const w = new Writer();
  const { out } = w;
  out.u8(0x89).text('HDF\r\n').u8(0x1a).text('\n');
  out.u8(0, 0, 0, 0, 0, 8, 8, 0).u16(4, 16).u32(0).u64(0).nowhere().u64(0).nowhere();
  out.u64(0, 0).u32(0, 0).zeros(16);
  const address = await w.group(root);
  w.texts();
  out.set64(40, out.length);
  out.set64(64, address);
  return out.result();
}
