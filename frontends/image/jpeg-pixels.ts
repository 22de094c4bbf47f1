// Coefficients of JPEG channels as samples, brought to one size.

import type { Component } from './jpeg-scan.ts';

/** Row u holds the values of the u-th cosine at the eight places, scaled so that the rows are orthonormal. */
export const cosines = Float64Array.from({ length: 64 }, (_, i) => {
  const [u, x] = [i >> 3, i & 7];
  return (u === 0 ? Math.SQRT1_2 : 1) * 0.5 * Math.cos(((2 * x + 1) * u * Math.PI) / 16);
});

/** Samples of a channel, row by row. */
export interface Plane {
  readonly width: number;
  readonly height: number;
  readonly stride: number;
  readonly data: Uint8Array;
}

/** The inverse cosine transform of all blocks (ITU-T T.81, A.3.3), row by row, then column by column. */
export function samplesOf(c: Component, quant: Uint16Array, width: number, height: number): Plane {
  const stride = c.stride * 8;
  const rows = c.coefficients.length / 64 / c.stride;
  const data = new Uint8Array(stride * rows * 8);
  const half = new Float64Array(64);
  for (let b = 0; b < c.coefficients.length / 64; b++) {
    const from = b * 64;
    for (let v = 0; v < 8; v++)
      for (let x = 0; x < 8; x++) {
        let sum = 0;
        for (let u = 0; u < 8; u++) {
          const k = c.coefficients[from + v * 8 + u];
          if (k) sum += k * quant[v * 8 + u] * cosines[u * 8 + x];
        }
        half[v * 8 + x] = sum;
      }
    const to = Math.floor(b / c.stride) * 8 * stride + (b % c.stride) * 8;
    for (let y = 0; y < 8; y++)
      for (let x = 0; x < 8; x++) {
        let sum = 128;
        for (let v = 0; v < 8; v++) sum += half[v * 8 + x] * cosines[v * 8 + y];
        data[to + y * stride + x] = Math.max(0, Math.min(255, Math.round(sum)));
      }
  }
  return { width, height, stride, data };
}

/** Twice the columns: each new one takes three quarters of the nearest sample and one of the next. */
function doubled(row: ArrayLike<number>, n: number, bias: readonly [number, number], shift: number) {
  const out = new Int32Array(2 * n);
  for (let i = 0; i < n; i++) {
    const [left, right] = [row[Math.max(0, i - 1)], row[Math.min(n - 1, i + 1)]];
    out[2 * i] = (3 * row[i] + left + bias[0]) >> shift;
    out[2 * i + 1] = (3 * row[i] + right + bias[1]) >> shift;
  }
  return out;
}

/**
 * A channel at the image's size. Halved channels are interpolated linearly between the centres of samples, with
 * the rounding of libjpeg ("fancy upsampling"); other ratios repeat samples.
 */
export function upsampled(p: Plane, width: number, height: number, h: number, v: number): Plane {
  if (h === 1 && v === 1) return p;
  const data = new Uint8Array(width * height);
  const at = (y: number, x: number) => p.data[Math.min(p.height - 1, Math.max(0, y)) * p.stride + x];
  const smooth = (h === 2 && v <= 2) || (h === 1 && v === 2);
  for (let y = 0; y < height; y++) {
    const row = Math.floor(y / v);
    if (!smooth) {
      for (let x = 0; x < width; x++) data[y * width + x] = at(row, Math.floor(x / h));
      continue;
    }
    const far = v === 1 ? row : row + (y % 2 ? 1 : -1);
    const near = Int32Array.from({ length: p.width }, (_, x) => (v === 1 ? at(row, x) : 3 * at(row, x) + at(far, x)));
    let line = near;
    if (h === 2) line = v === 1 ? doubled(near, p.width, [1, 2], 2) : doubled(near, p.width, [8, 7], 4);
    else for (let x = 0; x < line.length; x++) line[x] = (line[x] + (y % 2 ? 2 : 1)) >> 2;
    for (let x = 0; x < width; x++) data[y * width + x] = line[x];
  }
  return { width, height, stride: width, data };
}
