// TensorBoard's event files, read by a reader of their own.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import * as tf from 'sinter';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { crc32, crc32c as ours } from '../../frontends/keras/checksum.ts';
import { histogramValue } from '../../frontends/keras/tensorboard/events.ts';
import { graphOf } from '../../frontends/keras/tensorboard/graph.ts';
import { weightImages } from '../../frontends/keras/tensorboard/image.ts';
import { crc32c, doubles, fieldsOf, messages, num, records, text, values } from './event-reader.ts';
import { Line, train } from './training.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sinter-tensorboard-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const bytes = (s: string) => new TextEncoder().encode(s);

describe('checksums', () => {
  it('known vectors (RFC 3720, B.4; the check value of CRC-32)', () => {
    for (const crc of [ours, crc32c]) {
      expect(crc(new Uint8Array(32))).toBe(0x8a9136aa);
      expect(crc(new Uint8Array(32).fill(255))).toBe(0x62a8ab43);
      expect(crc(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
      expect(crc(bytes('123456789'))).toBe(0xe3069283);
    }
    expect(crc32(bytes('123456789'))).toBe(0xcbf43926);
    expect(crc32(new Uint8Array(0))).toBe(0);
  });
});

/** The only event file of a folder, as events. */
function eventsOf(...path: string[]): Buffer[] {
  const dir = join(folder, ...path);
  const files = readdirSync(dir);
  expect(files).toHaveLength(1);
  expect(files[0]).toMatch(/^events\.out\.tfevents\.\d{10}\..+\.v2$/);
  return records(readFileSync(join(dir, files[0])));
}
const scalarsOf = (events: Buffer[]) =>
  values(events)
    .filter((v) => fieldsOf(v.data).some((f) => f.number === 2))
    .map((v) => [v.step, v.tag, num(v.data, 2)]);

describe('files of a training', () => {
  it('metrics of epochs in train and validation', async () => {
    const began = Date.now() / 1e3;
    const board = tf.callbacks.tensorBoard({ logDir: join(folder, 'a') });
    const logs = (e: number) => ({ acc: e / 4, val_loss: 3 + e });
    await train(new Line(), [board], { epochs: 2, loss: (e) => 0.5 + e, logs });
    const events = eventsOf('a', 'train');
    expect(text(events[0], 3)).toBe('brain.Event:2');
    for (const e of events) {
      const time = fieldsOf(e).find((f) => f.number === 1)?.value as number;
      expect(Math.abs(time - began)).toBeLessThan(60);
    }
    const rate = Math.fround(0.1);
    expect(scalarsOf(events)).toEqual([
      [0, 'epoch_loss', 0.5],
      [0, 'epoch_acc', 0],
      [0, 'epoch_learning_rate', rate],
      [1, 'epoch_loss', 1.5],
      [1, 'epoch_acc', 0.25],
      [1, 'epoch_learning_rate', rate],
    ]);
    expect(scalarsOf(eventsOf('a', 'validation'))).toEqual([
      [0, 'epoch_loss', 3],
      [1, 'epoch_loss', 4],
    ]);
  });
  it('metrics of batches, steps counted over epochs', async () => {
    for (const [updateFreq, steps] of [
      ['batch', [0, 1, 2, 3, 4, 5]],
      [2, [0, 2, 4]],
    ] as const) {
      const name = `b${updateFreq}`;
      const board = tf.callbacks.tensorBoard({ logDir: join(folder, name), updateFreq, writeGraph: false });
      await train(new Line(), [board], { epochs: 2, steps: 3, loss: (e, b) => 10 * e + b });
      const batches = scalarsOf(eventsOf(name, 'train')).filter(([, tag]) => tag === 'batch_loss');
      expect(batches).toEqual(steps.map((s) => [s, 'batch_loss', 10 * Math.floor(s / 3) + (s % 3)]));
    }
  });
  it('evaluations over the steps of the optimizer', async () => {
    const board = tf.callbacks.tensorBoard({ logDir: join(folder, 'e'), writeGraph: false });
    const list = new tf.CallbackList([board]);
    const model = new Line();
    list.setModel(model);
    await list.onTrainBegin();
    for (let i = 0; i < 3; i++) model.step(i);
    await list.onTestEnd({ loss: 2 });
    await list.onTrainEnd();
    expect(scalarsOf(eventsOf('e', 'validation'))).toEqual([[3, 'evaluation_loss_vs_iterations', 2]]);
  });
  it('distributions and images of weights', async () => {
    const model = new Line();
    const board = tf.callbacks.tensorBoard({ logDir: join(folder, 'h'), histogramFreq: 2, writeImages: true });
    await train(model, [board], { epochs: 3, loss: () => 1 });
    const found = values(eventsOf('h', 'train')).filter((v) => v.tag.startsWith('dense/'));
    expect(found.map((v) => [v.step, v.tag])).toEqual([
      [0, 'dense/kernel/histogram'],
      [0, 'dense/bias/histogram'],
      [2, 'dense/kernel/histogram'],
      [2, 'dense/bias/histogram'],
    ]);
    const [histogram] = messages(found[0].data, 5);
    expect([1, 2, 3, 4].map((f) => num(histogram, f))).toEqual([0.5, 0.5, 1, 0.5]);
  });
  it('the graph', async () => {
    await train(new Line(), [tf.callbacks.tensorBoard({ logDir: join(folder, 'g') })], { epochs: 1, loss: () => 1 });
    const [graph] = eventsOf('g', 'train').flatMap((e) => messages(e, 4));
    const [node] = messages(graph, 1);
    expect([text(node, 1), text(node, 2)]).toEqual(['dense', 'Dense']);
  });
});

describe('distributions', () => {
  const histogram = (data: number[]) => messages(Buffer.from(histogramValue('t', data).finish()), 5)[0];
  it('count every number once, in a bucket that holds it', () => {
    const data = [-1e9, -3, -2.9, -1e-30, 0, 0, 0, 1e-13, 0.5, 0.51, 7, 1e21, Number.NaN, Number.POSITIVE_INFINITY];
    const finite = data.filter(Number.isFinite);
    const h = histogram(data);
    expect(num(h, 1)).toBe(-1e9);
    expect(num(h, 2)).toBe(1e21);
    expect(num(h, 3)).toBe(finite.length);
    expect(num(h, 4)).toBeCloseTo(
      finite.reduce((a, b) => a + b),
      -6,
    );
    expect(num(h, 5)).toBeCloseTo(
      finite.reduce((a, b) => a + b * b, 0),
      -30,
    );
    const [ends, sizes] = [doubles(h, 6), doubles(h, 7)];
    expect(ends.length).toBe(sizes.length);
    expect(ends.every((e, i) => i === 0 || e > ends[i - 1])).toBe(true);
    // Bucket i holds the numbers from the end of the one before (inclusive) to its own.
    ends.forEach((end, i) => {
      const from = i === 0 ? Number.NEGATIVE_INFINITY : ends[i - 1];
      expect(sizes[i]).toBe(finite.filter((x) => x >= from && x < end).length);
    });
    // No bucket is much wider than a tenth of its numbers.
    const at = ends.findIndex((e) => e > 7);
    expect(ends[at] / ends[at - 1]).toBeCloseTo(1.1, 6);
  });
  it('of nothing', () => {
    const h = histogram([]);
    expect([num(h, 1), num(h, 2), num(h, 3), doubles(h, 6)]).toEqual([0, 0, 0, []]);
  });
});

describe('images', () => {
  /** Rows of a grey PNG without filters. */
  function pixels(png: Uint8Array): number[][] {
    const b = Buffer.from(png);
    expect(b.subarray(1, 4).toString()).toBe('PNG');
    const parts: Record<string, Buffer> = {};
    for (let at = 8; at < b.length; ) {
      const length = b.readUInt32BE(at);
      const body = b.subarray(at + 4, at + 8 + length);
      expect(b.readUInt32BE(at + 8 + length)).toBe(crc32(body));
      parts[body.subarray(0, 4).toString()] = body.subarray(4);
      at += 12 + length;
    }
    const [width, height] = [parts.IHDR.readUInt32BE(0), parts.IHDR.readUInt32BE(4)];
    expect([...parts.IHDR.subarray(8)]).toEqual([8, 0, 0, 0, 0]);
    const raw = inflateSync(parts.IDAT);
    expect(raw.length).toBe(height * (width + 1));
    return Array.from({ length: height }, (_, y) => [...raw.subarray(y * (width + 1) + 1, (y + 1) * (width + 1))]);
  }
  it('of a vector, matrices, and kernels', async () => {
    const [row] = await weightImages([3], [1, 2, 3]);
    expect(pixels(row.png)).toEqual([[0, 128, 255]]);
    const [wide] = await weightImages([2, 3], [0, 1, 2, 3, 4, 5]);
    expect([wide.height, wide.width, pixels(wide.png)]).toEqual([
      2,
      3,
      [
        [0, 51, 102],
        [153, 204, 255],
      ],
    ]);
    const [tall] = await weightImages([3, 2], [0, 1, 2, 3, 4, 5]);
    expect(pixels(tall.png)).toEqual([
      [0, 102, 204],
      [51, 153, 255],
    ]);
    const several = await weightImages([5, 1, 1, 2], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(several).toHaveLength(1);
    const stack = await weightImages(
      [4, 1, 2, 3],
      Array.from({ length: 24 }, (_, i) => i),
    );
    expect(stack.map((i) => [i.height, i.width])).toEqual([
      [2, 3],
      [2, 3],
      [2, 3],
    ]);
    expect(await weightImages([2, 2, 2, 2], new Array(16).fill(0))).toEqual([]);
    expect(await weightImages([], [1])).toEqual([]);
  });
});

/** Two inputs, two outputs. */
class Swap extends tf.Layer {
  static readonly className = 'Swap';
  call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor[] {
    return [...(inputs as tf.Tensor[])].reverse();
  }
}

describe('graphs', () => {
  it('of shared layers: a node a use, with inputs and shapes', () => {
    const x = tf.input({ shape: [8], name: 'a' });
    const dense = tf.layers.dense({ units: 4, name: 'b' });
    const twice = [dense.apply(x), dense.apply(x)] as tf.SymbolicTensor[];
    // A use in another model is not one of this.
    tf.model({ inputs: x, outputs: dense.apply(x) as tf.SymbolicTensor });
    const [, second] = new Swap({ name: 'c' }).apply(twice) as tf.SymbolicTensor[];
    const last = tf.layers.flatten({ name: 'd' }).apply(second) as tf.SymbolicTensor;
    const graph = Buffer.from(graphOf(tf.model({ inputs: x, outputs: last })).finish());
    const nodes = messages(graph, 1);
    expect(nodes.map((n) => [text(n, 1), text(n, 2), messages(n, 3).map(String)])).toEqual([
      ['a', 'InputLayer', []],
      ['b', 'Dense', ['a']],
      ['b_1', 'Dense', ['a']],
      ['c', 'Swap', ['b', 'b_1']],
      ['d', 'Flatten', ['c:1']],
    ]);
    const [attribute] = messages(nodes[0], 5);
    expect(text(attribute, 1)).toBe('_output_shapes');
    const [list] = messages(messages(attribute, 2)[0], 1);
    const [shape] = messages(list, 7);
    const sizes = messages(shape, 2).map((dim) => BigInt.asIntN(64, fieldsOf(dim)[0].value as bigint));
    expect(sizes).toEqual([-1n, 8n]);
  });
});
