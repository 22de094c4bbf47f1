// Depthwise convolutions (one filter a channel) in two dimensions: for four channels a vector of results along
// a row stays in registers, and what they read of an input row is loaded once for all of them. Tiles at the
// border read through a test instead of from a padded copy.

import type { Value } from '../../ir/graph.ts';
import type { Ranges } from '../../ir/kernel/affine.ts';
import { add, bin, type Expr, f32, fma, i32, mul, sel, sub, substituteExpr, variable } from '../../ir/kernel/expr.ts';
import { letS, loop, type Stmt, substitute } from '../../ir/kernel/kernel.ts';
import { intsAttr, pairsAttr } from '../../ir/op.ts';
import { sizeOf } from '../../ir/types.ts';
import type { Group } from '../group.ts';
import { DirectContraction } from './contraction-direct.ts';
import type { LowerContext, Lowered } from './kernel-builder.ts';
import { fixed } from './views.ts';

/** Results of a row that are in flight: as many sums, and the row's elements that they share. */
const TILE = 4;
/** Channels whose rows are walked together: those of a cache line. */
const BLOCK = 16;
const PARALLEL_WORK = 1 << 15;

/** A convolution with as many groups as channels in and out. */
export function lowerDepthwise(ctx: LowerContext, g: Group): Lowered {
  return new Depthwise(ctx, g).lower();
}

class Depthwise extends DirectContraction {
  readonly strides = intsAttr(this.node.attrs, 'strides');
  readonly dilation = intsAttr(this.node.attrs, 'rhs_dilation');
  readonly low = pairsAttr(this.node.attrs, 'pad').map(([l]) => l);
  /** Of the filter: height, width. */
  readonly kernel = fixed(this.node.inputs[1].type.shape).slice(0, 2);
  /** Of the input: batch, height, width, channels. */
  readonly input = fixed(this.node.inputs[0].type.shape);
  readonly output = fixed(this.node.outputs[0].type.shape);
  readonly index: Ranges = new Map([
    ['b', [0, this.input[0] - 1]],
    ['y', [0, this.input[1] - 1]],
    ['x', [0, this.input[2] - 1]],
    ['g', [0, this.input[3] - 1]],
  ]);
  #names = 0;

  lower(): Lowered {
    const outs = this.outputs();
    const [batch, height, width, channels] = this.output;
    const taps = this.kernel[0] * this.kernel[1];
    const flops = 2 * sizeOf(this.output) * taps;
    const full = Math.floor(width / TILE);
    const rest = width % TILE;
    const block = (c0: Expr, count: number): Stmt[] => {
      const out: Stmt[] = [];
      if (full > 0) out.push(loop('q', full, this.tile(mul(variable('q'), i32(TILE)), TILE, c0, count, outs)));
      if (rest > 0) out.push(...this.tile(i32(full * TILE), rest, c0, count, outs));
      return out;
    };
    const blocks = Math.floor(channels / BLOCK);
    const tail = channels % BLOCK;
    const row: Stmt[] = [];
    if (blocks > 0) row.push(loop('cb', blocks, block(mul(variable('cb'), i32(BLOCK)), BLOCK)));
    if (tail > 0) row.push(...block(i32(blocks * BLOCK), tail));
    const rows = batch * height;
    const body: Stmt[] = [
      letS('b', bin('div', variable('row'), i32(height))),
      letS('o0', bin('rem', variable('row'), i32(height))),
      ...row,
    ];
    const parallel = flops >= PARALLEL_WORK && rows > 1;
    const all = loop('row', rows, body, parallel ? { parallel: 1 } : {});
    return this.k.finish([parallel ? all : { s: 'single', body: [all] }], { flops, schedule: 'depthwise' });
  }

  /** `count` results of a row from column m0 on, for `channels` channels from c0 on. */
  tile(m0: Expr, count: number, c0: Expr, channels: number, outs: ReadonlyMap<Value, string>): Stmt[] {
    const [top, left] = [variable('top'), variable('left')];
    const [, height, width] = this.input;
    const last = (d: number) => (this.kernel[d] - 1) * this.dilation[d];
    const within = (v: Expr, size: number, reach: number) =>
      bin('and', bin('ge', v, i32(0)), bin('lt', v, i32(size - reach)));
    const reach = last(1) + (count - 1) * this.strides[1];
    const body = (read: (out: Stmt[], y: Expr, x: Expr) => Expr) =>
      loop('gl', channels, substitute(this.sums(count, m0, read, outs), new Map([['g', add(c0, variable('gl'))]])), {
        vector: true,
      });
    const start: Stmt[] = [
      letS('top', sub(mul(variable('o0'), i32(this.strides[0])), i32(this.low[0]))),
      letS('left', sub(mul(m0, i32(this.strides[1])), i32(this.low[1]))),
    ];
    const plain = body((out, y, x) => this.read(out, y, x));
    // No tile reaches over the border: the result is where the filter fits.
    const pads = pairsAttr(this.node.attrs, 'pad').every(([l, h]) => l <= 0 && h <= 0);
    if (pads) return [...start, plain];
    const cond = bin('and', within(top, height, last(0)), within(left, width, reach));
    return [...start, { s: 'if', cond, then: [plain], else: [body((out, y, x) => this.guarded(out, y, x))] }];
  }

  /** The sums of a tile for channel g, row by row of the filter, and what is computed on them. */
  sums(
    count: number,
    m0: Expr,
    read: (out: Stmt[], y: Expr, x: Expr) => Expr,
    outs: ReadonlyMap<Value, string>,
  ): Stmt[] {
    const out: Stmt[] = [];
    const bind = (e: Expr): Expr => {
      const name = `d${this.#names++}`;
      out.push(letS(name, e));
      return variable(name, 'f32');
    };
    const sums = new Array<Expr | undefined>(count).fill(undefined);
    const filters = this.k.reader(out, this.ranges);
    const [kh, kw] = this.kernel;
    for (let ky = 0; ky < kh; ky++) {
      const y = add(variable('top'), i32(ky * this.dilation[0]));
      // Columns that two taps share are loaded once.
      const columns = new Map<number, Expr>();
      for (let kx = 0; kx < kw; kx++) {
        const tap = new Map([
          ['t0', i32(ky)],
          ['t1', i32(kx)],
          ['ci', i32(0)],
          ['n', i32(0)],
        ]);
        const w = bind(
          filters.read(
            this.spec.b,
            this.spec.bIndex.map((e) => substituteExpr(e, tap)),
          ),
        );
        for (let i = 0; i < count; i++) {
          const at = i * this.strides[1] + kx * this.dilation[1];
          const x = columns.get(at) ?? bind(read(out, y, add(variable('left'), i32(at))));
          columns.set(at, x);
          const before = sums[i];
          sums[i] = bind(before ? fma(x, w, before) : mul(x, w));
        }
      }
    }
    sums.forEach((sum, i) => {
      const at = new Map([
        ['m', add(m0, i32(i))],
        ['n', i32(0)],
      ]);
      out.push(...substitute(this.epilogue(sum as Expr, outs), at));
    });
    return out;
  }

  read(out: Stmt[], y: Expr, x: Expr): Expr {
    return this.k.reader(out, this.index).read(this.node.inputs[0], [variable('b'), y, x, variable('g')]);
  }

  /** The element, or 0 outside of the input. */
  guarded(out: Stmt[], y: Expr, x: Expr): Expr {
    const [, height, width] = this.input;
    const inside = (v: Expr, size: number) => bin('and', bin('ge', v, i32(0)), bin('lt', v, i32(size)));
    const clamp = (v: Expr, size: number) => bin('min', bin('max', v, i32(0)), i32(size - 1));
    const value = this.read(out, clamp(y, height), clamp(x, width));
    return sel(bin('and', inside(y, height), inside(x, width)), value, f32(0));
  }
}
