// The pages of GPU memory: blocks apart, pages that come and go, and what happens where the GPU has no more.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FreeList } from '../../runtime/free-list.ts';
import { type Block, GpuHeap } from '../../runtime/webgpu/heap.ts';

/** As much of a device as the heap sees. */
function fake(limit: number, memory = Number.POSITIVE_INFINITY) {
  let used = 0;
  let failed = false;
  const device = {
    limits: { maxBufferSize: limit, maxStorageBufferBindingSize: limit },
    createBuffer: ({ size }: { size: number }) => {
      used += size;
      failed = used > memory;
      const destroy = () => {
        used -= size;
      };
      return { size, destroy };
    },
    pushErrorScope: () => undefined,
    popErrorScope: async () => (failed ? { message: 'out of memory' } : null),
  };
  return device as unknown as GPUDevice;
}

describe('GPU memory', () => {
  it('gives no byte twice, and takes all back', () => {
    const steps = fc.array(fc.record({ bytes: fc.integer({ min: 0, max: 2 ** 23 }), drop: fc.nat(20) }), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(steps, (list) => {
        const heap = new GpuHeap(fake(2 ** 26), () => undefined);
        const held: Block[] = [];
        for (const { bytes, drop } of list) {
          const b = heap.alloc(bytes);
          expect(b.bytes).toBeGreaterThanOrEqual(bytes);
          expect(b.offset % 256).toBe(0);
          expect(b.offset + b.bytes).toBeLessThanOrEqual(b.page.bytes);
          for (const o of held)
            if (o.page === b.page) expect(o.offset + o.bytes <= b.offset || b.offset + b.bytes <= o.offset).toBe(true);
          held.push(b);
          if (drop < held.length) heap.release(held.splice(drop, 1)[0]);
        }
        for (const b of held) heap.release(b);
        expect(heap.used).toBe(0);
        expect(heap.pages.length).toBeLessThanOrEqual(2);
      }),
      { numRuns: 200 },
    );
  });

  it('refuses what no buffer can hold, and tells of memory that the GPU does not have', async () => {
    const said: Error[] = [];
    const heap = new GpuHeap(fake(2 ** 26, 2 ** 25), (e) => void said.push(e));
    expect(() => heap.alloc(2 ** 26 + 1, 'a tensor')).toThrow(/a tensor needs 67108865 bytes[\s\S]*at most 67108864/);
    heap.alloc(2 ** 24);
    heap.alloc(2 ** 25);
    await new Promise(setImmediate);
    expect(said.map((e) => e.message).join()).toMatch(/the GPU gave no 33554432 bytes of memory beside the 16777216/);
  });

  it('joins free neighbours', () => {
    const list = new FreeList(100);
    const [a, b, c] = [30, 30, 40].map((n) => list.take(n) as number);
    expect(list.take(1)).toBeNull();
    list.give(a, 30);
    list.give(c, 40);
    expect(list.take(50)).toBeNull();
    list.give(b, 30);
    expect(list.size).toBe(100);
    expect(list.take(100)).toBe(0);
  });
});
