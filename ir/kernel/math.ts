// Elementary functions as scalar expressions, so that the scalar, SIMD and GPU code generators all
// lower one definition. Everything is branch-free (selects), hence vectorises. Errors are measured
// over the whole range by test/accuracy (table in docs/accuracy.md). float32 only.
//
// Range reductions and the log, atan and tanh polynomials follow S. Moshier, Cephes (single
// precision); erf is our own minimax fit (Lawson iteration on erf(x)/x and on -log erfc).

import { add, bin, bits, cast, type Expr, f32, fma, konst, mul, sel, sub, un } from './expr.ts';

const i = (v: number) => konst('i32', v | 0);
const lt = (a: Expr, b: Expr) => bin('lt', a, b);
const nan = f32(Number.NaN);
const inf = f32(Number.POSITIVE_INFINITY);

/** c[0] + c[1] x + c[2] x^2 + … by Horner's rule. */
function poly(x: Expr, c: readonly number[]): Expr {
  let r: Expr = f32(c[c.length - 1]);
  for (let k = c.length - 2; k >= 0; k--) r = fma(r, x, f32(c[k]));
  return r;
}

/**
 * Rounding to the nearest integer by a float addition: the sum's low bits are the integer, so neither
 * a rounding nor a conversion instruction is needed. For |x| below 2^22.
 */
const MAGIC = f32(12582912);
function nearest(x: Expr): { n: Expr; i: Expr } {
  const t = add(x, MAGIC);
  return { n: sub(t, MAGIC), i: sub(bits('i32', t), bits('i32', MAGIC)) };
}
const ONE_BITS = 0x3f800000;
/** y * 2^n for an integer n from -252 to 254, in two steps, so that overflow and denormals come out right. */
function scale(y: Expr, n: Expr): Expr {
  const half = bin('shr', n, i(1));
  const pow2 = (e: Expr) => bits('f32', add(bin('shl', e, i(23)), i(ONE_BITS)));
  return mul(mul(y, pow2(half)), pow2(sub(n, half)));
}

const LOG2E = 1.4426950408889634;
const LN2_HI = 0.693359375;
const LN2_LO = -2.12194440054690581e-4;

export function exp(x: Expr): Expr {
  // pmin/pmax keep a NaN that stands first.
  const c = bin('pmax', bin('pmin', x, f32(89)), f32(-104));
  const { n, i: k } = nearest(mul(c, f32(LOG2E)));
  let r = fma(n, f32(-LN2_HI), c);
  r = fma(n, f32(-LN2_LO), r);
  const p = poly(
    r,
    [5.0000001201e-1, 1.6666665459e-1, 4.1665795894e-2, 8.3334519073e-3, 1.3981999507e-3, 1.98756915e-4],
  );
  return scale(add(fma(p, mul(r, r), r), f32(1)), k);
}

/** Mantissa in [sqrt(1/2), sqrt(2)) minus 1, and exponent, of a positive float (denormals included). */
function frexp(x: Expr): { m1: Expr; e: Expr } {
  const tiny = lt(x, f32(1.17549435e-38));
  const scaled = sel(tiny, mul(x, f32(33554432)), x);
  // Adding the distance of sqrt(1/2) below 1 to the bit pattern moves the mantissa's cut there.
  const ix = add(bits('i32', scaled), i(0x3f800000 - 0x3f3504f3));
  const e = sub(cast('f32', sub(bin('shr', ix, i(23)), i(127))), sel(tiny, f32(25), f32(0)));
  const m = bits('f32', add(bin('and', ix, i(0x007fffff)), i(0x3f3504f3)));
  return { m1: sub(m, f32(1)), e };
}

const LOG_POLY = [
  3.3333331174e-1, -2.4999993993e-1, 2.0000714765e-1, -1.6668057665e-1, 1.4249322787e-1, -1.2420140846e-1,
  1.167699874e-1, -1.151461031e-1, 7.0376836292e-2,
];

function logSpecial(x: Expr, r: Expr): Expr {
  const big = sel(bin('eq', x, inf), inf, r);
  const zero = sel(bin('eq', x, f32(0)), f32(Number.NEGATIVE_INFINITY), big);
  return sel(bin('ge', x, f32(0)), zero, nan);
}

export function log(x: Expr): Expr {
  const { m1, e } = frexp(x);
  const z = mul(m1, m1);
  let y = mul(mul(poly(m1, LOG_POLY), m1), z);
  y = fma(e, f32(LN2_LO), y);
  y = fma(z, f32(-0.5), y);
  return logSpecial(x, fma(e, f32(LN2_HI), add(m1, y)));
}

/** log(1 + x): the rounding of 1 + x is divided out again. */
export function log1p(x: Expr): Expr {
  const u = add(x, f32(1));
  const d = sub(u, f32(1));
  const r = sel(bin('eq', d, f32(0)), x, mul(log(u), bin('div', x, d)));
  return sel(bin('eq', u, inf), inf, r);
}

/** e^x - 1, by the same device (W. Kahan). */
export function expm1(x: Expr): Expr {
  const small = poly(x, [0.5, 1 / 6, 1 / 24, 1 / 120, 1 / 720, 1 / 5040]);
  const near = fma(mul(x, x), small, x);
  return sel(lt(un('abs', x), f32(0.5)), near, sub(exp(x), f32(1)));
}

const copySign = (mag: Expr, sign: Expr): Expr =>
  bits('f32', bin('or', bin('and', bits('i32', mag), i(0x7fffffff)), bin('and', bits('i32', sign), i(0x80000000))));

export function tanh(x: Expr): Expr {
  const a = un('abs', x);
  const z = mul(x, x);
  const p = poly(z, [-3.33332819422e-1, 1.33314422036e-1, -5.37397155531e-2, 2.06390887954e-2, -5.70498872745e-3]);
  const near = fma(mul(p, z), x, x);
  const far = sub(f32(1), bin('div', f32(2), add(exp(add(a, a)), f32(1))));
  return sel(lt(a, f32(0.625)), near, copySign(far, x));
}

export function erf(x: Expr): Expr {
  const t = un('abs', x);
  const s = mul(x, x);
  const near = fma(
    poly(s, [0.12837914241, -0.37612446154, 0.11281322019, -0.02674889752, 0.00496754326, -0.00058622276]),
    x,
    x,
  );
  const c = bin('pmin', t, f32(4));
  const p = mul(
    c,
    poly(c, [1.12864193916, 0.63517729425, 0.10619497899, -0.02372690018, 0.0036262703, -0.00031892798, 0.00001085433]),
  );
  const far = copySign(sub(f32(1), exp(un('neg', p))), x);
  return sel(lt(t, f32(0.92)), near, far);
}

/** 1 / (1 + e^-x) without overflow for large negative x. */
export function logistic(x: Expr): Expr {
  const e = exp(un('neg', un('abs', x)));
  const d = add(e, f32(1));
  return bin('div', sel(lt(x, f32(0)), e, f32(1)), d);
}

/** log(1 + e^x). */
export function softplus(x: Expr): Expr {
  return add(bin('pmax', x, f32(0)), log1p(exp(un('neg', un('abs', x)))));
}

/** Reduction to [-pi/4, pi/4] with the quadrant; three-part pi/2 (exact to |x| about 1e4). */
function reducePi(x: Expr): { r: Expr; q: Expr } {
  const { n, i: q } = nearest(mul(x, f32(0.6366197723675814)));
  let r = fma(n, f32(-1.5703125), x);
  r = fma(n, f32(-4.83751296997070312e-4), r);
  r = fma(n, f32(-7.54953362047672e-8), r);
  r = fma(n, f32(-2.5633441e-12), r);
  return { r, q };
}
function sinCos(x: Expr, shift: number): Expr {
  const { r, q } = reducePi(x);
  const k = add(q, i(shift));
  const z = mul(r, r);
  const s = fma(mul(poly(z, [-1.6666654611e-1, 8.3321608736e-3, -1.9515295891e-4]), z), r, r);
  const c = add(
    fma(mul(z, z), poly(z, [4.166664568298827e-2, -1.388731625493765e-3, 2.443315711809948e-5]), mul(z, f32(-0.5))),
    f32(1),
  );
  const v = sel(bin('eq', bin('and', k, i(1)), i(0)), s, c);
  return bits('f32', bin('xor', bits('i32', v), bin('shl', bin('and', k, i(2)), i(30))));
}
export const sin = (x: Expr): Expr => sinCos(x, 0);
export const cos = (x: Expr): Expr => sinCos(x, 1);
export const tan = (x: Expr): Expr => bin('div', sin(x), cos(x));

export function atan(x: Expr): Expr {
  const a = un('abs', x);
  const big = bin('gt', a, f32(2.414213562373095));
  const mid = bin('gt', a, f32(0.414213562373095));
  const num = sel(big, f32(-1), sel(mid, sub(a, f32(1)), a));
  const den = sel(big, a, sel(mid, add(a, f32(1)), f32(1)));
  const base = sel(big, f32(Math.PI / 2), sel(mid, f32(Math.PI / 4), f32(0)));
  const w = bin('div', num, den);
  const z = mul(w, w);
  const p = poly(z, [-3.33329491539e-1, 1.99777106478e-1, -1.38776856032e-1, 8.05374449538e-2]);
  return copySign(add(base, fma(mul(p, z), w, w)), x);
}

/** Angle of the point (x, y), all quadrants, signed zeros and infinities included. */
export function atan2(y: Expr, x: Expr): Expr {
  const ax = un('abs', x);
  const ay = un('abs', y);
  const hi = bin('max', ax, ay);
  const lo = bin('min', ax, ay);
  const both = bin('eq', lo, inf);
  const ratio = sel(both, f32(1), sel(bin('eq', hi, f32(0)), f32(0), bin('div', lo, hi)));
  let r = atan(ratio);
  r = sel(bin('gt', ay, ax), sub(f32(Math.PI / 2), r), r);
  const negX = lt(bits('i32', x), i(0));
  r = sel(negX, sub(f32(Math.PI), r), r);
  const bad = bin('or', bin('ne', x, x), bin('ne', y, y));
  return sel(bad, nan, copySign(r, y));
}
export const asin = (x: Expr): Expr => atan2(x, un('sqrt', mul(sub(f32(1), x), add(f32(1), x))));
export const acos = (x: Expr): Expr => mul(f32(2), atan2(un('sqrt', sub(f32(1), x)), un('sqrt', add(f32(1), x))));

export function sinh(x: Expr): Expr {
  const a = un('abs', x);
  const em = expm1(bin('pmin', a, f32(10)));
  const near = mul(f32(0.5), add(em, bin('div', em, add(em, f32(1)))));
  const h = exp(mul(a, f32(0.5)));
  return copySign(sel(lt(a, f32(10)), near, mul(mul(h, f32(0.5)), h)), x);
}
export function cosh(x: Expr): Expr {
  const a = un('abs', x);
  const h = exp(mul(a, f32(0.5)));
  const e = mul(h, h);
  return sel(lt(a, f32(10)), mul(f32(0.5), add(e, bin('div', f32(1), e))), mul(mul(h, f32(0.5)), h));
}
export function asinh(x: Expr): Expr {
  const a = un('abs', x);
  const z = mul(a, a);
  const near = log1p(add(a, bin('div', z, add(f32(1), un('sqrt', add(z, f32(1)))))));
  return copySign(sel(bin('gt', a, f32(1e9)), add(log(a), f32(Math.LN2)), near), x);
}
export function acosh(x: Expr): Expr {
  const t = sub(x, f32(1));
  const near = log1p(add(t, un('sqrt', fma(t, t, add(t, t)))));
  return sel(lt(x, f32(1)), nan, sel(bin('gt', x, f32(1e9)), add(log(x), f32(Math.LN2)), near));
}
export function atanh(x: Expr): Expr {
  const a = un('abs', x);
  return copySign(mul(f32(0.5), log1p(bin('div', add(a, a), sub(f32(1), a)))), x);
}

/**
 * x^y as 2^(y log2 x), log2 x carried in two floats (Dekker splitting), since the product's
 * absolute error becomes the result's relative error.
 */
export function pow(x: Expr, y: Expr): Expr {
  const a = un('abs', x);
  const { m1, e } = frexp(a);
  // log2(1+f) with s = f/(2+f): 2 log2(e) (s + s^3/3 + …), s and the leading product in two parts.
  const den = add(m1, f32(2));
  const s = bin('div', m1, den);
  const sh = hi(s);
  // remainder of the division, exactly: m1 - sh*den, with den in two parts
  const dh = hi(den);
  const dl = sub(f32(2), sub(dh, m1));
  const sl = bin('div', sub(sub(m1, mul(sh, dh)), mul(sh, dl)), den);
  const z = mul(s, s);
  const tail = mul(mul(poly(z, [2 / 3, 2 / 5, 2 / 7, 2 / 9, 2 / 11]), z), s);
  const C = 1.4426950408889634;
  const ch = f32(1.44140625); // 2*log2(e) has few enough bits left for exact products with sh
  const cl = f32(C - 1.44140625);
  const s2h = add(sh, sh);
  const s2l = add(add(sl, sl), tail);
  const th = mul(s2h, ch);
  const tl = add(add(mul(s2h, cl), mul(s2l, ch)), mul(s2l, cl));
  // e + th in two parts, |e| >= |th| or e = 0
  const lh0 = add(e, th);
  const ll0 = add(sub(th, sub(lh0, e)), tl);
  const lh = hi(add(lh0, ll0));
  const ll = add(sub(lh0, lh), ll0);
  const yh = hi(y);
  const yl = sub(y, yh);
  const ph = mul(yh, lh);
  const pl = add(mul(y, ll), mul(yl, lh));
  const sum = bin('pmax', bin('pmin', add(ph, pl), f32(200)), f32(-200));
  const { n, i: k } = nearest(sum);
  const safe = bin('le', un('abs', ph), f32(1000));
  const r = sel(safe, add(sub(ph, n), pl), f32(0));
  const p2 = poly(
    r,
    [
      1, 0.693147180559945, 0.240226506959101, 0.0555041086648216, 0.00961812910762848, 0.00133335581464284,
      0.000154035303933816,
    ],
  );
  let v = scale(p2, k);
  const yInt = bin('eq', y, un('floor', y));
  const yHalf = mul(y, f32(0.5));
  const yOdd = bin('and', yInt, bin('ne', yHalf, un('floor', yHalf)));
  // a of 0 and infinity: the exponent path does not see them
  const yNeg = lt(y, f32(0));
  v = sel(bin('eq', a, f32(0)), sel(yNeg, inf, f32(0)), v);
  v = sel(bin('eq', a, inf), sel(yNeg, f32(0), inf), v);
  const yInf = bin('eq', un('abs', y), inf);
  const grows = bin('eq', bin('gt', a, f32(1)), bin('gt', y, f32(0)));
  v = sel(yInf, sel(bin('eq', a, f32(1)), f32(1), sel(grows, inf, f32(0))), v);
  const negBits = lt(bits('i32', x), i(0));
  v = sel(bin('and', negBits, yOdd), un('neg', v), v);
  const finiteNeg = bin('and', lt(x, f32(0)), bin('gt', x, f32(Number.NEGATIVE_INFINITY)));
  const yFrac = un('not', bin('or', yInt, yInf));
  v = sel(bin('and', finiteNeg, yFrac), nan, v);
  v = sel(bin('or', bin('ne', x, x), bin('ne', y, y)), nan, v);
  return sel(bin('or', bin('eq', y, f32(0)), bin('eq', x, f32(1))), f32(1), v);
}
/** The upper 12 significant bits: products of two such are exact. */
const hi = (x: Expr): Expr => bits('f32', bin('and', bits('i32', x), i(0xfffff000)));
