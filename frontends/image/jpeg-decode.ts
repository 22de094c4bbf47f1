// JPEG files (baseline, extended and progressive, 8 bits a sample, Huffman codes) as pixels.

import { Bits, HuffmanTable, JpegError } from './jpeg-bits.ts';
import { type Plane, samplesOf, upsampled } from './jpeg-pixels.ts';
import { type Component, readScan, zigzag } from './jpeg-scan.ts';
import { checkSize, damaged, type Raster } from './raster.ts';

/** Scans that a file may have: each goes over all blocks, so that few bytes could cost much time. */
const MOST_SCANS = 200;

interface Frame {
  readonly width: number;
  readonly height: number;
  readonly progressive: boolean;
  readonly components: Component[];
  readonly maxH: number;
  readonly maxV: number;
}

/** Whether bytes begin as a JPEG. */
export const isJpeg = (b: Uint8Array): boolean => b[0] === 0xff && b[1] === 0xd8 && b[2] === 0xff;

/** A file on its way to pixels. */
class JpegReader {
  readonly #data: Uint8Array;
  readonly #op: string;
  readonly #maxPixels: number;
  readonly #quant: Uint16Array[] = [];
  readonly #dc: HuffmanTable[] = [];
  readonly #ac: HuffmanTable[] = [];
  #frame: Frame | undefined;
  #restart = 0;
  #scans = 0;
  /** What Adobe's segment says of the colours; undefined without one. */
  #adobe: number | undefined;
  #jfif = false;

  constructor(data: Uint8Array, maxPixels: number, op: string) {
    [this.#data, this.#maxPixels, this.#op] = [data, maxPixels, op];
  }

  /** Reads all segments up to the end of the image. */
  read(): void {
    const data = this.#data;
    for (let at = 2; ; ) {
      while (data[at] === 0xff && data[at + 1] === 0xff) at++;
      const marker = data[at + 1];
      if (data[at] !== 0xff || marker === undefined) throw new JpegError('it ends early');
      at += 2;
      if (marker === 0xd9) return;
      if (marker >= 0xd0 && marker <= 0xd8) throw new JpegError('it has a marker where none may be');
      const length = (data[at] << 8) | data[at + 1];
      if (!(length >= 2) || at + length > data.length) throw new JpegError('a segment is cut off');
      const segment = data.subarray(at + 2, at + length);
      at += length;
      if (marker === 0xda) at = this.#scan(segment, at);
      else this.#segment(marker, segment);
    }
  }

  #segment(marker: number, s: Uint8Array): void {
    const text = String.fromCharCode(...s.subarray(0, 5));
    if (marker === 0xdb) this.#quantization(s);
    else if (marker === 0xc4) this.#huffman(s);
    else if (marker === 0xdd) this.#restart = s.length === 2 ? (s[0] << 8) | s[1] : this.#bad('restart interval');
    else if (marker <= 0xc2 && marker >= 0xc0) this.#startFrame(s, marker === 0xc2);
    else if (marker >= 0xc3 && marker <= 0xcf)
      throw new JpegError(
        `it is of a kind that is not supported (lossless, hierarchical or arithmetic: marker ${marker.toString(16)})`,
      );
    else if (marker === 0xe0 && text.startsWith('JFIF')) this.#jfif = true;
    else if (marker === 0xee && text === 'Adobe' && s.length >= 12) this.#adobe = s[11];
  }

  #bad(what: string): never {
    throw new JpegError(`its ${what} is invalid`);
  }

  #quantization(s: Uint8Array): void {
    for (let at = 0; at < s.length; ) {
      const [wide, id] = [s[at] >> 4, s[at] & 15];
      const size = wide ? 128 : 64;
      if (wide > 1 || id > 3 || at + 1 + size > s.length) this.#bad('quantization table');
      const table = new Uint16Array(64);
      for (let k = 0; k < 64; k++)
        table[zigzag[k]] = wide ? (s[at + 1 + 2 * k] << 8) | s[at + 2 + 2 * k] : s[at + 1 + k];
      this.#quant[id] = table;
      at += 1 + size;
    }
  }

  #huffman(s: Uint8Array): void {
    for (let at = 0; at < s.length; ) {
      const [kind, id] = [s[at] >> 4, s[at] & 15];
      const counts = s.subarray(at + 1, at + 17);
      const size = counts.reduce((n, c) => n + c, 0);
      if (kind > 1 || id > 3 || size > 256 || at + 17 + size > s.length) this.#bad('Huffman table');
      (kind ? this.#ac : this.#dc)[id] = new HuffmanTable(counts, s.slice(at + 17, at + 17 + size));
      at += 17 + size;
    }
  }

  #startFrame(s: Uint8Array, progressive: boolean): void {
    if (this.#frame) throw new JpegError('it has two frames');
    const count = s[5];
    if (s.length < 6 || s.length < 6 + 3 * count || ![1, 3, 4].includes(count)) this.#bad('frame header');
    if (s[0] !== 8) throw new JpegError(`it has ${s[0]} bits a sample, which are not supported`);
    const [height, width] = [(s[1] << 8) | s[2], (s[3] << 8) | s[4]];
    checkSize(width, height, this.#maxPixels, this.#op);
    const specs = Array.from({ length: count }, (_, i) => s.subarray(6 + 3 * i, 9 + 3 * i));
    const factors = specs.map(([, hv]) => [hv >> 4, hv & 15]);
    // One channel alone has no other to be sampled against.
    const [maxH, maxV] = [0, 1].map((k) => (count === 1 ? 1 : Math.max(...factors.map((f) => f[k]))));
    if (factors.flat().some((f) => f < 1 || f > 4) || specs.some(([, , table]) => table > 3)) this.#bad('frame header');
    const across = Math.ceil(width / (8 * maxH));
    const down = Math.ceil(height / (8 * maxV));
    const sizes = factors.map(([h, v]) => (count === 1 ? [1, 1] : [h, v]));
    const blocks = sizes.reduce((n, [h, v]) => n + across * h * down * v, 0);
    // A block takes a bit at least.
    if (blocks > 8 * this.#data.length) throw new JpegError('it has too few bytes for its pixels');
    const components = specs.map(([id, , table], i): Component => {
      const [h, v] = sizes[i];
      const stride = across * h;
      return {
        id,
        h,
        v,
        table,
        stride,
        blocksWide: Math.ceil(Math.ceil((width * h) / maxH) / 8),
        blocksHigh: Math.ceil(Math.ceil((height * v) / maxV) / 8),
        coefficients: new Int16Array(64 * stride * down * v),
      };
    });
    this.#frame = { width, height, progressive, components, maxH, maxV };
  }

  /** Reads a scan; says where the next marker is. */
  #scan(s: Uint8Array, at: number): number {
    const f = this.#frame;
    if (!f) throw new JpegError('it has pixels before its frame header');
    if (++this.#scans > MOST_SCANS) throw new JpegError(`it has more than ${MOST_SCANS} scans`);
    const count = s[0];
    if (!(count >= 1 && count <= 4) || s.length < 4 + 2 * count) this.#bad('scan header');
    const parts = Array.from({ length: count }, (_, i) => {
      const [id, tables] = s.subarray(1 + 2 * i);
      const component = f.components.find((c) => c.id === id) ?? this.#bad('scan header');
      return { component, dc: this.#dc[tables >> 4], ac: this.#ac[tables & 15], last: 0 };
    });
    const [from, to, bits] = s.subarray(1 + 2 * count);
    const kind = { progressive: f.progressive, from, to, high: bits >> 4, low: bits & 15 };
    if (new Set(parts.map((p) => p.component)).size !== count) this.#bad('scan header');
    if (f.progressive && (to > 63 || from > to || kind.low > 13 || (from === 0 ? to !== 0 : count !== 1)))
      this.#bad('scan header');
    const layout = {
      unitsWide: Math.ceil(f.width / (8 * f.maxH)),
      unitsHigh: Math.ceil(f.height / (8 * f.maxV)),
      restart: this.#restart,
    };
    return readScan(new Bits(this.#data, at), kind, parts, layout);
  }

  /** The channels at the image's size. */
  planes(): { frame: Frame; planes: Plane[] } {
    const f = this.#frame;
    if (!f || this.#scans === 0) throw new JpegError('it has no pixels');
    const planes = f.components.map((c) => {
      const quant = this.#quant[c.table] ?? this.#bad('quantization table');
      const [w, h] = [Math.ceil((f.width * c.h) / f.maxH), Math.ceil((f.height * c.v) / f.maxV)];
      const [across, down] = [f.maxH / c.h, f.maxV / c.v];
      if (!Number.isInteger(across) || !Number.isInteger(down))
        throw new JpegError('its channels are sampled in a way that is not supported');
      return upsampled(samplesOf(c, quant, w, h), f.width, f.height, across, down);
    });
    return { frame: f, planes };
  }

  /** Whether three channels are brightness and colour differences, not red, green and blue. */
  isYcc(f: Frame): boolean {
    if (this.#adobe !== undefined && !this.#jfif) return this.#adobe !== 0;
    return (
      this.#jfif ||
      f.components
        .slice(0, 3)
        .map((c) => c.id)
        .join() !== '82,71,66'
    );
  }
  get adobe(): number | undefined {
    return this.#adobe;
  }
}

const clip = (x: number): number => Math.max(0, Math.min(255, Math.round(x)));

/** Red, green and blue of brightness and colour differences (JFIF 1.02), in place at `o`. */
function fromYcc(data: Uint8Array, o: number, y: number, cb: number, cr: number): void {
  data[o] = clip(y + 1.402 * (cr - 128));
  data[o + 1] = clip(y - 0.344136286 * (cb - 128) - 0.714136286 * (cr - 128));
  data[o + 2] = clip(y + 1.772 * (cb - 128));
}

/** Red, green and blue of four inks; Adobe's files hold what each of them leaves of the light. */
function fromInk(data: Uint8Array, o: number, ink: Uint8Array, black: number, light: boolean): void {
  for (let i = 0; i < 3; i++)
    data[o + i] = clip(light ? (ink[i] * black) / 255 : ((255 - ink[i]) * (255 - black)) / 255);
}

/** The pixels of the channels: grey, or RGB. */
function coloured(reader: JpegReader, grey: boolean): Raster {
  const { frame: f, planes } = reader.planes();
  const { width, height } = f;
  const ycc = planes.length === 3 ? reader.isYcc(f) : reader.adobe === 2;
  // The first channel is the brightness.
  const single = planes.length === 1 || (grey && planes.length === 3 && ycc);
  const channels = single ? 1 : 3;
  const data = new Uint8Array(width * height * channels);
  const ink = new Uint8Array(3);
  const [p, q, r, k] = [0, 1, 2, 3].map((i) => planes[i] ?? planes[0]);
  for (let y = 0, o = 0; y < height; y++)
    for (let x = 0; x < width; x++, o += channels) {
      const a = p.data[y * p.stride + x];
      const b = q.data[y * q.stride + x];
      const c = r.data[y * r.stride + x];
      if (single) data[o] = a;
      else if (planes.length === 4) {
        [ink[0], ink[1], ink[2]] = [a, b, c];
        if (ycc) {
          fromYcc(ink, 0, a, b, c);
          for (let i = 0; i < 3; i++) ink[i] = 255 - ink[i];
        }
        fromInk(data, o, ink, k.data[y * k.stride + x], reader.adobe !== undefined);
      } else if (ycc) fromYcc(data, o, a, b, c);
      else [data[o], data[o + 1], data[o + 2]] = [a, b, c];
    }
  return { width, height, channels, data };
}

/**
 * The pixels of a JPEG: one channel for a grey one, else RGB.
 * @param grey whether the brightness alone is wanted
 * Throws ArgumentError for anything that is no whole JPEG, and for more than `maxPixels`.
 */
export function readJpeg(bytes: Uint8Array, maxPixels: number, grey: boolean, op: string): Raster {
  if (!isJpeg(bytes)) throw damaged('the file is no JPEG', op, 'use tf.image.decodeImage for files of unknown kind');
  try {
    const reader = new JpegReader(bytes, maxPixels, op);
    reader.read();
    return coloured(reader, grey);
  } catch (e) {
    if (e instanceof JpegError) throw damaged(`the JPEG cannot be read: ${e.message}`, op);
    throw e;
  }
}
