// How a kernel's loops lie on the GPU. Each outermost loop nest is a dispatch of its own: what stands one after the
// other in a kernel may depend on memory that the former wrote, and only dispatches wait for each other.
//
// `thread`: each iteration of the grid loops is an invocation. `group`: each is a workgroup, whose invocations share
// the vector loops inside; everything else they all compute, and one of them stores.

import { type Expr, exprEq } from '../../ir/kernel/expr.ts';
import type { Buffer, For, Kernel, Stmt } from '../../ir/kernel/kernel.ts';
import { type Access, accessesOf } from './accesses.ts';

export interface Dispatch {
  /** Scalars that are computed before the nest in the kernel. */
  readonly before: readonly Stmt[];
  /** Loops whose iterations are the grid, outermost first. */
  readonly grid: readonly For[];
  readonly body: readonly Stmt[];
  readonly mode: 'thread' | 'group';
  /** Invocations of a workgroup. */
  readonly size: number;
  /** Iterations of the grid loops together. */
  readonly items: number;
  /** Buffers that are both written and read: accesses of different invocations need barriers between them. */
  readonly shared: ReadonlySet<string>;
}

/** What a device allows. */
export interface GroupLimits {
  readonly invocations: number;
  readonly subgroups?: boolean;
  readonly half?: boolean;
}

/** Invocations of a workgroup where they have nothing to share. */
const THREADS = 64;
/** A vector loop shorter than this is not worth a workgroup. */
const SHORT = 32;
/** Memory that is stored to one by one between the loops costs a barrier each time: loops have to be worth it. */
const LONG = 128;
/** With so many items, rows up to the second length are an invocation's. */
const MANY_ITEMS = 16384;
const MANY_SHORT = 64;

const constant = (e: Expr): number | null => (e.k === 'const' ? e.value : null);
/** Iterations of a loop, where they are constant. */
export function tripOf(f: For): number | null {
  const [lo, hi] = [constant(f.lo), constant(f.hi)];
  return lo === null || hi === null ? null : Math.max(0, Math.ceil((hi - lo) / f.step));
}

/** Most iterations of a loop, where that is constant: of one to the end of a piece, too. */
function mostOf(f: For): number | null {
  const { lo, hi } = f;
  const piece = hi.k === 'bin' && hi.op === 'min' ? hi.a : null;
  if (piece?.k === 'bin' && piece.op === 'add' && exprEq(piece.a, lo)) return constant(piece.b);
  return tripOf(f);
}

export function dispatchesOf(kernel: Kernel, limits: GroupLimits): Dispatch[] {
  const out: Dispatch[] = [];
  const before: Stmt[] = [];
  for (const s of kernel.body) {
    if (s.s === 'barrier') continue;
    if (s.s === 'let') before.push(s);
    else if (s.s === 'for' || s.s === 'single' || s.s === 'if' || s.s === 'store')
      out.push(dispatchOf(kernel, s, before.slice(), limits));
    else throw new Error(`${s.s} outside of all loops`);
  }
  return out.filter((d) => d.items > 0);
}

function dispatchOf(kernel: Kernel, s: Stmt, before: readonly Stmt[], limits: GroupLimits): Dispatch {
  const grid: For[] = [];
  let body: readonly Stmt[] = s.s === 'single' ? s.body : [s];
  for (;;) {
    const [f] = body;
    if (body.length !== 1 || f.s !== 'for' || !isGrid(f)) break;
    grid.push(f);
    body = f.body;
  }
  const items = grid.reduce((n, f) => n * (tripOf(f) as number), 1);
  const accesses = accessesOf(body);
  const shared = new Set(
    kernel.buffers
      .filter((b) => b.role === 'shared' || (accesses.writes.has(b.name) && accesses.reads.has(b.name)))
      .map((b) => b.name),
  );
  const longest = longestVector(body);
  const fits =
    longest >= SHORT &&
    !(items >= MANY_ITEMS && longest < MANY_SHORT) &&
    (longest >= LONG || !storesSerially(body, shared));
  const group = hasShared(kernel.buffers, accesses) || fits;
  const own = perLane(body);
  const size = own ?? (group ? groupSize(longest, limits) : Math.min(THREADS, powerAbove(items)));
  return { before, grid, body, mode: group ? 'group' : 'thread', size, items, shared };
}

/** Invocations that have tiles of their own: the iterations of the vector loops that set them. */
function perLane(body: readonly Stmt[]): number | null {
  const visit = (list: readonly Stmt[], within: number | null): number | null => {
    for (const s of list) {
      if (s.s === 'tileset' && within !== null) return within;
      const inner = s.s === 'for' ? visit(s.body, s.vector && !s.unroll ? tripOf(s) : within) : null;
      if (inner !== null) return inner;
    }
    return null;
  };
  return body.some((s) => s.s === 'tile' && s.perLane) ? visit(body, null) : null;
}

const powerAbove = (n: number): number => 2 ** Math.ceil(Math.log2(Math.max(1, n)));

function groupSize(longest: number, { invocations }: GroupLimits): number {
  return Math.min(256, invocations, Math.max(32, powerAbove(longest) / 2));
}

/** Are the iterations independent and known in number? */
function isGrid(f: For): boolean {
  if (tripOf(f) === null) return false;
  return !!f.grid || f.parallel !== undefined || (!!f.vector && !combines(f.body));
}

/** Does a loop's body combine values over its iterations? */
function combines(body: readonly Stmt[]): boolean {
  const own = new Set<string>();
  const visit = (list: readonly Stmt[]): boolean =>
    list.some((s) => {
      if (s.s === 'acc') own.add(s.name);
      if (s.s === 'reduce') return !own.has(s.acc);
      if (s.s === 'for' || s.s === 'vec' || s.s === 'single') return visit(s.body);
      return s.s === 'if' && (visit(s.then) || visit(s.else));
    });
  return visit(body);
}

/** The vector loops that a workgroup may share: not those inside of others, nor those that are written out. */
function longestVector(body: readonly Stmt[]): number {
  let most = 0;
  for (const s of body) {
    if (s.s === 'for') most = Math.max(most, s.vector && !s.unroll ? (mostOf(s) ?? SHORT) : longestVector(s.body));
    else if (s.s === 'single') most = Math.max(most, longestVector(s.body));
    else if (s.s === 'if') most = Math.max(most, longestVector(s.then), longestVector(s.else));
  }
  return most;
}

/** Is memory that is read again stored to element by element, in loops that no workgroup shares? */
function storesSerially(body: readonly Stmt[], shared: ReadonlySet<string>, inLoop = false): boolean {
  return body.some((s) => {
    if (s.s === 'store') return inLoop && shared.has(s.buf);
    if (s.s === 'for') return s.vector && !s.unroll ? false : storesSerially(s.body, shared, true);
    if (s.s === 'single') return storesSerially(s.body, shared, inLoop);
    return s.s === 'if' && (storesSerially(s.then, shared, inLoop) || storesSerially(s.else, shared, inLoop));
  });
}

const hasShared = (buffers: readonly Buffer[], a: Access): boolean =>
  buffers.some((b) => b.role === 'shared' && (a.writes.has(b.name) || a.reads.has(b.name)));
