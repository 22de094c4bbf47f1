// Zip archives: read with every length checked and no more inflated than an entry says, written without compression
// where that gains nothing. Source of the layout: PKWARE's APPNOTE. fflate inflates and deflates.

import { Inflate, zipSync } from 'fflate';
import { crc32 } from '../image/crc.ts';
import { damaged, type Place } from './format.ts';

const endMark = 0x06054b50;
const end64Mark = 0x06064b50;
const locator64Mark = 0x07064b50;
const entryMark = 0x02014b50;
const localMark = 0x04034b50;

/** The most entries of an archive. */
const mostEntries = 65_536;
/** Deflate makes no more than this of a byte. */
const greatestRatio = 1032;

/** An entry of the central directory. */
interface Entry {
  readonly name: string;
  readonly method: number;
  readonly crc: number;
  readonly packed: number;
  readonly size: number;
  readonly at: number;
}

/** Numbers of an archive, checked. */
class Reader {
  readonly #view: DataView;
  readonly bytes: Uint8Array;
  readonly place: Place;
  constructor(bytes: Uint8Array, place: Place) {
    this.bytes = bytes;
    this.place = place;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  #check(at: number, n: number): void {
    if (!(at >= 0 && at + n <= this.bytes.length)) damaged(this.place, 'the archive is cut off');
  }
  u16(at: number): number {
    this.#check(at, 2);
    return this.#view.getUint16(at, true);
  }
  u32(at: number): number {
    this.#check(at, 4);
    return this.#view.getUint32(at, true);
  }
  u64(at: number): number {
    this.#check(at, 8);
    const x = Number(this.#view.getBigUint64(at, true));
    return Number.isSafeInteger(x) ? x : damaged(this.place, 'the archive has a length that cannot be');
  }
  part(at: number, n: number): Uint8Array {
    this.#check(at, n);
    return this.bytes.subarray(at, at + n);
  }
}

/** Where the central directory is, and how many entries it has. */
function directory(r: Reader): { at: number; count: number } {
  const { length } = r.bytes;
  // A comment of up to 65535 bytes may follow.
  for (let at = length - 22; at >= 0 && at >= length - 22 - 65_535; at--) {
    if (r.u32(at) !== endMark) continue;
    const wide = at >= 20 && r.u32(at - 20) === locator64Mark;
    if (!wide) return { at: r.u32(at + 16), count: r.u16(at + 10) };
    const end = r.u64(at - 12);
    if (r.u32(end) !== end64Mark) return damaged(r.place, 'the end of the archive is damaged');
    return { at: r.u64(end + 48), count: r.u64(end + 32) };
  }
  return damaged(r.place, 'it is no archive, or was cut off');
}

/** Sizes beyond 32 bits stand in an extra field, in this order. */
function wideFields(r: Reader, at: number, length: number): number[] {
  for (let p = at; p + 4 <= at + length; p += 4 + r.u16(p + 2)) {
    if (r.u16(p) !== 1) continue;
    return Array.from({ length: Math.floor(Math.min(r.u16(p + 2), 24) / 8) }, (_, i) => r.u64(p + 4 + 8 * i));
  }
  return [];
}

function entriesOf(r: Reader): Entry[] {
  const { at, count } = directory(r);
  if (count > mostEntries) return damaged(r.place, `the archive has ${count} entries`);
  const entries: Entry[] = [];
  let p = at;
  for (let i = 0; i < count; i++) {
    if (r.u32(p) !== entryMark) return damaged(r.place, `entry ${i} of the archive is damaged`);
    const [nameLength, extra, comment] = [r.u16(p + 28), r.u16(p + 30), r.u16(p + 32)];
    if (r.u16(p + 8) & 1) damaged(r.place, 'the archive is encrypted', 'save it without a password');
    const wide = wideFields(r, p + 46 + nameLength, extra);
    const field = (x: number): number => (x === 0xffffffff ? (wide.shift() ?? x) : x);
    const [size, packed] = [field(r.u32(p + 24)), field(r.u32(p + 20))];
    const start = field(r.u32(p + 42));
    const name = new TextDecoder().decode(r.part(p + 46, nameLength));
    entries.push({ name, method: r.u16(p + 10), crc: r.u32(p + 16), packed, size, at: start });
    p += 46 + nameLength + extra + comment;
  }
  return entries;
}

/** The packed bytes of an entry. */
function packedOf(r: Reader, e: Entry): Uint8Array {
  if (r.u32(e.at) !== localMark) return damaged(r.place, `'${e.name}' is not where it should be`);
  return r.part(e.at + 30 + r.u16(e.at + 26) + r.u16(e.at + 28), e.packed);
}

function roomFor({ name, size }: Entry, place: Place): Uint8Array {
  try {
    return new Uint8Array(size);
  } catch {
    return damaged(place, `'${name}' of ${size} bytes does not fit into memory`);
  }
}

/** Inflates to exactly the size that is announced: memory is taken only for what comes out. */
function inflate(packed: Uint8Array, e: Entry, place: Place): Uint8Array {
  if (e.size > packed.length * greatestRatio + 64) return damaged(place, `'${e.name}' cannot become ${e.size} bytes`);
  const out = roomFor(e, place);
  let at = 0;
  const stream = new Inflate((part) => {
    if (at + part.length > e.size) damaged(place, `'${e.name}' is larger than the ${e.size} bytes it announces`);
    out.set(part, at);
    at += part.length;
  });
  try {
    // In pieces, so that what is too large is noticed early.
    const step = 65_536;
    for (let p = 0; p < packed.length; p += step) stream.push(packed.subarray(p, p + step), p + step >= packed.length);
    if (packed.length === 0) damaged(place, `'${e.name}' is empty`);
  } catch (error) {
    if ((error as Error).name === 'FormatError') throw error;
    damaged(place, `'${e.name}' cannot be inflated: ${(error as Error).message}`);
  }
  return at === e.size ? out : damaged(place, `'${e.name}' has ${at} bytes, not the ${e.size} it announces`);
}

/**
 * The files of a zip archive, by name. Throws FormatError where anything of it is damaged, for encrypted archives,
 * methods other than stored and deflated, and names that come twice. No more is inflated than the entries announce
 * together, nor than the archive's own bytes could hold.
 * @param wanted which files are read; others are skipped
 */
export function readZip(
  bytes: Uint8Array,
  place: Place,
  wanted: (name: string) => boolean = () => true,
): Map<string, Uint8Array> {
  const r = new Reader(bytes, place);
  const files = new Map<string, Uint8Array>();
  let total = 0;
  for (const e of entriesOf(r)) {
    if (e.name.endsWith('/') || !wanted(e.name)) continue;
    if (files.has(e.name)) return damaged(place, `the archive has '${e.name}' twice`);
    // Entries may not share their bytes: a small archive would become any size.
    total += e.packed;
    if (total > bytes.length) return damaged(place, 'the files of the archive overlap');
    const packed = packedOf(r, e);
    if (e.method !== 0 && e.method !== 8)
      return damaged(place, `'${e.name}' is packed by method ${e.method}`, 'supported are stored and deflated');
    if (e.method === 0 && e.packed !== e.size)
      return damaged(place, `'${e.name}' has ${e.packed} bytes, not ${e.size}`);
    const file = e.method === 0 ? packed : inflate(packed, e, place);
    if (crc32(file) !== e.crc) return damaged(place, `the checksum of '${e.name}' is wrong`);
    files.set(e.name, file);
  }
  return files;
}

/** When files are said to have been made: the same contents give the same archive. */
const date = new Date(1980, 0, 1, 12);

/** A zip archive of files, stored without compression: elements of weights gain little by it. */
export const writeZip = (files: Readonly<Record<string, Uint8Array>>): Uint8Array =>
  zipSync(files, { level: 0, mtime: date });
