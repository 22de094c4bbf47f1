// Products and convolutions on a GPU: a workgroup computes a tile of the result. It brings blocks of both operands
// into its shared memory, from which every invocation multiplies a small tile of its own in registers. A convolution
// is the product of the image's patches with the filters, the patches read where they are (implicit GEMM), padding
// included; its filter gradient is a product with a long reduction. Long reductions with few tiles are split, and a
// second dispatch adds the parts, in a fixed order.

import type { Value } from '../../../ir/graph.ts';
import { affine, delinearize, dependsOn, linearize, type Ranges, strideIn } from '../../../ir/kernel/affine.ts';
import { add, bin, type Expr, fma, i32, konst, load, mul, sel, tileRead, variable } from '../../../ir/kernel/expr.ts';
import { letS, loop, type Stmt, store, substitute } from '../../../ir/kernel/kernel.ts';
import { byteSize, type DType, sizeOf } from '../../../ir/types.ts';
import type { Group } from '../../group.ts';
import { DirectContraction } from '../contraction-direct.ts';
import { bodyCost, type GpuTarget, type LowerContext, type Lowered } from '../kernel-builder.ts';
import { type Axis, axisVars, gridNest } from '../loops.ts';

/** Tiles of the result that a workgroup and an invocation compute, and steps of the reduction in shared memory. */
export interface GpuTile {
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  readonly ownRows: number;
  readonly ownColumns: number;
}

const LARGE: GpuTile = { rows: 128, columns: 128, depth: 8, ownRows: 8, ownColumns: 8 };
const MIDDLE: GpuTile = { rows: 64, columns: 64, depth: 16, ownRows: 4, ownColumns: 4 };
const SMALL: GpuTile = { rows: 32, columns: 32, depth: 16, ownRows: 2, ownColumns: 2 };
const TALL: GpuTile = { rows: 64, columns: 16, depth: 16, ownRows: 4, ownColumns: 1 };
const WIDE: GpuTile = { rows: 16, columns: 64, depth: 16, ownRows: 1, ownColumns: 4 };

/** An epilogue dearer than this many operations is not written out 64 times. */
const HEAVY_EPILOGUE = 12;
/** Workgroups that keep a GPU busy: with fewer, long reductions are split. */
const BUSY_GROUPS = 128;
/** Steps of the reduction that a part should have at least. */
const PART = 256;
/** Elements between rows of the shared left operand, so that its writes meet in few banks. */
const APART = 4;
/** Columns or rows below which there is nothing to share. */
const THIN = 4;
/** Results so few of sums so short are an invocation each. */
const FEW = 256;
const SHORT = 64;

const groupsOf = (t: GpuTile): number => (t.rows / t.ownRows) * (t.columns / t.ownColumns);
const sharedBytes = (t: GpuTile, ty: DType): number => t.depth * (t.rows + APART + t.columns) * byteSize(ty);

export function lowerGpuContraction(ctx: LowerContext, g: Group): Lowered {
  return new GpuContraction(ctx, g).lower();
}

class GpuContraction extends DirectContraction {
  /** Outer loops that the right operand does not depend on: rows of the product. */
  readonly rowAxes: readonly Axis[];
  /** All others: products side by side. */
  readonly batchAxes: readonly Axis[];

  constructor(ctx: LowerContext, g: Group) {
    super(ctx, g);
    const s = this.spec;
    const outer = s.outer.filter((a) => !s.bIndex.some((e) => dependsOn(e, a.v)));
    this.rowAxes = [...outer, s.m];
    this.batchAxes = s.outer.filter((a) => !outer.includes(a));
  }

  get ty(): DType {
    return this.node.outputs[0].type.dtype;
  }
  get rows(): number {
    return sizeOf(this.rowAxes.map((a) => a.n));
  }
  get batch(): number {
    return sizeOf(this.batchAxes.map((a) => a.n));
  }

  lower(): Lowered {
    const flops = 2 * sizeOf(this.node.outputs[0].type.shape) * this.reduction;
    const n = this.spec.n.n;
    const thin = this.rows < THIN || n < THIN || this.reduction < THIN;
    if (thin || (this.rows * n <= FEW && this.reduction <= SHORT))
      return this.k.finish(this.generic(), { flops, schedule: 'nest' });
    const outs = this.outputs();
    const tile = this.tileFor(this.ctx.options.gpu as GpuTarget, outs);
    const parts = this.partsOf(tile);
    const schedule = `tile ${tile.rows}x${tile.columns}x${tile.depth} by ${tile.ownRows}x${tile.ownColumns}${parts > 1 ? `, ${parts} parts` : ''}`;
    return this.k.finish(this.tiled(tile, parts, outs), { flops, schedule });
  }

  tileFor(gpu: GpuTarget, outs: ReadonlyMap<Value, string>): GpuTile {
    const [m, n] = [this.rows, this.spec.n.n];
    const fits = (t: GpuTile) => groupsOf(t) <= gpu.invocations && sharedBytes(t, this.ty) <= gpu.sharedBytes;
    const heavy = bodyCost(this.epilogue(variable('sum', this.ty), outs)) > HEAVY_EPILOGUE;
    const many = (m / LARGE.rows) * (n / LARGE.columns) * this.batch >= BUSY_GROUPS / 2;
    const order = [
      ...(m >= 128 && n >= 128 && many && !heavy ? [LARGE] : []),
      ...(n <= 24 && m >= 48 ? [TALL] : []),
      ...(m <= 24 && n >= 48 ? [WIDE] : []),
      ...(m >= 48 && n >= 48 ? [MIDDLE] : []),
      SMALL,
      TALL,
    ];
    return order.find(fits) ?? TALL;
  }

  partsOf(t: GpuTile): number {
    const tiles = Math.ceil(this.rows / t.rows) * Math.ceil(this.spec.n.n / t.columns) * this.batch;
    if (tiles >= BUSY_GROUPS / 2 || this.reduction < 2 * PART) return 1;
    return Math.min(64, Math.ceil(BUSY_GROUPS / tiles), Math.floor(this.reduction / PART));
  }

  tiled(t: GpuTile, parts: number, outs: ReadonlyMap<Value, string>): Stmt[] {
    const N = this.spec.n.n;
    // Whole blocks of the reduction a part.
    const steps = Math.ceil(Math.ceil(this.reduction / t.depth) / parts);
    const split = Math.ceil(Math.ceil(this.reduction / t.depth) / steps);
    const grid: Axis[] = [
      ...(split > 1 ? [{ v: 'part', n: split }] : []),
      ...this.batchAxes,
      { v: 'mt', n: Math.ceil(this.rows / t.rows) },
      { v: 'nt', n: Math.ceil(N / t.columns) },
    ];
    const partial = split > 1 ? this.k.scratch(this.ty, split * this.batch * this.rows * N) : null;
    const main = gridNest(grid, this.tileBody(t, steps, split, partial, outs));
    return partial === null ? main : [...main, { s: 'barrier' }, ...this.sumParts(partial, split, outs)];
  }

  /** What a workgroup does. */
  tileBody(t: GpuTile, steps: number, split: number, partial: string | null, outs: ReadonlyMap<Value, string>): Stmt[] {
    const { ty } = this;
    const N = this.spec.n.n;
    const size = groupsOf(t);
    const across = t.columns / t.ownColumns;
    const [lane, step, kk, i, j] = ['lane', 'step', 'kk', 'i', 'j'].map((v) => variable(v));
    const left = this.k.shared(this.sharedType('left'), t.depth * (t.rows + APART));
    const right = this.k.shared(this.sharedType('right'), t.depth * t.columns);
    const first = split > 1 ? add(mul(variable('part'), i32(steps)), step) : step;
    const k0 = mul(first, i32(t.depth));
    const row = bin('div', lane, i32(across));
    const column = bin('rem', lane, i32(across));
    const inRow = add(mul(row, i32(t.ownRows)), i);
    // Neighbouring invocations have neighbouring columns, four at a time: what they read and store lies side by side.
    const four = Math.min(4, t.ownColumns);
    const inColumn = add(
      mul(bin('div', j, i32(four)), i32(across * four)),
      add(mul(column, i32(four)), bin('rem', j, i32(four))),
    );
    const own = (body: readonly Stmt[]): Stmt =>
      loop('i', t.ownRows, [loop('j', t.ownColumns, body, { unroll: true })], { unroll: true });
    const c = tileRead(ty, 'c', [i, j]);
    const product: Stmt = {
      s: 'tileset',
      tile: 'c',
      index: [i, j],
      value: multiplyAdd(ty, tileRead(ty, 'a', [i]), tileRead(ty, 'b', [j]), c),
    };
    const read: Stmt[] = [
      loop(
        'i',
        t.ownRows,
        [{ s: 'tileset', tile: 'a', index: [i], value: load(ty, left, add(mul(kk, i32(t.rows + APART)), inRow)) }],
        { unroll: true },
      ),
      loop(
        'j',
        t.ownColumns,
        [{ s: 'tileset', tile: 'b', index: [j], value: load(ty, right, add(mul(kk, i32(t.columns)), inColumn)) }],
        { unroll: true },
      ),
    ];
    const tile = (name: string, dims: readonly number[]): Stmt => ({
      s: 'tile',
      name,
      ty,
      dims,
      init: 0,
      perLane: true,
    });
    const m = add(mul(variable('mt'), i32(t.rows)), inRow);
    const n = add(mul(variable('nt'), i32(t.columns)), inColumn);
    return [
      tile('c', [t.ownRows, t.ownColumns]),
      tile('a', [t.ownRows]),
      tile('b', [t.ownColumns]),
      loop('step', steps, [
        this.bring(left, t.rows, t.rows + APART, t.depth, 'left', k0),
        this.bring(right, t.columns, t.columns, t.depth, 'right', k0),
        loop('lane', size, [loop('kk', t.depth, [...read, own([product])])], { vector: true }),
      ]),
      loop(
        'lane',
        size,
        [
          own([
            letS('mf', m),
            letS('nf', n),
            this.within(
              [
                ['mf', this.rows],
                ['nf', N],
              ],
              this.finish(c, partial, outs),
            ),
          ]),
        ],
        { vector: true },
      ),
    ];
  }

  /** One block of an operand into shared memory, [depth][its rows or columns]; zero beyond its end. */
  bring(to: string, count: number, apart: number, depth: number, side: 'left' | 'right', k0: Expr): Stmt {
    const s = this.spec;
    const [e, q] = [variable('e'), variable('q')];
    const [v, index] = side === 'left' ? [s.a, s.aIndex] : [s.b, s.bIndex];
    const flat = side === 'left' ? 'mf' : 'nf';
    const limit = side === 'left' ? this.rows : s.n.n;
    // Neighbouring invocations read neighbouring elements, four each where the operand allows.
    const along = this.alongReduction(side);
    const width = this.wide(side, along) ? 4 : 1;
    const [depths, counts] = along ? [depth / width, count] : [depth, count / width];
    const [inner, outer] = along
      ? [mul(bin('rem', e, i32(depths)), i32(width)), bin('div', e, i32(depths))]
      : [bin('div', e, i32(counts)), mul(bin('rem', e, i32(counts)), i32(width))];
    const start = mul(variable(side === 'left' ? 'mt' : 'nt'), i32(count));
    const body: Stmt[] = [];
    const r = this.k.reader(body, new Map([...this.ranges, ...this.flatRanges()]));
    const value = r.read(v, index);
    const here = new Map<string, Expr>([...this.reductionAt(variable('kf'))]);
    if (side === 'left') for (const [name, x] of this.rowsAt(variable('mf'))) here.set(name, x);
    else here.set(s.n.v, variable('nf'));
    const inside = bin('and', bin('lt', variable(flat), i32(limit)), bin('lt', variable('kf'), i32(this.reduction)));
    let target = add(mul(inner, i32(apart)), outer);
    if (width > 1) {
      const near = this.nearest(side, along).v;
      here.set(near, add(here.get(near) as Expr, q));
      target = add(target, along ? mul(q, i32(apart)) : q);
    }
    const read = substitute([...body, store(to, target, sel(inside, value, konst(this.ty, 0)))], here);
    const all = width > 1 ? [loop('q', width, read, { unroll: true })] : read;
    const places = [letS(flat, add(start, outer)), letS('kf', add(k0, inner))];
    return loop('e', (count * depth) / width, [...places, ...all], { vector: true });
  }

  /** What a block of an operand is kept in: float16 stays so where the GPU computes with it. */
  sharedType(side: 'left' | 'right'): DType {
    const s = this.spec;
    const [v, index] = side === 'left' ? [s.a, s.aIndex] : [s.b, s.bIndex];
    if (!this.ctx.options.gpu?.half || this.ty !== 'f32') return this.ty;
    const e = this.k.reader([], this.ranges).read(v, index);
    return e.k === 'load' && this.k.typeOf(e.buf) === 'f16' ? 'f16' : 'f32';
  }

  /** The axis along which an operand's elements are neighbours, or would be. */
  nearest(side: 'left' | 'right', along: boolean): Axis {
    const s = this.spec;
    if (along) return s.k[s.k.length - 1];
    return side === 'left' ? s.m : s.n;
  }

  /** May an operand be read four elements at a time? */
  wide(side: 'left' | 'right', along: boolean): boolean {
    const s = this.spec;
    const [v, index] = side === 'left' ? [s.a, s.aIndex] : [s.b, s.bIndex];
    const e = this.probe(v, index, this.ranges);
    const near = this.nearest(side, along);
    if (!e || near.n % 4 !== 0 || strideIn(e.index, near.v) !== 1) return false;
    const others = [...s.outer, s.m, s.n, ...s.k].filter((a) => a !== near);
    if (others.some((a) => (strideIn(e.index, a.v) ?? 1) % 4 !== 0)) return false;
    return affine(e.index).c % 4 === 0;
  }

  /** Does an operand lie in memory step by step of the reduction, rather than row by row or column by column? */
  alongReduction(side: 'left' | 'right'): boolean {
    const s = this.spec;
    const [v, index, own] = side === 'left' ? [s.a, s.aIndex, s.m.v] : [s.b, s.bIndex, s.n.v];
    const e = this.probe(v, index, this.ranges);
    if (!e) return side === 'left';
    return strideIn(e.index, own) !== 1 && strideIn(e.index, s.k[s.k.length - 1].v) === 1;
  }

  flatRanges(): Ranges {
    return new Map([
      ['mf', [0, Math.max(0, this.rows - 1)] as const],
      ['nf', [0, Math.max(0, this.spec.n.n - 1)] as const],
      ['kf', [0, Math.max(0, this.reduction - 1)] as const],
    ]);
  }
  #split(flat: Expr, axes: readonly Axis[]): Map<string, Expr> {
    const sizes = axes.map((a) => a.n);
    return new Map(delinearize(flat, sizes, this.flatRanges()).map((e, i) => [axes[i].v, e]));
  }
  /** The row axes' variables at a flat row. */
  rowsAt(flat: Expr): Map<string, Expr> {
    return this.#split(flat, this.rowAxes);
  }
  reductionAt(flat: Expr): Map<string, Expr> {
    return this.#split(flat, this.spec.k);
  }

  within(limits: readonly (readonly [string, number])[], then: readonly Stmt[]): Stmt {
    const tests = limits.map(([v, n]) => bin('lt', variable(v), i32(n)));
    return { s: 'if', cond: tests.reduce((a, b) => bin('and', a, b)), then, else: [] };
  }

  /** The element at (mf, nf): to its part's place, or through what is computed on the result. */
  finish(sum: Expr, partial: string | null, outs: ReadonlyMap<Value, string>): Stmt[] {
    if (partial !== null) return [store(partial, this.partialAt(variable('part'), variable('mf')), sum)];
    const where = this.rowsAt(variable('mf'));
    where.set(this.spec.n.v, variable('nf'));
    return substitute(this.epilogue(sum, outs), where);
  }
  partialAt(part: Expr, row: Expr): Expr {
    const sizes = [...this.batchAxes.map((a) => a.n), this.rows, this.spec.n.n];
    const flat = linearize([...axisVars(this.batchAxes), row, variable('nf')], sizes);
    return add(mul(part, i32(sizeOf(sizes))), flat);
  }

  /** Adds the parts of the reduction, and goes on as a tile would. */
  sumParts(partial: string, split: number, outs: ReadonlyMap<Value, string>): Stmt[] {
    const part = variable('part');
    const sum = variable('sum', this.ty);
    const grid = [...this.batchAxes, { v: 'mf', n: this.rows }, { v: 'nf', n: this.spec.n.n }];
    return gridNest(grid, [
      { s: 'acc', name: 'sum', ty: this.ty, init: konst(this.ty, 0) },
      loop('part', split, [
        { s: 'reduce', acc: 'sum', op: 'add', value: load(this.ty, partial, this.partialAt(part, variable('mf'))) },
      ]),
      ...this.finish(sum, null, outs),
    ]);
  }
}

const multiplyAdd = (ty: DType, a: Expr, b: Expr, c: Expr): Expr =>
  ty === 'f32' ? fma(a, b, c) : bin('add', bin('mul', a, b), c);
