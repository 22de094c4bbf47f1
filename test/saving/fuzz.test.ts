// Damaged files of every format: a typed error each time (or a model, where the damage does not show), soon, and
// without memory for what is not there. FUZZ_SEED and FUZZ_RUNS ask for others and for more.

import { readFileSync } from 'node:fs';
import * as tf from 'sinter';
import { beforeAll, describe, expect, it } from 'vitest';
import { readZip, writeZip } from '../../frontends/io/zip.ts';
import { crc32c } from '../../frontends/keras/checksum.ts';
import { mutated, mutatedData, type Random, randomOf } from './mutate.ts';

const seed = Number(process.env.FUZZ_SEED ?? 20_261_122);
/** CI runs a part, `npm test` elsewhere all of them. */
const runs = Number(process.env.FUZZ_RUNS ?? (process.env.CI ? 3000 : 10_000));
const file = (name: string) => new Uint8Array(readFileSync(new URL(`./keras/${name}`, import.meta.url)));
const place = { op: 'test', file: 'test' };
const encoder = new TextEncoder();
const json = (b: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(b));

/** A model with a bit of everything, trained for a step. */
async function model(): Promise<tf.LayersModel> {
  const x = tf.input({ shape: [3] });
  const d = tf.layers.dense({ units: 2, name: 'shared', kernelRegularizer: 'l2' });
  const inner = tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [2], activation: 'relu' })] });
  const y = tf.layers.concatenate().apply([inner.apply(d.apply(x)), d.apply(x)] as tf.SymbolicTensor[]);
  const m = tf.model({ inputs: x, outputs: tf.layers.batchNormalization().apply(y) as tf.SymbolicTensor });
  m.compile({ optimizer: 'adam', loss: 'meanSquaredError', metrics: ['mae'] });
  await m.trainOnBatch(tf.ones([2, 3]), tf.ones([2, 4]));
  return m;
}

/** A kind of files: a damaged one of a random number, and what reads it. */
interface Fuzzed {
  readonly damaged: (r: Random) => unknown;
  readonly read: (x: never) => unknown;
}

let kinds: Record<string, Fuzzed> = {};

beforeAll(async () => {
  // Says that states of other optimizers are left out.
  console.warn = () => {};
  const m = await model();
  const training = { includeOptimizer: true };
  const weights = Object.fromEntries(m.weights.map((w) => [w.name, w.read()]));
  const many = {
    ...weights,
    c: tf.complex([1], [2]),
    i: tf.tensor([1, 2], [2], 'int32'),
    b: tf.tensor([true], [1], 'bool'),
  };
  const [safe, npz, npy] = [
    await tf.safetensors.encode(many),
    await tf.npz.encode(many),
    await tf.npy.encode(weights[Object.keys(weights)[0]]),
  ];
  const [native, keras, h5] = [
    await tf.models.encodeModel(m, 'native', training),
    await tf.models.encodeModel(m, 'keras', training),
    await tf.models.encodeModel(m, 'h5', training),
  ];
  let artifacts: tf.io.ModelArtifacts = {};
  await m.save(
    tf.io.withSaveHandler(async (a) => {
      artifacts = a;
      return { modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(a) };
    }),
    training,
  );
  const { weightData, ...description } = artifacts;
  const data = new Uint8Array(weightData as ArrayBuffer);
  const header = native.length - 20 - new DataView(native.buffer).getUint32(12, true);
  const nativeHeader = json(native.subarray(20, native.length - header));
  const parts = readZip(keras, place);
  const part = (name: string) => parts.get(name) as Uint8Array;
  const load = (x: Uint8Array) => tf.loadLayersModel(x);
  kinds = {
    'model.json and weights': {
      damaged: (r) => {
        const changed = (r() < 0.8 ? mutatedData(description, r) : description) as tf.io.ModelArtifacts;
        return { ...changed, weightData: (r() < 0.3 ? mutated(data, r) : data).slice().buffer };
      },
      read: (x: object) => tf.loadLayersModel(tf.io.fromMemory(x)),
    },
    'model.json as text': {
      damaged: (r) => mutated(encoder.encode(JSON.stringify(description)), r),
      read: (x: Uint8Array) => tf.io.browserFiles([new File([x as BlobPart], 'model.json')]).load?.(),
    },
    safetensors: {
      damaged: (r) => {
        if (r() < 0.5) return mutated(safe, r);
        const length = Number(new DataView(safe.buffer).getBigUint64(0, true));
        const text = encoder.encode(JSON.stringify(mutatedData(json(safe.subarray(8, 8 + length)), r)));
        const out = new Uint8Array(8 + text.length + safe.length - 8 - length);
        new DataView(out.buffer).setBigUint64(0, BigInt(text.length), true);
        out.set(text, 8);
        out.set(safe.subarray(8 + length), 8 + text.length);
        return out;
      },
      read: (x: Uint8Array) => tf.safetensors.load(x),
    },
    npz: {
      damaged: (r) => {
        if (r() < 0.5) return mutated(npz, r);
        const files = [...readZip(npz, place)].map(([k, v]) => [k, r() < 0.3 ? mutated(v, r) : v]);
        return writeZip(Object.fromEntries(files));
      },
      read: (x: Uint8Array) => tf.npz.load(x),
    },
    npy: { damaged: (r) => mutated(npy, r), read: (x: Uint8Array) => tf.npy.load(x) },
    h5: { damaged: (r) => mutated(r() < 0.5 ? h5 : file('opt_Adam.h5'), r), read: load },
    'h5 of other layouts': {
      damaged: (r) => mutated(r() < 0.5 ? file('old.h5') : file('latest.h5'), r),
      read: (x: Uint8Array) => m.loadWeights(x),
    },
    keras: {
      damaged: (r) => {
        const way = r();
        if (way < 0.2) return mutated(keras, r);
        const config =
          way < 0.7 ? encoder.encode(JSON.stringify(mutatedData(json(part('config.json')), r))) : part('config.json');
        const inside = way > 0.6 ? mutated(part('model.weights.h5'), r) : part('model.weights.h5');
        return writeZip({ 'metadata.json': part('metadata.json'), 'config.json': config, 'model.weights.h5': inside });
      },
      read: load,
    },
    native: {
      damaged: (r) => {
        if (r() < 0.3) return mutated(native, r);
        const text = encoder.encode(JSON.stringify(mutatedData(nativeHeader, r)));
        const head = new Uint8Array(Math.ceil((20 + text.length) / 8) * 8 - 20).fill(0x20);
        head.set(text);
        const out = new Uint8Array(20 + head.length + header);
        out.set(native.subarray(0, 20));
        out.set(head, 20);
        out.set(native.subarray(native.length - header), 20 + head.length);
        new DataView(out.buffer).setUint32(12, head.length, true);
        new DataView(out.buffer).setUint32(16, crc32c(head), true);
        return out;
      },
      read: load,
    },
  };
});

const names = [
  'model.json and weights',
  'model.json as text',
  'safetensors',
  'npz',
  'npy',
  'h5',
  'h5 of other layouts',
  'keras',
  'native',
];

describe(`damaged files (FUZZ_SEED=${seed})`, () => {
  it.each(names)('%s', { timeout: 600_000 }, async (name) => {
    const { damaged, read } = kinds[name];
    const found = new Map<string, string>();
    let refused = 0;
    for (let i = 0; i < runs; i++) {
      // Variables that nobody needs any more are forgotten between turns of the event loop.
      if (i % 100 === 0) await new Promise((r) => setImmediate(r));
      const x = damaged(randomOf(seed + i));
      const start = performance.now();
      try {
        await read(x as never);
      } catch (e) {
        refused++;
        if (!(e instanceof tf.SinterError))
          found.set(`${(e as Error).name}: ${(e as Error).message}`, `run ${i}\n${(e as Error).stack?.slice(0, 900)}`);
      }
      const took = performance.now() - start;
      if (took > 2000) found.set('slow', `run ${i} took ${took} ms`);
    }
    expect([...found]).toEqual([]);
    // Most damage shows: a decoder that takes everything would pass else.
    expect(refused).toBeGreaterThan(runs / 10);
  });
});
