// `npm run golden` in bench/: computes golden.json, the losses of the first Adam steps of every
// training case in float64, by reverse-mode differentiation of the reference operations. Nothing is
// shared with any engine that is compared to it.

import { writeFileSync } from 'node:fs';
import { adam, type Case, checkedSteps, size } from './case.ts';
import { cases } from './cases/index.ts';
import { type Ops, unwritten } from './ops.ts';
import { type Exact, erf, reference } from './reference.ts';

/** A value with its gradient, and how that gradient flows on. */
interface Node {
  readonly value: Exact;
  readonly grad: Float64Array;
  readonly back: () => void;
}
type Flow = (grad: Float64Array) => void;

class Tape {
  private readonly nodes: Node[] = [];

  leaf(value: Exact): Node {
    return { value, grad: new Float64Array(value.data.length), back: () => {} };
  }
  record(value: Exact, flow: Flow): Node {
    const grad = new Float64Array(value.data.length);
    const node = { value, grad, back: () => flow(grad) };
    this.nodes.push(node);
    return node;
  }
  /** Gradients of a scalar with respect to all that it was computed from. */
  backward(loss: Node): void {
    loss.grad[0] = 1;
    for (const n of this.nodes.reverse()) n.back();
  }
}

/** Adds into a gradient; a shorter one was broadcast and takes the sum. */
function into(target: Node, f: (i: number) => number, length: number): void {
  const n = target.grad.length;
  for (let i = 0; i < length; i++) target.grad[i % n] += f(i);
}

const matrix = (data: Float64Array, rows: number): Exact => ({ shape: [rows, data.length / rows], data });
const flip = (x: Exact): Exact => reference.transpose(x, [1, 0]);

function tapeOps(tape: Tape): Ops<Node> {
  const binary =
    (op: 'add' | 'sub' | 'mul', da: (x: number, y: number) => number, db: (x: number, y: number) => number) =>
    (a: Node, b: Node): Node => {
      const n = b.value.data.length;
      return tape.record(reference[op](a.value, b.value), (g) => {
        into(a, (i) => g[i] * da(a.value.data[i], b.value.data[i % n]), g.length);
        into(b, (i) => g[i] * db(a.value.data[i], b.value.data[i % n]), g.length);
      });
    };
  const unary = (x: Node, value: Exact, d: (v: number) => number): Node =>
    tape.record(value, (g) => into(x, (i) => g[i] * d(x.value.data[i]), g.length));

  const add = binary(
    'add',
    () => 1,
    () => 1,
  );
  const relu = (x: Node): Node => unary(x, reference.relu(x.value), (v) => (v > 0 ? 1 : 0));

  const matMul = (a: Node, b: Node): Node => {
    const [m, k] = a.value.shape.slice(-2);
    const n = b.value.shape[b.value.shape.length - 1];
    return tape.record(reference.matMul(a.value, b.value), (g) => {
      for (let s = 0; s < g.length / (m * n); s++) {
        const part = (x: Float64Array, rows: number, cols: number) =>
          matrix(x.subarray(s * rows * cols, (s + 1) * rows * cols), rows);
        const da = reference.matMul(part(g, m, n), flip(part(b.value.data, k, n))).data;
        const db = reference.matMul(flip(part(a.value.data, m, k)), part(g, m, n)).data;
        for (let i = 0; i < da.length; i++) a.grad[s * m * k + i] += da[i];
        for (let i = 0; i < db.length; i++) b.grad[s * k * n + i] += db[i];
      }
    });
  };
  const transpose = (x: Node, perm: readonly number[]): Node => {
    const inverse = perm.map((_, i) => perm.indexOf(i));
    const value = reference.transpose(x.value, perm);
    return tape.record(value, (g) => {
      const back = reference.transpose({ shape: value.shape, data: g }, inverse).data;
      into(x, (i) => back[i], g.length);
    });
  };
  const reshape = (x: Node, shape: readonly number[]): Node =>
    tape.record({ shape, data: x.value.data }, (g) => into(x, (i) => g[i], g.length));

  const softmax = (x: Node): Node => {
    const y = reference.softmax(x.value);
    const n = y.shape[y.shape.length - 1];
    return tape.record(y, (g) => {
      for (let r = 0; r < g.length; r += n) {
        let dot = 0;
        for (let i = r; i < r + n; i++) dot += g[i] * y.data[i];
        for (let i = r; i < r + n; i++) x.grad[i] += y.data[i] * (g[i] - dot);
      }
    });
  };
  const normalize = (x: Node): Node => {
    const n = x.value.shape[x.value.shape.length - 1];
    const one: Exact = { shape: [n], data: new Float64Array(n).fill(1) };
    const y = reference.layerNorm(x.value, one, { shape: [n], data: new Float64Array(n) });
    return tape.record(y, (g) => {
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
  };
  const mul = binary(
    'mul',
    (_, y) => y,
    (x) => x,
  );
  const dense = (x: Node, w: Node, b: Node, yes?: boolean): Node => {
    const y = add(matMul(x, w), b);
    return yes ? relu(y) : y;
  };

  return {
    cumsum: unwritten,
    sort: unwritten,
    topk: unwritten,
    fft: unwritten,
    add,
    sub: binary(
      'sub',
      () => 1,
      () => -1,
    ),
    mul,
    scale: (x, factor) => unary(x, reference.scale(x.value, factor), () => factor),
    relu,
    gelu: (x) =>
      unary(
        x,
        reference.gelu(x.value),
        (v) => 0.5 * (1 + erf(v / Math.SQRT2)) + (v * Math.exp((-v * v) / 2)) / Math.sqrt(2 * Math.PI),
      ),
    softmax,
    layerNorm: (x, gamma, beta) => add(mul(normalize(x), gamma), beta),
    sum: () => {
      throw new Error('no training case sums along an axis');
    },
    matMul,
    matMulTransposed: (a, b) => matMul(a, transpose(b, [0, 2, 1])),
    dense,
    reshape,
    transpose,
    conv2d: (x, filter, pad, bias, yes) => {
      const y = convolution(tape, x, filter, pad);
      const z = bias ? add(y, bias) : y;
      return yes ? relu(z) : z;
    },
    depthwise: () => {
      throw new Error('no training case has a depthwise convolution');
    },
    maxPool: (x) => maxPool(tape, x),
    flatten: reshape,
    crossEntropy: (labels, logits) => {
      const rows = labels.value.shape[0];
      const p = reference.softmax(logits.value);
      return tape.record(reference.crossEntropy(labels.value, logits.value), (g) =>
        into(logits, (i) => (g[0] * (p.data[i] - labels.value.data[i])) / rows, p.data.length),
      );
    },
    meanSquare: (a, b) => {
      const n = a.value.data.length;
      return tape.record(reference.meanSquare(a.value, b.value), (g) =>
        into(a, (i) => (g[0] * 2 * (a.value.data[i] - b.value.data[i])) / n, n),
      );
    },
    resizeBilinear: unwritten,
    resizeNearest: unwritten,
    lstm: unwritten,
    gatherRows: unwritten,
    scatterAdd: unwritten,
  };
}

function convolution(tape: Tape, x: Node, filter: Node, pad: 'same' | 'valid'): Node {
  if (pad !== 'valid') throw new Error('training cases pad no convolution');
  const [batch, height, width, deep] = x.value.shape;
  const [fh, fw, , out] = filter.value.shape;
  const value = reference.conv2d(x.value, filter.value, pad);
  const [, oh, ow] = value.shape;
  return tape.record(value, (g) => {
    for (let pixel = 0; pixel < batch * oh * ow; pixel++)
      for (let tap = 0; tap < fh * fw; tap++) {
        const row = Math.floor(pixel / ow);
        const y = Math.floor(row / oh) * height + (row % oh) + Math.floor(tap / fw);
        const at = (y * width + (pixel % ow) + (tap % fw)) * deep;
        for (let c = 0; c < deep; c++) {
          const f = (tap * deep + c) * out;
          const v = x.value.data[at + c];
          let total = 0;
          for (let k = 0; k < out; k++) {
            const d = g[pixel * out + k];
            total += d * filter.value.data[f + k];
            filter.grad[f + k] += d * v;
          }
          x.grad[at + c] += total;
        }
      }
  });
}

function maxPool(tape: Tape, x: Node): Node {
  const value = reference.maxPool(x.value);
  const [, h, w, c] = x.value.shape;
  const taken = new Uint8Array(value.data.length);
  return tape.record(value, (g) => {
    taken.fill(0);
    for (let i = 0; i < x.grad.length; i++) {
      const row = Math.floor(i / (c * w));
      const at = ((row >> 1) * (w / 2) + ((Math.floor(i / c) % w) >> 1)) * c + (i % c);
      // Of equal elements the first one takes the gradient.
      if (h % 2 === 0 && !taken[at] && x.value.data[i] === value.data[at]) {
        x.grad[i] += g[at];
        taken[at] = 1;
      }
    }
  });
}

/** The losses before each of the first Adam steps. */
function losses(c: Case): number[] {
  const operands = c.operands();
  const weights = Object.entries(operands)
    .filter(([, v]) => v.role === 'weight')
    .map(([name, v]) => {
      const n = size(v.shape);
      return { name, shape: v.shape, w: Float64Array.from(v.data), m: new Float64Array(n), v: new Float64Array(n) };
    });
  const out: number[] = [];
  for (let step = 1; step <= checkedSteps; step++) {
    const tape = new Tape();
    const nodes: Record<string, Node> = {};
    for (const [k, v] of Object.entries(operands))
      nodes[k] = tape.leaf({ shape: v.shape, data: Float64Array.from(v.data) });
    for (const w of weights) nodes[w.name] = tape.leaf({ shape: w.shape, data: w.w });
    const loss = c.build(tapeOps(tape), nodes);
    out.push(loss.value.data[0]);
    tape.backward(loss);
    for (const w of weights)
      for (let i = 0; i < w.w.length; i++) {
        const g = nodes[w.name].grad[i];
        w.m[i] += (1 - adam.beta1) * (g - w.m[i]);
        w.v[i] += (1 - adam.beta2) * (g * g - w.v[i]);
        const m = w.m[i] / (1 - adam.beta1 ** step);
        w.w[i] -= (adam.rate * m) / (Math.sqrt(w.v[i] / (1 - adam.beta2 ** step)) + adam.epsilon);
      }
  }
  return out;
}

const file: Record<string, number[]> = {};
for (const c of cases.filter((x) => x.kind === 'train')) {
  file[c.name] = losses(c);
  console.log(c.name, file[c.name].join(' '));
}
writeFileSync(new URL('../golden.json', import.meta.url), `${JSON.stringify(file, null, 2)}\n`);
