// Nested structures of tensors: the arguments and results of traced functions. Arrays and plain
// objects are structure; tensors are leaves; everything else is static.

import { typeText } from '../../ir/types.ts';
import { ComplexTensor, joinParts } from './complex-tensor.ts';
import { Tensor } from './tensor.ts';

export type Tree =
  | { readonly kind: 'leaf'; readonly index: number; readonly text: string }
  | { readonly kind: 'list'; readonly items: readonly Tree[] }
  | { readonly kind: 'map'; readonly keys: readonly string[]; readonly items: readonly Tree[] }
  /** A complex tensor: its real and imaginary parts. */
  | { readonly kind: 'complex'; readonly items: readonly Tree[] }
  | { readonly kind: 'static'; readonly value: unknown };

/** Turns a value into a leaf, or leaves it (undefined). */
export type LeafOf<L> = (x: unknown) => L | undefined;

const plain = (x: unknown): x is Record<string, unknown> => {
  if (typeof x !== 'object' || x === null) return false;
  const proto = Object.getPrototypeOf(x);
  return proto === Object.prototype || proto === null;
};

/** Takes a structure apart: its leaves, appended to `leaves`, and the rest as a tree. */
export function flatten<L>(x: unknown, leafOf: LeafOf<L>, leaves: L[], textOf: (l: L) => string): Tree {
  const leaf = leafOf(x);
  if (leaf !== undefined) {
    leaves.push(leaf);
    return { kind: 'leaf', index: leaves.length - 1, text: textOf(leaf) };
  }
  const down = (y: unknown) => flatten(y, leafOf, leaves, textOf);
  if (x instanceof ComplexTensor) return { kind: 'complex', items: [down(x.re), down(x.im)] };
  if (Array.isArray(x)) return { kind: 'list', items: x.map(down) };
  if (plain(x)) {
    // Leaves in the order of the keys' names: objects are of one structure however they were written.
    const keys = Object.keys(x);
    const items = new Map(keys.toSorted().map((k) => [k, down(x[k])]));
    return { kind: 'map', keys, items: keys.map((k) => items.get(k) as Tree) };
  }
  return { kind: 'static', value: x };
}

/** The structure of a value whose leaves are tensors. */
export const flattenTensors = (x: unknown, leaves: Tensor[]): Tree =>
  flatten(
    x,
    (y) => (y instanceof Tensor ? y : undefined),
    leaves,
    (t) => typeText(t.type),
  );

/** Puts leaves back into their structure. */
export function pack(tree: Tree, leaves: readonly unknown[]): unknown {
  switch (tree.kind) {
    case 'leaf':
      return leaves[tree.index];
    case 'list':
      return tree.items.map((t) => pack(t, leaves));
    case 'map':
      return Object.fromEntries(tree.keys.map((k, i) => [k, pack(tree.items[i], leaves)]));
    case 'complex':
      return joinParts(pack(tree.items[0], leaves), pack(tree.items[1], leaves));
    case 'static':
      return tree.value;
  }
}

const ids = new WeakMap<object, number>();
let nextId = 0;

function staticText(x: unknown): string {
  if ((typeof x === 'object' && x !== null) || typeof x === 'function') {
    let id = ids.get(x);
    if (id === undefined) {
      id = nextId++;
      ids.set(x, id);
    }
    return `object#${id}`;
  }
  return typeof x === 'string' ? JSON.stringify(x) : Object.is(x, -0) ? '-0' : String(x);
}

/** Text that is equal for structures of one signature: types of leaves, values of statics. */
export function treeText(tree: Tree): string {
  switch (tree.kind) {
    case 'leaf':
      return tree.text;
    case 'list':
      return `(${tree.items.map(treeText).join(', ')})`;
    case 'complex':
      return `complex(${tree.items.map(treeText).join(', ')})`;
    case 'map':
      return `{${tree.keys
        .map((k, i) => `${k}: ${treeText(tree.items[i])}`)
        .toSorted()
        .join(', ')}}`;
    case 'static':
      return staticText(tree.value);
  }
}

/** Names for the leaves: the path to each, `x0`, `x1_weights_0`. */
export function leafNames(tree: Tree, prefix: string, out: string[] = []): string[] {
  if (tree.kind === 'leaf') out[tree.index] = prefix;
  else if (tree.kind === 'list' || tree.kind === 'complex')
    for (const [i, t] of tree.items.entries()) leafNames(t, `${prefix}_${i}`, out);
  else if (tree.kind === 'map')
    for (const [i, t] of tree.items.entries()) leafNames(t, `${prefix}_${tree.keys[i]}`, out);
  return out;
}
