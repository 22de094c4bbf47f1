// The matrices of Winograd's minimal filtering F(m, 3) and code that multiplies by them (S. Winograd,
// "Arithmetic Complexity of Computations", 1980; A. Lavin, S. Gray, "Fast Algorithms for Convolutional
// Neural Networks", 2016). m results of a filter of three taps come from m + 2 products:
//   y = A^T [(G w) . (B^T x)]
// and two-dimensional ones from applying that to columns, then to rows.

import { add, type Expr, f32, fma, mul, sub } from '../../ir/kernel/expr.ts';

export type Matrix = readonly (readonly number[])[];

export interface Winograd {
  /** Results of a tile along an axis. */
  readonly m: number;
  /** Products of a tile along an axis: m + 2. */
  readonly n: number;
  /** Input tile to products: n x n. */
  readonly inputT: Matrix;
  /** Filter to products: n x 3. */
  readonly filter: Matrix;
  /** Products to results: m x n. */
  readonly outputT: Matrix;
}

/**
 * Points at which the polynomials are evaluated, infinity aside. For m = 4 the usual ones, 0, 1, 2, lose
 * five times as much to rounding as these (B. Barabasz et al., "Error Analysis and Improving the Accuracy of
 * Winograd Convolution for Deep Neural Networks", 2020, on the choice of points); all coefficients of the
 * two transforms made at run time are exact in float32.
 */
const points: Readonly<Record<number, readonly number[]>> = {
  2: [0, 1, -1],
  4: [0, 0.75, -0.75, 1.5, -1.5],
};

const product = (xs: readonly number[]): number => xs.reduce((p, x) => p * x, 1);

/** Coefficients, constant first, of the product of (x - root). */
function polynomial(roots: readonly number[]): number[] {
  let p = [1];
  for (const r of roots) p = [0, ...p].map((c, i) => c - r * (p[i] ?? 0));
  return p;
}

/** F(m, 3) by the construction of Cook and Toom; m is 2 or 4. */
export function winograd(m: number): Winograd {
  const at = points[m];
  const n = m + 2;
  const others = (i: number) => at.filter((_, j) => j !== i);
  const powers = (x: number, count: number) => Array.from({ length: count }, (_, k) => x ** k);
  const last = (count: number) => Array.from({ length: count }, (_, k) => (k === count - 1 ? 1 : 0));
  return {
    m,
    n,
    inputT: [...at.map((_, i) => [...polynomial(others(i)), 0]), polynomial(at)],
    filter: [...at.map((x, i) => powers(x, 3).map((p) => p / product(others(i).map((y) => x - y)))), last(3)],
    outputT: transposed([...at.map((x) => powers(x, m)), last(m)]),
  };
}

export const transposed = (a: Matrix): Matrix => flip(a);

/** Names an expression, so that it is computed once. */
export type Bind = (e: Expr) => Expr;

/** a x for vectors of expressions, with what pairs of points x and -x have in common computed once. */
export function multiply(a: Matrix, x: readonly Expr[], bind: Bind): Expr[] {
  const columns = pairs(transposed(a));
  if (columns.some((p) => p.length === 2)) return byColumns(a, columns, x, bind);
  const out = new Array<Expr>(a.length);
  for (const pair of pairs(a)) {
    const [i, j] = pair;
    if (j === undefined) {
      out[i] = bind(combination(a[i], x));
      continue;
    }
    // Rows that differ in the sign of the odd elements: even part plus and minus odd part.
    const even = bind(combination(part(a[i], 0), x));
    const odd = part(a[i], 1);
    const lead = odd.findLast((c) => c !== 0) as number;
    const rest = bind(
      combination(
        odd.map((c) => c / lead),
        x,
      ),
    );
    out[i] = bind(plus(even, lead, rest));
    out[j] = bind(plus(even, -lead, rest));
  }
  return out;
}

/** Columns that differ in the sign of the odd rows: sums for the even rows, differences for the odd ones. */
function byColumns(a: Matrix, columns: readonly (readonly number[])[], x: readonly Expr[], bind: Bind): Expr[] {
  const terms = columns.map(([i, j]) =>
    j === undefined ? [x[i], x[i]] : [bind(add(x[i], x[j])), bind(sub(x[i], x[j]))],
  );
  return a.map((row, r) =>
    bind(
      combination(
        columns.map(([i]) => row[i]),
        terms.map((t) => t[r % 2]),
      ),
    ),
  );
}

const part = (row: readonly number[], parity: number): number[] => row.map((c, k) => (k % 2 === parity ? c : 0));

/** Groups rows of which the second is the first with the odd elements negated. */
function pairs(rows: Matrix): number[][] {
  const out: number[][] = [];
  for (let i = 0; i < rows.length; i++) {
    const mirrored = rows[i + 1]?.every((c, k) => c === (k % 2 ? -rows[i][k] : rows[i][k]));
    const both = mirrored && part(rows[i], 1).some((c) => c !== 0);
    out.push(both ? [i, i + 1] : [i]);
    if (both) i++;
  }
  return out;
}

const plus = (e: Expr, c: number, x: Expr): Expr => (c === 1 ? add(e, x) : c === -1 ? sub(e, x) : fma(f32(c), x, e));

/** sum of c[k] x[k], terms of coefficient 1 first. */
function combination(c: readonly number[], x: readonly Expr[]): Expr {
  const used = c.map((v, k) => ({ v, e: x[k] })).filter((t) => t.v !== 0);
  used.sort((p, q) => Number(q.v === 1) - Number(p.v === 1));
  const [first, ...rest] = used;
  if (!first) return f32(0);
  return rest.reduce((e, t) => plus(e, t.v, t.e), first.v === 1 ? first.e : mul(first.e, f32(first.v)));
}

/** a X a^T for a square of expressions, `x[i][j]`. */
export function sandwich(a: Matrix, x: readonly (readonly Expr[])[], bind: Bind): Expr[][] {
  const columns = flip(x).map((column) => multiply(a, column, bind));
  return flip(columns).map((row) => multiply(a, row, bind));
}

const flip = <T>(x: readonly (readonly T[])[]): T[][] => x[0].map((_, j) => x.map((row) => row[j]));

/** a X a^T for 3 x 3 X in row-major order, as one matrix, row-major: `[position * 9 + tap]`. */
export function filterMatrix(a: Matrix): Float64Array {
  const n = a.length;
  const out = new Float64Array(n * n * 9);
  for (let pos = 0; pos < n * n; pos++)
    for (let t = 0; t < 9; t++) out[pos * 9 + t] = a[Math.floor(pos / n)][Math.floor(t / 3)] * a[pos % n][t % 3];
  return out;
}
