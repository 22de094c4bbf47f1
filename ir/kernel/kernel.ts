// Kernel IR: loops over scalar expressions. A kernel is what one call computes; targets decide how its
// loops run. Vector loops and register tiles are written as scalar code on an index variable; the code
// generator widens them. Buffers are flat; indices are in elements.
//
// `tid` and `nthreads` are i32 variables that every kernel may read.

import type { DType } from '../types.ts';
import { type Expr, i32, mapExpr, variable } from './expr.ts';

/** `shared`: memory of a workgroup, on a GPU; such buffers stand last and are bound to nothing. */
export type BufferRole = 'in' | 'out' | 'inout' | 'scratch' | 'shared';

export interface Buffer {
  readonly name: string;
  readonly ty: DType;
  /** Elements. */
  readonly size: number;
  readonly role: BufferRole;
}

/** `pmax` and `pmin` may lose a NaN: for lowerings that watch for NaN themselves. */
export type ReduceOp = 'add' | 'mul' | 'max' | 'min' | 'pmax' | 'pmin' | 'and' | 'or';

export interface For {
  readonly s: 'for';
  readonly v: string;
  readonly lo: Expr;
  readonly hi: Expr;
  readonly step: number;
  /** Iterations are independent and run as SIMD lanes; `reduce` statements combine across lanes. */
  readonly vector?: boolean;
  /** Split over threads in chunks of this many iterations. Iterations are independent. */
  readonly parallel?: number;
  /** Iterations from here on are not needed: they may run, or not. */
  readonly limit?: Expr;
  /** Expanded at compile time; needs constant bounds. */
  readonly unroll?: boolean;
  /** Copies of a vector body per iteration, to have independent accumulators in flight. */
  readonly copies?: number;
  /** On a GPU: iterations are independent, each is an invocation or a workgroup. Constant bounds, outermost loops only. */
  readonly grid?: boolean;
  readonly body: readonly Stmt[];
}

export type Stmt =
  | { readonly s: 'let'; readonly name: string; readonly value: Expr }
  /** A mutable scalar. */
  | { readonly s: 'acc'; readonly name: string; readonly ty: DType; readonly init: Expr }
  | { readonly s: 'set'; readonly name: string; readonly value: Expr }
  /** acc = acc op value; the order of combination is free. */
  | { readonly s: 'reduce'; readonly acc: string; readonly op: ReduceOp; readonly value: Expr }
  | {
      readonly s: 'store';
      readonly buf: string;
      readonly index: Expr;
      readonly value: Expr;
      /** On a GPU: combined with the element that is there, in one piece, while others do the same. */
      readonly atomic?: 'add' | 'max' | 'min';
    }
  | For
  /** One SIMD step: lanes v = at … at + lanes - 1. Vector loops expand to this. */
  | { readonly s: 'vec'; readonly v: string; readonly at: Expr; readonly lanes: number; readonly body: readonly Stmt[] }
  | { readonly s: 'if'; readonly cond: Expr; readonly then: readonly Stmt[]; readonly else: readonly Stmt[] }
  /** A register tile; after unrolling its indices are constants. The last axis may be a vector variable. */
  | {
      readonly s: 'tile';
      readonly name: string;
      readonly ty: DType;
      readonly dims: readonly number[];
      readonly init: number;
      /** On a GPU, in a workgroup's code: every invocation has one, in all vector loops of as many iterations. */
      readonly perLane?: boolean;
    }
  | { readonly s: 'tileset'; readonly tile: string; readonly index: readonly Expr[]; readonly value: Expr }
  /** All threads wait for each other. Only outside of parallel loops. */
  | { readonly s: 'barrier' }
  /** Thread 0 alone runs the body. */
  | { readonly s: 'single'; readonly body: readonly Stmt[] };

export interface Kernel {
  readonly name: string;
  readonly buffers: readonly Buffer[];
  readonly body: readonly Stmt[];
}

export const letS = (name: string, value: Expr): Stmt => ({ s: 'let', name, value });
export const store = (buf: string, index: Expr, value: Expr): Stmt => ({ s: 'store', buf, index, value });

/** A loop from 0 to `n`. */
export function loop(
  v: string,
  n: number | Expr,
  body: readonly Stmt[],
  opt: Partial<Omit<For, 's' | 'v' | 'body'>> = {},
): For {
  return { s: 'for', v, lo: i32(0), hi: typeof n === 'number' ? i32(n) : n, step: 1, body, ...opt };
}

/** Rewrites every expression of a statement tree. */
export function mapStmts(body: readonly Stmt[], f: (e: Expr) => Expr): Stmt[] {
  return body.map((s): Stmt => {
    switch (s.s) {
      case 'let':
      case 'set':
      case 'reduce':
        return { ...s, value: f(s.value) };
      case 'acc':
        return { ...s, init: f(s.init) };
      case 'store':
        return { ...s, index: f(s.index), value: f(s.value) };
      case 'for':
        return { ...s, lo: f(s.lo), hi: f(s.hi), ...(s.limit && { limit: f(s.limit) }), body: mapStmts(s.body, f) };
      case 'vec':
        return { ...s, at: f(s.at), body: mapStmts(s.body, f) };
      case 'if':
        return { ...s, cond: f(s.cond), then: mapStmts(s.then, f), else: mapStmts(s.else, f) };
      case 'tileset':
        return { ...s, index: s.index.map(f), value: f(s.value) };
      case 'single':
        return { ...s, body: mapStmts(s.body, f) };
      case 'tile':
      case 'barrier':
        return s;
    }
  });
}

/** Replaces variables by expressions throughout. */
export function substitute(body: readonly Stmt[], vars: ReadonlyMap<string, Expr>): Stmt[] {
  const memo = new Map<Expr, Expr>();
  return mapStmts(body, (e) => mapExpr(e, (x) => (x.k === 'var' ? vars.get(x.name) : undefined), memo));
}

/** Every expression that stands in the statements, outermost ones only. */
export function forEachExpr(body: readonly Stmt[], f: (e: Expr, s: Stmt) => void): void {
  const go = (list: readonly Stmt[]) => {
    for (const s of list) {
      switch (s.s) {
        case 'let':
        case 'set':
        case 'reduce':
          f(s.value, s);
          break;
        case 'acc':
          f(s.init, s);
          break;
        case 'store':
          f(s.index, s);
          f(s.value, s);
          break;
        case 'for':
          f(s.lo, s);
          f(s.hi, s);
          if (s.limit) f(s.limit, s);
          go(s.body);
          break;
        case 'vec':
          f(s.at, s);
          go(s.body);
          break;
        case 'if':
          f(s.cond, s);
          go(s.then);
          go(s.else);
          break;
        case 'tileset':
          for (const i of s.index) f(i, s);
          f(s.value, s);
          break;
        case 'single':
          go(s.body);
          break;
        default:
          break;
      }
    }
  };
  go(body);
}

export const tid: Expr = variable('tid');
export const nthreads: Expr = variable('nthreads');
