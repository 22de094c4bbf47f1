// A server on this machine only, which is a place that browsers trust as they trust https.

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, normalize } from 'node:path';

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.wasm': 'application/wasm',
};

/** A path below a folder, from what stands in an address. Throws where it leads out of it. */
export function inside(path: string): string {
  const below = normalize(path.replace(/^\/+/, ''));
  if (below.startsWith('..')) throw new Error(`${path} is outside`);
  return below;
}

/**
 * Starts a server; `url` is where.
 * @param port 0 for any that is free
 * @param body the content at a path, which is index.html for the folder itself; throws where there is none
 */
export async function startServer(
  port: number,
  body: (path: string) => Buffer,
): Promise<{ server: Server; url: string }> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const path = pathname.endsWith('/') ? `${pathname}index.html` : pathname;
    try {
      const content = body(path);
      response.writeHead(200, { 'Content-Type': types[extname(path)] ?? 'application/octet-stream' }).end(content);
    } catch (e) {
      response.writeHead(404).end((e as Error).message);
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return { server, url: `http://localhost:${(server.address() as AddressInfo).port}/` };
}
