// TensorFlow's checkpoints, written by bundle.ts.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from 'sinter';
import { afterAll, describe, expect, it } from 'vitest';
import { bundle, numbers, strings, table } from './bundle.ts';
import { message, type Part, shapeProto, types } from './proto.ts';

const folder = mkdtempSync(join(tmpdir(), 'tf-checkpoint-'));
afterAll(() => rmSync(folder, { recursive: true }));
const text = (s: string): Uint8Array => new TextEncoder().encode(s);
const elements = async (c: tf.TensorFlowCheckpoint, name: string) => Array.from((await c.tensor(name)).dataSync());

describe.each([false, true])('a checkpoint, compressed: %s', (compressed) => {
  const many = Array.from({ length: 50 }, (_, i) =>
    numbers(`layer_${i}/kernel/.ATTRIBUTES/VARIABLE_VALUE`, 'float32', [2], [i, -i], i % 2),
  );
  const files = bundle(
    [
      ...many,
      numbers('step', 'int64', [], [7]),
      numbers('wide', 'float64', [2, 2], [1e300, -0, 0.1, 3]),
      numbers('whole', 'int32', [3], [-1, 0, 2 ** 31 - 1], 1),
      { name: 'half', dtype: 'half', shape: [3], bytes: Uint8Array.from([0, 0x3c, 0, 0xc0, 1, 0]) },
      { name: 'brain', dtype: 'bfloat16', shape: [2], bytes: Uint8Array.from([0x80, 0x3f, 0x20, 0xc1]) },
      { name: 'flags', dtype: 'bool', shape: [3], bytes: Uint8Array.from([1, 0, 1]) },
      strings('words', [2], [text('ä'), text('')]),
    ],
    { compressed, shards: 2 },
  );

  it('has names, shapes and types', async () => {
    const c = await tf.loadTensorFlowCheckpoint(files);
    expect(c.names).toHaveLength(57);
    expect(c.names).toEqual([...c.names].sort());
    expect(c.info('wide')).toEqual({ name: 'wide', shape: [2, 2], dtype: 'DT_DOUBLE' });
    expect(c.has('nothing')).toBe(false);
    expect(() => c.info('nothing')).toThrow(tf.ArgumentError);
  });
  it('gives tensors of every type', async () => {
    const c = await tf.loadTensorFlowCheckpoint(files);
    for (let i = 0; i < 50; i++) expect(await elements(c, many[i].name)).toEqual([i, -i]);
    expect(await elements(c, 'step')).toEqual([7]);
    const wide = await c.tensor('wide');
    expect([wide.dtype, Array.from(wide.dataSync())]).toEqual(['float64', [1e300, -0, 0.1, 3]]);
    expect(await elements(c, 'whole')).toEqual([-1, 0, 2 ** 31 - 1]);
    expect(await elements(c, 'half')).toEqual([1, -2, 2 ** -24]);
    expect(await elements(c, 'brain')).toEqual([1, -10]);
    const flags = await c.tensor('flags');
    expect([flags.dtype, Array.from(flags.dataSync())]).toEqual(['bool', [1, 0, 1]]);
    expect((await c.strings('words')).map((w) => new TextDecoder().decode(w))).toEqual(['ä', '']);
    await expect(c.tensor('words')).rejects.toThrow(tf.DTypeError);
    await expect(c.strings('step')).rejects.toThrow(tf.DTypeError);
  });
  it('is read from files', async () => {
    writeFileSync(join(folder, 'model.index'), files.index);
    files.data.forEach((d, i) => writeFileSync(join(folder, `model.data-0000${i}-of-00002`), d));
    const c = await tf.loadTensorFlowCheckpoint(join(folder, 'model'));
    expect(await elements(c, 'whole')).toEqual([-1, 0, 2 ** 31 - 1]);
    expect((await tf.loadTensorFlowCheckpoint(join(folder, 'model.index'))).names).toEqual(c.names);
    await expect(tf.loadTensorFlowCheckpoint(join(folder, 'other'))).rejects.toThrow(tf.ArgumentError);
  });
});

describe('partitioned Variables', () => {
  /** Ordered code, for small numbers: 0 as no bytes, text with its end, signed numbers of one byte. */
  const key = (name: string, extents: readonly (readonly [number, number])[]): Uint8Array =>
    Uint8Array.from([0, ...text(name), 0, 1, 1, extents.length, ...extents.flat().map((x) => 0x80 ^ (x & 0xff))]);
  const slice = (extents: readonly (readonly [number, number])[]) =>
    message(
      ...extents.map(
        ([start, length]) => [1, message([1, start || undefined], [2, length < 0 ? undefined : length])] as const,
      ),
    );

  it('are put together', async () => {
    // [3, 4] in columns 0..1 and 2..3, the second cut into rows.
    const parts = [
      {
        extents: [
          [0, -1],
          [0, 2],
        ],
        values: [0, 1, 10, 11, 20, 21],
        shape: [3, 2],
      },
      {
        extents: [
          [0, 1],
          [2, 2],
        ],
        values: [2, 3],
        shape: [1, 2],
      },
      {
        extents: [
          [1, 2],
          [2, 2],
        ],
        values: [12, 13, 22, 23],
        shape: [2, 2],
      },
    ] as const;
    const whole = message(
      [1, types.float32],
      [2, shapeProto([3, 4])],
      ...parts.map((p) => [7, slice(p.extents)] as const),
    );
    const files = bundle(
      parts.map((p, i) => numbers(`#${i}`, 'float32', p.shape, p.values)),
      {
        more: (placed) => [
          [text('table'), whole] as const,
          ...parts.map((p, i) => [key('table', p.extents), placed.get(`#${i}`) as Uint8Array] as const),
        ],
      },
    );
    const c = await tf.loadTensorFlowCheckpoint(files);
    expect(c.names).toEqual(['table']);
    const t = await c.tensor('table');
    expect(t.shape).toEqual([3, 4]);
    expect(Array.from(t.dataSync())).toEqual([0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23]);
  });

  it('are found by large offsets', async () => {
    // 64 and more take two bytes: 0xc0 over the high one.
    const long = [...Array(100).keys()];
    const whole = message([1, types.float32], [2, shapeProto([200])], [7, slice([[0, 100]])], [7, slice([[100, 100]])]);
    const wide = (...xs: number[]) => Uint8Array.from([0, ...text('v'), 0, 1, 1, 1, ...xs]);
    const files = bundle(
      [
        numbers('#0', 'float32', [100], long),
        numbers(
          '#1',
          'float32',
          [100],
          long.map((x) => x + 100),
        ),
      ],
      {
        more: (placed) => [
          [text('v'), whole] as const,
          [wide(0x80, 0xc0, 100), placed.get('#0') as Uint8Array] as const,
          [wide(0xc0, 100, 0xc0, 100), placed.get('#1') as Uint8Array] as const,
        ],
      },
    );
    const c = await tf.loadTensorFlowCheckpoint(files);
    expect(await elements(c, 'v')).toEqual([...Array(200).keys()]);
  });
});

describe('objects', () => {
  it('are the graph that the checkpoint describes', async () => {
    const root = message([1, message([1, 1], [2, 'dense'])]);
    const dense = message(
      [2, message([1, 'VARIABLE_VALUE'], [2, 'dense/kernel'], [3, 'dense/kernel/.ATTRIBUTES/VARIABLE_VALUE'])],
      [3, message([1, 0], [2, 'm'], [3, 1])],
    );
    const graph = message([1, root], [1, dense]);
    const c = await tf.loadTensorFlowCheckpoint(bundle([strings('_CHECKPOINTABLE_OBJECT_GRAPH', [], [graph])]));
    expect(c.names).toEqual([]);
    expect(await c.objects()).toEqual([
      { children: { dense: 1 }, tensors: {}, slots: [] },
      {
        children: {},
        tensors: { VARIABLE_VALUE: 'dense/kernel/.ATTRIBUTES/VARIABLE_VALUE' },
        slots: [{ variable: 0, name: 'm', value: 1 }],
      },
    ]);
  });
});

describe('damaged checkpoints', () => {
  const files = bundle([numbers('a', 'float32', [2], [1, 2]), numbers('big', 'int64', [], [2 ** 40])]);
  const open = (change: Partial<tf.CheckpointBytes>) => tf.loadTensorFlowCheckpoint({ ...files, ...change });
  const read = async (change: Partial<tf.CheckpointBytes>, name = 'a') => (await open(change)).tensor(name);

  it('are refused', async () => {
    await expect(open({ index: files.index.subarray(1) })).rejects.toThrow(tf.FormatError);
    await expect(open({ index: new Uint8Array(0) })).rejects.toThrow(/no table file/);
    await expect(open({ data: [] })).rejects.toThrow(tf.FormatError);
    await expect(read({ data: [files.data[0].subarray(0, 7)] })).rejects.toThrow(/end after 7 of 8 bytes/);
    await expect(read({ data: [files.data[0].map((b, i) => (i === 3 ? b ^ 1 : b))] })).rejects.toThrow(/checksum/);
    await expect(read({ index: files.index.map((b, i) => (i === 5 ? b ^ 1 : b)) })).rejects.toThrow(/checksum/);
    await expect(read({}, 'big')).rejects.toThrow(/int32 cannot hold/);
    await expect(tf.loadTensorFlowCheckpoint(3 as never)).rejects.toThrow(tf.ArgumentError);
  });
  it('with hostile numbers are refused', async () => {
    const entry = (...parts: Part[]) => {
      const header = [new Uint8Array(), message([1, 1])] as const;
      return open({ index: table([header, [text('x'), message(...parts)]]), data: [new Uint8Array(8)] });
    };
    await expect(entry([1, 1], [2, shapeProto([2 ** 40, 2 ** 40])])).rejects.toThrow(tf.FormatError);
    await expect(entry([1, 1], [2, shapeProto([2])], [5, 4])).rejects.toThrow(/has 4 bytes/);
    await expect(entry([1, 99], [2, shapeProto([])], [5, 4])).rejects.toThrow(/element type/);
    await expect(entry([1, 1], [2, shapeProto([])], [3, 5], [5, 4])).rejects.toThrow(/file 5 of 1/);
    await expect((await entry([1, 1], [2, shapeProto([])], [4, 2 ** 50], [5, 4])).tensor('x')).rejects.toThrow(
      tf.FormatError,
    );
    await expect(open({ index: table([[new Uint8Array(), message([1, 1], [2, 1])]]) })).rejects.toThrow(/big-endian/);
  });
});
