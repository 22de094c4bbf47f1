// Loads the package's parts in Node (.ci/bundle.mjs makes them), with their compiled JavaScript from the
// compile cache: most of a start's time is V8 parsing and compiling this library. The code is stored at the exit of
// the first process that compiled a program, when the functions that a start needs have been compiled. V8 refuses
// code of another version or of other flags; the names of parts have a hash of their text. It does not look at the
// code itself, and damaged code ends the process: so each file ends with a checksum.

import { createRequire } from 'node:module';
import type vmType from 'node:vm';
import type { cacheFolder, cacheWasAsked } from '../compiler/wasm/cache.ts';

interface Cache {
  readonly cacheFolder: typeof cacheFolder;
  readonly cacheWasAsked: typeof cacheWasAsked;
}
type Wrapped = (
  exports: object,
  require: (id: string) => unknown,
  module: object,
  address: string,
  dynamicImport: (id: string) => Promise<unknown>,
) => void;

/** File of the part with the compile cache itself; the bundler writes it here. */
declare const CACHE_PART: string;

const address = new URL('index.js', import.meta.url).href;
const requireOutside = createRequire(address);
// By `require`: importing 'node:fs' as a module loads all of its streams.
const { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } = requireOutside(
  'node:fs',
) as typeof import('node:fs');
const { basename, join } = requireOutside('node:path') as typeof import('node:path');
const { fileURLToPath } = requireOutside('node:url') as typeof import('node:url');
// Before Node 20.15 and 22.2 there is none, and code is not kept.
const { crc32 } = requireOutside('node:zlib') as typeof import('node:zlib');
const vm = requireOutside('node:vm') as typeof vmType;
const here = fileURLToPath(new URL('.', import.meta.url));
/** Undefined while its own parts are loaded, whose code cannot come from there. */
let cache: Cache | undefined;
const loaded = new Map<string, { exports: object }>();
/** Characters from which on a part's compiled code is kept: others compile as fast as a file is read. */
const worthwhile = 20_000;
/** Parts whose compiled code is in no cache. */
const fresh = new Map<string, vmType.Script>();

/** Where the compiled code of a part is kept: processors and versions of V8 have their own. */
function codeFile(folder: string, path: string): string {
  return join(folder, `${basename(path, '.cjs')}-${process.arch}-${process.versions.v8}.code`);
}

const CHECKSUM_BYTES = 4;

/** The code in a file; undefined where it is not what was written. */
function intact(file: Buffer): Buffer | undefined {
  const end = file.length - CHECKSUM_BYTES;
  if (end < 0) return undefined;
  const code = file.subarray(0, end);
  return file.readUInt32LE(end) === crc32(code) ? code : undefined;
}

function withChecksum(code: Buffer): Buffer {
  const file = Buffer.alloc(code.length + CHECKSUM_BYTES);
  code.copy(file);
  file.writeUInt32LE(crc32(code), code.length);
  return file;
}

/**
 * The compiled code of a part, if it is cached. Code is trusted as the package itself is: only what this user alone
 * can have written is taken.
 */
function cachedCode(file: string): Buffer | undefined {
  try {
    const { mode, uid } = statSync(file);
    if (process.getuid && (uid !== process.getuid() || mode & 0o022)) return undefined;
    return intact(readFileSync(file));
  } catch {
    return undefined;
  }
}

function compile(path: string): vmType.Script {
  // A function of the parts' surroundings, in ASCII.
  const text = readFileSync(path, 'latin1');
  const folder = text.length < worthwhile || !crc32 ? null : cache?.cacheFolder();
  const cachedData = folder ? cachedCode(codeFile(folder, path)) : undefined;
  const script = new vm.Script(text, { filename: path, cachedData });
  if (folder && (!cachedData || script.cachedDataRejected)) {
    if (fresh.size === 0) process.once('exit', store);
    fresh.set(path, script);
  }
  return script;
}

/** Writes the compiled code of the parts that had none. */
function store(): void {
  const folder = cache?.cacheFolder();
  if (!folder || !cache?.cacheWasAsked()) return;
  try {
    mkdirSync(folder, { recursive: true });
    for (const [path, script] of fresh) {
      const file = codeFile(folder, path);
      const temp = `${file}.${process.pid}.tmp`;
      writeFileSync(temp, withChecksum(script.createCachedData()), { mode: 0o600 });
      renameSync(temp, file);
    }
  } catch {
    // A cache that cannot be written is no failure of the program.
  }
}

/** What `import()` in a part gives: another part, which has the ending of a module there, or a package. */
async function later(id: string): Promise<unknown> {
  return id.startsWith('./') ? load(id.replace(/js$/, 'cjs')) : import(id);
}

/** The exports of a part; of anything else what `require` gives. */
export function load(name: string): object {
  if (!name.startsWith('./')) return requireOutside(name);
  const known = loaded.get(name);
  if (known) return known.exports;
  const module = { exports: {} };
  loaded.set(name, module);
  (compile(join(here, name)).runInThisContext() as Wrapped)(module.exports, load, module, address, later);
  return module.exports;
}

cache = load(CACHE_PART) as Cache;
