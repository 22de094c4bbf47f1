// Functions of the kernel language: scalar code too long to be written out wherever it is used, such as
// everything in float64. A kernel names them; a code generator emits each that it meets once.

import type { DType } from '../types.ts';
import { gammaAttempt, intBelowAgain } from './distributions.ts';
import { call, cast, children, type Expr, konst, variable } from './expr.ts';
import * as gamma from './gamma64.ts';
import * as m from './math64.ts';
import * as trig from './trig64.ts';

/** A function: its body is an expression over the parameters. */
export interface KernelFunction {
  readonly params: readonly { readonly name: string; readonly ty: DType }[];
  readonly body: Expr;
}

interface Definition {
  readonly params: readonly DType[];
  readonly make: (...args: Expr[]) => Expr;
}

const f64 = (make: Definition['make'], arity = 1): Definition => ({ params: new Array(arity).fill('f64'), make });

/** A float32 function that computes in float64. */
const f32 = (fn: string): Definition => ({
  params: ['f32'],
  make: (x) => cast('f32', call(fn, cast('f64', x))),
});

/** Float64 functions, and what of float32 is computed in float64. */
const definitions = {
  exp: f64(m.exp),
  expm1: f64(m.expm1),
  log: f64(m.log),
  log1p: f64(m.log1p),
  pow: f64(m.pow, 2),
  tanh: f64(m.tanh),
  sinh: f64(m.sinh),
  cosh: f64(m.cosh),
  asinh: f64(m.asinh),
  acosh: f64(m.acosh),
  atanh: f64(m.atanh),
  logistic: f64(m.logistic),
  softplus: f64(m.softplus),
  sin: f64(trig.sin),
  cos: f64(trig.cos),
  tan: f64(trig.tan),
  sin_huge: f64(trig.sinHuge),
  cos_huge: f64(trig.cosHuge),
  tan_huge: f64(trig.tanHuge),
  asin: f64(trig.asin),
  acos: f64(trig.acos),
  atan: f64(trig.atan),
  atan2: f64(trig.atan2, 2),
  erf: f64(gamma.erf),
  erfc: f64(gamma.erfc),
  lgamma: f64(gamma.lgamma),
  digamma: f64(gamma.digamma),
  rem: f64(m.rem, 2),
  rem_positive: f64(m.remPositive, 2),
  rem_f32: {
    params: ['f32', 'f32'],
    make: (x, y) => cast('f32', call('rem', cast('f64', x), cast('f64', y))),
  },
  sin_f32: f32('sin'),
  cos_f32: f32('cos'),
  tan_f32: f32('tan'),
  erfc_f32: f32('erfc'),
  lgamma_f32: f32('lgamma'),
  digamma_f32: f32('digamma'),
  int_below: { params: ['u32', 'u32', 'u32', 'u32', 'u32'], make: intBelowAgain },
  gamma_sample: { params: ['f64', 'u32', 'u32', 'u32', 'u32'], make: gammaAttempt },
  gamma_sample_f32: {
    params: ['f32', 'u32', 'u32', 'u32'],
    make: (alpha, ...key) => cast('f32', call('gamma_sample', cast('f64', alpha), ...key, konst('u32', 1))),
  },
} satisfies Record<string, Definition>;

export type FunctionName = keyof typeof definitions;

const built = new Map<string, KernelFunction>();

/** The function of that name, or undefined. */
export function kernelFunction(name: string): KernelFunction | undefined {
  if (!Object.hasOwn(definitions, name)) return undefined;
  let f = built.get(name);
  if (!f) {
    const d: Definition = definitions[name as FunctionName];
    const params = d.params.map((ty, i) => ({ name: `x${i}`, ty }));
    f = { params, body: d.make(...params.map((p) => variable(p.name, p.ty))) };
    built.set(name, f);
  }
  return f;
}

/** A function's body as text, each shared part once: what compiled code depends on besides the kernels. */
export function functionText(name: string): string {
  const ids = new Map<Expr, number>();
  const lines: string[] = [];
  const visit = (e: Expr): number => {
    const known = ids.get(e);
    if (known !== undefined) return known;
    const parts = children(e).map(visit);
    const own = Object.entries(e).map(([, v]) => (typeof v === 'object' ? '' : Object.is(v, -0) ? '-0' : String(v)));
    lines.push(`${own.join(' ')} ${parts.join()}`);
    ids.set(e, lines.length - 1);
    return lines.length - 1;
  };
  visit((kernelFunction(name) as KernelFunction).body);
  return lines.join('\n');
}

/** Every function that expressions call, directly or through others. */
export function calledFunctions(roots: Iterable<Expr>): Set<string> {
  const out = new Set<string>();
  const seen = new Set<Expr>();
  const visit = (e: Expr): void => {
    if (seen.has(e)) return;
    seen.add(e);
    for (const c of children(e)) visit(c);
    if (e.k !== 'call' || out.has(e.fn)) return;
    out.add(e.fn);
    visit((kernelFunction(e.fn) as KernelFunction).body);
  };
  for (const e of roots) visit(e);
  return out;
}
