// Files that are loaded once and kept: `tf.utils.getFile`, as Keras's.

import { ArgumentError, ExecutionError } from '../../ir/errors.ts';
import { checkOptions } from '../keras/engine/names.ts';
import { nodeModule } from '../platform.ts';
import { need } from '../trace/ops/common.ts';
import { sourceOf } from './sources.ts';

/** Where `getFile` keeps a file, and what it must be. */
export interface GetFileOptions {
  /** Folder of kept files; by default `sinter/files` in the user's cache folder. */
  readonly cacheDir?: string;
  /** Its SHA-256 in hex: a kept file of another is loaded anew, a loaded one is an error. */
  readonly sha256?: string;
  /** Its name; by default the last part of the address. */
  readonly fileName?: string;
  /** Whether it is loaded even where it is kept. */
  readonly force?: boolean;
}

const op = 'utils.getFile';

async function defaultFolder(): Promise<string> {
  const [{ join }, { homedir }] = [await nodeModule('path', op), await nodeModule('os', op)];
  const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  return join(XDG_CACHE_HOME || LOCALAPPDATA || join(homedir(), '.cache'), 'sinter', 'files');
}

/** The SHA-256 of a file, or undefined where there is none. */
async function hashOf(path: string): Promise<string | undefined> {
  const [{ createReadStream, existsSync }, { createHash }] = [
    await nodeModule('fs', op),
    await nodeModule('crypto', op),
  ];
  if (!existsSync(path)) return undefined;
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path)) hash.update(piece as Uint8Array);
  return hash.digest('hex');
}

/** Loads an address into a file that appears whole or not at all. */
async function load(url: string, path: string, sha256: string | undefined): Promise<void> {
  const [{ open, rename, rm }, { createHash, randomUUID }] = [
    await nodeModule('fs/promises', op),
    await nodeModule('crypto', op),
  ];
  const partial = `${path}.${randomUUID()}.part`;
  const hash = createHash('sha256');
  try {
    const file = await open(partial, 'w');
    try {
      const pieces = await sourceOf(url).iterator();
      for await (const piece of { [Symbol.asyncIterator]: () => pieces }) {
        hash.update(piece);
        await file.write(piece);
      }
    } finally {
      await file.close();
    }
    const found = hash.digest('hex');
    if (sha256 !== undefined && found !== sha256)
      throw new ExecutionError(`'${url}' has the SHA-256 ${found}, not ${sha256}`, {
        op,
        fix: 'the file is damaged or is another one by now: check the address and the hash',
      });
    await rename(partial, path);
  } finally {
    await rm(partial, { force: true });
  }
}

/**
 * The path of a file that is loaded from an address (`http(s)://`, `file://`) unless it is kept from an earlier
 * call. Throws ArgumentError for bad settings, ExecutionError where it cannot be loaded or has another hash,
 * DeviceError in a page.
 */
export async function getFile(url: string | URL, options: GetFileOptions = {}): Promise<string> {
  checkOptions(options, ['cacheDir', 'sha256', 'fileName', 'force'], op);
  const { cacheDir, fileName, force = false } = options ?? {};
  const address = String(url);
  if (!URL.canParse(address))
    throw new ArgumentError(`'${address}' is no address`, { op, fix: "such as 'https://example.org/data.csv'" });
  const sha256 = options?.sha256?.toLowerCase();
  need(sha256 === undefined || /^[0-9a-f]{64}$/.test(sha256), op, 'sha256 must be 64 hex digits', options?.sha256);
  const [{ basename, join }, { existsSync, mkdirSync }] = [await nodeModule('path', op), await nodeModule('fs', op)];
  const { createHash } = await nodeModule('crypto', op);
  const name = fileName ?? (basename(decodeURIComponent(new URL(address).pathname)) || 'file');
  need(basename(name) === name && name !== '..' && name !== '.', op, 'fileName must be a name without folders', name);
  // Files of one name at different addresses are different files.
  const folder = join(
    cacheDir ?? (await defaultFolder()),
    createHash('sha256').update(address).digest('hex').slice(0, 16),
  );
  const path = join(folder, name);
  const kept = !force && existsSync(path) && (sha256 === undefined || (await hashOf(path)) === sha256);
  if (!kept) {
    mkdirSync(folder, { recursive: true });
    await load(address, path, sha256);
  }
  return path;
}
