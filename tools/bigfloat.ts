// Binary floating point of 256 bits on BigInt, and elementary functions by plain series: the oracle that
// float64 functions are measured against. Slow and simple.

/** value = m 2^e; zero has m = 0. */
export interface Big {
  readonly m: bigint;
  readonly e: number;
}

const BITS = 256;
const abs = (m: bigint): bigint => (m < 0n ? -m : m);
/** Bits of a magnitude, rounded up to a multiple of four. */
const length = (m: bigint): number => abs(m).toString(16).length * 4;

function round(m: bigint, e: number): Big {
  const over = length(m) - BITS - 4;
  return over > 0 ? { m: (m + (1n << BigInt(over - 1))) >> BigInt(over), e: e + over } : { m, e };
}

const bytes = new DataView(new ArrayBuffer(8));
/** The exact value of a finite double. */
export function big(x: number): Big {
  bytes.setFloat64(0, x);
  const bits = bytes.getBigUint64(0);
  const exponent = Number((bits >> 52n) & 2047n);
  const fraction = bits & ((1n << 52n) - 1n);
  const m = exponent === 0 ? fraction : fraction | (1n << 52n);
  return { m: x < 0 || Object.is(x, -0) ? -m : m, e: Math.max(exponent, 1) - 1075 };
}
export function add(a: Big, b: Big): Big {
  if (a.m === 0n) return b;
  if (b.m === 0n) return a;
  const gap = a.e + length(a.m) - b.e - length(b.m);
  // What lies wholly below the other's last bit does not count.
  if (gap > 2 * BITS) return a;
  if (gap < -2 * BITS) return b;
  const e = Math.min(a.e, b.e);
  return round((a.m << BigInt(a.e - e)) + (b.m << BigInt(b.e - e)), e);
}
export const neg = (a: Big): Big => ({ m: -a.m, e: a.e });
export const sub = (a: Big, b: Big): Big => add(a, neg(b));
export const mul = (a: Big, b: Big): Big => round(a.m * b.m, a.e + b.e);
export function div(a: Big, b: Big): Big {
  const shift = Math.max(0, BITS + 8 + length(b.m) - length(a.m));
  return round((a.m << BigInt(shift)) / b.m, a.e - b.e - shift);
}
export const scaled = (a: Big, n: number): Big => ({ m: a.m, e: a.e + n });
export function sqrt(a: Big): Big {
  if (a.m === 0n) return a;
  let shift = 2 * BITS;
  if ((a.e - shift) % 2 !== 0) shift++;
  const n = a.m << BigInt(shift);
  let r = 1n << BigInt(Math.ceil(length(n) / 2) + 1);
  for (;;) {
    const next = (r + n / r) >> 1n;
    if (next >= r) break;
    r = next;
  }
  return round(r, (a.e - shift) / 2);
}
/** The nearest double, to within an ulp: for guesses and printing. */
export function toNumber(a: Big): number {
  const over = Math.max(0, length(a.m) - 60);
  const m = Number(a.m >> BigInt(over));
  const e = a.e + over;
  // In two steps: 2^e alone may be out of range.
  return m * 2 ** Math.max(-1000, Math.min(900, e)) * 2 ** (e - Math.max(-1000, Math.min(900, e)));
}
/** Base-2 exponent: 2^exponent <= |a| < 2^(exponent + 1). */
export const exponentOf = (a: Big): number => a.e + abs(a.m).toString(2).length - 1;
export const absolute = (a: Big): Big => ({ m: abs(a.m), e: a.e });

const one = big(1);
const two = big(2);
const whole = (n: number | bigint): Big => ({ m: BigInt(n), e: 0 });

/** Sum of terms until they no longer count; `next` gives term n from term n - 1. */
function series(first: Big, next: (term: Big, n: number) => Big, value: (term: Big, n: number) => Big = (t) => t): Big {
  let term = first;
  let sum = value(first, 0);
  for (let n = 1; ; n++) {
    term = next(term, n);
    const v = value(term, n);
    if (v.m === 0n || (sum.m !== 0n && exponentOf(v) < exponentOf(sum) - BITS)) return sum;
    sum = add(sum, v);
  }
}

/** artanh(1/n) to `digits` bits after the point, as an integer. */
function inverseSeries(n: bigint, digits: bigint, sign: bigint): bigint {
  let power = (1n << digits) / n;
  let sum = power;
  for (let k = 3n; power !== 0n; k += 2n) {
    power = (sign * power) / (n * n);
    sum += power / k;
  }
  return sum;
}
/** pi, by Machin's formula, for angles up to 2^1024. */
const PI_DIGITS = 2000n;
const piFixed = 4n * (4n * inverseSeries(5n, PI_DIGITS, -1n) - inverseSeries(239n, PI_DIGITS, -1n));
export const pi = round(piFixed, -Number(PI_DIGITS));
export const ln2 = round(2n * inverseSeries(3n, 400n, 1n), -400);

/** e^x - 1 by its series, for small x. */
const expm1Series = (x: Big): Big => series(x, (t, n) => div(mul(t, x), whole(n + 1)));

export function exp(x: Big): Big {
  const k = Math.round(toNumber(div(x, ln2)));
  const small = scaled(sub(x, mul(whole(k), ln2)), -12);
  let y = add(one, expm1Series(small));
  for (let i = 0; i < 12; i++) y = mul(y, y);
  return scaled(y, k);
}
export const expm1 = (x: Big): Big => (Math.abs(toNumber(x)) < 0.1 ? expm1Series(x) : sub(exp(x), one));

/** 2 artanh(x / (2 + x)) for small x. */
export function log1p(x: Big): Big {
  if (Math.abs(toNumber(x)) > 0.1) return log(add(one, x));
  const s = div(x, add(two, x));
  const z = mul(s, s);
  return scaled(
    series(
      s,
      (t) => mul(t, z),
      (t, n) => div(t, whole(2 * n + 1)),
    ),
    1,
  );
}
/** Halley's iteration on the exponential; near 1 the series. */
export function log(x: Big): Big {
  const near = sub(x, one);
  if (near.m === 0n) return near;
  if (exponentOf(near) < -4) return log1p(near);
  const k = exponentOf(x);
  const m = scaled(x, -k);
  let y = big(Math.log(toNumber(m)));
  for (let i = 0; i < 3; i++) {
    const e = exp(y);
    y = add(y, scaled(div(sub(m, e), add(m, e)), 1));
  }
  return add(y, mul(whole(k), ln2));
}

const sinSeries = (x: Big): Big => series(x, (t, n) => div(neg(mul(mul(t, x), x)), whole(2 * n * (2 * n + 1))));
const cosSeries = (x: Big): Big => series(one, (t, n) => div(neg(mul(mul(t, x), x)), whole(2 * n * (2 * n - 1))));
export function sinCos(x: Big): { sin: Big; cos: Big } {
  // In fixed point: whole quarter turns off, with as many digits of pi as they need.
  if (x.m === 0n || exponentOf(x) < -2) return { sin: sinSeries(x), cos: cosSeries(x) };
  const digits = 700n;
  const shift = BigInt(x.e) + digits;
  const fixed = shift >= 0n ? x.m << shift : x.m >> -shift;
  const half = piFixed >> 1n;
  const n = ((fixed << (PI_DIGITS - digits)) * 2n + half) / (2n * half) - (x.m < 0n ? 1n : 0n);
  const r = round((fixed << (PI_DIGITS - digits)) - n * half, -Number(PI_DIGITS));
  const [s, c] = [sinSeries(r), cosSeries(r)];
  const q = Number(((n % 4n) + 4n) % 4n);
  return [
    { sin: s, cos: c },
    { sin: c, cos: neg(s) },
    { sin: neg(s), cos: neg(c) },
    { sin: neg(c), cos: s },
  ][q];
}
export function atan(x: Big): Big {
  let t = x;
  for (let i = 0; i < 8; i++) t = div(t, add(one, sqrt(add(one, mul(t, t)))));
  const z = neg(mul(t, t));
  return scaled(
    series(
      t,
      (u) => mul(u, z),
      (u, n) => div(u, whole(2 * n + 1)),
    ),
    8,
  );
}

/** 2 / sqrt(pi) x e^(-x^2) (1 + 2x^2/3 + (2x^2)^2/15 + …): no term is negative. */
export function erf(x: Big): Big {
  const z = scaled(mul(x, x), 1);
  const s = series(one, (t, n) => div(mul(t, z), whole(2 * n + 1)));
  return mul(div(scaled(mul(x, exp(neg(mul(x, x)))), 1), sqrt(pi)), s);
}
/** The continued fraction from 2 on (Abramowitz, Stegun 7.1.14), below 1 - erf. */
export function erfc(x: Big): Big {
  if (toNumber(x) < 2) return sub(one, erf(x));
  let c: Big = x;
  for (let k = 400; k > 0; k--) c = add(x, div(scaled(whole(k), -1), c));
  return div(exp(neg(mul(x, x))), mul(sqrt(pi), c));
}

/** B(2), B(4), … as fractions, by the recurrence of sums of binomials. */
const bernoulli: Big[] = (() => {
  const b: [bigint, bigint][] = [[1n, 1n]];
  for (let m = 1; m <= 60; m++) {
    let [n, d] = [0n, 1n];
    let c = 1n;
    for (let k = 0; k < m; k++) {
      [n, d] = [n * b[k][1] + c * b[k][0] * d, d * b[k][1]];
      c = (c * BigInt(m + 1 - k)) / BigInt(k + 1);
    }
    let [g, h] = [n < 0n ? -n : n, d];
    while (h) [g, h] = [h, g % h];
    b.push([-n / (g || 1n), (d / (g || 1n)) * BigInt(m + 1)]);
  }
  return b.filter((_, k) => k > 0 && k % 2 === 0).map(([n, d]) => div(whole(n), whole(d)));
})();

const SHIFT = 40;
/** log |gamma| by Stirling's series beyond 40, with the recurrence and the reflection. */
export function lgamma(x: Big): Big {
  if (x.m < 0n) {
    const s = absolute(mul(x, sinCos(mul(pi, x)).sin));
    return sub(log(div(pi, s)), lgamma(neg(x)));
  }
  let product = one;
  let y = x;
  for (let k = 0; k < SHIFT && exponentOf(y) < 6; k++) {
    product = mul(product, y);
    y = add(y, one);
  }
  let sum = add(sub(mul(sub(y, big(0.5)), log(y)), y), scaled(log(scaled(pi, 1)), -1));
  const z = mul(y, y);
  let power = y;
  bernoulli.forEach((b, i) => {
    const k = 2 * (i + 1);
    sum = add(sum, div(b, mul(whole(k * (k - 1)), power)));
    power = mul(power, z);
  });
  return sub(sum, log(product));
}
export function digamma(x: Big): Big {
  if (x.m < 0n) {
    const { sin, cos } = sinCos(mul(pi, x));
    return sub(digamma(sub(one, x)), div(mul(pi, cos), sin));
  }
  let sum = big(0);
  let y = x;
  for (let k = 0; k < SHIFT && exponentOf(y) < 6; k++) {
    sum = sub(sum, div(one, y));
    y = add(y, one);
  }
  sum = add(sum, sub(log(y), div(scaled(one, -1), y)));
  const z = mul(y, y);
  let power = z;
  bernoulli.forEach((b, i) => {
    sum = sub(sum, div(b, mul(whole(2 * (i + 1)), power)));
    power = mul(power, z);
  });
  return sum;
}
