// HDF5 files, as far as files of models use them: groups, attributes that are texts or numbers, datasets of numbers.
// Written here and not left to libhdf5: a damaged file makes that (as WebAssembly) read outside of its memory or run
// forever, which nobody could stop.

import type { AnyTensor } from '../elements.ts';
import type { Place } from '../format.ts';
import { kinds, type Message, messagesAt, resolved } from './header.ts';
import { FractalHeap, localName, treeRecords } from './heaps.ts';
import { elementsOf } from './layout.ts';
import { nowhere, Reader } from './reader.ts';
import { dataspaceAt, datatypeAt, tensorOf, textsOf } from './values.ts';

const signature = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];

/** A group or a dataset. */
export class H5Object {
  readonly #r: Reader;
  readonly #name: string;
  readonly #messages: readonly Message[];
  #links: Map<string, number> | undefined;

  /** Where it stands in the file: links of other names may lead there as well. */
  readonly address: number;

  constructor(r: Reader, address: number, name: string) {
    this.#r = r;
    this.address = address;
    this.#name = name;
    this.#messages = messagesAt(r, address);
  }

  #message(type: number): Message | undefined {
    const m = this.#messages.find((x) => x.type === type);
    return m && resolved(this.#r, m);
  }

  get isDataset(): boolean {
    return this.#messages.some((m) => m.type === kinds.layout);
  }

  // ---- groups

  /** Names of what is in a group, in the file's order. */
  keys(): string[] {
    return [...this.#children().keys()];
  }
  /** What is at a path below, undefined where there is nothing. */
  get(path: string): H5Object | undefined {
    let found: H5Object | undefined = this;
    for (const part of path.split('/').filter((p) => p !== '')) {
      const address: number | undefined = found.#children().get(part);
      if (address === undefined) return undefined;
      found = new H5Object(this.#r, address, `${this.#name}/${path}`);
    }
    return found;
  }

  #children(): Map<string, number> {
    this.#links ??= new Map([...this.#tableLinks(), ...this.#compactLinks(), ...this.#denseLinks()]);
    return this.#links;
  }

  /** Links of old groups: a tree of tables. */
  #tableLinks(): [string, number][] {
    const m = this.#message(kinds.symbolTable);
    if (!m) return [];
    const r = this.#r;
    const [tree, heap] = [r.offset(m.at), r.offset(m.at + r.offsetSize)];
    const found: [string, number][] = [];
    const visit = (at: number, depth: number) => {
      r.expect(at, 'TREE');
      if (r.u8(at + 4) !== 0 || depth > 16) r.fail('its tree of names is damaged');
      const count = r.u16(at + 6);
      for (let i = 0; i < count; i++) {
        const child = r.offset(at + 8 + 2 * r.offsetSize + r.lengthSize + i * (r.lengthSize + r.offsetSize));
        if (r.u8(at + 5) > 0) visit(child, depth + 1);
        else found.push(...this.#table(child, heap));
      }
    };
    visit(tree, 0);
    return found;
  }

  #table(at: number, heap: number): [string, number][] {
    const r = this.#r;
    r.expect(at, 'SNOD');
    const width = 2 * r.offsetSize + 24;
    const entries = Array.from({ length: r.u16(at + 6) }, (_, i) => at + 8 + i * width);
    // Type 2 is a link by name, which files of models do not have.
    return entries.flatMap((p) =>
      r.u32(p + 2 * r.offsetSize) === 2
        ? []
        : [[localName(r, heap, r.offset(p)), r.offset(p + r.offsetSize)] as [string, number]],
    );
  }

  #compactLinks(): [string, number][] {
    return this.#messages.filter((m) => m.type === kinds.link).flatMap((m) => this.#link(m.at));
  }

  /** A link, unless it is one by name. */
  #link(at: number): [string, number][] {
    const r = this.#r;
    r.step();
    const flags = r.u8(at + 1);
    let p = at + 2;
    const kind = flags & 8 ? r.u8(p++) : 0;
    p += (flags & 4 ? 8 : 0) + (flags & 16 ? 1 : 0);
    const width = 1 << (flags & 3);
    const length = r.uint(p, width);
    const name = new TextDecoder().decode(r.part(p + width, length));
    return kind === 0 ? [[name, r.offset(p + width + length)]] : [];
  }

  #denseLinks(): [string, number][] {
    const m = this.#message(kinds.linkInfo);
    if (!m) return [];
    const p = m.at + 2 + (this.#r.u8(m.at + 1) & 1 ? 8 : 0);
    // Records begin with the hash of the name.
    return this.#dense(p, 4).flatMap((at) => this.#link(at));
  }

  /** Where the objects of a heap stand that a tree lists. @param skip bytes of a record before the object's id */
  #dense(p: number, skip: number): number[] {
    const r = this.#r;
    const [heap, tree] = [r.offset(p), r.offset(p + r.offsetSize)];
    if (heap === nowhere || tree === nowhere) return [];
    const objects = new FractalHeap(r, heap);
    return treeRecords(r, tree).map((x) => objects.find(x.at + skip, x.size - skip).at);
  }

  // ---- attributes

  /** Attributes that are texts or arrays of texts; others are left out. */
  texts(): Map<string, string[]> {
    const own = this.#messages.filter((m) => m.type === kinds.attribute).map((m) => resolved(this.#r, m).at);
    const info = this.#message(kinds.attributeInfo);
    const many = info ? this.#dense(info.at + 2 + (this.#r.u8(info.at + 1) & 1 ? 2 : 0), 0) : [];
    return new Map([...own, ...many].flatMap((at) => this.#attribute(at)));
  }

  #attribute(at: number): [string, string[]][] {
    const r = this.#r;
    const version = r.u8(at);
    if (version < 1 || version > 3) return r.fail(`an attribute of it is of version ${version}`);
    const padded = (n: number) => (version === 1 ? Math.ceil(n / 8) * 8 : n);
    const [nameSize, typeSize, spaceSize] = [r.u16(at + 2), r.u16(at + 4), r.u16(at + 6)];
    const name = at + (version === 3 ? 9 : 8);
    const type = name + padded(nameSize);
    const space = type + padded(typeSize);
    // A shared type is a committed one, which nobody gives texts of a model.
    if (version > 1 && r.u8(at + 1) & 3) return [];
    const { text, ...rest } = datatypeAt(r, type);
    const count = dataspaceAt(r, space).reduce((n, d) => n * d, 1);
    // An empty list may have any type.
    if (count === 0) return [[r.text(name, nameSize), []]];
    if (!text) return [];
    const elements = r.part(space + padded(spaceSize), count * rest.size);
    return [[r.text(name, nameSize), textsOf(r, { text, ...rest }, elements, count)]];
  }

  // ---- datasets

  /** The shape of a dataset; throws FormatError for a group. */
  get shape(): number[] {
    const m = this.#message(kinds.dataspace) ?? this.#r.fail(`'${this.#name}' is no dataset`);
    return dataspaceAt(this.#r, m.at);
  }

  /** The elements of a dataset of numbers. Throws FormatError for anything else. */
  tensor(): AnyTensor {
    const r = this.#r;
    const type = this.#message(kinds.datatype) ?? r.fail(`'${this.#name}' is no dataset`);
    const { shape } = this;
    const datatype = datatypeAt(r, type.at);
    const elements = elementsOf(r, this.#messages, shape, datatype.size);
    r.step(Math.ceil(elements.length / 1024));
    return tensorOf(r, datatype, elements, shape, `'${this.#name}'`);
  }
}

/** The root of an HDF5 file. Throws FormatError where the bytes are none; what is damaged further inside, on use. */
export function openHdf5(bytes: Uint8Array, place: Place): H5Object {
  // Something of a user's own may stand before.
  let start = 0;
  const here = (at: number) => signature.every((b, i) => bytes[at + i] === b);
  while (start < bytes.length && !here(start)) start = start === 0 ? 512 : 2 * start;
  const r = new Reader(bytes.subarray(Math.min(start, bytes.length)), place);
  if (r.bytes.length < 16) return r.fail('it is no HDF5 file');
  const version = r.u8(8);
  if (version > 3) return r.fail(`its superblock is of version ${version}`, 'save it with h5py');
  const sizes = version < 2 ? 13 : 9;
  r.offsetSize = r.u8(sizes);
  r.lengthSize = r.u8(sizes + 1);
  if (![4, 8].includes(r.offsetSize) || ![4, 8].includes(r.lengthSize))
    return r.fail(`its addresses have ${r.offsetSize} bytes, its lengths ${r.lengthSize}`);
  const o = r.offsetSize;
  const root = version < 2 ? r.offset(24 + (version === 1 ? 4 : 0) + 5 * o) : r.offset(12 + 3 * o);
  return new H5Object(r, root, '');
}
