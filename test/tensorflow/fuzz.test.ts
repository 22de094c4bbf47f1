// Damaged files of TensorFlow: a typed error or a model, in bounded time and memory. FUZZ_SEED and FUZZ_RUNS set the seed
// and the number of files of each format.

import * as tf from 'sinter';
import { beforeAll, describe, expect, it } from 'vitest';
import { bundle, numbers, strings } from './bundle.ts';
import { modelOf } from './case.ts';
import { cases } from './cases.ts';
import { bytes } from './dense-model.ts';
import { modelOfProgram } from './program.ts';
import { programs } from './programs.ts';

const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 1_000_000);
/** CI runs a part, `npm test` elsewhere all of them. */
const runs = Number(process.env.FUZZ_RUNS ?? (process.env.CI ? 3000 : 10_000));

/** Numbers of a seed (mulberry32). */
function randomOf(start: number): (n: number) => number {
  let s = start | 0;
  return (n) => {
    s = (s + 0x6d2b79f5) | 0;
    let t = Math.imul(s ^ (s >>> 15), 1 | s);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * n);
  };
}
type Random = ReturnType<typeof randomOf>;

const nasty = [0, 1, 0x7f, 0x80, 0xfe, 0xff];
/** Flips bits, writes nasty bytes, cuts, repeats and moves parts. */
function mutated(file: Uint8Array, random: Random): Uint8Array {
  let out = file.slice();
  for (let k = random(4); k >= 0; k--) {
    const at = random(out.length + 1);
    const n = 1 + random(16);
    switch (random(6)) {
      case 0:
        if (at < out.length) out[at] ^= 1 << random(8);
        break;
      case 1:
        out.fill(nasty[random(nasty.length)], at, at + n);
        break;
      case 2:
        out = out.slice(0, at);
        break;
      case 3:
        out = Uint8Array.from([...out.slice(0, at), ...out.slice(at, at + n), ...out.slice(at)]);
        break;
      case 4:
        out = Uint8Array.from([...out.slice(0, at), ...out.slice(at + n)]);
        break;
      default:
        out.set(out.slice(random(out.length + 1)).subarray(0, Math.min(n, out.length - at)), at);
    }
  }
  return out;
}

const values: readonly unknown[] = [
  null,
  -1,
  0,
  1.5,
  2 ** 53,
  '9223372036854775807',
  '-1',
  '',
  'x',
  'DT_FLOAT',
  'DT_STRING',
  [],
  {},
  true,
  '^op',
  'op:99999',
];
/** Changes values and names somewhere in parsed JSON. */
function mutatedJson(json: unknown, random: Random): unknown {
  const copy = structuredClone(json);
  for (let k = random(3); k >= 0; k--) {
    let at = copy as Record<string, unknown>;
    for (let depth = 0; depth < 12; depth++) {
      const keys = Object.keys(at);
      if (keys.length === 0) break;
      const key = keys[random(keys.length)];
      const next = at[key];
      const inner =
        typeof next === 'object' && next !== null && !ArrayBuffer.isView(next) && !(next instanceof ArrayBuffer);
      if (inner && random(5) > 0) {
        at = next as Record<string, unknown>;
        continue;
      }
      const other = at[keys[random(keys.length)]];
      if (random(4) === 0) delete at[key];
      else if (typeof next === 'string' && random(2))
        at[key] = next.slice(0, random(next.length + 1)) + next.slice(random(next.length + 1));
      else at[key] = random(3) ? values[random(values.length)] : other;
      break;
    }
  }
  return copy;
}

/** Runs `f` on many files; what it throws must be an error of this library. */
async function campaign(name: string, f: (random: Random) => unknown): Promise<void> {
  console.log(`${name}: seed ${seed}, ${runs} files`);
  let refused = 0;
  for (let i = 0; i < runs; i++) {
    try {
      await f(randomOf(seed * 1000 + i));
    } catch (e) {
      refused++;
      if (!(e instanceof tf.SinterError)) throw new Error(`file ${i} of seed ${seed}: ${(e as Error).stack}`);
    }
  }
  expect(refused).toBeGreaterThan(runs / 10);
}

describe('damaged files', () => {
  beforeAll(async () => {
    await tf.prepareGraphModels();
  });

  it('graph models', async () => {
    const models = [...cases.map(modelOf), ...programs.map(modelOfProgram), ...programs.map(modelOfProgram)];
    await campaign(
      'model.json',
      (random) => void tf.loadGraphModelSync(mutatedJson(models[random(models.length)], random) as object),
    );
  }, 120_000);

  it('SavedModels', async () => {
    await campaign('saved_model.pb', (random) =>
      tf.loadSavedModel({ ...bytes, savedModel: mutated(bytes.savedModel, random) }),
    );
  }, 120_000);

  it.each([false, true])(
    'checkpoints, compressed: %s',
    async (compressed) => {
      const tensors = Array.from({ length: 12 }, (_, i) => numbers(`layer_${i}/kernel`, 'float32', [2], [i, -i]));
      const graph = Uint8Array.from([10, 0]);
      const files = bundle([...tensors, strings('_CHECKPOINTABLE_OBJECT_GRAPH', [], [graph])], { compressed });
      await campaign('checkpoint', async (random) => {
        const inData = random(8) === 0;
        const data = inData ? [mutated(files.data[0], random)] : files.data;
        const c = await tf.loadTensorFlowCheckpoint({
          index: inData ? files.index : mutated(files.index, random),
          data,
        });
        for (const name of c.names) await c.tensor(name);
        await c.objects();
      });
    },
    120_000,
  );

  it('indexes whose checksums are right', async () => {
    // What the messages say is damaged, not the table around them.
    const tensors = Array.from({ length: 3 }, (_, i) => numbers(`t${i}`, 'float32', [2, 3], [1, 2, 3, 4, 5, 6]));
    await campaign('index', async (random) => {
      const files = bundle(tensors, {
        more: (placed) =>
          [...placed].map(([name, e]) => [new TextEncoder().encode(`${name}x`), mutated(e, random)] as const),
      });
      const c = await tf.loadTensorFlowCheckpoint(files);
      for (const name of c.names) await c.tensor(name);
    });
  }, 120_000);
});
