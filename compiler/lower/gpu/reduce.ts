// The general reduction nest on a GPU: an invocation a result, its reduction in a loop. Long reductions with few
// results are cut into chunks, by their shape alone, whose partial results a second dispatch combines.

import { add, bin, type Expr, fma, i32, konst, load, mul, variable } from '../../../ir/kernel/expr.ts';
import { loop, type Stmt, store, substitute } from '../../../ir/kernel/kernel.ts';
import type { KernelBuilder } from '../kernel-builder.ts';
import { type Axis, gridNest, mergeAxes } from '../loops.ts';
import type { ReduceNest } from '../reduce-nest.ts';

/** Invocations that keep a GPU busy. */
const BUSY = 1 << 15;
/** Elements that one invocation should reduce at least before the work is cut. */
const CHUNK = 32;
const MOST_CHUNKS = 256;

export function gridReduceNest(k: KernelBuilder, spec: ReduceNest): Stmt[] {
  const element: Stmt[] = [];
  const values = spec.element(element);
  const names = spec.accs.map((_, i) => `acc${i}`);
  values.forEach((value, i) => {
    element.push({ s: 'reduce', acc: names[i], op: spec.accs[i].op, value });
  });
  const merged = mergeAxes(spec.red, element);
  const red = merged.axes;
  const ones = new Map(spec.keep.filter((a) => a.n === 1).map((a) => [a.v, i32(0) as Expr]));
  const keep = spec.keep.filter((a) => a.n !== 1);
  const body = withFma(substitute(merged.body, ones));
  const results = keep.reduce((n, a) => n * a.n, 1);
  const total = red.reduce((n, a) => n * a.n, 1);
  const first = red[0]?.n ?? 1;
  const wanted = Math.min(first, Math.floor(total / CHUNK), Math.ceil(BUSY / Math.max(1, results)), MOST_CHUNKS);
  const size = Math.ceil(first / Math.max(1, wanted));
  const chunks = Math.ceil(first / Math.max(1, size));
  const accumulate = (inner: readonly Stmt[], finish: readonly Stmt[]): Stmt[] => [
    ...spec.accs.map((a, i): Stmt => ({ s: 'acc', name: names[i], ty: a.ty, init: konst(a.ty, a.init) })),
    ...inner,
    ...finish,
  ];
  const accs = spec.accs.map((a, i) => variable(names[i], a.ty));
  const finish = substitute(spec.finish(accs), ones);
  const over = (axes: readonly Axis[]): Stmt[] => [
    ...axes.reduceRight<readonly Stmt[]>((inner, a) => [loop(a.v, a.n, inner)], body),
  ];
  if (chunks < 2) return gridNest(keep, accumulate(over(red), finish));
  // Partial results by chunk, then their combination.
  const bufs = spec.accs.map((a) => k.scratch(a.ty, chunks * results));
  const chunk = variable('chunk');
  const at = keep.reduce<Expr>((e, a) => add(mul(e, i32(a.n)), variable(a.v)), chunk);
  const lo = mul(chunk, i32(size));
  const part: Stmt = { ...loop(red[0].v, bin('min', add(lo, i32(size)), i32(first)), over(red.slice(1))), lo };
  const partial = accumulate(
    [part],
    accs.map((e, i) => store(bufs[i], at, e)),
  );
  const combined = accumulate(
    [
      loop(
        'chunk',
        chunks,
        spec.accs.map((a, i): Stmt => ({ s: 'reduce', acc: names[i], op: a.op, value: load(a.ty, bufs[i], at) })),
      ),
    ],
    finish,
  );
  return [...gridNest([{ v: 'chunk', n: chunks }, ...keep], partial), { s: 'barrier' }, ...gridNest(keep, combined)];
}

/** Sums of products as multiply-adds. */
const withFma = (body: readonly Stmt[]): Stmt[] =>
  body.map((s): Stmt => {
    if (s.s !== 'reduce' || s.op !== 'add' || s.value.ty !== 'f32') return s;
    const v = s.value;
    if (v.k !== 'bin' || v.op !== 'mul') return s;
    return { s: 'set', name: s.acc, value: fma(v.a, v.b, variable(s.acc, 'f32')) };
  });
