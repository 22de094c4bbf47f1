// Damaged ONNX files: read, or refused with a typed error, in bounded time.

import { expect, test } from 'vitest';
import { load } from '../../frontends/onnx/load.ts';
import { SinterError } from '../../ir/errors.ts';
import { randomFrom } from '../helpers.ts';
import { bool, f, fix, i64, infoOf, int, ints, modelOf, modelOfCase, nodeOf, one, tensorOf, u8 } from './build.ts';

const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 1_000_000);
const runs = Number(process.env.FUZZ_RUNS ?? 10_000);

const body = {
  name: 'body',
  node: [nodeOf('Add', ['v', 'k'], ['v2']), nodeOf('Identity', ['c'], ['c2'])],
  input: [infoOf('i', 'int64', []), infoOf('c', 'bool', []), infoOf('v')],
  output: [{ name: 'c2' }, { name: 'v2' }],
};
/** Models of different parts of the format. */
const models: readonly Uint8Array[] = [
  modelOfCase(
    one('Conv', 11, [f([1, 2, 5, 5]), fix(f([3, 2, 3, 3])), fix(f([3]))], {
      pads: [1, 1, 1, 1],
      strides: [2, 2],
      auto_pad: 'NOTSET',
    }),
  ),
  modelOfCase(
    one(
      'LSTM',
      14,
      [f([3, 1, 2]), fix(f([1, 8, 2])), fix(f([1, 8, 2]))],
      { hidden_size: 2, activations: ['Tanh', 'Relu', 'Affine'] },
      { outputs: 3 },
    ),
  ),
  modelOfCase(one('Reshape', 14, [f([2, 6]), ints(3, -1)])),
  modelOfCase(one('QuantizeLinear', 13, [f([4]), fix(f([], [0.1])), fix(u8([], [3]))])),
  modelOf(
    {
      name: 'loop',
      node: [
        nodeOf('Loop', ['n', '', 'x'], ['y'], { body }),
        nodeOf('If', ['p'], ['z'], {
          then_branch: { node: [nodeOf('Neg', ['y'], ['t'])], output: [{ name: 't' }] },
          else_branch: { node: [nodeOf('Abs', ['y'], ['e'])], output: [{ name: 'e' }] },
        }),
      ],
      input: [infoOf('x', 'float', []), infoOf('p', 'bool', [])],
      output: [{ name: 'z' }],
      initializer: [
        tensorOf('n', int(3), 'n'),
        tensorOf('k', f([], [2]), 'k'),
        tensorOf('unused', bool([3]), 'b'),
        tensorOf('m', i64([2]), 'm'),
      ],
      sparseInitializer: [
        {
          dims: [4],
          values: { name: 's', dims: [1], dataType: 1, floatData: [5] },
          indices: { dims: [1], dataType: 7, int64Data: [2] },
        },
      ],
    },
    17,
    {
      functions: [
        {
          name: 'F',
          domain: 'own',
          input: ['a'],
          output: ['b'],
          node: [nodeOf('Neg', ['a'], ['b'])],
          opsetImport: [{ domain: '', version: 17 }],
        },
      ],
      metadataProps: [{ key: 'k', value: 'v' }],
      producerName: 'test',
    },
  ),
  modelOf(
    {
      name: 'e',
      node: [nodeOf('Add', ['x', 'w'], ['y'])],
      input: [infoOf('x')],
      output: [{ name: 'y' }],
      initializer: [
        {
          name: 'w',
          dims: [2],
          dataType: 1,
          dataLocation: 1,
          externalData: [
            { key: 'location', value: 'w.bin' },
            { key: 'offset', value: '0' },
            { key: 'length', value: '8' },
          ],
        },
      ],
    },
    17,
  ),
];

/** One mutated file: bits flipped, bytes set, cut out, doubled, or taken from another file. */
function mutated(bytes: Uint8Array, random: () => number): Uint8Array {
  const at = (n: number) => Math.floor(random() * n);
  let out = bytes.slice();
  for (let k = 1 + at(4); k > 0; k--) {
    const [i, n] = [at(out.length), 1 + at(8)];
    const kind = at(6);
    if (kind === 0) out[i] ^= 1 << at(8);
    else if (kind === 1) out[i] = [0, 1, 0x7f, 0x80, 0xff, at(256)][at(6)];
    else if (kind === 2) out = out.slice(0, i);
    else if (kind === 3) out = Uint8Array.from([...out.subarray(0, i), ...out.subarray(i + n)]);
    else if (kind === 4) out = Uint8Array.from([...out.subarray(0, i + n), ...out.subarray(i)]);
    else {
      const other = models[at(models.length)];
      out.set(other.subarray(0, Math.min(other.length, n * 4, out.length - i)), i);
    }
  }
  return out;
}

test(`${runs} damaged files, seed ${seed}`, async () => {
  const random = randomFrom(seed);
  const began = process.memoryUsage().rss;
  let refused = 0;
  for (let run = 0; run < runs; run++) {
    const bytes = mutated(models[run % models.length], random);
    const start = performance.now();
    try {
      await load(bytes, { externalData: { 'w.bin': new Uint8Array(8) } });
    } catch (e) {
      refused++;
      if (!(e instanceof SinterError))
        throw new Error(`seed ${seed}, run ${run}: ${(e as Error).stack}\n${Buffer.from(bytes).toString('hex')}`);
    }
    expect(performance.now() - start, `run ${run} of seed ${seed}`).toBeLessThan(2000);
  }
  // Most are refused, some are read: both ways are tested.
  expect(refused).toBeGreaterThan(runs / 4);
  expect(refused).toBeLessThan(runs);
  expect(process.memoryUsage().rss - began).toBeLessThan(2 ** 30);
}, 120_000);

test('what is read runs, or throws a typed error', () => {
  const random = randomFrom(seed + 1);
  return (async () => {
    for (let run = 0; run < runs / 20; run++) {
      const bytes = mutated(models[run % models.length], random);
      try {
        const model = await load(bytes, { externalData: { 'w.bin': new Uint8Array(8) } });
        const shapes = model.inputs.map((x) => (x.shape ?? []).map((d) => d ?? 1));
        if (shapes.some((s) => s.reduce((n, d) => n * d, 1) > 1e6)) continue;
        const { zeros } = await import('sinter');
        model.call(...model.inputs.map((x, i) => zeros(shapes[i], x.dtype ?? 'float32')));
      } catch (e) {
        if (!(e instanceof SinterError))
          throw new Error(`seed ${seed + 1}, run ${run}: ${(e as Error).stack}\n${Buffer.from(bytes).toString('hex')}`);
      }
    }
  })();
}, 120_000);
