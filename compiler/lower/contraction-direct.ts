// What all lowerings of a contraction share, and the direct one: the general reduction nest for shapes
// too small or too odd for packed panels.

import type { Node, Value } from '../../ir/graph.ts';
import { linearize, type Ranges, strideIn } from '../../ir/kernel/affine.ts';
import { bin, type Expr, variable } from '../../ir/kernel/expr.ts';
import { loop, type Stmt, store } from '../../ir/kernel/kernel.ts';
import type { Group } from '../group.ts';
import { type ContractionSpec, contractionSpec, splitAxis } from './contraction-spec.ts';
import { KernelBuilder, type LowerContext } from './kernel-builder.ts';
import { type Axis, mergeAxes, nest, rangesOf } from './loops.ts';
import { lowerReduceNest } from './reduce-nest.ts';
import { fixed } from './views.ts';

export class DirectContraction {
  readonly k: KernelBuilder;
  readonly g: Group;
  readonly node: Node;
  readonly ctx: LowerContext;
  readonly spec: ContractionSpec;
  readonly ranges: Ranges;

  constructor(ctx: LowerContext, g: Group) {
    this.ctx = ctx;
    this.g = g;
    this.k = new KernelBuilder(ctx, g);
    this.node = g.nodes.find((n) => n.op.kind === 'contraction') as Node;
    this.spec = this.affineSpec(
      contractionSpec(this.node, (v, idx, vars, ranges) => this.isAffine(v, idx, vars, ranges)),
    );
    this.ranges = specRanges(this.spec);
  }

  /** Splits axes across which the left operand is reshaped, until its index is affine or cannot be. */
  affineSpec(first: ContractionSpec): ContractionSpec {
    let spec = first;
    for (let tries = 0; tries < 4; tries++) {
      const e = this.probe(spec.a, spec.aIndex, specRanges(spec));
      const odd = e && [spec.m, ...spec.k].find((a) => strideIn(e.index, a.v) === null);
      const next = odd && splitAxis(spec, e.index, odd);
      if (!next) return spec;
      spec = next;
    }
    return spec;
  }

  /** The load that an operand's element is, or null where it is more than one load. */
  probe(v: Value, idx: readonly Expr[], ranges: Ranges): (Expr & { k: 'load' }) | null {
    const out: Stmt[] = [];
    const e = new KernelBuilder(this.ctx, this.g).reader(out, ranges).read(v, idx);
    return e.k === 'load' && out.length === 0 ? e : null;
  }

  /** Is the operand's element one load, affine in the variables? */
  isAffine(v: Value, idx: readonly Expr[], vars: readonly string[], ranges: Ranges): boolean {
    const e = this.probe(v, idx, ranges);
    return e !== null && vars.every((x) => strideIn(e.index, x) !== null);
  }

  get reduction(): number {
    return this.spec.k.reduce((n, a) => n * a.n, 1);
  }

  generic(): Stmt[] {
    const s = this.spec;
    const vectorOverK =
      s.n.n < 4 &&
      this.unitStride(s.a, s.aIndex, s.k[s.k.length - 1].v) &&
      this.unitStride(s.b, s.bIndex, s.k[s.k.length - 1].v);
    const ty = this.node.outputs[0].type.dtype;
    const outs = this.outputs();
    if (vectorOverK) return this.dotProducts(outs);
    return lowerReduceNest(this.k, {
      keep: this.keepOrder(),
      red: s.k,
      cost: 2,
      accs: [{ op: 'add', ty, init: 0 }],
      element: (o) => {
        const r = this.k.reader(o, this.ranges);
        return [bin('mul', r.read(s.a, s.aIndex), r.read(s.b, s.bIndex))];
      },
      finish: ([acc]) => this.epilogue(acc, outs),
    });
  }

  /** One column a group (depthwise convolution): the groups are the contiguous axis. */
  keepOrder(): Axis[] {
    const s = this.spec;
    const g = s.outer.find((a) => a.v === 'g');
    if (!g || s.n.n !== 1 || g.n < 4) return [...s.outer, s.m, s.n];
    return [...s.outer.filter((a) => a !== g), s.m, s.n, g];
  }

  /** Few columns, both operands contiguous along the reduction: SIMD along it. */
  dotProducts(outs: ReadonlyMap<Value, string>): Stmt[] {
    const s = this.spec;
    const ty = this.node.outputs[0].type.dtype;
    const inner: Stmt[] = [];
    const r = this.k.reader(inner, this.ranges);
    inner.push({ s: 'reduce', acc: 'acc', op: 'add', value: bin('mul', r.read(s.a, s.aIndex), r.read(s.b, s.bIndex)) });
    const m = mergeAxes(s.k, inner);
    let body: readonly Stmt[] = m.body;
    m.axes.forEach((_, i) => {
      const a = m.axes[m.axes.length - 1 - i];
      body = [loop(a.v, a.n, body, i === 0 ? { vector: true, copies: 4 } : {})];
    });
    const element: Stmt[] = [
      { s: 'acc', name: 'acc', ty, init: { k: 'const', ty, value: 0 } },
      ...body,
      ...this.epilogue(variable('acc', ty), outs),
    ];
    const keep = mergeAxes([...s.outer, s.m, s.n], element);
    return nest(keep.axes, keep.body, { cost: this.reduction, grid: this.ctx.options.gpu !== undefined });
  }

  unitStride(v: Value, idx: readonly Expr[], k: string): boolean {
    const e = this.probe(v, idx, this.ranges);
    return e !== null && strideIn(e.index, k) === 1;
  }

  outputs(): ReadonlyMap<Value, string> {
    return new Map(this.g.outputs.map((o) => [o, this.k.output(o)]));
  }

  /** The stores of one element of the result, given its accumulated value. */
  epilogue(acc: Expr, outs: ReadonlyMap<Value, string>, at: readonly Expr[] = this.spec.out): Stmt[] {
    const body: Stmt[] = [];
    const r = this.k.reader(body, this.ranges);
    r.given.set(this.node.outputs[0], () => acc);
    const values = [...outs.keys()].map((o) => r.read(o, at));
    [...outs].forEach(([o, buf], i) => {
      body.push(store(buf, linearize(at, fixed(o.type.shape)), values[i]));
    });
    return body;
  }
}

const specRanges = (s: ContractionSpec): Ranges => rangesOf(s.outer, [s.m, s.n], s.k);
