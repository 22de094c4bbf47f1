// A server for the bundle, on this machine only: below /isolated/ with the headers that give a page
// shared memory, below /plain/ without.

import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';

const html = (script: string): string =>
  `<!doctype html><title>sinter</title><script type="module" src="${script}.js"></script>`;
const isolation = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

/** Serves the files of a folder, and at `/plain/?NAME` a page of its script NAME (`page` without); `url` is where. */
export async function serve(folder: string): Promise<{ server: Server; url: string }> {
  const server = createServer((request, response) => {
    const { pathname: path, search } = new URL(request.url ?? '/', 'http://localhost');
    const headers = path.startsWith('/isolated/') ? isolation : {};
    try {
      const index = path.endsWith('/');
      const body = index ? html(search.slice(1) || 'page') : readFileSync(join(folder, basename(path)));
      response.writeHead(200, { ...headers, 'Content-Type': index ? 'text/html' : 'text/javascript' }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}
