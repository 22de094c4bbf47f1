// Bytes of an artifact, from wherever they come, in order.

import { DeviceError, ExecutionError, FormatError } from '../../ir/plan.ts';
import { inNode } from '../in-node.ts';

/** What an artifact is loaded from: an address, a path (in Node), bytes, or a response of `fetch`. */
export type ArtifactSource = string | URL | ArrayBuffer | Uint8Array | Response;

export interface Reader {
  /** The next `n` bytes. Rejects with FormatError where there are less. */
  take(n: number): Promise<Uint8Array>;
  /** Whether there is nothing more. */
  ended(): Promise<boolean>;
  /** Nothing more will be read. */
  close(): void;
}

const short = (n: number, got: number): never => {
  throw new FormatError(`it is cut off: ${n} bytes were expected, ${got} are there`, {
    op: 'artifact',
    fix: 'build or download the file again',
  });
};

function ofBytes(view: ArrayBufferView): Reader {
  // Node's Buffers are arrays of bytes whose slices are no copies.
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  let at = 0;
  return {
    async take(n) {
      if (n > bytes.length - at) short(n, bytes.length - at);
      at += n;
      return bytes.subarray(at - n, at);
    },
    ended: async () => at === bytes.length,
    close() {},
  };
}

/** Chunks are kept until enough of them are there: no memory is taken for what a header only says. */
function ofStream(stream: ReadableStream<Uint8Array>, signal?: AbortSignal): Reader {
  const reader = stream.getReader();
  let chunks: Uint8Array[] = [];
  let held = 0;
  const more = async (): Promise<boolean> => {
    signal?.throwIfAborted();
    const { done, value } = await reader.read();
    if (done) return false;
    chunks.push(value);
    held += value.length;
    return true;
  };
  return {
    async take(n) {
      while (held < n) if (!(await more())) short(n, held);
      // The usual case without a copy.
      const all = chunks.length === 1 ? chunks[0] : new Uint8Array(held);
      if (chunks.length > 1) {
        let at = 0;
        for (const c of chunks) {
          all.set(c, at);
          at += c.length;
        }
      }
      held = all.length - n;
      chunks = held ? [all.subarray(n)] : [];
      return all.subarray(0, n);
    },
    async ended() {
      while (held === 0) if (!(await more())) return true;
      return false;
    },
    close: () => void reader.cancel().catch(() => undefined),
  };
}

async function ofFile(path: string | URL): Promise<Reader> {
  // Not as one literal: a bundler for pages would look for a package of that name.
  const { readFile } = (await import(
    /* @vite-ignore */ ['node', 'fs/promises'].join(':')
  )) as typeof import('node:fs/promises');
  try {
    return ofBytes(await readFile(path));
  } catch (e) {
    throw new ExecutionError(`reading '${path}' failed: ${(e as Error).message}`, {
      op: 'artifact',
      fix: 'check the path',
    });
  }
}

/**
 * What reads a source. Rejects with ExecutionError where it cannot be had, with the signal's reason when aborted.
 * @param fetcher used instead of the global `fetch`
 */
export async function open(source: ArtifactSource, signal?: AbortSignal, fetcher = globalThis.fetch): Promise<Reader> {
  signal?.throwIfAborted();
  if (source instanceof ArrayBuffer) return ofBytes(new Uint8Array(source));
  if (ArrayBuffer.isView(source)) return ofBytes(source);
  if (!(typeof source === 'string' || source instanceof URL)) return ofResponse(source, signal);
  const text = String(source);
  // A name without a scheme is a path in Node, an address relative to the page elsewhere.
  if (text.startsWith('file:') || (inNode() && !/^[a-z][a-z0-9+.-]+:/i.test(text)))
    return ofFile(source instanceof URL || !text.startsWith('file:') ? source : new URL(source));
  if (!fetcher) throw new DeviceError('there is no fetch here', { op: 'artifact', fix: 'give the bytes of the file' });
  let response: Response;
  try {
    response = await fetcher(source, { signal });
  } catch (e) {
    signal?.throwIfAborted();
    throw new ExecutionError(`fetching '${text}' failed: ${(e as Error).message}`, {
      op: 'artifact',
      fix: 'check the address, and that the server may be asked from here',
    });
  }
  return ofResponse(response, signal);
}

function ofResponse(r: Response, signal?: AbortSignal): Reader {
  if (!r.ok || !r.body)
    throw new ExecutionError(`fetching '${r.url}' failed: ${r.status} ${r.statusText}`, {
      op: 'artifact',
      fix: 'check the address',
    });
  return ofStream(r.body, signal);
}
