// Float64 building blocks: bits and exponents, and sums and products in two doubles (Dekker 1971, Knuth
// TAOCP 2, 4.2.2). No fused multiply-add: every engine gives the same bits.

import { add, bin, cast, double, type Expr, konst, mul, sel, sub, un, word } from './expr.ts';

export const f64 = (value: number): Expr => konst('f64', value);
export const i = (value: number): Expr => konst('i32', value | 0);
export const lt = (a: Expr, b: Expr): Expr => bin('lt', a, b);
export const div = (a: Expr, b: Expr): Expr => bin('div', a, b);
export const nan = f64(Number.NaN);
export const inf = f64(Number.POSITIVE_INFINITY);

/** c[0] + c[1] x + c[2] x^2 + … by Horner's rule. */
export function poly(x: Expr, c: readonly number[]): Expr {
  let r: Expr = f64(c[c.length - 1]);
  for (let k = c.length - 2; k >= 0; k--) r = add(mul(r, x), f64(c[k]));
  return r;
}

/** 2^n for an integer n from -1022 to 1023. */
const pow2 = (n: Expr): Expr => double(bin('shl', add(n, i(1023)), i(20)), i(0));
/** y 2^n for an integer n from -2044 to 2046, in two steps, so that overflow and denormals come out right. */
export function scale(y: Expr, n: Expr): Expr {
  const half = bin('shr', n, i(1));
  return mul(mul(y, pow2(half)), pow2(sub(n, half)));
}
export const exactPow2 = pow2;

/** Magnitude of the one and sign of the other. */
export const copySign = (mag: Expr, sign: Expr): Expr =>
  double(
    bin('or', bin('and', word('hi', mag), i(0x7fffffff)), bin('and', word('hi', sign), i(0x80000000))),
    word('lo', mag),
  );
/** The sign bit is set (of -0 too). */
export const isNegative = (x: Expr): Expr => lt(word('hi', x), i(0));

/** Nearest integer, as double and as i32. */
export function nearest(x: Expr): { n: Expr; i: Expr } {
  const n = un('nearest', x);
  return { n, i: cast('i32', n) };
}

/** Mantissa in [sqrt(1/2), sqrt(2)) and exponent of a positive double (denormals included). */
export function frexp(x: Expr): { m: Expr; e: Expr } {
  const tiny = lt(x, f64(2 ** -1022));
  const y = sel(tiny, mul(x, f64(2 ** 54)), x);
  // Adding the distance of sqrt(1/2) below 1 to the bit pattern moves the mantissa's cut there.
  const h = add(word('hi', y), i(0x3ff00000 - 0x3fe6a09e));
  const e = sub(sub(bin('shr', h, i(20)), i(1023)), sel(tiny, i(54), i(0)));
  return { m: double(add(bin('and', h, i(0x000fffff)), i(0x3fe6a09e)), word('lo', y)), e: cast('f64', e) };
}

/** A number as the unevaluated sum of two doubles. */
export interface Pair {
  readonly h: Expr;
  readonly l: Expr;
}
/** a + b exactly, |a| >= |b| or a = 0. */
export function fastTwoSum(a: Expr, b: Expr): Pair {
  const h = add(a, b);
  return { h, l: sub(b, sub(h, a)) };
}
/** a + b exactly. */
export function twoSum(a: Expr, b: Expr): Pair {
  const h = add(a, b);
  const t = sub(h, a);
  return { h, l: add(sub(a, sub(h, t)), sub(b, t)) };
}
/** The upper 26 bits: products of two such are exact. */
export const upper = (x: Expr): Expr => double(word('hi', x), bin('and', word('lo', x), i(0xf8000000)));
/** a * b, to 2^-104 of it. */
export function twoProduct(a: Expr, b: Expr): Pair {
  const h = mul(a, b);
  const [ah, bh] = [upper(a), upper(b)];
  const [al, bl] = [sub(a, ah), sub(b, bh)];
  return { h, l: add(add(add(sub(mul(ah, bh), h), mul(ah, bl)), mul(al, bh)), mul(al, bl)) };
}
export function pairProduct(a: Pair, b: Pair): Pair {
  const p = twoProduct(a.h, b.h);
  return fastTwoSum(p.h, add(p.l, add(mul(a.h, b.l), mul(a.l, b.h))));
}
export function pairSum(a: Pair, b: Pair): Pair {
  const s = twoSum(a.h, b.h);
  return fastTwoSum(s.h, add(s.l, add(a.l, b.l)));
}
/** a / b: the quotient of the leading parts, corrected by the remainder. */
export function pairQuotient(a: Pair, b: Pair): Pair {
  const q = div(a.h, b.h);
  const p = twoProduct(q, b.h);
  const rest = add(sub(sub(a.h, p.h), p.l), sub(a.l, mul(q, b.l)));
  return fastTwoSum(q, div(rest, b.h));
}
export const single = (h: Expr): Pair => ({ h, l: f64(0) });
export const pair = (h: number, l: number): Pair => ({ h: f64(h), l: f64(l) });
