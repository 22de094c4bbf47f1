// Loops outside of traces: JavaScript runs them as long as it can look at the condition.

import { opByName } from '../../ir/op.ts';
import { applyOp } from './dispatch.ts';
import type { Tensor } from './tensor.ts';

/** A tensor of its own with the same elements: to a tape in a body, what is carried is no tensor from outside. */
export const fresh = (t: Tensor): Tensor => applyOp(opByName('reshape'), [t], { shape: t.type.shape })[0];

/** Whether a choice can be looked at now: it is neither traced nor on a GPU only. */
export const isKnown = (t: Tensor): boolean => !t.symbol && !t.remote;

/** A loop under way: its values, the runs that are left (any number where undefined), and whether it has ended. */
export interface EagerRuns {
  leaves: readonly Tensor[];
  left: number | undefined;
  over: boolean;
}

/** Runs a loop to its end, or to a condition that is on a GPU: what is left of the loop runs there. */
export function runEagerly(
  runs: EagerRuns,
  test: (leaves: readonly Tensor[]) => Tensor,
  next: (leaves: readonly Tensor[]) => readonly Tensor[],
): void {
  runs.leaves = runs.leaves.map(fresh);
  while (runs.left !== 0) {
    const c = test(runs.leaves);
    if (!isKnown(c)) return;
    if (!c.elements()[0]) break;
    runs.leaves = next(runs.leaves);
    if (runs.left !== undefined) runs.left--;
  }
  runs.over = true;
}
