// float16 on the JavaScript side: a tensor of it is held as a Float32Array of numbers that float16 has,
// and as 16 bits an element in device memory.

/** The float16 nearest to a number, ties to even. */
export function roundHalf(x: number): number {
  const a = Math.abs(x);
  if (!(a < 65520)) return Number.isNaN(x) ? x : x * Infinity;
  if (a === 0) return x;
  // Numbers from 2^e to 2^(e + 1) are multiples of 2^(e - 10); below 2^-14 of 2^-24.
  let e = Math.max(Math.floor(Math.log2(a)), -14);
  if (e > -14 && a < 2 ** e) e--;
  const unit = 2 ** (e - 10);
  const q = a / unit;
  const down = Math.floor(q);
  const rest = q - down;
  const n = rest > 0.5 || (rest === 0.5 && down % 2 === 1) ? down + 1 : down;
  return Math.sign(x) * n * unit;
}

/** The bits of the float16 nearest to a number. */
export function halfBits(x: number): number {
  const h = roundHalf(x);
  if (Number.isNaN(h)) return 0x7e00;
  const sign = h < 0 || Object.is(h, -0) ? 0x8000 : 0;
  const a = Math.abs(h);
  if (a === Infinity) return sign | 0x7c00;
  if (a < 2 ** -14) return sign | (a * 2 ** 24);
  let e = Math.floor(Math.log2(a));
  if (a < 2 ** e) e--;
  else if (a >= 2 ** (e + 1)) e++;
  return sign | ((e + 15) << 10) | (a * 2 ** (10 - e) - 1024);
}

/** The number of float16 bits. */
export function fromHalfBits(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const e = (bits >> 10) & 31;
  const f = bits & 1023;
  if (e === 31) return f ? Number.NaN : sign * Infinity;
  return sign * (e === 0 ? f * 2 ** -24 : (1024 + f) * 2 ** (e - 25));
}
