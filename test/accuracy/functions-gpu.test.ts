// Every elementary function on the software GPU. WGSL lets drivers reorder sums, which costs a little beyond the bounds
// of the WASM target, and take subnormal numbers for zeros, so operands and results near those do not count.

import { describe, expect, it } from 'vitest';
import { Builder } from '../../ir/builder.ts';
import { opByName } from '../../ir/op.ts';
import { tensorType } from '../../ir/types.ts';
import { binaryBounds, unaryBounds } from '../../tools/bounds.ts';
import { randomFrom } from '../../tools/random.ts';
import { allFloats, type FloatFunction, measureBinary, measureUnary, type Worst } from '../../tools/ulp.ts';
import { runGpu } from '../wgsl/run.ts';

/** What reordered sums may add, in ulp. */
const REORDERED = 0.3;
/** Products of smaller numbers with the functions' coefficients may be subnormal. */
const SMALL = 2 ** -120;
/** Pairs a set of two operands. */
const PAIRS = 20_000;

const counts = (x: number): boolean => x === 0 || !(Math.abs(x) < SMALL);

function onGpu(name: string, arity: 1 | 2): FloatFunction {
  return async (...xs) => {
    const b = new Builder(name);
    const type = tensorType('f32', [xs[0].length]);
    const g = b.build(
      b.emit(
        opByName(name),
        ['x', 'y'].slice(0, arity).map((n) => b.param(type, n)),
      ),
    );
    return (await runGpu(g, xs))[0] as Float32Array;
  };
}

function expectWithin(name: string, w: Worst, bound: number): void {
  expect(w.samples).toBeGreaterThan(1000);
  expect(w.ulp, `${name}(${w.at}): ${w.actual} instead of ${w.exact}`).toBeLessThanOrEqual(bound + REORDERED);
}

describe('ulp on the GPU of', () => {
  const floats = Array.from(allFloats(200_003)).filter(counts);
  it.each(unaryBounds)('$name', async ({ name, exact, ranges }) => {
    const inputs = floats.filter((x) => counts(exact(x)));
    const which = (x: number) => ranges.findIndex((r) => r.has(x));
    const worst = await measureUnary(onGpu(name, 1), exact, inputs, which, ranges.length);
    ranges.forEach((r, i) => {
      expectWithin(name, worst[i], r.bound);
    });
  });
  it.each(binaryBounds)('$name', async ({ name, exact, sets }) => {
    for (const [k, set] of sets.entries()) {
      const random = randomFrom(100 + k);
      const pairs = Array.from({ length: PAIRS }, () => set.pairs(random));
      const inputs = pairs.filter((p) => p.every(counts) && counts(exact(...p)));
      expectWithin(name, await measureBinary(onGpu(name, 2), exact, inputs), set.bound);
    }
  });
});
