// The filter gradient of 3 x 3 convolutions by Winograd's algorithm: the adjoint of the convolution's
// (winograd-conv.ts) in the filter. Tiles of the input and of the result's gradient are transformed, their
// products summed over all tiles at each position, and the n x n sums of a pair of channels become its
// 3 x 3 gradient. So the sums take m * m products of the direct form per n * n.

import { add, bin, type Expr, i32, load, mul, tileRead, variable } from '../../ir/kernel/expr.ts';
import { loop, type Stmt, store, substitute } from '../../ir/kernel/kernel.ts';
import type { Group } from '../group.ts';
import type { LowerContext, Lowered } from './kernel-builder.ts';
import { Columns } from './panel-columns.ts';
import { tileRegisters, tileStep } from './register-tile.ts';
import { type Own, range, WinogradLowering, type WinogradSchedule } from './winograd.ts';
import { sandwich, transposed } from './winograd-transforms.ts';

/** Sums that are kept apart, so that threads share the tiles: by shape, not by the number of threads. */
const MAX_PARTS = 8;
const PARTS_BYTES = 8 << 20;

/** A filter gradient by that schedule. */
export function lowerWinogradFilterGrad(ctx: LowerContext, g: Group, s: WinogradSchedule): Lowered {
  return new WinogradFilterGrad(ctx, g, s).lower();
}

class WinogradFilterGrad extends WinogradLowering {
  /** Elements of the sums of a part. */
  get sums(): number {
    return this.w.n ** 2 * this.cin * this.cout;
  }

  lower(): Lowered {
    const { n } = this.w;
    const fitting = Math.floor(PARTS_BYTES / (4 * this.sums));
    const parts = Math.max(1, Math.min(MAX_PARTS, fitting, this.blocks));
    const sums = this.k.scratch('f32', parts * this.sums);
    const left = this.own(this.room(this.cin));
    const right = this.own(this.room(this.cout));
    const window = this.own(n * n * Math.max(this.cin, this.cout));
    const part = variable('part');
    const at = mul(part, i32(this.sums));
    // Parts have as many blocks as each other, or one more.
    const edge = (p: Expr) => bin('div', mul(p, i32(this.blocks)), i32(parts));
    const block: Stmt[] = [
      ...this.extent(),
      loop('t', variable('rows'), [...this.position(), ...this.input(left, window)]),
      loop('t', variable('rows'), [...this.position(), ...this.gradient(right, window)]),
      loop('pos', n * n, this.accumulate(left, right, sums, at)),
    ];
    const zero = loop('e', this.sums, [store(sums, add(at, variable('e')), { k: 'const', ty: 'f32', value: 0 })], {
      vector: true,
    });
    const body: Stmt[] = [
      zero,
      { s: 'for', v: 'blk', lo: edge(part), hi: edge(add(part, i32(1))), step: 1, body: block },
    ];
    const all = loop('part', parts, body, parts > 1 ? { parallel: 1 } : {});
    const stmts: Stmt[] = [
      parts > 1 ? all : { s: 'single', body: [all] },
      { s: 'barrier' },
      loop('m', this.cin, this.finish(sums, parts), { parallel: 1 }),
    ];
    return this.k.finish(stmts, { flops: 2 * this.total * n * n * this.cin * this.cout, schedule: this.schedule });
  }

  /** Transforms a tile of the result's gradient. */
  gradient(to: Own, window: Own): Stmt[] {
    const { m, outputT } = this.w;
    return this.transform({
      image: this.node.inputs[1],
      origin: [mul(variable('ty'), i32(m)), mul(variable('tx'), i32(m))],
      extent: m,
      channels: this.cout,
      matrix: transposed(outputT),
      to,
      window,
    });
  }

  /** Adds the products of a block's tiles, input channels x output channels, to the sums at `pos`. */
  accumulate(left: Own, right: Own, sums: string, base: Expr): Stmt[] {
    const { tile } = this;
    const [pos, k, i, j] = ['pos', 'k', 'i', 'j'].map((v) => variable(v));
    const mr = Math.min(tile.mr, this.cin);
    const nr = Math.min(tile.nr, Math.ceil(this.cout / 4) * 4);
    const block = (m0: Expr, rows: number, n0: Expr, valid: number): Stmt[] => {
      const width = Math.ceil(valid / 4) * 4;
      const a = (row: Expr) => load('f32', left.buf, this.slot(left, pos, this.cin, k, add(m0, row)));
      const b = load('f32', right.buf, this.slot(right, pos, this.cout, k, add(n0, j)));
      const step = tileStep(rows, width, a, b);
      const hi = variable('rows');
      const mid = bin('and', hi, i32(-tile.unroll));
      const unrolled = loop('u', tile.unroll, substitute(step, new Map([['k', add(variable('ku'), variable('u'))]])), {
        unroll: true,
      });
      const to = add(base, add(mul(pos, i32(this.cin * this.cout)), add(mul(add(m0, i), i32(this.cout)), add(n0, j))));
      const sum = bin('add', load('f32', sums, to), tileRead('f32', 'c', [i, j]));
      return [
        ...tileRegisters(rows, width),
        { s: 'for', v: 'ku', lo: i32(0), hi: mid, step: tile.unroll, body: [unrolled] },
        ...(tile.unroll > 1 ? [{ s: 'for', v: 'k', lo: mid, hi, step: 1, body: step } as Stmt] : []),
        loop('i', rows, [loop('j', valid, [store(sums, to, sum)], { vector: true, unroll: true })], { unroll: true }),
      ];
    };
    const rowTiles = (n0: Expr, valid: number): Stmt[] => {
      const full = Math.floor(this.cin / mr);
      const rest = this.cin % mr;
      const out: Stmt[] = [loop('q', full, block(mul(variable('q'), i32(mr)), mr, n0, valid))];
      if (rest > 0) out.push(...block(i32(full * mr), rest, n0, valid));
      return out;
    };
    const columns = new Columns(this.cout, nr, Math.floor(this.cout / nr), 0);
    return columns.loops((tiles) => tiles(rowTiles), false);
  }

  /** The gradients of one input channel's filters from the parts' sums. */
  finish(sums: string, parts: number): Stmt[] {
    const { n, filter } = this.w;
    const body: Stmt[] = [];
    const bind = this.binder(body);
    const at = (part: number, pos: number) =>
      add(i32(part * this.sums + pos * this.cin * this.cout), add(mul(variable('m'), i32(this.cout)), variable('n')));
    const total = (pos: number) =>
      range(parts)
        .map((p) => load('f32', sums, at(p, pos)))
        .reduce((x, y) => add(x, y));
    const x = range(n).map((r) => range(n).map((c) => bind(total(r * n + c))));
    const outs = this.outputs();
    const zero = new Map([['g', i32(0)]]);
    sandwich(transposed(filter), x, bind).forEach((row, y) => {
      row.forEach((e, c) => {
        const tap = new Map([...zero, ['t0', i32(y)], ['t1', i32(c)]]);
        body.push(...substitute(this.epilogue(e, outs), tap));
      });
    });
    return [loop('n', this.cout, body, { vector: true })];
  }
}
