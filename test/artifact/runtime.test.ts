// The runtime of artifacts: what it runs, how it loads, what it refuses.

import { createContext, runInContext } from 'node:vm';
import { build as bundle } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import * as tf from '../../frontends/index.ts';
import { ArgumentError, FormatError, load, type Model, openArtifact } from '../../runtime/index.ts';
import { batchOf, built, perceptron } from './samples.ts';

let bytes: Uint8Array;
beforeAll(async () => {
  bytes = (await built()).artifact;
});

type Run = {
  run(x: unknown): Float32Array & Record<string, Float32Array>;
  runInto(i: Float32Array[], o: Float32Array[]): void;
};
const functionOf = (m: Model, name: string) => m.functions[name] as unknown as Run;

describe('a loaded artifact', () => {
  it('computes what the function computes, and trains as the function trains', async () => {
    const { predict, train } = perceptron();
    const model = await load(bytes);
    const here = tf.func(train.fn as never) as never as (x: tf.Tensor, y: tf.Tensor) => { loss: tf.Tensor };
    for (const n of [3, 8, 1, 5]) {
      const [x, y] = [batchOf(n, 6, n), batchOf(n, 3, n + 1)];
      const { loss } = functionOf(model, 'train').run({ x, y });
      const want = here(tf.tensor(x, [n, 6]), tf.tensor(y, [n, 3])).loss.dataSync();
      expect(loss[0]).toBeCloseTo(want[0], 6);
      const after = (predict.fn as unknown as (x: tf.Tensor) => tf.Tensor)(tf.tensor(x, [n, 6])).dataSync();
      functionOf(model, 'predict')
        .run(x)
        .forEach((v, i) => void expect(v).toBeCloseTo(after[i], 5));
    }
  });

  it('has Variables of its own in each model', async () => {
    const artifact = await openArtifact(bytes);
    const [a, b] = [await artifact.instantiate(), await artifact.instantiate()];
    const x = batchOf(2, 6);
    const before = functionOf(b, 'predict').run(x);
    const names = a.states.map((s) => s.name);
    expect(a.states.filter((s) => s.trainable).length).toBeGreaterThanOrEqual(3);
    for (let i = 0; i < 5; i++) functionOf(a, 'train').run({ x, y: batchOf(2, 3) });
    expect(functionOf(b, 'predict').run(x)).toEqual(before);
    expect(functionOf(a, 'predict').run(x)).not.toEqual(before);
    // What one has learnt, the other takes over.
    for (const name of names) b.setState(name, a.state(name));
    expect(functionOf(b, 'predict').run(x)).toEqual(functionOf(a, 'predict').run(x));
    expect(() => a.state('nothing')).toThrow(/there is no Variable 'nothing'[\s\S]*the Variables are/);
    expect(() => a.setState(names[0], [1])).toThrow(ArgumentError);
  });

  it('allocates nothing in a call that has its arrays', async () => {
    const f = functionOf(await load(bytes), 'predict');
    const [inputs, outputs] = [[batchOf(4, 6)], [new Float32Array(12)]];
    const calls = 20_000;
    const grown = () => {
      const before = process.memoryUsage().heapUsed;
      for (let i = 0; i < calls; i++) f.runInto(inputs, outputs);
      return process.memoryUsage().heapUsed - before;
    };
    // What engines and test runners do beside it is not in every round; a collection makes a round negative.
    const rounds = Array.from({ length: 12 }, grown).filter((n) => n >= 0);
    // A view, an object or a closure a call would be 20,000 times fifty bytes.
    expect(Math.min(...rounds)).toBeLessThan(calls * 4);
    expect(outputs[0]).toEqual(f.run(inputs[0]));
  });

  it('takes shards, tells its progress, and can be stopped', async () => {
    const sharded = await built({ weights: 'sharded', shardBytes: 1024, name: 'mlp' });
    const names = [...sharded.files.keys()].filter((n) => n.endsWith('.weights'));
    expect(names.length).toBeGreaterThan(0);
    const steps: [number, number][] = [];
    const shard = (name: string) => sharded.files.get(name) as Uint8Array;
    const model = await load(sharded.artifact, { shard, onProgress: (n, of) => void steps.push([n, of]) });
    const whole = [...sharded.files].filter(([n]) => /sinter$|weights$/.test(n)).reduce((n, [, b]) => n + b.length, 0);
    expect(steps.at(-1)).toEqual([whole, whole]);
    expect(steps.every(([n], i) => i === 0 || n >= steps[i - 1][0])).toBe(true);
    const x = batchOf(3, 6);
    expect(functionOf(model, 'predict').run(x)).toEqual(functionOf(await load(bytes), 'predict').run(x));
    await expect(load(sharded.artifact)).rejects.toThrow(/files beside it[\s\S]*shard/);
    const short = (name: string) => shard(name).subarray(1);
    await expect(load(sharded.artifact, { shard: short })).rejects.toBeInstanceOf(FormatError);

    const signal = AbortSignal.abort(new Error('enough'));
    await expect(load(bytes, { signal })).rejects.toThrow('enough');
    const later = new AbortController();
    const stop = (n: number) => n > 100 && later.abort(new Error('too slow'));
    await expect(load(bytes, { signal: later.signal, onProgress: stop })).rejects.toThrow('too slow');
  });

  it('comes in pieces from a server', async () => {
    const pieces = (size: number) =>
      new ReadableStream<Uint8Array>({
        start(c) {
          for (let at = 0; at < bytes.length; at += size) c.enqueue(bytes.slice(at, at + size));
          c.close();
        },
      });
    const x = batchOf(1, 6);
    const want = functionOf(await load(bytes), 'predict').run(x);
    for (const size of [1, 63, 1000, 1e6]) {
      const model = await load(new Response(pieces(size)));
      expect(functionOf(model, 'predict').run(x)).toEqual(want);
    }
    const fetch = async () => new Response(null, { status: 404, statusText: 'Not Found' });
    await expect(load('https://example.org/m.sinter', { fetch: fetch as never })).rejects.toThrow(/404 Not Found/);
    await expect(load('nowhere.sinter')).rejects.toThrow(/reading 'nowhere.sinter' failed/);
  });

  it('says what is wrong with a call', async () => {
    const model = await load(bytes);
    const predict = functionOf(model, 'predict');
    const train = functionOf(model, 'train');
    expect(() => predict.run(undefined)).toThrow(/takes its inputs as an object[\s\S]*call it with \{x\}/);
    expect(() => predict.run({ z: [1] })).toThrow(/has no input 'z'/);
    expect(() => train.run({ x: batchOf(1, 6) })).toThrow(/input 'y' is missing/);
    expect(() => train.run({ x: batchOf(2, 6), y: batchOf(1, 3) })).toThrow(
      /a batch of 1, an input before it one of 2/,
    );
    expect(() => predict.run(batchOf(9, 6))).toThrow(/1 to 8/);
    expect(() => predict.runInto([batchOf(2, 6)], [new Float32Array(3)])).toThrow(/output 0/);
    await expect(load(bytes, { target: 'webgpu' })).rejects.toThrow(/was not built for webgpu[\s\S]*--target webgpu/);
  });

  it('runs where WebAssembly from bytes is forbidden, given a module', async () => {
    // V8's own switch, which edge runtimes use.
    const { outputFiles } = await bundle({
      entryPoints: ['runtime/artifact/embed.ts'],
      bundle: true,
      write: false,
      format: 'iife',
      globalName: 'runtime',
      platform: 'neutral',
      logLevel: 'silent',
      define: { 'import.meta.url': 'undefined' },
    });
    const globals = { TextDecoder, URL, performance };
    const context = createContext(globals, { codeGeneration: { strings: false, wasm: false } });
    runInContext(outputFiles[0].text, context);
    const there = runInContext('runtime', context) as typeof import('../../runtime/artifact/embed.ts');
    const forbidden = await there.load(bytes).catch((e: Error) => e.message);
    expect(forbidden).toMatch(/cannot be compiled here/);
    const wasm = (await built({ wasmFile: true, name: 'm' })).files.get('m.wasm') as Uint8Array;
    const model = await there.load(bytes, { module: new WebAssembly.Module(wasm as BufferSource) });
    const x = batchOf(2, 6);
    expect([...functionOf(model as never, 'predict').run(x)]).toEqual([
      ...functionOf(await load(bytes, { relaxed: false }), 'predict').run(x),
    ]);
  });

  it('runs on a GPU', async () => {
    const { predict, train } = perceptron();
    const { artifact } = await tf.buildArtifact(
      { predict, train },
      { batch: [1, 8], targets: ['wasm', 'webgpu'], runtime: 'x' },
    );
    const [gpu, cpu] = [await load(artifact, { target: 'webgpu' }), await load(artifact)];
    for (const n of [3, 8, 1]) {
      const [x, y] = [batchOf(n, 6, n), batchOf(n, 3, n)];
      const there = (await gpu.functions.train.runAsync({ x, y })) as Record<string, Float32Array>;
      expect(there.loss[0]).toBeCloseTo(functionOf(cpu, 'train').run({ x, y }).loss[0], 4);
      const got = (await gpu.functions.predict.runAsync({ x })) as Float32Array;
      const want = functionOf(cpu, 'predict').run(x);
      expect(got.length).toBe(want.length);
      got.forEach((v, i) => void expect(v).toBeCloseTo(want[i], 4));
    }
    expect(() => gpu.functions.predict.run({ x: batchOf(1, 6) })).toThrow(tf.DeviceError);
    gpu.dispose();
  });
});

describe('buildArtifact', () => {
  const spec = tf.spec([2]);
  const fn = ((x: tf.Tensor) => x) as never;
  const refusals: [string, unknown, tf.BuildOptions, RegExp][] = [
    ['nothing', {}, {}, /takes an object of functions/],
    ['a number', { f: 3 }, {}, /the entry 'f' is 3/],
    ['a function without inputs', { f: fn }, {}, /inputs are not known/],
    ['a name that cannot be exported', { 'a b': { fn, inputs: [spec] } }, {}, /no name that a module can export/],
    [
      'an open batch without a size',
      { f: { fn, inputs: [tf.spec([null, 2])] } },
      {},
      /has an open batch[\s\S]*--batch 1\.\.64/,
    ],
    ['an open axis that is not the first', { f: { fn, inputs: [tf.spec([2, null])] } }, { batch: 2 }, /only the batch/],
    ['an unknown option', { f: { fn, inputs: [spec] } }, { btach: 1 } as never, /no option 'btach'/],
    ['a range that does not begin at 1', { f: { fn, inputs: [spec] } }, { batch: [2, 4] }, /batch must be/],
    ['a batch of 0', { f: { fn, inputs: [spec] } }, { batch: 0 }, /batch must be/],
    ['an unknown target', { f: { fn, inputs: [spec] } }, { targets: ['gpu'] as never }, /targets must be/],
    ['a bad name', { f: { fn, inputs: [spec] } }, { name: '../x' }, /name must be/],
  ];
  for (const [what, entries, options, message] of refusals)
    it(`refuses ${what}`, async () => {
      const made = tf.buildArtifact(entries as never, { runtime: 'x', ...options });
      await expect(made).rejects.toThrow(message);
      await expect(made).rejects.toBeInstanceOf(ArgumentError);
    });

  it('makes constants of what nothing changes, and shares what something does', async () => {
    const { predict, train } = perceptron();
    const alone = await load((await tf.buildArtifact({ predict }, { batch: 1, runtime: 'x' })).artifact);
    expect(alone.states).toEqual([]);
    const kept = await load((await tf.buildArtifact({ predict }, { batch: 1, runtime: 'x', freeze: false })).artifact);
    expect(kept.states.length).toBe(3);
    const both = await load((await tf.buildArtifact({ predict, train }, { batch: 1, runtime: 'x' })).artifact);
    expect(both.states.length).toBeGreaterThanOrEqual(3);
  });
});
