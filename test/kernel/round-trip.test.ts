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

const cases = opCases().filter((c) => c.op.kind !== 'control');

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

it('functions, rare calls and the halves of doubles', () => {
  const text = `kernel @k(in b0: f64[4], in b1: f32[4], out b2: f64[4], out b3: f32[4], out b4: i32[4]) {
  for i = 0 to 4 {
    b2[i] = double(hi_word(b0[i]), lo_word(@pow(b0[i], f64(2))))
    b3[i] = rare((b1[i] > f32(1)), @sin_f32(b1[i]), b1[i])
    b4[i] = hi_word(b0[i])
  }
}`;
  const k = parseKernel(text);
  expect(printKernel(k)).toBe(text);
  expect(verifyKernel(k)).toEqual([]);
});

it('several kernels in one text', () => {
  const text = 'kernel @a() {\n}\nkernel @b(out b0: f32[1]) {\n  b0[0] = f32(1)\n}';
  expect(parseKernels(text).map(printKernel).join('\n')).toBe(text);
});
