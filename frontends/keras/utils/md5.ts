// MD5 (RFC 1321), by which Keras numbers words in the same way on every machine. Not for security.

/** Bits that each of the four rounds rotates by, in turn. */
const rotations = [
  [7, 12, 17, 22],
  [5, 9, 14, 20],
  [4, 11, 16, 23],
  [6, 10, 15, 21],
];
const sines = Uint32Array.from({ length: 64 }, (_, i) => Math.floor(Math.abs(Math.sin(i + 1)) * 2 ** 32));

/** The bytes, a 1, zeros, and their number of bits: a multiple of 64 bytes. */
function padded(bytes: Uint8Array): DataView {
  const out = new Uint8Array(Math.ceil((bytes.length + 9) / 64) * 64);
  out.set(bytes);
  out[bytes.length] = 128;
  const view = new DataView(out.buffer);
  view.setUint32(out.length - 8, bytes.length * 8, true);
  view.setUint32(out.length - 4, Math.floor(bytes.length / 2 ** 29), true);
  return view;
}

/** The MD5 of a text in UTF-8, as a number of 128 bits. */
export function md5(text: string): bigint {
  const view = padded(new TextEncoder().encode(text));
  const state = Uint32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476);
  for (let at = 0; at < view.byteLength; at += 64) {
    let [a, b, c, d] = state;
    for (let i = 0; i < 64; i++) {
      const round = i >> 4;
      const f =
        round === 0 ? (b & c) | (~b & d) : round === 1 ? (d & b) | (~d & c) : round === 2 ? b ^ c ^ d : c ^ (b | ~d);
      const word = [i, 5 * i + 1, 3 * i + 5, 7 * i][round] % 16;
      const sum = (a + f + sines[i] + view.getUint32(at + 4 * word, true)) >>> 0;
      const turn = rotations[round][i % 4];
      [a, d, c] = [d, c, b];
      b = (b + ((sum << turn) | (sum >>> (32 - turn)))) >>> 0;
    }
    state.set([state[0] + a, state[1] + b, state[2] + c, state[3] + d]);
  }
  const bytes = new Uint8Array(state.buffer);
  // The words' low bytes come first; engines of the other order do not exist any more.
  return bytes.reduce((n, x) => (n << 8n) | BigInt(x), 0n);
}
