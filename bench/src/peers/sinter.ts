// This project, by its public interface alone, from the built package.

import type * as Sinter from '../../../frontends/index.ts';
import type { Engine, EngineName, Options, Prepared } from '../adapter.ts';
import { builtModule, notBuilt } from '../built.ts';
import { adam, type Case, type Operand, type Operands } from '../case.ts';
import type { Activation, AlgorithmOps, ImageOps, Ops } from '../ops.ts';

type Api = typeof Sinter;
type T = Sinter.Tensor;

function imageOps(tf: Api): ImageOps<T> {
  const finish = (x: T, bias?: T, activation?: Activation): T => {
    const y = bias ? tf.add(x, bias) : x;
    return activation ? tf[activation](y) : y;
  };
  return {
    conv2d: (x, filter, { pad, stride = 1 }, bias, activation) =>
      finish(tf.conv2d(x, filter, stride, pad), bias, activation),
    depthwise: (x, filter, { pad, stride = 1 }, bias, activation) =>
      finish(tf.depthwiseConv2d(x, filter, stride, pad), bias, activation),
    maxPool: (x, size) => tf.maxPool(x, size, 2, 'same'),
    globalAveragePool: (x) => tf.mean(x, [1, 2]),
    batchNorm: (x, gamma, beta) => {
      const { mean, variance } = tf.moments(x, [0, 1, 2]);
      return tf.batchNorm(x, mean, variance, beta, gamma, 1e-5);
    },
    resizeBilinear: (x, size) => tf.image.resizeBilinear(x, size),
    resizeNearest: (x, size) => tf.image.resizeNearestNeighbor(x, size),
  };
}

function algorithmOps(tf: Api): AlgorithmOps<T> {
  return {
    lstm: (x, w, u, b) => {
      const [steps, batch, inputs] = x.shape;
      const units = u.shape[0];
      const z = tf.add(tf.matMul(x.reshape([steps * batch, inputs]), w), b).reshape([steps, batch, 4 * units]);
      const zero = tf.zeros([batch, units]);
      const [, hs] = tf.scanLoop(
        ([h, c], zx: T) => {
          const [i, o, f, g] = tf.split(tf.add(zx, tf.matMul(h, u)), 4, 1) as T[];
          const next = tf.add(tf.mul(tf.sigmoid(f), c), tf.mul(tf.sigmoid(i), tf.tanh(g)));
          const out = tf.mul(tf.sigmoid(o), tf.tanh(next));
          return [[out, next], out];
        },
        [zero, zero],
        z,
      );
      return hs;
    },
    gatherRows: (x, i) => tf.gather(x, tf.cast(i, 'int32')),
    scatterAdd: (i, updates, rows) =>
      tf.scatterND(tf.cast(i, 'int32').reshape([-1, 1]), updates, [rows, updates.shape[1]]),
    cumsum: (x, axis) => tf.cumsum(x, axis),
    sort: (x) => tf.sort(x),
    topk: (x, k) => tf.topk(x, k).values,
    fft: (re, im) => {
      const y = tf.fft(tf.complex(re, im));
      return tf.add(tf.real(y), tf.imag(y));
    },
  };
}

/** The cases' operations. */
export function sinterOps(tf: Api): Ops<T> {
  const relu = (x: T, yes: boolean | undefined): T => (yes ? tf.relu(x) : x);
  return {
    ...imageOps(tf),
    ...algorithmOps(tf),
    add: (a, b) => tf.add(a, b),
    sub: (a, b) => tf.sub(a, b),
    mul: (a, b) => tf.mul(a, b),
    scale: (a, factor) => tf.mul(a, factor),
    relu: (x) => tf.relu(x),
    gelu: (x) => tf.gelu(x),
    softmax: (x) => tf.softmax(x),
    layerNorm: (x, gamma, beta) => tf.layerNorm(x, -1, gamma, beta, 1e-5),
    sum: (x, axis) => x.sum(axis),
    matMul: (a, b) => tf.matMul(a, b),
    matMulTransposed: (a, b) => tf.matMul(a, b, false, true),
    dense: (x, w, b, yes) => relu(tf.add(tf.matMul(x, w), b), yes),
    reshape: (x, shape) => x.reshape([...shape]),
    transpose: (x, perm) => tf.transpose(x, [...perm]),
    flatten: (x, shape) => x.reshape([...shape]),
    crossEntropy: (labels, logits) => tf.losses.softmaxCrossEntropy(labels, logits),
    meanSquare: (a, b) => tf.losses.meanSquaredError(a, b),
  };
}

/** Loads an entry of the built package as Node takes it; the message says what to do where there is none. */
async function loadEntry(name: string): Promise<unknown> {
  const missing = notBuilt();
  if (missing) throw new Error(missing);
  return import(builtModule(`bundle/${name}.js`).href);
}
export const loadSinter = async (): Promise<Api> => (await loadEntry('index')) as Api;
/** What the package has for Node alone. */
export const loadSinterNode = async () => (await loadEntry('node')) as typeof import('../../../frontends/node.ts');

/** A case as a compiled program, and the tensors of one call. */
export async function compileCase(
  tf: Api,
  c: Case,
  operands: Operands,
  threads: number,
  tune = false,
  target = 'wasm',
) {
  const ops = sinterOps(tf);
  const entries = Object.entries(operands);
  const belongs = (v: Operand): boolean => v.role === 'weight' || v.role === 'constant';
  const fed = entries.filter(([, v]) => !belongs(v));
  const owned: Record<string, T> = {};
  for (const [k, v] of entries) {
    if (!belongs(v)) continue;
    const t = tf.tensor(v.data, [...v.shape]);
    owned[k] = c.kind === 'train' && v.role === 'weight' ? tf.variable(t) : t;
  }
  const dtype = c.half ? 'float16' : 'float32';
  const wide = (x: T): T => (c.half ? tf.cast(x, 'float32') : x);
  const result = (...xs: T[]): T =>
    c.build(ops, { ...owned, ...Object.fromEntries(fed.map(([k], i) => [k, wide(xs[i])])) });
  const optimizer = tf.train.adam(adam.rate, adam.beta1, adam.beta2, adam.epsilon);
  const step = (...xs: T[]): T => optimizer.minimize(() => result(...xs), true) as T;
  const exe = await tf.compile(c.kind === 'train' ? step : result, {
    inputs: fed.map(([, v]) => tf.spec([...v.shape], dtype)),
    target,
    threads,
    tune,
  });
  return { exe, feeds: fed.map(([, v]) => tf.tensor(v.data, [...v.shape], dtype)) };
}

export async function load(name: EngineName, options: Options): Promise<Engine> {
  const tf = await loadSinter();
  return {
    name,
    cannot: () => undefined,
    async prepare(c, operands): Promise<Prepared> {
      const { exe, feeds } = await compileCase(tf, c, operands, options.threads, options.tune);
      // Large results stay on the device until they are read, as those of other engines do.
      let latest: T | undefined;
      const { arenaBytes, lowerBound, kernels, tuned } = exe.plan;
      const tuning: Record<string, number> = tuned ? { timed: tuned.timed, found: tuned.found, tuneMs: tuned.ms } : {};
      return {
        run: () => {
          latest?.dispose();
          latest = exe.run(...feeds) as T;
        },
        async: false,
        output: async () => {
          // A training step must not run before the losses are compared; its result is one number.
          if (!latest && c.kind !== 'train') latest = exe.run(...feeds) as T;
          return (latest?.dataSync() ?? new Float32Array(1)) as Float32Array;
        },
        notes: { arenaBytes, lowerBound, kernels: kernels.length, ...tuning },
      };
    },
  };
}
