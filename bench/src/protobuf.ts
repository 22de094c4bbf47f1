// The wire format of protocol buffers, as far as writing an ONNX file needs it.

/** Builds one message; fields may come in any order. */
export class Message {
  private readonly parts: Uint8Array[] = [];

  private tag(field: number, wire: number): void {
    this.parts.push(varint(field * 8 + wire));
  }
  int(field: number, value: number): this {
    this.tag(field, 0);
    this.parts.push(varint(value));
    return this;
  }
  float(field: number, value: number): this {
    this.tag(field, 5);
    this.parts.push(new Uint8Array(Float32Array.of(value).buffer));
    return this;
  }
  bytes(field: number, value: Uint8Array): this {
    this.tag(field, 2);
    this.parts.push(varint(value.length), value);
    return this;
  }
  text(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value));
  }
  message(field: number, value: Message): this {
    return this.bytes(field, value.done());
  }
  /** A repeated integer field, one element after another in one length-delimited block. */
  ints(field: number, values: readonly number[]): this {
    return this.bytes(field, join(values.map(varint)));
  }
  done(): Uint8Array {
    return join(this.parts);
  }
}

/** Seven bits a byte, the lowest first; negative numbers as 64-bit two's complement. */
function varint(value: number): Uint8Array {
  let rest = BigInt.asUintN(64, BigInt(value));
  const out: number[] = [];
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    out.push(rest ? low | 0x80 : low);
  } while (rest);
  return Uint8Array.from(out);
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  return out;
}
