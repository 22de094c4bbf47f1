// Pixels as PNG files.

import { zlibSync } from 'fflate/browser';
import { concatBytes } from '../bytes.ts';
import { crc32 } from './crc.ts';
import { filtered } from './png-filter.ts';
import type { Raster } from './raster.ts';

/** Length, kind, data and checksum. */
function chunk(kind: string, data: Uint8Array): Uint8Array {
  const out = new Uint8Array(data.length + 12);
  const view = new DataView(out.buffer);
  view.setUint32(0, data.length);
  for (let i = 0; i < 4; i++) out[4 + i] = kind.charCodeAt(i);
  out.set(data, 8);
  view.setUint32(8 + data.length, crc32(out.subarray(4, 8 + data.length)));
  return out;
}

/** The bytes of the samples, the high one of 16 bits first. */
function bigEndian(data: Uint8Array | Uint16Array): Uint8Array {
  if (data instanceof Uint8Array) return data;
  const out = new Uint8Array(2 * data.length);
  for (let i = 0; i < data.length; i++) {
    out[2 * i] = data[i] >> 8;
    out[2 * i + 1] = data[i] & 255;
  }
  return out;
}

/** The PNG file of an image; `level` from 0 (fast) to 9 (small). */
export function writePng(r: Raster, level: number): Uint8Array {
  const { width, height, channels } = r;
  const data = bigEndian(r.data);
  const step = data === r.data ? channels : 2 * channels;
  const length = width * step;
  const rows = new Uint8Array(height * (length + 1));
  for (let y = 0; y < height; y++)
    rows.set(filtered(data, y * length, y === 0 ? -1 : (y - 1) * length, length, step), y * (length + 1));
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header[8] = data === r.data ? 8 : 16;
  header[9] = [0, 4, 2, 6][channels - 1];
  const packed = zlibSync(rows, { level: level as 0 });
  const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
  return concatBytes([signature, chunk('IHDR', header), chunk('IDAT', packed), chunk('IEND', new Uint8Array(0))]);
}
