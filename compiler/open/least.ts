// Lower bounds of index expressions in the body of a loop, as forms of the loop's variable.

import { affine } from '../../ir/kernel/affine.ts';
import { type Expr, variable } from '../../ir/kernel/expr.ts';
import { type Env, lower } from './bounds.ts';

/** At least `c * v + outer + b`, where v is the loop's variable and `outer` are variables from around the loop. */
export interface Least {
  readonly c: number;
  readonly outer: readonly { readonly term: Expr; readonly coef: number }[];
  readonly b: number;
}

const constant = (b: number): Least => ({ c: 0, outer: [], b });

/** What is known of the variables in a loop's body. */
export class LeastEnv {
  readonly v: string;
  /** The variables around the loop. */
  readonly around: Env;
  readonly #own = new Map<string, Least | null>();

  constructor(v: string, around: Env) {
    this.v = v;
    this.around = around;
  }

  /** A variable of the body that is `from`, or begins there and grows. */
  define(name: string, from: Expr): void {
    const least = leastOf(from, this);
    // Of loops that share a name, what holds for both is not looked for.
    this.#own.set(name, this.#own.has(name) && !same(least, this.#own.get(name) ?? null) ? null : least);
  }

  get(name: string): Least | null {
    if (name === this.v) return { c: 1, outer: [], b: 0 };
    const own = this.#own.get(name);
    if (own !== undefined) return own;
    return this.around.get(name) ? { c: 0, outer: [{ term: variable(name), coef: 1 }], b: 0 } : null;
  }
}

const same = (x: Least | null, y: Least | null): boolean => JSON.stringify(x) === JSON.stringify(y);

function plus(x: Least, y: Least): Least {
  const outer = [...x.outer];
  for (const t of y.outer) {
    const at = outer.findIndex((o) => o.term.k === 'var' && t.term.k === 'var' && o.term.name === t.term.name);
    if (at < 0) outer.push(t);
    else outer[at] = { term: t.term, coef: outer[at].coef + t.coef };
  }
  return { c: x.c + y.c, outer: outer.filter((t) => t.coef !== 0), b: x.b + y.b };
}

const times = (x: Least, k: number): Least => ({
  c: x.c * k,
  outer: x.outer.map((t) => ({ term: t.term, coef: t.coef * k })),
  b: x.b * k,
});

/** A form of the loop's variable that the expression is never less than; null where nothing is known. */
export function leastOf(e: Expr, env: LeastEnv): Least | null {
  if (e.k === 'const') return constant(e.value);
  if (e.k === 'var') return env.get(e.name);
  if (e.k !== 'bin') return null;
  switch (e.op) {
    case 'add':
    case 'sub':
    case 'mul':
      return ofSum(e, env);
    case 'div':
      return e.b.k === 'const' && e.b.value > 0 ? ofQuotient(leastOf(e.a, env), e.b.value, env) : null;
    case 'rem': {
      const x = leastOf(e.a, env);
      return x && positive(x, env) ? constant(0) : null;
    }
    case 'max':
      return leastOf(e.a, env) ?? leastOf(e.b, env);
    default:
      return null;
  }
}

function ofSum(e: Expr, env: LeastEnv): Least | null {
  const { terms, c } = affine(e);
  let sum = constant(c);
  for (const { term, coef } of terms) {
    // An upper bound would be needed.
    if (term === e || coef < 0) return null;
    const x = leastOf(term, env);
    if (!x) return null;
    sum = plus(sum, times(x, coef));
  }
  return sum;
}

/** Never negative: then a quotient is rounded down. */
const positive = (x: Least, env: LeastEnv): boolean =>
  x.c >= 0 && x.b >= 0 && x.outer.every((t) => t.coef >= 0 && (lower(t.term, env.around) ?? -1) >= 0);

function ofQuotient(x: Least | null, k: number, env: LeastEnv): Least | null {
  if (!x || !positive(x, env)) return null;
  const whole = [x.c, ...x.outer.map((t) => t.coef)].every((n) => n % k === 0);
  // What is no whole multiple is rounded down by less than one.
  const b = whole ? Math.floor(x.b / k) : (x.b - (k - 1)) / k;
  return { ...times(x, 1 / k), b };
}
