// TensorFlow.js's weights: bytes, manifests, handlers.

import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import * as tf from 'sinter';
import { afterAll, describe, expect, it } from 'vitest';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sinter-io-'));
afterAll(() => fs.rmSync(folder, { recursive: true }));

const entry = (x: Partial<tf.io.WeightsManifestEntry>): tf.io.WeightsManifestEntry => ({
  name: 'w',
  shape: [2],
  dtype: 'float32',
  ...x,
});
const buffer = (x: ArrayBufferView): ArrayBuffer =>
  x.buffer.slice(x.byteOffset, x.byteOffset + x.byteLength) as ArrayBuffer;

describe('weights', () => {
  it('come back as they were', async () => {
    const given = {
      a: tf.tensor([[1, -2.5, Number.NaN]]),
      b: tf.tensor([1, 2 ** 31 - 1, -(2 ** 31)], [3], 'int32'),
      c: tf.tensor([true, false], [2], 'bool'),
      d: tf.complex([1, 2], [3, -4]),
      e: tf.zeros([0, 3]),
      f: tf.scalar(7),
    };
    const { data, specs } = await tf.io.encodeWeights(given, 'optimizer');
    expect(specs.map((s) => [s.name, s.dtype, s.shape, s.group])).toEqual([
      ['a', 'float32', [1, 3], 'optimizer'],
      ['b', 'int32', [3], 'optimizer'],
      ['c', 'bool', [2], 'optimizer'],
      ['d', 'complex64', [2], 'optimizer'],
      ['e', 'float32', [0, 3], 'optimizer'],
      ['f', 'float32', [], 'optimizer'],
    ]);
    // Cut anywhere, as files are.
    const read = tf.io.decodeWeights([data.slice(0, 5), data.slice(5, 6), data.slice(6)], specs);
    for (const [k, t] of Object.entries(given)) {
      expect(read[k].dtype).toBe(t.dtype);
      expect(read[k].shape).toEqual(t.shape);
      expect([...read[k].dataSync()]).toEqual([...t.dataSync()]);
    }
  });

  it('stand for numbers where they are quantized', () => {
    const q = (dtype: 'uint8' | 'uint16' | 'float16', kind: 'float32' | 'int32', bytes: ArrayBufferView) =>
      tf.io.decodeWeights(buffer(bytes), [entry({ dtype: kind, quantization: { dtype, scale: 0.5, min: -1 } })]).w;
    expect([...q('uint8', 'float32', Uint8Array.of(0, 255)).dataSync()]).toEqual([-1, 126.5]);
    expect([...q('uint16', 'float32', Uint16Array.of(1, 65535)).dataSync()]).toEqual([-0.5, 32766.5]);
    expect([...q('uint8', 'int32', Uint8Array.of(0, 4)).dataSync()]).toEqual([-1, 1]);
    expect([...q('float16', 'float32', Uint16Array.of(0x3c00, 0xc000)).dataSync()]).toEqual([1, -2]);
  });

  const bad: [string, Uint8Array, Partial<tf.io.WeightsManifestEntry>[]][] = [
    ['bytes missing', new Uint8Array(7), [{}]],
    ['bytes left over', new Uint8Array(9), [{}]],
    ['a huge shape', new Uint8Array(8), [{ shape: [2 ** 40, 2 ** 40] }]],
    ['a negative shape', new Uint8Array(8), [{ shape: [-2] }]],
    ['an unknown dtype', new Uint8Array(8), [{ dtype: 'float64' as 'float32' }]],
    ['a dtype of every object', new Uint8Array(8), [{ dtype: 'constructor' as 'float32' }]],
    ['a name twice', new Uint8Array(16), [{}, {}]],
    ['no scale', new Uint8Array(2), [{ quantization: { dtype: 'uint8' } }]],
    ['an unknown quantization', new Uint8Array(2), [{ quantization: { dtype: 'int4' as 'uint8', scale: 1, min: 0 } }]],
    ['strings', Uint8Array.of(1, 0, 0, 0, 65), [{ dtype: 'string', shape: [1] }]],
    ['strings cut off', Uint8Array.of(9, 0, 0, 0, 65), [{ dtype: 'string', shape: [1] }]],
    ['a manifest without shapes', new Uint8Array(8), [{ shape: undefined }]],
    ['a shape that is none', new Uint8Array(8), [{ shape: { length: 1 } as unknown as number[] }]],
  ];
  it.each(bad)('refuses %s', (_, bytes, specs) => {
    expect(() => tf.io.decodeWeights(buffer(bytes), specs.map(entry))).toThrow(tf.FormatError);
  });
  it('refuses dtypes that the format has not', async () => {
    await expect(tf.io.encodeWeights({ a: tf.tensor([1], [1], 'float64') })).rejects.toThrow(tf.DTypeError);
  });
});

const artifacts = async (values: number[]): Promise<tf.io.ModelArtifacts> => {
  const { data, specs } = await tf.io.encodeWeights({ w: tf.tensor(values) });
  return { modelTopology: { some: 'thing' }, weightSpecs: specs, weightData: data, format: 'test' };
};

describe('files', () => {
  it('hold a model, and nothing of the one before', async () => {
    const dir = path.join(folder, 'model');
    const [save] = tf.io.getSaveHandlers(`file://${dir}`);
    const [load] = tf.io.getLoadHandlers(`file://${dir}/model.json`);
    await save.save?.(await artifacts([1, 2, 3]));
    // Two million numbers are several files.
    const many = Array.from({ length: 2 ** 21 }, (_, i) => i);
    const result = await save.save?.(await artifacts(many));
    expect(result?.modelArtifactsInfo.weightDataBytes).toBe(4 * many.length);
    expect(fs.readdirSync(dir).length).toBe(3);
    const told: number[] = [];
    const read = await tf.io.fileSystem(`${dir}/model.json`, { onProgress: (f) => told.push(f) }).load?.();
    expect(read?.format).toBe('test');
    expect(told).toEqual([0.5, 1]);
    const { w } = tf.io.decodeWeights(read?.weightData as ArrayBuffer, read?.weightSpecs ?? []);
    expect([...w.dataSync()]).toEqual(many);
    expect((await load.load?.())?.modelTopology).toEqual({ some: 'thing' });
  });

  it('that are missing or damaged are typed errors', async () => {
    const dir = path.join(folder, 'damaged');
    await expect(tf.io.fileSystem(`${dir}/model.json`).load?.()).rejects.toThrow(tf.ExecutionError);
    await tf.io.fileSystem(dir).save?.(await artifacts([1, 2]));
    const shard = fs.readdirSync(dir).find((f) => f.endsWith('.bin')) as string;
    fs.rmSync(path.join(dir, shard));
    await expect(tf.io.fileSystem(`${dir}/model.json`).load?.()).rejects.toThrow(tf.ExecutionError);
    fs.writeFileSync(path.join(dir, 'model.json'), '{"modelTopology":');
    await expect(tf.io.fileSystem(`${dir}/model.json`).load?.()).rejects.toThrow(tf.FormatError);
  });
});

describe('addresses', () => {
  it('load a model.json and the files that it names', async () => {
    const a = await artifacts([4, 5]);
    const asked: string[] = [];
    const answers: Record<string, BodyInit> = {
      'https://x.test/m/model.json?v=1': JSON.stringify({
        modelTopology: {},
        weightsManifest: [{ paths: ['a.bin', 'b.bin'], weights: a.weightSpecs }],
      }),
      'https://x.test/m/a.bin?v=1': (a.weightData as ArrayBuffer).slice(0, 3),
      'https://x.test/m/b.bin?v=1': (a.weightData as ArrayBuffer).slice(3),
    };
    const fetchFunc = (async (url: string) => {
      asked.push(url);
      return url in answers ? new Response(answers[url]) : new Response('', { status: 404 });
    }) as typeof fetch;
    const read = await tf.io.http('https://x.test/m/model.json?v=1', { fetchFunc }).load?.();
    expect([...tf.io.decodeWeights(read?.weightData as ArrayBuffer, read?.weightSpecs ?? []).w.dataSync()]).toEqual([
      4, 5,
    ]);
    expect(asked.length).toBe(3);
    await expect(tf.io.http('https://x.test/none.json', { fetchFunc }).load?.()).rejects.toThrow(/404/);
  });

  it('take a model as a form', async () => {
    let form = new FormData();
    const fetchFunc = (async (_: string, init: RequestInit) => {
      form = init.body as FormData;
      return new Response('');
    }) as typeof fetch;
    const result = await tf.io.http('https://x.test/up', { fetchFunc }).save?.(await artifacts([1]));
    expect(result?.responses?.map((r) => r.ok)).toEqual([true]);
    expect(JSON.parse(await (form.get('model.json') as File).text()).weightsManifest[0].weights[0].name).toBe('w');
    expect((form.get('model.weights.bin') as File).size).toBe(4);
  });
});

describe('handlers in memory and in pages', () => {
  it('pass artifacts on', async () => {
    const a = await artifacts([1]);
    expect(await tf.io.fromMemory(a).load?.()).toBe(a);
    expect(tf.io.fromMemorySync({ t: 1 }, [], new ArrayBuffer(0)).load?.().modelTopology).toEqual({ t: 1 });
    await expect(tf.io.browserFiles([new File(['{}'], 'model.json')]).load?.()).rejects.toThrow(tf.FormatError);
    const json = { modelTopology: {}, weightsManifest: [{ paths: ['./w.bin'], weights: a.weightSpecs }] };
    const files = [new File([JSON.stringify(json)], 'model.json'), new File([a.weightData as ArrayBuffer], 'w.bin')];
    expect((await tf.io.browserFiles(files).load?.())?.weightData).toEqual(a.weightData);
  });
  it('say where there is no page', async () => {
    const a = await artifacts([1]);
    for (const url of ['indexeddb://m', 'localstorage://m', 'downloads://m'])
      await expect(tf.io.getSaveHandlers(url)[0].save?.(a)).rejects.toThrow(tf.DeviceError);
  });
  it('keep models in local storage', async () => {
    const items = new Map<string, string>();
    const fake = {
      get length() {
        return items.size;
      },
      key: (i: number) => [...items.keys()][i] ?? null,
      getItem: (k: string) => items.get(k) ?? null,
      setItem: (k: string, v: string) => {
        if (v.length > 10_000) throw new Error('no room');
        items.set(k, v);
      },
      removeItem: (k: string) => void items.delete(k),
    };
    const before = Object.getOwnPropertyDescriptor(globalThis, 'localStorage');
    Object.defineProperty(globalThis, 'localStorage', { value: fake, configurable: true });
    try {
      await tf.io.getSaveHandlers('localstorage://a/b')[0].save?.(await artifacts([1, 2]));
      await expect(
        tf.io.getSaveHandlers('localstorage://a/b')[0].save?.(await artifacts(Array(4000).fill(1))),
      ).rejects.toThrow(tf.ExecutionError);
      expect(Object.keys(await tf.io.listModels())).toEqual(['localstorage://a/b']);
      await tf.io.moveModel('localstorage://a/b', 'localstorage://c');
      const read = await tf.io.getLoadHandlers('localstorage://c')[0].load?.();
      expect([...new Float32Array(read?.weightData as ArrayBuffer)]).toEqual([1, 2]);
      await tf.io.removeModel('localstorage://c');
      await expect(tf.io.removeModel('localstorage://c')).rejects.toThrow(tf.ArgumentError);
      expect(items.size).toBe(0);
    } finally {
      if (before) Object.defineProperty(globalThis, 'localStorage', before);
      else Reflect.deleteProperty(globalThis, 'localStorage');
    }
  });
});
