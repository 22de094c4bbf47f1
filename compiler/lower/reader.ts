// Reads the element of any graph value at an index: a load where the value is in memory, else the
// expression that computes it, through element-wise nodes and views. Fusion is nothing but the choice
// of which values are in memory.

import type { Node, Value } from '../../ir/graph.ts';
import { linearize, type Ranges } from '../../ir/kernel/affine.ts';
import { bin, children, type Expr, i32, konst, load, mapChildren, sel, variable } from '../../ir/kernel/expr.ts';
import { letS, type Stmt } from '../../ir/kernel/kernel.ts';
import { printExpr } from '../../ir/kernel/print.ts';
import { threefryExpr } from '../../ir/kernel/threefry.ts';
import { literalAttr } from '../../ir/op.ts';
import { fixed, generated, viewSources } from './views.ts';

/** The buffer that holds a value, or undefined where it must be computed. */
export type Buffers = (v: Value) => string | undefined;

export class Reader {
  readonly buffers: Buffers;
  readonly ranges: Ranges;
  /** Where intermediate results are bound; set to the statement list under construction. */
  out: Stmt[];
  /** Values given by the kernel itself (an accumulator, a reduced row). */
  readonly given = new Map<Value, (idx: readonly Expr[]) => Expr | undefined>();
  readonly uses: (v: Value) => number;
  /** The nodes computed so far, views and literals aside. */
  readonly computed: Set<Node>;
  #memo = new Map<string, Expr>();
  #idxKeys = new WeakMap<readonly Expr[], string>();
  readonly #names: { next: number };

  constructor(
    buffers: Buffers,
    ranges: Ranges,
    uses: (v: Value) => number,
    out: Stmt[] = [],
    names = { next: 0 },
    computed = new Set<Node>(),
  ) {
    this.buffers = buffers;
    this.ranges = ranges;
    this.uses = uses;
    this.out = out;
    this.#names = names;
    this.computed = computed;
  }

  /** A reader that binds into another statement list (a new scope): nothing is remembered. */
  scope(out: Stmt[], ranges: Ranges = this.ranges): Reader {
    const r = new Reader(this.buffers, ranges, this.uses, out, this.#names, this.computed);
    for (const [k, v] of this.given) r.given.set(k, v);
    return r;
  }

  fresh(prefix: string): string {
    return `${prefix}${this.#names.next++}`;
  }

  #key(idx: readonly Expr[]): string {
    let k = this.#idxKeys.get(idx);
    if (k === undefined) {
      k = idx.map(printExpr).join(',');
      this.#idxKeys.set(idx, k);
    }
    return k;
  }

  /** The element of `v` at `idx`. */
  read(v: Value, idx: readonly Expr[]): Expr {
    const key = `${v.id}@${this.#key(idx)}`;
    const known = this.#memo.get(key);
    if (known) return known;
    let e = this.#compute(v, idx);
    // A load used twice is loaded once a statement anyway.
    const trivial = e.k === 'const' || e.k === 'var' || e.k === 'tile' || e.k === 'load';
    if (!trivial && this.uses(v) > 1) {
      e = this.#name(e);
    }
    this.#memo.set(key, e);
    return e;
  }

  #compute(v: Value, idx: readonly Expr[]): Expr {
    const given = this.given.get(v)?.(idx);
    if (given) return given;
    const buf = this.buffers(v);
    if (buf !== undefined) return load(v.type.dtype, buf, linearize(idx, fixed(v.type.shape)));
    const n = v.node;
    if (!n) throw new Error(`parameter ${v.name} is not in memory`);
    if (n.op.kind !== 'view' && n.op.kind !== 'generate') this.computed.add(n);
    switch (n.op.kind) {
      case 'elementwise': {
        const scalar = n.op.scalar as NonNullable<typeof n.op.scalar>;
        const operands = n.inputs.map((x) => this.read(x, idx));
        return this.#bind(scalar(operands, n.attrs, v.type), operands);
      }
      case 'view':
        return this.#view(n, idx);
      case 'generate': {
        const e = generated(n, idx);
        if (e) return e;
        break;
      }
      case 'gather':
        return this.#gather(n, idx);
      case 'random': {
        const [k0, k1] = [0, 1].map((i) => this.read(n.inputs[0], [i32(i)]));
        const flat = linearize(idx, fixed(v.type.shape));
        return this.#bind(threefryExpr(k0, k1, { k: 'cast', ty: 'u32', a: flat }), []);
      }
      default:
        break;
    }
    throw new Error(`${n.op.name} cannot be computed inside another kernel`);
  }

  /** Names the sub-expressions that stand more than once, so that statements hold plain trees. */

  /** Binds to names what `e` uses twice, down to its operands, in which that was done before. */
  #bind(e: Expr, operands: readonly Expr[]): Expr {
    const count = new Map<Expr, number>();
    // Index arithmetic inside a load stays with the load.
    const whole = (x: Expr): boolean => x.k === 'load' || (x !== e && operands.includes(x));
    const visit = (x: Expr): void => {
      const c = count.get(x) ?? 0;
      count.set(x, c + 1);
      if (c === 0 && !whole(x)) for (const y of children(x)) visit(y);
    };
    visit(e);
    const done = new Map<Expr, Expr>();
    const rebuild = (x: Expr): Expr => {
      const known = done.get(x);
      if (known) return known;
      let r = whole(x) ? x : mapChildren(x, rebuild);
      if (x !== e && (count.get(x) as number) > 1) r = this.#name(r);
      done.set(x, r);
      return r;
    };
    return rebuild(e);
  }

  #name(e: Expr): Expr {
    if (e.k === 'const' || e.k === 'var' || e.k === 'tile') return e;
    const name = this.fresh('x');
    this.out.push(letS(name, e));
    return variable(name, e.ty);
  }

  #view(n: Node, idx: readonly Expr[]): Expr {
    const sources = viewSources(n, idx, this.ranges);
    let e: Expr | undefined;
    for (const s of sources.slice().reverse()) {
      const x = this.read(n.inputs[s.operand], s.index);
      e = e && s.when ? sel(s.when, x, e) : x;
    }
    return e as Expr;
  }

  /** x[indices[..., :], ...]; rows with an index out of range give 0. */
  #gather(n: Node, idx: readonly Expr[]): Expr {
    const [x, indices] = n.inputs;
    const xs = fixed(x.type.shape);
    const is = fixed(indices.type.shape);
    const k = is[is.length - 1];
    const batch = idx.slice(0, is.length - 1);
    let ok: Expr | null = null;
    const at: Expr[] = [];
    const largest = constantMaximum(indices);
    for (let d = 0; d < k; d++) {
      const raw = this.#name(this.read(indices, [...batch, i32(d)]));
      if (largest < xs[d]) {
        at.push(raw);
        continue;
      }
      const inside = bin('and', bin('ge', raw, i32(0)), bin('lt', raw, i32(xs[d])));
      ok = ok ? bin('and', ok, inside) : inside;
      at.push(bin('min', bin('max', raw, i32(0)), i32(Math.max(0, xs[d] - 1))));
    }
    if (xs.includes(0)) return konst(x.type.dtype, 0);
    const value = this.read(x, [...at, ...idx.slice(is.length - 1)]);
    return ok ? sel(ok, value, konst(x.type.dtype, 0)) : value;
  }
}

const maxima = new WeakMap<Node, number>();
/** The largest of constant indices, infinite where one is negative or they are not constant: no test needed below. */
function constantMaximum(v: Value): number {
  const n = v.node;
  if (n?.op.name !== 'constant') return Number.POSITIVE_INFINITY;
  let max = maxima.get(n);
  if (max === undefined) {
    const { data, splat } = literalAttr(n.attrs, 'value');
    max = splat ?? 0;
    for (const x of data ?? [max]) max = x < 0 ? Number.POSITIVE_INFINITY : Math.max(max, x);
    maxima.set(n, max);
  }
  return max;
}
