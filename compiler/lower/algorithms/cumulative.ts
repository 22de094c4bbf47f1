// Running reductions. Along the innermost axis four lines run side by side as SIMD lanes; along any
// other axis each element takes the one before it in the line, whole rows at a time.

import { delinearize, linearize, type Ranges } from '../../../ir/kernel/affine.ts';
import { add, bin, type Expr, fma, i32, konst, load, mul, sub, variable } from '../../../ir/kernel/expr.ts';
import { loop, type ReduceOp, type Stmt, store } from '../../../ir/kernel/kernel.ts';
import { boolAttr, numAttr } from '../../../ir/op.ts';
import { reduceInit } from '../../../ir/ops/reduce.ts';
import { sizeOf } from '../../../ir/types.ts';
import type { Group } from '../../group.ts';
import { KernelBuilder, type LowerContext, type Lowered } from '../kernel-builder.ts';
import { gridNest } from '../loops.ts';
import { fixed } from '../views.ts';

const PARALLEL_WORK = 1 << 15;
/** On a GPU: fewer lines than this leave it idle, if they are as long as that. */
const FEW_LINES = 4096;
const LONG_LINE = 512;
const LEAST_PIECE = 32;
const MOST_PIECES = 512;
/** Columns that one thread takes at a time. */
const BLOCK = 256;

const combiner = {
  cumulative_sum: 'add',
  cumulative_prod: 'mul',
  cumulative_max: 'max',
  cumulative_min: 'min',
} as const;

/** The parts of a running operation that both loop orders are made of. */
interface Line {
  readonly n: number;
  readonly init: Expr;
  /** The operands' elements at place `k` of the line through (outer, inner). */
  readonly read: (operand: number, outer: Expr, k: Expr, inner: Expr) => Expr;
  readonly index: (outer: Expr, k: Expr, inner: Expr) => Expr;
  /** The next value, from the one before and the place of the elements. */
  readonly next: (before: Expr, outer: Expr, k: Expr, inner: Expr) => Expr;
  readonly exclusive: boolean;
  /** What combines two stretches of a line, where one operation does. */
  readonly op: ReduceOp | undefined;
  readonly out: string;
  readonly gpu: boolean;
}

export function lowerCumulative(ctx: LowerContext, g: Group): Lowered {
  const n = g.nodes[0];
  const k = new KernelBuilder(ctx, g);
  const shape = fixed(n.inputs[0].type.shape);
  const axis = numAttr(n.attrs, 'axis');
  const outer = sizeOf(shape.slice(0, axis));
  const inner = sizeOf(shape.slice(axis + 1));
  const size = outer * inner * shape[axis];
  const body: Stmt[] = [];
  if (size > 0) {
    const line = lineOf(k, g, [outer, shape[axis], inner], body);
    const few = line.gpu && line.op !== undefined && outer * inner < FEW_LINES && shape[axis] >= LONG_LINE;
    body.push(
      ...(few
        ? inPieces(k, line, outer, inner)
        : inner === 1
          ? alongRows(line, outer)
          : acrossRows(line, outer, inner)),
    );
  }
  return k.finish(body, { flops: size });
}

function lineOf(k: KernelBuilder, g: Group, [outer, size, inner]: readonly number[], body: Stmt[]): Line {
  const n = g.nodes[0];
  const ty = n.outputs[0].type.dtype;
  const reverse = boolAttr(n.attrs, 'reverse');
  const axis = numAttr(n.attrs, 'axis');
  const shape = fixed(n.inputs[0].type.shape);
  const ranges: Ranges = new Map([
    ['o', [0, Math.max(0, outer - 1)] as const],
    ['k', [0, Math.max(0, size - 1)] as const],
    ['j', [0, Math.max(0, inner - 1)] as const],
  ]);
  const place = (at: Expr) => (reverse ? sub(i32(size - 1), at) : at);
  const read = (operand: number, o: Expr, at: Expr, j: Expr) =>
    k
      .reader(body, ranges)
      .read(n.inputs[operand], [
        ...delinearize(o, shape.slice(0, axis), ranges),
        place(at),
        ...delinearize(j, shape.slice(axis + 1), ranges),
      ]);
  const op = combiner[n.op.name as keyof typeof combiner];
  return {
    n: size,
    init: konst(ty, op ? reduceInit[n.op.name.replace('cumulative', 'reduce')](ty) : 0),
    read,
    index: (o, at, j) => linearize([o, place(at), j], [outer, size, inner]),
    next: (before, o, at, j) =>
      op ? bin(op, before, read(0, o, at, j)) : fma(read(0, o, at, j), before, read(1, o, at, j)),
    exclusive: op !== undefined && boolAttr(n.attrs, 'exclusive'),
    op,
    out: k.output(n.outputs[0]),
    gpu: k.ctx.options.gpu !== undefined,
  };
}

/**
 * On a GPU, few long lines in pieces: the total of each, then what comes before each, then the running values from
 * there. A piece is an invocation's (G. Blelloch, "Prefix sums and their applications", 1990).
 */
function inPieces(k: KernelBuilder, line: Line, outer: number, inner: number): Stmt[] {
  const [o, at, j, piece, s] = [...['o', 'k', 'j', 'piece'].map((v) => variable(v)), variable('s', line.init.ty)];
  const { ty } = line.init;
  const op = line.op as ReduceOp;
  const size = Math.max(LEAST_PIECE, Math.ceil(line.n / MOST_PIECES));
  const pieces = Math.ceil(line.n / size);
  const totals = k.scratch(ty, outer * pieces * inner);
  const total = linearize([o, piece, j], [outer, pieces, inner]);
  const lo = mul(piece, i32(size));
  const over = (body: readonly Stmt[]): Stmt => ({
    ...loop('k', bin('min', add(lo, i32(size)), i32(line.n)), body),
    lo,
  });
  const lines = [
    { v: 'o', n: outer },
    { v: 'j', n: inner },
  ];
  const grid = [lines[0], { v: 'piece', n: pieces }, lines[1]];
  const start = (value: Expr): Stmt => ({ s: 'acc', name: 's', ty, init: value });
  const next: Stmt = { s: 'set', name: 's', value: line.next(s, o, at, j) };
  const put = store(line.out, line.index(o, at, j), s);
  const before: Stmt[] = [
    { s: 'let', name: 't', value: load(ty, totals, total) },
    store(totals, total, s),
    { s: 'set', name: 's', value: bin(op, s, variable('t', ty)) },
  ];
  return [
    ...gridNest(grid, [start(line.init), over([next]), store(totals, total, s)]),
    { s: 'barrier' },
    ...gridNest(lines, [start(line.init), loop('piece', pieces, before)]),
    { s: 'barrier' },
    ...gridNest(grid, [start(load(ty, totals, total)), over(line.exclusive ? [put, next] : [next, put])]),
  ];
}

/** Lines along memory: the lanes are lines. */
function alongRows(line: Line, outer: number): Stmt[] {
  const [o, at, s] = [variable('o'), variable('k'), variable('s', line.init.ty)];
  const next: Stmt = { s: 'set', name: 's', value: line.next(s, o, at, i32(0)) };
  const put = store(line.out, line.index(o, at, i32(0)), s);
  const body: Stmt[] = [
    { s: 'acc', name: 's', ty: line.init.ty, init: line.init },
    loop('k', line.n, line.exclusive ? [put, next] : [next, put]),
  ];
  const parallel = outer > 1 && outer * line.n >= PARALLEL_WORK;
  const lines = loop('o', outer, body, { vector: outer > 1, ...(parallel ? { parallel: 8 } : {}) });
  return parallel ? [lines] : [{ s: 'single', body: [lines] }];
}

/** Lines across memory: row k of each block of columns from row k - 1. */
function acrossRows(line: Line, outer: number, inner: number): Stmt[] {
  const [o, at, j, u] = ['o', 'k', 'j', 'u'].map((v) => variable(v));
  const blocks = Math.ceil(inner / BLOCK);
  const columns = (k: Expr, value: Expr): Stmt => {
    const lo = mul(bin('rem', u, i32(blocks)), i32(BLOCK));
    const body = [store(line.out, line.index(o, k, j), value)];
    if (blocks === 1) return loop('j', inner, body, { vector: true });
    return { s: 'for', v: 'j', lo, hi: bin('min', add(lo, i32(BLOCK)), i32(inner)), step: 1, vector: true, body };
  };
  const before = sub(at, i32(1));
  const last = load(line.init.ty, line.out, line.index(o, before, j));
  const body: Stmt[] = [
    { s: 'let', name: 'o', value: bin('div', u, i32(blocks)) },
    columns(i32(0), line.exclusive ? line.init : line.next(line.init, o, i32(0), j)),
    {
      s: 'for',
      v: 'k',
      lo: i32(1),
      hi: i32(line.n),
      step: 1,
      body: [columns(at, line.next(last, o, line.exclusive ? before : at, j))],
    },
  ];
  const units = outer * blocks;
  const parallel = units > 1 && (line.gpu || outer * inner * line.n >= PARALLEL_WORK);
  const all = loop('u', units, body, parallel ? (line.gpu ? { grid: true } : { parallel: 1 }) : {});
  return parallel ? [all] : [{ s: 'single', body: [all] }];
}
