// Elementary functions as scalar expressions, so that the scalar, SIMD and GPU code generators all
// lower one definition. Everything but large angles is branch-free (selects), hence vectorises. Errors are measured
// over the whole range by test/accuracy (table in docs/accuracy.md). float32 only; float64 is in math64.ts.
//
// Range reductions and the log, sin, cos and tanh polynomials follow S. Moshier, Cephes (single
// precision). The other polynomials are our own minimax fits of the relative error (Lawson iteration,
// coefficients rounded to float32 one after the other and the rest fitted again); erf is fitted as
// erf(x)/x and as -log erfc.

import { add, bin, bits, call, cast, type Expr, f32, fma, konst, mul, rare, sel, sub, un } from './expr.ts';

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
/** 2^n for an integer n from -126 to 127. */
const pow2 = (n: Expr) => bits('f32', add(bin('shl', n, i(23)), i(ONE_BITS)));
/** y * 2^n for an integer n from -252 to 254, in two steps, so that overflow and denormals come out right. */
function scale(y: Expr, n: Expr): Expr {
  const half = bin('shr', n, i(1));
  return mul(mul(y, pow2(half)), pow2(sub(n, half)));
}

const LOG2E = 1.4426950408889634;
const LN2_HI = 0.693359375;
const LN2_LO = -2.12194440054690581e-4;

/** (e^r - 1 - r) / r^2 for |r| up to ln 2 / 2, to 3e-9 of e^r and, for e^r - 1, to 5e-11. */
const EXP = [0.49999994, 0.16666521, 0.04166839, 0.00836871, 0.00138146];
const EXPM1 = [0.5, 0.166666657, 0.0416664891, 0.00833354983, 0.00139327405, 0.000197586705];

/** e^c 2^-n - 1, below 0.42 in size, where n is the integer nearest to c / ln 2. */
function expRest(c: Expr, n: Expr, table = EXP): Expr {
  let r = fma(n, f32(-LN2_HI), c);
  r = fma(n, f32(-LN2_LO), r);
  return fma(poly(r, table), mul(r, r), r);
}
/** e^c as 2^k (1 + p), |p| below 0.42; c between -104 and 90, or NaN. */
function expParts(c: Expr, table = EXP): { p: Expr; k: Expr } {
  const { n, i: k } = nearest(mul(c, f32(LOG2E)));
  return { p: expRest(c, n, table), k };
}
// pmin/pmax keep a NaN that stands first.
const clamp = (x: Expr, lo: number, hi: number) => bin('pmax', bin('pmin', x, f32(hi)), f32(lo));

export function exp(x: Expr): Expr {
  const { p, k } = expParts(clamp(x, -104, 89));
  return scale(add(p, f32(1)), k);
}
/**
 * e^x for x up to 88, and 0 below -87.7, where it is under the smallest normal number: two thirds of what exp
 * takes. The shift by which x / ln 2 is rounded also adds the bias of an exponent, so that the sum's low
 * byte, moved up, is the power of two, or 0.
 */
export function expFalling(x: Expr): Expr {
  const c = bin('pmax', x, f32(-88));
  const shift = f32(12582912 + 127);
  const t = fma(c, f32(LOG2E), shift);
  return mul(add(expRest(c, sub(t, shift)), f32(1)), bits('f32', bin('shl', bits('i32', t), i(23))));
}
/** e^x / 2 for x >= 0, which is finite up to where sinh and cosh are. */
function halfExp(x: Expr): Expr {
  const { p, k } = expParts(bin('pmin', x, f32(90)));
  return scale(add(p, f32(1)), sub(k, i(1)));
}
/** e^x - 1 = 2^k (p + (1 - 2^-k)): what is taken off is exact, and nothing where k is 0. */
export function expm1(x: Expr): Expr {
  const { p, k } = expParts(clamp(x, -30, 89), EXPM1);
  const off = sub(f32(1), pow2(sub(i(0), bin('min', k, i(64)))));
  return keepZero(x, scale(add(p, off), k));
}
/** The zero itself where x is one: its sign is lost on the way. */
const keepZero = (x: Expr, y: Expr): Expr => sel(bin('eq', x, f32(0)), x, y);

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

/** log(x (1 + lo)) for a tiny lo. */
function logWith(x: Expr, lo?: Expr): Expr {
  const { m1, e } = frexp(x);
  const z = mul(m1, m1);
  let y = mul(mul(poly(m1, LOG_POLY), m1), z);
  y = fma(e, f32(LN2_LO), y);
  if (lo) y = add(y, lo);
  y = fma(z, f32(-0.5), y);
  return logSpecial(x, fma(e, f32(LN2_HI), add(m1, y)));
}
export const log = (x: Expr): Expr => logWith(x);

/** log(1 + x): what the sum 1 + x rounds away is put back relative to it. */
export function log1p(x: Expr): Expr {
  const u = add(x, f32(1));
  const lost = sel(lt(x, f32(1)), sub(x, sub(u, f32(1))), sub(f32(1), sub(u, x)));
  return keepZero(x, sel(bin('eq', u, inf), inf, logWith(u, bin('div', lost, u))));
}

const copySign = (mag: Expr, sign: Expr): Expr =>
  bits('f32', bin('or', bin('and', bits('i32', mag), i(0x7fffffff)), bin('and', bits('i32', sign), i(0x80000000))));

export function tanh(x: Expr): Expr {
  const a = un('abs', x);
  const z = mul(x, x);
  const p = poly(z, [-3.33332819422e-1, 1.33314422036e-1, -5.37397155531e-2, 2.06390887954e-2, -5.70498872745e-3]);
  const near = fma(mul(p, z), x, x);
  const e = expFalling(mul(a, f32(-2)));
  const far = sub(f32(1), bin('div', add(e, e), add(e, f32(1))));
  return copySign(sel(lt(a, f32(0.625)), near, far), x);
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
  const far = copySign(sub(f32(1), expFalling(un('neg', p))), x);
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

/** Angles beyond take the float64 functions, lane by lane. */
const LARGE_ANGLE = 1e4;
const large = (fn: string, x: Expr, usual: Expr): Expr =>
  rare(bin('gt', un('abs', x), f32(LARGE_ANGLE)), call(fn, x), usual);

/**
 * Reduction to [-pi/4, pi/4] with the quadrant. Products with the first three parts of pi/2 are exact
 * for |x| up to 1e4. `lo` is what rounding took off `r`.
 */
function reducePi(x: Expr): { r: Expr; lo: Expr; q: Expr } {
  const { n, i: q } = nearest(mul(x, f32(0.6366197723675814)));
  let r = fma(n, f32(-1.5703125), x);
  r = fma(n, f32(-4.83751296997070312e-4), r);
  const third = mul(n, f32(7.549533620476723e-8));
  const fourth = mul(n, f32(2.5633440682570896e-12));
  const near = sub(r, third);
  const rounded = sub(near, fourth);
  const lo = add(sub(sub(r, near), third), sub(sub(near, rounded), fourth));
  return { r: rounded, lo, q };
}
function sinCos(x: Expr, shift: number): Expr {
  const { r, lo, q } = reducePi(x);
  const k = add(q, i(shift));
  const z = mul(r, r);
  const s = add(fma(mul(poly(z, [-1.6666654611e-1, 8.3321608736e-3, -1.9515295891e-4]), z), r, lo), r);
  const c = add(
    fma(mul(z, z), poly(z, [4.166664568298827e-2, -1.388731625493765e-3, 2.443315711809948e-5]), mul(z, f32(-0.5))),
    f32(1),
  );
  const v = sel(bin('eq', bin('and', k, i(1)), i(0)), s, c);
  return bits('f32', bin('xor', bits('i32', v), bin('shl', bin('and', k, i(2)), i(30))));
}
export const sin = (x: Expr): Expr => large('sin_f32', x, keepZero(x, sinCos(x, 0)));
export const cos = (x: Expr): Expr => large('cos_f32', x, sinCos(x, 1));
export function tan(x: Expr): Expr {
  const { r, lo, q } = reducePi(x);
  const z = mul(r, r);
  const p = poly(z, [0.333333492, 0.133326724, 0.0540594347, 0.0212829057, 0.0108371405, 8.48301643e-5, 0.00437977165]);
  // tan(r + lo) is tan r + lo (1 + tan^2 r), where z may stand for tan^2.
  const t = add(fma(mul(p, z), r, fma(lo, z, lo)), r);
  const odd = bin('ne', bin('and', q, i(1)), i(0));
  return large('tan_f32', x, keepZero(x, bin('div', sel(odd, f32(-1), t), sel(odd, t, f32(1)))));
}

// pi/2 and pi in two parts: taken off the first, what the first lacks is added last.
const PI_2 = f32(Math.PI / 2);
const PI_2_LO = f32(-4.371138828673793e-8);
const PI = f32(Math.PI);
const PI_LO = f32(-8.742277657347586e-8);
const fromHalfPi = (x: Expr) => add(sub(PI_2, x), PI_2_LO);
const fromPi = (x: Expr) => add(sub(PI, x), PI_LO);

/** atan of 0 to 1. */
function atanUnit(w: Expr): Expr {
  const z = mul(w, w);
  const p = poly(
    z,
    [
      -0.333332986, 0.199985296, -0.142640159, 0.109508805, -0.0839930624, 0.0578813776, -0.031096939, 0.0108686239,
      -0.0017827946,
    ],
  );
  return fma(mul(p, z), w, w);
}
export function atan(x: Expr): Expr {
  const a = un('abs', x);
  const big = bin('gt', a, f32(1));
  const t = atanUnit(bin('div', sel(big, f32(1), a), sel(big, a, f32(1))));
  return copySign(sel(big, fromHalfPi(t), t), x);
}

/** Angle of the point (x, y), all quadrants, signed zeros and infinities included. */
export function atan2(y: Expr, x: Expr): Expr {
  const ax = un('abs', x);
  const ay = un('abs', y);
  const hi = bin('max', ax, ay);
  const lo = bin('min', ax, ay);
  const both = bin('eq', lo, inf);
  const ratio = sel(both, f32(1), sel(bin('eq', hi, f32(0)), f32(0), bin('div', lo, hi)));
  let r = atanUnit(ratio);
  r = sel(bin('gt', ay, ax), fromHalfPi(r), r);
  const negX = lt(bits('i32', x), i(0));
  r = sel(negX, fromPi(r), r);
  const bad = bin('or', bin('ne', x, x), bin('ne', y, y));
  return sel(bad, nan, copySign(r, y));
}
/** asin of s, with s^2 = z up to 1/4. */
function asinHalf(s: Expr, z: Expr): Expr {
  const p = poly(z, [0.166667521, 0.0749530941, 0.0454691499, 0.0241847783, 0.0421583056]);
  return fma(mul(p, z), s, s);
}
/** asin |x|, or where |x| is above 1/2 the half angle of the rest: asin x = pi/2 - 2 asin sqrt((1 - x) / 2). */
function asinParts(x: Expr): { t: Expr; big: Expr } {
  const a = un('abs', x);
  const big = bin('gt', a, f32(0.5));
  const half = mul(sub(f32(1), a), f32(0.5));
  const z = sel(big, half, mul(a, a));
  const t = asinHalf(sel(big, un('sqrt', half), a), z);
  return { t, big };
}
export function asin(x: Expr): Expr {
  const { t, big } = asinParts(x);
  return copySign(sel(big, fromHalfPi(add(t, t)), t), x);
}
export function acos(x: Expr): Expr {
  const { t, big } = asinParts(x);
  const negative = lt(x, f32(0));
  const far = sel(negative, fromPi(add(t, t)), add(t, t));
  return sel(big, far, sub(PI_2, sub(copySign(t, x), PI_2_LO)));
}

export function sinh(x: Expr): Expr {
  const a = un('abs', x);
  const z = mul(a, a);
  const near = fma(mul(poly(z, [0.166666672, 0.00833331048, 0.000198428956, 2.78221319e-6]), z), a, a);
  const e = halfExp(a);
  return copySign(sel(lt(a, f32(1)), near, sub(e, bin('div', f32(0.25), e))), x);
}
export function cosh(x: Expr): Expr {
  const e = halfExp(un('abs', x));
  return add(e, bin('div', f32(0.25), e));
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
  const twice = add(a, a);
  // 2a / (1 - a) = 2a + 2a a / (1 - a): for small a only the small term is rounded.
  const half = mul(f32(0.5), log1p(add(twice, bin('div', mul(twice, a), sub(f32(1), a)))));
  return copySign(sel(bin('gt', a, f32(1)), nan, half), x);
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
  const dl = sub(m1, sub(dh, f32(2)));
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
  const p2 = fma(
    poly(r, [0.693147182, 0.240226507, 0.0555040501, 0.00961808674, 0.00133379723, 0.000154520938, 1.43202278e-5]),
    r,
    f32(1),
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
