// The package as a user gets it: built, packed, unpacked into a folder that depends on it.

import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const exec = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));

/** A project that has the package installed. */
export interface Project {
  readonly folder: string;
  /** Runs a module given as text; what it prints. Rejects where it fails. */
  run(code: string, env?: Record<string, string>): Promise<string>;
  /** Runs the TypeScript compiler there. Rejects with what it prints where it finds errors. */
  tsc(args: readonly string[]): Promise<void>;
}

/** Builds and packs the package, and unpacks it into `.cache/<name>/node_modules/sinter`. */
export async function install(name: string): Promise<Project> {
  // Inside the repository, so that the package's own dependencies are found further up.
  const folder = join(root, '.cache', name);
  const stage = join(folder, 'stage');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(stage, { recursive: true });
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  await exec(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--outDir', join(stage, 'dist')], { cwd: root });
  for (const file of ['package.json', 'README.md', 'LICENSE']) cpSync(join(root, file), join(stage, file));
  await exec(process.execPath, [join(root, '.ci/bundle.mjs'), join(stage, 'dist')], { cwd: root });
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  await exec(npm, ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder], { cwd: stage });
  const { version } = (await import('../package.json', { with: { type: 'json' } })).default;
  await exec('tar', ['-xzf', `sinter-${version}.tgz`], { cwd: folder });
  mkdirSync(join(folder, 'node_modules'));
  cpSync(join(folder, 'package'), join(folder, 'node_modules/sinter'), { recursive: true });
  for (const part of ['package', 'stage']) rmSync(join(folder, part), { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
  return {
    folder,
    run: (code, env) => run(folder, code, env),
    tsc: async (args) => {
      await exec(process.execPath, [tsc, ...args], { cwd: folder }).catch((e) => {
        throw new Error(e.stdout || e.message);
      });
    },
  };
}

async function run(folder: string, code: string, env: Record<string, string> = {}): Promise<string> {
  // The test runner's own settings (VERIFY and the like) are not the user's.
  const { PATH, HOME } = process.env;
  const args = ['--input-type=module', '--eval', code];
  const { stdout } = await exec(process.execPath, args, { cwd: folder, env: { PATH, HOME, ...env } });
  return stdout.trim();
}

/** Puts a package in the way that notes in a file that it was loaded, and passes on the real one. */
export function watchLoads(project: Project, dependency: string): { log: string; env: Record<string, string> } {
  const log = join(project.folder, `${dependency}.log`);
  const stub = join(project.folder, 'node_modules', dependency);
  const real = import.meta.resolve(dependency);
  if (!existsSync(stub)) mkdirSync(stub, { recursive: true });
  writeFileSync(
    join(stub, 'package.json'),
    JSON.stringify({ name: dependency, type: 'module', exports: './index.js', version: '0.0.0' }),
  );
  writeFileSync(
    join(stub, 'index.js'),
    `import { appendFileSync } from 'node:fs';\nappendFileSync(${JSON.stringify(log)}, 'loaded\\n');\n` +
      `export * from ${JSON.stringify(real)};\nexport { default } from ${JSON.stringify(real)};\n`,
  );
  return { log, env: { SINTER_CACHE: join(project.folder, 'cache') } };
}
