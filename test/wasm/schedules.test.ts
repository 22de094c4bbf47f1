// The schedules that a tuner may choose: each one that is offered gives the reference's results, at sizes that hit
// tails, with any number of threads.

import '../../tools/relaxed-simd.ts';
import { describe, expect, it } from 'vitest';
import { type TunableKernel, type Tuner, withSchedule } from '../../compiler/index.ts';
import type { Tile } from '../../compiler/lower/kernel-builder.ts';
import { parseSchedule, scheduleText } from '../../compiler/lower/kernel-schedule.ts';
import { runPasses } from '../../compiler/pass-runner.ts';
import { pipelineWith } from '../../compiler/pipeline.ts';
import { Tunables } from '../../compiler/tuning.ts';
import type { Graph } from '../../ir/graph.ts';
import { parseGraph } from '../../ir/parse.ts';
import { sizeOf } from '../../ir/types.ts';
import { randomFrom } from '../helpers.ts';
import { tiles } from '../kernel/kernels.ts';
import { runReference, runWasm } from './run.ts';

const geometry = 'groups=1, lhs_dilation=[1,1], rhs_dilation=[1,1], strides=[1,1]';
const programs: Readonly<Record<string, string>> = {
  'a product with a tail everywhere': `
func @gemm(%x: f32[67,131], %w: f32[131,53], %b: f32[53]) -> f32[67,53] {
  %0 : f32[67,53] = dot_general %x, %w {batch=[[],[]], contract=[[1],[0]]}
  %1 : f32[67,53] = broadcast %b {dims=[1], shape=[67,53]}
  %2 : f32[67,53] = add %0, %1
  %3 : f32[67,53] = tanh %2
  return %3
}`,
  'a long reduction': `
func @long(%x: f32[13,1543], %w: f32[1543,37]) -> f32[13,37] {
  %0 : f32[13,37] = dot_general %x, %w {batch=[[],[]], contract=[[1],[0]]}
  return %0
}`,
  'a row': `
func @row(%x: f32[1,700], %w: f32[700,203]) -> f32[1,203] {
  %0 : f32[1,203] = dot_general %x, %w {batch=[[],[]], contract=[[1],[0]]}
  return %0
}`,
  'three rows, and the right operand transposed': `
func @three(%x: f32[3,90], %w: f32[45,90]) -> f32[3,45] {
  %0 : f32[3,45] = dot_general %x, %w {batch=[[],[]], contract=[[1],[1]]}
  return %0
}`,
  'many rows, in blocks, with a prologue': `
func @many(%x: f32[1301,301], %w: f32[301,10]) -> f32[1301,10] {
  %0 : f32[1301,301] = tanh %x
  %1 : f32[1301,10] = dot_general %0, %w {batch=[[],[]], contract=[[1],[0]]}
  return %1
}`,
  'a batched product': `
func @batched(%x: f32[5,33,65], %y: f32[5,65,47]) -> f32[5,33,47] {
  %0 : f32[5,33,47] = dot_general %x, %y {batch=[[0],[0]], contract=[[2],[1]]}
  return %0
}`,
  'a 3 x 3 convolution': `
func @conv(%x: f32[2,17,15,12], %w: f32[3,3,12,21]) -> f32[2,17,15,21] {
  %0 : f32[2,17,15,21] = conv %x, %w {${geometry}, pad=[[1,1],[1,1]]}
  %1 : f32[2,17,15,21] = max %0, 0
  return %1
}`,
  'a small one, whose default is the direct sum': `
func @small(%x: f32[1,5,5,8], %w: f32[3,3,8,9]) -> f32[1,6,5,9] {
  %0 : f32[1,6,5,9] = conv %x, %w {${geometry}, pad=[[1,2],[0,2]]}
  return %0
}`,
  'a filter gradient': `
func @filter(%x: f32[2,14,13,10], %g: f32[2,14,13,18]) -> f32[3,3,10,18] {
  %0 : f32[3,3,10,18] = conv_filter_grad %x, %g {${geometry}, kernel=[3,3], pad=[[1,1],[1,1]]}
  return %0
}`,
  'a 5 x 5 convolution with strides': `
func @strided(%x: f32[2,19,19,6], %w: f32[5,5,6,10]) -> f32[2,10,10,10] {
  %0 : f32[2,10,10,10] = conv %x, %w {groups=1, lhs_dilation=[1,1], rhs_dilation=[1,1], strides=[2,2], pad=[[2,2],[2,2]]}
  return %0
}`,
};

const kernelsOf = (g: Graph, tile: Tile): readonly TunableKernel[] =>
  new Tunables(runPasses(g, pipelineWith({ conv: { undecided: true } })).graph, { tile, threads: 1 }, 'test').kernels;
/** What is offered for a program's only contraction, on any engine. */
const offered = (g: Graph): string[] => [...new Set(tiles.flatMap((tile) => kernelsOf(g, tile)[0].candidates))];

/** Makes one choice for each kernel of a program. */
const choosing = (pick: (k: TunableKernel) => string): Tuner => ({ knows: () => true, choose: (ks) => ks.map(pick) });

function worstError(want: readonly Float64Array[], got: readonly ArrayLike<number>[]): number {
  const errors = want.map((w, i) => {
    const largest = w.reduce((m, x) => Math.max(m, Math.abs(x)), 0);
    return w.reduce((m, x, k) => Math.max(m, Math.abs(got[i][k] - x)), 0) / largest;
  });
  return Math.max(...errors);
}

describe.each(Object.entries(programs))('%s', (_, text) => {
  const g = parseGraph(text);
  const random = randomFrom(5);
  const inputs = g.params.map((p) => Float32Array.from({ length: sizeOf(p.type.shape) }, () => 2 * random() - 1));
  const want = runReference(g, inputs);
  const [kernel] = kernelsOf(g, tiles[0]);

  it.each(offered(g))('%s', async (schedule) => {
    const tuner = choosing(() => schedule);
    const single = await runWasm(g, inputs, { relaxed: true, tuner });
    // The bound for products and convolutions (docs/accuracy.md).
    expect(worstError(want, single.outputs)).toBeLessThan(1e-5);
    const used = single.program.plan.kernels.flatMap((k) => k.schedule ?? []);
    expect(used).toEqual([schedule]);
    const two = await runWasm(g, inputs, { relaxed: true, threads: 2, tuner });
    expect(two.outputs).toEqual(single.outputs);
    const baseline = await runWasm(g, inputs, { relaxed: false, tuner });
    expect(worstError(want, baseline.outputs)).toBeLessThan(1e-5);
  });

  it('by the defaults is what it is without a tuner', async () => {
    const texts = async (opt: object) =>
      (await runWasm(g, inputs, { relaxed: true, ...opt })).program.plan.kernels.map((k) => k.text);
    expect(await texts({ tuner: choosing((k) => k.candidates[0]) })).toEqual(await texts({}));
  });

  it('alone is the same operation', () => {
    const last = withSchedule(kernel, kernel.candidates[kernel.candidates.length - 1]);
    expect(last.results.map((r) => r.type)).toEqual(g.results.map((r) => r.type));
    expect(last.nodes.find((n) => n.op.kind === 'contraction')?.attrs.schedule).toBe(kernel.candidates.at(-1));
    expect(String(parseGraph(String(last)))).toBe(String(last));
  });
});

describe('a product inside of a loop', () => {
  const g = parseGraph(`
func @loop(%w: f32[30,30], %x: f32[30,30]) -> (f32[30,30], f32[4,30,30]) {
  %0, %1 : f32[30,30], f32[4,30,30] = scan %w, %x {carry=1, consts=1, length=4} region @body(%w: f32[30,30], %h: f32[30,30]) -> (f32[30,30], f32[30,30]) {
    %0 : f32[30,30] = dot_general %h, %w {batch=[[],[]], contract=[[1],[0]]}
    %1 : f32[30,30] = tanh %0
    return %1, %h
  }
  return %0, %1
}`);
  it('has the schedule that was chosen', async () => {
    const schedule = 'product 4x8x4 packed k512 block 524288';
    const inputs = g.params.map((p, i) =>
      Float32Array.from({ length: sizeOf(p.type.shape) }, (_, k) => Math.sin(k + i)),
    );
    const { outputs, program } = await runWasm(g, inputs, { relaxed: true, tuner: choosing(() => schedule) });
    expect(worstError(runReference(g, inputs), outputs)).toBeLessThan(1e-5);
    const body = program.plan.kernels.flatMap((k) => k.body ?? []);
    expect(body.flatMap((k) => k.schedule ?? [])).toEqual([schedule]);
  });
});

describe('schedules as text', () => {
  it('are read back', () => {
    const all = Object.values(programs).flatMap((text) => offered(parseGraph(text)));
    expect(all.length).toBeGreaterThan(40);
    for (const text of [...all, 'nest', 'depthwise', 'product', 'winograd2']) {
      const s = parseSchedule(text);
      expect(s && scheduleText(s)).toBe(text);
    }
  });
  it.each([
    '',
    'produkt',
    'product 6x8x4',
    'product 6x8x4 packed k512',
    'product 6x7x4 packed k512 block 1000',
    'product 6x8x3 packed k512 block 1000',
    'product 60x8x4 packed k512 block 1000',
    'product 6x8x4 packed k1 block 1000',
    'product 6x8x4 block 1000',
    'winograd3',
    'winograd4 6x8x4 packed k512 block 1000',
    'nest 6x8x4 block 1000',
  ])('%j is none', (text) => {
    expect(parseSchedule(text)).toBeNull();
  });
  it.each([
    ['bad', /is no schedule: "bad"/],
    ['winograd4', /'winograd4' does not fit its shapes/],
    ['depthwise', /'depthwise' does not fit its shapes/],
  ])('in a graph, %j on a product is refused', async (schedule, message) => {
    const g = parseGraph(`
func @bad(%x: f32[32,32], %w: f32[32,32]) -> f32[32,32] {
  %0 : f32[32,32] = dot_general %x, %w {batch=[[],[]], contract=[[1],[0]], schedule="${schedule}"}
  return %0
}`);
    await expect(runWasm(g, [new Float32Array(1024), new Float32Array(1024)])).rejects.toThrow(message);
  });
});

describe('winograd: false', () => {
  const g = parseGraph(programs['a 3 x 3 convolution']);
  it('takes the direct sum, which is exact for whole numbers', async () => {
    const inputs = g.params.map((p) => Float32Array.from({ length: sizeOf(p.type.shape) }, (_, i) => (i % 19) - 9));
    const { outputs, program } = await runWasm(g, inputs, { winograd: false });
    expect(program.plan.kernels.map((k) => k.schedule?.split(' ')[0])).toContain('product');
    expect(Array.from(outputs[0])).toEqual(Array.from(runReference(g, inputs)[0]));
    const free = await runWasm(g, inputs);
    expect(free.program.plan.kernels.map((k) => k.schedule?.split(' ')[0])).toContain('winograd4');
  });
  it('leaves a tuner no other algorithm', async () => {
    const inputs = g.params.map((p) => new Float32Array(sizeOf(p.type.shape)));
    let seen: readonly string[] = [];
    const tuner = choosing((k) => {
      seen = k.candidates;
      return k.candidates[k.candidates.length - 1];
    });
    const { program } = await runWasm(g, inputs, { winograd: false, tuner });
    expect(seen.length).toBeGreaterThan(2);
    expect(seen.every((s) => s.startsWith('product '))).toBe(true);
    expect(program.plan.kernels.map((k) => k.schedule)).toContain(seen[seen.length - 1]);
  });
});
