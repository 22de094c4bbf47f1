// The filters of PNG: each byte of a row less what its neighbours suggest (PNG specification, section 9).

/** Which of left, above and left above is nearest to left + above - left above (Paeth). */
function paeth(a: number, b: number, c: number): number {
  const p = a + b - c;
  const [pa, pb, pc] = [Math.abs(p - a), Math.abs(p - b), Math.abs(p - c)];
  return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
}

/** What filter `kind` suggests for a byte with these neighbours. */
const guess = (kind: number, left: number, up: number, corner: number): number =>
  kind === 0 ? 0 : kind === 1 ? left : kind === 2 ? up : kind === 3 ? (left + up) >> 1 : paeth(left, up, corner);

/**
 * Undoes a filter in place.
 * @param row where the row begins in `data`; the one above begins at `above`, -1 for the first
 * @param step bytes from a pixel to the next
 */
export function unfilter(
  data: Uint8Array,
  kind: number,
  row: number,
  above: number,
  length: number,
  step: number,
): void {
  if (kind === 0) return;
  for (let i = 0; i < length; i++) {
    const left = i >= step ? data[row + i - step] : 0;
    const up = above >= 0 ? data[above + i] : 0;
    const corner = i >= step && above >= 0 ? data[above + i - step] : 0;
    data[row + i] += guess(kind, left, up, corner);
  }
}

/** The filtered row, and its kind in front: the filter whose bytes are smallest, which packs well. */
export function filtered(data: Uint8Array, row: number, above: number, length: number, step: number): Uint8Array {
  let best: Uint8Array | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (let kind = 0; kind < 5; kind++) {
    const out = new Uint8Array(length + 1);
    out[0] = kind;
    let size = 0;
    for (let i = 0; i < length; i++) {
      const left = i >= step ? data[row + i - step] : 0;
      const up = above >= 0 ? data[above + i] : 0;
      const corner = i >= step && above >= 0 ? data[above + i - step] : 0;
      const x = (data[row + i] - guess(kind, left, up, corner)) & 255;
      out[i + 1] = x;
      size += x < 128 ? x : 256 - x;
    }
    if (size < least) [best, least] = [out, size];
  }
  return best as Uint8Array;
}
