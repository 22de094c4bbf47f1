// The state of one WASM function under construction: its locals, what names stand for, and the SIMD
// step that is being written.

import type binaryen from 'binaryen';
import { affine } from '../../ir/kernel/affine.ts';
import { type Expr, mapExpr } from '../../ir/kernel/expr.ts';
import type { Kernel } from '../../ir/kernel/kernel.ts';
import { printExpr } from '../../ir/kernel/print.ts';
import type { DType } from '../../ir/types.ts';
import type { Emit, Mod, Ref } from './scalar-ops.ts';

export interface CodegenOptions {
  /** relaxed_madd for `fma`; mul and add otherwise. */
  readonly relaxed: boolean;
  /** Names of the module's constant globals that exist. */
  readonly globals: Set<string>;
  /** Kernel functions that the code calls: collected while it is written. */
  readonly functions: Set<string>;
}

export type LocalType = 'i32' | 'f32' | 'f64' | 'v128';
export interface Local {
  readonly index: number;
  readonly type: LocalType;
  readonly ty: DType;
}
export interface Vec {
  readonly v: string;
  readonly at: Expr;
  readonly lanes: number;
}
/** A pointer that steps with a loop. */
export interface Pointer {
  readonly local: number;
  /** Bytes to add to get the address of the access whose constant part is 0. */
  readonly bias: number;
}

export class Frame implements Emit {
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
  /** Vector constants in use, by their 32 bits. */
  readonly constants = new Map<number, Local>();

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

  newLocal(type: LocalType, ty: DType): Local {
    this.varTypes.push({ i32: this.b.i32, f32: this.b.f32, f64: this.b.f64, v128: this.b.v128 }[type]);
    return { index: this.params + this.varTypes.length - 1, type, ty };
  }
  /** Four lanes of a constant. V8 makes a splat anew at every use, two shuffle-port instructions each, and
   * does not move it out of loops; a local that was read from a mutable global stays in its register. */
  splatBits(bits: number): Ref {
    const { m } = this;
    if (bits === 0 || bits === -1) return m.i32x4.splat(m.i32.const(bits));
    let l = this.constants.get(bits);
    if (!l) {
      l = this.newLocal('v128', 'i32');
      this.constants.set(bits, l);
    }
    return this.get(l);
  }
  /** Reads the constants that the function uses from their globals; runs before its body. */
  constantsPrologue(): Ref[] {
    const { b, m } = this;
    return [...this.constants].map(([bits, l]) => {
      const name = `c${(bits >>> 0).toString(16)}`;
      if (!this.opt.globals.has(name)) {
        this.opt.globals.add(name);
        const bytes = new Uint8Array(Int32Array.of(bits, bits, bits, bits).buffer);
        m.addGlobal(name, b.v128, true, m.v128.const(bytes));
      }
      return m.local.set(l.index, m.global.get(name, b.v128));
    });
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
    for (let l = 1; l < (this.vec?.lanes ?? 4); l++) v = this.withLane(ty, v, l, f(l));
    return v;
  }
  withLane(ty: DType, v: Ref, lane: number, x: Ref): Ref {
    return ty === 'f32' ? this.m.f32x4.replace_lane(v, lane, x) : this.m.i32x4.replace_lane(v, lane, x);
  }

  // --- register tiles ------------------------------------------------------------------------------
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
}
