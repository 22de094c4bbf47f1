// Trigonometric functions and their inverses in float64. Angles are reduced by pi/2: in four parts
// (Cody, Waite 1980) below 1e5, and with as many bits of 2/pi as the exponent asks for beyond (Payne,
// Hanek 1983). Sine, cosine: Taylor series; arcs: Chebyshev fits.

import {
  copySign,
  div,
  f64,
  fastTwoSum,
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
  poly,
  twoSum,
  upper,
} from './double.ts';
import { add, bin, call, cast, double, type Expr, mul, rare, sel, sub, un, word } from './expr.ts';

interface Reduced extends Pair {
  /** The quadrant; its low two bits count. */
  readonly q: Expr;
}

/** Angles up to here have a quadrant of few enough bits for exact products with parts of pi/2. */
const LARGE = 1e5;

/** Three parts of pi/2 with 33 bits each, and the rest. */
const HALF_PI_PARTS = [1.5707963267341256, 6.077100506303966e-11, 2.0222662487111665e-21, 8.4784276603689e-32];

function reduce(x: Expr): Reduced {
  const { n, i: q } = nearest(mul(x, f64(2 / Math.PI)));
  const [p1, p2, p3, p4] = HALF_PI_PARTS.map((p) => mul(n, f64(p)));
  const s = twoSum(sub(x, p1), un('neg', p2));
  const t = twoSum(s.h, un('neg', p3));
  return { ...fastTwoSum(t.h, sub(add(s.l, t.l), p4)), q };
}

/** 2/pi in digits of 24 bits, from 2^-24 on. */
const TWO_OVER_PI = [
  10680707, 7228996, 1387004, 2578385, 16069853, 12639074, 9804092, 4427841, 16666979, 11263675, 12935607, 2387514,
  4345298, 14681673, 3074569, 13734428, 16653803, 1880361, 10960616, 8533493, 3062596, 8710556, 7349940, 6258241,
  3772886, 3769171, 3798172, 8675211, 12450088, 3874808, 9961438, 366607, 15675153, 9132554, 7151469, 3571407, 2607881,
  12013382, 4155038, 6285869, 7677882, 13102053, 15825725, 473591, 9065106, 15363067, 6271263, 9264392, 5636912,
  4652155, 7056368, 13614112,
];
/** Digits of the product that are computed: one of whole quarter turns, and six of the fraction, 144 bits. */
const DIGITS = 7;
const PIECES = 4;

/** The window of `n` digits that starts at digit `at` (0 … 63) of a list: six stages of selection. */
function digitsFrom(at: Expr, list: readonly number[], n: number): Expr[] {
  let digits: Expr[] = Array.from({ length: n + 63 }, (_, k) => f64(list[k] ?? 0));
  for (let bit = 32; bit >= 1; bit /= 2) {
    const moved = bin('ne', bin('and', at, i(bit)), i(0));
    digits = digits.slice(0, n + bit - 1).map((d, k) => sel(moved, digits[k + bit], d));
  }
  return digits;
}

/** The reduction of any finite angle of at least 2^16 in magnitude: x 2/pi modulo 4 in exact digits. */
function reduceHuge(x: Expr): Reduced {
  const a = un('abs', x);
  const exponent = sub(bin('shr', word('hi', a), i(20)), i(1023 + 52));
  // a = M 2^(24 place) with a whole M below 2^76. The exponent is at least -36.
  const place = sub(bin('div', add(exponent, i(48)), i(24)), i(2));
  const shift = sub(exponent, mul(place, i(24)));
  const M = double(
    bin('or', bin('and', word('hi', a), i(0x000fffff)), bin('shl', add(shift, i(1023 + 52)), i(20))),
    word('lo', a),
  );
  const pieces: Expr[] = [];
  let rest = M;
  for (let k = PIECES - 1; k > 0; k--) {
    const piece = un('floor', mul(rest, f64(2 ** (-24 * k))));
    pieces[k] = piece;
    rest = sub(rest, mul(piece, f64(2 ** (24 * k))));
  }
  pieces[0] = rest;
  const window = digitsFrom(add(place, i(2)), [0, 0, 0, ...TWO_OVER_PI], DIGITS + PIECES - 1);
  // Digit p of the product, before carries: sums of four products below 2^48, which are exact.
  const sums = Array.from({ length: DIGITS }, (_, p) =>
    pieces.map((piece, k) => mul(piece, window[p + k])).reduce((s, t) => add(s, t)),
  );
  const digits: Expr[] = [];
  let carry: Expr = f64(0);
  for (let p = DIGITS - 1; p >= 0; p--) {
    const sum = add(sums[p], carry);
    carry = un('floor', mul(sum, f64(2 ** -24)));
    digits[p] = sub(sum, mul(carry, f64(2 ** 24)));
  }
  // The nearest quarter turn: from half on, the fraction counts from the next one down.
  const above = bin('ge', digits[1], f64(2 ** 23));
  const whole = cast('i32', digits[0]);
  const f = digits.slice(1).map((d, k) => sel(above, sub(f64(2 ** 24 - (k === DIGITS - 2 ? 0 : 1)), d), d));
  const group = (k: number) => mul(add(mul(f[k], f64(2 ** 24)), f[k + 1]), f64(2 ** (-24 * (k + 2))));
  const s = fastTwoSum(group(0), group(2));
  const fraction = fastTwoSum(s.h, add(s.l, group(4)));
  const r = pairProduct(fraction, pair(Math.PI / 2, 6.123233995736766e-17));
  const sign = sel(bin('ne', above, isNegative(x)), f64(-1), f64(1));
  const turns = add(whole, sel(above, i(1), i(0)));
  return { h: mul(r.h, sign), l: mul(r.l, sign), q: sel(isNegative(x), sub(i(0), turns), turns) };
}

const sinTerms = [
  -1 / 6,
  1 / 120,
  -1 / 5040,
  1 / 362880,
  -1 / 39916800,
  1 / 6227020800,
  -1 / 1307674368000,
  1 / 355687428096000,
];
const cosTerms = [
  1 / 24,
  -1 / 720,
  1 / 40320,
  -1 / 3628800,
  1 / 479001600,
  -1 / 87178291200,
  1 / 20922789888000,
  -1 / 6402373705728000,
];

/** sin and cos of the reduced angle, each in two doubles. */
function sinPair(r: Pair): Pair {
  const z = mul(r.h, r.h);
  const tail = add(mul(mul(poly(z, sinTerms), z), r.h), mul(r.l, sub(f64(1), mul(z, f64(0.5)))));
  return fastTwoSum(r.h, tail);
}
function cosPair(r: Pair): Pair {
  const z = mul(r.h, r.h);
  const half = mul(z, f64(0.5));
  const w = sub(f64(1), half);
  const lost = sub(sub(f64(1), w), half);
  return fastTwoSum(w, add(lost, sub(mul(mul(z, z), poly(z, cosTerms)), mul(r.h, r.l))));
}

function sinCos(x: Expr, r: Reduced, shift: number): Expr {
  const k = add(r.q, i(shift));
  const v = sel(bin('eq', bin('and', k, i(1)), i(0)), sinPair(r).h, cosPair(r).h);
  const signed = double(bin('xor', word('hi', v), bin('shl', bin('and', k, i(2)), i(30))), word('lo', v));
  return sel(lt(un('abs', x), inf), signed, nan);
}
function tanOf(x: Expr, r: Reduced): Expr {
  const [s, c] = [sinPair(r), cosPair(r)];
  const odd = bin('ne', bin('and', r.q, i(1)), i(0));
  const pick = (a: Expr, b: Expr) => sel(odd, a, b);
  const top = { h: pick(un('neg', c.h), s.h), l: pick(un('neg', c.l), s.l) };
  const t = pairQuotient(top, { h: pick(s.h, c.h), l: pick(s.l, c.l) });
  return sel(lt(un('abs', x), inf), t.h, nan);
}
const huge = (fn: string, x: Expr, usual: Expr): Expr => rare(bin('gt', un('abs', x), f64(LARGE)), call(fn, x), usual);
/** sin -0 is -0: no reduction changes the zero, but its sum with the tail would. */
const keepZero = (x: Expr, y: Expr): Expr => sel(bin('eq', x, f64(0)), x, y);

export const sin = (x: Expr): Expr => keepZero(x, huge('sin_huge', x, sinCos(x, reduce(x), 0)));
export const cos = (x: Expr): Expr => huge('cos_huge', x, sinCos(x, reduce(x), 1));
export const tan = (x: Expr): Expr => keepZero(x, huge('tan_huge', x, tanOf(x, reduce(x))));
/** The same for angles beyond 1e5; other angles are wrong. */
export const sinHuge = (x: Expr): Expr => sinCos(x, reduceHuge(x), 0);
export const cosHuge = (x: Expr): Expr => sinCos(x, reduceHuge(x), 1);
export const tanHuge = (x: Expr): Expr => tanOf(x, reduceHuge(x));

/**
 * x without its whole half turns, which is exact: sin(pi x) and cos(pi x), up to a common sign. Where the
 * rest is above 1/4, they are those of its distance from 1/2, exchanged.
 */
function sinCosPi(x: Expr): { s: Pair; c: Pair } {
  const rest = sub(x, un('nearest', x));
  const far = bin('gt', un('abs', rest), f64(0.25));
  const y = sel(far, sub(f64(0.5), un('abs', rest)), rest);
  const angle = pairProduct({ h: y, l: f64(0) }, pair(Math.PI, 1.2246467991473532e-16));
  const [s, c] = [sinPair(angle), cosPair(angle)];
  const side = sel(lt(rest, f64(0)), f64(-1), f64(1));
  const swap = (a: Expr, b: Expr) => sel(far, b, a);
  return {
    s: { h: swap(s.h, mul(c.h, side)), l: swap(s.l, mul(c.l, side)) },
    c: { h: swap(c.h, s.h), l: swap(c.l, s.l) },
  };
}
/** |sin(pi x)|. */
export const absSinPi = (x: Expr): Expr => un('abs', sinCosPi(x).s.h);
/** cos(pi x) / sin(pi x), infinite at whole numbers. */
export function cotPi(x: Expr): Expr {
  const { s, c } = sinCosPi(x);
  return sel(bin('eq', s.h, f64(0)), inf, pairQuotient(c, s).h);
}

// pi/2 and pi in two parts: taken off the first, what the first lacks is added last.
const HALF_PI_LO = f64(6.123233995736766e-17);
const fromHalfPi = (x: Expr): Expr => add(sub(f64(Math.PI / 2), x), HALF_PI_LO);
const fromPi = (x: Expr): Expr => add(sub(f64(Math.PI), x), f64(1.2246467991473532e-16));

/** (atan t - t) / t^3 in t^2, from 0 to 1. */
const ATAN = [
  -0.3333333333333333, 0.19999999999999554, -0.14285714285648404, 0.11111111107234799, -0.09090908969557403,
  0.07692305354678655, -0.06666636435777692, 0.05882074956371294, -0.05261265735709454, 0.04752086773576656,
  -0.04308119655330471, 0.03872640214042632, -0.033750132001619734, 0.027567942297344678, -0.020238706986393514,
  0.012756172907694298, -0.006575683344151699, 0.002622977891906089, -0.0007518472526973822, 0.0001368724853148122,
  -1.1832505417555692e-5,
];
function atanUnit(t: Expr): Expr {
  const z = mul(t, t);
  return add(t, mul(mul(z, t), poly(z, ATAN)));
}
export function atan(x: Expr): Expr {
  const a = un('abs', x);
  const big = bin('gt', a, f64(1));
  const t = atanUnit(div(sel(big, f64(1), a), sel(big, a, f64(1))));
  return copySign(sel(big, fromHalfPi(t), t), x);
}

/** Angle of the point (x, y), all quadrants, signed zeros and infinities included. */
export function atan2(y: Expr, x: Expr): Expr {
  const [ax, ay] = [un('abs', x), un('abs', y)];
  const hi = bin('max', ax, ay);
  const lo = bin('min', ax, ay);
  const ratio = sel(bin('eq', lo, inf), f64(1), sel(bin('eq', hi, f64(0)), f64(0), div(lo, hi)));
  let r = atanUnit(ratio);
  r = sel(bin('gt', ay, ax), fromHalfPi(r), r);
  r = sel(isNegative(x), fromPi(r), r);
  return sel(bin('or', bin('ne', x, x), bin('ne', y, y)), nan, copySign(r, y));
}

/** (asin s - s) / s^3 in s^2, from 0 to 1/4. */
const ASIN = [
  0.16666666666666666, 0.07500000000000118, 0.044642857142551895, 0.03038194447553234, 0.02237215744350722,
  0.017352816540325496, 0.01396378001220357, 0.011566459612121669, 0.009621842970100282, 0.009319560794767446,
  0.0030448799094556773, 0.019554513336123378, -0.01924167174674304, 0.02961201126495512,
];
interface Arc {
  readonly big: Expr;
  /** Twice the half angle where |x| is above 1/2, else the angle of |x|; in two parts. */
  readonly h: Expr;
  readonly l: Expr;
}
/** asin |x|, or where |x| is above 1/2 the rest to pi/2: asin x = pi/2 - 2 asin sqrt((1 - x) / 2). */
function asinParts(x: Expr): Arc {
  const a = un('abs', x);
  const big = bin('gt', a, f64(0.5));
  const half = mul(sub(f64(1), a), f64(0.5));
  const z = sel(big, half, mul(a, a));
  const root = un('sqrt', half);
  const s = sel(big, upper(root), a);
  // What the upper part of the root lacks: (half - s^2) / (root + s).
  const lack = sel(big, div(sub(half, mul(s, s)), add(root, s)), f64(0));
  const lost = sel(bin('gt', root, f64(0)), lack, f64(0));
  const l = add(mul(mul(poly(z, ASIN), z), sel(big, root, a)), lost);
  const twice = sel(big, f64(2), f64(1));
  return { big, h: mul(s, twice), l: mul(l, twice) };
}
export function asin(x: Expr): Expr {
  const { big, h, l } = asinParts(x);
  const s = twoSum(f64(Math.PI / 2), un('neg', h));
  return copySign(sel(big, add(s.h, add(s.l, sub(HALF_PI_LO, l))), add(h, l)), x);
}
export function acos(x: Expr): Expr {
  const { big, h, l } = asinParts(x);
  const negative = lt(x, f64(0));
  const sign = sel(negative, f64(-1), f64(1));
  const near = twoSum(f64(Math.PI / 2), un('neg', mul(h, sign)));
  const nearby = add(near.h, add(near.l, sub(HALF_PI_LO, mul(l, sign))));
  const back = twoSum(f64(Math.PI), un('neg', h));
  const far = sel(negative, add(back.h, add(back.l, sub(f64(1.2246467991473532e-16), l))), add(h, l));
  return sel(bin('eq', x, x), sel(big, far, nearby), nan);
}
