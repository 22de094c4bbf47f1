// PNG files (third edition, without animation) as pixels. Every length is checked before it is used, and no more
// memory is taken than the file's own bytes could fill.

import { unzlibSync } from 'fflate/browser';
import { concatBytes } from '../bytes.ts';
import { crc32 } from './crc.ts';
import { unfilter } from './png-filter.ts';
import { checkSize, damaged, type Raster } from './raster.ts';

/** What a PNG's first chunk says. */
interface Header {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly colour: number;
  readonly interlaced: boolean;
}
interface Chunks {
  readonly header: Header;
  /** The packed pixels. */
  readonly packed: Uint8Array;
  /** Red, green and blue of each palette entry. */
  readonly palette: Uint8Array | undefined;
  /** Alpha of palette entries, or the sample that is transparent. */
  readonly transparent: Uint8Array | undefined;
}

/** Samples of a pixel by colour type, and the depths that each may have. */
const samples: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
const depths: Readonly<Record<number, readonly number[]>> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
};
const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** Bytes that one packed byte may become, at most (deflate), with some room for its header. */
const RATIO = 1040;

/** Whether bytes begin as a PNG. */
export const isPng = (bytes: Uint8Array): boolean => signature.every((x, i) => bytes[i] === x);

function readHeader(data: Uint8Array, maxPixels: number, op: string): Header {
  if (data.length !== 13) throw damaged('the header of the PNG has a wrong length', op);
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const [depth, colour, method, filter, interlace] = data.subarray(8);
  if (!depths[colour]?.includes(depth))
    throw damaged(`the PNG has colour type ${colour} with ${depth} bits, which does not exist`, op);
  if (method !== 0 || filter !== 0 || interlace > 1) throw damaged('the PNG uses a method that does not exist', op);
  checkSize(width, height, maxPixels, op);
  return { width, height, depth, colour, interlaced: interlace === 1 };
}

/** Reads all chunks that matter, and checks that they are whole. */
function readChunks(bytes: Uint8Array, maxPixels: number, op: string): Chunks {
  if (!isPng(bytes)) throw damaged('the file is no PNG', op, 'use tf.image.decodeImage for files of unknown kind');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let header: Header | undefined;
  let palette: Uint8Array | undefined;
  let transparent: Uint8Array | undefined;
  const packed: Uint8Array[] = [];
  for (let at = signature.length; ; ) {
    if (at + 12 > bytes.length) throw damaged('the PNG ends before its last chunk', op);
    const length = view.getUint32(at);
    if (at + 12 + length > bytes.length) throw damaged('a chunk of the PNG is cut off', op);
    const kind = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const data = bytes.subarray(at + 8, at + 8 + length);
    if (crc32(bytes.subarray(at + 4, at + 8 + length)) !== view.getUint32(at + 8 + length))
      throw damaged(`the PNG's chunk ${kind} has a wrong checksum`, op);
    if (!header && kind !== 'IHDR') throw damaged('the PNG does not begin with its header', op);
    if (kind === 'IHDR') {
      if (header) throw damaged('the PNG has two headers', op);
      header = readHeader(data, maxPixels, op);
    } else if (kind === 'PLTE') palette = data;
    else if (kind === 'tRNS') transparent = data;
    else if (kind === 'IDAT') packed.push(data);
    else if (kind === 'IEND') break;
    else if (/^[A-Z]/.test(kind)) throw damaged(`the PNG needs a chunk of kind ${kind}, which is unknown`, op);
    at += 12 + length;
  }
  return { header: header as Header, packed: concatBytes(packed), palette, transparent };
}

/** One of the images that an interlaced file consists of. */
interface Pass {
  readonly x: number;
  readonly y: number;
  readonly dx: number;
  readonly dy: number;
  readonly width: number;
  readonly height: number;
}

/** The passes of Adam7, or the one of a file that is not interlaced; those without pixels are left out. */
function passesOf(h: Header): Pass[] {
  const grid = h.interlaced
    ? [
        [0, 0, 8, 8],
        [4, 0, 8, 8],
        [0, 4, 4, 8],
        [2, 0, 4, 4],
        [0, 2, 2, 4],
        [1, 0, 2, 2],
        [0, 1, 1, 2],
      ]
    : [[0, 0, 1, 1]];
  return grid
    .map(([x, y, dx, dy]) => ({
      x,
      y,
      dx,
      dy,
      width: Math.ceil((h.width - x) / dx),
      height: Math.ceil((h.height - y) / dy),
    }))
    .filter((p) => p.width > 0 && p.height > 0);
}

/** The samples of all pixels in their own depth. */
function readSamples({ header: h, packed }: Chunks, op: string): Uint8Array | Uint16Array {
  const count = samples[h.colour];
  const passes = passesOf(h);
  const rowBytes = (p: Pass) => Math.ceil((p.width * count * h.depth) / 8);
  const size = passes.reduce((n, p) => n + p.height * (1 + rowBytes(p)), 0);
  if (size > packed.length * RATIO) throw damaged('the PNG has too few bytes for its pixels', op);
  let raw: Uint8Array;
  try {
    // What follows on the pixels is not unpacked: it could go on for long.
    raw = unzlibSync(packed.subarray(0, 2 * size + 2 ** 16), { out: new Uint8Array(size) });
  } catch (e) {
    throw damaged(`the PNG's pixels cannot be unpacked: ${(e as Error).message}`, op);
  }
  if (raw.length < size) throw damaged(`the PNG has ${raw.length} bytes of pixels where there must be ${size}`, op);
  const out = h.depth === 16 ? new Uint16Array(h.width * h.height * count) : new Uint8Array(h.width * h.height * count);
  const step = Math.max(1, (count * h.depth) / 8);
  let at = 0;
  for (const p of passes) {
    const length = rowBytes(p);
    for (let y = 0; y < p.height; y++, at += length + 1) {
      if (raw[at] > 4) throw damaged(`the PNG uses filter ${raw[at]}, which does not exist`, op);
      unfilter(raw, raw[at], at + 1, y === 0 ? -1 : at - length, length, step);
      placeRow(raw, at + 1, h, p, y, count, out);
    }
  }
  return out;
}

/** Puts the samples of a pass's row where they belong in the image. */
function placeRow(
  raw: Uint8Array,
  from: number,
  h: Header,
  p: Pass,
  y: number,
  count: number,
  out: Uint8Array | Uint16Array,
): void {
  const row = (p.y + y * p.dy) * h.width + p.x;
  const mask = (1 << h.depth) - 1;
  for (let i = 0; i < p.width * count; i++) {
    const pixel = Math.floor(i / count);
    const to = (row + pixel * p.dx) * count + (i - pixel * count);
    if (h.depth === 8) out[to] = raw[from + i];
    else if (h.depth === 16) out[to] = (raw[from + 2 * i] << 8) | raw[from + 2 * i + 1];
    else {
      const bit = i * h.depth;
      out[to] = (raw[from + (bit >> 3)] >> (8 - h.depth - (bit & 7))) & mask;
    }
  }
}

/** Palette entries in the place of their indices; with alpha where some are transparent. */
function fromPalette(indices: Uint8Array, { header: h, palette, transparent }: Chunks, op: string): Raster {
  if (!palette || palette.length % 3 !== 0 || palette.length > 768) throw damaged('the PNG lacks a valid palette', op);
  const channels = transparent ? 4 : 3;
  const data = new Uint8Array(indices.length * channels);
  for (let i = 0; i < indices.length; i++) {
    const k = indices[i];
    if (3 * k >= palette.length)
      throw damaged(`a pixel of the PNG has colour ${k}, the palette ${palette.length / 3}`, op);
    for (let c = 0; c < 3; c++) data[i * channels + c] = palette[3 * k + c];
    if (transparent) data[i * channels + 3] = transparent[k] ?? 255;
  }
  return { width: h.width, height: h.height, channels, data };
}

/** Adds alpha: 0 for the one colour that the file calls transparent. */
function keyed(r: Raster, key: Uint8Array, opaque: number, op: string): Raster {
  if (key.length !== 2 * r.channels) throw damaged('the transparent colour of the PNG has a wrong length', op);
  const colour = Array.from({ length: r.channels }, (_, c) => (key[2 * c] << 8) | key[2 * c + 1]);
  const { channels } = r;
  const data = new (r.data.constructor as Uint8ArrayConstructor)((r.data.length / channels) * (channels + 1));
  for (let i = 0, o = 0; i < r.data.length; i += channels) {
    let same = true;
    for (let c = 0; c < channels; c++) {
      data[o++] = r.data[i + c];
      if (r.data[i + c] !== colour[c]) same = false;
    }
    data[o++] = same ? 0 : opaque;
  }
  return { ...r, channels: channels + 1, data };
}

/**
 * The pixels of a PNG: 16 bits where the file has them, else 8 (fewer are scaled up); palettes become colours.
 * Throws ArgumentError for anything that is no whole PNG, and for more than `maxPixels`.
 */
export function readPng(bytes: Uint8Array, maxPixels: number, op: string): Raster {
  const chunks = readChunks(bytes, maxPixels, op);
  const { header: h, transparent } = chunks;
  const data = readSamples(chunks, op);
  if (h.colour === 3) return fromPalette(data as Uint8Array, chunks, op);
  const plain: Raster = { width: h.width, height: h.height, channels: samples[h.colour], data };
  // The key is a sample of the file's own depth: it is compared before grey values are scaled.
  const r = transparent && h.colour < 3 ? keyed(plain, transparent, (1 << h.depth) - 1, op) : plain;
  if (h.depth >= 8) return r;
  const scale = 255 / ((1 << h.depth) - 1);
  return { ...r, data: r.data.map((x) => x * scale) };
}
