// `tune: true`: schedules are timed once, kept in memory and on disk, and used by later compilations.

import '../../tools/relaxed-simd.ts';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

let dir = '';
const before = process.env.SINTER_CACHE;
beforeEach(() => {
  dir = mkdtempSync(`${tmpdir()}/sinter-tune-`);
  process.env.SINTER_CACHE = dir;
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
  if (before === undefined) delete process.env.SINTER_CACHE;
  else process.env.SINTER_CACHE = before;
  vi.resetModules();
});
const entries = () => readdirSync(dir).filter((f) => f.endsWith('.schedule1'));

/** The library as a new process would find it: nothing loaded, nothing remembered. */
async function fresh() {
  vi.resetModules();
  const tf = await import('../../frontends/index.ts');
  const { compilerReady } = await import('../../frontends/trace/backend.ts');
  const w = tf.tensor(
    Float32Array.from({ length: 96 * 70 }, (_, i) => Math.sin(i)),
    [96, 70],
  );
  const x = tf.tensor(
    Float32Array.from({ length: 67 * 96 }, (_, i) => Math.cos(i)),
    [67, 96],
  );
  const compile = (options = {}) =>
    tf.compile((t: typeof x) => tf.relu(t.matMul(w)), { inputs: [tf.spec([67, 96])], ...options });
  return { tf, x, compile, ready: compilerReady };
}
const schedules = (kernels: readonly { schedule?: string }[]) => kernels.flatMap((k) => k.schedule ?? []);

describe('tune: true', () => {
  it('times a kernel once, and finds its choice from then on', async () => {
    const { tf, x, compile } = await fresh();
    const first = await compile({ tune: true });
    expect(first.plan.tuned).toMatchObject({ timed: 1, found: 0, left: 0 });
    expect(first.plan.tuned?.ms).toBeGreaterThan(0);
    expect(entries().length).toBe(1);
    const second = await compile({ tune: true });
    expect(second.plan.tuned).toEqual({ timed: 0, found: 1, left: 0, ms: 0 });
    expect(schedules(second.plan.kernels)).toEqual(schedules(first.plan.kernels));
    expect(schedules(first.plan.kernels)[0]).toMatch(/^product \d+x\d+x\d+ (packed|in-place) k\d+ block \d+$/);
    const plain = await compile();
    expect(plain.plan.tuned).toBeUndefined();
    const [a, b] = [first.run(x), plain.run(x)];
    expect(tf.max(tf.abs(tf.sub(a, b))).dataSync()[0]).toBeLessThan(1e-5 * tf.max(b).dataSync()[0]);
    expect(Array.from(second.run(x).dataSync())).toEqual(Array.from(a.dataSync()));
  });

  it('keeps the choice for the next process, which needs no code generator', async () => {
    const first = await (await fresh()).compile({ tune: true });
    const next = await fresh();
    const second = await next.compile({ tune: true });
    expect(second.plan.tuned).toEqual({ timed: 0, found: 1, left: 0, ms: 0 });
    expect(schedules(second.plan.kernels)).toEqual(schedules(first.plan.kernels));
    expect(next.ready()).toBe(false);
  });

  it.each([
    ['garbage', () => Buffer.from([0xff, 0, 0xfe])],
    ['cut short', (b: Buffer) => b.subarray(0, b.length >> 1)],
    ['empty', () => Buffer.alloc(0)],
    ['of another kernel', (b: Buffer) => Buffer.from(b.toString().replace('67,96', '68,96'))],
    ['a schedule that is not offered', (b: Buffer) => Buffer.from(b.toString().replace(/\n\n.*/, '\n\nnest'))],
  ])('ignores an entry that is %s, and mends it', async (_, damage) => {
    await (await fresh()).compile({ tune: true });
    const path = `${dir}/${entries()[0]}`;
    const whole = readFileSync(path);
    writeFileSync(path, damage(whole));
    const again = await (await fresh()).compile({ tune: true });
    expect(again.plan.tuned).toMatchObject({ timed: 1, found: 0 });
    const head = whole.toString().split('\n\n')[0];
    expect(readFileSync(path).toString()).toBe(`${head}\n\n${schedules(again.plan.kernels)[0]}`);
  });

  it('works without a folder', async () => {
    process.env.SINTER_CACHE = 'off';
    const { compile } = await fresh();
    expect((await compile({ tune: true })).plan.tuned?.timed).toBe(1);
    expect((await compile({ tune: true })).plan.tuned?.found).toBe(1);
    expect(readdirSync(dir)).toEqual([]);
  });

  it('clearCache forgets the choices', async () => {
    const { compile } = await fresh();
    await compile({ tune: true });
    expect(entries().length).toBe(1);
    const { clearCache } = await import('../../frontends/node.ts');
    clearCache();
    expect(entries()).toEqual([]);
    expect((await compile({ tune: true })).plan.tuned?.timed).toBe(1);
  });

  it('keeps thread counts apart', async () => {
    const { compile, x } = await fresh();
    const one = await compile({ tune: true });
    const two = await compile({ tune: true, threads: 2 });
    expect(two.plan.tuned?.timed).toBe(1);
    expect(two.run(x).shape).toEqual(one.run(x).shape);
  });

  it('tunes what is inside of loops, and knows equal kernels', async () => {
    const { tf } = await fresh();
    const loop = (x: ReturnType<typeof tf.zeros>, w: typeof x) => {
      const [y] = tf.scanLoop(
        ([h]: readonly [typeof x]) => [[tf.tanh(h.matMul(w))], h] as const,
        [x],
        tf.zeros([5, 1]),
      );
      return y;
    };
    const inputs = [tf.spec([48, 48]), tf.spec([48, 48])];
    const exe = await tf.compile(loop as never, { inputs, tune: true });
    expect(exe.plan.tuned).toMatchObject({ timed: 1 });
  });

  it('leaves tiny kernels, and says what it had no time for', async () => {
    const { tf } = await fresh();
    const tiny = (x: ReturnType<typeof tf.zeros>) => x.matMul(x);
    const exe = await tf.compile(tiny, { inputs: [tf.spec([16, 16])], tune: true });
    expect(exe.plan.tuned).toEqual({ timed: 0, found: 0, left: 0, ms: 0 });
    expect(entries()).toEqual([]);
    const { TimingTuner } = await import('../../frontends/trace/tune.ts');
    const { compileGraphSync } = await import('../../compiler/index.ts');
    const graph = tf.func(tiny).graphFor(tf.spec([80, 80]));
    const tuner = new TimingTuner({ shared: true }, 0);
    compileGraphSync(graph, { shared: true, tuner });
    expect(tuner.info).toEqual({ timed: 0, found: 0, left: 1, ms: 0 });
  });

  it('works for tf.func and models', async () => {
    const { tf, x } = await fresh();
    await tf.ready();
    const w = tf.zeros([96, 96]);
    const plain = tf.func((t: typeof x) => t.matMul(w).add(1));
    const tuned = tf.func((t: typeof x) => t.matMul(w).add(1), { tune: true });
    expect(Array.from(tuned(x).dataSync())).toEqual(Array.from(plain(x).dataSync()));
    expect(entries().length).toBe(1);
    const model = tf.sequential({ layers: [tf.layers.dense({ units: 64, inputShape: [96] })] });
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError', tune: true, winograd: false });
    await model.fit(x, tf.zeros([67, 64]), { epochs: 1, batchSize: 67, verbose: 0 });
    expect(entries().length).toBeGreaterThan(1);
  });
});

describe('options', () => {
  it('that are no booleans are refused', async () => {
    const { tf, compile } = await fresh();
    const error = { name: 'ArgumentError' };
    await expect(compile({ tune: 'yes' })).rejects.toMatchObject(error);
    await expect(compile({ tune: 'yes' })).rejects.toThrow(/tune must be true or false, not 'yes'/);
    await expect(compile({ winograd: 0 })).rejects.toThrow(/winograd must be true or false, not 0/);
    await expect(compile({ deterministic: 'no' })).rejects.toThrow(/deterministic must be true or false, not 'no'/);
    await expect(compile({ tune: true, deterministic: true })).rejects.toThrow(/leave one of them out/);
    await expect(compile({ tune: 1, target: 'reference' })).rejects.toThrow(/tune must be/);
    expect(() => tf.func(() => tf.zeros([1]), { tune: 1 as never })).toThrow(
      /func.*tune must be true or false, not 1/s,
    );
    const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [1] })] });
    expect(() => model.compile({ loss: 'meanSquaredError', tune: 'on' as never })).toThrow(/tune must be/);
  });

  it('winograd: false gives exact sums of whole numbers', async () => {
    const { tf } = await fresh();
    const whole = (shape: number[]) => {
      const n = shape.reduce((a, b) => a * b, 1);
      return tf.tensor(
        Float32Array.from({ length: n }, (_, i) => ((i * 7) % 17) - 8),
        shape,
      );
    };
    const [x, w] = [whole([1, 12, 12, 16]), whole([3, 3, 16, 16])];
    const inputs = [tf.spec([1, 12, 12, 16]), tf.spec([3, 3, 16, 16])];
    const f = (a: typeof x, b: typeof x) => tf.conv2d(a, b as never, 1, 'same');
    const exact = await tf.compile(f, { inputs, winograd: false });
    const reference = await tf.compile(f, { inputs, target: 'reference' });
    expect(Array.from(exact.run(x, w).dataSync())).toEqual(Array.from(reference.run(x, w).dataSync()));
    expect(schedules(exact.plan.kernels)[0]).toMatch(/^product/);
    const free = await tf.compile(f, { inputs });
    expect(schedules(free.plan.kernels)[0]).toMatch(/^winograd/);
  });
});
