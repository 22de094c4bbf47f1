// Dataset.mapParallel: functions in worker threads of Node.

import type { Worker } from 'node:worker_threads';
import * as tf from 'sinter';
import { describe, expect, it } from 'vitest';

const n = (count: number) => tf.data.Dataset.range(count);
const module = (code: string) => `data:text/javascript,${encodeURIComponent(code)}`;

describe('mapParallel', () => {
  it('runs a function in other threads, results in order', async () => {
    const thread = () => import('node:worker_threads').then((m) => m.threadId);
    const where = module(`
      import { threadId } from 'node:worker_threads';
      export const work = async (x) => {
        await new Promise((done) => setTimeout(done, x % 3));
        return { x, square: x * x, threadId };
      };`);
    const got = await n(20).mapParallel(where, { workers: 3, exportName: 'work' }).toArray();
    expect(got.map((r) => r.square)).toEqual(Array.from({ length: 20 }, (_, i) => i * i));
    const threads = new Set(got.map((r) => r.threadId));
    expect(threads.size).toBe(3);
    expect(threads).not.toContain(await thread());
  });
  it('sends tensors as plain data, and makes tensors of what comes back', async () => {
    const d = tf.data.array([{ x: tf.tensor([1, 2], [2], 'int32'), name: 'a' }]);
    const [r] = await d
      .mapParallel((e) => ({
        ...e,
        y: { dtype: 'float32', shape: [1, 2], data: Float32Array.from(e.x.data as number[], (v) => v / 2) },
      }))
      .toArray();
    expect([r.name, r.x.dtype, r.x.arraySync(), r.y.shape, r.y.arraySync()]).toEqual([
      'a',
      'int32',
      [1, 2],
      [1, 2],
      [[0.5, 1]],
    ]);
  });
  it('has a bounded number of elements under way, and ends its workers with the pass', async () => {
    let read = 0;
    const source = tf.data.generator(function* () {
      for (;;) yield read++;
    });
    const workers: Worker[] = [];
    const keep = (w: Worker) => void workers.push(w);
    process.on('worker', keep);
    let got = 0;
    for await (const x of source.mapParallel((v: number) => v + 1, { workers: 2 })) {
      expect(x).toBe(++got);
      expect(read - got).toBeLessThanOrEqual(4);
      if (got === 9) break;
    }
    process.off('worker', keep);
    expect(workers.length).toBe(2);
    // A worker that has ended has no thread.
    expect(workers.map((w) => w.threadId)).toEqual([-1, -1]);
  });
  it('gives typed errors: of the function, of a worker that dies, of a module that is not there', async () => {
    const failing = (source: string | ((x: number) => unknown)) => n(6).mapParallel(source, { workers: 2 }).toArray();
    const cases: [string | ((x: number) => unknown), RegExp][] = [
      [
        (x) => {
          if (x === 3) throw new RangeError('three');
          return x;
        },
        /the function failed in a worker: RangeError: three/,
      ],
      [module('export default (x) => (x === 2 ? process.exit(7) : x)'), /a worker ended with code 7/],
      [
        module(
          'export default (x) => { setTimeout(() => { throw new Error("later"); }); return new Promise(() => {}); }',
        ),
        /a worker failed: later/,
      ],
      [module('export const other = 1;'), /no function default/],
      ['/no/such/module.js', /Cannot find module/],
      [(x) => (x === 1 ? () => x : x), /could not be cloned/],
    ];
    for (const [source, message] of cases) {
      await expect(failing(source)).rejects.toThrow(message);
      await expect(failing(source)).rejects.toBeInstanceOf(tf.ExecutionError);
    }
  });
  it('refuses bad arguments', () => {
    expect(() => n(3).mapParallel(5 as never)).toThrow(/module's address or a function, not 5/);
    expect(() => n(3).mapParallel((x) => x, { workers: 0 })).toThrow(
      /workers must be a whole number from 1 to 256, got 0/,
    );
    expect(() => n(3).mapParallel((x) => x, { threads: 2 } as never)).toThrow(/no option 'threads'/);
  });
});
