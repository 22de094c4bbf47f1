// Where the slots of a program's steps are: memory of one block, or of several where a device binds no more at once.

import type { Block, Page, Spread } from './heap.ts';

/** Where a slot's memory is: from a place of it on. */
export interface Spot extends Spread {
  readonly offset: number;
}
export const spot = (block: Block): Spot => ({ blocks: [block], segment: Number.POSITIVE_INFINITY, offset: 0 });

/** The page of a place of a slot, and the bytes from its start. */
export function locate(s: Spot, bytes: number): { page: Page; at: number } {
  const k = Math.floor((s.offset + bytes) / s.segment);
  const block = s.blocks[k];
  return { page: block.page, at: block.offset + s.offset + bytes - (k && k * s.segment) };
}
