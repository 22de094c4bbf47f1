// IEEE 754 binary64 arithmetic in WGSL, which has no float64: numbers are vec2<u32>, x the low word and y the high
// one. Only u32 operations, so that every bit is that of the same computation in WebAssembly, whatever the GPU's float
// units do to subnormals. Round to nearest, ties to even; a NaN's payload is not kept.
//
// The algorithms are the textbook ones (Hauser's SoftFloat; square root by digits as in fdlibm's e_sqrt.c), cut for
// size: drivers inline every use. A significand `m` stands in 64 bits with its leading one at bit 63, `e` is the biased
// exponent of that bit, and the lowest bit of a result is "or"ed with all that fell off below it (sticky).

/** The declarations, one a paragraph; soft64.ts gives out those that are used. */
export const soft64Source = /* wgsl */ `
const D_SIGN = 0x80000000u;

const D_INFINITY = 0x7ff00000u;

const D_NAN = vec2<u32>(0u, 0x7ff80000u);

fn d_is_nan(a: vec2<u32>) -> bool {
  return (a.y & ~D_SIGN) + min(a.x, 1u) > D_INFINITY;
}

fn d_is_zero(a: vec2<u32>) -> bool {
  return (a.x | (a.y << 1u)) == 0u;
}

// Infinity or NaN.
fn d_is_special(a: vec2<u32>) -> bool {
  return (a.y & D_INFINITY) == D_INFINITY;
}

// Integers of 64 bits.
fn d_add64(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
  let x = a.x + b.x;
  return vec2<u32>(x, a.y + b.y + u32(x < a.x));
}

fn d_sub64(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
  return vec2<u32>(a.x - b.x, a.y - b.y - u32(a.x < b.x));
}

// Product of two u32, by halves of 16 bits: no sum below passes 32.
fn d_mul64(a: u32, b: u32) -> vec2<u32> {
  let l = a & 0xffffu;
  let h = a >> 16u;
  let m = h * (b & 0xffffu) + ((l * (b & 0xffffu)) >> 16u);
  let n = l * (b >> 16u) + (m & 0xffffu);
  return vec2<u32>(a * b, h * (b >> 16u) + (m >> 16u) + (n >> 16u));
}

// n < 64. A shift by 32 - b, which may be 32, is one by 1 and one by 31 - b.
fn d_shl(m: vec2<u32>, n: u32) -> vec2<u32> {
  let v = select(m, vec2<u32>(0u, m.x), n > 31u);
  let b = n & 31u;
  return vec2<u32>(v.x << b, (v.y << b) | ((v.x >> 1u) >> (31u - b)));
}

// Any n; what falls off stays as the sticky bit.
fn d_shr(m: vec2<u32>, n: u32) -> vec2<u32> {
  let k = min(n, 63u);
  let v = select(m, vec2<u32>(m.y, 0u), k > 31u);
  let b = k & 31u;
  let lost = select(0u, m.x, k > 31u) | (v.x & ((1u << b) - 1u));
  return vec2<u32>((v.x >> b) | ((v.y << 1u) << (31u - b)) | min(lost, 1u), v.y >> b);
}

// m / 2^(n + 2), to nearest, ties to even.
fn d_round(m: vec2<u32>, n: i32) -> vec2<u32> {
  let t = d_shr(m, u32(n));
  let r = d_add64(t, vec2<u32>(1u + ((t.x >> 2u) & 1u), 0u));
  return vec2<u32>((r.x >> 2u) | (r.y << 30u), r.y >> 2u);
}

struct D_Number {
  e: i32,
  m: vec2<u32>,
}

// The leading one at bit 63. Zero stays zero, with an exponent below all others.
fn d_normalize(e: i32, m: vec2<u32>) -> D_Number {
  let n = select(countLeadingZeros(m.y), 32u + countLeadingZeros(m.x), m.y == 0u);
  return D_Number(select(e - i32(n), -4096, n > 63u), d_shl(m, n));
}

// Exponent and significand of a finite number; subnormals are not normalized.
fn d_unpack(a: vec2<u32>) -> D_Number {
  let e = (a.y >> 20u) & 0x7ffu;
  return D_Number(i32(max(e, 1u)), vec2<u32>(a.x << 11u, (a.y << 11u) | (a.x >> 21u) | (min(e, 1u) << 31u)));
}

fn d_normal(a: vec2<u32>) -> D_Number {
  let p = d_unpack(a);
  return d_normalize(p.e, p.m);
}

// A result before rounding: sign (its bit) and magnitude m * 2^(e - 1086); m is not normalized. From an exponent of
// 4096 on it is infinite, from 65536 on NaN.
struct D_Raw {
  s: u32,
  e: i32,
  m: vec2<u32>,
}

fn d_raw(s: u32, e: i32, m: vec2<u32>, infinite: bool, none: bool) -> D_Raw {
  let special = infinite | none;
  return D_Raw(s, select(select(e, 8192, infinite), 131072, none), select(m, vec2<u32>(0u, D_SIGN), special));
}

// Rounds. The leading one adds 1 to the exponent.
fn d_pack(q: D_Raw) -> vec2<u32> {
  let p = d_normalize(q.e, q.m);
  let r = d_round(p.m, 9 + max(1 - p.e, 0));
  let word = r.y + (u32(max(p.e, 1) - 1) << 20u);
  let high = select(word, select(D_INFINITY, D_NAN.y, p.e > 65535), p.e > 2046);
  return vec2<u32>(select(r.x, 0u, p.e > 2046), q.s | high);
}

fn d_neg(a: vec2<u32>) -> vec2<u32> {
  return vec2<u32>(a.x, a.y ^ D_SIGN);
}

fn d_abs(a: vec2<u32>) -> vec2<u32> {
  return vec2<u32>(a.x, a.y & ~D_SIGN);
}

// The smaller magnitude is shifted to the exponent of the larger one, with 10 bits to spare below and one above.
fn d_sum(a: vec2<u32>, b: vec2<u32>) -> D_Raw {
  let i = a.y & ~D_SIGN;
  let j = b.y & ~D_SIGN;
  let swap = (j > i) | ((j == i) & (b.x > a.x));
  let big = select(a, b, swap);
  let small = select(b, a, swap);
  let differ = (a.y ^ b.y) >= D_SIGN;
  let p = d_unpack(big);
  let q = d_unpack(small);
  let x = d_shr(p.m, 1u);
  let y = d_shr(q.m, u32(p.e - q.e + 1));
  let sum = d_add64(x, select(y, d_sub64(vec2<u32>(), y), differ));
  let s = select(big.y & D_SIGN, 0u, differ & all(sum == vec2<u32>()));
  let none = d_is_nan(big) | (differ & (i == j) & d_is_special(big));
  return d_raw(s, p.e + 1, sum, d_is_special(big), none);
}

fn d_add(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
  return d_pack(d_sum(a, b));
}

fn d_sub(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
  return d_add(a, d_neg(b));
}

fn d_product(a: vec2<u32>, b: vec2<u32>) -> D_Raw {
  let p = d_normal(a);
  let q = d_normal(b);
  let low = d_mul64(p.m.x, q.m.x);
  let m = d_add64(d_mul64(p.m.x, q.m.y), vec2<u32>(low.y, 0u));
  let n = d_add64(d_mul64(p.m.y, q.m.x), vec2<u32>(m.x, 0u));
  let high = d_add64(d_add64(d_mul64(p.m.y, q.m.y), vec2<u32>(m.y, 0u)), vec2<u32>(n.y, 0u));
  let rest = min(low.x | n.x, 1u);
  let infinite = d_is_special(a) | d_is_special(b);
  let none = d_is_nan(a) | d_is_nan(b) | (infinite & (d_is_zero(a) | d_is_zero(b)));
  return d_raw((a.y ^ b.y) & D_SIGN, p.e + q.e - 1022, vec2<u32>(high.x | rest, high.y), infinite, none);
}

fn d_mul(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
  return d_pack(d_product(a, b));
}

// 56 digits of the quotient, the first of them 2^0, and the remainder as the sticky bit.
fn d_quotient(a: vec2<u32>, b: vec2<u32>) -> D_Raw {
  let p = d_normal(a);
  let q = d_normal(b);
  let d = d_shr(q.m, 11u);
  var r = d_shr(p.m, 11u);
  var m = vec2<u32>();
  for (var i = 0; i < 56; i++) {
    let t = d_sub64(r, d);
    m = d_shl(m, 1u);
    if (t.y < D_SIGN) {
      r = t;
      m.x |= 1u;
    }
    r = d_shl(r, 1u);
  }
  m = select(vec2<u32>(m.x | min(r.x | r.y, 1u), m.y), vec2<u32>(), d_is_special(b));
  let infinite = d_is_special(a) | d_is_zero(b);
  let none = d_is_nan(a) | d_is_nan(b) | (d_is_special(a) & d_is_special(b)) | (d_is_zero(a) & d_is_zero(b));
  return d_raw((a.y ^ b.y) & D_SIGN, p.e - q.e + 1031, m, infinite, none);
}

fn d_div(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
  return d_pack(d_quotient(a, b));
}

// Digit by digit: m is the root so far, s twice the root, r what is left of the number; 1 stands at bit 54.
fn d_root(a: vec2<u32>) -> D_Raw {
  let p = d_normal(a);
  let odd = u32(p.e + 1) & 1u;
  var r = d_shr(p.m, 9u - odd);
  var s = vec2<u32>();
  var m = vec2<u32>();
  for (var i = 9u; i < 64u; i++) {
    let bit = d_shr(vec2<u32>(0u, D_SIGN), i);
    let t = d_sub64(r, d_add64(s, bit));
    if (t.y < D_SIGN) {
      r = t;
      s = d_add64(s, d_shl(bit, 1u));
      m |= bit;
    }
    r = d_shl(r, 1u);
  }
  m.x |= min(r.x | r.y, 1u);
  let none = d_is_nan(a) | ((a.y >= D_SIGN) & !d_is_zero(a));
  return d_raw(a.y & D_SIGN, (p.e - i32(odd) + 1041) / 2, m, d_is_special(a), none);
}

fn d_sqrt(a: vec2<u32>) -> vec2<u32> {
  return d_pack(d_root(a));
}

// To an integer: mode 0 towards zero, 1 away from it, 2 to nearest, ties to even. Carries go into the exponent.
fn d_integer(a: vec2<u32>, mode: u32) -> vec2<u32> {
  let e = (a.y >> 20u) & 0x7ffu;
  let s = a.y & D_SIGN;
  let u = d_abs(a);
  if (e > 1074u) {
    return a;
  }
  if (e < 1023u) {
    let more = any(u != vec2<u32>(0u, 0x3fe00000u));
    let one = select(mode == 1u && !d_is_zero(a), e == 1022u && more, mode == 2u);
    return vec2<u32>(0u, s | select(0u, 0x3ff00000u, one));
  }
  let half = d_shr(vec2<u32>(0u, D_SIGN), e - 1011u);
  let unit = d_shl(half, 1u);
  let mask = d_sub64(unit, vec2<u32>(1u, 0u));
  let even = u32(all((u & unit) == vec2<u32>()));
  let r = d_add64(u, select(mask * mode, d_sub64(half, vec2<u32>(even, 0u)), mode == 2u));
  return (r & ~mask) | vec2<u32>(0u, s);
}

fn d_trunc(a: vec2<u32>) -> vec2<u32> {
  return d_integer(a, 0u);
}

fn d_floor(a: vec2<u32>) -> vec2<u32> {
  return d_integer(a, a.y >> 31u);
}

fn d_ceil(a: vec2<u32>) -> vec2<u32> {
  return d_integer(a, 1u - (a.y >> 31u));
}

fn d_nearest(a: vec2<u32>) -> vec2<u32> {
  return d_integer(a, 2u);
}

fn d_rem(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
  return d_sub(a, d_mul(d_trunc(d_div(a, b)), b));
}

// The remainder of C's fmod, which is exact and has the sign of a: a long division whose quotient is not kept.
fn d_fmod(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
  if (d_is_special(a) || d_is_nan(b) || d_is_zero(b)) {
    return D_NAN;
  }
  if (d_is_special(b) || d_is_zero(a)) {
    return a;
  }
  let p = d_normal(a);
  let q = d_normal(b);
  var r = d_shr(p.m, 11u);
  let d = d_shr(q.m, 11u);
  for (var e = p.e; e >= q.e; e--) {
    let t = d_sub64(r, d);
    r = select(t, r, t.y >= D_SIGN);
    r = select(r, d_shl(r, 1u), e > q.e);
  }
  return d_pack(D_Raw(a.y & D_SIGN, min(p.e, q.e) + 11, r));
}

// 1 for a < b, 2 for equal, 4 for a > b, 8 where one is NaN. Numbers as integers in the same order: 0 for both zeros.
fn d_key(a: vec2<u32>) -> vec2<u32> {
  let u = d_abs(a);
  return vec2<u32>(0u, D_SIGN) ^ select(u, d_sub64(vec2<u32>(), u), a.y >= D_SIGN);
}

fn d_order(a: vec2<u32>, b: vec2<u32>) -> u32 {
  let i = d_key(a);
  let j = d_key(b);
  let unequal = select(4u, 1u, i.y < j.y || (i.y == j.y && i.x < j.x));
  return select(select(unequal, 2u, all(i == j)), 8u, d_is_nan(a) || d_is_nan(b));
}

fn d_eq(a: vec2<u32>, b: vec2<u32>) -> bool {
  return d_order(a, b) == 2u;
}

fn d_ne(a: vec2<u32>, b: vec2<u32>) -> bool {
  return d_order(a, b) != 2u;
}

fn d_lt(a: vec2<u32>, b: vec2<u32>) -> bool {
  return d_order(a, b) == 1u;
}

fn d_le(a: vec2<u32>, b: vec2<u32>) -> bool {
  return (d_order(a, b) & 3u) != 0u;
}

fn d_gt(a: vec2<u32>, b: vec2<u32>) -> bool {
  return d_order(a, b) == 4u;
}

fn d_ge(a: vec2<u32>, b: vec2<u32>) -> bool {
  return (d_order(a, b) & 6u) != 0u;
}

// Equal numbers differ in the sign of zeros only.
fn d_extreme(a: vec2<u32>, b: vec2<u32>, first: u32, equal: vec2<u32>) -> vec2<u32> {
  let order = d_order(a, b);
  let unequal = select(b, a, order == first);
  return select(select(unequal, equal, order == 2u), D_NAN, order == 8u);
}

fn d_min(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
  return d_extreme(a, b, 1u, a | b);
}

fn d_max(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
  return d_extreme(a, b, 4u, a & b);
}

fn d_pmin(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
  return select(a, b, d_lt(b, a));
}

fn d_pmax(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
  return select(a, b, d_lt(a, b));
}

fn d_from_u32(x: u32) -> vec2<u32> {
  return d_pack(D_Raw(0u, 1086, vec2<u32>(x, 0u)));
}

fn d_from_i32(x: i32) -> vec2<u32> {
  return d_pack(D_Raw(u32(x) & D_SIGN, 1086, vec2<u32>(u32(abs(x)), 0u)));
}

fn d_from_f32(x: f32) -> vec2<u32> {
  let u = bitcast<u32>(x);
  let s = u & D_SIGN;
  let e = (u >> 23u) & 0xffu;
  let f = u & 0x7fffffu;
  let m = vec2<u32>(f | (min(e, 1u) << 23u), 0u);
  return d_pack(d_raw(s, i32(max(e, 1u)) + 936, m, e == 255u, (e == 255u) & (f != 0u)));
}

// The same rounding as in d_pack, to 24 bits.
fn d_to_f32(a: vec2<u32>) -> f32 {
  let p = d_unpack(a);
  let e = p.e - 896;
  let r = d_round(p.m, 38 + max(1 - e, 0)).x + (u32(max(e, 1) - 1) << 23u);
  let u = select(select(r, 0x7f800000u, e > 254), 0x7fc00000u, d_is_nan(a));
  return bitcast<f32>(u | (a.y & D_SIGN));
}

// Magnitude towards zero, at most 2^32 - 1; 0 for NaN.
fn d_magnitude(a: vec2<u32>) -> u32 {
  let p = d_unpack(a);
  let whole = select(p.m.y >> (u32(1054 - p.e) & 31u), 0xffffffffu, p.e > 1054);
  return select(whole, 0u, p.e < 1023 || d_is_nan(a));
}

fn d_to_u32(a: vec2<u32>) -> u32 {
  return select(d_magnitude(a), 0u, a.y >= D_SIGN);
}

fn d_to_i32(a: vec2<u32>) -> i32 {
  let u = d_magnitude(a);
  return select(i32(min(u, 0x7fffffffu)), -i32(min(u, D_SIGN)), a.y >= D_SIGN);
}
`;
