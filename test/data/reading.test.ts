// tf.data.Dataset: how little it reads, what happens to errors, and in what order it shuffles.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as tf from 'sinter';
import { describe, expect, it } from 'vitest';
import { all, n, source } from './source.ts';

const { Dataset } = tf.data;

describe('laziness', () => {
  it('reads nothing before it is asked, and no more than is asked for', async () => {
    const { data, seen } = source();
    const d = data
      .map((x) => x)
      .filter(() => true)
      .batch(3)
      .take(4);
    const it = await d.iterator();
    expect(seen).toEqual({ read: 0, opened: 0, closed: 0 });
    await it.next();
    expect(seen.read).toBe(3);
    await it.return?.();
    expect(seen).toEqual({ read: 3, opened: 1, closed: 1 });
    expect((await d.toArray()).length).toBe(4);
    expect(seen.read).toBe(3 + 12);
  });
  it('prefetch reads ahead as far as it may, and no further', async () => {
    const { data, seen } = source();
    let most = 0;
    let got = 0;
    for await (const x of data.prefetch(4)) {
      expect(x).toBe(got++);
      // Time for a reader that knows no bound.
      await new Promise((done) => setTimeout(done, 1));
      most = Math.max(most, seen.read - got);
      if (got === 10) break;
    }
    expect(most).toBe(4);
    expect(seen.closed).toBe(1);
  });
  it('runs async maps in parallel, as many as allowed, in order', async () => {
    let [going, most] = [0, 0];
    const slow = async (x: number) => {
      most = Math.max(most, ++going);
      // Later ones are faster: order is not that of ending.
      await new Promise((done) => setTimeout(done, 12 - x));
      going--;
      return x;
    };
    expect(await all(n(10).map(slow, { numParallelCalls: 3 }))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(most).toBe(3);
    most = 0;
    await all(n(4).mapAsync(slow));
    expect(most).toBe(1);
  });
  it('shuffle holds no more than its buffer', async () => {
    const { data, seen } = source();
    const it = await data.shuffle(16, 1).iterator();
    for (let i = 1; i <= 100; i++) {
      const { value } = await it.next();
      expect(value).toBeLessThan(i + 16);
      expect(seen.read).toBe(15 + i);
    }
    await it.return?.();
    expect(seen.closed).toBe(1);
  });
  it('keeps no more elements alive than its buffers hold', async () => {
    setFlagsFromString('--expose-gc');
    const gc = runInNewContext('gc') as () => void;
    const made: WeakRef<object>[] = [];
    const data = tf.data.generator(function* () {
      for (let i = 0; i < 2000; i++) {
        const element = { xs: new Float32Array(64), ys: i };
        made.push(new WeakRef(element));
        yield element;
      }
    });
    let batches = 0;
    for await (const batch of data
      .map((e) => e)
      .shuffle(50, 1)
      .prefetch(5)
      .batch(10)
      .prefetch(2)) {
      expect(batch.xs.shape).toEqual([10, 64]);
      if (++batches % 50) continue;
      // A task of its own: what was looked at in this one stays alive until its end.
      await new Promise((done) => setImmediate(done));
      gc();
      // The two buffers, two batches ahead and the one that is being filled, and some under way.
      expect(made.filter((r) => r.deref()).length).toBeLessThan(50 + 5 + 30 + 10);
    }
    expect([batches, made.length]).toEqual([200, 2000]);
  });
  it('cache reads its source once, and not before a pass was whole', async () => {
    const { data, seen } = source(5);
    const d = data.cache();
    expect(await all(d.take(2))).toEqual([0, 1]);
    expect(await all(d)).toEqual([0, 1, 2, 3, 4]);
    expect(await all(d.take(2))).toEqual([0, 1]);
    expect(await all(d)).toEqual([0, 1, 2, 3, 4]);
    expect(seen.opened).toBe(2);
  });
});

describe('errors and leaving', () => {
  const stages: [string, (d: tf.data.Dataset) => tf.data.Dataset][] = [
    ['nothing', (d) => d],
    ['map', (d) => d.map((x) => x)],
    ['a parallel map', (d) => d.map(async (x) => x, { numParallelCalls: 4 })],
    ['filter', (d) => d.filter(() => true)],
    ['prefetch', (d) => d.prefetch(5)],
    ['batch', (d) => d.batch(2)],
    ['shuffle', (d) => d.shuffle(3, 1)],
    ['repeat', (d) => d.repeat()],
    ['cache', (d) => d.cache()],
    ['concatenate', (d) => d.concatenate(n(2))],
    ['zip', (d) => tf.data.zip([d, d])],
    ['interleave', (d) => n(3).interleave(() => d)],
    ['flatMap', (d) => n(3).flatMap(() => d)],
  ];
  it.each(stages)('of the source arrive behind %s', async (_, stage) => {
    const { data } = source(20, 7);
    let count = 0;
    await expect(async () => {
      for await (const _x of stage(data)) count++;
    }).rejects.toThrow('the disk is gone');
    expect(count).toBeLessThan(22);
  });
  it.each(stages)('a break closes the source behind %s', async (_, stage) => {
    const { data, seen } = source();
    for await (const _x of stage(data)) break;
    expect(seen.opened).toBeGreaterThan(0);
    expect(seen.closed).toBe(seen.opened);
  });
  it.each([1, 3])('an error in a function closes the source (%i calls at a time)', async (numParallelCalls) => {
    const { data, seen } = source();
    const d = data.map(
      async (x) => {
        if (x === 5) throw new Error('bad row');
        return x;
      },
      { numParallelCalls },
    );
    const got: number[] = [];
    await expect(d.forEachAsync((x) => void got.push(x))).rejects.toThrow('bad row');
    expect(got).toEqual([0, 1, 2, 3, 4]);
    expect(seen.closed).toBe(1);
  });
  it('refuse bad arguments', async () => {
    const d = n(3);
    const cases: [() => unknown, RegExp][] = [
      [() => d.batch(0), /^Dataset.batch: batchSize must be a whole number from 1 on, got 0/],
      [() => d.batch(2.5), /got 2.5/],
      [
        () => d.shuffle(undefined as never),
        /bufferSize must be a whole number from 1 on, got undefined[\s\S]*all 3 shuffle perfectly/,
      ],
      [() => d.prefetch(0), /bufferSize/],
      [() => d.map(3 as never), /transform must be a function, got 3/],
      [() => d.map((x) => x, { parallel: 2 } as never), /no option 'parallel'[\s\S]*numParallelCalls/],
      [() => d.take(1.5), /count must be a whole number, got 1.5/],
      [() => d.shard(2, 2), /index must be a whole number from 0 to 1, got 2/],
      [() => d.concatenate([1] as never), /dataset must be a Dataset/],
      [() => tf.data.array(5 as never), /data.array: takes a list, not 5/],
      [() => tf.data.zip(d as never), /data.zip: takes a list or an object/],
      [() => tf.data.zip({ xs: d, ys: 3 as never }), /'ys' is 3, not a Dataset/],
      [() => Dataset.range(0, 3, 0), /step must be a number other than 0/],
      [() => Dataset.fromTensorSlices({ x: [1, 2, 3], y: [1, 2] }), /'y' has 2 rows \(\[2\]\), 'x' 3 \(\[3\]\)/],
      [() => Dataset.fromTensorSlices(tf.scalar(1)), /scalar/],
    ];
    for (const [f, message] of cases) {
      expect(f).toThrow(message);
      expect(f).toThrow(tf.SinterError);
    }
    await expect(d.repeat().toArray()).rejects.toThrow(/without end/);
    await expect(tf.data.generator(() => 5 as never).toArray()).rejects.toThrow(/5 has no elements to iterate over/);
  });
});

describe('shuffle', () => {
  it('is a permutation that the seed determines, another one in each pass', async () => {
    const d = (seed: number | string, again = true) => n(50).shuffle(50, seed, again);
    const [a, b, c] = [d(7), d(7), d('7')];
    const first = await a.toArray();
    expect([...first].sort((x, y) => x - y)).toEqual(await n(50).toArray());
    expect(await b.toArray()).toEqual(first);
    expect(await c.toArray()).toEqual(first);
    const second = await a.toArray();
    expect(second).not.toEqual(first);
    expect(await b.toArray()).toEqual(second);
    expect(await d(8).toArray()).not.toEqual(first);
    const same = d(7, false);
    expect(await same.toArray()).toEqual(first);
    expect(await same.toArray()).toEqual(first);
    // repeat makes passes too.
    const twice = await d(7).repeat(2).toArray();
    expect(twice).toEqual([...first, ...second]);
  });
  it('follows tf.setRandomSeed where it has no seed', async () => {
    const draw = () => {
      tf.setRandomSeed(5);
      return n(30).shuffle(30).toArray();
    };
    expect(await draw()).toEqual(await draw());
    expect(await n(30).shuffle(30).toArray()).not.toEqual(await n(30).shuffle(30).toArray());
  });
  it('puts each element at each place equally often', async () => {
    const [size, passes] = [6, 6000];
    const d = n(size).shuffle(size, 3);
    const counts = new Array(size * size).fill(0);
    for (let p = 0; p < passes; p++) (await d.toArray()).forEach((x, at) => void counts[x * size + at]++);
    // Chi squared with 25 degrees of freedom: 52.6 has the probability 0.001.
    const mean = passes / size;
    expect(counts.reduce((s, c) => s + (c - mean) ** 2 / mean, 0)).toBeLessThan(52.6);
  });
});
