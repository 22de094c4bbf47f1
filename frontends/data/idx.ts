// IDX files, in which the MNIST digits come: unsigned bytes behind a header of dimensions.

import { ArgumentError } from '../../ir/errors.ts';
import { concatBytes } from '../bytes.ts';

/** Bytes of a file that may be unpacked: far more than any of these files has. */
const LARGEST = 2 ** 30;

const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

/** The error for a file that is not what it should be. */
const damaged = (name: string, why: string): ArgumentError =>
  new ArgumentError(`'${name}': ${why}`, { op: 'datasets', fix: 'the file is damaged: get it anew' });

/** The bytes that a .gz file packs; a file that is not packed as it is. Throws ArgumentError for a damaged one. */
async function unpacked(bytes: Uint8Array<ArrayBuffer>, name: string): Promise<Uint8Array> {
  if (!isGzip(bytes)) return bytes;
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip')).getReader();
    for (let r = await reader.read(); !r.done; r = await reader.read()) {
      parts.push(r.value);
      size += r.value.length;
      if (size > LARGEST) {
        await reader.cancel();
        throw new RangeError(`it unpacks to more than ${LARGEST} bytes`);
      }
    }
  } catch (e) {
    throw damaged(name, `cannot be unpacked: ${(e as Error).message}`);
  }
  return concatBytes(parts);
}

/**
 * The dimensions and bytes of an IDX file (or one packed by gzip) of unsigned bytes.
 * @param rank how many dimensions it must have
 * Throws ArgumentError for a file of another kind, a truncated and a too long one.
 */
export async function readIdx(
  file: Uint8Array<ArrayBuffer>,
  rank: number,
  name: string,
): Promise<{ shape: number[]; data: Uint8Array }> {
  const bytes = await unpacked(file, name);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const head = 4 + 4 * rank;
  if (bytes.length < head || view.getUint32(0) !== 0x0800 + rank)
    throw damaged(name, `it is no IDX file of unsigned bytes with ${rank} dimension(s)`);
  const shape = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  const size = shape.reduce((n, d) => n * d, 1);
  if (bytes.length - head !== size)
    throw damaged(name, `it should have ${size} bytes of data ([${shape}]), and has ${bytes.length - head}`);
  return { shape, data: bytes.subarray(head) };
}
