// Every elementary function within its bound, on a coarse sample of all floats and densely around the
// places where formulas change. `npm run accuracy` measures finely and writes docs/accuracy.md.

import '../../tools/relaxed-simd.ts';
import { describe, expect, it } from 'vitest';
import { binaryBounds, unaryBounds } from '../../tools/bounds.ts';
import { measureBinaryRows, measureUnaryRows, type Row } from '../../tools/measure.ts';
import { exactUnary, fromBits, toBits, ulpError, ulpOf } from '../../tools/ulp.ts';

function expectWithin(rows: readonly Row[]): void {
  for (const r of rows)
    for (const [variant, w] of [
      ['relaxed', r.relaxed],
      ['baseline', r.baseline],
    ] as const) {
      expect(w.samples).toBeGreaterThan(1000);
      expect(
        w.ulp,
        `${r.name}(${w.at}) for ${r.range}, ${variant}: ${w.actual} instead of ${w.exact}`,
      ).toBeLessThanOrEqual(r.bound);
    }
}

describe('ulp of', () => {
  it.each(unaryBounds)('$name', async (u) => expectWithin(await measureUnaryRows(u, 40_009)));
  it.each(binaryBounds)('$name', async (u) => expectWithin(await measureBinaryRows(u, 100_000)));
});

describe('the measure', () => {
  it('knows the distance of neighbours', () => {
    expect(ulpOf(1)).toBe(2 ** -23);
    expect(ulpOf(0.99999999)).toBe(2 ** -24);
    expect(ulpOf(-1.5)).toBe(2 ** -23);
    expect(ulpOf(2 ** -149)).toBe(2 ** -149);
    expect(ulpOf(0)).toBe(2 ** -149);
    expect(ulpOf(3e38)).toBe(2 ** 104);
  });
  it('counts in them', () => {
    const up = fromBits(toBits(1.25) + 3);
    expect(ulpError(up, 1.25)).toBe(3);
    expect(ulpError(1, 1 + 2 ** -24)).toBe(0.5);
    expect(ulpError(Number.NaN, 1)).toBe(Number.POSITIVE_INFINITY);
    expect(ulpError(1, Number.NaN)).toBe(Number.POSITIVE_INFINITY);
    expect(ulpError(Number.NaN, Number.NaN)).toBe(0);
    expect(ulpError(Number.POSITIVE_INFINITY, 1e300)).toBe(0);
    expect(ulpError(3e38, Number.POSITIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY);
    expect(ulpError(Number.POSITIVE_INFINITY, 3.4e38)).toBeGreaterThan(1000);
  });
  it('has a bound for every function with a definition of its own', () => {
    expect(unaryBounds.map((u) => u.name).sort()).toEqual(Object.keys(exactUnary).sort());
  });
});
