// Elementary functions in float64 as scalar expressions: exponentials, logarithms, powers, hyperbolic
// functions. Errors are measured by test/accuracy against arithmetic of 200 bits (docs/accuracy.md).
//
// Polynomials are the Taylor series of their functions, with as many terms as the reduced range needs;
// what a rounded argument loses is carried in a second double.

import {
  copySign,
  div,
  exactPow2,
  f64,
  fastTwoSum,
  frexp,
  i,
  inf,
  isNegative,
  lt,
  nan,
  nearest,
  type Pair,
  pair,
  pairProduct,
  pairQuotient,
  pairSum,
  poly,
  scale,
  single,
  twoProduct,
  twoSum,
} from './double.ts';
import { add, bin, call, type Expr, konst, mul, rare, sel, sub, un } from './expr.ts';

const LN2_HI = 0.6931471803691238; // 32 bits: its products with exponents are exact
const LN2_LO = 1.9082149292705877e-10;

const factorials = Array.from({ length: 20 }, (_, n) =>
  Array.from({ length: n }, (_, k) => k + 1).reduce((a, b) => a * b, 1),
);
const one = f64(1);
const clamp = (x: Expr, lo: number, hi: number): Expr => bin('pmax', bin('pmin', x, f64(hi)), f64(lo));

/** e^(x + lo) as 2^k (1 + p), |p| below 0.42; x between -1e4 and 1e4, or NaN. */
function expParts(x: Expr, lo: Expr = f64(0)): { p: Expr; k: Expr } {
  const { n, i: k } = nearest(mul(x, f64(Math.LOG2E)));
  const h = sub(x, mul(n, f64(LN2_HI)));
  const l = sub(mul(n, f64(LN2_LO)), lo);
  const r = sub(h, l);
  const lost = sub(sub(h, r), l);
  // e^r = 1 + r + r^2 / 2 + …: beyond r^13 / 13! nothing is left of |r| up to 0.35.
  const q = poly(
    r,
    factorials.slice(2, 14).map((f) => 1 / f),
  );
  return { p: add(r, add(mul(q, mul(r, r)), add(lost, mul(lost, r)))), k };
}

/** e^(x + lo), lo being what x was rounded by. */
export function expOf(x: Expr, lo?: Expr): Expr {
  const { p, k } = expParts(clamp(x, -760, 720), lo);
  return scale(add(one, p), k);
}
export const exp = (x: Expr): Expr => expOf(x);

/** factor e^(x + lo), rounded to a denormal once. */
export function expTimes(x: Expr, lo: Expr, factor: Expr): Expr {
  const { p, k } = expParts(clamp(x, -800, 720), lo);
  return scale(mul(add(one, p), factor), k);
}

/** e^x / 2 for x >= 0, which is finite up to where sinh and cosh are. */
function halfExp(x: Expr): Expr {
  const { p, k } = expParts(bin('pmin', x, f64(720)));
  return scale(add(one, p), sub(k, i(1)));
}

/** e^x - 1 = 2^k (p + (1 - 2^-k)): what is taken off is exact, and nothing where k is 0. */
export function expm1(x: Expr): Expr {
  const { p, k } = expParts(clamp(x, -60, 720));
  const off = sub(one, exactPow2(sub(i(0), bin('min', k, i(128)))));
  return sel(bin('eq', x, f64(0)), x, scale(add(p, off), k));
}

/** 2 / (2 n + 1) from n on: the series of 2 artanh. */
const artanhSeries = (n: number, terms: number): number[] =>
  Array.from({ length: terms }, (_, k) => 2 / (2 * (n + k) + 1));

function logSpecial(x: Expr, r: Expr): Expr {
  const big = sel(bin('eq', x, inf), inf, r);
  const zero = sel(bin('eq', x, f64(0)), f64(Number.NEGATIVE_INFINITY), big);
  return sel(bin('ge', x, f64(0)), zero, nan);
}

/** log(x (1 + lo)) for a tiny lo: log(1 + f) = f - f^2/2 + s (f^2/2 + R(s^2)) with s = f / (2 + f). */
function logWith(x: Expr, lo: Expr): Expr {
  const { m, e } = frexp(x);
  const f = sub(m, one);
  const s = div(f, add(f64(2), f));
  const z = mul(s, s);
  const half = mul(mul(f, f), f64(0.5));
  const R = mul(z, poly(z, artanhSeries(1, 11)));
  const small = add(mul(s, add(half, R)), add(mul(e, f64(LN2_LO)), lo));
  return logSpecial(x, add(mul(e, f64(LN2_HI)), sub(f, sub(half, small))));
}
export const log = (x: Expr): Expr => logWith(x, f64(0));

/** log(1 + x): what the sum 1 + x rounds away is put back relative to it. */
export function log1p(x: Expr): Expr {
  const u = add(x, one);
  const lost = sel(lt(x, one), sub(x, sub(u, one)), sub(one, sub(u, x)));
  const r = sel(bin('eq', u, inf), inf, logWith(u, div(lost, u)));
  return sel(bin('eq', x, f64(0)), x, r);
}

const third = pair(1 / 3, 1.850371707708594e-17);
const fifth = pair(1 / 5, -1.1102230246251566e-17);

/** log x in two doubles, for a positive finite x. */
export function logPair(x: Expr): Pair {
  const { m, e } = frexp(x);
  const s = pairQuotient(single(sub(m, one)), twoSum(m, one));
  const z = pairProduct(s, s);
  const rest = mul(
    z.h,
    poly(
      z.h,
      artanhSeries(3, 9).map((c) => c / 2),
    ),
  );
  // log((1 + s) / (1 - s)) = 2 s (1 + z/3 + z^2/5 + …), the first terms in two doubles.
  const a = pairProduct(z, pairSum(third, pairProduct(z, fastPair(fifth, rest))));
  const t = pairSum(s, pairProduct(s, a));
  const high = twoSum(mul(e, f64(LN2_HI)), add(t.h, t.h));
  return fastTwoSum(high.h, add(high.l, add(add(t.l, t.l), mul(e, f64(LN2_LO)))));
}
const fastPair = (a: Pair, b: Expr): Pair => {
  const s = fastTwoSum(a.h, b);
  return { h: s.h, l: add(s.l, a.l) };
};

/** x^y as e^(y log x), the logarithm and the product in two doubles. */
export function pow(x: Expr, y: Expr): Expr {
  const a = un('abs', x);
  const usual = bin('and', bin('gt', a, f64(0)), lt(a, inf));
  const l = logPair(sel(usual, a, f64(2)));
  // Beyond 1e10 the power is 0, 1 or infinite, unless the logarithm is tiny: then the product decides.
  const p = twoProduct(clamp(y, -1e300, 1e300), l.h);
  const safe = bin('le', un('abs', p.h), f64(2000));
  let v = expOf(p.h, sel(safe, add(p.l, mul(y, l.l)), f64(0)));
  const yInt = bin('eq', y, un('floor', y));
  const yHalf = mul(y, f64(0.5));
  const yOdd = bin('and', yInt, bin('ne', yHalf, un('floor', yHalf)));
  const yNeg = lt(y, f64(0));
  v = sel(bin('eq', a, f64(0)), sel(yNeg, inf, f64(0)), v);
  v = sel(bin('eq', a, inf), sel(yNeg, f64(0), inf), v);
  const yInf = bin('eq', un('abs', y), inf);
  const grows = bin('eq', bin('gt', a, one), bin('gt', y, f64(0)));
  v = sel(yInf, sel(bin('eq', a, one), one, sel(grows, inf, f64(0))), v);
  v = sel(bin('and', isNegative(x), bin('and', yOdd, un('not', yInf))), un('neg', v), v);
  const finiteNeg = bin('and', lt(x, f64(0)), bin('gt', x, f64(Number.NEGATIVE_INFINITY)));
  v = sel(bin('and', finiteNeg, un('not', bin('or', yInt, yInf))), nan, v);
  v = sel(bin('or', bin('ne', x, x), bin('ne', y, y)), nan, v);
  return sel(bin('or', bin('eq', y, f64(0)), bin('eq', x, one)), one, v);
}

/** x + x^3/3! + x^5/5! + … */
function sinhSeries(a: Expr): Expr {
  const z = mul(a, a);
  const c = Array.from({ length: 8 }, (_, k) => 1 / factorials[2 * k + 3]);
  return add(a, mul(mul(z, a), poly(z, c)));
}
export function sinh(x: Expr): Expr {
  const a = un('abs', x);
  const e = halfExp(a);
  return copySign(sel(lt(a, one), sinhSeries(a), sub(e, div(f64(0.25), e))), x);
}
export function cosh(x: Expr): Expr {
  const e = halfExp(un('abs', x));
  return add(e, div(f64(0.25), e));
}
/** tanh x = E / (E + 2) with E = e^2x - 1, and 1 - 2 / (E + 2) where that is closer to 1. */
export function tanh(x: Expr): Expr {
  const a = un('abs', x);
  const E = expm1(add(a, a));
  const d = add(E, f64(2));
  return copySign(sel(lt(a, f64(0.55)), div(E, d), sub(one, div(f64(2), d))), x);
}
export function asinh(x: Expr): Expr {
  const a = un('abs', x);
  const z = mul(a, a);
  const near = log1p(add(a, div(z, add(one, un('sqrt', add(z, one))))));
  return copySign(sel(bin('gt', a, f64(1e9)), add(log(a), f64(Math.LN2)), near), x);
}
export function acosh(x: Expr): Expr {
  const t = sub(x, one);
  const near = log1p(add(t, un('sqrt', add(mul(t, t), add(t, t)))));
  return sel(lt(x, one), nan, sel(bin('gt', x, f64(1e9)), add(log(x), f64(Math.LN2)), near));
}
export function atanh(x: Expr): Expr {
  const a = un('abs', x);
  const twice = add(a, a);
  // 2a / (1 - a) = 2a + 2a a / (1 - a): for small a only the small term is rounded.
  const half = mul(f64(0.5), log1p(add(twice, div(mul(twice, a), sub(one, a)))));
  return copySign(sel(bin('gt', a, one), nan, half), x);
}
/** 1 / (1 + e^-x) without overflow for large negative x. */
export function logistic(x: Expr): Expr {
  const e = exp(un('neg', un('abs', x)));
  return div(sel(lt(x, f64(0)), e, one), add(e, one));
}
/** log(1 + e^x). */
export const softplus = (x: Expr): Expr => add(bin('pmax', x, f64(0)), log1p(exp(un('neg', un('abs', x)))));

/** x - trunc(x / y) y without rounding, for a finite x and a y other than 0: the sign of x. */
export function rem(x: Expr, y: Expr): Expr {
  const r = call('rem_positive', un('abs', x), un('abs', y));
  return sel(bin('lt', x, konst('f64', 0)), un('neg', r), r);
}

/**
 * The remainder of x >= 0 by y > 0, by long division: that of the doubled divisor, less y where y still fits.
 * Every step is exact; it calls itself as often as the quotient has binary digits.
 */
export function remPositive(x: Expr, y: Expr): Expr {
  const fits = bin('le', y, bin('mul', x, konst('f64', 0.5)));
  const r = rare(fits, call('rem_positive', x, bin('add', y, y)), x);
  return sel(bin('ge', r, y), bin('sub', r, y), r);
}
