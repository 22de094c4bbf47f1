// Kernel functions that other targets compute in float64, written in integers and float32. Angles beyond the reach of
// Cody and Waite's reduction are reduced by the digits of 2/pi that matter to them (M. Payne, R. Hanek, "Radian
// reduction for trigonometric functions", 1983); remainders by long division, exactly.

/** 2/pi behind its point, 32 bits a word. */
const digits = [0xa2f9836e, 0x4e441529, 0xfc2757d1, 0xf534ddc0, 0xdb629599, 0x3c439041, 0xfe5163ab, 0xdebbc561];

const reduction = `const two_over_pi = array<u32, ${digits.length}>(${digits.map((d) => `${d}u`).join(', ')});

// r and what it lacks.
struct Angle { r: f32, lo: f32, quadrant: u32 }

fn high_word(a: u32, b: u32) -> u32 {
  let x = (a & 0xffffu) * (b & 0xffffu);
  let y = (a >> 16u) * (b & 0xffffu) + (x >> 16u);
  let z = (a & 0xffffu) * (b >> 16u) + (y & 0xffffu);
  return (a >> 16u) * (b >> 16u) + (y >> 16u) + (z >> 16u);
}

// The word of 2/pi whose first bit is bit number p behind the point; zeros stand before it.
fn digits_from(p: i32) -> u32 {
  let at = p + 32i;
  let i = (at >> 5u) - 1i;
  let s = u32(at & 31i);
  let first = select(0u, two_over_pi[clamp(i, 0i, ${digits.length - 1}i)], i >= 0i && i < ${digits.length}i);
  let next = select(0u, two_over_pi[clamp(i + 1i, 0i, ${digits.length - 1}i)], i >= -1i && i < ${digits.length - 1}i);
  return select((first << s) | (next >> ((32u - s) & 31u)), first, s == 0u);
}

// An angle as r + quadrant pi/2, r between -pi/4 and pi/4. The angle is m 2^e: of the product with 2/pi only the bits
// below 4 matter, so 96 digits from e - 2 on are enough.
fn reduce_angle(x: f32) -> Angle {
  let word = bitcast<u32>(x);
  let m = (word & 0x7fffffu) | 0x800000u;
  let p = i32((word >> 23u) & 255u) - 152i;
  let w = vec3<u32>(digits_from(p), digits_from(p + 32i), digits_from(p + 64i));
  let low = m * w.y;
  let middle = low + high_word(m, w.z);
  let top = m * w.x + high_word(m, w.y) + select(0u, 1u, middle < low);
  var quadrant = top >> 30u;
  var f = vec2<u32>((top << 2u) | (middle >> 30u), (middle << 2u) | ((m * w.z) >> 30u));
  let above = f.x >= 0x80000000u;
  if (above) {
    f = vec2<u32>(~f.x + select(0u, 1u, f.y == 0u), 0u - f.y);
    quadrant += 1u;
  }
  let zeros = countLeadingZeros(f.x);
  let fraction = select((f.x << (zeros & 31u)) | (f.y >> ((32u - zeros) & 31u)), f.x, zeros == 0u);
  // In units of 2^-31: 24 bits and the 8 behind them.
  let scaled = high_word(fraction, ${Math.round((Math.PI / 2) * 2 ** 31)}u);
  let unit = bitcast<f32>((96u - min(zeros, 31u)) << 23u);
  let negative = (word >> 31u) == 1u;
  let sign = select(1.0f, -1.0f, above != negative);
  let r = f32(scaled >> 8u) * (sign * 256.0f * unit);
  return Angle(r, f32(scaled & 255u) * (sign * unit), select(quadrant, 0u - quadrant, negative) & 3u);
}

fn sine_of(a: Angle) -> f32 {
  let z = a.r * a.r;
  let s = fma(fma(fma(-1.9515295891e-4, z, 8.3321608736e-3), z, -1.6666654611e-1) * z, a.r, a.lo) + a.r;
  let p = fma(fma(2.443315711809948e-5, z, -1.388731625493765e-3), z, 4.166664568298827e-2);
  let c = fma(p * z, z, fma(-0.5, z, -a.r * a.lo)) + 1.0;
  let v = select(s, c, (a.quadrant & 1u) == 1u);
  return select(v, -v, a.quadrant > 1u);
}
fn cosine_of(a: Angle) -> f32 { return sine_of(Angle(a.r, a.lo, (a.quadrant + 1u) & 3u)); }
fn tangent_of(a: Angle) -> f32 {
  let z = a.r * a.r;
  let p = ${polynomial([0.333333492, 0.133326724, 0.0540594347, 0.0212829057, 0.0108371405, 8.48301643e-5, 0.00437977165])};
  let t = fma(p * z, a.r, fma(a.lo, z, a.lo)) + a.r;
  let odd = (a.quadrant & 1u) == 1u;
  return select(t, -1.0, odd) / select(1.0, t, odd);
}
// Of infinities and NaN: NaN.
fn no_angle(x: f32) -> bool { return (bitcast<u32>(x) & 0x7f800000u) == 0x7f800000u; }
`;

const remainder = `// x - trunc(x / y) y for finite x and y other than 0, without rounding: long division of the significands.
fn k_rem_f32(x: f32, y: f32) -> f32 {
  let sign = bitcast<u32>(x) & 0x80000000u;
  var a = split_float(bitcast<u32>(x) & 0x7fffffffu);
  let b = split_float(bitcast<u32>(y) & 0x7fffffffu);
  if (a.y < b.y || (a.y == b.y && a.x < b.x)) { return x; }
  var m = u32(a.x);
  let d = u32(b.x);
  for (var e = a.y; e > b.y; e--) {
    m = select(m, m - d, m >= d) << 1u;
  }
  m = select(m, m - d, m >= d);
  if (m == 0u) { return bitcast<f32>(sign); }
  // Back to a leading one in bit 23, as far as the exponent allows.
  let shift = min(i32(countLeadingZeros(m)) - 8i, b.y - 1i);
  m = m << u32(shift);
  let exponent = select(0i, b.y - shift, m >= 0x800000u);
  return bitcast<f32>(sign | (m & 0x7fffffu) | (u32(exponent) << 23u));
}
// Significand and exponent; those of subnormal numbers are shifted up.
fn split_float(word: u32) -> vec2<i32> {
  let e = i32(word >> 23u);
  if (e > 0i) { return vec2<i32>(i32((word & 0x7fffffu) | 0x800000u), e); }
  let shift = i32(countLeadingZeros(word)) - 8i;
  return vec2<i32>(i32(word << u32(shift)), 1i - shift);
}
`;

/** A polynomial in z, lowest power first. */
function polynomial(coefficients: readonly number[]): string {
  return coefficients.reduceRight((text, c) => (text === '' ? `${c}f` : `fma(${text}, z, ${c}f)`), '');
}

const ofAngle = (name: string, value: string): readonly string[] => [
  reduction,
  `fn k_${name}(x: f32) -> f32 {
  let a = reduce_angle(x);
  return select(${value}, bitcast<f32>(bitcast<u32>(x) | 0x7fc00000u), no_angle(x));
}
`,
];

/** WGSL of kernel functions by name: what they need and share, then the function. */
export const nativeFunctions: Readonly<Record<string, readonly string[]>> = {
  sin_f32: ofAngle('sin_f32', 'sine_of(a)'),
  cos_f32: ofAngle('cos_f32', 'cosine_of(a)'),
  tan_f32: ofAngle('tan_f32', 'tangent_of(a)'),
  rem_f32: [remainder],
};
