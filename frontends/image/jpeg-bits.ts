// The packed bits of a JPEG scan, and the Huffman codes in them (ITU-T T.81, annexes C and F).

/** What a broken scan is reported with; decodeJpeg gives it its place. */
export class JpegError extends Error {}

/** A Huffman code: short codes by table, longer ones by their largest value of each length. */
export class HuffmanTable {
  /** Length and symbol of the code that 9 bits begin with, 0 where it is longer. */
  readonly #short = new Uint16Array(512);
  readonly #largest = new Int32Array(17).fill(-1);
  readonly #offset = new Int32Array(17);
  readonly #symbols: Uint8Array;

  /** @param counts how many codes there are of each length from 1 to 16 */
  constructor(counts: Uint8Array, symbols: Uint8Array) {
    this.#symbols = symbols;
    let [code, k] = [0, 0];
    for (let length = 1; length <= 16; length++) {
      this.#offset[length] = k - code;
      for (let i = 0; i < counts[length - 1]; i++, code++, k++)
        if (length <= 9) this.#short.fill((length << 8) | symbols[k], code << (9 - length), (code + 1) << (9 - length));
      if (code > 1 << length) throw new JpegError('a Huffman table has more codes than fit');
      if (counts[length - 1]) this.#largest[length] = code - 1;
      code <<= 1;
    }
  }

  /** The next symbol. */
  read(bits: Bits): number {
    const next = bits.peek16();
    const found = this.#short[next >> 7];
    if (found) {
      bits.skip(found >> 8);
      return found & 255;
    }
    for (let length = 10; length <= 16; length++) {
      const code = next >> (16 - length);
      if (code > this.#largest[length]) continue;
      bits.skip(length);
      return this.#symbols[code + this.#offset[length]];
    }
    throw new JpegError('a code in its pixels does not exist');
  }
}

/** Reads bits up to the next marker. */
export class Bits {
  readonly #data: Uint8Array;
  #at: number;
  #buffer = 0;
  #count = 0;
  /** Bits of the buffer that are not in the file: they may be looked at, not used. */
  #beyond = 0;

  constructor(data: Uint8Array, at: number) {
    this.#data = data;
    this.#at = at;
  }

  #fill(): void {
    while (this.#count <= 24) {
      const byte = this.#data[this.#at];
      let next = 0;
      // A byte 255 has a 0 behind it; anything else behind it is a marker.
      if (byte === undefined || (byte === 255 && this.#data[this.#at + 1] !== 0)) this.#beyond += 8;
      else {
        next = byte;
        this.#at += byte === 255 ? 2 : 1;
      }
      this.#buffer = (this.#buffer << 8) | next;
      this.#count += 8;
    }
  }

  /** The next 16 bits, which stay where they are. */
  peek16(): number {
    if (this.#count < 16) this.#fill();
    return (this.#buffer >>> (this.#count - 16)) & 0xffff;
  }
  skip(n: number): void {
    this.#count -= n;
    if (this.#count < this.#beyond) throw new JpegError('its pixels end early');
  }
  /** A number of n bits, n at most 16. */
  read(n: number): number {
    if (n === 0) return 0;
    const x = this.peek16() >> (16 - n);
    this.skip(n);
    return x;
  }
  /** A signed number of a category: n bits, in which the lower half stands for negative numbers. */
  signed(n: number): number {
    const x = this.read(n);
    return n === 0 || x >= 1 << (n - 1) ? x : x - (1 << n) + 1;
  }

  /** Goes behind the restart marker that must come next. */
  restart(): void {
    this.#end();
    const marker = this.#data[this.#at + 1];
    if (this.#data[this.#at] !== 255 || !(marker >= 0xd0 && marker <= 0xd7))
      throw new JpegError('a restart marker is missing');
    this.#at += 2;
  }
  /** Where the next marker is: the scan has ended. */
  end(): number {
    this.#end();
    return this.#at;
  }
  #end(): void {
    [this.#buffer, this.#count, this.#beyond] = [0, 0, 0];
    // Whole bytes that were read ahead are before the marker as well: only it counts.
    while (this.#at < this.#data.length && !(this.#data[this.#at] === 255 && this.#data[this.#at + 1] !== 0))
      this.#at++;
    // Any number of bytes 255 may stand before the marker's.
    while (this.#data[this.#at + 1] === 255) this.#at++;
  }
}
