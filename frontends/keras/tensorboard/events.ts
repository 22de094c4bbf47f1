// Event files of TensorBoard: records of events, each an epoch's or a step's summary.
// Messages: tensorflow/core/util/event.proto and framework/summary.proto.

import { crc32c } from '../checksum.ts';
import { Message } from './protobuf.ts';

/** CRCs are stored masked, as data that holds CRCs of itself checks badly. */
const masked = (crc: number): number => (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;

/** One record: length (uint64), its CRC, the data, its CRC; little-endian (TFRecord). */
export function record(data: Uint8Array): Uint8Array {
  const out = new Uint8Array(data.length + 16);
  const view = new DataView(out.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, masked(crc32c(out.subarray(0, 8))), true);
  out.set(data, 12);
  view.setUint32(12 + data.length, masked(crc32c(data)), true);
  return out;
}

/** The field of an event that holds what happened. */
const fields = { fileVersion: 3, graph: 4, summary: 5 } as const;

function event(time: number, step: number, write: (m: Message) => Message): Uint8Array {
  return record(write(new Message().double(1, time).int(2, step)).finish());
}

/** The first event of a file. */
export const fileVersion = (time: number): Uint8Array =>
  event(time, 0, (m) => m.string(fields.fileVersion, 'brain.Event:2'));

/** A graph (GraphDef). */
export const graphEvent = (time: number, graph: Message): Uint8Array =>
  event(time, 0, (m) => m.bytes(fields.graph, graph.finish()));

/** Summaries of one step: numbers, distributions, images by tag. */
export const summaryEvent = (time: number, step: number, values: readonly Message[]): Uint8Array =>
  event(time, step, (m) =>
    m.message(
      fields.summary,
      values.reduce((s, v) => s.message(1, v), new Message()),
    ),
  );

/** A number. */
export const scalarValue = (tag: string, x: number): Message => new Message().string(1, tag).float(2, x);

/** An image: 1 channel is grey, 3 are colours. */
export const imageValue = (tag: string, png: Uint8Array, height: number, width: number): Message =>
  new Message().string(1, tag).message(4, new Message().int(1, height).int(2, width).int(3, 1).bytes(4, png));

/** Upper ends of the buckets of a distribution, growing by a tenth, as TensorFlow's. */
const limits = (() => {
  const positive: number[] = [];
  for (let x = 1e-12; x < 1e20; x *= 1.1) positive.push(x);
  positive.push(Number.MAX_VALUE);
  return Float64Array.from([...positive.map((x) => -x).reverse(), 0, ...positive]);
})();

/** The first bucket whose end is above x. */
function bucketOf(x: number): number {
  let [lo, hi] = [0, limits.length - 1];
  while (lo < hi) {
    const mid = (lo + hi) >> 1;
    if (limits[mid] > x) hi = mid;
    else lo = mid + 1;
  }
  return lo;
}

/** A distribution. What is not finite is left out: TensorBoard does not show files with it. */
export function histogramValue(tag: string, data: ArrayLike<number>): Message {
  const counts = new Map<number, number>();
  let [least, largest, n, sum, squares] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 0, 0];
  for (let i = 0; i < data.length; i++) {
    const x = data[i];
    if (!Number.isFinite(x)) continue;
    const b = bucketOf(x);
    counts.set(b, (counts.get(b) ?? 0) + 1);
    least = Math.min(least, x);
    largest = Math.max(largest, x);
    n++;
    sum += x;
    squares += x * x;
  }
  if (n === 0) [least, largest] = [0, 0];
  // A bucket begins where the one before it ends, so gaps have a bucket of none at their end.
  const used = [...counts.keys()].sort((a, b) => a - b);
  const ends: number[] = [];
  const sizes: number[] = [];
  for (const b of used) {
    if (b > 0 && ends.at(-1) !== limits[b - 1]) {
      ends.push(limits[b - 1]);
      sizes.push(0);
    }
    ends.push(limits[b]);
    sizes.push(counts.get(b) as number);
  }
  const histogram = new Message().double(1, least).double(2, largest).double(3, n).double(4, sum).double(5, squares);
  return new Message().string(1, tag).message(5, histogram.doubles(6, ends).doubles(7, sizes));
}
