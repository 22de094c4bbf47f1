// Triangular factorizations and solves, row by row: inner loops run along the rows of matrices, so
// that they read memory in order and run as SIMD.

import { boolAttr } from '../../../ir/op.ts';
import type { Group } from '../../group.ts';
import type { LowerContext, Lowered } from '../kernel-builder.ts';
import { fixed } from '../views.ts';
import { Algorithm, at, each, type Place } from './support.ts';

/** Rows and columns of an operand's matrices. */
export function matrixShape(g: Group, operand = 0): readonly [number, number] {
  return fixed(g.nodes[0].inputs[operand].type.shape).slice(-2) as unknown as readonly [number, number];
}

/** The element of a row-major matrix of `n` columns. */
export const entry = (p: Place, n: number, i: string, j: string): string => at(p, `((${i} * ${n}) + ${j})`);

/** Each element from the two rows before it: L[i][j] = (A[i][j] - L[i] . L[j]) / L[j][j]. */
export function lowerCholesky(ctx: LowerContext, g: Group): Lowered {
  const [n] = matrixShape(g);
  const a = new Algorithm(ctx, g, 2, n ** 3 / 3);
  const l = a.out(0, n * n);
  const e = (i: string, j: string) => entry(l, n, i, j);
  const zero = `${a.ty}(0)`;
  const body = `${a.copy(0, [n, n], l)}
for i = 0 to ${n} {
for j = 0 to (i + 1) {
acc s: ${a.ty} = ${zero}
for k = 0 to j vector copies 2 {
reduce add s, (${e('i', 'k')} * ${e('j', 'k')})
}
let rest: ${a.ty} = (${e('i', 'j')} - s)
if (i == j) {
${e('i', 'j')} = sqrt(rest)
} else {
${e('i', 'j')} = (rest / ${e('j', 'j')})
}
}
${each('j', '(i + 1)', n, `${e('i', 'j')} = ${zero}`, 'vector')}
}`;
  return a.finish(body, (a.rows * n ** 3) / 3);
}

export function lowerTriangularSolve(ctx: LowerContext, g: Group): Lowered {
  const { attrs } = g.nodes[0];
  const [lower, adjoint, unit] = ['lower', 'adjoint', 'unit'].map((k) => boolAttr(attrs, k));
  const [n, m] = matrixShape(g, 1);
  const a = new Algorithm(ctx, g, 2, n * n * m);
  const x = a.out(0, n * m);
  const coefficient = a.read(0, [
    { v: 'i', n },
    { v: 'j', n },
  ]);
  const pivot = a.read(0, [
    { v: 'i', n },
    { v: 'i', n },
  ]);
  const e = (i: string, c: string) => entry(x, m, i, c);
  const divide = unit
    ? ''
    : `let d: ${a.ty} = ${pivot}\n${each('c', 0, m, `${e('i', 'c')} = (${e('i', 'c')} / d)`, 'vector')}`;
  const [from, to] = lower ? ['0', 'i'] : ['(i + 1)', `${n}`];
  const subtract = (target: string, source: string) =>
    each(
      'j',
      from,
      to,
      `let f: ${a.ty} = ${coefficient}\n${each('c', 0, m, `${e(target, 'c')} = (${e(target, 'c')} - (f * ${e(source, 'c')}))`, 'vector')}`,
    );
  // Rows that are solved are taken from row i; of the transpose, row i from those still to be solved.
  let step: string;
  if (adjoint && m === 1)
    step = `${divide}\nlet xi: ${a.ty} = ${e('i', '0')}\n${each('j', from, to, `${e('j', '0')} = (${e('j', '0')} - (${coefficient} * xi))`, 'vector')}`;
  else if (adjoint) step = `${divide}\n${subtract('j', 'i')}`;
  else if (m === 1)
    step = `acc s: ${a.ty} = ${a.ty}(0)\n${each('j', from, to, `reduce add s, (${coefficient} * ${e('j', '0')})`, 'vector copies 2')}\n${e('i', '0')} = (${e('i', '0')} - s)\n${divide}`;
  else step = `${subtract('i', 'j')}\n${divide}`;
  const forward = lower !== adjoint;
  const body = `${a.copy(1, [n, m], x)}
for step_ = 0 to ${n} {
let i: i32 = ${forward ? '(step_ + 0)' : `(${n - 1} - step_)`}
${step}
}`;
  return a.finish(body, a.rows * n * n * m);
}

/** Right-looking elimination with row exchanges. */
export function lowerLu(ctx: LowerContext, g: Group): Lowered {
  const [n] = matrixShape(g);
  const a = new Algorithm(ctx, g, 2, (2 * n ** 3) / 3);
  const { ty } = a;
  const [lu, order, sign] = [a.out(0, n * n), a.out(1, n), a.out(2, 1)];
  const e = (i: string, j: string) => entry(lu, n, i, j);
  const body = `${a.copy(0, [n, n], lu)}
${each('i', 0, n, `${at(order, 'i')} = i`, 'vector')}
acc parity: ${ty} = ${ty}(1)
for k = 0 to ${n} {
acc p: i32 = k
acc best: ${ty} = abs(${e('k', 'k')})
for i = (k + 1) to ${n} {
let size: ${ty} = abs(${e('i', 'k')})
if (size > best) {
set p = i
set best = size
}
}
if (p != k) {
for j = 0 to ${n} vector {
let upper: ${ty} = ${e('k', 'j')}
let lower: ${ty} = ${e('p', 'j')}
${e('k', 'j')} = lower
${e('p', 'j')} = upper
}
let was: i32 = ${at(order, 'k')}
${at(order, 'k')} = ${at(order, 'p')}
${at(order, 'p')} = was
set parity = neg(parity)
}
let pivot: ${ty} = ${e('k', 'k')}
for i = (k + 1) to ${n} {
let f: ${ty} = select((pivot == ${ty}(0)), ${ty}(0), (${e('i', 'k')} / pivot))
${e('i', 'k')} = f
${each('j', '(k + 1)', n, `${e('i', 'j')} = (${e('i', 'j')} - (f * ${e('k', 'j')}))`, 'vector copies 2')}
}
}
${at(sign, '0')} = parity`;
  return a.finish(body, (2 * a.rows * n ** 3) / 3);
}
