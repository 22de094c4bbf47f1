// Kernel IR to the form that WASM code is emitted from: unrolled loops written out, parallel loops cut
// to this thread's chunk, vector loops turned into SIMD steps of four lanes with their remainders.
//
// Values never depend on the number of threads: chunks are multiples of the loop's grain, and a
// remainder shorter than four lanes is one SIMD step of which only the valid lanes are stored.

import { affine, fromAffine } from '../../ir/kernel/affine.ts';
import { add, bin, children, type Expr, i32, konst, mul, sub, variable } from '../../ir/kernel/expr.ts';
import { type For, forEachExpr, nthreads, type ReduceOp, type Stmt, substitute, tid } from '../../ir/kernel/kernel.ts';
import type { DType } from '../../ir/types.ts';

/** Statements that only exist after expansion. */
export type XStmt =
  | Exclude<Stmt, { s: 'for' | 'vec' | 'if' | 'single' }>
  | {
      readonly s: 'for';
      readonly v: string;
      readonly lo: Expr;
      readonly hi: Expr;
      readonly step: number;
      readonly body: readonly XStmt[];
    }
  | {
      readonly s: 'vec';
      readonly v: string;
      readonly at: Expr;
      readonly lanes: number;
      readonly body: readonly XStmt[];
    }
  | { readonly s: 'if'; readonly cond: Expr; readonly then: readonly XStmt[]; readonly else: readonly XStmt[] }
  | { readonly s: 'single'; readonly body: readonly XStmt[] }
  /** A vector accumulator, started at the identity of `op`. */
  | { readonly s: 'vacc'; readonly name: string; readonly ty: DType; readonly op: ReduceOp }
  /** acc = acc op (all lanes of all the vector accumulators). */
  | {
      readonly s: 'hreduce';
      readonly acc: string;
      readonly op: ReduceOp;
      readonly ty: DType;
      readonly from: readonly string[];
    };

export function expand(body: readonly Stmt[]): XStmt[] {
  return new Expander().list(body);
}

const LANES = 4;

class Expander {
  #fresh = 0;

  name(base: string): string {
    return `${base}$${this.#fresh++}`;
  }

  list(body: readonly Stmt[]): XStmt[] {
    return body.flatMap((s) => this.stmt(s));
  }

  stmt(s: Stmt): XStmt[] {
    switch (s.s) {
      case 'for':
        return this.loop(s);
      case 'vec':
        return [{ ...s, body: this.list(s.body) }];
      case 'if':
        return [{ ...s, then: this.list(s.then), else: this.list(s.else) }];
      case 'single':
        return [{ ...s, body: this.list(s.body) }];
      default:
        return [s];
    }
  }

  loop(s: For): XStmt[] {
    if (s.parallel) return this.parallel(s);
    if (s.vector && vectorizable(s.body)) {
      const n = constExtent(s.lo, s.hi);
      if (!s.limit || n === null) return this.vector(s, s.lo, s.hi, n, s.unroll);
      // Whole steps, but for the end of the loop.
      const steps = bin('and', add(sub(s.limit, s.lo), i32(LANES - 1)), i32(-LANES));
      return this.vector(s, s.lo, add(s.lo, bin('min', i32(n), steps)), null, false, n);
    }
    if (s.unroll) {
      const n = constExtent(s.lo, s.hi);
      if (n === null) throw new Error(`unrolled loop ${s.v} needs constant bounds`);
      const out: XStmt[] = [];
      for (let i = 0; i < n; i += s.step) {
        const at = fromAffine(affine(add(s.lo, i32(i))));
        out.push(...this.list(substitute(s.body, new Map([[s.v, at]]))));
      }
      return out;
    }
    const hi = s.limit ? bin('min', s.hi, s.limit) : s.hi;
    return [{ s: 'for', v: s.v, lo: s.lo, hi, step: s.step, body: this.list(s.body) }];
  }

  parallel(s: For): XStmt[] {
    const grain = s.parallel as number;
    const n = constExtent(s.lo, s.hi);
    const extent = n === null ? sub(s.hi, s.lo) : i32(n);
    const head: XStmt[] = [];
    // Chunks are whole grains, so that SIMD steps are whole wherever a limit cuts.
    let needed = extent;
    if (s.limit) {
      const end = this.name(`${s.v}end`);
      head.push({ s: 'let', name: end, value: bin('min', extent, bin('max', sub(s.limit, s.lo), i32(0))) });
      needed = variable(end);
    }
    const fixed = n !== null && !s.limit;
    const units = fixed ? i32(Math.ceil(n / grain)) : bin('div', add(needed, i32(grain - 1)), i32(grain));
    const edge = (t: Expr) => bin('min', mul(bin('div', mul(units, t), nthreads), i32(grain)), extent);
    const lo = this.name(`${s.v}lo`);
    const hi = this.name(`${s.v}hi`);
    head.push({ s: 'let', name: lo, value: add(s.lo, edge(tid)) });
    head.push({ s: 'let', name: hi, value: add(s.lo, edge(add(tid, i32(1)))) });
    const [l, h] = [variable(lo), variable(hi)];
    if (s.vector && vectorizable(s.body)) return [...head, ...this.vector(s, l, h, null, false, n)];
    return [...head, { s: 'for', v: s.v, lo: l, hi: h, step: s.step, body: this.list(s.body) }];
  }

  /** `total`: constant extent of the whole loop of which lo..hi is a chunk. */
  vector(s: For, lo: Expr, hi: Expr, n: number | null, straight = false, total: number | null = null): XStmt[] {
    const copies = s.copies ?? 1;
    const width = LANES * copies;
    const reduces = outerReductions(s.body);
    const vaccs = new Map<string, { op: ReduceOp; ty: DType; names: string[] }>();
    for (const [acc, r] of reduces)
      vaccs.set(acc, { ...r, names: Array.from({ length: copies }, (_, i) => this.name(`${acc}v${i}`)) });
    const step = (at: Expr, lanes: number, copy = 0): XStmt => {
      const body = this.list(s.body).map((x) => retarget(x, (acc) => vaccs.get(acc)?.names[copy]));
      return { s: 'vec', v: s.v, at, lanes, body };
    };
    const out: XStmt[] = [];
    for (const { names, op, ty } of vaccs.values()) for (const name of names) out.push({ s: 'vacc', name, ty, op });
    const main = this.name(s.v);
    const group = (base: Expr) => Array.from({ length: copies }, (_, c) => step(add(base, i32(c * LANES)), LANES, c));
    const tailLanes = (n ?? total ?? 0) % LANES;

    if (n !== null) {
      const groups = Math.floor(n / width);
      if (straight || groups === 1) for (let g = 0; g < groups; g++) out.push(...group(add(lo, i32(g * width))));
      else if (groups > 0)
        out.push({ s: 'for', v: main, lo, hi: add(lo, i32(groups * width)), step: width, body: group(variable(main)) });
      let at = groups * width;
      for (; at + LANES <= n; at += LANES) out.push(step(add(lo, i32(at)), LANES));
      out.push(...this.horizontal(vaccs));
      if (at < n) {
        if (reduces.size > 0)
          out.push({ s: 'for', v: s.v, lo: add(lo, i32(at)), hi: add(lo, i32(n)), step: 1, body: this.list(s.body) });
        else out.push(step(add(lo, i32(at)), n - at));
      }
      return out;
    }
    const mid = this.name(`${s.v}m`);
    const cut = (w: number, from: Expr) => add(from, bin('and', sub(hi, from), i32(-w)));
    out.push({ s: 'let', name: mid, value: cut(width, lo) });
    out.push({ s: 'for', v: main, lo, hi: variable(mid), step: width, body: group(variable(main)) });
    let from: Expr = variable(mid);
    if (copies > 1) {
      const mid2 = this.name(`${s.v}m`);
      const v2 = this.name(s.v);
      out.push({ s: 'let', name: mid2, value: cut(LANES, from) });
      out.push({ s: 'for', v: v2, lo: from, hi: variable(mid2), step: LANES, body: [step(variable(v2), LANES)] });
      from = variable(mid2);
    }
    out.push(...this.horizontal(vaccs));
    if (total === null || reduces.size > 0)
      out.push({ s: 'for', v: s.v, lo: from, hi, step: 1, body: this.list(s.body) });
    else if (tailLanes > 0) out.push({ s: 'if', cond: bin('lt', from, hi), then: [step(from, tailLanes)], else: [] });
    return out;
  }

  horizontal(vaccs: Map<string, { op: ReduceOp; ty: DType; names: string[] }>): XStmt[] {
    return [...vaccs].map(([acc, { op, ty, names }]) => ({ s: 'hreduce', acc, op, ty, from: names }));
  }
}

/** Constant number of iterations of a loop, or null. */
export function constExtent(lo: Expr, hi: Expr): number | null {
  const d = affine(sub(hi, lo));
  return d.terms.length === 0 ? Math.max(0, d.c) : null;
}

/** float64 has two lanes only and runs as scalar code; so does whatever must not run per lane. */
function vectorizable(body: readonly Stmt[]): boolean {
  let ok = true;
  const seen = new Set<Expr>();
  const visit = (e: Expr): void => {
    if (!ok || seen.has(e)) return;
    seen.add(e);
    if (e.ty === 'f64') ok = false;
    else for (const c of children(e)) visit(c);
  };
  forEachExpr(body, visit);
  return ok;
}

/** Reductions in the body whose accumulator is declared outside of it. */
function outerReductions(body: readonly Stmt[]): Map<string, { op: ReduceOp; ty: DType }> {
  const own = new Set<string>();
  const out = new Map<string, { op: ReduceOp; ty: DType }>();
  const go = (list: readonly Stmt[]) => {
    for (const s of list) {
      if (s.s === 'acc') own.add(s.name);
      else if (s.s === 'reduce' && !own.has(s.acc)) out.set(s.acc, { op: s.op, ty: s.value.ty });
      else if (s.s === 'for' || s.s === 'vec' || s.s === 'single') go(s.body);
      else if (s.s === 'if') {
        go(s.then);
        go(s.else);
      }
    }
  };
  go(body);
  return out;
}

/** Points reductions at the copy's vector accumulator. */
function retarget(x: XStmt, name: (acc: string) => string | undefined): XStmt {
  switch (x.s) {
    case 'reduce': {
      const to = name(x.acc);
      return to ? { ...x, acc: to } : x;
    }
    case 'for':
    case 'vec':
    case 'single':
      return { ...x, body: x.body.map((y) => retarget(y, name)) };
    case 'if':
      return { ...x, then: x.then.map((y) => retarget(y, name)), else: x.else.map((y) => retarget(y, name)) };
    default:
      return x;
  }
}

/** What an accumulator starts at. */
export function identity(op: ReduceOp, ty: DType): Expr {
  const int = ty === 'i32' || ty === 'u32' || ty === 'bool';
  switch (op) {
    case 'add':
    case 'or':
      return konst(ty, 0);
    case 'mul':
      return konst(ty, 1);
    case 'and':
      return konst(ty, ty === 'bool' ? 1 : -1);
    case 'max':
    case 'pmax':
      return konst(ty, int ? (ty === 'i32' ? -2147483648 : 0) : Number.NEGATIVE_INFINITY);
    case 'min':
    case 'pmin':
      return konst(ty, int ? (ty === 'i32' ? 2147483647 : 4294967295) : Number.POSITIVE_INFINITY);
  }
}
