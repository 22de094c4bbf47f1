// Pixels as baseline JPEG files with the tables that ITU-T T.81 suggests (annex K).

import { concatBytes } from '../bytes.ts';
import { cosines } from './jpeg-pixels.ts';
import { zigzag } from './jpeg-scan.ts';
import type { Raster } from './raster.ts';

/** Quantization at quality 50, of brightness and of colour differences, in natural order. */
const brightness = [
  16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51,
  87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101,
  72, 92, 95, 98, 112, 100, 103, 99,
];
const chroma = [
  17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99,
  99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
  99, 99, 99, 99, 99, 99,
];

/** How many codes of each length there are, and their symbols. */
interface Code {
  readonly counts: readonly number[];
  readonly symbols: readonly number[];
}
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i);
const hex = (text: string): number[] => (text.match(/../g) as string[]).map((b) => Number.parseInt(b, 16));
const dcBrightness: Code = { counts: [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0], symbols: upTo(12) };
const dcChroma: Code = { counts: [0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0], symbols: upTo(12) };
const acBrightness: Code = {
  counts: [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125],
  symbols: hex(
    '01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a161718191a25262728292a3435363738393a434445464748494a535455565758595a636465666768696a737475767778797a838485868788898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9fa',
  ),
};
const acChroma: Code = {
  counts: [0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 119],
  symbols: hex(
    '000102031104052131061241510761711322328108144291a1b1c109233352f0156272d10a162434e125f11718191a262728292a35363738393a434445464748494a535455565758595a636465666768696a737475767778797a82838485868788898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4f5f6f7f8f9fa',
  ),
};

/** Code and length of each symbol. */
function codesOf({ counts, symbols }: Code): { code: Uint16Array; length: Uint8Array } {
  const out = { code: new Uint16Array(256), length: new Uint8Array(256) };
  let [code, k] = [0, 0];
  counts.forEach((n, i) => {
    for (let j = 0; j < n; j++, k++) {
      out.code[symbols[k]] = code++;
      out.length[symbols[k]] = i + 1;
    }
    code <<= 1;
  });
  return out;
}

/** Bits into bytes; a byte 255 gets a 0 behind it. */
class BitWriter {
  #bytes = new Uint8Array(1 << 16);
  #at = 0;
  #buffer = 0;
  #count = 0;

  write(x: number, n: number): void {
    this.#buffer = (this.#buffer << n) | x;
    this.#count += n;
    while (this.#count >= 8) {
      this.#count -= 8;
      this.#put((this.#buffer >>> this.#count) & 255);
    }
    this.#buffer &= (1 << this.#count) - 1;
  }
  #put(byte: number): void {
    if (this.#at + 2 > this.#bytes.length) {
      const more = new Uint8Array(2 * this.#bytes.length);
      more.set(this.#bytes);
      this.#bytes = more;
    }
    this.#bytes[this.#at++] = byte;
    if (byte === 255) this.#bytes[this.#at++] = 0;
  }
  /** All bytes, the last one filled with ones. */
  end(): Uint8Array {
    if (this.#count) this.write((1 << (8 - this.#count)) - 1, 8 - this.#count);
    return this.#bytes.subarray(0, this.#at);
  }
}

/** Samples of a channel, row by row, with 0 in their middle. */
interface Samples {
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array;
}

/** A channel to be written. */
interface Channel {
  readonly samples: Samples;
  /** How many blocks of 8 samples a unit has across and down. */
  readonly blocks: number;
  readonly quant: Uint8Array;
  readonly dc: ReturnType<typeof codesOf>;
  readonly ac: ReturnType<typeof codesOf>;
  last: number;
}

/** Bits of a number's size. */
const sizeOf = (x: number): number => 32 - Math.clz32(Math.abs(x));
/** A number in the bits of its size: negative ones less one. */
const bitsOf = (x: number, size: number): number => (x < 0 ? x + (1 << size) - 1 : x);

/** A block's samples, and what they are after the first of two steps. */
const [pixels, half] = [new Float64Array(64), new Float64Array(64)];

/** The coefficients of the block that begins at sample (x0, y0), quantized, in zigzag order. */
function transform(c: Channel, x0: number, y0: number, out: Int32Array): void {
  const { width, height, data } = c.samples;
  // Beyond the border its samples go on.
  for (let i = 0; i < 64; i++)
    pixels[i] = data[Math.min(y0 + (i >> 3), height - 1) * width + Math.min(x0 + (i & 7), width - 1)];
  for (let y = 0; y < 8; y++)
    for (let u = 0; u < 8; u++) {
      let sum = 0;
      for (let x = 0; x < 8; x++) sum += pixels[y * 8 + x] * cosines[u * 8 + x];
      half[y * 8 + u] = sum;
    }
  for (let k = 0; k < 64; k++) {
    const [v, u] = [zigzag[k] >> 3, zigzag[k] & 7];
    let sum = 0;
    for (let y = 0; y < 8; y++) sum += half[y * 8 + u] * cosines[v * 8 + y];
    out[k] = Math.round(sum / c.quant[zigzag[k]]);
  }
}

function writeBlock(w: BitWriter, c: Channel, block: Int32Array): void {
  const difference = block[0] - c.last;
  c.last = block[0];
  const size = sizeOf(difference);
  w.write(c.dc.code[size], c.dc.length[size]);
  if (size) w.write(bitsOf(difference, size), size);
  let zeros = 0;
  for (let k = 1; k < 64; k++) {
    if (block[k] === 0) {
      zeros++;
      continue;
    }
    for (; zeros > 15; zeros -= 16) w.write(c.ac.code[0xf0], c.ac.length[0xf0]);
    const n = sizeOf(block[k]);
    const symbol = (zeros << 4) | n;
    w.write(c.ac.code[symbol], c.ac.length[symbol]);
    w.write(bitsOf(block[k], n), n);
    zeros = 0;
  }
  if (zeros) w.write(c.ac.code[0], c.ac.length[0]);
}

/** Quantization for a quality from 1 to 100, scaled as libjpeg does. */
function quantOf(table: readonly number[], quality: number): Uint8Array {
  const scale = quality < 50 ? Math.floor(5000 / quality) : 200 - 2 * quality;
  return Uint8Array.from(table, (q) => Math.max(1, Math.min(255, Math.floor((q * scale + 50) / 100))));
}

/** A weighted sum of an image's colours. */
function mixed({ width, height, channels, data }: Raster, weights: readonly number[], shift: number): Samples {
  const out = new Float32Array(width * height);
  const [r, g, b] = weights;
  for (let i = 0, at = 0; i < out.length; i++, at += channels)
    out[i] = channels === 1 ? data[at] + shift : r * data[at] + g * data[at + 1] + b * data[at + 2] + shift;
  return { width, height, data: out };
}

/** The means of 2x2 samples. */
function halvedSamples(s: Samples): Samples {
  const [width, height] = [(s.width + 1) >> 1, (s.height + 1) >> 1];
  const data = new Float32Array(width * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [top, left] = [2 * y * s.width, 2 * x];
      const [bottom, right] = [Math.min(2 * y + 1, s.height - 1) * s.width, Math.min(2 * x + 1, s.width - 1)];
      data[y * width + x] =
        (s.data[top + left] + s.data[top + right] + s.data[bottom + left] + s.data[bottom + right]) / 4;
    }
  return { width, height, data };
}

/** The channels of an image: brightness and, for colours, two differences, halved both ways where asked for. */
function channelsOf(r: Raster, quality: number, halved: boolean): Channel[] {
  const light = { quant: quantOf(brightness, quality), dc: codesOf(dcBrightness), ac: codesOf(acBrightness), last: 0 };
  const samples = mixed(r, [0.299, 0.587, 0.114], -128);
  if (r.channels === 1) return [{ ...light, samples, blocks: 1 }];
  const colour = { quant: quantOf(chroma, quality), dc: codesOf(dcChroma), ac: codesOf(acChroma), last: 0 };
  const difference = (weights: readonly number[]): Channel => {
    const full = mixed(r, weights, 0);
    return { ...colour, samples: halved ? halvedSamples(full) : full, blocks: 1 };
  };
  return [
    { ...light, samples, blocks: halved ? 2 : 1 },
    difference([-0.168735892, -0.331264108, 0.5]),
    difference([0.5, -0.418687589, -0.081312411]),
  ];
}

const segment = (marker: number, body: readonly number[]): Uint8Array =>
  Uint8Array.of(0xff, marker, (body.length + 2) >> 8, (body.length + 2) & 255, ...body);

/** The JPEG file of a grey or RGB image, quality from 1 to 100. */
export function writeJpeg(r: Raster, quality: number, halved: boolean): Uint8Array {
  const channels = channelsOf(r, quality, halved);
  const unit = 8 * channels[0].blocks;
  const w = new BitWriter();
  const block = new Int32Array(64);
  for (let y = 0; y < r.height; y += unit)
    for (let x = 0; x < r.width; x += unit)
      for (const c of channels)
        for (let b = 0; b < c.blocks * c.blocks; b++) {
          const across = (x / unit) * c.blocks + (b % c.blocks);
          const down = (y / unit) * c.blocks + Math.floor(b / c.blocks);
          transform(c, 8 * across, 8 * down, block);
          writeBlock(w, c, block);
        }
  const ordered = (q: Uint8Array) => Array.from(zigzag, (i) => q[i]);
  const tables = channels.slice(0, 2).map((c, i) => segment(0xdb, [i, ...ordered(c.quant)]));
  const codes = [dcBrightness, acBrightness, dcChroma, acChroma].slice(0, 2 * tables.length);
  const huffman = codes.map((c, i) => segment(0xc4, [((i & 1) << 4) | (i >> 1), ...c.counts, ...c.symbols]));
  const specs = channels.flatMap((c, i) => [i + 1, 17 * c.blocks, Math.min(i, 1)]);
  const size = [r.height >> 8, r.height & 255, r.width >> 8, r.width & 255];
  const scan = channels.flatMap((_, i) => [i + 1, 17 * Math.min(i, 1)]);
  return concatBytes([
    Uint8Array.of(0xff, 0xd8),
    segment(0xe0, [0x4a, 0x46, 0x49, 0x46, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0]),
    ...tables,
    segment(0xc0, [8, ...size, channels.length, ...specs]),
    ...huffman,
    segment(0xda, [channels.length, ...scan, 0, 63, 0]),
    w.end(),
    Uint8Array.of(0xff, 0xd9),
  ]);
}
