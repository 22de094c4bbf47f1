// The compile cache: emitted modules by a hash of what they were emitted from, in memory and (in
// Node) on disk, so that a second start needs no code generator. Beside them, short texts by a key of their
// own, such as what a tuner chose. Files are written atomically.

interface NodeFs {
  readFileSync(p: string): Uint8Array;
  writeFileSync(p: string, d: Uint8Array): void;
  renameSync(a: string, b: string): void;
  mkdirSync(p: string, o: { recursive: boolean }): void;
}
interface NodeProcess {
  env: Record<string, string | undefined>;
  pid: number;
  getBuiltinModule?(name: string): unknown;
}

const memory = new Map<string, Uint8Array>();
const MEMORY_LIMIT = 256;

/** Bump when the code generator changes what it emits for the same kernels. */
const FORMAT = 3;

const proc = (globalThis as { process?: NodeProcess }).process;

function fs(): NodeFs | null {
  return (proc?.getBuiltinModule?.('node:fs') as NodeFs | undefined) ?? null;
}

/** Folder of the on-disk cache, or null where there is none: SINTER_CACHE, else the user's cache folder. */
export function cacheFolder(): string | null {
  if (!proc || !fs()) return null;
  const set = proc.env.SINTER_CACHE;
  if (set === 'off') return null;
  if (set) return set;
  const home = proc.env.XDG_CACHE_HOME ?? (proc.env.HOME ? `${proc.env.HOME}/.cache` : proc.env.LOCALAPPDATA);
  return home ? `${home}/sinter` : null;
}

/** 128 bits of a text, in hex (two FNV-1a lanes with murmur finalisers). */
export function hashText(s: string): string {
  const h = [0x811c9dc5, 0x9747b28c, 0x2545f491, 0x6c8e9cf5];
  for (let i = 0; i < s.length; i++) {
    const c = s.charCodeAt(i);
    h[0] = Math.imul(h[0] ^ c, 0x01000193);
    h[1] = Math.imul(h[1] ^ c, 0x85ebca6b) ^ (h[0] >>> 7);
    h[2] = Math.imul(h[2] + c, 0xc2b2ae35) ^ (h[2] >>> 15);
    h[3] = Math.imul(h[3] ^ (c + i), 0x27d4eb2f) ^ (h[1] >>> 11);
  }
  return h.map((x) => (x >>> 0).toString(16).padStart(8, '0')).join('');
}

export const cacheKey = (text: string): string => `${FORMAT}-${hashText(text)}-${text.length.toString(36)}`;

let asked = false;

/** Whether a module was asked for so far: whether this process compiles programs. */
export const cacheWasAsked = (): boolean => asked;

/** Forgets the modules in memory; those on disk stay. */
export function forgetModules(): void {
  memory.clear();
}

/** The module of that key, or null. A file that is not WebAssembly is ignored. */
export function cacheGet(key: string): Uint8Array | null {
  asked = true;
  const hit = memory.get(key);
  if (hit) return hit;
  const dir = cacheFolder();
  if (!dir) return null;
  try {
    const bytes = new Uint8Array((fs() as NodeFs).readFileSync(`${dir}/${key}.wasm`));
    if (!WebAssembly.validate(bytes)) return null;
    memory.set(key, bytes);
    return bytes;
  } catch {
    return null;
  }
}

export function cachePut(key: string, bytes: Uint8Array): void {
  if (memory.size >= MEMORY_LIMIT) memory.delete(memory.keys().next().value as string);
  memory.set(key, bytes);
  writeFile(`${key}.wasm`, bytes);
}

/** Writes a file of the cache's folder, or leaves it where that is not possible. */
function writeFile(name: string, bytes: Uint8Array): void {
  const dir = cacheFolder();
  if (!dir) return;
  try {
    const f = fs() as NodeFs;
    f.mkdirSync(dir, { recursive: true });
    const temp = `${dir}/${name}.${proc?.pid}.tmp`;
    f.writeFileSync(temp, bytes);
    f.renameSync(temp, `${dir}/${name}`);
  } catch {
    // A cache that cannot be written (read-only home, full disk) is no failure of the program.
  }
}

const textFile = (kind: string, key: string): string => `${hashText(key)}-${key.length.toString(36)}.${kind}`;

/**
 * A text that was written for that key, or null. The file begins with the key, so one of another key, or of
 * something else, is as good as none.
 * @param kind what it is, with a version: the end of the file's name
 */
export function readText(kind: string, key: string): string | null {
  const dir = cacheFolder();
  if (!dir) return null;
  try {
    const text = new TextDecoder().decode((fs() as NodeFs).readFileSync(`${dir}/${textFile(kind, key)}`));
    return text.startsWith(`${key}\n\n`) ? text.slice(key.length + 2) : null;
  } catch {
    return null;
  }
}

/** Keeps a text for that key on disk, where there is one. */
export const writeText = (kind: string, key: string, text: string): void =>
  writeFile(textFile(kind, key), new TextEncoder().encode(`${key}\n\n${text}`));
