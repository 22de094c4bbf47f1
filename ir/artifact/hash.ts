// xxHash32: https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md

const [P1, P2, P3, P4, P5] = [0x9e3779b1, 0x85ebca77, 0xc2b2ae3d, 0x27d4eb2f, 0x165667b1];
const { imul } = Math;
const rotate = (x: number, n: number): number => (x << n) | (x >>> (32 - n));

/**
 * The xxHash32 of some bytes with seed 0: it finds damage, and is no protection against intent. Written for code that
 * runs once: whole words of an array, and nothing called per word.
 */
export function hashOf(bytes: Uint8Array): number {
  const n = bytes.length;
  const aligned = bytes.byteOffset % 4 ? bytes.slice() : bytes;
  // Typed arrays have the machine's order of bytes, which everywhere is the little-endian one that is meant.
  const words = new Int32Array(aligned.buffer, aligned.byteOffset, n >>> 2);
  let i = 0;
  let h = P5;
  if (n >= 16) {
    let [a, b, c, d] = [(P1 + P2) | 0, P2 | 0, 0, -P1 | 0];
    for (const end = (n >>> 4) << 2; i < end; i += 4) {
      a += imul(words[i], P2);
      a = imul((a << 13) | (a >>> 19), P1);
      b += imul(words[i + 1], P2);
      b = imul((b << 13) | (b >>> 19), P1);
      c += imul(words[i + 2], P2);
      c = imul((c << 13) | (c >>> 19), P1);
      d += imul(words[i + 3], P2);
      d = imul((d << 13) | (d >>> 19), P1);
    }
    h = rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18);
  }
  h += n;
  for (; i < words.length; i++) h = imul(rotate((h + imul(words[i], P3)) | 0, 17), P4);
  for (let at = 4 * i; at < n; at++) h = imul(rotate((h + imul(bytes[at], P5)) | 0, 11), P1);
  h = imul(h ^ (h >>> 15), P2);
  h = imul(h ^ (h >>> 13), P3);
  return (h ^ (h >>> 16)) >>> 0;
}
