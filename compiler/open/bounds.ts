// Upper bounds of index expressions, one for each of some sizes of the batch.

import { type Affine, affine, fromAffine } from '../../ir/kernel/affine.ts';
import { add, type Expr, i32, mul } from '../../ir/kernel/expr.ts';

/**
 * The most that something is, at each of `samplesOf` the bound. It never falls as the batch grows, so it holds for the
 * sizes since the sample before, too.
 */
export type Bound = readonly number[];

/** Sizes of the batch that bounds are known for: all up to 64, then some 64 more. */
export function samplesOf(bound: number): readonly number[] {
  const step = Math.ceil(bound / 64);
  const all = Array.from({ length: Math.min(bound, 64) }, (_, i) => i + 1);
  for (let n = 64 + step; n < bound; n += step) all.push(n);
  if (bound > 64) all.push(bound);
  return all;
}

/** What is known of an i32 variable. */
export interface Known {
  /** -Infinity where nothing is known. */
  readonly low: number;
  readonly high: Bound;
}

/** The variables around an expression. */
export class Env {
  readonly samples: readonly number[];
  readonly #known: ReadonlyMap<string, Known>;

  constructor(samples: readonly number[], known: ReadonlyMap<string, Known> = new Map()) {
    this.samples = samples;
    this.#known = known;
  }
  get(name: string): Known | undefined {
    return this.#known.get(name);
  }
  /** The same with another variable; without it where nothing is known of it. */
  with(name: string, low: number | null, high: Bound | null): Env {
    const known = new Map(this.#known);
    if (high) known.set(name, { low: low ?? Number.NEGATIVE_INFINITY, high });
    else known.delete(name);
    return new Env(this.samples, known);
  }
  constant(x: number): Bound {
    return this.samples.map(() => x);
  }
}

const zip = (x: Bound, y: Bound, f: (x: number, y: number) => number): Bound => x.map((v, i) => f(v, y[i]));
/** Both hold. */
export const tighter = (x: Bound, y: Bound): Bound => zip(x, y, Math.min);
/** One of them holds. */
export const wider = (x: Bound, y: Bound): Bound => zip(x, y, Math.max);

/** A line that is nowhere below the bound: `slope * batch + offset`, in whole numbers. */
export function lineAbove(x: Bound, samples: readonly number[]): { slope: number; offset: number } {
  const last = samples.length - 1;
  const slope = last ? Math.max(0, Math.round((x[last] - x[0]) / (samples[last] - samples[0]))) : 0;
  // Each bound holds from the size behind the sample before on.
  const offset = Math.max(...x.map((v, i) => v - slope * (i ? samples[i - 1] + 1 : 1)));
  return { slope, offset: Math.ceil(offset) };
}

/** The most that an expression can be, or null where nothing is known. */
export function upper(e: Expr, env: Env): Bound | null {
  if (e.k === 'const') return env.constant(e.value);
  if (e.k === 'var') return env.get(e.name)?.high ?? null;
  if (e.k === 'sel') return both(upper(e.a, env), upper(e.b, env), wider);
  if (e.k !== 'bin') return null;
  switch (e.op) {
    case 'add':
    case 'sub':
    case 'mul':
      return ofSum(e, env);
    case 'and':
      // A mask of leading ones rounds down.
      return e.b.k === 'const' && e.b.value < 0 ? upper(e.a, env) : null;
    case 'div': {
      if (e.b.k !== 'const' || e.b.value <= 0 || (lower(e.a, env) ?? -1) < 0) return null;
      const d = e.b.value;
      return upper(e.a, env)?.map((v) => Math.floor(v / d)) ?? null;
    }
    case 'rem': {
      if (e.b.k !== 'const' || (lower(e.a, env) ?? -1) < 0) return null;
      const most = env.constant(e.b.value - 1);
      const x = upper(e.a, env);
      return x ? tighter(x, most) : most;
    }
    case 'min': {
      const [x, y] = [upper(e.a, env), upper(e.b, env)];
      return x && y ? tighter(x, y) : (x ?? y);
    }
    case 'max':
      return both(upper(e.a, env), upper(e.b, env), wider);
    default:
      return null;
  }
}

/** Like terms cancel first: a range that begins at `lo` ends at `lo + (end - lo)`. */
function ofSum(e: Expr, env: Env): Bound | null {
  const { terms, c } = roundedUp(e);
  let sum = env.constant(c);
  for (const { term, coef } of terms) {
    if (term === e) return null;
    const x = coef < 0 ? lower(term, env) : upper(term, env);
    if (x === null) return null;
    const most = typeof x === 'number' ? env.constant(x) : x;
    sum = zip(sum, most, (p, q) => p + coef * q);
  }
  return sum;
}

/** The affine form of something that is not less: numbers that are rounded down are taken as they were before. */
function roundedUp(e: Expr): Affine {
  const form = affine(e);
  const rounded = form.terms.find(
    ({ term, coef }) => coef > 0 && term.k === 'bin' && term.op === 'and' && term.b.k === 'const' && term.b.value < 0,
  );
  if (rounded?.term.k !== 'bin') return form;
  const others = fromAffine({ terms: form.terms.filter((t) => t !== rounded), c: form.c });
  return roundedUp(add(others, mul(rounded.term.a, i32(rounded.coef))));
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
