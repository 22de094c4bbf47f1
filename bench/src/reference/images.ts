// Reference operations on images (batch x height x width x channels).

import type { Window } from '../ops.ts';
import { type Exact, make } from './exact.ts';

type Shape = readonly number[];
/** First elements of an output pixel, of the image pixel under the tap, and of that tap's numbers. */
type Visit = (out: number, image: number, filter: number) => void;

/** Results along an axis of n pixels, and the padding before the first pixel. */
function along(n: number, taps: number, { pad, stride = 1 }: Window): readonly [number, number] {
  if (pad === 'valid') return [Math.floor((n - taps) / stride) + 1, 0];
  const count = Math.ceil(n / stride);
  return [count, Math.max((count - 1) * stride + taps - n, 0) >> 1];
}

/** The shape of what windows of the filter give. */
function windowShape(image: Shape, filter: Shape, window: Window, channels: number): Shape {
  return [image[0], along(image[1], filter[0], window)[0], along(image[2], filter[1], window)[0], channels];
}

/**
 * Visits every pair of output pixel and filter position that lies inside the image: shapes are
 * batch x height x width x channels and height x width x numbers of a tap.
 */
export function slide(image: Shape, filter: Shape, window: Window, channels: number, visit: Visit): void {
  const [batch, height, width, deep] = image;
  const [fh, fw, ...rest] = filter;
  const taps = rest.reduce((n, d) => n * d, 1);
  const [oh, top] = along(height, fh, window);
  const [ow, left] = along(width, fw, window);
  const stride = window.stride ?? 1;
  for (let pixel = 0; pixel < batch * oh * ow; pixel++) {
    const x = (pixel % ow) * stride - left;
    const y = (Math.floor(pixel / ow) % oh) * stride - top;
    const n = Math.floor(pixel / (ow * oh));
    for (let tap = 0; tap < fh * fw; tap++) {
      const iy = y + Math.floor(tap / fw);
      const ix = x + (tap % fw);
      if (iy < 0 || ix < 0 || iy >= height || ix >= width) continue;
      visit(pixel * channels, ((n * height + iy) * width + ix) * deep, tap * taps);
    }
  }
}

export function conv2d(image: Exact, filter: Exact, window: Window): Exact {
  const [ci, co] = filter.shape.slice(2);
  const out = make(windowShape(image.shape, filter.shape, window, co));
  const [y, x, w] = [out.data, image.data, filter.data];
  slide(image.shape, filter.shape, window, co, (o, at, f) => {
    for (let c = 0; c < ci; c++) {
      const v = x[at + c];
      const row = f + c * co;
      for (let k = 0; k < co; k++) y[o + k] += v * w[row + k];
    }
  });
  return out;
}

export function depthwise(image: Exact, filter: Exact, window: Window): Exact {
  const channels = image.shape[3];
  const out = make(windowShape(image.shape, filter.shape, window, channels));
  const [y, x, w] = [out.data, image.data, filter.data];
  slide(image.shape, filter.shape, window, channels, (o, at, f) => {
    for (let c = 0; c < channels; c++) y[o + c] += x[at + c] * w[f + c];
  });
  return out;
}

/** The windows of a pooling: no numbers belong to their taps. */
export const pooled = (size: number): readonly [readonly [number, number, number], Window] => [
  [size, size, 0],
  { pad: 'same', stride: 2 },
];

export function maxPool(image: Exact, size: number): Exact {
  const [filter, window] = pooled(size);
  const channels = image.shape[3];
  const out = make(windowShape(image.shape, filter, window, channels));
  out.data.fill(-Infinity);
  slide(image.shape, filter, window, channels, (o, at) => {
    for (let c = 0; c < channels; c++) out.data[o + c] = Math.max(out.data[o + c], image.data[at + c]);
  });
  return out;
}

/** Source pixels and their weights at a fractional position on an axis of n pixels. */
type Sources = (position: number, n: number) => readonly (readonly [number, number])[];

export function resize(x: Exact, [height, width]: readonly [number, number], sources: Sources): Exact {
  const [n, h, w, c] = x.shape;
  const out = make([n, height, width, c]);
  for (let k = 0; k < out.data.length; k++) {
    const channel = k % c;
    const col = Math.floor(k / c) % width;
    const row = Math.floor(k / (c * width)) % height;
    const image = Math.floor(k / (c * width * height));
    for (const [i, wi] of sources((row * h) / height, h))
      for (const [j, wj] of sources((col * w) / width, w))
        out.data[k] += wi * wj * x.data[((image * h + i) * w + j) * c + channel];
  }
  return out;
}
