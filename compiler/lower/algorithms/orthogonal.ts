// QR by Householder reflections, eigenvalues and singular values by Jacobi's rotations. All of them
// work on whole rows: of the matrix, or of its transpose where columns are what is rotated.

import { boolAttr } from '../../../ir/op.ts';
import type { DType } from '../../../ir/types.ts';
import type { Group } from '../../group.ts';
import type { LowerContext, Lowered } from '../kernel-builder.ts';
import { entry, matrixShape } from './factorization.ts';
import { Algorithm, at, each, type Place } from './support.ts';

/** Rounds of rotations after which the result is taken as it is; eight or so are needed. */
const SWEEPS = 40;

/** Applies the reflection of vector `k` to columns lo … n-1 of a matrix. */
function reflect(ty: DType, target: Place, n: number, vectors: Place, m: number, lo: string, work: Place): string {
  const e = (i: string, j: string) => entry(target, n, i, j);
  const v = entry(vectors, m, 'k', 'i');
  return `${each('j', lo, n, `${at(work, 'j')} = ${ty}(0)`, 'vector')}
${each('i', 'k', m, `let f: ${ty} = ${v}\n${each('j', lo, n, `${at(work, 'j')} = (${at(work, 'j')} + (f * ${e('i', 'j')}))`, 'vector')}`)}
${each('i', 'k', m, `let f: ${ty} = (tau * ${v})\n${each('j', lo, n, `${e('i', 'j')} = (${e('i', 'j')} - (f * ${at(work, 'j')}))`, 'vector')}`)}`;
}

export function lowerQr(ctx: LowerContext, g: Group): Lowered {
  const [m, n] = matrixShape(g);
  const k = Math.min(m, n);
  const size = boolAttr(g.nodes[0].attrs, 'full') ? m : k;
  const work = 4 * m * n * k;
  const a = new Algorithm(ctx, g, 2, work);
  const { ty } = a;
  const [q, r] = [a.out(0, m * size), a.out(1, size * n)];
  const w = a.scratch(ty, m * n);
  const [vectors, factors, sums] = [a.scratch(ty, k * m), a.scratch(ty, k), a.scratch(ty, Math.max(size, n))];
  const e = (i: string, j: string) => entry(w, n, i, j);
  const v = (i: string) => entry(vectors, m, 'k', i);
  // The column is scaled by its largest element, so that no square overflows.
  const column = `acc top: ${ty} = ${ty}(0)
${each('i', 'k', m, `set top = max(top, abs(${e('i', 'k')}))`)}
acc tau: ${ty} = ${ty}(0)
if (top == ${ty}(0)) {
${each('i', 'k', m, `${v('i')} = ${ty}(0)`, 'vector')}
} else {
acc squares: ${ty} = ${ty}(0)
for i = k to ${m} {
let x: ${ty} = (${e('i', 'k')} / top)
set squares = (squares + (x * x))
}
let alpha: ${ty} = ${e('k', 'k')}
let norm: ${ty} = (top * sqrt(squares))
let beta: ${ty} = select((alpha > ${ty}(0)), neg(norm), norm)
${each('i', 'k', m, `${v('i')} = (${e('i', 'k')} / (alpha - beta))`)}
${v('k')} = ${ty}(1)
set tau = ((beta - alpha) / beta)
${e('k', 'k')} = beta
}
${at(factors, 'k')} = tau`;
  const body = `${a.copy(0, [m, n], w)}
for k = 0 to ${k} {
${column}
${reflect(ty, w, n, vectors, m, '(k + 1)', sums)}
}
for i = 0 to ${size} {
${each('j', 0, n, `${entry(r, n, 'i', 'j')} = select((j < i), ${ty}(0), ${e('i', 'j')})`, 'vector')}
}
for i = 0 to ${m} {
${each('j', 0, size, `${entry(q, size, 'i', 'j')} = select((i == j), ${ty}(1), ${ty}(0))`, 'vector')}
}
for back = 0 to ${k} {
let k: i32 = (${k - 1} - back)
let tau: ${ty} = ${at(factors, 'k')}
${reflect(ty, q, size, vectors, m, 'k', sums)}
}`;
  return a.finish(body, a.rows * work);
}

/** Makes the largest absolute value `top` and a scale that brings the matrix to 1; `body` runs where it is finite. */
function scaled(ty: DType, w: Place, count: number, body: string, otherwise: string): string {
  const tiny = ty === 'f64' ? 1e-290 : 1e-30;
  return `acc top: ${ty} = ${ty}(0)
${each('z', 0, count, `reduce max top, abs(${at(w, 'z')})`, 'vector')}
if ((top - top) == ${ty}(0)) {
let scale: ${ty} = select((top > ${ty}(${tiny})), top, ${ty}(1))
${each('z', 0, count, `${at(w, 'z')} = (${at(w, 'z')} / scale)`, 'vector')}
${body}
} else {
${otherwise}
}`;
}

/** c and s of the rotation by the angle whose doubled cotangent is zeta. */
const rotation = (ty: DType) => `let size: ${ty} = (abs(zeta) + sqrt((${ty}(1) + (zeta * zeta))))
let t: ${ty} = (select((zeta < ${ty}(0)), ${ty}(-1), ${ty}(1)) / size)
let c: ${ty} = (${ty}(1) / sqrt((${ty}(1) + (t * t))))
let s: ${ty} = (t * c)`;

/** Rotates rows p and q of a matrix of n columns. */
function rotateRows(ty: DType, w: Place, n: number): string {
  const [p, q] = [entry(w, n, 'p', 'j'), entry(w, n, 'q', 'j')];
  return each(
    'j',
    0,
    n,
    `let x: ${ty} = ${p}\nlet y: ${ty} = ${q}\n${p} = ((c * x) - (s * y))\n${q} = ((s * x) + (c * y))`,
    'vector copies 2',
  );
}

/** Rounds over all pairs p < q until none was rotated: `pair` sets `done` to 0 where it rotates. */
const sweeps = (n: number, pair: string): string => `acc done: i32 = 0
for sweep = 0 to ${SWEEPS} {
if (done == 0) {
set done = 1
for p = 0 to ${n} {
for q = (p + 1) to ${n} {
${pair}
}
}
}
}`;

const identityRows = (ty: DType, v: Place, n: number): string =>
  each('i', 0, n, each('j', 0, n, `${entry(v, n, 'i', 'j')} = select((i == j), ${ty}(1), ${ty}(0))`, 'vector'));

/** `rank` of element i among the keys, counting those for which `first(j, i)` holds. */
const rankOf = (n: number, first: string): string =>
  `acc rank: i32 = 0\n${each('j', 0, n, `set rank = (rank + select(${first}, 1, 0))`)}`;

/** `length` of row i of a matrix of n columns: 1, but for the rounding of many rotations. */
const lengthOf = (ty: DType, v: Place, n: number): string => `acc squares: ${ty} = ${ty}(0)
${each('j', 0, n, `reduce add squares, (${entry(v, n, 'i', 'j')} * ${entry(v, n, 'i', 'j')})`, 'vector')}
let length: ${ty} = sqrt(squares)`;

/** `flip`, the sign that makes the largest element of row i of a matrix of n columns positive. */
const signOf = (ty: DType, v: Place, n: number): string => `acc peak: ${ty} = ${ty}(0)
for j = 0 to ${n} {
let x: ${ty} = ${entry(v, n, 'i', 'j')}
if (abs(x) > abs(peak)) {
set peak = x
}
}
let flip: ${ty} = select((peak < ${ty}(0)), ${ty}(-1), ${ty}(1))`;

const nan = (ty: DType, p: Place, n: number): string => each('z', 0, n, `${at(p, 'z')} = ${ty}(nan)`, 'vector');

export function lowerEigh(ctx: LowerContext, g: Group): Lowered {
  const [n] = matrixShape(g);
  const work = 40 * n ** 3;
  const a = new Algorithm(ctx, g, 2, work);
  const { ty } = a;
  const [values, vectors] = [a.out(0, n), a.out(1, n * n)];
  const [w, v, d] = [a.scratch(ty, n * n), a.scratch(ty, n * n), a.scratch(ty, n)];
  const e = (i: string, j: string) => entry(w, n, i, j);
  // Behind rows p and q, their columns are the same numbers; the four elements where both meet follow.
  const pair = `let off: ${ty} = ${e('p', 'q')}
if (abs(off) > ${ty}(${ty === 'f64' ? 1e-18 : 1e-9})) {
set done = 0
let app: ${ty} = ${e('p', 'p')}
let aqq: ${ty} = ${e('q', 'q')}
let zeta: ${ty} = ((aqq - app) / (${ty}(2) * off))
${rotation(ty)}
${rotateRows(ty, w, n)}
for j = 0 to ${n} {
${e('j', 'p')} = ${e('p', 'j')}
${e('j', 'q')} = ${e('q', 'j')}
}
${e('p', 'p')} = (app - (t * off))
${e('q', 'q')} = (aqq + (t * off))
${e('p', 'q')} = ${ty}(0)
${e('q', 'p')} = ${ty}(0)
${rotateRows(ty, v, n)}
}`;
  const [di, dj] = [at(d, 'i'), at(d, 'j')];
  const found = `${identityRows(ty, v, n)}
${sweeps(n, pair)}
${each('i', 0, n, `${di} = ${e('i', 'i')}`)}
for i = 0 to ${n} {
${rankOf(n, `((${dj} < ${di}) | ((${dj} == ${di}) & (j < i)))`)}
${signOf(ty, v, n)}
${lengthOf(ty, v, n)}
${at(values, 'rank')} = (${di} * scale)
${each('j', 0, n, `${entry(vectors, n, 'j', 'rank')} = (${entry(v, n, 'i', 'j')} * (flip / length))`)}
}`;
  const body = `${a.copy(0, [n, n], w)}
for i = 0 to ${n} {
${each('j', 0, 'i', `${e('j', 'i')} = ${e('i', 'j')}`)}
}
${scaled(ty, w, n * n, found, `${nan(ty, values, n)}\n${nan(ty, vectors, n * n)}`)}`;
  return a.finish(body, a.rows * work);
}

export function lowerSvd(ctx: LowerContext, g: Group): Lowered {
  const [m, n] = matrixShape(g);
  // The rows that are rotated against each other: the columns of a tall matrix, the rows of a wide one.
  const wide = m < n;
  const [k, len] = wide ? [m, n] : [n, m];
  const work = 40 * k * k * (len + k);
  const a = new Algorithm(ctx, g, 2, work);
  const { ty } = a;
  const outs = [a.out(0, m * k), a.out(1, k), a.out(2, n * k)];
  const [w, v, s] = [a.scratch(ty, k * len), a.scratch(ty, k * k), a.scratch(ty, k)];
  const residue = a.scratch(ty, len);
  // What the rounding of long sums lets through.
  const eps = (ty === 'f64' ? 1e-15 : 5e-7) * Math.max(1, Math.sqrt(len) / 4);
  const [long, short] = wide ? [outs[2], outs[0]] : [outs[0], outs[2]];
  const read = wide
    ? a.copy(0, [m, n], w)
    : each('i', 0, m, each('j', 0, n, `${entry(w, len, 'j', 'i')} = ${a.read(0, [{ v: 'i', n: m }, { v: 'j', n }])}`)); // biome-ignore format: one loop
  const pair = `acc alpha: ${ty} = ${ty}(0)
acc beta: ${ty} = ${ty}(0)
acc gamma: ${ty} = ${ty}(0)
for j = 0 to ${len} vector {
let x: ${ty} = ${entry(w, len, 'p', 'j')}
let y: ${ty} = ${entry(w, len, 'q', 'j')}
reduce add alpha, (x * x)
reduce add beta, (y * y)
reduce add gamma, (x * y)
}
if (abs(gamma) > (${ty}(${eps}) * (sqrt(alpha) * sqrt(beta)))) {
set done = 0
let zeta: ${ty} = ((beta - alpha) / (${ty}(2) * gamma))
${rotation(ty)}
${rotateRows(ty, w, len)}
${rotateRows(ty, v, k)}
}`;
  const found = `${identityRows(ty, v, k)}
${sweeps(k, pair)}
${normalize(ty, w, s, residue, k, len)}
for i = 0 to ${k} {
${rankOf(k, `((${at(s, 'j')} > ${at(s, 'i')}) | ((${at(s, 'j')} == ${at(s, 'i')}) & (j < i)))`)}
${wide ? signOf(ty, w, len) : signOf(ty, v, k)}
${lengthOf(ty, v, k)}
${at(outs[1], 'rank')} = (${at(s, 'i')} * scale)
${each('j', 0, len, `${entry(long, k, 'j', 'rank')} = (${entry(w, len, 'i', 'j')} * flip)`)}
${each('j', 0, k, `${entry(short, k, 'j', 'rank')} = (${entry(v, k, 'i', 'j')} * (flip / length))`)}
}`;
  const fail = `${nan(ty, outs[0], m * k)}\n${nan(ty, outs[1], k)}\n${nan(ty, outs[2], n * k)}`;
  return a.finish(`${read}\n${scaled(ty, w, k * len, found, fail)}`, a.rows * work);
}

/**
 * Lengths of the rows to `s`, and the rows divided by them. A row of length 0 is replaced by what is
 * left of a unit vector, the one with most of it outside of the other rows, made orthogonal to them.
 */
function normalize(ty: DType, w: Place, s: Place, residue: Place, k: number, len: number): string {
  const tiny = ty === 'f64' ? 1e-290 : 1e-30;
  const length = lengthOf(ty, w, len);
  const divide = each('j', 0, len, `${entry(w, len, 'i', 'j')} = (${entry(w, len, 'i', 'j')} / length)`, 'vector');
  const other = entry(w, len, 'o', 'j');
  return `for i = 0 to ${k} {
${length}
if (length > ${ty}(${tiny})) {
${at(s, 'i')} = length
${divide}
} else {
${at(s, 'i')} = ${ty}(0)
${each('j', 0, len, `${entry(w, len, 'i', 'j')} = ${ty}(0)`, 'vector')}
}
}
for i = 0 to ${k} {
if (${at(s, 'i')} == ${ty}(0)) {
${each('j', 0, len, `${at(residue, 'j')} = ${ty}(1)`, 'vector')}
${each('o', 0, k, each('j', 0, len, `${at(residue, 'j')} = (${at(residue, 'j')} - (${other} * ${other}))`, 'vector'))}
acc best: i32 = 0
for j = 0 to ${len} {
if (${at(residue, 'j')} > ${at(residue, 'best')}) {
set best = j
}
}
${entry(w, len, 'i', 'best')} = ${ty}(1)
for twice = 0 to 2 {
for o = 0 to ${k} {
if (o != i) {
acc along: ${ty} = ${ty}(0)
${each('j', 0, len, `reduce add along, (${entry(w, len, 'i', 'j')} * ${other})`, 'vector')}
${each('j', 0, len, `${entry(w, len, 'i', 'j')} = (${entry(w, len, 'i', 'j')} - (along * ${other}))`, 'vector')}
}
}
${length}
${divide}
}
}
}`;
}
