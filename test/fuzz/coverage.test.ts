// Random graphs use every operation, or this file says why not.

import { expect, it } from 'vitest';
import type { Graph, Node } from '../../ir/graph.ts';
import { allOps } from '../../ir/op.ts';
import { Gen } from './gen.ts';
import { allSteps } from './graphs.ts';

/** Operations that no step writes, with the reason. */
const without: Readonly<Record<string, string>> = {
  with_gradient_of: 'forward it is its operand; its gradient is not that of its value (test/frontend/control.test.ts)',
  normal_of_bits: 'random_normal expands to it',
  truncated_normal_of_bits: 'random_truncated_normal expands to it',
  exponential_of_bits: 'random_exponential expands to it',
  gumbel_of_bits: 'random_gumbel expands to it',
  int_below: 'random_int expands to it',
  gamma_element: 'random_gamma expands to it',
};

/** Operations of a list of nodes and of their regions. */
function opsOf(nodes: readonly Node[], into: Set<string>): void {
  for (const n of nodes) {
    into.add(n.op.name);
    for (const r of n.regions as readonly Graph[]) opsOf(r.nodes, into);
  }
}

it('random graphs have every operation', () => {
  const seen = new Set<string>();
  for (const s of allSteps)
    for (let seed = 1; seed <= 150; seed++) {
      const g = new Gen(seed * 7919, seed % 3 === 0);
      if (s.smooth || !g.smooth) for (let k = 0; k < 3; k++) s.run(g);
      opsOf(g.b.snapshot([]).nodes, seen);
    }
  const missing = allOps()
    .map((op) => op.name)
    .filter((name) => !seen.has(name));
  expect(missing.sort()).toEqual(Object.keys(without).sort());
});
