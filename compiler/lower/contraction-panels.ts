// The right operand of a contraction in panels: its layout, the code that packs it (or its packing at
// compile time), and how a long reduction is cut into blocks.

import { affine, fromAffine, linearize, strideIn } from '../../ir/kernel/affine.ts';
import { add, type Expr, exprEq, i32, mul, substituteExpr, variable } from '../../ir/kernel/expr.ts';
import { loop, type Stmt, store, substitute } from '../../ir/kernel/kernel.ts';
import type { Literal } from '../../ir/literal.ts';
import { LeftOperand } from './contraction-left.ts';
import { type Axis, mergeAxes } from './loops.ts';
import { fixed } from './views.ts';

/** Panels that are packed side by side. */
const ABREAST = 4;

export interface Panels {
  readonly buf: string;
  readonly code: readonly Stmt[];
  readonly at: (n0: Expr, k: Expr, width: number) => Expr;
  readonly full: number;
  readonly rest: number;
  readonly restWidth: number;
}
export interface KBlocks {
  /** Reduced loops outside of the tile loops, or null where the reduction is in one piece. */
  readonly outer: readonly Axis[] | null;
  readonly inner: readonly Axis[];
  readonly cut?: { readonly size: number; readonly count: number };
}
export class PanelContraction extends LeftOperand {
  columnsContiguous(): boolean {
    return this.unitStride(this.spec.b, this.spec.bIndex, 'n');
  }

  /** Reduced axes, neighbours joined where both operands walk them as one. */
  mergedK(packed: boolean): readonly Axis[] {
    // A panel's order is row-major in the reduced axes, so a packed operand has no say.
    const reads: Stmt[] = [{ s: 'set', name: 'left', value: this.left() }];
    const right = packed ? null : this.probe(this.spec.b, this.spec.bIndex, this.ranges);
    if (right) reads.push({ s: 'set', name: 'right', value: right });
    return mergeAxes(this.spec.k, reads).axes;
  }

  /** Position in the reduction, row-major over the merged axes. */
  kFlat(kAxes: readonly Axis[]): Expr {
    return linearize(
      kAxes.map((a) => variable(a.v)),
      kAxes.map((a) => a.n),
    );
  }

  /** The variables of the original reduced axes in terms of the merged ones. */
  kSubstitution(kAxes: readonly Axis[]): Map<string, Expr> {
    const kept = new Set(kAxes.map((a) => a.v));
    const map = new Map<string, Expr>();
    // An axis merged into its inner neighbour stands at 0 there; size-1 axes are 0.
    for (const a of this.spec.k) if (!kept.has(a.v)) map.set(a.v, i32(0));
    return map;
  }

  /** Lays the right operand out in panels [outer][panel][k][nr]; the last panel is narrower. */
  pack(nr: number, bOuter: readonly Axis[]): Panels {
    const s = this.spec;
    const K = this.reduction;
    const N = s.n.n;
    const full = Math.floor(N / nr);
    const rest = N - full * nr;
    const restWidth = Math.ceil(rest / 4) * 4;
    const stride = K * (full * nr + restWidth);
    const size = bOuter.reduce((n, a) => n * a.n, 1) * stride;
    const outerFlat = linearize(
      bOuter.map((a) => variable(a.v)),
      bOuter.map((a) => a.n),
    );
    const base = mul(outerFlat, i32(stride));
    const panels: Panels = {
      buf: '',
      code: [],
      // The panel starting at column n0 begins K * n0 elements into its outer block.
      at: (n0, k, width) => add(add(base, mul(n0, i32(K))), mul(k, i32(width))),
      full,
      rest,
      restWidth,
    };
    const ready = rest === 0 && bOuter.length === 0 ? this.readyPanels(nr) : null;
    if (ready) return { ...panels, buf: ready };
    const constant = this.constantOperand(bOuter, panels, nr, size);
    if (constant) return { ...panels, buf: constant };
    const buf = this.k.scratch('f32', size);
    const code: Stmt[] = [];
    // The original reduced axes: the packed order is row-major in them, merged or not.
    const flatK = linearize(
      s.k.map((a) => variable(a.v)),
      s.k.map((a) => a.n),
    );
    /** `count` panels side by side, so that whole cache lines are read where the columns are neighbours. */
    const panel = (n0: Expr, width: number, valid: number, count = 1): Stmt[] => {
      const col: Stmt[] = [];
      const r = this.k.reader(col, new Map([...this.ranges, ['j', [0, width - 1] as const]]));
      const e = r.read(s.b, s.bIndex);
      col.push(store(buf, add(panels.at(variable('first'), flatK, width), variable('j')), e));
      const at = (first: Expr): Stmt => {
        const names = new Map([
          [s.n.v, add(first, variable('j'))],
          ['first', first],
        ]);
        const body = substitute(col, names);
        return loop('j', valid, body, { vector: true, unroll: true });
      };
      let stmts: readonly Stmt[] = [at(n0)];
      if (count > 1) stmts = [loop('h', count, [at(add(n0, mul(variable('h'), i32(nr))))])];
      for (let i = s.k.length - 1; i >= 0; i--) stmts = [loop(s.k[i].v, s.k[i].n, stmts)];
      return [...stmts];
    };
    const p = variable('p');
    const outerLoops = (inner: readonly Stmt[], par: boolean): Stmt[] => {
      let stmts = inner;
      for (let i = bOuter.length - 1; i >= 0; i--)
        stmts = [loop(bOuter[i].v, bOuter[i].n, stmts, par && i === 0 ? { parallel: 1 } : {})];
      return [...stmts];
    };
    const parallel = K * N >= 1 << 14;
    const overOuter = bOuter.length > 0 && bOuter[0].n >= 4;
    const bodies: Stmt[] = [];
    const split = parallel && !overOuter ? { parallel: 1 } : {};
    const abreast = this.columnsContiguous() && full % ABREAST === 0 ? ABREAST : 1;
    if (full > 0) bodies.push(loop('p', full / abreast, panel(mul(p, i32(nr * abreast)), nr, nr, abreast), split));
    if (rest > 0) {
      const last = panel(i32(full * nr), restWidth, rest);
      bodies.push(...(parallel && !overOuter ? [{ s: 'single', body: last } as Stmt] : last));
    }
    const wrapped = outerLoops(bodies, parallel && overOuter);
    code.push(...(parallel ? wrapped : [{ s: 'single', body: wrapped } as Stmt]));
    code.push({ s: 'barrier' });
    return { ...panels, buf, code };
  }

  /** The buffer of a right operand that lies in panels of `nr` columns already (passes/loop-panels.ts), or null. */
  readyPanels(nr: number): string | null {
    const s = this.spec;
    const [p, j] = [variable('p'), variable('j')];
    const at = new Map([[s.n.v, add(mul(p, i32(nr)), j)]]);
    const ranges = new Map(this.ranges);
    ranges.set('p', [0, s.n.n / nr - 1]).set('j', [0, nr - 1]);
    const e = this.probe(
      s.b,
      s.bIndex.map((x) => substituteExpr(x, at)),
      ranges,
    );
    if (!e) return null;
    const flatK = linearize(
      s.k.map((a) => variable(a.v)),
      s.k.map((a) => a.n),
    );
    const wanted = affine(add(add(mul(p, i32(this.reduction * nr)), mul(flatK, i32(nr))), j));
    const same = exprEq(fromAffine(affine(e.index)), fromAffine(wanted));
    return same
      ? (
          this.k.reader([], ranges).read(
            s.b,
            s.bIndex.map((x) => substituteExpr(x, at)),
          ) as typeof e
        ).buf
      : null;
  }

  /** A constant right operand, packed when the program is built. */
  constantOperand(bOuter: readonly Axis[], panels: Panels, nr: number, size: number): string | null {
    const s = this.spec;
    const n = s.b.node;
    if (n?.op.name !== 'constant') return null;
    const lit = n.attrs.value as Literal;
    const type = n.outputs[0].type;
    const shape = fixed(type.shape);
    const index = linearize(s.bIndex, shape);
    const outerAxes = [...bOuter, ...s.k];
    const strides = outerAxes.map((a) => strideIn(index, a.v));
    const column = strideIn(index, s.n.v);
    const start = affine(index).c;
    // A view that is not affine (a reshape across these axes) is packed when the program runs.
    if (column === null || strides.some((x) => x === null)) return null;
    const K = this.reduction;
    const split = panels.full * nr;
    const stride = K * (split + panels.restWidth);
    const make = () => {
      const data = lit.expand(type);
      const out = new Float32Array(size);
      const at = outerAxes.map(() => 0);
      const rows = outerAxes.reduce((p, x) => p * x.n, 1);
      for (let row = 0; row < rows; row++) {
        // Row-major over the outer axes, then over the reduction.
        const base = Math.floor(row / K) * stride;
        const k = row % K;
        const from = at.reduce((p, x, d) => p + x * (strides[d] as number), start);
        for (let n0 = 0; n0 < s.n.n; n0 += nr) {
          const width = n0 < split ? nr : panels.restWidth;
          const valid = Math.min(nr, s.n.n - n0);
          const to = base + n0 * K + k * width;
          const first = from + n0 * column;
          for (let j = 0; j < valid; j++) out[to + j] = data[first + j * column];
        }
        for (let d = at.length - 1; d >= 0 && ++at[d] === outerAxes[d].n; d--) at[d] = 0;
      }
      return out;
    };
    return this.k.packed({
      key: `${lit.hash}:${nr}:${shape}:${JSON.stringify(n.attrs.shape)}:${this.node.op.name}:${JSON.stringify(this.node.attrs)}`,
      size,
      make,
    });
  }

  /** Splits reductions longer than two blocks of `most`: whole outer reduced axes, or one long axis in pieces. */
  kBlocks(kAxes: readonly Axis[], most: number): KBlocks {
    const K = this.reduction;
    if (K <= most * 2) return { outer: null, inner: kAxes };
    let inner = K;
    for (let i = 0; i < kAxes.length; i++) {
      if (inner <= most * 2) return { outer: kAxes.slice(0, i), inner: kAxes.slice(i) };
      inner /= kAxes[i].n;
    }
    const last = kAxes[kAxes.length - 1];
    const pieces = Math.ceil(last.n / most);
    const size = Math.ceil(last.n / pieces / 4) * 4;
    return { outer: kAxes.slice(0, -1), inner: [last], cut: { size, count: Math.ceil(last.n / size) } };
  }
}
