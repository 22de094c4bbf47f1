// Integer index arithmetic: affine forms with opaque terms, and division and remainder simplified by
// the ranges of loop variables. This is what makes view folding free: a reshape of a reshape comes
// out as the plain index.

import { add, bin, children, type Expr, exprEq, i32, mul } from './expr.ts';

/** sum of coef * term + c; terms are variables or opaque i32 expressions. */
export interface Affine {
  readonly terms: readonly { readonly term: Expr; readonly coef: number }[];
  readonly c: number;
}

const sortKey = (e: Expr): string => (e.k === 'var' ? e.name : e.k);

function addTerm(out: { term: Expr; coef: number }[], term: Expr, coef: number): void {
  if (coef === 0) return;
  const at = out.findIndex((t) => exprEq(t.term, term));
  if (at < 0) out.push({ term, coef });
  else {
    out[at].coef += coef;
    if (out[at].coef === 0) out.splice(at, 1);
  }
}

/** Decomposes an i32 expression. */
export function affine(e: Expr): Affine {
  const terms: { term: Expr; coef: number }[] = [];
  let c = 0;
  const go = (x: Expr, k: number): void => {
    if (x.k === 'const') c += k * x.value;
    else if (x.k === 'bin' && x.op === 'add') {
      go(x.a, k);
      go(x.b, k);
    } else if (x.k === 'bin' && x.op === 'sub') {
      go(x.a, k);
      go(x.b, -k);
    } else if (x.k === 'bin' && x.op === 'mul' && x.b.k === 'const') go(x.a, k * x.b.value);
    else addTerm(terms, x, k);
  };
  go(e, 1);
  return { terms, c };
}

/** The expression of an affine form, in a canonical order. */
export function fromAffine(a: Affine): Expr {
  const sorted = a.terms.slice().sort((x, y) => (sortKey(x.term) < sortKey(y.term) ? -1 : 1));
  let e: Expr | undefined;
  for (const { term, coef } of sorted) {
    const t = mul(term, i32(coef));
    e = e ? add(e, t) : t;
  }
  return e ? add(e, i32(a.c)) : i32(a.c);
}

/** Inclusive bounds of each variable. */
export type Ranges = ReadonlyMap<string, readonly [number, number]>;

/** Bounds of an index expression, or null where unknown. */
export function rangeOf(e: Expr, r: Ranges): readonly [number, number] | null {
  switch (e.k) {
    case 'const':
      return [e.value, e.value];
    case 'var':
      return r.get(e.name) ?? null;
    case 'bin': {
      const a = rangeOf(e.a, r);
      if (e.op === 'rem' && e.b.k === 'const' && a && a[0] >= 0) return [0, Math.min(a[1], e.b.value - 1)];
      const b = rangeOf(e.b, r);
      if (!a || !b) return null;
      if (e.op === 'add') return [a[0] + b[0], a[1] + b[1]];
      if (e.op === 'sub') return [a[0] - b[1], a[1] - b[0]];
      if (e.op === 'min') return [Math.min(a[0], b[0]), Math.min(a[1], b[1])];
      if (e.op === 'max') return [Math.max(a[0], b[0]), Math.max(a[1], b[1])];
      if (e.op === 'mul') {
        const p = [a[0] * b[0], a[0] * b[1], a[1] * b[0], a[1] * b[1]];
        return [Math.min(...p), Math.max(...p)];
      }
      if (e.op === 'div' && e.b.k === 'const' && e.b.value > 0 && a[0] >= 0)
        return [Math.floor(a[0] / e.b.value), Math.floor(a[1] / e.b.value)];
      return null;
    }
    default:
      return null;
  }
}

/** Splits e = d * q + r by divisibility of coefficients; r is known to lie in [0, d) or null is given. */
function split(e: Expr, d: number, r: Ranges): { q: Expr; rem: Expr } | null {
  const a = affine(e);
  const q = { terms: [] as { term: Expr; coef: number }[], c: Math.floor(a.c / d) };
  const rem = { terms: [] as { term: Expr; coef: number }[], c: a.c - Math.floor(a.c / d) * d };
  for (const t of a.terms) {
    const qc = Math.floor(t.coef / d);
    // 5*i over 3 splits as 1*i and 2*i, which seldom helps: only whole multiples move.
    if (t.coef % d === 0) q.terms.push({ term: t.term, coef: qc });
    else rem.terms.push(t);
  }
  const re = fromAffine(rem);
  const range = rangeOf(re, r);
  if (!range || range[0] < 0 || range[1] >= d) return null;
  return { q: fromAffine(q), rem: re };
}

/** Floor of e / d for e >= 0, d > 0. */
export function idiv(e: Expr, d: number, r: Ranges): Expr {
  if (d === 1) return e;
  const s = split(e, d, r);
  if (s) return s.q;
  // (x / a) / b = x / (a b) for x >= 0
  if (e.k === 'bin' && e.op === 'div' && e.b.k === 'const') return idiv(e.a, e.b.value * d, r);
  const t = pull(e, d, r);
  return t ? add(t.q, bin('div', t.rem, i32(d))) : bin('div', e, i32(d));
}

/** e modulo d for e >= 0, d > 0. */
export function imod(e: Expr, d: number, r: Ranges): Expr {
  if (d === 1) return i32(0);
  const s = split(e, d, r);
  if (s) return s.rem;
  const t = pull(e, d, r);
  return bin('rem', t ? t.rem : e, i32(d));
}

/** Takes whole multiples of d out where the rest stays non-negative. */
function pull(e: Expr, d: number, r: Ranges): { q: Expr; rem: Expr } | null {
  const a = affine(e);
  const whole = a.terms.filter((t) => t.coef % d === 0);
  if (whole.length === 0) return null;
  const rem = fromAffine({ terms: a.terms.filter((t) => t.coef % d !== 0), c: a.c });
  const range = rangeOf(rem, r);
  if (!range || range[0] < 0) return null;
  return { q: fromAffine({ terms: whole.map((t) => ({ term: t.term, coef: t.coef / d })), c: 0 }), rem };
}

/** Normal form: like terms merged, and d*(x/d) + x%d put together again. */
export function simplify(e: Expr): Expr {
  const a = affine(e);
  const terms = a.terms.map((t) => ({ ...t }));
  for (let changed = true; changed; ) {
    changed = false;
    for (const m of terms) {
      const t = m.term;
      if (t.k !== 'bin' || t.op !== 'rem' || t.b.k !== 'const') continue;
      const d = t.b.value;
      const partner = terms.find((o) => o.coef === m.coef * d && isQuotient(o.term, t.a, d));
      if (!partner) continue;
      terms.splice(terms.indexOf(m), 1);
      terms.splice(terms.indexOf(partner), 1);
      const inner = affine(t.a);
      for (const x of inner.terms) addTerm(terms, x.term, x.coef * m.coef);
      return simplify(fromAffine({ terms, c: a.c + inner.c * m.coef }));
    }
  }
  return fromAffine({ terms, c: a.c });
}

/** Is e the quotient x / d? (y / a) / d is written as y / (a d). */
function isQuotient(e: Expr, x: Expr, d: number): boolean {
  if (e.k !== 'bin' || e.op !== 'div' || e.b.k !== 'const') return false;
  if (e.b.value === d && exprEq(e.a, x)) return true;
  return x.k === 'bin' && x.op === 'div' && x.b.k === 'const' && e.b.value === x.b.value * d && exprEq(e.a, x.a);
}

/** Row-major flat index. */
export function linearize(idx: readonly Expr[], shape: readonly number[]): Expr {
  let e: Expr = i32(0);
  let stride = 1;
  const parts: Expr[] = [];
  for (let d = shape.length - 1; d >= 0; d--) {
    if (shape[d] !== 1) parts.push(mul(idx[d], i32(stride)));
    stride *= shape[d];
  }
  for (const p of parts.reverse()) e = add(e, p);
  return simplify(e);
}

/** The multi-index of a flat index. */
export function delinearize(flat: Expr, shape: readonly number[], r: Ranges): Expr[] {
  const out = new Array<Expr>(shape.length);
  let rest = flat;
  for (let d = shape.length - 1; d >= 0; d--) {
    if (shape[d] === 1) out[d] = i32(0);
    else if (shape.slice(0, d).every((x) => x === 1)) {
      out[d] = rest;
      rest = i32(0);
    } else {
      out[d] = imod(rest, shape[d], r);
      rest = idiv(rest, shape[d], r);
    }
  }
  return out;
}

/** Coefficient of a variable in an index, or null where the index is not affine in it. */
export function strideIn(e: Expr, v: string): number | null {
  const a = affine(e);
  let coef = 0;
  for (const t of a.terms) {
    if (t.term.k === 'var' && t.term.name === v) coef += t.coef;
    else if (dependsOn(t.term, v)) return null;
  }
  return coef;
}

export function dependsOn(e: Expr, v: string): boolean {
  if (e.k === 'var') return e.name === v;
  return children(e).some((x) => dependsOn(x, v));
}

/** The largest constant by which the variable is divided somewhere in the index. */
export function divisorOf(e: Expr, v: string): number | null {
  let best: number | null = null;
  const visit = (x: Expr): void => {
    if (x.k === 'bin' && (x.op === 'div' || x.op === 'rem') && x.b.k === 'const' && x.a.k === 'var' && x.a.name === v)
      best = Math.max(best ?? 0, x.b.value);
    for (const c of children(x)) visit(c);
  };
  visit(e);
  return best;
}
