// Who writes what of a vector. To store one component of a vector may write all of them (WGSL, "Component Reference
// from Vector Memory View"; drivers of Metal and Direct3D do): two invocations must not store to parts of one vector.

import { affine, fromAffine } from '../../ir/kernel/affine.ts';
import { type Expr, i32, substituteExpr } from '../../ir/kernel/expr.ts';
import type { Stmt } from '../../ir/kernel/kernel.ts';
import { printExpr } from '../../ir/kernel/print.ts';
import { tripOf } from './mapping.ts';

/** Are elements of a buffer stored in whole groups of four, each by one invocation, as far as indices tell? */
export function storesInFours(body: readonly Stmt[], buf: string): boolean {
  /** By group of four: the elements of it that an invocation stores. */
  const groups = new Map<string, Set<number>>();
  let known = true;
  const visit = (list: readonly Stmt[], outer: ReadonlyMap<string, Expr>): void => {
    const names = new Map(outer);
    for (const s of list) {
      if (s.s === 'let' && s.value.ty === 'i32') names.set(s.name, substituteExpr(s.value, names));
      else if (s.s === 'store' && s.buf === buf) {
        const { terms, c } = affine(substituteExpr(s.index, names));
        known &&= c >= 0 && s.atomic === undefined && terms.every((t) => t.coef % 4 === 0);
        const key = printExpr(fromAffine({ terms, c: c - (c % 4) }));
        groups.set(key, (groups.get(key) ?? new Set()).add(c % 4));
      } else if (s.s === 'for') {
        const n = s.unroll ? tripOf(s) : null;
        const inner = new Map(names);
        inner.delete(s.v);
        if (n === null || s.lo.k !== 'const') visit(s.body, inner);
        else for (let i = 0; i < n; i++) visit(s.body, inner.set(s.v, i32(s.lo.value + i * s.step)));
      } else if (s.s === 'single') visit(s.body, names);
      else if (s.s === 'if') {
        visit(s.then, names);
        visit(s.else, names);
      }
    }
  };
  visit(body, new Map());
  return known && [...groups.values()].every((g) => g.size === 4);
}
