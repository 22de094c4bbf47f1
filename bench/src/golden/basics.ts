// The operations whose gradients are written out; ops.ts puts the others together from them.

import { type Exact, reference } from '../reference/index.ts';
import { into, type Node, Tape } from './tape.ts';

const matrix = (data: Float64Array, rows: number): Exact => ({ shape: [rows, data.length / rows], data });
const flip = (x: Exact): Exact => reference.transpose(x, [1, 0]);

type Partial = (x: number, y: number) => number;
const [one, minusOne]: readonly Partial[] = [() => 1, () => -1];

/** A tape that knows the basic operations. `b` of a pair may repeat over the leading axes of `a`. */
export class Basics extends Tape {
  private binary(op: 'add' | 'sub' | 'mul', a: Node, b: Node, da: Partial, db: Partial): Node {
    const n = b.value.data.length;
    return this.record(reference[op](a.value, b.value), (g) => {
      into(a, (i) => g[i] * da(a.value.data[i], b.value.data[i % n]), g.length);
      into(b, (i) => g[i] * db(a.value.data[i], b.value.data[i % n]), g.length);
    });
  }
  add(a: Node, b: Node): Node {
    return this.binary('add', a, b, one, one);
  }
  sub(a: Node, b: Node): Node {
    return this.binary('sub', a, b, one, minusOne);
  }
  mul(a: Node, b: Node): Node {
    return this.binary(
      'mul',
      a,
      b,
      (_, y) => y,
      (x) => x,
    );
  }
  /** A function of each element, with its derivative at x where it has the value y. */
  unary(x: Node, value: Exact, derivative: (x: number, y: number) => number): Node {
    return this.record(value, (g) => into(x, (i) => g[i] * derivative(x.value.data[i], value.data[i]), g.length));
  }
  matMul(a: Node, b: Node): Node {
    const [m, k] = a.value.shape.slice(-2);
    const n = b.value.shape[b.value.shape.length - 1];
    return this.record(reference.matMul(a.value, b.value), (g) => {
      for (let s = 0; s < g.length / (m * n); s++) {
        const part = (x: Float64Array, rows: number, cols: number) =>
          matrix(x.subarray(s * rows * cols, (s + 1) * rows * cols), rows);
        const da = reference.matMul(part(g, m, n), flip(part(b.value.data, k, n))).data;
        const db = reference.matMul(flip(part(a.value.data, m, k)), part(g, m, n)).data;
        for (let i = 0; i < da.length; i++) a.grad[s * m * k + i] += da[i];
        for (let i = 0; i < db.length; i++) b.grad[s * k * n + i] += db[i];
      }
    });
  }
  transpose(x: Node, perm: readonly number[]): Node {
    const inverse = perm.map((_, i) => perm.indexOf(i));
    const value = reference.transpose(x.value, perm);
    return this.record(value, (g) => {
      const back = reference.transpose({ shape: value.shape, data: g }, inverse).data;
      into(x, (i) => back[i], g.length);
    });
  }
  reshape(x: Node, shape: readonly number[]): Node {
    return this.record({ shape, data: x.value.data }, (g) => into(x, (i) => g[i], g.length));
  }
  /** `count` rows of a matrix, from `first` on. */
  rows(x: Node, first: number, count: number): Node {
    const n = x.value.shape[1];
    const value = { shape: [count, n], data: x.value.data.slice(first * n, (first + count) * n) };
    return this.record(value, (g) => {
      for (let i = 0; i < g.length; i++) x.grad[first * n + i] += g[i];
    });
  }
  /** Arrays of equal shapes behind one another, along a new first axis. */
  stack(xs: readonly Node[]): Node {
    const n = xs[0].value.data.length;
    const data = new Float64Array(xs.length * n);
    xs.forEach((x, k) => void data.set(x.value.data, k * n));
    return this.record({ shape: [xs.length, ...xs[0].value.shape], data }, (g) =>
      xs.forEach((x, k) => void into(x, (i) => g[k * n + i], n)),
    );
  }
  sum(x: Node, axis: number): Node {
    const inner = x.value.shape.slice(axis + 1).reduce((n, d) => n * d, 1);
    const outer = inner * x.value.shape[axis];
    return this.record(reference.sum(x.value, axis), (g) =>
      into(x, (i) => g[Math.floor(i / outer) * inner + (i % inner)], x.grad.length),
    );
  }
  softmax(x: Node): Node {
    const y = reference.softmax(x.value);
    const n = y.shape[y.shape.length - 1];
    return this.record(y, (g) => {
      for (let r = 0; r < g.length; r += n) {
        let dot = 0;
        for (let i = r; i < r + n; i++) dot += g[i] * y.data[i];
        for (let i = r; i < r + n; i++) x.grad[i] += y.data[i] * (g[i] - dot);
      }
    });
  }
  /** Rows of the last axis with mean 0 and variance 1; epsilon 1e-5. */
  normalize(x: Node): Node {
    const n = x.value.shape[x.value.shape.length - 1];
    const ones: Exact = { shape: [n], data: new Float64Array(n).fill(1) };
    const y = reference.layerNorm(x.value, ones, { shape: [n], data: new Float64Array(n) });
    return this.record(y, (g) => {
      for (let r = 0; r < g.length; r += n) {
        const row = x.value.data.subarray(r, r + n);
        const mean = row.reduce((s, v) => s + v, 0) / n;
        const deviation = Math.sqrt(row.reduce((s, v) => s + (v - mean) ** 2, 0) / n + 1e-5);
        let [total, dot] = [0, 0];
        for (let i = r; i < r + n; i++) {
          total += g[i] / n;
          dot += (g[i] * y.data[i]) / n;
        }
        for (let i = r; i < r + n; i++) x.grad[i] += (g[i] - total - y.data[i] * dot) / deviation;
      }
    });
  }
  /** The rows that whole numbers name; these have no gradient. */
  gatherRows(x: Node, indices: Node): Node {
    const n = x.value.shape[1];
    return this.record(reference.gatherRows(x.value, indices.value), (g) => {
      for (let i = 0; i < g.length; i++) x.grad[indices.value.data[Math.floor(i / n)] * n + (i % n)] += g[i];
    });
  }
  crossEntropy(labels: Node, logits: Node): Node {
    const rows = labels.value.shape[0];
    const p = reference.softmax(logits.value);
    return this.record(reference.crossEntropy(labels.value, logits.value), (g) =>
      into(logits, (i) => (g[0] * (p.data[i] - labels.value.data[i])) / rows, p.data.length),
    );
  }
  /** Its second operand is a label and has no gradient. */
  meanSquare(a: Node, b: Node): Node {
    const n = a.value.data.length;
    return this.record(reference.meanSquare(a.value, b.value), (g) =>
      into(a, (i) => (g[0] * 2 * (a.value.data[i] - b.value.data[i])) / n, n),
    );
  }
}
