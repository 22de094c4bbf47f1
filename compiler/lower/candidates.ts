// The few schedules of a contraction that a tuner tries: the one that its shape suggests, then those that are
// faster on some machine or shape. Each is a whole schedule, so that what is chosen can be written down.

import type { Node } from '../../ir/graph.ts';
import type { Group } from '../group.ts';
import { type ProductShape, productShape } from './contraction.ts';
import { scheduleOf, winogradFits } from './conv-algorithm.ts';
import type { LowerContext, Tile } from './kernel-builder.ts';
import { type Blocking, type KernelSchedule, scheduleText } from './kernel-schedule.ts';
import { WINOGRAD_BLOCK_BYTES } from './winograd.ts';

/** Alternatives beside the default. */
const MOST = 6;
/** Register tiles in the order in which they are worth a try (/docs/performance.md), for any number of rows. */
const TILES: readonly (readonly [mr: number, nr: number, unroll: number])[] = [
  [6, 8, 4],
  [2, 16, 1],
  [4, 8, 4],
  [3, 12, 1],
  [1, 32, 1],
  [1, 16, 4],
  [1, 32, 4],
  [1, 16, 1],
];
const MOST_TILES = 3;
/** Longer than any reduction: none is cut. */
const WHOLE = 2 ** 24;
const SHORT = 256;
const SMALL_BLOCK = 128 * 1024;
const LARGE_BLOCK = 2 ** 21;

/** Tiles that fit a result of so many rows and columns, other than `than`. */
function otherTiles(rows: number, columns: number, than: Tile): Tile[] {
  const width = Math.ceil(columns / 4) * 4;
  return TILES.map(([mr, nr, unroll]) => ({ mr, nr: Math.min(nr, width), unroll }))
    .filter((t) => t.mr <= rows && (t.mr > 1 || rows < 4))
    .filter((t) => t.mr !== than.mr || t.nr !== than.nr || t.unroll !== than.unroll);
}

/** Other ways through the loops of a product, the one likelier to gain first. */
function otherBlockings(s: ProductShape, b: Blocking, constant: boolean): Blocking[] {
  const out: Blocking[] = otherTiles(s.rows, s.columns, b.tile)
    .slice(0, MOST_TILES)
    .map((tile) => ({ ...b, tile }));
  // What is packed when the program is built costs nothing to read packed.
  if (s.readable && !constant) out.push({ ...b, packed: !b.packed });
  if (s.reduction > 2 * b.kBlock) out.push({ ...b, kBlock: WHOLE });
  if (s.reduction > 2 * SHORT) out.push({ ...b, kBlock: SHORT });
  const left = 4 * s.rows * Math.min(s.reduction, 2 * b.kBlock);
  if (left > 2 * b.blockBytes) out.push({ ...b, blockBytes: LARGE_BLOCK });
  else if (left > 2 * SMALL_BLOCK) out.push({ ...b, blockBytes: SMALL_BLOCK });
  return out;
}

/** A convolution by the algorithms that can do it, and Winograd's in other blocks. */
function convolutions(
  ctx: LowerContext,
  node: Node,
  chosen: KernelSchedule,
  product: KernelSchedule,
): KernelSchedule[] {
  const best = chosen.algorithm === 'winograd' ? chosen.m : 4;
  const { tile } = ctx.options;
  const blocking = { tile, blockBytes: WINOGRAD_BLOCK_BYTES };
  const by = (m: number, how = blocking): KernelSchedule => ({ algorithm: 'winograd', m, blocking: how });
  const columns = node.outputs[0].type.shape.at(-1) as number;
  const tiles = otherTiles(tile.mr, columns, tile).filter((t) => t.mr > 1);
  return [
    by(best),
    by(best === 4 ? 2 : 4),
    product,
    ...tiles.slice(0, 2).map((t) => by(best, { ...blocking, tile: t })),
    by(best, { ...blocking, blockBytes: WINOGRAD_BLOCK_BYTES / 4 }),
    by(best, { ...blocking, blockBytes: WINOGRAD_BLOCK_BYTES * 4 }),
  ];
}

/**
 * Schedules of a contraction group as text, the default first, or none where there is nothing to choose. A node
 * whose algorithm was chosen before keeps it.
 */
export function candidates(ctx: LowerContext, g: Group): string[] {
  const node = g.nodes.find((n) => n.op.kind === 'contraction') as Node;
  const chosen = scheduleOf(node);
  if (chosen.algorithm === 'nest' || chosen.algorithm === 'depthwise') return [];
  const shape = productShape(ctx, g);
  const { blocking } = shape;
  const product: KernelSchedule = { algorithm: 'product', ...(blocking ? { blocking } : {}) };
  const list: KernelSchedule[] = [];
  if (node.attrs.schedule === undefined && winogradFits(node)) {
    const all = convolutions(ctx, node, chosen, product);
    if (chosen.algorithm === 'product') list.push(product);
    list.push(...all);
  }
  if (chosen.algorithm === 'product') {
    if (!blocking) return [];
    const constant = node.inputs[1].node?.op.name === 'constant';
    list.push(
      product,
      ...otherBlockings(shape, blocking, constant).map((b): KernelSchedule => ({ ...product, blocking: b })),
    );
  }
  return [...new Set(list.map(scheduleText))].slice(0, MOST + 1);
}
