// Kernels of every op sample and of fused programs: they verify, and their text reads back.

import { describe, expect, it } from 'vitest';
import { gradGraph } from '../../compiler/autodiff/backprop.ts';
import type { Graph } from '../../ir/graph.ts';
import { parseKernel, parseKernels } from '../../ir/kernel/parse.ts';
import { printKernel } from '../../ir/kernel/print.ts';
import { verifyKernel } from '../../ir/kernel/verify.ts';
import { makeCase } from '../fuzz/graphs.ts';
import { opCases, opGraph, weightedSum } from '../helpers.ts';
import { kernelsOf, tiles } from './kernels.ts';

const cases = opCases().filter((c) => c.op.kind !== 'control' && !c.sample.inputs.some((i) => i.type.dtype === 'f64'));

function check(g: Graph): void {
  for (const tile of tiles)
    for (const threads of [1, 2])
      for (const k of kernelsOf(g, threads, tile)) {
        const text = printKernel(k);
        const back = parseKernel(text);
        expect(printKernel(back)).toBe(text);
        expect(back.buffers).toEqual(k.buffers);
        expect(verifyKernel(k), text).toEqual([]);
        // Whatever the text does not say (types of loads and variables) must come out the same.
        expect(verifyKernel(back), text).toEqual([]);
      }
}

describe('the kernels of', () => {
  it.each(cases)('$name', ({ op, sample }) => check(opGraph(op, sample)));

  it.each(cases.filter((c) => c.sample.grad !== false))('gradient of $name', ({ op, sample }) => {
    const g = weightedSum(opGraph(op, sample), 5);
    check(
      gradGraph(
        g,
        0,
        g.params.flatMap((p, i) => (p.type.dtype === 'f32' ? [i] : [])),
      ),
    );
  });

  it.each(Array.from({ length: 60 }, (_, i) => i))('random graph %i', (i) => {
    const mode = (['forward', 'gradient', 'training'] as const)[i % 3];
    check(
      makeCase({ seed: 900 + i, mode, steps: Array.from({ length: 12 }, (_, k) => (i + 1) * 7919 + k * 104729) }).graph,
    );
  });
});

it('several kernels in one text', () => {
  const text = 'kernel @a() {\n}\nkernel @b(out b0: f32[1]) {\n  b0[0] = f32(1)\n}';
  expect(parseKernels(text).map(printKernel).join('\n')).toBe(text);
});
