// Dtypes that only store: int8, uint8, float16. In kernels their elements are i32 and f32 values of their
// range; buffers hold them in one or two bytes.

import type { DType } from '../types.ts';
import { add, bin, bits, cast, type Expr, f32, i32, konst, sel, sub, un } from './expr.ts';

const and = (a: Expr, m: number): Expr => bin('and', a, i32(m));
const shl = (a: Expr, n: number): Expr => bin('shl', a, i32(n));
const shr = (a: Expr, n: number): Expr => bin('shr', a, i32(n));

/** The bits of the float16 nearest to an f32, ties to even. After F. Giesen, "Float->half variants" (2016). */
export function halfBitsExpr(x: Expr): Expr {
  const all = bits('i32', x);
  const a = and(all, 0x7fffffff);
  // NaN is one pattern; from 65536 on all is infinite, and what is less rounds there by itself.
  const special = sel(bin('gt', a, i32(0x7f800000)), i32(0x7e00), i32(0x7c00));
  // A sum with 1/2 has 2^-24, the smallest float16, as its last bit.
  const tiny = sub(bits('i32', add(bits('f32', a), f32(0.5))), i32(0x3f000000));
  const even = and(shr(a, 13), 1);
  const normal = shr(add(add(a, i32(((15 - 127) << 23) + 0xfff)), even), 13);
  const h = sel(bin('ge', a, i32(0x47800000)), special, sel(bin('lt', a, i32(0x38800000)), tiny, normal));
  return bin('or', h, and(shr(all, 16), 0x8000));
}

/** The f32 of float16 bits (0 to 65535), exactly. */
export function fromHalfBitsExpr(h: Expr): Expr {
  const m = shl(and(h, 0x7fff), 13);
  const e = and(m, 0x7c00 << 13);
  const moved = add(m, i32((127 - 15) << 23));
  const special = add(moved, i32((128 - 16) << 23));
  // Denormals: with the exponent of 2^-14 the leading one is there, and is taken off again.
  const tiny = bits('i32', sub(bits('f32', add(moved, i32(1 << 23))), f32(2 ** -14)));
  const value = sel(bin('eq', e, i32(0x7c00 << 13)), special, sel(bin('eq', e, i32(0)), tiny, moved));
  return bits('f32', bin('or', value, shl(and(h, 0x8000), 16)));
}

/** A double as an f32 that rounds to the same float16: what is cut off is kept in the last bit. */
function oddSingle(x: Expr): Expr {
  const y = cast('f32', x);
  const back = cast('f64', y);
  const b = bits('i32', y);
  const away = bin('gt', un('abs', back), un('abs', x));
  const odd = bits('f32', sel(away, sub(b, i32(1)), add(b, i32(1))));
  const exact = bin('or', bin('eq', back, x), bin('eq', and(b, 1), i32(1)));
  const infinite = bin('eq', un('abs', y), f32(Number.POSITIVE_INFINITY));
  const nan = bin('ne', x, x);
  return sel(bin('or', bin('or', exact, infinite), nan), y, odd);
}

/** A value converted to a dtype, as kernels hold it. Floats truncate and saturate to 32 bits, then wrap. */
export function convertExpr(x: Expr, to: DType): Expr {
  switch (to) {
    case 'bool':
      return x.ty === 'bool' ? x : bin('ne', x, konst(x.ty, 0));
    case 'i8':
      return shr(shl(cast('i32', x), 24), 24);
    case 'u8':
      return and(cast('i32', x), 255);
    case 'f16':
      return fromHalfBitsExpr(halfBitsExpr(x.ty === 'f64' ? oddSingle(x) : cast('f32', x)));
    default:
      return cast(to, x);
  }
}
