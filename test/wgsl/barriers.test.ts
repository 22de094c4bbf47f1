// What invocations of a workgroup do to one another's memory: barriers where one way to an access has none behind it,
// and vectors whose parts belong to several invocations. Software drivers forgive both.

import { describe, expect, it } from 'vitest';
import { shadersOf } from '../../compiler/wgsl/codegen.ts';
import { compileForGpu } from '../../compiler/wgsl/compile.ts';
import { parseKernel } from '../../ir/kernel/parse.ts';
import { opByName, sample } from '../../ir/op.ts';
import type { GpuShader } from '../../ir/plan.ts';
import { opGraph } from '../helpers.ts';

const codeOf = (body: string): string => {
  const text = `kernel @k(out b0: f32[128], in b1: f32[128], shared s2: f32[64]) {\n${body}\n}`;
  return shadersOf(parseKernel(text), { invocations: 64 })[0].code;
};
const fill = 'for t = 0 to 64 vector {\ns2[t] = b1[((g * 64) + t)]\n}';
const turn = 'for t = 0 to 64 vector {\nb0[((g * 64) + t)] = s2[(63 - t)]\n}';

const barriers = (body: string): number => codeOf(body).split('workgroupBarrier();').length - 1;

describe('barriers', () => {
  const rows = (s: string, then = turn) => `for g = 0 to 2 grid {\n${fill}\n${s}\n${then}\n}`;

  it('stand where something is read that others wrote', () => {
    expect(barriers(rows(''))).toBe(1);
    expect(barriers(rows('', 'for t = 0 to 64 vector {\nb0[((g * 64) + t)] = f32(0)\n}'))).toBe(0);
  });

  it('stand on both sides of a branch', () => {
    expect(barriers(rows(`if (g == 0) {\n${turn}\n} else {\n${turn}\n}`, ''))).toBe(2);
  });

  it('stand behind a branch that may not have been taken', () => {
    expect(barriers(rows(`if (g == 0) {\n${turn}\n}`))).toBe(2);
    expect(barriers(rows(`if (g == 0) {\n${turn}\n} else {\n${turn}\n}`))).toBe(2);
  });

  it('stand behind a loop that may have had no run', () => {
    expect(barriers(rows(`for k = 0 to g {\n${turn}\n}`))).toBe(2);
    expect(barriers(rows(`for k = 0 to 3 {\n${turn}\n}`))).toBe(1);
  });
});

describe('vectors', () => {
  const product = (m: number, k: number, n: number, left = `f32[${m},${k}]`, contract = [[1], [0]]): GpuShader => {
    const g = opGraph(opByName('dot_general'), sample([left, `f32[${k},${n}]`], { contract, batch: [[], []] }));
    const gpu = { invocations: 256, sharedBytes: 16384 };
    return compileForGpu(g, { gpu }).plan.kernels[0].shaders[0];
  };

  it('are not stored to by several invocations', () => {
    // Four steps of a row of the left operand go to four places, beside those of other rows.
    const whole = product(192, 96, 192);
    expect(whole.code).toContain('s_w0: array<f32, ');
    expect(whole.code).toContain('s_w1: array<vec4<f32>, ');
    expect(whole.heap).toBe('vectors');
    // Four columns of a transposed one go to one place.
    expect(product(192, 96, 192, 'f32[96,192]', [[0], [0]]).code).toContain('s_w0: array<vec4<f32>, ');
    // Rows of the result that start anywhere: the first columns of one share a vector with the last of another.
    expect(product(192, 96, 190).heap).toBe('words');
    // Invocations with two columns each.
    expect(product(40, 96, 40).heap).toBe('words');
  });
});
