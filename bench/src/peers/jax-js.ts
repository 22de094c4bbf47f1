// jax-js on its WASM or WebGPU backend. Its functions take ownership of their operands, so every use below
// passes `.ref`; inside a traced function the spare references hold no memory.

import { Worker as NodeWorker } from 'node:worker_threads';
import type { numpy } from '@jax-js/jax';
import type { Engine, EngineName, Options, Prepared } from '../adapter.ts';
import { adam, type Case, type Operands } from '../case.ts';
import { channelsFirst, resultFrom } from '../layout.ts';
import { type Activation, type AlgorithmOps, type ImageOps, type Ops, unwritten, type Window } from '../ops.ts';
import { installGpu } from './dawn.ts';

type Jax = typeof import('@jax-js/jax');
type T = numpy.Array;
type Values = Record<string, T>;

function imageOps({ nn, lax, numpy: np }: Jax): ImageOps<T> {
  const finish = (x: T, bias?: T, activation?: Activation) => {
    const y = bias ? x.add(bias.ref.reshape([1, -1, 1, 1])) : x;
    return activation ? nn[activation](y) : y;
  };
  const conv = (x: T, filter: T, { pad, stride = 1 }: Window, groups = 1) =>
    lax.convGeneralDilated(x.ref, filter.ref, [stride, stride], pad === 'same' ? 'SAME' : 'VALID', {
      featureGroupCount: groups,
    });
  return {
    conv2d: (x, filter, window, bias, activation) => finish(conv(x, filter, window), bias, activation),
    depthwise: (x, filter, window, bias, activation) => {
      const [, channels, height, width] = filter.shape;
      const grouped = filter.ref.reshape([channels, 1, height, width]);
      return finish(conv(x, grouped, window, channels), bias, activation);
    },
    maxPool: (x, size) => {
      const [n, c, h, w] = x.shape;
      if (size === 2 && h % 2 === 0 && w % 2 === 0) return np.max(x.ref.reshape([n, c, h / 2, 2, w / 2, 2]), [3, 5]);
      // Its `pad` knows zeros alone.
      const padded = [2, 3].reduce((y, axis) => {
        const side = y.shape[axis];
        const total = Math.max((Math.ceil(side / 2) - 1) * 2 + size - side, 0);
        const edge = (n: number) => np.full(y.shape.with(axis, n), -Infinity);
        return np.concatenate([edge(total >> 1), y, edge(total - (total >> 1))], axis);
      }, x.ref);
      return lax.reduceWindow(padded, (window) => np.max(window), [size, size], [2, 2]);
    },
    globalAveragePool: (x) => np.mean(x.ref, [2, 3]),
    batchNorm: (x, gamma, beta) => {
      const [g, b] = [gamma, beta].map((v) => v.ref.reshape([1, -1, 1, 1]));
      return nn.standardize(x.ref, [0, 2, 3], { epsilon: 1e-5 }).mul(g).add(b);
    },
    resizeBilinear: unwritten,
    resizeNearest: unwritten,
  };
}

/** `trains` avoids what has a gradient that cannot be compiled. */
function algorithmOps({ nn, lax, numpy: np }: Jax, trains: boolean): AlgorithmOps<T> {
  return {
    // It has no loops: the steps are written out.
    lstm: (x, w, u, b) => {
      const [steps, batch, inputs] = x.shape;
      const units = u.shape[0];
      const z = np
        .matmul(x.ref.reshape([steps * batch, inputs]), w.ref)
        .add(b.ref)
        .reshape([steps, batch, 4 * units]);
      let [h, c] = [np.zeros([batch, units]), np.zeros([batch, units])];
      const hidden: T[] = [];
      for (const zx of np.unstack(z)) {
        const [i, o, f, g] = np.split(zx.add(np.matmul(h.ref, u.ref)), 4, 1);
        c = nn
          .sigmoid(f.ref)
          .mul(c.ref)
          .add(nn.sigmoid(i.ref).mul(np.tanh(g.ref)));
        h = nn.sigmoid(o.ref).mul(np.tanh(c.ref));
        hidden.push(h);
      }
      return np.stack(hidden.map((v) => v.ref));
    },
    gatherRows: (x, i) => {
      const rows = i.ref.astype(np.int32);
      // The gradient of `take` fails in jit ("routine primitive scatter input is not imm").
      return trains ? np.matmul(nn.oneHot(rows, x.shape[0]), x.ref) : np.take(x.ref, rows, 0);
    },
    scatterAdd: unwritten,
    cumsum: (x, axis) => np.cumsum(x.ref, axis),
    sort: (x) => np.sort(x.ref, -1),
    topk: (x, k) => {
      const [values, indices] = lax.topK(x.ref, k);
      indices.dispose();
      return values;
    },
    fft: (re, im) => {
      const y = np.fft.fft({ real: re.ref, imag: im.ref });
      return y.real.add(y.imag);
    },
  };
}

/** The cases' operations. */
function jaxOps(jax: Jax, trains: boolean): Ops<T> {
  const { nn, numpy: np } = jax;
  const add = (a: T, b: T) => a.ref.add(b.ref);
  const relu = (x: T, yes: boolean | undefined) => (yes ? nn.relu(x.ref) : x);
  return {
    ...imageOps(jax),
    ...algorithmOps(jax, trains),
    add,
    sub: (a, b) => a.ref.sub(b.ref),
    mul: (a, b) => a.ref.mul(b.ref),
    scale: (a, factor) => a.ref.mul(factor),
    relu: (x) => relu(x, true),
    gelu: (x) => nn.gelu(x.ref, { approximate: false }),
    softmax: (x) => nn.softmax(x.ref, -1),
    layerNorm: (x, gamma, beta) => nn.standardize(x.ref, -1, { epsilon: 1e-5 }).mul(gamma.ref).add(beta.ref),
    sum: (x, axis) => np.sum(x.ref, axis),
    matMul: (a, b) => np.matmul(a.ref, b.ref),
    matMulTransposed: (a, b) => np.matmul(a.ref, np.matrixTranspose(b.ref)),
    dense: (x, w, b, yes) => relu(add(np.matmul(x.ref, w.ref), b), yes),
    reshape: (x, shape) => x.ref.reshape(shape as number[]),
    transpose: (x, perm) => np.transpose(x.ref, perm as number[]),
    flatten: (x, shape) => x.ref.reshape(shape as [number, number]),
    crossEntropy: (labels, logits) => np.mean(np.sum(labels.ref.mul(nn.logSoftmax(logits.ref, -1)), -1)).mul(-1),
    meanSquare: (a, b) => np.mean(np.square(a.ref.sub(b.ref))),
  };
}

const borrow = (values: Values): Values => Object.fromEntries(Object.entries(values).map(([k, v]) => [k, v.ref]));

async function prepareInference(jax: Jax, c: Case, values: Values): Promise<Prepared> {
  const set = jaxOps(jax, false);
  const f = jax.jit((x: Values) => c.build(set, x));
  let latest: T | undefined;
  const run = async () => {
    latest?.dispose();
    latest = f(borrow(values)) as T;
    await latest.blockUntilReady();
  };
  const output = async () => {
    const y = latest as T;
    return resultFrom({ shape: y.shape, data: (await y.ref.data()) as Float32Array }, c.result);
  };
  return { run, async: true, output };
}

/** A type alias, not an interface: the library's trees of arrays need an index signature. */
type State = { weights: Values; first: Values; second: Values };

/** One jitted function: loss, gradients, and Adam's update of everything. */
function trainingStep(jax: Jax, c: Case, given: Values) {
  const { numpy: np } = jax;
  const set = jaxOps(jax, true);
  const lossAndGrads = jax.valueAndGrad((weights: Values, rest: Values) => c.build(set, { ...weights, ...rest }));
  return jax.jit((state: State, rest: Values, rate: T) => {
    const [loss, grads] = lossAndGrads(borrow(state.weights), rest) as unknown as [T, Values];
    const next: State = { weights: {}, first: {}, second: {} };
    for (const k of Object.keys(given)) {
      const m = state.first[k].ref.mul(adam.beta1).add(grads[k].ref.mul(1 - adam.beta1));
      const v = state.second[k].ref.mul(adam.beta2).add(np.square(grads[k].ref).mul(1 - adam.beta2));
      // `rate` carries both bias corrections; epsilon is scaled to match.
      const step = m.ref.mul(rate.ref.slice(0)).div(np.sqrt(v.ref).mul(rate.ref.slice(1)).add(adam.epsilon));
      next.weights[k] = state.weights[k].ref.sub(step);
      next.first[k] = m;
      next.second[k] = v;
    }
    return [loss, next] as [T, State];
  });
}

async function prepareTraining(jax: Jax, c: Case, operands: Operands, values: Values): Promise<Prepared> {
  const { numpy: np } = jax;
  const weights: Values = {};
  const rest: Values = {};
  for (const [k, v] of Object.entries(operands)) (v.role === 'weight' ? weights : rest)[k] = values[k];
  const zeros = () => Object.fromEntries(Object.entries(weights).map(([k, w]) => [k, np.zeros(w.shape)]));
  const step = trainingStep(jax, c, weights);
  let state: State = { weights, first: zeros(), second: zeros() };
  let latest: T | undefined;
  let count = 0;
  const run = async () => {
    count++;
    const rate = np.array([adam.rate / (1 - adam.beta1 ** count), 1 / Math.sqrt(1 - adam.beta2 ** count)]);
    latest?.dispose();
    const [loss, next] = step(state as never, borrow(rest), rate) as unknown as [T, State];
    latest = loss;
    state = next;
    await jax.blockUntilReady([loss, next] as never);
  };
  return { run, async: true, output: async () => (await (latest as T).ref.data()) as Float32Array };
}

/** jax-js takes threads from the browser's Worker, one for each processor; Node's have another face. */
function installWorkers(threads: number): void {
  const shim =
    "const { parentPort } = require('node:worker_threads'); globalThis.self = globalThis;" +
    'globalThis.postMessage = (m) => parentPort.postMessage(m);' +
    "parentPort.on('message', (data) => self.onmessage({ data }));";
  class BrowserWorker {
    onmessage: ((e: { data: unknown }) => void) | null = null;
    onerror: ((e: Error) => void) | null = null;
    private readonly worker: Promise<NodeWorker>;
    constructor(url: string) {
      this.worker = fetch(url)
        .then((r) => r.text())
        .then((text) => {
          const w = new NodeWorker(shim + text, { eval: true });
          w.on('message', (data) => this.onmessage?.({ data }));
          w.on('error', (e) => this.onerror?.(e as Error));
          return w;
        });
    }
    postMessage(message: unknown): void {
      void this.worker.then((w) => w.postMessage(message));
    }
  }
  Object.assign(globalThis, { Worker: BrowserWorker });
  Object.defineProperty(globalThis.navigator, 'hardwareConcurrency', { value: threads });
}

/** Its convolutions are loops without tiles: what a run takes. */
const slowCases: Readonly<Record<string, string>> = {
  'cnn-train': 'half a minute to compile and ten seconds a step; use --slow',
  'resnet-50': 'twenty seconds a run; use --slow',
  'resnet20-train': 'a minute a step; use --slow',
};

export async function load(name: EngineName, options: Options): Promise<Engine> {
  if (options.threads > 1) installWorkers(options.threads);
  const backend = name === 'jax-js-webgpu' ? 'webgpu' : 'wasm';
  if (backend === 'webgpu') await installGpu();
  const jax = await import('@jax-js/jax');
  await jax.init(backend);
  jax.defaultDevice(backend);
  return {
    name,
    cannot: (c) => (c.half ? 'the case is of float32 products' : undefined),
    slow: (c) => (backend === 'wasm' ? slowCases[c.name] : undefined),
    async prepare(c, operands) {
      const values: Values = {};
      for (const [k, v] of Object.entries(operands)) {
        const x = channelsFirst(v);
        values[k] = jax.numpy.array(x.data as Float32Array<ArrayBuffer>, { shape: x.shape as number[] });
      }
      return c.kind === 'train' ? prepareTraining(jax, c, operands, values) : prepareInference(jax, c, values);
    },
  };
}
