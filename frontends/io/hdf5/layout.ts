// Where the elements of a dataset are: beside its header, in one piece, or in chunks, perhaps compressed.

import { Inflate } from 'fflate';
import { kinds, type Message } from './header.ts';
import { nowhere, type Reader } from './reader.ts';

/** A step that chunks have gone through. */
interface Filter {
  readonly id: number;
  readonly values: readonly number[];
}
/** A stored chunk. */
interface Chunk {
  readonly at: number;
  readonly size: number;
  /** Filters that were left out, as bits. */
  readonly mask: number;
  readonly offset: readonly number[];
}

const filters = { deflate: 1, shuffle: 2, fletcher32: 3 } as const;
/** Deflate makes no more than this of a byte. */
const greatestRatio = 1032;

function filtersOf(r: Reader, messages: readonly Message[]): Filter[] {
  const m = messages.find((x) => x.type === kinds.filters);
  if (!m) return [];
  const version = r.u8(m.at);
  const count = r.u8(m.at + 1);
  let p = m.at + (version === 1 ? 8 : 2);
  return Array.from({ length: count }, () => {
    const id = r.u16(p);
    const named = version === 1 || id >= 256;
    const name = named ? r.u16(p + 2) : 0;
    const values = r.u16(p + (named ? 6 : 4));
    p += (named ? 8 : 6) + (version === 1 ? Math.ceil(name / 8) * 8 : name);
    const list = Array.from({ length: values }, (_, i) => r.u32(p + 4 * i));
    p += 4 * values + (version === 1 && values % 2 ? 4 : 0);
    return { id, values: list };
  });
}

/** Inflates to exactly `size` bytes. */
function inflated(r: Reader, packed: Uint8Array, size: number): Uint8Array {
  if (size > packed.length * greatestRatio + 64) return r.fail('a chunk of it cannot have that many elements');
  const out = new Uint8Array(size);
  let at = 0;
  const stream = new Inflate((part) => {
    if (at + part.length > size) r.fail('a chunk of it has too many elements');
    out.set(part, at);
    at += part.length;
  });
  try {
    // Without the two bytes of zlib's header and its checksum.
    for (let p = 2; p < packed.length; p += 65_536)
      stream.push(packed.subarray(p, p + 65_536), p + 65_536 >= packed.length);
  } catch (e) {
    if ((e as Error).name === 'FormatError') throw e;
    r.fail(`a chunk of it cannot be inflated: ${(e as Error).message}`);
  }
  return at === size ? out : r.fail('a chunk of it has too few elements');
}

/** First bytes of all elements, then second bytes, …: as they were. */
function unshuffled(bytes: Uint8Array, width: number): Uint8Array {
  if (width <= 1) return bytes;
  const count = Math.floor(bytes.length / width);
  const out = bytes.slice();
  for (let i = 0; i < count; i++) for (let k = 0; k < width; k++) out[i * width + k] = bytes[k * count + i];
  return out;
}

function decoded(r: Reader, c: Chunk, list: readonly Filter[], size: number, width: number): Uint8Array {
  let bytes = r.part(c.at, c.size);
  list.forEach((f, k) => {
    // Filters are taken back from the last to the first.
    const i = list.length - 1 - k;
    const filter = list[i];
    if (c.mask & (1 << i)) return;
    if (filter.id === filters.deflate) bytes = inflated(r, bytes, size + (fletcherBefore(list, i, c.mask) ? 4 : 0));
    else if (filter.id === filters.shuffle) bytes = unshuffled(bytes, filter.values[0] ?? width);
    else if (filter.id === filters.fletcher32) bytes = bytes.subarray(0, Math.max(0, bytes.length - 4));
    else r.fail(`its chunks have gone through filter ${f.id}`, 'supported are deflate, shuffle and fletcher32');
  });
  return bytes.length === size ? bytes : r.fail(`a chunk of it has ${bytes.length} bytes, not ${size}`);
}
const fletcherBefore = (list: readonly Filter[], i: number, mask: number): boolean =>
  list.slice(0, i).some((f, k) => f.id === filters.fletcher32 && !(mask & (1 << k)));

/** The chunks of a version 1 tree. */
function treeChunks(r: Reader, at: number, rank: number, found: Chunk[], depth = 0): void {
  r.expect(at, 'TREE');
  if (r.u8(at + 4) !== 1 || depth > 16) r.fail('its tree of chunks is damaged');
  const level = r.u8(at + 5);
  const count = r.u16(at + 6);
  const key = 8 + 8 * (rank + 1);
  let p = at + 8 + 2 * r.offsetSize;
  for (let i = 0; i < count; i++, p += key + r.offsetSize) {
    r.step();
    const child = r.offset(p + key);
    if (level > 0) treeChunks(r, child, rank, found, depth + 1);
    else {
      const offset = Array.from({ length: rank }, (_, k) => r.uint(p + 8 + 8 * k, 8));
      found.push({ size: r.u32(p), mask: r.u32(p + 4), offset, at: child });
    }
  }
}

const ceilDiv = (a: number, b: number): number => Math.ceil(a / b);

/** The place of chunk number `i`, in elements. */
function offsetOf(i: number, shape: readonly number[], chunk: readonly number[]): number[] {
  const out: number[] = [];
  let rest = i;
  for (let k = shape.length - 1; k >= 0; k--) {
    const n = ceilDiv(shape[k], chunk[k]);
    out[k] = (rest % n) * chunk[k];
    rest = Math.floor(rest / n);
  }
  return out;
}

interface Chunked {
  readonly shape: readonly number[];
  readonly chunk: readonly number[];
  readonly bytes: number;
  readonly filtered: boolean;
}

/** The chunks of a version 4 layout: one, all in a row, or in an array of fixed length. */
function indexedChunks(r: Reader, at: number, flags: number, { shape, chunk, bytes, filtered }: Chunked): Chunk[] {
  const kind = r.u8(at);
  const count = shape.reduce((n, d, i) => n * ceilDiv(d, chunk[i]), 1);
  r.step(count);
  const all = (place: (i: number) => Pick<Chunk, 'at' | 'size' | 'mask'>): Chunk[] =>
    Array.from({ length: count }, (_, i) => ({ ...place(i), offset: offsetOf(i, shape, chunk) }));
  if (kind === 1) {
    const own = (flags & 2) !== 0;
    const size = own ? r.length(at + 1) : bytes;
    const mask = own ? r.u32(at + 1 + r.lengthSize) : 0;
    const address = r.offset(at + 1 + (own ? r.lengthSize + 4 : 0));
    return all(() => ({ at: address, size, mask }));
  }
  if (kind === 2) {
    const start = r.offset(at + 1);
    return all((i) => ({ at: start + i * bytes, size: bytes, mask: 0 }));
  }
  if (kind !== 3)
    return r.fail(`its chunks are listed in a way (${kind}) that is not supported`, 'save it without maxshape');
  const header = r.offset(at + 2);
  r.expect(header, 'FAHD');
  const width = r.u8(header + 6);
  const block = r.offset(header + 8 + r.lengthSize);
  if (count > 2 ** r.u8(header + 7)) return r.fail('its chunks are in pages', 'save it with larger chunks');
  r.expect(block, 'FADB');
  const first = block + 6 + r.offsetSize;
  return all((i) => {
    const p = first + i * width;
    if (!filtered) return { at: r.offset(p), size: bytes, mask: 0 };
    const sizeWidth = width - r.offsetSize - 4;
    return { at: r.offset(p), size: r.uint(p + r.offsetSize, sizeWidth), mask: r.u32(p + r.offsetSize + sizeWidth) };
  });
}

/** Puts a chunk's rows where they belong; what lies beyond the edge is left out. */
function place(out: Uint8Array, from: Uint8Array, c: Chunk, { shape, chunk }: Chunked, width: number): void {
  const rank = shape.length;
  const row = Math.min(chunk[rank - 1], shape[rank - 1] - c.offset[rank - 1]) * width;
  const index = chunk.map(() => 0);
  const lines = chunk.slice(0, -1).reduce((n, d) => n * d, 1);
  for (let l = 0; l < lines; l++) {
    const inside = index.every((x, k) => k === rank - 1 || c.offset[k] + x < shape[k]);
    if (inside && row > 0) {
      const to = shape.reduce((n, d, k) => n * d + c.offset[k] + (k === rank - 1 ? 0 : index[k]), 0);
      const start = l * chunk[rank - 1] * width;
      out.set(from.subarray(start, start + row), to * width);
    }
    for (let k = rank - 2; k >= 0; k--) {
      if (++index[k] < chunk[k]) break;
      index[k] = 0;
    }
  }
}

function chunkedElements(
  r: Reader,
  chunks: readonly Chunk[],
  c: Chunked,
  list: readonly Filter[],
  width: number,
): Uint8Array {
  const total = c.shape.reduce((n, d) => n * d, width);
  const there = chunks.filter((x) => x.at !== nowhere);
  // Every element must be stored: else a small file would have any number of them.
  if (there.length < c.shape.reduce((n, d, i) => n * ceilDiv(d, c.chunk[i]), 1))
    return r.fail('chunks of it are missing');
  const stored = there.reduce((n, x) => n + x.size, 0);
  if (stored > r.bytes.length || total > stored * greatestRatio) return r.fail('its chunks are damaged');
  const out = new Uint8Array(total);
  for (const x of there) {
    if (x.offset.some((o, k) => o % c.chunk[k] !== 0 || o >= c.shape[k])) return r.fail('a chunk of it lies outside');
    place(out, decoded(r, x, list, c.bytes, width), x, c, width);
  }
  return out;
}

/** The elements of a dataset. @param width bytes of an element */
export function elementsOf(
  r: Reader,
  messages: readonly Message[],
  shape: readonly number[],
  width: number,
): Uint8Array {
  const m = messages.find((x) => x.type === kinds.layout) ?? r.fail('a dataset of it has no layout');
  const total = shape.reduce((n, d) => n * d, width);
  if (total === 0) return new Uint8Array(0);
  const version = r.u8(m.at);
  if (version < 3) return oldElements(r, m, messages, shape, width);
  if (version > 5) return r.fail(`a dataset of it has a layout of version ${version}`, 'save it with h5py');
  const kind = r.u8(m.at + 1);
  if (kind === 0) return r.part(m.at + 4, total);
  if (kind === 1) return r.part(r.offset(m.at + 2), total);
  if (kind !== 2) return r.fail('a dataset of it lies in other files', 'save it as one file');
  if (version === 3) {
    const rank = r.u8(m.at + 2) - 1;
    const sizes = m.at + 3 + r.offsetSize;
    return fromTree(
      r,
      r.offset(m.at + 3),
      Array.from({ length: rank }, (_, i) => r.u32(sizes + 4 * i)),
      messages,
      shape,
      width,
    );
  }
  const flags = r.u8(m.at + 2);
  const rank = r.u8(m.at + 3) - 1;
  const encoded = r.u8(m.at + 4);
  const chunk = Array.from({ length: rank }, (_, i) => r.uint(m.at + 5 + encoded * i, encoded));
  const list = filtersOf(r, messages);
  const c = chunkedOf(r, shape, chunk, width, list.length > 0);
  return chunkedElements(r, indexedChunks(r, m.at + 5 + encoded * (rank + 1), flags, c), c, list, width);
}

function chunkedOf(
  r: Reader,
  shape: readonly number[],
  chunk: readonly number[],
  width: number,
  filtered: boolean,
): Chunked {
  const bytes = chunk.reduce((n, d) => n * d, width);
  if (chunk.length !== shape.length || chunk.some((d) => !(d > 0)) || bytes > r.bytes.length * greatestRatio)
    return r.fail(`its chunks have the shape [${chunk}]`);
  return { shape, chunk, bytes, filtered };
}

function fromTree(
  r: Reader,
  tree: number,
  chunk: readonly number[],
  messages: readonly Message[],
  shape: readonly number[],
  width: number,
): Uint8Array {
  const list = filtersOf(r, messages);
  const c = chunkedOf(r, shape, chunk, width, list.length > 0);
  const chunks: Chunk[] = [];
  treeChunks(r, tree, chunk.length, chunks);
  return chunkedElements(r, chunks, c, list, width);
}

/** Layouts of versions 1 and 2. */
function oldElements(
  r: Reader,
  m: Message,
  messages: readonly Message[],
  shape: readonly number[],
  width: number,
): Uint8Array {
  const rank = r.u8(m.at + 1);
  const kind = r.u8(m.at + 2);
  const total = shape.reduce((n, d) => n * d, width);
  if (kind === 0) return r.part(m.at + 8 + 4 * rank + 4, total);
  const address = r.offset(m.at + 8);
  if (kind === 1) return r.part(address, total);
  const sizes = m.at + 8 + r.offsetSize;
  return fromTree(
    r,
    address,
    Array.from({ length: rank - 1 }, (_, i) => r.u32(sizes + 4 * i)),
    messages,
    shape,
    width,
  );
}
