// Gradients of control flow: first and second order against central differences in float64, and the
// compiled gradient against the reference.

import '../../tools/relaxed-simd.ts';
import * as tf from 'sinter';
import { describe, expect, it } from 'vitest';
import { gradGraph } from '../../compiler/autodiff/backprop.ts';
import { runPasses } from '../../compiler/pass-runner.ts';
import { pipeline } from '../../compiler/pipeline.ts';
import type { Graph } from '../../ir/graph.ts';
import { ndarray } from '../../ir/ndarray.ts';
import { staticShape } from '../../ir/types.ts';
import { failure, onWasm } from '../fuzz/check.ts';
import { knowAll } from '../fuzz/numerics.ts';
import { checkGrad } from '../gradcheck.ts';
import { randomFrom, weightedSum } from '../helpers.ts';
import { onGpu } from '../wgsl/run.ts';

type Fn = (...xs: tf.Tensor[]) => tf.Tensor | tf.Tensor[];
const cell = (w: tf.Tensor) => (h: tf.Tensor, x: tf.Tensor) => h.matMul(w).add(x).tanh();

/** Functions, and the shapes of their arguments. */
const functions: Record<string, [Fn, ...number[][]]> = {
  'cond, first branch': [
    (x, y) =>
      tf.cond(
        x.sum().greater(-100),
        () => x.mul(y).sin(),
        () => x,
      ),
    [3],
    [3],
  ],
  'cond, second branch, which is an operand': [
    (x, y) =>
      tf.cond(
        x.sum().greater(100),
        () => x.mul(y),
        () => y,
      ),
    [3],
    [3],
  ],
  switchCase: [
    (x, y) =>
      tf.switchCase(tf.scalar(1, 'int32').add(x.sum().mul(0).toInt()), [() => x, () => x.mul(y).exp(), () => y]),
    [3],
    [3],
  ],
  'whileLoop with a bound': [
    (x, y) =>
      tf.whileLoop(
        (i, _a) => i.less(3),
        (i, a) => [i.add(tf.scalar(1, 'int32')), a.mul(y).sin()],
        [tf.scalar(0, 'int32'), x],
        { maximumIterations: 5 },
      )[1],
    [3],
    [3],
  ],
  'whileLoop that the bound ends': [
    (x) =>
      tf.whileLoop(
        (_a) => tf.scalar(1).greater(x.sum().mul(0)),
        (a) => [a.square().mul(0.5)],
        [x],
        { maximumIterations: 3 },
      )[0],
    [2],
  ],
  scan: [(xs, h, w) => tf.scan(cell(w), xs, h), [4, 2, 3], [2, 3], [3, 3]],
  'scan in reverse, checkpointed': [
    (xs, h, w) => tf.scan(cell(w), xs, h, { reverse: true, checkpoint: true }),
    [4, 2, 3],
    [2, 3],
    [3, 3],
  ],
  'scanLoop: last carry, outputs, a carry without gradient': [
    (xs, h) => {
      const [[, last], ys] = tf.scanLoop(
        ([n, a], x: tf.Tensor) => [[n.add(tf.scalar(1, 'int32')), a.mul(x).add(1)], a.mul(n.toFloat())],
        [tf.scalar(1, 'int32'), h],
        xs,
      );
      return [last, ys];
    },
    [3, 2],
    [2],
  ],
  mapFn: [(xs, w) => tf.mapFn((x: tf.Tensor) => x.mul(w).exp().sum(), xs), [3, 2], [2]],
  forRange: [(x, w) => tf.forRange(1, 4, (i, a) => [a.mul(w).add(i.toFloat())], [x])[0], [2], [2]],
  'forRange up to a tensor': [
    (x) =>
      tf.forRange(0, x.sum().mul(0).toInt().add(tf.scalar(3, 'int32')) as tf.Tensor, (_i, a) => [a.sin()], [x], {
        maximumIterations: 6,
      })[0],
    [2],
  ],
  'whileLoop whose condition reads what is carried': [
    (x) =>
      tf.whileLoop(
        (a) => a.square().sum().less(20),
        (a) => [a.mul(1.7)],
        [x],
        { maximumIterations: 9 },
      )[0],
    [3],
  ],
  'a loop in a loop in a branch': [
    (x, w) =>
      tf.cond(
        x.sum().greater(100),
        () => x,
        () =>
          tf
            .scan(
              (a: tf.Tensor, k: tf.Tensor) =>
                tf
                  .scan((c: tf.Tensor, j: tf.Tensor) => c.mul(w).add(j).sin(), w, a)
                  .sum(0)
                  .add(k),
              w,
              x,
            )
            .sum(0),
      ),
    [3],
    [3],
  ],
  'a Variable-free body that captures nothing': [
    (xs) => tf.scan((a: tf.Tensor, x: tf.Tensor) => a.add(x.square()), xs, tf.zeros([2])),
    [3, 2],
  ],
  recomputeGrad: [
    (x, w) => tf.recomputeGrad((a: tf.Tensor) => a.matMul(w).tanh().matMul(w).sin())(x) as tf.Tensor,
    [2, 3],
    [3, 3],
  ],
};

function inputsOf(g: Graph, seed: number) {
  const random = randomFrom(seed);
  return g.params.map((p) => {
    const shape = staticShape(p.type.shape);
    const n = shape.reduce((a, b) => a * b, 1);
    return ndarray(
      p.type.dtype,
      shape,
      Float32Array.from({ length: n }, () => 2 * random() - 1),
    );
  });
}

describe.each(Object.entries(functions))('%s', (_, [f, ...shapes]) => {
  const graph = tf.func(f).graphFor(...shapes.map((s) => tf.spec(s)));
  const scalar = weightedSum(graph, 17);
  it('has the gradient of its definition, twice', () => {
    const inputs = inputsOf(scalar, 5);
    const back = checkGrad(scalar, inputs);
    checkGrad(weightedSum(back, 23, 1), inputs);
  });
  it.each([
    { target: 'wasm', configs: onWasm },
    { target: 'webgpu', configs: onGpu },
  ])('compiles for $target, gradient included', async ({ configs }) => {
    const wrt = scalar.params.map((_p, i) => i);
    const back = gradGraph(scalar, 0, wrt);
    for (const g of [graph, back, gradGraph(weightedSum(back, 23, 1), 0, wrt)]) {
      const inputs = inputsOf(g, 6);
      const all = knowAll(g, inputs);
      expect(await failure({ graph: g, inputs, known: g.results.map((r) => all[r.id]) }, configs)).toBe('');
    }
  });
});

it('one loop does the forward of a gradient', () => {
  const [f, ...shapes] = functions.scan;
  const g = gradGraph(weightedSum(tf.func(f).graphFor(...shapes.map((s) => tf.spec(s))), 17), 0, [0, 1, 2]);
  const count = (x: Graph) => x.nodes.filter((n) => n.op.name === 'scan').length;
  expect(count(g)).toBe(3);
  expect(count(runPasses(g, pipeline, { verify: true }).graph)).toBe(2);
});
