// NumPy's .npz: a zip archive of .npy files.

import { type AnyTensor, checkTensor } from './elements.ts';
import type { Place } from './format.ts';
import { decodeNpy, encodeNpy } from './npy.ts';
import { readZip, writeZip } from './zip.ts';

/** The tensors of a .npz file by name. Throws FormatError for a damaged one, and as `decodeNpy`. */
export function decodeNpz(bytes: Uint8Array, place: Place): Record<string, AnyTensor> {
  const files = [...readZip(bytes, place, (name) => name.endsWith('.npy'))];
  return Object.fromEntries(
    files.map(([name, file]) => [name.slice(0, -'.npy'.length), decodeNpy(file, `'${name}'`, place)]),
  );
}

/** The bytes of a .npz file, as `numpy.savez` writes them. Rejects with TraceError for traced tensors. */
export async function encodeNpz(tensors: Readonly<Record<string, AnyTensor>>, op: string): Promise<Uint8Array> {
  const list = Object.entries(tensors);
  const files = await Promise.all(
    list.map(async ([name, t]) => [`${name}.npy`, await encodeNpy(checkTensor(t, `'${name}'`, op))] as const),
  );
  return writeZip(Object.fromEntries(files));
}
