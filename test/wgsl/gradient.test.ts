// Gradients on the software GPU, of the first and the second order, against the reference; test/ops/gradient.test.ts
// holds that one to differences.
//
//   CONFORMANCE=full CONFORMANCE_SEED=1 npx vitest run test/wgsl/gradient.test.ts      every sample, not one of each op

import { describe, expect, it } from 'vitest';
import { gradGraph } from '../../compiler/autodiff/backprop.ts';
import type { Graph } from '../../ir/graph.ts';
import { allOps } from '../../ir/op.ts';
import { isFloat } from '../../ir/types.ts';
import { failure } from '../fuzz/check.ts';
import { knowAll } from '../fuzz/numerics.ts';
import { opCases, opGraph, randomFrom, sampleInputs, weightedSum } from '../helpers.ts';
import { onGpu } from './run.ts';

const full = process.env.CONFORMANCE === 'full';
const seed = Number(process.env.CONFORMANCE_SEED ?? 1);

/** The sum of the results with the gradients of its float parameters. */
const withGradients = (g: Graph): Graph =>
  gradGraph(
    g,
    0,
    g.params.flatMap((p, i) => (isFloat(p.type.dtype) ? [i] : [])),
  );

const random = randomFrom(seed);
const cases = allOps().flatMap((op) => {
  const own = opCases().filter(
    (c) => c.op === op && c.sample.grad !== false && !c.sample.inputs.some((i) => i.type.dtype === 'f64'),
  );
  return full || own.length === 0 ? own : [own[Math.floor(random() * own.length)]];
});

describe(`gradient on the GPU, ${full ? 'all samples' : `a sample of seed ${seed}`}`, () => {
  it.each(cases)('$name', async ({ op, sample }) => {
    const first = withGradients(weightedSum(opGraph(op, sample), 17));
    const second = withGradients(weightedSum(first, 23, 1));
    const inputs = sampleInputs(sample);
    for (const graph of [first, second]) {
      const all = knowAll(graph, inputs);
      expect(await failure({ graph, inputs, known: graph.results.map((r) => all[r.id]) }, onGpu)).toBe('');
    }
  });
});
