// The GPU benchmark in a short form, on the software driver: the same code as `npm run bench -- --gpu`, on the sources.

import * as tf from 'sinter';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { type GpuFigures, measureGpu, type Runner } from '../../bench/gpu/measure.ts';
import type { Operands } from '../../bench/src/case.ts';
import { gemmError } from '../../bench/src/cases/gemm.ts';
import { gemmCases } from '../../bench/src/cases/index.ts';
import { sinterWebGpu } from '../../bench/src/peers/sinter-webgpu.ts';
import { runCase } from '../../bench/src/run-case.ts';

const printed: string[] = [];
/** In this process, with `spoil` applied to every result. */
const runner =
  (spoil: (x: Float32Array) => Float32Array = (x) => x): Runner =>
  (job) =>
    runCase(job, async () => {
      const engine = sinterWebGpu(tf);
      return {
        ...engine,
        prepare: async (c, operands) => {
          const p = await engine.prepare(c, operands);
          return { ...p, output: async () => spoil(await p.output()) };
        },
      };
    });
const measure = (cases: string[], sizes: string[], run = runner()): Promise<GpuFigures> =>
  measureGpu({ engines: ['sinter-webgpu'], quick: true, cases, sizes }, run);

describe('on the software driver', () => {
  let figures: GpuFigures;
  beforeAll(async () => {
    vi.spyOn(console, 'log').mockImplementation((text) => void printed.push(text));
    figures = await measure(['mlp-1'], ['128']);
    vi.restoreAllMocks();
  }, 120_000);

  it('measures the device, products and models', () => {
    const { machine, peak, gemm, models, failed } = figures;
    expect(machine.architecture).toBe('swiftshader');
    expect(machine.software).toBe(true);
    expect(machine.limits.maxBufferSize).toBeGreaterThan(2 ** 27);
    expect(peak.gflops).toBeGreaterThan(0.01);
    expect(peak.gbs).toBeGreaterThan(0.001);
    expect([...gemm, ...models].map((r) => r.case)).toEqual(['gemm-128', 'gemm16-128', 'mlp-1']);
    expect(failed).toBe(0);
    for (const r of [...gemm, ...models]) {
      const [e] = r.engines;
      expect(e.wrong).toBe(false);
      expect(e.error).toBeLessThan(1e-5);
      expect(e.timing?.median).toBeGreaterThan(0);
      expect(e.notes?.dispatches).toBeGreaterThanOrEqual(1);
      expect(e.notes?.encodeMs).toBeGreaterThan(0);
    }
    const bytes = (r: (typeof gemm)[number]) => [r.engines[0].notes?.inputBytes, r.engines[0].notes?.outputBytes];
    expect(gemm.map(bytes)).toEqual([
      [2 * 4 * 128 ** 2, 4 * 128 ** 2],
      [2 * 2 * 128 ** 2, 4 * 128 ** 2],
    ]);
  });

  it('says loudly that it is no GPU, and prints a row a case', () => {
    const text = printed.join('\n');
    expect(text.match(/SOFTWARE driver/g)?.length).toBe(2);
    expect(text).toMatch(/adapter: SwiftShader/);
    expect(text).toMatch(
      /measured peak: float32 [\d.,]+ GFLOP\/s, (no shader-f16|float16 [\d.,]+ GFLOP\/s), copying [\d.]+ GB\/s/,
    );
    for (const name of ['gemm-128', 'gemm16-128', 'mlp-1']) expect(text).toMatch(new RegExp(`${name} .*sinter-webgpu`));
  });

  it('does not time what is wrong', async () => {
    vi.spyOn(console, 'log').mockImplementation((text) => void printed.push(text));
    const off = (x: Float32Array) => x.map((v, i) => (i === 77 ? v + 1 : v));
    const { gemm, failed } = await measure(['-'], ['128'], runner(off));
    vi.restoreAllMocks();
    expect(failed).toBe(2);
    for (const { engines } of gemm) expect([engines[0].wrong, engines[0].timing]).toEqual([true, undefined]);
    expect(printed.at(-3)).toMatch(/gemm-128 .*WRONG: error .*not timed/);
  });

  it('names what there is not', async () => {
    await expect(measure(['mlp-1'], ['100'])).rejects.toThrow(/no size or model 100; models: mlp-1, /);
    await expect(measure(['nothing'], [])).rejects.toThrow(/no size or model nothing/);
  });
});

it('what a call costs is told of GPUs alone', async () => {
  const twice = (x: tf.Tensor) => x.add(x);
  const inputs = [tf.spec([100])];
  expect((await tf.compile(twice, { inputs })).plan.gpu).toBeUndefined();
  const { gpu } = (await tf.compile(twice, { inputs, target: 'webgpu' })).plan;
  expect(gpu).toMatchObject({ dispatches: 1, inputBytes: 400, outputBytes: 400 });
  expect(gpu?.argumentBytes).toBeGreaterThan(0);
});

describe('the check of a product', () => {
  it('sees one element that is off by its own size, among all', () => {
    const c = gemmCases.find((x) => x.name === 'gemm-256') as (typeof gemmCases)[number];
    const { a, b } = c.operands() as Operands;
    const product = new Float32Array(256 * 256);
    for (let i = 0; i < 256; i++)
      for (let j = 0; j < 256; j++) {
        let sum = 0;
        for (let k = 0; k < 256; k++) sum += a.data[i * 256 + k] * b.data[k * 256 + j];
        product[i * 256 + j] = sum;
      }
    expect(gemmError({ a, b }, product)).toBeLessThan(c.tolerance);
    product[1234] *= 1.5;
    expect(gemmError({ a, b }, product)).toBeGreaterThan(100 * c.tolerance);
    expect(gemmError({ a, b }, product.subarray(1))).toBe(Number.POSITIVE_INFINITY);
    product[5] = Number.NaN;
    expect(gemmError({ a, b }, product)).toBe(Number.POSITIVE_INFINITY);
  });
});
