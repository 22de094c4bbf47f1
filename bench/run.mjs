// `npm run bench -- [options]` from the root: installs what the benchmarks need, builds the library,
// and runs them under the Node 24 that comes with them as a package. Options: see src/main.ts, and with `--gpu`
// gpu/main.ts.

import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(here);
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';

function must(command, args, cwd) {
  const { status, error } = spawnSync(command, args, { cwd, stdio: 'inherit', shell: process.platform === 'win32' });
  if (status !== 0) {
    console.error(`bench: '${command} ${args.join(' ')}' failed${error ? `: ${error.message}` : ''}`);
    process.exit(status ?? 1);
  }
}

/** Whether the installed packages are those of the lockfile. */
function installed() {
  const marker = join(here, 'node_modules', '.package-lock.json');
  return existsSync(marker) && statSync(marker).mtimeMs >= statSync(join(here, 'package-lock.json')).mtimeMs;
}

/** The packaged Node 24, or this one where there is no package for the machine. */
function node24() {
  const require = createRequire(join(here, 'package.json'));
  try {
    const file = require.resolve(`node-${process.platform}-${process.arch}/package.json`);
    return join(dirname(file), 'bin', 'node');
  } catch {
    if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath;
    console.error(
      `bench: no Node 24 package for ${process.platform}-${process.arch}; run this command with Node 24 or later`,
    );
    process.exit(1);
  }
}

/** An install through a link would empty the folder that it leads to, which belongs to another checkout. */
function refuseLink() {
  const folder = join(here, 'node_modules');
  if (!lstatSync(folder, { throwIfNoEntry: false })?.isSymbolicLink()) return;
  console.error(
    `bench: ${folder} is a symbolic link and not up to date: install where it leads to, or remove the link`,
  );
  process.exit(1);
}

// Install scripts only fetch parts that are not used here (GPU libraries), so they are left out.
if (!installed()) {
  refuseLink();
  must(npm, ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], here);
}

const scripts = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).scripts;
const skipBuild = process.argv.includes('--no-build');
if (!skipBuild && scripts.build) must(npm, ['run', '--silent', 'build'], root);

const args = process.argv.slice(2).filter((a) => a !== '--no-build');
// Where the driver is found must be in the environment when a process starts.
const driver = args.includes('--software') ? await (await import('../.ci/software-vulkan.mjs')).softwareVulkan() : {};
const { status } = spawnSync(
  node24(),
  ['--disable-warning=ExperimentalWarning', join(here, args.includes('--gpu') ? 'gpu' : 'src', 'main.ts'), ...args],
  {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...driver },
  },
);
process.exit(status ?? 1);
