// The operands of a loop.

import type { Attrs } from '../graph.ts';

/** How a loop's operands are laid out: [trip count], constants, what is carried, what is sliced. */
export interface LoopLayout {
  /** 1 where the first operand is a trip count. */
  readonly trip: number;
  /** Operands that every run gets as they are. */
  readonly consts: number;
  readonly carry: number;
}
export function loopLayout(attrs: Attrs, operands: number): LoopLayout {
  const trip = attrs.trip ? 1 : 0;
  const consts = (attrs.consts as number | undefined) ?? 0;
  return { trip, consts, carry: (attrs.carry as number | undefined) ?? operands - trip - consts };
}
