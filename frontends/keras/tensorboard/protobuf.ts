// Writes protocol buffers: fields by number, as far as event files need them.
// Format: https://protobuf.dev/programming-guides/encoding

/** A message under construction. */
export class Message {
  readonly #bytes: number[] = [];
  /** What is before them. */
  readonly #chunks: Uint8Array[] = [];

  #varint(x: number | bigint): void {
    // Negative int64 take ten bytes: two's complement.
    let n = BigInt.asUintN(64, BigInt(x));
    while (n > 127n) {
      this.#bytes.push(Number(n & 127n) | 128);
      n >>= 7n;
    }
    this.#bytes.push(Number(n));
  }
  #tag(field: number, wire: number): void {
    this.#varint(field * 8 + wire);
  }
  #flush(): void {
    if (this.#bytes.length) this.#chunks.push(Uint8Array.from(this.#bytes.splice(0)));
  }

  /** int32, int64, enum, bool. */
  int(field: number, x: number): this {
    this.#tag(field, 0);
    this.#varint(Math.trunc(x));
    return this;
  }
  double(field: number, x: number): this {
    this.#tag(field, 1);
    this.#bytes.push(...new Uint8Array(littleEndian([x])));
    return this;
  }
  float(field: number, x: number): this {
    this.#tag(field, 5);
    const view = new DataView(new ArrayBuffer(4));
    view.setFloat32(0, x, true);
    this.#bytes.push(...new Uint8Array(view.buffer));
    return this;
  }
  bytes(field: number, x: Uint8Array): this {
    this.#tag(field, 2);
    this.#varint(x.length);
    this.#flush();
    this.#chunks.push(x);
    return this;
  }
  string(field: number, x: string): this {
    return this.bytes(field, new TextEncoder().encode(x));
  }
  message(field: number, x: Message): this {
    return this.bytes(field, x.finish());
  }
  /** Repeated doubles in one field. */
  doubles(field: number, xs: readonly number[]): this {
    return this.bytes(field, new Uint8Array(littleEndian(xs)));
  }

  /** The bytes of the message. */
  finish(): Uint8Array {
    this.#flush();
    const all = new Uint8Array(this.#chunks.reduce((n, c) => n + c.length, 0));
    let at = 0;
    for (const c of this.#chunks) {
      all.set(c, at);
      at += c.length;
    }
    return all;
  }
}

function littleEndian(xs: readonly number[]): ArrayBuffer {
  const view = new DataView(new ArrayBuffer(8 * xs.length));
  xs.forEach((x, i) => void view.setFloat64(8 * i, x, true));
  return view.buffer;
}
