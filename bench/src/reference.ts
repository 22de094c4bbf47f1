// The cases' operations in float64, written for clarity: what every engine's output is compared to.

import { size } from './case.ts';
import type { Ops } from './ops.ts';

export interface Exact {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

const make = (shape: readonly number[]): Exact => ({ shape, data: new Float64Array(size(shape)) });

function map(x: Exact, f: (v: number, i: number) => number): Exact {
  const out = make(x.shape);
  for (let i = 0; i < out.data.length; i++) out.data[i] = f(x.data[i], i);
  return out;
}

/** Equal shapes, or `b` repeated over the leading axes of `a`. */
function zip(a: Exact, b: Exact, f: (x: number, y: number) => number): Exact {
  const n = b.data.length;
  return map(a, (v, i) => f(v, b.data[i % n]));
}

/** Rows of the last axis, each replaced by what `f` makes of it. */
function rows(x: Exact, f: (row: Float64Array) => Float64Array): Exact {
  const n = x.shape[x.shape.length - 1];
  const out = make(x.shape);
  for (let i = 0; i < x.data.length; i += n) out.data.set(f(x.data.subarray(i, i + n)), i);
  return out;
}

function softmaxRow(row: Float64Array): Float64Array {
  const max = row.reduce((m, v) => Math.max(m, v), -Infinity);
  const e = row.map((v) => Math.exp(v - max));
  const total = e.reduce((s, v) => s + v, 0);
  return e.map((v) => v / total);
}

/** erf by its series where that converges fast, else by the continued fraction of erfc. */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (a < 3) {
    let term = x;
    let total = x;
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(total); n++) {
      term *= (-x * x) / n;
      total += term / (2 * n + 1);
    }
    return (2 / Math.sqrt(Math.PI)) * total;
  }
  let fraction = 0;
  for (let n = 60; n > 0; n--) fraction = n / 2 / (a + fraction);
  return Math.sign(x) * (1 - Math.exp(-a * a) / (Math.sqrt(Math.PI) * (a + fraction)));
}

function matMul(a: Exact, b: Exact): Exact {
  const [m, k] = a.shape.slice(-2);
  const n = b.shape[b.shape.length - 1];
  const batch = size(a.shape.slice(0, -2));
  const out = make([...a.shape.slice(0, -1), n]);
  for (let s = 0; s < batch; s++)
    for (let i = 0; i < m; i++) {
      const row = out.data.subarray((s * m + i) * n, (s * m + i + 1) * n);
      for (let p = 0; p < k; p++) {
        const x = a.data[(s * m + i) * k + p];
        const at = (s * k + p) * n;
        for (let j = 0; j < n; j++) row[j] += x * b.data[at + j];
      }
    }
  return out;
}

function transpose(x: Exact, perm: readonly number[]): Exact {
  const out = make(perm.map((p) => x.shape[p]));
  const strides = x.shape.map((_, i) => size(x.shape.slice(i + 1)));
  for (let i = 0; i < out.data.length; i++) {
    let rest = i;
    let from = 0;
    for (let axis = perm.length - 1; axis >= 0; axis--) {
      from += (rest % out.shape[axis]) * strides[perm[axis]];
      rest = Math.floor(rest / out.shape[axis]);
    }
    out.data[i] = x.data[from];
  }
  return out;
}

type Visit = (out: Exact, outAt: number, imageAt: number, filterAt: number) => void;
/** Visits every pair of output pixel and filter position that lies inside the image. */
function slide(image: Exact, filter: Exact, pad: 'same' | 'valid', channels: number, visit: Visit): Exact {
  const [batch, height, width, deep] = image.shape;
  const [fh, fw, ...taps] = filter.shape;
  const [top, left] = pad === 'same' ? [(fh - 1) >> 1, (fw - 1) >> 1] : [0, 0];
  const [oh, ow] = pad === 'same' ? [height, width] : [height - fh + 1, width - fw + 1];
  const out = make([batch, oh, ow, channels]);
  for (let pixel = 0; pixel < batch * oh * ow; pixel++) {
    const x = pixel % ow;
    const y = Math.floor(pixel / ow) % oh;
    const n = Math.floor(pixel / (ow * oh));
    for (let tap = 0; tap < fh * fw; tap++) {
      const iy = y + Math.floor(tap / fw) - top;
      const ix = x + (tap % fw) - left;
      if (iy < 0 || ix < 0 || iy >= height || ix >= width) continue;
      visit(out, pixel * channels, ((n * height + iy) * width + ix) * deep, tap * size(taps));
    }
  }
  return out;
}

function conv2d(image: Exact, filter: Exact, pad: 'same' | 'valid'): Exact {
  const [ci, co] = filter.shape.slice(2);
  return slide(image, filter, pad, co, (out, o, at, f) => {
    for (let c = 0; c < ci; c++) {
      const v = image.data[at + c];
      for (let k = 0; k < co; k++) out.data[o + k] += v * filter.data[f + c * co + k];
    }
  });
}

function depthwise(image: Exact, filter: Exact, pad: 'same' | 'valid'): Exact {
  const channels = image.shape[3];
  return slide(image, filter, pad, channels, (out, o, at, f) => {
    for (let c = 0; c < channels; c++) out.data[o + c] += image.data[at + c] * filter.data[f + c];
  });
}

function maxPool(x: Exact): Exact {
  const [n, h, w, c] = x.shape;
  const out = make([n, h / 2, w / 2, c]);
  out.data.fill(-Infinity);
  for (let i = 0; i < x.data.length; i++) {
    const [channel, col] = [i % c, Math.floor(i / c) % w];
    const row = Math.floor(i / (c * w)); // of all images: heights are even
    const at = ((row >> 1) * (w / 2) + (col >> 1)) * c + channel;
    out.data[at] = Math.max(out.data[at], x.data[i]);
  }
  return out;
}

function sum(x: Exact, axis: number): Exact {
  const out = make(x.shape.filter((_, i) => i !== axis));
  const inner = size(x.shape.slice(axis + 1));
  for (let i = 0; i < x.data.length; i++)
    out.data[Math.floor(i / (inner * x.shape[axis])) * inner + (i % inner)] += x.data[i];
  return out;
}

function layerNorm(x: Exact, gamma: Exact, beta: Exact): Exact {
  return rows(x, (row) => {
    const mean = row.reduce((s, v) => s + v, 0) / row.length;
    const variance = row.reduce((s, v) => s + (v - mean) ** 2, 0) / row.length;
    return row.map((v, i) => ((v - mean) / Math.sqrt(variance + 1e-5)) * gamma.data[i] + beta.data[i]);
  });
}

/** Running sums. */
function cumsum(x: Exact, axis: number): Exact {
  const inner = size(x.shape.slice(axis + 1));
  const out = make(x.shape);
  for (let i = 0; i < x.data.length; i++) {
    const first = Math.floor(i / inner) % x.shape[axis] === 0;
    out.data[i] = x.data[i] + (first ? 0 : out.data[i - inner]);
  }
  return out;
}

type Parts = readonly [Float64Array, Float64Array];
/** The transform by halves while the length is even, then by the definition. */
function transform(re: Float64Array, im: Float64Array): Parts {
  const n = re.length;
  const out: Parts = [new Float64Array(n), new Float64Array(n)];
  const roots = Array.from({ length: n }, (_, k) => (-2 * Math.PI * k) / n);
  const [cos, sin] = [roots.map(Math.cos), roots.map(Math.sin)];
  if (n % 2 === 1) {
    for (let k = 0; k < n; k++)
      for (let j = 0; j < n; j++) {
        const t = (j * k) % n;
        out[0][k] += re[j] * cos[t] - im[j] * sin[t];
        out[1][k] += re[j] * sin[t] + im[j] * cos[t];
      }
    return out;
  }
  const part = (odd: number) =>
    transform(...([re, im].map((v) => v.filter((_, i) => i % 2 === odd)) as unknown as Parts));
  const [even, odd] = [part(0), part(1)];
  for (let k = 0; k < n; k++) {
    const h = k % (n / 2);
    out[0][k] = even[0][h] + cos[k] * odd[0][h] - sin[k] * odd[1][h];
    out[1][k] = even[1][h] + sin[k] * odd[0][h] + cos[k] * odd[1][h];
  }
  return out;
}

function fft(re: Exact, im: Exact): Exact {
  const n = re.shape[re.shape.length - 1];
  const out = make(re.shape);
  for (let i = 0; i < re.data.length; i += n) {
    const [x, y] = transform(re.data.subarray(i, i + n), im.data.subarray(i, i + n));
    out.data.set(
      x.map((v, k) => v + y[k]),
      i,
    );
  }
  return out;
}

/** The largest of each row. */
function topk(x: Exact, k: number): Exact {
  const n = x.shape[x.shape.length - 1];
  const out = make([...x.shape.slice(0, -1), k]);
  for (let r = 0; r < x.data.length / n; r++)
    out.data.set(
      x.data
        .slice(r * n, r * n + n)
        .sort()
        .reverse()
        .subarray(0, k),
      r * k,
    );
  return out;
}

/** Source pixels and their weights at a fractional position on an axis of n pixels. */
type Sources = (position: number, n: number) => readonly (readonly [number, number])[];

function resize(x: Exact, [height, width]: readonly [number, number], sources: Sources): Exact {
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

const relu = (x: Exact): Exact => map(x, (v) => Math.max(v, 0));
const add = (a: Exact, b: Exact): Exact => zip(a, b, (x, y) => x + y);
const scalar = (v: number): Exact => ({ shape: [], data: Float64Array.of(v) });
const mean = (x: Exact): number => x.data.reduce((s, v) => s + v, 0) / x.data.length;

export const reference: Ops<Exact> = {
  add,
  sub: (a, b) => zip(a, b, (x, y) => x - y),
  mul: (a, b) => zip(a, b, (x, y) => x * y),
  scale: (a, factor) => map(a, (v) => v * factor),
  relu,
  gelu: (x) => map(x, (v) => 0.5 * v * (1 + erf(v / Math.SQRT2))),
  softmax: (x) => rows(x, softmaxRow),
  layerNorm,
  sum,
  matMul,
  matMulTransposed: (a, b) => {
    const rank = b.shape.length;
    const swap = b.shape.map((_, i) => (i === rank - 1 ? rank - 2 : i === rank - 2 ? rank - 1 : i));
    return matMul(a, transpose(b, swap));
  },
  dense: (x, w, b, withRelu) => (withRelu ? relu(add(matMul(x, w), b)) : add(matMul(x, w), b)),
  reshape: (x, shape) => ({ shape, data: x.data }),
  transpose,
  conv2d: (x, filter, pad, bias, withRelu) => {
    const y = bias ? add(conv2d(x, filter, pad), bias) : conv2d(x, filter, pad);
    return withRelu ? relu(y) : y;
  },
  depthwise,
  maxPool,
  flatten: (x, shape) => ({ shape, data: x.data }),
  crossEntropy: (labels, logits) => {
    const logs = rows(logits, (row) => softmaxRow(row).map(Math.log));
    return scalar((-mean(zip(labels, logs, (p, l) => p * l)) * labels.data.length) / labels.shape[0]);
  },
  meanSquare: (a, b) => scalar(mean(zip(a, b, (x, y) => (x - y) ** 2))),
  cumsum,
  sort: (x) => rows(x, (row) => row.slice().sort()),
  topk,
  fft,
  resizeBilinear: (x, size) =>
    resize(x, size, (p, n) => {
      const low = Math.floor(p);
      const w = p - low;
      return [
        [low, 1 - w],
        [Math.min(low + 1, n - 1), w],
      ];
    }),
  resizeNearest: (x, size) => resize(x, size, (p) => [[Math.floor(p), 1]]),
  lstm: (x, w, u, b) => {
    const [steps, batch, inputs] = x.shape;
    const n = u.shape[0];
    const out = make([steps, batch, n]);
    const [h, c] = [new Float64Array(batch * n), new Float64Array(batch * n)];
    const sigmoid = (v: number) => 1 / (1 + Math.exp(-v));
    for (let t = 0; t < steps; t++) {
      const z = new Float64Array(batch * 4 * n);
      for (let r = 0; r < batch; r++)
        for (let k = 0; k < 4 * n; k++) {
          let s = b.data[k];
          for (let j = 0; j < inputs; j++) s += x.data[(t * batch + r) * inputs + j] * w.data[j * 4 * n + k];
          for (let j = 0; j < n; j++) s += h[r * n + j] * u.data[j * 4 * n + k];
          z[r * 4 * n + k] = s;
        }
      for (let r = 0; r < batch; r++)
        for (let k = 0; k < n; k++) {
          const [i, o, f, g] = [0, 1, 2, 3].map((q) => z[r * 4 * n + q * n + k]);
          c[r * n + k] = sigmoid(f) * c[r * n + k] + sigmoid(i) * Math.tanh(g);
          h[r * n + k] = sigmoid(o) * Math.tanh(c[r * n + k]);
        }
      out.data.set(h, t * batch * n);
    }
    return out;
  },
  gatherRows: (x, i) => {
    const n = x.shape[1];
    const out = make([i.data.length, n]);
    i.data.forEach((row, k) => void out.data.set(x.data.subarray(row * n, (row + 1) * n), k * n));
    return out;
  },
  scatterAdd: (i, updates, rows) => {
    const n = updates.shape[1];
    const out = make([rows, n]);
    for (let k = 0; k < updates.data.length; k++) out.data[i.data[Math.floor(k / n)] * n + (k % n)] += updates.data[k];
    return out;
  },
};
