// Contraction groups. Large ones run as packed panels: the right operand is laid out in panels of the
// register tile's width (at compile time where it is constant), the left one is read in place at
// constant strides, and a micro-kernel keeps an mr x nr tile of the result in registers over the
// whole reduction (K. Goto, R. van de Geijn, "Anatomy of High-Performance Matrix Multiplication").
// What is computed on the result runs on the tile before it is stored. Small or odd ones take the
// general reduction nest.

import type { Node, Value } from '../../ir/graph.ts';
import { dependsOn, linearize } from '../../ir/kernel/affine.ts';
import { add, bin, type Expr, i32, load, mul, substituteExpr, tileRead, variable } from '../../ir/kernel/expr.ts';
import { type For, loop, type Stmt, store, substitute, tid } from '../../ir/kernel/kernel.ts';
import { sizeOf } from '../../ir/types.ts';
import type { Group } from '../group.ts';
import { type KBlocks, PanelContraction, type Panels } from './contraction-panels.ts';
import { scheduleOf } from './conv-algorithm.ts';
import { lowerDepthwise } from './depthwise.ts';
import { lowerGpuContraction } from './gpu/contraction.ts';
import { bodyCost, type LowerContext, type Lowered } from './kernel-builder.ts';
import { type Blocking, type KernelSchedule, scheduleText } from './kernel-schedule.ts';
import type { Axis } from './loops.ts';
import { Columns } from './panel-columns.ts';
import { registerTile, tileRegisters, tileStep, unrolledReduction } from './register-tile.ts';
import { fixed } from './views.ts';
import { lowerWinogradConv } from './winograd-conv.ts';
import { lowerWinogradFilterGrad } from './winograd-filter-grad.ts';

const A_BLOCK_BYTES = 512 * 1024;
/** The same where several results share that cache with them. */
const A_BLOCK_BYTES_MANY = 128 * 1024;
const K_BLOCK = 512;
/**
 * A right operand with short rows that few row tiles read is read in place: packing it would cost more
 * than the cache misses of walking its rows.
 */
const FEW_ROW_TILES = 16;
const NARROW_ROW_BYTES = 1024;
/** Results of more bytes do not stay in the cache from one panel to the next. */
const FAR_RESULT_BYTES = 1 << 20;
/** An epilogue dearer than this many operations is not unrolled over the tile. */
const HEAVY_EPILOGUE = 12;

export function lowerContraction(ctx: LowerContext, g: Group): Lowered {
  if (ctx.options.gpu) return lowerGpuContraction(ctx, g);
  const anchor = g.nodes.find((n) => n.op.kind === 'contraction') as Node;
  const schedule = scheduleOf(anchor);
  switch (schedule.algorithm) {
    case 'depthwise':
      return lowerDepthwise(ctx, g);
    case 'winograd':
      return (anchor.op.name === 'conv' ? lowerWinogradConv : lowerWinogradFilterGrad)(ctx, g, schedule);
    default:
      return new ContractionLowering(ctx, g).lower(schedule);
  }
}

/** What a product's schedule depends on. */
export interface ProductShape {
  readonly rows: number;
  readonly columns: number;
  readonly reduction: number;
  /** Whether the right operand's columns are neighbours, so that it can be read in place. */
  readonly readable: boolean;
  /** What the shape suggests; null for the general reduction nest. */
  readonly blocking: Blocking | null;
}

/** The shape of a group's contraction as a product over all taps and channels. */
export const productShape = (ctx: LowerContext, g: Group): ProductShape => new ContractionLowering(ctx, g).shape();

class ContractionLowering extends PanelContraction {
  get flops(): number {
    return 2 * sizeOf(this.node.outputs[0].type.shape) * this.reduction;
  }

  /** Is the left operand read in place at constant strides? */
  get leftInPlace(): boolean {
    const s = this.spec;
    return this.isAffine(s.a, s.aIndex, [s.m.v, ...s.k.map((a) => a.v)], this.ranges);
  }

  /** Does it take the general reduction nest? */
  isNest(inPlace: boolean): boolean {
    const s = this.spec;
    const f32 = this.node.outputs[0].type.dtype === 'f32';
    const small = s.a.type.dtype !== 'f32' || !f32 || s.n.n < 4 || this.reduction < 4 || this.flops < 4096;
    // A convolution's left operand, staged, would be the whole im2col matrix.
    return small || (!inPlace && this.node.op.name !== 'dot_general');
  }

  shape(): ProductShape {
    return {
      rows: this.spec.m.n,
      columns: this.spec.n.n,
      reduction: this.reduction,
      readable: this.columnsContiguous(),
      blocking: this.isNest(this.leftInPlace) ? null : this.defaultBlocking(),
    };
  }

  lower(chosen: Extract<KernelSchedule, { algorithm: 'nest' | 'product' | 'depthwise' }>): Lowered {
    const { flops } = this;
    const inPlace = this.leftInPlace;
    if (chosen.algorithm !== 'product' || this.isNest(inPlace))
      return this.k.finish(this.generic(), { flops, schedule: 'nest' });
    const blocking = (chosen.blocking && this.fitted(chosen.blocking)) ?? this.defaultBlocking();
    const schedule = scheduleText({ algorithm: 'product', blocking });
    return this.k.finish(this.tiled(inPlace, blocking), { flops, schedule });
  }

  // --- packed panels --------------------------------------------------------------------------------
  /** Outer loops that the right operand does not depend on: each reads the same panels. */
  get repeats(): readonly Axis[] {
    return this.spec.outer.filter((a) => !this.spec.bIndex.some((e) => dependsOn(e, a.v)));
  }

  /** The blocking that suits the shape. */
  defaultBlocking(): Blocking {
    const { tile } = this.ctx.options;
    const M = this.spec.m.n;
    const N = this.spec.n.n;
    const { mr, nr } = registerTile(M, N, tile);
    const reuse = this.repeats.reduce((n, a) => n * a.n, 1) * Math.ceil(M / mr);
    const unpacked = reuse === 1 || (reuse <= FEW_ROW_TILES && N * 4 <= NARROW_ROW_BYTES);
    const packed = !unpacked || !this.columnsContiguous();
    const blockBytes = this.g.outputs.length > 1 ? A_BLOCK_BYTES_MANY : A_BLOCK_BYTES;
    return { tile: { mr, nr, unroll: tile.unroll }, packed, kBlock: K_BLOCK, blockBytes };
  }

  /** A chosen blocking cut to the shape. */
  fitted(b: Blocking): Blocking {
    const mr = Math.min(b.tile.mr, this.spec.m.n);
    const nr = Math.min(b.tile.nr, Math.ceil(this.spec.n.n / 4) * 4);
    return { ...b, tile: { ...b.tile, mr, nr }, packed: b.packed || !this.columnsContiguous() };
  }

  tiled(inPlace: boolean, blocking: Blocking): Stmt[] {
    const s = this.spec;
    const stage = !inPlace ? this.stageLeft() : this.worthTurning(s.n.n) ? this.turnLeft() : [];
    const { packed } = blocking;
    const aOuter = this.repeats;
    const bOuter = s.outer.filter((a) => !aOuter.includes(a));
    const outs = this.outputs();
    const kAxes = this.mergedK(packed);
    const panels = packed ? this.pack(blocking.tile.nr, bOuter) : null;
    const blocks = this.kBlocks(kAxes, blocking.kBlock);
    const partial = blocks.outer ? this.partialBuffer(outs) : null;
    return [
      ...stage,
      ...(panels?.code ?? []),
      ...this.compute({ blocking, kAxes, bOuter, aOuter, panels, blocks, partial, outs }),
    ];
  }

  /** Where partial sums wait between blocks of the reduction: the result itself, if it is stored raw. */
  partialBuffer(outs: ReadonlyMap<Value, string>): string {
    const raw = outs.get(this.node.outputs[0]);
    return raw ?? this.k.scratch('f32', sizeOf(this.node.outputs[0].type.shape));
  }

  compute(c: Plan): Stmt[] {
    const s = this.spec;
    const { bOuter, aOuter } = c;
    const { mr, nr } = c.blocking.tile;
    const N = s.n.n;
    const M = s.m.n;
    const rowTiles = (m0: Expr, rows: number, inner: (m: Expr, count: number) => Stmt[]): Stmt[] => {
      const out: Stmt[] = [];
      const tiles = Math.floor(rows / mr);
      if (tiles > 0) out.push(loop('q', tiles, inner(add(m0, mul(variable('q'), i32(mr))), mr)));
      if (rows % mr) out.push(...inner(add(m0, i32(tiles * mr)), rows % mr));
      return out;
    };
    const Kin = c.blocks.cut ? c.blocks.cut.size : c.blocks.inner.reduce((n, a) => n * a.n, 1);
    const aTotal = aOuter.reduce((n, a) => n * a.n, 1);
    // Row blocks keep the left operand in the second-level cache while the panels pass over it.
    const blockRows = Math.max(mr, Math.floor(c.blocking.blockBytes / 4 / Math.max(1, Kin) / mr) * mr);
    const blocksOf = M > blockRows * 1.5 ? Math.ceil(M / blockRows) : 1;
    const rowsPer = blocksOf === 1 ? M : Math.ceil(M / blocksOf / mr) * mr;
    const fullBlocks = Math.floor(M / rowsPer);

    const work = 2 * N * M * this.reduction * s.outer.reduce((n, a) => n * a.n, 1);
    const worthwhile = work >= 1 << 18;
    const written = 4 * M * N * c.outs.size;
    const columns = new Columns(
      N,
      nr,
      c.panels?.full ?? Math.floor(N / nr),
      written < FAR_RESULT_BYTES ? 0 : 4 * nr * Kin,
    );
    // Few rows and a cheap outer space: loop over it inside the panel, which then stays in L1.
    const inside = aTotal > 1 && aTotal * M * Kin * 4 <= 1 << 20;
    const candidates = [
      ...bOuter.map((a) => ({ name: a.v, n: a.n })),
      ...(inside ? [] : aOuter.map((a) => ({ name: a.v, n: a.n }))),
      { name: 'mb', n: fullBlocks },
      { name: 'p', n: columns.groups },
    ];
    const chosen = worthwhile
      ? (candidates.find((x) => x.n >= 8) ?? candidates.filter((x) => x.n >= 2).sort((x, y) => y.n - x.n)[0])
      : undefined;
    const par = (name: string): Partial<For> => (chosen?.name === name ? { parallel: 1 } : {});

    const over = (axes: readonly Axis[], inner: readonly Stmt[]): Stmt[] => {
      let stmts = inner;
      for (let i = axes.length - 1; i >= 0; i--)
        stmts =
          axes[i].n === 1
            ? substitute(stmts, new Map([[axes[i].v, i32(0)]]))
            : [loop(axes[i].v, axes[i].n, stmts, par(axes[i].v))];
      return [...stmts];
    };
    const phased = (phase: Phase): Stmt[] => {
      const body = (m0: Expr, rows: number): Stmt[] =>
        columns.loops((tiles) => {
          const tile = (m: Expr, count: number) =>
            tiles((n0, valid, width) => this.micro(c, phase, m, count, n0, valid, width));
          const stmts = rowTiles(m0, rows, tile);
          return inside ? over(aOuter, stmts) : stmts;
        }, chosen?.name === 'p');
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
        map.set(
          counts[i].v,
          i === 0 ? rest : e.k === 'const' ? i32((rest as { value: number }).value % n) : bin('rem', rest, i32(n)),
        );
        rest = rest.k === 'const' ? i32(Math.floor(rest.value / n)) : bin('div', rest, i32(n));
      }
      return map;
    };
    const bind = (e: Expr, phase: Phase): Stmt[] => {
      const map = at(e);
      if (e.k === 'const') return substitute(phased(phase), map);
      // Named, so that addresses stay affine in plain variables.
      const names = new Map([...map.keys()].map((v) => [v, variable(`${v}_b`)]));
      return [
        ...[...map].map(([v, x]): Stmt => ({ s: 'let', name: `${v}_b`, value: x })),
        ...substitute(phased(phase), names),
      ];
    };
    const out: Stmt[] = [...bind(i32(0), { first: true, last: false })];
    if (total > 2)
      out.push({
        s: 'for',
        v: 'blk',
        lo: i32(1),
        hi: i32(total - 1),
        step: 1,
        body: bind(flat, { first: false, last: false }),
      });
    out.push(...bind(i32(total - 1), { first: false, last: true }));
    return out;
  }

  /** One register tile: `count` rows from m0, `valid` columns from n0 of a panel `width` wide. */
  micro(c: Plan, phase: Phase, m0: Expr, count: number, n0: Expr, valid: number, width: number): Stmt[] {
    const s = this.spec;
    const { kAxes, blocks } = c;
    const out = tileRegisters(count, width);
    const subst = this.kSubstitution(kAxes);
    const r = this.k.reader([], this.ranges);
    const a = this.left();
    const aAt = (i: Expr): Expr =>
      load('f32', a.buf, substituteExpr(a.index, new Map([...subst, [s.m.v, add(m0, i)]])));
    const kFlat = this.kFlat(kAxes);
    const j = variable('j');
    let b: Expr;
    if (c.panels) b = load('f32', c.panels.buf, add(c.panels.at(n0, kFlat, width), j));
    else {
      const direct = r.read(s.b, s.bIndex) as Expr & { k: 'load' };
      b = load('f32', direct.buf, substituteExpr(direct.index, new Map([...subst, [s.n.v, add(n0, j)]])));
    }
    const step = tileStep(count, width, aAt, b);
    let body: readonly Stmt[] = step;
    const inner = blocks.inner;
    for (let d = inner.length - 1; d >= 0; d--) {
      const lastAxis = d === inner.length - 1;
      body = lastAxis
        ? unrolledReduction(inner[d], body, c.blocking.tile.unroll, blocks.cut)
        : [loop(inner[d].v, inner[d].n, body)];
    }
    out.push(...body, ...this.storeTile(c, phase, m0, count, n0, valid));
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
    const perTile = (body: readonly Stmt[]): Stmt[] => [
      loop('i', count, [loop('j', valid, body, vec)], { unroll: true }),
    ];
    const sum: Expr = phase.first ? acc : bin('add', load('f32', c.partial as string, rawIndex), acc);
    if (!phase.last) return perTile([store(c.partial as string, rawIndex, sum)]);
    const body = substitute(this.epilogue(sum, c.outs), where);
    if (bodyCost(body) <= HEAVY_EPILOGUE) return perTile(body);
    // A long epilogue runs as a loop over the tile's rows, from a scratch copy in the cache.
    const width = Math.ceil(valid / 4) * 4;
    const { mr, nr } = c.blocking.tile;
    c.tileScratch ??= this.k.scratch('f32', mr * nr * this.ctx.options.threads);
    const at = add(add(mul(tid, i32(mr * nr)), mul(i, i32(width))), j);
    const spill = perTile([store(c.tileScratch, at, sum)]);
    const rolled = substitute(this.epilogue(load('f32', c.tileScratch, at), c.outs), where);
    return [...spill, loop('i', count, [loop('j', valid, rolled, { vector: true })])];
  }
}

interface Phase {
  readonly first: boolean;
  readonly last: boolean;
}
interface Plan {
  readonly blocking: Blocking;
  readonly kAxes: readonly Axis[];
  readonly bOuter: readonly Axis[];
  readonly aOuter: readonly Axis[];
  readonly panels: Panels | null;
  readonly blocks: KBlocks;
  readonly partial: string | null;
  readonly outs: ReadonlyMap<Value, string>;
  tileScratch?: string;
}
