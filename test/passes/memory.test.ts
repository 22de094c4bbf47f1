// The memory planner on arbitrary lifetimes.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aligned, type Lifetime, planMemory } from '../../compiler/passes/memory.ts';

const lifetime: fc.Arbitrary<Lifetime> = fc
  .record({
    bytes: fc.oneof(fc.nat({ max: 300 }), fc.integer({ min: 0, max: 1 << 20 })),
    from: fc.nat({ max: 30 }),
    length: fc.nat({ max: 12 }),
  })
  .map(({ bytes, from, length }) => ({ bytes, from, to: from + length }));
const lifetimes = fc.array(lifetime, { maxLength: 40 });

/** Bytes alive at each step, the plain way. */
const most = (lives: readonly Lifetime[]): number =>
  Math.max(
    0,
    ...Array.from({ length: 50 }, (_, t) =>
      lives.reduce((n, l) => (l.from <= t && t <= l.to ? n + aligned(l.bytes) : n), 0),
    ),
  );

describe('the memory plan', () => {
  it('never gives two buffers that are alive at once the same bytes', () => {
    fc.assert(
      fc.property(lifetimes, (lives) => {
        const { offsets, arenaBytes } = planMemory(lives);
        lives.forEach((a, i) => {
          expect(offsets[i] % 64).toBe(0);
          expect(offsets[i]).toBeGreaterThanOrEqual(0);
          expect(offsets[i] + a.bytes).toBeLessThanOrEqual(arenaBytes);
          for (let j = 0; j < i; j++) {
            const b = lives[j];
            const together = a.from <= b.to && b.from <= a.to;
            const apart = offsets[i] + aligned(a.bytes) <= offsets[j] || offsets[j] + aligned(b.bytes) <= offsets[i];
            if (together && a.bytes > 0 && b.bytes > 0)
              expect(apart, `${JSON.stringify([a, b])} at ${offsets[i]} and ${offsets[j]}`).toBe(true);
          }
        });
      }),
      { numRuns: 500 },
    );
  });

  it('says the least that any plan needs, and stays between that and the sum', () => {
    fc.assert(
      fc.property(lifetimes, (lives) => {
        const { arenaBytes, lowerBound } = planMemory(lives);
        expect(lowerBound).toBe(most(lives));
        expect(arenaBytes).toBeGreaterThanOrEqual(lowerBound);
        expect(arenaBytes).toBeLessThanOrEqual(lives.reduce((n, l) => n + aligned(l.bytes), 0));
      }),
      { numRuns: 500 },
    );
  });

  it('reaches the bound where all live at once, and where none do', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 5000 }), { minLength: 1, maxLength: 20 }), (sizes) => {
        const together = planMemory(sizes.map((bytes) => ({ bytes, from: 0, to: 3 })));
        expect(together.arenaBytes).toBe(together.lowerBound);
        const inTurn = planMemory(sizes.map((bytes, i) => ({ bytes, from: i, to: i })));
        expect(inTurn.arenaBytes).toBe(aligned(Math.max(...sizes)));
      }),
    );
  });

  it('two places are enough for a chain', () => {
    const chain = Array.from({ length: 9 }, (_, i) => ({ bytes: 1000, from: i, to: i + 1 }));
    expect(planMemory(chain)).toMatchObject({ arenaBytes: 2048, lowerBound: 2048 });
  });
});
