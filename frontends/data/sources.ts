// Where bytes come from: files, addresses, blobs and arrays, read in pieces.

import { ArgumentError, ExecutionError, valueText } from '../../ir/errors.ts';
import { pathOf } from '../files.ts';
import { checkOptions } from '../keras/engine/names.ts';
import { inNode, nodeModule } from '../platform.ts';
import { need } from '../trace/ops/common.ts';

/** Something whose bytes can be read from the start any number of times. */
export abstract class DataSource {
  /** Starts reading; rejects with a typed error where it cannot be read. */
  abstract iterator(): Promise<AsyncIterator<Uint8Array>>;
  /** Whether it is a file of this machine. */
  isLocal(): boolean {
    return false;
  }
}

/** How a file is read. */
export interface FileOptions {
  /** Bytes of one piece, 1 MiB by default. */
  readonly chunkSize?: number;
  /** Bytes left out at the start, 0 by default. */
  readonly offset?: number;
}

const fileOptions = (options: FileOptions, op: string): Required<FileOptions> => {
  checkOptions(options, ['chunkSize', 'offset'], op);
  const { chunkSize = 2 ** 20, offset = 0 } = options ?? {};
  need(Number.isInteger(chunkSize) && chunkSize >= 1, op, 'chunkSize must be a whole number from 1 on', chunkSize);
  need(Number.isInteger(offset) && offset >= 0, op, 'offset must be a whole number from 0 on', offset);
  return { chunkSize, offset };
};

/** The pieces of a file of this machine. */
async function* filePieces(text: string, { chunkSize, offset }: Required<FileOptions>, op: string) {
  const { createReadStream } = await nodeModule('fs', op);
  const path = await pathOf(text, op);
  try {
    yield* createReadStream(path, { start: offset, highWaterMark: chunkSize }) as AsyncIterable<Uint8Array>;
  } catch (e) {
    throw new ExecutionError(`cannot read the file '${path}': ${(e as Error).message}`, { op, fix: 'check its path' });
  }
}

async function* blobPieces(blob: Blob, { chunkSize, offset }: Required<FileOptions>) {
  for (let at = offset; at < blob.size; at += chunkSize)
    yield new Uint8Array(await blob.slice(at, at + chunkSize).arrayBuffer());
}

async function* bytePieces(bytes: Uint8Array, { chunkSize, offset }: Required<FileOptions>) {
  for (let at = offset; at < bytes.length; at += chunkSize) yield bytes.subarray(at, at + chunkSize);
}

/** A file by its path (in Node), a `File` or `Blob`, or bytes. Throws ArgumentError for anything else. */
export class FileDataSource extends DataSource {
  readonly #input: string | Blob | Uint8Array;
  readonly #options: Required<FileOptions>;

  constructor(input: string | Blob | Uint8Array, options: FileOptions = {}) {
    super();
    if (typeof input !== 'string' && !(input instanceof Blob) && !(input instanceof Uint8Array))
      throw new ArgumentError(`takes a path, a Blob or a Uint8Array, not ${valueText(input)}`, {
        op: 'FileDataSource',
        fix: 'text becomes bytes with new TextEncoder().encode(text)',
      });
    this.#input = input;
    this.#options = fileOptions(options, 'FileDataSource');
  }
  override async iterator(): Promise<AsyncIterator<Uint8Array>> {
    const [input, options] = [this.#input, this.#options];
    if (typeof input === 'string') return filePieces(input, options, 'FileDataSource');
    return input instanceof Blob ? blobPieces(input, options) : bytePieces(input, options);
  }
  override isLocal(): boolean {
    return typeof this.#input === 'string';
  }
}

/** The pieces of what an address answers. Leaving early cancels the transfer. */
async function* urlPieces(url: string | URL | Request, op: string): AsyncGenerator<Uint8Array> {
  const name = url instanceof URL || typeof url === 'string' ? String(url) : url.url;
  const failed = (e: unknown): ExecutionError => {
    const { cause } = e as Error;
    const why = (cause instanceof Error ? cause : (e as Error)).message;
    return new ExecutionError(`cannot load '${name}': ${why}`, { op, fix: 'check the address and the network' });
  };
  const response = await fetch(url).catch((e) => {
    throw failed(e);
  });
  if (!response.ok || !response.body)
    throw new ExecutionError(`'${name}' answered ${response.status} ${response.statusText}`, {
      op,
      fix: 'check the address',
    });
  const reader = response.body.getReader();
  let open = true;
  const read = async () => {
    try {
      const r = await reader.read();
      open = !r.done;
      return r;
    } catch (e) {
      open = false;
      throw failed(e);
    }
  };
  try {
    for (let r = await read(); !r.done; r = await read()) yield r.value;
  } finally {
    if (open) await reader.cancel();
  }
}

/** What an address gives: `http(s)://`, `data:`, in Node also `file://` and paths. */
export class URLDataSource extends DataSource {
  readonly #url: string | URL | Request;
  readonly #options: FileOptions;

  constructor(url: string | URL | Request, options: FileOptions = {}) {
    super();
    const ok =
      typeof url === 'string' || url instanceof URL || (typeof Request === 'function' && url instanceof Request);
    if (!ok)
      throw new ArgumentError(`takes an address, not ${valueText(url)}`, {
        op: 'URLDataSource',
        fix: "such as 'https://example.org/data.csv'; bytes and Blobs are taken by FileDataSource",
      });
    this.#url = url;
    this.#options = fileOptions(options, 'URLDataSource');
  }
  override isLocal(): boolean {
    const url = this.#url;
    if (typeof url !== 'string' && !(url instanceof URL)) return false;
    const text = String(url);
    // A letter and a colon are a drive.
    return text.startsWith('file://') || (inNode() && !/^[a-z][a-z0-9+.-]+:/i.test(text));
  }
  override async iterator(): Promise<AsyncIterator<Uint8Array>> {
    if (this.isLocal()) return new FileDataSource(String(this.#url), this.#options).iterator();
    return urlPieces(this.#url, 'URLDataSource');
  }
}

/** What functions take for a source of bytes. */
export type SourceLike = string | URL | Request | Blob | Uint8Array | DataSource;

/** The source that an argument stands for. */
export function sourceOf(x: SourceLike): DataSource {
  if (x instanceof DataSource) return x;
  return x instanceof Blob || x instanceof Uint8Array ? new FileDataSource(x) : new URLDataSource(x);
}

/** The text of a source in UTF-8, in pieces; a byte order mark is left out. */
export async function* textPieces(source: DataSource): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  const bytes = await source.iterator();
  for await (const piece of { [Symbol.asyncIterator]: () => bytes }) {
    const text = decoder.decode(piece, { stream: true });
    if (text) yield text;
  }
  const rest = decoder.decode();
  if (rest) yield rest;
}
