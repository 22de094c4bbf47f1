// Expressions of the kernel IR as WASM values: one scalar, or four lanes where the value differs
// between the lanes of the SIMD step at hand. Loads find their address here.

import { affine, dependsOn, fromAffine, strideIn } from '../../ir/kernel/affine.ts';
import { children, type Expr, isConst } from '../../ir/kernel/expr.ts';
import { fromHalfBitsExpr } from '../../ir/kernel/storage.ts';
import { byteSize, type DType, isStorage } from '../../ir/types.ts';
import { pointerKey } from './accesses.ts';
import { Frame, type Local, type LocalType, type Vec } from './frame.ts';
import {
  binary,
  convert,
  doubleOf,
  type Mod,
  type Ref,
  reinterpret,
  relaxedMadd,
  scalarType,
  unary,
  wordOf,
} from './scalar-ops.ts';

export class Expressions extends Frame {
  // --- memory ------------------------------------------------------------------------------------
  /** Address and constant byte offset of an element. */
  address(buf: string, index: Expr): { ptr: Ref; offset: number } {
    const { m, b } = this;
    const info = this.bufs.get(buf);
    if (!info) throw new Error(`kernel ${this.kernel.name} has no buffer ${buf}`);
    const bytes = byteSize(info.ty);
    const a = affine(this.atLane0(index));
    const p = this.pointers.get(pointerKey(buf, a.terms));
    if (p) return { ptr: m.local.get(p.local, b.i32), offset: a.c * bytes + p.bias };
    const base = m.local.get(info.local, b.i32);
    // A constant may only become an offset where the rest cannot be negative.
    const split = a.c > 0 && a.terms.every((t) => t.coef > 0 && t.term.k === 'var');
    const rest = fromAffine({ terms: a.terms, c: split ? 0 : a.c });
    const ptr = isConst(rest, 0) ? base : m.i32.add(base, this.scalar(scaled(rest, bytes)));
    return { ptr, offset: split ? a.c * bytes : 0 };
  }

  /** A load of float16 is a load of its bits and their conversion; one expression for each load. */
  private readonly halves = new Map<Expr, Expr>();
  halfOf(e: Expr & { k: 'load' }): Expr | undefined {
    if (e.ty !== 'f32' || this.bufs.get(e.buf)?.ty !== 'f16') return undefined;
    let value = this.halves.get(e);
    if (!value) {
      value = fromHalfBitsExpr({ ...e, ty: 'i32' });
      this.halves.set(e, value);
    }
    return value;
  }

  loadScalar(ty: DType, buf: string, index: Expr): Ref {
    const { ptr, offset } = this.address(buf, index);
    const stored = this.bufs.get(buf)?.ty;
    if (stored === 'i8') return this.m.i32.load8_s(offset, 1, ptr);
    if (stored === 'u8') return this.m.i32.load8_u(offset, 1, ptr);
    if (stored === 'f16') return this.m.i32.load16_u(offset, 2, ptr);
    return this.m[scalarType(ty)].load(offset, byteSize(ty), ptr);
  }

  loadVector(ty: DType, buf: string, index: Expr): Ref {
    const { m } = this;
    const vec = this.vec as Vec;
    const stride = this.laneStride(index);
    const stored = (this.bufs.get(buf) as { ty: DType }).ty;
    if (isStorage(stored)) return this.loadNarrow(stored, buf, index, stride);
    let v: Ref;
    if (stride === 1) {
      const { ptr, offset } = this.address(buf, index);
      v = m.v128.load(offset, 4, ptr);
    } else if (stride === 0) {
      const { ptr, offset } = this.address(buf, index);
      v = m.v128.load32_splat(offset, 4, ptr);
    } else {
      // Lane by lane: at a constant stride from one pointer, else each lane's own address.
      const { set, at } = this.laneAddresses(buf, index, stride);
      v = m.v128.load32_splat(at[0].offset, 4, at[0].ptr);
      for (let l = 1; l < vec.lanes; l++) v = m.v128.load32_lane(at[l].offset, 4, l, at[l].ptr, v);
      v = this.after([set], v);
    }
    return ty === 'bool' ? m.i32x4.ne(v, m.i32x4.splat(m.i32.const(0))) : v;
  }

  /** Four elements of one or two bytes, widened to 32 bits. */
  private loadNarrow(stored: DType, buf: string, index: Expr, stride: number | null): Ref {
    const { m } = this;
    if (stride === 0) return m.i32x4.splat(this.loadScalar('i32', buf, index));
    if (stride === 1) {
      const { ptr, offset } = this.address(buf, index);
      if (stored === 'f16') return m.v128.load16x4_u(offset, 2, ptr);
      const four = m.v128.load32_zero(offset, 1, ptr);
      return stored === 'i8'
        ? m.i32x4.extend_low_i16x8_s(m.i16x8.extend_low_i8x16_s(four))
        : m.i32x4.extend_low_i16x8_u(m.i16x8.extend_low_i8x16_u(four));
    }
    const { set, at } = this.laneAddresses(buf, index, stride);
    const one = (l: number): Ref => {
      const { ptr, offset } = at[l];
      if (stored === 'f16') return m.i32.load16_u(offset, 2, ptr);
      return stored === 'i8' ? m.i32.load8_s(offset, 1, ptr) : m.i32.load8_u(offset, 1, ptr);
    };
    return this.after([set], this.perLane('i32', one));
  }

  /** Elements between neighbouring lanes, or null where it is not constant. */
  laneStride(index: Expr): number | null {
    const vec = this.vec as Vec;
    const s = strideIn(index, vec.v);
    if (s === null) return null;
    return this.varyingExcept(index, vec.v) ? null : s;
  }

  /** Each lane's address; `set` computes what they share and must run first. */
  laneAddresses(buf: string, index: Expr, stride: number | null): { set: Ref; at: { ptr: Ref; offset: number }[] } {
    const { m, b } = this;
    const vec = this.vec as Vec;
    const lanes = Array.from({ length: vec.lanes }, (_, l) => l);
    const info = this.bufs.get(buf) as { local: number; ty: DType };
    const bytes = byteSize(info.ty);
    if (stride !== null && stride > 0) {
      const first = this.address(buf, index);
      const s = this.keep(first.ptr, 'i32');
      return { set: s.set, at: lanes.map((l) => ({ ptr: s.get(), offset: first.offset + l * stride * bytes })) };
    }
    const iv = this.keep(this.vector(index), 'v128');
    const at = lanes.map((l) => ({
      ptr: m.i32.add(m.local.get(info.local, b.i32), m.i32.mul(m.i32x4.extract_lane(iv.get(), l), m.i32.const(bytes))),
      offset: 0,
    }));
    return { set: iv.set, at };
  }

  // --- values ------------------------------------------------------------------------------------
  /** Counts uses of shared sub-expressions of a statement, to keep those used twice in locals. */
  count(e: Expr): void {
    const s = this.shared.get(e);
    if (s) {
      s.count++;
      return;
    }
    this.shared.set(e, { count: 1, local: null });
    const half = e.k === 'load' && this.halfOf(e);
    if (half) this.count(half);
    else for (const c of children(e)) this.count(c);
  }

  /** Does the value differ between lanes? */
  varying(e: Expr): boolean {
    const vec = this.vec;
    if (!vec) return false;
    return dependsOn(e, vec.v) || this.varyingExcept(e, vec.v);
  }
  varyingExcept(e: Expr, v: string): boolean {
    if (e.k === 'var') return e.name !== v && this.env.get(e.name)?.type === 'v128';
    if (e.k === 'tile') return this.tileLocal(e.tile, e.index).type === 'v128';
    return children(e).some((c) => this.varyingExcept(c, v));
  }

  splatConst(e: Expr): Ref {
    const value = (e as { value: number }).value;
    if (e.ty === 'f32') return this.splatBits(new Int32Array(Float32Array.of(value).buffer)[0]);
    return this.splatBits(e.ty === 'bool' ? -value : value | 0);
  }

  private cached(e: Expr, vector: boolean, make: () => Ref): Ref {
    if (e.k === 'const' || e.k === 'var' || e.k === 'tile') return make();
    const s = this.shared.get(e);
    if (!s || s.count < 2) return make();
    const type: LocalType = vector ? 'v128' : scalarType(e.ty);
    if (s.local && s.local.type === type) return this.get(s.local);
    const ref = make();
    const l = this.newLocal(type, e.ty);
    s.local = l;
    return this.m.local.tee(
      l.index,
      ref,
      { i32: this.b.i32, f32: this.b.f32, f64: this.b.f64, v128: this.b.v128 }[type],
    );
  }

  /** The value as one scalar; in a vector context it must be the same in all lanes. */
  scalar(e: Expr): Ref {
    return this.cached(e, false, () => this.scalarOf(e));
  }
  private scalarOf(e: Expr): Ref {
    const { m } = this;
    switch (e.k) {
      case 'const':
        return e.ty === 'f32' ? m.f32.const(e.value) : e.ty === 'f64' ? m.f64.const(e.value) : m.i32.const(e.value | 0);
      case 'var': {
        if (this.vec && e.name === this.vec.v) return this.scalar(this.vec.at);
        const l = this.env.get(e.name);
        if (!l) throw new Error(`kernel ${this.kernel.name}: no variable ${e.name}`);
        if (l.type === 'v128') throw new Error(`kernel ${this.kernel.name}: ${e.name} is a vector`);
        return this.get(l);
      }
      case 'load': {
        const half = this.halfOf(e);
        return half ? this.scalar(half) : this.loadScalar(e.ty, e.buf, e.index);
      }
      case 'tile':
        return this.get(this.tileLocal(e.tile, e.index));
      case 'un':
        return unary(this, e.op, e.ty, this.scalar(e.a), false);
      case 'bin':
        return binary(this, e.op, e.a.ty, this.scalar(e.a), this.scalar(e.b), false);
      case 'sel': {
        const a = this.scalar(e.a);
        const b = this.scalar(e.b);
        return m.select(this.scalar(e.c), a, b);
      }
      case 'cast':
        return convert(this, e.a.ty, e.ty, this.scalar(e.a), false);
      case 'bits':
        return reinterpret(m, e.a.ty, e.ty, this.scalar(e.a), false);
      case 'fma': {
        const f = e.ty === 'f64' ? m.f64 : m.f32;
        return f.add(f.mul(this.scalar(e.a), this.scalar(e.b)), this.scalar(e.c));
      }
      case 'word':
        return wordOf(m, e.half, this.scalar(e.a));
      case 'double':
        return doubleOf(m, this.scalar(e.hi), this.scalar(e.lo));
      case 'call':
        return this.call(
          e,
          e.args.map((a) => this.scalar(a)),
        );
      case 'rare':
        return this.rareScalar(e);
    }
  }

  /** The value in four lanes. */
  vector(e: Expr): Ref {
    if (e.k === 'const') return this.splatConst(e);
    if (e.k === 'load' && this.laneStride(e.index) === 0 && !this.halfOf(e))
      return this.cached(e, true, () => this.loadVector(e.ty, e.buf, e.index));
    if (!this.varying(e)) {
      const s = this.scalar(e);
      if (e.ty === 'f32') return this.m.f32x4.splat(s);
      return this.m.i32x4.splat(e.ty === 'bool' ? this.m.i32.sub(this.m.i32.const(0), s) : s);
    }
    return this.cached(e, true, () => this.vectorOf(e));
  }
  private vectorOf(e: Expr): Ref {
    const { m, b } = this;
    const vec = this.vec as Vec;
    switch (e.k) {
      case 'const':
        return this.splatConst(e);
      case 'var': {
        if (e.name === vec.v) return m.i32x4.add(m.i32x4.splat(this.scalar(vec.at)), iotaVector(m));
        return this.get(this.env.get(e.name) as Local);
      }
      case 'load': {
        const half = this.halfOf(e);
        return half ? this.vector(half) : this.loadVector(e.ty, e.buf, e.index);
      }
      case 'tile':
        return this.get(this.tileLocal(e.tile, e.index));
      case 'un':
        return unary(this, e.op, e.ty, this.vector(e.a), true);
      case 'bin': {
        if ((e.op === 'shl' || e.op === 'shr') && !this.varying(e.b)) {
          const shift = this.scalar(e.b);
          if (e.op === 'shl') return m.i32x4.shl(this.vector(e.a), shift);
          return e.ty === 'u32' ? m.i32x4.shr_u(this.vector(e.a), shift) : m.i32x4.shr_s(this.vector(e.a), shift);
        }
        const x = this.vector(e.a);
        return binary(this, e.op, e.a.ty, x, this.vector(e.b), true);
      }
      case 'sel': {
        if (!this.varying(e.c)) {
          const x = this.vector(e.a);
          const y = this.vector(e.b);
          return m.select(this.scalar(e.c), x, y);
        }
        const x = this.vector(e.a);
        const y = this.vector(e.b);
        return m.v128.bitselect(x, y, this.vector(e.c));
      }
      case 'cast':
        return convert(this, e.a.ty, e.ty, this.vector(e.a), true);
      case 'bits':
        return reinterpret(m, e.a.ty, e.ty, this.vector(e.a), true);
      case 'fma': {
        const x = this.vector(e.a);
        const y = this.vector(e.b);
        const z = this.vector(e.c);
        return this.opt.relaxed ? relaxedMadd(b, m, x, y, z) : m.f32x4.add(m.f32x4.mul(x, y), z);
      }
      case 'call':
        return this.callVector(e);
      case 'rare':
        return this.rareVector(e);
      case 'word':
      case 'double':
        throw new Error('a double has no lanes');
    }
  }

  // --- functions ---------------------------------------------------------------------------------
  private call(e: Expr & { k: 'call' }, args: Ref[]): Ref {
    this.opt.functions.add(e.fn);
    return this.m.call(functionName(e.fn), args, this.b[scalarType(e.ty)]);
  }

  /** Lane by lane. */
  private callVector(e: Expr & { k: 'call' }): Ref {
    const args = e.args.map((a) => ({ ty: a.ty, kept: this.keep(this.vector(a), 'v128') }));
    const one = (l: number) =>
      this.call(
        e,
        args.map((a) => this.lane(a.ty, a.kept.get(), l)),
      );
    return this.after(
      args.map((a) => a.kept.set),
      this.perLane(e.ty, one),
    );
  }

  /** What the two sides share must be computed before the branch, which may not be taken. */
  private rareScalar(e: Expr & { k: 'rare' }): Ref {
    if (e.call.k !== 'call') return this.scalar({ ...e, k: 'sel', a: e.call, b: e.other });
    const { m } = this;
    const args = e.call.args.map((a) => this.keep(this.scalar(a), scalarType(a.ty)));
    const other = this.keep(this.scalar(e.other), scalarType(e.ty));
    const sets = [...args.map((a) => a.set), other.set];
    const called = this.call(
      e.call,
      args.map((a) => a.get()),
    );
    return this.after(sets, m.if(this.scalar(e.c), called, other.get()));
  }

  /** The vector without the rare lanes, which are called and put in one by one. */
  private rareVector(e: Expr & { k: 'rare' }): Ref {
    if (e.call.k !== 'call') return this.vector({ ...e, k: 'sel', a: e.call, b: e.other });
    const { m } = this;
    const call = e.call;
    const args = call.args.map((a) => ({ ty: a.ty, kept: this.keep(this.vector(a), 'v128') }));
    const cond = this.keep(this.vector(e.c), 'v128');
    const l = this.newLocal('v128', e.ty);
    const set = m.local.set(l.index, this.vector(e.other));
    const lanes = Array.from({ length: (this.vec as Vec).lanes }, (_, k) => {
      const value = this.call(
        call,
        args.map((a) => this.lane(a.ty, a.kept.get(), k)),
      );
      return m.if(this.lane('bool', cond.get(), k), m.local.set(l.index, this.withLane(e.ty, this.get(l), k, value)));
    });
    const rareLanes = m.if(m.v128.any_true(cond.get()), m.block(null, lanes));
    return this.after([...args.map((a) => a.kept.set), cond.set, set, rareLanes], this.get(l));
  }

  /** Emits a kernel function: its parameters are the first locals. */
  emitFunction(name: string, params: readonly { readonly name: string; readonly ty: DType }[], body: Expr): void {
    const { b, m } = this;
    this.params = params.length;
    this.env = new Map(params.map((p, index) => [p.name, { index, type: scalarType(p.ty), ty: p.ty }]));
    this.count(body);
    const value = this.scalar(body);
    const types = b.createType(params.map((p) => b[scalarType(p.ty)]));
    m.addFunction(name, types, b[scalarType(body.ty)], this.varTypes, value);
  }
}

/** The WASM function of a kernel function. */
export const functionName = (fn: string): string => `f_${fn}`;

const iotaVector = (m: Mod): Ref => m.v128.const([0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0]);

const scaled = (e: Expr, k: number): Expr => {
  const a = affine(e);
  return fromAffine({ terms: a.terms.map((t) => ({ ...t, coef: t.coef * k })), c: a.c * k });
};
