// Writes TensorFlow's checkpoints for tests: tables of prefix-compressed keys in blocks, and data files. On its own, not by
// what reads them.

import { joined, message, shapeProto, types, varintBytes } from './proto.ts';

/** CRC-32C bit by bit. */
export function crc32c(data: Uint8Array): number {
  let c = 0xffffffff;
  for (const byte of data) {
    c ^= byte;
    for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0x82f63b78 : c >>> 1;
  }
  return (c ^ 0xffffffff) >>> 0;
}
export const masked = (data: Uint8Array): number => {
  const c = crc32c(data);
  return ((((c >>> 15) | (c << 17)) >>> 0) + 0xa282ead8) >>> 0;
};

const u32 = (x: number): Uint8Array => {
  const v = new DataView(new ArrayBuffer(4));
  v.setUint32(0, x, true);
  return new Uint8Array(v.buffer);
};

/** Compresses with literals and, where a run of bytes comes again four bytes later, copies. */
export function snappy(data: Uint8Array): Uint8Array {
  const out: Uint8Array[] = [varintBytes(data.length)];
  let literal: number[] = [];
  const flush = () => {
    for (let i = 0; i < literal.length; i += 60) {
      const part = literal.slice(i, i + 60);
      out.push(Uint8Array.from([(part.length - 1) << 2, ...part]));
    }
    literal = [];
  };
  for (let i = 0; i < data.length; ) {
    let n = 0;
    while (i >= 4 && n < 64 && i + n < data.length && data[i + n] === data[i + n - 4]) n++;
    if (n >= 4 && n <= 11) {
      flush();
      out.push(Uint8Array.from([1 | ((n - 4) << 2), 4]));
    } else if (n > 11) {
      flush();
      out.push(Uint8Array.from([2 | ((n - 1) << 2), 4, 0]));
    } else n = 0;
    if (n === 0) literal.push(data[i++]);
    else i += n;
  }
  flush();
  return joined(out);
}

const compare = (a: Uint8Array, b: Uint8Array): number => {
  for (let i = 0; i < Math.min(a.length, b.length); i++) if (a[i] !== b[i]) return a[i] - b[i];
  return a.length - b.length;
};

function block(entries: readonly (readonly [Uint8Array, Uint8Array])[]): Uint8Array {
  const out: Uint8Array[] = [];
  const restarts: number[] = [];
  let size = 0;
  let last = new Uint8Array();
  entries.forEach(([key, value], i) => {
    let shared = 0;
    if (i % 3 === 0) restarts.push(size);
    else while (shared < last.length && shared < key.length && last[shared] === key[shared]) shared++;
    const entry = joined([
      varintBytes(shared),
      varintBytes(key.length - shared),
      varintBytes(value.length),
      key.subarray(shared),
      value,
    ]);
    out.push(entry);
    size += entry.length;
    last = new Uint8Array(key);
  });
  return joined([...out, ...restarts.map(u32), u32(restarts.length)]);
}

/** A table file. @param perBlock entries of a data block */
export function table(
  entries: readonly (readonly [Uint8Array, Uint8Array])[],
  compressed = false,
  perBlock = 4,
): Uint8Array {
  const sorted = [...entries].sort(([p], [q]) => compare(p, q));
  const file: Uint8Array[] = [];
  let size = 0;
  const write = (data: Uint8Array): Uint8Array => {
    const stored = compressed ? snappy(data) : data;
    const typed = joined([stored, [compressed ? 1 : 0]]);
    file.push(typed, u32(masked(typed)));
    const handle = joined([varintBytes(size), varintBytes(stored.length)]);
    size += stored.length + 5;
    return handle;
  };
  const index: (readonly [Uint8Array, Uint8Array])[] = [];
  for (let i = 0; i < sorted.length; i += perBlock) {
    const part = sorted.slice(i, i + perBlock);
    index.push([part[part.length - 1][0], write(block(part))]);
  }
  const meta = write(block([]));
  const handles = joined([meta, write(block(index))]);
  const magic = [0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb];
  return joined([...file, handles, new Uint8Array(40 - handles.length), magic]);
}

export interface BundleTensor {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
  /** The checksum, where it is not that of the bytes. */
  readonly crc?: number;
  readonly shard?: number;
}
/** A tensor of numbers. */
export function numbers(
  name: string,
  dtype: 'float32' | 'float64' | 'int32' | 'int64',
  shape: readonly number[],
  values: readonly number[],
  shard = 0,
): BundleTensor {
  const array =
    dtype === 'int64'
      ? BigInt64Array.from(values.map(BigInt))
      : { float32: Float32Array, float64: Float64Array, int32: Int32Array }[dtype].from(values);
  return { name, dtype, shape, bytes: new Uint8Array(array.buffer), shard };
}
/** A tensor of strings. */
export function strings(name: string, shape: readonly number[], values: readonly Uint8Array[]): BundleTensor {
  const lengths = joined(values.map((v) => u32(v.length)));
  const check = u32(masked(lengths));
  return {
    name,
    dtype: 'string',
    shape,
    bytes: joined([...values.map((v) => varintBytes(v.length)), check, ...values]),
    crc: masked(joined([lengths, check, ...values])),
  };
}

const text = (s: string): Uint8Array => new TextEncoder().encode(s);
type Extra = readonly (readonly [Uint8Array, Uint8Array])[];

/** A checkpoint. @param more further entries of the index, made when the offsets are known */
export function bundle(
  tensors: readonly BundleTensor[],
  {
    compressed = false,
    shards = 1,
    more = () => [],
  }: { compressed?: boolean; shards?: number; more?: (placed: ReadonlyMap<string, Uint8Array>) => Extra } = {},
): { index: Uint8Array; data: Uint8Array[] } {
  const parts: Uint8Array[][] = Array.from({ length: shards }, () => []);
  const sizes = new Array<number>(shards).fill(0);
  const placed = new Map<string, Uint8Array>();
  for (const t of tensors) {
    const shard = t.shard ?? 0;
    const entry = message(
      [1, types[t.dtype]],
      [2, shapeProto(t.shape)],
      [3, shard || undefined],
      [4, sizes[shard] || undefined],
      [5, t.bytes.length],
      [6, t.crc ?? masked(t.bytes), 'fixed32'],
    );
    placed.set(t.name, entry);
    parts[shard].push(t.bytes);
    sizes[shard] += t.bytes.length;
  }
  const header: readonly [Uint8Array, Uint8Array] = [new Uint8Array(), message([1, shards], [3, message([1, 1])])];
  const extra = more(placed);
  const own = [...placed].filter(([name]) => !name.startsWith('#')).map(([name, e]) => [text(name), e] as const);
  return { index: table([header, ...own, ...extra], compressed), data: parts.map((p) => joined(p)) };
}
