// Sorting and selection. Elements become unsigned keys in whose order the elements are sorted; long
// rows are sorted by the keys' digits (least significant first, digits that all keys share left out),
// short ones by a network whose lanes are rows, float64 by merging. A few of many are selected one by
// one: most blocks hold nothing that is better than the worst one kept. More of them are those whose
// leading digit may be among the first, sorted.

import type { Ranges } from '../../../ir/kernel/affine.ts';
import { add, type Expr, i32, mul, variable } from '../../../ir/kernel/expr.ts';
import { printExpr } from '../../../ir/kernel/print.ts';
import { boolAttr, numAttr } from '../../../ir/op.ts';
import type { DType } from '../../../ir/types.ts';
import type { Group } from '../../group.ts';
import { lowerBitonic } from '../gpu/sort.ts';
import type { LowerContext, Lowered } from '../kernel-builder.ts';
import { fixed } from '../views.ts';
import { Algorithm, at, each, type Place } from './support.ts';

/** Rows up to this length are sorted by a network, four side by side; with positions, up to the second. */
const SHORT = [64, 48] as const;
/** The most elements that are selected one by one. */
const SELECT = 32;
/** Rows from this length on are worth looking at all elements before some of them are sorted. */
const MANY = 256;
/** Elements looked at together by the selection. */
const BLOCK = 64;
/** Rows from this length on are worth larger digits, with larger tables. */
const LONG = 1 << 14;

/** The key of an element: u32 in the order asked for; of f64 the element itself. */
function keyOf(ty: DType, x: string, descending: boolean): string {
  if (ty === 'f64') return x;
  if (ty === 'u32') return descending ? `(${x} ^ u32(-1))` : x;
  if (ty === 'i32') return `to_u32((${x} ^ ${descending ? 2147483647 : -2147483648}))`;
  const word = `bits_i32(${x})`;
  // Negative numbers count down with their bits: all of them are flipped, of others the sign.
  const key = `(${word} ^ ((${word} >> 31) | -2147483648))`;
  return `to_u32(select((${x} != ${x}), -1, ${descending ? `(${key} ^ -1)` : key}))`;
}

/** The element of a key. */
function elementOf(ty: DType, key: string, descending: boolean): string {
  if (ty === 'f64') return key;
  if (ty === 'u32') return descending ? `(${key} ^ u32(-1))` : key;
  if (ty === 'i32') return `(to_i32(${key}) ^ ${descending ? 2147483647 : -2147483648})`;
  const up = descending ? `(to_i32(${key}) ^ -1)` : `to_i32(${key})`;
  return `bits_f32((${up} ^ (((${up} ^ -1) >> 31) | -2147483648)))`;
}

/** Does the float64 `b` come before `a`? */
function before(b: string, a: string, descending: boolean): string {
  const less = descending ? '>' : '<';
  // Zeros are told apart by their reciprocals.
  const zeros = `((${b} == ${a}) & ((f64(1) / ${b}) ${less} (f64(1) / ${a})))`;
  return `(((${b} ${less} ${a}) | ${zeros}) | ((${a} != ${a}) & (${b} == ${b})))`;
}

/** Where a row's keys and, where they are asked for, positions are: two halves, one of them live. */
interface Work {
  /** Elements of a half. */
  readonly half: number;
  /** Text of the number of elements in use. */
  readonly count: string;
  readonly keys: Place;
  readonly positions: Place | null;
}

const element = (p: Place, half: string, i: string): string => at(p, `(${half} + ${i})`);

function move(w: Work, to: string, from: string): string {
  const parts = [`${element(w.keys, '0', to)} = ${element(w.keys, '0', from)}`];
  if (w.positions) parts.push(`${element(w.positions, '0', to)} = ${element(w.positions, '0', from)}`);
  return parts.join('\n');
}

/** Digit by digit; `from` is the start of the half that holds the row. */
function radixSort(a: Algorithm, w: Work): string {
  const width = w.half >= LONG ? 11 : 8;
  const bins = 2 ** width;
  const digits = Math.ceil(32 / width);
  const counts = a.scratch('i32', digits * bins);
  const digit = (key: string, d: number) => `to_i32(((${key} >> u32(${d * width})) & u32(${bins - 1})))`;
  const count = (d: number, value: string) => at(counts, `(${d * bins} + ${value})`);
  const each = Array.from({ length: digits }, (_, d) => d);
  const passes = each.map(
    (d) => `let d${d}: i32 = ${digit(element(w.keys, 'from', '0'), d)}
if (${count(d, `d${d}`)} != ${w.count}) {
acc sum: i32 = 0
for b = 0 to ${bins} {
let c: i32 = ${count(d, 'b')}
${count(d, 'b')} = sum
set sum = (sum + c)
}
for i = 0 to ${w.count} {
let key: u32 = ${element(w.keys, 'from', 'i')}
let bin: i32 = ${digit('key', d)}
let p: i32 = ${count(d, 'bin')}
${count(d, 'bin')} = (p + 1)
${element(w.keys, `(${w.half} - from)`, 'p')} = key
${w.positions ? `${element(w.positions, `(${w.half} - from)`, 'p')} = ${element(w.positions, 'from', 'i')}` : ''}
}
set from = (${w.half} - from)
}`,
  );
  return `for z = 0 to ${digits * bins} vector {
${at(counts, 'z')} = 0
}
for i = 0 to ${w.count} {
let key: u32 = ${element(w.keys, '0', 'i')}
${each.map((d) => `let bin${d}: i32 = ${digit('key', d)}\n${count(d, `bin${d}`)} = (${count(d, `bin${d}`)} + 1)`).join('\n')}
}
${passes.join('\n')}`;
}

/** Runs of doubling length, merged from one half into the other. */
function mergeSort(w: Work, descending: boolean): string {
  const levels: string[] = [];
  for (let run = 1; run < w.half; run *= 2) {
    levels.push(`for lo = 0 to ${w.half} step ${2 * run} {
let mid: i32 = min((lo + ${run}), ${w.half})
let hi: i32 = min((lo + ${2 * run}), ${w.half})
acc i: i32 = lo
acc j: i32 = mid
for k = lo to hi {
let x: f64 = ${element(w.keys, 'from', 'i')}
let y: f64 = ${element(w.keys, 'from', 'j')}
let right: bool = ((i >= mid) | ((j < hi) & ${before('y', 'x', descending)}))
let take: i32 = (from + select(right, j, i))
let to: i32 = ((${w.half} - from) + k)
${move(w, 'to', 'take')}
set i = select(right, i, (i + 1))
set j = select(right, (j + 1), j)
}
}
set from = (${w.half} - from)`);
  }
  return levels.join('\n');
}

/** Pairs of places to be brought in order one after the other: Batcher's odd-even merge sort. */
export function network(n: number): readonly (readonly [number, number])[] {
  const pairs: [number, number][] = [];
  for (let p = 1; p < n; p *= 2)
    for (let k = p; k >= 1; k /= 2)
      for (let j = k % p; j + k < n; j += 2 * k)
        for (let i = j; i < Math.min(j + k, n - k); i++)
          if (Math.floor(i / (2 * p)) === Math.floor((i + k) / (2 * p))) pairs.push([i, i + k]);
  return pairs;
}

/** Rows as lanes: element i of four rows is one vector of a register tile, and every exchange a few instructions. */
function lowerNetwork(
  a: Algorithm,
  n: number,
  k: number,
  descending: boolean,
  [values, indices]: readonly (Place | null)[],
): Lowered {
  const places = Array.from({ length: n }, (_, i) => i);
  const exchanges = network(n).map(([i, j], step) => {
    const [x, y, p, q] = ['x', 'y', 'p', 'q'].map((v) => `${v}_${step}`);
    const lets = `let ${x}: u32 = keys{${i}, l}\nlet ${y}: u32 = keys{${j}, l}`;
    const keys = `set keys{${i}, l} = min(${x}, ${y})\nset keys{${j}, l} = max(${x}, ${y})`;
    if (!indices) return `${lets}\n${keys}`;
    // Equal keys stay in the order of their places.
    return `${lets}
let ${p}: i32 = at{${i}, l}
let ${q}: i32 = at{${j}, l}
let c_${step}: bool = ((${x} < ${y}) | ((${x} == ${y}) & (${p} < ${q})))
${keys}
set at{${i}, l} = select(c_${step}, ${p}, ${q})
set at{${j}, l} = select(c_${step}, ${q}, ${p})`;
  });
  const group = (first: Expr, lanes: number): string => {
    const row = add(first, variable('l'));
    const ranges: Ranges = new Map([
      ['g', [0, Math.max(0, Math.floor(a.rows / 4) - 1)] as const],
      ['l', [0, lanes - 1] as const],
    ]);
    const target = (p: Place, i: number) => `${p.buf}[((${printExpr(row)} * ${k}) + ${i})]`;
    const kept = places.slice(0, k);
    const lines = [
      ...places.map((i) => `set keys{${i}, l} = ${keyOf(a.ty, a.readAt(0, row, [i32(i)], ranges), descending)}`),
      ...(indices ? places.map((i) => `set at{${i}, l} = ${i}`) : []),
      ...exchanges,
      ...(values ? kept.map((i) => `${target(values, i)} = ${elementOf(a.ty, `keys{${i}, l}`, descending)}`) : []),
      ...(indices ? kept.map((i) => `${target(indices, i)} = at{${i}, l}`) : []),
    ];
    return `tile keys: u32[${n}, 4] = 0
${indices ? `tile at: i32[${n}, 4] = 0` : ''}
for l = 0 to ${lanes} vector unroll {
${lines.join('\n')}
}`;
  };
  const full = Math.floor(a.rows / 4);
  const body: string[] = [];
  const rest = a.rows - 4 * full;
  if (full > 0)
    body.push(`for g = 0 to ${full}${a.parallel ? ' parallel 4' : ''} {\n${group(mul(variable('g'), i32(4)), 4)}\n}`);
  if (rest > 0) {
    const last = group(i32(4 * full), rest);
    body.push(a.parallel ? `single {\n${last}\n}` : last);
  }
  const text = a.parallel ? body.join('\n') : `single {\n${body.join('\n')}\n}`;
  return a.k.finish(a.k.statements(text), { flops: a.rows * network(n).length });
}

/** `sort`, and `top_k` of many: the first `k` of the sorted row. */
function lowerSorted(ctx: LowerContext, g: Group, k: number, descending: boolean): Lowered {
  const n = fixed(g.nodes[0].inputs[0].type.shape).at(-1) as number;
  if (ctx.options.gpu && n > SHORT[1] && k > 0) {
    const { dtype } = g.nodes[0].inputs[0].type;
    const keys = {
      key: (x: string) => keyOf(dtype, x, descending),
      element: (key: string) => elementOf(dtype, key, descending),
    };
    return lowerBitonic(ctx, g, n, k, keys);
  }
  const a = new Algorithm(ctx, g, 1, 16 * n);
  const { ty } = a;
  const keyType = ty === 'f64' ? 'f64' : 'u32';
  const [values, indices] = [0, 1].map((i) => (a.needed(i) ? a.out(i, k) : null));
  if (k === 0) return a.finish('', 0);
  if (n <= SHORT[indices ? 1 : 0] && ty !== 'f64') return lowerNetwork(a, n, k, descending, [values, indices]);
  // One more: a merge looks at the element behind the last run.
  const w: Work = {
    half: n,
    count: `${n}`,
    keys: a.scratch(keyType, 2 * n + 1),
    positions: indices && a.scratch('i32', 2 * n + 1),
  };
  const body = [
    `for e = 0 to ${n} vector {\n${at(w.keys, 'e')} = ${keyOf(ty, a.read(0, [{ v: 'e', n }]), descending)}\n}`,
    w.positions ? `for e = 0 to ${n} vector {\n${at(w.positions, 'e')} = e\n}` : '',
    'acc from: i32 = 0',
    ty === 'f64' ? mergeSort(w, descending) : radixSort(a, w),
    values
      ? `for e = 0 to ${k} vector {\n${at(values, 'e')} = ${elementOf(ty, element(w.keys, 'from', 'e'), descending)}\n}`
      : '',
    indices && w.positions
      ? `for e = 0 to ${k} vector {\n${at(indices, 'e')} = ${element(w.positions, 'from', 'e')}\n}`
      : '',
  ];
  return a.finish(body.join('\n'), a.rows * n * Math.ceil(Math.log2(n + 1)));
}

export const lowerSort = (ctx: LowerContext, g: Group): Lowered => {
  const n = g.nodes[0];
  return lowerSorted(ctx, g, fixed(n.inputs[0].type.shape).at(-1) as number, boolAttr(n.attrs, 'descending'));
};

export function lowerTopK(ctx: LowerContext, g: Group): Lowered {
  const node = g.nodes[0];
  const k = numAttr(node.attrs, 'k');
  const n = fixed(node.inputs[0].type.shape).at(-1) as number;
  const ty = node.inputs[0].type.dtype;
  if (k === 0 || 4 * k > n || ty === 'f64' || ctx.options.gpu || (k > SELECT && n < MANY))
    return lowerSorted(ctx, g, k, true);
  if (k > SELECT) return lowerCandidates(ctx, g, k);
  const a = new Algorithm(ctx, g, 1, 2 * n);
  const [values, indices] = [0, 1].map((i) => (a.needed(i) ? a.out(i, k) : null));
  const keys = a.scratch('u32', k);
  const places = a.scratch('i32', k);
  const key = keyOf(ty, a.read(0, [{ v: 'e', n }]), true);
  // The best so far stand in order; what is worse than the new one moves up by one.
  const insert = `acc p: i32 = ${k - 1}
for s = 1 to ${k} {
let q: i32 = (${k - 1} - s)
let t: u32 = ${at(keys, 'q')}
if (key < t) {
${at(keys, '(q + 1)')} = t
${at(places, '(q + 1)')} = ${at(places, 'q')}
set p = q
}
}
${at(keys, 'p')} = key
${at(places, 'p')} = e
set worst = ${at(keys, `${k - 1}`)}`;
  const scan = (lo: string, hi: string) => `for e = ${lo} to ${hi} {
let key: u32 = ${key}
if (key < worst) {
${insert}
}
}`;
  // The first k are taken whatever they are: even a NaN is better than nothing.
  const body = `acc worst: u32 = u32(-1)
for z = 0 to ${k} {
${at(keys, 'z')} = u32(-1)
${at(places, 'z')} = ${n}
}
for e = 0 to ${k} {
let key: u32 = ${key}
${insert.replace('(key < t)', `((key < t) | (${at(places, 'q')} == ${n}))`)}
}
for block = ${0} to ${n} step ${BLOCK} {
let lo: i32 = max(block, ${k})
let hi: i32 = min((block + ${BLOCK}), ${n})
acc best: u32 = u32(-1)
for e = lo to hi vector copies 2 {
reduce min best, ${key}
}
if (best < worst) {
${scan('lo', 'hi')}
}
}
${values ? `for z = 0 to ${k} vector {\n${at(values, 'z')} = ${elementOf(ty, at(keys, 'z'), true)}\n}` : ''}
${indices ? `for z = 0 to ${k} vector {\n${at(indices, 'z')} = ${at(places, 'z')}\n}` : ''}`;
  return a.finish(body, a.rows * n);
}

/** The k first of a row: the digit sort of all whose leading 11 bits are not behind those of the k-th. */
function lowerCandidates(ctx: LowerContext, g: Group, k: number): Lowered {
  const n = fixed(g.nodes[0].inputs[0].type.shape).at(-1) as number;
  const a = new Algorithm(ctx, g, 1, 4 * n);
  const bins = 2 ** 11;
  const [values, indices] = [0, 1].map((i) => (a.needed(i) ? a.out(i, k) : null));
  const counts = a.scratch('i32', bins);
  const w: Work = {
    half: n + 1,
    count: 'found',
    keys: a.scratch('u32', 2 * n + 2),
    positions: indices && a.scratch('i32', 2 * n + 2),
  };
  const lead = `to_i32((key >> u32(21)))`;
  const body = `${each('z', 0, bins, `${at(counts, 'z')} = 0`, 'vector')}
${each('e', 0, n, `${at(w.keys, 'e')} = ${keyOf(a.ty, a.read(0, [{ v: 'e', n }]), true)}`, 'vector')}
for e = 0 to ${n} {
let key: u32 = ${at(w.keys, 'e')}
let bin: i32 = ${lead}
${at(counts, 'bin')} = (${at(counts, 'bin')} + 1)
}
acc last: i32 = 0
acc before: i32 = 0
for z = 0 to ${bins} {
set last = select((before < ${k}), z, last)
set before = (before + ${at(counts, 'z')})
}
acc found: i32 = 0
for e = 0 to ${n} {
let key: u32 = ${at(w.keys, 'e')}
${at(w.keys, 'found')} = key
${w.positions ? `${at(w.positions, 'found')} = e` : ''}
set found = (found + select((${lead} <= last), 1, 0))
}
acc from: i32 = 0
${radixSort(a, w)}
${values ? each('z', 0, k, `${at(values, 'z')} = ${elementOf(a.ty, element(w.keys, 'from', 'z'), true)}`, 'vector') : ''}
${indices && w.positions ? each('z', 0, k, `${at(indices, 'z')} = ${element(w.positions, 'from', 'z')}`, 'vector') : ''}`;
  return a.finish(body, 4 * a.rows * n);
}

/** Binary search, four values side by side. */
export function lowerSearchSorted(ctx: LowerContext, g: Group): Lowered {
  const node = g.nodes[0];
  const n = fixed(node.inputs[0].type.shape).at(-1) as number;
  const m = fixed(node.inputs[1].type.shape).at(-1) as number;
  const steps = Math.ceil(Math.log2(n + 1));
  const a = new Algorithm(ctx, g, 1, 4 * m * steps);
  const out = a.out(0, m);
  if (n === 0) return a.finish(`for e = 0 to ${m} vector {\n${at(out, 'e')} = 0\n}`, 0);
  const float = a.ty === 'f32' || a.ty === 'f64';
  const less = (p: string, q: string) =>
    float ? `((${p} < ${q}) | ((${q} != ${q}) & (${p} == ${p})))` : `(${p} < ${q})`;
  const right = node.attrs.side === 'left' ? less('s', 'x') : `not(${less('x', 's')})`;
  const body = `for e = 0 to ${m} vector {
let x: ${a.ty} = ${a.read(1, [{ v: 'e', n: m }])}
acc lo: i32 = 0
acc hi: i32 = ${n}
for step_ = 0 to ${steps} {
let mid: i32 = ((lo + hi) >> 1)
let place: i32 = min(mid, ${n - 1})
let s: ${a.ty} = ${a.read(0, [{ v: 'place', n }])}
let right: bool = ${right}
let open: bool = (lo < hi)
set lo = select((open & right), (mid + 1), lo)
set hi = select((open & not(right)), mid, hi)
}
${at(out, 'e')} = lo
}`;
  return a.finish(body, a.rows * m * steps);
}
