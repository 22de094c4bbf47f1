// What is compared: the names of TensorFlow.js (committed), the reasons for what is left out, and what
// this package exports.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as sinter from '../../frontends/index.ts';
import { leftOut } from './left-out.ts';

export const namespaces = [
  'fused',
  'image',
  'linalg',
  'losses',
  'math',
  'signal',
  'spectral',
  'train',
  'util',
] as const;
/** Exported names by namespace; `tf` is the top level, `Tensor` the methods. */
export type Names = { version: string; tf: string[]; Tensor: string[] } & Record<string, string[] | string>;

export const namesFile = (root: string): string => join(root, 'tools', 'op-coverage', 'tfjs-names.json');

/** One name and what became of it. */
export interface Entry {
  /** As users write it: `tf.add`, `tf.image.transform`, `tensor.add`. */
  readonly name: string;
  readonly state: 'covered' | 'left out' | 'missing';
  /** Why it is left out. */
  readonly reason?: string;
}

/** The object that has the names of a namespace, and how users write them. */
function spaceOf(space: string): { has: (name: string) => boolean; prefix: string } {
  // Complex tensors are a class of their own here.
  const tensors = [sinter.Tensor.prototype, sinter.ComplexTensor.prototype];
  if (space === 'Tensor') return { has: (name) => tensors.some((t) => name in t), prefix: 'tensor.' };
  const all = sinter as unknown as Record<string, Record<string, unknown>>;
  const object = space === 'tf' ? all : all[space];
  return { has: (name) => object !== undefined && name in object, prefix: space === 'tf' ? 'tf.' : `tf.${space}.` };
}

/** Every name of TensorFlow.js with its state, and reasons that are no longer needed. */
export function compare(root: string): { version: string; entries: Entry[]; stale: string[] } {
  const { version, ...spaces } = JSON.parse(readFileSync(namesFile(root), 'utf8')) as Names;
  const reasons = new Map(leftOut.flatMap(({ reason, names }) => names.map((name) => [name, reason] as const)));
  const entries: Entry[] = [];
  for (const [space, names] of Object.entries(spaces) as [string, string[]][]) {
    const { has, prefix } = spaceOf(space);
    for (const n of names) {
      const name = prefix + n;
      const reason = reasons.get(name);
      entries.push(
        has(n) ? { name, state: 'covered' } : reason ? { name, state: 'left out', reason } : { name, state: 'missing' },
      );
    }
  }
  const open = new Set(entries.filter((e) => e.state === 'left out').map((e) => e.name));
  return { version, entries, stale: [...reasons.keys()].filter((name) => !open.has(name)) };
}
