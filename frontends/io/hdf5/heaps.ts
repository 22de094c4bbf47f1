// Heaps and the trees over them: names of old groups, texts of any length, and the links and attributes of objects
// that have many.

import { nowhere, type Reader, widthOf } from './reader.ts';

/** The name at a place of a local heap. */
export function localName(r: Reader, heap: number, offset: number): string {
  r.expect(heap, 'HEAP');
  const size = r.length(heap + 8);
  const data = r.offset(heap + 8 + 2 * r.lengthSize);
  if (offset >= size) r.fail(`its heap of names ends before ${offset}`);
  return r.text(data + offset, size - offset);
}

/** Where the objects of a global heap's collection are. */
function collectionAt(r: Reader, at: number): Map<number, Uint8Array> {
  const known = r.collections.get(at);
  if (known) return known;
  r.expect(at, 'GCOL');
  const objects = new Map<number, Uint8Array>();
  const end = at + r.length(at + 8);
  for (let p = at + 8 + r.lengthSize; p + 8 + r.lengthSize <= end; ) {
    r.step();
    const index = r.u16(p);
    // Free space is the last one.
    if (index === 0) break;
    const size = r.length(p + 8);
    objects.set(index, r.part(p + 8 + r.lengthSize, size));
    p += 8 + r.lengthSize + Math.ceil(size / 8) * 8;
  }
  r.collections.set(at, objects);
  return objects;
}

/** Object `index` of a global heap's collection. */
export const globalObject = (r: Reader, collection: number, index: number): Uint8Array =>
  collectionAt(r, collection).get(index) ?? r.fail(`there is no text ${index} in its heap at byte ${collection}`);

/** A fractal heap: objects in blocks that grow. */
export class FractalHeap {
  readonly #r: Reader;
  readonly #width: number;
  readonly #start: number;
  readonly #largest: number;
  readonly #offsetBytes: number;
  readonly #lengthBytes: number;
  readonly #root: number;
  readonly #rows: number;
  readonly #filtered: boolean;

  constructor(r: Reader, at: number) {
    this.#r = r;
    r.expect(at, 'FRHP');
    const [o, l] = [r.offsetSize, r.lengthSize];
    this.#filtered = r.u16(at + 7) > 0;
    const largestObject = r.u32(at + 10);
    const table = at + 14 + 2 * o + 10 * l;
    this.#width = r.u16(table);
    this.#start = r.length(table + 2);
    this.#largest = r.length(table + 2 + l);
    const bits = r.u16(table + 2 + 2 * l);
    this.#root = r.offset(table + 6 + 2 * l);
    this.#rows = r.u16(table + 6 + 2 * l + o);
    this.#offsetBytes = Math.ceil(bits / 8);
    this.#lengthBytes = Math.min(widthOf(this.#largest), widthOf(largestObject));
    if (!(this.#width > 0 && this.#start > 0 && this.#offsetBytes <= 8)) r.fail(`its heap at byte ${at} is damaged`);
    if (this.#filtered) r.fail('its heap is compressed', 'save it with h5py');
  }

  /** Where the object of an id stands. */
  find(id: number, size: number): { at: number; size: number } {
    const r = this.#r;
    r.step();
    const kind = (r.u8(id) >> 4) & 3;
    if (kind === 2) return { at: id + 1, size: Math.min((r.u8(id) & 15) + 1, size - 1) };
    if (kind !== 0) return r.fail('an attribute or link of it is too large', 'save it with h5py');
    const offset = r.uint(id + 1, this.#offsetBytes);
    const length = r.uint(id + 1 + this.#offsetBytes, this.#lengthBytes);
    return { at: this.#locate(this.#root, this.#rows, 0, offset), size: length };
  }

  /** The byte of an offset: blocks double in size from one row to the next. */
  #locate(block: number, rows: number, from: number, offset: number): number {
    const r = this.#r;
    r.step();
    if (block === nowhere) return r.fail('its heap lacks a block');
    if (rows === 0) return r.expect(block, 'FHDB') ?? block + (offset - from);
    r.expect(block, 'FHIB');
    let p = block + 5 + r.offsetSize + this.#offsetBytes;
    let at = from;
    for (let row = 0; row < rows; row++) {
      const size = this.#start * 2 ** Math.max(0, row - 1);
      r.step();
      if (offset < at + size * this.#width) {
        const column = Math.floor((offset - at) / size);
        const child = r.offset(p + column * r.offsetSize);
        const within = size <= this.#largest ? 0 : Math.log2(size / (this.#start * this.#width)) + 1;
        if (!(within < rows)) return r.fail('its heap is damaged');
        return this.#locate(child, within, at + column * size, offset);
      }
      at += size * this.#width;
      p += this.#width * r.offsetSize;
    }
    return r.fail(`its heap ends before ${offset}`);
  }
}

/** The layout of a version 2 tree's nodes. */
interface Tree {
  readonly record: number;
  /** Bytes of the number of records of a child, and of the number below it, by the depth of the child. */
  readonly counts: number;
  readonly below: readonly number[];
}

/** Where the records of a version 2 tree stand. */
export function treeRecords(r: Reader, at: number): { at: number; size: number }[] {
  r.expect(at, 'BTHD');
  const node = r.u32(at + 6);
  const record = r.u16(at + 10);
  const depth = r.u16(at + 12);
  if (record === 0 || depth > 32) return r.fail(`its tree at byte ${at} is damaged`);
  const leaf = Math.floor((node - 10) / record);
  const counts = widthOf(leaf);
  const below = [0];
  let total = leaf;
  for (let d = 1; d < depth; d++) {
    const pointer = r.offsetSize + counts + below[d - 1];
    const most = Math.floor((node - 10 - pointer) / (record + pointer));
    total = (most + 1) * total + most;
    below.push(widthOf(total));
  }
  const found: { at: number; size: number }[] = [];
  walk(r, { record, counts, below }, r.offset(at + 16), r.u16(at + 16 + r.offsetSize), depth, found);
  return found;
}

function walk(
  r: Reader,
  t: Tree,
  at: number,
  count: number,
  depth: number,
  found: { at: number; size: number }[],
): void {
  if (count === 0) return;
  r.expect(at, depth === 0 ? 'BTLF' : 'BTIN');
  r.step(count);
  for (let i = 0; i < count; i++) found.push({ at: at + 6 + i * t.record, size: t.record });
  if (depth === 0) return;
  const pointers = at + 6 + count * t.record;
  const width = r.offsetSize + t.counts + t.below[depth - 1];
  for (let i = 0; i <= count; i++) {
    const p = pointers + i * width;
    walk(r, t, r.offset(p), r.uint(p + r.offsetSize, t.counts), depth - 1, found);
  }
}
