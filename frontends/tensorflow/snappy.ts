// Decompression of snappy's raw format (https://github.com/google/snappy/blob/main/format_description.txt), which
// blocks of table files may be stored in.

import { FormatError } from '../../ir/errors.ts';

const broken = (what: string, op: string): FormatError =>
  new FormatError(`a compressed block is damaged: ${what}`, { op, fix: 'get the file again' });

/** The length that a block says it has, and where its elements begin. */
function header(data: Uint8Array, op: string): [length: number, at: number] {
  let length = 0;
  for (let at = 0; at < 5 && at < data.length; at++) {
    length += (data[at] & 127) * 2 ** (7 * at);
    if (data[at] < 128) return [length, at + 1];
  }
  throw broken('its length does not end', op);
}

/** A number of `n` little-endian bytes. Throws FormatError where they are not there. */
function number(data: Uint8Array, at: number, n: number, op: string): number {
  if (at + n > data.length) throw broken('it ends inside of an element', op);
  let x = 0;
  for (let i = 0; i < n; i++) x += data[at + i] * 2 ** (8 * i);
  return x;
}

/**
 * The bytes of a compressed block.
 * @param most bytes that it may have
 * Throws FormatError for damaged data and for blocks of more bytes.
 */
export function unsnappy(data: Uint8Array, most: number, op: string): Uint8Array {
  const [length, start] = header(data, op);
  // One element of three bytes gives 64 at the most.
  if (length > most || length > (data.length - start) * 32)
    throw broken(`it says that it has ${length} bytes, which its ${data.length} cannot hold`, op);
  const out = new Uint8Array(length);
  let to = 0;
  for (let at = start; at < data.length; ) {
    const tag = data[at++];
    const kind = tag & 3;
    if (kind === 0) {
      const extra = Math.max(0, (tag >> 2) - 59);
      const n = 1 + (extra ? number(data, at, extra, op) : tag >> 2);
      at += extra;
      if (at + n > data.length || to + n > length) throw broken('a literal is longer than the block', op);
      out.set(data.subarray(at, at + n), to);
      at += n;
      to += n;
      continue;
    }
    const bytes = kind === 3 ? 4 : kind;
    const n = kind === 1 ? 4 + ((tag >> 2) & 7) : 1 + (tag >> 2);
    const offset = number(data, at, bytes, op) + (kind === 1 ? (tag >> 5) * 256 : 0);
    at += bytes;
    if (offset === 0 || offset > to || to + n > length) throw broken('a copy is from outside of the block', op);
    // Copies may overlap what they write: a run of the last bytes.
    if (offset >= n) out.copyWithin(to, to - offset, to - offset + n);
    else for (let i = 0; i < n; i++) out[to + i] = out[to + i - offset];
    to += n;
  }
  if (to !== length) throw broken(`it has ${to} bytes instead of ${length}`, op);
  return out;
}
