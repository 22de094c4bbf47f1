// Reference operations along an axis: running sums, Fourier transforms, the largest elements, recurrence.

import { size } from '../case.ts';
import { type Exact, make } from './exact.ts';

/** Running sums. */
export function cumsum(x: Exact, axis: number): Exact {
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

export function fft(re: Exact, im: Exact): Exact {
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
export function topk(x: Exact, k: number): Exact {
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

/** Hidden states of all steps; see `Ops.lstm`. */
export function lstm(x: Exact, w: Exact, u: Exact, b: Exact): Exact {
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
}
