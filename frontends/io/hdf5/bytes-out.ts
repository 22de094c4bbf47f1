// Bytes that are written one after the other.

/** Numbers and bytes in a row, little-endian. */
export class Out {
  #bytes = new Uint8Array(256);
  #view = new DataView(this.#bytes.buffer);
  length = 0;

  #room(n: number): number {
    const at = this.length;
    this.length += n;
    if (this.length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.length, 2 * this.#bytes.length));
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }
  u8(...xs: number[]): this {
    for (const x of xs) {
      const at = this.#room(1);
      this.#view.setUint8(at, x);
    }
    return this;
  }
  u16(...xs: number[]): this {
    for (const x of xs) {
      const at = this.#room(2);
      this.#view.setUint16(at, x, true);
    }
    return this;
  }
  u32(...xs: number[]): this {
    for (const x of xs) {
      const at = this.#room(4);
      this.#view.setUint32(at, x, true);
    }
    return this;
  }
  /** Numbers of 8 bytes. */
  u64(...xs: number[]): this {
    for (const x of xs) {
      const at = this.#room(8);
      this.#view.setBigUint64(at, BigInt(x), true);
    }
    return this;
  }
  /** An address that says: there is nothing. */
  nowhere(): this {
    return this.u32(0xffffffff, 0xffffffff);
  }
  bytes(x: Uint8Array): this {
    const at = this.#room(x.length);
    this.#bytes.set(x, at);
    return this;
  }
  text(x: string): this {
    return this.bytes(new TextEncoder().encode(x));
  }
  /** Zeros up to a multiple of `n`. */
  align(n: number): this {
    this.#room((n - (this.length % n)) % n);
    return this;
  }
  zeros(n: number): this {
    this.#room(n);
    return this;
  }
  /** Replaces 4 bytes. */
  set32(at: number, x: number): void {
    this.#view.setUint32(at, x, true);
  }
  /** Replaces 8 bytes. */
  set64(at: number, x: number): void {
    this.#view.setBigUint64(at, BigInt(x), true);
  }
  result(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.length);
  }
}
