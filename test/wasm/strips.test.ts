// Attention in strips: the same values as the reference and the same bits with any number of threads, at sizes that
// no block divides, for every way of writing it; and no square value in the program.

import '../../tools/relaxed-simd.ts';
import * as tf from 'sinter';
import { describe, expect, it } from 'vitest';
import { compileGraph } from '../../compiler/index.ts';
import { runPasses } from '../../compiler/pass-runner.ts';
import { pipelineWith } from '../../compiler/pipeline.ts';
import type { Graph } from '../../ir/graph.ts';
import { sizeOf } from '../../ir/types.ts';
import { closeness, randomFrom } from '../helpers.ts';
import { runReference, runWasm } from './run.ts';

type Fn = (...xs: tf.Tensor[]) => tf.Tensor | tf.Tensor[];
type Attention = (q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, ...more: tf.Tensor[]) => tf.Tensor;

const graphOf = (f: Fn, ...shapes: number[][]): Graph => tf.func(f).graphFor(...shapes.map((s) => tf.spec(s)));
/** The result and the gradients by queries, keys and values of a sum that weights its elements. */
const trained =
  (f: Attention): Fn =>
  (q, k, v, ...more) => {
    const loss = (...xs: tf.Tensor[]) =>
      f(xs[0], xs[1], xs[2], ...more)
        .sin()
        .sum();
    return [f(q, k, v, ...more), ...tf.grads(loss)([q, k, v])];
  };

const scoresOf = (q: tf.Tensor, k: tf.Tensor): tf.Tensor => tf.matMul(q, k, false, true);
const causal = (s: tf.Tensor): tf.Tensor => {
  const [m, n] = s.shape.slice(-2);
  const [i, j] = [tf.range(0, m, 1, 'int32').reshape([m, 1]), tf.range(0, n, 1, 'int32').reshape([1, n])];
  return tf.where(i.greaterEqual(j), s, tf.fill([], -1e9));
};
const byHand = (s: tf.Tensor): tf.Tensor => {
  const e = s.sub(s.max(-1, true)).exp();
  return e.div(e.sum(-1, true));
};

/** Ways to write attention, and the shapes of further arguments for queries [.., m, d] and keys [.., n, d]. */
const forms: Record<string, [Attention, ((batch: number[], m: number, n: number) => number[])?]> = {
  'scaled behind': [(q, k, v) => tf.matMul(tf.softmax(scoresOf(q, k).mul(0.4)), v)],
  'scaled before': [(q, k, v) => tf.matMul(tf.softmax(scoresOf(q.mul(0.4), k)), v)],
  'softmax by hand': [(q, k, v) => tf.matMul(byHand(scoresOf(q, k)), v)],
  'divided behind the product': [
    (q, k, v) => {
      const s = scoresOf(q, k);
      const e = s.sub(s.max(-1, true)).exp();
      return tf.matMul(e, v).div(e.sum(-1, true));
    },
  ],
  'no softmax, but rows of norm 1': [
    (q, k, v) => {
      const s = scoresOf(q, k);
      return tf.matMul(s.div(s.square().sum(-1, true).add(1).sqrt()), v);
    },
  ],
  'causal by where': [(q, k, v) => tf.matMul(tf.softmax(causal(scoresOf(q, k))), v)],
  'a mask that is added': [
    (q, k, v, mask) => tf.matMul(tf.softmax(scoresOf(q, k).add(mask.mul(3))), v),
    (_, m, n) => [m, n],
  ],
  'keys that are masked': [
    (q, k, v, mask) => tf.matMul(tf.softmax(scoresOf(q, k).add(mask)), v),
    (batch, _, n) => [...batch.map((d, i) => (i === 0 ? d : 1)), 1, n],
  ],
  'keys turned': [(q, k, v) => tf.matMul(tf.softmax(tf.matMul(q, tf.einsum('...nd->...dn', k))), v)],
};

/** Batch axes, rows, columns, features. */
const sizes: [number[], number, number, number][] = [
  [[], 40, 30, 5],
  [[3], 37, 29, 7],
  [[1, 5], 24, 24, 6],
  [[2, 3], 33, 50, 8],
  // Several matrices make a block.
  [[5], 12, 10, 2],
  [[4, 2], 12, 10, 2],
];
const small = { limit: 1, strip: 2048, rows: 8 };
const configs = [
  { relaxed: true, threads: 1 },
  { relaxed: true, threads: 2 },
  { relaxed: false, threads: 2 },
];

const random = randomFrom(7);
const inputsOf = (g: Graph) =>
  g.params.map((p) => Float32Array.from({ length: sizeOf(p.type.shape) }, () => 2 * random() - 1));

const scans = (g: Graph): number =>
  g.nodes.reduce((n, x) => n + (x.op.name === 'scan' ? 1 : 0) + x.regions.reduce((k, r) => k + scans(r), 0), 0);
const optimized = (g: Graph, options = small): Graph =>
  runPasses(g, pipelineWith({ strips: options }), { verify: true }).graph;
/** Does a node outside of all loops give a value of that size? */
const stores = (g: Graph, elements: number): boolean =>
  g.nodes.some((n) => n.op.kind === 'contraction' && n.outputs.some((o) => sizeOf(o.type.shape) >= elements));

async function check(g: Graph, options = small): Promise<void> {
  const inputs = inputsOf(g);
  const want = runReference(g, inputs);
  let first: ArrayLike<number>[] | undefined;
  for (const config of configs) {
    const { outputs } = await runWasm(g, inputs, { ...config, strips: options });
    outputs.forEach((o, i) =>
      expect(closeness(o, want[i], 2e-4, 2e-5), `result ${i}, ${JSON.stringify(config)}`).toBe(''),
    );
    if (config.relaxed && first) expect(outputs, 'two threads').toEqual(first);
    first ??= outputs;
  }
}

describe.each(Object.entries(forms))('%s', (_, [form, more]) => {
  it.each(sizes)('batch %j, %i x %i, %i features', async (batch, m, n, d) => {
    const shapes = [
      [...batch, m, d],
      [...batch, n, d],
      [...batch, n, d],
    ];
    if (more) shapes.push(more(batch, m, n));
    const forward = graphOf(form as Fn, ...shapes);
    const both = graphOf(trained(form), ...shapes);
    const square = sizeOf([...batch, m, n]);
    expect(scans(optimized(forward))).toBeGreaterThan(0);
    expect(stores(optimized(forward), square)).toBe(false);
    expect(scans(optimized(both))).toBeGreaterThan(1);
    expect(stores(optimized(both), square)).toBe(false);
    await check(forward);
    await check(both);
  });
});

/** Results and gradients by all weights of a loss. */
const weightGradients = (f: (x: tf.Tensor) => tf.Tensor): Fn => {
  return (x) => {
    const { value, grads } = tf.variableGrads(() => f(x).square().mean());
    return [value, ...Object.values(grads)];
  };
};

/** Runs a function of one tensor on compiled code and on the reference; its Variables keep their values. */
async function checkModel(f: Fn, shape: number[], nests: number): Promise<void> {
  const g = graphOf(f, shape);
  expect(scans(optimized(g))).toBe(nests);
  await check(g);
}

describe('layers', () => {
  const attention = () => tf.layers.multiHeadAttention({ numHeads: 2, keyDim: 4 });
  it.each([
    ['causal', { useCausalMask: true }],
    ['open', {}],
  ])('multiHeadAttention, %s', async (_, kwargs) => {
    const layer = attention();
    layer.apply([tf.zeros([1, 2, 8]), tf.zeros([1, 2, 8])]);
    const f = (x: tf.Tensor) => layer.apply([x, x], kwargs) as tf.Tensor;
    await checkModel(f, [2, 21, 8], 2);
    await checkModel(weightGradients(f), [2, 21, 8], 4);
  });

  it('two in a row', async () => {
    const layers = [attention(), attention()];
    for (const l of layers) l.apply([tf.zeros([1, 2, 8]), tf.zeros([1, 2, 8])]);
    const f = (x: tf.Tensor) =>
      layers.reduce((y, l) => y.add(l.apply([y, y], { useCausalMask: true }) as tf.Tensor).tanh(), x);
    await checkModel(f, [1, 32, 8], 4);
    await checkModel(weightGradients(f), [1, 32, 8], 8);
  });
});

describe('other chains', () => {
  it('the cross-entropy of many classes: one loop for loss and gradients', async () => {
    const f: Fn = (x, w, labels) => {
      const loss = (...ys: tf.Tensor[]) =>
        tf.sparseSoftmaxCrossEntropy(labels.mul(20).toInt().abs(), tf.matMul(ys[0], ys[1])) as tf.Tensor;
      return [loss(x, w), ...tf.grads(loss)([x, w])];
    };
    const g = graphOf(f, [40, 6], [6, 50], [40]);
    expect(scans(optimized(g))).toBe(1);
    await check(g);
  });

  it('in a loop of the program', async () => {
    const f: Fn = (q, k, v) =>
      tf.scan((h: tf.Tensor, x: tf.Tensor) => tf.matMul(tf.softmax(scoresOf(h, x)), v).mul(0.5), k, q);
    const g = graphOf(f, [40, 5], [3, 30, 5], [30, 5]);
    await check(g);
  });

  it('second derivatives', async () => {
    const f: Fn = (q, k, v) => {
      const first = (...xs: tf.Tensor[]) =>
        tf
          .grad((x) => forms['scaled behind'][0](x, xs[1], xs[2]).sin().sum())(xs[0])
          .square()
          .sum();
      return tf.grads(first)([q, k, v]);
    };
    await check(graphOf(f, [24, 4], [20, 4], [20, 4]));
  });
});

describe('what is not understood stays as it is', () => {
  const kept: Record<string, [Fn, ...number[][]]> = {
    'the scores are a result': [
      (q, k, v) => {
        const p = tf.softmax(scoresOf(q, k));
        return [tf.matMul(p, v), p];
      },
    ],
    'columns are summed before the scores join another chain': [
      (q, k, v) => {
        const s = scoresOf(q, k);
        const columns = s.sum(0);
        return [tf.matMul(tf.softmax(scoresOf(q.mul(2), k).add(s)), v), columns];
      },
    ],
    'columns are summed': [
      (q, k, v) => {
        const p = tf.softmax(scoresOf(q, k));
        return [tf.matMul(p, v), p.sum(0)];
      },
    ],
    'softmax over columns': [(q, k, v) => tf.matMul(tf.softmax(scoresOf(q, k).transpose()).transpose(), v)],
    'random numbers': [(q, k, v) => tf.matMul(tf.dropout(tf.softmax(scoresOf(q, k)), 0.5, undefined, 3), v)],
    'another square value': [(q, k, v, x) => tf.matMul(tf.softmax(scoresOf(q, k).add(x.cumsum(1))), v), [40, 30]],
    'a perceptron': [(q, k, v) => tf.matMul(tf.relu(scoresOf(q, k)), v)],
  };
  it.each(Object.entries(kept))('%s', async (_, [f, ...more]) => {
    const g = graphOf(f, [40, 5], [30, 5], [30, 5], ...more);
    expect(scans(optimized(g))).toBe(0);
    await check(g);
  });
  it('what is small', () => {
    const g = graphOf(forms['scaled behind'][0] as Fn, [40, 5], [30, 5], [30, 5]);
    expect(scans(optimized(g, { ...small, limit: 4 * 40 * 30 + 1 }))).toBe(0);
    expect(scans(optimized(g, { ...small, limit: 4 * 40 * 30 }))).toBe(1);
  });
});

describe('memory', () => {
  const shape = [1, 4, 2048, 64];
  const operand = 4 * sizeOf(shape);
  const strip = 2 ** 20;
  it.each([
    ['forward', forms['causal by where'][0] as Fn, 4],
    // Three operands, the result, three gradients; the gradient of the result; the statistics of the rows.
    ['forward and gradient', trained(forms['causal by where'][0]), 9],
  ])('%s of a long sequence', async (_, f, operands) => {
    const { plan } = await compileGraph(graphOf(f, shape, shape, shape), { shared: true });
    expect(plan.info.arenaBytes).toBeLessThan(operands * operand + 3 * strip);
  });
});
