// What the convolution and its filter gradient by Winograd's algorithm (winograd-transforms.ts) share: tiles
// of images, numbered through all of a batch, of which a block at a time is transformed into the left
// operands of n x n products, one for each position of the transformed tiles.

import type { Value } from '../../ir/graph.ts';
import type { Ranges } from '../../ir/kernel/affine.ts';
import { add, bin, type Expr, f32, i32, load, mul, sub, variable } from '../../ir/kernel/expr.ts';
import { letS, loop, type Stmt, store, tid } from '../../ir/kernel/kernel.ts';
import { pairsAttr } from '../../ir/op.ts';
import type { Group } from '../group.ts';
import { DirectContraction } from './contraction-direct.ts';
import { convShapes } from './conv-algorithm.ts';
import type { LowerContext, Tile } from './kernel-builder.ts';
import { type KernelSchedule, scheduleText, type WinogradBlocking } from './kernel-schedule.ts';
import { rowApart } from './loops.ts';
import { fixed } from './views.ts';
import { type Bind, type Matrix, sandwich, type Winograd, winograd } from './winograd-transforms.ts';

/** Bytes of transformed tiles that a thread works on at a time, where the shape decides. */
export const WINOGRAD_BLOCK_BYTES = 1 << 20;
/** Tiles below which moving the filters takes longer than multiplying by them. */
const MIN_BLOCK = 24;

export type WinogradSchedule = Extract<KernelSchedule, { algorithm: 'winograd' }>;

/** Memory of one thread: a buffer and where its part begins. */
export interface Own {
  readonly buf: string;
  readonly base: Expr;
}

/** A square of an image that is transformed: its first row and column may lie outside. */
interface Source {
  readonly image: Value;
  readonly origin: readonly [Expr, Expr];
  /** Rows and columns of the square. */
  readonly extent: number;
  readonly channels: number;
  readonly matrix: Matrix;
  readonly to: Own;
  readonly window: Own;
}

/**
 * Tiles of a block: whole register tiles of `rows`, at most `most`, and of these sizes the one whose blocks two
 * and four threads share most evenly.
 */
function blockSize(total: number, rows: number, most: number): number {
  const load = (block: number): number =>
    [2, 4].reduce((n, threads) => n + Math.ceil(Math.ceil(total / block) / threads) * threads * block, 0);
  let best = Math.ceil(Math.min(total, MIN_BLOCK) / rows) * rows;
  for (let block = best + rows; block <= most && block < total + rows; block += rows)
    if (load(block) <= load(best)) best = block;
  return best;
}

export class WinogradLowering extends DirectContraction {
  readonly w: Winograd;
  readonly cin: number;
  readonly cout: number;
  /** Height and width of the result. */
  readonly result: readonly number[];
  /** Tiles down and across, and in all. */
  readonly tiles: readonly number[];
  readonly total: number;
  /** Tiles of a block, and blocks. */
  readonly block: number;
  readonly blocks: number;
  readonly blocking: WinogradBlocking;
  readonly #names = { next: 0 };

  constructor(ctx: LowerContext, g: Group, { m, blocking }: WinogradSchedule) {
    super(ctx, g);
    this.blocking = blocking ?? { tile: ctx.options.tile, blockBytes: WINOGRAD_BLOCK_BYTES };
    this.w = winograd(m);
    const { kernel, result } = convShapes(this.node);
    const [batch, ...size] = result.slice(0, 3);
    [, , this.cin, this.cout] = kernel;
    this.result = size;
    this.tiles = size.map((d) => Math.ceil(d / m));
    this.total = batch * this.tiles[0] * this.tiles[1];
    const fitting = this.blocking.blockBytes / (4 * this.w.n ** 2 * (this.cin + this.cout));
    this.block = blockSize(this.total, Math.min(this.tile.mr, this.total), Math.max(MIN_BLOCK, fitting));
    this.blocks = Math.ceil(this.total / this.block);
  }

  /** Register tile of the products. */
  get tile(): Tile {
    return this.blocking.tile;
  }

  /** How it is done, as text. */
  get schedule(): string {
    return scheduleText({ algorithm: 'winograd', m: this.w.m, blocking: this.blocking });
  }

  /** Scratch of `size` elements for every thread. */
  own(size: number): Own {
    return { buf: this.k.scratch('f32', size * this.ctx.options.threads), base: mul(tid, i32(size)) };
  }

  /** Binds into a list of statements under a name of its own. */
  binder(out: Stmt[]): Bind {
    return (e) => {
      if (e.k === 'var' || e.k === 'const') return e;
      const name = `w${this.#names.next++}`;
      out.push(letS(name, e));
      return variable(name, e.ty);
    };
  }

  /** The first tile of block `blk`, and how many it has. */
  extent(): Stmt[] {
    return [
      letS('first', mul(variable('blk'), i32(this.block))),
      letS('rows', bin('min', i32(this.block), sub(i32(this.total), variable('first')))),
    ];
  }

  /** Image, row and column of tile `first + t`. */
  position(): Stmt[] {
    const [down, across] = this.tiles;
    const tile = variable('tile');
    return [
      letS('tile', add(variable('first'), variable('t'))),
      letS('b', bin('div', tile, i32(down * across))),
      letS('ty', bin('rem', bin('div', tile, i32(across)), i32(down))),
      letS('tx', bin('rem', tile, i32(across))),
    ];
  }

  /** Transforms the window of the input that a tile of results needs. */
  input(to: Own, window: Own): Stmt[] {
    const { n, m } = this.w;
    const [top, left] = pairsAttr(this.node.attrs, 'pad').map(([low]) => low);
    return this.transform({
      image: this.node.inputs[0],
      origin: [sub(mul(variable('ty'), i32(m)), i32(top)), sub(mul(variable('tx'), i32(m)), i32(left))],
      extent: n,
      channels: this.cin,
      matrix: this.w.inputT,
      to,
      window,
    });
  }

  /** Transforms a square of an image: in place where it lies inside, else by a copy padded with zeros. */
  transform(s: Source): Stmt[] {
    const [h, w, channels] = fixed(s.image.type.shape).slice(1);
    const [top, left, c] = [variable('top'), variable('left'), variable('c')];
    const ranges: Ranges = new Map([
      ['b', [0, fixed(s.image.type.shape)[0] - 1]],
      ['y', [0, h - 1]],
      ['x', [0, w - 1]],
      ['c', [0, channels - 1]],
    ]);
    const element = (out: Stmt[], y: Expr, x: Expr) =>
      this.k.reader(out, ranges).read(s.image, [variable('b'), y, x, c]);
    const body = (at: (out: Stmt[], i: number, j: number) => Expr): Stmt => {
      const out: Stmt[] = [];
      const bind = this.binder(out);
      const x = range(s.extent).map((i) => range(s.extent).map((j) => bind(at(out, i, j))));
      sandwich(s.matrix, x, bind)
        .flat()
        .forEach((e, pos) => {
          out.push(store(s.to.buf, this.slot(s.to, i32(pos), channels, variable('t'), c), e));
        });
      return loop('c', channels, out, { vector: true });
    };
    const inside = (v: Expr, size: number, length: number) =>
      bin('and', bin('ge', v, i32(0)), bin('le', v, i32(size - length)));
    const window = (i: Expr, j: Expr) => add(s.window.base, add(mul(add(mul(i, i32(s.extent)), j), i32(channels)), c));
    const [i, j] = [variable('i'), variable('j')];
    const copy = (read: (out: Stmt[]) => Expr): Stmt => {
      const out: Stmt[] = [];
      out.push(store(s.window.buf, window(i, j), read(out)));
      return loop('c', channels, out, { vector: true });
    };
    const padded = loop('i', s.extent, [
      loop('j', s.extent, [
        letS('y', add(top, i)),
        letS('x', add(left, j)),
        {
          s: 'if',
          cond: bin('and', inside(variable('y'), h, 1), inside(variable('x'), w, 1)),
          then: [copy((out) => element(out, variable('y'), variable('x')))],
          else: [copy(() => f32(0))],
        },
      ]),
    ]);
    return [
      letS('top', s.origin[0]),
      letS('left', s.origin[1]),
      {
        s: 'if',
        cond: bin('and', inside(top, h, s.extent), inside(left, w, s.extent)),
        then: [body((out, a, b) => element(out, add(top, i32(a)), add(left, i32(b))))],
        else: [padded, body((_, a, b) => load('f32', s.window.buf, window(i32(a), i32(b))))],
      },
    ];
  }

  /** Where a tile's channel stands at a position of the transformed tiles: [position][tile][channel]. */
  slot(own: Own, pos: Expr, channels: number, tile: Expr, c: Expr): Expr {
    return add(own.base, add(mul(pos, i32(this.stride(channels))), add(mul(tile, i32(channels)), c)));
  }

  /**
   * Elements from a position to the next: those of a block, and apart, since a tile writes to all positions at
   * once.
   */
  stride(channels: number): number {
    return rowApart(this.block * channels);
  }

  /** Scratch elements for all positions of a block. */
  room(channels: number): number {
    return this.w.n ** 2 * this.stride(channels);
  }
}

export const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
