// Integer semantics, exactly: compiled code and the definitions against arithmetic of BigInt reduced to 32
// bits, on every pair of edge values.

import { describe, expect, it } from 'vitest';
import '../../ir/ops/index.ts';
import { Builder } from '../../ir/builder.ts';
import type { Attrs, Graph } from '../../ir/graph.ts';
import { opByName } from '../../ir/op.ts';
import { type DType, tensorType } from '../../ir/types.ts';
import { runReference, runWasm } from './run.ts';

const edges: Readonly<Record<'i32' | 'u32', readonly number[]>> = {
  i32: [
    0, 1, -1, 2, -2, 3, -3, 7, -7, 31, 32, 46341, 65536, 123456789, -987654321, 2147483647, -2147483647, -2147483648,
  ],
  u32: [0, 1, 2, 3, 7, 31, 32, 65535, 65536, 123456789, 2147483647, 2147483648, 4294967294, 4294967295],
};
const wrap = (t: DType, x: bigint): number => Number(t === 'i32' ? BigInt.asIntN(32, x) : BigInt.asUintN(32, x));
/** Quotient towards 0, as BigInt has it; 0 by 0. */
const quotient = (x: bigint, y: bigint): bigint => (y === 0n ? 0n : x / y);
const remainder = (x: bigint, y: bigint): bigint => (y === 0n ? 0n : x % y);
function power(x: bigint, y: bigint): bigint {
  if (y < 0n) return x === 0n ? 0n : quotient(1n, x ** (y === -1n || y % 2n !== 0n ? 1n : 2n));
  let r = 1n;
  // Square and multiply modulo 2^32: the whole power would not fit.
  for (let [e, b] = [y, x]; e > 0n; e >>= 1n) {
    if (e & 1n) r = BigInt.asIntN(32, r * b);
    b = BigInt.asIntN(32, b * b);
  }
  return r;
}

type Exact = (x: bigint, y: bigint) => bigint;
const binary: Readonly<Record<string, Exact>> = {
  add: (x, y) => x + y,
  sub: (x, y) => x - y,
  mul: (x, y) => x * y,
  div: quotient,
  rem: remainder,
  max: (x, y) => (x - y > 0n ? x : y),
  min: (x, y) => (x - y < 0n ? x : y),
  and: (x, y) => x & y,
  or: (x, y) => x | y,
  xor: (x, y) => x ^ y,
  squared_difference: (x, y) => (x - y) ** 2n,
  pow: power,
};
const unary: Readonly<Record<string, (x: bigint) => bigint>> = {
  neg: (x) => -x,
  abs: (x) => (x < 0n ? -x : x),
  sign: (x) => (x > 0n ? 1n : x < 0n ? -1n : 0n),
  square: (x) => x * x,
  not: (x) => ~x,
  relu: (x) => (x > 0n ? x : 0n),
};

function graphOf(
  name: string,
  types: readonly DType[],
  n: number | readonly number[],
  attrs: Attrs = {},
): Graph | null {
  const b = new Builder(name);
  const shape = typeof n === 'number' ? [n] : n;
  const params = types.map((t, i) => b.param(tensorType(t, shape), `x${i}`));
  try {
    return b.build(b.emit(opByName(name), params, attrs));
  } catch {
    return null;
  }
}
async function check(g: Graph, inputs: readonly (readonly number[])[], want: readonly number[]): Promise<void> {
  expect(Array.from(runReference(g, inputs)[0]), 'the definition').toEqual(want);
  expect(Array.from((await runWasm(g, inputs)).outputs[0]), 'compiled').toEqual(want);
}
const zeros = (xs: readonly number[]): number[] => xs.map((x) => x + 0);

describe.each(['i32', 'u32'] as const)('%s', (t) => {
  const pairs = edges[t].flatMap((x) => edges[t].map((y) => [x, y] as const));
  const [xs, ys] = [pairs.map((p) => p[0]), pairs.map((p) => p[1])];

  it.each(Object.entries(binary).filter(([name]) => graphOf(name, [t, t], 1)))('%s', async (name, exact) => {
    const g = graphOf(name, [t, t], xs.length) as Graph;
    await check(
      g,
      [xs, ys],
      pairs.map(([x, y]) => wrap(t, exact(BigInt(x), BigInt(y)))),
    );
  });
  it.each(['shl', 'shr'])('%s by the amount modulo 32', async (name) => {
    const g = graphOf(name, [t, t], xs.length) as Graph;
    const exact = (x: number, y: number) => {
      const by = BigInt.asUintN(5, BigInt(y));
      return wrap(t, name === 'shl' ? BigInt(x) << by : BigInt(x) >> by);
    };
    await check(
      g,
      [xs, ys],
      pairs.map(([x, y]) => exact(x, y)),
    );
  });
  it.each(Object.entries(unary).filter(([name]) => graphOf(name, [t], 1)))('%s', async (name, exact) => {
    const g = graphOf(name, [t], edges[t].length) as Graph;
    await check(g, [edges[t]], zeros(edges[t].map((x) => wrap(t, exact(BigInt(x))))));
  });

  const big = (list: readonly number[]) => list.map(BigInt);
  const sum = (list: readonly number[]) =>
    wrap(
      t,
      big(list).reduce((a, b) => a + b, 0n),
    );
  const product = (list: readonly number[]) =>
    wrap(
      t,
      big(list).reduce((a, b) => a * b, 1n),
    );
  const odd = edges[t].filter((x) => x !== 0 && x % 2 !== 0);
  it('sums and products wrap, over rows, columns and windows', async () => {
    for (const list of [edges[t], xs])
      await check(graphOf('reduce_sum', [t], list.length, { axes: [0] }) as Graph, [list], [sum(list)]);
    await check(graphOf('reduce_prod', [t], odd.length, { axes: [0] }) as Graph, [odd], [product(odd)]);
    const n = edges[t].length;
    const columns = edges[t].map((_, c) => xs.filter((_x, i) => i % n === c));
    await check(graphOf('reduce_sum', [t], [n, n], { axes: [0] }) as Graph, [xs], columns.map(sum));
    const windows = { window: [3], strides: [1], pad: [[0, 0]] };
    const threes = edges[t].slice(2).map((_, i) => sum(edges[t].slice(i, i + 3)));
    await check(graphOf('reduce_window_sum', [t], n, windows) as Graph, [edges[t]], threes);
  });
});

it('products of int32 matrices wrap', async () => {
  const n = edges.i32.length;
  const b = new Builder('dot');
  const [x, y] = [b.param(tensorType('i32', [2, n]), 'x'), b.param(tensorType('i32', [n, 5]), 'y')];
  const g = b.build(b.emit(opByName('dot_general'), [x, y], { contract: [[1], [0]], batch: [[], []] }));
  const left = [...edges.i32, ...edges.i32.slice().reverse()];
  const right = Array.from({ length: 5 * n }, (_, i) => edges.i32[(i * 7) % n]);
  const want = [0, 1].flatMap((r) =>
    [0, 1, 2, 3, 4].map((c) =>
      wrap(
        'i32',
        edges.i32.reduce((s, _, k) => s + BigInt(left[r * n + k]) * BigInt(right[k * 5 + c]), 0n),
      ),
    ),
  );
  await check(g, [left, right], want);
});
