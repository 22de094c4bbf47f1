// Files: in Node only. Whoever reads a file sees it whole or not at all.

import type * as Fs from 'node:fs/promises';
import type * as Path from 'node:path';
import { DeviceError, ExecutionError } from '../ir/errors.ts';
import { inNode, nodeModule } from './platform.ts';

interface FileAccess {
  readonly fs: typeof Fs;
  readonly path: typeof Path;
}

/** The file system. Throws DeviceError where there is none. */
async function access(op: string): Promise<FileAccess> {
  if (!inNode())
    throw new DeviceError('there is no file system here', {
      op,
      fix: 'run in Node, or give a function or handler of your own that saves',
    });
  return { fs: await nodeModule('fs/promises', op), path: await nodeModule('path', op) };
}

/** The same error with the operation's name and the file. */
function failed(e: unknown, what: string, file: string, op: string): ExecutionError {
  return new ExecutionError(`${what} '${file}' failed: ${(e as Error).message}`, {
    op,
    fix: 'check that the folder may be written to and the disk is not full',
  });
}

/** Runs a file operation; its error names the operation and the file. */
async function guarded<T>(what: string, file: string, op: string, f: (a: FileAccess) => Promise<T>): Promise<T> {
  const a = await access(op);
  try {
    return await f(a);
  } catch (e) {
    throw failed(e, what, file, op);
  }
}

/** Writes a file whole: beside its place first, then it is moved there. Makes the folder. */
export const writeWhole = (file: string, data: Uint8Array | string, op: string): Promise<void> =>
  guarded('writing', file, op, async ({ fs, path }) => {
    await fs.mkdir(path.dirname(file), { recursive: true });
    const beside = `${file}.${process.pid}.tmp`;
    try {
      const handle = await fs.open(beside, 'w');
      try {
        await handle.writeFile(data);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await fs.rename(beside, file);
    } catch (e) {
      await fs.rm(beside, { force: true });
      throw e;
    }
  });

/** Adds to the end of a file. Makes file and folder. */
export const append = (file: string, data: Uint8Array | string, op: string): Promise<void> =>
  guarded('writing', file, op, async ({ fs, path }) => {
    await fs.mkdir(path.dirname(file), { recursive: true });
    await fs.appendFile(file, data);
  });

/** The bytes of a file, or undefined where there is none. */
export const readIfThere = (file: string, op: string): Promise<Uint8Array | undefined> =>
  guarded('reading', file, op, async ({ fs }) => {
    try {
      return new Uint8Array(await fs.readFile(file));
    } catch (e) {
      if ((e as { code?: string }).code === 'ENOENT') return undefined;
      throw e;
    }
  });

/**
 * A part of a file. ExecutionError where there is no such file; fewer bytes come back where it ends earlier, and no
 * memory is taken for those that are not there.
 */
export const readPart = (file: string, offset: number, size: number, op: string): Promise<Uint8Array> =>
  guarded('reading', file, op, async ({ fs }) => {
    const handle = await fs.open(file, 'r');
    try {
      const there = Math.max(0, Math.min(size, (await handle.stat()).size - offset));
      const out = new Uint8Array(there);
      let at = 0;
      while (at < there) {
        const { bytesRead } = await handle.read(out, at, there - at, offset + at);
        if (bytesRead === 0) break;
        at += bytesRead;
      }
      return out.subarray(0, at);
    } finally {
      await handle.close();
    }
  });

/** Removes a file, and its folder where that is empty then. */
export const removeFile = (file: string, op: string): Promise<void> =>
  guarded('removing', file, op, async ({ fs, path }) => {
    await fs.rm(file, { force: true });
    await fs.rmdir(path.dirname(file)).catch(() => undefined);
  });

/** Parts of a path as one. */
export async function joinPath(op: string, ...parts: string[]): Promise<string> {
  return (await access(op)).path.join(...parts);
}

/** As `readIfThere`. Rejects with ExecutionError where there is no such file. */
export async function mustRead(file: string, op: string): Promise<Uint8Array> {
  const bytes = await readIfThere(file, op);
  if (bytes) return bytes;
  throw new ExecutionError(`there is no file '${file}'`, { op, fix: 'check the path' });
}

/** The files of a folder, not those in folders inside, with when they were changed. */
export const listFiles = (folder: string, op: string): Promise<{ name: string; modified: number }[]> =>
  guarded('listing', folder, op, async ({ fs, path }) => {
    const entries = await fs.readdir(folder, { withFileTypes: true });
    const files = entries.filter((e) => e.isFile());
    // A file may be gone by now.
    const times = await Promise.all(files.map((f) => fs.stat(path.join(folder, f.name)).catch(() => undefined)));
    return files.flatMap((f, i) => (times[i] ? [{ name: f.name, modified: times[i].mtimeMs }] : []));
  });

/** The path of a `file://` address, which may be relative as in TensorFlow.js (`file://./a.csv`), or a path as it is. */
export async function pathOf(text: string, op: string): Promise<string> {
  if (!text.startsWith('file://')) return text;
  if (!text.startsWith('file:///')) return text.slice('file://'.length);
  return (await nodeModule('url', op)).fileURLToPath(text);
}
