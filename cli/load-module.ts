// A module of the user's, whose exports are built. TypeScript is read by Node where it can, else by esbuild.

import { existsSync, rmSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ArgumentError, DeviceError } from '../ir/errors.ts';

/** The exports of a module. Throws ArgumentError where it is not there or cannot be loaded, DeviceError without esbuild. */
export async function loadModule(file: string): Promise<Record<string, unknown>> {
  const path = resolve(file);
  if (!existsSync(path)) throw new ArgumentError(`there is no file '${file}'`, { op: 'build', fix: 'check the path' });
  try {
    return await importFile(path);
  } catch (e) {
    if (!isTypeScript(path) || !cannotRead(e)) throw e;
  }
  return bundled(path);
}

const isTypeScript = (path: string): boolean => /\.[cm]?tsx?$/.test(path);
/** Node before 22.18 does not know the ending; later ones do not know all of TypeScript, and want endings in imports. */
const cannotRead = (e: unknown): boolean => {
  const { code, name } = e as { code?: string; name?: string };
  return (
    [
      'ERR_UNKNOWN_FILE_EXTENSION',
      'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX',
      'ERR_MODULE_NOT_FOUND',
      'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING',
    ].includes(code ?? '') || name === 'SyntaxError'
  );
};

const importFile = (path: string): Promise<Record<string, unknown>> =>
  import(/* @vite-ignore */ pathToFileURL(path).href);

/** As JavaScript beside the file, so that its imports resolve as they would; it is removed again. */
async function bundled(path: string): Promise<Record<string, unknown>> {
  let esbuild: typeof import('esbuild');
  try {
    esbuild = await import('esbuild');
  } catch (e) {
    throw new DeviceError(
      `this Node does not read TypeScript, and the package esbuild is not there (${(e as Error).message.split('\n')[0]})`,
      {
        op: 'build',
        fix: 'npm install esbuild@0.28.2, or use Node 22.18 or later, or give a JavaScript file',
      },
    );
  }
  const outfile = join(dirname(path), `.${basename(path)}.${process.pid}.mjs`);
  try {
    await esbuild.build({
      entryPoints: [path],
      outfile,
      bundle: true,
      packages: 'external',
      platform: 'node',
      format: 'esm',
      target: 'node20',
      logLevel: 'silent',
      sourcemap: 'inline',
    });
    return await importFile(outfile);
  } catch (e) {
    const { errors } = e as { errors?: { text: string; location?: { file: string; line: number } }[] };
    if (!errors) throw e;
    const text = errors
      .map((x) => `${x.location ? `${x.location.file}:${x.location.line}: ` : ''}${x.text}`)
      .join('\n  ');
    throw new ArgumentError(`'${path}' does not compile:\n  ${text}`, { op: 'build' });
  } finally {
    rmSync(outfile, { force: true });
  }
}
