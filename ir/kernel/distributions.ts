// Random numbers of several distributions from Threefry words, as expressions without fused multiply-add:
// every engine, and the evaluator of evaluate.ts, gives the same bits.

import { add, bin, call, cast, type Expr, f32, konst, mapExpr, mul, rare, sel, sub, un } from './expr.ts';
import { log1p as log1pExpr, log as logExpr } from './math.ts';
import { threefryPair } from './threefry.ts';

const u32 = (x: number): Expr => konst('u32', x >>> 0);
const f64 = (x: number): Expr => konst('f64', x);

/** The expression with every fused multiply-add in two roundings. */
function unfused(e: Expr): Expr {
  const memo = new Map<Expr, Expr>();
  const go = (x: Expr): Expr =>
    mapExpr(x, (y) => (y.k === 'fma' ? add(mul(go(y.a), go(y.b)), go(y.c)) : undefined), memo);
  return go(e);
}
const log = (x: Expr): Expr => unfused(logExpr(x));
const log1p = (x: Expr): Expr => unfused(log1pExpr(x));

/** An odd multiple of 2^-24 between -1 and 1, from the top 24 bits. */
const symmetric = (w: Expr): Expr =>
  add(sub(mul(cast('f32', bin('shr', w, u32(8))), f32(2 ** -23)), f32(1)), f32(2 ** -24));

// Single-precision approximation of the inverse error function by M. Giles, "Approximating the erfinv
// function" (2010): polynomials in w = -log(1 - x^2), central and tail, highest power first.
const central = [
  2.81022636e-8, 3.43273939e-7, -3.5233877e-6, -4.39150654e-6, 2.1858087e-4, -1.25372503e-3, -4.17768164e-3,
  2.46640727e-1, 1.50140941,
];
const tail = [
  -2.00214257e-4, 1.00950558e-4, 1.34934322e-3, -3.67342844e-3, 5.73950773e-3, -7.6224613e-3, 9.43887047e-3, 1.00167406,
  2.83297682,
];
function erfInv(x: Expr): Expr {
  // (1 - x)(1 + x) keeps the digits that 1 - x^2 would lose near the ends.
  const w = un('neg', log(mul(sub(f32(1), x), add(x, f32(1)))));
  const far = bin('ge', w, f32(5));
  const v = sel(far, sub(un('sqrt', w), f32(3)), sub(w, f32(2.5)));
  const coefficient = (i: number) => sel(far, f32(tail[i]), f32(central[i]));
  let p = coefficient(0);
  for (let i = 1; i < central.length; i++) p = add(mul(p, v), coefficient(i));
  return mul(p, x);
}

/** Standard normal: the quantile of (k + 1/2) 2^-24, k being the top 24 bits. */
export const normal = (w: Expr): Expr => mul(erfInv(symmetric(w)), f32(Math.SQRT2));

/** erf(sqrt 2): the probability of two deviations. */
const WITHIN_TWO = 0.9544997361036416;
/** Standard normal within two deviations, by the quantile too: nothing is rejected. */
export function truncatedNormal(w: Expr): Expr {
  const z = mul(erfInv(mul(symmetric(w), f32(WITHIN_TWO))), f32(Math.SQRT2));
  return bin('pmax', bin('pmin', z, f32(2)), f32(-2));
}

/** -log(1 - v) for v = (w + 1/2) 2^-32: it resolves small values, which decide between clocks. */
export function exponential(w: Expr): Expr {
  const v = mul(add(cast('f32', w), f32(0.5)), f32(2 ** -32));
  return un('neg', log1p(un('neg', bin('pmin', v, f32(1 - 2 ** -24)))));
}
/** -log of an exponential number. */
export const gumbel = (w: Expr): Expr => un('neg', log(exponential(w)));

/** Integers below n, equally likely: words of the incomplete last run of n are drawn again. */
function tryBelow(n: Expr, k0: Expr, k1: Expr, counter: Expr, attempt: Expr): Expr {
  const w = threefryPair(k0, k1, counter, attempt)[0];
  const r = bin('rem', w, n);
  const start = sub(w, r);
  const incomplete = bin('lt', add(start, sub(n, u32(1))), start);
  return rare(incomplete, call('int_below', n, k0, k1, counter, add(attempt, u32(1))), r);
}
/** The function that draws again. */
export const intBelowAgain = tryBelow;
/** The first try; a bound of 0 gives 0. */
export const intBelow = (n: Expr, k0: Expr, k1: Expr, counter: Expr): Expr =>
  tryBelow(bin('max', n, u32(1)), k0, k1, counter, u32(0));

/** A number in (0, 1) from the top 24 bits. */
const openUnit = (w: Expr): Expr => mul(add(cast('f64', bin('shr', w, u32(8))), f64(0.5)), f64(2 ** -24));

/**
 * One attempt at a gamma variate of shape `alpha` and scale 1, in float64, and where it is rejected (at most one
 * in twenty) the next. Marsaglia, Tsang, "A simple method for generating gamma variables" (2000); shapes below 1
 * by gamma(alpha + 1) u^(1 / alpha). NaN for a shape that is not positive and finite.
 */
export function gammaAttempt(alpha: Expr, k0: Expr, k1: Expr, counter: Expr, attempt: Expr): Expr {
  const small = bin('lt', alpha, f64(1));
  const d = sub(sel(small, add(alpha, f64(1)), alpha), f64(1 / 3));
  const [w0, w1] = threefryPair(k0, k1, counter, attempt);
  const x = cast('f64', normal(w0));
  const c = bin('div', f64(1 / 3), un('sqrt', d));
  const root = add(f64(1), mul(c, x));
  const v = mul(mul(root, root), root);
  const limit = add(mul(mul(x, x), f64(0.5)), mul(d, add(sub(f64(1), v), call('log', v))));
  const accepted = bin('and', bin('gt', root, f64(0)), bin('lt', call('log', openUnit(w1)), limit));
  const valid = bin('and', bin('gt', alpha, f64(0)), bin('lt', alpha, f64(Number.POSITIVE_INFINITY)));
  // The word for u^(1 / alpha) is one that no attempt takes.
  const u = openUnit(threefryPair(k0, k1, counter, u32(0xffffffff))[0]);
  const factor = sel(small, call('exp', bin('div', call('log', u), alpha)), f64(1));
  const value = sel(valid, mul(mul(d, v), factor), f64(Number.NaN));
  const again = bin('and', valid, un('not', accepted));
  return rare(again, call('gamma_sample', alpha, k0, k1, counter, add(attempt, u32(1))), value);
}
/** Attempts count from 1: the words of attempt 0 are those of `rng_bits`. */
export const gamma = (alpha: Expr, k0: Expr, k1: Expr, counter: Expr): Expr =>
  alpha.ty === 'f64'
    ? call('gamma_sample', alpha, k0, k1, counter, u32(1))
    : call('gamma_sample_f32', alpha, k0, k1, counter);
