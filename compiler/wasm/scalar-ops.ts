// One scalar or one 4-lane WASM instruction for each operator of the kernel IR.

import type binaryen from 'binaryen';
import type { BinOp, UnOp } from '../../ir/kernel/expr.ts';
import type { ReduceOp } from '../../ir/kernel/kernel.ts';
import type { DType } from '../../ir/types.ts';

export type Ref = number;
export type Mod = binaryen.Module;

/** What instruction selection needs to know of the code being written. */
export interface Emit {
  readonly m: Mod;
  /** A local for the value: `set` must run before any `get`. */
  keep(e: Ref, type: 'i32' | 'f32' | 'f64' | 'v128'): { set: Ref; get: () => Ref };
  /** Runs statements, then gives the value. */
  after(sets: readonly Ref[], value: Ref): Ref;
  /** Lane by lane through the scalar instruction. */
  perLane(ty: DType, f: (lane: number) => Ref): Ref;
  lane(ty: DType, v: Ref, lane: number): Ref;
}

type S = 'i32' | 'f32' | 'f64';
export const scalarType = (t: DType): S => (t === 'f32' || t === 'f64' ? t : 'i32');

const unsigned = (t: DType) => t === 'u32';

export function unary(c: Emit, op: UnOp, ty: DType, a: Ref, vector: boolean): Ref {
  const { m } = c;
  if (op === 'not') {
    if (vector) return m.v128.not(a);
    return ty === 'bool' ? m.i32.eqz(a) : m.i32.xor(a, m.i32.const(-1));
  }
  if (ty === 'f32' || ty === 'f64') {
    if (vector) return m.f32x4[op](a);
    return (ty === 'f32' ? m.f32 : m.f64)[op](a);
  }
  if (vector) {
    if (op === 'neg' || op === 'abs') return m.i32x4[op](a);
    return a;
  }
  if (op === 'neg') return m.i32.sub(m.i32.const(0), a);
  if (op === 'abs') {
    const s = c.keep(a, 'i32');
    return c.after([s.set], m.select(m.i32.lt_s(s.get(), m.i32.const(0)), m.i32.sub(m.i32.const(0), s.get()), s.get()));
  }
  return a; // rounding an integer
}

/** `ty` is the operands' type. */
export function binary(c: Emit, op: BinOp, ty: DType, a: Ref, b: Ref, vector: boolean): Ref {
  if (vector) return binaryVector(c, op, ty, a, b);
  const { m } = c;
  if (ty === 'f32' || ty === 'f64') return binaryFloat(c, op, ty, a, b);
  const u = unsigned(ty);
  switch (op) {
    case 'add':
    case 'sub':
    case 'mul':
    case 'and':
    case 'or':
    case 'xor':
    case 'shl':
    case 'eq':
    case 'ne':
      return m.i32[op](a, b);
    case 'div':
      return u ? m.i32.div_u(a, b) : m.i32.div_s(a, b);
    case 'rem':
      return u ? m.i32.rem_u(a, b) : m.i32.rem_s(a, b);
    case 'shr':
      return u ? m.i32.shr_u(a, b) : m.i32.shr_s(a, b);
    case 'lt':
    case 'le':
    case 'gt':
    case 'ge':
      return m.i32[`${op}_${u ? 'u' : 's'}`](a, b);
    case 'min':
    case 'pmin':
    case 'max':
    case 'pmax': {
      const x = c.keep(a, 'i32');
      const y = c.keep(b, 'i32');
      const less = op === 'min' || op === 'pmin' ? 'lt' : 'gt';
      return c.after([x.set, y.set], m.select(m.i32[`${less}_${u ? 'u' : 's'}`](x.get(), y.get()), x.get(), y.get()));
    }
  }
}

function binaryFloat(c: Emit, op: BinOp, ty: 'f32' | 'f64', a: Ref, b: Ref): Ref {
  const { m } = c;
  const f = ty === 'f32' ? m.f32 : m.f64;
  switch (op) {
    case 'pmin':
    case 'pmax': {
      // pmin(a, b) = b < a ? b : a, as the SIMD instruction: a NaN in a stays.
      const x = c.keep(a, ty);
      const y = c.keep(b, ty);
      const cond = op === 'pmin' ? f.gt(x.get(), y.get()) : f.lt(x.get(), y.get());
      return c.after([x.set, y.set], m.select(cond, y.get(), x.get()));
    }
    case 'rem': {
      const x = c.keep(a, ty);
      const y = c.keep(b, ty);
      const q = f.trunc(f.div(x.get(), y.get()));
      return c.after([x.set, y.set], f.sub(x.get(), f.mul(q, y.get())));
    }
    case 'and':
    case 'or':
    case 'xor':
    case 'shl':
    case 'shr':
      throw new Error(`${op} of floats`);
    default:
      return f[op](a, b);
  }
}

function binaryVector(c: Emit, op: BinOp, ty: DType, a: Ref, b: Ref): Ref {
  const { m } = c;
  if (op === 'and' || op === 'or' || op === 'xor') return m.v128[op](a, b);
  if (ty === 'bool') return m.i32x4[op as 'eq' | 'ne'](a, b);
  if (ty === 'f32') {
    if (op === 'rem') {
      const x = c.keep(a, 'v128');
      const y = c.keep(b, 'v128');
      const q = m.f32x4.trunc(m.f32x4.div(x.get(), y.get()));
      return c.after([x.set, y.set], m.f32x4.sub(x.get(), m.f32x4.mul(q, y.get())));
    }
    return m.f32x4[op as 'add'](a, b);
  }
  const u = unsigned(ty);
  switch (op) {
    case 'add':
    case 'sub':
    case 'mul':
    case 'eq':
    case 'ne':
      return m.i32x4[op](a, b);
    case 'min':
    case 'pmin':
      return u ? m.i32x4.min_u(a, b) : m.i32x4.min_s(a, b);
    case 'max':
    case 'pmax':
      return u ? m.i32x4.max_u(a, b) : m.i32x4.max_s(a, b);
    case 'lt':
    case 'le':
    case 'gt':
    case 'ge':
      return m.i32x4[`${op}_${u ? 'u' : 's'}`](a, b);
    default: {
      // Division, remainder and shifts by varying amounts have no SIMD form.
      const x = c.keep(a, 'v128');
      const y = c.keep(b, 'v128');
      return c.after(
        [x.set, y.set],
        c.perLane(ty, (l) => binary(c, op, ty, c.lane(ty, x.get(), l), c.lane(ty, y.get(), l), false)),
      );
    }
  }
}

/** Conversion between dtypes; to bool is written as `x != 0` by the lowering. */
export function convert(c: Emit, from: DType, to: DType, a: Ref, vector: boolean): Ref {
  const { m } = c;
  if (vector) {
    if (from === 'bool')
      return to === 'f32' ? m.v128.and(a, m.f32x4.splat(m.f32.const(1))) : m.v128.and(a, m.i32x4.splat(m.i32.const(1)));
    if (from === 'f32') return to === 'u32' ? m.i32x4.trunc_sat_f32x4_u(a) : m.i32x4.trunc_sat_f32x4_s(a);
    if (to === 'f32') return from === 'u32' ? m.f32x4.convert_i32x4_u(a) : m.f32x4.convert_i32x4_s(a);
    return a; // i32 and u32 share their bits
  }
  const src = scalarType(from);
  const dst = scalarType(to);
  if (src === dst) return a;
  if (dst === 'i32') {
    const f = src === 'f32' ? 'f32' : 'f64';
    return (to === 'u32' ? m.i32.trunc_u_sat : m.i32.trunc_s_sat)[f](a);
  }
  const f = dst === 'f32' ? m.f32 : m.f64;
  if (src === 'i32') return (from === 'u32' ? f.convert_u : f.convert_s).i32(a);
  return dst === 'f32' ? m.f32.demote(a) : m.f64.promote(a);
}

/** Reinterpretation of 32 bits. */
export function reinterpret(m: Mod, from: DType, to: DType, a: Ref, vector: boolean): Ref {
  const src = scalarType(from);
  const dst = scalarType(to);
  if (vector || src === dst) return a;
  return dst === 'f32' ? m.f32.reinterpret(a) : m.i32.reinterpret(a);
}

/** The high or low half of a double's bits. */
export function wordOf(m: Mod, half: 'hi' | 'lo', a: Ref): Ref {
  const bits = m.i64.reinterpret(a);
  return m.i32.wrap(half === 'lo' ? bits : m.i64.shr_u(bits, m.i64.const(32n)));
}
/** The double of two halves. */
export const doubleOf = (m: Mod, hi: Ref, lo: Ref): Ref =>
  m.f64.reinterpret(m.i64.or(m.i64.shl(m.i64.extend_u(hi), m.i64.const(32n)), m.i64.extend_u(lo)));

const asBin: Readonly<Record<ReduceOp, BinOp>> = {
  add: 'add',
  mul: 'mul',
  max: 'max',
  min: 'min',
  pmax: 'pmax',
  pmin: 'pmin',
  and: 'and',
  or: 'or',
};
export const reduceBin = (op: ReduceOp): BinOp => asBin[op];

/** f32x4 relaxed multiply-add; binaryen has no wrapper for it. */
export function relaxedMadd(b: typeof binaryen, m: Mod, x: Ref, y: Ref, z: Ref): Ref {
  const raw = b as unknown as {
    _BinaryenSIMDTernary(m: number, op: number, a: Ref, b: Ref, c: Ref): Ref;
    RelaxedMaddVecF32x4: number;
  };
  return raw._BinaryenSIMDTernary((m as unknown as { ptr: number }).ptr, raw.RelaxedMaddVecF32x4, x, y, z);
}
