// Contraction groups. Large ones run as packed panels: the right operand is laid out in panels of the
// register tile's width (at compile time where it is constant), the left one is read in place at
// constant strides, and a micro-kernel keeps an mr x nr tile of the result in registers over the
// whole reduction (K. Goto, R. van de Geijn, "Anatomy of High-Performance Matrix Multiplication").
// What is computed on the result runs on the tile before it is stored. Small or odd ones take the
// general reduction nest.

import type { Node, Value } from '../../ir/graph.ts';
import { dependsOn, linearize, strideIn } from '../../ir/kernel/affine.ts';
import { add, bin, children, type Expr, fma, i32, load, mul, tileRead, variable } from '../../ir/kernel/expr.ts';
import { type For, loop, type Stmt, store, substitute, tid } from '../../ir/kernel/kernel.ts';
import type { Literal } from '../../ir/literal.ts';
import { sizeOf } from '../../ir/types.ts';
import type { Group } from '../group.ts';
import { type ContractionSpec, contractionSpec } from './contraction-spec.ts';
import { bodyCost, KernelBuilder, type Lowered, type LowerContext } from './kernel-builder.ts';
import { type Axis, mergeAxes, nest, rangesOf } from './loops.ts';
import { lowerReduceNest } from './reduce-nest.ts';
import { fixed } from './views.ts';

/** Reduced elements that a panel keeps in the first-level cache: longer reductions are blocked. */
const K_BLOCK = 512;
/** Rows of the left operand that stay in the second-level cache while all panels pass. */
const A_BLOCK_BYTES = 512 * 1024;
/** An epilogue dearer than this many operations is not unrolled over the tile. */
const HEAVY_EPILOGUE = 12;

export function lowerContraction(ctx: LowerContext, g: Group): Lowered {
  return new ContractionLowering(ctx, g).lower();
}

class ContractionLowering {
  readonly k: KernelBuilder;
  readonly g: Group;
  readonly node: Node;
  readonly ctx: LowerContext;
  readonly spec: ContractionSpec;
  readonly ranges: Map<string, readonly [number, number]>;

  constructor(ctx: LowerContext, g: Group) {
    this.ctx = ctx;
    this.g = g;
    this.k = new KernelBuilder(ctx, g);
    this.node = g.nodes.find((n) => n.op.kind === 'contraction') as Node;
    this.spec = contractionSpec(this.node, (v, idx, vars) => this.affineLoad(v, idx, vars));
    const s = this.spec;
    this.ranges = rangesOf(s.outer, [s.m, s.n], s.k);
  }

  /** Is the operand's element one load, affine in the variables? */
  affineLoad(v: Value, idx: readonly Expr[], vars: readonly string[]): boolean {
    const probe = new KernelBuilder(this.ctx, this.g);
    const out: Stmt[] = [];
    const e = probe.reader(out, new Map(this.ranges ?? [])).read(v, idx);
    return e.k === 'load' && out.length === 0 && vars.every((x) => strideIn(e.index, x) !== null);
  }

  get reduction(): number {
    return this.spec.k.reduce((n, a) => n * a.n, 1);
  }

  lower(): Lowered {
    const s = this.spec;
    const out = sizeOf(this.node.outputs[0].type.shape);
    const flops = 2 * out * this.reduction;
    const f32 = this.node.outputs[0].type.dtype === 'f32';
    const direct = s.a.type.dtype !== 'f32' || !f32 || s.n.n < 4 || this.reduction < 4 || flops < 4096 || !this.affineLoad(s.a, s.aIndex, [s.m.v, ...s.k.map((a) => a.v)]);
    const body = direct ? this.generic() : this.tiled();
    return this.k.finish(body, { flops });
  }

  // --- small and odd shapes -----------------------------------------------------------------------
  generic(): Stmt[] {
    const s = this.spec;
    const vectorOverK = s.n.n < 4 && this.unitStride(s.a, s.aIndex, s.k[s.k.length - 1].v) && this.unitStride(s.b, s.bIndex, s.k[s.k.length - 1].v);
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
    const element: Stmt[] = [{ s: 'acc', name: 'acc', ty, init: { k: 'const', ty, value: 0 } }, ...body, ...this.epilogue(variable('acc', ty), outs)];
    const keep = mergeAxes([...s.outer, s.m, s.n], element);
    return nest(keep.axes, keep.body, { cost: this.reduction });
  }

  unitStride(v: Value, idx: readonly Expr[], k: string): boolean {
    const e = new KernelBuilder(this.ctx, this.g).reader([], this.ranges).read(v, idx);
    return e.k === 'load' && strideIn(e.index, k) === 1;
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

  // --- packed panels --------------------------------------------------------------------------------
  tiled(): Stmt[] {
    const s = this.spec;
    const { tile } = this.ctx.options;
    const M = s.m.n;
    const N = s.n.n;
    // A single row tile: more columns instead, so that enough accumulators are in flight.
    const mr = M <= 2 || M < tile.mr ? M : tile.mr;
    const nr = Math.min(mr === 1 ? 32 : mr <= 2 ? 16 : mr <= 3 ? 12 : tile.nr, Math.ceil(N / 4) * 4);
    const kAxes = this.mergedK();
    const bOuter = s.outer.filter((a) => s.bIndex.some((e) => dependsOn(e, a.v)));
    const aOuter = s.outer.filter((a) => !bOuter.includes(a));
    const reuse = aOuter.reduce((n, a) => n * a.n, 1) * Math.ceil(M / mr);
    const outs = this.outputs();
    const panels = reuse === 1 && this.columnsContiguous() ? null : this.pack(nr, kAxes, bOuter);
    const blocks = this.kBlocks(kAxes);
    const partial = blocks.outer ? this.partialBuffer(outs) : null;
    return [...(panels?.code ?? []), ...this.compute({ mr, nr, kAxes, bOuter, aOuter, panels, blocks, partial, outs })];
  }

  columnsContiguous(): boolean {
    return this.unitStride(this.spec.b, this.spec.bIndex, 'n');
  }

  /** Reduced axes, neighbours joined where both operands walk them as one. */
  mergedK(): readonly Axis[] {
    const s = this.spec;
    const probe: Stmt[] = [];
    const r = new KernelBuilder(this.ctx, this.g).reader(probe, this.ranges);
    const a = r.read(s.a, s.aIndex);
    // The panel's order is row-major in the reduced axes, so only the left operand decides.
    probe.push({ s: 'set', name: 'x', value: a });
    return mergeAxes(s.k, probe).axes;
  }

  /** Position in the reduction, row-major over the merged axes. */
  kFlat(kAxes: readonly Axis[]): Expr {
    return linearize(kAxes.map((a) => variable(a.v)), kAxes.map((a) => a.n));
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
  pack(nr: number, kAxes: readonly Axis[], bOuter: readonly Axis[]): Panels {
    const s = this.spec;
    const K = this.reduction;
    const N = s.n.n;
    const full = Math.floor(N / nr);
    const rest = N - full * nr;
    const restWidth = Math.ceil(rest / 4) * 4;
    const stride = K * (full * nr + restWidth);
    const size = bOuter.reduce((n, a) => n * a.n, 1) * stride;
    const outerFlat = linearize(bOuter.map((a) => variable(a.v)), bOuter.map((a) => a.n));
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
    const constant = this.constantOperand(bOuter, panels, nr, size);
    if (constant) return { ...panels, buf: constant };
    const buf = this.k.scratch('f32', size);
    const code: Stmt[] = [];
    // The original reduced axes: the packed order is row-major in them, merged or not.
    const flatK = linearize(s.k.map((a) => variable(a.v)), s.k.map((a) => a.n));
    const panel = (n0: Expr, width: number, valid: number): Stmt[] => {
      const col: Stmt[] = [];
      const r = this.k.reader(col, new Map([...this.ranges, ['j', [0, width - 1] as const]]));
      const e = r.read(s.b, s.bIndex);
      col.push(store(buf, add(panels.at(n0, flatK, width), variable('j')), e));
      const body = substitute(col, new Map([[s.n.v, add(n0, variable('j'))]]));
      let stmts: readonly Stmt[] = [loop('j', valid, body, { vector: true, unroll: true })];
      for (let i = s.k.length - 1; i >= 0; i--) stmts = [loop(s.k[i].v, s.k[i].n, stmts)];
      return [...stmts];
    };
    const p = variable('p');
    const outerLoops = (inner: readonly Stmt[], par: boolean): Stmt[] => {
      let stmts = inner;
      for (let i = bOuter.length - 1; i >= 0; i--) stmts = [loop(bOuter[i].v, bOuter[i].n, stmts, par && i === 0 ? { parallel: 1 } : {})];
      return [...stmts];
    };
    const parallel = K * N >= 1 << 14;
    const overOuter = bOuter.length > 0 && bOuter[0].n >= 4;
    const bodies: Stmt[] = [];
    if (full > 0) bodies.push(loop('p', full, panel(mul(p, i32(nr)), nr, nr), parallel && !overOuter ? { parallel: 1 } : {}));
    if (rest > 0) {
      const last = panel(i32(full * nr), restWidth, rest);
      bodies.push(...(parallel && !overOuter ? [{ s: 'single', body: last } as Stmt] : last));
    }
    const wrapped = outerLoops(bodies, parallel && overOuter);
    code.push(...(parallel ? wrapped : [{ s: 'single', body: wrapped } as Stmt]));
    code.push({ s: 'barrier' });
    return { ...panels, buf, code };
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
    const flatK = linearize(s.k.map((a) => variable(a.v)), s.k.map((a) => a.n));
    const axes = [...bOuter, ...s.k, s.n];
    const make = () => {
      const data = lit.expand(type);
      const out = new Float32Array(size);
      const env = new Map<string, number>();
      const split = panels.full * nr;
      const visit = (d: number): void => {
        if (d < axes.length) {
          for (let i = 0; i < axes[d].n; i++) {
            env.set(axes[d].v, i);
            visit(d + 1);
          }
          return;
        }
        const col = env.get(s.n.v) as number;
        const n0 = col < split ? Math.floor(col / nr) * nr : split;
        const width = col < split ? nr : panels.restWidth;
        out[evaluate(panels.at(i32(n0), flatK, width), env) + col - n0] = data[evaluate(index, env)];
      };
      visit(0);
      return out;
    };
    return this.k.packed({ key: `${lit.hash}:${nr}:${shape}:${JSON.stringify(n.attrs.shape)}:${this.node.op.name}:${JSON.stringify(this.node.attrs)}`, size, make });
  }

  /** Splits long reductions: whole outer reduced axes, or one long axis in pieces. */
  kBlocks(kAxes: readonly Axis[]): KBlocks {
    const K = this.reduction;
    if (K <= K_BLOCK * 2) return { outer: null, inner: kAxes };
    let inner = K;
    for (let i = 0; i < kAxes.length; i++) {
      if (inner <= K_BLOCK * 2) return { outer: kAxes.slice(0, i), inner: kAxes.slice(i) };
      inner /= kAxes[i].n;
    }
    const last = kAxes[kAxes.length - 1];
    const pieces = Math.ceil(last.n / K_BLOCK);
    const size = Math.ceil(last.n / pieces / 4) * 4;
    return { outer: kAxes.slice(0, -1), inner: [last], cut: { size, count: Math.ceil(last.n / size) } };
  }

  /** Where partial sums wait between blocks of the reduction: the result itself, if it is stored raw. */
  partialBuffer(outs: ReadonlyMap<Value, string>): string {
    const raw = outs.get(this.node.outputs[0]);
    return raw ?? this.k.scratch('f32', sizeOf(this.node.outputs[0].type.shape));
  }

  compute(c: Plan): Stmt[] {
    const s = this.spec;
    const { mr, nr, bOuter, aOuter } = c;
    const N = s.n.n;
    const M = s.m.n;
    const full = c.panels ? c.panels.full : Math.floor(N / nr);
    const rest = N - full * nr;
    const panelLoops = (inner: (n0: Expr, valid: number, width: number) => Stmt[], parallel: boolean): Stmt[] => {
      const out: Stmt[] = [];
      if (full > 0) out.push(loop('p', full, inner(mul(variable('p'), i32(nr)), nr, nr), parallel ? { parallel: 1 } : {}));
      if (rest > 0) {
        const last = inner(i32(full * nr), rest, Math.ceil(rest / 4) * 4);
        out.push(...(parallel ? [{ s: 'single', body: last } as Stmt] : last));
      }
      return out;
    };
    const rowTiles = (m0: Expr, rows: number, inner: (m: Expr, count: number) => Stmt[]): Stmt[] => {
      const out: Stmt[] = [];
      const tiles = Math.floor(rows / mr);
      if (tiles > 0) out.push(loop('q', tiles, inner(add(m0, mul(variable('q'), i32(mr))), mr)));
      if (rows % mr) out.push(...inner(add(m0, i32(tiles * mr)), rows % mr));
      return out;
    };
    const Kin = c.blocks.cut ? c.blocks.cut.size : c.blocks.inner.reduce((n, a) => n * a.n, 1);
    const aTotal = aOuter.reduce((n, a) => n * a.n, 1);
    const micro = (phase: Phase) => (n0: Expr, valid: number, width: number, m0: Expr, rows: number) =>
      rowTiles(m0, rows, (m, count) => this.micro(c, phase, m, count, n0, valid, width));

    // Row blocks keep the left operand in the second-level cache while the panels pass over it.
    const blockRows = Math.max(mr, Math.floor(A_BLOCK_BYTES / 4 / Math.max(1, Kin) / mr) * mr);
    const blocksOf = M > blockRows * 1.5 ? Math.ceil(M / blockRows) : 1;
    const rowsPer = blocksOf === 1 ? M : Math.ceil(M / blocksOf / mr) * mr;
    const fullBlocks = Math.floor(M / rowsPer);

    const work = 2 * N * M * this.reduction * s.outer.reduce((n, a) => n * a.n, 1);
    const worthwhile = work >= 1 << 18;
    // Few rows and a cheap outer space: loop over it inside the panel, which then stays in L1.
    const inside = aTotal > 1 && aTotal * M * Kin * 4 <= 1 << 20;
    const candidates = [
      ...bOuter.map((a) => ({ name: a.v, n: a.n })),
      ...(inside ? [] : aOuter.map((a) => ({ name: a.v, n: a.n }))),
      { name: 'mb', n: fullBlocks },
      { name: 'p', n: full },
    ];
    const chosen = worthwhile ? (candidates.find((x) => x.n >= 8) ?? candidates.filter((x) => x.n >= 2).sort((x, y) => y.n - x.n)[0]) : undefined;
    const par = (name: string): Partial<For> => (chosen?.name === name ? { parallel: 1 } : {});

    const over = (axes: readonly Axis[], inner: readonly Stmt[]): Stmt[] => {
      let stmts = inner;
      for (let i = axes.length - 1; i >= 0; i--) stmts = axes[i].n === 1 ? substitute(stmts, new Map([[axes[i].v, i32(0)]])) : [loop(axes[i].v, axes[i].n, stmts, par(axes[i].v))];
      return [...stmts];
    };
    const phased = (phase: Phase): Stmt[] => {
      const kernel = micro(phase);
      const body = (m0: Expr, rows: number) =>
        panelLoops((n0, valid, width) => (inside ? over(aOuter, kernel(n0, valid, width, m0, rows)) : kernel(n0, valid, width, m0, rows)), chosen?.name === 'p');
      const rowsBlocks: Stmt[] = [];
      if (blocksOf === 1) rowsBlocks.push(...body(i32(0), M));
      else {
        rowsBlocks.push(loop('mb', fullBlocks, body(mul(variable('mb'), i32(rowsPer)), rowsPer), par('mb')));
        if (M % rowsPer) {
          const tail = body(i32(fullBlocks * rowsPer), M % rowsPer);
          rowsBlocks.push(...(chosen?.name === 'mb' ? [{ s: 'single', body: tail } as Stmt] : tail));
        }
      }
      return over(bOuter, inside ? rowsBlocks : over(aOuter, rowsBlocks));
    };
    const stmts = this.overKBlocks(c, phased);
    return chosen ? stmts : [{ s: 'single', body: stmts }];
  }

  /** First block stores, middle ones add, the last one finishes. */
  overKBlocks(c: Plan, phased: (p: Phase) => Stmt[]): Stmt[] {
    const { outer, cut } = c.blocks;
    if (!outer) return phased({ first: true, last: true });
    const counts = [...outer.map((a) => ({ v: a.v, n: a.n })), ...(cut ? [{ v: 'kb', n: cut.count }] : [])];
    const total = counts.reduce((n, a) => n * a.n, 1);
    if (total === 1) return substitute(phased({ first: true, last: true }), new Map(counts.map((a) => [a.v, i32(0)])));
    // All blocks but the last one are loops over a flat block number.
    const flat = variable('blk');
    const at = (e: Expr): Map<string, Expr> => {
      const map = new Map<string, Expr>();
      let rest = e;
      for (let i = counts.length - 1; i >= 0; i--) {
        const n = counts[i].n;
        map.set(counts[i].v, i === 0 ? rest : e.k === 'const' ? i32((rest as { value: number }).value % n) : bin('rem', rest, i32(n)));
        rest = rest.k === 'const' ? i32(Math.floor(rest.value / n)) : bin('div', rest, i32(n));
      }
      return map;
    };
    const bind = (e: Expr, phase: Phase): Stmt[] => {
      const map = at(e);
      if (e.k === 'const') return substitute(phased(phase), map);
      // Named, so that addresses stay affine in plain variables.
      const names = new Map([...map.keys()].map((v) => [v, variable(`${v}_b`)]));
      return [...[...map].map(([v, x]): Stmt => ({ s: 'let', name: `${v}_b`, value: x })), ...substitute(phased(phase), names)];
    };
    const out: Stmt[] = [...bind(i32(0), { first: true, last: false })];
    if (total > 2) out.push({ s: 'for', v: 'blk', lo: i32(1), hi: i32(total - 1), step: 1, body: bind(flat, { first: false, last: false }) });
    out.push(...bind(i32(total - 1), { first: false, last: true }));
    return out;
  }

  /** One register tile: `count` rows from m0, `valid` columns from n0 of a panel `width` wide. */
  micro(c: Plan, phase: Phase, m0: Expr, count: number, n0: Expr, valid: number, width: number): Stmt[] {
    const s = this.spec;
    const { kAxes, blocks } = c;
    const out: Stmt[] = [
      { s: 'tile', name: 'c', ty: 'f32', dims: [count, width], init: 0 },
      { s: 'tile', name: 'bt', ty: 'f32', dims: [width], init: 0 },
      { s: 'tile', name: 'at', ty: 'f32', dims: [4], init: 0 },
    ];
    const subst = this.kSubstitution(kAxes);
    const r = this.k.reader([], this.ranges);
    const a = r.read(s.a, s.aIndex) as Expr & { k: 'load' };
    const aAt = (i: Expr): Expr => load('f32', a.buf, substituteExpr(a.index, new Map([...subst, [s.m.v, add(m0, i)]])));
    const kFlat = this.kFlat(kAxes);
    const j = variable('j');
    const i = variable('i');
    let b: Expr;
    if (c.panels) b = load('f32', c.panels.buf, add(c.panels.at(n0, kFlat, width), j));
    else {
      const direct = r.read(s.b, s.bIndex) as Expr & { k: 'load' };
      b = load('f32', direct.buf, substituteExpr(direct.index, new Map([...subst, [s.n.v, add(n0, j)]])));
    }
    const vec = { vector: true, unroll: true } as const;
    const step: Stmt[] = [
      loop('j', width, [{ s: 'tileset', tile: 'bt', index: [j], value: b }], vec),
      loop(
        'i',
        count,
        [
          { s: 'vec', v: 'l', at: i32(0), lanes: 4, body: [{ s: 'tileset', tile: 'at', index: [variable('l')], value: aAt(i) }] },
          loop('j', width, [{ s: 'tileset', tile: 'c', index: [i, j], value: fma(tileRead('f32', 'at', [i32(0)]), tileRead('f32', 'bt', [j]), tileRead('f32', 'c', [i, j])) }], vec),
        ],
        { unroll: true },
      ),
    ];
    let body: readonly Stmt[] = step;
    const inner = blocks.inner;
    for (let d = inner.length - 1; d >= 0; d--) {
      const lastAxis = d === inner.length - 1;
      body = lastAxis ? this.unrolledK(inner[d], body, blocks) : [loop(inner[d].v, inner[d].n, body)];
    }
    out.push(...body, ...this.storeTile(c, phase, m0, count, n0, valid));
    return out;
  }

  /** The innermost reduced loop, unrolled by the target's factor, with its remainder. */
  unrolledK(axis: Axis, body: readonly Stmt[], blocks: KBlocks): Stmt[] {
    const u = this.ctx.options.tile.unroll;
    const { cut } = blocks;
    const unrolled = (base: Expr): Stmt => loop('u', u, substitute(body, new Map([[axis.v, add(base, variable('u'))]])), { unroll: true });
    if (cut) {
      // Pieces are multiples of the unroll factor except for the last, which ends at the axis.
      const lo = mul(variable('kb'), i32(cut.size));
      const hi = bin('min', add(lo, i32(cut.size)), i32(axis.n));
      const mid = add(lo, bin('and', bin('sub', hi, lo), i32(-u)));
      return [
        { s: 'for', v: 'ku', lo, hi: mid, step: u, body: [unrolled(variable('ku'))] },
        ...(axis.n % u ? [{ s: 'for', v: axis.v, lo: mid, hi, step: 1, body } as Stmt] : []),
      ];
    }
    if (axis.n <= u * 2) return [loop(axis.v, axis.n, body, { unroll: true })];
    const main = Math.floor(axis.n / u) * u;
    const out: Stmt[] = [{ s: 'for', v: 'ku', lo: i32(0), hi: i32(main), step: u, body: [unrolled(variable('ku'))] }];
    for (let x = main; x < axis.n; x++) out.push(...substitute(body, new Map([[axis.v, i32(x)]])));
    return out;
  }

  storeTile(c: Plan, phase: Phase, m0: Expr, count: number, n0: Expr, valid: number): Stmt[] {
    const s = this.spec;
    const [i, j] = [variable('i'), variable('j')];
    const vec = { vector: true, unroll: true } as const;
    const acc = tileRead('f32', 'c', [i, j]);
    const where = new Map<string, Expr>([
      [s.m.v, add(m0, i)],
      [s.n.v, add(n0, j)],
    ]);
    const rawIndex = substituteExpr(linearize(s.out, fixed(this.node.outputs[0].type.shape)), where);
    const perTile = (body: readonly Stmt[]): Stmt[] => [loop('i', count, [loop('j', valid, body, vec)], { unroll: true })];
    const sum: Expr = phase.first ? acc : bin('add', load('f32', c.partial as string, rawIndex), acc);
    if (!phase.last) return perTile([store(c.partial as string, rawIndex, sum)]);
    const body = substitute(this.epilogue(sum, c.outs), where);
    if (bodyCost(body) <= HEAVY_EPILOGUE) return perTile(body);
    // A long epilogue runs as a loop over the tile's rows, from a scratch copy in the cache.
    const width = Math.ceil(valid / 4) * 4;
    c.tileScratch ??= this.k.scratch('f32', c.mr * c.nr * this.ctx.options.threads);
    const at = add(add(mul(tid, i32(c.mr * c.nr)), mul(i, i32(width))), j);
    const spill = perTile([store(c.tileScratch, at, sum)]);
    const rolled = substitute(this.epilogue(load('f32', c.tileScratch, at), c.outs), where);
    return [...spill, loop('i', count, [loop('j', valid, rolled, { vector: true })])];
  }
}

interface Panels {
  readonly buf: string;
  readonly code: readonly Stmt[];
  readonly at: (n0: Expr, k: Expr, width: number) => Expr;
  readonly full: number;
  readonly rest: number;
  readonly restWidth: number;
}
interface KBlocks {
  /** Reduced loops outside of the tile loops, or null where the reduction is in one piece. */
  readonly outer: readonly Axis[] | null;
  readonly inner: readonly Axis[];
  readonly cut?: { readonly size: number; readonly count: number };
}
interface Phase {
  readonly first: boolean;
  readonly last: boolean;
}
interface Plan {
  readonly mr: number;
  readonly nr: number;
  readonly kAxes: readonly Axis[];
  readonly bOuter: readonly Axis[];
  readonly aOuter: readonly Axis[];
  readonly panels: Panels | null;
  readonly blocks: KBlocks;
  readonly partial: string | null;
  readonly outs: ReadonlyMap<Value, string>;
  tileScratch?: string;
}

function substituteExpr(e: Expr, vars: ReadonlyMap<string, Expr>): Expr {
  const s = substitute([{ s: 'set', name: '', value: e }], vars)[0];
  return (s as { value: Expr }).value;
}

/** Value of an index expression with all variables known. */
function evaluate(e: Expr, env: ReadonlyMap<string, number>): number {
  if (e.k === 'const') return e.value;
  if (e.k === 'var') return env.get(e.name) as number;
  if (e.k !== 'bin') throw new Error(`not an index: ${e.k}`);
  const [a, b] = children(e).map((c) => evaluate(c, env));
  switch (e.op) {
    case 'add':
      return a + b;
    case 'sub':
      return a - b;
    case 'mul':
      return a * b;
    case 'div':
      return Math.floor(a / b);
    case 'rem':
      return a % b;
    case 'min':
      return Math.min(a, b);
    case 'max':
      return Math.max(a, b);
    default:
      throw new Error(`not an index: ${e.op}`);
  }
}
