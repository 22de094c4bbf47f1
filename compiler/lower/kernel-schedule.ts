// How the kernel of a contraction is made: an immutable value that lowering takes. Where nobody chose, the
// shape decides; a choice (a tuner's, or `winograd: false`) stands in the graph as the node's attribute
// `schedule`, so it goes along with the node through all passes.
//
// Text, inverse to the parser:
//   nest                                 the general reduction nest
//   depthwise
//   winograd4 6x8x4 block 1048576        tiles of 4 x 4 results; register tile and unrolling; bytes of a block
//   product 6x8x4 packed k512 block 524288
//   product in-place …                   the right operand is read where it lies
// `product` and `winograd4` alone leave the rest to the shape.

import { CompileError } from '../../ir/errors.ts';
import type { Node } from '../../ir/graph.ts';
import type { Tile } from './kernel-builder.ts';

/** How a product runs through its loops. */
export interface Blocking {
  readonly tile: Tile;
  /** The right operand is laid out in panels first; else it is read in place, as far as its columns are neighbours. */
  readonly packed: boolean;
  /** Reduced elements that a panel keeps in the first-level cache: reductions longer than two of them are cut. */
  readonly kBlock: number;
  /** Bytes of rows of the left operand that stay in the second-level cache while all panels pass. */
  readonly blockBytes: number;
}

/** The register tile of Winograd's products, and the bytes of transformed tiles that a thread works on at a time. */
export type WinogradBlocking = Pick<Blocking, 'tile' | 'blockBytes'>;

export type KernelSchedule =
  | { readonly algorithm: 'nest' | 'depthwise' }
  | { readonly algorithm: 'product'; readonly blocking?: Blocking }
  | { readonly algorithm: 'winograd'; readonly m: number; readonly blocking?: WinogradBlocking };

const tileText = ({ mr, nr, unroll }: Tile): string => `${mr}x${nr}x${unroll}`;

/** The schedule as one line. */
export function scheduleText(s: KernelSchedule): string {
  if (s.algorithm === 'product') {
    const b = s.blocking;
    const how = b && `${b.packed ? 'packed' : 'in-place'} k${b.kBlock} block ${b.blockBytes}`;
    return b ? `product ${tileText(b.tile)} ${how}` : 'product';
  }
  if (s.algorithm !== 'winograd') return s.algorithm;
  return `winograd${s.m}${s.blocking ? ` ${tileText(s.blocking.tile)} block ${s.blocking.blockBytes}` : ''}`;
}

const TEXT = /^(nest|depthwise|product|winograd[24])(?: (\d+)x(\d+)x(\d+)(?: (packed|in-place) k(\d+))? block (\d+))?$/;
/** Accumulators beyond this never stay in registers. */
const MOST_ROWS = 16;
const MOST_COLUMNS = 64;

/** The schedule of such a line, or null where it is none. */
export function parseSchedule(text: string): KernelSchedule | null {
  const found = TEXT.exec(text);
  if (!found) return null;
  const [, name, ...rest] = found;
  const [mr, nr, unroll] = rest.slice(0, 3).map(Number);
  const [kBlock, blockBytes] = [Number(rest[4]), Number(rest[5])];
  const blocked = rest[5] !== undefined;
  const layout = rest[3];
  const sound =
    mr >= 1 && mr <= MOST_ROWS && nr >= 4 && nr <= MOST_COLUMNS && nr % 4 === 0 && [1, 2, 4, 8].includes(unroll);
  if (blocked && (!sound || blockBytes < 1)) return null;
  const tile: Tile = { mr, nr, unroll };
  if (name === 'product') {
    if (!blocked) return { algorithm: 'product' };
    if (!layout || kBlock < 8) return null;
    return { algorithm: 'product', blocking: { tile, packed: layout === 'packed', kBlock, blockBytes } };
  }
  if (layout) return null;
  if (name.startsWith('winograd')) {
    const m = Number(name.slice(-1));
    return { algorithm: 'winograd', m, ...(blocked ? { blocking: { tile, blockBytes } } : {}) };
  }
  return blocked ? null : { algorithm: name as 'nest' | 'depthwise' };
}

/** The schedule that was chosen for a node, or null. Throws CompileError for an attribute that is none. */
export function chosenSchedule(node: Node): KernelSchedule | null {
  const text = node.attrs.schedule;
  if (text === undefined) return null;
  const s = typeof text === 'string' ? parseSchedule(text) : null;
  if (!s)
    throw new CompileError(`the attribute schedule is no schedule: ${JSON.stringify(text)}`, {
      op: node.op.name,
      fix: 'such as "product 6x8x4 packed k512 block 524288" or "winograd4"',
    });
  return s;
}
