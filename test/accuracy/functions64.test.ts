// The float64 functions within their bounds, against arithmetic of 256 bits; what they give at the ends of
// their domains; and the oracle itself against known digits.

import { describe, expect, it } from 'vitest';
import '../../ir/ops/index.ts';
import { Builder } from '../../ir/builder.ts';
import { opByName } from '../../ir/op.ts';
import { tensorType } from '../../ir/types.ts';
import * as B from '../../tools/bigfloat.ts';
import { bounds64, measure64, ulpError64 } from '../../tools/ulp64.ts';
import { runWasm } from '../wasm/run.ts';

describe('ulp of', () => {
  it.each(bounds64.map((u) => [`${u.name} ${u.dtype}, ${u.label}`, u] as const))('%s', async (_, u) => {
    const w = await measure64(u, 512);
    expect(w.ulp, `${u.name}(${w.at})`).toBeLessThanOrEqual(u.bound);
  });
});

const Inf = Number.POSITIVE_INFINITY;
const nan = Number.NaN;
const half = Math.PI / 2;
/** Inputs and exact results: limits, poles, signed zeros. */
const limits: Readonly<Record<string, readonly (readonly [number, number])[]>> = {
  exp: [
    [-Inf, 0],
    [Inf, Inf],
    [nan, nan],
    [0, 1],
    [710, Inf],
    [-746, 0],
    [-745, 5e-324],
  ],
  expm1: [
    [-Inf, -1],
    [Inf, Inf],
    [-0, -0],
    [0, 0],
    [5e-324, 5e-324],
    [nan, nan],
  ],
  log: [
    [0, -Inf],
    [-0, -Inf],
    [-1, nan],
    [Inf, Inf],
    [1, 0],
    [nan, nan],
    [-Inf, nan],
  ],
  log1p: [
    [-1, -Inf],
    [-0, -0],
    [-2, nan],
    [Inf, Inf],
    [5e-324, 5e-324],
  ],
  sin: [
    [-0, -0],
    [0, 0],
    [Inf, nan],
    [-Inf, nan],
    [nan, nan],
    [1e-310, 1e-310],
  ],
  cos: [
    [-0, 1],
    [Inf, nan],
    [nan, nan],
  ],
  tan: [
    [-0, -0],
    [Inf, nan],
    [5e-324, 5e-324],
  ],
  asin: [
    [-0, -0],
    [1, half],
    [-1, -half],
    [1.25, nan],
    [-2, nan],
    [Inf, nan],
  ],
  acos: [
    [1, 0],
    [-1, Math.PI],
    [0, half],
    [1.25, nan],
    [nan, nan],
  ],
  atan: [
    [-0, -0],
    [Inf, half],
    [-Inf, -half],
    [nan, nan],
  ],
  sinh: [
    [-0, -0],
    [Inf, Inf],
    [-Inf, -Inf],
    [nan, nan],
  ],
  cosh: [
    [-Inf, Inf],
    [0, 1],
    [nan, nan],
  ],
  tanh: [
    [-0, -0],
    [Inf, 1],
    [-Inf, -1],
    [800, 1],
    [nan, nan],
  ],
  asinh: [
    [-0, -0],
    [Inf, Inf],
    [-Inf, -Inf],
    [nan, nan],
  ],
  acosh: [
    [1, 0],
    [0.5, nan],
    [Inf, Inf],
    [-Inf, nan],
  ],
  atanh: [
    [-0, -0],
    [1, Inf],
    [-1, -Inf],
    [2, nan],
  ],
  erf: [
    [-0, -0],
    [Inf, 1],
    [-Inf, -1],
    [nan, nan],
  ],
  erfc: [
    [0, 1],
    [Inf, 0],
    [-Inf, 2],
    [nan, nan],
  ],
  lgamma: [
    [1, 0],
    [2, 0],
    [0, Inf],
    [-0, Inf],
    [-3, Inf],
    [Inf, Inf],
    [-Inf, Inf],
    [nan, nan],
  ],
  digamma: [
    [0, -Inf],
    [-0, Inf],
    [-2, nan],
    [Inf, Inf],
    [nan, nan],
  ],
  logistic: [
    [Inf, 1],
    [-Inf, 0],
    [0, 0.5],
    [nan, nan],
  ],
  softplus: [
    [Inf, Inf],
    [-Inf, 0],
    [nan, nan],
  ],
};
const powers: readonly (readonly [number, number, number])[] = [
  [0, 0, 1],
  [nan, 0, 1],
  [1, nan, 1],
  [0, -1, Inf],
  [-0, -1, -Inf],
  [-0, 3, -0],
  [0, 3, 0],
  [-2, 3, -8],
  [-2, 0.5, nan],
  [-1, Inf, 1],
  [2, Inf, Inf],
  [2, -Inf, 0],
  [0.5, Inf, 0],
  [Inf, -1, 0],
  [-Inf, 3, -Inf],
  [-Inf, -3, -0],
  [2, 1024, Inf],
  [2, -1074, 5e-324],
  [3, 2, 9],
  [10, 22, 1e22],
  [nan, 1, nan],
  [2, nan, nan],
  [1e-300, 2, 0],
  [1e300, 1e300, Inf],
];

/** Runs a float op on a few numbers. */
async function values(name: string, dtype: 'f32' | 'f64', ...xs: readonly (readonly number[])[]): Promise<number[]> {
  const b = new Builder(name);
  const params = xs.map((x, i) => b.param(tensorType(dtype, [x.length]), `x${i}`));
  const { outputs } = await runWasm(b.build(b.emit(opByName(name), params)), xs);
  return Array.from(outputs[0]);
}
const text = (x: number): string => (Object.is(x, -0) ? '-0' : String(x));
/** The same numbers: NaN is NaN, zeros have their sign. */
const same = (a: readonly number[], b: readonly number[]): void => expect(a.map(text)).toEqual(b.map(text));

describe('limits of', () => {
  it.each(Object.entries(limits))('%s', async (name, pairs) => {
    const inputs = pairs.map(([x]) => x);
    same(
      await values(name, 'f64', inputs),
      pairs.map(([, y]) => y),
    );
  });
  it.each(Object.entries(limits))('%s in float32', async (name, pairs) => {
    const held = pairs.filter(([x]) => Number.isNaN(x) || Math.fround(x) === x);
    same(
      await values(
        name,
        'f32',
        held.map(([x]) => x),
      ),
      held.map(([, y]) => Math.fround(y)),
    );
  });
  it('pow', async () => {
    const [x, y, z] = [0, 1, 2].map((i) => powers.map((p) => p[i]));
    same(await values('pow', 'f64', x, y), z);
  });
  it('large angles in float32: lanes beside them are not touched', async () => {
    const x = [1, 1e5, -3e7, 16777216, 3.4028234663852886e38, -0, 0.5];
    const sin = await values('sin', 'f32', x);
    // 2^128 - 2^104, which is the fifth, has the sine -0.5218765....
    expect(sin.map((y, i) => Math.abs(y - Math.sin(x[i])) < 1e-7)).toEqual(x.map(() => true));
    expect(sin[4]).toBeCloseTo(-0.521876523, 7);
    expect(Object.is(sin[5], -0)).toBe(true);
  });
});

describe('the oracle', () => {
  const close = (a: B.Big, digits: string) => {
    // 30 digits after the point, as a whole number over 10^30.
    const [w, f = ''] = digits.replace('-', '').split('.');
    const m = BigInt(w + f.padEnd(30, '0').slice(0, 30)) * (digits.startsWith('-') ? -1n : 1n);
    const error = B.sub(a, B.div({ m, e: 0 }, { m: 10n ** 30n, e: 0 }));
    expect(error.m === 0n ? -200 : B.exponentOf(error)).toBeLessThan(-95);
  };
  it('knows digits', () => {
    close(B.pi, '3.141592653589793238462643383279');
    close(B.exp(B.big(1)), '2.718281828459045235360287471352');
    close(B.log(B.big(10)), '2.302585092994045684017991454684');
    close(B.sinCos(B.big(1)).sin, '0.841470984807896506652502321630');
    close(B.sinCos(B.big(1e22)).sin, '-0.852200849767188801772705893753');
    close(B.atan(B.big(1)), '0.785398163397448309615660845819');
    close(B.erf(B.big(1)), '0.842700792949714869341220635082');
    close(B.lgamma(B.big(0.5)), '0.572364942924700087071713675676');
    close(B.digamma(B.big(1)), '-0.577215664901532860606512090082');
    close(B.sqrt(B.big(2)), '1.414213562373095048801688724209');
  });
  it('counts ulps of both formats', () => {
    expect(ulpError64(1 + 2 ** -52, B.big(1))).toBe(1);
    expect(ulpError64(1 + 2 ** -23, B.big(1), 'f32')).toBe(1);
    expect(ulpError64(2 ** -1073, B.big(0))).toBe(2);
    expect(ulpError64(0.25 + 2 ** -52, B.big(0.25), 'f64', true)).toBe(1);
    expect(ulpError64(Number.POSITIVE_INFINITY, B.big(1))).toBe(Number.POSITIVE_INFINITY);
  });
});
