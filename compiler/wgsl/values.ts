// One WGSL expression for each operator of the kernel IR, from the texts of its operands. What WGSL leaves open and
// WebAssembly does not (NaN in comparisons and conversions, shifts beyond the width) is written out here.

import type { BinOp, UnOp } from '../../ir/kernel/expr.ts';
import type { ReduceOp } from '../../ir/kernel/kernel.ts';
import { infix } from '../../ir/kernel/print.ts';
import type { DType } from '../../ir/types.ts';

/** The type of a value. WGSL has no float64: what needs it is a function of its own (functions.ts). */
export function typeText(ty: DType): string {
  if (ty === 'f64') throw new Error('a value of float64');
  return ty;
}

/** Functions that texts may use, by name. */
const helpers: Readonly<Record<string, string>> = {
  is_nan: 'fn is_nan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }',
  f_min:
    'fn f_min(a: f32, b: f32) -> f32 { let m = bitcast<f32>(select(bitcast<u32>(min(a, b)), bitcast<u32>(a) | bitcast<u32>(b), a == b)); return select(m, a + b, is_nan(a) || is_nan(b)); }',
  f_max:
    'fn f_max(a: f32, b: f32) -> f32 { let m = bitcast<f32>(select(bitcast<u32>(max(a, b)), bitcast<u32>(a) & bitcast<u32>(b), a == b)); return select(m, a + b, is_nan(a) || is_nan(b)); }',
  // A variable is no constant expression, of which WGSL refuses infinities and NaN.
  f_special:
    'var<private> special_bits: u32 = 0x7f800000u;\nfn f_special(bits: u32) -> f32 { return bitcast<f32>((special_bits & 0u) | bits); }',
  // A word that is zero, which no compiler can know: WGSL allows drivers to reorder sums and to fuse products into them.
  opaque: 'var<private> zero: u32;\nfn opaque(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) ^ zero); }',
  // WGSL ends at the largest float below 2^31 (2^32), WebAssembly at the largest integer.
  f_to_i32:
    'fn f_to_i32(x: f32) -> i32 { return select(select(i32(x), 2147483647i, x >= 2147483648.0f), 0i, is_nan(x)); }',
  f_to_u32:
    'fn f_to_u32(x: f32) -> u32 { return select(select(u32(x), 4294967295u, x >= 4294967296.0f), 0u, is_nan(x)); }',
  // WGSL leaves open to which side a conversion rounds; halves convert exactly, and their sum is rounded once.
  f_from_i32: 'fn f_from_i32(x: i32) -> f32 { return f32(x >> 16u) * 65536.0f + f32(x & 65535i); }',
  f_from_u32: 'fn f_from_u32(x: u32) -> f32 { return f32(x >> 16u) * 65536.0f + f32(x & 65535u); }',
  // By its bits: GPUs may take subnormal numbers for 0.
  f_to_bool: 'fn f_to_bool(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) != 0u; }',
  // Long division of the significands. Beyond normal numbers the GPU's own result has to do.
  exact_div: `fn exact_div(a: f32, b: f32) -> f32 {
  let x = bitcast<u32>(a);
  let y = bitcast<u32>(b);
  let q = a / b;
  let ex = (x >> 23u) & 255u;
  let ey = (y >> 23u) & 255u;
  let mx = (x & 0x7fffffu) | 0x800000u;
  let my = (y & 0x7fffffu) | 0x800000u;
  let less = mx < my;
  var exponent = i32(ex) - i32(ey) + select(127i, 126i, less);
  if (ex == 0u || ex == 255u || ey == 0u || ey == 255u || exponent < 1i || exponent > 253i) { return q; }
  var r = select(mx, mx << 1u, less);
  var m = 0u;
  for (var i = 0; i < 25; i++) {
    let fits = r >= my;
    m = (m << 1u) | u32(fits);
    r = select(r, r - my, fits) << 1u;
  }
  return rounded_float((x ^ y) & 0x80000000u, u32(exponent), m, r != 0u);
}`,
  // Digit by digit, two bits of the radicand at a time.
  exact_sqrt: `fn exact_sqrt(a: f32) -> f32 {
  let x = bitcast<u32>(a);
  let e = x >> 23u;
  if (e == 0u || e >= 255u) { return sqrt(a); }
  let odd = (e & 1u) == 0u;
  var radicand = ((x & 0x7fffffu) | 0x800000u) << select(7u, 8u, odd);
  var r = 0u;
  var m = 0u;
  for (var i = 0; i < 25; i++) {
    r = (r << 2u) | (radicand >> 30u);
    radicand = radicand << 2u;
    let t = (m << 2u) | 1u;
    let fits = r >= t;
    r = select(r, r - t, fits);
    m = (m << 1u) | u32(fits);
  }
  return rounded_float(0u, (e + select(127u, 126u, odd)) >> 1u, m, r != 0u);
}`,
  rounded_float: `// To the nearest, ties to even: 25 bits of a significand, and whether more follow. A carry grows into the exponent.
fn rounded_float(sign: u32, exponent: u32, m: u32, more: bool) -> f32 {
  let up = (m & 1u) == 1u && (more || (m & 2u) == 2u);
  return bitcast<f32>(sign | (((exponent - 1u) << 23u) + (m >> 1u) + u32(up)));
}`,
};
const needs: Readonly<Record<string, readonly string[]>> = {
  exact_div: ['rounded_float'],
  exact_sqrt: ['rounded_float'],
  f_min: ['is_nan'],
  f_max: ['is_nan'],
  f_to_i32: ['is_nan'],
  f_to_u32: ['is_nan'],
};

/** The helpers' text with what they need, each once. */
export function helperText(names: Iterable<string>): string {
  const all = new Set<string>();
  const add = (n: string): void => {
    for (const x of needs[n] ?? []) add(x);
    all.add(n);
  };
  for (const n of names) add(n);
  return [...all].map((n) => helpers[n]).join('\n');
}

/** Takes note of a function that a text uses, and gives its name. */
export type Use = (name: string) => string;

const bitsOf = (x: number): number => new Uint32Array(Float32Array.of(x).buffer)[0];

/** A constant. */
export function literal(ty: DType, x: number, use: Use): string {
  switch (ty) {
    case 'bool':
      return x ? 'true' : 'false';
    case 'u32':
      return `${x >>> 0}u`;
    case 'f32': {
      const v = Math.fround(x);
      if (!Number.isFinite(v)) return `${use('f_special')}(${bitsOf(v)}u)`;
      // A hexadecimal pattern is exact; round numbers stay readable.
      return Number.isInteger(v) && Math.abs(v) < 1e6 && !Object.is(v, -0)
        ? `${v < 0 ? `(${v}.0f)` : `${v}.0f`}`
        : `bitcast<f32>(${bitsOf(v)}u)`;
    }
    default:
      return x < 0 ? `bitcast<i32>(${(x | 0) >>> 0}u)` : `${x | 0}i`;
  }
}

export function unary(op: UnOp, ty: DType, a: string): string {
  switch (op) {
    case 'not':
      return ty === 'bool' ? `(!${a})` : `(~${a})`;
    case 'neg':
      return ty === 'u32' ? `(0u - ${a})` : `(-${a})`;
    case 'nearest':
      return ty === 'f32' ? `round(${a})` : a;
    case 'floor':
    case 'ceil':
    case 'trunc':
      return ty === 'f32' ? `${op}(${a})` : a;
    default:
      return `${op}(${a})`;
  }
}

/**
 * `ty` is the operands' type. `same`: both operands are one expression, which tells a NaN; drivers may
 * take comparisons of floats for granted otherwise.
 */
export function binary(op: BinOp, ty: DType, a: string, b: string, use: Use, same = false): string {
  if (ty === 'f32') {
    if (same && (op === 'ne' || op === 'eq')) return `${op === 'eq' ? '!' : ''}${use('is_nan')}(${a})`;
    // WGSL's != is an ordered comparison to most drivers: false for NaN.
    if (op === 'ne') return `!(${a} == ${b})`;
    if (op === 'min' || op === 'max') return `${use(`f_${op}`)}(${a}, ${b})`;
    if (op === 'pmin') return `select(${a}, ${b}, ${b} < ${a})`;
    if (op === 'pmax') return `select(${a}, ${b}, ${a} < ${b})`;
    if (op === 'rem') return `(${a} - (trunc(${a} / ${b}) * ${b}))`;
  }
  if (ty === 'bool') {
    if (op === 'xor') return `(${a} != ${b})`;
    // WGSL orders no booleans.
    if (op === 'lt' || op === 'le' || op === 'gt' || op === 'ge') return `(u32(${a}) ${infix[op]} u32(${b}))`;
  }
  switch (op) {
    case 'shl':
      return `(${a} << (u32(${b}) & 31u))`;
    case 'shr':
      return `(${a} >> (u32(${b}) & 31u))`;
    case 'min':
    case 'pmin':
      return `min(${a}, ${b})`;
    case 'max':
    case 'pmax':
      return `max(${a}, ${b})`;
    default:
      return `(${a} ${infix[op]} ${b})`;
  }
}

/** Conversion between types of values. */
export function convert(from: DType, to: DType, a: string, use: Use): string {
  if (from === to) return a;
  if (from === 'bool') return `select(${literal(to, 0, use)}, ${literal(to, 1, use)}, ${a})`;
  if (from === 'f32') return `${use(`f_to_${to}`)}(${a})`;
  if (to === 'bool') return `(${a} != ${literal(from, 0, use)})`;
  return to === 'f32' ? `${use(`f_from_${from === 'u32' ? 'u32' : 'i32'}`)}(${a})` : `bitcast<${to}>(${a})`;
}

/** The operator of `acc = acc op value`, as text. */
export const combine = (op: ReduceOp, ty: DType, a: string, b: string, use: Use): string => binary(op, ty, a, b, use);

/** What leaves every value as it is. */
export function identityOf(op: ReduceOp, ty: DType): number {
  switch (op) {
    case 'add':
    case 'or':
      return 0;
    case 'mul':
      return 1;
    case 'and':
      return ty === 'bool' ? 1 : -1;
    case 'max':
    case 'pmax':
      return ty === 'f32' ? Number.NEGATIVE_INFINITY : ty === 'u32' ? 0 : -(2 ** 31);
    case 'min':
    case 'pmin':
      return ty === 'f32' ? Number.POSITIVE_INFINITY : ty === 'u32' ? 2 ** 32 - 1 : 2 ** 31 - 1;
  }
}
