// Completes package-lock.json after `npm install`. Tools that ship one package for each system name
// all of them as optional dependencies; where the registry does not have one of them (yet), npm leaves
// it out of the lockfile, and then `npm ci` refuses that lockfile everywhere. This adds the missing
// entries with the version that the tool asks for; a system that needs one fetches it then.

import { readFileSync, writeFileSync } from 'node:fs';

const file = process.argv[2] ?? 'package-lock.json';
const lock = JSON.parse(readFileSync(file, 'utf8'));

const systems = ['android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'aix', 'win32'];
const processors = ['arm64', 'arm', 'x64', 'ia32', 'ppc64', 'riscv64', 's390x', 'loong64', 'mips64el', 'wasm32'];

/** What a package's name says of the systems it is for. */
function systemOf(name) {
  const words = name.split(/[/_-]/);
  const found = (list) => list.filter((x) => words.some((w) => w === x || (x === 'arm' && w === 'armv7')));
  const [os, cpu] = [found(systems), found(processors)];
  const libc = words.includes('musl') ? ['musl'] : words.includes('gnu') ? ['glibc'] : [];
  return { ...(cpu.length && { cpu }), ...(libc.length && { libc }), ...(os.length && { os }) };
}

let added = 0;
for (const [path, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const target = `node_modules/${name}`;
    if (lock.packages[target] || lock.packages[`${path}/${target}`]) continue;
    const system = systemOf(name);
    // Without a system it would be installed everywhere: that is no build of a tool.
    if (!system.os && !system.cpu) continue;
    lock.packages[target] = { version, ...(entry.dev && { dev: true }), optional: true, ...system };
    console.log(`added ${name} ${version}`);
    added++;
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
if (added) writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`${added} entries added to ${file}`);
