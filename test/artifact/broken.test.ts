// Artifacts that are damaged, by accident or on purpose: a typed error each time, or a model that runs.

import { describe, expect, it } from 'vitest';
import { hashOf } from '../../ir/artifact/hash.ts';
import { FormatError, openArtifact, SinterError } from '../../runtime/index.ts';
import { randomFrom } from '../helpers.ts';
import { batchOf, built } from './samples.ts';

const seed = Number(process.env.FUZZ_SEED ?? 20261122);
const runs = Number(process.env.FUZZ_RUNS ?? 10_000);
const memory = { x: batchOf(2, 6), y: batchOf(2, 3) };

type Random = () => number;
const below = (random: Random, n: number): number => Math.floor(random() * n);

/** Bytes changed, cut out, doubled or cut off. */
function mutate(bytes: Uint8Array, random: Random, from: number, to: number): Uint8Array {
  let out = bytes.slice();
  for (let k = 1 + below(random, 3); k > 0; k--) {
    const at = from + below(random, Math.max(1, Math.min(to, out.length) - from));
    const kind = below(random, 6);
    const view = new DataView(out.buffer);
    if (kind === 0) out[at] ^= 1 << below(random, 8);
    else if (kind === 1) out[at] = [0, 255, 127, 128, 1][below(random, 5)];
    else if (kind === 2 && at + 4 <= out.length)
      // Offsets and lengths that are hostile.
      view.setUint32(
        at & ~3,
        [0, 1, 0xffffffff, 0x7fffffff, 0x80000000, out.length, 0xfffffff0][below(random, 7)],
        true,
      );
    else if (kind === 3 && at + 4 <= out.length)
      view.setUint32(at & ~3, view.getUint32(at & ~3, true) + [4, -4, 64, -64][below(random, 4)], true);
    else if (kind === 4) out = Uint8Array.from([...out.subarray(0, at), ...out.subarray(at + 1 + below(random, 40))]);
    else if (random() < 0.2) out = out.slice(0, at);
  }
  return out;
}

/** The hash of the header made right again, so that what is behind it is reached. */
function rehashed(bytes: Uint8Array): Uint8Array {
  if (bytes.length < 8) return bytes;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const n = view.getUint32(0, true);
  if (n + 8 <= bytes.length) view.setUint32(4 + n, hashOf(bytes.subarray(4, 4 + n)), true);
  return bytes;
}

async function attempt(bytes: Uint8Array, run: boolean): Promise<'refused' | 'opened' | 'ran'> {
  try {
    const artifact = await openArtifact(bytes);
    if (!run) return 'opened';
    const model = await artifact.instantiate();
    for (const f of Object.values(model.functions))
      f.run(Object.fromEntries(f.inputs.map((t) => [t.name, memory[t.name as 'x'] ?? [1]])) as never);
    return 'ran';
  } catch (e) {
    if (!(e instanceof SinterError)) throw e;
    return 'refused';
  }
}

describe(`mutated artifacts, seed ${seed}`, () => {
  it(`${runs} of them, as damage leaves them`, async () => {
    const { artifact } = await built();
    const random = randomFrom(seed);
    const counts = { refused: 0, opened: 0, ran: 0 };
    for (let i = 0; i < runs; i++) counts[await attempt(mutate(artifact, random, 0, artifact.length), false)]++;
    // What fills up between parts is nobody's.
    expect(counts.refused).toBeGreaterThan(0.8 * runs);
  }, 120_000);

  it(`${runs} of them with a hash that fits`, async () => {
    const { artifact } = await built({ details: false });
    const table = new DataView(artifact.buffer, artifact.byteOffset).getUint32(0, true);
    const random = randomFrom(seed + 1);
    const counts = { refused: 0, opened: 0, ran: 0 };
    for (let i = 0; i < runs; i++) {
      const bytes = rehashed(mutate(artifact, random, 4, 4 + table));
      // Each model has a memory of its own, of which a process has only so many at a time.
      counts[await attempt(bytes, i % 25 === 0)]++;
    }
    expect(counts.refused).toBeGreaterThan(0.3 * runs);
    expect(counts.opened).toBeGreaterThan(0);
  }, 120_000);
});

describe('artifacts that are not what they say', () => {
  const changed = async (change: (bytes: Uint8Array, view: DataView) => void) => {
    const bytes = (await built()).artifact.slice();
    change(bytes, new DataView(bytes.buffer));
    return openArtifact(rehashed(bytes));
  };
  it('names what is wrong', async () => {
    await expect(openArtifact(new Uint8Array(0))).rejects.toThrow(/cut off/);
    await expect(openArtifact(new Uint8Array(1000))).rejects.toThrow(/no artifact/);
    await expect(openArtifact(new TextEncoder().encode('{"format": "layers-model", "x": 1}'))).rejects.toThrow(
      /no artifact/,
    );
    await expect(changed((b) => void b.set([88, 88, 88, 88], 8))).rejects.toThrow(/says 'XXXX', not 'SNTR'/);
    const whole = (await built()).artifact;
    await expect(openArtifact(whole.subarray(0, whole.length - 1))).rejects.toThrow(/cut off/);
    await expect(openArtifact(Uint8Array.from([...whole, 0]))).rejects.toThrow(/behind its end/);
    const flipped = whole.slice();
    flipped[flipped.length - 1] ^= 1;
    await expect(openArtifact(flipped)).rejects.toThrow(/checksum of its part/);
    await expect(openArtifact(flipped)).rejects.toBeInstanceOf(FormatError);
  });

  it('says which versions do not go together', async () => {
    const bytes = (await built()).artifact.slice();
    const view = new DataView(bytes.buffer);
    // The root's first field, where its vtable says that it is.
    const root = 4 + view.getUint32(4, true);
    const field = root + view.getUint16(root - view.getInt32(root, true) + 4, true);
    expect(view.getUint32(field, true)).toBe(1);
    view.setUint32(field, 2, true);
    await expect(openArtifact(rehashed(bytes))).rejects.toThrow(
      /its version is 2, this runtime reads 1[\s\S]*build it again/,
    );
  });
});
