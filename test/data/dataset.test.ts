// tf.data.Dataset: what its methods give.

import * as tf from 'sinter';
import { describe, expect, it } from 'vitest';
import { all, n, plain, source } from './source.ts';

const { Dataset } = tf.data;

describe('sources', () => {
  it('list, function, generator, iterator, range', async () => {
    expect(await all(tf.data.array([1, 2, 3]))).toEqual([1, 2, 3]);
    expect(await all(tf.data.array(Int32Array.of(4, 5)))).toEqual([4, 5]);
    let i = 0;
    const f = tf.data.func(() => (i < 3 ? { value: i++, done: false } : { value: undefined, done: true }));
    expect(await all(f)).toEqual([0, 1, 2]);
    // As written for TensorFlow.js: an object with next alone.
    const makeIterator = () => {
      let k = 0;
      return { next: () => (k < 2 ? { value: k++, done: false as const } : { value: k, done: true as const }) };
    };
    const g = tf.data.generator(makeIterator);
    expect(await all(g)).toEqual([0, 1]);
    expect(await all(g)).toEqual([0, 1]);
    expect(await all(tf.data.generator(async () => makeIterator()))).toEqual([0, 1]);
    expect(await all(Dataset.range(2, 9, 3))).toEqual([2, 5, 8]);
    expect(await all(Dataset.range(3, 0, -1))).toEqual([3, 2, 1]);
    expect(await all(Dataset.fromTensors({ x: tf.tensor([1, 2]) }))).toEqual([{ x: [1, 2] }]);
  });
  it('rows of tensors', async () => {
    const d = Dataset.fromTensorSlices({
      x: tf.tensor2d(
        [
          [1, 2],
          [3, 4],
        ],
        [2, 2],
        'int32',
      ),
      y: [true, false],
      t: ['a', 'b'],
    });
    const rows = await d.toArray();
    expect(rows.map((r) => [r.x.dtype, r.x.shape, r.y.dtype])).toEqual([
      ['int32', [2], 'bool'],
      ['int32', [2], 'bool'],
    ]);
    expect(plain(rows)).toEqual([
      { x: [1, 2], y: 1, t: 'a' },
      { x: [3, 4], y: 0, t: 'b' },
    ]);
    expect(d.size).toBe(2);
    expect(await all(Dataset.fromTensorSlices([tf.tensor([5, 6]), tf.tensor([[7], [8]])]))).toEqual([
      [5, [7]],
      [6, [8]],
    ]);
    expect(
      await all(
        Dataset.fromTensorSlices([
          [1, 2],
          [3, 4],
        ]),
      ),
    ).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });
  it('side by side, as long as the shortest', async () => {
    const { data, seen } = source();
    expect(await all(tf.data.zip({ a: n(3), b: [data, n(5)] }))).toEqual([0, 1, 2].map((i) => ({ a: i, b: [i, i] })));
    expect(seen.closed).toBe(1);
    expect(tf.data.zip([n(3), n(5)]).size).toBe(3);
    expect(tf.data.zip([n(3), data]).size).toBe(null);
  });
  it('a class of one’s own', async () => {
    class Squares extends tf.data.Dataset<number> {
      override size = 3;
      async iterator() {
        let i = 0;
        return {
          next: async () =>
            i < 3 ? { done: false as const, value: i * i++ } : { done: true as const, value: undefined },
        };
      }
    }
    const d = new Squares().map((x) => x + 1);
    expect(await all(d)).toEqual([1, 2, 5]);
    expect(d.size).toBe(3);
  });
});

describe('methods', () => {
  it('map, filter, take, skip, concatenate, repeat, enumerate, shard, takeWhile', async () => {
    expect(await all(n(4).map((x) => x * x))).toEqual([0, 1, 4, 9]);
    expect(await all(n(4).mapAsync(async (x) => -x - 1))).toEqual([-1, -2, -3, -4]);
    expect(await all(n(6).filter((x) => x % 2 === 0))).toEqual([0, 2, 4]);
    expect(await all(n(6).filter(async (x) => x > 3))).toEqual([4, 5]);
    expect(await all(n(6).take(2))).toEqual([0, 1]);
    expect(await all(n(3).take(-1))).toEqual([0, 1, 2]);
    expect(await all(n(6).skip(4))).toEqual([4, 5]);
    expect(await all(n(6).skip(-1))).toEqual([]);
    expect(await all(n(2).concatenate(n(3)))).toEqual([0, 1, 0, 1, 2]);
    expect(await all(n(2).repeat(3))).toEqual([0, 1, 0, 1, 0, 1]);
    expect(await all(n(2).repeat(0))).toEqual([]);
    expect(await all(n(2).repeat().take(5))).toEqual([0, 1, 0, 1, 0]);
    expect(
      await all(
        n(2)
          .map((x) => `n${x}`)
          .enumerate(),
      ),
    ).toEqual([
      [0, 'n0'],
      [1, 'n1'],
    ]);
    expect(await all(n(7).shard(3, 1))).toEqual([1, 4]);
    expect(await all(n(7).takeWhile((x) => x < 2))).toEqual([0, 1]);
    const out: number[] = [];
    await n(3).forEachAsync(async (x) => void out.push(x));
    expect(out).toEqual([0, 1, 2]);
  });
  it('flatMap, interleave, unbatch', async () => {
    expect(await all(n(4).flatMap((x) => n(x)))).toEqual([0, 0, 1, 0, 1, 2]);
    const three = (x: number) => [x, x, x];
    expect(await all(n(3).interleave(three, { cycleLength: 2 }))).toEqual([0, 1, 0, 1, 0, 1, 2, 2, 2]);
    expect(await all(n(2).interleave(three, { blockLength: 2 }))).toEqual([0, 0, 1, 1, 0, 1]);
    const d = tf.data.array([
      { a: [1, 2], b: 3 },
      { a: [4, 5], b: 6 },
      { a: [7, 8], b: 9 },
    ]);
    expect(await all(d.batch(2).unbatch())).toEqual([
      { a: [1, 2], b: 3 },
      { a: [4, 5], b: 6 },
      { a: [7, 8], b: 9 },
    ]);
  });
  it('know their sizes', () => {
    const { data } = source();
    const sizes: [tf.data.Dataset, number | null][] = [
      [n(7).batch(3), 3],
      [n(7).batch(3, false), 2],
      [n(7).take(9), 7],
      [n(7).take(2), 2],
      [n(7).skip(2), 5],
      [n(7).skip(9), 0],
      [n(7).skip(-1), 0],
      [n(7).repeat(2), 14],
      [n(7).repeat(), Number.POSITIVE_INFINITY],
      [n(0).repeat(), 0],
      [n(7).repeat().batch(2), Number.POSITIVE_INFINITY],
      [
        n(7)
          .repeat()
          .filter(() => true),
        Number.POSITIVE_INFINITY,
      ],
      [n(7).filter(() => true), null],
      [n(7).concatenate(n(1)), 8],
      [n(7).concatenate(data), null],
      [
        n(7)
          .map(() => 1)
          .prefetch(2)
          .shuffle(3)
          .cache(),
        7,
      ],
      [n(7).shard(3, 1), 2],
      [data.take(3), null],
      [data.batch(2), null],
      [data.repeat(), null],
    ];
    expect(sizes.map(([d]) => d.size)).toEqual(sizes.map(([, s]) => s));
  });
  it('iterator() hands out one element at a time', async () => {
    const it = await n(2).iterator();
    expect(await it.next()).toEqual({ done: false, value: 0 });
    expect(await it.next()).toEqual({ done: false, value: 1 });
    expect((await it.next()).done).toBe(true);
    expect((await it.next()).done).toBe(true);
  });
  it('repeat of nothing ends', async () => {
    expect(await all(tf.data.array([]).repeat())).toEqual([]);
  });
});

describe('batch', () => {
  it('stacks every kind of value', async () => {
    const rows = [0, 1, 2].map((i) => ({
      number: i,
      flag: i > 0,
      row: [i, 10 * i],
      tensor: tf.tensor([[i]], [1, 1], 'int32'),
      bytes: Uint8Array.of(i, 255),
      nested: { deep: [tf.scalar(i), { leaf: i }] },
      text: `t${i}`,
      gap: i === 1 ? undefined : i,
    }));
    const [first, last] = await tf.data.array(rows).batch(2).toArray();
    expect([first.number.dtype, first.flag.dtype, first.tensor.dtype, first.bytes.dtype]).toEqual([
      'float32',
      'bool',
      'int32',
      'int32',
    ]);
    expect([first.row.shape, first.tensor.shape, first.bytes.shape]).toEqual([
      [2, 2],
      [2, 1, 1],
      [2, 2],
    ]);
    expect(plain(first)).toEqual({
      number: [0, 1],
      flag: [0, 1],
      row: [
        [0, 0],
        [1, 10],
      ],
      tensor: [[[0]], [[1]]],
      bytes: [
        [0, 255],
        [1, 255],
      ],
      nested: { deep: [[0, 1], { leaf: [0, 1] }] },
      text: ['t0', 't1'],
      gap: [0, Number.NaN],
    });
    expect(last.number.shape).toEqual([1]);
  });
  it('keeps complex tensors, and mixes booleans with numbers', async () => {
    const [z] = await tf.data
      .array([tf.complex(1, 2), tf.complex(3, 4)])
      .batch(2)
      .toArray();
    expect([plain(tf.real(z)), plain(tf.imag(z))]).toEqual([
      [1, 3],
      [2, 4],
    ]);
    const [m] = await tf.data.array([true, 2]).batch(2).toArray();
    expect([m.dtype, plain(m)]).toEqual(['float32', [1, 2]]);
  });
  it('names the place where elements do not fit', async () => {
    const cases: [unknown[], RegExp, new (...args: never[]) => Error][] = [
      [
        [{ x: { img: [1, 2] } }, { x: { img: [1, 2, 3] } }],
        /^Dataset.batch: 'x.img' of element 1 of the batch has shape \[3\], before it \[2\]/,
        tf.ShapeError,
      ],
      [
        [
          [tf.zeros([2]), 1],
          [tf.zeros([2, 1]), 1],
        ],
        /'\[0\]' of element 1 of the batch has shape \[2,1\], before it \[2\]/,
        tf.ShapeError,
      ],
      [
        [{ a: 1 }, { b: 1 }],
        /element 1 of the batch is an object \{b\}|the element of element 1.*is an object, the first has 'a'/,
        tf.ArgumentError,
      ],
      [
        [{ a: tf.zeros([1]) }, { a: tf.zeros([1], 'int32') }],
        /'a' of element 1 of the batch is int32, of the first float32/,
        tf.DTypeError,
      ],
      [[{ a: new Date() }, { a: new Date() }], /'a' is a Date, which cannot be part of a batch/, tf.ArgumentError],
      [[[tf.zeros([1])], [tf.zeros([1]), 2]], /the first has 1 items/, tf.ArgumentError],
      [[1, 'two'], /text cannot become a tensor/, tf.ArgumentError],
    ];
    for (const [rows, message, type] of cases) {
      const failed = tf.data.array(rows).batch(2).toArray();
      await expect(failed).rejects.toThrow(message);
      await expect(failed).rejects.toBeInstanceOf(type);
    }
  });
});
