// xxHash32: https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md

const [P1, P2, P3, P4, P5] = [0x9e3779b1, 0x85ebca77, 0xc2b2ae3d, 0x27d4eb2f, 0x165667b1];
const { imul } = Math;
const rotate = (x: number, n: number): number => (x << n) | (x >>> (32 - n));
const round = (lane: number, word: number): number => imul(rotate(lane + imul(word, P2), 13), P1);

/** The xxHash32 of some bytes with seed 0: it finds damage, and is no protection against intent. */
export function hashOf(bytes: Uint8Array): number {
  const n = bytes.length;
  const view = new DataView(bytes.buffer, bytes.byteOffset, n);
  let at = 0;
  let h = P5;
  if (n >= 16) {
    let [a, b, c, d] = [P1 + P2, P2, 0, -P1];
    for (; at + 16 <= n; at += 16) {
      a = round(a, view.getInt32(at, true));
      b = round(b, view.getInt32(at + 4, true));
      c = round(c, view.getInt32(at + 8, true));
      d = round(d, view.getInt32(at + 12, true));
    }
    h = rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18);
  }
  h += n;
  for (; at + 4 <= n; at += 4) h = imul(rotate((h + imul(view.getInt32(at, true), P3)) | 0, 17), P4);
  for (; at < n; at++) h = imul(rotate((h + imul(bytes[at], P5)) | 0, 11), P1);
  h = imul(h ^ (h >>> 15), P2);
  h = imul(h ^ (h >>> 13), P3);
  return (h ^ (h >>> 16)) >>> 0;
}
