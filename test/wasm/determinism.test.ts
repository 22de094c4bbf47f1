// The same bits: with any number of threads, on every run, and with `deterministic` as without fused
// multiply-add. The programs here are large enough that threads do share their loops.

import '../../tools/relaxed-simd.ts';
import { describe, expect, it } from 'vitest';
import { hasRelaxedSimd } from '../../compiler/wasm/engine.ts';
import type { Graph } from '../../ir/graph.ts';
import type { TypedArray } from '../../ir/literal.ts';
import { parseGraph } from '../../ir/parse.ts';
import { isFloat, sizeOf } from '../../ir/types.ts';
import { randomFrom } from '../helpers.ts';
import { runReference, runWasm } from './run.ts';

const programs: Readonly<Record<string, string>> = {
  'a product of 200 x 300 x 100 with bias and tanh': `
func @gemm(%x: f32[200,300], %w: f32[300,100], %b: f32[100]) -> f32[200,100] {
  %0 : f32[200,100] = dot_general %x, %w {batch=[[],[]], contract=[[1],[0]]}
  %1 : f32[200,100] = broadcast %b {dims=[1], shape=[200,100]}
  %2 : f32[200,100] = add %0, %1
  %3 : f32[200,100] = tanh %2
  return %3
}`,
  'a batched product': `
func @batched(%x: f32[8,33,65], %y: f32[8,65,47]) -> f32[8,33,47] {
  %0 : f32[8,33,47] = dot_general %x, %y {batch=[[0],[0]], contract=[[2],[1]]}
  return %0
}`,
  'a convolution': `
func @conv(%x: f32[4,20,20,8], %w: f32[3,3,8,24]) -> f32[4,20,20,24] {
  %0 : f32[4,20,20,24] = conv %x, %w {groups=1, lhs_dilation=[1,1], pad=[[1,1],[1,1]], rhs_dilation=[1,1], strides=[1,1]}
  %1 : f32[4,20,20,24] = max %0, 0
  return %1
}`,
  "a convolution's filter gradient": `
func @filter(%x: f32[4,20,20,8], %g: f32[4,18,18,24]) -> f32[3,3,8,24] {
  %0 : f32[3,3,8,24] = conv_filter_grad %x, %g {groups=1, kernel=[3,3], lhs_dilation=[1,1], pad=[[0,0],[0,0]], rhs_dilation=[1,1], strides=[1,1]}
  return %0
}`,
  'sums of columns': `
func @columns(%x: f32[1500,90]) -> f32[90] {
  %0 : f32[1500,90] = exp %x
  %1 : f32[90] = reduce_sum %0 {axes=[0]}
  return %1
}`,
  'a sum of everything': `
func @sum(%x: f32[100003]) -> f32[] {
  %0 : f32[100003] = sin %x
  %1 : f32[] = reduce_sum %0 {axes=[0]}
  return %1
}`,
  'softmax of rows': `
func @softmax(%x: f32[300,257]) -> f32[300,257] {
  %0 : f32[300,257] = softmax %x {axis=1}
  return %0
}`,
  'element-wise work with a tail': `
func @tail(%x: f32[70001]) -> f32[70001] {
  %0 : f32[70001] = erf %x
  %1 : f32[70001] = mul %0, %x
  return %1
}`,
};

function dataFor(g: Graph): number[][] {
  return g.params.map((p, k) => {
    const random = randomFrom(31 + k);
    return Array.from({ length: sizeOf(p.type.shape) }, () =>
      isFloat(p.type.dtype) ? Math.fround(2 * random() - 1) : Math.floor(random() * 2 ** 31),
    );
  });
}
const bits = (a: TypedArray): Uint8Array => new Uint8Array(a.buffer, a.byteOffset, a.byteLength);
const sameBits = (a: readonly TypedArray[], b: readonly TypedArray[]): boolean =>
  a.length === b.length && a.every((x, i) => Buffer.compare(bits(x), bits(b[i])) === 0);

/** Sums of everything are one row, which one thread adds up. */
const onOneThread = new Set(['a sum of everything']);

describe.each(Object.entries(programs))('%s', (name, text) => {
  const g = parseGraph(text);
  const inputs = dataFor(g);

  it.each([true, false])('does not depend on threads (fused multiply-add: %s)', async (relaxed) => {
    const one = await runWasm(g, inputs, { relaxed, threads: 1 });
    const two = await runWasm(g, inputs, { relaxed, threads: 2 });
    const shares = two.program.plan.kernels.some((k) => k.text.includes(' parallel '));
    expect(shares || onOneThread.has(name), 'the program has nothing for a second thread').toBe(true);
    expect(two.program.threads).toBe(2);
    expect(sameBits(one.outputs, two.outputs)).toBe(true);
    // Threads meet in another order each time.
    const tensors = g.params.map((_p, i) => Float32Array.from(inputs[i]));
    for (let k = 0; k < 20; k++) expect(sameBits(two.program.run(tensors), one.outputs)).toBe(true);
  });

  it('deterministic is without fused multiply-add', async () => {
    const plain = await runWasm(g, inputs, { relaxed: false });
    const deterministic = await runWasm(g, inputs, { deterministic: true });
    expect(sameBits(plain.outputs, deterministic.outputs)).toBe(true);
  });
});

it('fused multiply-add is there and does change the bits of a product', async () => {
  expect(hasRelaxedSimd()).toBe(true);
  const g = parseGraph(Object.values(programs)[0]);
  const inputs = dataFor(g);
  const fused = await runWasm(g, inputs, { relaxed: true });
  const plain = await runWasm(g, inputs, { relaxed: false });
  expect(sameBits(fused.outputs, plain.outputs)).toBe(false);
});

describe('random numbers of every distribution', () => {
  const shape = [70_001];
  const text = `
func @draw(%key: u32[2], %alpha: f32[${shape}], %n: u32[${shape}]) -> (f32[${shape}], f32[${shape}], f32[${shape}], f32[${shape}], f32[${shape}], u32[${shape}], f32[${shape}]) {
  %0 : f32[${shape}] = random_normal %key {shape=[${shape}]}
  %1 : f32[${shape}] = random_truncated_normal %key {shape=[${shape}]}
  %2 : f32[${shape}] = random_exponential %key {shape=[${shape}]}
  %3 : f32[${shape}] = random_gumbel %key {shape=[${shape}]}
  %4 : f32[${shape}] = random_gamma %key, %alpha
  %5 : u32[${shape}] = random_int %key, %n
  %6 : f32[${shape}] = scale_shift %0 {scale=0.3, shift=1.7}
  return %0, %1, %2, %3, %4, %5, %6
}`;
  const g = parseGraph(text);
  const alpha = Array.from({ length: shape[0] }, (_, i) => Math.fround(0.01 + (i % 1000) * 0.013));
  const n = Array.from({ length: shape[0] }, (_, i) => (i % 3 === 0 ? 3 * 2 ** 30 : i + 1));
  it.each([
    { relaxed: true, threads: 1 },
    { relaxed: true, threads: 2 },
    { relaxed: false, threads: 1 },
  ])('have the bits of their definition: $relaxed, $threads thread(s)', async (opt) => {
    const inputs = [[123456789, 42], alpha, n];
    const want = runReference(g, inputs);
    const { outputs } = await runWasm(g, inputs, opt);
    outputs.forEach((o, k) => {
      expect(
        Array.from(o).findIndex((x, i) => !Object.is(x, want[k][i])),
        `result ${k}`,
      ).toBe(-1);
    });
  });
});

describe('random numbers', () => {
  it.each([[100003], [7, 33, 65], [1]])(
    'of shape %j have the same bits in the reference and in WASM',
    async (...shape: number[]) => {
      const g = parseGraph(`
func @bits(%key: u32[2]) -> (u32[${shape}], f32[${shape}], bool[${shape}]) {
  %0 : u32[${shape}] = rng_bits %key {shape=[${shape}]}
  %1 : f32[${shape}] = random_uniform %key {shape=[${shape}]}
  %2 : bool[${shape}] = random_bernoulli %key {p=0.3, shape=[${shape}]}
  return %0, %1, %2
}`);
      for (const key of [
        [0, 0],
        [0xffffffff, 0x80000000],
        [123456789, 42],
      ]) {
        const want = runReference(g, [key]);
        for (const threads of [1, 2]) {
          const { outputs } = await runWasm(g, [key], { threads });
          outputs.forEach((o, i) => {
            expect(Array.from(o).findIndex((x, k) => x !== want[i][k])).toBe(-1);
          });
        }
      }
    },
  );
});
