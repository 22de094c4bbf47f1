// The loops over the columns of a product.

import { add, type Expr, i32, mul, variable } from '../../ir/kernel/expr.ts';
import { loop, type Stmt } from '../../ir/kernel/kernel.ts';

/** Panels taken together: as many as fit the first-level cache's share, if enough groups are left for threads. */
const MAX_ABREAST = 4;
const MAX_ABREAST_BYTES = 64 * 1024;
const MIN_GROUPS = 8;

/**
 * The columns of a product, panel by panel. Neighbouring panels are taken together: row tile by row tile they
 * write whole cache lines, which panels one after the other would fetch and write several times.
 */
export class Columns {
  readonly groups: number;
  readonly #n: number;
  readonly #nr: number;
  readonly #full: number;
  readonly #abreast: number;

  /** Of `n` columns, `full` panels of `nr`; `panelBytes` is the size of one, or 0 where each stands alone. */
  constructor(n: number, nr: number, full: number, panelBytes: number) {
    const most = panelBytes > 0 ? MAX_ABREAST_BYTES / panelBytes : 1;
    this.#n = n;
    this.#nr = nr;
    this.#full = full;
    let abreast = MAX_ABREAST;
    while (abreast > 1 && (abreast > most || Math.floor(full / abreast) < MIN_GROUPS)) abreast /= 2;
    this.#abreast = abreast;
    this.groups = Math.floor(full / abreast);
  }

  /** Loops over groups of panels. `inner` gets what makes the code for each panel of a group. */
  loops(inner: (tiles: (panel: Panel) => Stmt[]) => Stmt[], parallel: boolean): Stmt[] {
    const [nr, abreast] = [this.#nr, this.#abreast];
    const h = variable('h');
    const several = (first: Expr, count: number, f: Panel): Stmt[] =>
      count === 1 ? f(mul(first, i32(nr)), nr, nr) : [loop('h', count, f(mul(add(first, h), i32(nr)), nr, nr))];
    const out: Stmt[] = [];
    if (this.groups > 0) {
      const body = inner((f) => several(mul(variable('p'), i32(abreast)), abreast, f));
      out.push(loop('p', this.groups, body, parallel ? { parallel: 1 } : {}));
    }
    const done = this.groups * abreast;
    const rest = this.#n - this.#full * nr;
    const last: Stmt[] = [];
    if (this.#full > done) last.push(...inner((f) => several(i32(done), this.#full - done, f)));
    if (rest > 0) last.push(...inner((f) => f(i32(this.#full * nr), rest, Math.ceil(rest / 4) * 4)));
    if (last.length > 0) out.push(...(parallel ? [{ s: 'single', body: last } as Stmt] : last));
    return out;
  }
}
/** The code of one panel: its first column, how many are valid, its width. */
type Panel = (n0: Expr, valid: number, width: number) => Stmt[];
