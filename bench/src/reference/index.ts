// The cases' operations in float64, written for clarity: what every engine's output is compared to.

import { size } from '../case.ts';
import type { Activation, Ops } from '../ops.ts';
import { type Exact, erf, make, map, rows, zip } from './exact.ts';
import { conv2d, depthwise, maxPool, resize } from './images.ts';
import { cumsum, fft, lstm, topk } from './rows.ts';

export type { Exact } from './exact.ts';

function softmaxRow(row: Float64Array): Float64Array {
  const max = row.reduce((m, v) => Math.max(m, v), -Infinity);
  const e = row.map((v) => Math.exp(v - max));
  const total = e.reduce((s, v) => s + v, 0);
  return e.map((v) => v / total);
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

const relu = (x: Exact): Exact => map(x, (v) => Math.max(v, 0));
const relu6 = (x: Exact): Exact => map(x, (v) => Math.min(Math.max(v, 0), 6));
/** What follows a convolution. */
function finish(x: Exact, bias: Exact | undefined, activation: Activation | undefined): Exact {
  const y = bias ? add(x, bias) : x;
  if (activation === undefined) return y;
  return activation === 'relu' ? relu(y) : relu6(y);
}
/** As the normalisation of the rows that one channel's elements make. */
function batchNorm(x: Exact, gamma: Exact, beta: Exact): Exact {
  const channels = x.shape[x.shape.length - 1];
  const columns = transpose({ shape: [x.data.length / channels, channels], data: x.data }, [1, 0]);
  const one: Exact = { shape: [columns.shape[1]], data: new Float64Array(columns.shape[1]).fill(1) };
  const normal = transpose(layerNorm(columns, one, make(one.shape)), [1, 0]);
  return zip(
    zip({ shape: x.shape, data: normal.data }, gamma, (v, g) => v * g),
    beta,
    (v, b) => v + b,
  );
}
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
  conv2d: (x, filter, window, bias, activation) => finish(conv2d(x, filter, window), bias, activation),
  depthwise: (x, filter, window, bias, activation) => finish(depthwise(x, filter, window), bias, activation),
  maxPool,
  globalAveragePool: (x) => {
    const [n, h, w, c] = x.shape;
    return map(sum({ shape: [n, h * w, c], data: x.data }, 1), (v) => v / (h * w));
  },
  batchNorm,
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
  lstm,
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
