// What Node has and pages have not.

import { DeviceError } from '../ir/errors.ts';
import { inNode } from '../runtime/in-node.ts';

interface NodeModules {
  crypto: typeof import('node:crypto');
  fs: typeof import('node:fs');
  'fs/promises': typeof import('node:fs/promises');
  module: typeof import('node:module');
  os: typeof import('node:os');
  path: typeof import('node:path');
  url: typeof import('node:url');
  worker_threads: typeof import('node:worker_threads');
  zlib: typeof import('node:zlib');
}

export { inNode };

/**
 * A module of Node. Throws DeviceError in a page.
 * @param op who needs it
 */
export async function nodeModule<K extends keyof NodeModules>(name: K, op: string): Promise<NodeModules[K]> {
  if (!inNode())
    throw new DeviceError(`needs Node's module ${name}, which a page does not have`, {
      op,
      fix: 'run it in Node, or fetch the data and pass its bytes',
    });
  // Not as one literal: a bundler for pages would look for a package of that name.
  const full = ['node', name].join(':');
  return (await import(/* @vite-ignore */ full)) as NodeModules[K];
}
