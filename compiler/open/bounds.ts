// Upper bounds of index expressions as laws of the batch: an index is at most `a * batch + b`.

import type { Expr } from '../../ir/kernel/expr.ts';

/** At most `a * batch + b`, for every size of the batch. */
export interface Bound {
  readonly a: number;
  readonly b: number;
}

/** What is known of an i32 variable. */
export interface Known {
  readonly low: number;
  readonly high: Bound;
}
export type Env = ReadonlyMap<string, Known>;

const constant = (b: number): Bound => ({ a: 0, b });
const atOne = (x: Bound): number => x.a + x.b;

/** Both hold: the one that says more about small batches. */
export const tighter = (x: Bound, y: Bound): Bound => (atOne(x) <= atOne(y) ? x : y);
/** One of them holds. */
export const wider = (x: Bound, y: Bound): Bound => ({ a: Math.max(x.a, y.a), b: Math.max(x.b, y.b) });

/** The most that an expression can be, or null where nothing is known. */
export function upper(e: Expr, env: Env): Bound | null {
  if (e.k === 'const') return constant(e.value);
  if (e.k === 'var') return env.get(e.name)?.high ?? null;
  if (e.k === 'sel') return both(upper(e.a, env), upper(e.b, env), wider);
  if (e.k !== 'bin') return null;
  const x = upper(e.a, env);
  switch (e.op) {
    case 'add':
      return both(x, upper(e.b, env), (p, q) => ({ a: p.a + q.a, b: p.b + q.b }));
    case 'sub': {
      const y = lower(e.b, env);
      return x && y !== null ? { a: x.a, b: x.b - y } : null;
    }
    case 'mul':
      return e.b.k === 'const' ? times(e.a, e.b.value, env) : null;
    case 'div':
      return x && e.b.k === 'const' && e.b.value > 0 && (lower(e.a, env) ?? -1) >= 0
        ? { a: x.a / e.b.value, b: x.b / e.b.value }
        : null;
    case 'rem': {
      if (e.b.k !== 'const' || (lower(e.a, env) ?? -1) < 0) return null;
      const most = constant(e.b.value - 1);
      return x ? tighter(x, most) : most;
    }
    case 'min': {
      const y = upper(e.b, env);
      return x && y ? tighter(x, y) : (x ?? y);
    }
    case 'max':
      return both(x, upper(e.b, env), wider);
    default:
      return null;
  }
}

function times(e: Expr, k: number, env: Env): Bound | null {
  if (k < 0) {
    const low = lower(e, env);
    return low === null ? null : constant(k * low);
  }
  const x = upper(e, env);
  return x && { a: x.a * k, b: x.b * k };
}

/** The least that an expression can be, or null where nothing is known. */
export function lower(e: Expr, env: Env): number | null {
  if (e.k === 'const') return e.value;
  if (e.k === 'var') return env.get(e.name)?.low ?? null;
  if (e.k === 'sel') return both(lower(e.a, env), lower(e.b, env), Math.min);
  if (e.k !== 'bin') return null;
  const x = lower(e.a, env);
  switch (e.op) {
    case 'add':
      return both(x, lower(e.b, env), (p, q) => p + q);
    case 'mul':
      return e.b.k === 'const' && e.b.value >= 0 && x !== null ? x * e.b.value : null;
    case 'div':
      return e.b.k === 'const' && e.b.value > 0 && x !== null && x >= 0 ? Math.floor(x / e.b.value) : null;
    case 'rem':
      return x !== null && x >= 0 ? 0 : null;
    case 'min':
      return both(x, lower(e.b, env), Math.min);
    case 'max': {
      const y = lower(e.b, env);
      return x !== null && y !== null ? Math.max(x, y) : (x ?? y);
    }
    default:
      return null;
  }
}

function both<T, R>(x: T | null, y: T | null, f: (x: T, y: T) => R): R | null {
  return x === null || y === null ? null : f(x, y);
}
