// A page that trains a convolutional network on the visitor's GPU, served from this machine: `npm run example --
// webgpu-page`, then open the address that it prints.

import { main } from './shared/command-line.ts';
import { repositoryFile } from './shared/repository.ts';
import { startPageServer } from './webgpu/server.ts';

export const settings = { port: 8080, samples: 6000, testSamples: 1000 };

/** Serves the page until Ctrl+C. */
export async function run({ port, samples, testSamples }: typeof settings) {
  const { server, url } = await startPageServer({
    port,
    samples,
    testSamples,
    folders: {
      page: repositoryFile('examples/webgpu'),
      script: repositoryFile('dist/examples/webgpu'),
      sinter: repositoryFile('dist'),
      packages: repositoryFile('node_modules'),
    },
  });
  console.log(`${url} trains on WebGPU, ${url}?target=wasm on the CPU. Ctrl+C ends the server.`);
  return server;
}

await main(import.meta.url, run, settings);
