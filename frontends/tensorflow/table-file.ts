// Table files: sorted pairs of key and value, as LevelDB writes them and TensorFlow's checkpoints use them
// (https://github.com/google/leveldb/blob/main/doc/table_format.md; tensorflow/core/lib/io/table.cc).
//
//   data blocks, meta blocks, index block: each followed by its compression (1 byte) and masked CRC-32C (4 bytes)
//   footer, 48 bytes: places of the meta index and of the index (varints), padding, magic number
//
// A block is entries (shared bytes with the key before, other bytes, bytes of the value, the bytes), then restart points
// (places of entries that share nothing) and their number.

import { FormatError } from '../../ir/errors.ts';
import { crc32c } from '../keras/checksum.ts';
import { unsnappy } from './snappy.ts';

const FOOTER = 48;
const TRAILER = 5;
const MAGIC = 0xdb4775248b80fb57n;
/** More than any block of a checkpoint's index has. */
const LARGEST_BLOCK = 2 ** 28;

const damaged = (what: string, op: string): FormatError =>
  new FormatError(`the table file is damaged: ${what}`, { op, fix: 'get the file again' });

/** Checksums are stored rotated and with a constant added, so that data with checksums in it does not check itself. */
export function unmasked(crc: number): number {
  const rotated = (crc - 0xa282ead8) >>> 0;
  return ((rotated >>> 17) | (rotated << 15)) >>> 0;
}

/** Reads numbers of seven bits a byte from a range of bytes. */
export class Varints {
  readonly #data: Uint8Array;
  readonly #op: string;
  at: number;

  constructor(data: Uint8Array, at: number, op: string) {
    this.#data = data;
    this.#op = op;
    this.at = at;
  }

  /** The next number. Throws FormatError where it does not end, or is no safe integer. */
  next(): number {
    let x = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#data[this.at++];
      if (byte === undefined) break;
      x += (byte & 127) * 2 ** shift;
      if (byte < 128 && Number.isSafeInteger(x)) return x;
    }
    throw damaged('a number does not end, or is too large', this.#op);
  }
}

/** A place in the file. */
interface Handle {
  readonly offset: number;
  readonly size: number;
}

function handleAt(data: Uint8Array, at: number, op: string): Handle {
  const v = new Varints(data, at, op);
  return { offset: v.next(), size: v.next() };
}

/** The contents of a block, checked and decompressed. */
function blockAt(file: Uint8Array, { offset, size }: Handle, op: string): Uint8Array {
  if (offset + size + TRAILER > file.length - FOOTER)
    throw damaged(`a block of ${size} bytes at ${offset} is not inside of its ${file.length} bytes`, op);
  const end = offset + size;
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (unmasked(view.getUint32(end + 1, true)) !== crc32c(file.subarray(offset, end + 1)))
    throw damaged(`the block at ${offset} has another checksum`, op);
  const stored = file.subarray(offset, end);
  if (file[end] === 0) return stored;
  if (file[end] === 1) return unsnappy(stored, LARGEST_BLOCK, op);
  throw damaged(`the block at ${offset} is compressed by method ${file[end]}, which there is not`, op);
}

/** A pair of the table. */
export interface TableEntry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** The pairs of a block, in order. */
function entriesOf(block: Uint8Array, op: string): TableEntry[] {
  if (block.length < 4) throw damaged('a block has no restart points', op);
  const restarts = new DataView(block.buffer, block.byteOffset).getUint32(block.length - 4, true);
  const end = block.length - 4 - 4 * restarts;
  if (end < 0) throw damaged(`a block of ${block.length} bytes says that it has ${restarts} restart points`, op);
  const entries: TableEntry[] = [];
  let key = new Uint8Array();
  // Keys are written out whole; those that share much would take more memory than the file has.
  let budget = 64 * block.length + 4096;
  const v = new Varints(block.subarray(0, end), 0, op);
  while (v.at < end) {
    const [shared, own, length] = [v.next(), v.next(), v.next()];
    if (shared > key.length || own > end - v.at || length > end - v.at - own)
      throw damaged('an entry is longer than its block', op);
    budget -= shared + own;
    if (budget < 0) throw damaged('its keys are far longer than what is stored of them', op);
    const next = new Uint8Array(shared + own);
    next.set(key.subarray(0, shared));
    next.set(block.subarray(v.at, v.at + own), shared);
    key = next;
    v.at += own + length;
    entries.push({ key, value: block.subarray(v.at - length, v.at) });
  }
  return entries;
}

/**
 * All pairs of a table file, in the order of their keys.
 * Throws FormatError for a damaged file, and for one that is no table.
 */
export function readTable(file: Uint8Array, op: string): TableEntry[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (file.length < FOOTER || view.getBigUint64(file.length - 8, true) !== MAGIC)
    throw new FormatError(`this is no table file: its ${file.length} bytes do not end with a table's magic number`, {
      op,
      fix: "pass the '.index' file of a TensorFlow checkpoint; checkpoints of TensorFlow before 0.12 are not supported",
    });
  const footer = new Varints(file, file.length - FOOTER, op);
  // The meta index, which checkpoints leave empty.
  footer.next();
  footer.next();
  const index = { offset: footer.next(), size: footer.next() };
  const entries: TableEntry[] = [];
  let reached = 0;
  for (const { value } of entriesOf(blockAt(file, index, op), op)) {
    const handle = handleAt(value, 0, op);
    // Blocks follow each other; one named many times would be read as often.
    if (handle.offset < reached) throw damaged('its blocks overlap', op);
    reached = handle.offset + handle.size + TRAILER;
    for (const e of entriesOf(blockAt(file, handle, op), op)) entries.push(e);
  }
  return entries;
}
