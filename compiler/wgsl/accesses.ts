// Which buffers statements read and write.

import { children, type Expr } from '../../ir/kernel/expr.ts';
import { forEachExpr, type Stmt } from '../../ir/kernel/kernel.ts';

export interface Access {
  readonly reads: Set<string>;
  readonly writes: Set<string>;
}

export function accessesOf(body: readonly Stmt[]): Access {
  const reads = new Set<string>();
  const writes = new Set<string>();
  const seen = new Set<Expr>();
  const visit = (e: Expr): void => {
    if (seen.has(e)) return;
    seen.add(e);
    if (e.k === 'load') reads.add(e.buf);
    for (const c of children(e)) visit(c);
  };
  forEachExpr(body, (e, s) => {
    if (s.s === 'store') writes.add(s.buf);
    visit(e);
  });
  return { reads, writes };
}

/** Is something combined with memory in one piece? */
export const hasAtomics = (body: readonly Stmt[]): boolean => {
  let found = false;
  forEachExpr(body, (_, s) => {
    found ||= s.s === 'store' && s.atomic !== undefined;
  });
  return found;
};

/** Do the statements store nothing that they read, and call for no order among themselves? */
export function pure(body: readonly Stmt[]): boolean {
  const { reads, writes } = accessesOf(body);
  if ([...writes].some((n) => reads.has(n))) return false;
  return body.every(
    (s) => s.s === 'store' || s.s === 'tileset' || s.s === 'set' || (s.s === 'for' && !!s.unroll && pure(s.body)),
  );
}

/** Accesses since the last barrier, of buffers that several invocations work on. */
export class Pending {
  #reads = new Set<string>();
  #writes = new Set<string>();
  readonly #watched: ReadonlySet<string>;

  constructor(watched: ReadonlySet<string>) {
    this.#watched = watched;
  }

  /** Must a barrier stand before these accesses? */
  conflicts(a: Access): boolean {
    const meets = (x: ReadonlySet<string>, y: ReadonlySet<string>) =>
      [...x].some((n) => y.has(n) && this.#watched.has(n));
    return meets(a.reads, this.#writes) || meets(a.writes, this.#writes) || meets(a.writes, this.#reads);
  }
  add(a: Access): void {
    for (const n of a.reads) this.#reads.add(n);
    for (const n of a.writes) this.#writes.add(n);
  }
  copy(): Pending {
    const other = new Pending(this.#watched);
    other.join(this);
    return other;
  }
  /** What may be under way where either of two ways led here. */
  join(other: Pending): void {
    for (const n of other.#reads) this.#reads.add(n);
    for (const n of other.#writes) this.#writes.add(n);
  }
  clear(): void {
    this.#reads.clear();
    this.#writes.clear();
  }
}
