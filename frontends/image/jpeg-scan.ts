// The coefficients of JPEG scans, sequential and progressive (ITU-T T.81, annexes F and G).

import type { Bits, HuffmanTable } from './jpeg-bits.ts';
import { JpegError } from './jpeg-bits.ts';

/** Where coefficient k of a block's order stands in the block. */
export const zigzag = Uint8Array.from([
  0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
  35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47,
  55, 62, 63,
]);

/** A colour channel and its blocks of 8x8 coefficients. */
export interface Component {
  readonly id: number;
  /** Samples of it across and down, where the least sampled channel has 1. */
  readonly h: number;
  readonly v: number;
  readonly table: number;
  /** Blocks that hold pixels, and those that whole units have. */
  readonly blocksWide: number;
  readonly blocksHigh: number;
  readonly stride: number;
  readonly coefficients: Int16Array;
}

/** The component as one scan reads it. */
export interface ScanComponent {
  readonly component: Component;
  readonly dc: HuffmanTable | undefined;
  readonly ac: HuffmanTable | undefined;
  /** The last block's first coefficient. */
  last: number;
}

/** Which coefficients a scan holds, and which of their bits. */
export interface ScanKind {
  readonly progressive: boolean;
  readonly from: number;
  readonly to: number;
  /** 0 in the first scan of these coefficients; else it refines them by one bit. */
  readonly high: number;
  readonly low: number;
}

const need = (table: HuffmanTable | undefined): HuffmanTable => {
  if (!table) throw new JpegError('a Huffman table is missing');
  return table;
};

/** Reads blocks of one scan. */
export class BlockReader {
  readonly #bits: Bits;
  readonly #kind: ScanKind;
  /** Blocks that follow without further coefficients. */
  #run = 0;

  constructor(bits: Bits, kind: ScanKind) {
    this.#bits = bits;
    this.#kind = kind;
  }

  restart(): void {
    this.#run = 0;
  }

  /** Reads the block whose coefficients begin at `at`. */
  read(s: ScanComponent, at: number): void {
    const { progressive, from, high } = this.#kind;
    const c = s.component.coefficients;
    if (!progressive) {
      c[at] = this.#first(s);
      this.#sequential(need(s.ac), c, at);
    } else if (from === 0) {
      if (high === 0) c[at] = this.#first(s) << this.#kind.low;
      else if (this.#bits.read(1)) c[at] |= 1 << this.#kind.low;
    } else if (high === 0) this.#spectrum(need(s.ac), c, at);
    else this.#refine(need(s.ac), c, at);
  }

  /** The first coefficient, which is told as the difference from the last block's. */
  #first(s: ScanComponent): number {
    const size = need(s.dc).read(this.#bits);
    if (size > 15) throw new JpegError('a coefficient has too many bits');
    s.last += this.#bits.signed(size);
    return s.last;
  }

  #sequential(ac: HuffmanTable, c: Int16Array, at: number): void {
    for (let k = 1; k < 64; k++) {
      const code = ac.read(this.#bits);
      const size = code & 15;
      if (size === 0 && code !== 0xf0) return;
      k += code >> 4;
      if (k > 63) throw new JpegError('a block has too many coefficients');
      if (size) c[at + zigzag[k]] = this.#bits.signed(size);
    }
  }

  #spectrum(ac: HuffmanTable, c: Int16Array, at: number): void {
    if (this.#run > 0) {
      this.#run--;
      return;
    }
    const { from, to, low } = this.#kind;
    for (let k = from; k <= to; k++) {
      const code = ac.read(this.#bits);
      const [zeros, size] = [code >> 4, code & 15];
      if (size === 0 && zeros < 15) {
        this.#run = (1 << zeros) - 1 + this.#bits.read(zeros);
        return;
      }
      k += zeros;
      if (k > 63) throw new JpegError('a block has too many coefficients');
      if (size) c[at + zigzag[k]] = this.#bits.signed(size) * (1 << low);
    }
  }

  /** One more bit of a coefficient that is not 0. */
  #sharpen(c: Int16Array, i: number): void {
    if (!this.#bits.read(1)) return;
    const bit = 1 << this.#kind.low;
    if ((Math.abs(c[i]) & bit) === 0) c[i] += c[i] > 0 ? bit : -bit;
  }

  #refine(ac: HuffmanTable, c: Int16Array, at: number): void {
    const { from, to, low } = this.#kind;
    let k = from;
    for (; this.#run === 0 && k <= to; k++) {
      const code = ac.read(this.#bits);
      let zeros = code >> 4;
      let fresh = 0;
      if ((code & 15) === 0) {
        if (zeros < 15) {
          this.#run = (1 << zeros) + this.#bits.read(zeros);
          break;
        }
      } else fresh = this.#bits.read(1) ? 1 << low : -(1 << low);
      // Past what is known by now, and past as many zeros.
      for (; k <= to; k++) {
        const i = at + zigzag[k];
        if (c[i]) this.#sharpen(c, i);
        else if (zeros-- === 0) {
          c[i] = fresh;
          break;
        }
      }
    }
    if (this.#run === 0) return;
    for (; k <= to; k++) if (c[at + zigzag[k]]) this.#sharpen(c, at + zigzag[k]);
    this.#run--;
  }
}

/** What a scan's blocks are counted in, over the image. */
export interface Layout {
  readonly unitsWide: number;
  readonly unitsHigh: number;
  /** Units from one restart marker to the next; 0 where there are none. */
  readonly restart: number;
}

/** Reads a scan and says where the next marker is. */
export function readScan(bits: Bits, kind: ScanKind, parts: ScanComponent[], layout: Layout): number {
  const reader = new BlockReader(bits, kind);
  const single = parts.length === 1 ? parts[0] : undefined;
  // A scan of one channel goes over its own blocks, one of several over units of blocks of all.
  const wide = single ? single.component.blocksWide : layout.unitsWide;
  const units = wide * (single ? single.component.blocksHigh : layout.unitsHigh);
  for (let n = 0; n < units; n++) {
    if (layout.restart && n && n % layout.restart === 0) {
      bits.restart();
      reader.restart();
      for (const p of parts) p.last = 0;
    }
    const [x, y] = [n % wide, Math.floor(n / wide)];
    if (single) {
      reader.read(single, 64 * (y * single.component.stride + x));
      continue;
    }
    for (const p of parts) {
      const { h, v, stride } = p.component;
      for (let i = 0; i < v; i++) for (let j = 0; j < h; j++) reader.read(p, 64 * ((y * v + i) * stride + x * h + j));
    }
  }
  return bits.end();
}
