// Expanded kernel IR to one WASM function. Addresses: accesses that are affine in the innermost loop
// are grouped by their varying part into pointers that step with the loop, so that an access is one
// load with a constant offset; everything else computes its address.

import type binaryen from 'binaryen';
import { add, type Expr, i32, isConst, mul } from '../../ir/kernel/expr.ts';
import { kernelFunction } from '../../ir/kernel/functions.ts';
import type { Kernel, ReduceOp } from '../../ir/kernel/kernel.ts';
import { halfBitsExpr } from '../../ir/kernel/storage.ts';
import { byteSize, type DType, isStorage } from '../../ir/types.ts';
import { findPointers } from './accesses.ts';
import { expand, identity, type XStmt } from './expand.ts';
import { Expressions, functionName } from './expressions.ts';
import type { CodegenOptions, Local, Vec } from './frame.ts';
import { binary, type Mod, type Ref, reduceBin, scalarType } from './scalar-ops.ts';

/** Emits a kernel as a function `name(buffer addresses…, tid, nthreads)`; returns nothing. */
export function emitKernel(b: typeof binaryen, m: Mod, k: Kernel, name: string, opt: CodegenOptions): void {
  new KernelCodegen(b, m, k, opt).emit(name);
}

/** Emits every kernel function that the kernels call, and those that these call. */
export function emitFunctions(b: typeof binaryen, m: Mod, opt: CodegenOptions): void {
  // Sets are walked in the order of insertion, what is added on the way included.
  for (const fn of opt.functions) {
    const f = kernelFunction(fn);
    if (!f) throw new Error(`there is no kernel function ${fn}`);
    new Expressions(b, m, { name: fn, buffers: [], body: [] }, opt).emitFunction(functionName(fn), f.params, f.body);
  }
}

class KernelCodegen extends Expressions {
  emit(name: string): void {
    const { b, m } = this;
    const statements = this.list(expand(this.kernel.body));
    const body = m.block(null, [...this.constantsPrologue(), ...statements]);
    const params = b.createType(new Array<number>(this.params).fill(b.i32));
    m.addFunction(name, params, b.none, this.varTypes, body);
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
      case 'store': {
        const half = this.bufs.get(s.buf)?.ty === 'f16';
        const value = half ? halfBitsExpr(s.value) : s.value;
        this.count(value);
        return this.store(s.buf, s.index, value);
      }
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
    if (
      op === 'add' &&
      value.k === 'bin' &&
      value.op === 'mul' &&
      value.ty === 'f32' &&
      (this.shared.get(value)?.count ?? 0) < 2
    ) {
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
        out.push(
          m.local.set(
            level[i].index,
            binary(this, reduceBin(op), ty, this.get(level[i]), this.get(level[i + 1]), true),
          ),
        );
        next.push(level[i]);
      }
      if (level.length % 2) next.push(level[level.length - 1]);
      level = next;
    }
    const v = level[0];
    const shuffle = (order: number[]) =>
      m.i8x16.shuffle(
        this.get(v),
        this.get(v),
        order.flatMap((l) => [0, 1, 2, 3].map((k) => l * 4 + k)),
      );
    for (const order of [
      [2, 3, 0, 1],
      [1, 0, 3, 2],
    ])
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
    for (const p of findPointers(s)) {
      const info = this.bufs.get(p.buf) as { local: number; ty: DType };
      const bytes = byteSize(info.ty);
      const l = this.newLocal('i32', 'i32');
      const base = m.local.get(info.local, b.i32);
      const start = this.scalar(add(mul(p.rest, i32(bytes)), i32(p.min * bytes)));
      head.push(m.local.set(l.index, m.i32.add(base, start)));
      if (p.coef !== 0) bumps.push(m.local.set(l.index, m.i32.add(this.get(l), m.i32.const(p.coef * s.step * bytes))));
      this.pointers.set(p.key, { local: l.index, bias: -p.min * bytes });
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

  store(buf: string, index: Expr, value: Expr): Ref {
    const { m } = this;
    const ty = (this.bufs.get(buf) as { ty: DType }).ty;
    const vec = this.vec;
    if (!vec) {
      const v = this.scalar(value);
      const { ptr, offset } = this.address(buf, index);
      if (isStorage(ty)) return this.storeNarrow(ty, offset, ptr, v);
      return m[scalarType(ty)].store(offset, byteSize(ty), ptr, v);
    }
    const stride = this.laneStride(index);
    let v = this.vector(value);
    if (isStorage(ty)) return this.storeNarrowLanes(ty, buf, index, stride, v);
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

  /** The low one or two bytes of a word. */
  storeNarrow(ty: DType, offset: number, ptr: Ref, v: Ref): Ref {
    const { m } = this;
    return ty === 'f16' ? m.i32.store16(offset, 2, ptr, v) : m.i32.store8(offset, 1, ptr, v);
  }
  /** The low bytes of each lane: four neighbours at once, others one by one. */
  storeNarrowLanes(ty: DType, buf: string, index: Expr, stride: number | null, v: Ref): Ref {
    const { m } = this;
    const lanes = (this.vec as Vec).lanes;
    const keep = this.keep(v, 'v128');
    if (stride === 1 && lanes === 4) {
      const { ptr, offset } = this.address(buf, index);
      const low = ty === 'f16' ? [0, 1, 4, 5, 8, 9, 12, 13] : [0, 4, 8, 12];
      const order = Array.from({ length: 16 }, (_, k) => low[k] ?? 0);
      const packed = m.i8x16.shuffle(keep.get(), keep.get(), order);
      const stored =
        ty === 'f16' ? m.v128.store64_lane(offset, 2, 0, ptr, packed) : m.v128.store32_lane(offset, 1, 0, ptr, packed);
      return m.block(null, [keep.set, stored]);
    }
    const { set, at } = this.laneAddresses(buf, index, stride);
    const out = at.map(({ ptr, offset }, l) => this.storeNarrow(ty, offset, ptr, m.i32x4.extract_lane(keep.get(), l)));
    return m.block(null, [keep.set, set, ...out]);
  }
}
