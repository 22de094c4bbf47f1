// View nodes as index maps: the index into the operand for an index into the result. This is how
// broadcasts, transposes, slices, reshapes and pads vanish into whatever reads them.

import type { Node } from '../../ir/graph.ts';
import { delinearize, linearize, type Ranges, rangeOf } from '../../ir/kernel/affine.ts';
import { add, bin, type Expr, i32, konst, mul, sub } from '../../ir/kernel/expr.ts';
import { intsAttr, numAttr, shapeAttr } from '../../ir/op.ts';
import { type Shape, staticShape } from '../../ir/types.ts';

/** One operand a view may read: where, and under which condition (null: always). */
export interface ViewSource {
  readonly operand: number;
  readonly index: readonly Expr[];
  readonly when: Expr | null;
}

const lt = (a: Expr, b: number): Expr => bin('lt', a, i32(b));
const ge = (a: Expr, b: number): Expr => bin('ge', a, i32(b));
const both = (a: Expr | null, b: Expr): Expr => (a ? bin('and', a, b) : b);

export const fixed = (s: Shape): readonly number[] => staticShape(s, 'lowering');

/**
 * Where the element `idx` of a view comes from: the first source whose condition holds. A pad's last
 * source is its padding value.
 */
export function viewSources(n: Node, idx: readonly Expr[], ranges: Ranges): ViewSource[] {
  const always = (index: readonly Expr[]): ViewSource[] => [{ operand: 0, index, when: null }];
  const shape = fixed(n.outputs[0].type.shape);
  const x = n.inputs[0] ? fixed(n.inputs[0].type.shape) : [];
  switch (n.op.name) {
    case 'broadcast': {
      const dims = intsAttr(n.attrs, 'dims');
      return always(dims.map((d, i) => (x[i] === 1 ? i32(0) : idx[d])));
    }
    case 'reshape':
      return always(reshapeIndex(idx, shape, x, ranges));
    case 'transpose': {
      const perm = intsAttr(n.attrs, 'perm');
      const src = new Array<Expr>(perm.length);
      perm.forEach((p, i) => {
        src[p] = idx[i];
      });
      return always(src);
    }
    case 'slice': {
      const begin = intsAttr(n.attrs, 'begin');
      const strides = intsAttr(n.attrs, 'strides');
      return always(idx.map((e, d) => add(mul(e, i32(strides[d])), i32(begin[d]))));
    }
    case 'reverse': {
      const axes = intsAttr(n.attrs, 'axes');
      return always(idx.map((e, d) => (axes.includes(d) ? sub(i32(x[d] - 1), e) : e)));
    }
    case 'pad':
      return padSources(n, idx, x, ranges);
    case 'concat': {
      const axis = numAttr(n.attrs, 'axis');
      let at = 0;
      return n.inputs.map((v, k) => {
        const size = fixed(v.type.shape)[axis];
        const from = at;
        at += size;
        const last = k === n.inputs.length - 1;
        // Clamped, so that an operand that is not chosen is not read out of bounds.
        const local = clamp(sub(idx[axis], i32(from)), size, ranges);
        return {
          operand: k,
          index: idx.map((e, d) => (d === axis ? local : e)),
          when: last ? null : lt(idx[axis], at),
        };
      });
    }
    default:
      throw new Error(`${n.op.name} is not a view`);
  }
}

/** Reshape by matching runs of axes with equal products, so that untouched axes stay untouched. */
function reshapeIndex(idx: readonly Expr[], to: readonly number[], from: readonly number[], ranges: Ranges): Expr[] {
  const out = new Array<Expr>(from.length);
  if (from.includes(0) || to.includes(0)) return out.fill(i32(0));
  let i = 0;
  let j = 0;
  while (i < from.length || j < to.length) {
    const i0 = i;
    const j0 = j;
    let a = i < from.length ? from[i++] : 1;
    let b = j < to.length ? to[j++] : 1;
    while (a !== b) {
      if (a < b) a *= from[i++];
      else b *= to[j++];
    }
    // Trailing ones belong to this run: they carry no index.
    if (i === from.length) while (j < to.length) j++;
    else if (j === to.length) while (i < from.length) i++;
    const flat = linearize(idx.slice(j0, j), to.slice(j0, j));
    delinearize(flat, from.slice(i0, i), ranges).forEach((e, k) => {
      out[i0 + k] = e;
    });
  }
  return out;
}

function padSources(n: Node, idx: readonly Expr[], x: readonly number[], ranges: Ranges): ViewSource[] {
  const low = intsAttr(n.attrs, 'low');
  const interior = intsAttr(n.attrs, 'interior');
  let when: Expr | null = null;
  const index = idx.map((e, d) => {
    let at = sub(e, i32(low[d]));
    const range = rangeOf(at, ranges);
    const gap = interior[d] + 1;
    const last = (x[d] - 1) * gap;
    if (!range || range[0] < 0) when = both(when, ge(at, 0));
    if (!range || range[1] > last) when = both(when, bin('le', at, i32(last)));
    if (gap > 1) {
      when = both(when, bin('eq', bin('rem', at, i32(gap)), i32(0)));
      at = bin('div', at, i32(gap));
    }
    return clamp(at, x[d], ranges);
  });
  const value: ViewSource = { operand: 1, index: [], when: null };
  if (x.includes(0)) return [value];
  return when ? [{ operand: 0, index, when }, value] : [{ operand: 0, index, when: null }];
}

/** Into [0, n): the reads of a guarded source stay in bounds whether or not they are used. */
function clamp(e: Expr, n: number, ranges: Ranges): Expr {
  const r = rangeOf(e, ranges);
  let out = e;
  if (!r || r[0] < 0) out = bin('max', out, i32(0));
  if (!r || r[1] >= n) out = bin('min', out, i32(Math.max(0, n - 1)));
  return out;
}

/** The literal element of a constant or iota, where it is a plain expression of the index. */
export function generated(n: Node, idx: readonly Expr[]): Expr | null {
  const ty = n.outputs[0].type.dtype;
  if (n.op.name === 'iota') {
    const e = idx[numAttr(n.attrs, 'axis')];
    return ty === 'i32' ? e : { k: 'cast', ty, a: e };
  }
  if (n.op.name === 'constant') {
    const lit = n.attrs.value as import('../../ir/literal.ts').Literal;
    if (lit.splat !== undefined) return konst(ty, lit.splat);
    const only = shapeAttr(n.attrs, 'shape');
    if (lit.data && lit.data.length === 1 && only.every((d) => d === 1)) return konst(ty, lit.data[0]);
  }
  return null;
}
