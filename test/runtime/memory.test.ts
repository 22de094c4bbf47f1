// Device memory: the allocator, the arena, and what survives growth.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arrayFor } from '../../ir/literal.ts';
import { MemoryError } from '../../ir/plan.ts';
import { DeviceMemory } from '../../runtime/wasm/memory.ts';

const blockSize = (bytes: number) => Math.max(64, Math.ceil(bytes / 64) * 64);

describe('the allocator', () => {
  it('gives blocks that do not overlap, whatever is freed in between', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ bytes: fc.nat({ max: 5000 }), free: fc.option(fc.nat({ max: 30 })) }), { maxLength: 60 }),
        (steps) => {
          const m = new DeviceMemory(false);
          const live: { at: number; bytes: number }[] = [];
          for (const { bytes, free } of steps) {
            const at = m.alloc(bytes);
            expect(at % 64).toBe(0);
            // The first page holds the words that threads meet at.
            expect(at).toBeGreaterThanOrEqual(65536);
            expect(at + bytes).toBeLessThanOrEqual(m.memory.buffer.byteLength);
            for (const b of live) expect(at >= b.at + blockSize(b.bytes) || b.at >= at + blockSize(bytes)).toBe(true);
            live.push({ at, bytes });
            if (free !== null && free < live.length) m.free(live.splice(free, 1)[0].at);
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  it('joins freed neighbours: all the room is one block again', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 30 }),
        fc.nat(),
        (sizes, seed) => {
          const m = new DeviceMemory(false);
          const blocks = sizes.map((s) => m.alloc(s));
          const order = blocks.map((_, i) => i).sort((a, b) => ((a * 7919 + seed) % 31) - ((b * 7919 + seed) % 31));
          for (const i of order) m.free(blocks[i]);
          const total = sizes.reduce((n, s) => n + blockSize(s), 0);
          expect(m.alloc(total)).toBe(blocks[0]);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('frees once: a second time changes nothing', () => {
    const m = new DeviceMemory(false);
    const [a, b] = [m.alloc(64), m.alloc(64)];
    m.free(a);
    m.free(a);
    m.free(12345);
    expect(m.alloc(64)).toBe(a);
    expect(m.alloc(64)).toBeGreaterThan(b);
  });

  it('says what it cannot give', () => {
    const m = new DeviceMemory(false);
    expect(() => m.alloc(5e9)).toThrow(MemoryError);
    expect(() => m.alloc(5e9)).toThrow(/cannot place 5000000000 bytes/);
    expect(m.alloc(64)).toBeGreaterThan(0);
  });
});

describe('the arena', () => {
  it('grows, never shrinks, and counts its moves', () => {
    const m = new DeviceMemory(false);
    const a = m.arena(1000);
    const version = m.arenaVersion;
    expect(m.arena(500)).toBe(a);
    expect(m.arena(1000)).toBe(a);
    expect(m.arenaVersion).toBe(version);
    m.alloc(64);
    const b = m.arena(100_000);
    expect(m.arenaVersion).toBe(version + 1);
    expect(m.arena(1000)).toBe(b);
    // What it left is free again.
    expect(m.alloc(900)).toBe(a);
  });
});

describe('contents', () => {
  it.each(['f32', 'f64', 'i32', 'u32', 'bool'] as const)('of %s come back as they were', (dtype) => {
    const m = new DeviceMemory(false);
    const data = arrayFor(dtype, 5);
    data.set(
      dtype === 'bool'
        ? [0, 1, 1, 0, 1]
        : dtype === 'u32'
          ? [0, 1, 4294967295, 7, 2 ** 31]
          : dtype === 'i32'
            ? [0, -1, 2147483647, -2147483648, 5]
            : [0, -0, 1.5, Number.NaN, -Infinity],
    );
    const at = m.alloc(64);
    m.write(at, dtype, data);
    const back = m.read(at, dtype, 5);
    expect(back.constructor).toBe(data.constructor);
    expect(Array.from(back)).toEqual(Array.from(data));
  });

  it.each([true, false])('survive growth, and views made afterwards see all (shared: %s)', (shared) => {
    const m = new DeviceMemory(shared);
    const at = m.alloc(4 * 100);
    m.write(
      at,
      'f32',
      Float32Array.from({ length: 100 }, (_, i) => i),
    );
    const far = m.alloc(10 * 65536);
    m.write(far + 9 * 65536, 'i32', Int32Array.of(7));
    expect(m.read(far + 9 * 65536, 'i32', 1)[0]).toBe(7);
    expect(Array.from(m.read(at, 'f32', 100))).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(m.views.u8.length).toBe(m.memory.buffer.byteLength);
  });

  it('are copies: later changes do not show', () => {
    const m = new DeviceMemory(false);
    const at = m.alloc(16);
    m.write(at, 'f32', Float32Array.of(1, 2));
    const a = m.read(at, 'f32', 2);
    m.write(at, 'f32', Float32Array.of(3, 4));
    expect(Array.from(a)).toEqual([1, 2]);
  });
});
