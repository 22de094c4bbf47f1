// The data of an artifact: blobs, equal ones once, in the artifact's own file or in shards beside it.

import { artifactAlign } from '../../ir/artifact/format.ts';
import type { BlobEntry, ShardEntry } from '../../ir/artifact/generated/schema.ts';
import { hashOf } from '../../ir/artifact/hash.ts';
import { bytesOf } from '../../ir/literal.ts';

interface Placed extends BlobEntry {
  readonly bytes: Uint8Array;
}

/** A file of the data. */
interface File {
  readonly blobs: Placed[];
  size: number;
}

const same = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((x, i) => x === b[i]);

export class Blobs {
  readonly #files: File[] = [{ blobs: [], size: 0 }];
  readonly #all: Placed[] = [];
  readonly #byHash = new Map<string, number[]>();
  readonly #shardBytes: number;
  readonly #name: string;

  /**
   * @param name of the artifact, from which those of the shards are made
   * @param shardBytes most bytes of a shard, unless one blob is larger; Infinity: weights stay in the artifact
   */
  constructor(name: string, shardBytes = Number.POSITIVE_INFINITY) {
    this.#name = name;
    this.#shardBytes = shardBytes;
  }

  /** The number of a blob with these bytes. @param weights whether it may stand in a shard */
  add(data: ArrayBufferView, weights = false): number {
    const bytes = bytesOf(data);
    const hash = hashOf(bytes);
    const key = `${hash} ${bytes.length}`;
    const alike = this.#byHash.get(key) ?? [];
    const known = alike.find((i) => same(this.#all[i].bytes, bytes));
    if (known !== undefined) return known;
    const shard = weights && Number.isFinite(this.#shardBytes) ? this.#shardFor(bytes.length) : 0;
    const file = this.#files[shard];
    const offset = Math.ceil(file.size / artifactAlign) * artifactAlign;
    const blob = { offset, size: bytes.length, hash, shard, bytes };
    file.blobs.push(blob);
    file.size = offset + bytes.length;
    this.#all.push(blob);
    this.#byHash.set(key, [...alike, this.#all.length - 1]);
    return this.#all.length - 1;
  }

  #shardFor(bytes: number): number {
    const last = this.#files.length - 1;
    if (last > 0 && this.#files[last].size + bytes <= this.#shardBytes) return last;
    return this.#files.push({ blobs: [], size: 0 }) - 1;
  }

  get entries(): BlobEntry[] {
    return this.#all.map(({ offset, size, hash, shard }) => ({ offset, size, hash, shard }));
  }
  get shards(): ShardEntry[] {
    return this.#files.slice(1).map((f, i) => ({ name: this.#shardName(i), size: f.size }));
  }
  #shardName(i: number): string {
    return `${this.#name}.${i + 1}.weights`;
  }

  /** The data of the artifact's own file. */
  get data(): Uint8Array {
    return joined(this.#files[0]);
  }
  /** The shards by their names. */
  get files(): Map<string, Uint8Array> {
    return new Map(this.#files.slice(1).map((f, i) => [this.#shardName(i), joined(f)]));
  }
}

function joined({ blobs, size }: File): Uint8Array {
  const out = new Uint8Array(size);
  for (const { offset, bytes } of blobs) out.set(bytes, offset);
  return out;
}
