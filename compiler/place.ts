// Where a value's bytes are while a program runs, as the generated code addresses them.

import type { Slot } from '../ir/plan.ts';

/** A place that moves with loops: slot + sum of counter * bytes. */
export interface Place {
  readonly slot: Slot;
  readonly strides: readonly Stride[];
  /** Bytes from the slot on that it may stand for over all runs. */
  readonly span: number;
}
export interface Stride {
  readonly loop: number;
  readonly bytes: number;
}

export const placeAt = (slot: Slot, span: number): Place => ({ slot, strides: [], span });

/** The part of a place that belongs to the present run of a loop. */
export const sliceOf = (p: Place, loop: number, bytes: number): Place => ({
  ...p,
  strides: bytes ? [...p.strides, { loop, bytes }] : p.strides,
});

/** May the two share a byte? */
export function overlap(a: Place, b: Place): boolean {
  if (a.slot.kind !== b.slot.kind) return false;
  if (a.slot.kind === 'state' || a.slot.kind === 'port') return a.slot.index === (b.slot as { index: number }).index;
  const [x, y] = [a.slot.offset, (b.slot as { offset: number }).offset];
  return x < y + b.span && y < x + a.span;
}

/** The same bytes, whatever the loops do? */
export function samePlace(a: Place, b: Place): boolean {
  return JSON.stringify([a.slot, a.strides]) === JSON.stringify([b.slot, b.strides]);
}
