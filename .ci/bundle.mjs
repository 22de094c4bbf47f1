// Makes what Node loads of the package, in `bundle/` beside what tsc wrote: hundreds of small files take three times as
// long to load as a few, and a script's code can be cached where a module's cannot (frontends/node-loader.ts). The parts
// are CommonJS; all entries share them, so that there is one runtime and one of each class. Bundlers take tsc's
// files, where they can leave out what is not used (the conditions in package.json).
//
// Beside it, in `embed/`, the runtime of artifacts for those who have no bundler: `sinter build` copies it.
//
// Usage: node .ci/bundle.mjs dist

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { build, transform } from 'esbuild';

const dist = process.argv[2];
if (!dist) throw new Error("say which folder tsc wrote to: 'node .ci/bundle.mjs dist'");
const outdir = join(dist, 'bundle');
const shared = {
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  // Loaded when it is needed, if at all; other packages become part of the bundle.
  external: ['binaryen', 'esbuild', 'h5wasm', 'webgpu', '@hpcc-js/*', '@resvg/*', 'dejavu-fonts-ttf'],
  logLevel: 'error',
};
/** What users import, and what the loader itself takes from the parts. */
const entries = {
  index: 'frontends/index.js',
  runtime: 'runtime/index.js',
  node: 'frontends/node.js',
  cli: 'cli/main.js',
};
const inner = { cache: 'compiler/wasm/cache.js' };

/** All parts as modules: entries and what they share. What has effects when it is loaded stands in package.json. */
async function bundle() {
  const names = Object.entries({ ...entries, ...inner }).map(([name, path]) => [name, join(dist, path)]);
  return build({
    ...shared,
    entryPoints: Object.fromEntries(names),
    outdir,
    splitting: true,
    entryNames: '[name]-[hash]',
    chunkNames: 'shared-[hash]',
    metafile: true,
    write: false,
  });
}

/** The licences of packages whose code a part has, as its first comment. */
function licences(inputs) {
  const folders = new Set(Object.keys(inputs).map((p) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(p)?.[0]));
  const texts = [...folders].filter(Boolean).map((f) => {
    const file = join(f, 'LICENSE');
    if (existsSync(file)) return readFileSync(file, 'utf8').trim();
    const { name, version, license } = JSON.parse(readFileSync(join(f, 'package.json'), 'utf8'));
    return `${name} ${version}, ${license}`;
  });
  return texts.map((t) => `/*!\n${t}\n*/\n`).join('');
}

/** Classes that name themselves get another name from the bundler (`_Graph`): users see names in consoles. */
function named(text) {
  const own = text.replaceAll(
    /^(var (\w+) = class _\2\b[^\n]*\{)$/gm,
    "$1\n  static { Object.defineProperty(this, 'name', { value: '$2', configurable: true }); }",
  );
  const left = /^var (\w+) = class (_\w+)[^\n]*$(?!\n {2}static \{ Object\.defineProperty)/m.exec(own);
  if (left) throw new Error(`class ${left[1]} would be named ${left[2]}`);
  return own;
}

/**
 * A module as a script of CommonJS. All parts take the address of the entry beside them for their own; scripts cannot
 * import, so the loader does that for them.
 */
async function script(text) {
  const { code } = await transform(named(text), {
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    supported: { 'dynamic-import': true },
    define: { 'import.meta.url': '__address' },
  });
  const body = code
    .replaceAll(/require\("\.\/([\w-]+)\.js"\)/g, 'require("./$1.cjs")')
    // Not in text, such as the code of data workers.
    .replaceAll(/(?<![\w$.])import\((?="|__rewriteRelativeImportExtension\d*\()/g, '__import(')
    // A copy of all exports only marks them as a module's.
    .replace('module.exports = __toCommonJS(', 'module.exports = (');
  return `(function (exports, require, module, __address, __import) { 'use strict';\n${body}})`;
}

/** The module that users import: the names of a part. */
function entry(part, names) {
  const list = names.map((n) => (n === 'default' ? 'default: _default' : n));
  const exports = list.length ? `export const {\n  ${list.sort().join(',\n  ')},\n} = _part;\n` : '';
  const use = exports ? 'const _part = ' : '';
  // Names that no export has: the runtime's `load` is one of them.
  return `import { load as _load } from './load.js';\n\n${use}_load('./${part}');\n${exports}`;
}

rmSync(outdir, { recursive: true, force: true });
mkdirSync(outdir, { recursive: true });
const { outputFiles, metafile } = await bundle();
for (const { path, text } of outputFiles) {
  const { inputs } = metafile.outputs[relative(process.cwd(), path).replaceAll('\\', '/')];
  writeFileSync(join(outdir, basename(path).replace(/js$/, 'cjs')), licences(inputs) + (await script(text)));
}
const partOf = {};
for (const [path, { entryPoint, exports }] of Object.entries(metafile.outputs)) {
  const name = Object.entries({ ...entries, ...inner }).find(([, p]) => entryPoint?.endsWith(`/${p}`))?.[0];
  if (!name) continue;
  partOf[name] = basename(path).replace(/js$/, 'cjs');
  if (name === 'cli')
    writeFileSync(join(outdir, 'cli.js'), `#!/usr/bin/env node\n${entry(partOf[name], [])}`, { mode: 0o755 });
  else if (name in entries) writeFileSync(join(outdir, `${name}.js`), entry(partOf[name], exports));
}
const alone = (name, path, more) =>
  build({ ...shared, entryPoints: [join(dist, path)], outfile: join(outdir, `${name}.js`), ...more });
await alone('load', 'frontends/node-loader.js', { define: { CACHE_PART: JSON.stringify(`./${partOf.cache}`) } });
// The thread that generates code (compiler/wasm/blocking.ts) is looked for beside the code that starts it.
await alone('helper', 'compiler/wasm/helper.js');

/** The runtime alone: one module for WebAssembly, and one for WebGPU that it loads when that is asked for. */
const embed = join(dist, 'embed');
rmSync(embed, { recursive: true, force: true });
mkdirSync(embed, { recursive: true });
const small = { ...shared, platform: 'neutral', target: 'es2022', minify: true, legalComments: 'none' };
const gpu = './sinter-runtime-gpu.js';
const core = './sinter-runtime.js';
const noFrames = resolve(dist, 'runtime/artifact/no-frames.js');
const redirect = (paths) => ({
  name: 'redirect',
  setup: (b) => {
    for (const [filter, path] of paths) b.onResolve({ filter }, () => ({ path, external: true }));
    b.onResolve({ filter: /\/frames\.js$/ }, () => ({ path: noFrames }));
  },
});
await build({
  ...small,
  entryPoints: [join(dist, 'runtime/artifact/embed.js')],
  outfile: join(embed, core),
  plugins: [redirect([[/\/gpu\.js$/, gpu]])],
});
await build({
  ...small,
  entryPoints: [join(dist, 'runtime/artifact/gpu.js')],
  outfile: join(embed, gpu),
  plugins: [redirect([])],
});
