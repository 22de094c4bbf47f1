// The memory accesses of a loop body, grouped into pointers that step with the loop: all accesses to
// one buffer whose indices differ by a constant share a pointer.

import { affine, fromAffine, strideIn } from '../../ir/kernel/affine.ts';
import { children, type Expr, mapExpr } from '../../ir/kernel/expr.ts';
import { printExpr } from '../../ir/kernel/print.ts';
import type { XStmt } from './expand.ts';
import type { Vec } from './frame.ts';

export interface PointerGroup {
  readonly key: string;
  readonly buf: string;
  /** Elements that the pointer moves per step of the loop variable. */
  readonly coef: number;
  /** Index of its start, but for the smallest constant. */
  readonly rest: Expr;
  readonly min: number;
}

/** Groups the loop's own affine accesses by buffer and varying part. */
export function findPointers(loop: XStmt & { s: 'for' }): PointerGroup[] {
  const groups = new Map<string, PointerGroup>();
  const local = definedNames(loop.body);
  const at = (e: Expr, v: string, to: Expr) => mapExpr(e, (x) => (x.k === 'var' && x.name === v ? to : undefined));
  forEachAccess(loop.body, null, (buf, index, vec) => {
    if (vec && strideIn(index, vec.v) === null) return;
    const a = affine(vec ? at(index, vec.v, vec.at) : index);
    if (a.terms.some((t) => !invariantExcept(t.term, loop.v, local))) return;
    const key = pointerKey(buf, a.terms);
    const g = groups.get(key);
    if (g) {
      // Unrolled bodies have many accesses to few groups.
      if (a.c < g.min) groups.set(key, { ...g, min: a.c });
      return;
    }
    const coef = a.terms.find((t) => t.term.k === 'var' && t.term.name === loop.v)?.coef ?? 0;
    const rest = fromAffine(affine(at(fromAffine({ terms: a.terms, c: 0 }), loop.v, loop.lo)));
    groups.set(key, { key, buf, coef, rest, min: a.c });
  });
  return [...groups.values()];
}

export function pointerKey(buf: string, terms: readonly { term: Expr; coef: number }[]): string {
  return `${buf}|${terms
    .map((t) => `${t.coef}*${printExpr(t.term)}`)
    .sort()
    .join('+')}`;
}

/** True where the expression reads nothing that the loop changes, its own variable aside. */
function invariantExcept(e: Expr, v: string, local: ReadonlySet<string>): boolean {
  if (e.k === 'load' || e.k === 'tile') return false;
  if (e.k === 'var') return e.name === v || !local.has(e.name);
  // The loop variable may stand alone only: inside a division it does not step evenly.
  return (
    children(e).every((c) => c.k !== 'var' || c.name !== v) && children(e).every((c) => invariantExcept(c, v, local))
  );
}

/** Names that statements define or change, at any depth. */
function definedNames(body: readonly XStmt[], out = new Set<string>()): Set<string> {
  for (const s of body) {
    if (s.s === 'let' || s.s === 'acc' || s.s === 'set' || s.s === 'vacc') out.add(s.name);
    if (s.s === 'reduce' || s.s === 'hreduce') out.add(s.acc);
    if (s.s === 'for' || s.s === 'vec') out.add(s.v);
    if (s.s === 'for' || s.s === 'vec' || s.s === 'single') definedNames(s.body, out);
    if (s.s === 'if') {
      definedNames(s.then, out);
      definedNames(s.else, out);
    }
  }
  return out;
}

/** Loads and stores that the loop body executes itself, not in nested loops. */
function forEachAccess(
  body: readonly XStmt[],
  vec: Vec | null,
  f: (buf: string, index: Expr, vec: Vec | null) => void,
): void {
  const seen = new Set<Expr>();
  const expr = (e: Expr): void => {
    if (seen.has(e)) return;
    seen.add(e);
    if (e.k === 'load') f(e.buf, e.index, vec);
    for (const c of children(e)) expr(c);
  };
  for (const s of body) {
    switch (s.s) {
      case 'let':
      case 'set':
      case 'reduce':
      case 'tileset':
        expr(s.value);
        break;
      case 'acc':
        expr(s.init);
        break;
      case 'store':
        f(s.buf, s.index, vec);
        expr(s.index);
        expr(s.value);
        break;
      case 'vec':
        forEachAccess(s.body, { v: s.v, at: s.at, lanes: s.lanes }, f);
        break;
      default:
        break;
    }
  }
}
