// A page that recognizes what a visitor draws, and learns from corrections, with no compiler in it: plain HTML beside
// an artifact. `npm run example -- embed-page`, then open the address that it prints.

import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, trained } from './embed/network.ts';
import { main } from './shared/command-line.ts';
import { repositoryFile } from './shared/repository.ts';
import { inside, startServer } from './shared/server.ts';

export const settings = { port: 8080, epochs: 2, samples: 20_000, testSamples: 2000 };

/** Trains and builds the network, and serves the page until Ctrl+C. */
export async function run({ port, ...training }: typeof settings) {
  const site = repositoryFile('dist/examples/embed-site');
  mkdirSync(site, { recursive: true });
  const built = await build(await trained(training));
  await built.write(site);
  copyFileSync(repositoryFile('examples/embed/index.html'), join(site, 'index.html'));
  const { server, url } = await startServer(port, (path) => readFileSync(join(site, inside(path))));
  console.log(`${url} recognizes digits; its files are in ${site}. Ctrl+C ends the server.`);
  return server;
}

await main(import.meta.url, run, settings);
