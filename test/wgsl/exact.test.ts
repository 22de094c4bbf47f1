// Quotients and square roots that round as IEEE 754 says, whatever a GPU's own do: random numbers are made with them.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { helperText } from '../../compiler/wgsl/values.ts';
import { closeGpu, openGpu, runOnGpu, type Words } from './gpu.ts';

beforeAll(openGpu);
afterAll(closeGpu);

const count = 1 << 16;
const least = 2 ** -126;

/** Pairs of floats: any bits, numbers of ordinary size, and significands next to ties. */
function pairs(): { words: Words; floats: Float32Array } {
  const seed = Number(process.env.FUZZ_SEED ?? 2024);
  console.log(`exact: seed ${seed}`);
  let state = seed;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state;
  };
  const words = new Uint32Array(2 * count);
  const floats = new Float32Array(words.buffer);
  for (let i = 0; i < words.length; i++) {
    if (i % 3 === 0) words[i] = next();
    else if (i % 3 === 1) floats[i] = (next() / 2 ** 32) * 100;
    else words[i] = 0x3f800000 + (next() >>> 9) - (next() & 3);
  }
  return { words, floats };
}

it('divides and takes roots with the rounding of IEEE 754', async () => {
  const { words, floats } = pairs();
  const out = await runOnGpu(
    helperText(['exact_div', 'exact_sqrt']),
    'let a = bitcast<f32>(xs[i].x); let b = bitcast<f32>(xs[i].y); out[i] = vec2<u32>(bitcast<u32>(exact_div(a, b)), bitcast<u32>(exact_sqrt(abs(a))));',
    words,
    count,
  );
  const got = new Float32Array(out.buffer);
  const normal = (x: number) => Number.isFinite(x) && Math.abs(x) >= least;
  let [divided, rooted] = [0, 0];
  for (let i = 0; i < count; i++) {
    const [a, b] = [floats[2 * i], floats[2 * i + 1]];
    const q = Math.fround(a / b);
    if ([a, b, q].every(normal)) {
      divided++;
      if (got[2 * i] !== q) expect.fail(`${a} / ${b} is ${q}, not ${got[2 * i]}`);
    }
    const r = Math.fround(Math.sqrt(Math.abs(a)));
    if (normal(a)) {
      rooted++;
      if (got[2 * i + 1] !== r) expect.fail(`the root of ${Math.abs(a)} is ${r}, not ${got[2 * i + 1]}`);
    }
  }
  expect(divided).toBeGreaterThan(count / 2);
  expect(rooted).toBeGreaterThan(count / 2);
});
