// Control flow on the values of tensors. Eagerly it simply runs; in a trace the bodies are traced into
// regions of one operation. A body may use tensors from outside, and read and assign Variables.

import { ArgumentError, ShapeError, valueText } from '../../ir/errors.ts';
import type { Attrs } from '../../ir/graph.ts';
import { opByName } from '../../ir/op.ts';
import { type TensorType, tensorType } from '../../ir/types.ts';
import {
  assignAll,
  type Body,
  leavesOf,
  type Role,
  regionOf,
  sameStructure,
  sharedBy,
  traceBody,
  valuesOf,
} from './body.ts';
import { context } from './context.ts';
import { type TensorLike, toTensor } from './convert.ts';
import { applyOp, emitter, operandOf } from './dispatch.ts';
import { type EagerRuns, fresh, isKnown, runEagerly } from './eager-loop.ts';
import { pack, type Tree } from './nest.ts';
import { boolArg, functionArg, listArg, need } from './ops/common.ts';
import { stack, unstack } from './ops/shape.ts';
import { Tensor } from './tensor.ts';

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** Runs one of some bodies by a traced choice. */
function branch<T>(op: 'cond' | 'case', name: string, choice: Tensor, bodies: readonly Body[]): T {
  const [first, ...others] = bodies;
  for (const o of others) sameStructure(name, 'one branch', first.tree, o.tree, 'another');
  const s = sharedBy(bodies);
  const roles: Role[] = [...s.captures, ...s.read, ...s.assigned];
  const regions = bodies.map((b) => regionOf(b, roles, [...range(b.given), ...s.assigned]));
  const operands = [choice, ...s.captures, ...valuesOf(s.read), ...valuesOf(s.assigned)];
  const out = applyOp(opByName(op), operands, {}, regions);
  assignAll(s.assigned, out.slice(first.given));
  return pack(first.tree, out.slice(0, first.given)) as T;
}

/**
 * `trueFn()` where the predicate (a bool scalar) holds, else `falseFn()`. In a trace, and where the
 * predicate is in GPU memory only, both are traced and must give the same structure of tensors: ShapeError otherwise. They may read and assign Variables.
 */
export function cond<T>(pred: TensorLike, trueFn: () => T, falseFn: () => T): T {
  functionArg(trueFn, 'trueFn', 'cond');
  functionArg(falseFn, 'falseFn', 'cond');
  const p = boolArg(pred, 'pred', 'cond');
  need(p.rank === 0, 'cond', 'pred must be a scalar', p.shape);
  functionArg(trueFn, 'trueFn', 'cond');
  functionArg(falseFn, 'falseFn', 'cond');
  if (isKnown(p)) return p.elements()[0] ? trueFn() : falseFn();
  const then = traceBody('then', [], trueFn);
  return branch('cond', 'cond', p, [
    then,
    traceBody(
      'else',
      [],
      falseFn,
      then.graph.results.map((r) => r.type),
    ),
  ]);
}

/**
 * Calls the function of that index (an int32 scalar). Any other index calls `defaultFn`, or the last
 * function where there is none. In a trace all are traced and must give the same structure of tensors.
 */
export function switchCase<T>(index: TensorLike, branchFns: readonly (() => T)[], defaultFn?: () => T): T {
  const op = 'switchCase';
  const i = operandOf(toTensor(index, 'index', op, typeof index === 'number' ? 'i32' : undefined));
  if (i.rank !== 0 || i.type.dtype !== 'i32')
    throw new ArgumentError(`index must be an int32 scalar, not ${i.dtype}[${i.shape}]`, {
      op,
      fix: "cast it: index.cast('int32')",
    });
  need(
    Array.isArray(branchFns) && branchFns.every((f) => typeof f === 'function'),
    op,
    'branchFns must be an array of functions',
    branchFns,
  );
  if (defaultFn !== undefined && defaultFn !== null) functionArg(defaultFn, 'defaultFn', op);
  if (branchFns.length === 0) throw new ArgumentError('branchFns is empty', { op, fix: 'give at least one function' });
  const fns = defaultFn ? [...branchFns, defaultFn] : branchFns;
  fns.forEach((f, k) => void functionArg(f, k < branchFns.length ? `branchFns[${k}]` : 'defaultFn', op));
  if (isKnown(i)) {
    const k = i.elements()[0];
    return (k >= 0 && k < branchFns.length ? fns[k] : fns[fns.length - 1])();
  }
  let like: readonly TensorType[] | undefined;
  const bodies = fns.map((f, k) => {
    const body = traceBody(`branch${k}`, [], f, like);
    like ??= body.graph.results.map((r) => r.type);
    return body;
  });
  return branch('case', op, i, bodies);
}

export interface WhileLoopOptions {
  /** Ends the loop after so many runs, whatever the condition says. A gradient needs it. */
  readonly maximumIterations?: number;
}

/** A whole number of runs. */
function countArg(n: number | undefined, name: string, op: string): void {
  if (n === undefined || (Number.isInteger(n) && n >= 0)) return;
  throw new ArgumentError(`${name} must be a whole number of at least 0, not ${valueText(n)}`, {
    op,
    fix: 'give the number of runs',
  });
}

/**
 * Runs `body` as long as `condition` (a bool scalar) holds; both take `loopVars` as arguments, and
 * body returns their next values, of the same dtypes and shapes (ShapeError otherwise, while it is
 * traced). Compiled, and from where the condition is in GPU memory
 * only, it is one loop. Bodies may use tensors from outside and Variables.
 */
export function whileLoop<V extends unknown[]>(
  condition: (...vars: NoInfer<V>) => TensorLike,
  body: (...vars: NoInfer<V>) => [...V],
  loopVars: [...V],
  options: WhileLoopOptions = {},
): V {
  const op = 'whileLoop';
  const { maximumIterations } = options ?? {};
  functionArg(condition, 'condition', op);
  functionArg(body, 'body', op);
  countArg(maximumIterations, 'maximumIterations', op);
  functionArg(condition, 'condition', op);
  functionArg(body, 'body', op);
  if (!Array.isArray(loopVars))
    throw new ArgumentError('loopVars must be an array', { op, fix: 'write [x] for one variable' });
  const test = (vars: V) => {
    const c = boolArg(condition(...vars), 'condition', op);
    need(c.rank === 0, op, 'the condition must be a scalar', c.shape);
    return c;
  };
  const start = leavesOf(loopVars, op);
  const types = start.leaves.map((t) => t.type);
  const unpack = (xs: readonly Tensor[]) => pack(start.tree, xs) as V;
  const run = (vars: V): unknown => {
    const next: unknown = body(...vars);
    return Array.isArray(next) ? next : [next];
  };
  const check = (tree: Tree) => sameStructure(op, 'the body', start.tree, tree, 'loopVars');
  const next = (leaves: readonly Tensor[]) => {
    const got = leavesOf(run(unpack(leaves)), op, types);
    check(got.tree);
    return got.leaves;
  };
  const runs: EagerRuns = { leaves: start.leaves, left: maximumIterations, over: false };
  if (!context.trace) runEagerly(runs, (leaves) => test(unpack(leaves)), next);
  if (runs.over) return unpack(runs.leaves);
  const tested = traceBody('condition', types, (xs) => test(unpack(xs)));
  const step = traceBody('body', types, (xs) => run(unpack(xs)), types);
  check(step.tree);
  const s = sharedBy([tested, step]);
  const own = range(types.length);
  const consts = [...s.captures, ...s.read];
  const roles: Role[] = [...consts, ...own, ...s.assigned];
  const operands = [...s.captures, ...valuesOf(s.read), ...runs.leaves, ...valuesOf(s.assigned)];
  const attrs: Attrs = {
    ...(consts.length ? { consts: consts.length } : {}),
    ...(runs.left === undefined ? {} : { bound: runs.left }),
  };
  const regions = [regionOf(tested, roles, [0]), regionOf(step, roles, [...own, ...s.assigned])];
  const out = applyOp(opByName('while'), operands, attrs, regions);
  assignAll(s.assigned, out.slice(types.length));
  return unpack(out.slice(0, types.length));
}

export interface ScanOptions {
  /** Goes from the last element to the first; what is stacked keeps its element's place. */
  readonly reverse?: boolean;
  /** Keeps only what is carried for the gradient, and computes the body once more on the way back. */
  readonly checkpoint?: boolean;
}

/** A structure of tensors with one first axis, and its length. */
function elementsOf(elems: unknown, op: string): { tree: Tree; leaves: Tensor[]; length: number } {
  const { tree, leaves } = leavesOf(elems, op);
  if (leaves.length === 0) throw new ArgumentError('there are no elements to go over', { op, fix: 'pass a tensor' });
  const single = leaves.find((t) => t.rank === 0);
  if (single)
    throw new ShapeError('a scalar has no first axis to go over', { op, fix: 'pass tensors of rank 1 or more' });
  const bad = leaves.find((t) => t.shape[0] !== leaves[0].shape[0]);
  if (bad)
    throw new ShapeError(
      `all elements must have one first axis of equal length; the shapes are ${leaves.map((t) => `[${t.shape}]`).join(', ')}`,
      { op, fix: 'slice them to one length' },
    );
  return { tree, leaves, length: leaves[0].shape[0] };
}

/**
 * The general loop over elements: `fn(carry, element)` gives `[carry, output]`; the last carry and the
 * stacked outputs are returned. `carry` keeps its structure, dtypes and shapes; elements are slices of
 * `elems` along the first axis. With `elems` a number, there are so many runs, and the element is the
 * int32 number of the run. Compiled, it is one loop, whatever the length.
 */
export function scanLoop<const C, E = Tensor, Y = Tensor>(
  fn: (carry: NoInfer<C>, elem: E) => readonly [NoInfer<C>, Y],
  init: C,
  elems: unknown,
  opts: ScanOptions = {},
  op = 'scanLoop',
): [C, Y] {
  functionArg(fn, 'fn', op);
  const { reverse, checkpoint } = opts ?? {};
  functionArg(fn, 'fn', op);
  const xs = typeof elems === 'number' ? counter(elems, op) : elementsOf(elems, op);
  const start = leavesOf(init, op);
  const types = start.leaves.map((t) => t.type);
  const n = types.length;
  const run = (carry: readonly Tensor[], x: readonly Tensor[]) => {
    const given = fn(pack(start.tree, carry) as C, pack(xs.tree, x) as E);
    if (!Array.isArray(given) || given.length !== 2)
      throw new ArgumentError('fn must return [carry, output]', {
        op,
        fix: 'return the next carry and what is stacked',
      });
    const next = leavesOf(given[0], op, types);
    sameStructure(op, 'fn', start.tree, next.tree, 'the initial value');
    return { next, y: leavesOf(given[1], op) };
  };
  if (!context.trace && xs.length > 0) return eagerScan(run, start, xs, { reverse }) as [C, Y];
  const slices = xs.leaves.map((t) => tensorType(t.type.dtype, t.type.shape.slice(1)));
  let yTree: Tree | undefined;
  const traced = () =>
    traceBody('body', [...types, ...slices], (p) => {
      const { next, y } = run(p.slice(0, n), p.slice(n));
      yTree = y.tree;
      return [...next.leaves, ...y.leaves];
    });
  const body = traced();
  const s = sharedBy([body]);
  const consts = [...s.captures, ...s.read];
  const own = range(n);
  const roles: Role[] = [...consts, ...own, ...s.assigned, ...range(xs.leaves.length).map((i) => n + i)];
  const ys = range(body.given - n).map((i) => n + i);
  const operands = [...s.captures, ...valuesOf(s.read), ...start.leaves, ...valuesOf(s.assigned), ...xs.leaves];
  const attrs: Attrs = {
    length: xs.length,
    ...(consts.length ? { consts: consts.length } : {}),
    carry: n + s.assigned.length,
    ...(reverse ? { reverse: true } : {}),
    ...(checkpoint ? { checkpoint: true } : {}),
  };
  const out = applyOp(opByName('scan'), operands, attrs, [regionOf(body, roles, [...own, ...s.assigned, ...ys])]);
  assignAll(s.assigned, out.slice(n));
  const stacked = out.slice(n + s.assigned.length);
  return [pack(start.tree, out.slice(0, n)) as C, pack(yTree as Tree, stacked) as Y];
}

type Leaves = { readonly tree: Tree; readonly leaves: readonly Tensor[] };

/** The numbers of the runs as elements. */
function counter(length: number, op: string): Leaves & { length: number } {
  countArg(length, 'the number of runs', op);
  const leaves = [emitter.iota([length], 0) as Tensor];
  return { tree: { kind: 'leaf', index: 0, text: '' }, leaves, length };
}

function eagerScan(
  run: (carry: readonly Tensor[], x: readonly Tensor[]) => { next: Leaves; y: Leaves },
  start: Leaves,
  xs: Leaves & { length: number },
  { reverse }: ScanOptions,
): [unknown, unknown] {
  const rows = xs.leaves.map((t) => unstack(t));
  let carry: readonly Tensor[] = start.leaves.map(fresh);
  const ys: Leaves[] = new Array(xs.length);
  for (let k = 0; k < xs.length; k++) {
    const i = reverse ? xs.length - 1 - k : k;
    const { next, y } = run(
      carry,
      rows.map((r) => r[i]),
    );
    carry = next.leaves;
    ys[i] = y;
  }
  const [{ tree, leaves }] = ys;
  const stacked = leaves.map((_, j) => stack(ys.map((y) => y.leaves[j])));
  return [pack(start.tree, carry), pack(tree, stacked)];
}

/**
 * Folds `fn(accumulated, element)` over the first axis of `elems` and returns all accumulated values,
 * stacked along a new first axis. `initializer` is what the first call gets; fn must keep its structure,
 * dtypes and shapes. `elems` and `initializer` may be structures of tensors.
 */
export function scan<A, E = Tensor>(fn: (acc: A, elem: E) => A, elems: unknown, initializer: A, opts?: ScanOptions): A {
  const op = 'scan';
  functionArg(fn, 'fn', op);
  const given =
    Array.isArray(elems) && !elems.some((x) => x instanceof Tensor)
      ? toTensor(elems as TensorLike, 'elems', op)
      : elems;
  const [, all] = scanLoop<A, E, A>(
    (acc, x) => {
      const next = fn(acc, x);
      return [next, next];
    },
    initializer,
    given,
    opts,
    op,
  );
  return all;
}

/**
 * `fn` of every element along the first axis of `elems` (a tensor or a structure of them), stacked.
 * The runs do not depend on each other.
 */
export function mapFn<E = Tensor, Y = Tensor>(fn: (elem: E) => Y, elems: unknown): Y {
  functionArg(fn, 'fn', 'mapFn');
  return scanLoop<[], E, Y>((none, x) => [none, fn(x)], [], elems, {}, 'mapFn')[1];
}

export interface ForRangeOptions extends ScanOptions {
  readonly step?: number;
  /** Where start or end are tensors: most runs, which a gradient needs. */
  readonly maximumIterations?: number;
}

/**
 * `for (i = start; i < end; i += step)`: `body(i, ...vars)` with the int32 scalar i returns the next
 * values of vars, of the same dtypes and shapes. With numbers as bounds it has a gradient; tensors as
 * bounds (int32 scalars) make a loop whose length is known when it runs.
 */
export function forRange<V extends unknown[]>(
  start: number | Tensor,
  end: number | Tensor,
  body: (i: Tensor, ...vars: NoInfer<V>) => [...V],
  vars: [...V],
  options: ForRangeOptions = {},
): V {
  const op = 'forRange';
  const { step = 1, maximumIterations, ...opts } = options ?? {};
  functionArg(body, 'body', op);
  listArg(vars, 'vars', op);
  functionArg(body, 'body', op);
  if (!Array.isArray(vars))
    throw new ArgumentError('vars must be an array', { op, fix: 'put the tensor into one: [x]' });
  if (!Number.isInteger(step) || step === 0)
    throw new ArgumentError(`step must be a whole number other than 0, not ${valueText(step)}`, {
      op,
      fix: 'a step of -1 counts down',
    });
  if (typeof start === 'number' && typeof end === 'number') {
    for (const [name, x] of [
      ['start', start],
      ['end', end],
    ] as const)
      if (!Number.isInteger(x))
        throw new ArgumentError(`${name} must be a whole number, not ${valueText(x)}`, { op, fix: 'round it' });
    const runs = Math.max(0, Math.ceil((end - start) / step));
    const index = (k: Tensor) => emitter.add(emitter.mul(k, step), start) as Tensor;
    return scanLoop<V, Tensor, []>((v, k) => [listOf(body(index(k), ...v)) as V, []], vars, runs, opts, op)[0];
  }
  const int = (x: number | Tensor, name: string) => {
    const t = operandOf(toTensor(x, name, op, typeof x === 'number' ? 'i32' : undefined));
    need(t.rank === 0 && t.type.dtype === 'i32', op, `${name} must be an int32 scalar, not ${t.dtype}`, t.shape);
    return t;
  };
  const last = int(end, 'end');
  const [, ...result] = whileLoop<[Tensor, ...V]>(
    (i, ..._v) => emitter.compare(step > 0 ? 'lt' : 'gt', i, last) as Tensor,
    (i, ...v) => [emitter.add(i, step) as Tensor, ...(listOf(body(i, ...(v as unknown as V))) as V)],
    [int(start, 'start'), ...vars],
    { maximumIterations },
  );
  return result as unknown as V;
}
const listOf = (x: unknown): unknown[] => (Array.isArray(x) ? x : [x]);
