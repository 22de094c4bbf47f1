// `npm run op-coverage -- --names`: reads which names TensorFlow.js exports from the peers that the
// benchmarks install, and writes them to tfjs-names.json. Names only.

import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type Names, namesFile, namespaces } from './surface.ts';

type Module = Record<string, unknown>;

/** A package of bench/, not of this one. */
const peer = '@tensorflow/tfjs';

/** All properties of a class's instances, inherited ones included. */
function members(c: { prototype: object }): string[] {
  const names = new Set<string>();
  for (let p = c.prototype; p && p !== Object.prototype; p = Object.getPrototypeOf(p) as object)
    for (const name of Object.getOwnPropertyNames(p)) if (name !== 'constructor') names.add(name);
  return [...names].sort();
}

/** Kernel names are exported as strings; they are no part of what users call. */
const called = (m: Module): string[] =>
  Object.keys(m)
    .filter((name) => typeof m[name] !== 'string')
    .sort();

export function writeNames(root: string): void {
  const require = createRequire(join(root, 'bench', 'package.json'));
  const tfjs = require(peer) as Module & { Tensor: { prototype: object } };
  const { version } = JSON.parse(readFileSync(require.resolve(`${peer}/package.json`), 'utf8')) as {
    version: string;
  };
  const names: Names = { version, tf: called(tfjs), Tensor: members(tfjs.Tensor) };
  for (const space of namespaces) names[space] = called(tfjs[space] as Module);
  writeFileSync(namesFile(root), `${JSON.stringify(names, null, 1)}\n`);
}
