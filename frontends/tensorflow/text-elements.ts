// Tensors of strings in checkpoints: the lengths (varints), a masked CRC-32C of them, then all bytes.

import { FormatError } from '../../ir/errors.ts';
import { concatBytes } from '../bytes.ts';
import { crc32c } from '../keras/checksum.ts';
import { unmasked, Varints } from './table-file.ts';

/** Lengths as checksums see them: four bytes each, eight where that is too few. */
function lengthBytes(lengths: readonly number[]): Uint8Array {
  const wide = lengths.map((n) => (n < 2 ** 32 ? 4 : 8));
  const out = new DataView(new ArrayBuffer(wide.reduce((n, w) => n + w, 0)));
  let at = 0;
  lengths.forEach((n, i) => {
    if (wide[i] === 4) out.setUint32(at, n, true);
    else out.setBigUint64(at, BigInt(n), true);
    at += wide[i];
  });
  return new Uint8Array(out.buffer);
}

/**
 * The strings.
 * @param size how many there are
 * @param crc the masked checksum of the entry: of lengths, their checksum, and the bytes
 * Throws FormatError for damaged data.
 */
export function textElements(data: Uint8Array, size: number, crc: number, name: string, op: string): Uint8Array[] {
  const damaged = (what: string) =>
    new FormatError(`the checkpoint is damaged: the strings of '${name}' ${what}`, { op, fix: 'get its files again' });
  if (size > data.length) throw damaged(`are ${size} in ${data.length} bytes`);
  const v = new Varints(data, 0, op);
  const lengths = Array.from({ length: size }, () => v.next());
  const begin = v.at + 4;
  if (lengths.reduce((n, l) => n + l, begin) !== data.length) throw damaged('do not fill their bytes');
  const stored = new DataView(data.buffer, data.byteOffset).getUint32(v.at, true);
  const checked = lengthBytes(lengths);
  const rest = data.subarray(v.at);
  if (unmasked(stored) !== crc32c(checked) || unmasked(crc) !== crc32c(concatBytes([checked, rest])))
    throw damaged('have another checksum');
  let at = begin;
  return lengths.map((n) => {
    at += n;
    return data.subarray(at - n, at);
  });
}
