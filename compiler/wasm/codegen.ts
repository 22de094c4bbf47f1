// Expanded kernel IR to one WASM function. Addresses: accesses that are affine in the innermost loop
// are grouped by their varying part into pointers that step with the loop, so that an access is one
// load with a constant offset; everything else computes its address.

import type binaryen from 'binaryen';
import { affine, dependsOn, fromAffine, strideIn } from '../../ir/kernel/affine.ts';
import { add, children, type Expr, i32, isConst, mapExpr, mul } from '../../ir/kernel/expr.ts';
import type { Kernel, ReduceOp } from '../../ir/kernel/kernel.ts';
import { printExpr } from '../../ir/kernel/print.ts';
import { byteSize, type DType } from '../../ir/types.ts';
import { expand, identity, type XStmt } from './expand.ts';
import { binary, convert, type Emit, type Mod, type Ref, reduceBin, reinterpret, relaxedMadd, scalarType, unary } from './scalar-ops.ts';

export interface CodegenOptions {
  /** relaxed_madd for `fma`; mul and add otherwise. */
  readonly relaxed: boolean;
}

type LocalType = 'i32' | 'f32' | 'f64' | 'v128';
interface Local {
  readonly index: number;
  readonly type: LocalType;
  readonly ty: DType;
}
interface Vec {
  readonly v: string;
  readonly at: Expr;
  readonly lanes: number;
}
/** A pointer that steps with a loop. */
interface Pointer {
  readonly local: number;
  /** Bytes to add to get the address of the access whose constant part is 0. */
  readonly bias: number;
}

/** Emits a kernel as a function `name(buffer addresses…, tid, nthreads)`; returns nothing. */
export function emitKernel(b: typeof binaryen, m: Mod, k: Kernel, name: string, opt: CodegenOptions): void {
  new KernelCodegen(b, m, k, opt).emit(name);
}

class KernelCodegen implements Emit {
  readonly m: Mod;
  readonly b: typeof binaryen;
  readonly opt: CodegenOptions;
  readonly kernel: Kernel;
  readonly bufs = new Map<string, { local: number; ty: DType }>();
  readonly tiles = new Map<string, { ty: DType; dims: readonly number[]; locals: Map<string, Local> }>();
  env = new Map<string, Local>();
  vec: Vec | null = null;
  pointers = new Map<string, Pointer>();
  varTypes: number[] = [];
  params: number;
  shared = new Map<Expr, { count: number; local: Local | null }>();
  labels = 0;

  constructor(b: typeof binaryen, m: Mod, k: Kernel, opt: CodegenOptions) {
    this.b = b;
    this.m = m;
    this.kernel = k;
    this.opt = opt;
    k.buffers.forEach((buf, i) => this.bufs.set(buf.name, { local: i, ty: buf.ty }));
    this.params = k.buffers.length + 2;
    this.env.set('tid', { index: k.buffers.length, type: 'i32', ty: 'i32' });
    this.env.set('nthreads', { index: k.buffers.length + 1, type: 'i32', ty: 'i32' });
  }

  emit(name: string): void {
    const { b, m } = this;
    const body = m.block(null, this.list(expand(this.kernel.body)));
    const params = b.createType(new Array<number>(this.params).fill(b.i32));
    m.addFunction(name, params, b.none, this.varTypes, body);
  }

  newLocal(type: LocalType, ty: DType): Local {
    this.varTypes.push({ i32: this.b.i32, f32: this.b.f32, f64: this.b.f64, v128: this.b.v128 }[type]);
    return { index: this.params + this.varTypes.length - 1, type, ty };
  }
  get(l: Local): Ref {
    return this.m.local.get(l.index, { i32: this.b.i32, f32: this.b.f32, f64: this.b.f64, v128: this.b.v128 }[l.type]);
  }

  // --- Emit interface -------------------------------------------------------------------------
  keep(e: Ref, type: LocalType): { set: Ref; get: () => Ref } {
    const l = this.newLocal(type, 'i32');
    return { set: this.m.local.set(l.index, e), get: () => this.get(l) };
  }
  after(sets: readonly Ref[], value: Ref): Ref {
    return this.m.block(null, [...sets, value], this.b.auto);
  }
  lane(ty: DType, v: Ref, lane: number): Ref {
    return ty === 'f32' ? this.m.f32x4.extract_lane(v, lane) : this.m.i32x4.extract_lane(v, lane);
  }
  perLane(ty: DType, f: (lane: number) => Ref): Ref {
    const { m } = this;
    let v = ty === 'f32' ? m.f32x4.splat(f(0)) : m.i32x4.splat(f(0));
    for (let l = 1; l < (this.vec?.lanes ?? 4); l++)
      v = ty === 'f32' ? m.f32x4.replace_lane(v, l, f(l)) : m.i32x4.replace_lane(v, l, f(l));
    return v;
  }

  // --- statements ------------------------------------------------------------------------------
  list(body: readonly XStmt[]): Ref[] {
    return body.map((s) => this.stmt(s));
  }

  stmt(s: XStmt): Ref {
    const { m } = this;
    this.shared = new Map();
    switch (s.s) {
      case 'let':
        this.count(s.value);
        return this.define(s.name, s.value);
      case 'acc': {
        this.count(s.init);
        return this.define(s.name, s.init, true);
      }
      case 'set':
        this.count(s.value);
        return this.assign(s.name, s.value);
      case 'reduce':
        return this.reduce(s.acc, s.op, s.value);
      case 'vacc': {
        const l = this.newLocal('v128', s.ty);
        this.env.set(s.name, l);
        return m.local.set(l.index, this.splatConst(identity(s.op, s.ty)));
      }
      case 'hreduce':
        return this.hreduce(s.acc, s.op, s.ty, s.from);
      case 'store':
        this.count(s.value);
        return this.store(s.buf, s.index, s.value);
      case 'for':
        return this.loop(s);
      case 'vec':
        return this.vecBlock(s);
      case 'if': {
        this.count(s.cond);
        const cond = this.scalar(s.cond);
        const then = m.block(null, this.list(s.then));
        return m.if(cond, then, s.else.length ? m.block(null, this.list(s.else)) : undefined);
      }
      case 'tile': {
        this.tiles.set(s.name, { ty: s.ty, dims: s.dims, locals: new Map() });
        this.tileInit.set(s.name, s.init);
        return this.initTile(s.name, s.dims, s.init, s.ty);
      }
      case 'tileset':
        this.count(s.value);
        return this.tileSet(s.tile, s.index, s.value);
      case 'barrier':
        return m.call('barrier', [this.get(this.env.get('nthreads') as Local)], this.b.none);
      case 'single':
        return m.if(m.i32.eqz(this.get(this.env.get('tid') as Local)), m.block(null, this.list(s.body)));
    }
  }

  readonly tileInit = new Map<string, number>();

  /** Tiles are vectors where the last axis has whole vectors, else scalars. */
  initTile(name: string, dims: readonly number[], init: number, ty: DType): Ref {
    const t = this.tiles.get(name) as { ty: DType; locals: Map<string, Local> };
    const vector = dims[dims.length - 1] % 4 === 0 && ty !== 'f64';
    const step = vector ? 4 : 1;
    const sets: Ref[] = [];
    const idx = dims.map(() => 0);
    const n = dims.reduce((a, d) => a * d, 1) / step;
    for (let i = 0; i < n; i++) {
      const l = this.newLocal(vector ? 'v128' : scalarType(ty), ty);
      t.locals.set(idx.join(','), l);
      const c: Expr = { k: 'const', ty, value: init };
      sets.push(this.m.local.set(l.index, vector ? this.splatConst(c) : this.scalar(c)));
      idx[dims.length - 1] += step;
      for (let d = dims.length - 1; d > 0 && idx[d] >= dims[d]; d--) {
        idx[d] = 0;
        idx[d - 1]++;
      }
    }
    return this.m.block(null, sets);
  }

  tileLocal(tile: string, index: readonly Expr[]): Local {
    const t = this.tiles.get(tile);
    if (!t) throw new Error(`no tile ${tile}`);
    const at = index.map((e) => {
      const x = affine(this.atLane0(e));
      if (x.terms.length) throw new Error(`tile ${tile} indexed by ${printExpr(e)}, which is not constant`);
      return x.c;
    });
    const l = t.locals.get(at.join(','));
    if (!l) throw new Error(`tile ${tile} has no element ${at}`);
    return l;
  }
  /** The expression with the vector variable at its first lane. */
  atLane0(e: Expr): Expr {
    const v = this.vec;
    return v ? mapExpr(e, (x) => (x.k === 'var' && x.name === v.v ? v.at : undefined)) : e;
  }

  tileSet(tile: string, index: readonly Expr[], value: Expr): Ref {
    const l = this.tileLocal(tile, index);
    return this.m.local.set(l.index, l.type === 'v128' ? this.vector(value) : this.scalar(value));
  }

  define(name: string, value: Expr, mutable = false): Ref {
    const vector = this.vec !== null && (mutable || this.varying(value));
    const ref = vector ? this.vector(value) : this.scalar(value);
    const l = this.newLocal(vector ? 'v128' : scalarType(value.ty), value.ty);
    this.env.set(name, l);
    return this.m.local.set(l.index, ref);
  }
  assign(name: string, value: Expr): Ref {
    const l = this.env.get(name) as Local;
    return this.m.local.set(l.index, l.type === 'v128' ? this.vector(value) : this.scalar(value));
  }
  reduce(acc: string, op: ReduceOp, value: Expr): Ref {
    const l = this.env.get(acc) as Local;
    this.count(value);
    const isVec = l.type === 'v128';
    // A sum of products is a fused multiply-add.
    if (op === 'add' && value.k === 'bin' && value.op === 'mul' && value.ty === 'f32' && (this.shared.get(value)?.count ?? 0) < 2) {
      const cur: Expr = { k: 'var', ty: value.ty, name: acc };
      const e: Expr = { k: 'fma', ty: value.ty, a: value.a, b: value.b, c: cur };
      return this.m.local.set(l.index, isVec ? this.vector(e) : this.scalar(e));
    }
    const v = isVec ? this.vector(value) : this.scalar(value);
    return this.m.local.set(l.index, binary(this, reduceBin(op), l.ty, this.get(l), v, isVec));
  }
  hreduce(acc: string, op: ReduceOp, ty: DType, from: readonly string[]): Ref {
    const { m } = this;
    const out: Ref[] = [];
    // Tree order over copies, then over lanes: (0,2)(1,3), then the halves.
    let level = from.map((f) => this.env.get(f) as Local);
    while (level.length > 1) {
      const next: Local[] = [];
      for (let i = 0; i + 1 < level.length; i += 2) {
        out.push(m.local.set(level[i].index, binary(this, reduceBin(op), ty, this.get(level[i]), this.get(level[i + 1]), true)));
        next.push(level[i]);
      }
      if (level.length % 2) next.push(level[level.length - 1]);
      level = next;
    }
    const v = level[0];
    const shuffle = (order: number[]) => m.i8x16.shuffle(this.get(v), this.get(v), order.flatMap((l) => [0, 1, 2, 3].map((k) => l * 4 + k)));
    for (const order of [[2, 3, 0, 1], [1, 0, 3, 2]])
      out.push(m.local.set(v.index, binary(this, reduceBin(op), ty, this.get(v), shuffle(order), true)));
    const a = this.env.get(acc) as Local;
    let lane = this.lane(ty, this.get(v), 0);
    if (ty === 'bool') lane = m.i32.and(lane, m.i32.const(1));
    out.push(m.local.set(a.index, binary(this, reduceBin(op), ty, this.get(a), lane, false)));
    return m.block(null, out);
  }

  vecBlock(s: XStmt & { s: 'vec' }): Ref {
    const outer = this.vec;
    this.vec = { v: s.v, at: s.at, lanes: s.lanes };
    const r = this.m.block(null, this.list(s.body));
    this.vec = outer;
    return r;
  }

  loop(s: XStmt & { s: 'for' }): Ref {
    const { m, b } = this;
    const v = this.newLocal('i32', 'i32');
    const head: Ref[] = [m.local.set(v.index, this.scalar(s.lo))];
    let hi: () => Ref;
    if (isConst(s.hi)) hi = () => m.i32.const((s.hi as { value: number }).value);
    else {
      const h = this.newLocal('i32', 'i32');
      head.push(m.local.set(h.index, this.scalar(s.hi)));
      hi = () => this.get(h);
    }
    const outerEnv = this.env;
    const outerPtrs = this.pointers;
    this.env = new Map(outerEnv).set(s.v, v);
    this.pointers = new Map(outerPtrs);
    const bumps: Ref[] = [];
    for (const p of this.findPointers(s)) {
      const l = this.newLocal('i32', 'i32');
      const base = m.local.get((this.bufs.get(p.buf) as { local: number }).local, b.i32);
      const start = this.scalar(add(mul(p.rest, i32(p.bytes)), i32(p.min * p.bytes)));
      head.push(m.local.set(l.index, m.i32.add(base, start)));
      if (p.coef !== 0) bumps.push(m.local.set(l.index, m.i32.add(this.get(l), m.i32.const(p.coef * s.step * p.bytes))));
      this.pointers.set(p.key, { local: l.index, bias: -p.min * p.bytes });
    }
    const label = `l${this.labels++}`;
    const body = this.list(s.body);
    this.env = outerEnv;
    this.pointers = outerPtrs;
    const next = m.local.set(v.index, m.i32.add(this.get(v), m.i32.const(s.step)));
    const run = m.loop(label, m.block(null, [...body, ...bumps, next, m.br_if(label, m.i32.lt_s(this.get(v), hi()))]));
    const known = isConst(s.lo) && isConst(s.hi);
    if (known && (s.lo as { value: number }).value >= (s.hi as { value: number }).value) return m.nop();
    return m.block(null, known ? [...head, run] : [...head, m.if(m.i32.lt_s(this.get(v), hi()), run)]);
  }

  /** Groups the loop's own affine accesses by buffer and varying part. */
  findPointers(loop: XStmt & { s: 'for' }): { key: string; buf: string; coef: number; rest: Expr; min: number; bytes: number }[] {
    const groups = new Map<string, { key: string; buf: string; coef: number; rest: Expr; min: number; bytes: number }>();
    const local = definedNames(loop.body);
    const access = (buf: string, index: Expr, vec: Vec | null) => {
      let at = index;
      if (vec) {
        if (strideIn(index, vec.v) === null) return;
        at = mapExpr(index, (x) => (x.k === 'var' && x.name === vec.v ? vec.at : undefined));
      }
      const a = affine(at);
      if (a.terms.some((t) => !invariantExcept(t.term, loop.v, local))) return;
      const coef = a.terms.find((t) => t.term.k === 'var' && t.term.name === loop.v)?.coef ?? 0;
      // Start value: the loop variable replaced by its lower bound.
      const rest = fromAffine(affine(mapExpr(fromAffine({ terms: a.terms, c: 0 }), (x) => (x.k === 'var' && x.name === loop.v ? loop.lo : undefined))));
      const key = pointerKey(buf, a.terms);
      const g = groups.get(key);
      if (g) groups.set(key, { ...g, min: Math.min(g.min, a.c) });
      else groups.set(key, { key, buf, coef, rest, min: a.c, bytes: byteSize((this.bufs.get(buf) as { ty: DType }).ty) });
    };
    forEachAccess(loop.body, null, access);
    return [...groups.values()];
  }

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

  loadScalar(ty: DType, buf: string, index: Expr): Ref {
    const { ptr, offset } = this.address(buf, index);
    return this.m[scalarType(ty)].load(offset, byteSize(ty), ptr);
  }

  loadVector(ty: DType, buf: string, index: Expr): Ref {
    const { m } = this;
    const vec = this.vec as Vec;
    const stride = this.laneStride(index);
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
    if (stride !== null && stride > 0) {
      const first = this.address(buf, index);
      const s = this.keep(first.ptr, 'i32');
      return { set: s.set, at: lanes.map((l) => ({ ptr: s.get(), offset: first.offset + l * stride * 4 })) };
    }
    const info = this.bufs.get(buf) as { local: number; ty: DType };
    const iv = this.keep(this.vector(index), 'v128');
    const at = lanes.map((l) => ({
      ptr: m.i32.add(m.local.get(info.local, b.i32), m.i32.shl(m.i32x4.extract_lane(iv.get(), l), m.i32.const(2))),
      offset: 0,
    }));
    return { set: iv.set, at };
  }

  store(buf: string, index: Expr, value: Expr): Ref {
    const { m } = this;
    const ty = (this.bufs.get(buf) as { ty: DType }).ty;
    const vec = this.vec;
    if (!vec) {
      const v = this.scalar(value);
      const { ptr, offset } = this.address(buf, index);
      return m[scalarType(ty)].store(offset, byteSize(ty), ptr, v);
    }
    const stride = this.laneStride(index);
    let v = this.vector(value);
    if (ty === 'bool') v = m.v128.and(v, m.i32x4.splat(m.i32.const(1)));
    if (stride === 1 && vec.lanes === 4) {
      const { ptr, offset } = this.address(buf, index);
      return m.v128.store(offset, 4, ptr, v);
    }
    const keep = this.newLocal('v128', ty);
    const out: Ref[] = [m.local.set(keep.index, v)];
    if (stride === 1 && vec.lanes >= 2) {
      const a = this.address(buf, index);
      out.push(m.v128.store64_lane(a.offset, 4, 0, a.ptr, this.get(keep)));
      if (vec.lanes === 3) {
        const a2 = this.address(buf, index);
        out.push(m.v128.store32_lane(a2.offset + 8, 4, 2, a2.ptr, this.get(keep)));
      }
      return m.block(null, out);
    }
    const { set, at } = this.laneAddresses(buf, index, stride);
    out.push(set);
    for (let l = 0; l < vec.lanes; l++) out.push(m.v128.store32_lane(at[l].offset, 4, l, at[l].ptr, this.get(keep)));
    return m.block(null, out);
  }

  // --- expressions --------------------------------------------------------------------------------
  /** Counts uses of shared sub-expressions of a statement, to keep those used twice in locals. */
  count(e: Expr): void {
    const s = this.shared.get(e);
    if (s) {
      s.count++;
      return;
    }
    this.shared.set(e, { count: 1, local: null });
    for (const c of children(e)) this.count(c);
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
    const { m } = this;
    const value = (e as { value: number }).value;
    if (e.ty === 'f32') return m.f32x4.splat(m.f32.const(value));
    return m.i32x4.splat(m.i32.const(e.ty === 'bool' ? -value : value | 0));
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
    return this.m.local.tee(l.index, ref, { i32: this.b.i32, f32: this.b.f32, f64: this.b.f64, v128: this.b.v128 }[type]);
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
        const v = this.loadScalar(e.ty, e.buf, e.index);
        return v;
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
    }
  }

  /** The value in four lanes. */
  vector(e: Expr): Ref {
    if (e.k === 'const') return this.splatConst(e);
    if (e.k === 'load' && this.laneStride(e.index) === 0) return this.cached(e, true, () => this.loadVector(e.ty, e.buf, e.index));
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
      case 'load':
        return this.loadVector(e.ty, e.buf, e.index);
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
    }
  }
}

const iotaVector = (m: Mod): Ref => m.v128.const([0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0]);

const scaled = (e: Expr, k: number): Expr => {
  const a = affine(e);
  return fromAffine({ terms: a.terms.map((t) => ({ ...t, coef: t.coef * k })), c: a.c * k });
};

function pointerKey(buf: string, terms: readonly { term: Expr; coef: number }[]): string {
  return `${buf}|${terms
    .map((t) => `${t.coef}*${printExpr(t.term)}`)
    .sort()
    .join('+')}`;
}

/** True where the expression reads nothing that the loop changes, its own variable aside. */
function invariantExcept(e: Expr, v: string, local: ReadonlySet<string>): boolean {
  if (e.k === 'load' || e.k === 'tile') return false;
  if (e.k === 'var') return e.name === v || !local.has(e.name);
  // The loop variable may stand alone only: inside a division it does not step evenly.
  return children(e).every((c) => c.k !== 'var' || c.name !== v) && children(e).every((c) => invariantExcept(c, v, local));
}

/** Names that statements define or change, at any depth. */
function definedNames(body: readonly XStmt[], out = new Set<string>()): Set<string> {
  for (const s of body) {
    if (s.s === 'let' || s.s === 'acc' || s.s === 'set' || s.s === 'vacc') out.add(s.name);
    if (s.s === 'reduce' || s.s === 'hreduce') out.add(s.acc);
    if (s.s === 'for' || s.s === 'vec') out.add(s.v);
    if (s.s === 'for' || s.s === 'vec' || s.s === 'single') definedNames(s.body, out);
    if (s.s === 'if') {
      definedNames(s.then, out);
      definedNames(s.else, out);
    }
  }
  return out;
}

/** Loads and stores that the loop body executes itself, not in nested loops. */
function forEachAccess(body: readonly XStmt[], vec: Vec | null, f: (buf: string, index: Expr, vec: Vec | null) => void): void {
  const seen = new Set<Expr>();
  const expr = (e: Expr): void => {
    if (seen.has(e)) return;
    seen.add(e);
    if (e.k === 'load') f(e.buf, e.index, vec);
    for (const c of children(e)) expr(c);
  };
  for (const s of body) {
    switch (s.s) {
      case 'let':
      case 'set':
      case 'reduce':
      case 'tileset':
        expr(s.value);
        break;
      case 'acc':
        expr(s.init);
        break;
      case 'store':
        f(s.buf, s.index, vec);
        expr(s.index);
        expr(s.value);
        break;
      case 'vec':
        forEachAccess(s.body, { v: s.v, at: s.at, lanes: s.lanes }, f);
        break;
      default:
        break;
    }
  }
}
