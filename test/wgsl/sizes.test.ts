// Operations at the sizes where the GPU's code differs (each tile of a product, reductions in parts, grids of many
// workgroups), against the WASM target, which has tests of its own at such sizes.

import '../../tools/relaxed-simd.ts';
import { describe, expect, it } from 'vitest';
import { compileForGpu } from '../../compiler/wgsl/compile.ts';
import type { Attrs } from '../../ir/graph.ts';
import { opByName, sample } from '../../ir/op.ts';
import { openGpu } from '../../runtime/webgpu/device.ts';
import { closeness, opGraph, sampleInputs } from '../helpers.ts';
import { runWasm } from '../wasm/run.ts';
import { runGpu } from './run.ts';

const dot: Attrs = { contract: [[1], [0]], batch: [[], []] };
const conv = (strides: number[], pad: number[][]): Attrs => ({
  strides,
  pad,
  lhs_dilation: [1, 1],
  rhs_dilation: [1, 1],
  groups: 1,
});
const [same, uneven] = [
  [
    [1, 1],
    [1, 1],
  ],
  [
    [2, 1],
    [0, 3],
  ],
];

/** Operation, operands, attributes, and what the schedule of its contraction says. */
const cases: readonly [string, string[], Attrs, RegExp?][] = [
  ['dot_general', ['f32[1024,40]', 'f32[40,1100]'], dot, /^tile 128x128/],
  ['dot_general', ['f32[1030,33]', 'f32[33,1024]'], dot, /^tile 128x128/],
  ['dot_general', ['f32[64,5000]', 'f32[5000,64]'], dot, /^tile 64x64.*parts/],
  ['dot_general', ['f32[100,7]', 'f32[7,20]'], dot, /^tile 64x16/],
  ['dot_general', ['f32[20,70]', 'f32[70,100]'], dot, /^tile 16x64/],
  ['dot_general', ['f32[33,70]', 'f32[70,40]'], dot, /^tile 32x32/],
  ['dot_general', ['i32[100,300]', 'i32[300,70]'], dot, /^tile 64x64/],
  ['dot_general', ['f32[3,4001]', 'f32[4001,130]'], dot, /^tile|^nest/],
  ['dot_general', ['f32[130,4001]', 'f32[4001,1]'], dot, /^nest/],
  ['dot_general', ['f32[4,96,64]', 'f32[4,64,96]'], { contract: [[2], [1]], batch: [[0], [0]] }, /^tile/],
  ['dot_general', ['f32[4,64,96]', 'f32[4,96,64]'], { contract: [[1], [2]], batch: [[0], [0]] }, /^tile/],
  ['conv', ['f32[4,32,32,16]', 'f32[3,3,16,64]'], conv([1, 1], same), /^tile 64x64/],
  ['conv', ['f32[2,31,33,7]', 'f32[5,5,7,50]'], conv([2, 2], uneven), /^tile/],
  [
    'conv_filter_grad',
    ['f32[8,32,32,16]', 'f32[8,32,32,48]'],
    { ...conv([1, 1], same), kernel: [3, 3] },
    /^tile.*parts/,
  ],
  ['reduce_sum', ['f32[1000003]'], { axes: [0] }],
  ['reduce_sum', ['f32[3000,500]'], { axes: [0] }],
  ['reduce_max', ['f32[20,30000]'], { axes: [1] }],
  ['cumulative_sum', ['f32[5,20000]'], { axis: 1, exclusive: false, reverse: true }],
  ['sort', ['f32[3,5000]'], { descending: false }],
  ['sort', ['i32[70000]'], { descending: true }],
  ['softmax', ['f32[5,20000]'], { axis: 1 }],
  ['transpose', ['f32[300,17,40]'], { perm: [2, 0, 1] }],
  // More workgroups than one dimension of a dispatch has.
  ['add', ['f32[5000000]', 'f32[5000000]'], {}],
];

const largest = (m: number, v: number): number => Math.max(m, Math.abs(v));

describe('on the GPU and on WASM', () => {
  it.each(cases)('%s of %j', async (name, operands, attrs, schedule) => {
    const s = sample(
      operands.map((x) => [x, -2, 2]),
      attrs,
      false,
    );
    const g = opGraph(opByName(name), s);
    const inputs = sampleInputs(s).map((x) => x.data);
    if (schedule) {
      const { kernels } = compileForGpu(g, { gpu: (await openGpu('test')).target }).plan.info;
      expect(kernels.flatMap((k) => k.schedule ?? []).join()).toMatch(schedule);
    }
    const { outputs } = await runWasm(g, inputs);
    for (const [i, out] of (await runGpu(g, inputs)).entries())
      expect(closeness(out, outputs[i], 1e-5, 3e-6 * Array.from(outputs[i]).reduce(largest, 0))).toBe('');
  });
});
