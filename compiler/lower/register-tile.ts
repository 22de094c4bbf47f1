// The register tile of a product: a mr x nr block of the result that stays in registers while the reduced
// loop runs over it. What is multiplied, and what becomes of the result, is the caller's.

import { add, bin, type Expr, fma, i32, mul, tileRead, variable } from '../../ir/kernel/expr.ts';
import { loop, type Stmt, substitute } from '../../ir/kernel/kernel.ts';
import type { Tile } from './kernel-builder.ts';
import type { Axis } from './loops.ts';

/** Rows and columns of the tile of a product of `rows` x `columns`, where the target's is `tile`. */
export function registerTile(rows: number, columns: number, tile: Tile): { readonly mr: number; readonly nr: number } {
  // A single row tile: more columns instead, so that enough accumulators are in flight.
  const mr = rows <= 2 || rows < tile.mr ? rows : tile.mr;
  const nr = mr === 1 ? 32 : mr <= 2 ? 16 : mr <= 3 ? 12 : tile.nr;
  return { mr, nr: Math.min(nr, Math.ceil(columns / 4) * 4) };
}

/** The registers of a tile: the sums `c`, one row of the right operand, one element of the left one. */
export const tileRegisters = (rows: number, width: number): Stmt[] => [
  { s: 'tile', name: 'c', ty: 'f32', dims: [rows, width], init: 0 },
  { s: 'tile', name: 'bt', ty: 'f32', dims: [width], init: 0 },
  { s: 'tile', name: 'at', ty: 'f32', dims: [4], init: 0 },
];

/**
 * One step of the reduction: c[i][j] += a(i) b[j]. `b` is the element of column `j`, a variable; `a` gives
 * that of a row, the same for all lanes.
 */
export function tileStep(rows: number, width: number, a: (i: Expr) => Expr, b: Expr): Stmt[] {
  const [i, j, l] = [variable('i'), variable('j'), variable('l')];
  const vec = { vector: true, unroll: true } as const;
  const sum = fma(tileRead('f32', 'at', [i32(0)]), tileRead('f32', 'bt', [j]), tileRead('f32', 'c', [i, j]));
  const splat: Stmt[] = [{ s: 'tileset', tile: 'at', index: [l], value: a(i) }];
  const row: Stmt[] = [
    { s: 'vec', v: 'l', at: i32(0), lanes: 4, body: splat },
    loop('j', width, [{ s: 'tileset', tile: 'c', index: [i, j], value: sum }], vec),
  ];
  return [
    loop('j', width, [{ s: 'tileset', tile: 'bt', index: [j], value: b }], vec),
    loop('i', rows, row, { unroll: true }),
  ];
}

/** A piece of a reduced axis: the `kb`-th of `count`, `size` long but for the last. */
export interface Cut {
  readonly size: number;
  readonly count: number;
}

/** The innermost reduced loop, unrolled by a factor, with its remainder. */
export function unrolledReduction(axis: Axis, body: readonly Stmt[], factor: number, cut?: Cut): Stmt[] {
  const unrolled = (base: Expr): Stmt =>
    loop('u', factor, substitute(body, new Map([[axis.v, add(base, variable('u'))]])), { unroll: true });
  if (cut) {
    // Pieces are multiples of the unroll factor except for the last, which ends at the axis.
    const lo = mul(variable('kb'), i32(cut.size));
    const hi = bin('min', add(lo, i32(cut.size)), i32(axis.n));
    const mid = add(lo, bin('and', bin('sub', hi, lo), i32(-factor)));
    return [
      { s: 'for', v: 'ku', lo, hi: mid, step: factor, body: [unrolled(variable('ku'))] },
      ...(axis.n % factor ? [{ s: 'for', v: axis.v, lo: mid, hi, step: 1, body } as Stmt] : []),
    ];
  }
  if (axis.n <= factor * 2) return [loop(axis.v, axis.n, body, { unroll: true })];
  const main = Math.floor(axis.n / factor) * factor;
  const out: Stmt[] = [
    { s: 'for', v: 'ku', lo: i32(0), hi: i32(main), step: factor, body: [unrolled(variable('ku'))] },
  ];
  for (let x = main; x < axis.n; x++) out.push(...substitute(body, new Map([[axis.v, i32(x)]])));
  return out;
}
