// For which sizes of the batch a function is traced. Three primes tell what follows from the batch; others tell
// whether the function does something else for small or large batches.

import type { Graph } from '../../ir/graph.ts';
import { Literal } from '../../ir/literal.ts';
import { isStatic } from '../../ir/types.ts';

/** Primes, so that no size is a multiple of another by chance. */
export const probes: readonly [number, number, number] = [61, 67, 71];

/** All numbers of a graph: sizes, attributes, constants. */
function numbersOf(g: Graph, found = new Set<number>()): Set<number> {
  const note = (x: unknown): void => {
    if (typeof x === 'number') found.add(x);
    else if (x instanceof Literal) note(x.splat);
    else if (Array.isArray(x)) for (const y of x) note(y);
  };
  for (const v of [...g.params, ...g.nodes.flatMap((n) => n.outputs)]) if (isStatic(v.type.shape)) note(v.type.shape);
  for (const n of g.nodes) {
    for (const x of Object.values(n.attrs)) note(x);
    for (const r of n.regions) numbersOf(r, found);
  }
  return found;
}

/**
 * Further sizes: a small one, and one near the bound where that is far from the probes. Neither is, alone or times what the
 * batch is multiplied by, a number that the function has anyway: such a trace could look different by chance.
 * @param graph the function at the first of `probes`
 */
export function furtherSizes(graph: Graph, bound: number): number[] {
  const numbers = numbersOf(graph);
  const scales = [...numbers].map((n) => n / probes[0]).filter((s) => Number.isInteger(s) && s > 0);
  const clear = (n: number) => !numbers.has(n) && scales.every((s) => !numbers.has(n * s));
  const upTo = (from: number, to: number) => Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i);
  const small = upTo(2, Math.min(bound, probes[0] - 1)).find(clear);
  const large = bound > probes[2] ? upTo(probes[2] + 1, bound).findLast(clear) : undefined;
  return [small, large].filter((n) => n !== undefined);
}
