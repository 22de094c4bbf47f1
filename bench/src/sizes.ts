// What a browser has to load: each library bundled whole and minified, with the WASM it fetches.

import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { builtModule, notBuilt } from './built.ts';
import type { Extra } from './extras.ts';
import { textTable } from './table.ts';

const bench = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);

/** What is used of esbuild. It is not installed where only the library is checked. */
interface Bundler {
  build(options: Record<string, unknown>): Promise<{ outputFiles: { contents: Uint8Array }[] }>;
}
const bundler = 'esbuild';

interface Item {
  readonly label: string;
  /** The module of this project that it consists of. */
  readonly own?: string;
  /** Modules whose every export is kept. */
  readonly modules?: readonly string[];
  /** WASM files that the library fetches, by package and path. */
  readonly wasm?: readonly (readonly [string, string])[];
  /** Imports that are counted in a row of their own. */
  readonly external?: readonly string[];
}

const items: readonly Item[] = [
  { label: 'sinter, without binaryen', own: 'frontends/index.js', external: ['binaryen'] },
  { label: 'sinter/runtime', own: 'runtime/index.js' },
  { label: 'binaryen', modules: ['binaryen'] },
  { label: 'jax-js', modules: ['@jax-js/jax'] },
  {
    label: 'tfjs core + wasm',
    modules: ['@tensorflow/tfjs-core', '@tensorflow/tfjs-backend-wasm'],
    wasm: [['@tensorflow/tfjs-backend-wasm', 'dist/tfjs-backend-wasm-simd.wasm']],
  },
  {
    label: 'ort-web',
    modules: ['onnxruntime-web/wasm'],
    wasm: [['onnxruntime-web', 'dist/ort-wasm-simd-threaded.wasm']],
  },
];

/** Bytes of the bundle, minified and compressed. */
async function bundle(item: Item): Promise<{ raw: number; gzip: number }> {
  const missing = item.own ? notBuilt(item.own) : undefined;
  if (missing) throw new Error(missing);
  const modules = item.own ? [fileURLToPath(builtModule(item.own))] : (item.modules ?? []);
  const contents = modules.map((m, i) => `export * as m${i} from ${JSON.stringify(m)};`).join('\n');
  const { build } = (await import(bundler)) as Bundler;
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: bench },
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    // Code for Node that a browser never reaches.
    external: [
      'node:*',
      'fs',
      'path',
      'crypto',
      'module',
      'worker_threads',
      'perf_hooks',
      'os',
      'url',
      ...(item.external ?? []),
    ],
    logLevel: 'silent',
  });
  const code = outputFiles[0].contents;
  return { raw: code.length, gzip: gzipSync(code, { level: 9 }).length };
}

/** A file of an installed package; packages need not export their package.json. */
function packageFile(name: string, path: string): string {
  const folder = (require.resolve.paths(name) ?? []).map((p) => join(p, name)).find((p) => existsSync(p));
  if (!folder) throw new Error(`${name} is not installed`);
  return join(folder, path);
}

const kilobytes = (n: number): string => `${(n / 1024).toFixed(n < 10240 ? 1 : 0)} KB`;

export const sizes: Extra = {
  name: 'size',
  about: 'what a browser loads: whole library, minified',
  async run() {
    const table = textTable(['library', 'script', 'gzip', 'wasm', 'gzip', 'together, gzip']);
    const figures: Record<string, unknown> = {};
    const failed: string[] = [];
    for (const item of items) {
      try {
        const script = await bundle(item);
        const files = (item.wasm ?? []).map(([name, path]) => readFileSync(packageFile(name, path)));
        const wasm = files.reduce((n, f) => n + f.length, 0);
        const wasmGzip = files.reduce((n, f) => n + gzipSync(f, { level: 9 }).length, 0);
        figures[item.label] = { script, wasm, wasmGzip };
        const cells = [script.raw, script.gzip, wasm, wasmGzip, script.gzip + wasmGzip];
        table.push([item.label, ...cells.map((n) => (n ? kilobytes(n) : ''))]);
      } catch (e) {
        failed.push(
          `  ${item.label}: ${String(e instanceof Error ? e.message : e)
            .split('\n')
            .slice(0, 2)
            .join(' ')}`,
        );
      }
    }
    console.log(table.toString());
    for (const f of failed) console.log(f);
    return figures;
  },
};
