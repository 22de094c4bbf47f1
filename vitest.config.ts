import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { softwareVulkan } from './.ci/software-vulkan.mjs';

// The loader of shared libraries reads its path when a process starts: the test processes inherit it from here.
Object.assign(process.env, await softwareVulkan());

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

// CI reads the counts from a file; a person reads them on the terminal.
const json = process.env.VITEST_JSON;

export default defineConfig({
  resolve: {
    // Tests and examples name the package; they run against its sources.
    alias: [
      { find: /^sinter$/, replacement: here('./frontends/index.ts') },
      { find: /^sinter\/runtime$/, replacement: here('./runtime/index.ts') },
      { find: /^sinter\/node$/, replacement: here('./frontends/node.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    // Processes, not threads: programs use worker threads and V8 flags of their own.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    env: { VERIFY: '1' },
    reporters: json ? ['default', 'json'] : ['default'],
    ...(json ? { outputFile: { json } } : {}),
  },
});
