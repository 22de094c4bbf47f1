// Loop nests: ranges of their variables, merging of loops that walk memory as one, and the choice of
// what runs in parallel.

import { affine, dependsOn } from '../../ir/kernel/affine.ts';
import { children, type Expr, i32, variable } from '../../ir/kernel/expr.ts';
import { type For, forEachExpr, loop, type Stmt, substitute } from '../../ir/kernel/kernel.ts';

export interface Axis {
  readonly v: string;
  readonly n: number;
}

export const axisVars = (axes: readonly Axis[]): Expr[] => axes.map((a) => variable(a.v));

export function rangesOf(...lists: readonly (readonly Axis[])[]): Map<string, readonly [number, number]> {
  return new Map(lists.flat().map((a) => [a.v, [0, Math.max(0, a.n - 1)] as const]));
}

/**
 * Joins neighbouring axes that every access walks as one: the stride of the outer is the extent times
 * the stride of the inner everywhere. Returns fewer, longer axes and the rewritten body.
 */
export function mergeAxes(axes: readonly Axis[], body: readonly Stmt[], keepFirst = 0): { axes: Axis[]; body: Stmt[] } {
  let list = axes.filter((a) => a.n !== 1);
  let stmts = substitute(body, new Map(axes.filter((a) => a.n === 1).map((a) => [a.v, i32(0)])));
  for (let i = list.length - 2; i >= keepFirst; i--) {
    const [outer, inner] = [list[i], list[i + 1]];
    if (!walksAsOne(stmts, outer.v, inner.v, inner.n)) continue;
    stmts = substitute(stmts, new Map([[outer.v, i32(0)]]));
    list = [...list.slice(0, i), { v: inner.v, n: outer.n * inner.n }, ...list.slice(i + 2)];
  }
  return { axes: list, body: stmts };
}

function walksAsOne(body: readonly Stmt[], outer: string, inner: string, n: number): boolean {
  let ok = true;
  const seen = new Set<Expr>();
  const index = (e: Expr) => {
    const a = affine(e);
    let co = 0;
    let ci = 0;
    for (const t of a.terms) {
      if (t.term.k === 'var' && t.term.name === outer) co = t.coef;
      else if (t.term.k === 'var' && t.term.name === inner) ci = t.coef;
      else if (dependsOn(t.term, outer) || dependsOn(t.term, inner)) {
        // The variables may stand inside a load that is itself an index, which walks on its own.
        value(t.term);
      }
    }
    if (co !== ci * n) ok = false;
  };
  const value = (e: Expr): void => {
    if (seen.has(e)) return;
    seen.add(e);
    if (e.k === 'var') {
      if (e.name === outer || e.name === inner) ok = false;
    } else if (e.k === 'load') index(e.index);
    else for (const c of children(e)) value(c);
  };
  forEachExpr(body, (e, s) => {
    if (s.s === 'store' && e === s.index) index(e);
    else value(e);
  });
  return ok;
}

/** Work below this many element-operations is not worth waking a thread for. */
const PARALLEL_WORK = 1 << 15;
/** What a thread should take at once at least. */
const CHUNK_WORK = 1 << 12;

/**
 * Nests the body in its axes, innermost last. The last axis runs as SIMD where `vector`; the first is
 * split over threads, in chunks of `grain`, where there is enough work (`cost` operations an element).
 */
export function nest(
  axes: readonly Axis[],
  body: readonly Stmt[],
  opt: {
    vector?: boolean;
    cost?: number;
    copies?: number;
    parallel?: boolean;
    grain?: number;
    /** For a GPU: all axes are the grid. */
    grid?: boolean;
  } = {},
): Stmt[] {
  if (axes.length === 0) return [{ s: 'single', body }];
  if (opt.grid) return gridNest(axes, body);
  const total = axes.reduce((n, a) => n * a.n, 1) * (opt.cost ?? 1);
  const parallel = opt.parallel !== false && total >= PARALLEL_WORK;
  let stmts: readonly Stmt[] = body;
  for (let i = axes.length - 1; i >= 0; i--) {
    const last = i === axes.length - 1;
    const extra: Partial<For> = {};
    if (last && opt.vector) Object.assign(extra, { vector: true, copies: opt.copies ?? 1 });
    // Iterations that are SIMD lanes come in whole cache lines, many at a time; rows as the work of each allows.
    const grain = !last ? 1 : opt.vector ? 1024 : Math.max(1, Math.ceil(CHUNK_WORK / (opt.cost ?? 1)));
    if (i === 0 && parallel) Object.assign(extra, { parallel: opt.grain ?? grain });
    stmts = [loop(axes[i].v, axes[i].n, stmts, extra)];
  }
  return parallel ? [...stmts] : [{ s: 'single', body: stmts }];
}

/** The body in loops whose iterations are all independent: the grid of a GPU. */
export const gridNest = (axes: readonly Axis[], body: readonly Stmt[]): Stmt[] =>
  axes.length === 0
    ? [{ s: 'single', body }]
    : [...axes.reduceRight<readonly Stmt[]>((inner, a) => [loop(a.v, a.n, inner, { grid: true })], body)];

/** Elements of a cache line. */
const LINE = 16;
/**
 * Elements from one row of so many to the next, an odd number of cache lines: rows that are used at once would at
 * powers of two meet in the same few places of the cache.
 */
export const rowApart = (elements: number): number => LINE * (Math.ceil(elements / LINE) | 1);
