// Scalar expressions of the kernel IR: what one element computes. Immutable DAGs; a shared
// sub-expression is one object, and code generators emit it once. Constructors fold constants, so
// lowering may build indices naively.

import { type DType, valueType } from '../types.ts';

export type UnOp = 'neg' | 'abs' | 'sqrt' | 'floor' | 'ceil' | 'trunc' | 'nearest' | 'not';
export type BinOp =
  | 'add'
  | 'sub'
  | 'mul'
  | 'div'
  | 'rem'
  | 'min'
  | 'max'
  | 'pmin'
  | 'pmax'
  | 'and'
  | 'or'
  | 'xor'
  | 'shl'
  | 'shr'
  | CmpOp;
export type CmpOp = 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge';

export type Expr =
  | { readonly k: 'const'; readonly ty: DType; readonly value: number }
  | { readonly k: 'var'; readonly ty: DType; readonly name: string }
  | { readonly k: 'load'; readonly ty: DType; readonly buf: string; readonly index: Expr }
  | { readonly k: 'tile'; readonly ty: DType; readonly tile: string; readonly index: readonly Expr[] }
  | { readonly k: 'un'; readonly ty: DType; readonly op: UnOp; readonly a: Expr }
  | { readonly k: 'bin'; readonly ty: DType; readonly op: BinOp; readonly a: Expr; readonly b: Expr }
  | { readonly k: 'sel'; readonly ty: DType; readonly c: Expr; readonly a: Expr; readonly b: Expr }
  | { readonly k: 'cast'; readonly ty: DType; readonly a: Expr }
  | { readonly k: 'bits'; readonly ty: DType; readonly a: Expr }
  | { readonly k: 'fma'; readonly ty: DType; readonly a: Expr; readonly b: Expr; readonly c: Expr }
  /** One half of a double's bits, as i32. */
  | { readonly k: 'word'; readonly ty: DType; readonly half: 'hi' | 'lo'; readonly a: Expr }
  /** The double of two i32 halves. */
  | { readonly k: 'double'; readonly ty: DType; readonly hi: Expr; readonly lo: Expr }
  /** A function of functions.ts, which is code of its own; lanes call it one by one. */
  | { readonly k: 'call'; readonly ty: DType; readonly fn: string; readonly args: readonly Expr[] }
  /** `call` where `c` holds, which is seldom, else `other`: nothing is called where no lane needs it. */
  | { readonly k: 'rare'; readonly ty: DType; readonly c: Expr; readonly call: Expr; readonly other: Expr };

const cmps = new Set<string>(['eq', 'ne', 'lt', 'le', 'gt', 'ge']);
export const isCmp = (op: BinOp): op is CmpOp => cmps.has(op);

// Elements of storage dtypes are values of wider ones: an expression is never of a storage dtype.
export const konst = (ty: DType, value: number): Expr => ({ k: 'const', ty: valueType(ty), value });
export const i32 = (value: number): Expr => konst('i32', value | 0);
export const f32 = (value: number): Expr => konst('f32', Math.fround(value));
export const variable = (name: string, ty: DType = 'i32'): Expr => ({ k: 'var', ty: valueType(ty), name });
/** An element of a buffer; the value of a storage dtype. */
export const load = (ty: DType, buf: string, index: Expr): Expr => ({ k: 'load', ty: valueType(ty), buf, index });
export const tileRead = (ty: DType, tile: string, index: readonly Expr[]): Expr => ({
  k: 'tile',
  ty: valueType(ty),
  tile,
  index,
});

export const un = (op: UnOp, a: Expr): Expr => ({ k: 'un', ty: a.ty, op, a });
export const sel = (c: Expr, a: Expr, b: Expr): Expr => {
  if (c.k === 'const') return c.value ? a : b;
  return { k: 'sel', ty: a.ty, c, a, b };
};
export const cast = (ty: DType, a: Expr): Expr => (a.ty === ty ? a : { k: 'cast', ty, a });
export const bits = (ty: DType, a: Expr): Expr =>
  a.k === 'const' && a.ty === 'f32' && ty === 'i32'
    ? konst('i32', new Int32Array(Float32Array.of(a.value).buffer)[0])
    : { k: 'bits', ty, a };
/** a*b + c; rounded once where the engine has a fused multiply-add and the program may use it. */
export const fma = (a: Expr, b: Expr, c: Expr): Expr => ({ k: 'fma', ty: a.ty, a, b, c });

/** The high or low 32 bits of a double. */
export const word = (half: 'hi' | 'lo', a: Expr): Expr => ({ k: 'word', ty: 'i32', half, a });
/** The double whose halves these i32 are. */
export const double = (hi: Expr, lo: Expr): Expr => ({ k: 'double', ty: 'f64', hi, lo });
/** A call of a function of functions.ts: every one gives the type of its first operand. */
export const call = (fn: string, ...args: Expr[]): Expr => ({ k: 'call', ty: args[0].ty, fn, args });
export const rare = (c: Expr, call: Expr, other: Expr): Expr => ({ k: 'rare', ty: other.ty, c, call, other });

export const isConst = (e: Expr, value?: number): e is Expr & { k: 'const' } =>
  e.k === 'const' && (value === undefined || e.value === value);

/** A binary operation; i32 arithmetic on constants folds, and the neutral elements vanish. */
export function bin(op: BinOp, a: Expr, b: Expr): Expr {
  const ty: DType = isCmp(op) ? 'bool' : a.ty;
  if (a.ty === 'i32') {
    if (a.k === 'const' && b.k === 'const') {
      const v = foldI32(op, a.value, b.value);
      if (v !== undefined) return konst(ty, v);
    }
    if (op === 'add') {
      if (isConst(a, 0)) return b;
      if (isConst(b, 0)) return a;
      if (a.k === 'const') return bin('add', b, a);
      if (b.k === 'const' && a.k === 'bin' && a.op === 'add' && a.b.k === 'const')
        return bin('add', a.a, i32(a.b.value + b.value));
    }
    if (op === 'sub' && isConst(b)) return bin('add', a, i32(-b.value));
    if (op === 'mul') {
      if (isConst(a, 0) || isConst(b, 1)) return a;
      if (isConst(b, 0) || isConst(a, 1)) return b;
      if (a.k === 'const') return bin('mul', b, a);
    }
    if (op === 'div' && isConst(b, 1)) return a;
    if (op === 'rem' && isConst(b, 1)) return i32(0);
  }
  if (ty === 'bool' && a.ty === 'bool') {
    if (op === 'and') {
      if (isConst(a)) return a.value ? b : a;
      if (isConst(b)) return b.value ? a : b;
    }
    if (op === 'or') {
      if (isConst(a)) return a.value ? a : b;
      if (isConst(b)) return b.value ? b : a;
    }
  }
  return { k: 'bin', ty, op, a, b };
}

function foldI32(op: BinOp, a: number, b: number): number | undefined {
  switch (op) {
    case 'add':
      return (a + b) | 0;
    case 'sub':
      return (a - b) | 0;
    case 'mul':
      return Math.imul(a, b);
    case 'div':
      return b === 0 ? undefined : (a / b) | 0;
    case 'rem':
      return b === 0 ? undefined : (a % b) | 0;
    case 'min':
      return Math.min(a, b);
    case 'max':
      return Math.max(a, b);
    case 'and':
      return a & b;
    case 'or':
      return a | b;
    case 'xor':
      return a ^ b;
    case 'shl':
      return a << b;
    case 'shr':
      return a >> b;
    case 'eq':
      return +(a === b);
    case 'ne':
      return +(a !== b);
    case 'lt':
      return +(a < b);
    case 'le':
      return +(a <= b);
    case 'gt':
      return +(a > b);
    case 'ge':
      return +(a >= b);
    default:
      return undefined;
  }
}

export const add = (a: Expr, b: Expr): Expr => bin('add', a, b);
export const sub = (a: Expr, b: Expr): Expr => bin('sub', a, b);
export const mul = (a: Expr, b: Expr): Expr => bin('mul', a, b);

/** Direct sub-expressions. */
export function children(e: Expr): readonly Expr[] {
  switch (e.k) {
    case 'const':
    case 'var':
      return [];
    case 'load':
      return [e.index];
    case 'tile':
      return e.index;
    case 'un':
    case 'cast':
    case 'bits':
    case 'word':
      return [e.a];
    case 'double':
      return [e.hi, e.lo];
    case 'call':
      return e.args;
    case 'rare':
      return [e.c, e.call, e.other];
    case 'bin':
      return [e.a, e.b];
    case 'sel':
      return [e.c, e.a, e.b];
    case 'fma':
      return [e.a, e.b, e.c];
  }
}

/** Rebuilds a DAG bottom-up; `f` may return a replacement for a node before its children are visited. */
export function mapExpr(e: Expr, f: (e: Expr) => Expr | undefined, memo = new Map<Expr, Expr>()): Expr {
  const seen = memo.get(e);
  if (seen) return seen;
  const r = f(e) ?? mapChildren(e, (c) => mapExpr(c, f, memo));
  memo.set(e, r);
  return r;
}

/** Replaces variables by expressions. */
export const substituteExpr = (e: Expr, vars: ReadonlyMap<string, Expr>): Expr =>
  mapExpr(e, (x) => (x.k === 'var' ? vars.get(x.name) : undefined));

/** The same expression on rewritten operands. */
export function mapChildren(e: Expr, go: (e: Expr) => Expr): Expr {
  switch (e.k) {
    case 'const':
    case 'var':
      return e;
    case 'load': {
      const index = go(e.index);
      return index === e.index ? e : { ...e, index };
    }
    case 'tile':
      return { ...e, index: e.index.map(go) };
    case 'un':
    case 'cast':
    case 'bits':
    case 'word': {
      const a = go(e.a);
      return a === e.a ? e : { ...e, a };
    }
    case 'bin': {
      const a = go(e.a);
      const b = go(e.b);
      return a === e.a && b === e.b ? e : bin(e.op, a, b);
    }
    case 'sel':
      return sel(go(e.c), go(e.a), go(e.b));
    case 'fma':
      return { ...e, a: go(e.a), b: go(e.b), c: go(e.c) };
    case 'double':
      return { ...e, hi: go(e.hi), lo: go(e.lo) };
    case 'call':
      return { ...e, args: e.args.map(go) };
    case 'rare':
      return { ...e, c: go(e.c), call: go(e.call), other: go(e.other) };
  }
}

/** True where two expressions are the same tree (names compared as written). */
export function exprEq(a: Expr, b: Expr): boolean {
  if (a === b) return true;
  if (a.k !== b.k || a.ty !== b.ty) return false;
  if (a.k === 'const') return Object.is(a.value, (b as typeof a).value);
  if (a.k === 'var') return a.name === (b as typeof a).name;
  if (a.k === 'load' && a.buf !== (b as typeof a).buf) return false;
  if (a.k === 'tile' && a.tile !== (b as typeof a).tile) return false;
  if ((a.k === 'un' || a.k === 'bin') && a.op !== (b as typeof a).op) return false;
  if (a.k === 'word' && a.half !== (b as typeof a).half) return false;
  if (a.k === 'call' && a.fn !== (b as typeof a).fn) return false;
  const x = children(a);
  const y = children(b);
  return x.length === y.length && x.every((c, i) => exprEq(c, y[i]));
}
