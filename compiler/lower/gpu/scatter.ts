// Scatters on a GPU: the operand is copied, then every element of every update is put in by an invocation of its own.
// Sums meet in memory by atomic operations, in whatever order they come; a deterministic program lets each column of
// the updates be added by one invocation, row after row. Where updates replace, the last one to a place wins: rows
// first enter their numbers there.

import { linearize } from '../../../ir/kernel/affine.ts';
import { bin, type Expr, i32, load, variable } from '../../../ir/kernel/expr.ts';
import { letS, type Stmt, store } from '../../../ir/kernel/kernel.ts';
import { type DType, sizeOf } from '../../../ir/types.ts';
import type { Group } from '../../group.ts';
import { KernelBuilder, type LowerContext, type Lowered } from '../kernel-builder.ts';
import { type Axis, axisVars, gridNest, mergeAxes, rangesOf } from '../loops.ts';
import { fixed } from '../views.ts';

const combined: Readonly<Record<string, 'add' | 'max' | 'min'>> = {
  scatter_add: 'add',
  scatter_max: 'max',
  scatter_min: 'min',
};

export function lowerGpuScatter(ctx: LowerContext, g: Group, deterministic: boolean): Lowered {
  const s = new GpuScatter(ctx, g);
  const { name } = g.nodes[0].op;
  const op = combined[name];
  const floatSum = op === 'add' && s.ty === 'f32';
  const put = op === undefined ? s.replace() : floatSum && deterministic ? s.inOrder() : s.atomically(op);
  return s.k.finish([...s.copy, { s: 'barrier' }, ...put], { flops: sizeOf(g.nodes[0].inputs[2].type.shape) });
}

class GpuScatter {
  readonly k: KernelBuilder;
  readonly ty: DType;
  readonly copy: Stmt[];
  readonly #group: Group;
  /** The updates: their rows, and the axes of a row. */
  readonly #rows: readonly Axis[];
  readonly #inner: readonly Axis[];
  readonly #shape: readonly number[];
  readonly #depth: number;
  readonly #buf: string;

  constructor(ctx: LowerContext, g: Group) {
    this.k = new KernelBuilder(ctx, g);
    this.#group = g;
    const [x, indices] = g.nodes[0].inputs;
    this.ty = x.type.dtype;
    this.#shape = fixed(x.type.shape);
    const is = fixed(indices.type.shape);
    this.#depth = is[is.length - 1];
    this.#rows = is.slice(0, -1).map((n, i) => ({ v: `u${i}`, n }));
    this.#inner = this.#shape.slice(this.#depth).map((n, i) => ({ v: `j${i}`, n }));
    this.#buf = this.k.output(g.nodes[0].outputs[0]);
    const all = this.#shape.map((n, i) => ({ v: `i${i}`, n }));
    const body: Stmt[] = [];
    const value = this.k.reader(body, rangesOf(all)).read(x, axisVars(all));
    body.push(store(this.#buf, linearize(axisVars(all), this.#shape), value));
    const merged = mergeAxes(all, body);
    this.copy = gridNest(merged.axes, merged.body);
  }

  /** Statements with the place that an update names, where it lies inside. */
  #at(then: (place: readonly Expr[]) => Stmt[]): Stmt[] {
    const out: Stmt[] = [];
    const r = this.k.reader(out, rangesOf(this.#rows, this.#inner));
    const place: Expr[] = [];
    let inside: Expr = { k: 'const', ty: 'bool', value: 1 };
    for (let d = 0; d < this.#depth; d++) {
      const name = r.fresh('at');
      out.push(letS(name, r.read(this.#group.nodes[0].inputs[1], [...axisVars(this.#rows), i32(d)])));
      const e = variable(name);
      place.push(e);
      const fits = bin('and', bin('ge', e, i32(0)), bin('lt', e, i32(this.#shape[d])));
      inside = bin('and', inside, fits);
    }
    out.push({ s: 'if', cond: inside, then: then(place), else: [] });
    return out;
  }
  #element(place: readonly Expr[]): Expr {
    return linearize([...place, ...axisVars(this.#inner)], this.#shape);
  }
  #update(out: Stmt[]): Expr {
    const at = [...axisVars(this.#rows), ...axisVars(this.#inner)];
    return this.k.reader(out, rangesOf(this.#rows, this.#inner)).read(this.#group.nodes[0].inputs[2], at);
  }

  atomically(op: 'add' | 'max' | 'min'): Stmt[] {
    const body = this.#at((place) => {
      const out: Stmt[] = [];
      const value = this.#update(out);
      return [...out, { s: 'store', buf: this.#buf, index: this.#element(place), value, atomic: op }];
    });
    return gridNest([...this.#rows, ...this.#inner], body);
  }

  inOrder(): Stmt[] {
    const body = this.#at((place) => {
      const out: Stmt[] = [];
      const value = this.#update(out);
      const at = this.#element(place);
      return [...out, store(this.#buf, at, bin('add', load(this.ty, this.#buf, at), value))];
    });
    const rows = this.#rows.reduceRight<readonly Stmt[]>(
      (inner, a): Stmt[] => [{ s: 'for', v: a.v, lo: i32(0), hi: i32(a.n), step: 1, body: inner }],
      body,
    );
    return gridNest(this.#inner, rows);
  }

  replace(): Stmt[] {
    const places = this.#shape.slice(0, this.#depth);
    const numbers = this.k.scratch('i32', Math.max(1, sizeOf(places)));
    const row = linearize(
      axisVars(this.#rows),
      this.#rows.map((a) => a.n),
    );
    const at = (place: readonly Expr[]) => linearize(place, places);
    const clear = gridNest([{ v: 'z', n: Math.max(1, sizeOf(places)) }], [store(numbers, variable('z'), i32(-1))]);
    const enter = this.#at((place) => [{ s: 'store', buf: numbers, index: at(place), value: row, atomic: 'max' }]);
    const put = this.#at((place) => {
      const out: Stmt[] = [];
      const value = this.#update(out);
      const last = bin('eq', load('i32', numbers, at(place)), row);
      return [{ s: 'if', cond: last, then: [...out, store(this.#buf, this.#element(place), value)], else: [] }];
    });
    return [
      ...clear,
      { s: 'barrier' },
      ...gridNest(this.#rows, enter),
      { s: 'barrier' },
      ...gridNest([...this.#rows, ...this.#inner], put),
    ];
  }
}
