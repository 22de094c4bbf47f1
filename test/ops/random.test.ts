// Random bits against the known answers of the Random123 library, the scalar expression against the
// definition, and the distributions' statistics.

import { describe, expect, it } from 'vitest';
import { type Expr, konst } from '../../ir/kernel/expr.ts';
import { threefryExpr } from '../../ir/kernel/threefry.ts';
import { opByName, type Sample, sample } from '../../ir/op.ts';
import { threefry2x32 } from '../../ir/ops/random.ts';
import { tensorType } from '../../ir/types.ts';
import { interpret } from '../../runtime/reference/interpreter.ts';
import { opGraph, randomFrom, sampleInputs } from '../helpers.ts';

describe('threefry2x32', () => {
  // Random123's kat_vectors, 20 rounds: counter, key, output.
  it.each([
    [
      [0, 0],
      [0, 0],
      [0x6b200159, 0x99ba4efe],
    ],
    [
      [0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x1cb996fc, 0xbb002be7],
    ],
    [
      [0x243f6a88, 0x85a308d3],
      [0x13198a2e, 0x03707344],
      [0xc4923a9c, 0x483df7a0],
    ],
  ])('counter %j key %j', (counter, key, out) => {
    expect(threefry2x32(key, counter)).toEqual(out);
  });

  it('as a scalar expression gives the same first word', () => {
    const random = randomFrom(3);
    const word = () => Math.floor(random() * 2 ** 32);
    const cases = [
      [0, 0, 0],
      [0xffffffff, 0xffffffff, 0xffffffff],
    ];
    for (let i = 0; i < 50; i++) cases.push([word(), word(), word()]);
    for (const [k0, k1, i] of cases) {
      const e = threefryExpr(konst('u32', k0), konst('u32', k1), konst('u32', i));
      expect(evaluate(e)).toBe(threefry2x32([k0, k1], [i, 0])[0]);
    }
  });
});

/** Evaluates a u32 expression of the operations that threefryExpr uses. */
function evaluate(e: Expr, memo = new Map<Expr, number>()): number {
  const known = memo.get(e);
  if (known !== undefined) return known;
  expect(e.ty).toBe('u32');
  let v: number;
  if (e.k === 'const') v = e.value;
  else if (e.k === 'bin') {
    const [a, b] = [evaluate(e.a, memo), evaluate(e.b, memo)];
    const f: Record<string, () => number> = {
      add: () => a + b,
      xor: () => a ^ b,
      or: () => a | b,
      shl: () => a << b,
      shr: () => a >>> b,
    };
    v = f[e.op]() >>> 0;
  } else throw new Error(`unexpected expression ${e.k}`);
  memo.set(e, v);
  return v;
}

const draw = (name: string, key: [number, number], shape: number[], attrs: Sample['attrs'] = {}) => {
  const s: Sample = { ...sample([], { shape, ...attrs }), inputs: [{ type: tensorType('u32', [2]), values: key }] };
  return interpret(opGraph(opByName(name), s), sampleInputs(s))[0].data;
};
const meanOf = (x: ArrayLike<number>) => Array.from(x).reduce((s, v) => s + v, 0) / x.length;

describe('rng_bits', () => {
  it('begins with the known answer for key 0', () => {
    expect(draw('rng_bits', [0, 0], [1])[0]).toBe(0x6b200159);
  });
  it('gives an element by its flat index, whatever the shape', () => {
    expect(draw('rng_bits', [5, 6], [3, 4])).toEqual(draw('rng_bits', [5, 6], [12]));
    expect(draw('rng_bits', [5, 6], [12]).slice(0, 5)).toEqual(draw('rng_bits', [5, 6], [5]));
  });
  it('differs with either word of the key', () => {
    const [a, b, c] = [
      [1, 2],
      [1, 3],
      [2, 2],
    ].map((k) => draw('rng_bits', k as [number, number], [64]));
    expect(a.filter((v, i) => v === b[i] || v === c[i]).length).toBe(0);
  });
  it('sets every bit half of the time', () => {
    const words = draw('rng_bits', [7, 7], [4096]);
    for (let bit = 0; bit < 32; bit++) {
      const ones = words.filter((w) => (w >>> bit) & 1).length;
      expect(Math.abs(ones - 2048)).toBeLessThan(5 * 32); // 5 standard deviations
    }
  });
});

describe('distributions', () => {
  const n = 20_000;
  it('uniform lies in [0, 1) with mean 1/2 and variance 1/12', () => {
    const u = draw('random_uniform', [1, 1], [n]);
    expect(u.every((v) => v >= 0 && v < 1 && Math.fround(v) === v)).toBe(true);
    expect(Math.abs(meanOf(u) - 0.5)).toBeLessThan(0.01);
    expect(Math.abs(meanOf(u.map((v) => (v - 0.5) ** 2)) - 1 / 12)).toBeLessThan(0.003);
  });
  it('normal has the moments and tails of a normal', () => {
    const x = draw('random_normal', [2, 1], [n]);
    expect(Math.abs(meanOf(x))).toBeLessThan(0.035);
    expect(Math.abs(meanOf(x.map((v) => v * v)) - 1)).toBeLessThan(0.05);
    expect(Math.abs(meanOf(x.map((v) => v ** 4)) - 3)).toBeLessThan(0.4);
    expect(Math.abs(meanOf(x.map((v) => +(Math.abs(v) > 1.959964))) - 0.05)).toBeLessThan(0.008);
  });
  it('bernoulli hits with its probability', () => {
    expect(Math.abs(meanOf(draw('random_bernoulli', [3, 1], [n], { p: 0.3 })) - 0.3)).toBeLessThan(0.017);
    expect(meanOf(draw('random_bernoulli', [3, 1], [100], { p: 1 }))).toBe(1);
    expect(meanOf(draw('random_bernoulli', [3, 1], [100], { p: 0 }))).toBe(0);
  });
});
