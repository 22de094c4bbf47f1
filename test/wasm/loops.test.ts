// What compiled control flow costs: code that does not grow with the steps, memory that checkpoints
// save, chains of any length.

import * as tf from 'sinter';
import { describe, expect, it } from 'vitest';
import { gradGraph } from '../../compiler/autodiff/backprop.ts';
import { compileGraph } from '../../compiler/index.ts';
import { planLevel } from '../../compiler/level.ts';
import { runPasses } from '../../compiler/pass-runner.ts';
import { pipeline } from '../../compiler/pipeline.ts';
import { Builder } from '../../ir/builder.ts';
import type { Graph, Val } from '../../ir/graph.ts';
import { ndarray } from '../../ir/ndarray.ts';
import { parseGraph } from '../../ir/parse.ts';
import { tensorType } from '../../ir/types.ts';
import { interpret } from '../../runtime/reference/interpreter.ts';

/** A recurrent net over so many steps, and the gradient of its weights. */
function recurrent(steps: number): Graph {
  const f = tf.func((xs: tf.Tensor, h: tf.Tensor, w: tf.Tensor) =>
    tf.scan((a: tf.Tensor, x: tf.Tensor) => a.matMul(w).add(x).tanh(), xs, h).sum(),
  );
  return gradGraph(f.graphFor(tf.spec([steps, 4, 8]), tf.spec([4, 8]), tf.spec([8, 8])), 0, [2]);
}

describe('a scan', () => {
  it('of 5000 steps is a loop: its code is as long as that of 500', async () => {
    const [short, long] = await Promise.all(
      [500, 5000].map(async (n) => {
        const g = recurrent(n);
        const { plan } = await compileGraph(g, { shared: false });
        return { nodes: g.nodes.length, bytes: plan.module.length, kernels: plan.info.kernels.length };
      }),
    );
    expect(long.nodes).toBe(short.nodes);
    expect(long.kernels).toBe(short.kernels);
    // Ten times the steps: only numbers get longer, and products over all steps are blocked otherwise.
    expect(long.bytes).toBeLessThan(short.bytes * 1.25);
  });
});

describe('recomputeGrad', () => {
  const layers = 24;
  /** Planned bytes of a training step of a deep net that keeps the activations between blocks only. */
  async function plannedBytes(block: number): Promise<number> {
    const weights = Array.from({ length: layers }, () => tf.variable(tf.zeros([64, 64])));
    const some = (ws: readonly tf.Variable[]) => (x: tf.Tensor) =>
      ws.reduce((h, w) => tf.add(h.matMul(w), 1).tanh(), x);
    const forward = (x: tf.Tensor) => {
      if (block === 0) return some(weights)(x);
      let h = x;
      for (let i = 0; i < layers; i += block) h = tf.recomputeGrad(some(weights.slice(i, i + block)))(h);
      return h;
    };
    const optimizer = tf.train.sgd(0.1);
    const step = (x: tf.Tensor) => optimizer.minimize(() => forward(x).square().mean(), true) as tf.Tensor;
    const exe = await tf.compile(step, { inputs: [tf.spec([256, 64])] });
    return exe.plan.arenaBytes;
  }
  it('at least halves the planned memory of a deep net', async () => {
    const [plain, blocks] = [await plannedBytes(0), await plannedBytes(4)];
    expect(blocks / plain).toBeLessThanOrEqual(0.5);
  });
});

describe('a chain of 100,000 nodes', () => {
  function chain(n: number): Graph {
    const b = new Builder('chain');
    let x: Val = b.param(tensorType('f32', [4]), 'x');
    for (let i = 0; i < n; i++) {
      if (i % 3 === 0) x = b.reshape(x, i % 2 ? [4] : [2, 2]);
      else x = i % 3 === 1 ? b.un('tanh', x) : b.mul(x, 1.0001);
    }
    return b.build([b.sum(x)]);
  }
  it('is differentiated, printed, read back, run, optimized and planned', { timeout: 120_000 }, () => {
    const g = gradGraph(chain(100_000), 0, [0]);
    expect(g.nodes.length).toBeGreaterThan(200_000);
    expect(parseGraph(String(g)).nodes.length).toBe(g.nodes.length);
    const [, dx] = interpret(g, [ndarray('f32', [4], [0.1, 0.2, 0.3, 0.4])]);
    expect(dx.data.every((d) => d > 0 && d < 1)).toBe(true);
    const { graph } = runPasses(g, pipeline);
    const level = planLevel(graph, { tile: { mr: 2, nr: 16, unroll: 1 }, threads: 1 });
    expect(level.memory.arenaBytes).toBeGreaterThan(0);
  });
  it('is compiled, as far as a test has time for', { timeout: 120_000 }, async () => {
    const { plan } = await compileGraph(gradGraph(chain(5000), 0, [0]), { shared: false });
    expect(plan.steps).toBeGreaterThan(10);
  });
});
