// 3 x 3 convolutions by Winograd's algorithm. Blocks of tiles stay in the cache from the input to the
// result: the transformed input and the products never reach memory.

import type { Value } from '../../ir/graph.ts';
import { affine, linearize, strideIn } from '../../ir/kernel/affine.ts';
import { add, bin, type Expr, i32, load, mul, sub, substituteExpr, tileRead, variable } from '../../ir/kernel/expr.ts';
import { letS, loop, type Stmt, store, substitute } from '../../ir/kernel/kernel.ts';
import type { Literal } from '../../ir/literal.ts';
import type { Group } from '../group.ts';
import type { LowerContext, Lowered } from './kernel-builder.ts';
import { Columns } from './panel-columns.ts';
import { tileRegisters, tileStep, unrolledReduction } from './register-tile.ts';
import { fixed } from './views.ts';
import { type Own, range, WinogradLowering, type WinogradSchedule } from './winograd.ts';
import { filterMatrix, sandwich } from './winograd-transforms.ts';

/** From so many blocks on, each thread takes blocks of its own. */
const MIN_BLOCKS = 4;

/** A convolution by that schedule. */
export function lowerWinogradConv(ctx: LowerContext, g: Group, s: WinogradSchedule): Lowered {
  return new WinogradConv(ctx, g, s).lower();
}

class WinogradConv extends WinogradLowering {
  /** The register tile. */
  readonly mr: number;
  readonly nr: number;

  constructor(ctx: LowerContext, g: Group, s: WinogradSchedule) {
    super(ctx, g, s);
    this.mr = Math.min(this.tile.mr, this.total);
    this.nr = Math.min(this.tile.nr, Math.ceil(this.cout / 4) * 4);
  }

  lower(): Lowered {
    const { n, m } = this.w;
    const filters = this.filters();
    const outs = this.outputs();
    // Few blocks leave threads without work: they share the steps of one instead.
    const shared = this.blocks < MIN_BLOCKS;
    const buffer = (size: number) => (shared ? { buf: this.k.scratch('f32', size), base: i32(0) } : this.own(size));
    const left = buffer(this.room(this.cin));
    const products = buffer(this.room(this.cout));
    const window = this.own(n * n * this.cin);
    const values = this.own(m * m * this.cout);
    const rows = variable('rows');
    const split = shared ? { parallel: 1 } : {};
    const barrier: Stmt[] = shared ? [{ s: 'barrier' }] : [];
    const block: Stmt[] = [
      ...this.extent(),
      loop('t', rows, [...this.position(), ...this.input(left, window)], split),
      ...barrier,
      loop('pos', n * n, this.multiply(left, products, filters.buf), split),
      ...barrier,
      loop('t', rows, [...this.position(), ...this.output(products, values, outs)], split),
      ...barrier,
    ];
    const all = loop('blk', this.blocks, block, shared ? {} : { parallel: 1 });
    return this.k.finish([...filters.code, all], {
      flops: 2 * this.total * n * n * this.cin * this.cout,
      parallel: true,
      schedule: this.schedule,
    });
  }

  /** Transforms the products of a tile back, and stores what is computed on the results inside. */
  output(products: Own, values: Own, outs: ReadonlyMap<Value, string>): Stmt[] {
    const { n, m } = this.w;
    const body: Stmt[] = [];
    const bind = this.binder(body);
    const c = variable('n');
    const at = (pos: number) => this.slot(products, i32(pos), this.cout, variable('t'), c);
    const x = range(n).map((i) => range(n).map((j) => bind(load('f32', products.buf, at(i * n + j)))));
    sandwich(this.w.outputT, x, bind).forEach((row, i) => {
      row.forEach((e, j) => {
        body.push(store(values.buf, add(values.base, add(i32((i * m + j) * this.cout), c)), e));
      });
    });
    const [dy, dx] = [variable('dy'), variable('dx')];
    const value = load('f32', values.buf, add(values.base, add(mul(add(mul(dy, i32(m)), dx), i32(this.cout)), c)));
    const epilogue = substitute(this.epilogue(value, outs), new Map([['g', i32(0)]]));
    const extent = (tile: string, size: number) =>
      size % m === 0 ? i32(m) : bin('min', i32(m), sub(i32(size), mul(variable(tile), i32(m))));
    return [
      loop('n', this.cout, body, { vector: true }),
      loop('dy', extent('ty', this.result[0]), [
        loop('dx', extent('tx', this.result[1]), [
          letS('o0', add(mul(variable('ty'), i32(m)), dy)),
          letS('m', add(mul(variable('tx'), i32(m)), dx)),
          loop('n', this.cout, epilogue, { vector: true }),
        ]),
      ]),
    ];
  }

  /** The columns of the products, panel by panel. */
  get columns(): Columns {
    return new Columns(this.cout, this.nr, Math.floor(this.cout / this.nr), 0);
  }

  // --- products --------------------------------------------------------------------------------------
  /** Elements of the filters of one position, in panels. */
  get perPosition(): number {
    return this.cin * (Math.floor(this.cout / this.nr) * this.nr + Math.ceil((this.cout % this.nr) / 4) * 4);
  }

  /** Tiles x input channels times input channels x output channels, at position `pos`. */
  multiply(left: Own, products: Own, filters: string): Stmt[] {
    const pos = variable('pos');
    const k = variable('k');
    const panel = (n0: Expr, valid: number, width: number): Stmt[] => {
      const q = variable('q');
      const row = (i: Expr) => add(mul(q, i32(this.mr)), i);
      const a = (i: Expr) => load('f32', left.buf, this.slot(left, pos, this.cin, row(i), k));
      const b = load(
        'f32',
        filters,
        add(mul(pos, i32(this.perPosition)), add(mul(n0, i32(this.cin)), add(mul(k, i32(width)), variable('j')))),
      );
      const [i, j] = [variable('i'), variable('j')];
      const to = this.slot(products, pos, this.cout, row(i), add(n0, j));
      const stores = loop('j', valid, [store(products.buf, to, tileRead('f32', 'c', [i, j]))], {
        vector: true,
        unroll: true,
      });
      const tile: Stmt[] = [
        ...tileRegisters(this.mr, width),
        ...unrolledReduction({ v: 'k', n: this.cin }, tileStep(this.mr, width, a, b), this.tile.unroll),
        loop('i', this.mr, [stores], { unroll: true }),
      ];
      return [loop('q', bin('div', add(variable('rows'), i32(this.mr - 1)), i32(this.mr)), tile)];
    };
    return this.columns.loops((tiles) => tiles(panel), false);
  }

  // --- filters ---------------------------------------------------------------------------------------
  /** Transformed filters in panels [position][panel][input channel][column]: made at compile time if constant. */
  filters(): { buf: string; code: readonly Stmt[] } {
    const { n } = this.w;
    const size = n * n * this.perPosition;
    const packed = this.constantFilters(size);
    if (packed) return { buf: packed, code: [] };
    const buf = this.k.scratch('f32', size);
    const panel = (n0: Expr, valid: number, width: number) => this.filterPanel(buf, n0, valid, width);
    return { buf, code: [...this.columns.loops((tiles) => tiles(panel), true), { s: 'barrier' }] };
  }

  filterPanel(buf: string, n0: Expr, valid: number, width: number): Stmt[] {
    const { n } = this.w;
    const body: Stmt[] = [];
    const reader = this.k.reader(body, this.ranges);
    const bind = this.binder(body);
    const [j, ci] = [variable('j'), variable('ci')];
    const tap = (y: number, x: number): Expr => {
      const at = new Map([
        ['t0', i32(y)],
        ['t1', i32(x)],
        ['g', i32(0)],
      ]);
      return bind(
        reader.read(
          this.spec.b,
          this.spec.bIndex.map((e) => substituteExpr(e, at)),
        ),
      );
    };
    const filter = range(3).map((y) => range(3).map((x) => tap(y, x)));
    sandwich(this.w.filter, filter, bind).forEach((row, y) => {
      row.forEach((e, x) => {
        const position = i32((y * n + x) * this.perPosition);
        body.push(store(buf, add(position, add(mul(n0, i32(this.cin)), add(mul(ci, i32(width)), j))), e));
      });
    });
    const columns = substitute(body, new Map([['n', add(n0, j)]]));
    return [loop('ci', this.cin, [loop('j', valid, columns, { vector: true, unroll: true })])];
  }

  constantFilters(size: number): string | null {
    const s = this.spec;
    const constant = s.b.node;
    if (constant?.op.name !== 'constant') return null;
    const lit = constant.attrs.value as Literal;
    const type = constant.outputs[0].type;
    const index = linearize(s.bIndex, fixed(type.shape));
    const strides = ['t0', 't1', 'ci', 'n'].map((v) => strideIn(index, v));
    if (strides.some((x) => x === null)) return null;
    const [sy, sx, sc, sn] = strides as number[];
    const start = affine(index).c;
    const make = (): Float32Array => {
      const data = lit.expand(type);
      const out = new Float32Array(size);
      const positions = this.w.n ** 2;
      // The transform of a filter is linear in its nine taps.
      const matrix = filterMatrix(this.w.filter);
      const split = this.cout - (this.cout % this.nr);
      const restWidth = Math.ceil((this.cout % this.nr) / 4) * 4;
      const taps = new Float64Array(9);
      for (let c = 0; c < this.cin; c++)
        for (let o = 0; o < this.cout; o++) {
          const from = start + c * sc + o * sn;
          for (let t = 0; t < 9; t++) taps[t] = data[from + Math.floor(t / 3) * sy + (t % 3) * sx];
          const n0 = o < split ? o - (o % this.nr) : split;
          const at = n0 * this.cin + c * (o < split ? this.nr : restWidth) + o - n0;
          for (let pos = 0; pos < positions; pos++) {
            let sum = 0;
            for (let t = 0; t < 9; t++) sum += matrix[pos * 9 + t] * taps[t];
            out[pos * this.perPosition + at] = sum;
          }
        }
      return out;
    };
    return this.k.packed({ key: `winograd:${this.w.m}:${this.nr}:${lit.hash}:${fixed(type.shape)}`, size, make });
  }
}
